//! `type vxlan`: the words that make or change a tunnel, and what `ip -d link` says of one. Tunnels themselves are
//! `crate::vxlan`.

use core::net::IpAddr;

use super::detail::Details;
use super::{Error, Refusal, Words, usage};
use crate::device::IfIndex;
use crate::time::Duration;
use crate::userland::json::Json;
use crate::vxlan::{Settings, Ttl, Tunnel, Vni};

/// Why the words make no tunnel.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fault {
    /// A group is heard on a device.
    GroupWithoutDevice,
    /// There is one far end.
    GroupAndRemote,
    /// No device of that name beneath.
    NoDevice(String),
    /// Not a word of a tunnel.
    Unknown(String),
}

impl Fault {
    /// What iproute2 says.
    pub(super) fn text(&self) -> String {
        match self {
            Self::GroupWithoutDevice => "vxlan: 'group' requires 'dev' to be specified\n".to_owned(),
            Self::GroupAndRemote => "vxlan: both group and remote cannot be specified\n".to_owned(),
            Self::NoDevice(name) => format!("Cannot find device \"{name}\"\n"),
            Self::Unknown(word) if word == "help" => usage::of_type("vxlan").unwrap_or_default().to_owned(),
            Self::Unknown(word) => {
                format!("vxlan: unknown command \"{word}\"?\n{}", usage::of_type("vxlan").unwrap_or_default())
            }
        }
    }

    /// The exit code.
    pub(super) const fn status(&self) -> i32 {
        if matches!(self, Self::NoDevice(_)) { 255 } else { 1 }
    }
}

/// What is said to who names no port.
pub(super) const NO_PORT: &str = "\
vxlan: destination port not specified
Will use Linux kernel default (non-standard value)
Use 'dstport 4789' to get the IANA assigned value
Use 'dstport 0' to get default and quiet this message
";

/// What shall be set; a part that is none stays.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Wish {
    pub(super) vni: Option<Vni>,
    pub(super) remote: Option<IpAddr>,
    pub(super) device: Option<String>,
    /// None when no port was named; the old one for 0.
    pub(super) port: Option<u16>,
    group: Option<IpAddr>,
    local: Option<IpAddr>,
    source_ports: Option<(u16, u16)>,
    ttl: Option<Ttl>,
    tos: Option<u8>,
    ageing: Option<Duration>,
    most_addresses: Option<u32>,
    switches: Vec<(Switch, bool)>,
}

/// What is switched by a word, and off by the same with `no` before it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Switch {
    Learning,
    Proxy,
    ShortCircuit,
    L2Miss,
    L3Miss,
    Checksum,
}

const SWITCHES: [(&str, Switch); 6] = [
    ("learning", Switch::Learning),
    ("proxy", Switch::Proxy),
    ("rsc", Switch::ShortCircuit),
    ("l2miss", Switch::L2Miss),
    ("l3miss", Switch::L3Miss),
    ("udpcsum", Switch::Checksum),
];

impl Wish {
    /// Reads what follows `type vxlan`.
    pub(super) fn parse(mut words: Words) -> Result<Self, Error> {
        let mut wish = Self::default();
        while let Some(word) = words.take_next() {
            wish.set(word, &mut words)?;
        }
        match (wish.group, wish.remote, &wish.device) {
            (Some(_), Some(_), _) => Err(Fault::GroupAndRemote.into()),
            (Some(_), None, None) => Err(Fault::GroupWithoutDevice.into()),
            _ => {
                wish.remote = wish.remote.or(wish.group);
                wish.check_families()?;
                Ok(wish)
            }
        }
    }

    /// Both addresses are of the family of the one that came first; iproute2 takes the far end's.
    fn check_families(&self) -> Result<(), Error> {
        match (self.remote, self.local) {
            (Some(remote), Some(local)) if remote.is_ipv6() != local.is_ipv6() => {
                let what = if remote.is_ipv6() { "inet6 address" } else { "inet address" };
                Err(Error::Expected { what, word: local.to_string() })
            }
            _ => Ok(()),
        }
    }

    fn set(&mut self, word: String, words: &mut Words) -> Result<(), Error> {
        match word.as_str() {
            "id" | "vni" => {
                let word = words.value()?;
                let vni = word.parse().ok().and_then(Vni::new);
                self.vni = Some(vni.ok_or(Error::Invalid { word, why: "invalid id" })?);
            }
            "group" => self.group = far_end(words.value()?, true)?,
            "remote" => self.remote = far_end(words.value()?, false)?,
            "local" => self.local = local(words.value()?)?,
            "dev" => self.device = Some(words.value()?),
            "dstport" => {
                let port: u16 = number(words.value()?, "dst port")?;
                self.port = Some(if port == 0 { crate::vxlan::OLD_PORT } else { port });
            }
            "port" | "srcport" => {
                let range = (number(words.value()?, "min port")?, number(words.value()?, "max port")?);
                self.source_ports = Some(range);
            }
            "ttl" | "hoplimit" => self.ttl = Some(ttl(words.value()?)?),
            "tos" | "dsfield" => self.tos = Some(tos(words.value()?)?),
            "ageing" => self.ageing = Some(Duration::from_secs(number(words.value()?, "ageing timer")?)),
            "maxaddress" => self.most_addresses = Some(number(words.value()?, "max addresses")?),
            "noudp6zerocsumtx" | "noudp6zerocsumrx" => {}
            _ => self.switch(word)?,
        }
        Ok(())
    }

