//! Errors by whose fault they are: the peer's ([`ConnectionError`], [`Cause`]) and the caller's ([`SendError`]).

use core::fmt;

use pellucid_frame::{ErrorCode, StreamId};

use crate::h2::Violation;

/// The connection is over. Its GOAWAY, where one is due, has been queued; nothing more is parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionError {
    /// The rule that was broken.
    pub violation: Violation,
    /// The stream whose frame broke it; `CONNECTION` where none did.
    pub stream: StreamId,
}

impl ConnectionError {
    /// The error code sent in the GOAWAY.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.violation.code()
    }
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connection error {}: {}", self.code(), self.violation.message())?;
        if !self.stream.is_connection() {
            write!(f, " (stream {})", self.stream)?;
        }
        write!(f, " [{}]", self.violation.section())
    }
}

impl core::error::Error for ConnectionError {}

/// Why a stream ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The peer sent RST_STREAM with this code.
    Peer(ErrorCode),
    /// We reset it, because the peer broke this rule.
    Local(Violation),
    /// The peer's GOAWAY says that it never acted on this stream: the request is safe to send again elsewhere.
    NotProcessed,
}

impl Cause {
    /// Whether the peer has promised that it did nothing with the request (RFC 9113 §8.7).
    #[must_use]
    pub fn is_unprocessed(self) -> bool {
        matches!(self, Self::NotProcessed | Self::Peer(ErrorCode::REFUSED_STREAM))
    }
}

impl core::error::Error for Cause {}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peer(code) => write!(f, "the peer reset the stream: {code}"),
            Self::Local(v) => write!(f, "stream error {}: {} [{}]", v.code(), v.message(), v.section()),
            Self::NotProcessed => f.write_str("the peer is going away and did not process this stream"),
        }
    }
}

/// A command that cannot be carried out: the caller asked at the wrong time, or for something the protocol forbids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// The connection has failed or is closed.
    Dead,
    /// One side has sent GOAWAY: no new streams.
    GoingAway,
    /// The peer's concurrency limit is reached; `Event::SlotFree` tells when to try again.
    NoSlot,
    /// All 2^30 stream identifiers of this side are used: a new connection is needed.
    IdsExhausted,
    /// The stream is closed, reset, or was never opened.
    NoStream,
    /// Not in this order: a second final response, content before the header section, anything after the end.
    OutOfOrder,
    /// The peer has switched server push off, or this side is a client.
    PushNotAllowed,
    /// Only the other role may do this.
    WrongRole,
    /// The fields would make a malformed message; the text says which rule.
    Malformed(&'static str),
    /// The peer has not switched extended CONNECT on (RFC 8441 §3).
    NoExtendedConnect,
}

impl SendError {
    /// The section of the RFC that forbids it or sets the limit, where one does.
    #[must_use]
    pub fn section(self) -> Option<&'static str> {
        match self {
            Self::Dead => None,
            Self::GoingAway => Some("RFC 9113 §6.8"),
            Self::NoSlot => Some("RFC 9113 §5.1.2"),
            Self::IdsExhausted => Some("RFC 9113 §5.1.1"),
            Self::NoStream | Self::OutOfOrder => Some("RFC 9113 §5.1"),
            Self::PushNotAllowed | Self::WrongRole => Some("RFC 9113 §8.4"),
            Self::Malformed(_) => Some("RFC 9113 §8"),
            Self::NoExtendedConnect => Some("RFC 8441 §3"),
        }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dead => f.write_str("the connection is closed"),
            Self::GoingAway => f.write_str("the connection is going away: open another"),
            Self::NoSlot => f.write_str("the peer's limit of concurrent streams is reached"),
            Self::IdsExhausted => f.write_str("all stream identifiers are used: open another connection"),
            Self::NoStream => f.write_str("the stream is closed or was never opened"),
            Self::OutOfOrder => f.write_str("not allowed at this point of the message"),
            Self::PushNotAllowed => f.write_str("the peer does not allow server push"),
            Self::WrongRole => f.write_str("only the other role may do this"),
            Self::Malformed(rule) => write!(f, "the message would be malformed: {rule}"),
            Self::NoExtendedConnect => f.write_str("the peer does not offer extended CONNECT"),
        }
    }
}

impl core::error::Error for SendError {}
