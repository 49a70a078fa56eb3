//! `nslookup`, twice: busybox 1.35 as containers have it and bind 9.18 as hosts have it. Both ask name servers
//! themselves: neither reads the hosts file for the name that is asked for.

mod bind;
mod busybox;

use super::{Flavour, Programs};

/// Puts both into the table.
pub fn add(programs: &mut Programs) {
    programs.add(Flavour::Busybox, "nslookup", || Box::<busybox::Nslookup>::default());
    programs.add(Flavour::Host, "nslookup", || Box::<bind::Nslookup>::default());
}
