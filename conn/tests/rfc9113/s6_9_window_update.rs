//! RFC 9113 §6.9: flow control.

use pellucid_conn::h2::{Config, Violation};
use pellucid_conn::{End, ErrorCode, StreamId};
use pellucid_frame::{Flags, Kind, Rule, SettingId};

use crate::transcript::frames::{
    Frame, data, goaway, headers, promise, raw, reset, settings, settings_ack, window_update,
};
use crate::transcript::got::{self, Got};
use crate::transcript::{GET, OK, POST, Transcript, section, zeros};

const FLOW_CONTROL_ERROR: ErrorCode = ErrorCode::FLOW_CONTROL_ERROR;
const MAX: u32 = 0x7fff_ffff;

/// A server that owes so many octets on stream 1.
fn server_with_content(octets: usize) -> Transcript {
    let mut t = Transcript::server();
    t.asked(1, &GET, End::Last);
    t.answers(1, &OK, End::More);
    t.conn.send_data(StreamId::new(1), zeros(octets).into(), End::Last).expect("content");
    t
}

fn say_initial_window(t: &mut Transcript, octets: u32) {
    t.recv(settings(&[(SettingId::INITIAL_WINDOW_SIZE, octets)]));
    t.event(Got::Settings);
    t.sends(settings_ack());
}

/// Covers 9113:6.9-2, 9113:6.9-3
#[test]
fn trap_23_an_increment_of_zero_ends_the_stream_or_the_connection() {
    let mut t = Transcript::server();
    t.asked(1, &POST, End::More);
    t.recv(window_update(1, 0));
    t.resets(1, ErrorCode::PROTOCOL_ERROR, Violation::Frame(Rule::WindowUpdateZero));
    t.conn.finished(StreamId::new(1));
    t.alive();
    t.recv(raw(Kind::WINDOW_UPDATE, Flags::NONE, 0, b"\x80\0\0\0"));
    t.sends(goaway(3, ErrorCode::PROTOCOL_ERROR));
    t.fails(Violation::Frame(Rule::WindowUpdateZero));
}

/// Covers 9113:6.9-2, 9113:6.9.1-3: also where we have sent END_STREAM
#[test]
fn trap_23_a_half_closed_stream_checks_increments_too() {
    let mut t = Transcript::server();
    t.asked(1, &POST, End::More);
    t.answers(1, &OK, End::Last);
    t.recv(window_update(1, 0));
    t.resets(1, ErrorCode::PROTOCOL_ERROR, Violation::Frame(Rule::WindowUpdateZero));
    t.conn.finished(StreamId::new(1));
    t.asked(3, &POST, End::More);
    t.answers(3, &OK, End::Last);
    t.recv(window_update(3, MAX));
    t.resets(3, FLOW_CONTROL_ERROR, Violation::StreamWindowOverflow);
    t.conn.finished(StreamId::new(3));
    t.alive();
}

/// Covers 9113:6.9-6
#[test]
fn trap_23_another_length_ends_the_connection_on_any_stream() {
    for (id, payload) in [(0, b"\0\0\x01".as_slice()), (1, b"\0\0\x01"), (1, b"\0\0\0\x01\0"), (1, b"")] {
        let mut t = Transcript::server();
        t.asked(1, &POST, End::More);
        t.recv(raw(Kind::WINDOW_UPDATE, Flags::NONE, id, payload));
        t.sends(goaway(1, ErrorCode::FRAME_SIZE_ERROR));
        t.fails(Violation::Frame(Rule::WindowUpdateLength));
    }
}

/// Covers 9113:6.9-3, 9113:6.9.1-3
#[test]
fn trap_24_a_window_above_the_maximum_ends_the_stream_or_the_connection() {
    let mut t = Transcript::server();
    t.asked(1, &POST, End::More);
    t.recv(window_update(1, MAX - 65_535));
    t.recv(window_update(1, 1));
    t.resets(1, FLOW_CONTROL_ERROR, Violation::StreamWindowOverflow);
    t.conn.finished(StreamId::new(1));
    t.recv(window_update(0, MAX - 65_535));
    t.alive();
    t.recv(window_update(0, 1));
    t.sends(goaway(3, FLOW_CONTROL_ERROR));
    t.fails(Violation::ConnectionWindowOverflow);
}

/// No rule: RFC 9113 §6.9.1 permits an empty frame where there is no window
#[test]
fn trap_24_the_end_of_a_message_needs_no_window() {
    let mut t = Transcript::server();
    say_initial_window(&mut t, 0);
    t.asked(1, &GET, End::Last);
    t.answers(1, &OK, End::More);
    t.conn.send_data(StreamId::new(1), bytes::Bytes::new(), End::Last).expect("an end");
    t.sends(data(1, b"", End::Last));
    t.conn.finished(StreamId::new(1));
    // Nor do trailers.
    t.asked(3, &GET, End::Last);
    t.answers(3, &OK, End::More);
    t.conn.send_trailers(StreamId::new(3), section(&[("x", "y")])).expect("trailers");
    t.sends(headers(3, &[("x", "y")], End::Last));
    t.conn.finished(StreamId::new(3));
    t.alive();
}

