//! Networks as they are typed for `--network`: a name or `name=n1,alias=a,ip=…`, joined with the older flags that speak
//! of the first network.

use std::collections::BTreeMap;

use serde_json::Value;

use super::address;
use crate::cli::endpoint::Endpoint;
use crate::cli::flags::Arguments;
use crate::cli::script::Failure;

/// The network when none is named.
const DEFAULT: &str = "default";

/// What a request says about networks.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Networks {
    /// The first one, `HostConfig.NetworkMode`.
    pub(super) mode: String,
    /// The settings of each that has some.
    pub(super) endpoints: BTreeMap<String, Value>,
}

/// A network as it was typed.
#[derive(Clone, Debug, Default)]
struct Attachment {
    name: String,
    endpoint: Endpoint,
    mac: String,
}

/// An option for a network's driver, `name=value`; names are small.
pub(in crate::cli) fn driver_option(text: &str) -> Result<(String, String), String> {
    let option = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = option.ok_or("invalid key value pair format in driver options")?;
    Ok((name.to_lowercase(), value.to_owned()))
}

/// Whether a value of `--network` can be read.
pub(super) fn check(text: &str) -> Result<(), String> {
    Attachment::parse(text).map(drop)
}

impl Attachment {
    fn parse(text: &str) -> Result<Self, String> {
        let mut attachment = Self::default();
        if !is_long_form(text) {
            text.clone_into(&mut attachment.name);
            return Ok(attachment);
        }
        for field in text.split(',') {
            let (key, value) = field.split_once('=').ok_or_else(|| format!("invalid field {field}"))?;
            attachment.set(&key.trim().to_lowercase(), value.trim())?;
        }
        if attachment.name.is_empty() {
            return Err("network name/id is not specified".to_owned());
        }
        Ok(attachment)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        let endpoint = &mut self.endpoint;
        match key {
            "name" => value.clone_into(&mut self.name),
            "alias" => endpoint.aliases.push(value.to_owned()),
            "ip" => value.clone_into(&mut endpoint.ip),
            "ip6" => value.clone_into(&mut endpoint.ip6),
            "mac-address" => value.clone_into(&mut self.mac),
            "link-local-ip" => endpoint.link_local.push(value.to_owned()),
            "driver-opt" => {
                let (name, value) = driver_option(value)?;
                endpoint.driver_options.insert(name, value);
            }
            "gw-priority" => {
                let invalid = |_| format!("invalid gw-priority ({value}): invalid syntax");
                endpoint.gateway_priority = value.parse().map_err(invalid)?;
            }
            other => return Err(format!("invalid field key {other}")),
        }
        Ok(())
    }

    /// A network that an engine does not come with.
    fn is_user_defined(&self) -> bool {
        !matches!(self.name.as_str(), "bridge" | "host" | "none" | DEFAULT) && !self.name.starts_with("container:")
    }
}

/// `key=value` and maybe more, where a word stands on both sides of the first `=`.
fn is_long_form(text: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ':' | '[');
    text.split_once('=').is_some_and(|(key, value)| key.ends_with(word) && value.starts_with(word))
}

impl Networks {
    /// Reads what was typed.
    pub(super) fn parse(typed: &Arguments) -> Result<Self, Failure> {
        let mut attachments = Vec::new();
        for text in typed.list("network") {
            attachments.push(Attachment::parse(text).map_err(Failure::new)?);
        }
        let named = !attachments.is_empty();
        if !named {
            attachments.push(Attachment { name: DEFAULT.to_owned(), ..Attachment::default() });
        }
        take_older_flags(&mut attachments[0], typed)?;
        for mac in attachments.iter().map(|attachment| &attachment.mac).filter(|mac| !mac.is_empty()) {
            address::mac(mac)?;
        }
        let lone = attachments.len() == 1;
        let mut endpoints = BTreeMap::new();
        for attachment in &attachments {
            check_name(attachment)?;
            // A lone name says nothing that the mode does not say.
            if named && lone && attachment.endpoint == Endpoint::default() {
                continue;
            }
            if endpoints.insert(attachment.name.clone(), attachment.endpoint.sparse()).is_some() {
                return Err(Failure::new(format!("network \"{}\" is specified multiple times", attachment.name)));
            }
        }
        let own = attachments.iter().filter(|attachment| attachment.is_user_defined()).count();
        if own != 0 && own != attachments.len() {
            let text = "conflicting options: cannot attach both user-defined and non-user-defined network-modes";
            return Err(Failure::new(text));
        }
        Ok(Self { mode: attachments[0].name.clone(), endpoints })
    }
}

fn check_name(attachment: &Attachment) -> Result<(), Failure> {
    if attachment.name.trim().is_empty() {
        return Err(Failure::new("no name set for network"));
    }
    if !attachment.is_user_defined() && !attachment.endpoint.aliases.is_empty() {
        return Err(Failure::new("network-scoped aliases are only supported for user-defined networks"));
    }
    Ok(())
}

