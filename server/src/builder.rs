//! From an address to a running server.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use pellucid_conn::h2::Config;
use pellucid_driver::{Info, Service, Tap};
use socket2::{Domain, Protocol, Socket, Type};

use crate::accept::{Acceptor, accept_loop};
use crate::drain::{DrainReport, Registry, Shutdown};

/// Makes a tap for each connection that is accepted.
pub type TapMaker = Arc<dyn Fn(&Info) -> Option<Tap> + Send + Sync>;

/// What a server is made of.
#[derive(Clone)]
pub struct Builder {
    pub(crate) config: Config,
    pub(crate) workers: usize,
    pub(crate) tap: Option<TapMaker>,
    pub(crate) handshake_timeout: Duration,
    #[cfg(feature = "tls")]
    pub(crate) identity: Option<crate::tls::Identity>,
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("config", &self.config).field("workers", &self.workers).finish_non_exhaustive()
    }
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            config: Config::server(),
            workers: 1,
            tap: None,
            handshake_timeout: Duration::from_secs(10),
            #[cfg(feature = "tls")]
            identity: None,
        }
    }
}

impl Builder {
    /// Limits, windows and timeouts of every connection.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// How many threads serve, each with a runtime and a listening socket of its own. At least 1.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// Watches the octets of each connection for which `maker` gives a tap.
    #[must_use]
    pub fn tap(mut self, maker: TapMaker) -> Self {
        self.tap = Some(maker);
        self
    }

    /// A TLS handshake that takes longer than this is given up.
    #[must_use]
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.handshake_timeout = timeout;
        self
    }

    /// Serves over TLS with this certificate; ALPN offers `h2`.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, identity: crate::tls::Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Listens on `address`; port 0 takes a free one.
    ///
    /// # Errors
    /// `InvalidInput` naming a configuration value out of range; otherwise what the system says (port in use, no permission).
    pub fn bind(self, address: SocketAddr) -> io::Result<Server> {
        self.config.validate().map_err(|e| io::Error::new(io::ErrorKind::InvalidInput, e))?;
        if self.workers == 0 {
            let text = "`workers` is out of range: at least 1";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let port = if self.workers > 1 { Port::Shared } else { Port::Ours };
        if port == Port::Shared && address.port() != 0 {
            // Only workers of one server share a port; SO_REUSEPORT alone would let us join a stranger of the same user. So the
            // port is tried without it first.
            new_socket(address)?.bind(&address.into())?;
        }
        let first = listen(address, port)?;
        let local = first.local_addr()?;
        let mut listeners = vec![first];
        for _ in 1..self.workers {
            listeners.push(listen(local, port)?);
        }
        Ok(Server { builder: self, listeners, local, shutdown: Shutdown::new() })
    }
}

/// Connections that wait to be accepted, at most.
pub(crate) const BACKLOG: i32 = 4096;

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

/// A server that listens and does not serve yet.
#[derive(Debug)]
pub struct Server {
    builder: Builder,
    listeners: Vec<TcpListener>,
    local: SocketAddr,
    shutdown: Shutdown,
}

impl Server {
    /// A server in the making.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Listens on `address` with the defaults, in clear text.
    ///
    /// # Errors
    /// See [`Builder::bind`].
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        Self::builder().bind(address)
    }

    /// The address it listens on, with the port that was taken.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Makes the server leave, from anywhere.
    #[must_use]
    pub fn shutdown(&self) -> Shutdown {
        self.shutdown.clone()
    }

    /// Serves on threads of its own until [`Shutdown::shut_down`] is called and the drain is over; blocks.
    ///
    /// # Errors
    /// A runtime or thread could not be made. Nothing a connection does ends the server.
    pub fn run<S: Service + Clone>(self, service: S) -> io::Result<DrainReport> {
        let shutdown = self.shutdown();
        let (acceptor, listeners, registry) = self.parts(service)?;
        let mut threads = Vec::new();
        let mut outcome = Ok(());
        for (n, listener) in listeners.into_iter().enumerate() {
            let acceptor = Arc::clone(&acceptor);
            let spawned = runtime().and_then(|runtime| {
                let work = move || runtime.block_on(accept_loop(acceptor, listener));
                thread::Builder::new().name(format!("pellucid-{n}")).spawn(work)
            });
            match spawned {
                Ok(thread) => threads.push(thread),
                // All workers or none.
                Err(e) => {
                    outcome = Err(e);
                    shutdown.shut_down();
                    break;
                }
            }
        }
        for thread in threads {
            match thread.join() {
                Ok(result) => outcome = outcome.and(result),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        outcome.map(|()| registry.report())
    }

    /// Serves on the caller's runtime until [`Shutdown::shut_down`] is called and the drain is over. Dropping the future cuts
    /// every connection off.
    ///
    /// # Errors
    /// The listening socket cannot be used with this runtime.
    pub async fn serve<S: Service + Clone>(self, service: S) -> io::Result<DrainReport> {
        let (acceptor, listeners, registry) = self.parts(service)?;
        let mut loops = tokio::task::JoinSet::new();
        for listener in listeners {
            loops.spawn(accept_loop(Arc::clone(&acceptor), listener));
        }
        while let Some(joined) = loops.join_next().await {
            match joined {
                Ok(result) => result?,
                Err(e) => return Err(io::Error::other(e)),
            }
        }
        Ok(registry.report())
    }

    #[allow(clippy::type_complexity, reason = "three parts of one call")]
    fn parts<S: Service + Clone>(self, service: S) -> io::Result<(Arc<Acceptor<S>>, Vec<TcpListener>, Arc<Registry>)> {
        let registry = self.shutdown.registry();
        let acceptor = Acceptor::new(self.builder, service, Arc::clone(&registry))?;
        Ok((Arc::new(acceptor), self.listeners, registry))
    }
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}
