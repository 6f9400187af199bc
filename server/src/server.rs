//! A server that listens: runs on threads of its own or on the caller's runtime.
//!
//! ```
//! use pellucid_server::{Request, Response, Server};
//!
//! # fn main() -> std::io::Result<()> {
//! let server = Server::bind("127.0.0.1:0".parse().unwrap())?;
//! let shutdown = server.shutdown();
//! let serving = std::thread::spawn(|| server.run(|_: Request| async { Response::new(200) }));
//! shutdown.shut_down();
//! println!("{}", serving.join().unwrap()?);
//! # Ok(())
//! # }
//! ```

use std::io;
use std::net::SocketAddr;
#[cfg(unix)]
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use pellucid_driver::Service;

use crate::accept::{Acceptor, accept_loop};
use crate::builder::Builder;
use crate::connections::Connections;
use crate::drain::{DrainReport, Shutdown};
use crate::listen::Listener;

/// A server that listens and does not serve yet. `A` is what its address is: of a TCP socket by default, a path for a Unix socket.
#[derive(Debug)]
pub struct Server<A = SocketAddr> {
    builder: Builder,
    listeners: Vec<Listener>,
    address: A,
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
        self.address
    }
}

#[cfg(unix)]
impl Server<PathBuf> {
    /// Where its socket lies; empty for a socket without a file, which only a listener of one's own can be.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.address
    }
}

impl<A> Server<A> {
    pub(crate) fn new(builder: Builder, listeners: Vec<Listener>, address: A) -> Self {
        let shutdown = Shutdown::new(builder.max_connections);
        Self { builder, listeners, address, shutdown }
    }

    /// Makes the server leave, from anywhere.
    #[must_use]
    pub fn shutdown(&self) -> Shutdown {
        self.shutdown.clone()
    }

    /// Shows the connections that are open, from anywhere.
    #[must_use]
    pub fn connections(&self) -> Connections {
        Connections::new(self.shutdown.registry())
    }

    /// Serves on threads of its own until [`Shutdown::shut_down`] is called and the drain is over; blocks.
    ///
    /// # Errors
    /// A runtime or thread could not be made. Nothing a connection does ends the server.
    pub fn run<S: Service + Clone>(self, service: S) -> io::Result<DrainReport> {
        let (shutdown, registry) = (self.shutdown(), self.shutdown.registry());
        let acceptor = Arc::new(Acceptor::new(self.builder, service, Arc::clone(&registry)));
        let mut threads = Vec::new();
        let mut outcome = Ok(());
        for (n, listener) in self.listeners.into_iter().enumerate() {
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
        let registry = self.shutdown.registry();
        let acceptor = Arc::new(Acceptor::new(self.builder, service, Arc::clone(&registry)));
        let mut loops = tokio::task::JoinSet::new();
        for listener in self.listeners {
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
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}
