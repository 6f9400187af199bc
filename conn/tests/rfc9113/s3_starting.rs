//! RFC 9113 §3: how a connection begins.

use bytes::BytesMut;
use pellucid_conn::h2::{Config, Connection, Role, Violation};
use pellucid_conn::{End, ErrorCode, Time};
use pellucid_frame::encode::PREFACE;
use pellucid_frame::{Flags, Kind, SettingId};

use crate::transcript::frames::{goaway, headers, ping, raw, settings, settings_ack, window_update};
use crate::transcript::got::{self, Got};
use crate::transcript::{GET, Transcript, section};

fn fresh_server() -> Transcript {
    Transcript::fresh(Role::Server, Config::server())
}

/// What a server of default configuration says before anything else.
fn server_greets(t: &mut Transcript) {
    t.sends(settings(&[
        (SettingId::MAX_CONCURRENT_STREAMS, 100),
        (SettingId::INITIAL_WINDOW_SIZE, 262_144),
        (SettingId::MAX_HEADER_LIST_SIZE, 16_384),
        (SettingId::NO_RFC7540_PRIORITIES, 1),
    ]));
}

/// Covers 9113:3.2-3, 9113:3.3-2, 9113:3.4-2
#[test]
fn a_server_says_its_settings_before_it_has_heard_anything() {
    let mut t = fresh_server();
    server_greets(&mut t);
    t.sends(window_update(0, (1 << 20) - 65_535));
    t.sends_nothing();
}

/// Covers 9113:3.2-3, 9113:3.4-1
#[test]
fn a_client_begins_with_the_preface_and_its_settings_and_need_not_wait() {
    let mut t = Transcript::fresh(Role::Client, Config::client());
    t.conn.open(&section(&GET), End::Last).expect("a client need not wait for the server's SETTINGS");
    let mut out = pellucid_conn::Output::new();
    let mut wire = BytesMut::new();
    t.conn.poll_output(&mut out, 1 << 20, t.now);
    out.drain_to(&mut wire);
    assert!(wire.starts_with(PREFACE));
    let kind_after_preface = wire.get(PREFACE.len() + 3);
    assert_eq!(kind_after_preface, Some(&Kind::SETTINGS.get()));
}

/// Covers 9113:3.4-3
#[test]
fn settings_are_exchanged_and_acknowledged() {
    let mut t = fresh_server();
    t.recv_octets(PREFACE);
    t.recv(settings(&[]));
    t.event(Got::Settings);
    server_greets(&mut t);
    t.sends(settings_ack());
    t.sends(window_update(0, (1 << 20) - 65_535));
    t.recv(settings_ack());
    t.alive();
}

/// Covers 9113:3.4-4
#[test]
fn a_wrong_preface_ends_the_connection() {
    for wrong in
        ["INVALID CONNECTION PREFACE\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\rX", "\u{0}", "PRI * HTTP/1.1", "X"]
    {
        let mut t = fresh_server();
        server_greets(&mut t);
        t.sends(window_update(0, (1 << 20) - 65_535));
        t.recv_octets(wrong.as_bytes());
        t.sends(goaway(0, ErrorCode::PROTOCOL_ERROR));
        t.fails(Violation::BadPreface);
    }
}

/// Covers 9113:3.4-1, 9113:3.4-4
#[test]
fn trap_01_the_first_frame_must_be_settings_and_no_acknowledgment() {
    for first in
        [ping(*b"too soon"), settings_ack(), headers(1, &GET, End::Last), raw(Kind::new(0x16), Flags::NONE, 0, b"")]
    {
        let mut t = fresh_server();
        server_greets(&mut t);
        t.sends(window_update(0, (1 << 20) - 65_535));
        t.recv_octets(PREFACE);
        t.recv(first);
        t.sends(goaway(0, ErrorCode::PROTOCOL_ERROR));
        t.fails(Violation::FirstFrameNotSettings);
    }
}

