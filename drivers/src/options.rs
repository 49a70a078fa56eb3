//! The options of a bridge network (`-o KEY=VALUE`), parsed once and strictly, as Go's strconv reads them (oracle fact
//! 14). Options with other keys are kept by the network for `inspect` and mean nothing.

use core::net::{IpAddr, Ipv4Addr};
use std::collections::BTreeMap;

use crate::error::Error;

const NAME: &str = "com.docker.network.bridge.name";
const DEFAULT_BRIDGE: &str = "com.docker.network.bridge.default_bridge";
const ICC: &str = "com.docker.network.bridge.enable_icc";
const MASQUERADE: &str = "com.docker.network.bridge.enable_ip_masquerade";
const HOST_BINDING: &str = "com.docker.network.bridge.host_binding_ipv4";
const MTU: &str = "com.docker.network.driver.mtu";
const INHIBIT_V4: &str = "com.docker.network.bridge.inhibit_ipv4";
const INTERFACE_PREFIX: &str = "com.docker.network.container_iface_prefix";

/// The bridge of the default network, unless the engine was told another.
pub const DOCKER0: &str = "docker0";

/// Whether the containers of one network may talk to each other.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Icc {
    /// They may.
    On,
    /// They may not, but for published ports and links.
    Off,
}

/// Whether what leaves a network gets the host's address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Masquerade {
    /// It does.
    On,
    /// It keeps the container's.
    Off,
}

/// What a bridge network was asked to be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BridgeOptions {
    /// The name of its bridge; `br-` and the network's id when none.
    pub name: Option<String>,
    /// Whether its containers talk to each other.
    pub icc: Icc,
    /// Whether it is masqueraded.
    pub masquerade: Masquerade,
    /// The address of the host at which ports are published unless they say otherwise.
    pub host_binding: IpAddr,
    /// The MTU of its containers; Ethernet's when none. Whether a device can have it shows when there is one.
    pub mtu: Option<u64>,
    /// What the names of its interfaces in containers begin with.
    pub interface_prefix: String,
    /// Whether its bridge has no IPv4 address.
    pub inhibit_ipv4: bool,
    /// Whether it is the engine's own, whose bridge stays when it goes.
    pub is_default: bool,
}

impl BridgeOptions {
    /// Reads the options of a network.
    ///
    /// # Errors
    /// `OptionValue` when a known key has a value that Go's strconv refuses, `MtuNegative`.
    pub fn parse(options: &BTreeMap<String, String>) -> Result<Self, Error> {
        let flag = |key: &'static str| options.get(key).map(|text| parse_bool(key, text)).transpose();
        let is_default = flag(DEFAULT_BRIDGE)?.unwrap_or_default();
        let inhibit_ipv4 = flag(INHIBIT_V4)?.unwrap_or_default();
        let icc = flag(ICC)?.unwrap_or(true);
        let masquerade = flag(MASQUERADE)?.unwrap_or(true);
        let host_binding = match options.get(HOST_BINDING) {
            Some(text) => text.parse().map_err(|_| refuse(HOST_BINDING, text, "nil ip".to_owned()))?,
            None => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        };
        let mtu = options.get(MTU).map(|text| atoi(MTU, text)).transpose()?.unwrap_or(0);
        let mtu = u64::try_from(mtu).map_err(|_| Error::MtuNegative(mtu))?;
        Ok(Self {
            name: options.get(NAME).filter(|name| !name.is_empty()).cloned(),
            icc: if icc { Icc::On } else { Icc::Off },
            masquerade: if masquerade { Masquerade::On } else { Masquerade::Off },
            host_binding,
            mtu: (mtu > 0).then_some(mtu),
            interface_prefix: options.get(INTERFACE_PREFIX).cloned().unwrap_or_else(|| "eth".to_owned()),
            inhibit_ipv4,
            is_default,
        })
    }
}

/// The options that the engine gives its own network `bridge`, as `inspect` shows them. An MTU of 0 is Ethernet's.
#[must_use]
pub fn of_default_bridge(
    name: &str,
    icc: Icc,
    masquerade: Masquerade,
    binding: IpAddr,
    mtu: i64,
) -> BTreeMap<String, String> {
    let mtu = if mtu == 0 { 1500 } else { mtu };
    [
        (DEFAULT_BRIDGE, true.to_string()),
        (ICC, (icc == Icc::On).to_string()),
        (MASQUERADE, (masquerade == Masquerade::On).to_string()),
        (HOST_BINDING, binding.to_string()),
        (NAME, name.to_owned()),
        (MTU, mtu.to_string()),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect()
}

/// The options of the bridge that leads out of networks across hosts.
#[must_use]
pub fn of_gateway_bridge(name: &str) -> BTreeMap<String, String> {
    let options = [(ICC, "false"), (MASQUERADE, "true"), (NAME, name)];
    options.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// Go's `strconv.ParseBool`, with its words where it refuses.
pub(crate) fn parse_go_bool(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(format!("strconv.ParseBool: parsing {text:?}: invalid syntax")),
    }
}

fn parse_bool(key: &'static str, text: &str) -> Result<bool, Error> {
    parse_go_bool(text).map_err(|reason| refuse(key, text, reason))
}

/// Go's `strconv.Atoi`.
fn atoi(key: &'static str, text: &str) -> Result<i64, Error> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let problem = if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        "invalid syntax"
    } else if let Ok(number) = text.parse() {
        return Ok(number);
    } else {
        "value out of range"
    };
    Err(refuse(key, text, format!("strconv.Atoi: parsing {text:?}: {problem}")))
}

fn refuse(key: &'static str, value: &str, reason: String) -> Error {
    Error::OptionValue { key, value: value.to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(key: &str, value: &str) -> Result<BridgeOptions, String> {
        BridgeOptions::parse(&BTreeMap::from([(key.to_owned(), value.to_owned())])).map_err(|e| e.to_string())
    }

    #[test]
    fn known_options_are_read_strictly_and_others_ignored() {
        assert_eq!(
            parse(ICC, "maybe").unwrap_err(),
            "failed to parse com.docker.network.bridge.enable_icc value: maybe \
             (strconv.ParseBool: parsing \"maybe\": invalid syntax)"
        );
        assert_eq!(
            parse(MTU, "abc").unwrap_err(),
            "failed to parse com.docker.network.driver.mtu value: abc \
             (strconv.Atoi: parsing \"abc\": invalid syntax)"
        );
        assert!(parse(MTU, "99999999999999999999").unwrap_err().ends_with("value out of range)"));
        assert_eq!(parse(ICC, "F").unwrap().icc, Icc::Off);
        assert_eq!(parse(MTU, "1400").unwrap().mtu, Some(1400));
        assert_eq!(parse(MTU, "0").unwrap().mtu, None);
        assert_eq!(parse(MTU, "-5").unwrap_err(), "invalid MTU number: -5");
        assert_eq!(parse(MTU, "99999999").unwrap().mtu, Some(99_999_999), "accepted (errors 78)");
        assert_eq!(parse("nosuchoption", "1").unwrap(), BridgeOptions::parse(&BTreeMap::new()).unwrap());
    }

    #[test]
    fn the_default_bridge_is_docker0() {
        let options =
            BridgeOptions::parse(&of_default_bridge(DOCKER0, Icc::On, Masquerade::On, "0.0.0.0".parse().unwrap(), 0))
                .unwrap();
        assert_eq!(options.name.as_deref(), Some("docker0"));
        assert_eq!((options.icc, options.masquerade), (Icc::On, Masquerade::On));
    }
}
