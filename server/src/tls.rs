//! TLS for the server: a certificate with its key, ALPN `h2`, whose client certificates are believed, and all of it changed
//! under way.
//!
//! TLS 1.2 and 1.3. Every cipher suite of rustls is one that HTTP/2 allows: ephemeral keys and authenticated encryption
//! (RFC 9113 §9.2.2). Renegotiation, which RFC 9113 §9.2.1 forbids, it does not know.
//!
//! ```
//! use pellucid_server::Server;
//! use pellucid_server::tls::{Identity, Tls};
//!
//! # fn main() -> std::io::Result<()> {
//! let tls = Tls::new(Identity::self_signed(&["example.test"])?);
//! let server = Server::builder().tls(tls.clone()).bind("127.0.0.1:0".parse().unwrap())?;
//! // Later, while the server runs: handshakes from now on see the new certificate, open connections go on.
//! tls.reload(&Identity::self_signed(&["example.test"])?);
//! # drop(server);
//! # Ok(())
//! # }
//! ```
//!
//! Not for: listening, and what a connection is served with.

mod handshake;
mod identity;

use std::fmt;
use std::io;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoClientAuth, ResolvesServerCert, ServerSessionMemoryCache, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};

pub(crate) use handshake::{Accepted, accept, info, part, refuse};
pub use identity::Identity;

/// Everything a server's TLS handshakes need. A handle: clones are the same thing, so that the one that was kept changes what a
/// running server shows.
///
/// Where the environment variable `SSLKEYLOGFILE` is set when this is made, the secrets of its connections are appended to that
/// file, for tools such as Wireshark. **Whoever reads the file reads all traffic**: never set it outside of debugging.
#[derive(Clone)]
pub struct Tls(Arc<RwLock<State>>);

struct State {
    /// What handshakes that begin now go by.
    config: Arc<ServerConfig>,
    origin: Origin,
}

/// Whose the configuration is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Ours,
    Callers,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("origin", &self.read().origin).finish_non_exhaustive()
    }
}

impl From<Identity> for Tls {
    fn from(identity: Identity) -> Self {
        Self::new(identity)
    }
}

impl Tls {
    /// Shows this certificate to anyone, and asks nobody for theirs.
    #[must_use]
    #[allow(clippy::needless_pass_by_value, reason = "a builder's first part is given away")]
    pub fn new(identity: Identity) -> Self {
        let mut config = configuration(Arc::new(NoClientAuth), identity.resolver());
        // Only then: a key log takes a lock for each secret.
        if std::env::var_os("SSLKEYLOGFILE").is_some() {
            tracing::warn!("the secrets of TLS connections are written to SSLKEYLOGFILE");
            config.key_log = Arc::new(rustls::KeyLogFile::new());
        }
        Self::with(config.into(), Origin::Ours)
    }

    /// A configuration of one's own. Its key log, sessions, versions and client certificates are its own affair.
    ///
    /// # Errors
    /// `InvalidInput` where `alpn_protocols` does not hold `h2`, without which no client could choose HTTP/2, or holds `h2c`
    /// (RFC 9113 §3.2).
    pub fn from_config(config: Arc<ServerConfig>) -> io::Result<Self> {
        check(&config)?;
        Ok(Self::with(config, Origin::Callers))
    }

    /// Serves only clients that prove to own a certificate these authorities have signed (mutual TLS). Handlers find it in
    /// [`Info::client_certificate`](crate::Info::client_certificate).
    ///
    /// # Errors
    /// `InvalidInput`: `roots_pem` holds no certificate that can be used; or the configuration is the caller's own, and says
    /// itself what it wants of clients.
    pub fn require_client(self, roots_pem: &[u8]) -> io::Result<Self> {
        let verifier = verifier(roots_pem)?.build();
        self.verify_clients(verifier.map_err(|e| invalid(format!("`roots_pem` cannot be used: {e}")))?)
    }

