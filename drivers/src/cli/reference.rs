//! Names of images: `busybox`, `example.com:5000/team/app:1.2`, with what is left unsaid filled in.

use super::script::Failure;

/// Where images come from when nothing is said.
const DOMAIN: &str = "docker.io";
/// Whose images they are when nothing is said.
const OWNER: &str = "library";

/// The name of an image, whole.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Reference {
    domain: String,
    path: String,
    tag: String,
    tagged: bool,
}

impl Reference {
    /// Reads a name as it was typed.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let invalid = || Failure::new("invalid reference format");
        let last = text.rfind('/').map_or(0, |at| at + 1);
        let (name, tag) = match text[last..].split_once(':') {
            Some((_, tag)) => (&text[..text.len() - tag.len() - 1], Some(tag)),
            None => (text, None),
        };
        let (domain, path) = match name.split_once('/') {
            Some((domain, path)) if domain.contains(['.', ':']) || domain == "localhost" => (domain, path.to_owned()),
            Some(_) => (DOMAIN, name.to_owned()),
            None => (DOMAIN, format!("{OWNER}/{name}")),
        };
        if path.chars().any(|c| c.is_ascii_uppercase()) {
            return Err(Failure::new(format!("invalid reference format: repository name ({path}) must be lowercase")));
        }
        if name.is_empty() || !path.split('/').all(is_component) || !tag.is_none_or(is_tag) {
            return Err(invalid());
        }
        let tagged = tag.is_some();
        Ok(Self { domain: domain.to_owned(), path, tag: tag.unwrap_or("latest").to_owned(), tagged })
    }

    /// The name without its tag, whole: `docker.io/library/busybox`.
    pub(super) fn repository(&self) -> String {
        format!("{}/{}", self.domain, self.path)
    }

    /// The tag; `latest` when none was typed.
    pub(super) fn tag(&self) -> &str {
        &self.tag
    }

    /// Whether a tag was typed.
    pub(super) const fn is_tagged(&self) -> bool {
        self.tagged
    }

    /// The name with its tag, whole.
    pub(super) fn whole(&self) -> String {
        format!("{}:{}", self.repository(), self.tag)
    }

    /// The name with its tag as people say it: `busybox:latest`.
    pub(super) fn familiar(&self) -> String {
        let path = self.path.strip_prefix("library/").unwrap_or(&self.path);
        let name = if self.domain == DOMAIN { path.to_owned() } else { self.repository() };
        format!("{name}:{}", self.tag)
    }
}

/// Letters, digits and single separators within.
fn is_component(text: &str) -> bool {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(word) && text.ends_with(word) && text.chars().all(|c| word(c) || matches!(c, '.' | '_' | '-'))
}

fn is_tag(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.starts_with(word) && text.len() <= 128 && text.chars().all(|c| word(c) || matches!(c, '.' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_unsaid_is_filled_in() {
        let busybox = Reference::parse("busybox").expect("a name");
        assert_eq!(busybox.whole(), "docker.io/library/busybox:latest");
        assert_eq!((busybox.familiar().as_str(), busybox.is_tagged()), ("busybox:latest", false));
        let own = Reference::parse("example.com:5000/team/app:1.2").expect("a name");
        assert_eq!((own.repository().as_str(), own.tag()), ("example.com:5000/team/app", "1.2"));
        assert_eq!(own.familiar(), "example.com:5000/team/app:1.2");
        assert_eq!(Reference::parse("team/app:1").expect("a name").whole(), "docker.io/team/app:1");
    }

    #[test]
    fn a_wrong_name_is_refused() {
        let refused = |text: &str| Reference::parse(text).expect_err(text).message;
        assert_eq!(refused("busybox:"), "invalid reference format");
        assert_eq!(refused(""), "invalid reference format");
        assert_eq!(refused("a..b/-c"), "invalid reference format");
        let expected = "invalid reference format: repository name (library/UPPER) must be lowercase";
        assert_eq!(refused("UPPER"), expected);
    }
}
