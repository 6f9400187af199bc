//! Every rule a frame can break by itself (RFC 9113 §4.2, §6; RFC 9218 §7.1), and that the connection answers it with the right
//! frame and code. The malformed frames are those of the wire cookbook.

use std::collections::HashSet;

use pellucid_conn::h2::{Config, Scope, Violation};
use pellucid_conn::{Cause, End, ErrorCode, StreamId};
use pellucid_frame::{Flags, Kind, Rule};

use crate::transcript::frames::{Frame, goaway, raw, reset};
use crate::transcript::{GET, OK, POST, Transcript, got, with, zeros};

const FRAME_SIZE_ERROR: ErrorCode = ErrorCode::FRAME_SIZE_ERROR;
const PROTOCOL_ERROR: ErrorCode = ErrorCode::PROTOCOL_ERROR;

/// A rule, a frame that breaks it and nothing else, and the code it is answered with. Stream 1 is open.
struct Case(Rule, Frame, ErrorCode);

fn for_connections() -> Vec<Case> {
    let none = Flags::NONE;
    let padded = Flags::PADDED;
    let priority = Flags::PRIORITY;
    let case = |rule, kind, flags, id, payload: &[u8], code| Case(rule, raw(kind, flags, id, payload), code);
    vec![
        case(Rule::FrameTooLarge, Kind::DATA, none, 1, &zeros(16_385), FRAME_SIZE_ERROR),
        case(Rule::DataOnStreamZero, Kind::DATA, none, 0, b"x", PROTOCOL_ERROR),
        case(Rule::DataTooShort, Kind::DATA, padded, 1, b"", FRAME_SIZE_ERROR),
        case(Rule::DataPaddingTooLong, Kind::DATA, padded, 1, b"\x04test", PROTOCOL_ERROR).unless_legal(),
        case(Rule::HeadersOnStreamZero, Kind::HEADERS, Flags::END_HEADERS, 0, b"\x82", PROTOCOL_ERROR),
        case(Rule::HeadersTooShort, Kind::HEADERS, priority, 3, b"\0\0\0\0", FRAME_SIZE_ERROR),
        case(Rule::HeadersPaddingTooLong, Kind::HEADERS, padded, 3, b"\x02\x82", PROTOCOL_ERROR),
        case(Rule::PriorityOnStreamZero, Kind::PRIORITY, none, 0, b"\0\0\0\x01\x0f", PROTOCOL_ERROR),
        case(Rule::ResetOnStreamZero, Kind::RST_STREAM, none, 0, b"\0\0\0\x08", PROTOCOL_ERROR),
        case(Rule::ResetLength, Kind::RST_STREAM, none, 1, b"\0\0\x08", FRAME_SIZE_ERROR),
        case(Rule::SettingsOnStream, Kind::SETTINGS, none, 1, b"", PROTOCOL_ERROR),
        case(Rule::SettingsAckWithPayload, Kind::SETTINGS, Flags::ACK, 0, b"\0\x04\0\0\0\0", FRAME_SIZE_ERROR),
        case(Rule::SettingsLength, Kind::SETTINGS, none, 0, b"\0\x04\0", FRAME_SIZE_ERROR),
        case(Rule::PingOnStream, Kind::PING, none, 1, b"12345678", PROTOCOL_ERROR),
        case(Rule::PingLength, Kind::PING, none, 0, b"123456", FRAME_SIZE_ERROR),
        case(Rule::GoAwayOnStream, Kind::GOAWAY, none, 1, b"\0\0\0\0\0\0\0\0", PROTOCOL_ERROR),
        case(Rule::GoAwayLength, Kind::GOAWAY, none, 0, b"\0\0\0\0\0\0\0", FRAME_SIZE_ERROR),
        case(Rule::WindowUpdateLength, Kind::WINDOW_UPDATE, none, 1, b"\0\0\x01", FRAME_SIZE_ERROR),
        case(Rule::PriorityUpdateOnStream, Kind::PRIORITY_UPDATE, none, 1, b"\0\0\0\x03u=0", PROTOCOL_ERROR),
        case(Rule::PriorityUpdateLength, Kind::PRIORITY_UPDATE, none, 0, b"\0\0\0", FRAME_SIZE_ERROR),
        case(Rule::PriorityUpdateIdZero, Kind::PRIORITY_UPDATE, none, 0, b"\0\0\0\0u=0", PROTOCOL_ERROR),
        case(Rule::ContinuationOnStreamZero, Kind::CONTINUATION, none, 0, b"", PROTOCOL_ERROR),
        case(Rule::WindowUpdateZero, Kind::WINDOW_UPDATE, none, 0, b"\0\0\0\0", PROTOCOL_ERROR),
    ]
}

