//! RFC 9113 §6.8: GOAWAY, ours and the peer's.

use std::time::Duration;

use pellucid_conn::h2::{Config, Violation};
use pellucid_conn::{Cause, End, ErrorCode, SendError, StreamId};
use pellucid_frame::{Flags, Kind, Rule};

use crate::transcript::frames::{Frame, data, goaway, headers, ping, pong, raw, reset, window_update};
use crate::transcript::got::{self, Got};
use crate::transcript::{GET, OK, POST, Transcript, section};

const NO_ERROR: ErrorCode = ErrorCode::NO_ERROR;

/// Covers 9113:6.8-4
#[test]
fn trap_22_goaway_on_a_stream_ends_the_connection() {
    let mut t = Transcript::server();
    t.recv(raw(Kind::GOAWAY, Flags::NONE, 1, b"\0\0\0\0\0\0\0\0"));
    t.sends(goaway(0, ErrorCode::PROTOCOL_ERROR));
    t.fails(Violation::Frame(Rule::GoAwayOnStream));
}

/// Covers 9113:6.8-1, 9113:6.8-3
#[test]
fn trap_22_streams_up_to_the_last_continue_and_higher_ones_may_be_retried() {
    let mut t = Transcript::client();
    let (a, b) = (t.asks(&POST, End::More), t.asks(&GET, End::Last));
    t.recv(goaway(a, NO_ERROR));
    t.event(got::goaway(a, NO_ERROR));
    t.event(got::reset(b, Cause::NotProcessed));
    assert!(Cause::NotProcessed.is_unprocessed());
    assert_eq!(t.conn.open(&section(&GET), End::Last), Err(SendError::GoingAway));
    // The lower stream goes on, both ways.
    t.conn.send_data(StreamId::new(a), b"more".to_vec().into(), End::Last).expect("content");
    t.sends(data(a, b"more", End::Last));
    t.answered(a, &OK, End::More);
    t.reads(a, b"answer", End::Last);
    t.event(Got::Drained);
    t.sends(goaway(0, NO_ERROR));
}

/// Covers 9113:6.8-3: a GOAWAY that names more than an earlier one
#[test]
fn trap_22_the_last_identifier_never_increases() {
    let mut t = Transcript::client();
    let (a, b, c) = (t.asks(&GET, End::Last), t.asks(&GET, End::Last), t.asks(&GET, End::Last));
    t.recv(goaway(b, NO_ERROR));
    t.event(got::goaway(b, NO_ERROR));
    t.event(got::reset(c, Cause::NotProcessed));
    t.recv(goaway(0x7fff_ffff, NO_ERROR));
    t.event(got::goaway(b, NO_ERROR));
    t.recv(goaway(a, NO_ERROR));
    t.event(got::goaway(a, NO_ERROR));
    t.event(got::reset(b, Cause::NotProcessed));
    t.answered(a, &OK, End::Last);
    t.event(Got::Drained);
    t.sends(goaway(0, NO_ERROR));
}

/// Covers 9113:6.8-1, 9113:7-1: going away is not gone
#[test]
fn trap_22_goaway_does_not_close_the_connection() {
    for code in [NO_ERROR, ErrorCode::new(0xff), ErrorCode::PROTOCOL_ERROR] {
        let mut t = Transcript::server();
        t.asked(1, &GET, End::Last);
        t.recv(goaway(0, code));
        t.event(got::goaway(0, code));
        t.recv(ping(*b"12345678"));
        t.sends(pong(*b"12345678"));
        t.answers(1, &OK, End::Last);
        t.conn.finished(StreamId::new(1));
        // The client may go on: its GOAWAY speaks of the server's streams.
        t.alive();
        assert_eq!(t.conn.push(StreamId::new(1), &section(&GET)), Err(SendError::GoingAway));
    }
}

/// Covers 9113:6.8-5: what we have promised never grows either
#[test]
fn trap_22_our_own_last_identifier_never_increases() {
    let mut t = Transcript::server();
    t.asked(1, &POST, End::More);
    t.conn.shut_down(t.now);
    t.sends(goaway(0x7fff_ffff, NO_ERROR));
    let Some(Frame::Ping(payload)) = t.next_sent() else { panic!("a PING follows") };
    // On its way: a request that is still accepted.
    t.asked(3, &GET, End::Last);
    t.recv(pong(payload));
    t.sends(goaway(3, NO_ERROR));
    t.conn.shut_down(t.now);
    t.sends_nothing();
    t.recv(headers(5, &GET, End::Last));
    t.recv(data(5, b"", End::Last));
    t.recv(reset(7, ErrorCode::CANCEL));
    t.recv(window_update(9, 1));
    // A connection error now names what was promised, not what was seen.
    t.recv(ping(*b"12345678"));
    t.sends(pong(*b"12345678"));
    t.recv(raw(Kind::PING, Flags::NONE, 1, b"12345678"));
    t.sends(goaway(3, ErrorCode::PROTOCOL_ERROR));
    t.fails(Violation::Frame(Rule::PingOnStream));
}

