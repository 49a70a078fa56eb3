//! `/version` and `/info`: what the engine says of itself, which is what Docker 20.10.24 says.

use netyard_sim::world::World;
use serde_json::{Value, json};

use super::{Engine, Reply};
pub(super) use crate::cluster::object::MEMORY;
use crate::container::State;
use crate::daemon::OnShutdown;
use crate::date;

/// The version of the engine whose behaviour this one has.
pub const VERSION: &str = "20.10.24+dfsg1";
const KERNEL: &str = "6.18.44";
const BUILT: &str = "2026-05-07T21:09:36.000000000+00:00";

/// `GET /version`.
pub(super) fn version() -> Reply {
    Reply::ok(&json!({
        "Platform": { "Name": "" },
        "Components": [
            { "Name": "Engine", "Version": VERSION, "Details": {
                "ApiVersion": "1.41", "Arch": "amd64", "BuildTime": BUILT, "Experimental": "false",
                "GitCommit": "5d6db84", "GoVersion": "go1.19.8", "KernelVersion": KERNEL, "MinAPIVersion": "1.12",
                "Os": "linux",
            } },
            { "Name": "containerd", "Version": "1.6.20~ds1", "Details": { "GitCommit": "1.6.20~ds1-1+deb12u3" } },
            { "Name": "runc", "Version": "1.1.5+ds1", "Details": { "GitCommit": "1.1.5+ds1-1+deb12u1" } },
            { "Name": "docker-init", "Version": "0.19.0", "Details": { "GitCommit": "" } },
        ],
        "Version": VERSION, "ApiVersion": "1.41", "MinAPIVersion": "1.12", "GitCommit": "5d6db84",
        "GoVersion": "go1.19.8", "Os": "linux", "Arch": "amd64", "KernelVersion": KERNEL, "BuildTime": BUILT,
    }))
}

impl Engine {
    /// `GET /info`. The host is a plain one with two processors; what depends on the world is counted.
    pub(super) fn info(&self, world: &World) -> Reply {
        let mut info = self.counts();
        merge(&mut info, plugins());
        merge(&mut info, capabilities());
        merge(&mut info, json!({ "SystemTime": date::rfc3339(self.epoch, world.now()) }));
        merge(&mut info, drivers(self.listeners.len()));
        merge(&mut info, machine());
        merge(&mut info, json!({ "Name": self.host.name }));
        merge(&mut info, software());
        merge(&mut info, json!({ "Swarm": self.swarm_at_a_glance() }));
        merge(&mut info, self.told());
        Reply::ok(&info)
    }

    fn counts(&self) -> Value {
        let count = |fits: fn(&State) -> bool| self.containers.values().filter(|c| fits(&c.state)).count();
        let running = count(|s| matches!(s, State::Running(_)));
        let paused = count(|s| matches!(s, State::Paused(_)));
        json!({
            "ID": self.identity(),
            "Containers": self.containers.len(),
            "ContainersRunning": running,
            "ContainersPaused": paused,
            "ContainersStopped": self.containers.len() - running - paused,
            "Images": self.images.iter().count(),
        })
    }

    /// The engine's own id: twelve groups of four letters and digits, which say nothing.
    fn identity(&self) -> String {
        const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let letter = |byte: u8| char::from(ALPHABET[usize::from(byte % 32)]);
        let letters: Vec<char> = self.identity.iter().copied().map(letter).collect();
        letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(":")
    }
}

pub(super) fn plugins() -> Value {
    json!({
        "Driver": "overlay2",
        "DriverStatus": [["Backing Filesystem", "extfs"], ["Supports d_type", "true"],
            ["Native Overlay Diff", "true"], ["userxattr", "false"]],
        "Plugins": {
            "Volume": ["local"], "Network": ["bridge", "host", "ipvlan", "macvlan", "null", "overlay"],
            "Authorization": null,
            "Log": ["awslogs", "fluentd", "gcplogs", "gelf", "journald", "json-file", "local", "logentries",
                "splunk", "syslog"],
        },
    })
}

fn capabilities() -> Value {
    json!({
        "MemoryLimit": true, "SwapLimit": true, "KernelMemory": true, "KernelMemoryTCP": true, "CpuCfsPeriod": true,
        "CpuCfsQuota": true, "CPUShares": true, "CPUSet": true, "PidsLimit": true, "IPv4Forwarding": true,
        "BridgeNfIptables": true, "BridgeNfIp6tables": true, "Debug": false, "NFd": 26, "OomKillDisable": true,
        "NGoroutines": 39,
    })
}

fn drivers(listeners: usize) -> Value {
    json!({
        "LoggingDriver": "json-file", "CgroupDriver": "cgroupfs", "CgroupVersion": "1", "NEventsListener": listeners,
    })
}

fn machine() -> Value {
    json!({
        "KernelVersion": KERNEL, "OperatingSystem": "Debian GNU/Linux 12 (bookworm)", "OSVersion": "12",
        "OSType": "linux", "Architecture": "x86_64", "IndexServerAddress": "https://index.docker.io/v1/",
        "RegistryConfig": {
            "AllowNondistributableArtifactsCIDRs": [], "AllowNondistributableArtifactsHostnames": [],
            "InsecureRegistryCIDRs": ["127.0.0.0/8"],
            "IndexConfigs": { "docker.io": {
                "Name": "docker.io", "Mirrors": [], "Secure": true, "Official": true,
            } },
            "Mirrors": [],
        },
        "NCPU": 2, "MemTotal": MEMORY, "GenericResources": null, "DockerRootDir": "/var/lib/docker",
        "HttpProxy": "", "HttpsProxy": "", "NoProxy": "",
    })
}

impl Engine {
    /// What follows from its settings.
    fn told(&self) -> Value {
        let live = self.config().on_shutdown == OnShutdown::KeepRunning;
        let pools = self.config().pools.given().iter();
        let pools: Vec<Value> = pools.map(|pool| json!({ "Base": pool.base.to_string(), "Size": pool.size })).collect();
        let mut told = json!({ "LiveRestoreEnabled": live });
        if !pools.is_empty() {
            merge(&mut told, json!({ "DefaultAddressPools": pools }));
        }
        merge(&mut told, self.store_at_a_glance());
        told
    }
}

fn software() -> Value {
    json!({
        "Labels": [], "ExperimentalBuild": false, "ServerVersion": VERSION,
        "Runtimes": {
            "io.containerd.runc.v2": { "path": "runc" }, "io.containerd.runtime.v1.linux": { "path": "runc" },
            "runc": { "path": "runc" },
        },
        "DefaultRuntime": "runc",
        "Swarm": null,
        "LiveRestoreEnabled": null, "Isolation": "", "InitBinary": "docker-init",
        "ContainerdCommit": { "ID": "1.6.20~ds1-1+deb12u3", "Expected": "1.6.20~ds1-1+deb12u3" },
        "RuncCommit": { "ID": "1.1.5+ds1-1+deb12u1", "Expected": "1.1.5+ds1-1+deb12u1" },
        "InitCommit": { "ID": "", "Expected": "" }, "SecurityOptions": ["name=seccomp,profile=default"],
    })
}

fn merge(into: &mut Value, part: Value) {
    if let (Some(into), Value::Object(part)) = (into.as_object_mut(), part) {
        into.extend(part);
    }
}
