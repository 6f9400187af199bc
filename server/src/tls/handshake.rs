//! One handshake: its end, what it agreed on, and in plain words why it failed.

use std::fmt;
use std::io;
use std::time::Duration;

use pellucid_driver::TlsInfo;
use rustls::{AlertDescription, CertificateError, ServerConnection};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::Tls;

/// What a handshake came to.
pub(crate) enum Accepted<T> {
    Open(Box<TlsStream<T>>),
    /// Why, for people; and the transport, on which the client has been told.
    Failed(String, T),
}

/// Makes the handshake by what `tls` says now.
pub(crate) async fn accept<T: AsyncRead + AsyncWrite + Unpin>(tls: &Tls, transport: T) -> Accepted<T> {
    match TlsAcceptor::from(tls.current()).accept(transport).into_fallible().await {
        Ok(stream) => Accepted::Open(Box::new(stream)),
        Err((error, transport)) => Accepted::Failed(Reason(&error).to_string(), transport),
    }
}

/// After a failed handshake, reads and discards for a moment: to close with unread octets would reset the transport and destroy
/// the alert that says what was wrong. A client of TLS 1.3 has often sent its first request before it can know.
pub(crate) async fn part<T: AsyncRead + AsyncWrite + Unpin>(mut transport: T) {
    let parting = async {
        transport.shutdown().await?;
        tokio::io::copy(&mut transport.take(LINGER_OCTETS), &mut tokio::io::sink()).await
    };
    // Whatever comes of it, the connection is over.
    let _ = timeout(LINGER, parting).await;
}

/// How long to read on after a failed handshake …
const LINGER: Duration = Duration::from_secs(1);

/// … and how much.
const LINGER_OCTETS: u64 = 64 << 10;

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

/// Why a handshake failed, as far as people can do something about it.
struct Reason<'a>(&'a io::Error);

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use rustls::Error as E;
        let error = self.0.get_ref().and_then(|e| e.downcast_ref::<E>());
        match (error, self.0.kind()) {
            (Some(E::NoCertificatesPresented), _) => {
                f.write_str("the client was asked for a certificate and showed none")
            }
            (Some(E::InvalidCertificate(why)), _) => write!(f, "the client's certificate is refused: {}", Refusal(why)),
            (Some(E::NoApplicationProtocol), _) => f.write_str("the client does not offer HTTP/2 (ALPN h2)"),
            (Some(E::AlertReceived(alert)), _) if is_of_certificates(*alert) => {
                write!(f, "the client refuses our certificate ({alert:?})")
            }
            // What came is no record of TLS.
            (Some(E::InvalidMessage(_)), _) => f.write_str("the client does not speak TLS"),
            (None, io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => {
                f.write_str("the client closed the connection during the handshake")
            }
            _ => write!(f, "{}", self.0),
        }
    }
}

/// What is wrong with a client's certificate.
struct Refusal<'a>(&'a CertificateError);

impl fmt::Display for Refusal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use CertificateError as E;
        match self.0 {
            E::UnknownIssuer => f.write_str("it is signed by an authority that is not known here"),
            E::BadSignature => f.write_str("its signature is wrong"),
            E::Expired | E::ExpiredContext { .. } => f.write_str("it has expired"),
            E::NotValidYet | E::NotValidYetContext { .. } => f.write_str("it is not valid yet"),
            E::Revoked => f.write_str("it has been revoked"),
            E::InvalidPurpose | E::InvalidPurposeContext { .. } => f.write_str("it is not made for clients"),
            other => write!(f, "{other}"),
        }
    }
}

/// Alerts by which a client says that it does not believe the server's certificate (RFC 8446 §6.2).
fn is_of_certificates(alert: AlertDescription) -> bool {
    use AlertDescription as A;
    matches!(alert, A::UnknownCA | A::BadCertificate | A::UnsupportedCertificate | A::CertificateUnknown)
        || matches!(alert, A::CertificateExpired | A::CertificateRevoked)
}
