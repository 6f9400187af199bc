//! What a server is made of, checked before it exists.
//!
//! ```
//! use pellucid_server::{Config, Server};
//!
//! # fn main() -> std::io::Result<()> {
//! let mut config = Config::server();
//! config.max_concurrent_streams = 250;
//! let server = Server::builder().config(config).workers(2).max_connections(10_000).bind("127.0.0.1:0".parse().unwrap())?;
//! println!("listening on {}", server.local_addr());
//! # Ok(())
//! # }
//! ```
//!
//! Not for: sockets; those are in `listen` and `unix`.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
#[cfg(unix)]
use std::os::unix::net::UnixListener;
#[cfg(unix)]
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pellucid_conn::h2::Config;
use pellucid_driver::{Info, Tap};
use tokio::sync::Semaphore;

use crate::listen;
use crate::server::Server;
#[cfg(unix)]
use crate::unix;

/// Makes a tap for each connection that is accepted.
pub type TapMaker = Arc<dyn Fn(&Info) -> Option<Tap> + Send + Sync>;

/// What a server is made of.
#[derive(Clone)]
pub struct Builder {
    pub(crate) config: Config,
    pub(crate) workers: usize,
    pub(crate) max_connections: usize,
    pub(crate) tap: Option<TapMaker>,
    pub(crate) handshake_timeout: Duration,
    pub(crate) origins: Vec<Bytes>,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<crate::tls::Tls>,
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
            max_connections: 100_000,
            tap: None,
            handshake_timeout: Duration::from_secs(10),
            origins: Vec::new(),
            #[cfg(feature = "tls")]
            tls: None,
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

    /// How many connections may be open at once, over all workers; bounds memory and descriptors against a flood of them. 100,000
    /// unless said otherwise. Beyond it accepting pauses until one closes: each worker may hold one connection that it has
    /// accepted and does not serve yet, the others wait in the system's queue.
    #[must_use]
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections;
        self
    }

    /// Watches the octets of each connection for which `maker` gives a tap.
    #[must_use]
    pub fn tap(mut self, maker: TapMaker) -> Self {
        self.tap = Some(maker);
        self
    }

    /// A TLS handshake that takes longer than this is given up. Ten seconds unless said otherwise.
    #[must_use]
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.handshake_timeout = timeout;
        self
    }

    /// Tells the clients of each TLS connection for which origins it may be used (ORIGIN frame, RFC 8336 §2); each is written as
    /// `https://example.com` or `https://example.com:8443`, and the certificate must be good for it.
    #[must_use]
    pub fn origins<O: Into<String>>(mut self, origins: impl IntoIterator<Item = O>) -> Self {
        self.origins = origins.into_iter().map(|origin| Bytes::from(origin.into())).collect();
        self
    }

    /// Serves over TLS, by an [`Identity`](crate::tls::Identity) or all that a [`Tls`](crate::tls::Tls) can be; ALPN offers `h2`.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, tls: impl Into<crate::tls::Tls>) -> Self {
        self.tls = Some(tls.into());
        self
    }

    /// Listens on `address`; port 0 takes a free one.
    ///
    /// # Errors
    /// `InvalidInput` naming a value out of range; otherwise what the system says (port in use, no permission).
    pub fn bind(self, address: SocketAddr) -> io::Result<Server> {
        self.validate()?;
        let listeners = listen::bind(address, self.workers)?;
        Self::listening(self, listeners)
    }

    /// Serves what comes to a socket that listens already, such as one inherited by socket activation. Its workers share it.
    ///
    /// # Errors
    /// As [`Builder::bind`].
    pub fn from_listener(self, listener: TcpListener) -> io::Result<Server> {
        self.validate()?;
        let listeners = listen::shared(listener, self.workers)?;
        Self::listening(self, listeners)
    }

    /// Listens on a Unix socket at `path`. The file of a server that is gone is replaced; ours is removed when the server leaves or
    /// is dropped. Who may connect is a matter of the directory's permissions and the process's umask.
    ///
    /// # Errors
    /// `InvalidInput` naming a value out of range; `AddrInUse` where a server listens there; `AlreadyExists` where the file is no
    /// socket; otherwise what the system says.
    #[cfg(unix)]
    pub fn bind_unix(self, path: impl AsRef<Path>) -> io::Result<Server<PathBuf>> {
        self.validate()?;
        let path = path.as_ref();
        let listeners = unix::bind(path, self.workers)?;
        Ok(Server::new(self, listeners, path.to_owned()))
    }

    /// As [`Builder::from_listener`] for a Unix socket; its file is not ours to remove.
    ///
    /// # Errors
    /// As [`Builder::bind`].
    #[cfg(unix)]
    pub fn from_unix_listener(self, listener: UnixListener) -> io::Result<Server<PathBuf>> {
        self.validate()?;
        let path = listener.local_addr()?.as_pathname().map(Path::to_owned).unwrap_or_default();
        let listeners = unix::shared(listener, self.workers)?;
        Ok(Server::new(self, listeners, path))
    }

    fn listening(self, listeners: Vec<listen::Listener>) -> io::Result<Server> {
        let address = listen::address(&listeners)?;
        Ok(Server::new(self, listeners, address))
    }

    /// Refuses what could not work, naming the value.
    fn validate(&self) -> io::Result<()> {
        self.config.validate().map_err(|e| io::Error::new(io::ErrorKind::InvalidInput, e))?;
        let places = 1..=Semaphore::MAX_PERMITS;
        let rules = [
            ("workers", self.workers > 0, "at least 1"),
            ("max_connections", self.max_connections > 0, "at least 1: nobody could be served"),
            ("max_connections", places.contains(&self.max_connections), "at most an eighth of what a pointer can be"),
            ("handshake_timeout", !self.handshake_timeout.is_zero(), "above zero: no handshake could succeed"),
            ("origins", self.origins.iter().all(|o| is_origin(o)), "each `https://host` or `https://host:port`"),
            ("origins", self.fits_a_frame(), "together at most 16384 octets, two more for each (RFC 8336 §2)"),
        ];
        match rules.iter().find(|(_, is_fine, _)| !is_fine) {
            Some((name, _, range)) => {
                Err(io::Error::new(io::ErrorKind::InvalidInput, format!("`{name}` is out of range: {range}")))
            }
            None => Ok(()),
        }
    }

    /// RFC 9113 §4.2: every peer takes frames of this size.
    fn fits_a_frame(&self) -> bool {
        self.origins.iter().map(|origin| 2 + origin.len()).sum::<usize>() <= 1 << 14
    }
}

/// RFC 6454 §6.2: an origin is a scheme, a host and perhaps a port; it has neither a path nor a user.
fn is_origin(octets: &[u8]) -> bool {
    let Some(authority) = octets.strip_prefix(b"https://") else { return false };
    !authority.is_empty() && authority.iter().all(|b| b.is_ascii_graphic() && !b"/?#@\\\"".contains(b))
}