/// Covers 9113:6.8-2, 9113:6.8-6
#[test]
fn a_server_leaves_in_two_steps_and_says_when_it_is_done() {
    let mut t = Transcript::server();
    t.asked(1, &GET, End::Last);
    t.conn.shut_down(t.now);
    t.sends(goaway(0x7fff_ffff, NO_ERROR));
    assert!(matches!(t.next_sent(), Some(Frame::Ping(_))));
    // No answer to the PING: a second later it is final all the same.
    t.at(1_000);
    t.sends(goaway(1, NO_ERROR));
    t.no_event();
    t.answers(1, &OK, End::Last);
    t.event(Got::Drained);
    t.conn.finished(StreamId::new(1));
}

/// Covers 9113:6.8-2
#[test]
fn a_client_leaves_in_one_step() {
    let mut t = Transcript::client();
    let id = t.asks(&GET, End::Last);
    assert!(!t.conn.is_going_away());
    t.conn.shut_down(t.now);
    assert!(t.conn.is_going_away());
    t.sends(goaway(0, NO_ERROR));
    assert_eq!(t.conn.open(&section(&GET), End::Last), Err(SendError::GoingAway));
    t.answered(id, &OK, End::Last);
    t.event(Got::Drained);
}

/// No rule: what is still open at the end of patience is cut
#[test]
fn streams_that_outlive_the_drain_are_cut() {
    let mut t = Transcript::server();
    t.asked(1, &GET, End::Last);
    t.conn.shut_down(t.now);
    t.sends(goaway(0x7fff_ffff, NO_ERROR));
    let Some(Frame::Ping(payload)) = t.next_sent() else { panic!("a PING follows") };
    t.recv(pong(payload));
    t.sends(goaway(1, NO_ERROR));
    t.at(29_999);
    t.sends_nothing();
    t.at(30_000);
    t.resets(1, ErrorCode::CANCEL, Violation::DrainDeadline);
    t.event(Got::Drained);
    t.conn.finished(StreamId::new(1));
}

/// No rule: with diagnostic octets, and with more of them than anyone needs
#[test]
fn diagnostic_octets_are_kept_up_to_a_bound() {
    let mut t = Transcript::server();
    let mut payload = b"\0\0\0\0\0\0\0\x0b".to_vec();
    payload.extend_from_slice(&[b'!'; 16_000]);
    t.recv(raw(Kind::GOAWAY, Flags::NONE, 0, &payload));
    t.event(got::goaway(0, ErrorCode::ENHANCE_YOUR_CALM));
    t.alive();
}

/// Covers 9113:9.1-3: a connection that nobody uses is left, and one that was used until now is not
#[test]
fn an_idle_connection_leaves_after_a_while() {
    let mut t = Transcript::server();
    t.asked(1, &GET, End::Last);
    t.answers(1, &OK, End::More);
    // Open and silent for long, then over: the quiet begins only now.
    t.at(500_000);
    t.recv(reset(1, ErrorCode::CANCEL));
    t.event(got::reset(1, Cause::Peer(ErrorCode::CANCEL)));
    t.conn.finished(StreamId::new(1));
    t.sends_nothing();
    t.at(619_999);
    t.sends_nothing();
    t.at(620_000);
    t.sends(goaway(0x7fff_ffff, NO_ERROR));
    assert!(matches!(t.next_sent(), Some(Frame::Ping(_))));
    t.at(621_000);
    t.sends(goaway(1, NO_ERROR));
    t.event(Got::Drained);
}

/// Covers 9113:9.1-3: a connection that has reached its age
#[test]
fn an_old_connection_leaves_and_finishes_its_work() {
    let mut config = Config::server();
    config.max_age = Some(Duration::from_secs(60));
    let mut t = Transcript::server_with(config);
    t.asked(1, &GET, End::Last);
    t.at(60_000);
    t.sends(goaway(0x7fff_ffff, NO_ERROR));
    assert!(matches!(t.next_sent(), Some(Frame::Ping(_))));
    t.answers(1, &OK, End::Last);
    t.conn.finished(StreamId::new(1));
}

/// Covers 9113:8.1.1-2: only the peer's streams are ignored, our own are answered for to the end
#[test]
fn a_client_that_leaves_still_judges_its_own_streams() {
    let mut t = Transcript::client();
    let (a, b) = (t.asks(&GET, End::Last), t.asks(&GET, End::Last));
    t.conn.shut_down(t.now);
    t.sends(goaway(0, NO_ERROR));
    t.recv(headers(a, &[(":status", "none")], End::Last));
    t.resets(a, ErrorCode::PROTOCOL_ERROR, Violation::BadStatus);
    t.answered(b, &OK, End::More);
    t.recv(data(9, b"never asked", End::Last));
    t.sends(goaway(0, ErrorCode::PROTOCOL_ERROR));
    t.fails(Violation::DataOnIdleStream);
}
