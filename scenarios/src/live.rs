//! The live engine: a site that real clients talk to over a socket. HTTP, sockets and the clock of this machine live
//! here and nowhere else; what a request means is known in `netyard-drivers`.
//!
//! How it works: one thread owns the site ([`owner`], or whoever has opened it: [`house`]); nobody else touches it. Connections are tasks of an
//! asynchronous runtime on the main thread ([`http`], [`stream`]); they send what comes from clients through the
//! [`door`] and carry back what comes out of it. How virtual time passes beside real time is [`pace`]'s affair.

pub mod buffers;
pub mod clients;
pub mod doctor;
pub mod door;
pub mod driver;
pub mod etcd;
pub mod guest;
pub mod house;
pub mod http;
pub mod outside;
pub mod owner;
pub mod pace;
pub mod parcel;
pub mod picture;
pub mod plugins;
pub mod present;
pub mod publish;
pub mod resolver;
pub mod serve;
pub mod socket;
pub mod stand_in;
pub mod store;
pub mod stream;
pub mod tap;
pub mod tunnel;
pub mod twin;
pub mod uplink;
pub mod vnet;
pub mod watch;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use netyard_drivers::cluster::remote::Ask;
use netyard_drivers::cluster::store::LeaseId;
use netyard_drivers::site::SiteConfig;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::timeout;

use door::Door;
use etcd::Etcd;
use owner::{Belongings, Cluster};
use pace::Pace;
use plugins::Plugins;
use publish::{Publisher, Reach};
use serve::Listener;
use socket::Socket;
use store::Store;
use tunnel::Tunnels;
use twin::Twins;
use uplink::{Uplink, Uplinks};

/// How long a store is told that an engine ends.
const FAREWELL: Duration = Duration::from_secs(1);

/// What a live engine shall be.
#[derive(Debug)]
pub struct Setup {
    /// The world that it is in.
    pub site: SiteConfig,
    /// How its time passes.
    pub pace: Pace,
    /// Where its socket is.
    pub socket: PathBuf,
    /// A port to listen on as well.
    pub tcp: Option<SocketAddr>,
    /// Where ports of containers are published that are published everywhere.
    pub reach: Reach,
    /// What containers reach of this machine. The site needs their machines.
    pub uplinks: Vec<Uplink>,
    /// Where libnetwork's plugins are, if there are any.
    pub plugins: Option<PathBuf>,
    /// Where a real engine finds netyard as a plugin.
    pub plugin_socket: Option<PathBuf>,
    /// The store that it shares with others, and where they reach it. The site's engine is told of both.
    pub share: Option<Share>,
}

/// What a live engine shares with others.
#[derive(Debug)]
pub struct Share {
    /// The store.
    pub etcd: Etcd,
    /// The tunnels to the others.
    pub tunnels: Tunnels,
}

/// A live engine that can be asked already.
#[derive(Debug)]
pub struct Live {
    runtime: Runtime,
    door: Door,
    owner: JoinHandle<Option<LeaseId>>,
    etcd: Option<Etcd>,
    socket: Socket,
    /// Where a real engine finds it as a plugin.
    plugin: Option<Socket>,
    tcp: Option<SocketAddr>,
    signals: [Signal; 2],
}

/// Starts a live engine.
///
/// # Errors
/// In words, when its socket or port cannot be had.
pub fn begin(setup: Setup) -> Result<Live, String> {
    let mut socket = Socket::bind(&setup.socket)?;
    raise_limit();
    let tcp = setup.tcp.map(|addr| listen(addr).map_err(|error| format!("cannot listen on {addr}: {error}")));
    let tcp = tcp.transpose()?;
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| cannot_run(&error))?;
    let (door, inbox) = Door::new().map_err(|error| cannot_run(&error))?;
    let (site, pace) = (setup.site, setup.pace);
    let publisher = Publisher::new(setup.reach, door.clone(), runtime.handle().clone());
    let uplinks = Uplinks::new(setup.uplinks, door.clone(), runtime.handle().clone());
    let guard = runtime.enter();
    let etcd = setup.share.as_ref().map(|share| share.etcd.clone());
    let cluster = setup.share.map(|Share { etcd, tunnels }| {
        tunnels.listen(door.clone()).map_err(|error| cannot_run(&error))?;
        Ok::<_, String>(Cluster { store: Store::new(etcd, door.clone(), runtime.handle().clone()), tunnels })
    });
    let plugins = Plugins::new(setup.plugins, door.clone(), runtime.handle().clone());
    let belongings = Belongings { publisher, uplinks, plugins, cluster: cluster.transpose()? };
    let owner = thread::Builder::new().name("world".to_owned());
    let (begun, has_begun) = channel();
    let owner = owner.spawn(move || owner::run(&site, pace, &inbox, belongings, &begun));
    let owner = owner.map_err(|error| cannot_run(&error))?;
    has_begun.recv().map_err(|_| "cannot run: the world ended before it began".to_owned())??;
    let twins = Twins::new(door.clone());
    let signals = [SignalKind::interrupt(), SignalKind::terminate()];
    let [interrupt, terminate] = signals.map(|kind| signal(kind).map_err(|error| cannot_run(&error)));
    let signals = [interrupt?, terminate?];
    let tcp_addr = tcp.as_ref().and_then(|listener| listener.local_addr().ok());
    let unix = socket.take_listener().map(|listener| {
        listener.set_nonblocking(true)?;
        tokio::net::UnixListener::from_std(listener).map(Listener::Unix)
    });
    let tcp = tcp.map(|listener| tokio::net::TcpListener::from_std(listener).map(Listener::Tcp));
    for listener in unix.into_iter().chain(tcp) {
        runtime.spawn(listener.map_err(|error| cannot_run(&error))?.serve(door.clone(), twins.clone()));
    }
    drop(guard);
    let plugin = setup.plugin_socket.as_deref().map(|at| driver::serve(at, socket.path())).transpose()?;
    Ok(Live { runtime, door, owner, etcd, socket, plugin, tcp: tcp_addr, signals })
}

fn cannot_run(error: &io::Error) -> String {
    format!("cannot run: {error}")
}

fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(addr)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Allows this process as many descriptors as it may have: every client needs one.
fn raise_limit() {
    let limit = getrlimit(Resource::Nofile);
    // Without it there is room for fewer clients, and the others wait.
    let _ = setrlimit(Resource::Nofile, rustix::process::Rlimit { current: limit.maximum, ..limit });
}

impl Live {
    /// Where its socket is.
    #[must_use]
    pub fn socket(&self) -> &Path {
        self.socket.path()
    }

    /// The port that it listens on.
    #[must_use]
    pub const fn tcp(&self) -> Option<SocketAddr> {
        self.tcp
    }

    /// Serves until the process is told to end.
    pub fn run(self) {
        let Self { runtime, door, owner, etcd, socket, plugin, signals: [mut interrupt, mut terminate], .. } = self;
        runtime.block_on(async {
            let mut told = tokio::task::JoinSet::new();
            told.spawn(async move { interrupt.recv().await });
            told.spawn(async move { terminate.recv().await });
            told.join_next().await;
        });
        drop((socket, plugin));
        door.stop();
        // Whatever a client still waits for, it will not come: connections end with the runtime.
        if let (Ok(Some(lease)), Some(etcd)) = (owner.join(), etcd) {
            // What it has there goes now. Without that it goes when its time is over.
            let farewell = async { timeout(FAREWELL, etcd.ask(&Ask::Revoke { lease })).await };
            drop(runtime.block_on(farewell));
        }
        runtime.shutdown_background();
    }
}
