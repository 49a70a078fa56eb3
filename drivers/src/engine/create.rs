//! `POST /containers/create`: reads what is asked, checks it, and keeps a container that was not started yet.

mod conflict;

use std::collections::BTreeMap;

use netyard_sim::time::Duration;
use netyard_sim::userland::{Rights, Signal};
use netyard_sim::world::World;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::console::{Console, InputEnd};
use super::echo::Echo;
use super::lifecycle::Run;
use super::request::json_body;
use super::shapes::{Door, EndpointAsked};
use super::{Call, Engine, Reply};
use crate::container::{AfterExit, Container, ContainerConfig, LegacyLink, Membership, NetworkMode, State};
use crate::endpoint::Link;
use crate::error::Error;
use crate::id::Id;
use crate::image::Image;
use crate::names;
use crate::sandbox::resolv::DnsConfig;

/// How long a stop waits when the container says nothing else.
const STOP_TIMEOUT_SECS: u64 = 10;

/// The host configuration of a container that asks for nothing, with all keys in the engine's order.
const HOST_CONFIG: &str = include_str!("create/host_config.json");

/// The body of the request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Asked {
    hostname: Option<String>,
    domainname: Option<String>,
    user: Option<String>,
    attach_stdin: Option<bool>,
    attach_stdout: Option<bool>,
    attach_stderr: Option<bool>,
    exposed_ports: Option<BTreeMap<String, Value>>,
    tty: Option<bool>,
    open_stdin: Option<bool>,
    stdin_once: Option<bool>,
    env: Option<Vec<String>>,
    cmd: Option<Words>,
    image: Option<String>,
    working_dir: Option<String>,
    entrypoint: Option<Words>,
    labels: Option<BTreeMap<String, String>>,
    stop_signal: Option<String>,
    stop_timeout: Option<u64>,
    host_config: Option<Map<String, Value>>,
    networking_config: Option<NetworkingAsked>,
}

/// A command: a list of words, or one text that is one word.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Words {
    Many(Vec<String>),
    One(String),
}

impl Words {
    fn into_list(self) -> Vec<String> {
        match self {
            Self::Many(words) => words,
            Self::One(word) => vec![word],
        }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct NetworkingAsked {
    endpoints_config: Option<BTreeMap<String, Option<EndpointAsked>>>,
}

/// The part of the host configuration that means something here; all of it is repeated by `inspect`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct HostAsked {
    network_mode: Option<String>,
    auto_remove: Option<bool>,
    dns: Option<Vec<String>>,
    dns_options: Option<Vec<String>>,
    dns_search: Option<Vec<String>>,
    extra_hosts: Option<Vec<String>>,
    links: Option<Vec<String>>,
    port_bindings: Option<Map<String, Value>>,
    publish_all_ports: Option<bool>,
    privileged: Option<bool>,
    cap_add: Option<Vec<String>>,
    cap_drop: Option<Vec<String>>,
    #[serde(rename = "UTSMode")]
    uts_mode: Option<String>,
}

impl HostAsked {
    /// Containers only use their network unless they are given more.
    fn rights(&self) -> Rights {
        let names = |list: &Option<Vec<String>>, names: &[&str]| {
            let plain = |name: &str| name.to_uppercase().trim_start_matches("CAP_").to_owned();
            list.iter().flatten().any(|name| names.contains(&plain(name).as_str()))
        };
        let added = names(&self.cap_add, &["NET_ADMIN"])
            || (names(&self.cap_add, &["ALL"]) && !names(&self.cap_drop, &["NET_ADMIN"]));
        if added || self.privileged == Some(true) { Rights::Administer } else { Rights::Use }
    }
}

impl Engine {
    /// `POST /containers/create`.
    pub(super) fn container_create(&mut self, world: &World, call: &Call<'_>) -> Result<Reply, Error> {
        let asked: Asked = json_body(call.request)?;
        let mut raw_host = asked.host_config.clone().unwrap_or_default();
        let host: HostAsked =
            serde_json::from_value(Value::Object(raw_host.clone())).map_err(|e| Error::BadParameter(e.to_string()))?;
        let mode = NetworkMode::parse(host.network_mode.as_deref().unwrap_or_default());
        let mode = self.with_base_by_id(mode.ok_or(Error::InvalidNetworkMode)?);
        if let NetworkMode::Container(base) = &mode {
            raw_host.insert("NetworkMode".to_owned(), json!(format!("container:{base}")));
        }
        conflict::check(&mode, &asked, &host)?;
        let networks = memberships(&mode, asked.networking_config.clone().unwrap_or_default())?;
        let reference = asked.image.clone().unwrap_or_default();
        let image = Image::find(&reference).ok_or(Error::ImageUnknown(reference))?;
        let name = self.name_for(call.target.query.text("name"))?;
        let linked = self.resolve_links(&mode, &host)?;
        let id = Id::random(&mut self.ids);
        let default_hostname = self.default_hostname(&mode, id);
        let config = configuration(&asked, &host, mode, image, default_hostname)?;
        let echo = Echo::new(&echo_config(&asked, &config), &echo_host(&raw_host));
        let container = Container {
            id,
            name,
            created: world.now(),
            config,
            networks,
            linked,
            state: State::Created,
            started: None,
            finished: None,
            error: String::new(),
            sandbox: None,
            context: None,
        };
        self.keep(container, echo);
        self.tell_container(world, id, "create", &[]);
        Ok(Reply::created(&json!({ "Id": id, "Warnings": [] })))
    }

