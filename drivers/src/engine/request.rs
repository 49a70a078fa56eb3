//! What a request says: its path, its query and its body, read once. Which request does what is the router's affair.

pub(super) mod shape;

use std::collections::BTreeMap;

use netyard_sim::time::{Epoch, Instant};
use netyard_sim::userland::Request;
use regex_lite::Regex;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::date::moment;
use crate::error::Error;
use crate::percent::{decode_path, decode_query};
use crate::shape::Shape;

/// The parts of a request's target.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Target {
    /// The path without version, cut at the slashes.
    pub(super) path: Vec<String>,
    /// The query.
    pub(super) query: Query,
}

impl Target {
    /// Reads `/v1.41/networks/n1?verbose=1`; the version may be missing.
    ///
    /// # Errors
    /// `VersionTooNew` when the client speaks a later version than 1.41.
    pub(super) fn parse(target: &str) -> Result<Self, Error> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut path: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(decode_path).collect();
        if let Some(version) = path.first().and_then(|first| version(first)) {
            if version > (1, 41) {
                return Err(Error::VersionTooNew(format!("{}.{}", version.0, version.1)));
            }
            path.remove(0);
        }
        Ok(Self { path, query: Query::parse(query) })
    }
}

fn version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.strip_prefix('v')?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// The query of a request. Unknown keys are ignored and the first of several equal ones counts, since some clients
/// repeat their whole body here.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(k, v)| (decode_query(k), decode_query(v)))
                .collect(),
        )
    }

    /// The value of a key, unless it is empty.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str()).filter(|v| !v.is_empty())
    }

    /// Every value of a key.
    pub(super) fn all(&self, key: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(k, _)| k == key).map(|(_, value)| value.as_str())
    }

    /// Whether a key is there, whatever its value.
    pub(super) fn has(&self, key: &str) -> bool {
        self.0.iter().any(|(k, _)| k == key)
    }

    /// Whether a key is set: to anything but nothing, `0`, `no`, `false` and `none`, as the engine reads flags.
    pub(super) fn flag(&self, key: &str) -> bool {
        let word = self.text(key).map(str::to_lowercase);
        word.is_some_and(|w| !matches!(w.trim(), "" | "0" | "no" | "false" | "none"))
    }

    /// A number, unless there is none.
    pub(super) fn number(&self, key: &str) -> Option<i64> {
        self.text(key).and_then(|text| text.parse().ok())
    }

    /// The `version` of an update, of something of this kind.
    ///
    /// # Errors
    /// `BadParameter` when it is no such number.
    pub(super) fn version(&self, kind: &str) -> Result<u64, Error> {
        self.number("version").and_then(|version| u64::try_from(version).ok()).ok_or_else(|| {
            let given = self.text("version").unwrap_or_default();
            let why = format!("strconv.ParseUint: parsing \"{given}\": invalid syntax");
            Error::BadParameter(format!("invalid {kind} version '{given}': {why}"))
        })
    }

    /// The `filters` of a list, which may only have these keys; any when there are none.
    ///
    /// # Errors
    /// `InvalidFilter` for another key, `BadParameter` when it is not JSON.
    pub(super) fn filters(&self, allowed: &[&str]) -> Result<Filters, Error> {
        let Some(text) = self.text("filters") else { return Ok(Filters::default()) };
        let read: Result<BTreeMap<String, Values>, _> = serde_json::from_str(text);
        let read = read.map_err(|error| Error::BadParameter(error.to_string()))?;
        if let Some(key) = read.keys().find(|key| !allowed.is_empty() && !allowed.contains(&key.as_str())) {
            return Err(Error::InvalidFilter(key.clone()));
        }
        Ok(Filters(read.into_iter().map(|(key, values)| (key, values.into_list())).collect()))
    }
}

/// The two forms in which clients write the values of a filter.
#[derive(Deserialize)]
#[serde(untagged)]
enum Values {
    List(Vec<String>),
    Set(BTreeMap<String, bool>),
}

impl Values {
    fn into_list(self) -> Vec<String> {
        match self {
            Self::List(list) => list,
            Self::Set(set) => set.into_iter().filter(|(_, on)| *on).map(|(value, _)| value).collect(),
        }
    }
}

/// The filters of a list: values by key.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Filters(BTreeMap<String, Vec<String>>);

