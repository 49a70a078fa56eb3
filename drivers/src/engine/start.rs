//! Starting a container: its files, its sandbox and networks, then its process.

use std::collections::BTreeMap;

use netyard_sim::addr::Mac;
use netyard_sim::fabric::NamespaceId;
use netyard_sim::time::Instant;
use netyard_sim::userland::files::Access;
use netyard_sim::userland::ip::netns;
use netyard_sim::userland::process::Context;
use netyard_sim::userland::sysctl;
use netyard_sim::userland::{ContextId, Files, Flavour, Pid, Spawn};
use netyard_sim::world::World;

use super::login::Login;
use super::{Engine, NetworkName, Owner, runtime};
use crate::container::{Container, ContainerConfig, Mount, NetworkMode, State};
use crate::controller::{EndpointRequest, Place};
use crate::date;
use crate::endpoint::{EndpointConfig, Standing};
use crate::error::Error;
use crate::id::Id;
use crate::image::{Content, Image};
use crate::network::DEFAULT;
use crate::sandbox::{self, Kind, Sandbox, SandboxConfig, hosts, resolv};

/// The file that names DNS servers.
pub(super) const RESOLV: &str = "/etc/resolv.conf";
/// By this programs know that they are in a container.
const MARK: &str = "/.dockerenv";
const HOSTS: &str = "/etc/hosts";
const HOSTNAME: &str = "/etc/hostname";
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The longest host name (`__NEW_UTS_LEN`).
const HOSTNAME_MAX: usize = 64;

/// What a container will have on one network.
struct Planned {
    network: NetworkName,
    /// The name under which the container knows it so far.
    key: String,
    config: EndpointConfig,
}

impl Engine {
    /// Starts a container that does not run.
    ///
    /// # Errors
    /// A network of it is gone, has no address for it, or its program does not exist; it stays as it was then.
    pub(super) fn start(&mut self, world: &mut World, id: Id) -> Result<(), Error> {
        let result = self.try_start(world, id);
        self.controller.drop_prepared(id);
        self.note_start(world, id, result.as_ref().err());
        result
    }

    fn try_start(&mut self, world: &mut World, id: Id) -> Result<(), Error> {
        let place = self.place(id)?;
        check_runtime(&self.containers.get(&id).expect("the caller found the container").config)?;
        self.check_links(self.containers.get(&id).expect("the caller found the container"))?;
        let planned = self.plan_networks(id)?;
        if let Some(text) = &self.containers[&id].config.unreadable_mac {
            return Err(Error::MacUnreadable(text.clone()));
        }
        if place == Place::Host {
            self.check_no_interfaces(&planned)?;
        }
        self.take_names_of_base(id);
        let context = self.prepare_files(world, id);
        let container = self.containers.get(&id).expect("the caller found the container");
        let config = SandboxConfig {
            hostname: host_line_name(container),
            upstreams: resolv::upstreams(
                &world.processes.context(self.host.context).files.text(RESOLV),
                &container.config.dns.or(&self.config.dns),
            ),
            extra_hosts: container.config.extra_hosts.clone(),
            publications: container.config.publications.clone(),
            exposed: container.config.exposed.iter().copied().collect(),
        };
        let name = container.name.clone();
        let sandbox = self.controller.create_sandbox_of(world, id, place, context, config);
        let requests: Vec<EndpointRequest<'_>> = planned
            .iter()
            .map(|p| EndpointRequest {
                network: p.network.id,
                container: id,
                name: &name,
                config: &p.config,
                standing: Standing::Container,
            })
            .collect();
        if let Err(error) = self.controller.start(world, sandbox, &requests) {
            self.abandon(world, id, sandbox, planned);
            return Err(error);
        }
        self.container_mut(id).sandbox = Some(sandbox);
        self.apply_settings(world, id, sandbox);
        self.show_namespace(world, sandbox);
        self.remember_networks(world, id, planned);
        self.tell_sources(world, id);
        self.run(world, id, sandbox, context)
    }