    /// Another container's namespace is asked for by name, and kept by id.
    fn with_base_by_id(&self, mode: NetworkMode) -> NetworkMode {
        match mode {
            NetworkMode::Container(base) => {
                let id = self.find_container(&base).map(|container| container.id.to_string());
                NetworkMode::Container(id.unwrap_or(base))
            }
            other => other,
        }
    }

    /// The host name of a container that was given none.
    fn default_hostname(&self, mode: &NetworkMode, id: Id) -> String {
        match mode {
            NetworkMode::Host => self.host.name.clone(),
            NetworkMode::Container(base) => {
                self.find_container(base).map_or_else(|_| id.short(), |container| container.config.hostname.clone())
            }
            NetworkMode::Bridge | NetworkMode::Network(_) | NetworkMode::None => id.short(),
        }
    }

    fn keep(&mut self, container: Container, echo: Echo) {
        let end = if container.config.stdin_once { InputEnd::Closes } else { InputEnd::Stays };
        let console = Console::new(container.config.tty, end);
        self.runs.insert(container.id, Run::new(console, echo));
        self.containers.insert(container.id, container);
    }

    /// The name that was asked for, when it can be had, or one that is made up.
    fn name_for(&mut self, asked: Option<&str>) -> Result<String, Error> {
        let Some(asked) = asked else {
            let containers = &self.containers;
            return Ok(names::random_container_name(&mut self.names, |n| containers.values().any(|c| c.name == n)));
        };
        let name = asked.strip_prefix('/').unwrap_or(asked);
        names::check_container_name(name, asked)?;
        self.check_name_is_free(name)?;
        Ok(name.to_owned())
    }

    pub(super) fn check_name_is_free(&self, name: &str) -> Result<(), Error> {
        match self.containers.values().find(|c| c.name == name) {
            Some(owner) => Err(Error::ContainerNameTaken { name: name.to_owned(), owner: owner.id }),
            None => Ok(()),
        }
    }

