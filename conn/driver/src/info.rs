//! Facts of a connection that handlers may know.

use std::fmt;
use std::net::SocketAddr;

/// Facts of the connection a request came on; shared by all its requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Info {
    /// The connection's number: unique in its server, counted from 1; 0 where nobody counts.
    pub id: u64,
    /// The peer's address, where the transport has one.
    pub peer: Option<SocketAddr>,
    /// Our address, where the transport has one.
    pub local: Option<SocketAddr>,
    /// What the TLS handshake agreed on; `None` in clear text.
    pub tls: Option<TlsInfo>,
}

impl Info {
    /// Whether the transport is TLS.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.tls.is_some()
    }

    /// The server name the client asked for in its TLS handshake.
    #[must_use]
    pub fn server_name(&self) -> Option<&str> {
        self.tls.as_ref()?.server_name.as_deref()
    }

    /// The certificate the client has proved to own, in DER.
    #[must_use]
    pub fn client_certificate(&self) -> Option<&[u8]> {
        self.tls.as_ref()?.peer_certificates.first().map(Vec::as_slice)
    }
}

/// What a TLS handshake agreed on.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsInfo {
    /// The version, such as `TLSv1.3`.
    pub version: String,
    /// The cipher suite, by its registered name.
    pub cipher_suite: String,
    /// The application protocol (ALPN), such as `h2`.
    pub alpn: Option<String>,
    /// The server name the client asked for.
    pub server_name: Option<String>,
    /// The peer's certificate and what came with it, in DER, its own first; empty where it showed none.
    pub peer_certificates: Vec<Vec<u8>>,
    /// Whether the session was resumed rather than made anew.
    pub is_resumed: bool,
}

/// Certificates are counted, not printed.
impl fmt::Debug for TlsInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { version, cipher_suite, alpn, server_name, peer_certificates, is_resumed } = self;
        f.debug_struct("TlsInfo")
            .field("version", version)
            .field("cipher_suite", cipher_suite)
            .field("alpn", alpn)
            .field("server_name", server_name)
            .field("peer_certificates", &peer_certificates.len())
            .field("is_resumed", is_resumed)
            .finish()
    }
}
