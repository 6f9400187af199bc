//! TLS for the client: whom to believe, who we are, ALPN `h2` (RFC 9113 §3.2).
//!
//! A [`Tls`] is built once and shared by all connections: the platform's certificates are read once, and sessions are resumed.
//!
//! Not for: versions and ciphers; those are rustls's choice, or that of [`Tls::from_config`].
//!
//! ```
//! use pellucid_client::{Tls, Trust};
//!
//! # async fn connect(transport: tokio::net::TcpStream) -> Result<(), Box<dyn std::error::Error>> {
//! let tls = Tls::new(&Trust::Platform)?;
//! let stream = tls.connect(transport, "example.com").await?;
//! println!("{} with {}", stream.info().version, stream.info().cipher_suite);
//! # Ok(())
//! # }
//! ```

mod reason;
mod stream;
mod verify;

use std::fmt;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

use crate::error::ConnectError;
pub(crate) use reason::{Reason, refused};
pub use stream::TlsStream;

/// Whose certificates are believed.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum Trust {
    /// What the operating system believes.
    #[default]
    Platform,
    /// Only these roots, in PEM.
    Pem(Vec<u8>),
    /// Anyone, like curl's `-k`: for development, since anybody in between can read and change everything.
    Anyone,
}

impl Trust {
    /// Whether a connection could be made with this: reads the certificates without connecting.
    ///
    /// # Errors
    /// [`ConnectError::Config`] where they cannot be read or used.
    pub fn check(&self) -> Result<(), ConnectError> {
        Tls::new(self).map(drop)
    }
}

/// Everything a client's TLS handshakes need. Cheap to clone; clones share their sessions.
///
/// Where the environment variable `SSLKEYLOGFILE` is set when this is made, the secrets of its connections are appended to that
/// file, for tools such as Wireshark. **Whoever reads the file reads all traffic**: never set it outside of debugging.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ClientConfig>,
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
        f.debug_struct("Tls").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl Tls {
    /// TLS 1.2 and 1.3 with servers that `trust` believes.
    ///
    /// # Errors
    /// [`ConnectError::Config`] where the certificates to trust cannot be read or used.
    pub fn new(trust: &Trust) -> Result<Self, ConnectError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|e| config_error(format!("TLS: {e}")))?;
        let verifier = verify::verifier(trust, provider).map_err(ConnectError::Config)?;
        let mut config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
        config.alpn_protocols = vec![H2.to_vec()];
        // Only then: a key log takes a lock for each secret.
        if std::env::var_os("SSLKEYLOGFILE").is_some() {
            config.key_log = Arc::new(rustls::KeyLogFile::new());
        }
        Ok(Self { config: Arc::new(config), origin: Origin::Ours })
    }

    /// Shows this certificate chain to servers that ask who we are (mutual TLS); both arguments are PEM. What was agreed on with
    /// servers before is forgotten.
    ///
    /// # Errors
    /// [`ConnectError::Config`] names the argument that holds nothing usable, or says that the two do not belong together; a
    /// configuration of one's own has its own identity.
    pub fn identity(self, certificates: &[u8], key: &[u8]) -> Result<Self, ConnectError> {
        if self.origin == Origin::Callers {
            let text = "`identity`: a configuration of one's own says itself which client certificate it shows";
            return Err(config_error(text));
        }
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(certificates)
            .collect::<Result<_, _>>()
            .map_err(|e| config_error(format!("`certificates`: the client certificate cannot be read: {e}")))?;
        if chain.is_empty() {
            return Err(config_error("`certificates`: there is no certificate in PEM"));
        }
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|e| config_error(format!("`key`: the client's key cannot be read: {e}")))?;
        let mut config = ClientConfig::clone(&self.config);
        let pair = CertifiedKey::from_der(chain, key, config.crypto_provider()).map_err(|e| match e {
            rustls::Error::InconsistentKeys(_) => config_error("`key`: it does not belong to the client certificate"),
            e => config_error(format!("`certificates` and `key` cannot be used: {e}")),
        })?;
        config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(pair));
        config.resumption = Resumption::default();
        Ok(Self { config: Arc::new(config), origin: Origin::Ours })
    }

    /// A configuration of one's own. Its key log, sessions and versions are its own affair.
    ///
    /// # Errors
    /// [`ConnectError::Config`] where `alpn_protocols` does not hold `h2`, without which no server could choose HTTP/2, or holds
    /// `h2c` (RFC 9113 §3.2).
    pub fn from_config(config: Arc<ClientConfig>) -> Result<Self, ConnectError> {
        if config.alpn_protocols.is_empty() {
            return Err(config_error("`alpn_protocols` is empty: without `h2` in it no server chooses HTTP/2"));
        }
        if !config.alpn_protocols.iter().any(|protocol| protocol == H2) {
            return Err(config_error("`alpn_protocols` does not hold `h2`: no server would choose HTTP/2"));
        }
        if config.alpn_protocols.iter().any(|protocol| protocol == H2C) {
            return Err(config_error("`alpn_protocols` holds `h2c`, which is for cleartext only (RFC 9113 §3.2)"));
        }
        Ok(Self { config, origin: Origin::Callers })
    }

    /// Makes the handshake on any transport; `server_name` is the host name or IP address the certificate must be made for. The
    /// server must choose HTTP/2. Cancel-safe: dropping the future abandons the attempt and the transport.
    ///
    /// # Errors
    /// [`ConnectError::Tls`] says why in plain words; [`ConnectError::NoHttp2`]; [`ConnectError::Config`] for a name that cannot
    /// stand in a certificate.
    pub async fn connect<T>(&self, transport: T, server_name: &str) -> Result<TlsStream<T>, ConnectError>
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        self.connect_to(transport, server_name, server_name).await
    }

    /// As [`Tls::connect`]; errors call the server `to`.
    pub(crate) async fn connect_to<T>(&self, transport: T, host: &str, to: &str) -> Result<TlsStream<T>, ConnectError>
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| config_error(format!("{host} cannot stand in a certificate")))?;
        let shaken = TlsConnector::from(Arc::clone(&self.config)).connect(name, transport).await;
        let stream = shaken.map_err(|e| {
            // A server that knows no ALPN protocol in common says so in an alert.
            if e.to_string().contains("NoApplicationProtocol") {
                ConnectError::NoHttp2(to.to_owned())
            } else {
                ConnectError::Tls(to.to_owned(), e)
            }
        })?;
        // RFC 9113 §3.2: HTTP/2 over TLS is negotiated, never assumed.
        if stream.get_ref().1.alpn_protocol() != Some(H2) {
            return Err(ConnectError::NoHttp2(to.to_owned()));
        }
        Ok(TlsStream::new(stream, host))
    }
}

/// RFC 9113 §3.2: over TLS the identifier is h2, never h2c.
const H2: &[u8] = b"h2";
const H2C: &[u8] = b"h2c";

fn config_error(text: impl Into<String>) -> ConnectError {
    ConnectError::Config(text.into())
}