/// Covers 9113:3.4-2, 9113:3.4-4
#[test]
fn trap_01_a_server_too_must_begin_with_settings() {
    for first in [ping(*b"too soon"), settings_ack(), window_update(0, 1)] {
        let mut t = Transcript::fresh(Role::Client, Config::client());
        t.sends(settings(&[
            (SettingId::ENABLE_PUSH, 0),
            (SettingId::INITIAL_WINDOW_SIZE, 262_144),
            (SettingId::MAX_HEADER_LIST_SIZE, 65_536),
            (SettingId::NO_RFC7540_PRIORITIES, 1),
        ]));
        t.sends(window_update(0, (32 << 20) - 65_535));
        t.recv(first);
        t.sends(goaway(0, ErrorCode::PROTOCOL_ERROR));
        t.fails(Violation::FirstFrameNotSettings);
    }
}

/// Covers 9113:3.4-4: HTTP/1 is a preface that is not valid, and is called what it is
#[test]
fn trap_36_http1_octets_end_cleanly_however_they_are_cut() {
    for request in ["GET / HTTP/1.1\r\nhost: a\r\n\r\n", "POST /x HTTP/1.1\r\n\r\n", "OPTIONS * HTTP/1.1\r\n\r\n"] {
        for cut in [1, 3, 4, 100] {
            let mut t = fresh_server();
            server_greets(&mut t);
            t.sends(window_update(0, (1 << 20) - 65_535));
            for piece in request.as_bytes().chunks(cut) {
                t.recv_octets(piece);
            }
            t.sends(goaway(0, ErrorCode::PROTOCOL_ERROR));
            t.fails(Violation::Http1Peer);
        }
    }
}

/// Covers 9113:3.4-4
#[test]
fn no_preface_in_time_ends_the_connection() {
    for octets in [0, 23, 24] {
        let mut t = fresh_server();
        server_greets(&mut t);
        t.sends(window_update(0, (1 << 20) - 65_535));
        t.recv_octets(&PREFACE[..octets]);
        t.at(9_999);
        t.sends_nothing();
        t.at(10_000);
        t.sends(goaway(0, ErrorCode::PROTOCOL_ERROR));
        t.fails(Violation::PrefaceTimeout);
    }
}

/// No rule of its own: RFC 9113 §5.4.3 says what becomes of the streams.
#[test]
fn the_end_of_the_transport_is_an_error_while_streams_are_open() {
    let mut t = Transcript::server();
    t.asked(1, &GET, End::Last);
    let error = t.conn.handle_eof().expect_err("a stream is open");
    assert_eq!(error.violation, Violation::PeerClosed);
    assert_eq!(error.code(), ErrorCode::NO_ERROR);
    t.is_over();

    let mut t = Transcript::server();
    t.alive();
    t.conn.handle_eof().expect("nothing is lost");
    t.is_over();
}

/// Covers 9113:3.4-3: an endpoint may send anything that does not depend on the peer's settings at once
#[test]
fn requests_that_come_with_the_preface_are_answered() {
    let mut t = fresh_server();
    let mut octets = PREFACE.to_vec();
    octets.extend(t.octets(&settings(&[])));
    octets.extend(t.octets(&headers(1, &GET, End::Last)));
    t.recv_octets(&octets);
    t.event(Got::Settings);
    t.event(got::headers(1, &GET, End::Last));
    server_greets(&mut t);
    t.sends(settings_ack());
    t.sends(window_update(0, (1 << 20) - 65_535));
    t.answers(1, &crate::transcript::OK, End::Last);
}

/// Covers 9113:3.4-4: a client learns from the first octets that the server speaks HTTP/1
#[test]
fn an_http1_answer_is_recognised() {
    let mut client = Connection::client(Config::client(), Time::ZERO);
    let mut input = BytesMut::from(&b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n"[..]);
    let error = client.next_event(&mut input, Time::ZERO).expect_err("not HTTP/2");
    assert_eq!((error.violation, error.code()), (Violation::Http1Peer, ErrorCode::PROTOCOL_ERROR));
}
