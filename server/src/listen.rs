//! Sockets that listen, and what comes from them: TCP here, Unix sockets beside it.
//!
//! Not for: what becomes of a connection; that is `accept`.

use std::io;
use std::net::{SocketAddr, TcpListener};
#[cfg(unix)]
use std::os::unix::net::UnixListener;
#[cfg(unix)]
use std::sync::Arc;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

#[cfg(unix)]
use crate::unix::SocketFile;

/// A socket that listens, outside of any runtime.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    /// The file first: it is to be gone before the socket is closed, and the file's number free for another's.
    #[cfg(unix)]
    Unix(Option<Arc<SocketFile>>, UnixListener),
}

/// A connection that was accepted.
pub(crate) enum Transport {
    Tcp(TcpStream, SocketAddr),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Listener {
    /// Takes the socket to the current runtime.
    pub(crate) fn start(self) -> io::Result<Listening> {
        Ok(match self {
            Self::Tcp(socket) => Listening::Tcp(tokio::net::TcpListener::from_std(socket)?),
            #[cfg(unix)]
            Self::Unix(file, socket) => Listening::Unix(file, tokio::net::UnixListener::from_std(socket)?),
        })
    }
}

/// A socket that listens in a runtime.
pub(crate) enum Listening {
    Tcp(tokio::net::TcpListener),
    #[cfg(unix)]
    Unix(Option<Arc<SocketFile>>, tokio::net::UnixListener),
}

impl Listening {
    /// The next connection. Cancel-safe.
    pub(crate) async fn accept(&self) -> io::Result<Transport> {
        match self {
            Self::Tcp(socket) => socket.accept().await.map(|(stream, peer)| Transport::Tcp(stream, peer)),
            #[cfg(unix)]
            Self::Unix(_, socket) => socket.accept().await.map(|(stream, _)| Transport::Unix(stream)),
        }
    }

    /// Listens no more, and gives what the system has accepted for us and nobody has taken yet. Closing the socket would reset
    /// these connections, whose clients may have sent requests already; they are to be served like any other, and told to leave.
    pub(crate) fn stop(self) -> io::Result<Vec<Transport>> {
        match self {
            Self::Tcp(socket) => {
                let socket = socket.into_std()?;
                let take = || {
                    let (stream, peer) = socket.accept()?;
                    stream.set_nonblocking(true)?;
                    Ok(Transport::Tcp(TcpStream::from_std(stream)?, peer))
                };
                Ok(backlog(take))
            }
            #[cfg(unix)]
            Self::Unix(file, socket) => {
                // First: a file that is gone brings no further clients to a socket that is about to close.
                drop(file);
                let socket = socket.into_std()?;
                let take = || {
                    let (stream, _) = socket.accept()?;
                    stream.set_nonblocking(true)?;
                    Ok(Transport::Unix(UnixStream::from_std(stream)?))
                };
                Ok(backlog(take))
            }
        }
    }
}

/// What `take` gives until it would have to wait; it is called for as many connections as the system queues, at most.
fn backlog(mut take: impl FnMut() -> io::Result<Transport>) -> Vec<Transport> {
    let mut waiting = Vec::new();
    for _ in 0..BACKLOG {
        match take() {
            Ok(transport) => waiting.push(transport),
            Err(e) if is_of_a_connection(&e) => {}
            Err(_) => break,
        }
    }
    waiting
}

/// Whether an error of `accept` is a connection's, that was gone before we took it; the others are the system's.
pub(crate) fn is_of_a_connection(e: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(e.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

/// A TCP socket for each worker, all on one address.
pub(crate) fn bind(address: SocketAddr, workers: usize) -> io::Result<Vec<Listener>> {
    bind_all(address, workers).map_err(|e| io::Error::new(e.kind(), format!("cannot listen on {address}: {e}")))
}

fn bind_all(address: SocketAddr, workers: usize) -> io::Result<Vec<Listener>> {
    let port = if workers > 1 { Port::Shared } else { Port::Ours };
    if port == Port::Shared && address.port() != 0 {
        // Only workers of one server share a port; SO_REUSEPORT alone would let us join a stranger of the same user. So the
        // port is tried without it first.
        new_socket(address)?.bind(&address.into())?;
    }
    let first = listen(address, port)?;
    let local = first.local_addr()?;
    let mut listeners = vec![Listener::Tcp(first)];
    for _ in 1..workers {
        listeners.push(Listener::Tcp(listen(local, port)?));
    }
    Ok(listeners)
}

/// One socket for all workers: what comes is taken by whoever is free.
pub(crate) fn shared(socket: TcpListener, workers: usize) -> io::Result<Vec<Listener>> {
    socket.set_nonblocking(true)?;
    let mut listeners = Vec::new();
    for _ in 1..workers {
        listeners.push(Listener::Tcp(socket.try_clone()?));
    }
    listeners.push(Listener::Tcp(socket));
    Ok(listeners)
}

/// The address that TCP sockets listen on.
pub(crate) fn address(listeners: &[Listener]) -> io::Result<SocketAddr> {
    match listeners.first() {
        Some(Listener::Tcp(socket)) => socket.local_addr(),
        _ => Err(io::ErrorKind::AddrNotAvailable.into()),
    }
}

/// Connections that wait to be accepted, at most.
const BACKLOG: i32 = 4096;

/// Whether other sockets may listen on the same port.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Port {
    Ours,
    /// With the other workers of this server.
    Shared,
}

fn new_socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    Ok(socket)
}

fn listen(address: SocketAddr, port: Port) -> io::Result<TcpListener> {
    let socket = new_socket(address)?;
    #[cfg(unix)]
    if port == Port::Shared {
        socket.set_reuse_port(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}
