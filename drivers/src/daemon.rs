//! What an engine was told before it started: dockerd's flags and the keys of its `daemon.json`, parsed once into
//! [`Config`]. What follows from them is decided by those who read it.
//!
//! How it works: a table of settings says what each is called and what kind of value it takes; a flag, a key of the
//! file and a line of a scenario's head all end in [`Config::set`], so that a wrong one is refused in the same words.

mod option;
mod write;

use core::fmt;
use core::net::IpAddr;

use netyard_sim::addr::IpNetwork;
use serde_json::Value;

use crate::ipam::{AddressPools, PoolRange};
use crate::options::{Icc, Masquerade};
use crate::sandbox::resolv::DnsConfig;
use option::Setting;

/// Where a host keeps the file.
pub const FILE: &str = "/etc/docker/daemon.json";

/// Whether the engine makes rules of the firewall (`--iptables`).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Firewall {
    /// It does.
    #[default]
    Managed,
    /// It leaves the firewall as it is; nothing is masqueraded or published then.
    Untouched,
}

/// What happens to containers while no engine runs (`--live-restore`).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum OnShutdown {
    /// They are stopped.
    #[default]
    Stop,
    /// They go on.
    KeepRunning,
}

/// The bridge of the network `bridge` (`--bridge`).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum DefaultBridge {
    /// The engine's own, docker0.
    #[default]
    Docker0,
    /// One that the user made before.
    Given(String),
    /// There is no such network.
    Without,
}

/// What an engine was told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Config {
    /// The bridge of the default network.
    pub bridge: DefaultBridge,
    /// Its address and subnet (`--bip`).
    pub bip: Option<IpNetwork>,
    /// The part of that subnet from which containers get addresses (`--fixed-cidr`).
    pub fixed_cidr: Option<IpNetwork>,
    /// The way out of its containers, where that is not the bridge (`--default-gateway`).
    pub default_gateway: Option<IpAddr>,
    /// Whether the default network has IPv6 addresses (`--ipv6`).
    pub ipv6: bool,
    /// Their subnet (`--fixed-cidr-v6`).
    pub fixed_cidr_v6: Option<IpNetwork>,
    /// Their way out (`--default-gateway-v6`).
    pub default_gateway_v6: Option<IpAddr>,
    /// Whether containers of the default network talk to each other (`--icc`).
    pub icc: Icc,
    /// Whether what leaves the default network gets the host's address (`--ip-masq`).
    pub masquerade: Masquerade,
    /// Whether the engine makes rules (`--iptables`).
    pub firewall: Firewall,
    /// Whether the engine switches forwarding on (`--ip-forward`).
    pub ip_forward: bool,
    /// The MTU of containers on the default network (`--mtu`); 0 is Ethernet's.
    pub mtu: i64,
    /// Whether published ports have a `docker-proxy` each (`--userland-proxy`).
    pub userland_proxy: bool,
    /// Where the default network's ports are published (`--ip`).
    pub binding: IpAddr,
    /// From where networks get subnets when they name none (`--default-address-pool`).
    pub pools: AddressPools,
    /// What containers get that say nothing else (`--dns`, `--dns-search`, `--dns-opt`).
    pub dns: DnsConfig,
    /// What happens to containers when the engine ends.
    pub on_shutdown: OnShutdown,
    /// The store that it shares with other engines (`--cluster-store`), as it was written.
    pub cluster_store: Option<String>,
    /// Where these reach it (`--cluster-advertise`), as it was written.
    pub cluster_advertise: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            bridge: DefaultBridge::Docker0,
            bip: None,
            fixed_cidr: None,
            default_gateway: None,
            ipv6: false,
            fixed_cidr_v6: None,
            default_gateway_v6: None,
            icc: Icc::On,
            masquerade: Masquerade::On,
            firewall: Firewall::Managed,
            ip_forward: true,
            mtu: 0,
            userland_proxy: true,
            binding: IpAddr::V4(core::net::Ipv4Addr::UNSPECIFIED),
            pools: AddressPools::default(),
            dns: DnsConfig::default(),
            on_shutdown: OnShutdown::Stop,
            cluster_store: None,
            cluster_advertise: None,
        }
    }
}