impl Case {
    /// The one case of the list that needs a longer padding than its neighbours: 5 octets of payload, 5 of padding.
    fn unless_legal(mut self) -> Self {
        self.1 = raw(Kind::DATA, Flags::PADDED, 1, b"\x05test");
        self
    }
}

fn for_streams() -> Vec<Case> {
    let case = |rule, kind, payload: &[u8], code| Case(rule, raw(kind, Flags::NONE, 1, payload), code);
    vec![
        case(Rule::PriorityLength, Kind::PRIORITY, b"\0\0\0\0", FRAME_SIZE_ERROR),
        case(Rule::PrioritySelfDependency, Kind::PRIORITY, b"\x80\0\0\x01\x0f", PROTOCOL_ERROR),
        case(Rule::WindowUpdateZero, Kind::WINDOW_UPDATE, b"\0\0\0\0", PROTOCOL_ERROR),
    ]
}

fn for_promises() -> Vec<Case> {
    let end = Flags::END_HEADERS;
    let case =
        |rule, flags: Flags, id, payload: &[u8], code| Case(rule, raw(Kind::PUSH_PROMISE, flags, id, payload), code);
    vec![
        case(Rule::PushPromiseOnStreamZero, end, 0, b"\0\0\0\x02\x82", PROTOCOL_ERROR),
        case(Rule::PushPromiseTooShort, end, 1, b"\0\0\0", FRAME_SIZE_ERROR),
        case(Rule::PushPromisePaddingTooLong, end.with(Flags::PADDED), 1, b"\x02\0\0\0\x02\x82", PROTOCOL_ERROR),
        case(Rule::PushPromiseIllegalId, end, 1, b"\0\0\0\x03\x82", PROTOCOL_ERROR),
    ]
}

/// Covers 9113:4.2-3, 9113:4.2-4, 9113:4.2-5, 9113:5.4-3, 9113:5.4.1-1, 9113:6.1-3, 9113:6.1-5, 9113:6.2-5, 9113:6.2-6, 9113:6.3-1,
/// 9113:6.4-4, 9113:6.4-7, 9113:6.5-4, 9113:6.5-6, 9113:6.5-8, 9113:6.7-6, 9113:6.7-7, 9113:6.8-4, 9113:6.9-3, 9113:6.9-6,
/// 9113:6.10-4
#[test]
fn a_malformed_frame_that_concerns_the_connection_ends_it() {
    for Case(rule, frame, code) in for_connections() {
        let mut t = Transcript::server();
        t.asked(1, &POST, End::More);
        t.recv(frame);
        t.sends(goaway(1, code));
        t.fails(Violation::Frame(rule));
    }
}

/// Covers 9113:4.2-3, 9113:6.3-2, 9113:6.9-2
#[test]
fn a_malformed_frame_that_concerns_a_stream_ends_only_that() {
    for Case(rule, frame, code) in for_streams() {
        let mut t = Transcript::server();
        t.asked(1, &POST, End::More);
        t.recv(frame);
        t.sends(reset(1, code));
        t.breaks(Violation::Frame(rule));
        t.event(got::reset(1, Cause::Local(Violation::Frame(rule))));
        t.conn.finished(StreamId::new(1));
        t.alive();
    }
}

