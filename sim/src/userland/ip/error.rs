//! Why `ip` refuses, word for word and with the exit code that goes with it: iproute2's and busybox's. The kernel's
//! refusals are here too, since iproute2 prints the kernel's own sentence and busybox only errno.

use super::vxlan::Fault;
use super::{Object, usage};
use crate::namespace::LinkError;
use crate::userland::Flavour;

/// What the kernel says no to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// The device has that IPv4 address.
    AddressAssigned,
    /// The device has that IPv6 address.
    Address6Assigned,
    /// The device has no such IPv4 address.
    AddressNotFound,
    /// The device has no such IPv6 address.
    Address6NotFound,
    /// A name, route or neighbour of that kind is there already.
    Exists,
    /// A bridge cannot be a port of a bridge.
    BridgeInBridge,
    /// The device of a route is down.
    DeviceDown,
    /// The address that new packets should get is not one of ours.
    BadSource,
    /// The next hop is on no link.
    BadGateway,
    /// The next hop of an IPv6 route is this host itself.
    LocalGateway,
    /// A destination with host bits.
    BadPrefix,
    /// A veth that shall be up before it has a peer.
    NotConnected,
    /// An Ethernet address that no single station has.
    UnfitAddress,
    /// What a neighbour shall have is no Ethernet address.
    BadLinkAddress,
    /// lo stays where it is.
    Immutable,
    /// It makes no sense for this device.
    Invalid,
    /// An MTU above 65535.
    MtuTooLarge,
    /// An MTU below 68.
    MtuTooSmall,
    /// A name of more than 15 bytes.
    NameTooLong,
    /// A neighbour without an address.
    NoLinkLayerAddress,
    /// No such neighbour.
    NoEntry,
    /// No such neighbour, asked for.
    NoNeighbour,
    /// There is no such table of IPv4.
    NoTable,
    /// There is no such table of IPv6.
    NoTable6,
    /// The source of a rule is of the other family.
    BadRuleSource,
    /// A route to nowhere.
    NoDevice,
    /// IPv6 is switched off on the device.
    NoIpv6,
    /// IPv6 is switched off on a device that a route goes out by.
    NoIpv6Onward,
    /// A way for a route that sends nothing.
    NoWayForType,
    /// A gateway besides those of several hops.
    OtherGateway,
    /// No such algorithm of congestion control.
    UnknownCongestion,
    /// A rule cannot lead to one that was asked before.
    BackwardGoto,
    /// A type of service that is none.
    BadService,
    /// Source ports in the wrong order.
    BadSourcePorts,
    /// Destination ports in the wrong order.
    BadDestinationPorts,
    /// Users in the wrong order.
    BadUsers,
    /// Nobody is stood for by that address.
    NoProxyNeighbour,
    /// No such route or process.
    NoProcess,
    /// The device cannot do it.
    NotSupported,
    /// No route there.
    NetworkUnreachable,
    /// The route says unreachable.
    HostUnreachable,
    /// The route says prohibited.
    Prohibited,
    /// Only an administrator of the network may.
    NotPermitted,
    /// No such type of device.
    UnknownType,
    /// A type that is made in another way.
    NotByNetlink,
    /// Another namespace that has a number already.
    NetnsNumbered,
    /// A number that another namespace has.
    NetnsNumberTaken,
    /// No namespace of that number.
    NoNetns,
    /// A device that must stand on another one.
    MissingLink,
    /// A VLAN without its number.
    MissingVlan,
    /// A VLAN beyond 4094.
    VlanRange,
    /// A device that is shared in another way already.
    Busy,
    /// A tunnel for that network is there.
    NetworkExists,
    /// A tunnel without its number.
    MissingNetwork,
    /// The number of a tunnel stays.
    FixedNetwork,
    /// Somebody else has the port.
    AddressInUse,
    /// An address of the other family.
    OtherFamily,
    /// A value beyond the kernel's limits.
    OutOfRange,
    /// A text that is longer than the kernel takes.
    BadAttribute,
    /// An IPv6 address that is none.
    InvalidAddress6,
    /// A group of IPv6 as an address.
    GroupAddress6,
    /// The address of IPv6's loopback elsewhere.
    LoopbackAddress6,
    /// A type of route that nobody makes any more.
    RetiredType,
    /// The device is down.
    Down,
    /// No route of IPv6 that could be replaced.
    NothingToReplace,
    /// A way that is on the link without a gateway that could be.
    IdleOnlink,
    /// A neighbour's own address without the link that it is on.
    NoEgress,
    /// The gateway is taken in here by lo.
    LoopbackEgress,
    /// An address of a prefix whose first one reaches as far as another.
    BadScope,
    /// Realms besides those of several hops.
    OtherRealms,
    /// A number for a device that another one has where it shall go.
    IndexTaken(u32),
    /// A number for a new device that another one has.
    IndexBusy,
    /// A next hop without its number.
    NoNexthopId,
    /// The number that no next hop has.
    ZeroNexthopId,
    /// A group of next hops that are not there.
    BadNexthopId,
    /// A route by a next hop that is not there.
    NoSuchNexthop,
    /// A route that says a way besides its next hop.
    NexthopAndWay,
    /// A group that is of a family.
    GroupFamily,
    /// A next hop that is of none.
    NoFamily,
    /// A way of a next hop that leads nowhere.
    BlackholeWay,
    /// A next hop without a device.
    NoNexthopDevice,
    /// A next hop by a device that is down.
    NexthopDown,
    /// A next hop by a device that leads nowhere.
    NexthopCarrier,
    /// Nothing that could be on the link.
    OnlinkWithoutGateway,
    /// A next hop that is twice in a group.
    MemberTwice,
    /// A group in a group.
    GroupInGroup,
    /// A group of which one leads nowhere.
    BlackholeAmongOthers,
    /// One of a group that shall lead nowhere.
    BlackholeMember,
    /// A next hop in the place of nobody knows which.
    ReplaceWithoutId,
    /// A group in the place of a next hop.
    GroupForNexthop,
    /// A next hop in the place of a group.
    NexthopForGroup,
    /// A route of IPv6 by a next hop of IPv4.
    NexthopFamily,
    /// A gateway on the way to this host.
    GatewayOfHost,
    /// Several ways to this host.
    WaysOfHost,
    /// A route that reaches less far than its next hop.
    ScopeMismatch,
}

