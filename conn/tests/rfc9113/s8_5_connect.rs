//! RFC 9113 §8.5 and RFC 8441: CONNECT, plain and extended.

use pellucid_conn::h2::{Config, Violation};
use pellucid_conn::{Cause, End, ErrorCode, SendError, StreamId};
use pellucid_frame::SettingId;

use crate::transcript::frames::{data, headers, priority, reset, settings, settings_ack, window_update};
use crate::transcript::got::{self, Got};
use crate::transcript::{CONNECT, GET, OK, Transcript, section, with};

const PROTOCOL_ERROR: ErrorCode = ErrorCode::PROTOCOL_ERROR;
const WEBSOCKET: [(&str, &str); 5] =
    [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":path", "/chat"), (":authority", "a")];

/// Covers 9113:8.5-1
#[test]
fn trap_35_connect_has_an_authority_and_neither_scheme_nor_path() {
    let cases: [&[(&str, &str)]; 4] = [
        &[(":method", "CONNECT"), (":scheme", "https"), (":authority", "a:443")],
        &[(":method", "CONNECT"), (":path", "/"), (":authority", "a:443")],
        &[(":method", "CONNECT")],
        &[(":method", "CONNECT"), (":scheme", "https"), (":path", "/")],
    ];
    for fields in cases {
        let mut t = Transcript::server();
        t.recv(headers(1, fields, End::More));
        t.sends(reset(1, PROTOCOL_ERROR));
        t.breaks(Violation::BadConnect);
        t.alive();
    }
}

/// No rule of RFC 9113: no content, hence no length (RFC 9110 §9.3.6); and only the stream ends
#[test]
fn trap_35_connect_with_a_content_length_ends_the_stream_only() {
    let mut t = Transcript::server();
    t.recv(headers(1, &with(&CONNECT, &[("content-length", "5")]), End::More));
    t.sends(reset(1, PROTOCOL_ERROR));
    t.breaks(Violation::BadContentLength);
    t.alive();
}

/// Covers 9113:8.5-2: both directions, and END_STREAM as FIN
#[test]
fn trap_35_a_tunnel_carries_octets_both_ways_and_half_closes() {
    let mut t = Transcript::server();
    t.asked(1, &CONNECT, End::More);
    t.answers(1, &OK, End::More);
    t.reads(1, b"hello", End::More);
    t.recv(window_update(1, 10));
    t.recv(priority(1, 3));
    t.conn.send_data(StreamId::new(1), b"hello yourself".to_vec().into(), End::More).expect("octets");
    t.sends(data(1, b"hello yourself", End::More));
    assert_eq!(t.conn.send_trailers(StreamId::new(1), section(&[("x", "y")])), Err(SendError::OutOfOrder));
    t.reads(1, b"bye", End::Last);
    t.conn.send_data(StreamId::new(1), b"bye".to_vec().into(), End::Last).expect("the other half is open");
    t.sends(data(1, b"bye", End::Last));
    t.conn.finished(StreamId::new(1));
    t.alive();
}

/// Covers 9113:8.5-2: from the client's side too, and whether or not the answer is here
#[test]
fn a_client_sends_no_trailers_into_a_tunnel() {
    for answered in [0, 1] {
        let mut t = Transcript::client();
        let id = t.asks(&CONNECT, End::More);
        if answered == 1 {
            t.answered(id, &OK, End::More);
        }
        let stream = StreamId::new(id);
        assert_eq!(t.conn.send_trailers(stream, section(&[("x", "y")])), Err(SendError::OutOfOrder));
        t.conn.send_data(stream, b"hello".to_vec().into(), End::Last).expect("octets");
        t.sends(data(id, b"hello", End::Last));
    }
}

