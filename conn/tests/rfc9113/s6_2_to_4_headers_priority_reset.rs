//! RFC 9113 §6.2 to §6.4: HEADERS, PRIORITY, RST_STREAM.

use pellucid_conn::h2::Violation;
use pellucid_conn::{Cause, End, ErrorCode, StreamId};
use pellucid_frame::{Flags, Kind, Rule};

use crate::transcript::frames::{goaway, headers, ping, pong, priority, raw, reset};
use crate::transcript::{GET, OK, POST, Transcript, got, with};

const PROTOCOL_ERROR: ErrorCode = ErrorCode::PROTOCOL_ERROR;

/// No rule: where the fields of HEADERS stand (RFC 9113 §6.2)
#[test]
fn trap_15_pad_length_dependency_weight_block_padding_in_this_order() {
    let mut t = Transcript::server();
    let flags = Flags::PADDED.with(Flags::PRIORITY).with(Flags::END_HEADERS).with(Flags::END_STREAM);
    t.recv(raw(Kind::HEADERS, flags, 1, b"\x02\x80\0\0\x03\xff\x82\x87\x84\x41\x01\x61\0\0"));
    t.event(got::headers(1, &GET, End::Last));
    t.answers(1, &OK, End::Last);
    t.conn.finished(StreamId::new(1));
    t.recv(headers(3, &GET, End::Last).padded(255).depends_on(1));
    t.event(got::headers(3, &GET, End::Last));
    t.answers(3, &OK, End::Last);
    t.conn.finished(StreamId::new(3));
    t.alive();
}

/// Covers 9113:4.2-3, 9113:4.2-4
#[test]
fn trap_15_headers_shorter_than_their_fixed_fields_end_the_connection() {
    let both = Flags::PADDED.with(Flags::PRIORITY).with(Flags::END_HEADERS);
    for (flags, payload) in [
        (Flags::PADDED.with(Flags::END_HEADERS), b"".as_slice()),
        (Flags::PRIORITY.with(Flags::END_HEADERS), b"\0\0\0\x03"),
        (both, b"\0\0\0\0\x03"),
    ] {
        let mut t = Transcript::server();
        t.recv(raw(Kind::HEADERS, flags, 1, payload));
        t.sends(goaway(0, ErrorCode::FRAME_SIZE_ERROR));
        t.fails(Violation::Frame(Rule::HeadersTooShort));
    }
}

/// Covers 9113:6.3-2
#[test]
fn trap_16_priority_of_another_length_ends_the_stream_only() {
    for payload in [b"".as_slice(), b"\0\0\0\0", b"\0\0\0\0\x0f\0"] {
        let mut t = Transcript::server();
        t.asked(1, &POST, End::More);
        t.recv(raw(Kind::PRIORITY, Flags::NONE, 1, payload));
        t.resets(1, ErrorCode::FRAME_SIZE_ERROR, Violation::Frame(Rule::PriorityLength));
        t.conn.finished(StreamId::new(1));
        t.alive();
    }
}

/// Covers 9113:6.3-1
#[test]
fn trap_16_priority_on_the_connection_ends_it() {
    let mut t = Transcript::server();
    t.recv(raw(Kind::PRIORITY, Flags::NONE, 0, b"\0\0\0\x01\x0f"));
    t.sends(goaway(0, PROTOCOL_ERROR));
    t.fails(Violation::Frame(Rule::PriorityOnStreamZero));
}

/// No rule of RFC 9113: RFC 7540 §5.3.1; with the exclusive bit set, which is not part of the identifier
#[test]
fn trap_16_a_stream_cannot_depend_on_itself() {
    let mut t = Transcript::server();
    t.asked(1, &POST, End::More);
    t.recv(priority(1, 1));
    t.resets(1, PROTOCOL_ERROR, Violation::Frame(Rule::PrioritySelfDependency));
    t.conn.finished(StreamId::new(1));
    t.alive();

    let mut t = Transcript::server();
    t.recv(headers(1, &with(&GET, &[("x-new", "in the table all the same")]), End::Last).depends_on(1));
    t.sends(reset(1, PROTOCOL_ERROR));
    t.breaks(Violation::SelfDependency);
    t.asked(3, &with(&GET, &[("x-new", "in the table all the same")]), End::Last);
}

/// No rule of RFC 9113: RFC 7540 §5.3.1, on trailers
#[test]
fn trap_16_trailers_cannot_depend_on_their_stream() {
    let mut t = Transcript::server();
    t.asked(1, &POST, End::More);
    t.recv(headers(1, &[("x", "y")], End::Last).depends_on(1));
    t.resets(1, PROTOCOL_ERROR, Violation::SelfDependency);
    t.conn.finished(StreamId::new(1));
    t.alive();
}

/// Covers 9113:5.1-1: legal in every state, and no identifier is used up by it
#[test]
fn trap_16_priority_is_legal_on_idle_and_closed_streams_and_opens_none() {
    let mut t = Transcript::server();
    t.recv(priority(101, 3));
    t.recv(priority(2, 3));
    assert_eq!(t.conn.live_streams(), 0);
    t.alive();
    t.recv(priority(1, 3));
    t.recv(priority(1, 0x7fff_ffff));
    t.alive();
    t.conn.shut_down(t.now);
    t.sends(goaway(0x7fff_ffff, ErrorCode::NO_ERROR));
    let Some(crate::transcript::frames::Frame::Ping(payload)) = t.next_sent() else { panic!("a PING") };
    t.recv(pong(payload));
    t.sends(goaway(3, ErrorCode::NO_ERROR));
    t.event(got::Got::Drained);
}

/// Covers 9113:6.4-7
#[test]
fn trap_17_reset_of_another_length_ends_the_connection() {
    for payload in [b"".as_slice(), b"\0\0\x08", b"\0\0\0\x08\0"] {
        let mut t = Transcript::server();
        t.asked(1, &POST, End::More);
        t.recv(raw(Kind::RST_STREAM, Flags::NONE, 1, payload));
        t.sends(goaway(1, ErrorCode::FRAME_SIZE_ERROR));
        t.fails(Violation::Frame(Rule::ResetLength));
    }
}

/// Covers 9113:6.4-6
#[test]
fn trap_17_reset_of_an_idle_stream_ends_the_connection() {
    let mut t = Transcript::server();
    t.recv(reset(1, ErrorCode::CANCEL));
    t.sends(goaway(0, PROTOCOL_ERROR));
    t.fails(Violation::ResetOnIdleStream);
}

/// Covers 9113:7-1
#[test]
fn trap_17_an_unknown_code_is_as_good_as_any() {
    let mut t = Transcript::server();
    t.asked(1, &POST, End::More);
    t.recv(reset(1, ErrorCode::new(0xff)));
    t.event(got::reset(1, Cause::Peer(ErrorCode::new(0xff))));
    t.conn.finished(StreamId::new(1));
    t.recv(ping(*b"12345678"));
    t.sends(pong(*b"12345678"));
    t.alive();
}

/// Covers 9113:6.4-1: what is queued on the stream goes with it
#[test]
fn a_reset_drops_what_was_queued() {
    let mut t = Transcript::server();
    t.asked(1, &GET, End::Last);
    t.answers(1, &OK, End::More);
    t.conn.send_data(StreamId::new(1), vec![1; 1000].into(), End::Last).expect("content");
    t.recv(reset(1, ErrorCode::CANCEL));
    t.event(got::reset(1, Cause::Peer(ErrorCode::CANCEL)));
    t.conn.finished(StreamId::new(1));
    t.alive();
}
