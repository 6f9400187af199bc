//! Why a connection could not be made, in words that say what to do.

use std::fmt;
use std::io;

/// Why there is no connection.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// The host name has no address.
    Resolve(String, io::Error),
    /// No address of the host accepted a connection; the last error.
    Connect(String, io::Error),
    /// It took too long.
    Timeout(String, &'static str),
    /// The TLS handshake failed.
    Tls(String, io::Error),
    /// The server does not speak HTTP/2 over TLS (it did not choose ALPN `h2`).
    NoHttp2(String),
    /// The certificates to trust, or the configuration, cannot be used.
    Config(String),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resolve(host, e) => write!(f, "cannot resolve {host}: {e}"),
            Self::Connect(to, e) => write!(f, "cannot connect to {to}: {e}"),
            Self::Timeout(to, what) => write!(f, "cannot connect to {to}: {what} timed out"),
            Self::Tls(to, e) => write!(f, "TLS handshake with {to} failed: {e}"),
            Self::NoHttp2(to) => {
                write!(f, "{to} does not offer HTTP/2 (it chose no ALPN protocol h2): it may speak only HTTP/1.1")
            }
            Self::Config(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Resolve(_, e) | Self::Connect(_, e) | Self::Tls(_, e) => Some(e),
            _ => None,
        }
    }
}
