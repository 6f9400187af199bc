//! The accept loop: never ends because of a connection, and never waits for one.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pellucid_driver::server::{Options, serve_with_handle};
use pellucid_driver::{Info, Service};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::builder::{BACKLOG, Builder};
use crate::drain::Registry;

/// After the hard deadline of a drain, connections get this long to write their last octets.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// How long to wait when the system is out of descriptors or memory: what is open must close before more can be accepted.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(50);

/// Everything needed to serve a connection; shared by the workers.
pub(crate) struct Acceptor<S> {
    builder: Builder,
    /// What each connection gets a clone of: one lock a connection, so that a service need not be shareable.
    service: Mutex<S>,
    registry: Arc<Registry>,
    #[cfg(feature = "tls")]
    tls: Option<tokio_rustls::TlsAcceptor>,
}

impl<S: Service + Clone> Acceptor<S> {
    #[allow(clippy::unnecessary_wraps, reason = "fails only with the feature `tls`")]
    pub(crate) fn new(builder: Builder, service: S, registry: Arc<Registry>) -> io::Result<Self> {
        Ok(Self {
            service: Mutex::new(service),
            registry,
            #[cfg(feature = "tls")]
            tls: match &builder.identity {
                Some(identity) => Some(crate::tls::acceptor(identity)?),
                None => None,
            },
            builder,
        })
    }

    /// One connection, from its first octet to its last. What it becomes is boxed: a connection in clear text is not to take the
    /// room of one over TLS, nor a finished handshake to keep the room it took.
    async fn connection(self: Arc<Self>, stream: TcpStream, peer: SocketAddr) {
        let mut info = Info::default();
        info.peer = Some(peer);
        info.local = stream.local_addr().ok();
        // Small frames must not wait for each other.
        let _ = stream.set_nodelay(true);
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            if let Some(stream) = Box::pin(self.shake_hands(tls, stream, &mut info)).await {
                Box::pin(self.serve(stream, info)).await;
            }
            return;
        }
        Box::pin(self.serve(stream, info)).await;
    }

    /// The TLS handshake; nothing when it fails, or ends with another protocol.
    #[cfg(feature = "tls")]
    async fn shake_hands(
        &self,
        tls: &tokio_rustls::TlsAcceptor,
        stream: TcpStream,
        info: &mut Info,
    ) -> Option<Box<tokio_rustls::server::TlsStream<TcpStream>>> {
        let peer = info.peer.map(tracing::field::display);
        // Before the handshake there is nothing worth finishing: a server that leaves does not wait for it.
        let accepted = tokio::select! {
            accepted = timeout(self.builder.handshake_timeout, tls.accept(stream)) => accepted,
            () = self.registry.stopping() => return None,
        };
        match accepted {
            Ok(Ok(stream)) => {
                let (_, session) = stream.get_ref();
                info.tls = Some(crate::tls::info(session));
                match crate::tls::refuse(session) {
                    None => return Some(Box::new(stream)),
                    Some(reason) => tracing::info!(peer, reason, "connection refused"),
                }
            }
            Ok(Err(e)) => tracing::info!(peer, error = %e, "TLS handshake failed"),
            Err(_) => tracing::info!(peer, "TLS handshake timed out"),
        }
        None
    }

    async fn serve<T: AsyncRead + AsyncWrite + Unpin + Send + 'static>(&self, stream: T, info: Info) {
        let mut options = Options::default();
        options.config = self.builder.config.clone();
        options.config.max_age = options.config.max_age.map(jitter);
        options.config.secure = info.is_secure();
        if info.is_secure() {
            options.config.fit_tls_records();
        }
        options.tap = self.builder.tap.as_ref().and_then(|maker| maker(&info));
        let peer = info.peer;
        options.info = info;
        let service = self.service.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // The configuration was checked when the server was built.
        let Ok((connection, handle)) = serve_with_handle(stream, service, options) else { return };
        let entry = Entry { n: self.registry.add(handle), registry: Arc::clone(&self.registry), done: false };
        let report = connection.await;
        if let Some(error) = &report.error {
            tracing::info!(peer = peer.map(tracing::field::display), %error, "connection ended");
        }
        entry.done(&report);
    }
}

/// Up to a tenth more or less, so that connections that came together do not leave together.
fn jitter(age: Duration) -> Duration {
    // A new hasher's key is random; the standard library offers no other chance.
    let chance = RandomState::new().build_hasher().finish() % 2001;
    age * u32::try_from(9000 + chance).unwrap_or(10_000) / 10_000
}

/// A connection's place in the registry; counted as cut when its task is dropped before its end.
struct Entry {
    n: u64,
    registry: Arc<Registry>,
    done: bool,
}

impl Entry {
    fn done(mut self, report: &pellucid_driver::Report) {
        self.done = true;
        self.registry.remove(self.n, Some(report));
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if !self.done {
            self.registry.remove(self.n, None);
        }
    }
}

/// Accepts until the server is to leave, then waits for what is open.
pub(crate) async fn accept_loop<S: Service + Clone>(
    acceptor: Arc<Acceptor<S>>,
    listener: TcpListener,
) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let registry = Arc::clone(&acceptor.registry);
    let mut connections = JoinSet::new();
    let mut stopping = std::pin::pin!(registry.stopping());
    loop {
        tokio::select! {
            biased;
            () = &mut stopping => break,
            // Before accepting: a flood of connections must not keep us from forgetting those that have ended.
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(Arc::clone(&acceptor).connection(stream, peer));
                }
                Err(e) => rest_after(&e).await,
            },
        }
    }
    for (stream, peer) in backlog(listener.into_std()?) {
        connections.spawn(Arc::clone(&acceptor).connection(stream, peer));
    }
    let limit = acceptor.builder.config.drain_timeout + acceptor.builder.config.drain_ping_timeout + LAST_WORDS;
    let drained = timeout(limit, async { while connections.join_next().await.is_some() {} }).await;
    if drained.is_err() {
        connections.shutdown().await;
    }
    Ok(())
}

/// What the system has accepted for us and nobody has taken yet. Closing the socket would reset these connections, whose clients
/// may have sent requests already; they are served like any other, and told to leave.
fn backlog(listener: TcpListener) -> impl Iterator<Item = (TcpStream, SocketAddr)> {
    let next = move || loop {
        match listener.accept() {
            Ok((stream, peer)) => {
                if let Ok(stream) = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream)) {
                    return Some((stream, peer));
                }
            }
            Err(e) if is_of_a_connection(&e) => {}
            Err(_) => return None,
        }
    };
    std::iter::from_fn(next).take(usize::try_from(BACKLOG).unwrap_or(usize::MAX))
}

/// An error of `accept` is a connection's (it was gone before we took it), or the system's, which passes.
async fn rest_after(e: &io::Error) {
    tracing::warn!(error = %e, "accept failed");
    if !is_of_a_connection(e) {
        tokio::time::sleep(EXHAUSTED_PAUSE).await;
    }
}

fn is_of_a_connection(e: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(e.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_differ_by_a_tenth_at_most() {
        let hour = Duration::from_secs(3600);
        let ages: Vec<Duration> = (0..100).map(|_| jitter(hour)).collect();
        assert!(ages.iter().all(|age| (hour * 9 / 10..=hour * 11 / 10).contains(age)), "{ages:?}");
        assert!(ages.iter().any(|age| *age != ages[0]));
    }
}