    /// As [`Tls::require_client`], but clients that show no certificate are served, too; those that show a wrong one are not.
    ///
    /// # Errors
    /// See [`Tls::require_client`].
    pub fn accept_client(self, roots_pem: &[u8]) -> io::Result<Self> {
        let verifier = verifier(roots_pem)?.allow_unauthenticated().build();
        self.verify_clients(verifier.map_err(|e| invalid(format!("`roots_pem` cannot be used: {e}")))?)
    }

    /// Shows another certificate in handshakes that begin from now on; what is open goes on, and what clients are asked for stays
    /// as it is. Sessions with the old certificate are not resumed. In a configuration of one's own it takes the place of
    /// `cert_resolver`, and whether old sessions are resumed is that configuration's affair.
    pub fn reload(&self, identity: &Identity) {
        let mut state = self.write();
        let mut config = ServerConfig::clone(&state.config);
        config.cert_resolver = identity.resolver();
        if state.origin == Origin::Ours {
            config.session_storage = ServerSessionMemoryCache::new(SESSIONS);
        }
        state.config = Arc::new(config);
    }

    /// Goes by another configuration in handshakes that begin from now on. All of it: what it says of client certificates counts,
    /// not what was said before.
    ///
    /// # Errors
    /// See [`Tls::from_config`]; then nothing changes.
    pub fn reload_config(&self, config: Arc<ServerConfig>) -> io::Result<()> {
        check(&config)?;
        *self.write() = State { config, origin: Origin::Callers };
        Ok(())
    }

    /// What a handshake that begins now goes by.
    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.read().config)
    }

    fn with(config: Arc<ServerConfig>, origin: Origin) -> Self {
        Self(Arc::new(RwLock::new(State { config, origin })))
    }

    fn verify_clients(self, verifier: Arc<dyn ClientCertVerifier>) -> io::Result<Self> {
        let mut state = self.write();
        if state.origin == Origin::Callers {
            return Err(invalid("a configuration of one's own says itself which client certificates it wants"));
        }
        let mut config = configuration(verifier, Arc::clone(&state.config.cert_resolver));
        config.key_log = Arc::clone(&state.config.key_log);
        state.config = Arc::new(config);
        drop(state);
        Ok(self)
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sessions that can be resumed at once: as many as rustls keeps by itself.
const SESSIONS: usize = 256;

/// RFC 9113 §3.2: over TLS the identifier is h2, never h2c.
const H2: &[u8] = b"h2";
const H2C: &[u8] = b"h2c";

fn configuration(verifier: Arc<dyn ClientCertVerifier>, resolver: Arc<dyn ResolvesServerCert>) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("this provider has suites for TLS 1.2 and 1.3")
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(resolver);
    config.alpn_protocols = vec![H2.to_vec()];
    config
}

fn check(config: &ServerConfig) -> io::Result<()> {
    if config.alpn_protocols.is_empty() {
        return Err(invalid("`alpn_protocols` is empty: without `h2` in it no client can choose HTTP/2"));
    }
    if !config.alpn_protocols.iter().any(|protocol| protocol == H2) {
        return Err(invalid("`alpn_protocols` does not hold `h2`: no client could choose HTTP/2"));
    }
    if config.alpn_protocols.iter().any(|protocol| protocol == H2C) {
        return Err(invalid("`alpn_protocols` holds `h2c`, which is for cleartext only (RFC 9113 §3.2)"));
    }
    Ok(())
}

fn verifier(roots_pem: &[u8]) -> io::Result<rustls::server::ClientCertVerifierBuilder> {
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_slice_iter(roots_pem) {
        let root = root.map_err(|e| invalid(format!("`roots_pem` cannot be read: {e}")))?;
        roots.add(root).map_err(|e| invalid(format!("`roots_pem` holds a certificate that cannot be used: {e}")))?;
    }
    if roots.is_empty() {
        return Err(invalid("`roots_pem` holds no certificate in PEM: no client could ever be believed"));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(WebPkiClientVerifier::builder_with_provider(roots.into(), provider))
}

fn invalid(text: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text.into())
}
