//! `POST /containers/create`: reads what is asked, checks it, and keeps a container that was not started yet.

mod capability;
mod conflict;
mod echo;
pub(super) mod limits;
mod logging;
mod mounts;
mod namespaces;
mod obstacle;
mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use netyard_sim::time::Duration;
use netyard_sim::userland::Rights;
use netyard_sim::world::World;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::console::{Console, InputEnd};
use super::echo::Echo;
use super::health::Health;
use super::lifecycle::Run;
use super::request::{json_body, shape};
use super::shapes::{Door, EndpointAsked};
use super::{Call, Engine, Reply};
use crate::container::restart::{RestartPolicy, Restarts};
use crate::container::signal::SignalNumber;
use crate::container::{AfterExit, Container, ContainerConfig, LegacyLink, Membership, NetworkMode, State};
use crate::endpoint::{EndpointConfig, Link};
use crate::error::Error;
use crate::id::Id;
use crate::image::{Image, ImageConfig};
use crate::names;
use crate::network::Network;
use crate::ports::{Port, Publication, publications};
use crate::sandbox::resolv::DnsConfig;

/// How long a stop waits when the container says nothing else.
const STOP_TIMEOUT_SECS: u64 = 10;

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
    volumes: Option<BTreeMap<String, Value>>,
    healthcheck: Option<Map<String, Value>>,
    mac_address: Option<String>,
    labels: Option<BTreeMap<String, String>>,
    stop_signal: Option<String>,
    stop_timeout: Option<i64>,
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
    restart_policy: Option<PolicyAsked>,
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
    binds: Option<Vec<String>>,
    mounts: Option<Vec<mounts::Asked>>,
    volumes_from: Option<Vec<String>>,
    volume_driver: Option<String>,
    group_add: Option<Vec<String>>,
    devices: Option<Vec<DeviceAsked>>,
    log_config: Option<logging::Asked>,
    sysctls: Option<BTreeMap<String, String>>,
    #[serde(rename = "UTSMode")]
    uts_mode: Option<String>,
}

/// One of `Devices`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct DeviceAsked {
    path_on_host: String,
}

/// `RestartPolicy`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct PolicyAsked {
    name: String,
    maximum_retry_count: i64,
}

impl PolicyAsked {
    /// Whether it is more than `no`.
    fn restarts(&self) -> bool {
        !matches!(self.name.as_str(), "" | "no")
    }

    /// What it means; nothing when it names none.
    ///
    /// # Errors
    /// It is none.
    pub(super) fn parse(&self) -> Result<Option<RestartPolicy>, Error> {
        let policy = RestartPolicy::parse(&self.name, self.maximum_retry_count)?;
        Ok((!self.name.is_empty()).then_some(policy))
    }
}

impl HostAsked {
    /// What root's processes may do: containers only use their network unless they are given more.
    fn rights(&self) -> Rights {
        if self.privileged == Some(true) {
            return Rights::ALL;
        }
        let names = |list: &Option<Vec<String>>, names: &[&str]| {
            let plain = |name: &str| name.to_uppercase().trim_start_matches("CAP_").to_owned();
            list.iter().flatten().any(|name| names.contains(&plain(name).as_str()))
        };
        // What is added by its own name stays, whatever is dropped; ALL adds what is not dropped.
        let has = |name: &str, by_default: bool| {
            let dropped = names(&self.cap_drop, &[name, "ALL"]);
            let all = names(&self.cap_add, &["ALL"]) && !names(&self.cap_drop, &[name]);
            names(&self.cap_add, &[name]) || all || (by_default && !dropped)
        };
        Rights { administer: has("NET_ADMIN", false), raw: has("NET_RAW", true), settings: false }
    }

    /// Which of the exposed ports shall be published.
    fn publications(&self, exposed: &BTreeSet<Port>) -> Result<Vec<Publication>, Error> {
        let bindings = self.port_bindings.clone().unwrap_or_default();
        let all = self.publish_all_ports == Some(true);
        let refuse = |word: String| Error::BadParameter(format!("invalid port specification: {word:?}"));
        publications(&bindings, exposed, all).map_err(refuse)
    }
}

