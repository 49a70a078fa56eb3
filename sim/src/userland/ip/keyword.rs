//! Which word of a command line is meant by one that was typed: some of iproute2's words may be shortened, others not, and
//! the first that fits is meant. So a device that is called `a` must be introduced by `name` or `dev`: alone it is an
//! `address`. It says what is meant and takes nothing in.

use super::Words;
use crate::userland::Flavour;

/// A word of the command line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Keyword {
    /// It counts only when it is written out.
    Whole(&'static str),
    /// Its beginning is enough.
    Begun(&'static str),
}

use Keyword::{Begun, Whole};

impl Keyword {
    /// The word as it is written out.
    pub(super) const fn word(self) -> &'static str {
        let (Whole(word) | Begun(word)) = self;
        word
    }
}

/// The words of `ip link add` and `ip link set`, in iproute2's order.
pub(super) const LINK: [Keyword; 33] = [
    Whole("up"),
    Whole("down"),
    Whole("name"),
    Whole("index"),
    Begun("link"),
    Begun("address"),
    Begun("broadcast"),
    Begun("txqueuelen"),
    Whole("mtu"),
    Whole("netns"),
    Whole("multicast"),
    Whole("allmulticast"),
    Whole("promisc"),
    Whole("trailers"),
    Whole("arp"),
    Whole("carrier"),
    Begun("master"),
    Whole("vrf"),
    Begun("nomaster"),
    Begun("dynamic"),
    Begun("type"),
    Begun("alias"),
    Whole("group"),
    Whole("mode"),
    Whole("state"),
    Begun("numtxqueues"),
    Begun("numrxqueues"),
    Begun("addrgenmode"),
    Begun("link-netns"),
    Begun("link-netnsid"),
    Whole("protodown"),
    Begun("help"),
    Whole("dev"),
];

/// The words of `ip route add` and its kin.
pub(super) const ROUTE: [Keyword; 37] = [
    Whole("src"),
    Whole("via"),
    Whole("tos"),
    Begun("dsfield"),
    Begun("metric"),
    Begun("priority"),
    Whole("preference"),
    Whole("scope"),
    Whole("mtu"),
    Whole("hoplimit"),
    Whole("advmss"),
    Begun("reordering"),
    Whole("rtt"),
    Whole("rto_min"),
    Whole("window"),
    Whole("cwnd"),
    Whole("initcwnd"),
    Whole("initrwnd"),
    Whole("features"),
    Whole("quickack"),
    Whole("congctl"),
    Begun("rttvar"),
    Begun("ssthresh"),
    Whole("onlink"),
    Whole("nexthop"),
    Begun("realms"),
    Whole("expires"),
    Whole("pref"),
    Whole("from"),
    Whole("nhid"),
    Whole("encap"),
    Begun("protocol"),
    Begun("table"),
    Whole("dev"),
    Whole("oif"),
    Whole("to"),
    Begun("help"),
];

/// The words of `ip rule add` and its kin.
pub(super) const RULE: [Keyword; 28] = [
    Whole("not"),
    Whole("from"),
    Whole("to"),
    Begun("preference"),
    Begun("order"),
    Begun("priority"),
    Whole("tos"),
    Begun("dsfield"),
    Whole("fwmark"),
    Begun("protocol"),
    Begun("table"),
    Whole("lookup"),
    Begun("suppress_prefixlength"),
    Whole("sup_pl"),
    Whole("dev"),
    Whole("iif"),
    Whole("oif"),
    Whole("ipproto"),
    Whole("sport"),
    Whole("dport"),
    Whole("uidrange"),
    Whole("type"),
    Whole("unicast"),
    Begun("goto"),
    Begun("nop"),
    Whole("blackhole"),
    Whole("unreachable"),
    Begun("help"),
];

/// The words of busybox's `ip link add`, which are all understood by their beginnings.
const BUSYBOX_ADD: [Keyword; 5] = [Begun("link"), Begun("name"), Begun("type"), Begun("dev"), Begun("address")];

impl Words {
    /// The next word of a line that changes or makes a device: the keyword that it means, else itself.
    pub(super) fn next_of(&mut self, keywords: &[Keyword]) -> Option<String> {
        self.take_next().map(|word| meant(&word, keywords).map_or(word, str::to_owned))
    }
}

/// The words by which `ip link add` of a flavour goes.
pub(super) const fn of_add(flavour: Flavour) -> &'static [Keyword] {
    match flavour {
        Flavour::Host => &LINK,
        Flavour::Busybox => &BUSYBOX_ADD,
    }
}

/// The words by which `ip link set` of a flavour goes: busybox has them written out.
pub(super) const fn of_set(flavour: Flavour) -> &'static [Keyword] {
    match flavour {
        Flavour::Host => &LINK,
        Flavour::Busybox => &[],
    }
}

/// The keyword that a word means.
fn meant(word: &str, keywords: &[Keyword]) -> Option<&'static str> {
    keywords.iter().find_map(|keyword| match *keyword {
        Whole(name) => (word == name).then_some(name),
        Begun(name) => (!word.is_empty() && name.starts_with(word)).then_some(name),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_that_fits_is_meant() {
        let of = |word| meant(word, &LINK);
        assert_eq!(
            [of("a"), of("al"), of("ad"), of("addrg")],
            ["address", "alias", "address", "addrgenmode"].map(Some)
        );
        assert_eq!([of("b"), of("br"), of("t"), of("ty")], ["broadcast", "broadcast", "txqueuelen", "type"].map(Some));
        assert_eq!([of("m"), of("l"), of("n"), of("d")], ["master", "link", "nomaster", "dynamic"].map(Some));
        assert_eq!([of("mt"), of("u"), of("v"), of("eth0"), of("b1")], [None; 5], "these are names");
    }
}
