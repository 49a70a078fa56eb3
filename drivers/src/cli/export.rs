//! `docker export`: all files of a container as an archive.

use super::command::{Arity, Command, plain};
use super::containers::checked;
use super::cp::check_output_path;
use super::flags::{Arguments, Flag, Order};
use super::script::{Cx, Failure, Next, Outcome, call, request};

/// The command.
pub(super) const EXPORT: Command = Command {
    usage: "[OPTIONS] CONTAINER",
    about: "Export a container's filesystem as a tar archive",
    aliases: "docker container export, docker export",
    flags: &[Flag::text("output", "Write to a file, instead of STDOUT").short('o')],
    order: Order::Mixed,
    arity: Arity::Exactly(1),
    decorate: plain,
    run,
};

fn run(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    let output = typed.text("output").unwrap_or_default().to_owned();
    if output.is_empty() && cx.place.terminals[1] {
        return Err(Failure::new("cowardly refusing to save to a terminal. Use the -o flag or redirect"));
    }
    if !output.is_empty() {
        let failed = |why: Failure| Failure::new(format!("failed to export container: {}", why.message));
        check_output_path(&output, cx.place).map_err(failed)?;
    }
    call(cx, request("GET", &format!("/containers/{}/export", checked(&typed.rest[0])?)), move |reply, cx| {
        let archive = reply.accepted()?.body;
        if output.is_empty() {
            cx.print(&archive);
        } else {
            cx.output.files.push((cx.place.absolute(&output), archive));
        }
        Ok(Next::Exit(0))
    })
}

#[cfg(test)]
mod tests {
    use crate::cli::play::Play;

    #[test]
    fn an_archive_goes_to_a_file_or_not_to_a_terminal() {
        let mut play = Play::new("docker export -o all.tar c1");
        play.answer(0, 200, "archive");
        assert_eq!(play.written(), [("/root/all.tar".to_owned(), b"archive".to_vec())]);
        let play = Play::new("docker export c1");
        let expected = "cowardly refusing to save to a terminal. Use the -o flag or redirect\n";
        assert_eq!((play.stderr(), play.exit()), (expected, Some(1)));
    }
}
