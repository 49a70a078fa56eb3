//! The doctor: what of this machine real programs on the simulated network need, what works without it, and what mends
//! it. It looks and tries, and changes nothing.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Serialize;

use super::tap;

/// The subcommand of this command that tries what a guest does.
pub const TRIAL: &str = "trial";

/// What works whatever is missing.
const REST: &str = "netyard test, netyard up and the docker command work; netyard run, exec and attach do not";
const REST_BUT_ROOT: &str =
    "netyard test, netyard up and the docker command work; netyard run, exec and attach only as root";
/// What mends it that all is allowed and still nothing can be made.
const LET_OUT: &str = "docker run --device /dev/net/tun --security-opt seccomp=unconfined --security-opt \
                       apparmor=unconfined ..., for a container that netyard is in";

/// What was found of one thing.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Finding {
    /// The thing.
    pub what: &'static str,
    /// What is wrong with it, if anything.
    pub trouble: Option<Trouble>,
}

/// What is wrong with something.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Trouble {
    /// In words.
    pub said: String,
    /// What works without it.
    pub without: &'static str,
    /// The command that mends it.
    pub mend: &'static str,
}

/// A switch of the kernel that can keep ordinary users from making namespaces.
struct Switch {
    what: &'static str,
    path: &'static str,
    /// The value that does.
    forbids: &'static str,
    mend: &'static str,
}

const SWITCHES: [Switch; 5] = [
    Switch {
        what: "user namespaces",
        path: "proc/sys/user/max_user_namespaces",
        forbids: "0",
        mend: "sudo sysctl -w user.max_user_namespaces=15000",
    },
    Switch {
        what: "network namespaces",
        path: "proc/sys/user/max_net_namespaces",
        forbids: "0",
        mend: "sudo sysctl -w user.max_net_namespaces=15000",
    },
    Switch {
        what: "user namespaces of ordinary users",
        path: "proc/sys/kernel/unprivileged_userns_clone",
        forbids: "0",
        mend: "sudo sysctl -w kernel.unprivileged_userns_clone=1",
    },
    Switch {
        what: "AppArmor's restriction of user namespaces",
        path: "proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        forbids: "1",
        mend: "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
    },
    Switch {
        what: "AppArmor's restriction of unconfined programs",
        path: "proc/sys/kernel/apparmor_restrict_unprivileged_unconfined",
        forbids: "1",
        mend: "sudo sysctl -w kernel.apparmor_restrict_unprivileged_unconfined=0",
    },
];

/// Looks at a machine whose files are under `root`: its device and its switches.
#[must_use]
pub fn look(root: &Path) -> Vec<Finding> {
    let device = Finding { what: "/dev/net/tun", trouble: device(&root.join(tap::PATH.trim_start_matches('/'))) };
    let switches = SWITCHES.iter().map(|switch| {
        // A kernel without the switch forbids nothing.
        let value = fs::read_to_string(root.join(switch.path)).unwrap_or_default();
        let trouble = (value.trim() == switch.forbids).then(|| Trouble {
            said: format!("/{} is {}", switch.path, switch.forbids),
            without: REST_BUT_ROOT,
            mend: switch.mend,
        });
        Finding { what: switch.what, trouble }
    });
    [device].into_iter().chain(switches).collect()
}

fn device(path: &Path) -> Option<Trouble> {
    let error = OpenOptions::new().read(true).write(true).open(path).err()?;
    let mend = match error.kind() {
        io::ErrorKind::PermissionDenied => "sudo chmod 0666 /dev/net/tun",
        io::ErrorKind::NotFound => {
            "sudo sh -c 'modprobe tun; mkdir -p /dev/net; [ -e /dev/net/tun ] || mknod -m 0666 /dev/net/tun c 10 200'"
        }
        _ => "sudo modprobe tun",
    };
    Some(Trouble { said: format!("cannot be opened: {error}"), without: REST, mend })
}

/// Tries what a guest does, in a process of its own. Where that fails it is mended by `mend`.
fn try_out(mend: &'static str) -> Finding {
    let tried = Command::new("/proc/self/exe").arg(TRIAL).stdin(Stdio::null()).output();
    let said = match tried {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Some(error.to_string()),
    };
    let trouble = said.map(|said| Trouble { said, without: REST, mend });
    Finding { what: "a namespace with a TAP device", trouble }
}

/// All that is found of this machine.
#[must_use]
pub fn examine() -> Vec<Finding> {
    let mut findings = look(Path::new("/"));
    let mend = findings.iter().find_map(|finding| finding.trouble.as_ref()).map_or(LET_OUT, |trouble| trouble.mend);
    findings.push(try_out(mend));
    findings
}

/// Why no real program can be let in here, if so.
#[must_use]
pub fn obstacle() -> Option<String> {
    try_out(LET_OUT).trouble.map(|trouble| format!("{} (`netyard doctor` says what mends it)", trouble.said))
}

/// What is wrong, for people; nothing when nothing is.
#[must_use]
pub fn report(findings: &[Finding]) -> String {
    let lines = findings.iter().filter_map(|Finding { what, trouble }| {
        let Trouble { said, without, mend } = trouble.as_ref()?;
        Some(format!("missing  {what}: {said}\n         without it: {without}\n         mend it by: {mend}\n"))
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_forbids_is_told_apart_from_one_that_does_not() {
        let root = std::env::temp_dir().join(format!("netyard-doctor-{}", std::process::id()));
        for directory in ["dev/net", "proc/sys/user", "proc/sys/kernel"] {
            fs::create_dir_all(root.join(directory)).expect("the directory for temporary files is ours");
        }
        fs::write(root.join("dev/net/tun"), "").unwrap();
        assert_eq!(report(&look(&root)), "");
        fs::write(root.join("proc/sys/kernel/apparmor_restrict_unprivileged_userns"), "1\n").unwrap();
        fs::write(root.join("proc/sys/user/max_user_namespaces"), "15000\n").unwrap();
        let expected = "missing  AppArmor's restriction of user namespaces: \
                        /proc/sys/kernel/apparmor_restrict_unprivileged_userns is 1\n         without it: netyard test, \
                        netyard up and the docker command work; netyard run, exec and attach only as root\n         \
                        mend it by: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0\n";
        assert_eq!(report(&look(&root)), expected);
        fs::remove_file(root.join("dev/net/tun")).unwrap();
        assert!(report(&look(&root)).starts_with("missing  /dev/net/tun: cannot be opened: No such file"));
        fs::remove_dir_all(root).unwrap();
    }
}
