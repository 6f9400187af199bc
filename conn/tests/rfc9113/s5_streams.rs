//! RFC 9113 §5: stream states, identifiers, concurrency, errors.

use pellucid_conn::h2::{Config, Priority, Violation};
use pellucid_conn::{Cause, End, ErrorCode, Refusal, SendError, StreamId};
use pellucid_frame::{Flags, Rule, SettingId};

use crate::transcript::frames::{
    Frame, continuation, data, goaway, headers, ping, pong, priority, raw, reset, settings, settings_ack, window_update,
};
use crate::transcript::got::{self, Got};
use crate::transcript::{GET, OK, POST, Transcript, section, with, zeros};

const PROTOCOL_ERROR: ErrorCode = ErrorCode::PROTOCOL_ERROR;
const STREAM_CLOSED: ErrorCode = ErrorCode::STREAM_CLOSED;
const CANCEL: ErrorCode = ErrorCode::CANCEL;

/// A server whose stream 1 was opened, answered and closed, both sides having ended it.
fn with_a_closed_stream() -> Transcript {
    let mut t = Transcript::server();
    t.asked(1, &GET, End::Last);
    t.answers(1, &OK, End::Last);
    t.conn.finished(StreamId::new(1));
    t
}

/// Covers 9113:5.1-1, 9113:5.4.1-1, 9113:6.4-6
#[test]
fn an_idle_stream_accepts_only_headers_and_priority() {
    let cases = [
        (data(1, b"x", End::Last), Violation::DataOnIdleStream),
        (data(2, b"x", End::Last), Violation::DataOnIdleStream),
        (reset(1, CANCEL), Violation::ResetOnIdleStream),
        (window_update(1, 1), Violation::WindowUpdateOnIdleStream),
        (window_update(2, 1), Violation::WindowUpdateOnIdleStream),
        (continuation(1, b"\x82", Flags::END_HEADERS), Violation::ContinuationUnexpected),
    ];
    for (frame, violation) in cases {
        let mut t = Transcript::server();
        t.recv(frame);
        t.sends(goaway(0, PROTOCOL_ERROR));
        t.fails(violation);
    }
    let mut t = Transcript::server();
    t.recv(priority(1, 3));
    t.alive();
}

/// Covers 9113:5.1-1, 9113:5.1-2
#[test]
fn a_client_too_refuses_frames_on_idle_streams() {
    let cases = [
        (data(1, b"x", End::Last), Violation::DataOnIdleStream),
        (headers(1, &OK, End::Last), Violation::HeadersOnIdleStream),
        (headers(2, &OK, End::Last), Violation::HeadersOnIdleStream),
        (reset(2, CANCEL), Violation::ResetOnIdleStream),
        (window_update(1, 1), Violation::WindowUpdateOnIdleStream),
    ];
    for (frame, violation) in cases {
        let mut t = Transcript::client();
        t.recv(frame);
        t.sends(goaway(0, PROTOCOL_ERROR));
        t.fails(violation);
    }
}

/// Covers 9113:5.1.1-4
#[test]
fn trap_07_opening_a_stream_closes_the_lower_idle_ones() {
    // DATA: the stream error of a closed stream; WINDOW_UPDATE and RST_STREAM: ignored; HEADERS: the connection ends.
    let mut t = Transcript::server();
    t.asked(5, &GET, End::Last);
    t.recv(data(3, b"x", End::Last));
    t.sends(reset(3, STREAM_CLOSED));
    t.breaks(Violation::FrameOnClosedStream);
    t.recv(window_update(1, 1));
    t.recv(reset(1, CANCEL));
    t.answers(5, &OK, End::Last);
    t.alive();

    let mut t = Transcript::server();
    t.asked(5, &GET, End::Last);
    t.recv(headers(3, &GET, End::Last));
    t.sends(goaway(5, PROTOCOL_ERROR));
    t.fails(Violation::StreamIdNotIncreasing);
}

