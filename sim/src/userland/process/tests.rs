//! Stories of processes: who runs, who waits, and what is left of who ended.

use std::collections::BTreeMap;

use super::*;
use crate::rng::Seed;
use crate::time::Duration;
use crate::userland::Files;

/// A program as a closure.
#[derive(Clone)]
struct Act<F>(F);

impl<F: FnMut(&mut Sys<'_>) -> Step + Clone> Program for Act<F> {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        (self.0)(sys)
    }
}

/// A program that takes every signal and prints its name.
#[derive(Clone)]
struct Listener;

impl Program for Listener {
    fn step(&mut self, _: &mut Sys<'_>) -> Step {
        Step::Wait(None)
    }

    fn signal(&mut self, sys: &mut Sys<'_>, signal: Signal) -> bool {
        sys.print(format!("{} ", signal.name()));
        true
    }
}

/// A place, a network, and a pipe that all that is printed goes into.
struct Lab {
    table: Table,
    fabric: Fabric,
    context: ContextId,
    namespace: NamespaceId,
    output: Stream,
    printed: Stream,
}

const NULLS: [Stream; 3] = [Stream::Null, Stream::Null, Stream::Null];

fn act(program: impl FnMut(&mut Sys<'_>) -> Step + Clone + 'static) -> Box<dyn Program> {
    Box::new(Act(program))
}

fn sleeper() -> Box<dyn Program> {
    act(|_| Step::Wait(None))
}

fn secs(n: u64) -> Instant {
    Instant::ZERO + Duration::from_secs(n)
}

impl Lab {
    fn new() -> Self {
        let mut programs = Programs::default();
        programs.add(Flavour::Host, "sleep", sleeper);
        let mut fabric = Fabric::new(Seed(1));
        let namespace = fabric.create_namespace("lab");
        let mut table = Table::new(programs, Epoch::DEFAULT);
        let place = || Context { files: Files::default(), hostname: "lab".to_owned(), flavour: Flavour::Host };
        let context = table.create_context(place());
        let (output, printed) = table.streams_mut().pipe();
        Self { table, fabric, context, namespace, output, printed }
    }

    fn spawn(&self, streams: [Stream; 3]) -> Spawn {
        Spawn {
            argv: vec!["program".to_owned()],
            env: BTreeMap::new(),
            cwd: "/".to_owned(),
            namespace: self.namespace,
            context: self.context,
            streams,
            group: None,
            init: false,
            rights: Rights::CONTAINER,
            user: User::ROOT,
        }
    }

    /// Starts a program that prints into the lab's pipe.
    fn start(&mut self, program: Box<dyn Program>) -> Pid {
        let printed = self.table.streams_mut().dup(&self.printed);
        self.start_with([Stream::Null, printed, Stream::Null], program)
    }

    fn start_with(&mut self, streams: [Stream; 3], program: Box<dyn Program>) -> Pid {
        let spawn = self.spawn(streams);
        self.table.spawn_program(program, spawn, None, Instant::ZERO)
    }

    fn pipe(&mut self) -> (Stream, Stream) {
        self.table.streams_mut().pipe()
    }

    /// Runs until everybody waits; how the processes without a parent ended meanwhile.
    fn settle(&mut self) -> Vec<(Pid, Status)> {
        while self.table.run_one(&mut self.fabric) {}
        let events = core::iter::from_fn(|| self.table.poll_event());
        events
            .filter_map(|event| match event {
                Event::Exited(pid, status) => Some((pid, status)),
                _ => None,
            })
            .collect()
    }

    fn signal(&mut self, pid: Pid, signal: Signal) -> Vec<(Pid, Status)> {
        assert!(self.table.signal(&mut self.fabric, pid, signal));
        self.settle()
    }

    /// What was printed since the last time.
    fn printed(&mut self) -> String {
        match self.table.read(&mut self.output) {
            Read::Data(bytes) => String::from_utf8(bytes).unwrap(),
            Read::Blocked | Read::End => String::new(),
        }
    }
}

/// A parent whose child ends with 3; it asks for the status when it is told to.
fn parent() -> Box<dyn Program> {
    let mut child = None;
    act(move |sys| match child {
        None => {
            let spawn = sys.inherit(vec!["child".to_owned()], NULLS, None);
            child = sys.spawn_program(act(|_| Step::Exit(3)), spawn).ok();
            Step::Wait(Some(secs(1)))
        }
        Some(pid) if sys.now() >= secs(1) => {
            let asked = (sys.try_wait(pid), sys.try_wait(pid));
            sys.print(format!("{asked:?}"));
            Step::Wait(None)
        }
        Some(_) => Step::Wait(Some(secs(1))),
    })
}

#[test]
fn a_child_that_ended_stays_until_its_parent_asks_and_then_is_gone() {
    let mut lab = Lab::new();
    let child = Pid(lab.start(parent()).0 + 1);
    assert_eq!(lab.settle(), [], "the parent lives, so nobody else is told");
    assert!(!lab.table.is_alive(child) && lab.table.argv(child).is_some(), "a zombie");
    lab.fabric.advance(secs(1));
    lab.table.expire(secs(1));
    lab.settle();
    assert_eq!(lab.printed(), "(Some(Exited(3)), None)");
    assert_eq!(lab.table.argv(child), None);
}

#[test]
fn the_zombies_of_a_parent_vanish_with_it_and_its_living_children_go_on() {
    let mut lab = Lab::new();
    let zombies = lab.start(parent());
    lab.settle();
    assert_eq!(lab.signal(zombies, Signal::Kill), [(zombies, Status::Signalled(Signal::Kill))]);
    assert_eq!(lab.table.argv(Pid(zombies.0 + 1)), None);

    let careless = lab.start(act(|sys| {
        sys.spawn(vec!["sleep".to_owned()], NULLS, None).unwrap();
        Step::Exit(0)
    }));
    assert_eq!(lab.settle(), [(careless, Status::Exited(0))]);
    let orphan = Pid(careless.0 + 1);
    assert!(lab.table.is_alive(orphan));
    let ended = Status::Signalled(Signal::Terminate);
    assert_eq!(lab.signal(orphan, Signal::Terminate), [(orphan, ended)], "an orphan's end is told to the owner");
}

#[test]
fn who_writes_into_a_pipe_without_a_reader_gets_sigpipe() {
    let mut lab = Lab::new();
    let (reader, writer) = lab.pipe();
    let yes = lab.start_with(
        [Stream::Null, writer, Stream::Null],
        act(|sys| {
            sys.print("y\n");
            if sys.is_output_full() { Step::Wait(None) } else { Step::Yield }
        }),
    );
    assert_eq!(lab.settle(), [], "it fills the pipe and waits");
    lab.table.close(reader);
    assert_eq!(lab.settle(), [], "nobody reads, but it does not write either");
    let ended = lab.signal(yes, Signal::Continue);
    assert_eq!(ended, [(yes, Status::Signalled(Signal::Pipe))]);
    assert_eq!(ended[0].1.code(), 141);
}

#[test]
fn a_reader_that_ends_wakes_the_writer_which_then_dies() {
    let mut lab = Lab::new();
    let (input, output) = lab.pipe();
    let yes = lab.start_with(
        [Stream::Null, output, Stream::Null],
        act(|sys| {
            sys.print([b'y'; 4096]);
            if sys.is_output_full() { Step::Wait(None) } else { Step::Yield }
        }),
    );
    let mut lines = 0;
    let head = lab.start_with(
        [input, Stream::Null, Stream::Null],
        act(move |sys| {
            lines += usize::from(matches!(sys.read(4096), Read::Data(_)));
            if lines == 20 { Step::Exit(0) } else { Step::Wait(None) }
        }),
    );
    assert_eq!(lab.settle(), [(head, Status::Exited(0)), (yes, Status::Signalled(Signal::Pipe))]);
}

#[test]
fn a_reader_sees_the_end_when_the_last_writer_is_gone() {
    let mut lab = Lab::new();
    let (input, writer) = lab.pipe();
    let second = lab.table.streams_mut().dup(&writer);
    let cat = lab.start_with(
        [input, Stream::Null, Stream::Null],
        act(|sys| match sys.read(10) {
            Read::End => Step::Exit(0),
            Read::Data(_) | Read::Blocked => Step::Wait(None),
        }),
    );
    lab.table.close(writer);
    assert_eq!(lab.settle(), []);
    lab.table.close(second);
    assert_eq!(lab.settle(), [(cat, Status::Exited(0))]);
}

#[test]
fn many_writes_wake_a_reader_once() {
    let mut lab = Lab::new();
    let (input, writer) = lab.pipe();
    let printed = lab.table.streams_mut().dup(&lab.printed);
    lab.start_with(
        [input, printed, Stream::Null],
        act(|sys| {
            if let Read::Data(bytes) = sys.read(100) {
                sys.print(format!("{} ", bytes.len()));
            }
            Step::Wait(None)
        }),
    );
    lab.settle();
    for _ in 0..5 {
        lab.table.write(&writer, b"x");
    }
    lab.settle();
    assert_eq!(lab.printed(), "5 ");
}

#[test]
fn who_changes_its_input_is_woken_by_the_new_pipe_only() {
    let mut lab = Lab::new();
    let ((old, into_old), (new, into_new)) = (lab.pipe(), lab.pipe());
    let printed = lab.table.streams_mut().dup(&lab.printed);
    let (mut new, mut kept) = (Some(new), None);
    lab.start_with(
        [old, printed, Stream::Null],
        act(move |sys| {
            if let Some(new) = new.take() {
                kept = Some(sys.replace(0, new));
            }
            sys.print(if kept.is_some() { "step " } else { "" });
            let _ = sys.read(100);
            Step::Wait(None)
        }),
    );
    lab.settle();
    lab.table.write(&into_old, b"x");
    lab.settle();
    assert_eq!(lab.printed(), "step ");
    lab.table.write(&into_new, b"x");
    lab.settle();
    assert_eq!(lab.printed(), "step ");
}

#[test]
fn one_of_two_handles_on_a_pipe_is_enough_to_be_woken() {
    let mut lab = Lab::new();
    let (input, writer) = lab.pipe();
    let again = lab.table.streams_mut().dup(&input);
    let printed = lab.table.streams_mut().dup(&lab.printed);
    lab.start_with(
        [input, printed, again],
        act(|sys| {
            let before = sys.replace(0, Stream::Null);
            sys.close_stream(before);
            sys.print("step ");
            Step::Wait(None)
        }),
    );
    lab.settle();
    lab.table.write(&writer, b"x");
    lab.settle();
    assert_eq!(lab.printed(), "step step ");
}

#[test]
fn the_owner_is_told_once_that_there_is_something_to_read() {
    let mut lab = Lab::new();
    lab.start(act(|sys| {
        sys.print("one ");
        sys.print("two");
        Step::Wait(None)
    }));
    while lab.table.run_one(&mut lab.fabric) {}
    assert!(matches!(lab.table.poll_event(), Some(Event::Readable(_))));
    assert!(lab.table.poll_event().is_none());
    assert_eq!(lab.printed(), "one two");
}

#[test]
fn signals_come_in_order_and_kill_is_asked_of_nobody() {
    let mut lab = Lab::new();
    let listener = lab.start(Box::new(Listener));
    lab.settle();
    for signal in [Signal::Hangup, Signal::User1, Signal::Terminate] {
        assert!(lab.table.signal(&mut lab.fabric, listener, signal));
    }
    assert_eq!(lab.settle(), []);
    assert_eq!(lab.printed(), "HUP USR1 TERM ");
    assert_eq!(lab.signal(listener, Signal::Kill), [(listener, Status::Signalled(Signal::Kill))]);
    assert!(!lab.table.signal(&mut lab.fabric, listener, Signal::Hangup), "there is no such process");
}

#[test]
fn process_1_of_a_container_ignores_what_it_does_not_handle() {
    let mut lab = Lab::new();
    let spawn = Spawn { init: true, ..lab.spawn(NULLS) };
    let init = lab.table.spawn_program(sleeper(), spawn, None, Instant::ZERO);
    assert_eq!(lab.signal(init, Signal::Terminate), []);
    assert_eq!(lab.signal(init, Signal::Kill), [(init, Status::Signalled(Signal::Kill))]);
}

#[test]
fn a_stopped_process_takes_its_signals_when_it_goes_on() {
    let mut lab = Lab::new();
    let listener = lab.start(Box::new(Listener));
    lab.settle();
    lab.signal(listener, Signal::Stop);
    lab.signal(listener, Signal::User1);
    assert_eq!(lab.printed(), "");
    lab.signal(listener, Signal::Continue);
    assert_eq!(lab.printed(), "USR1 CONT ");
}

#[test]
fn a_paused_place_lets_time_pass_it_by() {
    let mut lab = Lab::new();
    lab.start(act(|sys| {
        sys.print(format!("{} ", sys.now().as_nanos() / 1_000_000_000));
        Step::Wait(Some(secs(sys.now().as_nanos() / 1_000_000_000 + 1)))
    }));
    lab.settle();
    lab.table.set_paused(lab.context, true);
    for second in 1..=3 {
        lab.fabric.advance(secs(second));
        lab.table.expire(secs(second));
        lab.settle();
    }
    assert_eq!(lab.printed(), "0 ");
    lab.table.set_paused(lab.context, false);
    lab.settle();
    assert_eq!((lab.printed().as_str(), lab.table.next_at()), ("3 ", Some(secs(4))));
}

#[test]
fn whoever_is_woken_early_waits_for_no_old_deadline() {
    let mut lab = Lab::new();
    let mut steps = 0;
    let pid = lab.start(act(move |_| {
        steps += 1;
        Step::Wait((steps == 1).then(|| secs(5)))
    }));
    lab.settle();
    assert_eq!(lab.table.next_at(), Some(secs(5)));
    lab.signal(pid, Signal::Continue);
    assert_eq!(lab.table.next_at(), None);
}

#[test]
fn a_signal_to_a_group_reaches_all_of_it_and_one_to_another_place_nobody() {
    let mut lab = Lab::new();
    let other = Context { files: Files::default(), hostname: "other".to_owned(), flavour: Flavour::Host };
    let elsewhere = lab.table.create_context(other);
    let spawn = Spawn { context: elsewhere, ..lab.spawn(NULLS) };
    let stranger = lab.table.spawn_program(sleeper(), spawn, None, Instant::ZERO);
    let leader = lab.start(sleeper());
    let spawn = Spawn { group: Some(leader), ..lab.spawn(NULLS) };
    let member = lab.table.spawn_program(sleeper(), spawn, None, Instant::ZERO);
    lab.settle();
    let killer = lab.start(act(move |sys| {
        let empty = sys.kill_group(Pid(99), Signal::Interrupt);
        let reached =
            (sys.kill(stranger, Some(Signal::Kill)).is_ok(), sys.kill_group(leader, Signal::Interrupt), empty);
        sys.print(format!("{reached:?}"));
        Step::Exit(0)
    }));
    let interrupted = Status::Signalled(Signal::Interrupt);
    assert_eq!(lab.settle(), [(killer, Status::Exited(0)), (leader, interrupted), (member, interrupted)]);
    assert_eq!(lab.printed(), "(false, true, false)");
    assert_eq!(lab.table.pids_of(elsewhere), [stranger]);
}

#[test]
fn a_socket_dies_with_its_process() {
    let mut lab = Lab::new();
    let server = || {
        act(|sys| match sys.udp_bind("0.0.0.0:53".parse().unwrap()) {
            Ok(_) => Step::Wait(None),
            Err(errno) => {
                sys.print(errno.to_string());
                Step::Exit(1)
            }
        })
    };
    let first = lab.start(server());
    let second = lab.start(server());
    assert_eq!(lab.settle(), [(second, Status::Exited(1))]);
    assert_eq!(lab.printed(), "Address already in use");
    lab.signal(first, Signal::Kill);
    lab.start(server());
    assert_eq!(lab.settle(), []);
}

#[test]
fn a_program_that_is_not_there_leaves_no_open_pipe_behind() {
    let mut lab = Lab::new();
    let (mut output, writer) = lab.pipe();
    let spawn = Spawn { argv: vec!["nothing".to_owned()], ..lab.spawn([Stream::Null, writer, Stream::Null]) };
    assert_eq!(lab.table.spawn(spawn, None, Instant::ZERO), Err(Errno::NoEntry));
    assert_eq!(lab.table.read(&mut output), Read::End);
    let shell = lab.start(act(|sys| {
        assert!(sys.exec(vec!["nothing".to_owned()]).is_err());
        assert_eq!(sys.argv(), ["program"]);
        let _sleep = sys.exec(vec!["/bin/sleep".to_owned(), "9".to_owned()]).expect("sleep is a program");
        Step::Wait(None)
    }));
    lab.settle();
    assert_eq!(lab.table.argv(shell).unwrap(), ["/bin/sleep", "9"]);
}

/// A program that makes one call and prints what comes.
fn caller() -> Box<dyn Program> {
    let mut call = None;
    act(move |sys| {
        let request = || Request { method: "GET", target: "/info".to_owned(), ..Request::default() };
        let id = *call.get_or_insert_with(|| sys.call("/run/daemon.sock", request()));
        let answer = sys.poll_call(id);
        sys.print(format!("{:?} {} ", answer.status, String::from_utf8_lossy(&answer.body)));
        if answer.done { Step::Exit(0) } else { Step::Wait(None) }
    })
}

fn called(lab: &mut Lab) -> CallId {
    while lab.table.run_one(&mut lab.fabric) {}
    let mut events = core::iter::from_fn(|| lab.table.poll_event());
    let call = events.find_map(|event| match event {
        Event::Called { id, socket, request, .. } => Some((id, socket, request.target)),
        _ => None,
    });
    let (id, socket, target) = call.expect("somebody calls");
    assert_eq!((socket.as_str(), target.as_str()), ("/run/daemon.sock", "/info"));
    id
}

#[test]
fn an_answer_comes_in_pieces_and_each_is_taken_once() {
    let mut lab = Lab::new();
    let pid = lab.start(caller());
    let id = called(&mut lab);
    lab.table.respond(id, 200, Vec::new());
    lab.settle();
    lab.table.respond_body(id, b"hel");
    lab.table.respond_body(id, b"lo");
    lab.settle();
    lab.table.respond_end(id);
    assert_eq!(lab.settle(), [(pid, Status::Exited(0))]);
    assert_eq!(lab.printed(), "None  Some(200)  Some(200) hello Some(200)  ");
}

#[test]
fn the_daemon_learns_that_its_caller_is_gone() {
    let mut lab = Lab::new();
    let pid = lab.start(caller());
    let id = called(&mut lab);
    assert!(lab.table.signal(&mut lab.fabric, pid, Signal::Kill));
    let mut events = core::iter::from_fn(|| lab.table.poll_event());
    assert!(events.any(|event| matches!(event, Event::CallDropped(dropped) if dropped == id)));
    lab.table.respond(id, 200, Vec::new());
    let killed = Status::Signalled(Signal::Kill);
    assert_eq!(lab.settle(), [(pid, killed)], "an answer that nobody waits for is no harm");
}

#[test]
fn a_namespace_that_nobody_names_lives_until_its_last_process_ends() {
    let mut lab = Lab::new();
    let first = lab.start(act(|sys| {
        sys.udp_bind("0.0.0.0:53".parse().unwrap()).unwrap();
        Step::Wait(None)
    }));
    let second = lab.start(sleeper());
    lab.settle();
    lab.table.release_namespace(&mut lab.fabric, lab.namespace);
    lab.signal(first, Signal::Kill);
    assert!(lab.fabric.exists(lab.namespace), "another process is in it");
    lab.signal(second, Signal::Kill);
    assert!(!lab.fabric.exists(lab.namespace));
    let empty = lab.fabric.create_namespace("empty");
    lab.table.release_namespace(&mut lab.fabric, empty);
    assert!(!lab.fabric.exists(empty), "nobody was in it");
}
