//! Programs that reach out: ping, traceroute, nslookup and dig in a container, on its router and on the LAN behind it,
//! and what they print.

mod reach {
    pub(crate) mod lab;
    pub(crate) mod names;
    pub(crate) mod ping;
    pub(crate) mod traceroute;
}
