//! The macvlan and ipvlan drivers: containers whose devices share one of the host's, the parent, and so are on the LAN
//! themselves. There is no bridge, no rule and no published port; IPAM does not know who else is on that LAN.
//!
//! A parent that is not there is made: `eth0.10` as the sub-interface of eth0 for VLAN 10, none at all as a dummy of the
//! network's own.

use std::collections::BTreeMap;

use netyard_sim::device::{Device, IfIndex};
use netyard_sim::fabric::Fabric;
use netyard_sim::link::LinkId;
use netyard_sim::rng::{Rng, Seed};
use netyard_sim::stack::{IpvlanMode, MacvlanMode, Over};

use crate::driver::{Addressing, Driver, EndpointSpec, Ground, Interface, NetworkSpec};
use crate::error::{Error, ParentError};
use crate::id::Id;

const PARENT: &str = "parent";
/// The largest number of a VLAN.
const LAST_VLAN: i64 = 4094;

/// Which of the two drivers it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sharing {
    /// Every container has an Ethernet address of its own.
    Macvlan,
    /// All have their parent's.
    Ipvlan,
}

impl Sharing {
    const fn name(self) -> &'static str {
        match self {
            Self::Macvlan => "macvlan",
            Self::Ipvlan => "ipvlan",
        }
    }

    /// The name of a parent that the driver makes up.
    fn dummy(self, network: Id) -> String {
        let prefix = if self == Self::Macvlan { "dm" } else { "di" };
        format!("{prefix}-{}", network.short())
    }

    /// How the containers of a network share its parent: what `-o macvlan_mode` or `-o ipvlan_mode` says.
    fn mode(self, options: &BTreeMap<String, String>) -> Result<Over, ParentError> {
        let wanted = |key: &str| options.get(key).map_or("", String::as_str);
        let refuse = |mode: &str, default| ParentError::Mode { driver: self.name(), mode: mode.to_owned(), default };
        match self {
            Self::Macvlan => match wanted("macvlan_mode") {
                "" | "bridge" => Ok(Over::Macvlan(MacvlanMode::Bridge)),
                "private" => Ok(Over::Macvlan(MacvlanMode::Private)),
                "passthru" => Ok(Over::Macvlan(MacvlanMode::Passthru)),
                "vepa" => Ok(Over::Macvlan(MacvlanMode::Vepa)),
                other => Err(refuse(other, "bridge")),
            },
            Self::Ipvlan => match wanted("ipvlan_mode") {
                "" | "l2" => Ok(Over::Ipvlan(IpvlanMode::L2)),
                "l3" => Ok(Over::Ipvlan(IpvlanMode::L3)),
                "l3s" => Ok(Over::Ipvlan(IpvlanMode::L3s)),
                other => Err(refuse(other, "l2")),
            },
        }
    }
}

/// What has to be made for a network to have its parent.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Making {
    /// It is there.
    Nothing,
    Dummy,
    SubInterface {
        of: IfIndex,
        vlan: u16,
    },
}

#[derive(Clone, Debug)]
struct Network {
    parent: String,
    over: Over,
    /// Whether the driver made the parent, which then goes with the network.
    owned: bool,
    endpoints: BTreeMap<Id, Endpoint>,
}

#[derive(Clone, Copy, Debug)]
struct Endpoint {
    device: IfIndex,
    /// What it hangs on, wherever it was moved to.
    link: LinkId,
}

/// The driver of macvlan or of ipvlan networks.
#[derive(Clone, Debug)]
pub struct Macvlan {
    sharing: Sharing,
    networks: BTreeMap<Id, Network>,
    names: Rng,
}

impl Macvlan {
    /// A driver without networks.
    #[must_use]
    pub fn new(sharing: Sharing, seed: Seed, host: &str) -> Self {
        let names = seed.stream(&format!("{}/{host}/names", sharing.name()));
        Self { sharing, networks: BTreeMap::new(), names }
    }

    fn plan(&self, ground: &Ground<'_>, spec: &NetworkSpec<'_>) -> Result<(Over, String, Making), ParentError> {
        if !spec.subnets.iter().any(|(net, _)| net.is_ipv4()) {
            return Err(ParentError::NoPool);
        }
        let over = self.sharing.mode(spec.options)?;
        let named = spec.options.get(PARENT).filter(|parent| !parent.is_empty());
        if named.is_some_and(|parent| parent == "lo") {
            return Err(ParentError::Loopback(self.sharing.name()));
        }
        let parent = named.cloned().unwrap_or_else(|| self.sharing.dummy(spec.id));
        if let Some((other, _)) = self.networks.iter().find(|(_, n)| n.parent == parent) {
            return Err(ParentError::Taken { other: self.sharing.dummy(*other), parent });
        }
        let making = match (find(ground, &parent), named) {
            (Some(_), _) => Making::Nothing,
            (None, None) => Making::Dummy,
            (None, Some(name)) => sub_interface(ground, name)?,
        };
        Ok((over, parent, making))
    }
}

/// The device of this name on the host.
fn find<'a>(ground: &'a Ground<'_>, name: &str) -> Option<&'a Device> {
    ground.fabric.namespace(ground.host).device_named(name)
}

