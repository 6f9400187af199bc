//! THE table: one row a rule: how far it reaches, with which error code, by which section, how the GOAWAY and the message say it.
//!
//! A row without debug text ends a stream only, and so never a connection. Nothing else decides any of this.

use pellucid_frame::ErrorCode as E;

use super::Scope::{Connection as C, Stream as S};
use super::{Row, Scope, Violation as V};

const fn row(scope: Scope, code: E, section: &'static str, debug: &'static str, message: &'static str) -> Row {
    Row { scope, code, section, debug, message }
}

#[rustfmt::skip]
pub(super) const TABLE: &[(V, Row)] = &[
    // Starting (RFC 9113 §3.4)
    (V::BadPreface, row(C, E::PROTOCOL_ERROR, "RFC 9113 §3.4", "invalid_preface", "the connection does not begin with the HTTP/2 preface")),
    (V::Http1Peer, row(C, E::PROTOCOL_ERROR, "RFC 9113 §3.4", "http1_on_http2_port", "the peer speaks HTTP/1, not HTTP/2")),
    (V::FirstFrameNotSettings, row(C, E::PROTOCOL_ERROR, "RFC 9113 §3.4", "first_frame_not_settings", "the first frame is not a SETTINGS frame")),
    // Field blocks (RFC 9113 §4.3, §6.10)
    (V::ContinuationExpected, row(C, E::PROTOCOL_ERROR, "RFC 9113 §6.10", "continuation_expected", "a frame came between the frames of one field block")),
    (V::ContinuationUnexpected, row(C, E::PROTOCOL_ERROR, "RFC 9113 §6.10", "continuation_unexpected", "CONTINUATION without a field block to continue")),
    (V::TooManyContinuations, row(C, E::ENHANCE_YOUR_CALM, "RFC 9113 §10.5.1", "too_many_continuations", "a field block came in too many CONTINUATION frames")),
    (V::HeaderListWayTooLarge, row(C, E::ENHANCE_YOUR_CALM, "RFC 9113 §10.5.1", "header_list_way_too_large", "a field section is far above SETTINGS_MAX_HEADER_LIST_SIZE")),
    (V::HeaderBlockTimeout, row(C, E::ENHANCE_YOUR_CALM, "RFC 9113 §10.5", "header_block_timeout", "a field block was not completed in time")),
    // Streams and identifiers (RFC 9113 §5.1)
    (V::DataOnIdleStream, row(C, E::PROTOCOL_ERROR, "RFC 9113 §5.1", "data_on_idle_stream", "DATA on an idle stream")),
    (V::ResetOnIdleStream, row(C, E::PROTOCOL_ERROR, "RFC 9113 §6.4", "reset_on_idle_stream", "RST_STREAM on an idle stream")),
    (V::WindowUpdateOnIdleStream, row(C, E::PROTOCOL_ERROR, "RFC 9113 §5.1", "window_update_on_idle_stream", "WINDOW_UPDATE on an idle stream")),
    (V::HeadersOnIdleStream, row(C, E::PROTOCOL_ERROR, "RFC 9113 §5.1", "headers_on_idle_stream", "HEADERS on a stream that this side never opened")),
    (V::FrameOnReservedStream, row(C, E::PROTOCOL_ERROR, "RFC 9113 §5.1", "frame_on_reserved_stream", "a frame that is not allowed on a reserved stream")),
    (V::StreamIdParity, row(C, E::PROTOCOL_ERROR, "RFC 9113 §5.1.1", "stream_id_parity", "a stream identifier of the wrong parity")),
    (V::StreamIdNotIncreasing, row(C, E::PROTOCOL_ERROR, "RFC 9113 §5.1.1", "stream_id_not_increasing", "a new stream's identifier is not above all earlier ones")),
    (V::HeadersOnClosedStream, row(C, E::STREAM_CLOSED, "RFC 9113 §5.1", "headers_on_closed_stream", "HEADERS on a closed stream")),
    (V::FrameOnHalfClosedStream, row(S, E::STREAM_CLOSED, "RFC 9113 §5.1", "", "HEADERS or DATA after END_STREAM")),
    (V::FrameOnClosedStream, row(S, E::STREAM_CLOSED, "RFC 9113 §6.1", "", "a frame on a closed stream")),
    (V::StreamLimit, row(S, E::REFUSED_STREAM, "RFC 9113 §5.1.2", "", "more concurrent streams than allowed")),
    (V::HandlerLimit, row(S, E::REFUSED_STREAM, "RFC 9113 §5.1.2", "", "too many requests are still being worked on")),
    (V::SelfDependency, row(S, E::PROTOCOL_ERROR, "RFC 7540 §5.3.1", "", "a stream depends on itself")),
    // Flow control (RFC 9113 §6.9)
    (V::ConnectionFlowExceeded, row(C, E::FLOW_CONTROL_ERROR, "RFC 9113 §6.9.1", "connection_window_exceeded", "more DATA than the connection's window allows")),
    (V::ConnectionWindowOverflow, row(C, E::FLOW_CONTROL_ERROR, "RFC 9113 §6.9.1", "connection_window_overflow", "WINDOW_UPDATE raises the connection's window above 2^31-1")),
    (V::InitialWindowOverflow, row(C, E::FLOW_CONTROL_ERROR, "RFC 9113 §6.9.2", "initial_window_overflow", "SETTINGS_INITIAL_WINDOW_SIZE raises a stream's window above 2^31-1")),
    (V::StreamFlowExceeded, row(S, E::FLOW_CONTROL_ERROR, "RFC 9113 §6.9.1", "", "more DATA than the stream's window allows")),
    (V::StreamWindowOverflow, row(S, E::FLOW_CONTROL_ERROR, "RFC 9113 §6.9.1", "", "WINDOW_UPDATE raises the stream's window above 2^31-1")),
    // Settings (RFC 9113 §6.5)
    (V::SettingsEnablePush, row(C, E::PROTOCOL_ERROR, "RFC 9113 §6.5.2", "invalid_enable_push", "SETTINGS_ENABLE_PUSH is neither 0 nor 1")),
    (V::ServerEnabledPush, row(C, E::PROTOCOL_ERROR, "RFC 9113 §6.5.2", "server_enabled_push", "a server sent SETTINGS_ENABLE_PUSH = 1")),
    (V::SettingsInitialWindow, row(C, E::FLOW_CONTROL_ERROR, "RFC 9113 §6.5.2", "invalid_initial_window_size", "SETTINGS_INITIAL_WINDOW_SIZE is above 2^31-1")),
    (V::SettingsMaxFrameSize, row(C, E::PROTOCOL_ERROR, "RFC 9113 §6.5.2", "invalid_max_frame_size", "SETTINGS_MAX_FRAME_SIZE is not between 16384 and 16777215")),
    (V::SettingsConnectProtocol, row(C, E::PROTOCOL_ERROR, "RFC 8441 §3", "invalid_enable_connect_protocol", "SETTINGS_ENABLE_CONNECT_PROTOCOL is not 0 or 1, or was taken back")),
    (V::SettingsNoPriorities, row(C, E::PROTOCOL_ERROR, "RFC 9218 §2.1", "invalid_no_rfc7540_priorities", "SETTINGS_NO_RFC7540_PRIORITIES is not 0 or 1, or changed")),
    (V::TooManySettings, row(C, E::ENHANCE_YOUR_CALM, "RFC 9113 §10.5", "too_many_settings", "one SETTINGS frame holds too many settings")),
    (V::UnsolicitedSettingsAck, row(C, E::PROTOCOL_ERROR, "RFC 9113 §6.5.3", "unsolicited_settings_ack", "an acknowledgment of SETTINGS that were never sent")),
    (V::SettingsTimeout, row(C, E::SETTINGS_TIMEOUT, "RFC 9113 §6.5.3", "settings_timeout", "SETTINGS were not acknowledged in time")),
    (V::PrefaceTimeout, row(C, E::PROTOCOL_ERROR, "RFC 9113 §3.4", "preface_timeout", "the connection preface did not arrive in time")),
    // Push (RFC 9113 §6.6, §8.4)
    (V::PushToServer, row(C, E::PROTOCOL_ERROR, "RFC 9113 §8.4", "push_promise_to_server", "a client sent PUSH_PROMISE")),
    (V::PushDisabled, row(C, E::PROTOCOL_ERROR, "RFC 9113 §6.6", "push_disabled", "PUSH_PROMISE though push is switched off")),
    (V::PushOnBadStream, row(C, E::PROTOCOL_ERROR, "RFC 9113 §6.6", "push_on_bad_stream", "PUSH_PROMISE on a stream that is neither open nor half-closed (local)")),
    (V::PromisedStreamNotIdle, row(C, E::PROTOCOL_ERROR, "RFC 9113 §6.6", "promised_stream_not_idle", "PUSH_PROMISE promises a stream that is not idle")),
    (V::PushNotSafe, row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.4", "", "the promised request is not GET or HEAD")),
    (V::PushNotAuthoritative, row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.4", "", "the promised request is for a server that was not asked anything here")),
    (V::TooManyPromises, row(S, E::ENHANCE_YOUR_CALM, "RFC 9113 §10.5", "", "too many promised streams")),
    // Priorities (RFC 9218 §7.1)
    (V::PriorityUpdateFromServer, row(C, E::PROTOCOL_ERROR, "RFC 9218 §7.1", "priority_update_from_server", "a server sent PRIORITY_UPDATE")),
    (V::PriorityUpdateOnIdlePush, row(C, E::PROTOCOL_ERROR, "RFC 9218 §7.1", "priority_update_on_idle_push", "PRIORITY_UPDATE for a push stream that was never promised")),
    (V::TooManyPrioritized, row(C, E::PROTOCOL_ERROR, "RFC 9218 §7.1", "too_many_prioritized_streams", "PRIORITY_UPDATE for more streams than may be open")),
    // Messages (RFC 9113 §8): malformed, so the stream ends and its siblings live on
    (V::FieldName, row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.2.1", "", "a field name is empty or holds an octet that is not allowed")),
    (V::FieldNameUppercase, row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.2", "", "a field name has upper-case letters")),
    (V::FieldValue, row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.2.1", "", "a field value holds a control octet or has white space at an edge")),
    (V::ConnectionSpecificField, row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.2.2", "", "a connection-specific header field")),
    (V::TeNotTrailers, row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.2.2", "", "the te field says something else than trailers")),
    (V::PseudoAfterRegular, row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.3", "", "a pseudo-header field after a regular field")),
    (V::PseudoRepeated, row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.3", "", "a repeated pseudo-header field")),
    (V::PseudoUnknown, row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.3", "", "an undefined pseudo-header field")),
    (V::PseudoInTrailers, row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.1", "", "a pseudo-header field in trailers")),
    (V::PseudoMissing, row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.3.1", "", "a request without :method, :scheme or :path")),
    (V::BadMethod, row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.3.1", "", "an invalid :method")),
    (V::BadScheme, row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.3.1", "", "an invalid :scheme")),
    (V::BadPath, row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.3.1", "", "an invalid :path")),
    (V::BadAuthority, row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.3.1", "", "an invalid :authority")),
    (V::AuthorityMismatch, row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.3.1", "", "host and :authority disagree")),
    (V::BadConnect, row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.5", "", "an invalid CONNECT request")),
    (V::BadProtocol, row(S, E::PROTOCOL_ERROR, "RFC 8441 §4", "", ":protocol is not allowed here")),
    (V::BadContentLength, row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.1.1", "", "an invalid content-length")),
    (V::ContentLengthMismatch, row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.1.1", "", "the content does not match content-length")),
    (V::BadStatus, row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.3.2", "", "a response without a valid :status")),
    (V::InformationalWithEnd, row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.1", "", "an interim response ends the stream")),
    (V::SwitchingProtocols, row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.6", "", "status 101 does not exist in HTTP/2")),
    (V::TooManyInformational, row(S, E::ENHANCE_YOUR_CALM, "RFC 9113 §10.5", "", "too many interim responses")),
    (V::DataBeforeHeaders, row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.1", "", "DATA before the header section")),
    (V::HeadersWithoutEnd, row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.1", "", "a trailer section without END_STREAM")),
    (V::FrameOnTunnel, row(S, E::PROTOCOL_ERROR, "RFC 9113 §8.5", "", "HEADERS inside a tunnel")),
    (V::HeaderListTooLarge, row(S, E::PROTOCOL_ERROR, "RFC 9113 §10.5.1", "", "a field section is above SETTINGS_MAX_HEADER_LIST_SIZE")),
    // Load (RFC 9113 §10.5)
    (V::TooManyResets, row(C, E::ENHANCE_YOUR_CALM, "RFC 9113 §10.5", "too_many_resets", "too many requests were reset before they could be answered")),
    (V::TooManyInternalResets, row(C, E::ENHANCE_YOUR_CALM, "RFC 9113 §10.5", "too_many_internal_resets", "too many stream errors")),
    (V::TooManyRefused, row(C, E::ENHANCE_YOUR_CALM, "RFC 9113 §10.5", "too_many_refused_streams", "too many streams above the limit")),
    (V::TooManyGlitches, row(C, E::ENHANCE_YOUR_CALM, "RFC 9113 §10.5", "too_many_glitches", "too many frames that change nothing")),
    (V::TooManyDataFrames, row(C, E::ENHANCE_YOUR_CALM, "RFC 9113 §10.5", "too_many_data_frames", "too many empty DATA frames")),
    (V::TooManyWindowUpdates, row(C, E::ENHANCE_YOUR_CALM, "RFC 9113 §10.5", "too_many_window_updates", "too many WINDOW_UPDATE frames")),
    (V::ControlBufferFull, row(C, E::ENHANCE_YOUR_CALM, "RFC 9113 §10.5", "too_many_control_frames", "the peer provokes replies and does not read them")),
    (V::BodyIdle, row(S, E::CANCEL, "RFC 9113 §10.5", "", "no content arrived for too long")),
    (V::Stalled, row(S, E::CANCEL, "RFC 9113 §10.5", "", "the peer opened its window too slowly")),
    (V::DrainDeadline, row(S, E::CANCEL, "RFC 9113 §6.8", "", "the connection was closed before the stream had ended")),
    (V::KeepaliveTimeout, row(C, E::NO_ERROR, "RFC 9113 §6.7", "keepalive_timeout", "a keepalive PING was not answered in time")),
    (V::PeerClosed, row(C, E::NO_ERROR, "RFC 9113 §5.4.3", "peer_closed", "the peer closed the connection")),
];
