//! The types of the requests that have a body.

use crate::shape::Shape::{self, Any, Bool, Int, List, Map, Struct, Text, TextMap, Texts, Words};

const INT64: Shape = Int("int64");

/// `POST /containers/create`.
pub(in crate::engine) const CONTAINER: Shape = Struct(
    "runconfig.ContainerConfigWrapper",
    &[
        ("Hostname", Text),
        ("Domainname", Text),
        ("User", Text),
        ("AttachStdin", Bool),
        ("AttachStdout", Bool),
        ("AttachStderr", Bool),
        ("ExposedPorts", Map(&Any)),
        ("Tty", Bool),
        ("OpenStdin", Bool),
        ("StdinOnce", Bool),
        ("Env", Texts),
        ("Cmd", Words),
        ("Healthcheck", HEALTH),
        ("Image", Text),
        ("Volumes", Map(&Any)),
        ("WorkingDir", Text),
        ("Entrypoint", Words),
        ("NetworkDisabled", Bool),
        ("MacAddress", Text),
        ("OnBuild", Texts),
        ("Labels", TextMap),
        ("StopSignal", Text),
        ("StopTimeout", Int("int")),
        ("Shell", Words),
        ("HostConfig", HOST),
        ("NetworkingConfig", Struct("network.NetworkingConfig", &[("EndpointsConfig", Map(&ENDPOINT))])),
    ],
);

const HEALTH: Shape = Struct(
    "container.HealthConfig",
    &[
        ("Test", Texts),
        ("Interval", Int("time.Duration")),
        ("Timeout", Int("time.Duration")),
        ("StartPeriod", Int("time.Duration")),
        ("Retries", Int("int")),
    ],
);

const HOST: Shape = Struct(
    "container.HostConfig",
    &[
        ("Binds", Texts),
        ("ContainerIDFile", Text),
        ("LogConfig", Struct("container.LogConfig", &[("Type", Text), ("Config", TextMap)])),
        ("NetworkMode", Text),
        ("PortBindings", Map(&List(&Struct("nat.PortBinding", &[("HostIp", Text), ("HostPort", Text)])))),
        ("RestartPolicy", Struct("container.RestartPolicy", &[("Name", Text), ("MaximumRetryCount", Int("int"))])),
        ("AutoRemove", Bool),
        ("VolumeDriver", Text),
        ("VolumesFrom", Texts),
        ("CapAdd", Words),
        ("CapDrop", Words),
        ("CgroupnsMode", Text),
        ("Dns", Texts),
        ("DnsOptions", Texts),
        ("DnsSearch", Texts),
        ("ExtraHosts", Texts),
        ("GroupAdd", Texts),
        ("IpcMode", Text),
        ("Cgroup", Text),
        ("Links", Texts),
        ("OomScoreAdj", Int("int")),
        ("PidMode", Text),
        ("Privileged", Bool),
        ("PublishAllPorts", Bool),
        ("ReadonlyRootfs", Bool),
        ("SecurityOpt", Texts),
        ("StorageOpt", TextMap),
        ("Tmpfs", TextMap),
        ("UTSMode", Text),
        ("UsernsMode", Text),
        ("ShmSize", INT64),
        ("Sysctls", TextMap),
        ("Runtime", Text),
        ("ConsoleSize", Any),
        ("Isolation", Text),
        ("CpuShares", INT64),
        ("Memory", INT64),
        ("NanoCpus", INT64),
        ("CgroupParent", Text),
        ("BlkioWeight", Int("uint16")),
        ("BlkioWeightDevice", List(&Any)),
        ("BlkioDeviceReadBps", List(&Any)),
        ("BlkioDeviceWriteBps", List(&Any)),
        ("BlkioDeviceReadIOps", List(&Any)),
        ("BlkioDeviceWriteIOps", List(&Any)),
        ("CpuPeriod", INT64),
        ("CpuQuota", INT64),
        ("CpuRealtimePeriod", INT64),
        ("CpuRealtimeRuntime", INT64),
        ("CpusetCpus", Text),
        ("CpusetMems", Text),
        ("Devices", List(&Any)),
        ("DeviceCgroupRules", Texts),
        ("DeviceRequests", List(&Any)),
        ("KernelMemory", INT64),
        ("KernelMemoryTCP", INT64),
        ("MemoryReservation", INT64),
        ("MemorySwap", INT64),
        ("MemorySwappiness", INT64),
        ("OomKillDisable", Bool),
        ("PidsLimit", INT64),
        ("Ulimits", List(&Any)),
        ("CpuCount", INT64),
        ("CpuPercent", INT64),
        ("IOMaximumIOps", Int("uint64")),
        ("IOMaximumBandwidth", Int("uint64")),
        ("Mounts", List(&MOUNT)),
        ("MaskedPaths", Texts),
        ("ReadonlyPaths", Texts),
        ("Init", Bool),
    ],
);

