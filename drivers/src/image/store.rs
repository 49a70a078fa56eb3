//! The images of one engine: which it holds, and the names they have here.
//!
//! How it works: every name of an image that the catalogue knows means it, whatever its tag, as long as the image is
//! held and nobody took that name away. Names that were given or pulled are kept, and only those are listed.

use core::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::{CATALOGUE, Image, Known, Reference};
use crate::id::Id;

/// The images of one engine.
#[derive(Clone, Debug)]
pub struct Images {
    /// Names with tag, as people say them, and the images that they mean.
    names: BTreeMap<String, Id>,
    /// Names that were taken away.
    untagged: BTreeSet<String>,
    /// The images that are here: the latest first, those of the catalogue by name.
    held: Vec<Rc<Image>>,
}

impl Default for Images {
    fn default() -> Self {
        let held: Vec<Rc<Image>> = CATALOGUE.iter().map(Known::image).collect();
        let names = CATALOGUE.iter().zip(&held).map(|(known, image)| (format!("{}:latest", known.name), image.id));
        Self { names: names.collect(), untagged: BTreeSet::new(), held }
    }
}

impl Images {
    /// All that are held.
    pub fn iter(&self) -> impl Iterator<Item = &Rc<Image>> {
        self.held.iter()
    }

    /// The image with an id, when it is here.
    #[must_use]
    pub fn with_id(&self, id: Id) -> Option<&Rc<Image>> {
        self.held.iter().find(|image| image.id == id)
    }

    /// The image that a text means: a name, an id, or the beginning of one.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<&Rc<Image>> {
        let named = Reference::parse(text).ok().and_then(|name| self.named(&name));
        named.or_else(|| self.begun(text))
    }

    /// The image of a name.
    #[must_use]
    pub fn named(&self, name: &Reference) -> Option<&Rc<Image>> {
        let known = || Known::named(name).and_then(|known| self.with_id(known.id()));
        if let Some(digest) = name.digest() {
            return known().filter(|image| image.digest() == digest);
        }
        let familiar = name.familiar();
        let given = self.names.get(&familiar).and_then(|id| self.with_id(*id));
        given.or_else(|| known().filter(|_| !self.untagged.contains(&familiar)))
    }

    /// The image whose id begins so.
    #[must_use]
    pub fn begun(&self, text: &str) -> Option<&Rc<Image>> {
        let digits = text.strip_prefix("sha256:").unwrap_or(text);
        let mut begun = self.iter().filter(|image| image.id.begins_with(digits));
        begun.next().filter(|_| begun.next().is_none())
    }

    /// The names of an image, with their tags.
    pub fn names_of(&self, image: Id) -> impl Iterator<Item = &str> {
        self.names.iter().filter(move |(_, named)| **named == image).map(|(name, _)| name.as_str())
    }

    /// All names in the repository of a name; the name itself when none was given there.
    #[must_use]
    pub fn tags_of(&self, name: &Reference) -> Vec<Reference> {
        let all = self.names.keys().filter_map(|text| Reference::parse(text).ok());
        let tags: Vec<Reference> = all.filter(|other| other.repository() == name.repository()).collect();
        if tags.is_empty() { vec![name.clone()] } else { tags }
    }

    /// Whether another image was made of this one.
    #[must_use]
    pub fn has_children(&self, image: Id) -> bool {
        self.held.iter().any(|other| other.parent() == Some(image))
    }

    /// Gives an image a name.
    pub fn tag(&mut self, name: &Reference, image: Id) {
        self.untagged.remove(&name.familiar());
        self.names.insert(name.familiar(), image);
    }

    /// Takes a name away.
    pub fn untag(&mut self, familiar: &str) {
        self.names.remove(familiar);
        self.untagged.insert(familiar.to_owned());
    }

    /// Takes an image in.
    pub fn add(&mut self, image: Rc<Image>) {
        self.held.retain(|held| held.id != image.id);
        self.held.insert(0, image);
        let place = |id: Id| CATALOGUE.iter().position(|known| known.id() == id);
        self.held.sort_by_cached_key(|image| (Reverse(image.latest().created), place(image.id)));
    }

    /// Lets an image go.
    pub fn remove(&mut self, image: Id) {
        self.held.retain(|held| held.id != image);
    }

    /// Gets an image of the catalogue; false when it had that name already.
    pub fn pull(&mut self, name: &Reference, known: &Known) -> bool {
        let before = self.named(name).map(|image| image.id);
        let image = known.image();
        let id = image.id;
        if self.with_id(id).is_none() {
            self.add(image);
        }
        self.tag(name, id);
        before != Some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_found_by_any_tag_and_by_id() {
        let images = Images::default();
        let busybox = images.find("busybox").expect("it is in the catalogue");
        for text in [
            "busybox:latest",
            "busybox:1.36",
            "docker.io/library/busybox",
            "localhost:5000/busybox",
            &busybox.digest(),
            &busybox.id.short(),
            &format!("busybox@{}", busybox.digest()),
        ] {
            assert_eq!(images.find(text).map(|image| image.id), Some(busybox.id), "{text}");
        }
        for unknown in ["nosuchimage", "someone/busybox", "example.com/busybox", "", "sha256:", "UPPER"] {
            assert!(images.find(unknown).is_none(), "{unknown}");
        }
        assert_eq!(images.names_of(busybox.id).collect::<Vec<_>>(), ["busybox:latest"]);
    }

    #[test]
    fn a_name_that_was_taken_away_comes_back_with_a_pull() {
        let mut images = Images::default();
        let name = Reference::parse("busybox:1.36").expect("a name");
        let busybox = Rc::clone(images.named(&name).expect("any tag will do"));
        let known = Known::named(&name).expect("the catalogue has it");
        assert!(!images.pull(&name, known), "it is up to date");
        assert_eq!(images.names_of(busybox.id).count(), 2);
        images.untag("busybox:1.36");
        assert!(images.find("busybox:1.36").is_none());
        images.untag("busybox:latest");
        images.remove(busybox.id);
        assert!(images.with_id(busybox.id).is_none() && images.find(&busybox.digest()).is_none());
        assert!(images.pull(&name, known) && images.find("busybox:1.36").is_some());
    }

    #[test]
    fn a_name_can_be_given_to_another_image() {
        let mut images = Images::default();
        let busybox = images.find("busybox").expect("it is in the catalogue").id;
        images.tag(&Reference::parse("alpine:3.10").expect("a name"), busybox);
        let means = |name| images.find(name).map(|image| image.id);
        assert_eq!(means("alpine:3.10"), Some(busybox));
        assert_ne!(means("alpine"), Some(busybox));
    }
}