    fn switch(&mut self, word: String) -> Result<(), Error> {
        let (name, on) = word.strip_prefix("no").map_or((word.as_str(), true), |name| (name, false));
        match SWITCHES.iter().find(|(known, _)| *known == name) {
            Some((_, switch)) => self.switches.push((*switch, on)),
            None => return Err(Fault::Unknown(word).into()),
        }
        Ok(())
    }

    /// The settings of a new tunnel; `lower` is the device it named.
    pub(super) fn settings(&self, lower: Option<IfIndex>) -> Result<Settings, Error> {
        // Where nothing is said at all, it is the kernel that misses it.
        let missing = || if *self == Self::default() { Refusal::MissingNetwork.into() } else { Error::NoVni };
        let vni = self.vni.ok_or_else(missing)?;
        let mut settings = Settings { remote: self.remote, local: self.local, lower, ..Settings::new(vni) };
        settings.port = self.port.unwrap_or(settings.port);
        self.apply(&mut settings);
        Ok(settings)
    }

    /// Changes what may be changed of a tunnel that is there.
    pub(super) fn change(&self, tunnel: &mut Tunnel) -> Result<(), Error> {
        if self.vni.is_some_and(|vni| vni != tunnel.settings.vni) {
            return Err(Refusal::FixedNetwork.into());
        }
        if self.port.is_some_and(|port| port != tunnel.settings.port) {
            return Err(Refusal::NotSupported.into());
        }
        self.apply(&mut tunnel.settings);
        tunnel.settings.local = self.local.or(tunnel.settings.local);
        if self.remote.is_some() {
            tunnel.set_remote(self.remote);
        }
        Ok(())
    }

    fn apply(&self, settings: &mut Settings) {
        settings.source_ports = self.source_ports.filter(|ports| *ports != (0, 0)).or(settings.source_ports);
        settings.ttl = self.ttl.unwrap_or(settings.ttl);
        settings.tos = self.tos.unwrap_or(settings.tos);
        settings.ageing = self.ageing.unwrap_or(settings.ageing);
        settings.most_addresses = self.most_addresses.unwrap_or(settings.most_addresses);
        for (switch, on) in &self.switches {
            *(match switch {
                Switch::Learning => &mut settings.learning,
                Switch::Proxy => &mut settings.proxy,
                Switch::ShortCircuit => &mut settings.short_circuit,
                Switch::L2Miss => &mut settings.l2_miss,
                Switch::L3Miss => &mut settings.l3_miss,
                Switch::Checksum => &mut settings.checksum,
            }) = *on;
        }
    }
}

/// A far end: one station, or a group.
fn far_end(word: String, group: bool) -> Result<Option<IpAddr>, Error> {
    let ip: IpAddr = address(&word)?;
    let why = if group { "invalid group address" } else { "invalid remote address" };
    if ip.is_multicast() == group { Ok(Some(ip)) } else { Err(Error::Invalid { word, why }) }
}

fn local(word: String) -> Result<Option<IpAddr>, Error> {
    let ip = address(&word)?;
    if ip.is_multicast() { Err(Error::Invalid { word, why: "invalid local address" }) } else { Ok(Some(ip)) }
}

fn address(word: &str) -> Result<IpAddr, Error> {
    word.parse().map_err(|_| Error::Expected { what: "any valid address", word: word.to_owned() })
}

fn number<T: core::str::FromStr>(word: String, why: &'static str) -> Result<T, Error> {
    word.parse().map_err(|_| Error::Invalid { word, why })
}

fn ttl(word: String) -> Result<Ttl, Error> {
    match (word.as_str(), word.parse::<u32>()) {
        ("inherit", _) => Ok(Ttl::Inherit),
        ("auto", _) | (_, Ok(0)) => Ok(Ttl::Auto),
        (_, Ok(hops)) => {
            u8::try_from(hops).map(Ttl::Fixed).map_err(|_| Error::Invalid { word, why: "TTL must be <= 255" })
        }
        (_, Err(_)) => Err(Error::Invalid { word, why: "invalid TTL" }),
    }
}

