//! What an engine knows of its plugins: what they implement and what they can do, asked once.

use std::collections::BTreeMap;

use super::answer::Capabilities;
use crate::error::Error;

/// What a plugin is wanted for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    /// Networks.
    Network,
    /// Addresses.
    Ipam,
}

impl Role {
    /// The word by which a plugin says that it is one for this.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Network => "NetworkDriver",
            Self::Ipam => "IpamDriver",
        }
    }
}

/// What is known of a plugin.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Known {
    /// What it says that it implements.
    pub implements: Vec<String>,
    /// What its networks are like; none when that could not be found out.
    pub network: Option<Capabilities>,
    /// What it needs to give addresses.
    pub ipam: Capabilities,
    /// What it calls the address space of this host's networks; none when that could not be found out.
    pub space: Option<String>,
}

impl Known {
    /// Whether it is a plugin for that.
    pub(super) fn check(&self, name: &str, role: Role) -> Result<(), Error> {
        if !self.implements.iter().any(|word| word == role.word()) {
            return Err(Error::Plugin("legacy plugin: Plugin does not implement the requested driver".to_owned()));
        }
        let is_scope = |known: &Capabilities| matches!(known.scope.as_str(), "local" | "global");
        if role == Role::Network && !self.network.as_ref().is_some_and(is_scope) {
            return Err(Error::Plugin(format!("could not resolve driver {name} in registry")));
        }
        if role == Role::Ipam && self.space.is_none() {
            return Err(Error::BadParameter(format!("invalid ipam driver: \"{name}\"")));
        }
        Ok(())
    }

    /// Whether its networks go across hosts.
    #[must_use]
    pub fn is_global(&self) -> bool {
        self.network.as_ref().is_some_and(|known| known.scope == "global")
    }
}

/// All plugins that are known.
#[derive(Clone, Debug, Default)]
pub struct Registry(BTreeMap<String, Known>);

impl Registry {
    /// What is known of one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Known> {
        self.0.get(name)
    }

    /// Notes what one is.
    pub fn learn(&mut self, name: &str, known: Known) {
        self.0.insert(name.to_owned(), known);
    }

    /// Those whose networks go across hosts.
    pub fn global(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, known)| known.is_global()).map(|(name, _)| name.as_str())
    }
}
