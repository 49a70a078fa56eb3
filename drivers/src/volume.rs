//! Volumes: names for directories that outlive containers and are shared by them. What is in one is kept with the files
//! of the world.

use std::collections::BTreeMap;

use netyard_sim::time::Instant;

/// A volume.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Volume {
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created: Instant,
    /// Labels, where some were asked for.
    pub labels: Option<BTreeMap<String, String>>,
    /// Options of its driver, where some were asked for.
    pub options: Option<BTreeMap<String, String>>,
}

impl Volume {
    /// Where a real engine would keep it.
    #[must_use]
    pub fn mountpoint(&self) -> String {
        mountpoint(&self.name)
    }
}

/// Where a real engine would keep the volume of that name.
#[must_use]
pub fn mountpoint(name: &str) -> String {
    format!("/var/lib/docker/volumes/{name}/_data")
}

/// Whether a volume may have that name.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric();
    text.starts_with(word) && text.len() > 1 && text.chars().all(|c| word(c) || matches!(c, '_' | '.' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_two_characters_at_least() {
        assert!(is_name("v1") && is_name("my_data.2-b"));
        assert!(["v", "", "_v", "a/b", "a b"].iter().all(|bad| !is_name(bad)));
    }
}
