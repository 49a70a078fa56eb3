//! Where a copy ends: the rules of `cp -a` as Docker's archive package has them. A source comes as a [`Parcel`], a
//! destination as an [`End`]; it knows no filesystem and no engine.

use netyard_sim::userland::files::{Body, Entry, normalise};

use crate::archive::PathStat;
use crate::cli::script::Failure;

/// What is copied: a file, or a directory and all below it.
#[derive(Debug)]
pub(super) struct Parcel {
    /// What it is called where it comes to; `.` when only the content of a directory is meant.
    pub(super) name: String,
    /// Whether it is a directory.
    pub(super) is_directory: bool,
    /// It and what is below it; their paths are relative to it.
    pub(super) entries: Vec<Entry>,
}

/// A destination.
#[derive(Clone, Debug)]
pub(super) struct End {
    /// Its path as it was typed, but for links.
    pub(super) path: String,
    /// Whether something is there.
    pub(super) exists: bool,
    /// Whether that is a directory.
    pub(super) is_directory: bool,
}

/// A copy whose way is clear.
#[derive(Debug)]
pub(super) struct Journey {
    /// The directory that the parcel is put in.
    pub(super) directory: String,
    /// The parcel with the name it has there.
    pub(super) parcel: Parcel,
}

impl End {
    /// A destination in a container, as far as the engine knows of it.
    pub(super) fn found(path: &str, stat: Option<&PathStat>) -> Self {
        let is_directory = stat.is_some_and(PathStat::is_directory);
        Self { path: path.to_owned(), exists: stat.is_some(), is_directory }
    }
}

impl Parcel {
    /// The content of an archive that the engine made of the path `source`.
    pub(super) fn of_archive(source: &str, is_directory: bool, mut entries: Vec<Entry>) -> Self {
        let (_, name) = split_entry(source);
        let below = normalise("/", &name);
        let below = below.trim_start_matches('/');
        for entry in &mut entries {
            let path = entry.path.strip_prefix(below).unwrap_or(&entry.path);
            entry.path = path.trim_start_matches('/').to_owned();
        }
        Self { name, is_directory, entries }
    }

    /// The path of the parcel itself in a directory.
    pub(super) fn top_in(&self, directory: &str) -> String {
        normalise(directory, &self.name)
    }

    /// A directory that would become something else, or the other way round: what is there and what shall be.
    pub(super) fn collision(
        &self,
        directory: &str,
        is_directory: impl Fn(&str) -> Option<bool>,
    ) -> Option<(String, String)> {
        let top = self.top_in(directory);
        self.entries.iter().find_map(|entry| {
            let path = normalise(&top, &entry.path);
            let shall_be = entry.body == Body::Directory;
            let word = |directory| if directory { "directory" } else { "non-directory" };
            let is = is_directory(&path).filter(|is| *is != shall_be)?;
            Some((format!("{} \"{path}\"", word(is)), format!("{} \"{}\"", word(shall_be), self.named(entry))))
        })
    }

    fn named(&self, entry: &Entry) -> String {
        if entry.path.is_empty() { self.name.clone() } else { format!("{}/{}", self.name, entry.path) }
    }
}

impl Journey {
    /// Where `parcel` comes to when it is sent to `end`.
    pub(super) fn plan(mut parcel: Parcel, end: &End) -> Result<Self, Failure> {
        if end.is_directory {
            return Ok(Self { directory: end.path.clone(), parcel });
        }
        if end.exists && parcel.is_directory {
            return Err(Failure::new("cannot copy directory"));
        }
        let asserts_directory = end.path.ends_with('/') || is_current(&end.path);
        if !end.exists && !parcel.is_directory && asserts_directory {
            return Err(Failure::new("no such directory"));
        }
        let (directory, name) = split_entry(&end.path);
        parcel.name = name;
        Ok(Self { directory, parcel })
    }
}

