//! Streams by the real command: input and its end, terminals, logs that are followed, clients that vanish or do not read.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use super::engine::{Engine, Said, said};

#[test]
fn the_end_of_input_is_not_the_end_of_the_stream() {
    let Some(engine) = Engine::fast() else { return };
    let late = ["run", "--rm", "-i", "busybox", "sh", "-c", "cat; sleep 2; echo done"];
    assert_eq!(engine.docker_with_input(&late, b"typed\n"), said("typed\ndone\n", "", 0));
    engine.docker("run -d --name c1 busybox sleep 100000");
    assert_eq!(engine.docker_with_input(&["exec", "-i", "c1", "wc", "-c"], &[b'x'; 300_000]), said("300000\n", "", 0));
    assert_eq!(engine.docker_with_input(&["exec", "-i", "c1", "true"], &[b'x'; 3_000_000]), said("", "", 0));
    assert_eq!(engine.try_docker(&["exec", "c1", "sh", "-c", "echo e >&2; exit 7"]), said("", "e\n", 7));
}

#[test]
fn a_terminal_echoes_nothing_that_its_program_does_not_say() {
    let Some(engine) = Engine::fast() else { return };
    // `script` gives the command a terminal.
    let line = format!("docker -H unix://{} run --rm -it busybox echo hello", engine.socket().display());
    let mut script = Command::new("script");
    // Nobody types: at the end of its own input `script` would type an end.
    let script = script.args(["-qec", &line, "/dev/null"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut script) = script.spawn() else {
        eprintln!("SKIPPED: there is no script command on this machine");
        return;
    };
    let keys = script.stdin.take();
    let output = script.wait_with_output().expect("it was started");
    drop(keys);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "hello\r\n");
}

#[test]
fn logs_are_followed_to_the_end_of_the_container() {
    let Some(engine) = Engine::fast() else { return };
    let counting = "for i in 1 2 3; do echo $i; sleep 1; done";
    assert_eq!(engine.try_docker(&["run", "-d", "--name", "c1", "busybox", "sh", "-c", counting]).code, 0);
    assert_eq!(engine.docker("logs -f c1"), "1\n2\n3\n");
    assert_eq!(engine.docker("wait c1"), "0\n");
    assert_eq!(engine.docker("logs --tail 1 c1"), "3\n");
}

#[test]
fn the_logs_of_a_service_are_read_by_the_real_command() {
    let Some(engine) = Engine::fast() else { return };
    engine.docker("swarm init");
    let script = "echo open; echo closed >&2; exec sleep 10000";
    let create = ["service", "create", "--quiet", "--no-resolve-image", "--name", "web", "--replicas", "10"];
    // It waits until all run.
    assert_eq!(engine.try_docker(&[create.as_slice(), &["busybox", "sh", "-c", script]].concat()).code, 0);
    let Said { stdout, stderr, code } = engine.try_docker(&["service", "logs", "--no-task-ids", "web"]);
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    let expected = |said: &str| {
        let slots = (1..=10).map(|slot| format!("web.{slot}@docker01{}    | {said}", if slot < 10 { " " } else { "" }));
        slots.collect::<BTreeSet<_>>()
    };
    assert_eq!((lines(&stdout), lines(&stderr), code), (expected("open"), expected("closed"), 0));
    let task = engine.docker("service ps -q --filter name=web.1 web");
    let mut followed = engine.begin(&["service", "logs", "-f", "--raw", task.lines().next().expect("there is one")]);
    assert_eq!(followed.line(), "open\n");
    followed.kill();
}

#[test]
fn a_client_that_types_is_answered_and_may_leave() {
    let Some(engine) = Engine::fast() else { return };
    engine.docker("run -id --name c1 busybox sh");
    let mut attached = engine.begin(&["attach", "c1"]);
    attached.enter("echo one\n");
    assert_eq!(attached.line(), "one\n");
    attached.kill();
    assert_eq!(engine.docker("ps -q --filter name=c1").lines().count(), 1, "the container lives on");
}

#[test]
fn who_does_not_read_holds_up_nobody_else() {
    let Some(engine) = Engine::fast() else { return };
    engine.docker("run -d --name c1 busybox sleep 100000");
    let mut flood = engine.begin(&["exec", "c1", "yes"]);
    assert_eq!(flood.line(), "y\n");
    assert_eq!(engine.try_docker(&["exec", "c1", "echo", "still here"]), said("still here\n", "", 0));
    flood.kill();
}

/// The head of the answer to a request without a body.
fn head_of_answer(engine: &Engine, request: &str) -> String {
    let mut connection = UnixStream::connect(engine.socket()).expect("it listens");
    connection.write_all(format!("{request} HTTP/1.1\r\nHost: d\r\n\r\n").as_bytes()).expect("it reads");
    let lines = BufReader::new(connection).lines().map(|line| line.expect("a head is text"));
    lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_comes_in_pieces_says_so_even_when_it_is_complete() {
    let Some(engine) = Engine::fast() else { return };
    for request in ["GET /events?until=1", "POST /images/create?fromImage=busybox&tag=latest"] {
        let head = head_of_answer(&engine, request);
        assert!(head.starts_with("HTTP/1.1 200 OK") && head.contains("Transfer-Encoding: chunked"), "{head}");
    }
    assert!(head_of_answer(&engine, "GET /containers/json").contains("Content-Length: 3"));
}
