//! Every rule a peer can break. `table` says of each how far it reaches, its error code, its section and its text.
//!
//! A frame's own rules live in `pellucid_frame::Rule` and field compression's in `pellucid_hpack::Error`; they enter here,
//! and nowhere else, as [`Violation::Frame`] and [`Violation::Compression`]. Each rule is raised at one site.

mod table;

use core::fmt;

use pellucid_frame::{ErrorCode, Rule};

use table::TABLE;

/// How far a broken rule reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// RST_STREAM; siblings live on (RFC 9113 §5.4.2).
    Stream,
    /// GOAWAY and close (RFC 9113 §5.4.1).
    Connection,
}

/// A rule that a peer has broken, or a patience that has run out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Violation {
    /// A frame is malformed in itself.
    Frame(Rule),
    /// A field block cannot be decoded.
    Compression(pellucid_hpack::Error),
    // Starting (RFC 9113 §3.4)
    /// The client's first octets are not the connection preface.
    BadPreface,
    /// The first octets are HTTP/1: a request, or a response to our preface.
    Http1Peer,
    /// The first frame is not SETTINGS, or is an acknowledgment.
    FirstFrameNotSettings,
    // Field blocks (RFC 9113 §4.3, §6.10)
    /// Another frame came inside a field block.
    ContinuationExpected,
    /// CONTINUATION outside a field block.
    ContinuationUnexpected,
    /// A field block in more frames, or more octets, than allowed.
    TooManyContinuations,
    /// A field section many times the advertised limit.
    HeaderListWayTooLarge,
    /// A field block was begun and not completed.
    HeaderBlockTimeout,
    // Streams and identifiers (RFC 9113 §5.1)
    /// DATA on a stream nobody has opened.
    DataOnIdleStream,
    /// RST_STREAM on a stream nobody has opened.
    ResetOnIdleStream,
    /// WINDOW_UPDATE on a stream nobody has opened.
    WindowUpdateOnIdleStream,
    /// A response on a stream we never opened.
    HeadersOnIdleStream,
    /// A frame that a reserved stream does not accept.
    FrameOnReservedStream,
    /// A client opened an even stream.
    StreamIdParity,
    /// HEADERS on an identifier below one already used.
    StreamIdNotIncreasing,
    /// HEADERS on a stream the peer itself has ended.
    HeadersOnClosedStream,
    /// HEADERS or DATA after the peer's END_STREAM.
    FrameOnHalfClosedStream,
    /// DATA on a closed stream, or HEADERS after the peer's RST_STREAM.
    FrameOnClosedStream,
    /// More streams than SETTINGS_MAX_CONCURRENT_STREAMS.
    StreamLimit,
    /// As many requests are still being worked on as streams are allowed.
    HandlerLimit,
    /// A stream's priority fields name the stream itself.
    SelfDependency,
    // Flow control (RFC 9113 §6.9)
    /// DATA beyond the connection's window.
    ConnectionFlowExceeded,
    /// WINDOW_UPDATE raises the connection's window above 2^31-1.
    ConnectionWindowOverflow,
    /// SETTINGS_INITIAL_WINDOW_SIZE raises a stream's window above 2^31-1.
    InitialWindowOverflow,
    /// DATA beyond the stream's window.
    StreamFlowExceeded,
    /// WINDOW_UPDATE raises a stream's window above 2^31-1.
    StreamWindowOverflow,
    // Settings (RFC 9113 §6.5)
    /// SETTINGS_ENABLE_PUSH is neither 0 nor 1.
    SettingsEnablePush,
    /// A server sent SETTINGS_ENABLE_PUSH = 1.
    ServerEnabledPush,
    /// SETTINGS_INITIAL_WINDOW_SIZE above 2^31-1.
    SettingsInitialWindow,
    /// SETTINGS_MAX_FRAME_SIZE outside 2^14 to 2^24-1.
    SettingsMaxFrameSize,
    /// SETTINGS_ENABLE_CONNECT_PROTOCOL is not 0 or 1, or goes back to 0.
    SettingsConnectProtocol,
    /// SETTINGS_NO_RFC7540_PRIORITIES is not 0 or 1, or changed.
    SettingsNoPriorities,
    /// One SETTINGS frame with more entries than allowed.
    TooManySettings,
    /// A SETTINGS acknowledgment for nothing.
    UnsolicitedSettingsAck,
    /// Our SETTINGS were not acknowledged.
    SettingsTimeout,
    /// The preface and the first SETTINGS did not arrive.
    PrefaceTimeout,
    // Push (RFC 9113 §6.6, §8.4)
    /// A client sent PUSH_PROMISE.
    PushToServer,
    /// PUSH_PROMISE though push is switched off.
    PushDisabled,
    /// PUSH_PROMISE on a stream that cannot carry it.
    PushOnBadStream,
    /// PUSH_PROMISE of a stream already used.
    PromisedStreamNotIdle,
    /// The promised request has a method that is not safe and cacheable.
    PushNotSafe,
    /// A promised request is for a server that the peer may not speak for.
    PushNotAuthoritative,
    /// More promised streams than allowed.
    TooManyPromises,
    // Priorities (RFC 9218 §7.1)
    /// A server sent PRIORITY_UPDATE.
    PriorityUpdateFromServer,
    /// PRIORITY_UPDATE for a push stream nobody promised.
    PriorityUpdateOnIdlePush,
    /// PRIORITY_UPDATE for more idle streams than could be opened.
    TooManyPrioritized,
    // Messages (RFC 9113 §8): malformed, so the stream ends and its siblings live on
    /// A field name with an octet that is not allowed, or an empty one.
    FieldName,
    /// A field name with upper-case letters.
    FieldNameUppercase,
    /// A field value with NUL, CR, LF or another control, or white space at an edge.
    FieldValue,
    /// A field that only means something to an HTTP/1 connection.
    ConnectionSpecificField,
    /// `te` with another value than `trailers`.
    TeNotTrailers,
    /// A pseudo-header field after a regular one.
    PseudoAfterRegular,
    /// The same pseudo-header field twice.
    PseudoRepeated,
    /// A pseudo-header field that is not defined here.
    PseudoUnknown,
    /// A pseudo-header field in a trailer section.
    PseudoInTrailers,
    /// `:method`, `:scheme` or `:path` is missing.
    PseudoMissing,
    /// `:method` is not a token.
    BadMethod,
    /// `:scheme` is not a scheme.
    BadScheme,
    /// `:path` is empty, relative, or holds an octet that is not allowed.
    BadPath,
    /// `:authority` holds user information or an octet that is not allowed.
    BadAuthority,
    /// `host` and `:authority` disagree, or `host` comes twice.
    AuthorityMismatch,
    /// CONNECT with `:scheme` or `:path`, or without `:authority`.
    BadConnect,
    /// `:protocol` without leave, or on another method than CONNECT.
    BadProtocol,
    /// `content-length` is not a number, or there are two.
    BadContentLength,
    /// The content is longer or shorter than `content-length`.
    ContentLengthMismatch,
    /// `:status` is missing or is not three digits.
    BadStatus,
    /// An interim response with END_STREAM.
    InformationalWithEnd,
    /// Status 101.
    SwitchingProtocols,
    /// More interim responses than allowed.
    TooManyInformational,
    /// DATA before the final response's HEADERS.
    DataBeforeHeaders,
    /// A second HEADERS that does not end the stream.
    HeadersWithoutEnd,
    /// HEADERS on a stream that CONNECT made a tunnel.
    FrameOnTunnel,
    /// A response's or trailer's field section above the limit.
    HeaderListTooLarge,
    // Load (RFC 9113 §10.5)
    /// Requests are opened and reset at once, again and again.
    TooManyResets,
    /// The peer provokes stream errors, again and again.
    TooManyInternalResets,
    /// The peer goes on opening streams above the limit.
    TooManyRefused,
    /// Too many frames that change nothing.
    TooManyGlitches,
    /// Too many empty DATA frames.
    TooManyDataFrames,
    /// Too many WINDOW_UPDATE frames for the DATA sent.
    TooManyWindowUpdates,
    /// Replies the peer provoked and does not read.
    ControlBufferFull,
    /// The peer owes content and sends none.
    BodyIdle,
    /// The peer opens its window too slowly.
    Stalled,
    /// The stream was still open at the hard deadline of a drain.
    DrainDeadline,
    /// A keepalive PING was not answered.
    KeepaliveTimeout,
    /// The peer closed the transport.
    PeerClosed,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
