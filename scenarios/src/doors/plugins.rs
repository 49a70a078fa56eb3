//! The door of plugins: what a plugin answers while networks and containers come and go that it has a hand in.

use std::cell::OnceCell;
use std::time::Duration;

use super::lines::works;
use crate::lab::Lab;

/// Answers that are heeded.
const LINES_MAX: usize = 24;
/// How much virtual time a command may take.
const PATIENCE: Duration = Duration::from_secs(70);
/// The plugin: it says what it is, unless the answers begin with `!`, and then a line for each question.
const SCRIPT: &str = r#"
case $1 in Plugin.Activate|*.GetCapabilities|*.GetDefaultAddressSpaces)
  head -c 1 /tmp/answers | grep -q '!' || { echo '{"Implements":["NetworkDriver","IpamDriver"],"Scope":"local"}'; exit; } ;;
esac
n=$(($(cat /tmp/n) + 1)); echo $n >/tmp/n; sed -n ${n}p /tmp/answers | tr -d '!'
"#;
/// What is typed meanwhile.
const COMMANDS: [&str; 8] = [
    "docker network create -d p1 --subnet 10.7.0.0/24 n2",
    "docker network create --ipam-driver p1 n3",
    "docker run -d --name c2 --network n2 -p 8080:80 busybox sleep 1000000",
    "docker run -d --name c3 --network n3 busybox sleep 1000000",
    "docker network connect n2 c1",
    "docker network connect n3 c2",
    "docker network disconnect n2 c1",
    "docker network inspect n1 n2 n3",
];

thread_local!(static KEPT: OnceCell<Lab> = const { OnceCell::new() });

fn build() -> Lab {
    let lab = Lab::uncaptured();
    lab.network("n1").subnet("10.1.0.0/24").create().expect("nothing else is there");
    lab.container("c1").network("n1").run().expect("its name is free");
    write(&lab, "/root/p1.sh", SCRIPT);
    for command in [
        "ip link add pl0 type veth peer name pc0; ip link add pl1 type veth peer name pc1",
        "netyard plugin p1 /root/p1.sh &",
    ] {
        lab.sh(command).expect("nothing is in the way");
    }
    lab
}

fn write(lab: &Lab, path: &str, text: &str) {
    let text = text.replace('\0', "");
    let quoted = shlex::try_quote(&text).expect("no zero is in it");
    lab.sh(&format!("printf '%s\\n' {quoted} >{path}")).expect("there is room for it");
}

/// Whatever is answered, each command ends, and nothing is left of what was made when it is removed.
pub(super) fn plugin(text: &str) {
    let lab = KEPT.with(|kept| kept.get_or_init(build).fork().expect("nothing of a test runs in it"));
    let answers: Vec<&str> = text.lines().take(LINES_MAX).collect();
    write(&lab, "/tmp/answers", &answers.join("\n"));
    lab.sh("echo 0 >/tmp/n").expect("there is room for it");
    for command in COMMANDS {
        let _ = lab.sh_within("docker01", command, PATIENCE);
    }
    assert!(works(&lab));
    let _ = lab.sh_within("docker01", "docker rm -f c2 c3", PATIENCE);
    let _ = lab.sh_within("docker01", "docker network rm n2 n3 docker_gwbridge", PATIENCE);
    let left = lab.sh("docker network ls --format '{{.Name}}' | sort | tr '\\n' ' '").expect("they are listed");
    assert_eq!(left, "bridge host n1 none ", "nothing is left half made");
    lab.sh("docker inspect c1").expect("it has nothing to do with the plugin");
}
