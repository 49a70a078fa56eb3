//! Services on this machine's loopback that containers reach by name, and nothing else.

use std::io::{Read, Write};
use std::net::TcpListener;

use super::engine::{Engine, Said, said};

/// A service that answers each client, when he has said all, with that and a mark; its port.
fn service() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback is there");
    let port = listener.local_addr().expect("it listens").port();
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let mut heard = Vec::new();
            client.read_to_end(&mut heard).expect("he ends");
            client.write_all(&[b"heard ", heard.as_slice()].concat()).expect("he listens");
        }
    });
    port
}

#[test]
fn containers_reach_a_service_of_this_machine_by_its_name() {
    let port = service();
    let Some(engine) = Engine::start(&format!("--uplink 127.0.0.1:{port}=db.lan:5432")) else { return };
    engine.docker("network create n");
    engine.docker("run -itd --name c1 --network n busybox");
    let inside = |line: &str| engine.try_docker(&["exec", "c1", "sh", "-c", line]);
    assert_eq!(inside("echo hello | nc db.lan 5432"), said("heard hello\n", "", 0));
    assert_eq!(
        inside("wget -q -O - db.lan:5433").stderr,
        "wget: can't connect to remote host (192.0.2.200): Connection refused\n"
    );
    let long = inside("dd if=/dev/zero bs=1000 count=2000 2>/dev/null | nc db.lan 5432 | wc -c");
    assert_eq!(long, said("2000006\n", "", 0));
    let fetch = "exec 3<>/dev/tcp/db.lan/5432; printf 'hello\\n' >&3; timeout 1 cat <&3; getent hosts db.lan";
    let real =
        Said::from(engine.netyard(&["run", "--network", "n", "bash", "-c", fetch]).output().expect("it was built"));
    match real.code {
        3 => eprintln!("SKIPPED: {}", real.stderr),
        _ => {
            assert_eq!(real, said("192.0.2.200     db.lan\n", "", 0), "it has not said all, and so there is no answer");
        }
    }
}

#[test]
fn what_is_not_on_loopback_is_no_uplink() {
    let Some(engine) = Engine::start("") else { return };
    let done = Said::from(engine.netyard(&["up", "--uplink", "192.0.2.7:80=db.lan"]).output().expect("it was built"));
    let why = "192.0.2.7 is not on this machine's loopback: nothing else is let in";
    assert!(done.code == 2 && done.stderr.contains(why), "{done:?}");
}
