//! What the runtime (runc) says of a process that shall run in a container's files: who it would be, where it would
//! begin, and why its program cannot be run. It starts nothing.

use netyard_sim::userland::Files;
use netyard_sim::userland::accounts::{self, GROUP, PASSWD};
use netyard_sim::userland::files::normalise;

use crate::error::Unrunnable;

/// The one user and group that is known where no file says so.
const ROOT: &str = "root";

/// Why a program that was not found was not.
pub(super) fn unrunnable(files: &Files, cwd: &str, program: &str) -> Unrunnable {
    if !program.contains('/') {
        return Unrunnable::NotInPath;
    }
    let path = normalise(cwd, program);
    if files.is_directory(&path) || files.read(&path).is_ok() { Unrunnable::Forbidden } else { Unrunnable::Missing }
}

/// What is wrong with `user[:group]`.
pub(super) fn identity(files: &Files, text: &str) -> Option<String> {
    let (user, group) = text.split_once(':').unwrap_or((text, ""));
    refusal(files, PASSWD, user, "unable to find user", "passwd")
        .or_else(|| refusal(files, GROUP, group, "unable to find group", "group"))
}

/// What is wrong with more groups.
pub(super) fn groups(files: &Files, groups: &[String]) -> Option<String> {
    groups.iter().find_map(|group| refusal(files, GROUP, group, "Unable to find group", "group"))
}

/// A number needs no entry in a file, but must be one that Linux can have.
fn refusal(files: &Files, path: &str, name: &str, words: &str, file: &str) -> Option<String> {
    if name.is_empty() || name == ROOT || accounts::named(&files.text(path), name).is_some() {
        return None;
    }
    if name.bytes().all(|b| b.is_ascii_digit()) {
        let fits = name.parse::<u32>().is_ok_and(|number| i32::try_from(number).is_ok());
        return (!fits).then(|| "uids and gids must be in range 0-2147483647".to_owned());
    }
    Some(format!("{words} {name}: no matching entries in {file} file"))
}

/// What is wrong with the directory that a process shall begin in.
pub(super) fn directory(files: &Files, path: &str) -> Option<String> {
    if path.is_empty() {
        return None;
    }
    if !path.starts_with('/') {
        return Some("Cwd must be an absolute path".to_owned());
    }
    let path = normalise("/", path);
    (!files.is_directory(&path)).then(|| {
        format!("unable to start container process: chdir to cwd (\"{path}\") set in config.json failed: no such file or directory")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Files {
        let mut files = Files::default();
        files.make_directory("/etc");
        files
            .write(PASSWD, "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n")
            .expect("/etc is there");
        files
    }

    #[test]
    fn who_a_process_is_stands_in_the_containers_files() {
        let said = |text| identity(&files(), text);
        assert_eq!((said(""), said("root"), said("nobody:0"), said("1000:1000")), (None, None, None, None));
        assert_eq!(said("nosuch").as_deref(), Some("unable to find user nosuch: no matching entries in passwd file"));
        assert_eq!(said("0:nosuch").as_deref(), Some("unable to find group nosuch: no matching entries in group file"));
        assert_eq!(said("99999999999").as_deref(), Some("uids and gids must be in range 0-2147483647"));
    }

    #[test]
    fn what_is_no_program_is_told_from_what_is_not_there() {
        let said = |program| unrunnable(&files(), "/", program);
        assert_eq!((said("/"), said("/etc/passwd")), (Unrunnable::Forbidden, Unrunnable::Forbidden));
        assert_eq!((said("./x"), said("x")), (Unrunnable::Missing, Unrunnable::NotInPath));
    }

    #[test]
    fn a_process_begins_in_a_directory_that_is_there() {
        assert_eq!((directory(&files(), ""), directory(&files(), "/etc/")), (None, None));
        assert_eq!(directory(&files(), "tmp").as_deref(), Some("Cwd must be an absolute path"));
    }
}
