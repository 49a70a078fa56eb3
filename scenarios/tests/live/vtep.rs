//! The end of a VXLAN tunnel in a simulated container, and the other in the kernel of this machine: they carry each other's
//! pings, connections and datagrams, and tshark has nothing to say against their frames. Where this machine cannot make
//! namespaces or has no vxlan devices, python3 or tshark, the test says so and ends.

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::attached::Namespace;
use super::engine::{Engine, Job, directory};
use super::guests;

/// How long something may take that takes milliseconds on a machine with nothing else to do.
const LONG: Duration = Duration::from_secs(60);
/// Servers in the kernel's end: one answers whoever connects, one repeats datagrams.
const SERVERS: &str = "
import socket, threading
tcp, udp = socket.create_server(('192.168.77.1', 9000)), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(('192.168.77.1', 9001))
def repeat():
    while True:
        data, peer = udp.recvfrom(2000)
        udp.sendto(b'heard ' + data, peer)
threading.Thread(target=repeat, daemon=True).start()
print('ready', flush=True)
while True:
    client, _ = tcp.accept()
    client.sendall(b'x' * 100000 + b' end\\n')
    client.close()
";

/// A simulated and a real end of a tunnel.
struct Tunnel {
    engine: Engine,
    namespace: Namespace,
    _attached: Job,
}

impl Tunnel {
    /// A tunnel by which 192.168.77.1, which is real, and 192.168.77.2, which is simulated, are neighbours.
    fn build() -> Option<Self> {
        let engine = guests::engine()?;
        let namespace = Namespace::new();
        engine.docker("network create --subnet 10.8.0.0/24 k");
        engine.docker("run -d --name vtep --cap-add NET_ADMIN --network k --ip 10.8.0.2 nginx");
        let words =
            ["attach", "--netns", &namespace.process(), "--network", "k", "--name", "mine", "--ip", "10.8.0.77"];
        let mut attached = Job::of(engine.netyard(&words));
        assert_eq!(attached.line(), "eth1 10.8.0.77/24\n");
        let real = "ip link add vx0 type vxlan id 42 remote 10.8.0.2 dstport 4789 dev eth1 && \
                    ip addr add 192.168.77.1/24 dev vx0 && ip link set vx0 up";
        let made = namespace.sh(real);
        if made.code != 0 {
            eprintln!("SKIPPED: this kernel makes no vxlan device here: {}", made.stderr.trim_end());
            return None;
        }
        let simulated = "ip link add vx0 type vxlan id 42 remote 10.8.0.77 dstport 4789 dev eth0 && \
                         ip addr add 192.168.77.2/24 dev vx0 && ip link set vx0 up";
        let made = engine.try_docker(&["exec", "vtep", "sh", "-c", simulated]);
        assert_eq!((made.code, made.stderr.as_str()), (0, ""));
        Some(Self { engine, namespace, _attached: attached })
    }

    /// What a line of a shell says in the simulated container.
    fn inside(&self, line: &str) -> String {
        self.engine.try_docker(&["exec", "vtep", "sh", "-c", line]).stdout
    }

    /// A command in the real namespace, in the background.
    fn begin(&self, words: &[&str]) -> Job {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.namespace.process(), "--user", "--net", "--preserve-credentials"]).args(words);
        Job::of(command)
    }
}

fn has(program: &str) -> bool {
    let is_there = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !is_there {
        eprintln!("SKIPPED: there is no {program} on this machine");
    }
    is_there
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + LONG;
    while !is_so() {
        assert!(Instant::now() < end, "{what}: not within {LONG:?}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// What tshark says of a capture when it is asked so, and whether it could read all of it.
fn dissect(file: &Path, words: &[&str]) -> (String, bool) {
    let output = Command::new("tshark").arg("-n").arg("-r").arg(file).args(words).output().expect("it is there");
    (String::from_utf8_lossy(&output.stdout).into_owned(), output.status.success())
}

#[test]
fn a_simulated_vtep_and_the_kernels_carry_each_others_traffic() {
    if !has("python3") || !has("tshark") {
        return;
    }
    let Some(tunnel) = Tunnel::build() else { return };
    let directory = directory();
    let file = directory.join("tunnel.pcapng");
    let path = file.to_str().expect("the name is text");
    let line = format!("tshark -n -i eth1 -w {path} 2>/dev/null & begun=$!; echo $begun; cat; kill $begun; wait");
    let mut capture = tunnel.begin(&["sh", "-c", &line]);
    capture.line();
    let mut servers = tunnel.begin(&["python3", "-c", SERVERS]);
    assert_eq!(servers.line(), "ready\n");
    wait_until("tshark writes", || std::fs::metadata(&file).is_ok_and(|file| file.len() > 0));

    let real = |line: &str| tunnel.namespace.sh(line).stdout;
    assert!(real("ping -c 2 -W 10 192.168.77.2").contains(" 0% packet loss"));
    assert!(tunnel.inside("ping -c 2 -W 10 192.168.77.1").contains(" 0% packet loss"));
    let page = "bash -c \"exec 3<>/dev/tcp/192.168.77.2/80; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3\"";
    assert!(real(page).contains("Welcome to nginx!"));
    assert_eq!(tunnel.inside("nc -w 20 192.168.77.1 9000 </dev/null | wc -c"), "100005\n");
    assert_eq!(tunnel.inside("echo hello | nc -u -w 3 192.168.77.1 9001"), "heard hello\n");
    let listen = ["exec", "-d", "vtep", "sh", "-c", "nc -u -l -p 9002 >/tmp/heard"];
    assert_eq!(tunnel.engine.try_docker(&listen).code, 0);
    wait_until("a datagram comes", || {
        real("bash -c 'echo hello >/dev/udp/192.168.77.2/9002'");
        tunnel.inside("cat /tmp/heard").starts_with("hello\n")
    });
    let frames = |filter: &str| dissect(&file, &["-Y", filter, "-T", "fields", "-e", "vxlan.vni"]).0.lines().count();
    wait_until("the last is written", || frames("vxlan.vni == 42 && udp.port == 9002") > 0);
    capture.end();
    servers.kill();

    for (what, filter) in [
        ("pings", "vxlan.vni == 42 && icmp"),
        ("connections", "vxlan.vni == 42 && tcp"),
        ("datagrams", "vxlan.vni == 42 && udp.port == 9001"),
        ("the others", "vxlan.vni == 42 && udp.port == 9002"),
    ] {
        assert!(frames(filter) > 0, "{what} were seen in the tunnel");
    }
    let complaints =
        dissect(&file, &["-o", "ip.check_checksum:TRUE", "-Y", "_ws.malformed || ip.checksum.status == \"Bad\""]);
    assert_eq!(complaints, (String::new(), true), "tshark dissects the frames without a complaint");
    let own = "ip.src == 10.8.0.2 && (udp.checksum.status == \"Bad\" || tcp.checksum.status == \"Bad\") && !icmp";
    let checked = ["-o", "udp.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-Y", own];
    assert_eq!(dissect(&file, &checked), (String::new(), true), "what is simulated has its checksums");
    drop(std::fs::remove_dir_all(directory));
}
