//! Published ports by real sockets of this machine.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use super::engine::Engine;

/// A port that nobody listens on.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback is there");
    listener.local_addr().expect("it is bound").port()
}

/// The web page at a port of this machine.
fn fetch(port: u16) -> std::io::Result<String> {
    let mut connection = TcpStream::connect(("127.0.0.1", port))?;
    connection.write_all(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut page = String::new();
    connection.read_to_string(&mut page)?;
    Ok(page)
}

#[test]
fn a_published_port_answers_while_its_container_runs() {
    let Some(engine) = Engine::fast() else { return };
    let port = free_port();
    engine.docker(&format!("run -d --name web -p {port}:80 httpd"));
    let page = fetch(port).expect("it is published");
    assert!(page.ends_with("<html><body><h1>It works!</h1></body></html>\n"), "{page}");
    assert_eq!(engine.docker("port web 80").lines().next(), Some(format!("0.0.0.0:{port}").as_str()));
    engine.docker("stop web");
    assert_eq!(fetch(port).map_err(|error| error.kind()), Err(ErrorKind::ConnectionRefused));
}

#[test]
fn a_port_that_a_program_of_this_machine_has_cannot_be_published() {
    let Some(engine) = Engine::fast() else { return };
    let mine = TcpListener::bind("127.0.0.1:0").expect("loopback is there");
    let port = mine.local_addr().expect("it is bound").port();
    let publish = format!("{port}:80");
    let refused = engine.try_docker(&["run", "-d", "--name", "web", "-p", &publish, "httpd"]);
    let reason = format!("Error starting userland proxy: listen tcp4 0.0.0.0:{port}: bind: address already in use");
    assert!(refused.stderr.contains(&reason), "{refused:?}");
    assert_eq!(refused.code, 125);
    assert_eq!(engine.docker("inspect -f {{.State.Status}} web"), "created\n");
    drop(mine);
    engine.docker("start web");
    engine.docker("restart web");
    assert!(fetch(port).is_ok(), "it is free now, and is taken again at once");
}

#[test]
fn datagrams_come_and_go_through_a_published_port() {
    let Some(engine) = Engine::fast() else { return };
    let port = free_port();
    let publish = format!("{port}:7/udp");
    let serve = "echo pong | nc -u -l -p 7";
    let run = ["run", "-d", "--name", "pong", "-p", &publish, "busybox", "sh", "-c", serve];
    assert_eq!(engine.try_docker(&run).code, 0);
    let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback is there");
    socket.set_read_timeout(Some(Duration::from_secs(10))).expect("it is a time");
    socket.send_to(b"ping\n", ("127.0.0.1", port)).expect("loopback takes it");
    let mut answer = [0; 64];
    let (len, from) = socket.recv_from(&mut answer).expect("the container answers");
    assert_eq!((&answer[..len], from.port()), (b"pong\n".as_slice(), port));
    assert_eq!(engine.docker("logs pong"), "ping\n");
}
