//! What a single frame can do wrong, as one table (RFC 9113 §4.2, §5.4, §6; RFC 9218 §7.1).
//!
//! For: saying which rule a frame broke, and with which code and scope that is answered.
//! Not for: rules that need the state of a stream or of the connection; those are the connection's violations.

use crate::{ErrorCode, Head, StreamId};
use std::fmt;

/// A frame that breaks a rule by itself, whatever the state of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    /// The rule that was broken.
    pub rule: Rule,
    /// The head of the frame that broke it.
    pub head: Head,
}

impl Error {
    #[cold]
    pub(crate) const fn new(rule: Rule, head: Head) -> Self {
        Self { rule, head }
    }

    /// The code that RST_STREAM or GOAWAY has to carry.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        self.rule.code()
    }

    /// Whether the stream or the whole connection ends.
    #[must_use]
    pub const fn scope(self) -> Scope {
        match self.rule {
            // RFC 9113 §5.4.2: a stream error has to belong to a stream; on stream 0 it is the connection's.
            Rule::PriorityLength | Rule::PrioritySelfDependency | Rule::WindowUpdateZero
                if !self.head.stream.is_connection() =>
            {
                Scope::Stream(self.head.stream)
            }
            _ => Scope::Connection,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Head { length, kind, stream, .. } = self.head;
        let scope = match self.scope() {
            Scope::Connection => "connection",
            Scope::Stream(_) => "stream",
        };
        let (message, code, section) = (self.rule.message(), self.code(), self.rule.section());
        write!(f, "{kind} frame of {length} octets on stream {stream}: {message}; {scope} error {code} ({section})")
    }
}

impl std::error::Error for Error {}

/// What ends because of an error (RFC 9113 §5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The whole connection, with GOAWAY.
    Connection,
    /// One stream, with RST_STREAM.
    Stream(StreamId),
}

/// One rule that a frame can break by itself; each is raised in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// Any frame: longer than SETTINGS_MAX_FRAME_SIZE.
    ///
    /// Always a connection error. The RFC would let it be a stream error for some types, but then up to 16 MiB of
    /// payload would have to be read and dropped on the word of a sender that just broke the one rule about lengths.
    FrameTooLarge,
    /// DATA on stream 0.
    DataOnStreamZero,
    /// DATA with PADDED that has no room for the Pad Length octet.
    DataTooShort,
    /// DATA with at least as much padding as payload.
    DataPaddingTooLong,
    /// HEADERS on stream 0.
    HeadersOnStreamZero,
    /// HEADERS without room for the fixed fields its flags announce.
    HeadersTooShort,
    /// HEADERS with more padding than is left for the field block.
    HeadersPaddingTooLong,
    /// PRIORITY on stream 0.
    PriorityOnStreamZero,
    /// PRIORITY of other than 5 octets.
    PriorityLength,
    /// PRIORITY that makes a stream depend on itself. RFC 9113 no longer speaks of dependencies; peers of RFC 7540 still
    /// check each other for this.
    PrioritySelfDependency,
    /// RST_STREAM on stream 0.
    ResetOnStreamZero,
    /// RST_STREAM of other than 4 octets.
    ResetLength,
    /// SETTINGS on a stream other than 0.
    SettingsOnStream,
    /// SETTINGS with ACK and a payload.
    SettingsAckWithPayload,
    /// SETTINGS whose payload is not whole entries of 6 octets.
    SettingsLength,
    /// PUSH_PROMISE on stream 0.
    PushPromiseOnStreamZero,
    /// PUSH_PROMISE without room for its fixed fields.
    PushPromiseTooShort,
    /// PUSH_PROMISE with more padding than is left for the field block.
    PushPromisePaddingTooLong,
    /// PUSH_PROMISE of stream 0 or of an odd stream.
    PushPromiseIllegalId,
    /// PING on a stream other than 0.
    PingOnStream,
    /// PING of other than 8 octets.
    PingLength,
    /// GOAWAY on a stream other than 0.
    GoAwayOnStream,
    /// GOAWAY of fewer than 8 octets.
    GoAwayLength,
    /// WINDOW_UPDATE of other than 4 octets.
    WindowUpdateLength,
    /// WINDOW_UPDATE by 0 octets.
    WindowUpdateZero,
    /// CONTINUATION on stream 0.
    ContinuationOnStreamZero,
    /// PRIORITY_UPDATE on a stream other than 0.
    PriorityUpdateOnStream,
    /// PRIORITY_UPDATE of fewer than 4 octets.
    PriorityUpdateLength,
    /// PRIORITY_UPDATE for stream 0.
    PriorityUpdateIdZero,
}