/// Covers 9113:8.5-3: in a tunnel there is only DATA
#[test]
fn trap_35_headers_in_a_tunnel_end_the_stream() {
    let mut t = Transcript::server();
    t.asked(1, &CONNECT, End::More);
    t.answers(1, &OK, End::More);
    t.recv(headers(1, &[("x", "y")], End::Last));
    t.resets(1, PROTOCOL_ERROR, Violation::FrameOnTunnel);
    t.conn.finished(StreamId::new(1));
    t.alive();

    let mut t = Transcript::client();
    let id = t.asks(&CONNECT, End::More);
    // RFC 9110 §9.3.6: a content-length in a 2xx to CONNECT is ignored.
    t.answered(id, &with(&OK, &[("content-length", "5")]), End::More);
    t.reads(id, b"more than five octets", End::More);
    t.recv(headers(id, &[("x", "y")], End::Last));
    t.resets(id, PROTOCOL_ERROR, Violation::FrameOnTunnel);
    t.alive();
}

/// No rule: only a 2xx makes a tunnel
#[test]
fn trap_35_a_refused_connect_has_an_ordinary_response() {
    let mut t = Transcript::client();
    let id = t.asks(&CONNECT, End::More);
    t.answered(id, &[(":status", "403"), ("content-length", "2")], End::More);
    t.reads(id, b"no", End::More);
    t.recv(headers(id, &[("x", "y")], End::Last));
    t.event(got::trailers(id, &[("x", "y")]));
    t.conn.reset(StreamId::new(id), ErrorCode::CANCEL);
    t.sends(reset(id, ErrorCode::CANCEL));
    t.alive();
}

/// No rule: the end of the connection behind a tunnel
#[test]
fn trap_35_a_broken_tunnel_is_a_connect_error() {
    let mut t = Transcript::server();
    t.asked(1, &CONNECT, End::More);
    t.answers(1, &OK, End::More);
    t.conn.reset(StreamId::new(1), ErrorCode::CONNECT_ERROR);
    t.sends(reset(1, ErrorCode::CONNECT_ERROR));
    t.conn.finished(StreamId::new(1));
    t.alive();
    let mut t = Transcript::client();
    let id = t.asks(&CONNECT, End::More);
    t.recv(reset(id, ErrorCode::CONNECT_ERROR));
    t.event(got::reset(id, Cause::Peer(ErrorCode::CONNECT_ERROR)));
    t.alive();
}

/// Covers 8441:4-2
#[test]
fn trap_35_protocol_needs_leave_and_connect() {
    let other = with(&GET, &[(":protocol", "websocket")]);
    let mut config = Config::server();
    config.enable_connect_protocol = true;
    let bad_token = with(&WEBSOCKET[..1], &[(":protocol", "web socket"), (":scheme", "https"), (":path", "/")]);
    for (offered, fields) in [(Config::server(), WEBSOCKET.to_vec()), (config.clone(), other), (config, bad_token)] {
        let mut t = Transcript::server_with(offered);
        t.recv(headers(1, &fields, End::More));
        t.sends(reset(1, PROTOCOL_ERROR));
        t.breaks(Violation::BadProtocol);
        t.alive();
    }
}

/// Covers 8441:4-1: the pseudo-header fields of other requests are needed
#[test]
fn trap_35_extended_connect_needs_scheme_and_path() {
    let mut config = Config::server();
    config.enable_connect_protocol = true;
    for without in [":scheme", ":path"] {
        let fields: Vec<_> = WEBSOCKET.into_iter().filter(|(name, _)| *name != without).collect();
        let mut t = Transcript::server_with(config.clone());
        t.recv(headers(1, &fields, End::More));
        t.sends(reset(1, PROTOCOL_ERROR));
        t.breaks(Violation::PseudoMissing);
        t.alive();
    }
    let mut t = Transcript::server_with(config);
    t.asked(1, &WEBSOCKET, End::More);
    t.answers(1, &OK, End::More);
    t.reads(1, b"a message", End::Last);
}

/// Covers 8441:3-3: a client waits for the server's word
#[test]
fn a_client_uses_extended_connect_only_where_it_is_offered() {
    let mut t = Transcript::client();
    assert_eq!(t.conn.open(&section(&WEBSOCKET), End::More), Err(SendError::NoExtendedConnect));
    t.recv(settings(&[(SettingId::ENABLE_CONNECT_PROTOCOL, 1)]));
    t.event(Got::Settings);
    t.sends(settings_ack());
    let id = t.asks(&WEBSOCKET, End::More);
    t.answered(id, &OK, End::More);
    t.recv(data(id, b"a message", End::More));
    t.event(got::data(id, b"a message", End::More));
}