/// Covers 9113:5.1-7, 9113:6.1-4
#[test]
fn trap_08_content_after_end_stream_ends_the_stream_only() {
    for frame in [data(1, b"x", End::More), data(1, b"", End::Last), headers(1, &[("x", "y")], End::Last)] {
        let mut t = Transcript::server();
        t.asked(1, &GET, End::Last);
        t.recv(frame);
        t.resets(1, STREAM_CLOSED, Violation::FrameOnHalfClosedStream);
        t.conn.finished(StreamId::new(1));
        t.alive();
    }
}

/// Covers 9113:5.1-7, 9113:6.9-4: and what is excepted
#[test]
fn trap_08_half_closed_remote_still_takes_window_updates_priority_and_resets() {
    let mut t = Transcript::server();
    t.asked(1, &GET, End::Last);
    t.recv(window_update(1, 10));
    t.recv(priority(1, 3));
    t.alive();
    t.recv(reset(1, CANCEL));
    t.event(got::reset(1, Cause::Peer(CANCEL)));
    t.alive();
}

/// Covers 9113:5.1-11: what is permitted is no error
#[test]
fn trap_08_half_closed_local_takes_everything() {
    let mut t = Transcript::server();
    t.asked(1, &POST, End::More);
    t.answers(1, &OK, End::Last);
    t.recv(window_update(1, 10));
    t.recv(priority(1, 3));
    t.reads(1, b"late but welcome", End::More);
    t.recv(headers(1, &[("x", "y")], End::Last));
    t.event(got::trailers(1, &[("x", "y")]));
    t.conn.finished(StreamId::new(1));
    t.alive();
}

/// Covers 9113:5.1-9, 9113:5.1-10, 9113:5.4.2-1, 9113:5.4.2-2, 9113:6.4-2, 9113:6.9-5
#[test]
fn trap_09_after_our_reset_everything_is_ignored_and_nothing_is_lost() {
    let mut t = Transcript::server();
    t.asked(1, &POST, End::More);
    t.conn.reset(StreamId::new(1), CANCEL);
    t.conn.finished(StreamId::new(1));
    t.sends(reset(1, CANCEL));
    for frame in [
        data(1, b"on its way", End::More).padded(200),
        window_update(1, 100),
        priority(1, 3),
        headers(1, &[("x-trailer", "kept in the table")], End::Last),
        reset(1, CANCEL),
        data(1, b"even after that", End::Last),
    ] {
        t.recv(frame);
        t.sends_nothing();
        t.no_event();
    }
    // Much later still: no timer forgets it.
    t.at(100_000);
    t.recv(data(1, b"x", End::Last));
    t.asked(3, &with(&GET, &[("x-trailer", "kept in the table")]), End::Last);
    t.answers(3, &OK, End::Last);
    t.conn.finished(StreamId::new(3));
    t.alive();
}

/// Covers 9113:5.4.2-3, 9113:6.9-4
#[test]
fn trap_10_window_updates_and_resets_on_closed_streams_are_ignored() {
    let mut t = with_a_closed_stream();
    t.recv(window_update(1, 100));
    t.recv(reset(1, CANCEL));
    t.recv(window_update(1, 100));
    t.recv(reset(1, CANCEL));
    t.alive();
}

/// No rule demands so much: the peer's reset may cross our END_STREAM; from then on the stream counts as one it has reset.
#[test]
fn trap_10_headers_after_a_reset_that_crossed_our_end_are_a_stream_error() {
    let mut t = with_a_closed_stream();
    t.recv(reset(1, CANCEL));
    t.recv(headers(1, &[("x", "y")], End::Last));
    t.sends(reset(1, STREAM_CLOSED));
    t.breaks(Violation::FrameOnClosedStream);
    t.alive();
}

/// Covers 9113:5.1-2, 9113:5.1.1-4
#[test]
fn trap_11_a_client_opens_odd_streams_only() {
    let mut t = Transcript::server();
    t.recv(headers(2, &GET, End::Last));
    t.sends(goaway(0, PROTOCOL_ERROR));
    t.fails(Violation::StreamIdParity);
}

/// No rule names this code: RFC 9113 §5.1 permits it for any frame on a closed stream.
#[test]
fn trap_11_an_identifier_is_used_once() {
    let mut t = with_a_closed_stream();
    t.recv(headers(1, &GET, End::Last));
    t.sends(goaway(1, STREAM_CLOSED));
    t.fails(Violation::HeadersOnClosedStream);
}