impl Filters {
    /// The values of a key; none when it is not filtered by.
    pub(super) fn values(&self, key: &str) -> &[String] {
        self.0.get(key).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether one of the values fits, or the key is not filtered by.
    pub(super) fn any(&self, key: &str, fits: impl Fn(&str) -> bool) -> bool {
        let values = self.values(key);
        values.is_empty() || values.iter().any(|value| fits(value))
    }

    /// Whether one of the values is or matches one of `names`, or the key is not filtered by. What is no regular
    /// expression matches nothing but itself.
    pub(super) fn matches(&self, key: &str, names: &[&str]) -> bool {
        self.any(key, |value| {
            names.contains(&value) || Regex::new(value).is_ok_and(|regex| names.iter().any(|name| regex.is_match(name)))
        })
    }

    /// Whether all labels fit: `key` or `key=value`; with `label!` none may.
    pub(super) fn labels(&self, labels: &BTreeMap<String, String>) -> bool {
        let has = |wanted: &String| match wanted.split_once('=') {
            Some((key, value)) => labels.get(key).is_some_and(|v| v == value),
            None => labels.contains_key(wanted),
        };
        self.values("label").iter().all(has) && !self.values("label!").iter().any(has)
    }

    /// What `until` says: only what was made before it is meant.
    ///
    /// # Errors
    /// It is neither a time nor a duration.
    pub(super) fn until(&self, epoch: Epoch, now: Instant) -> Result<Option<Instant>, Error> {
        let text = match self.values("until") {
            [] => return Ok(None),
            [text] => text,
            _ => return Err(Error::BadParameter("more than one until filter specified".to_owned())),
        };
        let unix = moment::unix(text, epoch.unix_nanos(now)).map_err(Error::BadParameter)?;
        Ok(instant(&unix, epoch))
    }
}

/// Seconds since 1970, perhaps with a fraction. A moment before the world began is its beginning.
pub(super) fn instant(text: &str, epoch: Epoch) -> Option<Instant> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let nanos: u64 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    let unix = seconds.parse::<u64>().ok()?.checked_mul(1_000_000_000)?.checked_add(nanos)?;
    Some(Instant::from_nanos(unix.saturating_sub(epoch.unix_nanos(Instant::ZERO))))
}

/// Reads a JSON body. No type need be said where there is no body, and there is nothing to be read then.
///
/// # Errors
/// `BadParameter` when it is not the JSON that was expected, or is said to be something else.
pub(super) fn json_body<T: DeserializeOwned>(request: &Request, shape: Shape) -> Result<T, Error> {
    let media = request.header("content-type").unwrap_or_default();
    if media.is_empty() && request.body.is_empty() {
        return Err(Error::BadParameter("EOF".to_owned()));
    }
    if media.split(';').next().map(str::trim) != Some("application/json") {
        let text = format!("Content-Type specified ({media}) must be 'application/json'");
        return Err(Error::BadParameter(text));
    }
    if request.body.is_empty() {
        return Err(Error::BadParameter("EOF".to_owned()));
    }
    let value: Value = serde_json::from_slice(&request.body).map_err(|error| Error::BadParameter(error.to_string()))?;
    let value = shape.read(value).map_err(Error::BadParameter)?;
    // Nothing at all is an empty body, as Go reads it.
    let value = if value.is_null() { Value::Object(Map::new()) } else { value };
    serde_json::from_value(value).map_err(|error| Error::BadParameter(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_may_be_missing_but_not_too_new() {
        let path = |target: &str| Target::parse(target).map(|t| t.path.join(" "));
        assert_eq!(path("/v1.41/networks/a%2Fb").unwrap(), "networks a/b");
        assert_eq!(path("/_ping").unwrap(), "_ping");
        assert_eq!(
            path("/v1.99/_ping").unwrap_err().to_string(),
            "client version 1.99 is too new. Maximum supported API version is 1.41"
        );
    }

    #[test]
    fn flags_and_filters_come_in_several_forms() {
        let query = |text: &str| Target::parse(&format!("/x?{text}")).unwrap().query;
        assert!(query("all=1").flag("all") && query("all=True").flag("all"));
        assert!(!query("all=0&force=").flag("all") && !query("").flag("all"));
        let filters = |text: &str| query(text).filters(&["name", "label"]);
        for text in [
            "filters=%7B%22name%22%3A%7B%22n1%22%3Atrue%7D%7D",
            "filters=%7B%22name%22%3A%5B%22n1%22%5D%7D",
            "filters={\"name\":+[\"n1\"]}",
        ] {
            assert_eq!(filters(text).unwrap().values("name"), ["n1"], "{text}");
        }
        assert_eq!(filters("filters=").unwrap(), Filters::default());
        assert_eq!(filters("filters={\"foo\":[\"bar\"]}").unwrap_err().to_string(), "Invalid filter 'foo'");
    }

    #[test]
    fn every_label_must_fit() {
        let labels = BTreeMap::from([("a".to_owned(), "1".to_owned()), ("b".to_owned(), String::new())]);
        let fits = |wanted: &[&str]| {
            let values = wanted.iter().map(|w| (*w).to_owned()).collect();
            Filters(BTreeMap::from([("label".to_owned(), values)])).labels(&labels)
        };
        assert!(fits(&["a", "b"]) && fits(&["a=1"]));
        assert!(!fits(&["a=2"]) && !fits(&["a", "c"]));
    }
}