const MOUNT: Shape = Struct(
    "mount.Mount",
    &[
        ("Type", Text),
        ("Source", Text),
        ("Target", Text),
        ("ReadOnly", Bool),
        ("Consistency", Text),
        ("BindOptions", Any),
        ("VolumeOptions", Any),
        ("TmpfsOptions", Any),
    ],
);

const ENDPOINT: Shape = Struct(
    "network.EndpointSettings",
    &[
        (
            "IPAMConfig",
            Struct(
                "network.EndpointIPAMConfig",
                &[("IPv4Address", Text), ("IPv6Address", Text), ("LinkLocalIPs", Texts)],
            ),
        ),
        ("Links", Texts),
        ("Aliases", Texts),
        ("NetworkID", Text),
        ("EndpointID", Text),
        ("Gateway", Text),
        ("IPAddress", Text),
        ("IPPrefixLen", Int("int")),
        ("IPv6Gateway", Text),
        ("GlobalIPv6Address", Text),
        ("GlobalIPv6PrefixLen", Int("int")),
        ("MacAddress", Text),
        ("DriverOpts", TextMap),
    ],
);

/// `POST /networks/create`.
pub(in crate::engine) const NETWORK: Shape = Struct(
    "types.NetworkCreateRequest",
    &[
        ("Name", Text),
        ("CheckDuplicate", Bool),
        ("Driver", Text),
        ("Scope", Text),
        ("EnableIPv6", Bool),
        ("IPAM", Struct("network.IPAM", &[("Driver", Text), ("Options", TextMap), ("Config", List(&SUBNET))])),
        ("Internal", Bool),
        ("Attachable", Bool),
        ("Ingress", Bool),
        ("ConfigOnly", Bool),
        ("ConfigFrom", Struct("network.ConfigReference", &[("Network", Text)])),
        ("Options", TextMap),
        ("Labels", TextMap),
    ],
);

const SUBNET: Shape = Struct(
    "network.IPAMConfig",
    &[("Subnet", Text), ("IPRange", Text), ("Gateway", Text), ("AuxiliaryAddresses", TextMap)],
);

/// `POST /networks/{name}/connect`.
pub(in crate::engine) const CONNECT: Shape =
    Struct("types.NetworkConnect", &[("Container", Text), ("EndpointConfig", ENDPOINT)]);

/// `POST /networks/{name}/disconnect`.
pub(in crate::engine) const DISCONNECT: Shape =
    Struct("types.NetworkDisconnect", &[("Container", Text), ("Force", Bool)]);

/// `POST /containers/{name}/exec`.
pub(in crate::engine) const EXEC: Shape = Struct(
    "types.ExecConfig",
    &[
        ("User", Text),
        ("Privileged", Bool),
        ("Tty", Bool),
        ("AttachStdin", Bool),
        ("AttachStderr", Bool),
        ("AttachStdout", Bool),
        ("Detach", Bool),
        ("DetachKeys", Text),
        ("Env", Texts),
        ("WorkingDir", Text),
        ("Cmd", Texts),
    ],
);