    /// Links on the default network name containers that exist; on others nothing is checked (oracle fact 39).
    fn resolve_links(&self, mode: &NetworkMode, host: &HostAsked) -> Result<Vec<LegacyLink>, Error> {
        if *mode != NetworkMode::Bridge {
            return Ok(Vec::new());
        }
        let mut linked = Vec::new();
        for Link { target, alias } in host.links.iter().flatten().map(|text| Link::parse(text)) {
            let refuse = |reason| Error::LinkRefused { name: target.clone(), reason: Box::new(reason) };
            let found = self.link_target(&target).map_err(refuse)?;
            if found.config.mode == NetworkMode::Host {
                return Err(Error::LinkTargetOnHost);
            }
            linked.push((found.created, LegacyLink { alias, target: found.id, name: found.name.clone() }));
        }
        linked.sort_by_key(|(created, _)| *created);
        Ok(linked.into_iter().map(|(_, link)| link).collect())
    }
}

/// The networks that a container begins with: the one of its mode, as the networking configuration describes it.
fn memberships(mode: &NetworkMode, asked: NetworkingAsked) -> Result<BTreeMap<String, Membership>, Error> {
    let endpoints = asked.endpoints_config.unwrap_or_default();
    if endpoints.len() > 1 {
        return Err(Error::EndpointsTooMany(endpoints.into_keys().collect()));
    }
    let mut networks = BTreeMap::new();
    if let Some(name) = mode.network() {
        networks.insert(name.to_owned(), Membership::default());
    }
    for (name, endpoint) in endpoints {
        let name = if name == "default" { crate::network::DEFAULT.to_owned() } else { name };
        let config = endpoint.unwrap_or_default().parse(Door::Create)?;
        networks.insert(name, Membership { network: None, config });
    }
    Ok(networks)
}

fn configuration(
    asked: &Asked,
    host: &HostAsked,
    mode: NetworkMode,
    image: &'static Image,
    default_hostname: String,
) -> Result<ContainerConfig, Error> {
    let hostname = asked.hostname.clone().filter(|name| !name.is_empty());
    let exposed = asked.exposed_ports.iter().flat_map(BTreeMap::keys).map(String::as_str);
    let exposed = exposed.chain(image.exposed.iter().copied());
    let extra_hosts = host.extra_hosts.iter().flatten().filter_map(|line| line.split_once(':'));
    let stop_signal = asked.stop_signal.clone().filter(|text| !text.is_empty());
    let stop_signal = stop_signal.map(|text| Signal::parse(&text).ok_or(Error::InvalidSignal(text)));
    Ok(ContainerConfig {
        hostname_given: hostname.is_some(),
        hostname: hostname.unwrap_or(default_hostname),
        domainname: asked.domainname.clone().unwrap_or_default(),
        image_reference: asked.image.clone().unwrap_or_default(),
        image,
        argv: command(asked, image),
        env: asked.env.clone().unwrap_or_default(),
        exposed: exposed.filter_map(|text| text.parse().ok()).collect(),
        working_dir: asked.working_dir.clone().unwrap_or_default(),
        tty: asked.tty.unwrap_or_default(),
        open_stdin: asked.open_stdin.unwrap_or_default(),
        stdin_once: asked.stdin_once.unwrap_or_default(),
        labels: asked.labels.clone().unwrap_or_default(),
        mode,
        rights: host.rights(),
        dns: DnsConfig {
            servers: host.dns.clone().unwrap_or_default(),
            search: host.dns_search.clone().unwrap_or_default(),
            options: host.dns_options.clone().unwrap_or_default(),
        },
        extra_hosts: extra_hosts.map(|(name, address)| (address.to_owned(), name.to_owned())).collect(),
        links: host.links.iter().flatten().map(|text| Link::parse(text)).collect(),
        after_exit: if host.auto_remove == Some(true) { AfterExit::Remove } else { AfterExit::Keep },
        stop_signal: stop_signal.transpose()?.unwrap_or(Signal::Terminate),
        stop_timeout: Duration::from_secs(asked.stop_timeout.unwrap_or(STOP_TIMEOUT_SECS)),
    })
}

/// The entry point, then the command; the image's own command when neither was given.
fn command(asked: &Asked, image: &Image) -> Vec<String> {
    let words = |words: &Option<Words>| words.clone().map(Words::into_list).unwrap_or_default();
    let (mut argv, command) = (words(&asked.entrypoint), words(&asked.cmd));
    argv.retain(|word| !word.is_empty());
    if argv.is_empty() && command.is_empty() {
        return image.command.iter().map(|word| (*word).to_owned()).collect();
    }
    argv.extend(command);
    argv
}

/// `Config` as `inspect` repeats it.
fn echo_config(asked: &Asked, config: &ContainerConfig) -> Value {
    let words = |words: &Option<Words>| words.clone().map(Words::into_list).filter(|words| !words.is_empty());
    let entrypoint = words(&asked.entrypoint);
    let from_image = || entrypoint.is_none().then(|| config.argv.clone());
    let exposed: Map<String, Value> = config.exposed.iter().map(|port| (port.to_string(), json!({}))).collect();
    let mut echo = json!({
        "Hostname": config.hostname, "Domainname": config.domainname, "User": asked.user.clone().unwrap_or_default(),
        "AttachStdin": asked.attach_stdin.unwrap_or_default(),
        "AttachStdout": asked.attach_stdout.unwrap_or_default(),
        "AttachStderr": asked.attach_stderr.unwrap_or_default(),
        "ExposedPorts": exposed, "Tty": config.tty, "OpenStdin": config.open_stdin, "StdinOnce": config.stdin_once,
        "Env": asked.env, "Cmd": words(&asked.cmd).or_else(from_image), "Image": config.image_reference,
        "Volumes": null, "WorkingDir": config.working_dir, "Entrypoint": entrypoint, "OnBuild": null,
        "Labels": config.labels,
    });
    let fields = echo.as_object_mut().expect("it was just made");
    if config.exposed.is_empty() {
        fields.shift_remove("ExposedPorts");
    }
    if let Some(signal) = asked.stop_signal.as_ref().filter(|text| !text.is_empty()) {
        fields.insert("StopSignal".to_owned(), json!(signal));
    }
    if let Some(timeout) = asked.stop_timeout {
        fields.insert("StopTimeout".to_owned(), json!(timeout));
    }
    echo
}

/// `HostConfig` as `inspect` repeats it: every known key, with the client's value where it says something.
fn echo_host(asked: &Map<String, Value>) -> Value {
    let mut echo: Value = serde_json::from_str(HOST_CONFIG).expect("the file is JSON");
    let fields = echo.as_object_mut().expect("the file is an object");
    for (key, value) in asked {
        if let Some(field) = fields.get_mut(key).filter(|_| says_something(value)) {
            *field = value.clone();
        }
    }
    echo
}

/// Whether a value is more than the empty ones that clients send for what they leave to the engine.
fn says_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Number(number) => number.as_i64().is_none_or(|n| n > 0),
        Value::Object(fields) => fields.get("Type") != Some(&json!("")),
        Value::Array(_) | Value::Bool(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(json: &str) -> Asked {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn the_images_command_runs_when_nothing_else_is_given() {
        let web = Image::find("web").unwrap();
        assert_eq!(command(&asked("{}"), web)[0], "httpd");
        assert_eq!(command(&asked(r#"{"Cmd":["sleep","1"]}"#), web), ["sleep", "1"]);
        assert_eq!(command(&asked(r#"{"Cmd":"true","Entrypoint":["sh","-c"]}"#), web), ["sh", "-c", "true"]);
        assert_eq!(
            command(&asked(r#"{"Entrypoint":["sh"]}"#), web),
            ["sh"],
            "an entry point drops the image's command"
        );
    }

    #[test]
    fn a_container_begins_on_the_network_of_its_mode() {
        let begins = |mode: &str, endpoints: &str| {
            let networking = serde_json::from_str(&format!(r#"{{"EndpointsConfig":{endpoints}}}"#)).unwrap();
            memberships(&NetworkMode::parse(mode).unwrap(), networking)
                .map(|networks| networks.into_keys().collect::<Vec<_>>())
                .map_err(|error| error.to_string())
        };
        assert_eq!(begins("default", r#"{"default":{"Links":null}}"#).unwrap(), ["bridge"]);
        assert_eq!(begins("n1", "{}").unwrap(), ["n1"]);
        assert_eq!(begins("container:x", "null").unwrap(), [""; 0]);
        assert_eq!(
            begins("n1", r#"{"n1":null,"n2":null}"#).unwrap_err(),
            "Container cannot be connected to network endpoints: n1, n2"
        );
        assert_eq!(
            begins("n1", r#"{"n1":{"IPAMConfig":{"IPv4Address":"2001:db8::5"}}}"#).unwrap_err(),
            "invalid IPv4 address: 2001:db8::5"
        );
    }

    #[test]
    fn only_net_admin_makes_an_administrator_of_the_network() {
        let rights = |json: &str| serde_json::from_str::<HostAsked>(json).unwrap().rights();
        for plain in ["{}", r#"{"CapAdd":["CAP_NET_RAW"]}"#, r#"{"CapAdd":["ALL"],"CapDrop":["net_admin"]}"#] {
            assert_eq!(rights(plain), Rights::Use, "{plain}");
        }
        for more in [r#"{"CapAdd":["CAP_NET_ADMIN"]}"#, r#"{"CapAdd":["all"]}"#, r#"{"Privileged":true}"#] {
            assert_eq!(rights(more), Rights::Administer, "{more}");
        }
    }

    #[test]
    fn the_host_configuration_is_repeated_with_the_engines_defaults() {
        let sent = asked(
            r#"{"HostConfig":{"NetworkMode":"n1","IpcMode":"","ShmSize":0,"MemorySwappiness":-1,
            "LogConfig":{"Type":"","Config":{}},"AutoRemove":true,"Nonsense":1}}"#,
        );
        let echo = echo_host(&sent.host_config.unwrap());
        assert_eq!(echo["NetworkMode"], "n1");
        assert_eq!(echo["IpcMode"], "private");
        assert_eq!(echo["ShmSize"], 67_108_864);
        assert_eq!(echo["MemorySwappiness"], Value::Null);
        assert_eq!(echo["LogConfig"]["Type"], "json-file");
        assert_eq!(echo["AutoRemove"], true);
        assert_eq!(echo.get("Nonsense"), None);
    }
}