/// Covers 9113:5.1.1-4
#[test]
fn trap_11_identifiers_only_grow() {
    let mut t = Transcript::server();
    t.asked(7, &GET, End::Last);
    t.answers(7, &OK, End::Last);
    t.recv(headers(5, &GET, End::Last));
    t.sends(goaway(7, PROTOCOL_ERROR));
    t.fails(Violation::StreamIdNotIncreasing);
}

/// No rule demands it: RFC 9113 §5.1.1 lets a server leave when identifiers run out.
#[test]
fn trap_11_the_last_identifier_is_accepted_and_then_the_server_leaves() {
    let mut t = Transcript::server();
    t.asked(0x7fff_ffff, &GET, End::Last);
    t.sends(goaway(0x7fff_ffff, ErrorCode::NO_ERROR));
    assert!(matches!(t.next_sent(), Some(Frame::Ping(_))));
    t.answers(0x7fff_ffff, &OK, End::Last);
    t.conn.finished(StreamId::MAX);
}

/// No rule demands it, as above.
#[test]
fn trap_11_a_server_leaves_before_identifiers_run_out() {
    let mut t = Transcript::server();
    t.asked(0x5fff_ffff, &GET, End::Last);
    t.answers(0x5fff_ffff, &OK, End::Last);
    t.sends_nothing();
    t.asked(0x6000_0001, &GET, End::Last);
    t.sends(goaway(0x7fff_ffff, ErrorCode::NO_ERROR));
    assert!(matches!(t.next_sent(), Some(Frame::Ping(_))));
    t.answers(0x6000_0001, &OK, End::Last);
    // What is under way when the first GOAWAY arrives is still served.
    t.asked(0x6000_0003, &GET, End::Last);
    t.answers(0x6000_0003, &OK, End::Last);
    t.sends_nothing();
}

/// Covers 9113:5.1.1-1, 9113:5.1.1-3: a client's own grow by two; that they run out is tested beside `open`
#[test]
fn trap_11_a_client_opens_odd_streams_in_order() {
    let mut t = Transcript::client();
    for id in [1, 3, 5] {
        assert_eq!(t.asks(&GET, End::Last), id);
    }
}

/// Covers 9113:5.1.2-2
#[test]
fn trap_12_a_stream_above_the_limit_is_refused() {
    for acknowledged in [0, 1] {
        let mut config = Config::server();
        config.max_concurrent_streams = 2;
        let mut t = Transcript::server_with(config);
        if acknowledged == 0 {
            // The limit holds from the first octet on, whether or not SETTINGS are acknowledged.
            t.conn.update_settings(&[], t.now);
            t.sends(settings(&[]));
        }
        t.asked(1, &POST, End::More);
        t.asked(3, &GET, End::Last);
        t.recv(headers(5, &GET, End::Last));
        t.sends(reset(5, ErrorCode::REFUSED_STREAM));
        t.breaks(Violation::StreamLimit);
        t.event(got::refused(5, Refusal::StreamLimit));
        t.answers(3, &OK, End::Last);
        t.conn.finished(StreamId::new(3));
        t.asked(7, &GET, End::Last);
    }
}

/// Covers 9113:10.5-2: handlers count, not streams
#[test]
fn a_reset_stream_whose_handler_still_runs_holds_its_slot() {
    let mut config = Config::server();
    config.max_concurrent_streams = 1;
    let mut t = Transcript::server_with(config);
    t.asked(1, &GET, End::Last);
    t.recv(reset(1, CANCEL));
    t.event(got::reset(1, Cause::Peer(CANCEL)));
    t.recv(headers(3, &GET, End::Last));
    t.sends(reset(3, ErrorCode::REFUSED_STREAM));
    t.breaks(Violation::HandlerLimit);
    t.event(got::refused(3, Refusal::HandlerLimit));
    t.conn.finished(StreamId::new(1));
    t.alive();
}