/// Covers 9113:6.9.1-1: with the connection's window used up, too
#[test]
fn trap_24_the_end_of_a_message_needs_no_connection_window() {
    let mut t = server_with_content(65_535);
    for (octets, end) in [(16_384, End::More), (16_384, End::More), (16_384, End::More), (16_383, End::Last)] {
        t.sends(data(1, &zeros(octets), end));
    }
    t.asked(3, &GET, End::Last);
    t.answers(3, &OK, End::More);
    t.conn.send_data(StreamId::new(3), b"x".to_vec().into(), End::More).expect("content");
    t.sends_nothing();
    t.asked(5, &GET, End::Last);
    t.answers(5, &OK, End::More);
    t.conn.send_data(StreamId::new(5), bytes::Bytes::new(), End::Last).expect("an end");
    t.sends(data(5, b"", End::Last));
    t.recv(window_update(0, 1));
    t.sends(data(3, b"x", End::More));
}

/// Covers 9113:6.9.1-1, 9113:6.9.2-1
#[test]
fn trap_25_settings_move_stream_windows_and_never_the_connections() {
    let mut t = server_with_content(100_000);
    for octets in [16_384, 16_384, 16_384, 16_383] {
        t.sends(data(1, &zeros(octets), End::More));
    }
    // Both windows are at zero; a larger initial window opens the stream's only.
    say_initial_window(&mut t, 200_000);
    t.sends_nothing();
    t.recv(window_update(0, 10));
    t.sends(data(1, &zeros(10), End::More));
    t.sends_nothing();
}

/// Covers 9113:6.9.2-2, 9113:6.9.2-3: windows become negative and come back
#[test]
fn trap_25_a_negative_window_must_be_paid_back() {
    let mut t = server_with_content(100_000);
    for octets in [16_384, 16_384, 16_384, 16_383] {
        t.sends(data(1, &zeros(octets), End::More));
    }
    t.recv(window_update(0, 100_000));
    say_initial_window(&mut t, 0);
    // -65,535 now.
    t.recv(window_update(1, 65_535));
    t.sends_nothing();
    t.recv(window_update(1, 1));
    t.sends(data(1, &zeros(1), End::More));
    t.sends_nothing();
    say_initial_window(&mut t, 5);
    t.sends(data(1, &zeros(5), End::More));
    t.sends_nothing();
}

/// Covers 9113:6.9.2-1: half-closed (remote) above, reserved here
#[test]
fn trap_25_promised_streams_move_too() {
    let mut t = Transcript::server();
    t.asked(1, &GET, End::Last);
    t.conn.push(StreamId::new(1), &section(&GET)).expect("a promise");
    t.sends(promise(1, 2, &GET));
    say_initial_window(&mut t, 3);
    t.answers(2, &OK, End::More);
    t.conn.send_data(StreamId::new(2), b"pushed".to_vec().into(), End::Last).expect("content");
    t.sends(data(2, b"pus", End::More));
    t.recv(window_update(2, 100));
    t.sends(data(2, b"hed", End::Last));
}

/// Covers 9113:6.9.2-4
#[test]
fn trap_25_a_change_that_overflows_any_window_ends_the_connection() {
    let mut t = Transcript::server();
    t.asked(1, &POST, End::More);
    t.recv(window_update(1, 1));
    t.recv(settings(&[(SettingId::INITIAL_WINDOW_SIZE, MAX)]));
    t.sends(goaway(1, FLOW_CONTROL_ERROR));
    t.fails(Violation::InitialWindowOverflow);

    // A closed stream's window is nobody's any more.
    let mut t = Transcript::server();
    t.asked(1, &GET, End::Last);
    t.recv(window_update(1, 1));
    t.answers(1, &OK, End::Last);
    t.conn.finished(StreamId::new(1));
    say_initial_window(&mut t, MAX);
    t.alive();
}

/// Covers 9113:6.9-5: the connection's window counts every frame, padding included, and gets it back
#[test]
fn trap_26_ignored_content_is_credited_to_the_connection() {
    let whole = i64::from(Config::server().connection_window);
    let mut t = Transcript::server();
    t.asked(1, &POST, End::More);
    t.asked(3, &GET, End::Last);
    t.conn.reset(StreamId::new(1), ErrorCode::CANCEL);
    t.sends(reset(1, ErrorCode::CANCEL));
    t.conn.finished(StreamId::new(1));
    t.recv(data(1, &zeros(10_000), End::More).padded(255));
    assert_eq!(t.conn.ledger(), (whole - 10_256, 0, whole), "received, and to be announced again");
    // On a stream that ended.
    t.answers(3, &OK, End::Last);
    t.conn.finished(StreamId::new(3));
    t.recv(data(3, &zeros(10_000), End::More).padded(0));
    t.sends(reset(3, ErrorCode::STREAM_CLOSED));
    t.breaks(Violation::FrameOnClosedStream);
    assert_eq!(t.conn.ledger(), (whole - 20_257, 0, whole));
    // On one that was skipped.
    t.alive();
    t.asked(11, &POST, End::More);
    t.recv(data(9, &zeros(10), End::More).padded(9));
    t.sends(reset(9, ErrorCode::STREAM_CLOSED));
    t.breaks(Violation::FrameOnClosedStream);
    assert_eq!(t.conn.ledger(), (whole - 20_277, 0, whole));
    // And on one that does not want it.
    t.recv(data(11, &zeros(16_383), End::More));
    t.event(got::data(11, &zeros(16_383), End::More));
    t.conn.reset(StreamId::new(11), ErrorCode::CANCEL);
    t.sends(reset(11, ErrorCode::CANCEL));
    assert_eq!(t.conn.ledger(), (whole - 36_660, 16_383, whole), "the application still holds it");
    t.release(11, 16_383);
    assert_eq!(t.conn.ledger(), (whole - 36_660, 0, whole));
    t.conn.finished(StreamId::new(11));
}