struct Row {
    scope: Scope,
    code: ErrorCode,
    section: &'static str,
    /// Stable text for a GOAWAY's debug data; empty where the rule only ever ends a stream.
    debug: &'static str,
    message: &'static str,
}

impl Violation {
    /// Whether the stream ends or the connection. A frame's own error depends on its stream: see `Fault`.
    #[must_use]
    pub fn scope(self) -> Scope {
        self.row().scope
    }

    /// The error code for RST_STREAM or GOAWAY.
    #[must_use]
    pub fn code(self) -> ErrorCode {
        self.row().code
    }

    /// The document and section of the rule.
    #[must_use]
    pub fn section(self) -> &'static str {
        self.row().section
    }

    /// What happened, in a few words.
    #[must_use]
    pub fn message(self) -> &'static str {
        self.row().message
    }

    /// The debug data of the GOAWAY: ASCII, stable between releases.
    #[must_use]
    pub fn debug_data(self) -> &'static str {
        self.row().debug
    }

    /// Whether no rule of the protocol was broken, but a patience has run out.
    #[must_use]
    pub fn is_timeout(self) -> bool {
        use Violation as V;
        matches!(self, V::HeaderBlockTimeout | V::SettingsTimeout | V::PrefaceTimeout | V::KeepaliveTimeout)
            || matches!(self, V::BodyIdle | V::Stalled | V::DrainDeadline)
    }

    /// Every rule that has a row of its own, for tests and documents.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|(rule, _)| *rule)
    }

    fn row(self) -> Row {
        let scope = Scope::Connection;
        match self {
            Self::Frame(r) => {
                Row { scope, code: r.code(), section: r.section(), debug: "malformed_frame", message: r.message() }
            }
            // A string beyond every limit is not a coding mistake but an attack on memory.
            Self::Compression(pellucid_hpack::Error::StringTooLong) => Self::HeaderListWayTooLarge.row(),
            Self::Compression(e) => Row {
                scope,
                code: ErrorCode::COMPRESSION_ERROR,
                section: e.section(),
                debug: "compression_error",
                message: e.message(),
            },
            _ => TABLE.iter().find(|(rule, _)| *rule == self).map_or(NO_ROW, |(_, row)| *row),
        }
    }
}

