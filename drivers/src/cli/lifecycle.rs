//! `docker stop`, `restart`, `kill`, `pause` and `unpause`: one request for each container.

use super::command::{Arity, Command, plain};
use super::containers::{checked, each};
use super::flags::{Arguments, Flag, Order};
use super::query::query;
use super::script::{Cx, Outcome, request};

const TIMEOUT: Flag = Flag::int("timeout", "Seconds to wait before killing the container").short('t');
const SIGNAL: Flag = Flag::text("signal", "Signal to send to the container").short('s');
const HALT: &[Flag] = &[SIGNAL, TIMEOUT, Flag::alias("time", &TIMEOUT)];

const SEVERAL: &str = "CONTAINER [CONTAINER...]";
const SEVERAL_WITH_OPTIONS: &str = "[OPTIONS] CONTAINER [CONTAINER...]";

/// `docker stop`.
pub(super) const STOP: Command = Command {
    usage: SEVERAL_WITH_OPTIONS,
    about: "Stop one or more running containers",
    aliases: "docker container stop, docker stop",
    flags: HALT,
    order: Order::Mixed,
    arity: Arity::AtLeast(1),
    decorate: plain,
    run: |typed, cx| ask(typed, cx, "stop"),
};

/// `docker restart`.
pub(super) const RESTART: Command = Command {
    about: "Restart one or more containers",
    aliases: "docker container restart, docker restart",
    run: |typed, cx| ask(typed, cx, "restart"),
    ..STOP
};

/// `docker kill`.
pub(super) const KILL: Command = Command {
    about: "Kill one or more running containers",
    aliases: "docker container kill, docker kill",
    flags: &[SIGNAL],
    run: |typed, cx| ask(typed, cx, "kill"),
    ..STOP
};

/// `docker pause`.
pub(super) const PAUSE: Command = Command {
    usage: SEVERAL,
    about: "Pause all processes within one or more containers",
    aliases: "docker container pause, docker pause",
    flags: &[],
    run: |typed, cx| ask(typed, cx, "pause"),
    ..STOP
};

/// `docker unpause`.
pub(super) const UNPAUSE: Command = Command {
    about: "Unpause all processes within one or more containers",
    aliases: "docker container unpause, docker unpause",
    run: |typed, cx| ask(typed, cx, "unpause"),
    ..PAUSE
};

/// Before API 1.42 only `kill` tells the engine a signal.
fn ask(typed: &Arguments, cx: &mut Cx<'_>, verb: &'static str) -> Outcome {
    let signal = typed.text("signal").filter(|_| verb == "kill");
    let query = query(&[("t", typed.text("timeout").map(str::to_owned)), ("signal", signal.map(str::to_owned))]);
    each(&typed.rest, cx, |name| Ok(request("POST", &format!("/containers/{}/{verb}{query}", checked(name)?))), 1)
}

#[cfg(test)]
mod tests {
    use crate::cli::play::{Play, no_such_container};

    #[test]
    fn all_are_asked_at_once_and_printed_as_they_were_typed() {
        let mut play = Play::new("docker stop -t 1 c1 c2");
        assert_eq!(play.requests(), ["POST /v1.41/containers/c1/stop?t=1", "POST /v1.41/containers/c2/stop?t=1"]);
        play.answer(1, 204, "");
        assert_eq!(play.stdout(), "");
        play.answer(0, 204, "");
        assert_eq!((play.stdout(), play.exit()), ("c1\nc2\n", Some(0)));
    }

    #[test]
    fn what_the_engine_objects_to_comes_last() {
        let mut play = Play::new("docker kill -s INT nosuch c1");
        assert_eq!(play.requests()[0], "POST /v1.41/containers/nosuch/kill?signal=INT");
        play.answer(0, 404, no_such_container("nosuch"));
        play.answer(1, 204, "");
        assert_eq!(play.stdout(), "c1\n");
        assert_eq!(play.stderr(), "Error response from daemon: No such container: nosuch\n");
        assert_eq!(play.exit(), Some(1));
    }

    #[test]
    fn a_name_that_is_empty_is_not_asked_for() {
        let play = Play::new("docker pause ''");
        assert!(play.requests().is_empty());
        assert_eq!(play.stderr(), "invalid container name or ID: value is empty\n");
        assert_eq!(play.exit(), Some(1));
    }

    #[test]
    fn nobody_there() {
        let mut play = Play::new("docker unpause c1");
        play.vanish(0);
        let text =
            "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?\n";
        assert_eq!((play.stderr(), play.exit()), (text, Some(1)));
    }
}