    /// Gives up a start that was refused on the way. Networks that were joined before are told so, and all are told
    /// that they were left, as the engine does it (03 "port already allocated").
    fn abandon(&mut self, world: &mut World, id: Id, sandbox: Id, planned: Vec<Planned>) {
        let joined = self.controller.sandbox(sandbox).map_or(0, |sandbox| sandbox.joined.len());
        if joined > 0 {
            self.container_mut(id).sandbox = Some(sandbox);
            let mut networks: Vec<NetworkName> = planned.iter().map(|p| p.network.clone()).collect();
            self.remember_networks(world, id, planned.into_iter().take(joined - 1).collect());
            networks.sort_by(|a, b| a.name.cmp(&b.name));
            for network in networks {
                self.tell_network(world, &network, "disconnect", &[("container", id.to_string())]);
            }
        } else if let Some(Planned { key, config, .. }) = planned.into_iter().next() {
            // The first that was tried has its aliases from then on (moby, `updateNetworkConfig`).
            self.container_mut(id).networks.entry(key).and_modify(|membership| membership.config = config);
        }
        self.controller.delete_sandbox(world, sandbox);
    }

    /// Whether a container in the host's namespace has networks with devices: those have routes there already. It comes
    /// to that when the container left the network `host` before it was started.
    fn check_no_interfaces(&self, planned: &[Planned]) -> Result<(), Error> {
        let networks = planned.iter().filter_map(|p| self.controller.network(p.network.id));
        match networks.flat_map(|network| &network.subnets).next() {
            Some(subnet) => Err(Error::SandboxRouteConflict { subnet: subnet.net, gateway: subnet.gateway }),
            None => Ok(()),
        }
    }

    /// Writes what `--sysctl` asked for.
    fn apply_settings(&self, world: &mut World, id: Id, sandbox: Id) {
        let namespace = self.controller.sandbox(sandbox).expect("it was just made").namespace;
        for (name, value) in &self.containers[&id].config.sysctls {
            // A setting that is not modelled changes nothing.
            let _ = sysctl::set(&mut world.fabric, namespace, name, value);
        }
    }

    /// Who joins another container's namespace is called like it from then on.
    fn take_names_of_base(&mut self, id: Id) {
        let NetworkMode::Container(base) = &self.containers[&id].config.mode else { return };
        let Ok(base) = self.find_container(base) else { return };
        let (hostname, domainname) = (base.config.hostname.clone(), base.config.domainname.clone());
        if let Some(run) = self.runs.get_mut(&id) {
            run.echo.name_host(&hostname, &domainname);
        }
        let config = &mut self.container_mut(id).config;
        (config.hostname, config.domainname) = (hostname, domainname);
    }

    /// Where the sandbox of a container will be.
    fn place(&self, id: Id) -> Result<Place, Error> {
        let container = self.containers.get(&id).expect("the caller found the container");
        let NetworkMode::Container(other) = &container.config.mode else {
            return Ok(if container.config.mode == NetworkMode::Host { Place::Host } else { Place::Own });
        };
        let base = self.find_container(other)?;
        if base.id == id {
            return Err(Error::ContainerJoinsItself);
        }
        let sandbox = base.sandbox.filter(|_| base.is_running()).and_then(|id| self.controller.sandbox(id));
        let shared = sandbox.map(|s| Place::Shared { namespace: s.namespace, names: s.names });
        shared.ok_or(Error::ContainerJoinsStopped(base.id))
    }

    /// Finds the networks of a container in the order of joining: the default one first, the others in an order that
    /// Docker leaves to chance (oracle fact 18), and the seed decides here.
    fn plan_networks(&mut self, id: Id) -> Result<Vec<Planned>, Error> {
        let container = self.containers.get(&id).expect("the caller found the container");
        let mut planned = Vec::new();
        for (key, membership) in &container.networks {
            let network = match membership.network {
                Some(id) => self.controller.network(id).ok_or_else(|| Error::NetworkUnknown(id.to_string()))?,
                None => self.controller.find(key)?,
            };
            super::networks::check_config(network, &membership.config)?;
            let config = container.membership_on(&self.granted(id, network.id, &membership.config), network);
            planned.push(Planned { network: NetworkName::of(network), key: key.clone(), config });
        }
        self.joining.shuffle(&mut planned);
        planned.sort_by_key(|p| p.network.name != DEFAULT);
        Ok(planned)
    }

    fn remember_networks(&mut self, world: &World, id: Id, planned: Vec<Planned>) {
        for Planned { network, key, config } in planned {
            let networks = &mut self.container_mut(id).networks;
            networks.remove(&key);
            let membership = crate::container::Membership { network: Some(network.id), config };
            networks.insert(network.name.clone(), membership);
            self.tell_network(world, &network, "connect", &[("container", id.to_string())]);
        }
    }