impl Engine {
    /// `POST /containers/create`.
    pub(super) fn container_create(&mut self, world: &World, call: &Call<'_>) -> Result<Reply, Error> {
        let asked: Asked = json_body(call.request, shape::CONTAINER)?;
        let mut raw_host = asked.host_config.clone().unwrap_or_default();
        let host: HostAsked =
            serde_json::from_value(Value::Object(raw_host.clone())).map_err(|e| Error::BadParameter(e.to_string()))?;
        let mode = NetworkMode::parse(host.network_mode.as_deref().unwrap_or_default());
        let mode = self.with_base_by_id(mode.ok_or(Error::InvalidNetworkMode)?);
        if let NetworkMode::Container(base) = &mode {
            raw_host.insert("NetworkMode".to_owned(), json!(format!("container:{base}")));
        }
        conflict::check(&mode, &asked, &host)?;
        host.publications(&BTreeSet::new())?;
        let (policy, mut told) = settings::check(&asked, &host, &raw_host)?;
        let own = mode.network().and_then(|name| self.controller.find(name).ok());
        let mut networks = memberships(&mode, own, asked.networking_config.clone().unwrap_or_default())?;
        let unreadable_mac = give_mac(&mut networks, &mode, asked.mac_address.as_deref());
        let reference = asked.image.clone().unwrap_or_default();
        let image = Rc::clone(self.find_image(&reference)?);
        self.check_namespaces(&raw_host)?;
        logging::check(host.log_config.as_ref())?;
        let mounts = self.mounts(world, &asked, &host)?;
        let name = self.name_for(call.target.query.text("name"))?;
        let linked = self.resolve_links(&mode, &host)?;
        let id = Id::random(&mut self.ids);
        let default_hostname = self.default_hostname(&mode, id);
        let obstacle = obstacle::find(&host, &raw_host);
        let config = configuration(&asked, &host, mode, image, default_hostname)?;
        let log_details = logging::details(host.log_config.as_ref(), &config);
        let config = ContainerConfig { log_details, mounts, obstacle, unreadable_mac, ..config };
        let echo = Echo::new(&echo::config(&asked, &config), &echo::host(&raw_host));
        self.make_volumes(world, &config.mounts, host.volume_driver.as_deref())?;
        let container = Container {
            id,
            name,
            created: world.now(),
            config,
            networks,
            linked,
            policy,
            restarts: Restarts::default(),
            state: State::Created,
            started: None,
            finished: None,
            error: String::new(),
            refused_with: 0,
            sandbox: None,
            context: None,
        };
        told.extend(warnings(&container.config.mode, &host).into_iter().map(str::to_owned));
        let health = asked.healthcheck.and_then(|asked| serde_json::from_value(Value::Object(asked)).ok());
        self.keep(container, echo, health.and_then(Health::new));
        self.tell_container(world, id, "create", &[]);
        Ok(Reply::created(&json!({ "Id": id, "Warnings": told })))
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
            // It takes on the other's name when it starts.
            NetworkMode::Container(_) | NetworkMode::Bridge | NetworkMode::Network(_) | NetworkMode::None => id.short(),
        }
    }

    fn keep(&mut self, container: Container, echo: Echo, health: Option<Health>) {
        let end = if container.config.stdin_once { InputEnd::Closes } else { InputEnd::Stays };
        let console = Console::new(container.config.tty, end);
        self.runs.insert(container.id, Run::new(console, echo, health));
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

/// What is made all the same, but not as it was asked for.
fn warnings(mode: &NetworkMode, host: &HostAsked) -> Vec<&'static str> {
    let bound = host.port_bindings.as_ref().is_some_and(|bindings| !bindings.is_empty());
    let discarded = *mode == NetworkMode::Host && bound;
    discarded.then_some("Published ports are discarded when using host network mode").into_iter().collect()
}

/// The networks that a container begins with: those that the networking configuration describes, else the one of its
/// mode, which is `own` where it is there. In another container's namespace there are none.
fn memberships(
    mode: &NetworkMode,
    own: Option<&Network>,
    asked: NetworkingAsked,
) -> Result<BTreeMap<String, Membership>, Error> {
    let endpoints = asked.endpoints_config.unwrap_or_default();
    if endpoints.len() > 1 {
        return Err(Error::EndpointsTooMany(endpoints.into_keys().collect()));
    }
    let mut asked = Vec::new();
    for (key, endpoint) in endpoints {
        asked.push((key, endpoint.unwrap_or_default().parse(Door::Create)?));
    }
    let Some(written) = mode.network() else { return Ok(BTreeMap::new()) };
    let name = own.map_or(written, Network::name);
    if asked.is_empty() {
        asked.push((name.to_owned(), EndpointConfig::default()));
    }
    let is_own = |key: &str| match mode {
        NetworkMode::Bridge => key == "default",
        _ => key == written || own.is_some_and(|network| network.id.to_string() == key),
    };
    let named = asked.into_iter().map(|(key, config)| (if is_own(&key) { name.to_owned() } else { key }, config));
    Ok(named.map(|(key, config)| (key, Membership { network: None, config })).collect())
}

