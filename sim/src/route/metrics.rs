//! The numbers that a route may carry besides its way (`ip route add … mtu 1400`): what a packet may measure on it, how far
//! it goes, and what TCP shall know of it. Who obeys is the namespace: it minds the MTU, the hop limit and the largest
//! segment; the others are kept and told.

use std::collections::BTreeMap;

/// One of the numbers, in the kernel's order (`RTAX_*`).
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Metric {
    /// The largest packet, in bytes.
    Mtu,
    /// The largest window of TCP, in bytes.
    Window,
    /// The first guess of the round trip, in eighths of a millisecond.
    Rtt,
    /// Its variance, in quarters of a millisecond.
    RttVariance,
    /// Where slow start ends, in segments.
    SlowStart,
    /// The largest congestion window, in segments.
    CongestionWindow,
    /// The largest segment that is allowed the other end, in bytes.
    AdvertisedSegment,
    /// How far segments may be out of order.
    Reordering,
    /// The hop limit of packets from here.
    HopLimit,
    /// The congestion window that a connection begins with, in segments.
    FirstCongestionWindow,
    /// Whether congestion is notified explicitly (bit 0).
    Features,
    /// The shortest time to wait for an acknowledgement, in milliseconds.
    RetransmitLeast,
    /// The window that a connection begins with, in segments.
    FirstWindow,
    /// Whether it is acknowledged at once.
    QuickAck,
}

/// The numbers of a route. Most have none.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Metrics {
    values: BTreeMap<Metric, (u32, Lock)>,
    /// The algorithm of congestion control, by name.
    pub congestion: Option<String>,
}

/// Whether a number stays, whatever is learned on the way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Lock {
    /// It stays.
    Locked,
    /// It may be replaced by what is learned.
    Free,
}

impl Metrics {
    /// None at all.
    pub const NONE: Self = Self { values: BTreeMap::new(), congestion: None };

    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty() && self.congestion.is_none()
    }

    /// Says a number; 0 is as if it was not said.
    pub fn set(&mut self, metric: Metric, value: u32, lock: Lock) {
        let most = if metric == Metric::Mtu { 65520 } else { u32::MAX };
        if value != 0 {
            self.values.insert(metric, (value.min(most), lock));
        }
    }

    /// A number, if it is said.
    #[must_use]
    pub fn get(&self, metric: Metric) -> Option<u32> {
        self.values.get(&metric).map(|(value, _)| *value)
    }

    /// All that is said, in the kernel's order.
    pub fn iter(&self) -> impl Iterator<Item = (Metric, u32, Lock)> {
        self.values.iter().map(|(metric, (value, lock))| (*metric, *value, *lock))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_kept_within_its_limits_and_nought_is_none() {
        let mut metrics = Metrics::default();
        metrics.set(Metric::Mtu, 70_000, Lock::Free);
        metrics.set(Metric::FirstCongestionWindow, 0, Lock::Free);
        assert_eq!(metrics.iter().collect::<Vec<_>>(), [(Metric::Mtu, 65520, Lock::Free)]);
        assert_eq!((metrics.get(Metric::Mtu), metrics.is_empty()), (Some(65520), false));
    }
}
