//! By which device the gateway of a new route is reached (`fib_check_nh_v4_gw`, `ip6_route_check_nh`): it must be on a link,
//! or be taken in here, by a route of the new one's own table or by the way that packets to it go. Whether there can be
//! such a route besides is looked at where it is added.

use core::net::IpAddr;

use super::Namespace;
use crate::device::{Device, IfIndex, Scope};
use crate::route::policy::{Flow, Found, TableId};
use crate::route::{Action, Route};

/// Why a gateway is none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum GatewayError {
    /// It is on no link.
    OffLink,
    /// The device that leads to it is down.
    Down,
    /// It is an address of this host; of IPv6.
    Own,
    /// It is link-local, and no device is named.
    NoDevice,
    /// It is taken in here by lo; of IPv6.
    Loopback,
}

impl Namespace {
    /// The device by which a gateway is reached, for a route in a table; `named` alone will do where it is given.
    ///
    /// # Errors
    /// [`GatewayError`].
    pub fn device_towards(
        &self,
        gateway: IpAddr,
        named: Option<IfIndex>,
        table: TableId,
    ) -> Result<IfIndex, GatewayError> {
        match gateway {
            IpAddr::V4(_) => self.device_towards_v4(gateway, named, table),
            IpAddr::V6(_) if self.has_address(gateway) => Err(GatewayError::Own),
            IpAddr::V6(v6) if v6.is_unicast_link_local() => named.ok_or(GatewayError::NoDevice),
            IpAddr::V6(_) => self.device_towards_v6(gateway, named, table),
        }
    }

    fn device_towards_v4(
        &self,
        gateway: IpAddr,
        named: Option<IfIndex>,
        table: TableId,
    ) -> Result<IfIndex, GatewayError> {
        let may_lead = |index| named.is_none_or(|named| named == index);
        // What is taken in is so whatever its device does.
        let leads = |route: &Route, index| may_lead(index) && (route.action == Action::Local || self.is_up(index));
        let usable = |route: &Route| {
            route.scope >= Scope::LINK && (!has_ways(route) || route.ways().any(|hop| leads(route, hop.device)))
        };
        let device_of = |route: &Route| {
            let hop = route.ways().find(|hop| leads(route, hop.device));
            hop.filter(|_| matches!(route.action, Action::Unicast | Action::Local)).map(|hop| hop.device)
        };
        let aside = self.policy.table(table).filter(|_| table != TableId::MAIN);
        let of_table = aside.and_then(|table| table.lookup(gateway, usable)).filter(|route| has_ways(route));
        let found = match of_table {
            Some(route) => device_of(route),
            None => self.owner_of(gateway).filter(|index| may_lead(*index)).or_else(|| {
                match self.policy.lookup(&self.routes, &Flow::to(gateway), usable)?.1 {
                    Found::Route(route) => device_of(route),
                    Found::End(_) => None,
                }
            }),
        };
        let device = found.ok_or(GatewayError::OffLink)?;
        if self.is_up(device) { Ok(device) } else { Err(GatewayError::Down) }
    }

    fn device_towards_v6(
        &self,
        gateway: IpAddr,
        named: Option<IfIndex>,
        table: TableId,
    ) -> Result<IfIndex, GatewayError> {
        let leads = |index| self.is_up(index) && named.is_none_or(|named| named == index);
        let usable = |route: &Route| match route.action {
            Action::Local => route.device.is_some_and(leads),
            _ if has_ways(route) => route.ways().any(|hop| leads(hop.device)),
            _ => named.is_none(),
        };
        let device_of = |route: &Route| {
            let hop = route.ways().find(|hop| leads(hop.device)).filter(|hop| hop.gateway.is_none());
            hop.filter(|_| route.action.sends() || route.action == Action::Local).map(|hop| hop.device)
        };
        let of_table = match self.policy.table(table) {
            _ if table == TableId::MAIN => self.routes.lookup(gateway, usable),
            aside => aside.and_then(|table| table.lookup(gateway, usable)),
        };
        let by_rules = || match self.policy.lookup(&self.routes, &Flow::to(gateway), usable)?.1 {
            Found::Route(route) => device_of(route),
            Found::End(_) => None,
        };
        let device = of_table.and_then(device_of).or_else(by_rules).ok_or(GatewayError::OffLink)?;
        let is_loopback = self.devices.get(&device).is_some_and(Device::is_loopback);
        if is_loopback { Err(GatewayError::Loopback) } else { Ok(device) }
    }

    fn is_up(&self, index: IfIndex) -> bool {
        self.devices.get(&index).is_some_and(|device| device.up)
    }

    /// The device that has an own IPv4 address.
    fn owner_of(&self, addr: IpAddr) -> Option<IfIndex> {
        let has = |device: &&Device| device.has(addr) || addr.is_loopback() && device.is_loopback() && device.up;
        self.devices.values().find(has).map(|device| device.index)
    }
}

fn has_ways(route: &Route) -> bool {
    route.ways().next().is_some()
}
