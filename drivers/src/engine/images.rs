//! `/images`: the images that an engine holds and their names. There is no registry; what can be pulled is what the
//! catalogue knows.

mod commit;
mod dockerfile;
mod load;
mod removal;
mod save;

use std::rc::Rc;

use netyard_sim::time::Instant;
use netyard_sim::userland::shell::wildcard;
use netyard_sim::world::World;
use serde_json::{Map, Value, json};

use super::request::Filters;
use super::start::RESOLV;
use super::{Call, Engine, Reply};
use crate::container::Container;
use crate::date;
use crate::error::Error;
use crate::id::Id;
use crate::image::{Image, ImageConfig, Known, Layer, Reference, ReferenceError};
use crate::sandbox::resolv;

const FILTERS: [&str; 6] = ["before", "dangling", "label", "reference", "since", "until"];

impl Engine {
    /// The image that a text means.
    ///
    /// # Errors
    /// `ImageUnknown`, or that it cannot be a name.
    pub(super) fn find_image(&self, text: &str) -> Result<&Rc<Image>, Error> {
        self.image_reference(text)?;
        self.images.find(text).ok_or_else(|| Error::ImageUnknown(text.to_owned()))
    }

    /// The name in a text that may be a whole id as well.
    ///
    /// # Errors
    /// It is neither.
    pub(super) fn image_reference(&self, text: &str) -> Result<Option<Reference>, Error> {
        Reference::check_any(text)?;
        Ok(Reference::parse(text).ok())
    }

    /// `GET /images/json`.
    pub(super) fn image_list(&self, call: &Call<'_>) -> Result<Reply, Error> {
        let filters = call.target.query.filters(&FILTERS)?;
        let dangling = match filters.values("dangling") {
            [] => None,
            [value] if value == "true" => Some(true),
            [value] if value == "false" => Some(false),
            values => return Err(Error::InvalidFilter(format!("dangling=[{}]", values.join(" ")))),
        };
        let age =
            |key: &str| filters.values(key).first().map(|name| Ok::<_, Error>(self.find_image(name)?.latest().created));
        let (before, since) = (age("before").transpose()?, age("since").transpose()?);
        let is_wanted = |image: &&Rc<Image>| {
            let created = image.latest().created;
            filters.labels(&image.config.labels)
                && before.is_none_or(|before| created < before)
                && since.is_none_or(|since| created > since)
        };
        let listed = self.images.iter().filter(is_wanted);
        let listed = listed.filter_map(|image| self.image_line(image, &filters, dangling));
        Ok(Reply::ok(&listed.collect::<Vec<_>>()))
    }

    /// An image as lists have it, unless it is filtered out.
    fn image_line(&self, image: &Image, filters: &Filters, dangling: Option<bool>) -> Option<Value> {
        let fits = |name: &&str| filters.any("reference", |pattern| is_like(name, pattern));
        let names: Vec<&str> = self.images.names_of(image.id).filter(fits).collect();
        let is_nameless = self.images.names_of(image.id).next().is_none();
        // What others were made of is not shown for its own sake.
        let is_dangling = is_nameless && !self.images.has_children(image.id);
        let is_listed =
            if is_nameless { is_dangling && filters.values("reference").is_empty() } else { !names.is_empty() };
        let is_listed = is_listed && dangling.is_none_or(|wanted| wanted == is_nameless);
        is_listed.then(|| self.image_json(image, &names, -1, -1))
    }

    /// An image as lists have it.
    pub(super) fn image_json(&self, image: &Image, names: &[&str], containers: i64, shared: i64) -> Value {
        let names = if names.is_empty() { json!(["<none>:<none>"]) } else { json!(names) };
        let labels = Some(&image.config.labels).filter(|labels| !labels.is_empty());
        json!({
            "Containers": containers, "Created": self.unix_seconds(image.latest().created), "Id": image.digest(),
            "Labels": labels, "ParentId": self.parent_of(image), "RepoDigests": null, "RepoTags": names, "SharedSize": shared,
            "Size": image.size, "VirtualSize": image.size,
        })
    }