/// Covers 9113:5.1.2-1, 9113:6.5.2-6
#[test]
fn trap_12_a_limit_of_zero_streams_is_legal_and_reversible() {
    let mut t = Transcript::client();
    t.recv(settings(&[(SettingId::MAX_CONCURRENT_STREAMS, 0)]));
    t.event(Got::Settings);
    t.sends(settings_ack());
    assert_eq!(t.conn.open(&section(&GET), End::Last), Err(SendError::NoSlot));
    t.recv(settings(&[(SettingId::MAX_CONCURRENT_STREAMS, 1)]));
    t.event(Got::Settings);
    t.event(Got::SlotFree);
    t.sends(settings_ack());
    t.alive();
    t.asks(&GET, End::Last);
    assert_eq!(t.conn.open(&section(&GET), End::Last), Err(SendError::NoSlot));
    t.answered(3, &OK, End::Last);
    t.event(Got::SlotFree);
}

/// Covers 9113:5.1.1-2, 9113:5.1.1-3, 9113:5.1.2-1: reserved streams do not count
#[test]
fn trap_12_promised_streams_do_not_count() {
    let mut t = Transcript::server();
    t.asked(1, &GET, End::Last);
    t.recv(settings(&[(SettingId::MAX_CONCURRENT_STREAMS, 1)]));
    t.event(Got::Settings);
    t.sends(settings_ack());
    for id in [2, 4, 6] {
        let promised = t.conn.push(StreamId::new(1), &section(&GET)).expect("promising needs no slot");
        assert_eq!(promised.get(), id);
        t.sends(crate::transcript::frames::promise(1, id, &GET));
    }
    // Answering does: one at a time.
    t.answers(2, &OK, End::More);
    assert_eq!(t.conn.send_headers(StreamId::new(4), &section(&OK), End::Last), Err(SendError::NoSlot));
    t.conn.send_data(StreamId::new(2), b"pushed".to_vec().into(), End::Last).expect("content");
    t.sends(data(2, b"pushed", End::Last));
    t.event(Got::SlotFree);
    t.answers(4, &OK, End::Last);
}

/// Covers 9113:5.4.2-2, 9113:5.4.2-3
#[test]
fn trap_13_a_reset_is_never_answered_and_sent_once() {
    let mut t = Transcript::server();
    t.asked(1, &POST, End::More);
    t.recv(reset(1, CANCEL));
    t.event(got::reset(1, Cause::Peer(CANCEL)));
    t.recv(reset(1, CANCEL));
    t.sends_nothing();
    t.no_event();
    // What comes after the peer's own reset is an error of its own, answered once.
    t.recv(data(1, b"x", End::More));
    t.sends(reset(1, STREAM_CLOSED));
    t.breaks(Violation::FrameOnClosedStream);
    t.recv(data(1, b"x", End::More));
    t.recv(headers(1, &[("x", "y")], End::Last));
    t.conn.finished(StreamId::new(1));
    t.alive();
}

/// No rule demands so much: RFC 9113 §5.1 would permit a connection error.
#[test]
fn trap_13_headers_after_the_peers_reset_are_a_stream_error() {
    let mut t = Transcript::server();
    t.asked(1, &POST, End::More);
    t.recv(reset(1, CANCEL));
    t.event(got::reset(1, Cause::Peer(CANCEL)));
    t.recv(headers(1, &[("x", "y")], End::Last));
    t.sends(reset(1, STREAM_CLOSED));
    t.breaks(Violation::FrameOnClosedStream);
    t.conn.finished(StreamId::new(1));
    t.alive();
}

/// Covers 9113:6.4-5: an idle stream is never reset
#[test]
fn trap_13_a_stream_error_on_an_idle_stream_ends_the_connection() {
    let mut t = Transcript::server();
    t.recv(priority(1, 1));
    t.sends(goaway(0, PROTOCOL_ERROR));
    t.fails(Violation::Frame(Rule::PrioritySelfDependency));
}

/// Covers 9113:5.4.2-2, 9113:6.1-4
#[test]
fn content_on_a_closed_stream_is_a_stream_error_once() {
    let mut t = with_a_closed_stream();
    t.recv(data(1, b"x", End::More));
    t.sends(reset(1, STREAM_CLOSED));
    t.breaks(Violation::FrameOnClosedStream);
    t.recv(data(1, b"x", End::More));
    t.recv(priority(1, 3));
    t.alive();
}

