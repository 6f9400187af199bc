//! Why a connection could not be made, in words that say what to do.
//!
//! Not for: what goes wrong on a connection that is made; that is the driver's error.

use std::fmt;
use std::io;
use std::sync::LazyLock;

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

#[cfg(feature = "tls")]
impl ConnectError {
    /// Whether the server's certificate was refused: another [`Trust`](crate::Trust) may help.
    #[must_use]
    pub fn is_untrusted(&self) -> bool {
        matches!(self, Self::Tls(_, e) if crate::tls::refused(e).is_some())
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resolve(host, e) => write!(f, "cannot resolve {host}: {e}"),
            Self::Connect(to, e) => write!(f, "cannot connect to {to}: {e}"),
            Self::Timeout(to, what) => write!(f, "cannot connect to {to}: {what} timed out"),
            #[cfg(feature = "tls")]
            Self::Tls(to, e) => write!(f, "TLS handshake with {to} failed: {}", crate::tls::Reason(e)),
            #[cfg(not(feature = "tls"))]
            Self::Tls(to, e) => write!(f, "TLS handshake with {to} failed: {e}"),
            Self::NoHttp2(to) => {
                write!(f, "{to} does not offer HTTP/2 (no ALPN protocol h2): it may speak only HTTP/1.1")
            }
            Self::Config(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Resolve(_, e) | Self::Connect(_, e) | Self::Tls(_, e) => Some(e),
            Self::Timeout(..) => Some(&*LATE),
            Self::NoHttp2(_) | Self::Config(_) => None,
        }
    }
}

/// For those who look for a time-out in the chain of sources, as [`pellucid_driver::Error::is_timeout`] does.
static LATE: LazyLock<io::Error> = LazyLock::new(|| io::ErrorKind::TimedOut.into());

impl From<ConnectError> for pellucid_driver::Error {
    fn from(error: ConnectError) -> Self {
        Self::connect(error)
    }
}
