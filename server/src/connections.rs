//! The connections of a running server, seen from outside.
//!
//! ```
//! use pellucid_server::{Request, Response, Server};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let server = Server::bind("127.0.0.1:0".parse().unwrap())?;
//! let connections = server.connections();
//! # let shutdown = server.shutdown();
//! let serving = tokio::spawn(server.serve(|_: Request| async { Response::new(200) }));
//! for connection in connections.list() {
//!     let peer = connection.info().peer;
//!     if let Some(stats) = connection.stats().await {
//!         println!("{peer:?}: {} streams are open", stats.live_streams);
//!     }
//! }
//! # shutdown.shut_down();
//! # serving.await.unwrap()?;
//! # Ok(())
//! # }
//! ```
//!
//! Not for: making a server leave as a whole; that is [`Shutdown`](crate::Shutdown).

use std::future::Future;
use std::sync::Arc;

use pellucid_driver::server::Handle;
use pellucid_driver::{Info, Snapshot};

use crate::drain::{DrainReport, Registry};

/// Shows a server's connections. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Connections(Arc<Registry>);

impl Connections {
    pub(crate) fn new(registry: Arc<Registry>) -> Self {
        Self(registry)
    }

    /// Those that are open and served now, the oldest first; over TLS, those whose handshake is done.
    #[must_use]
    pub fn list(&self) -> Vec<Open> {
        let mut open = self.0.open();
        open.sort_unstable_by_key(|connection| connection.info.id);
        open
    }

    /// How many are open and served now.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.count()
    }

    /// What the server has done so far; requests are counted when their connection closes.
    #[must_use]
    pub fn report(&self) -> DrainReport {
        self.0.report()
    }
}

/// A connection that was open when it was listed. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Open {
    info: Arc<Info>,
    handle: Handle,
}

impl Open {
    pub(crate) fn new(info: Arc<Info>, handle: Handle) -> Self {
        Self { info, handle }
    }

    /// Facts of the connection: number, addresses, TLS.
    #[must_use]
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// What it has done so far and how it stands; `None` when it is closed. Cancel-safe.
    pub fn stats(&self) -> impl Future<Output = Option<Snapshot>> + Send + use<> {
        self.handle.stats()
    }

    /// Makes this connection leave: no new streams, those that are open may finish (two-phase GOAWAY, RFC 9113 §6.8).
    pub fn shut_down(&self) {
        self.handle.shut_down();
    }
}
