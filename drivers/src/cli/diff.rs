//! `docker diff`: which files of a container are others than its image's.

use super::command::{Arity, Command, plain};
use super::containers::checked;
use super::flags::Order;
use super::object::{items, text};
use super::script::{Failure, Next, call, request};

/// The command.
pub(super) const DIFF: Command = Command {
    usage: "CONTAINER",
    about: "Inspect changes to files or directories on a container's filesystem",
    aliases: "docker container diff, docker diff",
    flags: &[],
    order: Order::Mixed,
    arity: Arity::Exactly(1),
    decorate: plain,
    run: |typed, cx| {
        if typed.rest[0].is_empty() {
            return Err(Failure::new("Container name cannot be empty"));
        }
        call(cx, request("GET", &format!("/containers/{}/changes", checked(&typed.rest[0])?)), |reply, cx| {
            for change in items(&reply.json()?) {
                let kind = match change["Kind"].as_u64() {
                    Some(0) => 'C',
                    Some(1) => 'A',
                    _ => 'D',
                };
                cx.print_line(&format!("{kind} {}", text(change, "Path")));
            }
            Ok(Next::Exit(0))
        })
    },
};

#[cfg(test)]
mod tests {
    use crate::cli::play::Play;

    #[test]
    fn changes_are_one_letter_and_a_path() {
        let mut play = Play::new("docker diff c1");
        play.answer(0, 200, r#"[{"Path":"/tmp","Kind":0},{"Path":"/tmp/f","Kind":1},{"Path":"/etc/x","Kind":2}]"#);
        assert_eq!((play.stdout(), play.exit()), ("C /tmp\nA /tmp/f\nD /etc/x\n", Some(0)));
        assert_eq!(Play::new("docker diff ''").stderr(), "Container name cannot be empty\n");
    }
}
