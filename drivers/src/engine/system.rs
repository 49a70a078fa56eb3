//! `/version` and `/info`: what the engine says of itself, which is what Docker 20.10.24 says.

use netyard_sim::world::World;
use serde_json::{Value, json};

use super::{Engine, Reply};
use crate::container::State;
use crate::date;
use crate::image::IMAGES;

/// The version of the engine whose behaviour this one has.
pub(super) const VERSION: &str = "20.10.24+dfsg1";
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
        let count = |fits: fn(&State) -> bool| self.containers.values().filter(|c| fits(&c.state)).count();
        let mut info = json!({
            "ID": self.host.name,
            "Containers": self.containers.len(),
            "ContainersRunning": count(|s| matches!(s, State::Running(_))),
            "ContainersPaused": count(|s| matches!(s, State::Paused(_))),
            "ContainersStopped": count(|s| matches!(s, State::Created | State::Exited(_))),
            "Images": IMAGES.len(),
            "Driver": "overlay2",
            "DriverStatus": [["Backing Filesystem", "extfs"], ["Supports d_type", "true"],
                ["Native Overlay Diff", "true"], ["userxattr", "false"]],
            "Plugins": { "Volume": ["local"], "Network": ["bridge", "host", "null"], "Authorization": null,
                "Log": ["json-file"] },
        });
        let present = json!({
            "NEventsListener": self.listeners.len(),
            "SystemTime": date::rfc3339(self.epoch, world.now()),
            "Name": self.host.name,
        });
        for part in [capabilities(), present, software()] {
            merge(&mut info, part);
        }
        Reply::ok(&info)
    }
}

fn capabilities() -> Value {
    json!({
        "MemoryLimit": true, "SwapLimit": true, "KernelMemory": true, "KernelMemoryTCP": true, "CpuCfsPeriod": true,
        "CpuCfsQuota": true, "CPUShares": true, "CPUSet": true, "PidsLimit": true, "IPv4Forwarding": true,
        "BridgeNfIptables": true, "BridgeNfIp6tables": true, "Debug": false, "NFd": 26, "OomKillDisable": true,
        "NGoroutines": 39,
    })
}

fn software() -> Value {
    json!({
        "LoggingDriver": "json-file", "CgroupDriver": "cgroupfs", "CgroupVersion": "1", "KernelVersion": KERNEL,
        "OperatingSystem": "Debian GNU/Linux 12 (bookworm)", "OSVersion": "12", "OSType": "linux",
        "Architecture": "x86_64", "IndexServerAddress": "https://index.docker.io/v1/", "NCPU": 2,
        "MemTotal": 8_589_934_592_u64, "GenericResources": null, "DockerRootDir": "/var/lib/docker", "HttpProxy": "",
        "HttpsProxy": "", "NoProxy": "", "Labels": [], "ExperimentalBuild": false, "ServerVersion": VERSION,
        "Runtimes": { "runc": { "path": "runc" } }, "DefaultRuntime": "runc",
        "Swarm": { "NodeID": "", "NodeAddr": "", "LocalNodeState": "inactive", "ControlAvailable": false,
            "Error": "", "RemoteManagers": null },
        "LiveRestoreEnabled": false, "Isolation": "", "InitBinary": "docker-init",
        "ContainerdCommit": { "ID": "1.6.20~ds1-1+deb12u3", "Expected": "1.6.20~ds1-1+deb12u3" },
        "RuncCommit": { "ID": "1.1.5+ds1-1+deb12u1", "Expected": "1.1.5+ds1-1+deb12u1" },
        "InitCommit": { "ID": "", "Expected": "" }, "SecurityOptions": ["name=seccomp,profile=default"],
        "Warnings": null,
    })
}

fn merge(into: &mut Value, part: Value) {
    if let (Some(into), Value::Object(part)) = (into.as_object_mut(), part) {
        into.extend(part);
    }
}