/// No rule demands it: the client's view of what RFC 9113 §5.1 permits on a closed stream.
#[test]
fn a_server_that_goes_on_after_the_end_ends_the_connection() {
    let mut t = Transcript::client();
    let id = t.asks(&GET, End::Last);
    t.answered(id, &OK, End::Last);
    t.recv(headers(id, &[("x", "y")], End::Last));
    t.sends(goaway(0, STREAM_CLOSED));
    t.fails(Violation::HeadersOnClosedStream);
}

/// Covers 9113:5.4-2: nothing after a connection error is looked at
#[test]
fn after_a_connection_error_nothing_is_parsed() {
    let mut t = Transcript::server();
    let mut octets = t.octets(&data(1, b"x", End::Last));
    octets.extend(t.octets(&ping(*b"12345678")));
    octets.extend(t.octets(&headers(3, &GET, End::Last)));
    t.recv_octets(&octets);
    t.sends(goaway(0, PROTOCOL_ERROR));
    t.fails(Violation::DataOnIdleStream);
    assert_eq!(t.conn.open(&section(&GET), End::Last), Err(SendError::Dead));
    assert_eq!(t.conn.send_headers(StreamId::new(1), &section(&OK), End::Last), Err(SendError::Dead));
}

/// Covers 9113:5.4-2: and no command puts anything behind the GOAWAY
#[test]
fn after_a_connection_error_commands_send_nothing() {
    let setting = pellucid_frame::Setting { id: SettingId::MAX_CONCURRENT_STREAMS, value: 1 };
    let mut server = Transcript::server();
    server.asked(1, &POST, End::More);
    server.answers(1, &OK, End::Last);
    let mut client = Transcript::client();
    client.asks(&POST, End::More);
    for (mut t, last) in [(server, 1), (client, 0)] {
        let id = StreamId::new(1);
        t.recv(ping(*b"12345678"));
        t.sends(pong(*b"12345678"));
        t.recv(data(99, b"x", End::Last));
        t.conn.update_settings(&[setting], t.now);
        t.conn.set_priority(id, Priority { urgency: 0, incremental: true });
        t.conn.stop_reading(id);
        t.conn.reset(id, CANCEL);
        t.conn.ping(*b"too late");
        t.conn.shut_down(t.now);
        t.conn.send_alt_svc(StreamId::CONNECTION, b"https://a", b"h3");
        t.sends(goaway(last, PROTOCOL_ERROR));
        t.fails(Violation::DataOnIdleStream);
        t.conn.update_settings(&[setting], t.now);
        t.conn.stop_reading(id);
        t.sends_nothing();
    }
}

/// Covers 9113:5.4-2: octets that are consumed late are nothing to write about
#[test]
fn after_a_connection_error_consumed_content_is_not_announced() {
    let mut config = Config::server();
    config.connection_window = 65_535;
    let mut t = Transcript::server_with(config);
    t.asked(1, &POST, End::More);
    for _ in 0..3 {
        t.recv(data(1, &zeros(16_384), End::More));
        t.event(got::data(1, &zeros(16_384), End::More));
    }
    t.recv(data(99, b"x", End::Last));
    t.sends(goaway(1, PROTOCOL_ERROR));
    t.release(1, 3 * 16_384);
    t.fails(Violation::DataOnIdleStream);
}

/// Covers 9113:5.1-10: many streams later a closed one is still closed, and one too long gone is forgotten without harm
#[test]
fn long_gone_streams_do_no_harm() {
    let mut t = Transcript::server();
    for n in 0..300 {
        let id = 2 * n + 1;
        t.asked(id, &GET, End::Last);
        t.answers(id, &OK, End::Last);
        t.conn.finished(StreamId::new(id));
    }
    t.recv(data(1, b"x", End::Last));
    t.recv(window_update(1, 1));
    t.recv(reset(1, CANCEL));
    t.recv(headers(1, &[("x", "y")], End::Last));
    t.recv(raw(pellucid_frame::Kind::WINDOW_UPDATE, Flags::NONE, 1, b"\0\0\0\0"));
    t.breaks(Violation::Frame(Rule::WindowUpdateZero));
    t.alive();
    t.recv(ping(*b"12345678"));
    t.sends(pong(*b"12345678"));
}