    /// The files of a container, made at its first start. Those about names are written anew at each start.
    fn prepare_files(&mut self, world: &mut World, id: Id) -> ContextId {
        let container = self.containers.get(&id).expect("the caller found the container");
        let hostname = container.config.hostname.clone();
        let context = container.context.unwrap_or_else(|| self.make_files(world, id));
        let (hosts, resolv) = self.name_files(world, id);
        world.processes.context_mut(context).files.make_directory("/etc");
        for (path, text) in [(HOSTS, hosts), (RESOLV, resolv), (HOSTNAME, hostname + "\n")] {
            self.controller.edit_names(world, context, path, |_| text);
        }
        context
    }

    /// The files of a container that has none: its image's, and what is mounted there.
    pub(super) fn make_files(&mut self, world: &mut World, id: Id) -> ContextId {
        let container = self.containers.get(&id).expect("the caller found the container");
        let files = image_files(world, &container.config.image);
        let config = &container.config;
        let hostname = if config.shares_uts { self.host.name.clone() } else { config.hostname.clone() };
        let context = world.processes.create_context(Context { files, hostname, flavour: Flavour::Busybox });
        for mount in &container.config.mounts {
            self.mount(world, context, mount);
        }
        self.container_mut(id).context = Some(context);
        context
    }

    /// Mounts a directory of the host, which is made when it is not there, or a volume, which is one too. A new volume
    /// begins with what the image has in its place.
    fn mount(&self, world: &mut World, context: ContextId, mount: &Mount) {
        let (source, destination) = (mount.source.as_str(), mount.destination.as_str());
        let now = world.now();
        let image = world.processes.files(context).export(destination).unwrap_or_default();
        // Where the host has a file or nothing in the way, the container's own directory stays.
        let Ok(shared) = world.processes.share(self.host.context, source) else { return };
        let is_new = mount.volume.is_some() && world.processes.files(self.host.context).list(source).is_empty();
        let access = if mount.is_writable { Access::ReadWrite } else { Access::ReadOnly };
        let files = &mut world.processes.context_mut(context).files;
        files.make_directory(destination);
        files.mount_shared(destination, shared, access);
        if is_new {
            let mut host = world.processes.files_mut(self.host.context, now);
            for entry in &image {
                // It fits, for it fitted into the image.
                let _ = host.import(source, entry);
            }
        }
    }

    /// `/etc/hosts` and `/etc/resolv.conf` before any network is joined. On the host's network both are the host's own
    /// files where nothing was asked for; with another container's both are that container's.
    fn name_files(&self, world: &World, id: Id) -> (String, String) {
        let container = self.containers.get(&id).expect("the caller found the container");
        let of = |context: ContextId, path: &str| world.processes.context(context).files.text(path);
        let (host, dns) = (of(self.host.context, RESOLV), container.config.dns.or(&self.config.dns));
        let resolv = resolv::initial(&host, &dns);
        let extra_hosts = self.extra_hosts(container);
        match &container.config.mode {
            NetworkMode::Host if extra_hosts.is_empty() => (of(self.host.context, HOSTS), resolv::on_host(&host, &dns)),
            NetworkMode::Host => (hosts::initial(&extra_hosts), resolv::on_host(&host, &dns)),
            NetworkMode::Container(other) => {
                let base = self.find_container(other).ok().and_then(|base| base.context);
                let base = base.expect("the base was found running");
                (of(base, HOSTS), of(base, RESOLV))
            }
            NetworkMode::Bridge | NetworkMode::Network(_) | NetworkMode::None => {
                let links = self.link_lines(container);
                (links.fold(hosts::initial(&extra_hosts), |text, (ip, name)| hosts::with(&text, ip, &name)), resolv)
            }
        }
    }

    /// What `--add-host` asked for; `host-gateway` is the host's address on the default bridge.
    fn extra_hosts(&self, container: &Container) -> Vec<(String, String)> {
        let gateway = self.controller.find(DEFAULT).ok().and_then(|network| network.subnets.first());
        let address = |text: &str| match gateway {
            Some(subnet) if text == "host-gateway" => subnet.gateway.to_string(),
            _ => text.to_owned(),
        };
        container.config.extra_hosts.iter().map(|(at, name)| (address(at), name.clone())).collect()
    }

