//! `POST /commit`: an image of a container as it is now, changed by lines as a Dockerfile has them.

use std::rc::Rc;

use netyard_sim::world::World;
use serde_json::{Value, json};

use super::super::{Call, Engine, Reply};
use super::dockerfile;
use crate::container::State;
use crate::error::Error;
use crate::id::Id;
use crate::image::{Content, Image, ImageConfig, Layer, Reference};

/// Files that a container gets anew at each start.
const GIVEN: [&str; 3] = ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"];

impl Engine {
    /// `POST /commit`.
    pub(in crate::engine) fn container_commit(&mut self, world: &mut World, call: &Call<'_>) -> Result<Reply, Error> {
        let query = &call.target.query;
        let container = self.find_container(query.text("container").unwrap_or_default())?;
        let (id, name) = (container.id, container.name.clone());
        let pauses = query.text("pause").is_none_or(|_| query.flag("pause"));
        let pauses = pauses && matches!(container.state, State::Running(_));
        let mut config = image_config(&self.runs[&id].echo.config());
        let command = config.command.join(" ");
        dockerfile::apply(&mut config, query.all("changes"))?;
        let reference = name_of(query.text("repo"), query.text("tag"))?;
        if pauses {
            self.container_pause(world, &name)?;
        }
        let texts = ["author", "comment"].map(|key| query.text(key).unwrap_or_default().to_owned());
        let image = Rc::new(self.image_of(world, id, config, command, texts));
        self.images.add(Rc::clone(&image));
        if let Some(reference) = &reference {
            self.name_image(world, &image, reference);
        }
        let named = reference.map(|name| name.familiar()).unwrap_or_default();
        let comment = image.latest().comment.clone();
        let more = [("comment", comment), ("imageID", image.digest()), ("imageRef", named)];
        self.tell_container(world, id, "commit", &more);
        if pauses {
            self.container_unpause(world, &name)?;
        }
        Ok(Reply::created(&json!({ "Id": image.digest() })))
    }

    /// An image of a container's files.
    fn image_of(
        &mut self,
        world: &mut World,
        id: Id,
        config: ImageConfig,
        created_by: String,
        [author, comment]: [String; 2],
    ) -> Image {
        let context = self.files_of(world, id);
        let mut files = world.processes.context(context).files.unmounted();
        let (added, _) = files.usage();
        GIVEN.iter().for_each(|path| _ = files.remove(path));
        files.freeze();
        let base = &self.containers[&id].config.image;
        let image = Id::random(&mut self.ids);
        let layer = Layer { image, created: world.now(), created_by, comment, size: added, is_empty: false };
        let layers = core::iter::once(layer).chain(base.layers.iter().cloned()).collect();
        Image {
            id: image,
            config,
            content: Content::Snapshot(Box::new(files)),
            size: base.size + added,
            author,
            layers,
        }
    }
}

/// The name that was asked for.
pub(super) fn name_of(repository: Option<&str>, tag: Option<&str>) -> Result<Option<Reference>, Error> {
    let text = |repository: &str| tag.map_or_else(|| repository.to_owned(), |tag| format!("{repository}:{tag}"));
    Ok(repository.map(|repository| Reference::parse(&text(repository))).transpose()?)
}

/// How a container is used, as its image shall be.
pub(super) fn image_config(config: &Value) -> ImageConfig {
    let words = |key: &str| -> Vec<String> {
        let items = config[key].as_array().into_iter().flatten();
        items.filter_map(|word| Some(word.as_str()?.to_owned())).collect()
    };
    let text = |key: &str| config[key].as_str().unwrap_or_default().to_owned();
    let labels = config["Labels"].as_object().into_iter().flatten();
    ImageConfig {
        entrypoint: words("Entrypoint"),
        command: words("Cmd"),
        env: words("Env"),
        exposed: config["ExposedPorts"].as_object().into_iter().flat_map(|ports| ports.keys().cloned()).collect(),
        labels: labels.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect(),
        user: text("User"),
        working_dir: text("WorkingDir"),
    }
}
