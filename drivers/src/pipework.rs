//! `pipework`: gives a container one more interface, on a bridge of the host or straight on one of its devices. It is a
//! shell script on top of `ip`, `brctl` and `docker inspect`, as the tool of that name is: an engine knows nothing of it,
//! and a container that is restarted has to be given its interface again.

use netyard_sim::userland::exec::{Exec, Launcher, Next};
use netyard_sim::userland::{Flavour, Programs, Sys};

/// Puts `pipework` on the path of hosts.
pub fn add(programs: &mut Programs) {
    programs.add(Flavour::Host, "pipework", || Box::new(Launcher::new(start)));
}

fn start(sys: &mut Sys<'_>) -> Next {
    let words = sys.argv().iter().skip(1).cloned();
    let argv = ["sh", "-c", SCRIPT, "pipework"].map(str::to_owned).into_iter().chain(words).collect();
    match Exec::start(sys, argv, |_| {}) {
        Ok(exec) => Next::Exec(exec),
        Err(_) => Next::Exit(127),
    }
}

/// What is done, in the order in which it is done by hand (oracle, 06b).
const SCRIPT: &str = r#"
syntax() {
    echo "Syntax:"
    echo "pipework <hostinterface> [-i containerinterface] [-l localinterface] <guest> <ipaddr>/<subnet>[@default_gateway] [macaddr][@vlan]"
    echo "pipework <hostinterface> [-i containerinterface] [-l localinterface] <guest> dhcp [macaddr][@vlan]"
    echo "pipework route <guest> <route_command>"
    echo "pipework rule <guest> <rule_command>"
    echo "pipework tc <guest> <tc_command>"
    echo "pipework --wait [-i containerinterface]"
    exit 1
}
find_guest() {
    pid=$(docker inspect -f '{{.State.Pid}}' "$1" 2>/dev/null)
    if [ -z "$pid" ]; then echo "Container $1 not found, and unknown to Docker." >&2; exit 1; fi
    if [ "$pid" = 0 ]; then echo "Docker inspect returned invalid PID 0" >&2; exit 1; fi
}
name_guest() {
    mkdir -p /var/run/netns
    rm -f "/var/run/netns/$pid"
    ln -s "/proc/$pid/ns/net" "/var/run/netns/$pid"
}
if [ "$1" = --wait ]; then
    inside=eth1
    if [ "$2" = -i ]; then inside=$3; fi
    until [ "$(cat "/sys/class/net/$inside/carrier" 2>/dev/null)" = 1 ]; do sleep 1; done
    exit 0
fi
if [ $# -lt 3 ]; then syntax; fi
case $1 in
route|rule|tc)
    what=$1
    find_guest "$2"
    name_guest
    shift 2
    if [ "$what" = tc ]; then ip netns exec "$pid" tc "$@"; else ip netns exec "$pid" ip "$what" "$@"; fi
    code=$?
    rm -f "/var/run/netns/$pid"
    exit $code;;
esac
outside=$1
shift
inside=eth1
near=
while [ "$1" = -i ] || [ "$1" = -l ]; do
    if [ "$1" = -i ]; then inside=$2; else near=$2; fi
    shift 2
done
if [ $# -lt 2 ]; then syntax; fi
guest=$1
address=$2
mac=$3
vlan=
case $mac in *@*) vlan=${mac##*@}; mac=${mac%@*};; esac
gateway=
case $address in *@*) gateway=${address#*@}; address=${address%@*};; esac
case $address in
*/*) ;;
dhcp) ;;
*) echo "The IP address should include a netmask." >&2
   echo "Maybe you meant $address/24 ?" >&2
   exit 1;;
esac
find_guest "$guest"
# No host here has a program that asks for an address.
if [ "$address" = dhcp ]; then echo "You asked for DHCP; but no DHCP client could be found." >&2; exit 1; fi
kind=device
if ! ip link show "$outside" >/dev/null 2>&1; then
    case $outside in
    br*) ip link add "$outside" type bridge && ip link set "$outside" up || exit 1; kind=bridge;;
    *) echo "I do not know how to setup interface $outside." >&2; exit 1;;
    esac
elif [ -n "$(ip link show "$outside" type bridge)" ]; then
    kind=bridge
fi
if [ "$kind" = bridge ] && [ -n "$vlan" ]; then
    echo "VLAN configuration currently unsupported for Linux bridge." >&2
    exit 1
fi
name_guest
give_up() { rm -f "/var/run/netns/$pid"; exit 1; }
mtu=$(ip link show "$outside" | head -n 1 | sed 's/.* mtu \([0-9]*\).*/\1/')
if [ "$kind" = bridge ]; then
    [ -n "$near" ] || near=v${inside}pl$pid
    far=v${inside}pg$pid
    ip link show "$near" >/dev/null 2>&1 && ip link del "$near"
    ip link add name "$near" mtu "$mtu" type veth peer name "$far" mtu "$mtu" || give_up
    ip link set "$near" master "$outside" || give_up
    ip link set "$near" up
else
    if [ -n "$vlan" ]; then
        if ip link show "$outside.$vlan" >/dev/null 2>&1; then
            if ! ip -d link show "$outside.$vlan" | grep -q "vlan.*id $vlan"; then
                echo "$outside.$vlan already exists but is not a VLAN device for tag $vlan" >&2
                give_up
            fi
        else
            ip link add link "$outside" name "$outside.$vlan" mtu "$mtu" type vlan id "$vlan" || give_up
        fi
        ip link set "$outside" up
        outside=$outside.$vlan
    fi
    far=ph$pid$inside
    ip link add link "$outside" name "$far" mtu "$mtu" type macvlan mode bridge || give_up
    ip link set "$outside" up
fi
ip link set "$far" netns "$pid" || give_up
ip netns exec "$pid" ip link set "$far" name "$inside" || give_up
[ -z "$mac" ] || ip netns exec "$pid" ip link set dev "$inside" address "$mac" || give_up
ip netns exec "$pid" ip addr add "$address" brd + dev "$inside" || give_up
[ -z "$gateway" ] || ip netns exec "$pid" ip route delete default >/dev/null 2>&1
ip netns exec "$pid" ip link set "$inside" up
if [ -n "$gateway" ]; then
    ip netns exec "$pid" ip route get "$gateway" >/dev/null 2>&1 ||
        ip netns exec "$pid" ip route add "$gateway/32" dev "$inside"
    ip netns exec "$pid" ip route replace default via "$gateway" dev "$inside"
fi
# The neighbours are told who has the address now.
ip netns exec "$pid" arping -c 1 -A -I "$inside" "${address%/*}" >/dev/null 2>&1
rm -f "/var/run/netns/$pid"
exit 0
"#;
