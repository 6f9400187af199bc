//! TLS for the server: a certificate with its key, ALPN `h2`, and the cipher suites HTTP/2 allows.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use pellucid_driver::TlsInfo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection};
use tokio_rustls::TlsAcceptor;

/// A certificate chain and its private key.
#[derive(Clone)]
pub struct Identity {
    config: Arc<ServerConfig>,
    chain: Vec<CertificateDer<'static>>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("certificates", &self.chain.len()).finish_non_exhaustive()
    }
}

impl Identity {
    /// A chain and a key in PEM.
    ///
    /// # Errors
    /// `InvalidData` says which of the two holds nothing usable, or that they do not belong together.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> io::Result<Self> {
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(certificates)
            .collect::<Result<_, _>>()
            .map_err(|e| invalid(format!("the certificate cannot be read: {e}")))?;
        if chain.is_empty() {
            return Err(invalid("the certificate file holds no certificate in PEM".to_owned()));
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|e| invalid(format!("the key cannot be read: {e}")))?;
        Self::new(chain, key)
    }

    /// A certificate made on the spot, signed by itself, for `localhost`, the loopback addresses and `names`: for development.
    ///
    /// # Errors
    /// A name that cannot stand in a certificate.
    pub fn self_signed(names: &[&str]) -> io::Result<Self> {
        let mut all: Vec<String> = vec!["localhost".to_owned()];
        all.extend([IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)].map(|ip| ip.to_string()));
        all.extend(names.iter().map(|n| (*n).to_owned()));
        let made = rcgen::generate_simple_self_signed(all).map_err(|e| invalid(format!("certificate: {e}")))?;
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der())
            .map_err(|e| invalid(format!("certificate: {e}")))?;
        Self::new(vec![made.cert.der().clone()], key)
    }

    fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> io::Result<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| invalid(format!("TLS: {e}")))?
            .with_no_client_auth()
            .with_single_cert(chain.clone(), key)
            .map_err(|e| match e {
                rustls::Error::InconsistentKeys(_) => invalid("the key does not belong to the certificate".to_owned()),
                e => invalid(format!("the certificate and key cannot be used: {e}")),
            })?;
        // RFC 9113 §3.2: over TLS the identifier is h2, never h2c.
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Self { config: Arc::new(config), chain })
    }

    /// The first certificate of the chain, in PEM: what a client may be told to trust.
    #[must_use]
    pub fn certificate_pem(&self) -> String {
        let der = self.chain.first().map_or(&[][..], |c| c.as_ref());
        let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
        let text = base64(der);
        for (n, c) in text.chars().enumerate() {
            if n > 0 && n % 64 == 0 {
                pem.push('\n');
            }
            pem.push(c);
        }
        pem.push_str("\n-----END CERTIFICATE-----\n");
        pem
    }
}

fn base64(octets: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in octets.chunks(3) {
        let bits = group.iter().fold(0_u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let digit = DIGITS.get((bits >> (18 - 6 * place) & 63) as usize).copied().unwrap_or(b'=');
            text.push(if place <= group.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

fn invalid(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

#[allow(clippy::unnecessary_wraps, reason = "certificate reload will fail here")]
pub(crate) fn acceptor(identity: &Identity) -> io::Result<TlsAcceptor> {
    Ok(TlsAcceptor::from(Arc::clone(&identity.config)))
}

/// What a handshake agreed on.
pub(crate) fn info(session: &ServerConnection) -> TlsInfo {
    let mut info = TlsInfo::default();
    info.version = session.protocol_version().and_then(|v| v.as_str()).unwrap_or_default().replace('_', ".");
    info.cipher_suite =
        session.negotiated_cipher_suite().and_then(|s| s.suite().as_str()).unwrap_or_default().to_owned();
    info.alpn = session.alpn_protocol().map(|p| String::from_utf8_lossy(p).into_owned());
    info.server_name = session.server_name().map(str::to_owned);
    info.peer_certificates = session.peer_certificates().unwrap_or_default().iter().map(|c| c.to_vec()).collect();
    info.is_resumed = session.handshake_kind() == Some(rustls::HandshakeKind::Resumed);
    info
}

/// Why a finished handshake is no good for HTTP/2, if so.
pub(crate) fn refuse(session: &ServerConnection) -> Option<&'static str> {
    match session.alpn_protocol() {
        Some(b"h2") => None,
        _ => Some("the client did not ask for HTTP/2 in its TLS handshake (ALPN h2)"),
    }
}
