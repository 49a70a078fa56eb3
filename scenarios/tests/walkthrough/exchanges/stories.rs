//! The stories around the recorded exchanges: what was asked of the engine before each, in the order of the recording.
//! Requests that only prepare are written out here; `Play` names a recording.

/// One thing that a story tells.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// A request that prepares: method, target, body.
    Send(&'static str, &'static str, &'static str),
    /// The same, and what it makes stands for the recording's with this beginning of an id.
    Make(&'static str, &'static str, &'static str),
    /// A recorded exchange from beginning to end.
    Play(&'static str),
    /// Its beginning: the request is sent.
    Open(&'static str),
    /// Its client types, a line a second.
    Type(&'static str),
    /// Its end: the reply is awaited and compared.
    Close(&'static str),
    /// Its client goes away.
    HangUp(&'static str),
    /// Some seconds.
    Pass(u64),
}

use Step::{Close, HangUp, Make, Open, Pass, Play, Send, Type};

const fn post(target: &'static str) -> Step {
    Send("POST", target, "")
}

const fn delete(target: &'static str) -> Step {
    Send("DELETE", target, "")
}

/// When each story began, in seconds since 1970, and its steps.
pub(crate) const STORIES: &[(u64, &[Step])] = &[
    (1_795_242_452, ENGINE),
    (1_795_242_452, NETWORKS),
    (1_795_242_460, CONTAINERS),
    (1_795_242_450, MESSAGES),
    (1_795_242_520, IMAGES),
    (1_795_243_340, REFUSALS),
    (1_795_243_430, TERMINALS),
    (1_795_243_440, COMPOSE),
    (1_795_244_490, CLIENTS),
];

const ENGINE: &[Step] =
    &[Play("ping_head"), Play("ping_get"), Play("version"), Play("info"), Play("system_df"), Play("swarm_err")];

const NETWORKS: &[Step] = &[
    Play("network_create"),
    Play("network_create_plain"),
    Play("network_create_err_dup"),
    Play("network_create_err_overlap"),
    Play("network_create_internal"),
    Play("network_create_err_badsubnet"),
    Play("network_create_ipv6"),
    Play("network_create_err_baddriver"),
    Play("network_list"),
    Play("network_inspect"),
    Play("network_inspect_missing"),
    Play("network_list_filters_map"),
    Play("network_list_filters_type_dangling"),
    Play("network_rm_err_predefined"),
    Play("network_prune_filters"),
    Send(
        "POST",
        "/containers/create?name=c5",
        r#"{"Image":"busybox","Cmd":["sleep","1000"],"HostConfig":{"NetworkMode":"n2"}}"#,
    ),
    post("/containers/c5/start"),
    Play("network_prune"),
];

const N1: &str = r#"{"Name":"n1","IPAM":{"Config":[{"Subnet":"10.9.0.0/24","IPRange":"10.9.0.128/25","Gateway":"10.9.0.254",
    "AuxiliaryAddresses":{"x":"10.9.0.130"}}],"Options":{}},"Options":{"com.docker.network.bridge.name":"brx"},
    "Labels":{"a":"b"}}"#;
const N2: &str = r#"{"Name":"n2","IPAM":{"Config":[],"Options":{}}}"#;
const C6: &str = r#"{"Image":"busybox","Cmd":["sleep","10"],"Labels":{},"HostConfig":{"NetworkMode":"n1"},
    "NetworkingConfig":{"EndpointsConfig":{"n1":{"IPAMConfig":{"IPv4Address":"10.9.0.200"}}}}}"#;
const C6_PUBLISHED: &str = r#"{"Image":"busybox","Cmd":["sleep","10"],"ExposedPorts":{"80/tcp":{}},
    "HostConfig":{"NetworkMode":"n1","PortBindings":{"80/tcp":[{"HostIp":"","HostPort":"8080"}]}}}"#;
