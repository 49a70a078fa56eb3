//! Published ports, one after the other: a port of the host is taken, the firewall opened, and somebody listens. It is
//! libnetwork's port mapper; which ports are wanted is decided above.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use netyard_sim::socket::{Errno, SocketId};
use netyard_sim::userland::{Pid, Signal};

use super::firewall::{Hairpin, Opening};
use crate::daemon::Firewall;
use crate::driver::Ground;
use crate::error::{Listener, PublishFailure};
use crate::ports::{Allocator, Machine, PortBinding, Protocol, Publication};
use crate::proxy;

/// How often a port of the engine's own choice is tried.
const ATTEMPTS: usize = 10;
/// Connections that may wait at a published port (`somaxconn`).
const BACKLOG: usize = 4096;

/// Whether published ports have a `docker-proxy` (`--userland-proxy`).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum UserlandProxy {
    /// They have: it serves whoever the firewall's rules leave out.
    #[default]
    On,
    /// The rules serve everybody, and the engine only keeps the port.
    Off,
}

/// Where an endpoint is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub(super) v4: Option<IpAddr>,
    pub(super) v6: Option<IpAddr>,
    /// Where its network is published unless a port says otherwise.
    pub(super) default_host: IpAddr,
}

impl Target {
    /// The addresses of the host at which a port is taken, each with the container's address that it leads to. A proxy
    /// carries IPv6 to a container that has IPv4 only.
    fn ways(self, asked: Option<IpAddr>, proxy: UserlandProxy) -> Vec<(IpAddr, IpAddr)> {
        let (any4, any6) = (IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED));
        let default = self.default_host;
        let (v4, v6) = match asked.map(|address| address.to_canonical()) {
            Some(address) if address.is_ipv4() => (Some(address), None),
            Some(address) => (None, Some(address)),
            None if default == any4 => (Some(any4), Some(any6)),
            None if default.is_ipv4() => (Some(default), None),
            None => (None, Some(default)),
        };
        let carried = self.v4.filter(|_| proxy == UserlandProxy::On);
        v4.zip(self.v4).into_iter().chain(v6.zip(self.v6.or(carried))).collect()
    }
}

/// A port that is published.
#[derive(Clone, Debug)]
pub(super) struct Mapping {
    pub(super) binding: PortBinding,
    keeper: Keeper,
}

/// Who listens.
#[derive(Clone, Copy, Debug)]
enum Keeper {
    Engine(SocketId),
    Proxy(Pid),
}

/// The ports of a host.
#[derive(Debug, Default)]
pub(super) struct Mapper {
    allocator: Allocator,
    proxy: UserlandProxy,
    firewall: Firewall,
    /// Where its ports are published too.
    machine: Option<Box<dyn Machine>>,
}

impl Clone for Mapper {
    /// The same ports, published inside the simulation only: a machine is one.
    fn clone(&self) -> Self {
        let (allocator, firewall) = (self.allocator.clone(), self.firewall);
        Self { allocator, proxy: self.proxy, firewall, machine: None }
    }
}

impl Mapper {
    /// Takes over what the engine was told; what is published already stays as it is.
    pub(super) const fn configure(&mut self, proxy: UserlandProxy, firewall: Firewall) {
        (self.proxy, self.firewall) = (proxy, firewall);
    }

    /// Publishes on a machine outside the simulation too; what is published already is not.
    pub(super) fn publish_on(&mut self, machine: Box<dyn Machine>) {
        self.machine = Some(machine);
    }

    /// Publishes all of these ports, or none.
    pub(super) fn map_all(
        &mut self,
        ground: &mut Ground<'_>,
        bridge: &str,
        target: Target,
        wanted: &[Publication],
    ) -> Result<Vec<Mapping>, PublishFailure> {
        let mut mapped = Vec::new();
        for publication in wanted {
            for (host, container) in target.ways(publication.address, self.proxy) {
                match self.map(ground, bridge, publication, host, container) {
                    Ok(mapping) => mapped.push(mapping),
                    Err(failure) => {
                        self.unmap_all(ground, bridge, &mapped);
                        return Err(failure);
                    }
                }
            }
        }
        Ok(mapped)
    }

