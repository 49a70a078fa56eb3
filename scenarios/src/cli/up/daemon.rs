//! The flags of dockerd that `netyard up` takes as well: those that say something about networks. They are read by the
//! engine itself, in its own words; here they are only listed.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

/// What a flag takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Takes {
    /// `true` or `false`; nothing means `true`.
    Switch,
    /// A value; lists grow with each.
    Value(&'static str),
}

/// Every flag, its variable, what it takes and what it is for.
const FLAGS: [(&str, &str, Takes, &str); 20] = [
    ("bip", "NETYARD_UP_BIP", Takes::Value("CIDR"), "Address and subnet of docker0"),
    (
        "cluster-advertise",
        "NETYARD_UP_CLUSTER_ADVERTISE",
        Takes::Value("ADDRESS|DEVICE:PORT"),
        "Where other hosts reach this one's VXLAN, by UDP of this machine [default: a free port of 127.0.0.1]",
    ),
    (
        "cluster-store",
        "NETYARD_UP_CLUSTER_STORE",
        Takes::Value("etcd://HOST:PORT[/PREFIX]"),
        "Share overlay networks with all that use this store",
    ),
    (
        "default-address-pool",
        "NETYARD_UP_DEFAULT_ADDRESS_POOL",
        Takes::Value("base=CIDR,size=BITS"),
        "Where subnets that nobody chose come from",
    ),
    (
        "default-gateway",
        "NETYARD_UP_DEFAULT_GATEWAY",
        Takes::Value("IP"),
        "The way out of the default network, where it is not docker0",
    ),
    ("default-gateway-v6", "NETYARD_UP_DEFAULT_GATEWAY_V6", Takes::Value("IP"), "The same for IPv6"),
    ("dns", "NETYARD_UP_DNS", Takes::Value("IP"), "A name server for containers"),
    ("dns-opt", "NETYARD_UP_DNS_OPT", Takes::Value("OPTION"), "A resolver option for containers"),
    ("dns-search", "NETYARD_UP_DNS_SEARCH", Takes::Value("DOMAIN"), "A search domain for containers"),
    ("fixed-cidr", "NETYARD_UP_FIXED_CIDR", Takes::Value("CIDR"), "The part of docker0's subnet for containers"),
    ("fixed-cidr-v6", "NETYARD_UP_FIXED_CIDR_V6", Takes::Value("CIDR"), "The IPv6 subnet of the default network"),
    ("icc", "NETYARD_UP_ICC", Takes::Switch, "Containers of the default network reach each other"),
    ("ip", "NETYARD_UP_IP", Takes::Value("IP"), "Where the simulated host listens for published ports"),
    ("ip-forward", "NETYARD_UP_IP_FORWARD", Takes::Switch, "Switch on IP forwarding"),
    ("ip-masq", "NETYARD_UP_IP_MASQ", Takes::Switch, "What leaves the default network gets the host's address"),
    ("iptables", "NETYARD_UP_IPTABLES", Takes::Switch, "Make firewall rules"),
    ("ipv6", "NETYARD_UP_IPV6", Takes::Switch, "IPv6 on the default network"),
    ("live-restore", "NETYARD_UP_LIVE_RESTORE", Takes::Switch, "Containers outlive the engine"),
    ("mtu", "NETYARD_UP_MTU", Takes::Value("BYTES"), "MTU of containers on the default network"),
    ("userland-proxy", "NETYARD_UP_USERLAND_PROXY", Takes::Switch, "A docker-proxy for each published port"),
];

/// What was given of them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Daemon(Vec<String>);

impl Daemon {
    /// The words of dockerd's command line.
    #[must_use]
    pub(super) fn words(&self) -> &[String] {
        &self.0
    }
}

impl Args for Daemon {
    fn augment_args(command: Command) -> Command {
        FLAGS.iter().fold(command.next_help_heading("As dockerd's"), |command, (flag, variable, takes, help)| {
            let short = flag.strip_prefix("cluster-");
            let arg =
                Arg::new(*flag).long(*flag).visible_aliases(short).env(*variable).help(*help).action(ArgAction::Append);
            command.arg(match takes {
                Takes::Switch => {
                    arg.num_args(0..=1).require_equals(true).default_missing_value("true").value_name("BOOL")
                }
                Takes::Value(name) => arg.value_name(*name).allow_hyphen_values(true),
            })
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Daemon {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = |flag: &'static str| {
            let values = matches.get_many::<String>(flag).into_iter().flatten();
            values.map(move |value| format!("--{flag}={value}"))
        };
        Ok(Self(FLAGS.iter().flat_map(|(flag, ..)| given(flag)).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        let command = Daemon::augment_args(Command::new("up").no_binary_name(true));
        let matches = command.try_get_matches_from(line.split(' ')).expect("it is a command line");
        Daemon::from_arg_matches(&matches).expect("nothing is refused here").words().to_vec()
    }

    #[test]
    fn flags_come_out_as_dockerd_takes_them() {
        let line = "--icc=false --ipv6 --mtu 1400 --dns 10.0.0.2 --dns 10.0.0.3 --bip=192.168.1.5/24";
        let expected =
            ["--bip=192.168.1.5/24", "--dns=10.0.0.2", "--dns=10.0.0.3", "--icc=false", "--ipv6=true", "--mtu=1400"];
        assert_eq!(words(line), expected);
    }
}
