//! Taking away images: their names first, themselves when no name and no container is left.

use std::rc::Rc;

use netyard_sim::world::World;
use serde_json::{Value, json};

use super::super::{Call, Engine, Reply};
use crate::error::Error;
use crate::image::Image;

impl Engine {
    /// `DELETE /images/{name}`.
    pub(in crate::engine) fn image_remove(
        &mut self,
        world: &World,
        text: &str,
        call: &Call<'_>,
    ) -> Result<Reply, Error> {
        let force = call.target.query.flag("force");
        let name = self.image_reference(text)?;
        let name = name.and_then(|name| Some((Rc::clone(self.images.named(&name)?), name)));
        let mut done = Vec::new();
        if let Some((image, name)) = name {
            let others = self.images.names_of(image.id).filter(|other| *other != name.familiar()).count();
            if let Some(container) = self.made_of(image.id).filter(|_| others == 0 && !force) {
                let (name, container, image) = (text.to_owned(), container.id, image.id);
                return Err(Error::ImageNameInUse { name, container, image });
            }
            self.untag(world, &image, &name.familiar(), &mut done);
            if others == 0 && self.made_of(image.id).is_none() && !self.images.has_children(image.id) {
                self.delete_image(world, &image, &mut done);
            }
        } else {
            let image = self.images.begun(text).map(Rc::clone).ok_or_else(|| Error::ImageUnknown(text.to_owned()))?;
            self.remove_by_id(world, &image, force, &mut done)?;
        }
        Ok(Reply::ok(&done))
    }

    fn remove_by_id(&mut self, world: &World, image: &Image, force: bool, done: &mut Vec<Value>) -> Result<(), Error> {
        let names: Vec<String> = self.images.names_of(image.id).map(str::to_owned).collect();
        if names.len() > 1 && !force {
            return Err(Error::ImageNamedOften(image.id));
        }
        if self.images.has_children(image.id) {
            return Err(Error::ImageHasChildren(image.id));
        }
        if let Some(container) = self.made_of(image.id).filter(|c| c.is_running() || !force) {
            let (image, container, running) = (image.id, container.id, container.is_running());
            return Err(Error::ImageUsed { image, container, running });
        }
        names.iter().for_each(|name| self.untag(world, image, name, done));
        self.delete_image(world, image, done);
        Ok(())
    }

    /// `POST /images/prune`: those without a name, or all that no container was made of.
    pub(in crate::engine) fn image_prune(&mut self, world: &World, call: &Call<'_>) -> Result<Reply, Error> {
        let filters = call.target.query.filters(&["dangling", "label", "label!", "until"])?;
        let is_off = |value: &String| matches!(value.as_str(), "0" | "false" | "False");
        let all = filters.values("dangling").iter().any(is_off);
        let excluded = !filters.values("label").is_empty();
        let unused = |image: &&Rc<Image>| {
            let is_wanted = all || self.images.names_of(image.id).next().is_none();
            let is_used = self.made_of(image.id).is_some() || self.images.has_children(image.id);
            is_wanted && !excluded && !is_used
        };
        let unused: Vec<Rc<Image>> = self.images.iter().filter(unused).cloned().collect();
        let mut done = Vec::new();
        for image in &unused {
            let names: Vec<String> = self.images.names_of(image.id).map(str::to_owned).collect();
            names.iter().for_each(|name| self.untag(world, image, name, &mut done));
            self.delete_image(world, image, &mut done);
        }
        let space: u64 = unused.iter().map(|image| image.size).sum();
        Ok(Reply::ok(&json!({ "ImagesDeleted": (!done.is_empty()).then_some(done), "SpaceReclaimed": space })))
    }

    fn untag(&mut self, world: &World, image: &Image, name: &str, done: &mut Vec<Value>) {
        self.images.untag(name);
        self.tell_image(world, image, "untag", &image.digest());
        done.push(json!({ "Untagged": name }));
    }

    fn delete_image(&mut self, world: &World, image: &Image, done: &mut Vec<Value>) {
        self.images.remove(image.id);
        self.tell_image(world, image, "delete", &image.digest());
        done.push(json!({ "Deleted": image.digest() }));
    }
}