    /// The image that an image was made of, as the engine writes it; nothing when it is not here.
    fn parent_of(&self, image: &Image) -> String {
        let parent = image.parent().and_then(|id| self.images.with_id(id));
        parent.map(|parent| parent.digest()).unwrap_or_default()
    }

    fn unix_seconds(&self, at: Instant) -> u64 {
        self.epoch.unix_nanos(at) / 1_000_000_000
    }

    /// `GET /images/{name}/json`.
    pub(super) fn image_inspect(&self, name: &str) -> Result<Reply, Error> {
        let image = self.images.find(name).ok_or_else(|| Error::ImageInspectUnknown(name.to_owned()))?;
        let path = |what: &str| format!("/var/lib/docker/overlay2/{}/{what}", image.id);
        let latest = image.latest();
        Ok(Reply::ok(&json!({
            "Id": image.digest(), "RepoTags": self.images.names_of(image.id).collect::<Vec<_>>(), "RepoDigests": [],
            "Parent": self.parent_of(image), "Comment": latest.comment, "Created": date::rfc3339(self.epoch, latest.created),
            "Container": "", "ContainerConfig": config(&ImageConfig::default()), "DockerVersion": super::system::VERSION,
            "Author": image.author, "Config": config(&image.config), "Architecture": "amd64", "Os": "linux",
            "Size": image.size, "VirtualSize": image.size,
            "GraphDriver": {
                "Data": { "MergedDir": path("merged"), "UpperDir": path("diff"), "WorkDir": path("work") },
                "Name": "overlay2",
            },
            "RootFS": { "Type": "layers", "Layers": diffs(image) },
            "Metadata": { "LastTagTime": date::NEVER },
        })))
    }

    /// `GET /images/{name}/history`.
    pub(super) fn image_history(&self, name: &str) -> Result<Reply, Error> {
        let image = self.find_image(name)?;
        let line = |layer: &Layer| {
            let names: Vec<&str> = self.images.names_of(layer.image).collect();
            json!({
                "Comment": layer.comment, "Created": self.unix_seconds(layer.created), "CreatedBy": layer.created_by,
                "Id": self.images.with_id(layer.image).map_or_else(|| "<missing>".to_owned(), |image| image.digest()), "Size": layer.size,
                "Tags": (!names.is_empty()).then_some(names),
            })
        };
        Ok(Reply::ok(&image.layers.iter().map(line).collect::<Vec<_>>()))
    }

    /// `POST /images/{name}/tag`.
    pub(super) fn image_tag(&mut self, world: &World, name: &str, call: &Call<'_>) -> Result<Reply, Error> {
        let image = Rc::clone(self.find_image(name)?);
        let query = &call.target.query;
        let repository = query.text("repo").unwrap_or_default();
        let text = query.text("tag").map_or_else(|| repository.to_owned(), |tag| format!("{repository}:{tag}"));
        let name = Reference::parse(&text)?;
        self.name_image(world, &image, &name);
        Ok(Reply::Empty(201))
    }

    /// Gives an image a name and tells of it.
    pub(super) fn name_image(&mut self, world: &World, image: &Image, name: &Reference) {
        self.images.tag(name, image.id);
        self.tell_image(world, image, "tag", &name.familiar());
    }