/// Why an engine does not start. Its `Display` is what dockerd says, without what it puts around it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Error {
    /// A flag with a value that is none.
    Argument {
        /// The flag, without dashes.
        flag: &'static str,
        /// What was given.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A flag that dockerd does not have, or that this engine does not have.
    UnknownFlag(String),
    /// Something in the file.
    File(String),
    /// Something that shows when the engine begins.
    Start(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument { flag, value, reason } => {
                write!(f, "invalid argument {value:?} for \"--{flag}\" flag: {reason}")
            }
            Self::UnknownFlag(flag) => write!(f, "unknown flag: {flag}"),
            Self::File(reason) | Self::Start(reason) => f.write_str(reason),
        }
    }
}

impl core::error::Error for Error {}

impl Error {
    /// What the program `dockerd` prints.
    #[must_use]
    pub fn report(&self) -> String {
        match self {
            Self::Argument { .. } | Self::UnknownFlag(_) => {
                format!("Status: {self}\nSee 'dockerd --help'., Code: 125\n")
            }
            Self::File(_) => format!("unable to configure the Docker daemon with file {FILE}: {self}\n"),
            Self::Start(_) => format!("failed to start daemon: {self}\n"),
        }
    }
}

impl Config {
    /// What dockerd makes of its flags and of the text of its file, which may be empty.
    ///
    /// # Errors
    /// The first thing that is wrong, in dockerd's words.
    pub fn read(flags: &[String], file: &str) -> Result<Self, Error> {
        let mut config = Self::default();
        let flags = option::parse_flags(flags)?;
        for (key, value) in option::parse_file(file, &flags)? {
            config.set(&key, &value)?;
        }
        for (setting, value) in &flags {
            config.assign(setting, value)?;
        }
        config.check()?;
        Ok(config)
    }

    /// Sets what the file calls `key`. Lists grow.
    ///
    /// # Errors
    /// There is no such key, or the value is of another kind.
    pub fn set(&mut self, key: &str, value: &Value) -> Result<(), Error> {
        let unknown = || {
            let text = format!("the following directives don't match any configuration option: {key}");
            Error::File(text)
        };
        let setting = Setting::of_file(key).ok_or_else(unknown)?;
        setting.check(value)?;
        self.assign(setting, value)
    }

    /// Whether what the file calls `key` is a list.
    #[must_use]
    pub fn takes_list(key: &str) -> bool {
        Setting::of_file(key).is_some_and(Setting::is_list)
    }

    /// Sets one whose value is of the right kind.
    fn assign(&mut self, setting: &Setting, value: &Value) -> Result<(), Error> {
        let text = value.as_str().unwrap_or_default();
        let flag = value.as_bool().unwrap_or_default();
        match setting.flag {
            "bip" => self.bip = prefix(text)?,
            "bridge" => {
                self.bridge = match text {
                    "" => DefaultBridge::Docker0,
                    "none" => DefaultBridge::Without,
                    name => DefaultBridge::Given(name.to_owned()),
                }
            }
            "cluster-advertise" => self.cluster_advertise = Some(text.to_owned()).filter(|text| !text.is_empty()),
            "cluster-store" => self.cluster_store = Some(text.to_owned()).filter(|text| !text.is_empty()),
            "default-address-pool" => self.pools.extend(pools(value)?),
            "default-gateway" => self.default_gateway = Some(option::address(setting, text)?),
            "default-gateway-v6" => self.default_gateway_v6 = Some(option::address(setting, text)?),
            "dns" => self.dns.servers.extend(texts(value)),
            "dns-opt" => self.dns.options.extend(texts(value)),
            "dns-search" => self.dns.search.extend(texts(value)),
            "fixed-cidr" => self.fixed_cidr = prefix(text)?,
            "fixed-cidr-v6" => self.fixed_cidr_v6 = prefix(text)?,
            "icc" => self.icc = if flag { Icc::On } else { Icc::Off },
            "ip" => self.binding = option::address(setting, text)?,
            "ip-forward" => self.ip_forward = flag,
            "ip-masq" => self.masquerade = if flag { Masquerade::On } else { Masquerade::Off },
            "iptables" => self.firewall = if flag { Firewall::Managed } else { Firewall::Untouched },
            "ipv6" => self.ipv6 = flag,
            "live-restore" => self.on_shutdown = if flag { OnShutdown::KeepRunning } else { OnShutdown::Stop },
            "mtu" => self.mtu = value.as_i64().unwrap_or_default(),
            "userland-proxy" => self.userland_proxy = flag,
            // What dockerd has and a closed world has no use for: where its files and its socket are.
            _ => {}
        }
        Ok(())
    }

