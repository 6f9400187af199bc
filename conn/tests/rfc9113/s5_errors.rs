//! RFC 9113 §5.1 to §5.5, seen from the end that is wronged: which error a frame is, how often it is told, and what is none.

use pellucid_conn::h2::{Config, Violation};
use pellucid_conn::{Cause, End, ErrorCode, StreamId};
use pellucid_frame::{Flags, Kind, Rule, SettingId};
use pellucid_hpack::Error;

use crate::transcript::frames::{
    Frame, block, data, goaway, headers, ping, pong, promise, raw, reset, settings, settings_ack, window_update,
};
use crate::transcript::got::{self, Got};
use crate::transcript::{GET, OK, POST, Transcript, section, with, zeros};

const PROTOCOL_ERROR: ErrorCode = ErrorCode::PROTOCOL_ERROR;
const CANCEL: ErrorCode = ErrorCode::CANCEL;

/// A whole block that refers to an entry no table has.
fn undecodable(id: u32) -> Frame {
    block(id, b"\x80", Flags::END_HEADERS.with(Flags::END_STREAM))
}

/// Covers 9113:5.1.1-4: however far a client leaps, and however long ago a stream was
#[test]
fn a_request_on_an_identifier_passed_long_ago_ends_the_connection() {
    // Never used: too many identifiers were passed over at once to remember each.
    let mut t = Transcript::server();
    t.asked(5, &GET, End::Last);
    t.asked(2001, &GET, End::Last);
    t.recv(headers(7, &GET, End::Last));
    t.sends(goaway(2001, PROTOCOL_ERROR));
    t.fails(Violation::StreamIdNotIncreasing);
    // Used and closed.
    let mut t = Transcript::server();
    for n in 0..300 {
        let id = 2 * n + 1;
        t.asked(id, &GET, End::Last);
        t.answers(id, &OK, End::Last);
        t.conn.finished(StreamId::new(id));
    }
    t.recv(headers(1, &GET, End::Last));
    t.sends(goaway(599, PROTOCOL_ERROR));
    t.fails(Violation::StreamIdNotIncreasing);
}

/// Covers 9113:5.1.1-4: whatever the section is
#[test]
fn a_section_on_an_identifier_just_passed_ends_the_connection() {
    let mut server = Transcript::server();
    server.asked(5, &GET, End::Last);
    server.recv(headers(3, &[("x-trailer", "y")], End::Last));
    let mut config = Config::client();
    config.max_reserved_remote = 1;
    let mut client = Transcript::client_with(config);
    client.asks(&GET, End::Last);
    client.recv(promise(1, 4, &GET));
    client.event(got::promise(1, 4, &GET));
    client.recv(headers(2, &OK, End::Last));
    for (mut t, last) in [(server, 5), (client, 4)] {
        t.sends(goaway(last, PROTOCOL_ERROR));
        t.fails(Violation::StreamIdNotIncreasing);
    }
}

/// Covers 9113:5.1.2-2: what a server pushes
#[test]
fn a_pushed_response_above_our_limit_is_refused() {
    let mut config = Config::client();
    (config.max_reserved_remote, config.max_concurrent_streams) = (10, 1);
    let mut t = Transcript::client_with(config);
    t.asks(&GET, End::Last);
    for id in [2, 4] {
        t.recv(promise(1, id, &GET));
        t.event(got::promise(1, id, &GET));
    }
    t.answered(2, &OK, End::More);
    t.recv(headers(4, &OK, End::More));
    t.resets(4, ErrorCode::REFUSED_STREAM, Violation::StreamLimit);
    t.reads(2, b"pushed", End::Last);
    t.answered(1, &OK, End::Last);
    t.alive();
}

/// Covers 9113:5.1-9, 9113:5.4.2-1, 9113:6.4-2: a client's view of it
#[test]
fn a_response_that_comes_after_our_reset_is_discarded_and_decoded() {
    const NEW: [(&str, &str); 1] = [("x-new", "in the table")];
    let mut t = Transcript::client();
    let id = t.asks(&POST, End::More);
    t.conn.reset(StreamId::new(id), CANCEL);
    t.sends(reset(id, CANCEL));
    t.recv(headers(id, &[(":status", "103")], End::More));
    t.recv(headers(id, &with(&OK, &NEW), End::More));
    t.recv(data(id, &zeros(16_000), End::More).padded(9));
    t.recv(window_update(id, 10));
    t.recv(headers(id, &[("x-trailer", "y")], End::Last));
    t.sends_nothing();
    t.no_event();
    let next = t.asks(&GET, End::Last);
    t.answered(next, &with(&OK, &NEW), End::Last);
    t.alive();
}

