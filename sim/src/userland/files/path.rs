//! Paths as text: joining, shortening and taking them apart. Nothing here looks at a filesystem.

/// `path` seen from the directory `cwd`, without `.`, `..` and doubled slashes.
#[must_use]
pub fn normalise(cwd: &str, path: &str) -> String {
    let from = if path.starts_with('/') { "" } else { cwd };
    let mut full = String::with_capacity(from.len() + path.len() + 2);
    full.push('/');
    for part in from.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => full.truncate(full.rfind('/').map_or(1, |at| at.max(1))),
            name => descend(&mut full, name),
        }
    }
    full
}

/// The directory that an absolute path lies in.
#[must_use]
pub fn parent(path: &str) -> &str {
    match path.rfind('/') {
        Some(0) | None => "/",
        Some(at) => &path[..at],
    }
}

/// The last part of a path.
#[must_use]
pub fn base(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    &path[path.rfind('/').map_or(0, |at| at + 1)..]
}

/// `name` in the directory `directory`.
#[must_use]
pub fn join(directory: &str, name: &str) -> String {
    let mut path = String::with_capacity(directory.len() + name.len() + 1);
    path.push_str(directory);
    descend(&mut path, name);
    path
}

/// Makes a directory's path that of `name` in it.
pub(super) fn descend(directory: &mut String, name: &str) {
    if !directory.ends_with('/') {
        directory.push('/');
    }
    directory.push_str(name);
}
