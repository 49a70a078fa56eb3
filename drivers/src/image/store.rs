//! The images of one engine: which of the catalogue it holds, and the names they have here.
//!
//! How it works: every name of an image that the catalogue knows means it, whatever its tag, as long as the image is
//! held and nobody took that name away. Names that were given or pulled are kept, and only those are listed.

use std::collections::{BTreeMap, BTreeSet};

use super::{IMAGES, Image, Reference};

/// The images of one engine.
#[derive(Clone, Debug)]
pub struct Images {
    /// Names with tag, as people say them, and the images that they mean.
    names: BTreeMap<String, &'static Image>,
    /// Names that were taken away.
    untagged: BTreeSet<String>,
    /// The images that are here, by their names in the catalogue.
    held: BTreeSet<&'static str>,
}

impl Default for Images {
    fn default() -> Self {
        Self {
            names: IMAGES.iter().map(|image| (format!("{}:latest", image.name), image)).collect(),
            untagged: BTreeSet::new(),
            held: IMAGES.iter().map(|image| image.name).collect(),
        }
    }
}

impl Images {
    /// All that are held, by name.
    pub fn iter(&self) -> impl Iterator<Item = &'static Image> {
        IMAGES.iter().filter(|image| self.holds(image))
    }

    /// Whether an image is here.
    #[must_use]
    pub fn holds(&self, image: &Image) -> bool {
        self.held.contains(image.name)
    }

    /// The image that a text means: a name, an id, or the beginning of one.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<&'static Image> {
        let named = Reference::parse(text).ok().and_then(|name| self.named(&name));
        named.or_else(|| self.begun(text))
    }

    /// The image of a name.
    #[must_use]
    pub fn named(&self, name: &Reference) -> Option<&'static Image> {
        if let Some(digest) = name.digest() {
            return Image::known(name).filter(|image| image.digest() == digest && self.holds(image));
        }
        let familiar = name.familiar();
        let known = || Image::known(name).filter(|image| self.holds(image) && !self.untagged.contains(&familiar));
        self.names.get(&familiar).copied().or_else(known)
    }

    /// The image whose id begins so.
    #[must_use]
    pub fn begun(&self, text: &str) -> Option<&'static Image> {
        let digits = text.strip_prefix("sha256:").unwrap_or(text);
        let mut begun = self.iter().filter(|image| image.id().begins_with(digits));
        begun.next().filter(|_| begun.next().is_none())
    }

    /// The names of an image, with their tags.
    pub fn names_of(&self, image: &Image) -> impl Iterator<Item = &str> {
        self.names.iter().filter(|(_, named)| named.name == image.name).map(|(name, _)| name.as_str())
    }

    /// Gives an image a name.
    pub fn tag(&mut self, name: &Reference, image: &'static Image) {
        self.untagged.remove(&name.familiar());
        self.names.insert(name.familiar(), image);
    }

    /// Takes a name away.
    pub fn untag(&mut self, familiar: &str) {
        self.names.remove(familiar);
        self.untagged.insert(familiar.to_owned());
    }

    /// Lets an image go.
    pub fn remove(&mut self, image: &Image) {
        self.held.remove(image.name);
    }

    /// Gets an image of the catalogue; false when it had that name already.
    pub fn pull(&mut self, name: &Reference, image: &'static Image) -> bool {
        let before = self.named(name);
        self.held.insert(image.name);
        self.tag(name, image);
        before != Some(image)
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
            &busybox.id().short(),
            &format!("busybox@{}", busybox.digest()),
        ] {
            assert_eq!(images.find(text), Some(busybox), "{text}");
        }
        for unknown in ["nosuchimage", "someone/busybox", "example.com/busybox", "", "sha256:", "UPPER"] {
            assert_eq!(images.find(unknown), None, "{unknown}");
        }
        assert_eq!(images.names_of(busybox).collect::<Vec<_>>(), ["busybox:latest"]);
    }

    #[test]
    fn a_name_that_was_taken_away_comes_back_with_a_pull() {
        let mut images = Images::default();
        let name = Reference::parse("busybox:1.36").expect("a name");
        let busybox = images.named(&name).expect("any tag will do");
        assert!(!images.pull(&name, busybox), "it is up to date");
        assert_eq!(images.names_of(busybox).count(), 2);
        images.untag("busybox:1.36");
        assert_eq!(images.find("busybox:1.36"), None);
        images.untag("busybox:latest");
        images.remove(busybox);
        assert!(!images.holds(busybox) && images.find(&busybox.digest()).is_none());
        assert!(images.pull(&name, busybox) && images.find("busybox:1.36").is_some());
    }

    #[test]
    fn a_name_can_be_given_to_another_image() {
        let mut images = Images::default();
        let busybox = images.find("busybox").expect("it is in the catalogue");
        images.tag(&Reference::parse("alpine:3.10").expect("a name"), busybox);
        assert_eq!(images.find("alpine:3.10"), Some(busybox));
        assert_ne!(images.find("alpine"), Some(busybox));
    }
}
