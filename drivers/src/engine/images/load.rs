//! Images out of files: `POST /images/load` reads what `save` wrote, `POST /images/create?fromSrc=-` makes an image of a
//! tree of files. Archives in the form that came before `manifest.json` are not read.

use std::rc::Rc;

use netyard_sim::time::Instant;
use netyard_sim::userland::files::{Body, Entry, path};
use netyard_sim::userland::{Files, image};
use netyard_sim::world::World;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::request::instant;
use super::super::{Call, Engine, Reply};
use super::commit::{image_config, name_of};
use super::dockerfile;
use crate::archive;
use crate::date::moment;
use crate::error::Error;
use crate::id::Id;
use crate::image::{Content, Image, ImageConfig, Layer, Reference};

/// Marks of a layer: a name that the layers below have and this one has not, and a directory of which only this layer's
/// part is there.
const WITHOUT: &str = ".wh.";
const OPAQUE: &str = ".wh..wh..opq";

/// One image in `manifest.json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Manifest {
    config: String,
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Vec<String>,
}

/// One step in the history of an image.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Step {
    created: String,
    created_by: String,
    comment: String,
    empty_layer: bool,
}

/// What an image is.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Described {
    author: String,
    config: Value,
    created: String,
    history: Vec<Step>,
    rootfs: Roots,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Roots {
    diff_ids: Vec<String>,
}

impl Engine {
    /// `POST /images/load`.
    pub(in crate::engine) fn image_load(&mut self, world: &mut World, call: &Call<'_>) -> Result<Reply, Error> {
        let entries = archive::read(&call.request.body)?;
        let manifests: Vec<Manifest> = match find(&entries, "manifest.json") {
            Some(bytes) => serde_json::from_slice(bytes).map_err(|error| Error::BadParameter(error.to_string()))?,
            None => return Err(Error::ImageArchive(lacking(&entries))),
        };
        // All that can fail comes first: an archive is taken whole or not at all.
        let mut loaded = Vec::new();
        for manifest in &manifests {
            let names: Result<Vec<_>, _> =
                manifest.repo_tags.iter().flatten().map(|text| Reference::parse(text)).collect();
            loaded.push((Rc::new(self.described(world, &entries, manifest)?), names?));
        }
        let mut lines = String::new();
        for (image, names) in loaded {
            if self.images.with_id(image.id).is_none() {
                self.images.add(Rc::clone(&image));
            }
            let mut said: Vec<String> = names.iter().map(|name| format!("Loaded image: {}", name.familiar())).collect();
            names.iter().for_each(|name| self.images.tag(name, image.id));
            if said.is_empty() {
                said.push(format!("Loaded image ID: {}", image.digest()));
            }
            said.iter().for_each(|text| lines += &format!("{}\r\n", json!({ "stream": format!("{text}\n") })));
            self.tell_image(world, &image, "load", &image.digest());
        }
        Ok(Reply::Lines(lines))
    }

    /// The image of a manifest: its layers laid on one another.
    fn described(&self, world: &World, entries: &[Entry], manifest: &Manifest) -> Result<Image, Error> {
        let missing = |name: &str| Error::ImageArchive(name.to_owned());
        let text = find(entries, &manifest.config).ok_or_else(|| missing(&manifest.config))?;
        let described: Described =
            serde_json::from_slice(text).map_err(|error| Error::BadParameter(error.to_string()))?;
        let digits = path::base(&manifest.config).trim_end_matches(".json");
        let id = Id::parse(digits).ok_or_else(|| Error::BadParameter(format!("invalid image ID {digits:?}")))?;
        let (mut files, mut sizes) = (Files::default(), Vec::new());
        for layer in &manifest.layers {
            let bytes = find(entries, layer).ok_or_else(|| missing(layer))?;
            sizes.push(lay(&mut files, &archive::read(bytes)?)?);
        }
        image::equip(&mut files);
        files.freeze();
        let layers = self.layers(world, id, &described, &sizes);
        let size = sizes.iter().sum();
        let config = image_config(&described.config);
        Ok(Image { id, config, content: Content::Snapshot(Box::new(files)), size, author: described.author, layers })
    }