    /// `POST /images/create`: a known image is up to date, or is here again; others would need a registry.
    pub(super) fn image_create(&mut self, world: &World, call: &Call<'_>) -> Result<Reply, Error> {
        let query = &call.target.query;
        if query.text("fromSrc").is_some() {
            return self.image_import(world, call);
        }
        let name = query.text("fromImage").unwrap_or_default();
        let text = match query.text("tag") {
            Some(digest) if digest.contains(':') => format!("{name}@{digest}"),
            Some(tag) if !name.contains('@') => format!("{name}:{tag}"),
            _ => name.to_owned(),
        };
        let name = Reference::parse(&text)?;
        let Some(known) = Known::named(&name) else { return Err(self.registry_unreachable(world)) };
        let is_new = self.images.pull(&name, known);
        let image = known.image();
        let did = if is_new { "Downloaded newer image" } else { "Image is up to date" };
        // The client's own words: without a tag when none was said.
        let said = if query.text("tag").is_some() { name.familiar() } else { name.familiar_name() };
        let lines = [
            json!({ "status": format!("Pulling from {}", name.path()), "id": name.tag() }),
            json!({ "status": format!("Digest: {}", image.digest()) }),
            json!({ "status": format!("Status: {did} for {said}") }),
        ];
        self.tell_image(world, &image, "pull", &name.familiar());
        Ok(Reply::Lines(lines.map(|line| format!("{line}\r\n")).concat()))
    }

    /// What is said of a registry in a world without one.
    pub(super) fn registry_unreachable(&self, world: &World) -> Error {
        let host = world.processes.context(self.host.context).files.text(RESOLV);
        let server = resolv::servers(&host).first().map(ToString::to_string);
        Error::RegistryUnreachable(server.unwrap_or_else(|| "[::1]".to_owned()))
    }

    /// A container that was made of an image, one that runs first.
    fn made_of(&self, image: Id) -> Option<&Container> {
        let of = |c: &&Container| c.config.image.id == image;
        let mut all = self.containers.values().filter(of);
        let running = self.containers.values().filter(of).find(|c| c.is_running());
        running.or_else(|| all.next())
    }
}

impl From<ReferenceError> for Error {
    fn from(error: ReferenceError) -> Self {
        // The engine has other words for this than its client.
        Self::BadParameter(match error {
            ReferenceError::Uppercase(_) => "invalid reference format: repository name must be lowercase".to_owned(),
            other => other.to_string(),
        })
    }
}

/// Whether a name fits a pattern, with its tag or without.
fn is_like(name: &str, pattern: &str) -> bool {
    let repository = name.rsplit_once(':').map_or(name, |(repository, _)| repository);
    matches(name, pattern) || matches(repository, pattern)
}

/// As Go's `path.Match`: a pattern like a shell's, in which nothing stands for a slash.
fn matches(text: &str, pattern: &str) -> bool {
    let (texts, patterns) = (text.split('/'), pattern.split('/'));
    texts.clone().count() == patterns.clone().count()
        && texts.zip(patterns).all(|(text, pattern)| wildcard(pattern, text))
}

/// What stands for the files of an image's layers, the first layer first.
fn diffs(image: &Image) -> Vec<String> {
    let with_files = image.layers.iter().rev().filter(|layer| !layer.is_empty);
    with_files.map(|layer| format!("sha256:{}", layer.image)).collect()
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
fn config(image: &ImageConfig) -> Value {
    let some = |words: &[String]| if words.is_empty() { Value::Null } else { json!(words) };
    let mut config = Map::new();
    for (key, value) in empty_config().as_object().expect("it was just made") {
        if key == "Tty" && !image.exposed.is_empty() {
            let ports = image.exposed.iter().map(|port| (port.clone(), json!({})));
            config.insert("ExposedPorts".to_owned(), Value::Object(ports.collect()));
        }
        let value = match key.as_str() {
            "Cmd" => some(&image.command),
            "Entrypoint" => some(&image.entrypoint),
            "Env" => some(&image.env),
            "Labels" if !image.labels.is_empty() => json!(image.labels),
            "User" => json!(image.user),
            "WorkingDir" => json!(image.working_dir),
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
        assert!(is_like("busybox", "[a-c]usybox"));
        assert!(!is_like("busybox", &("*".repeat(100) + "q")), "it comes to an end");
        assert!(is_like("example.com/team/app:1", "*/*/app") && !is_like("example.com/team/app:1", "*app"));
    }
}