fn configuration(
    asked: &Asked,
    host: &HostAsked,
    mode: NetworkMode,
    image: Rc<Image>,
    default_hostname: String,
) -> Result<ContainerConfig, Error> {
    let hostname = asked.hostname.clone().filter(|name| !name.is_empty());
    let exposed = asked.exposed_ports.iter().flat_map(BTreeMap::keys).map(String::as_str);
    let exposed = exposed.chain(image.config.exposed.iter().map(String::as_str));
    let exposed: BTreeSet<Port> = exposed.filter_map(|text| text.parse().ok()).collect();
    let extra_hosts = host.extra_hosts.iter().flatten().filter_map(|line| line.split_once(':'));
    let own = |asked: &Option<String>, image: &str| match asked.as_deref().unwrap_or_default() {
        "" => image.to_owned(),
        asked => asked.to_owned(),
    };
    let stop_signal = asked.stop_signal.clone().filter(|text| !text.is_empty());
    let stop_signal = stop_signal.map(|text| SignalNumber::parse(&text).ok_or(Error::InvalidSignal(text)));
    Ok(ContainerConfig {
        hostname: hostname.unwrap_or(default_hostname),
        domainname: asked.domainname.clone().unwrap_or_default(),
        image_reference: asked.image.clone().unwrap_or_default(),
        argv: command(asked, &image.config)?,
        user: own(&asked.user, &image.config.user),
        groups: host.group_add.clone().unwrap_or_default(),
        obstacle: None,
        unreadable_mac: None,
        env: environment(asked, &image.config),
        publications: host.publications(&exposed)?,
        exposed,
        working_dir: own(&asked.working_dir, &image.config.working_dir),
        tty: asked.tty.unwrap_or_default(),
        open_stdin: asked.open_stdin.unwrap_or_default(),
        stdin_once: asked.stdin_once.unwrap_or_default(),
        labels: image.config.labels.clone().into_iter().chain(asked.labels.clone().unwrap_or_default()).collect(),
        mode,
        rights: host.rights(),
        shares_uts: host.uts_mode.as_deref() == Some("host"),
        sysctls: host.sysctls.clone().unwrap_or_default(),
        dns: DnsConfig {
            servers: host.dns.clone().unwrap_or_default(),
            search: host.dns_search.clone().unwrap_or_default(),
            options: host.dns_options.iter().flatten().filter(|option| !option.is_empty()).cloned().collect(),
        },
        extra_hosts: extra_hosts.map(|(name, address)| (address.to_owned(), name.to_owned())).collect(),
        links: host.links.iter().flatten().map(|text| Link::parse(text)).collect(),
        mounts: Vec::new(),
        devices: host.devices.iter().flatten().map(|device| device.path_on_host.clone()).collect(),
        log: logging::driver(host.log_config.as_ref()),
        log_details: String::new(),
        after_exit: if host.auto_remove == Some(true) { AfterExit::Remove } else { AfterExit::Keep },
        image,
        stop_signal: stop_signal.transpose()?,
        stop_timeout: match asked.stop_timeout {
            Some(seconds) => u64::try_from(seconds).ok().map(Duration::from_secs),
            None => Some(Duration::from_secs(STOP_TIMEOUT_SECS)),
        },
    })
}

/// The entry point, then the command; the image's own where nothing was given, but its command only with its own entry
/// point.
fn command(asked: &Asked, image: &ImageConfig) -> Result<Vec<String>, Error> {
    let words = |words: &Option<Words>| words.clone().map(Words::into_list).unwrap_or_default();
    let (mut argv, mut command) = (words(&asked.entrypoint), words(&asked.cmd));
    if argv.is_empty() {
        argv = image.entrypoint.clone();
        command = if command.is_empty() { image.command.clone() } else { command };
    }
    // An entry point that is one empty word is none.
    argv.retain(|word| !word.is_empty());
    argv.extend(command);
    if argv.is_empty() {
        return Err(Error::BadParameter("No command specified".to_owned()));
    }
    Ok(argv)
}

