//! The programs of a Linux system, gathered from the modules that bring them. Other crates add theirs to the table.

use super::{
    Programs, arp, arping, brctl, bridge_command, coreutils, curl, dig, ethtool, httpd, ifconfig, ip, iptables,
    ipvsadm, nc, netstat, nslookup, nstat, ping, route_command, shell, ss, sysctl, tc, tcpdump, traceroute, wget,
};

/// All programs of this crate, for hosts and for containers.
#[must_use]
pub fn linux() -> Programs {
    let mut programs = Programs::default();
    coreutils::add(&mut programs);
    ip::add(&mut programs);
    ifconfig::add(&mut programs);
    route_command::add(&mut programs);
    arp::add(&mut programs);
    arping::add(&mut programs);
    brctl::add(&mut programs);
    bridge_command::add(&mut programs);
    ethtool::add(&mut programs);
    sysctl::add(&mut programs);
    tc::add(&mut programs);
    tcpdump::add(&mut programs);
    ping::add(&mut programs);
    nslookup::add(&mut programs);
    dig::add(&mut programs);
    nc::add(&mut programs);
    netstat::add(&mut programs);
    ss::add(&mut programs);
    nstat::add(&mut programs);
    ipvsadm::add(&mut programs);
    wget::add(&mut programs);
    curl::add(&mut programs);
    httpd::add(&mut programs);
    traceroute::add(&mut programs);
    iptables::add(&mut programs);
    shell::add(&mut programs);
    programs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::userland::Flavour;

    #[test]
    fn a_container_has_busyboxs_programs_and_not_iproute2s_others() {
        let programs = linux();
        assert!(programs.find(Flavour::Busybox, "/bin/cat").is_some());
        assert!(programs.find(Flavour::Busybox, "bridge").is_none());
        assert!(programs.find(Flavour::Host, "bridge").is_some());
        assert!(programs.names(Flavour::Host).count() >= programs.names(Flavour::Busybox).count());
    }
}