/// What `eth0.10` stands for: checked in the engine's order.
fn sub_interface(ground: &Ground<'_>, name: &str) -> Result<Making, ParentError> {
    let Some((parent, number)) = name.split_once('.') else {
        return Err(ParentError::NoSubInterface(name.to_owned()));
    };
    if number.contains('.') {
        return Err(ParentError::Format(name.to_owned()));
    }
    let id: i64 = number.parse().map_err(|_| ParentError::NotANumber(number.to_owned()))?;
    let of = find(ground, parent).ok_or_else(|| ParentError::Missing(parent.to_owned()))?;
    let vlan = u16::try_from(id).ok().filter(|id| (1..=LAST_VLAN).contains(&i64::from(*id)));
    let vlan = vlan.ok_or(ParentError::VlanRange(id))?;
    let refuse = |reason: &str| ParentError::Vlan { name: name.to_owned(), reason: reason.to_owned() };
    match Fabric::check_sharing(of, Over::Vlan(vlan)) {
        Err(error) => Err(refuse(&error.to_string().to_lowercase())),
        Ok(()) if name.len() > 15 => Err(refuse("numerical result out of range")),
        Ok(()) => Ok(Making::SubInterface { of: of.index, vlan }),
    }
}

impl Driver for Macvlan {
    fn name(&self) -> &'static str {
        self.sharing.name()
    }

    fn addressing(&self) -> Addressing {
        match self.sharing {
            Sharing::Macvlan => Addressing::Ipam,
            Sharing::Ipvlan => Addressing::IpamOnly,
        }
    }

    fn plan_network(&self, ground: &Ground<'_>, spec: &NetworkSpec<'_>) -> Result<(), Error> {
        self.plan(ground, spec).map(drop).map_err(Error::Parent)
    }

    fn create_network(&mut self, ground: &mut Ground<'_>, spec: &NetworkSpec<'_>) {
        let (over, parent, making) = self.plan(ground, spec).expect("the plan was made before");
        let (fabric, host) = (&mut *ground.fabric, ground.host);
        let made = match making {
            Making::Nothing => None,
            Making::Dummy => Some(fabric.create_dummy(host, &parent)),
            Making::SubInterface { of, vlan } => Some(fabric.create_stacked(host, of, &parent, Over::Vlan(vlan))),
        };
        if let Some(device) = made {
            fabric.set_up(host, device.expect("the plan checked the name and the parent"), true);
        }
        let owned = made.is_some();
        self.networks.insert(spec.id, Network { parent, over, owned, endpoints: BTreeMap::new() });
    }

    fn delete_network(&mut self, ground: &mut Ground<'_>, network: Id) {
        let Some(network) = self.networks.remove(&network) else { return };
        if let Some(parent) = find(ground, &network.parent).map(|d| d.index).filter(|_| network.owned) {
            ground.fabric.delete_device(ground.host, parent);
        }
    }

    fn plan_endpoint(&self, ground: &Ground<'_>, network: Id) -> Result<(), Error> {
        let network = self.networks.get(&network).expect("an endpoint's network stands");
        let driver = self.sharing.name();
        let gone = || Error::Parent(ParentError::Gone { driver, parent: network.parent.clone() });
        let parent = find(ground, &network.parent).ok_or_else(gone)?;
        let refuse = |reason: String| Error::Parent(ParentError::Port { driver, reason });
        Fabric::check_sharing(parent, network.over).map_err(|error| refuse(error.to_string().to_lowercase()))
    }

    fn create_endpoint(&mut self, ground: &mut Ground<'_>, spec: EndpointSpec) {
        let name = ground.free_veth_name(&mut self.names);
        let network = self.networks.get_mut(&spec.network).expect("an endpoint's network stands");
        let parent = find(ground, &network.parent).expect("the plan found the parent").index;
        let made = ground.fabric.create_stacked(ground.host, parent, &name, network.over);
        let device = made.expect("the plan checked that the parent can be shared");
        if let Some(mac) =
            spec.mac.filter(|_| matches!(network.over, Over::Macvlan(mode) if mode != MacvlanMode::Passthru))
        {
            ground.fabric.set_mac(ground.host, device, mac);
        }
        ground.fabric.set_queue_len(ground.host, device, 0);
        let link = ground.fabric.namespace(ground.host).link_of(device).expect("it stands on its parent");
        network.endpoints.insert(spec.id, Endpoint { device, link });
    }

    fn delete_endpoint(&mut self, ground: &mut Ground<'_>, network: Id, endpoint: Id) {
        let network = self.networks.get_mut(&network).expect("an endpoint's network stands");
        if let Some(endpoint) = network.endpoints.remove(&endpoint) {
            ground.fabric.delete_stacked(endpoint.link);
        }
    }

    fn join(&mut self, network: Id, endpoint: Id) -> Option<Interface> {
        let device = self.networks.get(&network)?.endpoints.get(&endpoint)?.device;
        Some(Interface { device, prefix: "eth".to_owned() })
    }

    fn routes_by_device(&self, network: Id) -> bool {
        let over = self.networks.get(&network).map(|n| n.over);
        matches!(over, Some(Over::Ipvlan(IpvlanMode::L3 | IpvlanMode::L3s)))
    }
}