/// Covers 9113:5.4.2-2: for frames that are wrong in themselves, too
#[test]
fn a_malformed_frame_on_a_stream_we_have_reset_is_not_answered_again() {
    let mut t = Transcript::server();
    t.asked(1, &POST, End::More);
    t.conn.reset(StreamId::new(1), CANCEL);
    t.conn.finished(StreamId::new(1));
    t.sends(reset(1, CANCEL));
    for (kind, payload, rule) in [
        (Kind::WINDOW_UPDATE, b"\0\0\0\0", Rule::WindowUpdateZero),
        (Kind::PRIORITY, b"\0\0\0\0", Rule::PriorityLength),
    ] {
        t.recv(raw(kind, Flags::NONE, 1, payload));
        t.breaks(Violation::Frame(rule));
        t.sends_nothing();
        t.no_event();
    }
    t.alive();
}

/// Covers 9113:5.2.2-1, 9113:6.9-1: a window that is used up holds back content and nothing else
#[test]
fn frames_are_read_while_nobody_consumes_content() {
    let mut config = Config::server();
    (config.stream_window, config.connection_window) = (65_535, 65_535);
    let mut t = Transcript::server_with(config);
    t.recv(settings(&[(SettingId::INITIAL_WINDOW_SIZE, 0)]));
    t.event(Got::Settings);
    t.sends(settings_ack());
    t.asked(1, &POST, End::More);
    for octets in [16_384, 16_384, 16_384, 16_383] {
        t.recv(data(1, &zeros(octets), End::More));
        t.event(got::data(1, &zeros(octets), End::More));
    }
    t.answers(1, &OK, End::More);
    t.conn.send_data(StreamId::new(1), b"held back".to_vec().into(), End::Last).expect("content");
    t.sends_nothing();
    assert!(t.conn.wants_read());
    t.recv(ping(*b"12345678"));
    t.sends(pong(*b"12345678"));
    t.recv(window_update(1, 9));
    t.sends(data(1, b"held back", End::Last));
    t.asked(3, &GET, End::Last);
    t.answers(3, &OK, End::Last);
    t.recv(reset(1, CANCEL));
    t.event(got::reset(1, Cause::Peer(CANCEL)));
}

/// Covers 9113:5.4-1
#[test]
fn a_frame_with_several_faults_is_one_stream_error() {
    // Depends on itself, and its fields are malformed twice.
    let mut t = Transcript::server();
    let malformed = with(&[("Upper", "case")], &with(&GET, &[("connection", "close")]));
    t.recv(headers(1, &malformed, End::Last).depends_on(1));
    t.sends(reset(1, PROTOCOL_ERROR));
    t.breaks(Violation::SelfDependency);
    t.alive();
    // More than the window and more than content-length.
    let mut config = Config::server();
    config.stream_window = 100;
    let mut t = Transcript::server_with(config);
    t.asked(1, &with(&POST, &[("content-length", "10")]), End::More);
    t.recv(data(1, &zeros(101), End::Last));
    t.resets(1, ErrorCode::FLOW_CONTROL_ERROR, Violation::StreamFlowExceeded);
    t.conn.finished(StreamId::new(1));
    t.alive();
}