/// Covers 9113:6.8-8, 9113:6.9-5: after GOAWAY
#[test]
fn trap_26_content_ignored_after_goaway_is_credited_too() {
    let whole = i64::from(Config::server().connection_window);
    let mut t = Transcript::server();
    t.conn.shut_down(t.now);
    t.sends(goaway(MAX, ErrorCode::NO_ERROR));
    t.at(1_000);
    let _ping = t.next_sent();
    t.sends(goaway(0, ErrorCode::NO_ERROR));
    t.event(Got::Drained);
    t.recv(headers(1, &POST, End::More));
    t.recv(data(1, &zeros(1_000), End::Last).padded(20));
    assert_eq!(t.conn.ledger(), (whole - 1_021, 0, whole));
}

/// Covers 9113:6.9-3
#[test]
fn more_than_the_connections_window_ends_the_connection() {
    let mut config = Config::server();
    (config.connection_window, config.stream_window) = (65_535, 1 << 20);
    let mut t = Transcript::server_with(config);
    t.asked(1, &POST, End::More);
    for octets in [16_384, 16_384, 16_384, 16_383] {
        t.recv(data(1, &zeros(octets), End::More));
        t.event(got::data(1, &zeros(octets), End::More));
    }
    t.recv(data(1, b"", End::More));
    t.recv(data(1, b"x", End::More));
    t.sends(goaway(1, FLOW_CONTROL_ERROR));
    t.fails(Violation::ConnectionFlowExceeded);
}

/// No rule: RFC 9113 §6.9.1 lets a receiver end the stream
#[test]
fn more_than_the_streams_window_ends_the_stream() {
    let mut config = Config::server();
    config.stream_window = 10;
    let mut t = Transcript::server_with(config);
    t.asked(1, &POST, End::More);
    t.recv(data(1, b"0123456789", End::More));
    t.event(got::data(1, b"0123456789", End::More));
    t.recv(data(1, b"x", End::More));
    t.resets(1, FLOW_CONTROL_ERROR, Violation::StreamFlowExceeded);
    t.release(1, 10);
    t.conn.finished(StreamId::new(1));
    t.alive();
}

/// No rule: what is consumed may be sent again, in large steps
#[test]
fn consumed_content_is_announced_in_large_steps() {
    let mut config = Config::server();
    (config.connection_window, config.stream_window) = (65_535, 65_535);
    let mut t = Transcript::server_with(config);
    t.asked(1, &POST, End::More);
    t.reads(1, &zeros(16_384), End::More);
    t.sends_nothing();
    t.reads(1, &zeros(16_384), End::More);
    t.sends(window_update(0, 32_768));
    t.sends(window_update(1, 32_768));
    t.reads(1, &zeros(16_384), End::More);
    t.reads(1, &zeros(16_384), End::Last);
    // The stream has ended: only the connection's window is of use to the peer.
    t.sends(window_update(0, 32_768));
    t.sends_nothing();
}

/// Covers 9113:6.9.1-2: with windows as large as there are
#[test]
fn no_window_of_ours_passes_the_maximum() {
    let mut config = Config::server();
    (config.connection_window, config.stream_window) = (MAX, MAX);
    let mut t = Transcript::fresh(pellucid_conn::h2::Role::Server, config);
    t.recv_octets(pellucid_frame::encode::PREFACE);
    t.recv(settings(&[]));
    t.event(Got::Settings);
    t.recv(settings_ack());
    let mut windows = [65_535, i64::from(MAX)];
    let count = |t: &mut Transcript, windows: &mut [i64; 2]| {
        while let Some(frame) = t.next_sent() {
            if let Frame::WindowUpdate { id, increment } = frame {
                windows[usize::from(id > 0)] += i64::from(increment);
            }
        }
        assert!(windows.iter().all(|window| *window <= i64::from(MAX)), "{windows:?}");
    };
    count(&mut t, &mut windows);
    assert_eq!(windows[0], i64::from(MAX), "as large as it was asked for");
    t.asked(1, &POST, End::More);
    for _ in 0..100 {
        t.reads(1, &zeros(16_384), End::More);
        windows = windows.map(|window| window - 16_384);
        count(&mut t, &mut windows);
    }
}