    /// What does not go together.
    ///
    /// # Errors
    /// In dockerd's words, and in its order.
    pub fn check(&self) -> Result<(), Error> {
        let refuse = |text: &str| Err(Error::Start(text.to_owned()));
        if self.cluster_advertise.is_some() && self.cluster_store.is_none() {
            return refuse(
                "invalid cluster configuration. --cluster-advertise must be accompanied by --cluster-store configuration",
            );
        }
        if self.bridge != DefaultBridge::Docker0 && self.bip.is_some() {
            return refuse("You specified -b & --bip, mutually exclusive options. Please specify only one");
        }
        if self.firewall == Firewall::Untouched && self.icc == Icc::Off {
            return refuse(
                "You specified --iptables=false with --icc=false. ICC=false uses iptables to function. Please set \
                 --icc or --iptables to true",
            );
        }
        if self.bridge == DefaultBridge::Without {
            return Ok(());
        }
        if self.ipv6 && self.fixed_cidr_v6.is_none() {
            return refuse(
                "Error initializing network controller: IPv6 is enabled for the default bridge, but no subnet is \
                 configured. Specify an IPv6 subnet using --fixed-cidr-v6",
            );
        }
        if self.mtu < 0 {
            let text = format!("invalid MTU number: {}", self.mtu);
            return Err(refused_bridge(&text));
        }
        self.check_default_gateway()
    }

    fn check_default_gateway(&self) -> Result<(), Error> {
        match (self.bip, self.default_gateway) {
            (Some(bip), Some(gateway)) if !bip.contains(gateway) => Err(refused_bridge(&format!(
                "auxiliary address: (DefaultGatewayIPv4:{gateway}) must belong to the master pool: {}",
                netyard_sim::addr::network_of(bip)
            ))),
            (Some(bip), _) if bip.is_ipv4() && [bip.network(), bip.broadcast()].contains(&bip.ip()) => {
                Err(refused_bridge(&format!("failed to allocate gateway ({}): Address already in use", bip.ip())))
            }
            _ => Ok(()),
        }
    }
}

/// The default network cannot be made.
#[must_use]
pub fn refused_bridge(reason: &str) -> Error {
    let what = "Error initializing network controller: Error creating default \"bridge\" network";
    Error::Start(format!("{what}: {reason}"))
}

fn prefix(text: &str) -> Result<Option<IpNetwork>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = || Error::Start(format!("Error initializing network controller: invalid CIDR address: {text}"));
    crate::ipam::parse_prefix(text).map(Some).ok_or_else(wrong)
}

fn texts(value: &Value) -> Vec<String> {
    let list = value.as_array().map_or(&[][..], Vec::as_slice);
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn pools(value: &Value) -> Result<Vec<PoolRange>, Error> {
    let refuse = |text: String| {
        Error::Start(format!("Error initializing network controller: error obtaining controller instance: {text}"))
    };
    let list = value.as_array().map_or(&[][..], Vec::as_slice);
    let one = |pool: &Value| {
        let base = pool["base"].as_str().unwrap_or_default();
        let size = pool["size"].as_i64().unwrap_or_default();
        let net = crate::ipam::parse_prefix(base)
            .ok_or_else(|| refuse(format!("invalid base pool {base:?}: invalid CIDR address: {base}")))?;
        if size > if net.is_ipv4() { 32 } else { 128 } {
            let space = "failed to parse pool request for address space \"LocalDefault\" pool \"<nil>\" subpool \"\"";
            return Err(refused_bridge(&format!("{space}: Invalid Address Pool")));
        }
        let range = u8::try_from(size).ok().and_then(|size| PoolRange::new(net, size));
        range.ok_or_else(|| refuse(format!("invalid pools size: {size}")))
    };
    list.iter().map(one).collect()
}

#[cfg(test)]
mod tests;