/// Stands for a forgotten row; a test sees to it that there is none.
const NO_ROW: Row = Row {
    scope: Scope::Connection,
    code: ErrorCode::INTERNAL_ERROR,
    section: "RFC 9113 §7",
    debug: "internal_error",
    message: "a rule without a row",
};

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {})", self.message(), self.code(), self.section())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_a_row_of_its_own() {
        for v in Violation::all() {
            assert_ne!(v.debug_data(), "internal_error", "{v:?} has no row");
            assert!(v.section().starts_with("RFC "), "{v:?}");
            // A connection error names itself in the GOAWAY; a stream error has no place to.
            assert_eq!(v.scope() == Scope::Connection, !v.debug_data().is_empty(), "{v:?}");
            assert!(v.debug_data().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'), "{v:?}");
        }
    }

    #[test]
    fn the_table_holds_each_rule_once_in_the_order_of_the_enum() {
        let mut seen = Vec::new();
        for v in Violation::all() {
            assert!(!seen.contains(&v), "{v:?} has two rows");
            seen.push(v);
        }
        assert_eq!(seen.len(), 85, "a rule was added or removed: count the enum's variants anew");
    }

    #[test]
    fn no_two_rules_share_their_debug_data() {
        let mut seen: Vec<&str> = Violation::all().map(Violation::debug_data).filter(|d| !d.is_empty()).collect();
        seen.sort_unstable();
        let all = seen.len();
        seen.dedup();
        assert_eq!(seen.len(), all);
    }
}