fn tos(word: String) -> Result<u8, Error> {
    let value = word.strip_prefix("0x").map_or_else(|| word.parse(), |hex| u8::from_str_radix(hex, 16));
    value.map_err(|_| Error::Invalid { word, why: "bad TOS value" })
}

/// What `-d` says of a tunnel; `lower` is the name of the device beneath.
pub(super) fn particulars(settings: &Settings, lower: Option<&str>) -> Details {
    let mut said = Details::default();
    said.named("id", settings.vni.number());
    if let Some(remote) = settings.remote {
        said.named(if remote.is_multicast() { "group" } else { "remote" }, remote.to_string());
    }
    if let Some(local) = settings.local {
        said.named("local", local.to_string());
    }
    if let Some(lower) = lower {
        said.renamed("dev", "link", lower);
    }
    let (first, last) = settings.source_ports.unwrap_or_default();
    let range = Json::Object(vec![("low", first.into()), ("high", last.into())]);
    said.said(&format!("srcport {first} {last} "), "port_range", range);
    said.renamed("dstport", "port", settings.port);
    said.said(if settings.learning { "" } else { "nolearning " }, "learning", settings.learning.into());
    let words = [
        (settings.proxy, "proxy"),
        (settings.short_circuit, "rsc"),
        (settings.l2_miss, "l2miss"),
        (settings.l3_miss, "l3miss"),
    ];
    for (_, word) in words.into_iter().filter(|(said, _)| *said) {
        said.said(&format!("{word} "), word, true.into());
    }
    if settings.tos != 0 {
        said.named("tos", format!("{:#x}", settings.tos));
    }
    match settings.ttl {
        Ttl::Auto => said.said("ttl auto ", "ttl", 0u8.into()),
        Ttl::Inherit => said.spoken("ttl inherit "),
        Ttl::Fixed(hops) => said.named("ttl", hops),
    }
    said.field("df", "unset");
    said.named("ageing", settings.ageing.as_secs());
    if settings.most_addresses != 0 {
        said.renamed("maxaddr", "limit", settings.most_addresses);
    }
    said.said(if settings.checksum { "udpcsum " } else { "noudpcsum " }, "udp_csum", settings.checksum.into());
    said.said("noudp6zerocsumtx ", "udp_zero_csum6_tx", false.into());
    said.said("noudp6zerocsumrx ", "udp_zero_csum6_rx", false.into());
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(line: &str) -> Result<Settings, Error> {
        let words = Words(line.split_whitespace().map(str::to_owned).collect());
        Wish::parse(words)?.settings(Some(IfIndex(2)))
    }

    #[test]
    fn a_tunnel_is_described_in_the_words_that_make_it() {
        let line = "id 43 group 239.1.1.1 dev eth0 dstport 4789 ttl 5 nolearning proxy l2miss l3miss rsc tos 3 \
                    ageing 100 maxaddress 50 port 1000 2000";
        assert_eq!(
            particulars(&settings(line).unwrap(), Some("eth0")).text(),
            "id 43 group 239.1.1.1 dev eth0 srcport 1000 2000 dstport 4789 nolearning proxy rsc l2miss l3miss tos 0x3 \
             ttl 5 ageing 100 maxaddr 50 udpcsum noudp6zerocsumtx noudp6zerocsumrx "
        );
        let line = "id 45 local 10.0.0.77 ttl auto noudpcsum";
        assert_eq!(
            particulars(&settings(line).unwrap(), None).text(),
            "id 45 local 10.0.0.77 srcport 0 0 dstport 8472 ttl auto ageing 300 noudpcsum noudp6zerocsumtx \
             noudp6zerocsumrx "
        );
    }

    #[test]
    fn what_makes_no_tunnel_is_refused_as_iproute2_refuses_it() {
        let refused = |line: &str| settings(line).unwrap_err();
        assert_eq!([refused("remote 10.0.0.1"), refused("")], [Error::NoVni, Refusal::MissingNetwork.into()]);
        assert_eq!(refused("id 1 group 239.1.1.1"), Fault::GroupWithoutDevice.into());
        assert_eq!(refused("id 1 group 239.1.1.1 remote 10.0.0.1 dev eth0"), Fault::GroupAndRemote.into());
        assert_eq!(refused("id 1 frob"), Fault::Unknown("frob".into()).into());
        assert_eq!(refused("id 16777216"), Error::Invalid { word: "16777216".into(), why: "invalid id" });
        assert_eq!(
            refused("id 1 remote 239.1.1.1"),
            Error::Invalid { word: "239.1.1.1".into(), why: "invalid remote address" }
        );
        assert_eq!(refused("id 1 ttl 300"), Error::Invalid { word: "300".into(), why: "TTL must be <= 255" });
        let what = "inet6 address";
        assert_eq!(refused("id 1 remote fd00::1 local 10.0.0.1"), Error::Expected { what, word: "10.0.0.1".into() });
    }
}
