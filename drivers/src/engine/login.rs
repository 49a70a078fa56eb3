//! Who a process in a container is: its user and groups by the container's own files, what it may do, and its
//! environment. Whether such a user can be is the runtime's to say.

use std::collections::BTreeMap;

use netyard_sim::userland::accounts::{self, GROUP, PASSWD};
use netyard_sim::userland::{Files, Rights, User};
use netyard_sim::world::World;

use super::Engine;
use super::start::environment;
use crate::container::Container;

/// Where a user begins whom no file knows.
const NOWHERE: &str = "/";

/// What a process in a container begins with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Login {
    /// Who it is.
    pub user: User,
    /// What it may do with the container's network.
    pub rights: Rights,
    /// Its environment.
    pub env: BTreeMap<String, String>,
}

/// What is asked of a login beside its container.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wish<'a> {
    /// `user[:group]`; the container's own when empty.
    pub(super) user: &'a str,
    /// More of its environment.
    pub(super) env: &'a [String],
    pub(super) tty: bool,
    pub(super) privileged: bool,
}

impl Engine {
    /// What a new process in a container begins with, as `docker exec` gives it.
    #[must_use]
    pub fn login(&self, world: &World, container: &Container) -> Login {
        self.login_as(world, container, Wish { tty: container.config.tty, ..Wish::default() })
    }

    pub(super) fn login_as(&self, world: &World, container: &Container, wish: Wish<'_>) -> Login {
        let config = &container.config;
        let context = container.context.expect("a container that begins has files");
        let text = if wish.user.is_empty() { &config.user } else { wish.user };
        let (user, home) = resolve(&world.processes.context(context).files, text, &config.groups);
        let rights = match wish.privileged {
            _ if !user.is_root() => Rights::NONE,
            true => Rights::ALL,
            false => config.rights,
        };
        let links = self.link_variables(container);
        Login { user, rights, env: environment(container, &home, &links, wish.env, wish.tty) }
    }
}

/// The line of a file whose name or number is this, in fields.
fn entry<'a>(text: &'a str, word: &str) -> Option<Vec<&'a str>> {
    accounts::named(text, word).or_else(|| accounts::numbered(text, word))
}

fn number(word: &str) -> u32 {
    word.parse().unwrap_or(0)
}

/// The number of a group; one that no file knows is one already.
fn group(text: &str, word: &str) -> u32 {
    entry(text, word).and_then(|fields| fields.get(2).copied()).map_or_else(|| number(word), number)
}

/// Who `user[:group]` is, with more groups, and the home of that user. The group of its own is in the list of its groups
/// as well, as the engine makes it.
fn resolve(files: &Files, text: &str, more: &[String]) -> (User, String) {
    let (name, own) = text.split_once(':').unwrap_or((text, ""));
    let name = if name.is_empty() { "0" } else { name };
    let (users, groups) = (files.text(PASSWD), files.text(GROUP));
    let account = entry(&users, name);
    let field = |at: usize| account.as_ref().and_then(|fields| fields.get(at).copied());
    let gid = if own.is_empty() { field(3).map_or(0, number) } else { group(&groups, own) };
    let mut all = vec![gid];
    if let Some(user) = field(0).filter(|_| own.is_empty()) {
        all.extend(accounts::memberships(&groups, user).map(number));
    }
    all.extend(more.iter().map(|word| group(&groups, word)));
    // The kernel keeps them in their order.
    all.sort_unstable();
    all.dedup();
    let uid = field(2).map_or_else(|| number(name), number);
    (User { uid, gid, groups: all }, field(5).unwrap_or(NOWHERE).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(text: &str, more: &[&str]) -> (u32, u32, Vec<u32>, String) {
        let mut files = Files::default();
        files.make_directory("/etc");
        files
            .write(PASSWD, "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65533::/home:/bin/false\n")
            .and_then(|()| files.write(GROUP, "root:x:0:\nwheel:x:10:root\nstaff:x:50:nobody\n"))
            .expect("/etc is there");
        let more: Vec<String> = more.iter().map(|word| (*word).to_owned()).collect();
        let (user, home) = resolve(&files, text, &more);
        (user.uid, user.gid, user.groups, home)
    }

    #[test]
    fn who_somebody_is_stands_in_the_containers_files() {
        assert_eq!(who("", &[]), (0, 0, vec![0, 10], "/root".to_owned()));
        assert_eq!(who("nobody", &[]), (65534, 65533, vec![50, 65533], "/home".to_owned()));
        assert_eq!(who("65534", &[]), who("nobody", &[]));
        assert_eq!(who("nobody:wheel", &[]), (65534, 10, vec![10], "/home".to_owned()));
        assert_eq!(who("1000", &["staff", "7"]), (1000, 0, vec![0, 7, 50], "/".to_owned()));
        assert_eq!(who("1000:1000", &["1000"]), (1000, 1000, vec![1000], "/".to_owned()));
    }
}
