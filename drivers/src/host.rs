//! The host driver: the container sees the host's own namespace. There is one such network, and nothing to make.

use crate::driver::{Addressing, Driver};
use crate::error::Error;

/// The driver of the network `host`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Host;

impl Driver for Host {
    fn name(&self) -> &'static str {
        "host"
    }

    fn addressing(&self) -> Addressing {
        Addressing::Without
    }

    fn check_creation(&self) -> Result<(), Error> {
        Err(Error::DriverSingleton("host"))
    }
}
