//! Sockets, names and time for futures that run in a place of a lab: the part of tokio that a network service uses, on
//! the simulated network, in virtual time. Outside a lab it panics.
//!
//! Streams have tokio's `AsyncRead` and `AsyncWrite`, so a service that is generic over them runs unchanged; with
//! hyper-util's `TokioIo` they carry hyper.

use std::cell::RefCell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use netyard_sim::namespace::{Received, TcpState};
use netyard_sim::socket::{Errno, SendOptions, SocketId};
use netyard_sim::userland::Sys;
use netyard_sim::userland::lookup::{Family, Lookup, LookupError};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::task::{Attempt, Call, Ring};

/// Connections that wait at a listener, at most.
const BACKLOG: usize = 128;
/// How much a stream takes from its socket at once.
const PIECE: usize = 64 * 1024;

/// What names an end of a connection: `"web:80"`, `("web", 80)`, or a socket address.
pub trait Target {
    /// Host and port.
    ///
    /// # Errors
    /// `InvalidInput` when there is no port in it.
    fn host_and_port(&self) -> io::Result<(String, u16)>;
}

impl Target for &str {
    fn host_and_port(&self) -> io::Result<(String, u16)> {
        if let Ok(addr) = self.parse::<SocketAddr>() {
            return addr.host_and_port();
        }
        let parsed = self.rsplit_once(':').and_then(|(host, port)| Some((host.to_owned(), port.parse().ok()?)));
        parsed.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, format!("{self:?} has no port")))
    }
}

impl Target for String {
    fn host_and_port(&self) -> io::Result<(String, u16)> {
        self.as_str().host_and_port()
    }
}

impl Target for (&str, u16) {
    fn host_and_port(&self) -> io::Result<(String, u16)> {
        Ok((self.0.to_owned(), self.1))
    }
}

impl Target for (String, u16) {
    fn host_and_port(&self) -> io::Result<(String, u16)> {
        Ok(self.clone())
    }
}

impl Target for (IpAddr, u16) {
    fn host_and_port(&self) -> io::Result<(String, u16)> {
        Ok((self.0.to_string(), self.1))
    }
}

impl Target for SocketAddr {
    fn host_and_port(&self) -> io::Result<(String, u16)> {
        Ok((self.ip().to_string(), self.port()))
    }
}

/// An error of the simulated kernel as a real one would come.
fn refused(errno: Errno) -> io::Error {
    let kind = match errno {
        Errno::AddressInUse => io::ErrorKind::AddrInUse,
        Errno::AddressNotAvailable => io::ErrorKind::AddrNotAvailable,
        Errno::BrokenPipe => io::ErrorKind::BrokenPipe,
        Errno::ConnectionRefused => io::ErrorKind::ConnectionRefused,
        Errno::ConnectionReset => io::ErrorKind::ConnectionReset,
        Errno::HostUnreachable => io::ErrorKind::HostUnreachable,
        Errno::NetworkUnreachable => io::ErrorKind::NetworkUnreachable,
        Errno::NotPermitted => io::ErrorKind::PermissionDenied,
        Errno::TimedOut => io::ErrorKind::TimedOut,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, errno.to_string())
}

fn unknown(error: LookupError) -> io::Error {
    let kind = if error == LookupError::TryAgain { io::ErrorKind::TimedOut } else { io::ErrorKind::NotFound };
    io::Error::new(kind, error.to_string())
}

/// What is done at once and may fail.
async fn at_once<T: 'static>(mut work: impl FnMut(&mut Sys<'_>) -> Result<T, Errno> + 'static) -> io::Result<T> {
    Ring::current().call(move |sys| Attempt::Done(work(sys).map_err(refused))).await
}

/// The addresses of a name with a port, in the order in which they should be tried (`getaddrinfo(3)`).
///
/// # Errors
/// `NotFound` when there is no such name, `TimedOut` when no server answered.
pub async fn lookup_host(target: impl Target) -> io::Result<Vec<SocketAddr>> {
    let (host, port) = target.host_and_port()?;
    let mut lookup: Option<Lookup> = None;
    let call = Ring::current().call(move |sys| {
        let lookup = lookup.get_or_insert_with(|| Lookup::new(sys, &host, Family::Any));
        match lookup.poll(sys) {
            Poll::Ready(found) => Attempt::Done(found),
            Poll::Pending => Attempt::Wait(lookup.next_at()),
        }
    });
    let found = call.await.map_err(unknown)?;
    Ok(found.addresses.into_iter().map(|addr| SocketAddr::new(addr, port)).collect())
}