impl Refusal {
    /// The kernel's own sentence, where it has one.
    const fn sentence(self) -> Option<&'static str> {
        Some(match self {
            Self::AddressAssigned => "ipv4: Address already assigned.",
            Self::Address6Assigned => "ipv6: address already assigned.",
            Self::AddressNotFound => "ipv4: Address not found.",
            Self::Address6NotFound => "ipv6: address not found.",
            Self::BridgeInBridge => "Can not enslave a bridge to a bridge.",
            Self::DeviceDown => "Device for nexthop is not up.",
            Self::BadSource => "Invalid prefsrc address.",
            Self::BadGateway => "Nexthop has invalid gateway.",
            Self::LocalGateway => "Gateway can not be a local address.",
            Self::BadPrefix => "Invalid prefix for given prefix length.",
            Self::BadLinkAddress => "Invalid link address.",
            Self::Immutable => "The interface netns is immutable.",
            Self::MtuTooLarge => "mtu greater than device maximum.",
            Self::MtuTooSmall => "mtu less than device minimum.",
            Self::NameTooLong => "Attribute failed policy validation.",
            Self::NoLinkLayerAddress => "No link layer address given.",
            Self::NoTable => "ipv4: FIB table does not exist.\nDump terminated",
            Self::NoTable6 => "ipv6: FIB table does not exist.\nDump terminated",
            Self::BadRuleSource => "Invalid source address.",
            Self::NoNeighbour => "Neighbour entry not found.",
            Self::NoProxyNeighbour => "Proxy neighbour entry not found.",
            Self::NoWayForType => "Gateway, device and multipath can not be specified for this route type.",
            Self::OtherGateway => "Nexthop gateway does not match RTA_GATEWAY or RTA_VIA.",
            Self::UnknownCongestion => "Unknown tcp congestion algorithm.",
            Self::BackwardGoto => "Backward goto not supported.",
            Self::BadService => "Invalid tos.",
            Self::BadSourcePorts => "Invalid sport range.",
            Self::BadDestinationPorts => "Invalid dport range.",
            Self::BadUsers => "Invalid uid range.",
            Self::UnknownType => "Unknown device type.",
            Self::NotByNetlink => "tun/tap creation via rtnetlink is not supported.",
            Self::NetnsNumbered => "Peer netns already has a nsid assigned.",
            Self::NetnsNumberTaken => "The specified nsid is already used.",
            Self::NoNetns => "Peer netns reference is invalid.",
            Self::MissingVlan => "VLAN properties not specified.",
            Self::VlanRange => "Invalid VLAN id.",
            Self::NetworkExists => "A VXLAN device with the specified VNI already exists.",
            Self::MissingNetwork => "Required attributes not provided to perform the operation.",
            Self::FixedNetwork => "Cannot change VNI.",
            Self::BadAttribute => "Attribute failed policy validation.",
            Self::InvalidAddress6 => "ipv6: Invalid address.",
            Self::GroupAddress6 => "ipv6: Cannot assign multicast address without \"IFA_F_MCAUTOJOIN\" flag.",
            Self::LoopbackAddress6 => "ipv6: Cannot assign loopback address on this device.",
            Self::BadScope => "ipv4: Invalid scope value.",
            Self::RetiredType => "Invalid scope.",
            Self::NothingToReplace => "Can not replace route - no match found.",
            Self::IdleOnlink => "Invalid flags for nexthop - PERVASIVE and ONLINK can not be set.",
            Self::NoEgress => "Egress device not specified.",
            Self::LoopbackEgress => "Egress device can not be loopback device for this route.",
            Self::NoNexthopId => "Nexthop id is missing.",
            Self::ZeroNexthopId => "Invalid nexthop id.",
            Self::BadNexthopId => "Invalid nexthop id.",
            Self::NoSuchNexthop => "Nexthop id does not exist.",
            Self::NexthopAndWay => "Nexthop specification and nexthop id are mutually exclusive.",
            Self::GroupFamily => "Invalid family for group.",
            Self::NoFamily => "Invalid address family.",
            Self::BlackholeWay => "Blackhole attribute can not be used with gateway, oif, encap or fdb.",
            Self::NoNexthopDevice => "Device attribute required for non-blackhole and non-fdb nexthops.",
            Self::NexthopDown => "Nexthop device is not up.",
            Self::NexthopCarrier => "Carrier for nexthop device is down.",
            Self::OnlinkWithoutGateway => "ONLINK flag can not be set for nexthop without a gateway.",
            Self::MemberTwice => "Nexthop id can not be used twice in a group.",
            Self::GroupInGroup => "Hash-threshold group can not be a nexthop within a group.",
            Self::BlackholeAmongOthers => "Blackhole nexthop can not be used in a group with more than 1 path.",
            Self::BlackholeMember => "Blackhole nexthop can not be a member of a group with more than one path.",
            Self::ReplaceWithoutId => "Replace requires nexthop id.",
            Self::GroupForNexthop => "Can not replace a nexthop with a nexthop group.",
            Self::NexthopForGroup => "Can not replace a nexthop group with a nexthop.",
            Self::NexthopFamily => "IPv6 routes can not use an IPv4 nexthop.",
            Self::GatewayOfHost => "Route with host scope can not have a gateway.",
            Self::WaysOfHost => "Route with host scope can not have multiple nexthops.",
            Self::ScopeMismatch => "Scope mismatch with nexthop.",
            Self::NoIpv6 => "ipv6: IPv6 is disabled on this device.",
            Self::NoIpv6Onward => "IPv6 is disabled on nexthop device.",
            Self::OtherRealms => "Nexthop class id does not match RTA_FLOW.",
            Self::MissingLink
            | Self::IndexTaken(_)
            | Self::IndexBusy
            | Self::UnfitAddress
            | Self::NotConnected
            | Self::AddressInUse
            | Self::OtherFamily
            | Self::OutOfRange
            | Self::Busy
            | Self::Exists
            | Self::Invalid
            | Self::NoEntry
            | Self::NoDevice
            | Self::NoProcess
            | Self::NotPermitted
            | Self::NotSupported
            | Self::NetworkUnreachable
            | Self::HostUnreachable
            | Self::Down
            | Self::Prohibited => return None,
        })
    }

    /// The text of errno.
    pub(in crate::userland) const fn errno(self) -> &'static str {
        match self {
            Self::AddressAssigned | Self::Address6Assigned | Self::Exists | Self::NetworkExists => "File exists",
            Self::AddressNotFound | Self::Address6NotFound | Self::UnfitAddress => "Cannot assign requested address",
            Self::BridgeInBridge => "Too many levels of symbolic links",
            Self::DeviceDown | Self::Down | Self::NexthopDown | Self::NexthopCarrier => "Network is down",
            Self::LocalGateway => "Invalid argument",
            Self::BadGateway | Self::NetworkUnreachable => "Network is unreachable",
            Self::NameTooLong => "Numerical result out of range",
            Self::NothingToReplace
            | Self::NoEntry
            | Self::NoNeighbour
            | Self::NoProxyNeighbour
            | Self::NoTable
            | Self::NoTable6 => "No such file or directory",
            Self::NoDevice => "No such device",
            Self::NoProcess => "No such process",
            Self::AddressInUse => "Address already in use",
            Self::OtherFamily => "Address family not supported by protocol",
            Self::NetnsNumbered | Self::NetnsNumberTaken => "File exists",
            Self::NotSupported | Self::NotByNetlink | Self::UnknownType | Self::FixedNetwork => {
                "Operation not supported"
            }
            Self::HostUnreachable => "No route to host",
            Self::NotPermitted => "Operation not permitted",
            Self::NoIpv6 | Self::NoIpv6Onward | Self::Prohibited => "Permission denied",
            Self::Busy | Self::IndexTaken(_) | Self::IndexBusy => "Device or resource busy",
            Self::NotConnected => "Transport endpoint is not connected",
            Self::InvalidAddress6 | Self::LoopbackAddress6 => "Cannot assign requested address",
            Self::VlanRange | Self::OutOfRange | Self::BadAttribute => "Numerical result out of range",
            Self::BadSource
            | Self::OtherRealms
            | Self::BadScope
            | Self::NoNexthopId
            | Self::ZeroNexthopId
            | Self::BadNexthopId
            | Self::NoSuchNexthop
            | Self::NexthopAndWay
            | Self::GroupFamily
            | Self::NoFamily
            | Self::BlackholeWay
            | Self::NoNexthopDevice
            | Self::OnlinkWithoutGateway
            | Self::MemberTwice
            | Self::GroupInGroup
            | Self::BlackholeAmongOthers
            | Self::BlackholeMember
            | Self::ReplaceWithoutId
            | Self::GroupForNexthop
            | Self::NexthopForGroup
            | Self::NexthopFamily
            | Self::GatewayOfHost
            | Self::WaysOfHost
            | Self::ScopeMismatch
            | Self::RetiredType
            | Self::IdleOnlink
            | Self::NoEgress
            | Self::LoopbackEgress
            | Self::GroupAddress6
            | Self::BadRuleSource
            | Self::MissingLink
            | Self::MissingNetwork
            | Self::MissingVlan
            | Self::BadPrefix
            | Self::NoWayForType
            | Self::OtherGateway
            | Self::UnknownCongestion
            | Self::BackwardGoto
            | Self::BadService
            | Self::BadSourcePorts
            | Self::BadDestinationPorts
            | Self::BadUsers
            | Self::BadLinkAddress
            | Self::Immutable
            | Self::Invalid
            | Self::MtuTooLarge
            | Self::MtuTooSmall
            | Self::NoNetns
            | Self::NoLinkLayerAddress => "Invalid argument",
        }
    }
}

