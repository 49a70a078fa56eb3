//! Published ports by real sockets of this machine.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};

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
