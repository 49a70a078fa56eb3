//! `/images`: the images that an engine holds and their names. There is no registry; what can be pulled is what the
//! catalogue knows.

mod removal;

use netyard_sim::time::Instant;
use netyard_sim::world::World;
use serde_json::{Map, Value, json};

use super::request::Filters;
use super::start::RESOLV;
use super::{Call, Engine, Reply};
use crate::container::Container;
use crate::date;
use crate::error::Error;
use crate::image::{Image, Reference, ReferenceError};
use crate::sandbox::resolv;

const FILTERS: [&str; 6] = ["before", "dangling", "label", "reference", "since", "until"];

impl Engine {
    /// `GET /images/json`.
    pub(super) fn image_list(&self, call: &Call<'_>) -> Result<Reply, Error> {
        let filters = call.target.query.filters(&FILTERS)?;
        let listed = self.images.iter().filter_map(|image| self.image_line(image, &filters));
        Ok(Reply::ok(&listed.collect::<Vec<_>>()))
    }

    /// An image as lists have it, unless it is filtered out.
    fn image_line(&self, image: &Image, filters: &Filters) -> Option<Value> {
        let fits = |name: &&str| filters.any("reference", |pattern| is_like(name, pattern));
        let names: Vec<&str> = self.images.names_of(image).filter(fits).collect();
        let dangling = self.images.names_of(image).next().is_none();
        let wanted = |wanted: &str| dangling == matches!(wanted, "1" | "true" | "True");
        // No image has labels, and all are of one age.
        let excluded = ["label", "before", "since"].iter().any(|key| !filters.values(key).is_empty());
        let is_listed = filters.any("dangling", wanted) && !excluded;
        let is_listed = is_listed && (!names.is_empty() || (dangling && filters.values("reference").is_empty()));
        is_listed.then(|| self.image_json(image, &names, -1, -1))
    }

    /// An image as lists have it.
    pub(super) fn image_json(&self, image: &Image, names: &[&str], containers: i64, shared: i64) -> Value {
        let names = if names.is_empty() { json!(["<none>:<none>"]) } else { json!(names) };
        json!({
            "Containers": containers, "Created": self.images_created(), "Id": image.digest(), "Labels": null,
            "ParentId": "", "RepoDigests": null, "RepoTags": names, "SharedSize": shared, "Size": image.size,
            "VirtualSize": image.size,
        })
    }

    fn images_created(&self) -> u64 {
        self.epoch.unix_nanos(Instant::ZERO) / 1_000_000_000
    }

    /// `GET /images/{name}/json`.
    pub(super) fn image_inspect(&self, name: &str) -> Result<Reply, Error> {
        let image = self.images.find(name).ok_or_else(|| Error::ImageInspectUnknown(name.to_owned()))?;
        let layer = |what: &str| format!("/var/lib/docker/overlay2/{}/{what}", image.id());
        Ok(Reply::ok(&json!({
            "Id": image.digest(), "RepoTags": self.images.names_of(image).collect::<Vec<_>>(), "RepoDigests": [],
            "Parent": "", "Comment": "Imported from -", "Created": date::rfc3339(self.epoch, Instant::ZERO),
            "Container": "", "ContainerConfig": empty_config(), "DockerVersion": super::system::VERSION, "Author": "",
            "Config": config(image), "Architecture": "amd64", "Os": "linux", "Size": image.size,
            "VirtualSize": image.size,
            "GraphDriver": {
                "Data": { "MergedDir": layer("merged"), "UpperDir": layer("diff"), "WorkDir": layer("work") },
                "Name": "overlay2",
            },
            "RootFS": { "Type": "layers", "Layers": [image.digest()] },
            "Metadata": { "LastTagTime": date::NEVER },
        })))
    }

    /// `GET /images/{name}/history`: every image has one layer.
    pub(super) fn image_history(&self, name: &str) -> Result<Reply, Error> {
        let image = self.images.find(name).ok_or_else(|| Error::ImageInspectUnknown(name.to_owned()))?;
        let names: Vec<&str> = self.images.names_of(image).collect();
        Ok(Reply::ok(&json!([{
            "Comment": "Imported from -", "Created": self.images_created(), "CreatedBy": "", "Id": image.digest(),
            "Size": image.size, "Tags": (!names.is_empty()).then_some(names),
        }])))
    }

    /// `POST /images/{name}/tag`.
    pub(super) fn image_tag(&mut self, world: &World, name: &str, call: &Call<'_>) -> Result<Reply, Error> {
        let image = self.images.find(name).ok_or_else(|| Error::ImageUnknown(name.to_owned()))?;
        let query = &call.target.query;
        let repository = query.text("repo").unwrap_or_default();
        let text = query.text("tag").map_or_else(|| repository.to_owned(), |tag| format!("{repository}:{tag}"));
        let name = Reference::parse(&text)?;
        self.images.tag(&name, image);
        self.tell_image(world, image, "tag", &name.familiar());
        Ok(Reply::Empty(201))
    }

