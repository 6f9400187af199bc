//! Why a handshake failed, or its end was refused, as far as people can do something about it.
//!
//! Not for: what a connection may run into later; that is the driver's error.

use std::fmt;
use std::io;

use rustls::{AlertDescription, CertificateError};

/// Why a handshake failed, as far as people can do something about it.
pub(crate) struct Reason<'a>(pub(crate) &'a io::Error);

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(why) = refused(self.0) {
            return write!(f, "its certificate is not trusted: {}", Refusal(why));
        }
        if let Some(alert) = ours_refused(self.0) {
            return write!(f, "{}", OursRefused(alert));
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

/// Why the server refused our certificate, if that is what its alert says.
pub(super) fn ours_refused(error: &io::Error) -> Option<AlertDescription> {
    match tls_error(error) {
        Some(rustls::Error::AlertReceived(alert)) if explain(*alert).is_some() => Some(*alert),
        _ => None,
    }
}

/// The server ended the connection because of our certificate, or for want of one. In TLS 1.3 it says so only after our side of
/// the handshake is done (RFC 8446 §4.4.2.4), so that it is the first read that fails.
#[derive(Debug)]
pub(super) struct OursRefused(pub(super) AlertDescription);

impl fmt::Display for OursRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(explain(self.0).unwrap_or("the server refused our certificate"))
    }
}

impl std::error::Error for OursRefused {}

/// The alerts that are about our certificate (RFC 8446 §6.2).
fn explain(alert: AlertDescription) -> Option<&'static str> {
    use AlertDescription as A;
    Some(match alert {
        A::CertificateRequired => "the server demands a client certificate and was shown none",
        A::UnknownCA => "the server refused our certificate: it does not know the authority that signed it",
        A::CertificateExpired => "the server refused our certificate: it has expired or is not valid yet",
        A::CertificateRevoked => "the server refused our certificate: it has been revoked",
        A::UnsupportedCertificate => "the server refused our certificate: it is of an unsupported kind",
        A::BadCertificate => "the server refused our certificate: it is damaged or made for another use",
        A::CertificateUnknown => "the server refused our certificate and does not say why",
        A::AccessDenied => "the server believes our certificate and grants it no access",
        _ => return None,
    })
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

#[cfg(test)]
mod tests {
    use AlertDescription as A;

    use super::*;

    #[test]
    fn alerts_about_our_certificate_say_so_and_others_stay_what_they_are() {
        let table = [
            (A::CertificateRequired, Some("demands a client certificate")),
            (A::UnknownCA, Some("does not know the authority")),
            (A::CertificateExpired, Some("it has expired")),
            (A::CertificateRevoked, Some("has been revoked")),
            (A::UnsupportedCertificate, Some("unsupported kind")),
            (A::BadCertificate, Some("damaged or made for another use")),
            (A::CertificateUnknown, Some("does not say why")),
            (A::AccessDenied, Some("grants it no access")),
            (A::HandshakeFailure, None),
            (A::InternalError, None),
        ];
        for (alert, part) in table {
            let error = io::Error::new(io::ErrorKind::InvalidData, rustls::Error::AlertReceived(alert));
            let text = ours_refused(&error).map(|alert| OursRefused(alert).to_string());
            assert_eq!(text.is_some(), part.is_some(), "{alert:?}");
            assert!(text.unwrap_or_default().contains(part.unwrap_or_default()), "{alert:?}");
        }
        assert_eq!(ours_refused(&io::ErrorKind::UnexpectedEof.into()), None);
    }
}
