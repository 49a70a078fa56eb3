//! `netyard shell` at a terminal: editing, completion, history, and the key that interrupts.

use std::fs;

use super::engine::directory;
use super::terminal::Terminal;

#[test]
fn at_a_terminal_lines_are_edited_completed_and_remembered() {
    let state = directory();
    let mut terminal = Terminal::new(|mut command| {
        command.env("XDG_STATE_HOME", &state).env("TERM", "xterm");
        command
    });
    let netyard = env!("CARGO_BIN_EXE_netyard");
    terminal.enter(&format!("{netyard} shell tests/fixtures/steps.md; echo left $?\n"));
    terminal.await_line("`help` says more");
    terminal.enter("jum\t 5m\r");
    terminal.await_line("at 300.000 s of virtual time");
    terminal.enter("\x1b[A\r");
    terminal.await_line("at 600.000 s of virtual time");
    // The key takes away what was typed and not read yet, so it is pressed when the line is under way.
    terminal.enter("echo begun; while true; do :; done\r");
    terminal.await_line("begun");
    terminal.press("\x03", "netyard: interrupted");
    terminal.enter("echo ab\x7fc; exit 1\r");
    terminal.await_line("ac");
    terminal.enter("exit 3\r");
    terminal.await_line("left 3");
    assert_eq!(terminal.leave(), Some(0));
    let remembered = fs::read_to_string(state.join("netyard/history")).expect("lines were remembered");
    assert!(remembered.contains("jump 5m\n") && remembered.contains("while true"), "{remembered}");
    fs::remove_dir_all(state).expect("it is ours");
}
