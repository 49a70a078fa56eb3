//! Labs from compose files: services become containers, in the order of what they depend on, by the commands that do
//! the same. It reads what is about networks and refuses nothing silently: a key that it does not know is an error.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Lab, LabError};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    name: Option<String>,
    #[serde(default, rename = "version")]
    _version: Option<serde_json::Value>,
    services: BTreeMap<String, Service>,
    #[serde(default)]
    networks: BTreeMap<String, Option<NetworkAsked>>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Service {
    image: Option<String>,
    container_name: Option<String>,
    hostname: Option<String>,
    command: Option<Words>,
    environment: Option<Pairs>,
    networks: Option<Joins>,
    ports: Vec<serde_json::Value>,
    links: Vec<String>,
    depends_on: Option<Names>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct NetworkAsked {
    driver: Option<String>,
    internal: bool,
    ipam: Option<Ipam>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ipam {
    #[serde(default)]
    config: Vec<Pool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pool {
    subnet: Option<String>,
    gateway: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Words {
    Line(String),
    List(Vec<String>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Pairs {
    List(Vec<String>),
    Map(BTreeMap<String, serde_json::Value>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Joins {
    List(Vec<String>),
    Map(BTreeMap<String, Option<Join>>),
}

#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Join {
    aliases: Vec<String>,
    ipv4_address: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Names {
    List(Vec<String>),
    Map(BTreeMap<String, serde_json::Value>),
}

/// A scalar as it was written.
fn text(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl Service {
    /// The networks that it joins; the project's own when it names none.
    fn joins(&self) -> Vec<(String, Join)> {
        match &self.networks {
            None => vec![("default".to_owned(), Join::default())],
            Some(Joins::List(names)) => names.iter().map(|name| (name.clone(), Join::default())).collect(),
            Some(Joins::Map(map)) => map.iter().map(|(k, v)| (k.clone(), v.clone().unwrap_or_default())).collect(),
        }
    }

    /// The services that must be there first.
    fn needs(&self) -> Vec<&str> {
        let depends: Vec<&str> = match &self.depends_on {
            None => Vec::new(),
            Some(Names::List(names)) => names.iter().map(String::as_str).collect(),
            Some(Names::Map(map)) => map.keys().map(String::as_str).collect(),
        };
        let links = self.links.iter().map(|link| link.split(':').next().unwrap_or_default());
        depends.into_iter().chain(links).collect()
    }
}

impl Lab {
    /// A lab with the networks and services of a compose file, all up. Containers are called as compose calls them,
    /// `PROJECT-SERVICE-1`, and found by the names of their services.
    ///
    /// # Errors
    /// `Compose` when the file cannot be read or asks for what is not here; `Failed` with what Docker says.
    pub fn from_compose(file: &str) -> Result<Self, LabError> {
        let refuse = |error: serde_saphyr::Error| LabError::Compose(error.to_string());
        let file: File = serde_saphyr::from_str(file).map_err(refuse)?;
        let lab = Self::new();
        let project = file.name.as_deref().unwrap_or("lab");
        lab.compose_networks(project, &file)?;
        for name in order(&file.services)? {
            lab.compose_service(project, name, &file.services[name], &file)?;
        }
        Ok(lab)
    }

    fn compose_networks(&self, project: &str, file: &File) -> Result<(), LabError> {
        let joined = |name: &str| file.services.values().any(|service| service.joins().iter().any(|(n, _)| n == name));
        let own = ("default".to_owned(), None);
        let implied = (!file.networks.contains_key("default")).then_some((&own.0, &own.1));
        for (name, asked) in file.networks.iter().chain(implied).filter(|(name, _)| joined(name)) {
            let mut network = self.network(&format!("{project}_{name}"));
            let Some(asked) = asked else {
                network.create()?;
                continue;
            };
            if let Some(driver) = &asked.driver {
                network = network.driver(driver);
            }
            if asked.internal {
                network = network.internal();
            }
            for pool in asked.ipam.iter().flat_map(|ipam| &ipam.config) {
                for (flag, value) in [("--subnet", &pool.subnet), ("--gateway", &pool.gateway)] {
                    network = value.iter().fold(network, |network, value| network.option(&[flag, value]));
                }
            }
            network.create()?;
        }
        Ok(())
    }

    fn compose_service(&self, project: &str, name: &str, service: &Service, file: &File) -> Result<(), LabError> {
        let called = |name: &str| {
            let given = file.services.get(name).and_then(|service| service.container_name.clone());
            given.unwrap_or_else(|| format!("{project}-{name}-1"))
        };
        let own = called(name);
        let mut container = self.container(&own);
        let image = service.image.as_deref();
        container = container.image(image.ok_or_else(|| LabError::Compose(format!("service {name:?} has no image")))?);
        container = service.hostname.iter().fold(container, |container, name| container.option(&["--hostname", name]));
        let pairs: Vec<String> = match &service.environment {
            None => Vec::new(),
            Some(Pairs::List(list)) => list.clone(),
            Some(Pairs::Map(map)) => map.iter().map(|(key, value)| format!("{key}={}", text(value))).collect(),
        };
        container = pairs.iter().fold(container, |container, pair| container.option(&["--env", pair]));
        container = service.ports.iter().fold(container, |container, port| container.publish(&text(port)));
        for (network, join) in service.joins() {
            container = container.network(&format!("{project}_{network}")).alias(name);
            container = join.aliases.iter().fold(container, |container, alias| container.alias(alias));
            container = join.ipv4_address.iter().fold(container, |container, address| container.address(address));
            for link in &service.links {
                let (target, alias) = link.split_once(':').unwrap_or((link, link));
                container = container.link(&called(target), alias);
            }
        }
        let command = match &service.command {
            None => Vec::new(),
            Some(Words::List(words)) => words.clone(),
            Some(Words::Line(line)) => {
                shlex::split(line).ok_or_else(|| LabError::Compose(format!("command of {name:?} has an open quote")))?
            }
        };
        container.command(&command.iter().map(String::as_str).collect::<Vec<_>>()).run().map(drop)
    }
}

/// The services, each after those that it needs.
fn order(services: &BTreeMap<String, Service>) -> Result<Vec<&str>, LabError> {
    let mut ordered: Vec<&str> = Vec::new();
    while ordered.len() < services.len() {
        let mut ready = services.iter().filter(|(name, service)| {
            !ordered.contains(&name.as_str()) && service.needs().iter().all(|need| ordered.contains(need))
        });
        let Some((name, _)) = ready.next() else {
            let stuck = services.keys().find(|name| !ordered.contains(&name.as_str())).expect("one is left");
            return Err(LabError::Compose(format!("service {stuck:?} needs one that is not there, or itself")));
        };
        ordered.push(name);
    }
    Ok(ordered)
}
