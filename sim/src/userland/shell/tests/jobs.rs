//! Jobs: what runs in the background, how it is shown, waited for and ended.

use super::world::World;
use crate::userland::Flavour;

fn container() -> World {
    World::new(Flavour::Busybox, &["sh", "-s"])
}

fn host() -> World {
    World::new(Flavour::Host, &["bash", "-s"])
}

fn output(world: &mut World, line: &str) -> String {
    let (output, ready) = world.line(line);
    assert!(ready.is_some(), "the session hangs at {line:?}");
    output
}

#[test]
fn a_job_takes_the_place_of_its_shell_and_dies_politely_of_an_interrupt() {
    let mut world = container();
    assert_eq!(output(&mut world, "linger app &"), "");
    assert_eq!(world.running(), ["sh -s", "linger app"]);
    assert_eq!(output(&mut world, "jobs"), "[1]+  Running                    linger app\n");
    assert_eq!(output(&mut world, "kill -INT %1; wait %1"), "app ends\n");
    assert_eq!(output(&mut world, "jobs"), "");
}

#[test]
fn ash_lists_the_newest_job_first_and_bash_the_oldest() {
    let mut world = container();
    output(&mut world, "linger a & soon 3 & linger b | cat >/dev/null &");
    assert_eq!(
        output(&mut world, "soon; jobs"),
        "[3]+  Running                    linger b | cat 1>/dev/null\n\
         [2]-  Done(3)                    soon 3\n\
         [1]   Running                    linger a\n"
    );
    let mut world = host();
    output(&mut world, "linger a & soon 3 & linger b | cat >/dev/null &");
    assert_eq!(
        output(&mut world, "soon; jobs"),
        "[1]   Running                 linger a &\n\
         [2]-  Exit 3                  soon 3\n\
         [3]+  Running                 linger b | cat > /dev/null &\n"
    );
}

#[test]
fn fg_shows_the_command_and_waits() {
    let mut world = container();
    assert_eq!(world.line("soon 4 & fg"), ("soon 4\n".to_owned(), Some(4)));
    assert_eq!(world.line("fg"), ("sh: fg: No current job\n".to_owned(), Some(2)));
    assert_eq!(world.line("fg %2"), ("sh: fg: %2: no such job\n".to_owned(), Some(2)));
    output(&mut world, "linger x &");
    assert_eq!(world.line("fg %1"), ("linger x\n".to_owned(), None));
    world.signal(crate::userland::Signal::Interrupt);
    assert!(world.settle().0.is_some());
    assert_eq!(world.output(), "x ends\n");
    let mut world = host();
    assert_eq!(world.line("fg"), ("bash: fg: current: no such job\n".to_owned(), Some(1)));
}

#[test]
fn wait_gives_the_status_of_what_it_waited_for() {
    let mut world = container();
    assert_eq!(world.line("soon 4 & wait $!"), (String::new(), Some(4)));
    assert_eq!(world.line("soon 5 & soon 6 & wait %1 %2"), (String::new(), Some(6)));
    assert_eq!(world.line("soon 7 & wait"), (String::new(), Some(0)));
    assert_eq!(world.line("wait %9"), ("sh: wait: %9: no such job\n".to_owned(), Some(2)));
    assert_eq!(world.line("linger & kill %1; wait $!"), ("Terminated\n".to_owned(), Some(143)));
}

#[test]
fn a_whole_pipeline_or_list_is_ended_by_its_group() {
    let mut world = container();
    output(&mut world, "linger a | cat & { linger b; linger c; } &");
    assert_eq!(world.running(), ["sh -s", "linger a", "cat", "sh -s", "linger b"]);
    output(&mut world, "kill %1 %2; wait");
    assert_eq!(world.running(), ["sh -s"]);
}

#[test]
fn a_stopped_job_is_shown_and_goes_on() {
    let mut world = container();
    output(&mut world, "soon 3 & kill -STOP %1; soon");
    assert_eq!(output(&mut world, "jobs"), "[1]+  Stopped                    soon 3\n");
    assert_eq!(output(&mut world, "bg; wait %1; echo $?"), "[1] soon 3\n3\n");
}

#[test]
fn a_trap_interrupts_wait() {
    let mut world = container();
    output(&mut world, "trap 'echo trapped' USR1; linger & ");
    let line = "(soon; kill -USR1 $$) & wait %1; echo $?";
    assert_eq!(output(&mut world, line), "trapped\n138\n");
}

#[test]
fn a_job_reads_nothing_and_outlives_the_line() {
    let mut world = container();
    assert_eq!(output(&mut world, "cat & wait; echo done"), "done\n");
    output(&mut world, "for i in 1 2; do soon; echo $i > /tmp/$i; done &");
    assert_eq!(output(&mut world, "wait; cat /tmp/2"), "2\n");
    assert_eq!(world.file("/tmp/1"), "1\n");
}

#[test]
fn scripts_in_files_are_run_by_a_shell() {
    let mut world = container();
    world.write("/tmp/s", "#!/bin/sh\necho $0 $1 $#\nnosuch\n");
    assert_eq!(world.line("./s a b; echo $?"), ("./s a 2\n./s: line 3: nosuch: not found\n127\n".to_owned(), Some(0)));
}
