//! The accept loop: never ends because of a connection, and never waits for one, unless `max_connections` are open.

use std::future::Future;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pellucid_driver::server::{Options, serve_with_handle};
use pellucid_driver::{Info, Service};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::builder::Builder;
use crate::drain::Registry;
use crate::listen::{Listener, Transport, is_of_a_connection};
#[cfg(feature = "tls")]
use crate::tls::{self, Accepted, Tls};

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
}

impl<S: Service + Clone> Acceptor<S> {
    pub(crate) fn new(builder: Builder, service: S, registry: Arc<Registry>) -> Self {
        Self { builder, service: Mutex::new(service), registry }
    }

    /// One connection, from its first octet to its last; it takes one place of `max_connections`, unless it is served on the way
    /// out.
    async fn connection(self: Arc<Self>, transport: Transport, _place: Option<OwnedSemaphorePermit>) {
        let mut info = Info::default();
        info.id = self.registry.number();
        match transport {
            Transport::Tcp(stream, peer) => {
                info.peer = Some(peer);
                info.local = stream.local_addr().ok();
                // Small frames must not wait for each other.
                let _ = stream.set_nodelay(true);
                self.speak(stream, info).await;
            }
            #[cfg(unix)]
            Transport::Unix(stream) => self.speak(stream, info).await,
        }
    }

    /// What a connection becomes is boxed: one in clear text is not to take the room of one over TLS, nor a finished handshake to
    /// keep the room it took.
    fn speak<T>(&self, stream: T, info: Info) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.builder.tls {
            return Box::pin(async move {
                if let Some((stream, info)) = Box::pin(self.shake_hands(tls, stream, info)).await {
                    Box::pin(self.serve(stream, info)).await;
                }
            });
        }
        Box::pin(self.serve(stream, info))
    }

    /// The TLS handshake; nothing when it fails, or ends with another protocol.
    #[cfg(feature = "tls")]
    async fn shake_hands<T>(&self, tls: &Tls, stream: T, mut info: Info) -> Option<(Secured<T>, Info)>
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        let (conn, peer) = (info.id, info.peer.map(tracing::field::display));
        // Before the handshake there is nothing worth finishing: a server that leaves does not wait for it.
        let accepted = tokio::select! {
            accepted = timeout(self.builder.handshake_timeout, tls::accept(tls, stream)) => accepted,
            () = self.registry.stopping() => return None,
        };
        let reason = match accepted {
            Ok(Accepted::Open(stream)) => {
                let (_, session) = stream.get_ref();
                info.tls = Some(tls::info(session));
                match tls::refuse(session) {
                    None => return Some((stream, info)),
                    Some(reason) => reason.to_owned(),
                }
            }
            Ok(Accepted::Failed(reason, stream)) => {
                tracing::info!(conn, peer, reason, "TLS handshake failed");
                self.registry.handshake_failed();
                tokio::select! {
                    () = tls::part(stream) => {}
                    () = self.registry.stopping() => {}
                }
                return None;
            }
            Err(_) => "it took too long".to_owned(),
        };
        tracing::info!(conn, peer, reason, "TLS handshake failed");
        self.registry.handshake_failed();
        None
    }

    async fn serve<T: AsyncRead + AsyncWrite + Unpin + Send + 'static>(&self, stream: T, info: Info) {
        let mut options = Options::default();
        options.config = self.builder.config.clone();
        options.config.max_age = options.config.max_age.map(jitter);
        options.config.secure = info.is_secure();
        if info.is_secure() {
            options.config.fit_tls_records();
            options.origins.clone_from(&self.builder.origins);
        }
        options.tap = self.builder.tap.as_ref().and_then(|maker| maker(&info));
        let shown = Arc::new(info.clone());
        options.info = info;
        let service = self.service.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // The configuration was checked when the server was built.
        let Ok((connection, handle)) = serve_with_handle(stream, service, options) else { return };
        let (conn, peer) = (shown.id, shown.peer.map(tracing::field::display));
        self.registry.add(shown, handle);
        let entry = Entry { n: conn, registry: Arc::clone(&self.registry), done: false };
        let report = connection.await;
        if let Some(error) = &report.error {
            tracing::info!(conn, peer, %error, "connection ended");
        }
        entry.done(&report);
    }
}

/// What is served over TLS.
#[cfg(feature = "tls")]
type Secured<T> = Box<tokio_rustls::server::TlsStream<T>>;

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
pub(crate) async fn accept_loop<S: Service + Clone>(acceptor: Arc<Acceptor<S>>, listener: Listener) -> io::Result<()> {
    let listener = listener.start()?;
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
                Ok(transport) => {
                    let place = tokio::select! {
                        place = registry.place() => place,
                        // It is served on the way out, like those that nobody has accepted.
                        () = registry.stopping() => None,
                    };
                    connections.spawn(Arc::clone(&acceptor).connection(transport, place));
                }
                Err(e) => rest_after(&e).await,
            },
        }
    }
    for transport in listener.stop()? {
        connections.spawn(Arc::clone(&acceptor).connection(transport, None));
    }
    let limit = acceptor.builder.config.drain_timeout + acceptor.builder.config.drain_ping_timeout + LAST_WORDS;
    let drained = timeout(limit, async { while connections.join_next().await.is_some() {} }).await;
    if drained.is_err() {
        connections.shutdown().await;
    }
    Ok(())
}

/// The system's errors pass; a connection's is over already.
async fn rest_after(e: &io::Error) {
    tracing::warn!(error = %e, "accept failed");
    if !is_of_a_connection(e) {
        tokio::time::sleep(EXHAUSTED_PAUSE).await;
    }
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
