//! `/networks`: making, listing, inspecting and removing networks, and connecting containers to them.

use std::collections::BTreeMap;

use netyard_sim::addr::Family;
use netyard_sim::time::Instant;
use netyard_sim::world::World;
use serde::Deserialize;
use serde_json::{Value, json};

use super::plugins::About;
use super::request::{Filters, json_body, shape};
use super::shapes::{Door, EndpointAsked, NetworkAsked, NetworkJson};
use super::swarm::Then;
use super::{Call, Engine, ExchangeId, NetworkName, Reply};
use crate::cluster::manager::{find_among, is_of_nodes};
use crate::cluster::object::Network as Object;
use crate::container::{Container, Membership, NetworkMode};
use crate::controller::{EndpointRequest, Talk};
use crate::endpoint::{EndpointConfig, Standing};
use crate::error::{Error, SwarmError};
use crate::id::Id;
use crate::network::{Network, NetworkConfig, Role, Scope, is_predefined};
use crate::overlay;

const FILTERS: [&str; 7] = ["dangling", "driver", "id", "label", "name", "scope", "type"];

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ConnectAsked {
    container: Option<String>,
    endpoint_config: Option<EndpointAsked>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct DisconnectAsked {
    container: Option<String>,
    force: Option<bool>,
}

impl Engine {
    /// `GET /networks`.
    pub(super) fn network_list(&self, call: &Call<'_>) -> Result<Reply, Error> {
        let filters = call.target.query.filters(&FILTERS)?;
        check_filters(&filters)?;
        let mut planned = self.planned_networks();
        planned.extend(self.networks_in_store());
        let all = self.controller.networks().iter().chain(&planned);
        let fits = all.filter(|network| is_listed(network, &filters));
        Ok(Reply::ok(&fits.map(|network| NetworkJson::listed(network, self.epoch)).collect::<Vec<_>>()))
    }

    /// `GET /networks/{name}`.
    pub(super) fn network_inspect(&self, name: &str, call: &Call<'_>) -> Result<Reply, Error> {
        let scope = call.target.query.text("scope").filter(|scope| !scope.is_empty());
        // Tasks may be on these two of their nodes, and so a swarm has them as well.
        let of_nodes = |network: &Network| self.swarm.is_some() && is_of_nodes(network.name());
        let of_scope = |network: &Network| {
            scope.is_none_or(|scope| network.config.scope.word() == scope || (scope == "swarm" && of_nodes(network)))
        };
        let unknown = || Error::NetworkUnknown(name.to_owned());
        let found = match self.controller.find(name) {
            Ok(network) if !of_scope(network) => return Err(unknown()),
            Err(error @ Error::NetworkUnknown(_)) => {
                if let Some(network) = self.network_in_store(name) {
                    return Ok(Reply::ok(&NetworkJson::inspected(&network, self.epoch)));
                }
                let planned = find_among(&self.known_networks(), name).cloned();
                let network = planned.as_ref().and_then(planned_network).filter(of_scope).ok_or(error)?;
                return Ok(Reply::ok(&NetworkJson::planned(&network, self.epoch)));
            }
            found => found?,
        };
        let mut json = NetworkJson::inspected(found, self.epoch);
        if call.target.query.flag("verbose") && found.is_shared() {
            json.services = Some(self.services_on(found));
        }
        Ok(Reply::ok(&json))
    }

    /// The services of a network, as this host balances them; containers of nobody are those of the service without a name.
    fn services_on(&self, network: &Network) -> BTreeMap<String, Value> {
        let own = self.swarm_addr();
        let here = network.endpoints.values().filter(|endpoint| endpoint.standing == Standing::Container);
        let here = here.filter_map(|endpoint| {
            let service = endpoint.service.as_ref();
            Some((service, &endpoint.name, endpoint.id.to_string(), endpoint.v4?.net.ip(), own?))
        });
        let elsewhere = network.elsewhere.stations.iter().filter_map(|station| {
            let endpoint = station.endpoint.map(|id| id.to_string()).unwrap_or_default();
            Some((station.service.as_ref(), station.name.as_ref()?, endpoint, station.peer.addr, station.peer.host))
        });
        let mut services: BTreeMap<String, Value> = BTreeMap::new();
        for (service, name, endpoint, addr, host) in here.chain(elsewhere) {
            if service.is_some_and(|service| !service.is_ready) {
                continue;
            }
            let vip = service.and_then(|service| service.vip).map_or_else(|| "<nil>".to_owned(), |vip| vip.to_string());
            let mark = service.and_then(|service| self.controller.mark_of(network.id, &service.id)).unwrap_or(0);
            let service = service.map(|service| service.name.clone()).unwrap_or_default();
            let entry = services
                .entry(service)
                .or_insert_with(|| json!({ "VIP": vip, "Ports": [], "LocalLBIndex": mark, "Tasks": [] }));
            let task = json!({ "Name": name, "EndpointID": endpoint, "EndpointIP": addr, "Info": { "Host IP": host } });
            if let Some(tasks) = entry["Tasks"].as_array_mut() {
                tasks.push(task);
            }
        }
        services
    }

    /// `POST /networks/create`.
    pub(super) fn network_create(&mut self, world: &mut World, call: &Call<'_>) -> Result<Reply, Error> {
        let widest = if self.sharing.is_some() { Scope::Global } else { Scope::Swarm };
        let asked: NetworkAsked = json_body(call.request, shape::NETWORK)?;
        // Before anything else is looked at, and whatever is made (moby, `postNetworkCreate`).
        if self.cluster_has_network(asked.name()) {
            return Err(Error::NetworkNameTaken(asked.name().to_owned()));
        }
        let mut config = asked.parse(widest)?;
        match (config.scope, &config.ipam_driver) {
            (Scope::Swarm, _) => return self.network_create_shared(world, &config, call),
            // Nodes share no answers of a plugin.
            (Scope::Global, Some(driver)) => return Err(Error::PluginUnknown(driver.clone())),
            (Scope::Global, None) => return self.network_create_global(world, call.exchange, config),
            (Scope::Local, _) => {}
        }
        if self.network_in_store(&config.name).is_some_and(|shared| shared.name() == config.name) {
            return Err(Error::NetworkNameTaken(config.name));
        }
        let warn = |n: &Network| format!("Network with name {} (id : {}) already exists", n.name(), n.id);
        let warning = self.controller.named(&config.name).next().map(warn).unwrap_or_default();
        self.controller.check_network(&mut config)?;
        let made = if self.controller.needs_plugins(&config) {
            let step = |engine: &mut Self, talk: &mut Talk| engine.controller.create_with_plugins(world, talk, &config);
            self.talk(About::call(call), step)
        } else {
            self.controller.create_network(world, config.clone()).map(Some)
        };
        let made = made.map_err(|error| match error {
            Error::SwarmInactive if self.swarm.is_some() => Error::BadParameter(format!(
                "rpc error: code = InvalidArgument desc = legacy plugin {} of type NetworkDriver is not supported in \
                 swarm mode",
                config.driver
            )),
            other => other,
        });
        let Some(id) = made? else { return Ok(Reply::Later) };
        let name = self.network_name(id);
        self.tell_network(world, &name, "create", &[]);
        Ok(Reply::created(&json!({ "Id": id, "Warning": warning })))
    }

    /// Makes a network across hosts, on the node that decides.
    fn network_create_shared(
        &mut self,
        world: &mut World,
        config: &NetworkConfig,
        call: &Call<'_>,
    ) -> Result<Reply, Error> {
        match self.manager() {
            _ if self.follows() => {}
            Err(Error::Swarm(SwarmError::Worker)) => return Err(SwarmError::OverlayFromWorker.into()),
            Err(Error::SwarmInactive) if config.driver != "overlay" || self.sharing.is_some() => {
                return Err(Error::SwarmScope);
            }
            manager => manager.map(drop)?,
        }
        if is_predefined(&config.name) {
            return Err(Error::NetworkPredefined(config.name.clone()));
        }
        if config.driver != "overlay" {
            return Err(Error::Unsupported("share networks of other drivers than overlay in a swarm"));
        }
        if self.controller.named(&config.name).next().is_some() {
            return Err(Error::NetworkNameTaken(config.name.clone()));
        }
        if let Some(driver) = &config.ipam_driver {
            return Err(SwarmError::Invalid(format!("error during lookup of plugin {driver}")).into());
        }
        overlay::check(config)?;
        if config.name.trim().is_empty() {
            return Err(Error::NetworkNameInvalid(config.name.clone()));
        }
        if self.follows() {
            return self.pass_request(world, call);
        }
        let manager = self.manager_mut()?;
        if let Some(present) = manager.networks().into_iter().find(|network| network.ingress && config.ingress) {
            return Err(SwarmError::IngressExists(present.id).into());
        }
        let id = manager.create_network(world.now(), config);
        self.manager_changed(world);
        self.refresh_ingress(world);
        Ok(Reply::created(&json!({ "Id": id, "Warning": "" })))
    }

    /// Whether the cluster has a network of this name, as far as a manager knows. The two that all nodes have are in it, and
    /// no name fits every network.
    fn cluster_has_network(&self, name: &str) -> bool {
        let shared = self.known_networks();
        let is_usual = !shared.is_empty() && (name.is_empty() || is_of_nodes(name));
        is_usual || shared.iter().any(|network| network.name == name)
    }

    /// The networks across hosts that only the manager knows of.
    fn planned_networks(&self) -> Vec<Network> {
        let planned = self.known_networks().into_iter().filter_map(|object| planned_network(&object));
        planned.filter(|network| self.controller.network(network.id).is_none()).collect()
    }

    /// Removes a network across hosts; none when the term does not mean one.
    fn network_remove_shared(&mut self, world: &mut World, term: &str) -> Result<Option<Reply>, Error> {
        let local = self.controller.find(term).map(Network::is_shared);
        if local.is_ok_and(|is_shared| is_shared) {
            self.manager()?;
        } else if self.controller.find(term).is_ok() || self.manager().is_err() {
            return Ok(None);
        }
        let manager = self.manager_mut()?;
        let Some(network) = manager.find_network(term) else { return Ok(None) };
        manager.remove_network(&network.id)?;
        self.manager_changed(world);
        self.refresh_ingress(world);
        Ok(Some(Reply::Empty(204)))
    }

    /// `DELETE /networks/{name}`.
    pub(super) fn network_remove(
        &mut self,
        world: &mut World,
        name: &str,
        exchange: ExchangeId,
    ) -> Result<Reply, Error> {
        if self.network_remove_global(world, name, exchange)? {
            return Ok(Reply::Later);
        }
        self.network_remove_here(world, name)
    }

    /// Removes a network that no store has.
    fn network_remove_here(&mut self, world: &mut World, name: &str) -> Result<Reply, Error> {
        if let Some(reply) = self.network_remove_shared(world, name)? {
            return Ok(reply);
        }
        if let Ok(found) = self.controller.find(name)
            && self.is_spoken_of(found.id)
        {
            return Err(Error::NetworkActive { name: found.name().to_owned(), id: found.id });
        }
        let network = self.controller.delete_network(world, name)?;
        self.tell_network(world, &NetworkName::of(&network), "destroy", &[]);
        Ok(Reply::Empty(204))
    }

    /// `POST /networks/prune`: removes the user's networks that no running container is on.
    pub(super) fn network_prune(&mut self, world: &mut World, call: &Call<'_>) -> Result<Reply, Error> {
        let filters = call.target.query.filters(&["label", "label!", "until"])?;
        let until = filters.until(self.epoch, world.now())?;
        let old = |n: &Network| until.is_none_or(|until| n.created < until);
        let unused = |n: &&Network| {
            n.is_user_defined()
                && n.config.scope != Scope::Global
                && n.config.role != Role::Model
                && old(n)
                && n.endpoints.is_empty()
                && !self.is_spoken_of(n.id)
                && filters.labels(&n.config.labels)
        };
        let unused: Vec<(Id, String)> =
            self.controller.networks().iter().filter(unused).map(|n| (n.id, n.name().to_owned())).collect();
        let mut names = Vec::new();
        for (id, name) in unused {
            // By id: another network may be called like it.
            self.network_remove_here(world, &id.to_string())?;
            names.push(name);
        }
        for network in self.planned_networks().into_iter().filter(|n| !n.config.ingress && old(n)) {
            // One that containers on other hosts are on stays.
            if filters.labels(&network.config.labels)
                && self.network_remove_here(world, &network.id.to_string()).is_ok()
            {
                names.push(network.name().to_owned());
            }
        }
        let deleted = if names.is_empty() { None } else { Some(names) };
        Ok(Reply::ok(&json!({ "NetworksDeleted": deleted })))
    }

    /// `POST /networks/{name}/connect`. A container that does not run is only set up for the network.
    pub(super) fn network_connect(&mut self, world: &mut World, name: &str, call: &Call<'_>) -> Result<Reply, Error> {
        let asked: ConnectAsked = json_body(call.request, shape::CONNECT)?;
        let container = self.find_container(&asked.container.unwrap_or_default())?;
        let (id, running) = (container.id, container.sandbox.filter(|_| container.is_running()));
        let endpoint = asked.endpoint_config.unwrap_or_default();
        // That a network takes no such address is said before an address that is none.
        if let Ok(network) = self.controller.find(name) {
            check_static(network, endpoint.wants())?;
        }
        let config = endpoint.parse(Door::Connect)?;
        match running {
            Some(sandbox) => {
                let wanted = config.addresses.as_ref().and_then(|addresses| addresses.v4);
                let then = Then::Request(call.exchange, call.request.clone());
                if self.park_connect(world, id, (name, wanted), then)? {
                    return Ok(Reply::Later);
                }
                if !self.prepare_connect(world, (id, sandbox), name, &config, About::call(call))? {
                    return Ok(Reply::Later);
                }
                let connected = self.connect_running(world, (id, sandbox), name, &config);
                self.controller.drop_prepared(id);
                connected?;
            }
            None => self.set_up_for(id, name, config)?,
        }
        Ok(Reply::Empty(200))
    }

    /// A running container gets an endpoint at once.
    fn connect_running(
        &mut self,
        world: &mut World,
        (id, sandbox): (Id, Id),
        network: &str,
        asked: &EndpointConfig,
    ) -> Result<(), Error> {
        let container = self.containers.get(&id).expect("the caller found the container");
        if matches!(container.config.mode, NetworkMode::Container(_)) {
            return Err(Error::SharedNamespaceIsFixed);
        }
        let network = self.controller.find(network)?;
        self.check_connection(container, network, asked)?;
        let asked = self.granted(id, network.id, asked);
        let asked = self.without_lost_aliases(id, network.id, &asked);
        let (network, config) = (network.id, container.membership_on(&asked, network));
        let name = container.name.clone();
        let standing = Standing::Container;
        let request = EndpointRequest { network, container: id, name: &name, config: &config, standing };
        let connected = self.controller.connect(world, sandbox, request);
        let name = self.network_name(network);
        if let Err(error) = connected {
            // What was asked for stays noted, and the next start fails for the same reason.
            let noted = self.container_mut(id).networks.entry(name.name);
            noted.or_insert(Membership { network: None, config });
            return Err(error);
        }
        self.container_mut(id).networks.insert(name.name.clone(), Membership { network: Some(network), config });
        self.tell_network(world, &name, "connect", &[("container", id.to_string())]);
        Ok(())
    }

    /// A container that does not run is only noted down for a network. What was noted first stays, unless the network is
    /// not there: then what was noted last counts (moby, `ConnectContainerToNetwork`).
    fn set_up_for(&mut self, id: Id, network: &str, asked: EndpointConfig) -> Result<(), Error> {
        let container = self.containers.get(&id).expect("the caller found the container");
        match self.controller.find(network) {
            Ok(network) => {
                self.check_connection(container, network, &asked)?;
                let (name, config) = (network.name().to_owned(), container.membership_on(&asked, network));
                self.container_mut(id).networks.entry(name).or_insert(Membership { network: None, config });
            }
            Err(_) => {
                let noted = Membership { network: None, config: asked };
                self.container_mut(id).networks.insert(network.to_owned(), noted);
            }
        }
        Ok(())
    }

    /// Whether a container may be on a network beside those it is on (moby, `updateNetworkSettings`).
    pub(super) fn check_connection(
        &self,
        container: &Container,
        network: &Network,
        asked: &EndpointConfig,
    ) -> Result<(), Error> {
        check_config(network, asked)?;
        let is_host = |network: &Network| network.config.driver == "host";
        if container.config.mode != NetworkMode::Host && is_host(network) {
            return Err(Error::HostNetworkIsFixed);
        }
        if container.networks.contains_key(network.name()) {
            return Ok(());
        }
        let others = container.networks.iter().filter_map(|(name, membership)| match membership.network {
            Some(id) => self.controller.network(id),
            None => self.controller.find(name).ok(),
        });
        for other in others {
            if is_host(other) || is_host(network) {
                return Err(Error::SharedNamespaceIsFixed);
            }
            if other.name() == "none" || network.name() == "none" {
                return Err(Error::NoneExcludesOthers);
            }
        }
        Ok(())
    }

    /// `POST /networks/{name}/disconnect`. A running container leaves with two messages, as in the engine (fact 70).
    pub(super) fn network_disconnect(
        &mut self,
        world: &mut World,
        name: &str,
        call: &Call<'_>,
    ) -> Result<Reply, Error> {
        let asked: DisconnectAsked = json_body(call.request, shape::DISCONNECT)?;
        let term = asked.container.unwrap_or_default();
        let network = self.controller.find(name).map(|n| (NetworkName::of(n), n.config.driver == "host"));
        let container = match self.find_container(&term) {
            Err(Error::ContainerUnknown(term)) if asked.force == Some(true) => {
                network?;
                return Err(Error::EndpointUnknown(term));
            }
            found => found?,
        };
        let (id, sandbox) = (container.id, container.sandbox.filter(|_| container.is_running()));
        match (sandbox, network) {
            (Some(sandbox), Ok((network, is_host))) => {
                if container.config.mode == NetworkMode::Host && is_host {
                    return Err(Error::HostNetworkIsFixed);
                }
                if !self.controller.leave(world, sandbox, network.id) {
                    return Err(Error::NotConnected { container: id, network: network.name });
                }
                self.tell_network(world, &network, "disconnect", &[("container", id.to_string())]);
                self.forget_network(world, id, &network);
            }
            (Some(_), Err(error)) if asked.force != Some(true) => return Err(error),
            (_, network) => {
                let known = network.ok().map(|(network, _)| network);
                let key = known.as_ref().map_or_else(|| name.to_owned(), |network| network.name.clone());
                if self.container_mut(id).networks.remove(&key).is_none() {
                    return Err(Error::NotConfigured { container: id, network: key });
                }
                if let Some(network) = known {
                    self.forget_network(world, id, &network);
                }
            }
        }
        Ok(Reply::Empty(200))
    }

    pub(super) fn forget_network(&mut self, world: &World, id: Id, network: &NetworkName) {
        self.note_parting(id, network.id);
        self.container_mut(id).networks.remove(&network.name);
        self.tell_network(world, network, "disconnect", &[("container", id.to_string())]);
    }

    /// What messages say of a network that stands.
    pub(super) fn network_name(&self, id: Id) -> NetworkName {
        NetworkName::of(self.controller.network(id).expect("the caller found the network"))
    }
}

/// A network across hosts as the manager has it.
fn planned_network(object: &Object) -> Option<Network> {
    Some(Network::new(Id::parse(&object.id)?, Instant::from_nanos(object.created), object.config(), Vec::new()))
}

/// Whether a network takes such an endpoint: the engine's own have neither static addresses nor aliases, and a static
/// address needs a subnet that the user chose.
pub(super) fn check_config(network: &Network, config: &EndpointConfig) -> Result<(), Error> {
    if !network.is_user_defined() {
        if config.has_addresses() {
            return Err(Error::AddressOnDefaultNetwork);
        }
        if config.aliases.as_ref().is_some_and(|aliases| !aliases.is_empty()) {
            return Err(Error::AliasOnDefaultNetwork);
        }
    }
    let addresses = config.addresses.as_ref();
    check_static(network, addresses.map_or([false; 2], |asked| [asked.v4.is_some(), asked.v6.is_some()]))
}

/// Whether it takes a static address of the families that are wanted, IPv4 and IPv6.
fn check_static(network: &Network, wants: [bool; 2]) -> Result<(), Error> {
    if !network.is_user_defined() && wants.contains(&true) {
        return Err(Error::AddressOnDefaultNetwork);
    }
    let [v4, v6] = wants;
    if v4 && !network.takes_static(Family::V4) || v6 && !network.takes_static(Family::V6) {
        return Err(Error::AddressNeedsUserSubnet);
    }
    Ok(())
}

/// Whether the values of filters are such as the engine knows.
fn check_filters(filters: &Filters) -> Result<(), Error> {
    if let Some(value) = filters.values("type").iter().find(|value| !matches!(value.as_str(), "builtin" | "custom")) {
        return Err(Error::BadParameter(format!("invalid filter: 'type'='{value}'")));
    }
    if filters.values("dangling").len() > 1 {
        return Err(Error::BadParameter("got more than one value for filter key \"dangling\"".to_owned()));
    }
    if filters.values("dangling").iter().any(|value| !matches!(value.as_str(), "1" | "true" | "0" | "false")) {
        let text = "invalid value for filter 'dangling', must be \"true\" (or \"1\"), or \"false\" (or \"0\")";
        return Err(Error::BadParameter(text.to_owned()));
    }
    Ok(())
}

fn is_listed(network: &Network, filters: &Filters) -> bool {
    let kind = if network.is_user_defined() { "custom" } else { "builtin" };
    // The engine looks at a list in which no network has containers.
    let is_dangling = |wanted: &str| network.is_user_defined() == matches!(wanted, "1" | "true");
    let labels: &BTreeMap<String, String> = &network.config.labels;
    filters.matches("name", &[network.name()])
        && filters.any("id", |prefix| network.id.begins_with(prefix))
        && filters.any("driver", |driver| network.config.driver == driver)
        && filters.any("scope", |scope| scope == network.config.scope.word())
        && filters.any("type", |wanted| wanted == kind)
        && filters.any("dangling", is_dangling)
        && filters.labels(labels)
}
