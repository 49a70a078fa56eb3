//! ICMP redirects (RFC 792, RFC 1122 §3.2.2.2): a router tells a host of a nearer one, and the host believes it for five
//! minutes, as Linux does both. IPv6 has redirects of its own, which nobody here sends.

use core::net::{IpAddr, Ipv4Addr};
use std::collections::BTreeMap;

use super::hooks::Packet;
use super::problem::Problem;
use super::reverse::Source;
use super::way::Way;
use super::{Cx, Namespace};
use crate::device::{Conf, IfIndex};
use crate::packet::Ip;
use crate::route::policy::{Flow, Found};
use crate::time::{Duration, Instant};

/// How long a nearer router is believed in (`gc_timeout`).
const LIFETIME: Duration = Duration::from_secs(300);
/// Hosts and destinations that are kept in mind; then the one that would be forgotten first makes room.
const LIMIT: usize = 1024;
/// The first pause between two redirects to a host, doubled by each (`redirect_load`).
const LOAD: Duration = Duration::from_millis(20);
/// So many and no more (`redirect_number`), until the host was quiet for a time (`redirect_silence`).
const NUMBER: u32 = 9;
const SILENCE: Duration = Duration::from_millis(20 << 10);

/// A nearer router.
#[derive(Clone, Copy, Debug)]
struct Nearer {
    /// The one by the route.
    instead_of: IpAddr,
    gateway: IpAddr,
    until: Instant,
}

/// What was said to a host.
#[derive(Clone, Copy, Debug)]
struct Told {
    times: u32,
    last: Instant,
}

/// What was heard of nearer routers, and what was said.
#[derive(Clone, Debug, Default)]
pub(super) struct Redirects {
    heard: BTreeMap<IpAddr, Nearer>,
    told: BTreeMap<IpAddr, Told>,
}

impl Redirects {
    /// The router to a destination that is nearer than the one by the route.
    pub(super) fn gateway(&self, dst: IpAddr, by_route: Option<IpAddr>) -> Option<IpAddr> {
        // This is asked for each packet, and most hosts never heard anything.
        if self.heard.is_empty() {
            return None;
        }
        self.heard.get(&dst).filter(|nearer| Some(nearer.instead_of) == by_route).map(|nearer| nearer.gateway)
    }

    fn hear(&mut self, dst: IpAddr, nearer: Nearer) {
        if self.heard.len() >= LIMIT && !self.heard.contains_key(&dst) {
            let oldest = self.heard.iter().min_by_key(|(_, nearer)| nearer.until).map(|(dst, _)| *dst);
            oldest.map(|dst| self.heard.remove(&dst));
        }
        self.heard.insert(dst, nearer);
    }

    /// Whether a host is told once more now.
    fn may_tell(&mut self, now: Instant, host: IpAddr) -> bool {
        self.told.retain(|_, told| told.last + SILENCE > now);
        if self.told.len() >= LIMIT && !self.told.contains_key(&host) {
            return false;
        }
        let told = self.told.entry(host).or_insert(Told { times: 0, last: now });
        if told.times >= NUMBER {
            told.last = now;
            return false;
        }
        let pause = Duration::from_nanos(u64::try_from(LOAD.as_nanos()).unwrap_or(u64::MAX) << told.times);
        if told.times > 0 && now <= told.last + pause {
            return false;
        }
        *told = Told { times: told.times + 1, last: now };
        true
    }

    pub(super) fn next_at(&self) -> Option<Instant> {
        self.heard.values().map(|nearer| nearer.until).min()
    }

    /// Forgets what is too old.
    pub(super) fn expire(&mut self, now: Instant) {
        self.heard.retain(|_, nearer| nearer.until > now);
    }

    /// Forgets what was heard.
    pub(super) fn clear(&mut self) {
        self.heard.clear();
    }
}

impl Namespace {
    /// For how long a nearer router to `dst` is still believed in.
    #[must_use]
    pub fn known_redirect(&self, now: Instant, dst: IpAddr) -> Option<(IpAddr, Duration)> {
        self.redirects.heard.get(&dst).map(|nearer| (nearer.gateway, nearer.until.since(now)))
    }

    /// A packet goes out where it came from: its sender is told, when it could have sent it to the next hop itself.
    pub(super) fn redirect(&mut self, cx: &mut Cx, index: IfIndex, source: Source, way: Way, packet: &Packet) {
        let Some(ip) = Ip::parse(packet.frame.payload()) else { return };
        let IpAddr::V4(gateway) = way.next_hop(ip.dst) else { return };
        let is_nearer = way.device == index && source == Source::OnLink && self.inet(index, Conf::SendRedirects) != 0;
        if is_nearer && self.redirects.may_tell(cx.now, ip.src) {
            self.complain_of(cx, Problem::Redirect(gateway), packet);
        }
    }

    /// A router says that another one is nearer to where `quoted` went.
    pub(super) fn receive_redirect(
        &mut self,
        cx: &mut Cx,
        index: IfIndex,
        router: IpAddr,
        (nearer, quoted): (Ipv4Addr, &Ip),
    ) {
        let gateway = IpAddr::V4(nearer);
        let accepts = self.inet(index, Conf::AcceptRedirects) != 0;
        let is_host =
            !nearer.is_multicast() && !nearer.is_broadcast() && !nearer.is_unspecified() && !self.is_local(gateway);
        let Ok(way) = self.way_from(Some(quoted.src), quoted.dst) else { return };
        let by_this_router = way.next_hop(quoted.dst) == router && quoted.dst != router;
        if !accepts || !is_host || !by_this_router || gateway == router {
            return;
        }
        let flow = Flow { src: Some(quoted.src), ..Flow::to(quoted.dst) };
        let Some(Found::Route(route)) = self.route_of(&flow) else { return };
        let Some(instead_of) = self.hop_of(route, &flow).and_then(|hop| hop.gateway) else { return };
        // Only a router that is there is believed in; who is not known yet is asked for.
        if !self.neighbours.is_valid(way.device, gateway) {
            if self.neighbours.begin(cx.now, way.device, gateway) {
                self.ask(cx, way.device, gateway, None);
            }
            return;
        }
        self.redirects.hear(quoted.dst, Nearer { instead_of, gateway, until: cx.now + LIFETIME });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_told_less_and_less_often_and_then_no_more() {
        let host: IpAddr = "10.0.0.1".parse().unwrap();
        let mut redirects = Redirects::default();
        let told = |redirects: &mut Redirects, from: u64, to: u64| {
            let at = |ms| Instant::ZERO + Duration::from_millis(ms);
            (from..to).step_by(10).filter(|ms| redirects.may_tell(at(*ms), host)).count()
        };
        assert_eq!(told(&mut redirects, 0, 100), 2);
        assert_eq!(told(&mut redirects, 100, 20_000), 7);
        assert_eq!(told(&mut redirects, 20_000, 60_000), 0);
        assert_eq!(told(&mut redirects, 90_000, 90_010), 1, "after a silence it begins anew");
    }
}
