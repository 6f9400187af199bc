//! THE table: every rule a peer can break, one row each: scope, error code, section, text.
//!
//! A frame's own rules live in `pellucid_frame::Rule` and field compression's in `pellucid_hpack::Error`; they enter here,
//! and nowhere else, as [`Violation::Frame`] and [`Violation::Compression`]. Each rule is raised at one site.

use core::fmt;

use pellucid_frame::{ErrorCode, Rule};

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
    /// The client's first octets look like an HTTP/1 request.
    Http1Request,
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

const fn row(scope: Scope, code: ErrorCode, section: &'static str, debug: &'static str, message: &'static str) -> Row {
    Row { scope, code, section, debug, message }
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

    /// Every rule that has a row of its own, for tests and documents.
    pub const ALL: &'static [Self] = &[
        Self::BadPreface,
        Self::Http1Request,
        Self::FirstFrameNotSettings,
        Self::ContinuationExpected,
        Self::ContinuationUnexpected,
        Self::TooManyContinuations,
        Self::HeaderListWayTooLarge,
        Self::HeaderBlockTimeout,
        Self::DataOnIdleStream,
        Self::ResetOnIdleStream,
        Self::WindowUpdateOnIdleStream,
        Self::HeadersOnIdleStream,
        Self::FrameOnReservedStream,
        Self::StreamIdParity,
        Self::StreamIdNotIncreasing,
        Self::HeadersOnClosedStream,
        Self::FrameOnHalfClosedStream,
        Self::FrameOnClosedStream,
        Self::StreamLimit,
        Self::HandlerLimit,
        Self::SelfDependency,
        Self::ConnectionFlowExceeded,
        Self::ConnectionWindowOverflow,
        Self::InitialWindowOverflow,
        Self::StreamFlowExceeded,
        Self::StreamWindowOverflow,
        Self::SettingsEnablePush,
        Self::ServerEnabledPush,
        Self::SettingsInitialWindow,
        Self::SettingsMaxFrameSize,
        Self::SettingsConnectProtocol,
        Self::SettingsNoPriorities,
        Self::TooManySettings,
        Self::UnsolicitedSettingsAck,
        Self::SettingsTimeout,
        Self::PrefaceTimeout,
        Self::PushToServer,
        Self::PushDisabled,
        Self::PushOnBadStream,
        Self::PromisedStreamNotIdle,
        Self::PushNotSafe,
        Self::TooManyPromises,
        Self::PriorityUpdateFromServer,
        Self::PriorityUpdateOnIdlePush,
        Self::TooManyPrioritized,
        Self::FieldName,
        Self::FieldNameUppercase,
        Self::FieldValue,
        Self::ConnectionSpecificField,
        Self::TeNotTrailers,
        Self::PseudoAfterRegular,
        Self::PseudoRepeated,
        Self::PseudoUnknown,
        Self::PseudoInTrailers,
        Self::PseudoMissing,
        Self::BadMethod,
        Self::BadScheme,
        Self::BadPath,
        Self::BadAuthority,
        Self::AuthorityMismatch,
        Self::BadConnect,
        Self::BadProtocol,
        Self::BadContentLength,
        Self::ContentLengthMismatch,
        Self::BadStatus,
        Self::InformationalWithEnd,
        Self::SwitchingProtocols,
        Self::TooManyInformational,
        Self::DataBeforeHeaders,
        Self::HeadersWithoutEnd,
        Self::FrameOnTunnel,
        Self::HeaderListTooLarge,
        Self::TooManyResets,
        Self::TooManyInternalResets,
        Self::TooManyRefused,
        Self::TooManyGlitches,
        Self::TooManyDataFrames,
        Self::TooManyWindowUpdates,
        Self::ControlBufferFull,
        Self::BodyIdle,
        Self::Stalled,
        Self::DrainDeadline,
        Self::KeepaliveTimeout,
        Self::PeerClosed,
    ];

    fn row(self) -> Row {
        use Scope::Connection as C;
        type E = ErrorCode;
        match self {
            Self::Frame(rule) => row(C, rule.code(), rule.section(), "malformed_frame", rule.message()),
            // A string beyond every limit is not a coding mistake but an attack on memory.
            Self::Compression(pellucid_hpack::Error::StringTooLong) => Self::HeaderListWayTooLarge.row(),
            Self::Compression(e) => row(C, E::COMPRESSION_ERROR, e.section(), "compression_error", e.message()),
            _ => self.stream_row(),
        }
    }

    // Starting, field blocks, streams, flow control.
    fn stream_row(self) -> Row {
        use Scope::{Connection as C, Stream as S};
        type E = ErrorCode;
        match self {
            Self::BadPreface => row(
                C,
                E::PROTOCOL_ERROR,
                "RFC 9113 §3.4",
                "invalid_preface",
                "the connection does not begin with the HTTP/2 preface",
            ),
            Self::Http1Request => row(
                C,
                E::HTTP_1_1_REQUIRED,
                "RFC 9113 §3.4",
                "http1_on_http2_port",
                "the peer speaks HTTP/1, not HTTP/2",
            ),
            Self::FirstFrameNotSettings => row(
                C,
                E::PROTOCOL_ERROR,
                "RFC 9113 §3.4",
                "first_frame_not_settings",
                "the first frame is not a SETTINGS frame",
            ),
            Self::ContinuationExpected => row(
                C,
                E::PROTOCOL_ERROR,
                "RFC 9113 §6.10",
                "continuation_expected",
                "a frame came between the frames of one field block",
            ),
            Self::ContinuationUnexpected => row(
                C,
                E::PROTOCOL_ERROR,
                "RFC 9113 §6.10",
                "continuation_unexpected",
                "CONTINUATION without a field block to continue",
            ),
            Self::TooManyContinuations => row(
                C,
                E::ENHANCE_YOUR_CALM,
                "RFC 9113 §10.5.1",
                "too_many_continuations",
                "a field block came in too many CONTINUATION frames",
            ),
            Self::HeaderListWayTooLarge => row(
                C,
                E::ENHANCE_YOUR_CALM,
                "RFC 9113 §10.5.1",
                "header_list_way_too_large",
                "a field section is far above SETTINGS_MAX_HEADER_LIST_SIZE",
            ),
            Self::HeaderBlockTimeout => row(
                C,
                E::ENHANCE_YOUR_CALM,
                "RFC 9113 §10.5",
                "header_block_timeout",
                "a field block was not completed in time",
            ),
            Self::DataOnIdleStream => {
                row(C, E::PROTOCOL_ERROR, "RFC 9113 §5.1", "data_on_idle_stream", "DATA on an idle stream")
            }
            Self::ResetOnIdleStream => {
                row(C, E::PROTOCOL_ERROR, "RFC 9113 §6.4", "reset_on_idle_stream", "RST_STREAM on an idle stream")
            }
            Self::WindowUpdateOnIdleStream => row(
                C,
                E::PROTOCOL_ERROR,
                "RFC 9113 §5.1",
                "window_update_on_idle_stream",
                "WINDOW_UPDATE on an idle stream",
            ),
            Self::HeadersOnIdleStream => row(
                C,
                E::PROTOCOL_ERROR,
                "RFC 9113 §5.1",
                "headers_on_idle_stream",
                "HEADERS on a stream that this side never opened",
            ),
            Self::FrameOnReservedStream => row(
                C,
                E::PROTOCOL_ERROR,
                "RFC 9113 §5.1",
                "frame_on_reserved_stream",
                "a frame that is not allowed on a reserved stream",
            ),
            Self::StreamIdParity => row(
                C,
                E::PROTOCOL_ERROR,
                "RFC 9113 §5.1.1",
                "stream_id_parity",
                "a stream identifier of the wrong parity",
            ),
            Self::StreamIdNotIncreasing => row(
                C,
                E::PROTOCOL_ERROR,
                "RFC 9113 §5.1.1",
                "stream_id_not_increasing",
                "a new stream's identifier is not above all earlier ones",
            ),
            Self::HeadersOnClosedStream => {
                row(C, E::STREAM_CLOSED, "RFC 9113 §5.1", "headers_on_closed_stream", "HEADERS on a closed stream")
            }
            Self::FrameOnHalfClosedStream => {
                row(S, E::STREAM_CLOSED, "RFC 9113 §5.1", "", "HEADERS or DATA after END_STREAM")
            }
            Self::FrameOnClosedStream => row(S, E::STREAM_CLOSED, "RFC 9113 §6.1", "", "a frame on a closed stream"),
            Self::StreamLimit => {
                row(S, E::REFUSED_STREAM, "RFC 9113 §5.1.2", "", "more concurrent streams than allowed")
            }
            Self::HandlerLimit => {
                row(S, E::REFUSED_STREAM, "RFC 9113 §5.1.2", "", "too many requests are still being worked on")
            }
            Self::SelfDependency => row(S, E::PROTOCOL_ERROR, "RFC 7540 §5.3.1", "", "a stream depends on itself"),
            Self::ConnectionFlowExceeded => row(
                C,
                E::FLOW_CONTROL_ERROR,
                "RFC 9113 §6.9.1",
                "connection_window_exceeded",
                "more DATA than the connection's window allows",
            ),
            Self::ConnectionWindowOverflow => row(
                C,
                E::FLOW_CONTROL_ERROR,
                "RFC 9113 §6.9.1",
                "connection_window_overflow",
                "WINDOW_UPDATE raises the connection's window above 2^31-1",
            ),
            Self::InitialWindowOverflow => row(
                C,
                E::FLOW_CONTROL_ERROR,
                "RFC 9113 §6.9.2",
                "initial_window_overflow",
                "SETTINGS_INITIAL_WINDOW_SIZE raises a stream's window above 2^31-1",
            ),
            Self::StreamFlowExceeded => {
                row(S, E::FLOW_CONTROL_ERROR, "RFC 9113 §6.9.1", "", "more DATA than the stream's window allows")
            }
            Self::StreamWindowOverflow => row(
                S,
                E::FLOW_CONTROL_ERROR,
                "RFC 9113 §6.9.1",
                "",
                "WINDOW_UPDATE raises the stream's window above 2^31-1",
            ),
            _ => self.settings_row(),
        }
    }

    // Settings, push, priorities.
    fn settings_row(self) -> Row {
        use Scope::{Connection as C, Stream as S};
        type E = ErrorCode;
        match self {
            Self::SettingsEnablePush => row(
                C,
                E::PROTOCOL_ERROR,
                "RFC 9113 §6.5.2",
                "invalid_enable_push",
                "SETTINGS_ENABLE_PUSH is neither 0 nor 1",
            ),
            Self::ServerEnabledPush => row(
                C,
                E::PROTOCOL_ERROR,
                "RFC 9113 §6.5.2",
                "server_enabled_push",
                "a server sent SETTINGS_ENABLE_PUSH = 1",
            ),
            Self::SettingsInitialWindow => row(
                C,
                E::FLOW_CONTROL_ERROR,
                "RFC 9113 §6.5.2",
                "invalid_initial_window_size",
                "SETTINGS_INITIAL_WINDOW_SIZE is above 2^31-1",
            ),
            Self::SettingsMaxFrameSize => row(
                C,
                E::PROTOCOL_ERROR,
                "RFC 9113 §6.5.2",
                "invalid_max_frame_size",
                "SETTINGS_MAX_FRAME_SIZE is not between 16384 and 16777215",
            ),
            Self::SettingsConnectProtocol => row(
                C,
                E::PROTOCOL_ERROR,
                "RFC 8441 §3",
                "invalid_enable_connect_protocol",
                "SETTINGS_ENABLE_CONNECT_PROTOCOL is not 0 or 1, or was taken back",
            ),
            Self::SettingsNoPriorities => row(
                C,
                E::PROTOCOL_ERROR,
                "RFC 9218 §2.1",
                "invalid_no_rfc7540_priorities",
                "SETTINGS_NO_RFC7540_PRIORITIES is not 0 or 1, or changed",
            ),
            Self::TooManySettings => row(
                C,
                E::ENHANCE_YOUR_CALM,
                "RFC 9113 §10.5",
                "too_many_settings",
                "one SETTINGS frame holds too many settings",
            ),
            Self::UnsolicitedSettingsAck => row(
                C,
                E::PROTOCOL_ERROR,
                "RFC 9113 §6.5.3",
                "unsolicited_settings_ack",
                "an acknowledgment of SETTINGS that were never sent",
            ),
            Self::SettingsTimeout => row(
                C,
                E::SETTINGS_TIMEOUT,
                "RFC 9113 §6.5.3",
                "settings_timeout",
                "SETTINGS were not acknowledged in time",
            ),
            Self::PrefaceTimeout => row(
                C,
                E::PROTOCOL_ERROR,
                "RFC 9113 §3.4",
                "preface_timeout",
                "the connection preface did not arrive in time",
            ),
            Self::PushToServer => {
                row(C, E::PROTOCOL_ERROR, "RFC 9113 §8.4", "push_promise_to_server", "a client sent PUSH_PROMISE")
            }
            Self::PushDisabled => {
                row(C, E::PROTOCOL_ERROR, "RFC 9113 §6.6", "push_disabled", "PUSH_PROMISE though push is switched off")
            }
            Self::PushOnBadStream => row(
                C,
                E::PROTOCOL_ERROR,
                "RFC 9113 §6.6",
                "push_on_bad_stream",
                "PUSH_PROMISE on a stream that is neither open nor half-closed (local)",
            ),
            Self::PromisedStreamNotIdle => row(
                C,
                E::PROTOCOL_ERROR,
                "RFC 9113 §6.6",
                "promised_stream_not_idle",
                "PUSH_PROMISE promises a stream that is not idle",
            ),
            Self::PushNotSafe => {
                row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.4", "", "the promised request is not GET or HEAD")
            }
            Self::TooManyPromises => row(S, E::ENHANCE_YOUR_CALM, "RFC 9113 §10.5", "", "too many promised streams"),
            Self::PriorityUpdateFromServer => row(
                C,
                E::PROTOCOL_ERROR,
                "RFC 9218 §7.1",
                "priority_update_from_server",
                "a server sent PRIORITY_UPDATE",
            ),
            Self::PriorityUpdateOnIdlePush => row(
                C,
                E::PROTOCOL_ERROR,
                "RFC 9218 §7.1",
                "priority_update_on_idle_push",
                "PRIORITY_UPDATE for a push stream that was never promised",
            ),
            Self::TooManyPrioritized => row(
                C,
                E::PROTOCOL_ERROR,
                "RFC 9218 §7.1",
                "too_many_prioritized_streams",
                "PRIORITY_UPDATE for more streams than may be open",
            ),
            _ => self.message_row(),
        }
    }

    // Messages: all of them end the stream only.
    fn message_row(self) -> Row {
        use Scope::Stream as S;
        type E = ErrorCode;
        match self {
            Self::FieldName => row(
                S,
                E::PROTOCOL_ERROR,
                "RFC 9113 §8.2.1",
                "",
                "a field name is empty or holds an octet that is not allowed",
            ),
            Self::FieldNameUppercase => {
                row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.2", "", "a field name has upper-case letters")
            }
            Self::FieldValue => row(
                S,
                E::PROTOCOL_ERROR,
                "RFC 9113 §8.2.1",
                "",
                "a field value holds a control octet or has white space at an edge",
            ),
            Self::ConnectionSpecificField => {
                row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.2.2", "", "a connection-specific header field")
            }
            Self::TeNotTrailers => {
                row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.2.2", "", "the te field says something else than trailers")
            }
            Self::PseudoAfterRegular => {
                row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.3", "", "a pseudo-header field after a regular field")
            }
            Self::PseudoRepeated => row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.3", "", "a repeated pseudo-header field"),
            Self::PseudoUnknown => row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.3", "", "an undefined pseudo-header field"),
            Self::PseudoInTrailers => {
                row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.1", "", "a pseudo-header field in trailers")
            }
            Self::PseudoMissing => {
                row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.3.1", "", "a request without :method, :scheme or :path")
            }
            Self::BadMethod => row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.3.1", "", "an invalid :method"),
            Self::BadScheme => row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.3.1", "", "an invalid :scheme"),
            Self::BadPath => row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.3.1", "", "an invalid :path"),
            Self::BadAuthority => row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.3.1", "", "an invalid :authority"),
            Self::AuthorityMismatch => row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.3.1", "", "host and :authority disagree"),
            Self::BadConnect => row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.5", "", "an invalid CONNECT request"),
            Self::BadProtocol => row(S, E::PROTOCOL_ERROR, "RFC 8441 §4", "", ":protocol is not allowed here"),
            Self::BadContentLength => row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.1.1", "", "an invalid content-length"),
            Self::ContentLengthMismatch => {
                row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.1.1", "", "the content does not match content-length")
            }
            Self::BadStatus => row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.3.2", "", "a response without a valid :status"),
            Self::InformationalWithEnd => {
                row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.1", "", "an interim response ends the stream")
            }
            Self::SwitchingProtocols => {
                row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.6", "", "status 101 does not exist in HTTP/2")
            }
            Self::TooManyInformational => {
                row(S, E::ENHANCE_YOUR_CALM, "RFC 9113 §10.5", "", "too many interim responses")
            }
            Self::DataBeforeHeaders => row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.1", "", "DATA before the header section"),
            Self::HeadersWithoutEnd => {
                row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.1", "", "a trailer section without END_STREAM")
            }
            Self::FrameOnTunnel => row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.5", "", "HEADERS inside a tunnel"),
            Self::HeaderListTooLarge => row(
                S,
                E::PROTOCOL_ERROR,
                "RFC 9113 §10.5.1",
                "",
                "a field section is above SETTINGS_MAX_HEADER_LIST_SIZE",
            ),
            _ => self.load_row(),
        }
    }

    // Load and patience.
    fn load_row(self) -> Row {
        use Scope::{Connection as C, Stream as S};
        type E = ErrorCode;
        match self {
            Self::TooManyResets => row(
                C,
                E::ENHANCE_YOUR_CALM,
                "RFC 9113 §10.5",
                "too_many_resets",
                "too many requests were reset before they could be answered",
            ),
            Self::TooManyInternalResets => {
                row(C, E::ENHANCE_YOUR_CALM, "RFC 9113 §10.5", "too_many_internal_resets", "too many stream errors")
            }
            Self::TooManyRefused => row(
                C,
                E::ENHANCE_YOUR_CALM,
                "RFC 9113 §10.5",
                "too_many_refused_streams",
                "too many streams above the limit",
            ),
            Self::TooManyGlitches => row(
                C,
                E::ENHANCE_YOUR_CALM,
                "RFC 9113 §10.5",
                "too_many_glitches",
                "too many frames that change nothing",
            ),
            Self::TooManyDataFrames => {
                row(C, E::ENHANCE_YOUR_CALM, "RFC 9113 §10.5", "too_many_data_frames", "too many empty DATA frames")
            }
            Self::TooManyWindowUpdates => row(
                C,
                E::ENHANCE_YOUR_CALM,
                "RFC 9113 §10.5",
                "too_many_window_updates",
                "too many WINDOW_UPDATE frames",
            ),
            Self::ControlBufferFull => row(
                C,
                E::ENHANCE_YOUR_CALM,
                "RFC 9113 §10.5",
                "too_many_control_frames",
                "the peer provokes replies and does not read them",
            ),
            Self::BodyIdle => row(S, E::CANCEL, "RFC 9113 §10.5", "", "no content arrived for too long"),
            Self::Stalled => row(S, E::CANCEL, "RFC 9113 §10.5", "", "the peer opened its window too slowly"),
            Self::DrainDeadline => {
                row(S, E::CANCEL, "RFC 9113 §6.8", "", "the connection was closed before the stream had ended")
            }
            Self::KeepaliveTimeout => {
                row(C, E::NO_ERROR, "RFC 9113 §6.7", "keepalive_timeout", "a keepalive PING was not answered in time")
            }
            Self::PeerClosed => row(C, E::NO_ERROR, "RFC 9113 §5.4.3", "peer_closed", "the peer closed the connection"),
            _ => row(C, E::INTERNAL_ERROR, "RFC 9113 §7", "internal_error", "a rule without a row"),
        }
    }
}

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
        for v in Violation::ALL {
            assert_ne!(v.debug_data(), "internal_error", "{v:?} has no row");
            assert!(v.section().starts_with("RFC "), "{v:?}");
            // A connection error names itself in the GOAWAY; a stream error has no place to.
            assert_eq!(v.scope() == Scope::Connection, !v.debug_data().is_empty(), "{v:?}");
            assert!(v.debug_data().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'), "{v:?}");
        }
    }

    #[test]
    fn no_two_rules_share_their_debug_data() {
        let mut seen: Vec<&str> = Violation::ALL.iter().map(|v| v.debug_data()).filter(|d| !d.is_empty()).collect();
        seen.sort_unstable();
        let all = seen.len();
        seen.dedup();
        assert_eq!(seen.len(), all);
    }
}
