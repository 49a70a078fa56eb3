//! The null driver: a namespace with nothing but lo. There is one such network, called `none`, and nothing to make.

use crate::driver::{Addressing, Driver, EndpointSpec, Ground, Interface, NetworkSpec};
use crate::error::Error;
use crate::id::Id;

/// The driver of the network `none`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Null;

impl Driver for Null {
    fn name(&self) -> &'static str {
        "null"
    }

    fn addressing(&self) -> Addressing {
        Addressing::Without
    }

    fn check_creation(&self) -> Result<(), Error> {
        Err(Error::DriverSingleton("null"))
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
