//! Namespaces and the links between them.
pub use crate::link::NamespaceId;
use crate::namespace::{Cx, Namespace};
use crate::time::Instant;

/// x
pub struct Fabric {
    now: Instant,
    ns: Vec<Namespace>,
}
impl Fabric {
    /// x
    pub fn new(_seed: crate::rng::Seed) -> Self {
        Self { now: Instant::ZERO, ns: Vec::new() }
    }
    /// x
    pub fn create_namespace(&mut self, _name: &str) -> NamespaceId {
        NamespaceId(0)
    }
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
}
