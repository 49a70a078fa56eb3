//! Namespaces and the links between them.
use crate::addr::{IpNetwork, Mac};
use crate::device::{Address, IfIndex, Mtu};
pub use crate::link::NamespaceId;
use crate::link::{Condition, End};
use crate::namespace::{Cx, Namespace};
use crate::route::Route;
use crate::time::Instant;

/// x
#[derive(Debug)]
pub struct LinkError;
/// x
#[derive(Debug)]
pub struct RouteError;
/// x
pub struct Fabric {
    now: Instant,
    ns: Vec<Namespace>,
}
impl Fabric {
    /// x
    pub const fn now(&self) -> Instant {
        self.now
    }
    /// x
    pub fn namespace(&self, id: NamespaceId) -> &Namespace {
        &self.ns[id.0 as usize]
    }
    /// x
    pub fn namespace_mut(&mut self, id: NamespaceId) -> &mut Namespace {
        &mut self.ns[id.0 as usize]
    }
    /// x
    pub fn with<R>(&mut self, id: NamespaceId, f: impl FnOnce(&mut Namespace, &mut Cx) -> R) -> R {
        f(&mut self.ns[id.0 as usize], &mut Cx)
    }
    /// x
    pub fn create_namespace(&mut self, _name: &str) -> NamespaceId {
        unimplemented!()
    }
    /// x
    pub fn delete_namespace(&mut self, _id: NamespaceId) {
        unimplemented!()
    }
    /// x
    pub fn create_veth(&mut self, _ns: NamespaceId, _name: &str, _peer: &str, _c: Condition) -> (IfIndex, IfIndex) {
        unimplemented!()
    }
    /// x
    pub fn move_device(&mut self, _f: NamespaceId, _d: IfIndex, _t: NamespaceId, _n: &str) -> Result<(), LinkError> {
        unimplemented!()
    }
    /// x
    pub fn create_bridge(&mut self, _ns: NamespaceId, _name: &str, _mac: Option<Mac>) -> IfIndex {
        unimplemented!()
    }
    /// x
    pub fn delete_device(&mut self, _ns: NamespaceId, _d: IfIndex) {
        unimplemented!()
    }
    /// x
    pub fn set_up(&mut self, _ns: NamespaceId, _d: IfIndex, _up: bool) {
        unimplemented!()
    }
    /// x
    pub fn set_master(&mut self, _ns: NamespaceId, _d: IfIndex, _m: Option<IfIndex>) {
        unimplemented!()
    }
    /// x
    pub fn set_mtu(&mut self, _ns: NamespaceId, _d: IfIndex, _m: Mtu) {
        unimplemented!()
    }
    /// x
    pub fn set_mac(&mut self, _ns: NamespaceId, _d: IfIndex, _m: Mac) {
        unimplemented!()
    }
    /// x
    pub fn add_address(&mut self, _ns: NamespaceId, _d: IfIndex, _a: impl Into<Address>) -> Result<(), LinkError> {
        unimplemented!()
    }
    /// x
    pub fn remove_address(&mut self, _ns: NamespaceId, _d: IfIndex, _a: IpNetwork) -> Result<(), LinkError> {
        unimplemented!()
    }
    /// x
    pub fn add_route(&mut self, _ns: NamespaceId, _r: Route) -> Result<(), RouteError> {
        unimplemented!()
    }
    /// x
    pub fn remove_routes(&mut self, _ns: NamespaceId, _gone: impl Fn(&Route) -> bool) -> Vec<Route> {
        unimplemented!()
    }
    /// The other end of a veth.
    pub fn peer_of(&self, _ns: NamespaceId, _d: IfIndex) -> Option<End> {
        unimplemented!()
    }
}
