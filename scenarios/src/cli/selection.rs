//! Which scenarios are meant: the files below the given paths, in order, and those of them that a filter lets through.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use netyard_sim::userland::shell::wildcard;

use crate::scenario::Scenario;
use crate::scenario::fault::Fault;

/// The scenario files that `path` means: itself when it is a file, all `*.md` below it, by name, when it is a
/// directory. Hidden entries are left out.
///
/// # Errors
/// What the system says of a path that cannot be read.
pub fn files(path: &Path) -> Result<Vec<PathBuf>, Fault> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    match walk(path, &mut files) {
        Ok(()) => Ok(files),
        Err(error) => Err(Fault::unreadable(&path.to_string_lossy(), &error)),
    }
}

fn walk(directory: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let entries = fs::read_dir(directory)?.map(|entry| entry.map(|entry| entry.path()));
    let mut entries = entries.collect::<io::Result<Vec<PathBuf>>>()?;
    entries.sort();
    for entry in entries {
        let is_hidden = entry.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        match entry.extension() {
            _ if is_hidden => {}
            _ if entry.is_dir() => walk(&entry, files)?,
            Some(extension) if extension == "md" => files.push(entry),
            _ => {}
        }
    }
    Ok(())
}

/// Reads the scenario in a file.
///
/// # Errors
/// What is wrong with the file.
pub fn read(path: &Path) -> Result<Scenario, Fault> {
    let file = path.to_string_lossy();
    let bytes = fs::read(path).map_err(|error| Fault::unreadable(&file, &error))?;
    let text = String::from_utf8(bytes).map_err(|error| Fault::not_utf8(&file, error.as_bytes()))?;
    Scenario::parse(&file, text)
}

/// What was read, or none when something is wrong with it, which is said.
///
/// # Errors
/// What the stream says.
pub fn told<T>(read: Result<T, Fault>, err: &mut impl io::Write) -> io::Result<Option<T>> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(fault) => writeln!(err, "{}", fault.render(false)).map(|()| None),
    }
}

/// What was read for a command that plays it again and again, in worlds of its own making; none when something is wrong
/// with it or it has steps for real programs, which is said.
///
/// # Errors
/// What the stream says.
pub fn told_alone(read: Result<Scenario, Fault>, err: &mut impl io::Write) -> io::Result<Option<Scenario>> {
    let Some(scenario) = told(read, err)? else { return Ok(None) };
    let Some(step) = scenario.first_real() else { return Ok(Some(scenario)) };
    let why = "is for real programs, which do not do the same twice: only `netyard test` plays it";
    writeln!(err, "error: {}:{}: this step {why}", scenario.file, step.line).map(|()| None)
}

/// Whether the name of a scenario's file or one of its headings is what `filter` means: a part of it, or all of it
/// when the filter has a `*` or `?`.
#[must_use]
pub fn lets_through(filter: &str, scenario: &Scenario) -> bool {
    let mut names = std::iter::once(&scenario.file).chain(&scenario.headings);
    if filter.contains(['*', '?']) {
        names.any(|name| wildcard(filter, name))
    } else {
        names.any(|name| name.contains(filter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_stand_for_whole_names() {
        assert!(wildcard("*/dns*.md", "scenarios/dns-01.md") && wildcard("a?c", "abc") && wildcard("*", ""));
        assert!(!wildcard("dns*", "scenarios/dns.md") && !wildcard("a?c", "ac"));
    }

    #[test]
    fn a_filter_looks_at_file_and_headings() {
        let text = "# Aliases live\n```console\n$ true\n```\n".to_owned();
        let scenario = Scenario::parse("walk/names.md", text).expect("the file is right");
        assert!(lets_through("names", &scenario) && lets_through("Aliases", &scenario));
        assert!(lets_through("Alias*live", &scenario) && lets_through("walk/*", &scenario));
        assert!(!lets_through("links", &scenario) && !lets_through("Alias?", &scenario));
    }
}
