//! `docker network disconnect`.

use serde_json::json;

use super::connect::named;

use crate::cli::command::{Arity, Command, plain};
use crate::cli::flags::{Arguments, Flag, Order};
use crate::cli::query::path_escaped;
use crate::cli::script::{Cx, Next, Outcome, call, request_with};

/// The command.
pub(in super::super) const DISCONNECT: Command = Command {
    usage: "[OPTIONS] NETWORK CONTAINER",
    about: "Disconnect a container from a network",
    aliases: "",
    flags: &[Flag::switch("force", "Force the container to disconnect from a network").short('f')],
    order: Order::Mixed,
    arity: Arity::Exactly(2),
    decorate: plain,
    run,
};

fn run(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    let (network, container) = named(typed)?;
    let body = json!({"Container": container, "Force": typed.is_on("force")});
    let path = format!("/networks/{}/disconnect", path_escaped(network));
    call(cx, request_with("POST", &path, &body), |reply, _| reply.accepted().map(|_| Next::Exit(0)))
}

#[cfg(test)]
mod tests {
    use crate::cli::play::Play;

    #[test]
    fn disconnects_in_silence_or_tells_why_not() {
        let mut play = Play::new("docker network disconnect -f n1 c1");
        assert_eq!(play.requests(), ["POST /v1.41/networks/n1/disconnect"]);
        assert_eq!(play.body(0), r#"{"Container":"c1","Force":true}"#);
        play.answer(0, 500, r#"{"message":"container 6e72 is not connected to network n1"}"#);
        let expected = "Error response from daemon: container 6e72 is not connected to network n1\n";
        assert_eq!((play.stderr(), play.exit()), (expected, Some(1)));
        let mut play = Play::new("docker network disconnect n1 c1");
        play.answer(0, 200, "");
        assert_eq!((play.stdout(), play.stderr(), play.exit()), ("", "", Some(0)));
    }
}
