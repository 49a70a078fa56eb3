//! What a scenario's head tells the engines of its hosts: the keys of Docker's `daemon.json`, each read by the engine's own
//! settings, so that a wrong one is refused in dockerd's words at the line where it stands.

use core::fmt;

use netyard_drivers::daemon::{Config, Error};
use serde::de::{DeserializeSeed, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// Some settings of an engine, by key.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct EngineSettings(Map<String, Value>);

impl EngineSettings {
    /// What an engine is told that has `self` on top of what all engines have.
    ///
    /// # Errors
    /// What does not go together, in dockerd's words.
    pub fn over(&self, all: &Self) -> Result<Config, Error> {
        let mut config = Config::default();
        let common = all.0.iter().filter(|(key, _)| !self.0.contains_key(*key));
        for (key, value) in common.chain(&self.0) {
            config.set(key, value)?;
        }
        config.check()?;
        Ok(config)
    }
}

impl<'de> Deserialize<'de> for EngineSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(SettingsVisitor)
    }
}

struct SettingsVisitor;

impl<'de> Visitor<'de> for SettingsVisitor {
    type Value = EngineSettings;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("settings of an engine, such as `bip: 172.17.42.1/16`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<EngineSettings, A::Error> {
        let mut settings = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let value = map.next_value_seed(Setting(&key))?;
            if settings.insert(key.clone(), value).is_some() {
                return Err(A::Error::custom(format!("`{key}` is said twice")));
            }
        }
        Ok(EngineSettings(settings))
    }
}

/// The value of a setting.
struct Setting<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for Setting<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let mut value = Value::deserialize(deserializer)?;
        // One of a list may stand alone.
        if Config::takes_list(self.0) && !value.is_array() {
            value = Value::Array(vec![value]);
        }
        Config::default().set(self.0, &value).map_err(D::Error::custom)?;
        Ok(value)
    }
}
