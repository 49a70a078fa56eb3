//! The settings of dockerd by name, and reading them from flags and from its file. What a setting means is not known here.

use core::net::IpAddr;

use serde_json::{Map, Value, json};

use super::Error;
use crate::sandbox::resolv::check_domain;
use crate::shape::unreadable;

/// What kind of value a setting takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Address,
    Addresses,
    Bool,
    Domains,
    Int,
    Pools,
    Text,
    Texts,
}

/// A setting of dockerd.
#[derive(Debug)]
pub(super) struct Setting {
    /// Its flag, without dashes.
    pub(super) flag: &'static str,
    /// Its key in the file.
    pub(super) key: &'static str,
    pub(super) kind: Kind,
}

const fn one(flag: &'static str, kind: Kind) -> Setting {
    Setting { flag, key: flag, kind }
}

const fn listed(flag: &'static str, key: &'static str, kind: Kind) -> Setting {
    Setting { flag, key, kind }
}

/// In the order of the alphabet. The last ones say where the engine's own files and sockets are; it has just one place for them.
const SETTINGS: [Setting; 27] = [
    one("bip", Kind::Text),
    one("bridge", Kind::Text),
    one("cluster-advertise", Kind::Text),
    one("cluster-store", Kind::Text),
    listed("default-address-pool", "default-address-pools", Kind::Pools),
    one("default-gateway", Kind::Address),
    one("default-gateway-v6", Kind::Address),
    one("dns", Kind::Addresses),
    listed("dns-opt", "dns-opts", Kind::Texts),
    one("dns-search", Kind::Domains),
    one("fixed-cidr", Kind::Text),
    one("fixed-cidr-v6", Kind::Text),
    one("icc", Kind::Bool),
    one("ip", Kind::Address),
    one("ip-forward", Kind::Bool),
    one("ip-masq", Kind::Bool),
    one("iptables", Kind::Bool),
    one("ipv6", Kind::Bool),
    one("live-restore", Kind::Bool),
    one("mtu", Kind::Int),
    one("userland-proxy", Kind::Bool),
    one("containerd", Kind::Text),
    one("debug", Kind::Bool),
    listed("host", "hosts", Kind::Texts),
    one("data-root", Kind::Text),
    one("exec-root", Kind::Text),
    one("pidfile", Kind::Text),
];

/// Flags of one letter.
const SHORT: [(&str, &str); 4] = [("b", "bridge"), ("D", "debug"), ("H", "host"), ("p", "pidfile")];

impl Setting {
    fn of_flag(name: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.flag == name)
    }

    pub(super) fn of_file(key: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.key == key)
    }

    pub(super) const fn is_list(&self) -> bool {
        matches!(self.kind, Kind::Addresses | Kind::Domains | Kind::Pools | Kind::Texts)
    }

    /// Whether a value of the file is of the setting's kind.
    pub(super) fn check(&self, value: &Value) -> Result<(), Error> {
        let list = |fits: fn(&Value) -> bool| value.as_array().is_some_and(|list| list.iter().all(fits));
        let (fits, go_type) = match self.kind {
            Kind::Address | Kind::Text => (value.is_string(), "string"),
            Kind::Addresses | Kind::Domains | Kind::Texts => (list(Value::is_string), "[]string"),
            Kind::Bool => (value.is_boolean(), "bool"),
            Kind::Int => (value.is_i64(), "int"),
            Kind::Pools => (list(Value::is_object), "[]*ipamutils.NetworkToSplit"),
        };
        if !fits {
            return Err(self.mistyped(value, go_type));
        }
        for item in value.as_array().into_iter().flatten() {
            self.check_item(item)?;
        }
        Ok(())
    }

    fn check_item(&self, item: &Value) -> Result<(), Error> {
        let text = item.as_str().unwrap_or_default();
        let invalid = |reason: String| Error::File(format!("configuration validation from file failed: {reason}"));
        match self.kind {
            Kind::Addresses => check_address(text).map_err(invalid),
            Kind::Domains => check_domain(text).map_err(invalid),
            Kind::Pools if !item["size"].is_i64() && !item["size"].is_null() => {
                Err(self.mistyped(&item["size"], "int"))
            }
            _ => Ok(()),
        }
    }

    fn mistyped(&self, value: &Value, go_type: &str) -> Error {
        let found = match value {
            Value::Array(_) => "array",
            Value::Bool(_) => "bool",
            Value::Null | Value::Object(_) => "object",
            Value::Number(_) => "number",
            Value::String(_) => "string",
        };
        Error::File(format!(
            "json: cannot unmarshal {found} into Go struct field Config.{} of type {go_type}",
            self.key
        ))
    }

    /// The value of a flag's text.
    fn read(&'static self, text: &str) -> Result<Value, Error> {
        let refuse = |reason: String| Error::Argument { flag: self.flag, value: text.to_owned(), reason };
        match self.kind {
            Kind::Address => check_address(text).map(|()| text.into()).map_err(refuse),
            Kind::Addresses => check_address(text).map(|()| json!([text])).map_err(refuse),
            Kind::Bool => crate::options::parse_go_bool(text).map(Value::Bool).map_err(refuse),
            Kind::Domains => check_domain(text).map(|()| json!([text])).map_err(refuse),
            Kind::Int => {
                let number = text.parse::<i64>().map(Value::from);
                number.map_err(|_| refuse(format!("strconv.ParseInt: parsing {text:?}: invalid syntax")))
            }
            Kind::Pools => read_pool(text).map(|pool| json!([pool])).map_err(refuse),
            Kind::Text => Ok(text.into()),
            Kind::Texts => Ok(json!([text])),
        }
    }
}

