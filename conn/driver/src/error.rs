//! One error for everything that can go wrong with a request, a response or a connection: what happened, on which stream, by
//! which rule of which RFC, and whether the request may be sent again.

use std::fmt;
use std::io;
use std::sync::Arc;

use pellucid_conn::h2::Violation;
use pellucid_conn::{Cause, ConnectionError, ErrorCode, SendError, StreamId};

/// What went wrong. Cheap to clone: one connection's end is told to many requests.
#[derive(Debug, Clone)]
pub struct Error {
    kind: Kind,
    stream: StreamId,
    sent: Sent,
}

/// The kinds of failure.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Kind {
    /// No connection could be made; says why.
    Connect(Arc<dyn std::error::Error + Send + Sync>),
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
    /// A body source, or the application behind it, failed; its error.
    Body(Arc<dyn std::error::Error + Send + Sync>),
    /// The body is larger than the caller allows.
    TooLarge,
    /// Something took too long; says what.
    Timeout(&'static str),
}

/// Whether a request that failed may be sent again, whatever its method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It was never sent, or the peer has promised that it did nothing with it (RFC 9113 §8.7).
    Safe,
    /// Sending it again would fail in the same way, or its response had begun.
    Unsafe,
    /// It was sent and nobody knows what became of it: only for methods that may be repeated (RFC 9110 §9.2.2).
    Unknown,
}

/// How far a message had come when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    /// Not at all.
    Nothing,
    /// It was on its way.
    Begun,
    /// The peer had begun to answer.
    Answered,
}

impl Error {
    /// An error that concerns the whole connection, or a request that was never sent.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        Self { kind, stream: StreamId::CONNECTION, sent: Sent::Nothing }
    }

    /// The same error, on this stream: its request was on its way.
    #[must_use]
    pub fn on(mut self, stream: StreamId) -> Self {
        self.stream = stream;
        if self.sent == Sent::Nothing && !stream.is_connection() {
            self.sent = Sent::Begun;
        }
        self
    }

    /// The same error, after the response had begun.
    #[must_use]
    pub fn after_answer(mut self) -> Self {
        self.sent = Sent::Answered;
        self
    }

    /// A body's own failure: an error, or a text.
    #[must_use]
    pub fn body(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(Kind::Body(why.into().into()))
    }

    /// The same failure, of the source of a body that is sent. It may come from another connection, where it says much of that
    /// one's stream; of the stream that the body was sent on it says nothing.
    pub(crate) fn of_source(self) -> Self {
        if self.is_body() { self } else { Self::body(self) }
    }

    /// Why no connection could be made: an error, or a text.
    #[must_use]
    pub fn connect(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(Kind::Connect(why.into().into()))
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

    /// The rule the peer broke, if that is what happened.
    #[must_use]
    pub fn violation(&self) -> Option<Violation> {
        match &self.kind {
            Kind::Connection(e) => Some(e.violation),
            Kind::Stream(Cause::Local(violation)) => Some(*violation),
            _ => None,
        }
    }

    /// The section of the RFC that decides what happened, such as `RFC 9113 §5.1`; `None` where no rule of the protocol is involved.
    #[must_use]
    pub fn section(&self) -> Option<&'static str> {
        match &self.kind {
            Kind::Connection(e) => Some(e.violation.section()),
            Kind::Stream(Cause::Local(violation)) => Some(violation.section()),
            Kind::Stream(Cause::NotProcessed) => Some("RFC 9113 §6.8"),
            Kind::Stream(_) => Some("RFC 9113 §6.4"),
            Kind::Send(e) => e.section(),
            _ => None,
        }
    }

    /// The error code on the wire, ours or the peer's (RFC 9113 §7), where there was one.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        match &self.kind {
            Kind::Connection(e) => Some(e.code()),
            Kind::Stream(Cause::Peer(code)) => Some(*code),
            Kind::Stream(Cause::Local(violation)) => Some(violation.code()),
            _ => None,
        }
    }

    /// Whether the request may be sent again.
    ///
    /// What was never written is safe, and so is what the peer refused (RFC 9113 §8.7: REFUSED_STREAM, or a stream above GOAWAY's
    /// last). A request whose response had begun is not, whatever the peer says of it then, nor one that would fail again:
    /// malformed, its own body failed, or the peer found fault with it. Everything else was lost on its way and is unknown.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match &self.kind {
            _ if self.sent == Sent::Answered => Retry::Unsafe,
            Kind::Stream(cause) if cause.is_unprocessed() => Retry::Safe,
            Kind::Send(SendError::Malformed(_) | SendError::OutOfOrder | SendError::WrongRole) => Retry::Unsafe,
            Kind::Send(SendError::PushNotAllowed | SendError::NoExtendedConnect) => Retry::Unsafe,
            Kind::Body(_) | Kind::TooLarge => Retry::Unsafe,
            Kind::Stream(Cause::Peer(code)) if is_verdict(*code) => Retry::Unsafe,
            Kind::Stream(Cause::Local(violation)) if !violation.is_timeout() => Retry::Unsafe,
            _ if self.sent == Sent::Nothing => Retry::Safe,
            _ => Retry::Unknown,
        }
    }

    /// Whether something took too long: our own patience, or the connection's time-outs.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        match &self.kind {
            Kind::Timeout(_) => true,
            Kind::Connect(e) | Kind::Body(e) => has_timed_out(e.as_ref()),
            Kind::Io(e) => e.kind() == io::ErrorKind::TimedOut,
            _ => self.violation().is_some_and(Violation::is_timeout),
        }
    }

    /// Whether the peer gave the stream up: RST_STREAM with CANCEL, or with NO_ERROR.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self.kind, Kind::Stream(Cause::Peer(ErrorCode::CANCEL | ErrorCode::NO_ERROR)))
    }

    /// Whether the peer refused to work on the request.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        matches!(self.kind, Kind::Stream(cause) if cause.is_unprocessed())
    }

    /// Whether no connection could be made.
    #[must_use]
    pub fn is_connect(&self) -> bool {
        matches!(self.kind, Kind::Connect(_))
    }

    /// Whether the connection is closed or closing, so that another one is needed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        use SendError::{Dead, GoingAway, IdsExhausted};
        match self.kind {
            Kind::Closed | Kind::Io(_) | Kind::Connection(_) => true,
            Kind::Send(e) => matches!(e, Dead | GoingAway | IdsExhausted),
            Kind::Stream(cause) => matches!(cause, Cause::NotProcessed | Cause::Local(Violation::DrainDeadline)),
            _ => false,
        }
    }

    /// Whether the caller asked for what the protocol forbids.
    #[must_use]
    pub fn is_malformed(&self) -> bool {
        matches!(self.kind, Kind::Send(SendError::Malformed(_)))
    }

    /// Whether a body failed by itself or was larger than allowed.
    #[must_use]
    pub fn is_body(&self) -> bool {
        matches!(self.kind, Kind::Body(_) | Kind::TooLarge)
    }
}

