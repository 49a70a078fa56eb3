//! A small in-memory filesystem: what programs see as `/`. It keeps text and a few bytes, no permissions, devices or
//! links but what a program prints needs.

use std::collections::BTreeMap;

use super::Errno;

/// One directory tree. Paths are absolute and normalised; directories are implied by what lies below them, or made.
#[derive(Clone, Debug, Default)]
pub struct Files {
    nodes: BTreeMap<String, Node>,
}

/// A thing with a path.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Node {
    /// A file and its bytes.
    File(Vec<u8>),
    /// A directory.
    Directory,
    /// A symbolic link and its target.
    Link(String),
}

impl Files {
    /// The bytes of the file at `path`, following links.
    ///
    /// # Errors
    /// `NoEntry` when nothing is there, `IsDirectory` when it is a directory.
    pub fn read(&self, path: &str) -> Result<&[u8], Errno> {
        match self.node(path) {
            Some(Node::File(bytes)) => Ok(bytes),
            Some(Node::Directory) => Err(Errno::IsDirectory),
            Some(Node::Link(_)) | None => {
                if self.is_directory(path) {
                    Err(Errno::IsDirectory)
                } else {
                    Err(Errno::NoEntry)
                }
            }
        }
    }

    /// The text of the file at `path`, empty when there is none.
    #[must_use]
    pub fn text(&self, path: &str) -> String {
        self.read(path).map(|b| String::from_utf8_lossy(b).into_owned()).unwrap_or_default()
    }

    /// Replaces the file at `path`, making it when it is not there.
    ///
    /// # Errors
    /// `IsDirectory` when a directory has that path, `NoEntry` when its directory does not exist.
    pub fn write(&mut self, path: &str, bytes: impl Into<Vec<u8>>) -> Result<(), Errno> {
        *self.open(path)? = bytes.into();
        Ok(())
    }

    /// Adds to the end of the file at `path`, making it when it is not there.
    ///
    /// # Errors
    /// As for `write`.
    pub fn append(&mut self, path: &str, bytes: &[u8]) -> Result<(), Errno> {
        self.open(path)?.extend_from_slice(bytes);
        Ok(())
    }

    fn open(&mut self, path: &str) -> Result<&mut Vec<u8>, Errno> {
        let path = self.resolve(path);
        if self.is_directory(&path) {
            return Err(Errno::IsDirectory);
        }
        if !self.is_directory(parent(&path)) {
            return Err(Errno::NoEntry);
        }
        match self.nodes.entry(path).or_insert_with(|| Node::File(Vec::new())) {
            Node::File(bytes) => Ok(bytes),
            Node::Directory | Node::Link(_) => Err(Errno::IsDirectory),
        }
    }

    /// Makes the directory at `path` and those above it.
    pub fn make_directory(&mut self, path: &str) {
        let mut at = String::new();
        for part in self.resolve(path).split('/').filter(|p| !p.is_empty()) {
            at.push('/');
            at.push_str(part);
            self.nodes.entry(at.clone()).or_insert(Node::Directory);
        }
    }

    /// Makes a symbolic link at `path`.
    pub fn link(&mut self, path: &str, target: &str) {
        self.nodes.insert(self.place(path), Node::Link(target.to_owned()));
    }

    /// Removes what is at `path` and all below it; false when nothing was there.
    pub fn remove(&mut self, path: &str) -> bool {
        let path = self.place(path);
        let below = format!("{path}/");
        let before = self.nodes.len();
        self.nodes.retain(|p, _| *p != path && !p.starts_with(&below));
        self.nodes.len() < before
    }

    /// What is at `path`, following links.
    #[must_use]
    pub fn node(&self, path: &str) -> Option<&Node> {
        self.nodes.get(&self.resolve(path))
    }

    /// Whether `path` is a directory: the root, one that was made, or one with something in it.
    #[must_use]
    pub fn is_directory(&self, path: &str) -> bool {
        let path = self.resolve(path);
        if path == "/" || matches!(self.nodes.get(&path), Some(Node::Directory)) {
            return true;
        }
        let below = format!("{path}/");
        self.nodes.range(below.clone()..).next().is_some_and(|(p, _)| p.starts_with(&below))
    }

    /// The names directly in the directory `path`, in order.
    #[must_use]
    pub fn list(&self, path: &str) -> Vec<String> {
        let path = self.resolve(path);
        let below = if path == "/" { path } else { format!("{path}/") };
        let mut names: Vec<String> = self
            .nodes
            .range(below.clone()..)
            .take_while(|(p, _)| p.starts_with(&below))
            .filter_map(|(p, _)| p[below.len()..].split('/').next().map(str::to_owned))
            .collect();
        names.dedup();
        names
    }

    /// Where `path` leads when every link on the way is followed, at most eight.
    #[must_use]
    pub fn resolve(&self, path: &str) -> String {
        let mut path = normalise("/", path);
        for _ in 0..8 {
            match self.without_first_link(&path) {
                Some(next) => path = next,
                None => break,
            }
        }
        path
    }

    /// `path` with the first link on its way replaced by the target.
    fn without_first_link(&self, path: &str) -> Option<String> {
        let ends = path.match_indices('/').map(|(at, _)| at).filter(|at| *at > 0).chain([path.len()]);
        ends.map(|end| path.split_at(end)).find_map(|(head, rest)| match self.nodes.get(head) {
            Some(Node::Link(target)) => Some(format!("{}{rest}", normalise(parent(head), target))),
            _ => None,
        })
    }

    /// `path` with the links of its directory followed, but not itself.
    fn place(&self, path: &str) -> String {
        let path = normalise("/", path);
        let name = &path[path.rfind('/').map_or(0, |at| at + 1)..];
        normalise(&self.resolve(parent(&path)), name)
    }

    /// The target of the symbolic link at `path`.
    #[must_use]
    pub fn target(&self, path: &str) -> Option<&str> {
        match self.nodes.get(&self.place(path)) {
            Some(Node::Link(target)) => Some(target),
            _ => None,
        }
    }
}

/// `path` seen from the directory `cwd`, without `.`, `..` and doubled slashes.
#[must_use]
pub fn normalise(cwd: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let from = if path.starts_with('/') { "" } else { cwd };
    for part in from.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    format!("/{}", parts.join("/"))
}

fn parent(path: &str) -> &str {
    match path.rfind('/') {
        Some(0) | None => "/",
        Some(at) => &path[..at],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_needs_its_directory_and_links_are_followed() {
        let mut files = Files::default();
        assert_eq!(files.write("/etc/hosts", "x"), Err(Errno::NoEntry));
        files.make_directory("/etc");
        files.write("/etc/hosts", "127.0.0.1\tlocalhost\n").unwrap();
        files.link("/etc/alias", "hosts");
        assert_eq!(files.text("/etc/../etc//alias"), "127.0.0.1\tlocalhost\n");
        assert_eq!(files.read("/etc"), Err(Errno::IsDirectory));
        assert_eq!(files.list("/etc"), ["alias", "hosts"]);
        assert_eq!(files.target("/etc/alias"), Some("hosts"));
    }

    #[test]
    fn links_are_followed_on_the_way_too() {
        let mut files = Files::default();
        files.make_directory("/run");
        files.link("/var/run", "/run");
        files.make_directory("/var/run/netns");
        files.link("/var/run/netns/187", "/proc/187/ns/net");
        assert_eq!(files.list("/run/netns"), ["187"]);
        assert_eq!(files.resolve("/var/run/netns/187"), "/proc/187/ns/net");
        assert!(files.remove("/var/run/netns/187") && files.list("/run/netns").is_empty());
    }
}