/// A socket that is closed when nobody has it any more.
#[derive(Clone)]
struct Owned(Rc<Held>);

struct Held {
    ring: Ring,
    socket: SocketId,
}

impl Drop for Held {
    fn drop(&mut self) {
        let socket = self.socket;
        self.ring.post(move |sys| sys.close(socket));
    }
}

impl Owned {
    fn new(socket: SocketId) -> Self {
        Self(Rc::new(Held { ring: Ring::current(), socket }))
    }

    fn id(&self) -> SocketId {
        self.0.socket
    }

    fn call<T: 'static>(&self, mut attempt: impl FnMut(&mut Sys<'_>, SocketId) -> Attempt<T> + 'static) -> Call<T> {
        let socket = self.id();
        self.0.ring.call(move |sys| attempt(sys, socket))
    }
}

/// A socket that listens.
pub struct TcpListener {
    socket: Owned,
    local: SocketAddr,
}

impl TcpListener {
    /// Listens at an address; `0.0.0.0` and `[::]` are all of their family.
    ///
    /// # Errors
    /// `AddrInUse`, `AddrNotAvailable`.
    pub async fn bind(target: impl Target) -> io::Result<Self> {
        let local = first(&lookup_host(target).await?)?;
        let socket = at_once(move |sys| sys.tcp_listen(local, BACKLOG)).await?;
        Ok(Self { socket: Owned::new(socket), local })
    }

    /// Where it listens.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// The next connection, and its peer.
    ///
    /// # Errors
    /// None yet; the signature is tokio's.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let call = self.socket.call(|sys, listener| match sys.tcp_accept(listener) {
            Some(accepted) => Attempt::Done(accepted),
            None => Attempt::Wait(None),
        });
        let (socket, peer) = call.await;
        Ok((TcpStream::new(Owned::new(socket)), peer))
    }
}

/// A TCP connection.
pub struct TcpStream {
    socket: Owned,
    reading: Option<Call<io::Result<Vec<u8>>>>,
    writing: Option<Call<io::Result<usize>>>,
    /// What came and was not read yet.
    unread: Vec<u8>,
}

impl TcpStream {
    const fn new(socket: Owned) -> Self {
        Self { socket, reading: None, writing: None, unread: Vec::new() }
    }

    /// Connects to the first address of a name that answers.
    ///
    /// # Errors
    /// Why the last of them did not, or that there is no such name.
    pub async fn connect(target: impl Target) -> io::Result<Self> {
        let mut last = None;
        for peer in lookup_host(target).await? {
            match Self::open(peer).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| io::ErrorKind::NotFound.into()))
    }

    async fn open(peer: SocketAddr) -> io::Result<Self> {
        let socket = Owned::new(at_once(move |sys| sys.tcp_connect(peer)).await?);
        let connected = socket.call(|sys, socket| match sys.tcp_state(socket) {
            TcpState::SynSent => Attempt::Wait(None),
            TcpState::Closed => {
                let errno = sys.tcp_recv(socket, 1).err().unwrap_or(Errno::ConnectionReset);
                Attempt::Done(Err(refused(errno)))
            }
            _ => Attempt::Done(Ok(())),
        });
        connected.await?;
        Ok(Self::new(socket))
    }

    /// Bytes that were not read yet, into a reader's buffer.
    fn give(&mut self, buffer: &mut ReadBuf<'_>) {
        let count = self.unread.len().min(buffer.remaining());
        buffer.put_slice(&self.unread[..count]);
        self.unread.drain(..count);
    }
}

impl AsyncRead for TcpStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.unread.is_empty() {
            let socket = self.socket.clone();
            let reading = self.reading.get_or_insert_with(|| {
                socket.call(|sys, socket| match sys.tcp_recv(socket, PIECE) {
                    Ok(Received::Data(bytes)) => Attempt::Done(Ok(bytes)),
                    Ok(Received::Closed) => Attempt::Done(Ok(Vec::new())),
                    Ok(Received::Blocked) => Attempt::Wait(None),
                    Err(errno) => Attempt::Done(Err(refused(errno))),
                })
            });
            let Poll::Ready(read) = Pin::new(reading).poll(cx) else { return Poll::Pending };
            self.reading = None;
            self.unread = read?;
        }
        self.give(buffer);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for TcpStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let socket = self.socket.clone();
        let writing = self.writing.get_or_insert_with(|| {
            let bytes = bytes[..bytes.len().min(PIECE)].to_vec();
            socket.call(move |sys, socket| match sys.tcp_send(socket, &bytes) {
                Ok(0) if !bytes.is_empty() => Attempt::Wait(None),
                Ok(count) => Attempt::Done(Ok(count)),
                Err(errno) => Attempt::Done(Err(refused(errno))),
            })
        });
        let written = Pin::new(writing).poll(cx);
        if written.is_ready() {
            self.writing = None;
        }
        written
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let socket = self.socket.id();
        self.socket.0.ring.post(move |sys| sys.tcp_shutdown(socket));
        Poll::Ready(Ok(()))
    }
}