/// `base=10.10.0.0/16,size=24`.
fn read_pool(text: &str) -> Result<Value, String> {
    let mut pool = Map::new();
    for field in text.split(',') {
        let (key, value) =
            field.split_once('=').ok_or_else(|| format!("invalid field '{field}' must be a key=value pair"))?;
        match key.to_lowercase().as_str() {
            "base" => pool.insert("base".to_owned(), value.into()),
            "size" => {
                let wrong = |_| {
                    format!(
                        "invalid size value: {value:?} (must be integer): strconv.Atoi: parsing {value:?}: invalid syntax"
                    )
                };
                pool.insert("size".to_owned(), value.parse::<i64>().map_err(wrong)?.into())
            }
            _ => return Err(format!("unexpected key '{key}' in '{field}'")),
        };
    }
    Ok(Value::Object(pool))
}

/// An address that a setting was given.
pub(super) fn address(setting: &Setting, text: &str) -> Result<IpAddr, Error> {
    let invalid = || {
        Error::File(format!("json: cannot unmarshal {text:?} into Config.{}: invalid IP address: {text}", setting.key))
    };
    text.trim().parse().map_err(|_| invalid())
}

fn check_address(text: &str) -> Result<(), String> {
    text.trim().parse::<IpAddr>().map(drop).map_err(|_| format!("{text} is not an ip address"))
}

/// The flags of a command line, in order.
pub(super) fn parse_flags(words: &[String]) -> Result<Vec<(&'static Setting, Value)>, Error> {
    let mut flags = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let (name, given) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (word.as_str(), None),
        };
        let long = name.strip_prefix("--").map(str::to_owned);
        let short = || name.strip_prefix('-').and_then(|n| SHORT.iter().find(|(letter, _)| *letter == n));
        let long = long.or_else(|| short().map(|(_, long)| (*long).to_owned()));
        let setting =
            long.and_then(|name| Setting::of_flag(&name)).ok_or_else(|| Error::UnknownFlag(name.to_owned()))?;
        let value = match given {
            Some(value) => value,
            None if setting.kind == Kind::Bool => "true".to_owned(),
            None => {
                words.next().cloned().ok_or_else(|| Error::UnknownFlag(format!("flag needs an argument: {name}")))?
            }
        };
        flags.push((setting, setting.read(&value)?));
    }
    Ok(flags)
}

/// The keys of the file, which may say nothing that a flag says too.
pub(super) fn parse_file(text: &str, flags: &[(&'static Setting, Value)]) -> Result<Map<String, Value>, Error> {
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    let keys: Map<String, Value> = serde_json::from_str(text).map_err(|error| Error::File(go_words(text, &error)))?;
    let unknown: Vec<&str> = keys.keys().map(String::as_str).filter(|key| Setting::of_file(key).is_none()).collect();
    if !unknown.is_empty() {
        let list = unknown.join(", ");
        return Err(Error::File(format!("the following directives don't match any configuration option: {list}")));
    }
    let double = |(key, value): (&String, &Value)| {
        let (_, flag) = flags.iter().find(|(setting, _)| setting.key == key)?;
        Some(format!("{key}: (from flag: {}, from file: {})", go_value(flag), go_value(value)))
    };
    let doubles: Vec<String> = keys.iter().filter_map(double).collect();
    if doubles.is_empty() {
        return Ok(keys);
    }
    let list = doubles.join(", ");
    Err(Error::File(format!(
        "the following directives are specified both as a flag and in the configuration file: {list}"
    )))
}

/// A value as Go prints it.
fn go_value(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(go_value).collect::<Vec<_>>().join(" ")),
        other => other.to_string(),
    }
}

/// What Go's parser says of a file that is no JSON object.
fn go_words(text: &str, error: &serde_json::Error) -> String {
    if error.is_eof() {
        return "unexpected end of JSON input".to_owned();
    }
    unreadable(text.as_bytes(), error)
}
