//! Why a macvlan or ipvlan network or endpoint cannot be: what is wrong with its parent or its mode, in the words of
//! those drivers.

/// What is wrong.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ParentError {
    /// A mode that the driver does not have.
    #[error("requested {driver} mode '{mode}' is not valid, '{default}' mode is the {driver} driver default")]
    Mode {
        /// `macvlan` or `ipvlan`.
        driver: &'static str,
        /// What was asked for.
        mode: String,
        /// What it takes when nothing is asked for.
        default: &'static str,
    },
    /// lo.
    #[error("loopback interface is not a valid {0} parent link")]
    Loopback(&'static str),
    /// Another network stands on it.
    #[error("network {other} is already using parent interface {parent}")]
    Taken {
        /// The name of a parent that the other network would have made.
        other: String,
        /// The parent.
        parent: String,
    },
    /// It is not there, and its name is not that of a sub-interface.
    #[error("invalid subinterface vlan name {0}, example formatting is eth0.10")]
    NoSubInterface(String),
    /// A name with several dots.
    #[error("required interface name format is: name.vlan_id, ex. eth0.10 for vlan 10, instead received {0}")]
    Format(String),
    /// What follows the dot is no number.
    #[error("unable to parse a valid vlan id from: {0} (ex. eth0.10 for vlan 10)")]
    NotANumber(String),
    /// The number is none of a VLAN.
    #[error("vlan id must be between 1-4094, received: {0}")]
    VlanRange(i64),
    /// The device before the dot is not there.
    // Docker's own words.
    #[error("-o parent interface does was not found on the host: {0}")]
    Missing(String),
    /// The kernel refused the sub-interface.
    #[error("failed to create {name} vlan link: {reason}")]
    Vlan {
        /// Its name.
        name: String,
        /// What the kernel says.
        reason: String,
    },
    /// The kernel refused the container's device.
    #[error("failed to create the {driver} port: {reason}")]
    Port {
        /// `macvlan` or `ipvlan`.
        driver: &'static str,
        /// What the kernel says.
        reason: String,
    },
    /// The parent is gone.
    #[error("the requested parent interface {parent} was not found on the Docker host for {driver}")]
    Gone {
        /// `macvlan` or `ipvlan`.
        driver: &'static str,
        /// The parent.
        parent: String,
    },
    /// The network has no IPv4 subnet.
    #[error("ipv4 pool is empty")]
    NoPool,
}
