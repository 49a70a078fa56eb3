//! A test's own services inside containers, on simulated sockets and in virtual time.

use std::convert::Infallible;

use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Bytes;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use netyard::lab::net::{TcpListener, TcpStream, UdpSocket, anywhere};
use netyard::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::lab_with;

/// Sends back what comes, on port 7.
async fn echo() {
    let listener = TcpListener::bind(anywhere(7)).await.expect("the port is free");
    loop {
        let (mut stream, _) = listener.accept().await.expect("it listens");
        net::spawn(async move {
            let mut buffer = [0; 512];
            while let Ok(count @ 1..) = stream.read(&mut buffer).await {
                stream.write_all(&buffer[..count]).await.expect("the peer is there");
            }
        });
    }
}

async fn say(target: &'static str, text: &'static str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect((target, 7)).await?;
    stream.write_all(text.as_bytes()).await?;
    stream.shutdown().await?;
    let mut back = String::new();
    stream.read_to_string(&mut back).await?;
    Ok(back)
}

#[test]
fn a_service_answers_over_the_simulated_network() {
    let lab = lab_with(&["server", "client"]);
    let refused = lab.run_in("client", say("server", "hello")).expect("client is there");
    assert_eq!(refused.expect_err("nobody listens").kind(), std::io::ErrorKind::ConnectionRefused);
    lab.spawn_in("server", echo()).expect("server is there");
    assert_eq!(lab.run_in("client", say("server", "hello")).expect("client is there").expect("it answers"), "hello");
    assert_eq!(lab.sh_in("client", "echo hi | nc server 7").expect("busybox can too"), "hi\n");
    let unknown = lab.run_in("client", say("nosuch", "hello")).expect("client is there");
    assert_eq!(unknown.expect_err("there is no such name").kind(), std::io::ErrorKind::NotFound);
}

#[test]
fn many_bytes_arrive_in_order_and_all_of_them() {
    let lab = lab_with(&["server", "client"]);
    let task = lab.spawn_in("server", async {
        let listener = TcpListener::bind(anywhere(9)).await.expect("the port is free");
        let (mut stream, _) = listener.accept().await.expect("it listens");
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.expect("the peer ends it");
        all
    });
    let task = task.expect("server is there");
    let sent: Vec<u8> = (0..1_000_000_u32).map(|n| n.to_le_bytes()[n as usize % 3]).collect();
    let bytes = sent.clone();
    let client = lab.run_in("client", async move {
        let mut stream = TcpStream::connect(("server", 9)).await?;
        stream.write_all(&bytes).await?;
        stream.shutdown().await
    });
    client.expect("client is there").expect("it is sent");
    lab.run_until(Duration::from_secs(60), |_| task.is_done()).expect("all of it arrives");
    assert!(task.take() == Some(sent));
}

#[test]
fn time_in_a_service_is_virtual() {
    let lab = lab_with(&["c1"]);
    let slept = lab.run_in("c1", async {
        let before = net::now();
        net::sleep(Duration::from_secs(300)).await;
        let late = net::timeout(Duration::from_secs(2), net::sleep(Duration::from_secs(5))).await;
        assert_eq!(late, Err(net::Elapsed));
        assert_eq!(net::timeout(Duration::from_secs(2), async { 7 }).await, Ok(7));
        net::now() - before
    });
    assert_eq!(slept.expect("c1 is there"), Duration::from_secs(302));
}

#[test]
fn datagrams_come_one_by_one_and_refusals_come_back() {
    let lab = lab_with(&["server", "client"]);
    lab.spawn_in("server", async {
        let socket = UdpSocket::bind(anywhere(53_000)).await.expect("the port is free");
        let mut buffer = [0; 16];
        while let Ok((count, peer)) = socket.recv_from(&mut buffer).await {
            socket.send_to(&buffer[..count], peer).await.expect("it is near");
        }
    })
    .expect("server is there");
    let back = lab.run_in("client", async {
        let socket = UdpSocket::bind(anywhere(0)).await?;
        for text in ["one", "two"] {
            socket.send_to(text.as_bytes(), "server:53000").await?;
        }
        let (mut buffer, mut all) = ([0; 16], Vec::new());
        for _ in 0..2 {
            let (count, _) = socket.recv_from(&mut buffer).await?;
            all.push(String::from_utf8_lossy(&buffer[..count]).into_owned());
        }
        std::io::Result::Ok(all)
    });
    assert_eq!(back.expect("client is there").expect("both come back"), ["one", "two"]);
}

#[test]
fn hyper_serves_and_asks() {
    let lab = lab_with(&["server", "client"]);
    lab.spawn_in("server", async {
        let listener = TcpListener::bind(anywhere(80)).await.expect("the port is free");
        while let Ok((stream, _)) = listener.accept().await {
            let answer = service_fn(|request: Request<hyper::body::Incoming>| async move {
                let text = format!("you asked for {}\n", request.uri().path());
                Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(text))))
            });
            let served = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
            net::spawn(async move { served.await.expect("the client speaks HTTP") });
        }
    })
    .expect("server is there");
    let page = lab.run_in("client", async {
        let stream = TcpStream::connect("server:80").await.expect("it listens");
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("HTTP");
        net::spawn(async move { _ = connection.await });
        let request = Request::get("/a").header("host", "server").body(Empty::<Bytes>::new()).expect("a request");
        let body = sender.send_request(request).await.expect("an answer").into_body();
        String::from_utf8(body.collect().await.expect("a body").to_bytes().to_vec()).expect("text")
    });
    assert_eq!(page.expect("client is there"), "you asked for /a\n");
    assert_eq!(lab.sh_in("client", "wget -qO - http://server/b").expect("busybox can too"), "you asked for /b\n");
}

#[test]
fn a_service_ends_with_its_container() {
    let lab = lab_with(&["server", "client"]);
    let task = lab.spawn_in("server", echo()).expect("server is there");
    lab.run_in("client", say("server", "x")).expect("client is there").expect("it answers");
    lab.sh("docker stop -t 0 server").expect("it stops");
    assert!(!task.is_done());
    lab.sh("docker start server").expect("it starts");
    assert!(lab.connect("client", "server", 7).is_err(), "the service was not started again");
    let never = std::future::pending::<()>();
    lab.sh("docker exec -d client sh -c 'sleep 2; kill 1'").expect("it begins");
    let killed = lab.run_in("client", never);
    assert!(matches!(killed, Err(LabError::Killed(_) | LabError::TimeLimit { .. })), "{killed:?}");
}
