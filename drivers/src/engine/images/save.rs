//! `GET /images/get`: images as an archive that `load` reads, in the form of `docker save`. Each image has one layer with
//! all of its files; the names of layers stand for files and are no digests of them.

use std::rc::Rc;

use netyard_sim::time::Instant;
use netyard_sim::userland::files::{Body, Entry, Stamp};
use netyard_sim::world::World;
use serde_json::{Map, Value, json};

use super::super::start::image_files;
use super::super::{Call, Engine, Media, Output, Reply, system};
use crate::archive;
use crate::date;
use crate::error::Error;
use crate::image::{Image, ImageConfig, Layer, Reference};

/// An image with the names that were asked for.
type Chosen = (Rc<Image>, Vec<Reference>);

impl Engine {
    /// `GET /images/get?names=` and `GET /images/{name}/get`.
    pub(in crate::engine) fn image_save(
        &mut self,
        world: &mut World,
        names: &[&str],
        call: &Call<'_>,
    ) -> Result<Reply, Error> {
        let chosen = self.choose(names)?;
        let mut entries = Vec::new();
        for (image, _) in &chosen {
            self.write_image(world, image, &mut entries);
        }
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        entries.push(file(
            "manifest.json",
            Stamp(0),
            format!("{}\n", Value::Array(chosen.iter().map(manifest).collect())),
        ));
        if chosen.iter().any(|(_, names)| !names.is_empty()) {
            entries.push(file("repositories", Stamp(0), format!("{}\n", repositories(&chosen))));
        }
        let exchange = call.exchange;
        self.outbox.push_back(Output::Head { exchange, status: 200, media: Media::Tar, headers: Vec::new() });
        self.outbox.push_back(Output::Body { exchange, bytes: archive::write("", &entries) });
        self.outbox.push_back(Output::End { exchange });
        for (image, _) in &chosen {
            self.tell_image(world, image, "save", &image.digest());
        }
        Ok(Reply::Later)
    }

    /// The images that these texts mean, each once. A name without a tag means all of its tags.
    fn choose(&self, names: &[&str]) -> Result<Vec<Chosen>, Error> {
        let mut chosen: Vec<Chosen> = Vec::new();
        for text in names {
            let unknown = || Error::ImageNotSaved((*text).to_owned());
            let wanted = match Reference::parse(text) {
                Ok(name) if name.is_tagged() || name.digest().is_some() => vec![name],
                Ok(name) => self.images.tags_of(&name),
                Err(_) => Vec::new(),
            };
            if !wanted.iter().any(|name| self.images.named(name).is_some()) {
                let image = self.images.begun(text).ok_or_else(unknown)?;
                add(&mut chosen, Rc::clone(image), None);
                continue;
            }
            for name in wanted {
                let image = Rc::clone(self.images.named(&name).ok_or_else(unknown)?);
                add(&mut chosen, image, Some(name).filter(|name| name.digest().is_none()));
            }
        }
        Ok(chosen)
    }

    /// What an image is and the files that it has.
    fn write_image(&self, world: &mut World, image: &Image, entries: &mut Vec<Entry>) {
        let mut files = image_files(world, image).unmounted();
        files.freeze();
        let created = Stamp(self.epoch.unix_nanos(image.latest().created));
        let files = archive::write("", &files.view().export("/").unwrap_or_default());
        let text = self.image_text(image).to_string();
        let id = image.id.to_string();
        let inside = |name: &str| format!("{id}/{name}");
        let directory = Entry { mode: 0o755, body: Body::Directory, ..file(&id, created, "") };
        let own = json!({ "id": id, "created": self.moment_text(image.latest().created), "os": "linux" });
        entries.extend([
            file(&format!("{id}.json"), created, text),
            directory,
            file(&inside("VERSION"), created, "1.0"),
            file(&inside("json"), created, own.to_string()),
            file(&inside("layer.tar"), created, files),
        ]);
    }

    /// What an image is, with the engine's keys in its order.
    fn image_text(&self, image: &Image) -> Value {
        let history = image.layers.iter().rev().map(|layer| self.history_line(layer));
        json!({
            "architecture": "amd64", "author": image.author, "comment": image.latest().comment,
            "config": super::config(&image.config), "container_config": super::config(&ImageConfig::default()),
            "created": self.moment_text(image.latest().created), "docker_version": system::VERSION,
            "history": history.collect::<Vec<_>>(), "os": "linux",
            "rootfs": { "type": "layers", "diff_ids": super::diffs(image) },
        })
    }

    fn history_line(&self, layer: &Layer) -> Value {
        let mut line = Map::new();
        line.insert("created".to_owned(), json!(self.moment_text(layer.created)));
        for (key, text) in [("created_by", &layer.created_by), ("comment", &layer.comment)] {
            if !text.is_empty() {
                line.insert(key.to_owned(), json!(text));
            }
        }
        if layer.is_empty {
            line.insert("empty_layer".to_owned(), json!(true));
        }
        Value::Object(line)
    }

    fn moment_text(&self, at: Instant) -> String {
        date::rfc3339(self.epoch, at)
    }
}

/// Adds an image, or a name to one that is there.
fn add(chosen: &mut Vec<Chosen>, image: Rc<Image>, name: Option<Reference>) {
    let names = match chosen.iter_mut().find(|(known, _)| known.id == image.id) {
        Some((_, names)) => names,
        None => {
            chosen.push((image, Vec::new()));
            &mut chosen.last_mut().expect("it was just added").1
        }
    };
    names.extend(name);
}

fn manifest((image, names): &Chosen) -> Value {
    let names = (!names.is_empty()).then(|| names.iter().map(Reference::familiar).collect::<Vec<_>>());
    let id = image.id;
    json!({ "Config": format!("{id}.json"), "RepoTags": names, "Layers": [format!("{id}/layer.tar")] })
}

/// Which layer each name means, as engines of old read it.
fn repositories(chosen: &[Chosen]) -> Value {
    let mut repositories: std::collections::BTreeMap<String, Map<String, Value>> = std::collections::BTreeMap::new();
    for (image, names) in chosen {
        for name in names {
            let tags = repositories.entry(name.familiar_name()).or_default();
            tags.insert(name.tag().to_owned(), json!(image.id));
        }
    }
    json!(repositories)
}

fn file(path: &str, mtime: Stamp, bytes: impl Into<Vec<u8>>) -> Entry {
    Entry { path: path.to_owned(), mode: 0o644, uid: 0, gid: 0, mtime, body: Body::File(bytes.into()) }
}
