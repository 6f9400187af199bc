//! RFC 9113 §6.7: PING.

use pellucid_conn::h2::{Config, Violation};
use pellucid_conn::{End, ErrorCode, StreamId};
use pellucid_frame::{Flags, Kind, Rule};
use std::time::Duration;

use crate::transcript::frames::{data, goaway, ping, pong, raw};
use crate::transcript::got::Got;
use crate::transcript::{GET, OK, Transcript, zeros};

/// Covers 9113:6.7-6, 9113:6.7-7
#[test]
fn trap_21_malformed_pings_end_the_connection() {
    let cases = [
        (0, b"123456".as_slice(), ErrorCode::FRAME_SIZE_ERROR, Rule::PingLength),
        (0, b"123456789", ErrorCode::FRAME_SIZE_ERROR, Rule::PingLength),
        (3, b"12345678", ErrorCode::PROTOCOL_ERROR, Rule::PingOnStream),
    ];
    for (id, payload, code, rule) in cases {
        for flags in [Flags::NONE, Flags::ACK] {
            let mut t = Transcript::server();
            t.recv(raw(Kind::PING, flags, id, payload));
            t.sends(goaway(0, code));
            t.fails(Violation::Frame(rule));
        }
    }
}

/// Covers 9113:6.7-2, 9113:6.7-4, 9113:6.7-5
#[test]
fn trap_21_a_ping_is_answered_with_its_octets_and_an_answer_is_not() {
    for mut t in [Transcript::server(), Transcript::client()] {
        t.recv(ping(*b"one\0\0\0\0\x01"));
        t.recv(ping(*b"two\0\0\0\0\x02"));
        t.sends(pong(*b"one\0\0\0\0\x01"));
        t.sends(pong(*b"two\0\0\0\0\x02"));
        t.recv(pong(*b"one\0\0\0\0\x01"));
        t.alive();
    }
}

/// Covers 9113:6.7-3
#[test]
fn trap_21_the_answer_outranks_content() {
    let mut t = Transcript::server();
    t.asked(1, &GET, End::Last);
    t.answers(1, &OK, End::More);
    t.conn.send_data(StreamId::new(1), zeros(20_000).into(), End::Last).expect("content");
    t.recv(ping(*b"12345678"));
    t.sends(pong(*b"12345678"));
    t.sends(data(1, &zeros(16_384), End::More));
    t.sends(data(1, &zeros(3_616), End::Last));
}

/// Covers 9113:6.7-1
#[test]
fn our_ping_and_its_answer() {
    let mut t = Transcript::client();
    t.conn.ping(*b"are you?");
    t.sends(ping(*b"are you?"));
    t.recv(pong(*b"not you!"));
    t.no_event();
    t.recv(pong(*b"are you?"));
    t.event(Got::Pong(*b"are you?"));
    t.recv(pong(*b"are you?"));
    t.alive();
}

/// Covers 9113:5.4.1-3
#[test]
fn a_keepalive_that_is_not_answered_ends_the_connection() {
    let mut config = Config::client();
    config.keepalive_interval = Some(Duration::from_secs(30));
    let mut t = Transcript::client_with(config);
    t.asks(&GET, End::Last);
    t.at(29_999);
    t.sends_nothing();
    t.at(30_000);
    let Some(crate::transcript::frames::Frame::Ping(payload)) = t.next_sent() else { panic!("a PING is due") };
    t.recv(pong(payload));
    t.at(60_000);
    assert!(matches!(t.next_sent(), Some(crate::transcript::frames::Frame::Ping(_))));
    t.at(80_000);
    t.sends(goaway(0, ErrorCode::NO_ERROR));
    t.fails(Violation::KeepaliveTimeout);
}
