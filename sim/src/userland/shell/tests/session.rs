//! Sessions: lines typed one after the other, as a scenario does it.

use super::world::World;
use crate::userland::{Flavour, Signal, Status};

fn container() -> World {
    World::new(Flavour::Busybox, &["sh", "-s"])
}

fn host() -> World {
    World::new(Flavour::Host, &["sh", "-s"])
}

fn said(text: &str, status: i32) -> (String, Option<i32>) {
    (text.to_owned(), Some(status))
}

#[test]
fn every_line_is_run_when_it_is_complete_and_announced_once() {
    let mut world = container();
    assert_eq!(world.settle(), (None, None));
    assert_eq!(world.line("echo a; false"), said("a\n", 1));
    assert_eq!(world.line("echo $?"), said("1\n", 0));
    assert_eq!(world.line(""), said("", 0));
    assert_eq!(world.line("# nothing"), said("", 0));
}

#[test]
fn a_construct_waits_for_its_end() {
    let mut world = container();
    assert_eq!(world.line("for i in 1 2"), (String::new(), None));
    assert_eq!(world.line("do"), (String::new(), None));
    assert_eq!(world.line("echo $i; done"), said("1\n2\n", 0));
    assert_eq!(world.line("echo 'a"), (String::new(), None));
    assert_eq!(world.line("b' \\"), (String::new(), None));
    assert_eq!(world.line("c"), said("a\nb c\n", 0));
    assert_eq!(world.line("cat <<X |"), (String::new(), None));
    assert_eq!(world.line("here $((1+1))"), (String::new(), None));
    assert_eq!(world.line("X"), (String::new(), None));
    assert_eq!(world.line("cat"), said("here 2\n", 0));
}

#[test]
fn half_a_line_is_not_run() {
    let mut world = container();
    world.type_in("echo one; ec");
    assert_eq!(world.settle().0, None);
    assert_eq!(world.output(), "");
    assert_eq!(world.line("ho two"), said("one\ntwo\n", 0));
}

#[test]
fn several_lines_are_announced_together() {
    let mut world = container();
    assert_eq!(world.line("echo a\nx=5\necho $x"), said("a\n5\n", 0));
}

#[test]
fn errors_drop_the_line_and_not_the_session() {
    let mut world = container();
    assert_eq!(world.line("sudo ls"), said("sh: sudo: not found\n", 127));
    assert_eq!(world.line("fi"), said("sh: syntax error: unexpected \"fi\"\n", 2));
    assert_eq!(world.line("echo $((1/0)); echo same"), said("sh: divide by zero\n", 2));
    assert_eq!(world.line("readonly r=1; r=2; echo same"), said("sh: r: is read only\n", 2));
    assert_eq!(world.line("exit abc"), said("sh: exit: Illegal number: abc\n", 2));
    assert_eq!(world.line("cd /nope"), said("sh: cd: can't cd to /nope: No such file or directory\n", 2));
    assert_eq!(world.line("echo ${x:?gone}"), said("sh: x: gone\n", 2));
    assert_eq!(world.line("echo alive"), said("alive\n", 0));
}

#[test]
fn a_host_answers_as_sh_does() {
    let mut world = host();
    assert_eq!(world.line("foo"), said("sh: 1: foo: not found\n", 127));
    assert_eq!(world.line("cd /nope"), said("sh: 1: cd: can't cd to /nope\n", 2));
    assert_eq!(world.line("fi"), said("sh: 1: Syntax error: \"fi\" unexpected\n", 2));
    assert_eq!(world.line("echo >"), said("sh: 1: Syntax error: newline unexpected\n", 2));
    assert_eq!(
        world.line("echo $((1/0)); echo same"),
        said("sh: 1: arithmetic expression: division by zero: \"1/0\"\n", 2)
    );
}

#[test]
fn commands_share_the_sessions_input() {
    let mut world = container();
    assert_eq!(world.line("read a b\nx y z\necho $b"), said("y z\n", 0));
    world.type_in("cat\nfirst\n");
    assert_eq!(world.settle().0, None);
    assert_eq!(world.output(), "first\n");
}

#[test]
fn the_end_of_the_input_ends_the_session() {
    let mut world = container();
    world.type_in("trap 'echo bye' EXIT\n(exit 3)\n");
    world.hang_up();
    assert_eq!(world.settle().1, Some(Status::Exited(3)));
    assert_eq!(world.output(), "bye\n");
}

#[test]
fn an_interrupt_reaches_what_runs_in_the_foreground() {
    let mut world = container();
    assert_eq!(world.line("linger a; echo after"), (String::new(), None));
    world.signal(Signal::Interrupt);
    assert_eq!(world.settle().0, Some(0));
    assert_eq!(world.output(), "a ends\nafter\n");
    assert_eq!(world.line("cat; echo after"), (String::new(), None));
    world.signal(Signal::Interrupt);
    assert_eq!(world.settle().0, Some(130), "who dies of an interrupt takes the line along");
    assert_eq!(world.output(), "");
}

#[test]
fn an_interrupted_line_is_dropped() {
    let mut world = container();
    assert_eq!(world.line("while read x; do echo $x; done; echo after"), (String::new(), None));
    world.signal(Signal::Interrupt);
    assert_eq!(world.settle(), (Some(130), None));
    assert_eq!(world.line("soon 4; echo $?"), said("4\n", 0));
    world.signal(Signal::Terminate);
    assert_eq!(world.line("echo alive"), said("alive\n", 0));
}

#[test]
fn an_interrupt_at_an_unfinished_line_forgets_it() {
    let mut world = container();
    assert_eq!(world.line("for i in 1 2; do"), (String::new(), None));
    world.signal(Signal::Interrupt);
    assert_eq!(world.settle().0, Some(130));
    assert_eq!(world.line("echo fresh"), said("fresh\n", 0));
}

#[test]
fn a_busy_loop_lets_time_pass_and_can_be_interrupted() {
    let mut world = container();
    assert_eq!(world.line("while :; do :; done"), (String::new(), None));
    assert!(world.waits_for_time(), "an endless loop must not hold the world at one instant");
    world.signal(Signal::Interrupt);
    assert_eq!(world.settle().0, Some(130));
}

#[test]
fn a_writer_without_a_reader_ends() {
    let mut world = container();
    assert_eq!(world.line("while echo y; do :; done | { read x; echo $x; }"), said("y\n", 0));
    assert_eq!(world.running(), ["sh -s"]);
}

#[test]
fn a_writer_waits_for_a_slow_reader() {
    let mut world = container();
    assert_eq!(world.line("while echo 0123456789; do :; done | linger"), (String::new(), None));
    world.pass_time();
    assert!(!world.waits_for_time(), "the pipe is full and nobody is busy");
    world.signal(Signal::Interrupt);
    assert_eq!(world.settle().0, Some(0));
    assert_eq!(world.running(), ["sh -s"]);
}

#[test]
fn a_shell_without_arguments_reads_its_input_and_announces_nothing() {
    let mut world = World::new(Flavour::Busybox, &["sh"]);
    assert_eq!(world.line("echo a"), ("a\n".to_owned(), None));
    world.hang_up();
    assert_eq!(world.settle().1, Some(Status::Exited(0)));
}
