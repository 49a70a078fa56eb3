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
if [ $# -lt 3 ]; then
    echo "Syntax:" >&2
    echo "pipework <hostinterface> [-i containerinterface] [-l localinterface] <guest> <ipaddr>/<subnet>[@default_gateway] [macaddr][@vlan]" >&2
    exit 1
fi
outside=$1
shift
inside=eth1
near=
while [ "$1" = -i ] || [ "$1" = -l ]; do
    if [ "$1" = -i ]; then inside=$2; else near=$2; fi
    shift 2
done
guest=$1
address=$2
mac=$3
vlan=
case $mac in *@*) vlan=${mac##*@}; mac=${mac%@*};; esac
gateway=
case $address in *@*) gateway=${address#*@}; address=${address%@*};; esac
case $address in
*/*) ;;
*) echo "The IP address should include a netmask." >&2
   echo "Maybe you meant $address/24 ?" >&2
   exit 1;;
esac
pid=$(docker inspect -f '{{.State.Pid}}' "$guest" 2>/dev/null)
if [ -z "$pid" ]; then echo "Container $guest not found, and unknown to Docker." >&2; exit 1; fi
if [ "$pid" = 0 ]; then echo "Docker inspect returned invalid PID 0" >&2; exit 1; fi
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
mkdir -p /var/run/netns
rm -f "/var/run/netns/$pid"
ln -s "/proc/$pid/ns/net" "/var/run/netns/$pid"
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
        if ! ip link show "$outside.$vlan" >/dev/null 2>&1; then
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
rm -f "/var/run/netns/$pid"
"#;