    /// `POST /images/create`: a known image is up to date, or is here again; others would need a registry.
    pub(super) fn image_create(&mut self, world: &World, call: &Call<'_>) -> Result<Reply, Error> {
        let query = &call.target.query;
        if query.text("fromSrc").is_some() {
            return Err(Error::Unsupported("import images"));
        }
        let name = query.text("fromImage").unwrap_or_default();
        let text = match query.text("tag") {
            Some(digest) if digest.contains(':') => format!("{name}@{digest}"),
            Some(tag) if !name.contains('@') => format!("{name}:{tag}"),
            _ => name.to_owned(),
        };
        let name = Reference::parse(&text)?;
        let Some(image) = Image::known(&name) else { return Err(self.registry_unreachable(world)) };
        let is_new = self.images.pull(&name, image);
        let did = if is_new { "Downloaded newer image" } else { "Image is up to date" };
        // The client's own words: without a tag when none was said.
        let said = if query.text("tag").is_some() { name.familiar() } else { name.familiar_name() };
        let lines = [
            json!({ "status": format!("Pulling from {}", name.path()), "id": name.tag() }),
            json!({ "status": format!("Digest: {}", image.digest()) }),
            json!({ "status": format!("Status: {did} for {said}") }),
        ];
        self.tell_image(world, image, "pull", &name.familiar());
        Ok(Reply::Lines(lines.map(|line| format!("{line}\r\n")).concat()))
    }

    /// What is said of a registry in a world without one.
    pub(super) fn registry_unreachable(&self, world: &World) -> Error {
        let host = world.processes.context(self.host.context).files.text(RESOLV);
        let server = resolv::servers(&host).first().map(ToString::to_string);
        Error::RegistryUnreachable(server.unwrap_or_else(|| "[::1]".to_owned()))
    }

    /// A container that was made of an image, one that runs first.
    fn made_of(&self, image: &Image) -> Option<&Container> {
        let of = |c: &&Container| c.config.image.name == image.name;
        let mut all = self.containers.values().filter(of);
        let running = self.containers.values().filter(of).find(|c| c.is_running());
        running.or_else(|| all.next())
    }
}

impl From<ReferenceError> for Error {
    fn from(error: ReferenceError) -> Self {
        Self::BadParameter(error.to_string())
    }
}

/// Whether a name fits a pattern, with its tag or without.
fn is_like(name: &str, pattern: &str) -> bool {
    let repository = name.rsplit_once(':').map_or(name, |(repository, _)| repository);
    matches(name.as_bytes(), pattern.as_bytes()) || matches(repository.as_bytes(), pattern.as_bytes())
}

/// `*` is any text without a slash, `?` a character.
fn matches(text: &[u8], pattern: &[u8]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => {
            let reach = text.iter().position(|b| *b == b'/').unwrap_or(text.len());
            (0..=reach).any(|at| matches(&text[at..], rest))
        }
        ([b'?', rest @ ..], [first, after @ ..]) if *first != b'/' => matches(after, rest),
        ([wanted, rest @ ..], [first, after @ ..]) => wanted == first && matches(after, rest),
        _ => false,
    }
}

/// The configuration of an image that says nothing.
fn empty_config() -> Value {
    json!({
        "Hostname": "", "Domainname": "", "User": "", "AttachStdin": false, "AttachStdout": false,
        "AttachStderr": false, "Tty": false, "OpenStdin": false, "StdinOnce": false, "Env": null, "Cmd": null,
        "Image": "", "Volumes": null, "WorkingDir": "", "Entrypoint": null, "OnBuild": null, "Labels": null,
    })
}

/// The configuration in an image; the key of the exposed ports is there only when there are some.
fn config(image: &Image) -> Value {
    let some = |words: &[&str]| if words.is_empty() { Value::Null } else { json!(words) };
    let mut config = Map::new();
    for (key, value) in empty_config().as_object().expect("it was just made") {
        if key == "Tty" && !image.exposed.is_empty() {
            let ports = image.exposed.iter().map(|port| ((*port).to_owned(), json!({})));
            config.insert("ExposedPorts".to_owned(), Value::Object(ports.collect()));
        }
        let value = match key.as_str() {
            "Cmd" => some(image.command),
            "Entrypoint" => some(image.entrypoint),
            "Env" => some(image.env),
            _ => value.clone(),
        };
        config.insert(key.clone(), value);
    }
    Value::Object(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_stops_at_a_slash() {
        assert!(is_like("busybox:latest", "busybox") && is_like("busybox:latest", "busy*:lat?st"));
        assert!(is_like("example.com/team/app:1", "*/*/app") && !is_like("example.com/team/app:1", "*app"));
    }
}
