//! Kinds of networks by name, each with whoever says that they are so. Delays are of one direction.

use core::fmt;

/// A kind of network.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// What the way from a place does, in netem's words.
    pub from: &'static str,
    /// What the way to it does.
    pub to: &'static str,
    /// Where the numbers are from.
    pub source: &'static str,
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n  out: {}\n  in: {}\n  source: {}", self.name, self.from, self.to, self.source)
    }
}

/// All of them.
pub const PRESETS: [Preset; 8] = [
    Preset {
        name: "lan",
        from: "delay 100us rate 1gbit",
        to: "delay 100us rate 1gbit",
        source: "IEEE 802.3ab (1000BASE-T) for the rate; the delay is that of a switch or two",
    },
    Preset {
        name: "wifi",
        from: "delay 1ms rate 33mbit",
        to: "delay 1ms rate 40mbit",
        source: "Apple's Network Link Conditioner, profile Wi-Fi",
    },
    Preset {
        name: "wifi-bad",
        from: "delay 500ms loss 10% rate 1mbit",
        to: "delay 500ms loss 10% rate 1mbit",
        source: "Apple's Network Link Conditioner, profile Very Bad Network",
    },
    Preset {
        name: "mobile-4g",
        from: "delay 45ms 15ms loss 0.2% rate 50mbit",
        to: "delay 45ms 5ms loss 0.2% rate 100mbit",
        source: "Loadero, network conditions, 4G (wiki.loadero.com)",
    },
    Preset {
        name: "mobile-3g",
        from: "delay 250ms 50ms loss 0.5% rate 1200kbit",
        to: "delay 250ms 50ms loss 0.5% rate 1200kbit",
        source: "Loadero, network conditions, 3G (wiki.loadero.com)",
    },
    Preset {
        name: "satellite-geo",
        from: "delay 259ms rate 256kbit",
        to: "delay 259ms rate 1mbit",
        source: "RFC 2488, section 2, for the delay (between 239.6 and 279.0 ms); Loadero, Satellite phone, for the rates",
    },
    Preset {
        name: "dsl",
        from: "delay 25ms rate 384kbit",
        to: "delay 25ms rate 1500kbit",
        source: "WebPageTest, connectivity profile DSL (50 ms there and back)",
    },
    Preset {
        name: "congested-cloud",
        from: "delay 5ms 3ms distribution pareto loss gemodel 0.5% 25% rate 100mbit limit 200",
        to: "delay 5ms 3ms distribution pareto loss gemodel 0.5% 25% rate 100mbit limit 200",
        source: "no published table: a long tail of delays and losses in bursts, as a full queue makes them; our own choice",
    },
];

/// The one of this name.
pub(super) fn named(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}
