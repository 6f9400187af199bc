//! TLS for the client: whom to believe, and ALPN `h2`.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
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
        Trust::Pem(pem) => WebPkiServerVerifier::builder_with_provider(Arc::new(roots(pem)?), provider)
            .build()
            .map_err(|e| format!("the certificates to trust cannot be used: {e}"))?,
        Trust::Anyone => Arc::new(Anyone(provider)),
    };
    let mut config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}

fn roots(pem: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|e| format!("the certificates to trust cannot be read: {e}"))?;
        roots.add(certificate).map_err(|e| format!("a certificate to trust cannot be used: {e}"))?;
    }
    if roots.is_empty() {
        return Err("the file of certificates to trust holds none in PEM".to_owned());
    }
    Ok(roots)
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