/// The directory of a path and its last part; `/dir/.` means what is in `/dir`.
pub(super) fn split_entry(path: &str) -> (String, String) {
    let clean = normalise("/", path);
    if is_current(path) {
        return (clean, ".".to_owned());
    }
    match clean.rsplit_once('/') {
        Some(("", base)) => ("/".to_owned(), base.to_owned()),
        Some((directory, base)) => (directory.to_owned(), base.to_owned()),
        None => (clean, String::new()),
    }
}

/// An absolute path with the ending that it was typed with: a slash, or `/.`.
pub(super) fn kept_ending(absolute: &str, typed: &str) -> String {
    let bare = absolute.trim_end_matches('/');
    match () {
        () if is_current(typed) => format!("{bare}/."),
        () if typed.ends_with('/') => format!("{bare}/"),
        () => absolute.to_owned(),
    }
}

/// The target of a link that was typed as `typed`, and the name it keeps when the target has another.
pub(super) fn renamed(typed: &str, target: &str) -> (String, Option<String>) {
    let (own, name) = (split_entry(typed).1, split_entry(target).1);
    let named = (own != name && own != ".").then_some(own);
    (kept_ending(target, typed), named)
}

fn is_current(path: &str) -> bool {
    path == "." || path.ends_with("/.")
}

#[cfg(test)]
mod tests {
    use netyard_sim::userland::files::Stamp;

    use super::*;

    fn parcel(name: &str, is_directory: bool) -> Parcel {
        let body = if is_directory { Body::Directory } else { Body::File(Vec::new()) };
        let entry = Entry { path: String::new(), mode: 0o644, uid: 0, gid: 0, mtime: Stamp::from_seconds(0), body };
        Parcel { name: name.to_owned(), is_directory, entries: vec![entry] }
    }

    fn end(path: &str, is_directory: Option<bool>) -> End {
        End { path: path.to_owned(), exists: is_directory.is_some(), is_directory: is_directory == Some(true) }
    }

    fn planned(parcel: Parcel, end: &End) -> String {
        match Journey::plan(parcel, end) {
            Ok(journey) => journey.parcel.top_in(&journey.directory),
            Err(failure) => failure.message,
        }
    }

    #[test]
    fn a_copy_ends_where_docker_ends_it() {
        for (source, is_directory, destination, there, expected) in [
            ("f", false, "/tmp", Some(true), "/tmp/f"),
            ("f", false, "/tmp/g", Some(false), "/tmp/g"),
            ("f", false, "/tmp/g", None, "/tmp/g"),
            ("f", false, "/tmp/g/", None, "no such directory"),
            ("d", true, "/tmp", Some(true), "/tmp/d"),
            (".", true, "/tmp", Some(true), "/tmp"),
            ("d", true, "/tmp/e", None, "/tmp/e"),
            (".", true, "/tmp/e", None, "/tmp/e"),
            ("d", true, "/tmp/g", Some(false), "cannot copy directory"),
        ] {
            assert_eq!(planned(parcel(source, is_directory), &end(destination, there)), expected, "{destination}");
        }
    }

    #[test]
    fn endings_mean_something() {
        assert_eq!(split_entry("/www/."), ("/www".into(), ".".into()));
        assert_eq!(split_entry("/f"), ("/".into(), "f".into()));
        assert_eq!(kept_ending("/tmp/x", "x/"), "/tmp/x/");
        assert_eq!(renamed("/bin/ls", "/bin/busybox"), ("/bin/busybox".into(), Some("ls".into())));
    }

    #[test]
    fn a_directory_does_not_become_a_file() {
        let met = parcel("f", false).collision("/tmp", |_| Some(true)).expect("it is in the way");
        assert_eq!(met, ("directory \"/tmp/f\"".into(), "non-directory \"f\"".into()));
        assert!(parcel("f", false).collision("/tmp", |_| Some(false)).is_none());
    }
}