/// `--ip`, `--network-alias` and the like speak of the first network, which must not say the same.
fn take_older_flags(first: &mut Attachment, typed: &Arguments) -> Result<(), Failure> {
    let own = first.is_user_defined();
    let endpoint = &mut first.endpoint;
    take_list(&mut endpoint.aliases, typed.list("network-alias"), "--network-alias and per-network alias")?;
    if own {
        take_list(&mut endpoint.links, typed.list("link"), "--link and per-network links")?;
    }
    take_text(&mut endpoint.ip, typed.text("ip"), "--ip and per-network IPv4 address")?;
    take_text(&mut endpoint.ip6, typed.text("ip6"), "--ip6 and per-network IPv6 address")?;
    take_text(&mut first.mac, typed.text("mac-address"), "--mac-address and per-network MAC address")?;
    let link_local = typed.list("link-local-ip");
    take_list(&mut endpoint.link_local, link_local, "--link-local-ip and per-network link-local IP addresses")
}

fn take_list(field: &mut Vec<String>, typed: &[String], both: &str) -> Result<(), Failure> {
    if !field.is_empty() && !typed.is_empty() {
        return Err(Failure::new(format!("conflicting options: cannot specify both {both}")));
    }
    field.extend_from_slice(typed);
    Ok(())
}

fn take_text(field: &mut String, typed: Option<&str>, both: &str) -> Result<(), Failure> {
    let Some(typed) = typed.filter(|text| !text.is_empty()) else { return Ok(()) };
    if !field.is_empty() {
        return Err(Failure::new(format!("conflicting options: cannot specify both {both}")));
    }
    typed.clone_into(field);
    Ok(())
}

/// Whether an address of hardware was asked for, which this API cannot carry.
pub(super) fn asks_for_mac(typed: &Arguments) -> bool {
    let long = |text: &String| Attachment::parse(text).is_ok_and(|attachment| !attachment.mac.is_empty());
    typed.text("mac-address").is_some_and(|mac| !mac.is_empty()) || typed.list("network").iter().any(long)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::create::options::CREATE_FLAGS;
    use crate::cli::flags::{Order, parse};

    fn networks(line: &str) -> Result<Networks, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let typed = parse(&CREATE_FLAGS, Order::FlagsFirst, &words)?;
        Networks::parse(&typed).map_err(|failure| failure.message)
    }

    #[test]
    fn a_name_alone_is_the_mode_and_nothing_more() {
        for name in ["n1", "host", "container:c1", "default"] {
            let found = networks(&format!("--net {name} busybox")).expect(name);
            assert_eq!((found.mode.as_str(), found.endpoints.len()), (name, 0));
        }
        let found = networks("busybox").expect("nothing typed");
        assert_eq!((found.mode.as_str(), found.endpoints.len()), ("default", 1));
    }

    #[test]
    fn older_flags_speak_of_the_first_network() {
        let found = networks("--net n1 --network-alias a --link c2:x --ip 10.0.0.4 --net n2 busybox").expect("good");
        assert_eq!((found.mode.as_str(), found.endpoints.len()), ("n1", 2));
        let first = found.endpoints["n1"].to_string();
        let expected = r#"{"IPAMConfig":{"IPv4Address":"10.0.0.4"},"Links":["c2:x"],"Aliases":["a"],"#;
        assert!(first.starts_with(expected), "{first}");
        let bridge = networks("--net bridge --link a:b busybox").expect("good");
        assert!(bridge.endpoints.is_empty(), "links of the default bridge are the container's");
    }

    #[test]
    fn the_long_form_says_everything_at_once() {
        let line = "--network name=n1,alias=a,alias=b,ip=10.0.0.5,driver-opt=x=y,gw-priority=3 busybox";
        let endpoint = networks(line).expect("good").endpoints["n1"].clone();
        assert_eq!(endpoint["Aliases"].to_string(), r#"["a","b"]"#);
        assert_eq!(
            (endpoint["DriverOpts"].to_string().as_str(), endpoint["GwPriority"].as_i64()),
            (r#"{"x":"y"}"#, Some(3))
        );
        assert_eq!(networks("--network name= busybox").expect("a strange name").mode, "name=");
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let refused = |line: &str| networks(line).expect_err(line);
        let invalid = |text: &str, why: &str| format!("invalid argument \"{text}\" for \"--network\" flag: {why}");
        assert_eq!(refused("--network name=n1,foo=bar b"), invalid("name=n1,foo=bar", "invalid field key foo"));
        assert_eq!(refused("--network alias=a b"), invalid("alias=a", "network name/id is not specified"));
        assert_eq!(refused("--net n1 --net n1 b"), "network \"n1\" is specified multiple times");
        let both = "conflicting options: cannot attach both user-defined and non-user-defined network-modes";
        assert_eq!(refused("--net bridge --net n1 b"), both);
        let aliases = "network-scoped aliases are only supported for user-defined networks";
        assert_eq!(refused("--net host --network-alias foo b"), aliases);
        assert_eq!(refused("--network-alias foo b"), aliases);
        let twice = "conflicting options: cannot specify both --ip and per-network IPv4 address";
        assert_eq!(refused("--network name=n1,ip=10.0.0.1 --ip 10.0.0.2 b"), twice);
    }
}
