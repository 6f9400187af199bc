//! One error for everything that can go wrong with a request, a response or a connection: what happened, on which stream, by
//! which rule, and whether the request may safely be sent again.

use std::fmt;
use std::io;
use std::sync::Arc;

use pellucid_conn::{Cause, ConnectionError, SendError, StreamId};

/// What went wrong. Cheap to clone: one connection's end is told to many requests.
#[derive(Debug, Clone)]
pub struct Error {
    kind: Kind,
    stream: StreamId,
}

/// The kinds of failure.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Kind {
    /// The transport failed.
    Io(Arc<io::Error>),
    /// The connection broke a rule or ran out of patience.
    Connection(ConnectionError),
    /// The stream was reset.
    Stream(Cause),
    /// The request or response could not be sent as it is.
    Send(SendError),
    /// The connection is closed.
    Closed,
    /// A body source failed; its text.
    Body(Arc<str>),
    /// The body is larger than the caller allows.
    TooLarge,
    /// Something took too long; says what.
    Timeout(&'static str),
}

impl Error {
    /// An error that concerns the whole connection.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        Self { kind, stream: StreamId::CONNECTION }
    }

    /// The same error, on this stream.
    #[must_use]
    pub fn on(mut self, stream: StreamId) -> Self {
        self.stream = stream;
        self
    }

    /// A body source's own failure.
    #[must_use]
    pub fn body(text: impl fmt::Display) -> Self {
        Self::new(Kind::Body(text.to_string().into()))
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// The stream it happened on; `CONNECTION` when it concerns no single stream.
    #[must_use]
    pub fn stream(&self) -> StreamId {
        self.stream
    }

    /// Whether the peer has promised that it did nothing with the request (RFC 9113 §8.7), or it was never sent: safe to send
    /// again, whatever its method.
    #[must_use]
    pub fn is_unprocessed(&self) -> bool {
        match &self.kind {
            Kind::Stream(cause) => cause.is_unprocessed(),
            // With a stream's number it had begun.
            Kind::Send(_) | Kind::Closed | Kind::Connection(_) | Kind::Io(_) | Kind::Timeout(_) => {
                self.stream.is_connection()
            }
            _ => false,
        }
    }

    /// Whether something took too long.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self.kind, Kind::Timeout(_))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.stream.is_connection() {
            write!(f, "stream {}: ", self.stream)?;
        }
        match &self.kind {
            Kind::Io(e) => write!(f, "transport: {e}"),
            Kind::Connection(e) => write!(f, "{e}"),
            Kind::Stream(cause) => write!(f, "{cause}"),
            Kind::Send(e) => write!(f, "{e}"),
            Kind::Closed => f.write_str("the connection is closed"),
            Kind::Body(text) => write!(f, "the body failed: {text}"),
            Kind::TooLarge => f.write_str("the body is larger than allowed"),
            Kind::Timeout(what) => write!(f, "timed out: {what}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            Kind::Io(e) => Some(e.as_ref()),
            Kind::Connection(e) => Some(e),
            Kind::Send(e) => Some(e),
            _ => None,
        }
    }
}

impl From<io::Error> for Error {
    fn from(e: io::Error) -> Self {
        Self::new(Kind::Io(Arc::new(e)))
    }
}

impl From<ConnectionError> for Error {
    fn from(e: ConnectionError) -> Self {
        Self::new(Kind::Connection(e))
    }
}

impl From<SendError> for Error {
    fn from(e: SendError) -> Self {
        Self::new(Kind::Send(e))
    }
}

impl From<Cause> for Error {
    fn from(cause: Cause) -> Self {
        Self::new(Kind::Stream(cause))
    }
}
