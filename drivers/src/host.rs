//! The host driver: the container sees the host's own namespace. There is one such network, and nothing to make.

use crate::driver::{Addressing, Driver, EndpointSpec, Ground, Interface, NetworkSpec};
use crate::error::Error;
use crate::id::Id;

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

    fn plan_network(&self, _: &Ground<'_>, _: &NetworkSpec<'_>) -> Result<(), Error> {
        Ok(())
    }

    fn create_network(&mut self, _: &mut Ground<'_>, _: &NetworkSpec<'_>) {}

    fn delete_network(&mut self, _: &mut Ground<'_>, _: Id) {}

    fn create_endpoint(&mut self, _: &mut Ground<'_>, _: EndpointSpec) {}

    fn delete_endpoint(&mut self, _: &mut Ground<'_>, _: Id, _: Id) {}

    fn join(&mut self, _: Id, _: Id) -> Option<Interface> {
        None
    }
}
