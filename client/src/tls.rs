//! TLS for the client: whom to believe, ALPN `h2` (RFC 9113 §3.2), and why a handshake failed in plain words.
//!
//! Not for: versions and ciphers; those are rustls's choice.

use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::error::ConnectError;

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
        client_config(self).map(drop).map_err(ConnectError::Config)
    }
}

/// Makes the handshake; the server must choose HTTP/2.
pub(crate) async fn shake_hands(
    trust: &Trust,
    stream: TcpStream,
    host: &str,
    to: &str,
) -> Result<TlsStream<TcpStream>, ConnectError> {
    let config = client_config(trust).map_err(ConnectError::Config)?;
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| ConnectError::Config(format!("{host} cannot stand in a certificate")))?;
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(|e| {
        // A server that knows no ALPN protocol in common says so in an alert.
        if e.to_string().contains("NoApplicationProtocol") {
            ConnectError::NoHttp2(to.to_owned())
        } else {
            ConnectError::Tls(to.to_owned(), e)
        }
    })?;
    // RFC 9113 §3.2: HTTP/2 over TLS is negotiated, never assumed.
    if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
        return Err(ConnectError::NoHttp2(to.to_owned()));
    }
    Ok(stream)
}

fn client_config(trust: &Trust) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|e| format!("TLS: {e}"))?;
    let verifier: Arc<dyn ServerCertVerifier> = match trust {
        Trust::Platform => Arc::new(
            rustls_platform_verifier::Verifier::new(provider)
                .map_err(|e| format!("the platform's certificates cannot be used: {e}"))?,
        ),
        Trust::Pem(pem) => Arc::new(Named::new(pem, provider)?),
        Trust::Anyone => Arc::new(Anyone(provider)),
    };
    let mut config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}

/// Believes what the named certificates have signed, and the named certificates themselves: those that people make for
/// one server often say that they are authorities, which could not be a server's otherwise.
#[derive(Debug)]
struct Named {
    certificates: Vec<CertificateDer<'static>>,
    chains: Arc<WebPkiServerVerifier>,
}

impl Named {
    fn new(pem: &[u8], provider: Arc<CryptoProvider>) -> Result<Self, String> {
        let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<_, _>>()
            .map_err(|e| format!("the certificates to trust cannot be read: {e}"))?;
        if certificates.is_empty() {
            return Err("the file of certificates to trust holds none in PEM".to_owned());
        }
        let mut roots = RootCertStore::empty();
        for certificate in &certificates {
            roots.add(certificate.clone()).map_err(|e| format!("a certificate to trust cannot be used: {e}"))?;
        }
        let chains = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|e| format!("the certificates to trust cannot be used: {e}"))?;
        Ok(Self { certificates, chains })
    }
}

impl ServerCertVerifier for Named {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match self.chains.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // Its dates are right: that has an error of its own, which comes before this one.
            Err(rustls::Error::InvalidCertificate(CertificateError::Other(_)))
                if self.certificates.iter().any(|named| named == end_entity) =>
            {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chains.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chains.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chains.supported_verify_schemes()
    }
}

/// Believes any certificate; still checks that the server holds its key.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Why a handshake failed, as far as people can do something about it.
pub(crate) struct Reason<'a>(pub(crate) &'a io::Error);

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(why) = refused(self.0) {
            return write!(f, "its certificate is not trusted: {}", Refusal(why));
        }
        match (tls_error(self.0), self.0.kind()) {
            // What came is no record of TLS: an answer of HTTP in clear text, perhaps.
            (Some(rustls::Error::InvalidMessage(_)), _) => {
                f.write_str("the server does not speak TLS on this port; try http://")
            }
            (None, io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => {
                f.write_str("the server closed the connection during the TLS handshake")
            }
            _ => write!(f, "{}", self.0),
        }
    }
}

/// Why the server's certificate was refused, if it was.
pub(crate) fn refused(error: &io::Error) -> Option<&CertificateError> {
    match tls_error(error) {
        Some(rustls::Error::InvalidCertificate(why)) => Some(why),
        _ => None,
    }
}

fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// What is wrong with a certificate.
struct Refusal<'a>(&'a CertificateError);

impl fmt::Display for Refusal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use CertificateError as E;
        match self.0 {
            E::UnknownIssuer => f.write_str("it is signed by an authority that is not known here"),
            E::NotValidForName => f.write_str("it is made for another name"),
            E::NotValidForNameContext { expected, presented } => {
                write!(f, "it is not made for {}", expected.to_str())?;
                if presented.is_empty() { Ok(()) } else { write!(f, ", but for {}", Names(presented)) }
            }
            E::Expired | E::ExpiredContext { .. } => f.write_str("it has expired"),
            E::NotValidYet | E::NotValidYetContext { .. } => f.write_str("it is not valid yet"),
            E::Revoked => f.write_str("it has been revoked"),
            // The verifier's own error, which has no name outside of it.
            E::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => {
                f.write_str("it is an authority's certificate, not a server's")
            }
            other => write!(f, "{other}"),
        }
    }
}

/// The names in a certificate, which wrote the type around each, such as `DnsName("localhost")`.
struct Names<'a>(&'a [String]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, name) in self.0.iter().take(NAMES_SHOWN).enumerate() {
            let name = name.split_once('(').map_or(name.as_str(), |(_, name)| name.trim_end_matches(')'));
            let gap = if place == 0 { "" } else { ", " };
            write!(f, "{gap}{}", name.trim_matches('"'))?;
        }
        if self.0.len() > NAMES_SHOWN { f.write_str(" and others") } else { Ok(()) }
    }
}

/// A certificate may hold thousands.
const NAMES_SHOWN: usize = 3;
