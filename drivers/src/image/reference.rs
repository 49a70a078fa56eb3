//! Names of images: `busybox`, `example.com:5000/team/app:1.2`, `busybox@sha256:…`, with what is left unsaid filled in.

use core::fmt;

/// Where images come from when nothing is said.
const DOMAIN: &str = "docker.io";
/// Whose images they are when nothing is said.
const OWNER: &str = "library";
/// The longest repository.
const REPOSITORY_MAX: usize = 255;

/// The name of an image, whole.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Reference {
    domain: String,
    path: String,
    tag: String,
    is_tagged: bool,
    digest: Option<String>,
}

/// The text names no image.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ReferenceError {
    /// It has the form of an id.
    Hexadecimal(String),
    /// It is no name at all.
    Invalid,
    /// The repository is too long.
    TooLong,
    /// It has capitals.
    Uppercase(String),
}

impl fmt::Display for ReferenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hexadecimal(text) => {
                write!(f, "invalid repository name ({text}), cannot specify 64-byte hexadecimal strings")
            }
            Self::Invalid => f.write_str("invalid reference format"),
            Self::TooLong => write!(f, "repository name must not be more than {REPOSITORY_MAX} characters"),
            Self::Uppercase(path) => {
                write!(f, "invalid reference format: repository name ({path}) must be lowercase")
            }
        }
    }
}

impl core::error::Error for ReferenceError {}

impl Reference {
    /// Reads a name as it was typed.
    ///
    /// # Errors
    /// It names no image.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        if text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(ReferenceError::Hexadecimal(text.to_owned()));
        }
        let (text, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (text, None),
        };
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
        let domain = if domain == "index.docker.io" { DOMAIN } else { domain };
        if path.chars().any(|c| c.is_ascii_uppercase()) {
            return Err(ReferenceError::Uppercase(path));
        }
        let is_good = !name.is_empty() && path.split('/').all(is_component) && tag.is_none_or(is_tag);
        if !is_good || !digest.is_none_or(is_digest) {
            return Err(ReferenceError::Invalid);
        }
        if name.len() > REPOSITORY_MAX {
            return Err(ReferenceError::TooLong);
        }
        // `docker.io/busybox` is `docker.io/library/busybox`.
        let path = if domain == DOMAIN && !path.contains('/') { format!("{OWNER}/{path}") } else { path };
        Ok(Self {
            domain: domain.to_owned(),
            path,
            tag: tag.unwrap_or("latest").to_owned(),
            is_tagged: tag.is_some(),
            digest: digest.map(str::to_owned),
        })
    }

    /// Reads what may be a name or a whole id.
    ///
    /// # Errors
    /// It is neither.
    pub fn check_any(text: &str) -> Result<(), ReferenceError> {
        let digits = text.strip_prefix("sha256:").unwrap_or(text);
        match Self::parse(text) {
            Err(_) if digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_hexdigit()) => Ok(()),
            parsed => parsed.map(drop),
        }
    }

    /// Whether its registry is Docker's own, or one on this machine.
    pub(crate) fn is_near(&self) -> bool {
        self.domain == DOMAIN || self.domain.split(':').next() == Some("localhost")
    }

    /// Repository without registry: `library/busybox`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The name without its tag, whole: `docker.io/library/busybox`.
    #[must_use]
    pub fn repository(&self) -> String {
        format!("{}/{}", self.domain, self.path)
    }

    /// The tag; `latest` when none was typed.
    #[must_use]
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// The digest, when one was typed.
    #[must_use]
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// Whether a tag was typed.
    #[must_use]
    pub const fn is_tagged(&self) -> bool {
        self.is_tagged
    }

    /// The name with its tag, whole.
    #[must_use]
    pub fn whole(&self) -> String {
        format!("{}:{}", self.repository(), self.tag)
    }

    /// The name without its tag as people say it: `busybox`.
    #[must_use]
    pub fn familiar_name(&self) -> String {
        let path = self.path.strip_prefix("library/").unwrap_or(&self.path);
        if self.domain == DOMAIN { path.to_owned() } else { self.repository() }
    }

    /// The name with its tag as people say it: `busybox:latest`.
    #[must_use]
    pub fn familiar(&self) -> String {
        format!("{}:{}", self.familiar_name(), self.tag)
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

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_unsaid_is_filled_in() {
        let busybox = Reference::parse("busybox").expect("a name");
        assert_eq!(busybox.whole(), "docker.io/library/busybox:latest");
        assert_eq!((busybox.familiar().as_str(), busybox.is_tagged()), ("busybox:latest", false));
        assert_eq!(Reference::parse("docker.io/busybox").expect("a name").path(), "library/busybox");
        let own = Reference::parse("example.com:5000/team/app:1.2").expect("a name");
        assert_eq!((own.repository().as_str(), own.tag()), ("example.com:5000/team/app", "1.2"));
        assert_eq!(own.familiar(), "example.com:5000/team/app:1.2");
        assert_eq!(Reference::parse("team/app:1").expect("a name").whole(), "docker.io/team/app:1");
        let digest = format!("sha256:{}", "ab".repeat(32));
        let pinned = Reference::parse(&format!("busybox@{digest}")).expect("a name");
        assert_eq!((pinned.familiar_name().as_str(), pinned.digest()), ("busybox", Some(digest.as_str())));
    }

    #[test]
    fn a_wrong_name_is_refused() {
        let refused = |text: &str| Reference::parse(text).expect_err(text).to_string();
        for wrong in ["busybox:", "", "a..b/-c", "busybox@sha256:12"] {
            assert_eq!(refused(wrong), "invalid reference format", "{wrong}");
        }
        let expected = "invalid reference format: repository name (library/UPPER) must be lowercase";
        assert_eq!(refused("UPPER"), expected);
        let hex = "0a".repeat(32);
        let expected = format!("invalid repository name ({hex}), cannot specify 64-byte hexadecimal strings");
        assert_eq!(refused(&hex), expected);
    }
}
