//! Streams in both directions: a connection that was upgraded and is now bytes alone. The end of what a client sends is
//! the end of its input and no more; it is gone when nobody could read what is written to it.

use std::io;
use std::time::Duration;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, Interest, Ready};
use tokio::net::{TcpStream, UnixStream, tcp, unix};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use super::door::{Exchange, Input, Part};

/// How often a silent stream is looked at: whether the client still is there.
const WATCH: Duration = Duration::from_secs(1);
/// How long a client may go on sending when its stream is over.
const LINGER: Duration = Duration::from_secs(1);
/// How long a client has to read the head of a stream before its first byte comes. Some read the stream behind the back
/// of their HTTP library, which keeps what came in one piece with the head; a real engine spends as much on a process.
const GRACE: Duration = Duration::from_millis(30);
/// How much is read at once.
const CHUNK: usize = 16 * 1024;

/// Carries bytes between a connection that is being upgraded and its exchange, until one of them is over.
pub async fn carry(upgrade: OnUpgrade, exchange: Exchange) {
    let Ok(upgraded) = upgrade.await else { return };
    let from = Instant::now() + GRACE;
    match upgraded.downcast::<TokioIo<UnixStream>>() {
        Ok(parts) => {
            let (reader, writer) = parts.io.into_inner().into_split();
            join(reader, writer, parts.read_buf.to_vec(), exchange, from).await;
        }
        Err(upgraded) => {
            let parts = upgraded.downcast::<TokioIo<TcpStream>>().expect("listeners are Unix sockets or TCP");
            let (reader, writer) = parts.io.into_inner().into_split();
            join(reader, writer, parts.read_buf.to_vec(), exchange, from).await;
        }
    }
}

/// Carries bytes between the halves of a connection and its exchange; `first` has come already. Nothing is written
/// before `from`.
pub(super) async fn join<R, W>(reader: R, mut writer: W, first: Vec<u8>, mut exchange: Exchange, from: Instant)
where
    R: AsyncRead + Send + Unpin + 'static,
    W: Line,
{
    let mut typing = JoinSet::new();
    typing.spawn(type_in(reader, first, exchange.input()));
    sleep_until(from).await;
    if write_out(&mut writer, &mut exchange).await.is_ok() && writer.shutdown().await.is_ok() {
        // What the client still sends is taken, for it would see an error where there is an end.
        drop(timeout(LINGER, typing.join_next()).await);
    }
}

/// Sends what a client types to its exchange, a piece after the other.
pub(super) async fn type_in(mut reader: impl AsyncRead + Unpin, first: Vec<u8>, input: Input) {
    if !first.is_empty() {
        input.send(first).await;
    }
    let mut buffer = vec![0; CHUNK];
    loop {
        match reader.read(&mut buffer).await {
            Ok(0) | Err(_) => return input.end(),
            Ok(len) => input.send(buffer[..len].to_vec()).await,
        }
    }
}

/// Writes what comes out of an exchange, up to its end.
async fn write_out(writer: &mut impl Line, exchange: &mut Exchange) -> io::Result<()> {
    loop {
        match timeout(WATCH, exchange.next()).await {
            Ok(Some(Part::Body(bytes))) => writer.write_all(&bytes).await?,
            Ok(Some(Part::Head { .. })) => {}
            Ok(Some(Part::End) | None) => return Ok(()),
            Err(_) if is_gone(writer).await => return Err(io::ErrorKind::BrokenPipe.into()),
            Err(_) => {}
        }
    }
}

/// Whether nobody can read any more what is written to a line.
async fn is_gone(line: &impl Line) -> bool {
    // Readiness that is there already comes at once; a line that is full has none, and its writer will be told.
    let ready = timeout(Duration::ZERO, line.readiness()).await;
    ready.is_ok_and(|ready| ready.is_ok_and(Ready::is_write_closed))
}

/// The half of a connection that is written to.
pub(super) trait Line: AsyncWrite + Unpin {
    /// What can be done with it, when something can.
    async fn readiness(&self) -> io::Result<Ready>;
}

impl Line for unix::OwnedWriteHalf {
    async fn readiness(&self) -> io::Result<Ready> {
        self.ready(Interest::WRITABLE).await
    }
}

impl Line for tcp::OwnedWriteHalf {
    async fn readiness(&self) -> io::Result<Ready> {
        self.ready(Interest::WRITABLE).await
    }
}
