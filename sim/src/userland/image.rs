//! What the filesystem of a machine or of a container begins with: the usual directories, devices, programs and the few
//! files that programs look for. Names, addresses and pages are put there by those who know them.

use super::accounts;
use super::files::{Device, Files, Made, Stamp};
use super::proc::PROC;
use super::sysfs::SYS;
use super::{Flavour, Programs};

/// Directories of every system, with their permissions.
const DIRECTORIES: [(&str, u32); 22] = [
    ("/bin", 0o755),
    ("/dev", 0o755),
    ("/dev/pts", 0o755),
    ("/dev/shm", 0o1777),
    ("/etc", 0o755),
    ("/home", 0o755),
    ("/lib", 0o755),
    ("/mnt", 0o755),
    ("/opt", 0o755),
    ("/root", 0o700),
    ("/run", 0o755),
    ("/sbin", 0o755),
    ("/srv", 0o755),
    ("/tmp", 0o1777),
    ("/usr", 0o755),
    ("/usr/bin", 0o755),
    ("/usr/sbin", 0o755),
    ("/usr/share", 0o755),
    ("/var", 0o755),
    ("/var/log", 0o755),
    ("/var/spool", 0o755),
    ("/var/tmp", 0o1777),
];

const DEVICES: [(&str, Device, u32); 8] = [
    ("/dev/console", Device::Console, 0o620),
    ("/dev/full", Device::Full, 0o666),
    ("/dev/null", Device::Null, 0o666),
    ("/dev/ptmx", Device::Ptmx, 0o666),
    ("/dev/random", Device::Random, 0o666),
    ("/dev/tty", Device::Tty, 0o666),
    ("/dev/urandom", Device::Urandom, 0o666),
    ("/dev/zero", Device::Zero, 0o666),
];

const LINKS: [(&str, &str); 4] = [
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/stderr", "/proc/self/fd/2"),
    ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"),
];

const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
bin:x:2:2:bin:/bin:/bin/false
sys:x:3:3:sys:/dev:/bin/false
sync:x:4:100:sync:/bin:/bin/sync
mail:x:8:8:mail:/var/spool/mail:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
operator:x:37:37:Operator:/var:/bin/false
nobody:x:65534:65534:nobody:/home:/bin/false
";

const GROUP: &str = "root:x:0:
daemon:x:1:
bin:x:2:
sys:x:3:
adm:x:4:
tty:x:5:
disk:x:6:
lp:x:7:
mail:x:8:
kmem:x:9:
wheel:x:10:root
cdrom:x:11:
dialout:x:18:
floppy:x:19:
video:x:28:
audio:x:29:
tape:x:32:
www-data:x:33:
operator:x:37:
utmp:x:43:
plugdev:x:46:
staff:x:50:
lock:x:54:
netdev:x:82:
users:x:100:
nobody:x:65534:
";

const NSSWITCH: &str = "hosts:\tfiles dns\n";

/// The files that a place of this flavour begins with, made at `built`; copies share them until they change them.
#[must_use]
pub fn files(flavour: Flavour, programs: &Programs, built: Stamp) -> Files {
    let mut files = Files::default();
    files.set_time(built);
    let mut change = files.view_mut();
    for (path, mode) in DIRECTORIES {
        change.make_directory(path);
        change.set_mode(path, mode).expect("it was just made");
    }
    change.link("/var/run", "/run");
    let bin = if flavour == Flavour::Busybox { "/bin" } else { "/usr/bin" };
    for name in programs.names(flavour) {
        // A name that is there twice is one program.
        let _ = change.make(&format!("{bin}/{name}"), Made::Program, 0o755);
    }
    if flavour == Flavour::Host {
        for name in ["sh", "bash", "cat", "ls", "echo", "ping", "sleep"] {
            change.link(&format!("/bin/{name}"), &format!("/usr/bin/{name}"));
        }
    }
    for (path, text) in [(accounts::PASSWD, PASSWD), (accounts::GROUP, GROUP), ("/etc/nsswitch.conf", NSSWITCH)] {
        change.write(path, text).expect("/etc was just made");
    }
    equip(&mut files);
    files.freeze();
    files
}

/// Gives files what no image brings and every place has: its devices and what the kernel tells.
pub fn equip(files: &mut Files) {
    let mut change = files.view_mut();
    for path in ["/dev", "/dev/pts", "/dev/shm"] {
        change.make_directory(path);
    }
    // What the image has in their places stays.
    for (path, device, mode) in DEVICES {
        let _ = change.make(path, Made::Device(device), mode);
    }
    for (path, target) in LINKS {
        if !change.view().exists(path) {
            change.link(path, target);
        }
    }
    files.mount_generated("/proc", PROC);
    files.mount_generated("/sys", SYS);
}