impl Rule {
    /// Every rule, in the order of the declaration; for tables made from them.
    pub const ALL: [Self; 29] = [
        Self::FrameTooLarge,
        Self::DataOnStreamZero,
        Self::DataTooShort,
        Self::DataPaddingTooLong,
        Self::HeadersOnStreamZero,
        Self::HeadersTooShort,
        Self::HeadersPaddingTooLong,
        Self::PriorityOnStreamZero,
        Self::PriorityLength,
        Self::PrioritySelfDependency,
        Self::ResetOnStreamZero,
        Self::ResetLength,
        Self::SettingsOnStream,
        Self::SettingsAckWithPayload,
        Self::SettingsLength,
        Self::PushPromiseOnStreamZero,
        Self::PushPromiseTooShort,
        Self::PushPromisePaddingTooLong,
        Self::PushPromiseIllegalId,
        Self::PingOnStream,
        Self::PingLength,
        Self::GoAwayOnStream,
        Self::GoAwayLength,
        Self::WindowUpdateLength,
        Self::WindowUpdateZero,
        Self::ContinuationOnStreamZero,
        Self::PriorityUpdateOnStream,
        Self::PriorityUpdateLength,
        Self::PriorityUpdateIdZero,
    ];

    /// The code a breach is answered with.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        self.row().0
    }

    /// Where the rule stands: the RFC's number and the section, as in `RFC 9113 §6.9`.
    #[must_use]
    pub const fn section(self) -> &'static str {
        self.row().1
    }

    /// What is wrong with the frame, in a few words that fit into GOAWAY's debug data.
    #[must_use]
    pub const fn message(self) -> &'static str {
        self.row().2
    }

    /// The table: code, section, message.
    const fn row(self) -> (ErrorCode, &'static str, &'static str) {
        const PROTOCOL: ErrorCode = ErrorCode::PROTOCOL_ERROR;
        const SIZE: ErrorCode = ErrorCode::FRAME_SIZE_ERROR;
        match self {
            Self::FrameTooLarge => (SIZE, "RFC 9113 §4.2", "larger than SETTINGS_MAX_FRAME_SIZE"),
            Self::DataOnStreamZero => (PROTOCOL, "RFC 9113 §6.1", "DATA on stream 0"),
            Self::DataTooShort => (SIZE, "RFC 9113 §4.2", "no room for the Pad Length"),
            Self::DataPaddingTooLong => (PROTOCOL, "RFC 9113 §6.1", "padding as long as the payload or longer"),
            Self::HeadersOnStreamZero => (PROTOCOL, "RFC 9113 §6.2", "HEADERS on stream 0"),
            Self::HeadersTooShort => (SIZE, "RFC 9113 §4.2", "no room for the fields its flags announce"),
            Self::HeadersPaddingTooLong => (PROTOCOL, "RFC 9113 §6.2", "padding longer than the rest of the payload"),
            Self::PriorityOnStreamZero => (PROTOCOL, "RFC 9113 §6.3", "PRIORITY on stream 0"),
            Self::PriorityLength => (SIZE, "RFC 9113 §6.3", "payload is not 5 octets"),
            Self::PrioritySelfDependency => (PROTOCOL, "RFC 7540 §5.3.1", "stream depends on itself"),
            Self::ResetOnStreamZero => (PROTOCOL, "RFC 9113 §6.4", "RST_STREAM on stream 0"),
            Self::ResetLength => (SIZE, "RFC 9113 §6.4", "payload is not 4 octets"),
            Self::SettingsOnStream => (PROTOCOL, "RFC 9113 §6.5", "SETTINGS on a stream"),
            Self::SettingsAckWithPayload => (SIZE, "RFC 9113 §6.5", "acknowledgement with a payload"),
            Self::SettingsLength => (SIZE, "RFC 9113 §6.5", "payload is not a multiple of 6 octets"),
            Self::PushPromiseOnStreamZero => (PROTOCOL, "RFC 9113 §6.6", "PUSH_PROMISE on stream 0"),
            Self::PushPromiseTooShort => (SIZE, "RFC 9113 §4.2", "no room for the promised stream"),
            Self::PushPromisePaddingTooLong => {
                (PROTOCOL, "RFC 9113 §6.6", "padding longer than the rest of the payload")
            }
            Self::PushPromiseIllegalId => (PROTOCOL, "RFC 9113 §6.6", "promised stream is 0 or odd"),
            Self::PingOnStream => (PROTOCOL, "RFC 9113 §6.7", "PING on a stream"),
            Self::PingLength => (SIZE, "RFC 9113 §6.7", "payload is not 8 octets"),
            Self::GoAwayOnStream => (PROTOCOL, "RFC 9113 §6.8", "GOAWAY on a stream"),
            Self::GoAwayLength => (SIZE, "RFC 9113 §4.2", "payload is shorter than 8 octets"),
            Self::WindowUpdateLength => (SIZE, "RFC 9113 §6.9", "payload is not 4 octets"),
            Self::WindowUpdateZero => (PROTOCOL, "RFC 9113 §6.9", "increment of 0"),
            Self::ContinuationOnStreamZero => (PROTOCOL, "RFC 9113 §6.10", "CONTINUATION on stream 0"),
            Self::PriorityUpdateOnStream => (PROTOCOL, "RFC 9218 §7.1", "PRIORITY_UPDATE on a stream"),
            Self::PriorityUpdateLength => (SIZE, "RFC 9218 §7.1", "payload is shorter than 4 octets"),
            Self::PriorityUpdateIdZero => (PROTOCOL, "RFC 9218 §7.1", "prioritized stream is 0"),
        }
    }
}
