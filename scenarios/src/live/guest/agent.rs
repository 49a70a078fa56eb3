//! The agent: what a guest does for the engine. It makes namespaces or goes into those that are there, and changes them
//! as it is told; the devices and sockets in them it hands over.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::{IpAddr, TcpListener, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::thread::sleep;
use std::time::Duration;

use nix::net::if_::if_nametoindex;

use super::link::Links;
use super::losses::Losses;
use super::{files, namespaces};
use crate::live::parcel::{self, Kind, Letterbox, Order, Report};
use crate::live::picture::{Interface, Picture, Way};
use crate::live::resolver::ADDRESS;
use crate::live::tap;

/// How often a name is tried that a device still has which is about to go.
const TRIES: u32 = 200;
/// How long is waited between.
const PAUSE: Duration = Duration::from_millis(5);

/// Why a guest could not begin.
#[derive(Debug)]
pub enum Failure {
    /// This machine does not let it.
    Unsupported(&'static str, io::Error),
    /// There is no going into the namespace that was named.
    Place(io::Error),
    /// The engine broke off.
    Engine(io::Error),
}

/// Where an agent puts its devices.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Place {
    /// In namespaces of its own, or of other guests.
    Own,
    /// In a namespace that somebody else has made ([`namespaces::go_into`]), where nothing but devices is changed. The
    /// first of them has this name, if any.
    Given(String, Option<String>),
}

/// An agent that is in its namespaces.
#[derive(Debug)]
pub struct Agent {
    engine: UnixStream,
    letterbox: Letterbox,
    shown: Picture,
    /// The numbers that the devices have here, by those that they have in the world.
    numbers: BTreeMap<u32, u32>,
    /// The names that they have here, where those are not their own.
    names: BTreeMap<u32, String>,
    place: Place,
    has_resolver: bool,
    losses: Losses,
}

