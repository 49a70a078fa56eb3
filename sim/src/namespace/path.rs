//! What is known of narrow places on the way to destinations (RFC 1191, RFC 8201): told by ICMP, forgotten after ten minutes.

use core::net::IpAddr;
use std::collections::BTreeMap;

use crate::time::{Duration, Instant};

/// How long it is known (`mtu_expires`).
const LIFETIME: Duration = Duration::from_secs(600);
/// Destinations that are kept in mind; then the one that would be forgotten first makes room.
const LIMIT: usize = 1024;

#[derive(Clone, Copy, Debug)]
struct Known {
    mtu: usize,
    until: Instant,
}

/// The MTUs of paths that are narrower than their first link.
#[derive(Clone, Debug, Default)]
pub(super) struct PathMtus(BTreeMap<IpAddr, Known>);

impl PathMtus {
    pub(super) fn learn(&mut self, now: Instant, dst: IpAddr, mtu: usize) {
        if self.0.len() >= LIMIT && !self.0.contains_key(&dst) {
            let oldest = self.0.iter().min_by_key(|(_, known)| known.until).map(|(dst, _)| *dst);
            oldest.map(|dst| self.0.remove(&dst));
        }
        self.0.insert(dst, Known { mtu, until: now + LIFETIME });
    }

    /// The MTU of the way to `dst` and for how long it will be known.
    pub(super) fn get(&self, now: Instant, dst: IpAddr) -> Option<(usize, Duration)> {
        let known = self.0.get(&dst).filter(|known| known.until > now)?;
        Some((known.mtu, known.until.since(now)))
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_place_is_forgotten_after_ten_minutes() {
        let dst: IpAddr = "192.0.2.80".parse().unwrap();
        let at = |secs| Instant::ZERO + Duration::from_secs(secs);
        let mut paths = PathMtus::default();
        paths.learn(at(0), dst, 1300);
        assert_eq!(paths.get(at(3), dst), Some((1300, Duration::from_secs(597))));
        assert_eq!(paths.get(at(600), dst), None);
        for last in 0..2000_u32 {
            paths.learn(at(700), IpAddr::V4(last.into()), 1300);
        }
        assert_eq!(paths.0.len(), LIMIT);
    }
}
