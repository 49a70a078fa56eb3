//! Why a macvlan or ipvlan network or endpoint cannot be: what is wrong with its parent or its mode, in the words of
//! those drivers.

use core::fmt;

/// What is wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ParentError {
    /// A mode that the driver does not have.
    Mode {
        /// `macvlan` or `ipvlan`.
        driver: &'static str,
        /// What was asked for.
        mode: String,
        /// What it takes when nothing is asked for.
        default: &'static str,
    },
    /// lo.
    Loopback(&'static str),
    /// Another network stands on it.
    Taken {
        /// The name of a parent that the other network would have made.
        other: String,
        /// The parent.
        parent: String,
    },
    /// It is not there, and its name is not that of a sub-interface.
    NoSubInterface(String),
    /// A name with several dots.
    Format(String),
    /// What follows the dot is no number.
    NotANumber(String),
    /// The number is none of a VLAN.
    VlanRange(i64),
    /// The device before the dot is not there.
    Missing(String),
    /// The kernel refused the sub-interface.
    Vlan {
        /// Its name.
        name: String,
        /// What the kernel says.
        reason: String,
    },
    /// The kernel refused the container's device.
    Port {
        /// `macvlan` or `ipvlan`.
        driver: &'static str,
        /// What the kernel says.
        reason: String,
    },
    /// The parent is gone.
    Gone {
        /// `macvlan` or `ipvlan`.
        driver: &'static str,
        /// The parent.
        parent: String,
    },
    /// The network has no IPv4 subnet.
    NoPool,
}

impl fmt::Display for ParentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mode { driver, mode, default } => write!(
                f,
                "requested {driver} mode '{mode}' is not valid, '{default}' mode is the {driver} driver default"
            ),
            Self::Loopback(driver) => write!(f, "loopback interface is not a valid {driver} parent link"),
            Self::Taken { other, parent } => write!(f, "network {other} is already using parent interface {parent}"),
            Self::NoSubInterface(name) => {
                write!(f, "invalid subinterface vlan name {name}, example formatting is eth0.10")
            }
            Self::Format(name) => write!(
                f,
                "required interface name format is: name.vlan_id, ex. eth0.10 for vlan 10, instead received {name}"
            ),
            Self::NotANumber(text) => {
                write!(f, "unable to parse a valid vlan id from: {text} (ex. eth0.10 for vlan 10)")
            }
            Self::VlanRange(id) => write!(f, "vlan id must be between 1-4094, received: {id}"),
            // The engine's own words.
            Self::Missing(parent) => write!(f, "-o parent interface does was not found on the host: {parent}"),
            Self::Vlan { name, reason } => write!(f, "failed to create {name} vlan link: {reason}"),
            Self::Port { driver, reason } => write!(f, "failed to create the {driver} port: {reason}"),
            Self::Gone { driver, parent } => {
                write!(f, "the requested parent interface {parent} was not found on the Docker host for {driver}")
            }
            Self::NoPool => f.write_str("ipv4 pool is empty"),
        }
    }
}