impl Agent {
    /// Puts this process into namespaces, as the engine at the other end of the stream wants it.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn enter(engine: UnixStream, place: Place) -> Result<Self, Failure> {
        let mut agent = Self {
            engine,
            letterbox: Letterbox::default(),
            shown: Picture::default(),
            numbers: BTreeMap::new(),
            names: BTreeMap::new(),
            place,
            has_resolver: false,
            losses: Losses::default(),
        };
        loop {
            let order: Order = agent.hear().map_err(Failure::Engine)?;
            match order {
                Order::Make(picture) => match agent.place.clone() {
                    Place::Own => agent.make(&picture)?,
                    Place::Given(place, _) => agent.make_in(&place, &picture)?,
                },
                Order::Join(kinds) if agent.place == Place::Own => {
                    let descriptors = agent.letterbox.descriptors(kinds.len()).map_err(Failure::Engine)?;
                    let made: Vec<_> = kinds.into_iter().zip(descriptors).collect();
                    namespaces::join(&made).map_err(|error| Failure::Unsupported("join namespaces", error))?;
                    agent.report(&Report::Ready, &[]).map_err(Failure::Engine)?;
                }
                Order::Begin => return Ok(agent),
                Order::Join(_) | Order::Keep(_) | Order::Change(_) => {
                    return Err(Failure::Engine(io::ErrorKind::InvalidData.into()));
                }
            }
        }
    }

    fn hear(&mut self) -> io::Result<Order> {
        loop {
            if let Some(order) = self.letterbox.open()? {
                return Ok(order);
            }
            match self.letterbox.receive(&self.engine) {
                Ok(true) => {}
                Ok(false) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn report(&self, report: &Report, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        parcel::send_all(&self.engine, report, descriptors)
    }

    /// Makes namespaces that look like a picture.
    fn make(&mut self, picture: &Picture) -> Result<(), Failure> {
        let cannot = |what| move |error| Failure::Unsupported(what, error);
        let kinds = namespaces::make(&picture.hostname).map_err(cannot("make namespaces"))?;
        files::mount_over(&picture.hosts, &picture.resolv).map_err(cannot("mount files"))?;
        self.shown.hosts.clone_from(&picture.hosts);
        self.shown.resolv.clone_from(&picture.resolv);
        self.hand_over_namespaces(kinds)?;
        let up = Links::open().and_then(|links| links.set_up(1, true));
        up.map_err(cannot("bring lo up"))?;
        // Whoever is root in a namespace of users may open the device only where everybody may.
        for interface in &picture.interfaces {
            self.add(interface).map_err(cannot("open /dev/net/tun"))?;
        }
        self.show(picture);
        self.report(&Report::Ready, &[]).map_err(Failure::Engine)
    }

    /// Makes the devices of a picture in a namespace that somebody else has made.
    fn make_in(&mut self, place: &str, picture: &Picture) -> Result<(), Failure> {
        let kinds = namespaces::go_into(place).map_err(Failure::Place)?;
        self.hand_over_namespaces(kinds)?;
        for interface in &picture.interfaces {
            self.add(interface).map_err(Failure::Place)?;
        }
        self.show(picture);
        self.report(&Report::Ready, &[]).map_err(Failure::Engine)
    }

    fn hand_over_namespaces(&self, kinds: Vec<Kind>) -> Result<(), Failure> {
        let descriptors = namespaces::descriptors(&kinds);
        let descriptors = descriptors.map_err(|error| Failure::Unsupported("open namespaces", error))?;
        let borrowed: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
        self.report(&Report::Namespaces(kinds), &borrowed).map_err(Failure::Engine)
    }

    /// The devices that it has made, by the names that they have here, with their addresses.
    pub fn devices(&self) -> impl Iterator<Item = (&str, &[(IpAddr, u8)])> {
        let made = self.shown.interfaces.iter().filter(|interface| self.numbers.contains_key(&interface.index));
        made.map(|interface| (self.name_of(interface), interface.addresses.as_slice()))
    }

    /// Waits until its devices are gone, as they are when the engine lets them go.
    pub fn await_departure(&self) {
        let is_there = || self.devices().any(|(name, _)| if_nametoindex(name).is_ok());
        for _ in (0..TRIES).take_while(|_| is_there()) {
            sleep(PAUSE);
        }
    }

    fn name_of<'a>(&'a self, interface: &'a Interface) -> &'a str {
        self.names.get(&interface.index).unwrap_or(&interface.name)
    }

    /// The name that a device gets here: in a namespace of somebody else one that nothing there has.
    fn choose_name(&mut self, interface: &Interface) -> String {
        let Place::Given(_, first) = &self.place else { return interface.name.clone() };
        let name = match first.clone().filter(|_| self.names.is_empty()) {
            Some(name) => name,
            None => {
                let is_free = |name: &String| if_nametoindex(name.as_str()).is_err();
                let mut names = core::iter::once(interface.name.clone()).chain((0..).map(|n| format!("eth{n}")));
                names.find(is_free).expect("there are more names than devices")
            }
        };
        self.names.insert(interface.index, name.clone());
        name
    }

    /// Does what the engine wants now; false when it has broken off.
    pub fn attend(&mut self) -> bool {
        if !matches!(self.letterbox.receive(&self.engine), Ok(true)) {
            return false;
        }
        while let Ok(Some(order)) = self.letterbox.open() {
            match order {
                Order::Keep(picture) => self.remember(picture),
                Order::Change(picture) => {
                    self.show(&picture);
                    if self.report(&Report::Ready, &[]).is_err() {
                        return false;
                    }
                }
                Order::Make(_) | Order::Join(_) | Order::Begin => return false,
            }
        }
        true
    }

    /// When losses are to be looked for again; never by a guest that does not keep the namespaces.
    #[must_use]
    pub fn rest(&self) -> Option<Duration> {
        (!self.numbers.is_empty()).then(|| self.losses.rest())
    }

    /// Tells the engine what devices have lost since it was told last.
    ///
    /// # Errors
    /// When the engine has broken off.
    pub fn tell_losses(&mut self) -> io::Result<()> {
        if self.numbers.is_empty() {
            return Ok(());
        }
        self.losses.look().iter().try_for_each(|(name, count)| {
            match self.shown.interfaces.iter().find(|interface| self.name_of(interface) == name) {
                Some(interface) => self.report(&Report::Lost(interface.index, *count), &[]),
                None => Ok(()),
            }
        })
    }

    /// Takes over from another guest, who left the namespaces so.
    fn remember(&mut self, picture: Picture) {
        let number = |interface: &Interface| Some((interface.index, if_nametoindex(interface.name.as_str()).ok()?));
        self.numbers = picture.interfaces.iter().filter_map(number).collect();
        self.has_resolver = picture.resolver;
        self.shown = picture;
        // The other one has told of these.
        drop(self.losses.look());
    }

    /// Makes the namespaces look like a picture. What the kernel refuses is said, and left out.
    fn show(&mut self, picture: &Picture) {
        let old = std::mem::take(&mut self.shown);
        self.numbers.retain(|index, _| picture.has_as(*index, &old) || old.interface(*index).is_none());
        for interface in &picture.interfaces {
            if !self.numbers.contains_key(&interface.index) {
                complain(&interface.name, self.add(interface));
            }
        }
        match Links::open() {
            Ok(links) => self.show_links(&links, &old, picture),
            Err(error) => complain("rtnetlink", Err(error)),
        }
        let is_own = self.place == Place::Own;
        if is_own && (&old.hosts, &old.resolv) != (&picture.hosts, &picture.resolv) {
            complain("/etc/hosts", files::rewrite(&picture.hosts, &picture.resolv));
        }
        if is_own && picture.resolver && !self.has_resolver {
            complain("127.0.0.11", self.hand_over_resolver());
        }
        self.shown = picture.clone();
    }

    /// A device for an interface, which is handed over; it is down.
    fn add(&mut self, interface: &Interface) -> io::Result<()> {
        let name = self.choose_name(interface);
        let mut tries = 0;
        let device = loop {
            match tap::open(&name) {
                // A device of that name goes as soon as the engine lets it go.
                Err(error) if error.kind() == io::ErrorKind::ResourceBusy && tries < TRIES => {
                    tries += 1;
                    sleep(PAUSE);
                }
                opened => break opened?,
            }
        };
        let number = if_nametoindex(name.as_str())?;
        Links::open()?.set_device(number, interface.mac, interface.mtu)?;
        // Without IPv6 in the kernel there is nothing to switch.
        let switch = format!("/proc/sys/net/ipv6/conf/{name}/disable_ipv6");
        let _ = fs::write(switch, if interface.ipv6 { "0" } else { "1" });
        self.numbers.insert(interface.index, number);
        self.report(&Report::Tap(interface.index), &[device.as_fd()])
    }

    fn show_links(&self, links: &Links, old: &Picture, new: &Picture) {
        let gone = |way: &&Way| !new.routes.contains(way);
        for (number, way) in old.routes.iter().filter(gone).filter_map(|way| self.numbered(way)) {
            // It went with its address or device, as it may have.
            let _ = links.remove_route(number, way);
        }
        for interface in &new.interfaces {
            let Some(number) = self.numbers.get(&interface.index).copied() else { continue };
            let before = old.interface(interface.index).filter(|_| new.has_as(interface.index, old));
            complain(&interface.name, show_interface(links, number, before, interface));
        }
        let is_there = |way: &Way| old.routes.contains(way) && new.has_as(way.interface, old);
        for (number, way) in new.routes.iter().filter(|way| !is_there(way)).filter_map(|way| self.numbered(way)) {
            match links.add_route(number, way) {
                // What somebody else has made has its own way out, which it keeps.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && self.place != Place::Own => {}
                added => complain("route", added),
            }
        }
    }

    fn numbered<'a>(&self, way: &'a Way) -> Option<(u32, &'a Way)> {
        self.numbers.get(&way.interface).map(|number| (*number, way))
    }

    fn hand_over_resolver(&mut self) -> io::Result<()> {
        let (datagrams, listener) = (UdpSocket::bind(ADDRESS)?, TcpListener::bind(ADDRESS)?);
        self.has_resolver = true;
        self.report(&Report::Resolver, &[datagrams.as_fd(), listener.as_fd()])
    }
}

impl AsFd for Agent {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.engine.as_fd()
    }
}

fn show_interface(links: &Links, number: u32, before: Option<&Interface>, now: &Interface) -> io::Result<()> {
    let had: &[_] = before.map_or(&[], |before| &before.addresses);
    if before.is_some_and(|before| before.mtu != now.mtu) {
        links.set_mtu(number, now.mtu)?;
    }
    if before.map_or(now.up, |before| before.up != now.up) {
        links.set_up(number, now.up)?;
    }
    for address in had.iter().filter(|address| !now.addresses.contains(address)) {
        links.remove_address(number, *address)?;
    }
    for address in now.addresses.iter().filter(|address| !had.contains(address)) {
        links.add_address(number, *address)?;
    }
    Ok(())
}

fn complain(what: &str, result: io::Result<()>) {
    if let Err(error) = result {
        eprintln!("netyard: {what}: {error}");
    }
}