    /// Starts the main process; when there is no such program the networks are left again.
    fn run(&mut self, world: &mut World, id: Id, sandbox: Id, context: ContextId) -> Result<(), Error> {
        let namespace = self.controller.sandbox(sandbox).expect("it was just made").namespace;
        if let Some(error) = self.obstacle(world, id, context) {
            self.leave_networks(world, id);
            return Err(error);
        }
        let container = self.containers.get(&id).expect("the caller found the container");
        let (login, config) = (self.login(world, container), &container.config);
        let (argv, cwd) = (config.argv.clone(), &config.working_dir);
        let spawn = Launch { argv, login, cwd, namespace, context, init: true };
        let (program, open_stdin) = (config.argv.first().cloned().unwrap_or_default(), config.open_stdin);
        let run = self.runs.get_mut(&id).expect("every container has a run");
        let streams = run.console.open(world, open_stdin);
        let Some(pid) = launch(world, spawn, streams) else {
            run.console.end(world, &mut self.outbox);
            self.leave_networks(world, id);
            let why = runtime::unrunnable(&world.processes.context(context).files, "/", &program);
            return Err(Error::CommandNotFound { program, why });
        };
        run.console.begin(world);
        world.processes.limit(context, run.echo.processes_max());
        self.owners.insert(pid, Owner::Container(id));
        let now = world.now();
        let container = self.container_mut(id);
        container.state = State::Running(pid);
        container.started = Some(now);
        self.begin_health(now, id);
        self.tell_container(world, id, "start", &[]);
        Ok(())
    }

    /// What the hook that moves a container's interfaces says of a MAC address that no interface can have (09 "odd MACs").
    fn interface_refused(&mut self, now: Instant, mac: Mac) -> Error {
        let (at, digits) = (date::rfc3339_second(self.epoch, now), self.ids.u32() & 0x0fff_ffff);
        Error::Runtime(format!(
            "unable to start container process: error during container init: error running hook #0: error running hook: \
             exit status 1, stdout: , stderr: time=\"{at}\" level=fatal msg=\"failed to add interface veth{digits:07x} to \
             sandbox: error setting interface \\\"veth{digits:07x}\\\" MAC to \\\"{mac}\\\": cannot assign requested address\""
        ))
    }

    /// What the runtime would refuse of a container.
    fn obstacle(&mut self, world: &World, id: Id, context: ContextId) -> Option<Error> {
        let container = self.containers.get(&id).expect("the caller found the container");
        let config = &container.config;
        let files = |context| &world.processes.context(context).files;
        let (own, host) = (files(context), files(self.host.context));
        let device = || config.devices.iter().find(|path| host.read(path).is_err() && !host.is_directory(path));
        let identity = runtime::identity(own, &config.user).or_else(|| runtime::groups(own, &config.groups));
        let device = identity.is_none().then(device).flatten();
        let device = device.map(|path| {
            format!(
                "error gathering device information while adding custom device \"{path}\": no such file or directory"
            )
        });
        let refused = identity.or(device).map(Error::StartRefused).or_else(|| config.obstacle.clone());
        let macs = container.networks.values().filter_map(|member| member.config.mac);
        let odd = macs.into_iter().find(|mac| !mac.is_assignable());
        refused.or_else(|| odd.map(|mac| self.interface_refused(world.now(), mac)))
    }

    /// Takes a container off all its networks, by name, and removes its sandbox; the container stays set up for them.
    pub(super) fn leave_networks(&mut self, world: &mut World, id: Id) {
        let container = self.containers.get(&id).expect("the caller found the container");
        let Some(sandbox) = container.sandbox else { return };
        let networks: Vec<Id> = container.networks.values().filter_map(|m| m.network).collect();
        for network in networks {
            if self.controller.leave(world, sandbox, network) {
                let name = self.network_name(network);
                self.tell_network(world, &name, "disconnect", &[("container", id.to_string())]);
            }
        }
        let shared: Vec<Id> = self.controller.shared().map(|network| network.id).collect();
        let memberships = self.container_mut(id).networks.values_mut();
        let left = memberships.filter(|m| m.network.is_some_and(|network| shared.contains(&network)));
        left.for_each(crate::container::Membership::forget);
        self.hide_namespace(world, sandbox);
        self.controller.delete_sandbox(world, sandbox);
    }

    /// Puts a sandbox's namespace into the host's files, where `inspect` says that it is.
    fn show_namespace(&self, world: &mut World, sandbox: Id) {
        let sandbox = self.controller.sandbox(sandbox).expect("it was just made");
        let files = &mut world.processes.context_mut(self.host.context).files;
        files.make_directory(sandbox::DIRECTORY);
        // A host whose user put a file in the way has no room for it.
        let _ = files.write(&Sandbox::key(sandbox.id, sandbox.kind), netns::content(sandbox.namespace));
    }