const C8: &str = r#"{"Hostname":"","AttachStdout":true,"AttachStderr":true,"Env":null,"Cmd":["echo","created"],
    "Image":"busybox","Volumes":{},"Labels":{},"HostConfig":{"NetworkMode":"n2","PortBindings":{},
    "RestartPolicy":{"Name":"no","MaximumRetryCount":0},"Dns":[],"DnsOptions":[],"DnsSearch":[],
    "BlkioWeightDevice":[],"BlkioDeviceReadBps":[],"BlkioDeviceWriteBps":[],"BlkioDeviceReadIOps":[],
    "BlkioDeviceWriteIOps":[],"Devices":[],"Ulimits":[]}}"#;
const SHOUTS: &str = r#"{"Image":"busybox","Cmd":["sh","-c","echo out; echo err >&2; exit 3"],
    "HostConfig":{"AutoRemove":true}}"#;
const CAT: &str =
    r#"{"Image":"busybox","Cmd":["cat"],"OpenStdin":true,"StdinOnce":true,"HostConfig":{"AutoRemove":true}}"#;

const CONTAINERS: &[Step] = &[
    Make("13e670c8ea3e", "/networks/create", N1),
    Make("f34894ad920b", "/networks/create", N2),
    Play("container_create"),
    Open("container_wait_next_exit"),
    Play("container_start"),
    HangUp("container_wait_next_exit"),
    Close("container_wait_next_exit"),
    Play("container_create_err_link"),
    Play("container_create_publish_all"),
    post("/containers/c3/start"),
    Play("container_create_err_multinet_141"),
    Play("container_create_net_container"),
    Play("container_create_link"),
    delete("/containers/30b9c3950c7466e2fbcc0c7cc0d4235e394044443e077d3103cd10467f0d6799"),
    delete("/containers/ecac481369ad2e197541e6dae4eb05862d2806cc5e3261b466e71e7558c22f63"),
    Make("c3f0ef2d49d6", "/containers/create", CAT),
    Open("container_attach_stdin"),
    post("/containers/c3f0ef2d49d6/start"),
    Type("container_attach_stdin"),
    Close("container_attach_stdin"),
    Make("402c0d110ca8", "/containers/create", SHOUTS),
    Open("container_wait_removed"),
    Open("container_attach"),
    post("/containers/402c0d110ca8/start"),
    Close("container_attach"),
    Close("container_wait_removed"),
    Make(
        "574baa91acb0",
        "/containers/create?name=c5",
        r#"{"Image":"busybox","Cmd":["sh"],"Tty":true,"OpenStdin":true,
        "HostConfig":{"NetworkMode":"n2"}}"#,
    ),
    post("/containers/c5/start"),
    Make("9e4f3ccf9b4a", "/containers/create?name=c6", C6_PUBLISHED),
    Play("container_start_err_port"),
    delete("/containers/c6?force=1"),
    Make("eca6bce4cd51", "/containers/create?name=c6", C6),
    post("/containers/c6/start"),
    Play("container_create_err_name"),
    Play("container_create_err_noimage"),
    Make("371d61ac1f88", "/containers/create?name=c8", C8),
    post("/containers/c8/start"),
    Pass(1),
    post("/containers/c8/start"),
    Pass(1),
    Play("container_list"),
    Play("container_list_filters_map"),
    Play("container_list_size"),
    Play("container_inspect"),
    Play("container_inspect_exited"),
    Play("container_inspect_missing"),
    Play("container_logs"),
    Play("container_logs_timestamps"),
    Play("network_connect"),
    Play("network_connect_links"),
    Play("network_connect_err_ip"),
    Play("network_connect_err_nonet"),
    Play("network_connect_err_twice"),
    Play("network_inspect_with_containers"),
    Play("network_inspect_auto_subnet"),
    Play("network_rm_err_inuse"),
    Play("network_disconnect"),
    Play("network_disconnect_err_twice"),
    Play("network_disconnect_force"),
    Play("exec_create"),
    Play("exec_start"),
    Play("exec_inspect"),
    Make(
        "3188440a9c39",
        "/containers/c1/exec",
        r#"{"AttachStdin":true,"AttachStdout":true,"AttachStderr":true,"Cmd":["cat"]}"#,
    ),
    Play("exec_start_stdin"),
    Make("cc3002ae2952", "/containers/c1/exec", r#"{"Detach":true,"Cmd":["sleep","1"]}"#),
    Play("exec_start_detach"),
    Make("39168a0ba889", "/containers/c1/exec", r#"{"AttachStdout":true,"AttachStderr":true,"Cmd":["nosuch"]}"#),
    Play("exec_nocmd_stream"),
    Play("exec_nocmd_inspect"),
    Play("exec_err_stopped"),
    Pass(1),
    Play("container_inspect_default_bridge"),
    Play("container_top"),
    Play("container_top_args"),
    Play("container_stats_once"),
    Play("container_archive_get"),
    Play("container_archive_head"),
    Play("container_changes"),
    Play("container_update"),
    Play("container_rm"),
    Play("container_rm_err_running"),
    post("/containers/c3/stop?t=0"),
    Pass(10),
    Play("container_prune"),
    Play("container_rm_force"),
];

/// A container that is run and removed at once: what `docker run --rm` asks for.
const BRIEF: &str = r#"{"Image":"busybox","Cmd":["true"],"HostConfig":{"AutoRemove":true}}"#;

const MESSAGES: &[Step] = &[
    Make("13e670c8ea3e", "/networks/create", N1),
    Make("f34894ad920b", "/networks/create", N2),
    Pass(14),
    Send(
        "POST",
        "/containers/create?name=c1",
        r#"{"Image":"busybox","Cmd":["sleep","1000"],"HostConfig":{"NetworkMode":"n1"}}"#,
    ),
    post("/containers/c1/start"),
    Send("POST", "/containers/create?name=c3", r#"{"Image":"busybox","Cmd":["sleep","1000"]}"#),
    post("/containers/c3/start"),
    Send(
        "POST",
        "/containers/create?name=h1",
        r#"{"Image":"busybox","Cmd":["true"],"HostConfig":{"AutoRemove":true,"NetworkMode":"host"}}"#,
    ),
    post("/containers/h1/start"),
    Send(
        "POST",
        "/containers/create?name=n1",
        r#"{"Image":"busybox","Cmd":["true"],"HostConfig":{"AutoRemove":true,"NetworkMode":"none"}}"#,
    ),
    post("/containers/n1/start"),
    Send("POST", "/containers/create?name=b1", BRIEF),
    post("/containers/b1/start"),
    Pass(1),
    Send(
        "POST",
        "/containers/create?name=c5",
        r#"{"Image":"busybox","Cmd":["sleep","1000"],"HostConfig":{"NetworkMode":"n2"}}"#,
    ),
    post("/containers/c5/start"),
    Send("POST", "/containers/create?name=b1", BRIEF),
    post("/containers/b1/start"),
    Pass(1),
    Send("POST", "/containers/create?name=c4", r#"{"Image":"busybox","Cmd":["sleep","1000"]}"#),
    post("/containers/c4/start"),
    Play("events_filtered"),
    Open("events"),
    Send("POST", "/networks/create", r#"{"Name":"ev"}"#),
    Send(
        "POST",
        "/containers/create?name=elated_bouman",
        r#"{"Image":"busybox","Cmd":["true"],
        "HostConfig":{"AutoRemove":true,"NetworkMode":"ev"}}"#,
    ),
    Send("POST", "/containers/elated_bouman/attach?stdout=1", ""),
    post("/containers/elated_bouman/start"),
    Pass(1),
    delete("/networks/ev"),
    HangUp("events"),
    Close("events"),
];

const IMAGES: &[Step] = &[
    Play("image_pull_err"),
    Play("image_pull_ok"),
    Play("image_inspect_missing"),
    Play("image_list"),
    Play("image_inspect"),
    Play("image_history"),
    Play("image_tag"),
    Play("image_rm"),
    Play("volume_create"),
    Play("volume_inspect"),
    Play("volume_list"),
];

const C4: &str = r#"{"Image":"busybox","Cmd":["sleep","1000"],"HostConfig":{"NetworkMode":"n2"}}"#;
const C5: &str = r#"{"Hostname":"","Tty":true,"OpenStdin":true,"Cmd":["sh"],"Image":"busybox","Labels":{},
    "HostConfig":{"NetworkMode":"n2","PortBindings":{},"ConsoleSize":[24,80],
    "RestartPolicy":{"Name":"no","MaximumRetryCount":0},"Dns":[],"DnsOptions":[],"DnsSearch":[],
    "BlkioWeightDevice":[],"BlkioDeviceReadBps":[],"BlkioDeviceWriteBps":[],"BlkioDeviceReadIOps":[],
    "BlkioDeviceWriteIOps":[],"Devices":[],"Ulimits":[]}}"#;

const REFUSALS: &[Step] = &[
    Make("13e670c8ea3e", "/networks/create", N1),
    Send(
        "POST",
        "/networks/create",
        r#"{"Name":"n2","IPAM":{"Config":[{"Subnet":"172.22.0.0/16","Gateway":"172.22.0.1"}]}}"#,
    ),
    Play("container_create_ip_dns"),
    post("/containers/c2/start"),
    Play("container_create_default_net"),
    post("/containers/c3/start"),
    Send("POST", "/containers/create?name=c4", C4),
    post("/containers/c4/start"),
    Make("c635a5c9edac", "/containers/create?name=c5", C5),
    post("/containers/c5/start"),
    Make("0823385e16af", "/containers/create?name=c6", C6),
    Play("container_start_err_ip"),
    delete("/containers/c6"),
    Make(
        "49745e0dcee1",
        "/containers/create?name=c7",
        r#"{"Image":"busybox","HostConfig":{"NetworkMode":"nosuchnet"}}"#,
    ),
    Play("container_start_err_nonet"),
    Make("4931b0252df2", "/containers/create?name=c8", r#"{"Image":"busybox","Cmd":["nosuchcmd"]}"#),
    Play("container_start_err_cmd"),
    Play("network_connect_err_alias_default"),
    Play("network_connect_err_ip_default"),
    Play("network_connect_err_host"),
    Open("container_wait_plain"),
    post("/containers/c4/kill"),
    Close("container_wait_plain"),
    Play("container_stop"),
    Play("container_start_304"),
    post("/containers/c3/start"),
    Play("container_restart"),
    Play("container_pause"),
    Play("exec_err_paused"),
    Play("container_unpause"),
    Play("container_kill"),
    Play("container_kill_err"),
    Play("container_inspect_tty"),
    Play("container_logs_tty"),
    Make("232583ca99a4", "/containers/create", r#"{"Image":"busybox","Cmd":["echo","a"]}"#),
    post("/containers/232583ca99a4/start"),
    Play("container_logs_follow"),
    Play("container_rename"),
    Play("container_rename_err"),
    Open("container_attach_detach_keys"),
    Type("container_attach_detach_keys"),
    HangUp("container_attach_detach_keys"),
    Close("container_attach_detach_keys"),
    delete("/containers/c2?force=1"),
    Play("network_rm"),
];

const TERMINALS: &[Step] = &[
    Play("container_create_tty"),
    Open("container_attach_tty"),
    post("/containers/31883b27cff0/start"),
    Type("container_attach_tty"),
    Close("container_attach_tty"),
    Make("1ea42e807d19", "/containers/create?name=t1", r#"{"Image":"busybox","Cmd":["sleep","1000"]}"#),
    post("/containers/t1/start"),
    Make(
        "242af518525b",
        "/containers/t1/exec",
        r#"{"Tty":true,"AttachStdin":true,"AttachStdout":true,"AttachStderr":true,"Cmd":["sh"]}"#,
    ),
    Open("exec_start_tty"),
    Play("exec_resize"),
    Type("exec_start_tty"),
    Close("exec_start_tty"),
    Make("31883b27cff0", "/containers/create?name=u1", r#"{"Image":"busybox","Cmd":["sleep","1000"],"Tty":true}"#),
    post("/containers/u1/start"),
    Play("container_resize"),
];

const DB: &str = r#"{"Image":"busybox:latest","Cmd":["sleep","1000"],"Labels":{
    "com.docker.compose.config-hash":"80c62f2da53f483c609a432458cf191326f0d57c6de1e557bf2839b883085529",
    "com.docker.compose.container-number":"1","com.docker.compose.oneoff":"False","com.docker.compose.project":"demo",
    "com.docker.compose.project.config_files":"docker-compose.yml",
    "com.docker.compose.project.working_dir":"/srv/demo","com.docker.compose.service":"db",
    "com.docker.compose.version":"1.29.2"},
    "HostConfig":{"NetworkMode":"demo_back","VolumesFrom":[],"Binds":[],"PortBindings":{},"Links":[],
    "LogConfig":{"Type":"","Config":{}}},
    "NetworkingConfig":{"EndpointsConfig":{"demo_back":{"Aliases":["db"],"IPAMConfig":{"IPv4Address":"10.77.0.9"}}}}}"#;

const COMPOSE: &[Step] = &[
    Send(
        "POST",
        "/networks/create",
        r#"{"Name":"demo_back","IPAM":{"Config":[{"Subnet":"10.77.0.0/24","Gateway":"10.77.0.1"}]}}"#,
    ),
    Send(
        "POST",
        "/networks/create",
        r#"{"Name":"demo_front","IPAM":{"Config":[{"Subnet":"172.24.0.0/16","Gateway":"172.24.0.1"}]}}"#,
    ),
    Play("container_create_compose1"),
    Send("POST", "/networks/demo_front/connect", r#"{"Container":"demo_web_1","EndpointConfig":{"Aliases":["web"]}}"#),
    Make("85ab45eb9825", "/containers/create?name=demo_db_1", DB),
    Send("POST", "/networks/demo_back/disconnect", r#"{"Container":"demo_db_1"}"#),
    Send(
        "POST",
        "/networks/demo_back/connect",
        r#"{"Container":"demo_db_1","EndpointConfig":{
        "Aliases":["85ab45eb9825","db"],"IPAMConfig":{"IPv4Address":"10.77.0.9"}}}"#,
    ),
    post("/containers/demo_db_1/start"),
    Send("POST", "/networks/demo_back/disconnect", r#"{"Container":"demo_web_1"}"#),
    Send(
        "POST",
        "/networks/demo_back/connect",
        r#"{"Container":"demo_web_1","EndpointConfig":{"Aliases":["www","webalias","web"]}}"#,
    ),
    post("/containers/demo_web_1/start"),
    Play("container_inspect_two_networks"),
    Play("container_list_filters_list"),
    Play("container_create_compose2"),
];

const CLIENTS: &[Step] = &[
    Send("POST", "/networks/create", r#"{"Name":"pynet"}"#),
    Play("container_create_dockerpy"),
    Play("container_create_testcontainers"),
    Send("POST", "/networks/create", r#"{"Name":"jsnet","IPAM":{"Config":[{"Subnet":"10.67.0.0/24"}]}}"#),
    Play("container_create_dockerode"),
    Play("network_list_filters_list"),
    Play("container_create_bollard"),
    Make("1e1df608d2cf", "/containers/create", r#"{"Image":"busybox","Cmd":["echo","run"]}"#),
    Open("container_attach_no_upgrade"),
    post("/containers/1e1df608d2cf/start"),
    Close("container_attach_no_upgrade"),
];