/// Covers 9113:5.4-1, 9113:5.4-3, 9113:4.3-4, 9113:4.3-2: what becomes of the stream matters no more
#[test]
fn a_block_that_cannot_be_decoded_ends_the_connection_wherever_it_stands() {
    let compression = Violation::Compression(Error::IndexZero);
    let ends = |mut t: Transcript, frame: Frame, last: u32| {
        t.recv(frame);
        t.sends(goaway(last, ErrorCode::COMPRESSION_ERROR));
        t.fails(compression);
    };
    let asked = |end| {
        let mut t = Transcript::server();
        t.asked(1, &GET, end);
        t
    };
    ends(Transcript::server(), undecodable(1), 0);
    // Trailers, and HEADERS after the end.
    ends(asked(End::More), undecodable(1), 1);
    ends(asked(End::Last), undecodable(1), 1);
    // On a stream that was closed, that we have reset, and that the peer has.
    let mut t = asked(End::Last);
    t.answers(1, &OK, End::Last);
    ends(t, undecodable(1), 1);
    let mut t = asked(End::More);
    t.conn.reset(StreamId::new(1), CANCEL);
    t.sends(reset(1, CANCEL));
    ends(t, undecodable(1), 1);
    let mut t = asked(End::More);
    t.recv(reset(1, CANCEL));
    t.event(got::reset(1, Cause::Peer(CANCEL)));
    ends(t, undecodable(1), 1);
    // A request above the limit, one that depends on itself, and the responses to a client.
    let mut config = Config::server();
    config.max_concurrent_streams = 1;
    let mut t = Transcript::server_with(config);
    t.asked(1, &GET, End::Last);
    ends(t, undecodable(3), 1);
    let flags = Flags::END_HEADERS.with(Flags::PRIORITY);
    ends(Transcript::server(), block(1, b"\0\0\0\x01\x0f\x80", flags), 0);
    let mut t = Transcript::client();
    t.asks(&GET, End::Last);
    ends(t, undecodable(1), 0);
}

/// Covers 9113:5.4-3: beyond the connection's window, and on a stream that is over
#[test]
fn content_that_is_both_errors_ends_the_connection() {
    let mut config = Config::server();
    (config.stream_window, config.connection_window) = (65_535, 65_535);
    let mut t = Transcript::server_with(config);
    t.asked(1, &POST, End::More);
    t.asked(3, &GET, End::Last);
    for _ in 0..3 {
        t.recv(data(1, &zeros(16_384), End::More));
        t.event(got::data(1, &zeros(16_384), End::More));
    }
    t.recv(data(1, &zeros(16_383), End::Last));
    t.event(got::data(1, &zeros(16_383), End::Last));
    t.recv(data(3, b"x", End::Last));
    t.sends(goaway(3, ErrorCode::FLOW_CONTROL_ERROR));
    t.fails(Violation::ConnectionFlowExceeded);
}

/// Covers 9113:5.4-2: what went before was no error
#[test]
fn an_error_after_a_graceful_goaway_is_told_by_another() {
    let mut t = Transcript::server();
    t.asked(1, &GET, End::Last);
    t.conn.shut_down(t.now);
    t.sends(goaway(0x7fff_ffff, ErrorCode::NO_ERROR));
    assert!(matches!(t.next_sent(), Some(Frame::Ping(_))));
    let both = [t.octets(&data(99, b"x", End::Last)), t.octets(&headers(2, &GET, End::Last))].concat();
    t.recv_octets(&both);
    t.sends(goaway(1, PROTOCOL_ERROR));
    t.fails(Violation::DataOnIdleStream);
}

/// Covers 9113:5.5-1, 9113:6.5.2-11, 9113:7-1: settings, and error codes in both frames that have one
#[test]
fn values_that_nobody_knows_are_ignored() {
    let unknown = ErrorCode::new(0xffff_fff0);
    let mut t = Transcript::server();
    t.recv(settings(&[(SettingId::new(0), 1), (SettingId::new(7), u32::MAX), (SettingId::new(0xffff), 0)]));
    t.event(Got::Settings);
    t.sends(settings_ack());
    t.asked(1, &POST, End::More);
    t.recv(reset(1, unknown));
    t.event(got::reset(1, Cause::Peer(unknown)));
    t.conn.finished(StreamId::new(1));
    t.recv(goaway(0, unknown));
    t.event(got::goaway(0, unknown));
    t.alive();

    let mut t = Transcript::client();
    let id = t.asks(&GET, End::Last);
    t.recv(reset(id, unknown));
    t.event(got::reset(id, Cause::Peer(unknown)));
    assert!(t.conn.open(&section(&GET), End::Last).is_ok());
    t.sends(headers(3, &GET, End::Last));
    t.answered(3, &OK, End::Last);
}
