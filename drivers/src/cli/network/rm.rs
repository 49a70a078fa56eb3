//! `docker network rm`: removes networks, one after the other, and goes on after a refusal.

use crate::cli::command::{Arity, Command, plain};
use crate::cli::flags::{Arguments, Flag, Order};
use crate::cli::query::path_escaped;
use crate::cli::script::{Cx, Failure, Next, Outcome, call, request};

/// What is to be thought of before ports are published by another network.
const INGRESS: &str = "Before removing the routing-mesh network, make sure all the nodes in your swarm run the same \
                       docker engine version. Otherwise, removal may not be effective and functionality of newly create \
                       ingress networks will be impaired.";

/// The command.
pub(in super::super) const RM: Command = Command {
    usage: "NETWORK [NETWORK...]",
    about: "Remove one or more networks",
    aliases: "docker network rm, docker network remove",
    flags: &[Flag::switch("force", "Do not error if the network does not exist").short('f')],
    order: Order::Mixed,
    arity: Arity::AtLeast(1),
    decorate: plain,
    run: |typed: &Arguments, cx| {
        let left = typed.rest.iter().rev().cloned().collect();
        Removal { left, force: typed.is_on("force"), failed: false }.next(cx)
    },
};

/// A removal under way: the names that are left, the next one last.
#[derive(Clone)]
struct Removal {
    left: Vec<String>,
    force: bool,
    failed: bool,
}

impl Removal {
    /// The network is looked at first, because before the swarm's ingress network is removed there is a question.
    fn next(mut self, cx: &mut Cx<'_>) -> Outcome {
        let Some(name) = self.left.pop() else {
            return if self.failed { Err(Failure::new("exit status 1")) } else { Ok(Next::Exit(0)) };
        };
        if name.trim().is_empty() {
            cx.error_line("invalid network name or ID: value is empty");
            self.failed = true;
            return self.next(cx);
        }
        let path = format!("/networks/{}", path_escaped(&name));
        call(cx, request("GET", &path), move |reply, cx| {
            if !reply.json().is_ok_and(|network| network["Ingress"] == true) {
                return self.remove(name, &path, cx);
            }
            cx.print(format!("WARNING! {INGRESS}\nAre you sure you want to continue? [y/N] "));
            Ok(Next::Line(Box::new(move |answer: String, cx| match answer.trim() {
                "y" | "Y" => self.remove(name, &path, cx),
                _ => self.next(cx),
            })))
        })
    }

    fn remove(mut self, name: String, path: &str, cx: &mut Cx<'_>) -> Outcome {
        call(cx, request("DELETE", path), move |reply, cx| {
            let forgiven = self.force && reply.status == 404;
            match reply.accepted() {
                Ok(_) => cx.print_line(&name),
                Err(_) if forgiven => {}
                Err(failure) => {
                    cx.error_line(&failure.message);
                    self.failed = true;
                }
            }
            self.next(cx)
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::play::Play;

    #[test]
    fn each_is_looked_at_and_removed_and_a_refusal_does_not_end_it() {
        let mut play = Play::new("docker network rm bridge n1");
        play.answer(0, 200, "{}");
        play.answer(1, 403, r#"{"message":"bridge is a pre-defined network and cannot be removed"}"#);
        play.answer(2, 200, "{}");
        play.answer(3, 204, "");
        let expected = ["GET bridge", "DELETE bridge", "GET n1", "DELETE n1"];
        assert_eq!(play.requests(), expected.map(|line| line.replace(' ', " /v1.41/networks/")));
        let told = "Error response from daemon: bridge is a pre-defined network and cannot be removed\nexit status 1\n";
        assert_eq!((play.stdout(), play.stderr(), play.exit()), ("n1\n", told, Some(1)));
    }

    #[test]
    fn the_network_by_which_ports_are_published_goes_only_when_somebody_says_yes() {
        for (answer, requests) in [("y\n", 2), ("n\n", 1)] {
            let mut play = Play::new("docker network rm ingress");
            play.answer(0, 200, r#"{"Ingress":true}"#);
            play.enter(answer);
            assert_eq!(play.requests().len(), requests, "{answer:?}");
        }
    }

    #[test]
    fn forced_a_missing_network_is_no_failure() {
        let mut play = Play::new("docker network rm -f gone");
        play.answer(0, 404, r#"{"message":"network gone not found"}"#);
        play.answer(1, 404, r#"{"message":"network gone not found"}"#);
        assert_eq!((play.stdout(), play.stderr(), play.exit()), ("", "", Some(0)));
    }
}