/// `POST /volumes/create`.
pub(in crate::engine) const VOLUME: Shape = Struct(
    "volume.VolumeCreateBody",
    &[("Driver", Text), ("DriverOpts", TextMap), ("Labels", TextMap), ("Name", Text)],
);

/// `POST /swarm/update`.
pub(in crate::engine) const SWARM_SPEC: Shape = Struct(
    "swarm.Spec",
    &[
        ("Orchestration", Struct("swarm.OrchestrationConfig", &[("TaskHistoryRetentionLimit", INT64)])),
        (
            "Raft",
            Struct(
                "swarm.RaftConfig",
                &[
                    ("SnapshotInterval", Int("uint64")),
                    ("KeepOldSnapshots", Int("uint64")),
                    ("LogEntriesForSlowFollowers", Int("uint64")),
                    ("ElectionTick", Int("int")),
                    ("HeartbeatTick", Int("int")),
                ],
            ),
        ),
        ("Labels", TextMap),
        ("TaskDefaults", Struct("swarm.TaskDefaults", &[("LogDriver", Any)])),
        ("Dispatcher", Struct("swarm.DispatcherConfig", &[("HeartbeatPeriod", Int("time.Duration"))])),
        ("CAConfig", Struct("swarm.CAConfig", &[("NodeCertExpiry", Int("time.Duration")), ("ExternalCAs", Any)])),
        ("EncryptionConfig", Struct("swarm.EncryptionConfig", &[("AutoLockManagers", Bool)])),
    ],
);

/// `POST /swarm/init`.
pub(in crate::engine) const SWARM_INIT: Shape = Struct(
    "swarm.InitRequest",
    &[
        ("ListenAddr", Text),
        ("AdvertiseAddr", Text),
        ("DataPathAddr", Text),
        ("DataPathPort", Int("uint32")),
        ("ForceNewCluster", Bool),
        ("Spec", SWARM_SPEC),
        ("AutoLockManagers", Bool),
        ("Availability", Text),
        ("DefaultAddrPool", Texts),
    ],
);

/// `POST /swarm/join`.
pub(in crate::engine) const SWARM_JOIN: Shape = Struct(
    "swarm.JoinRequest",
    &[
        ("ListenAddr", Text),
        ("AdvertiseAddr", Text),
        ("DataPathAddr", Text),
        ("RemoteAddrs", Texts),
        ("JoinToken", Text),
        ("Availability", Text),
    ],
);

/// `POST /nodes/{id}/update`.
pub(in crate::engine) const NODE_SPEC: Shape =
    Struct("swarm.NodeSpec", &[("Labels", TextMap), ("Role", Text), ("Availability", Text)]);

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn keys_are_known_in_any_case_and_unknown_ones_dropped() {
        let read = CONTAINER.read(json!({"image": "busybox", "name": "x", "hostconfig": {"DNS": [null]}})).unwrap();
        assert_eq!(read, json!({"Image": "busybox", "HostConfig": {"Dns": [""]}}));
    }

    #[test]
    fn a_wrong_type_is_refused_in_gos_words() {
        let refused = |shape: Shape, body: Value| shape.read(body).unwrap_err();
        assert_eq!(
            refused(NETWORK, json!({"Labels": ["a"]})),
            "json: cannot unmarshal array into Go struct field NetworkCreateRequest.Labels of type map[string]string"
        );
        assert_eq!(
            refused(CONTAINER, json!({"HostConfig": {"Memory": "1g"}})),
            "json: cannot unmarshal string into Go struct field HostConfig.HostConfig.Memory of type int64"
        );
        assert_eq!(refused(EXEC, json!([])), "json: cannot unmarshal array into Go value of type types.ExecConfig");
    }
}