impl From<LinkError> for Refusal {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::AddressExists => Self::AddressAssigned,
            LinkError::Busy => Self::BridgeInBridge,
            LinkError::Exists | LinkError::RouteExists => Self::Exists,
            LinkError::Incompatible | LinkError::InvalidName => Self::Invalid,
            LinkError::Sharing => Self::Busy,
            LinkError::NextHopUnreachable => Self::BadGateway,
            LinkError::NoAddress => Self::AddressNotFound,
            LinkError::NoDevice => Self::NoDevice,
            LinkError::NoIpv6 => Self::NoIpv6,
            LinkError::NetworkDown => Self::DeviceDown,
            LinkError::NotABridge => Self::NotSupported,
            LinkError::NetworkExists => Self::NetworkExists,
            LinkError::NotMovable => Self::Immutable,
        }
    }
}

/// Why a command line was not carried out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Error {
    /// Nothing, or `help`, was asked of `ip` itself.
    Usage,
    /// `help` was asked of an object.
    Help,
    /// `help` was asked of a type of device.
    TypeHelp(&'static str),
    /// `ip route add` and its kin without a destination.
    MissingRoute,
    /// No such object.
    UnknownObject(String),
    /// No such option before the object.
    UnknownOption(String),
    /// No such command of the object.
    UnknownCommand(String),
    /// The line ends where a value must follow.
    Incomplete,
    /// A word that belongs nowhere.
    Garbage {
        /// What a bare word stands for here: `dev`, `to`, `local`.
        place: &'static str,
        /// The word.
        word: String,
    },
    /// A value that makes no sense.
    Wrong {
        /// The value.
        word: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The same of a word of which less is said.
    Invalid {
        /// The value.
        word: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A word that sets nothing of a bridge.
    NoBridgeSetting(String),
    /// A tunnel that cannot be.
    Tunnel(Fault),
    /// An address or prefix that is none.
    Expected {
        /// What should stand there.
        what: &'static str,
        /// What stands there.
        word: String,
    },
    /// Neither `on` nor `off`.
    NotASwitch {
        /// What is switched.
        name: &'static str,
        /// What stands there.
        word: String,
    },
    /// A word that the type of a new device does not know.
    UnknownParticular {
        /// The type.
        kind: &'static str,
        /// The word.
        word: String,
    },
    /// Not a mode of macvlan.
    MacvlanMode(String),
    /// Not a mode of ipvlan.
    IpvlanMode,
    /// Neither a cable in nor out.
    Carrier(String),
    /// Nothing behind `nexthop`.
    NoHop,
    /// A word behind a hop that is none.
    NotAHop(String),
    /// No device of that name, for a hop.
    NoHopDevice(String),
    /// Not an Ethernet address.
    BadMac(String),
    /// So many bytes are none.
    MacLength(usize),
    /// A device must be named.
    MissingDevice,
    /// The same of `ip maddress`.
    MissingMaddressDevice,
    /// The kernel does not change what a device listens to.
    GroupRefused(Refusal),
    /// A type must be named.
    MissingType,
    /// `ip neigh add` without its two words.
    MissingNeighbour,
    /// `ip neigh get` without its two words.
    MissingEntry,
    /// `ip route get` without an address.
    MissingDestination,
    /// `ip rule add` or `del` without anything.
    MissingRule(&'static str),
    /// `flush` without saying what.
    FlushAll,
    /// Routes that cannot be named so that they go.
    FlushRefused(Refusal),
    /// No device of that name, for a change.
    NoDevice(String),
    /// No device of that name, to be shown.
    NotShown(String),
    /// The kernel refused.
    Refused(Refusal),
    /// `ip netns` without a name.
    MissingName,
    /// `ip netns exec` without a command.
    MissingCommand,
    /// `ip netns set` without a number.
    MissingNetnsid,
    /// `ip tuntap add` or `del` without a mode.
    MissingTunMode,
    /// Not a mode of a device that a program opens.
    TunMode(String),
    /// What the device file answered.
    TunFile(&'static str),
    /// Nobody of that name.
    NoAccount {
        /// A user, or a group.
        what: &'static str,
        /// The name.
        word: String,
    },
    /// Not a name that a file could have.
    BadName(String),
    /// A namespace of that name is there.
    NameTaken(String),
    /// There is none to be removed.
    NoName(String),
    /// A switch of a port is neither on nor off.
    OneOf {
        /// Which.
        name: &'static str,
        /// What it shall be.
        word: String,
    },
    /// A change of a number where a device is only changed.
    FixedIndex,
    /// A tunnel that is of no network.
    NoVni,
    /// A word that `ip monitor` does not know.
    UnknownArgument(String),
    /// No file of what was told long ago.
    NoFile,
    /// Room for answers that is no number.
    BufferSize(String),
    /// A value was given twice.
    Twice {
        /// What it is of.
        what: &'static str,
        /// The second one.
        word: String,
    },
    /// IPv6 has no broadcast addresses.
    NoBroadcast,
    /// Only a group can be joined.
    NoGroupToJoin,
    /// An address that is good for no time.
    NoLifetime,
    /// An address that is preferred when it is not good any more.
    PreferredLonger,
    /// There is none to be entered.
    NotOpened(String),
    /// What should be a process is no number.
    NotAPid(String),
    /// There is none whose name or processes could be told.
    NotIdentified,
    /// There is none to be given a number.
    NotNumbered(String),
    /// There is no such program.
    NoProgram(String),
}

impl From<LinkError> for Error {
    fn from(error: LinkError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Tunnel(fault)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Error {
    /// What is printed to standard error.
    #[must_use]
    pub fn text(&self, flavour: Flavour, object: Object) -> String {
        match flavour {
            Flavour::Host => self.iproute2(object),
            Flavour::Busybox => self.busybox(),
        }
    }

    /// The exit code.
    #[must_use]
    pub const fn status(&self, flavour: Flavour, object: Object) -> i32 {
        match (flavour, self) {
            (_, Self::Refused(_) | Self::FlushRefused(_)) => 2,
            (_, Self::Tunnel(fault)) => fault.status(),
            (_, Self::NoBridgeSetting(_) | Self::TypeHelp(_)) => 1,
            (Flavour::Busybox, Self::MissingRoute) => 2,
            (Flavour::Busybox, Self::Usage) => 1,
            (Flavour::Busybox, _) => {
                if matches!(object, Object::Link) && !matches!(self, Self::BadMac(_)) {
                    2
                } else {
                    1
                }
            }
            (Flavour::Host, Self::Carrier(_)) => 22,
            (Flavour::Host, Self::OneOf { .. }) => 234,
            (Flavour::Host, Self::MissingDevice) if !matches!(object, Object::Link) => 1,
            (
                Flavour::Host,
                Self::UnknownObject(_)
                | Self::UnknownParticular { .. }
                | Self::GroupRefused(_)
                | Self::MacvlanMode(_)
                | Self::IpvlanMode
                | Self::Expected { .. }
                | Self::BadMac(_)
                | Self::MacLength(_)
                | Self::NotASwitch { .. }
                | Self::MissingType
                | Self::MissingDestination
                | Self::MissingEntry
                | Self::MissingRule(_)
                | Self::FlushAll
                | Self::NoDevice(_)
                | Self::NotShown(_)
                | Self::MissingName
                | Self::MissingNetnsid
                | Self::NoBroadcast
                | Self::NoVni
                | Self::NoGroupToJoin
                | Self::NoLifetime
                | Self::PreferredLonger
                | Self::MissingTunMode
                | Self::TunFile(_)
                | Self::NameTaken(_)
                | Self::NoName(_)
                | Self::NotNumbered(_)
                | Self::MissingCommand
                | Self::NotAPid(_)
                | Self::NotIdentified
                | Self::NoProgram(_),
            ) => 1,
            (Flavour::Host, _) => 255,
        }
    }

    fn iproute2(&self, object: Object) -> String {
        let name = object.name();
        match self {
            Self::Usage => HOST_USAGE.to_owned(),
            Self::Help | Self::MissingRoute => usage::of(object).to_owned(),
            Self::TypeHelp(kind) => usage::of_type(kind).unwrap_or_default().to_owned(),
            Self::UnknownObject(word) => format!("Object \"{word}\" is unknown, try \"ip help\".\n"),
            Self::UnknownOption(word) => format!("Option \"{word}\" is unknown, try \"ip -help\".\n"),
            Self::UnknownCommand(word) => format!("Command \"{word}\" is unknown, try \"ip {name} help\".\n"),
            Self::Incomplete => "Command line is not complete. Try option \"help\"\n".to_owned(),
            Self::Garbage { place, word } => {
                format!("Error: either \"{place}\" is duplicate, or \"{word}\" is a garbage.\n")
            }
            Self::Wrong { word, why } => format!("Error: argument \"{word}\" is wrong: {why}\n\n"),
            Self::Invalid { word, why } => format!("Error: argument \"{word}\" is wrong: {why}\n"),
            Self::Twice { what, word } => format!("Error: duplicate \"{what}\": \"{word}\" is the second value.\n"),
            Self::OneOf { name, word } => {
                format!("Error: argument of \"{name}\" must be one of \"off\", \"on\", not \"{word}\"\n")
            }
            Self::FixedIndex => {
                "index can be used only when creating devices or when moving device to another netns.\n".to_owned()
            }
            Self::UnknownArgument(word) => format!("Argument \"{word}\" is unknown, try \"ip {name} help\".\n"),
            Self::NoFile => "Cannot fopen: No such file or directory\n".to_owned(),
            Self::BufferSize(word) => format!("Invalid rcvbuf size '{word}'\n"),
            Self::NoVni => "vxlan: missing virtual network identifier\n".to_owned(),
            Self::NoBroadcast => "Broadcast can be set only for IPv4 addresses\n".to_owned(),
            Self::NoGroupToJoin => "autojoin needs multicast address\n".to_owned(),
            Self::NoLifetime => "valid_lft is zero\n".to_owned(),
            Self::PreferredLonger => "preferred_lft is greater than valid_lft\n".to_owned(),
            Self::Tunnel(fault) => fault.text(),
            Self::NoBridgeSetting(word) => super::bridge::unknown(word),
            Self::Expected { what, word } => format!("Error: {what} is expected rather than \"{word}\".\n"),
            Self::NotASwitch { name, word } => {
                format!("Error: argument of \"{name}\" must be \"on\" or \"off\", not \"{word}\"\n")
            }
            Self::UnknownParticular { kind, word } => {
                let what = if *kind == "vlan" { "command" } else { "option" };
                format!("{kind}: unknown {what} \"{word}\"?\n{}", usage::of_type(kind).unwrap_or_default())
            }
            Self::MacvlanMode(word) => format!(
                "Error: argument of \"mode\" must be \"private\", \"vepa\", \"bridge\", \"passthru\" or \"source\", \
                 not \"{word}\"\n"
            ),
            Self::IpvlanMode => "Error: argument of \"mode\" must be either \"l2\", \"l3\" or \"l3s\"\n".to_owned(),
            Self::Carrier(word) => {
                format!("Error: argument of \"carrier\" must be one of \"off\", \"on\", not \"{word}\"\n")
            }
            Self::NoHop => "Error: unexpected end of line after \"nexthop\"\n".to_owned(),
            Self::NotAHop(word) => {
                format!("Error: \"nexthop\" or end of line is expected instead of \"{word}\"\n")
            }
            Self::NoHopDevice(name) => format!("Cannot find device \"{name}\"\nError: cannot parse nexthop\n"),
            Self::BadMac(word) => format!("\"{word}\" is invalid lladdr.\n"),
            Self::MacLength(bytes) => format!("Invalid address length {bytes} - must be 6 bytes\n"),
            Self::MissingDevice => "Not enough information: \"dev\" argument is required.\n".to_owned(),
            Self::MissingMaddressDevice => "Not enough information: \"dev\" is required.\n".to_owned(),
            Self::GroupRefused(refusal) => format!("ioctl: {}\n", refusal.errno()),
            Self::MissingType => "Not enough information: \"type\" argument is required\n".to_owned(),
            Self::MissingNeighbour => "Device and destination are required arguments.\n".to_owned(),
            Self::MissingRule(verb) => format!("\"ip rule {verb}\" requires arguments.\n"),
            Self::MissingEntry => "Device and address are required arguments.\n".to_owned(),
            Self::MissingDestination => "need at least a destination address\n".to_owned(),
            Self::FlushRefused(refusal) => format!("Failed to send flush request: {}\n", refusal.errno()),
            Self::FlushAll if matches!(object, Object::Route) => "\"ip route flush\" requires arguments.\n".to_owned(),
            Self::FlushAll => "Flush requires arguments.\n".to_owned(),
            Self::NoDevice(word) => format!("Cannot find device \"{word}\"\n"),
            Self::NotShown(word) => format!("Device \"{word}\" does not exist.\n"),
            Self::Refused(Refusal::IndexTaken(index)) => {
                format!("Error: The ifindex {index} is not available in the target netns.\n")
            }
            Self::Refused(refusal) => match refusal.sentence() {
                Some(sentence) => format!("Error: {sentence}\n"),
                None => format!("RTNETLINK answers: {}\n", refusal.errno()),
            },
            Self::MissingTunMode => "You failed to specify a tunnel mode\n".to_owned(),
            Self::TunMode(word) => format!("Unknown tunnel mode \"{word}\"\n"),
            Self::TunFile(said) => format!("{said}\n"),
            Self::NoAccount { what, word } => format!("invalid {what} \"{word}\"\n"),
            _ => self.netns(),
        }
    }

    /// The texts of `ip netns`, which only iproute2 has.
    fn netns(&self) -> String {
        match self {
            Self::MissingNetnsid => "No nsid specified\n".to_owned(),
            Self::MissingCommand => "No command specified\n".to_owned(),
            Self::BadName(name) => format!("Invalid netns name \"{name}\"\n"),
            Self::NameTaken(name) => format!("Cannot create namespace file \"/run/netns/{name}\": File exists\n"),
            Self::NoName(name) => {
                format!("Cannot remove namespace file \"/run/netns/{name}\": No such file or directory\n")
            }
            Self::NotOpened(name) | Self::NotNumbered(name) => {
                format!("Cannot open network namespace \"{name}\": No such file or directory\n")
            }
            Self::NotAPid(word) => format!("Specified string '{word}' is not a pid\n"),
            Self::NotIdentified => "Cannot open network namespace: No such file or directory\n".to_owned(),
            Self::NoProgram(name) => format!("exec of \"{name}\" failed: No such file or directory\n"),
            _ => "No netns name specified\n".to_owned(),
        }
    }

    fn busybox(&self) -> String {
        let said = match self {
            Self::UnknownCommand(word) => format!("invalid argument '{word}' to 'ip'"),
            Self::Help => "invalid argument 'help' to 'ip'".to_owned(),
            Self::TypeHelp(kind) => format!("invalid argument 'help' to 'type {kind}'"),
            Self::MissingRoute => format!("RTNETLINK answers: {}", Refusal::NoDevice.errno()),
            Self::Incomplete => "command line is not complete, try \"help\"".to_owned(),
            Self::Garbage { place, word } => format!("either \"{place}\" is duplicate, or \"{word}\" is garbage"),
            Self::Invalid { word, .. } => format!("invalid argument '{word}' to 'name'"),
            Self::Wrong { word, why } if why.contains("netns") => format!("invalid argument '{word}' to 'netns'"),
            Self::Wrong { word, why } if why.contains("mtu") => format!("invalid argument '{word}' to 'mtu'"),
            Self::Wrong { word, .. } | Self::NoDevice(word) | Self::NotShown(word) => {
                format!("can't find device '{word}'")
            }
            Self::Expected { word, .. } => format!("an inet prefix is expected rather than \"{word}\""),
            Self::BadMac(word) => format!("\"{word}\" is invalid lladdr"),
            Self::MacLength(_) => format!("RTNETLINK answers: {}", Refusal::Invalid.errno()),
            Self::MissingDevice | Self::MissingNeighbour => "need \"dev IFACE\"".to_owned(),
            Self::MissingDestination => "need at least destination address".to_owned(),
            Self::FlushAll => "\"ip route flush\" requires an argument".to_owned(),
            Self::Refused(refusal @ (Refusal::MtuTooLarge | Refusal::MtuTooSmall)) => {
                format!("SIOCSIFMTU: {}", refusal.errno())
            }
            Self::Refused(refusal) => format!("RTNETLINK answers: {}", refusal.errno()),
            _ => return BUSYBOX_USAGE.to_owned(),
        };
        format!("ip: {said}\n")
    }
}

/// What iproute2 6.1 prints for `ip help`.
const HOST_USAGE: &str = "\
Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }
       ip [ -force ] -batch filename
where  OBJECT := { address | addrlabel | amt | fou | help | ila | ioam | l2tp |
                   link | macsec | maddress | monitor | mptcp | mroute | mrule |
                   neighbor | neighbour | netconf | netns | nexthop | ntable |
                   ntbl | route | rule | sr | tap | tcpmetrics |
                   token | tunnel | tuntap | vrf | xfrm }
       OPTIONS := { -V[ersion] | -s[tatistics] | -d[etails] | -r[esolve] |
                    -h[uman-readable] | -iec | -j[son] | -p[retty] |
                    -f[amily] { inet | inet6 | mpls | bridge | link } |
                    -4 | -6 | -M | -B | -0 |
                    -l[oops] { maximum-addr-flush-attempts } | -br[ief] |
                    -o[neline] | -t[imestamp] | -ts[hort] | -b[atch] [filename] |
                    -rc[vbuf] [size] | -n[etns] name | -N[umeric] | -a[ll] |
                    -c[olor]}
";

/// What busybox 1.35 prints for `ip --help`.
const BUSYBOX_USAGE: &str = "\
BusyBox v1.35.0 (Debian 1:1.35.0-4+deb12u1+b1) multi-call binary.

Usage: ip [OPTIONS] address|route|link|tunnel|neigh|rule [ARGS]

OPTIONS := -f[amily] inet|inet6|link | -o[neline]

ip addr add|del IFADDR dev IFACE | show|flush [dev IFACE] [to PREFIX]
ip route list|flush|add|del|change|append|replace|test ROUTE
ip link set IFACE [up|down] [arp on|off] [multicast on|off]
\t[promisc on|off] [mtu NUM] [name NAME] [qlen NUM] [address MAC]
\t[master IFACE | nomaster] [netns PID]
ip tunnel add|change|del|show [NAME]
\t[mode ipip|gre|sit] [remote ADDR] [local ADDR] [ttl TTL]
ip neigh show|flush [to PREFIX] [dev DEV] [nud STATE]
ip rule [list] | add|del SELECTOR ACTION
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iproute2_prints_the_kernels_sentence_and_busybox_errno() {
        let error = Error::from(Refusal::AddressAssigned);
        assert_eq!(error.text(Flavour::Host, Object::Address), "Error: ipv4: Address already assigned.\n");
        assert_eq!(error.text(Flavour::Busybox, Object::Address), "ip: RTNETLINK answers: File exists\n");
        let error = Error::from(Refusal::NoProcess);
        assert_eq!(error.text(Flavour::Host, Object::Route), "RTNETLINK answers: No such process\n");
        assert_eq!(error.status(Flavour::Host, Object::Route), 2);
    }

    #[test]
    fn the_exit_code_depends_on_who_says_it_and_about_what() {
        let code = |error: Error, object| (error.status(Flavour::Host, object), error.status(Flavour::Busybox, object));
        assert_eq!(code(Error::NoDevice("x".into()), Object::Link), (1, 2));
        assert_eq!(code(Error::NotShown("x".into()), Object::Address), (1, 1));
        assert_eq!(code(Error::MissingDevice, Object::Address), (1, 1));
        assert_eq!(code(Error::MissingDevice, Object::Link), (255, 2));
        assert_eq!(code(Error::UnknownObject("foo".into()), Object::Link).0, 1);
        assert_eq!(code(Error::NotOpened("t".into()), Object::Netns).0, 255);
    }

    #[test]
    fn each_object_and_type_has_a_page_of_its_own() {
        let page = Error::Help.text(Flavour::Host, Object::Maddress);
        assert_eq!(page, "Usage: ip maddr [ add | del ] MULTIADDR dev STRING\n       ip maddr show [ dev STRING ]\n");
        assert_eq!(Error::Help.text(Flavour::Busybox, Object::Route), "ip: invalid argument 'help' to 'ip'\n");
        let page = "Usage: ip link <options> type veth [peer <options>]\nTo get <options> type 'ip link add help'\n";
        let error = Error::TypeHelp("veth");
        assert_eq!(
            (error.text(Flavour::Host, Object::Link).as_str(), error.status(Flavour::Host, Object::Link)),
            (page, 1)
        );
        let unknown = Error::UnknownParticular { kind: "vlan", word: "x".into() };
        assert!(
            unknown.text(Flavour::Host, Object::Link).starts_with("vlan: unknown command \"x\"?\nUsage: ... vlan id")
        );
    }

    #[test]
    fn a_wrong_value_is_followed_by_an_empty_line() {
        let error = Error::Wrong { word: "nosuch".into(), why: "Device does not exist" };
        let text = "Error: argument \"nosuch\" is wrong: Device does not exist\n\n";
        assert_eq!(error.text(Flavour::Host, Object::Link), text);
        assert_eq!(error.text(Flavour::Busybox, Object::Link), "ip: can't find device 'nosuch'\n");
    }
}