/// Covers 9113:4.2-4, 9113:4.2-5, 9113:6.6-6, 9113:6.6-13, 9113:6.6-14
#[test]
fn a_malformed_promise_ends_the_connection() {
    for Case(rule, frame, code) in for_promises() {
        let mut config = Config::client();
        config.max_reserved_remote = 10;
        let mut t = Transcript::client_with(config);
        t.asks(&GET, End::Last);
        t.recv(frame);
        t.sends(goaway(0, code));
        t.fails(Violation::Frame(rule));
    }
}

/// No rule of a frame is without its case above.
#[test]
fn every_frame_rule_has_a_case() {
    let cases = [for_connections(), for_streams(), for_promises()];
    let tested: HashSet<Rule> = cases.iter().flatten().map(|case| case.0).collect();
    let missing: Vec<_> = Rule::ALL.into_iter().filter(|rule| !tested.contains(rule)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    // The table and the violation that carries the rule say the same.
    for Case(rule, _, code) in cases.into_iter().flatten() {
        assert_eq!(Violation::Frame(rule).code(), code, "{rule:?}");
        assert_eq!(Violation::Frame(rule).scope(), Scope::Connection, "the frame's own error knows better: {rule:?}");
    }
}

/// Covers 9113:4.2-2, 9113:4.2-5: from the head, before the payload arrives
#[test]
fn trap_03_an_oversized_frame_is_known_by_its_head() {
    for kind in [Kind::DATA, Kind::HEADERS, Kind::SETTINGS, Kind::CONTINUATION, Kind::PUSH_PROMISE, Kind::new(0xff)] {
        let mut t = Transcript::server();
        t.asked(1, &POST, End::More);
        let whole = t.octets(&raw(kind, Flags::NONE, 1, &zeros(16_385)));
        t.recv_octets(&whole[..8]);
        t.sends_nothing();
        t.recv_octets(&whole[8..9]);
        // CONTINUATION is judged by its place first, and that is known from the head as well.
        t.sends(goaway(1, FRAME_SIZE_ERROR));
        t.fails(Violation::Frame(Rule::FrameTooLarge));
    }
}

/// Covers 9113:4.2-1
#[test]
fn trap_03_a_frame_of_just_the_maximum_is_fine() {
    let mut config = Config::server();
    config.max_header_list_size = 20_000;
    let mut t = Transcript::server_with(config);
    t.asked(1, &POST, End::More);
    t.reads(1, &zeros(16_384), End::Last);
    t.answers(1, &OK, End::Last);
    t.conn.finished(StreamId::new(1));
    // A field whose value fills the rest: its length of 16,372 is 127 + 0x75 + (0x7e << 7).
    let value = "v".repeat(16_372);
    let block = [b"\x82\x87\x84\x01\x01\x61\0\x01x\x7f\xf5\x7e".as_slice(), value.as_bytes()].concat();
    let fields = with(&GET, &[("x", &value)]);
    let ends = Flags::END_HEADERS.with(Flags::END_STREAM);
    t.recv(raw(Kind::HEADERS, ends, 3, &block));
    t.event(got::headers(3, &fields, End::Last));
    t.conn.finished(StreamId::new(3));
    t.recv(raw(Kind::HEADERS, Flags::END_STREAM, 5, b""));
    t.recv(raw(Kind::CONTINUATION, Flags::END_HEADERS, 5, &block));
    t.event(got::headers(5, &fields, End::Last));
    t.conn.finished(StreamId::new(5));
    for (kind, begin) in [
        (Kind::PRIORITY_UPDATE, b"\0\0\0\x07".as_slice()),
        (Kind::ALTSVC, b"\0\x09https://a"),
        (Kind::ORIGIN, b"\0\x09https://a"),
        (Kind::new(0xff), b""),
        (Kind::GOAWAY, b"\0\0\0\0\0\0\0\0"),
    ] {
        let mut payload = begin.to_vec();
        payload.resize(16_384, b' ');
        t.recv(raw(kind, Flags::NONE, 0, &payload));
    }
    t.event(got::goaway(0, ErrorCode::NO_ERROR));
    t.asked(7, &GET, End::Last);
    t.conn.finished(StreamId::new(7));
    t.alive();
}