    /// The history of an image, the latest step first; without one it is as old as the image.
    fn layers(&self, world: &World, id: Id, described: &Described, sizes: &[u64]) -> Vec<Layer> {
        let mut diffs = described.rootfs.diff_ids.iter().map(|diff| diff.trim_start_matches("sha256:"));
        let mut sizes = sizes.iter();
        let now = world.now();
        let when = |text: &str| {
            let unix = moment::unix(text, self.epoch.unix_nanos(now)).ok();
            unix.and_then(|unix| instant(&unix, self.epoch)).unwrap_or(Instant::ZERO)
        };
        let steps = described.history.iter().map(|step| {
            let diff = if step.empty_layer { None } else { diffs.next() };
            let size = if step.empty_layer { None } else { sizes.next() };
            Layer {
                image: diff.and_then(Id::parse).unwrap_or(id),
                created: when(&step.created),
                created_by: step.created_by.clone(),
                comment: step.comment.clone(),
                size: size.copied().unwrap_or_default(),
                is_empty: step.empty_layer,
            }
        });
        let mut layers: Vec<Layer> = steps.collect();
        layers.reverse();
        match layers.first_mut() {
            Some(latest) => latest.image = id,
            None => layers.push(Layer {
                image: id,
                created: when(&described.created),
                created_by: String::new(),
                comment: String::new(),
                size: sizes.sum(),
                is_empty: false,
            }),
        }
        layers
    }

    /// `POST /images/create?fromSrc=-`: an image of the files in the body.
    pub(in crate::engine) fn image_import(&mut self, world: &World, call: &Call<'_>) -> Result<Reply, Error> {
        let query = &call.target.query;
        if query.text("fromSrc") != Some("-") {
            return Err(Error::Unsupported("fetch what is imported: give it the archive itself"));
        }
        let name = name_of(query.text("repo"), query.text("tag"))?;
        let mut config = ImageConfig::default();
        dockerfile::apply(&mut config, query.all("changes"))?;
        let mut files = Files::default();
        let size = lay(&mut files, &archive::read(&call.request.body)?)?;
        image::equip(&mut files);
        files.freeze();
        let id = Id::random(&mut self.ids);
        let comment = query.text("message").unwrap_or("Imported from -").to_owned();
        let layer =
            Layer { image: id, created: world.now(), created_by: String::new(), comment, size, is_empty: false };
        let content = Content::Snapshot(Box::new(files));
        let image = Rc::new(Image { id, config, content, size, author: String::new(), layers: vec![layer] });
        self.images.add(Rc::clone(&image));
        if let Some(name) = &name {
            self.name_image(world, &image, name);
        }
        self.tell_image(world, &image, "import", &image.digest());
        Ok(Reply::Lines(format!("{}\r\n", json!({ "status": image.digest() }))))
    }
}

/// The file with a name in an archive.
fn find<'a>(entries: &'a [Entry], name: &str) -> Option<&'a [u8]> {
    let name = name.trim_start_matches("./");
    entries.iter().find(|entry| entry.path == name).and_then(|entry| match &entry.body {
        Body::File(bytes) => Some(bytes.as_slice()),
        // The same layer of two images is there once.
        Body::HardLink(other) => find_plain(entries, other),
        Body::Link(other) => find_plain(entries, &path::join(path::parent(&format!("/{name}")), other)),
        _ => None,
    })
}

fn find_plain<'a>(entries: &'a [Entry], name: &str) -> Option<&'a [u8]> {
    let name = netyard_sim::userland::files::normalise("/", name);
    let entry = entries.iter().find(|entry| entry.path == name.trim_start_matches('/'))?;
    if let Body::File(bytes) = &entry.body { Some(bytes) } else { None }
}

/// What an engine that finds no manifest looks for and does not find.
fn lacking(entries: &[Entry]) -> String {
    let directory =
        |entry: &&Entry| entry.body == Body::Directory && !entry.path.is_empty() && !entry.path.contains('/');
    let first = entries.iter().filter(directory).map(|entry| entry.path.as_str()).min();
    first.map_or_else(|| "repositories".to_owned(), |directory| format!("{directory}/json"))
}

/// Lays a layer on files: its bytes.
fn lay(files: &mut Files, entries: &[Entry]) -> Result<u64, Error> {
    let mut change = files.view_mut();
    let mut size = 0;
    for entry in entries {
        let full = path::join("/", &entry.path);
        let (directory, name) = (path::parent(&full), path::base(&full));
        if name == OPAQUE {
            for name in change.view().list(directory) {
                change.remove(&path::join(directory, &name));
            }
            continue;
        }
        if let Some(gone) = name.strip_prefix(WITHOUT) {
            change.remove(&path::join(directory, gone));
            continue;
        }
        if let Body::File(bytes) = &entry.body {
            size += bytes.len() as u64;
        }
        let refuse = |errno: netyard_sim::userland::Errno| Error::ArchiveRefused {
            path: entry.path.clone(),
            reason: errno.to_string().to_lowercase(),
        };
        change.import("/", entry).map_err(refuse)?;
    }
    Ok(size)
}
