//! The null driver: a namespace with nothing but lo. There is one such network, called `none`, and nothing to make.

use crate::driver::{Addressing, Driver};
use crate::error::Error;

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
}