/// Codes by which the peer says that the fault is in what we sent, or in how (RFC 9113 §7).
fn is_verdict(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::PROTOCOL_ERROR | ErrorCode::FLOW_CONTROL_ERROR | ErrorCode::FRAME_SIZE_ERROR)
        || matches!(code, ErrorCode::STREAM_CLOSED | ErrorCode::COMPRESSION_ERROR)
        || matches!(code, ErrorCode::INADEQUATE_SECURITY | ErrorCode::HTTP_1_1_REQUIRED)
}

fn has_timed_out(error: &(dyn std::error::Error + 'static)) -> bool {
    let own = error.downcast_ref::<Error>().is_some_and(Error::is_timeout);
    let io = error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::TimedOut);
    own || io || error.source().is_some_and(has_timed_out)
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.stream.is_connection() {
            write!(f, "stream {}: ", self.stream)?;
        }
        match &self.kind {
            Kind::Connect(e) => write!(f, "{e}"),
            Kind::Io(e) => write!(f, "transport: {e}"),
            Kind::Connection(e) => write!(f, "{e}"),
            Kind::Stream(cause) => write!(f, "{cause}"),
            Kind::Send(e) => write!(f, "{e}"),
            Kind::Closed => f.write_str("the connection is closed"),
            Kind::Body(e) => write!(f, "the body failed: {e}"),
            Kind::TooLarge => f.write_str("the body is larger than allowed"),
            Kind::Timeout(what) => write!(f, "timed out: {what}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            Kind::Io(e) => Some(e.as_ref()),
            Kind::Connect(e) | Kind::Body(e) => Some(e.as_ref()),
            Kind::Connection(e) => Some(e),
            Kind::Stream(e) => Some(e),
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

/// For those who read and write through `tokio::io`.
impl From<Error> for io::Error {
    fn from(e: Error) -> Self {
        use io::ErrorKind::{ConnectionAborted, ConnectionReset, Other, TimedOut};
        let kind = match e.kind() {
            Kind::Io(io) => io.kind(),
            _ if e.is_timeout() => TimedOut,
            Kind::Stream(_) => ConnectionReset,
            Kind::Closed | Kind::Connection(_) => ConnectionAborted,
            _ => Other,
        };
        Self::new(kind, e)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_reads_and_writes_is_told_of_a_time_out_as_such() {
        let silent = ConnectionError { violation: Violation::KeepaliveTimeout, stream: StreamId::CONNECTION };
        for error in [
            Error::from(silent),
            Error::new(Kind::Timeout("too slow")),
            io::Error::from(io::ErrorKind::TimedOut).into(),
        ] {
            assert_eq!(io::Error::from(error).kind(), io::ErrorKind::TimedOut);
        }
        let broken = ConnectionError { violation: Violation::BadPreface, stream: StreamId::CONNECTION };
        assert_eq!(io::Error::from(Error::from(broken)).kind(), io::ErrorKind::ConnectionAborted);
        assert_eq!(io::Error::from(Error::from(Cause::NotProcessed)).kind(), io::ErrorKind::ConnectionReset);
    }
}