    fn hide_namespace(&self, world: &mut World, sandbox: Id) {
        if let Some(sandbox) = self.controller.sandbox(sandbox).filter(|s| s.kind != Kind::Host) {
            let files = &mut world.processes.context_mut(self.host.context).files;
            files.remove(&Sandbox::key(sandbox.id, sandbox.kind));
        }
    }
}

/// The exit code of a container that could not be started.
pub(super) const fn exit_code(why: &Error) -> i32 {
    match why {
        Error::CommandNotFound { why, .. } => why.code(),
        _ => 128,
    }
}

/// What the runtime refuses when it makes the process of a container.
fn check_runtime(config: &ContainerConfig) -> Result<(), Error> {
    let refuse = |what: String| Err(Error::Runtime(what));
    if config.mode == NetworkMode::Host
        && let Some(name) = config.sysctls.keys().find(|name| name.starts_with("net."))
    {
        return refuse(format!("sysctl \"{name}\" not allowed in host network namespace"));
    }
    if config.shares_uts && !config.domainname.is_empty() {
        return refuse("sysctl \"kernel.domainname\" is not in a separate kernel namespace".to_owned());
    }
    if config.hostname.len() > HOSTNAME_MAX {
        let doing = "unable to start container process: error during container init: sethostname";
        return refuse(format!("{doing}: invalid argument"));
    }
    Ok(())
}

/// What a process in a container shall be.
pub(super) struct Launch<'a> {
    pub(super) argv: Vec<String>,
    pub(super) login: Login,
    pub(super) cwd: &'a str,
    pub(super) namespace: NamespaceId,
    pub(super) context: ContextId,
    pub(super) init: bool,
}

/// Starts a process, or nothing when there is no such program; the streams are closed then.
pub(super) fn launch(
    world: &mut World,
    launch: Launch<'_>,
    streams: [netyard_sim::userland::Stream; 3],
) -> Option<Pid> {
    let cwd = if launch.cwd.is_empty() { "/" } else { launch.cwd };
    let spawn = Spawn {
        argv: launch.argv,
        env: launch.login.env,
        cwd: cwd.to_owned(),
        namespace: launch.namespace,
        rights: launch.login.rights,
        user: launch.login.user,
        context: launch.context,
        streams,
        group: None,
        init: launch.init,
    };
    let now = world.now();
    world.processes.spawn(spawn, None, now).ok()
}

/// The environment of a process in a container: the engine's, the links', the container's, then the process's own.
pub(super) fn environment(
    container: &Container,
    home: &str,
    links: &[(String, String)],
    own: &[String],
    tty: bool,
) -> BTreeMap<String, String> {
    let engine = [("PATH", PATH), ("HOSTNAME", container.config.hostname.as_str()), ("HOME", home)];
    let term = tty.then_some(("TERM", "xterm"));
    let links = links.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let asked = container.config.env.iter().chain(own).filter_map(|line| line.split_once('='));
    engine.into_iter().chain(term).chain(links).chain(asked).map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
}

/// The names in a container's own lines of `/etc/hosts`: with its domain when it has one, then without.
fn host_line_name(container: &Container) -> String {
    let (host, domain) = (&container.config.hostname, &container.config.domainname);
    let full = if domain.is_empty() { host.clone() } else { format!("{host}.{domain}") };
    match full.split_once('.') {
        Some((first, _)) => format!("{full} {first}"),
        None => full,
    }
}

/// The files of a container that was never started.
pub(super) fn image_files(world: &mut World, image: &Image) -> Files {
    let texts = match &image.content {
        Content::Snapshot(files) => return (**files).clone(),
        Content::Texts(texts) => texts,
    };
    let mut files = world.processes.base_files(Flavour::Busybox);
    files.write(MARK, "").and_then(|()| files.view_mut().set_mode(MARK, 0o755)).expect("the root is there");
    for (path, text) in *texts {
        let (directory, _) = path.rsplit_once('/').expect("an image's paths are absolute");
        files.make_directory(directory);
        files.write(path, *text).expect("its directory was just made");
        if text.starts_with("#!") {
            files.view_mut().set_mode(path, 0o755).expect("it was just written");
        }
    }
    files
}