    pub(super) fn unmap_all(&mut self, ground: &mut Ground<'_>, bridge: &str, mapped: &[Mapping]) {
        for Mapping { binding, keeper } in mapped {
            match keeper {
                Keeper::Engine(socket) => ground.fabric.with(ground.host, |ns, cx| ns.close(cx, *socket)),
                Keeper::Proxy(pid) => {
                    ground.processes.signal(ground.fabric, *pid, Signal::Kill);
                }
            }
            self.opening(bridge, binding).close(ground);
            if let Some(machine) = &mut self.machine {
                machine.release(binding.port.protocol, binding.host);
            }
            self.allocator.release(binding.host.ip(), binding.port.protocol, binding.host.port());
        }
    }

    fn map(
        &mut self,
        ground: &mut Ground<'_>,
        bridge: &str,
        wanted: &Publication,
        host: IpAddr,
        container: IpAddr,
    ) -> Result<Mapping, PublishFailure> {
        let (first, last) = wanted.range;
        let attempts = if first == 0 { ATTEMPTS } else { 1 };
        let container = SocketAddr::new(container, wanted.port.number);
        let mut result = Err(PublishFailure::AllAllocated);
        for _ in 0..attempts {
            let number = self.allocator.request(host, wanted.port.protocol, first, last)?;
            let binding = PortBinding { port: wanted.port, container, host: SocketAddr::new(host, number) };
            let opening = self.opening(bridge, &binding);
            let admitted = self.admit(&binding).and_then(|()| match self.firewall {
                Firewall::Managed => opening.open(ground),
                Firewall::Untouched => Ok(()),
            });
            if admitted.is_ok() {
                result = self.listen(ground, &binding);
                if result.is_ok() {
                    break;
                }
                opening.close(ground);
            } else if let Err(failure) = admitted {
                result = Err(failure);
            }
            self.allocator.release(host, wanted.port.protocol, number);
        }
        result
    }

    /// The simulated kernel has no SCTP, as that of the recording.
    const fn admit(&self, binding: &PortBinding) -> Result<(), PublishFailure> {
        match binding.port.protocol {
            Protocol::Sctp => Err(PublishFailure::ProtocolUnsupported(self.listener())),
            Protocol::Tcp | Protocol::Udp => Ok(()),
        }
    }

    const fn listener(&self) -> Listener {
        match self.proxy {
            UserlandProxy::On => Listener::Proxy,
            UserlandProxy::Off => Listener::Engine,
        }
    }

    fn listen(&mut self, ground: &mut Ground<'_>, binding: &PortBinding) -> Result<Mapping, PublishFailure> {
        let by = self.listener();
        let (protocol, at) = (binding.port.protocol, binding.host);
        let (name, opened) = match protocol {
            Protocol::Tcp => ("tcp", ground.fabric.with(ground.host, |ns, _| ns.tcp_listen(at, BACKLOG))),
            Protocol::Udp => ("udp", ground.fabric.with(ground.host, |ns, _| ns.udp_bind(at))),
            Protocol::Sctp => return Err(PublishFailure::ProtocolUnsupported(by)),
        };
        let refused = |errno: Errno| PublishFailure::Listen { by, protocol: name, at, errno };
        let socket = opened.map_err(refused)?;
        if let Some(Err(errno)) = self.machine.as_mut().map(|machine| machine.claim(protocol, at)) {
            ground.fabric.with(ground.host, |ns, cx| ns.close(cx, socket));
            return Err(refused(errno));
        }
        let (site, now) = (proxy::Site { namespace: ground.host, context: ground.context }, ground.fabric.now());
        let keeper = match by {
            Listener::Engine => Keeper::Engine(socket),
            Listener::Proxy => proxy::start(ground.processes, site, binding, socket, now)
                .map(Keeper::Proxy)
                .ok_or(PublishFailure::ProtocolUnsupported(by))?,
        };
        Ok(Mapping { binding: *binding, keeper })
    }

    fn opening(&self, bridge: &str, binding: &PortBinding) -> Opening {
        let hairpin = match self.proxy {
            UserlandProxy::On => Hairpin::Off,
            UserlandProxy::Off => Hairpin::On,
        };
        Opening { bridge: bridge.to_owned(), binding: *binding, hairpin }
    }
}

/// Forgets the flows to a container and from it, so that they do not lead to the next that has its address.
pub(super) fn forget_flows(ground: &mut Ground<'_>, target: Target) {
    let now = ground.fabric.now();
    let addresses = [target.v4, target.v6];
    let is_gone = |address: IpAddr| addresses.contains(&Some(address));
    let conntrack = &mut ground.fabric.namespace_mut(ground.host).netfilter.conntrack;
    conntrack.forget(now, |flow| is_gone(flow.reply.src) || is_gone(flow.reply.dst));
}
