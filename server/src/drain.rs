//! Leaving without losing a request: every connection is told, given its time, and counted.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pellucid_driver::server::Handle;
use pellucid_driver::{Info, Kind, Report};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::connections::Open;

/// Tells a server to leave. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Shutdown(Arc<Registry>);

impl Shutdown {
    pub(crate) fn new(max_connections: usize) -> Self {
        let places = Arc::new(Semaphore::new(max_connections));
        Self(Arc::new(Registry { state: Mutex::default(), places, stop: watch::Sender::new(false) }))
    }

    pub(crate) fn registry(&self) -> Arc<Registry> {
        Arc::clone(&self.0)
    }

    /// Accepts no more connections, tells those that are open to finish what is under way (two-phase GOAWAY, RFC 9113 §6.8), and
    /// cuts what is still open at `Config::drain_timeout`. Calling it again changes nothing.
    pub fn shut_down(&self) {
        self.0.stop.send_replace(true);
        for connection in self.0.open() {
            connection.shut_down();
        }
    }
}

/// The connections of a server.
pub(crate) struct Registry {
    state: Mutex<State>,
    /// How many connections may still be opened.
    places: Arc<Semaphore>,
    stop: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct State {
    /// The number of the connection accepted last.
    last: u64,
    open: HashMap<u64, Open>,
    report: DrainReport,
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} connections", self.lock().open.len())
    }
}

impl Registry {
    /// Resolves when the server is to leave.
    pub(crate) async fn stopping(&self) {
        // The sender lives as long as the registry, so waiting cannot fail.
        let _ = self.stop.subscribe().wait_for(|stop| *stop).await;
    }

    /// A place for one more connection, as soon as there is one; it is free again when the permit is dropped. Cancel-safe.
    pub(crate) async fn place(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Some(place);
        }
        tracing::warn!("`max_connections` are open: accepting pauses");
        Arc::clone(&self.places).acquire_owned().await.ok()
    }

    /// The number of a connection that was accepted, from 1.
    pub(crate) fn number(&self) -> u64 {
        let mut state = self.lock();
        state.last += 1;
        state.last
    }

    pub(crate) fn add(&self, info: Arc<Info>, handle: Handle) {
        let mut state = self.lock();
        state.report.connections += 1;
        if *self.stop.borrow() {
            handle.shut_down();
        }
        state.open.insert(info.id, Open::new(info, handle));
    }

    #[cfg(feature = "tls")]
    pub(crate) fn handshake_failed(&self) {
        self.lock().report.handshakes_failed += 1;
    }

    /// The connections that are open now, in no order.
    pub(crate) fn open(&self) -> Vec<Open> {
        self.lock().open.values().cloned().collect()
    }

    pub(crate) fn count(&self) -> usize {
        self.lock().open.len()
    }

    pub(crate) fn remove(&self, n: u64, report: Option<&Report>) {
        let mut state = self.lock();
        state.open.remove(&n);
        match report {
            Some(report) => {
                state.report.requests += report.streams;
                state.report.streams_cut += report.cut;
                state.report.connections_failed +=
                    u64::from(report.error.as_ref().is_some_and(|e| !matches!(e.kind(), Kind::Closed)));
            }
            None => state.report.connections_cut += 1,
        }
    }

    pub(crate) fn report(&self) -> DrainReport {
        self.lock().report
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a server did, and what its leaving cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DrainReport {
    /// Connections that were served. Over TLS: after their handshake.
    pub connections: u64,
    /// TLS handshakes that failed, took too long or ended without HTTP/2; each is logged with the peer and the reason.
    pub handshakes_failed: u64,
    /// Requests taken.
    pub requests: u64,
    /// Connections that ended with an error, the peer's disappearance included.
    pub connections_failed: u64,
    /// Requests that were still open at the hard deadline and were reset.
    pub streams_cut: u64,
    /// Connections that did not close even then.
    pub connections_cut: u64,
}

impl fmt::Display for DrainReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { connections, handshakes_failed, requests, connections_failed, streams_cut, connections_cut } = *self;
        write!(f, "served {} on {}", count(requests, "request"), count(connections, "connection"))?;
        if connections_failed > 0 {
            write!(f, ", {connections_failed} of them ended with an error")?;
        }
        if handshakes_failed > 0 {
            write!(f, "; {} failed", count(handshakes_failed, "TLS handshake"))?;
        }
        if streams_cut > 0 || connections_cut > 0 {
            let (streams, connections) = (count(streams_cut, "request"), count(connections_cut, "connection"));
            write!(f, "; cut {streams} and {connections} at the deadline")?;
        }
        Ok(())
    }
}

fn count(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