/// A UDP socket.
pub struct UdpSocket {
    socket: Owned,
}

impl UdpSocket {
    /// Binds a socket; port 0 is a free one.
    ///
    /// # Errors
    /// `AddrInUse`, `AddrNotAvailable`.
    pub async fn bind(target: impl Target) -> io::Result<Self> {
        let local = first(&lookup_host(target).await?)?;
        Ok(Self { socket: Owned::new(at_once(move |sys| sys.udp_bind(local)).await?) })
    }

    /// Sends a datagram.
    ///
    /// # Errors
    /// There is no such name or no way there, it is too long, or an earlier one came back.
    pub async fn send_to(&self, bytes: &[u8], target: impl Target) -> io::Result<usize> {
        let peer = first(&lookup_host(target).await?)?;
        let (bytes, socket) = (bytes.to_vec(), self.socket.id());
        let count = bytes.len();
        at_once(move |sys| sys.send_to(socket, peer, &bytes, SendOptions::default())).await?;
        Ok(count)
    }

    /// The next datagram, cut to the buffer, and who sent it.
    ///
    /// # Errors
    /// One that was sent came back.
    pub async fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let call = self.socket.call(|sys, socket| match sys.recv_from(socket) {
            Ok(Some(datagram)) => Attempt::Done(Ok((datagram.data, datagram.src))),
            Ok(None) => Attempt::Wait(None),
            Err(errno) => Attempt::Done(Err(refused(errno))),
        });
        let (bytes, peer) = call.await?;
        let count = bytes.len().min(buffer.len());
        buffer[..count].copy_from_slice(&bytes[..count]);
        Ok((count, peer))
    }
}

fn first(addresses: &[SocketAddr]) -> io::Result<SocketAddr> {
    let v4 = addresses.iter().copied().find(SocketAddr::is_ipv4);
    v4.or_else(|| addresses.first().copied()).ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// Every address of this family, at a port: where servers listen.
#[must_use]
pub const fn anywhere(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port)
}

/// The virtual time since the world began.
#[must_use]
pub fn now() -> Duration {
    Ring::current().now().since(netyard_sim::time::Instant::ZERO)
}

/// Waits in virtual time.
pub async fn sleep(time: Duration) {
    let ring = Ring::current();
    let until = ring.now() + time;
    ring.call(move |sys| if sys.now() >= until { Attempt::Done(()) } else { Attempt::Wait(Some(until)) }).await;
}

/// The time was up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Elapsed;

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time was up")
    }
}

impl std::error::Error for Elapsed {}

/// What a future comes to when it does so in time.
///
/// # Errors
/// `Elapsed`; the future is dropped then.
pub async fn timeout<T>(time: Duration, future: impl Future<Output = T>) -> Result<T, Elapsed> {
    let (mut future, mut limit) = (pin!(future), pin!(sleep(time)));
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(value) => Poll::Ready(Ok(value)),
        Poll::Pending => limit.as_mut().poll(cx).map(|()| Err(Elapsed)),
    })
    .await
}

/// A future that runs beside others of its process.
pub struct JoinHandle<T>(Rc<RefCell<Joined<T>>>);

struct Joined<T> {
    value: Option<T>,
    waker: Option<Waker>,
}

/// Lets a future run beside this one, in the same process, as long as that lives.
pub fn spawn<T: 'static>(future: impl Future<Output = T> + 'static) -> JoinHandle<T> {
    let joined = Rc::new(RefCell::new(Joined { value: None, waker: None }));
    let place = Rc::clone(&joined);
    Ring::current().spawn(Box::pin(async move {
        let value = future.await;
        let waker = {
            let mut joined = place.borrow_mut();
            joined.value = Some(value);
            joined.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }));
    JoinHandle(joined)
}

impl<T> Future for JoinHandle<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let mut joined = self.0.borrow_mut();
        match joined.value.take() {
            Some(value) => Poll::Ready(value),
            None => {
                joined.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}