/// The image's environment, then what was asked for; a name that was asked for is not the image's any more.
fn environment(asked: &Asked, image: &ImageConfig) -> Vec<String> {
    let asked = asked.env.clone().unwrap_or_default();
    let name = |line: &str| line.split('=').next().unwrap_or_default().to_owned();
    let is_asked = |line: &str| asked.iter().any(|asked| name(asked) == name(line));
    let own: Vec<String> = image.env.iter().filter(|line| !is_asked(line)).cloned().collect();
    asked.into_iter().chain(own).collect()
}

/// A MAC address that was asked for beside the networks is that of the container's first one. What cannot be read as one
/// is given back.
fn give_mac(networks: &mut BTreeMap<String, Membership>, mode: &NetworkMode, asked: Option<&str>) -> Option<String> {
    let text = asked.filter(|text| !text.is_empty())?;
    let membership = mode.network().and_then(|name| networks.get_mut(name))?;
    let Ok(mac) = text.parse() else { return Some(text.to_owned()) };
    membership.config.mac.get_or_insert(mac);
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Images;

    fn asked(json: &str) -> Asked {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn the_images_command_runs_when_nothing_else_is_given() {
        let images = Images::default();
        let web = images.find("web").unwrap();
        let command = |json: &str| command(&asked(json), &web.config).map_err(|error| error.to_string());
        assert_eq!(command("{}").unwrap()[0], "httpd");
        assert_eq!(command(r#"{"Cmd":["sleep","1"]}"#).unwrap(), ["sleep", "1"]);
        assert_eq!(command(r#"{"Cmd":"true","Entrypoint":["sh","-c"]}"#).unwrap(), ["sh", "-c", "true"]);
        assert_eq!(command(r#"{"Entrypoint":["sh"]}"#).unwrap(), ["sh"], "an entry point drops the image's command");
        assert_eq!(command(r#"{"Entrypoint":[""]}"#).unwrap_err(), "No command specified");
    }

    #[test]
    fn a_container_begins_on_the_network_of_its_mode() {
        let begins = |mode: &str, endpoints: &str| {
            let networking = serde_json::from_str(&format!(r#"{{"EndpointsConfig":{endpoints}}}"#)).unwrap();
            memberships(&NetworkMode::parse(mode).unwrap(), None, networking)
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
    fn ports_bound_on_the_network_of_the_host_are_warned_of() {
        let warned = |mode, host: &str| warnings(&mode, &serde_json::from_str(host).unwrap());
        let bound = r#"{"PortBindings":{"80/tcp":[{"HostIp":"","HostPort":""}]}}"#;
        let expected = ["Published ports are discarded when using host network mode"];
        assert_eq!(warned(NetworkMode::Host, bound), expected);
        assert!(warned(NetworkMode::Bridge, bound).is_empty());
        assert!(warned(NetworkMode::Host, r#"{"PortBindings":{},"PublishAllPorts":true}"#).is_empty());
    }

    #[test]
    fn only_net_admin_makes_an_administrator_of_the_network() {
        let rights = |json: &str| serde_json::from_str::<HostAsked>(json).unwrap().rights();
        for plain in ["{}", r#"{"CapAdd":["CAP_NET_RAW"]}"#, r#"{"CapAdd":["ALL"],"CapDrop":["net_admin"]}"#] {
            assert_eq!(rights(plain), Rights::CONTAINER, "{plain}");
        }
        for more in [r#"{"CapAdd":["CAP_NET_ADMIN"]}"#, r#"{"CapAdd":["all"]}"#] {
            assert_eq!(rights(more), Rights { administer: true, ..Rights::CONTAINER }, "{more}");
        }
        assert_eq!(rights(r#"{"Privileged":true}"#), Rights::ALL);
        assert_eq!(rights(r#"{"CapDrop":["NET_RAW"]}"#), Rights::NONE);
        let back = r#"{"CapDrop":["ALL"],"CapAdd":["NET_RAW"]}"#;
        assert_eq!(rights(back), Rights::CONTAINER);
    }
}
