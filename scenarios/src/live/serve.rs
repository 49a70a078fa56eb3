//! Serving: the sockets on which clients are awaited, as many of them as are welcome at a time.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::door::Door;
use super::http;
use super::twin::Twins;

/// How many clients are served at a time; others wait in the socket's backlog.
const CLIENTS: usize = 4096;
/// How many headers a request may have.
const HEADERS: usize = 100;
/// Bytes that a connection may buffer, the head of a request included.
const BUFFER: usize = 64 * 1024;
/// How long to wait when there is no descriptor for another client.
const PAUSE: Duration = Duration::from_millis(100);

/// Where clients come from.
#[derive(Debug)]
pub enum Listener {
    /// A Unix socket.
    Unix(UnixListener),
    /// A TCP port.
    Tcp(TcpListener),
}

impl Listener {
    /// Serves whoever comes, for as long as the runtime lives.
    pub async fn serve(self, door: Door, twins: Twins) {
        let places = Arc::new(Semaphore::new(CLIENTS));
        loop {
            let place = Arc::clone(&places).acquire_owned().await.expect("nobody closes the semaphore");
            let come = match &self {
                Self::Unix(listener) => {
                    listener.accept().await.map(|(stream, _)| begin(stream, &door, Some(&twins), place))
                }
                Self::Tcp(listener) => listener.accept().await.map(|(stream, _)| begin(stream, &door, None, place)),
            };
            if come.is_err_and(|error| !is_of_client(&error)) {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Whether only the one client failed that was about to come.
fn is_of_client(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset)
}

/// Serves one client. Only one who came by the Unix socket can pass descriptors, and so go into a container.
fn begin(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    door: &Door,
    twins: Option<&Twins>,
    place: OwnedSemaphorePermit,
) {
    let (door, twins) = (door.clone(), twins.cloned());
    tokio::spawn(async move {
        let service = service_fn(|request| http::serve(door.clone(), twins.clone(), request));
        let mut builder = http1::Builder::new();
        builder.auto_date_header(false).title_case_headers(true).max_headers(HEADERS).max_buf_size(BUFFER);
        // A client that breaks off or speaks no HTTP is told so by hyper, and nobody else needs to know.
        drop(builder.serve_connection(TokioIo::new(stream), service).with_upgrades().await);
        drop(place);
    });
}
