//! The driver of networks that a plugin makes. The plugin is asked before anything is changed (`controller::remote`), so
//! that nothing is left to do here.

use crate::driver::{Addressing, Driver};

/// A driver whose work a plugin does.
#[derive(Clone, Debug)]
pub struct Remote {
    name: String,
}

impl Remote {
    /// The driver of this plugin's networks.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned() }
    }
}

impl Driver for Remote {
    fn name(&self) -> &str {
        &self.name
    }

    fn is_remote(&self) -> bool {
        true
    }

    fn addressing(&self) -> Addressing {
        Addressing::Ipam
    }

    /// What leads out is the plugin's answer to each endpoint.
    fn gives_gateway(&self) -> bool {
        false
    }
}
