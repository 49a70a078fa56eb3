//! The socket of a live engine: whose it is, and what becomes of it.

use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};

use super::engine::{directory, up};

#[test]
fn the_line_it_says_can_be_pasted_and_the_socket_goes_with_it() {
    let directory = directory();
    let (mut engine, line) = up(&directory, "");
    let socket = directory.join("docker.sock");
    assert_eq!(line, format!("export DOCKER_HOST=unix://{}\n", socket.display()));
    assert_eq!(std::fs::metadata(&socket).expect("it is there").mode() & 0o777, 0o600);
    let pid = engine.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill is there").success());
    assert_eq!(engine.wait().expect("it ends").code(), Some(0));
    assert!(!socket.exists());
    std::fs::remove_dir_all(directory).expect("it is ours");
}

#[test]
fn one_engine_to_a_socket_and_a_dead_one_makes_room() {
    let directory = directory();
    let (mut first, _) = up(&directory, "");
    let (second, line) = up(&directory, "");
    let refused = second.wait_with_output().expect("it ends");
    let text = format!("error: an engine is listening on {} already\n", directory.join("docker.sock").display());
    assert_eq!((line.as_str(), refused.status.code()), ("", Some(2)));
    assert_eq!(String::from_utf8_lossy(&refused.stderr), text);
    first.kill().expect("it is ours");
    first.wait().expect("it was killed");
    let (mut third, line) = up(&directory, "");
    assert_ne!(line, "");
    third.kill().expect("it is ours");
    third.wait().expect("it was killed");
    std::fs::remove_dir_all(directory).expect("it is ours");
}

#[test]
fn nobody_far_away_is_listened_to() {
    let output = Command::new(env!("CARGO_BIN_EXE_netyard"))
        .args(["up", "--tcp", "0.0.0.0:2375"])
        .stdout(Stdio::null())
        .output()
        .expect("the command was built");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("only loopback addresses can be listened on"));
}
