//! The same octets, one at a time, whole and cut anywhere, give the same events, the same answers and the same end.

use bytes::BytesMut;
use pellucid_conn::h2::{Config, Connection};
use pellucid_conn::{End, ErrorCode, Output, Time};
use pellucid_frame::encode::PREFACE;
use pellucid_frame::{Flags, Kind, SettingId};
use pellucid_hpack::Encoder;
use proptest::prelude::*;

use crate::transcript::frames::{
    Frame, alt_svc, data, goaway, headers, ping, priority, priority_update, promise, raw, reset, settings,
    settings_ack, window_update,
};
use crate::transcript::got::Got;
use crate::transcript::{CONNECT, GET, OK, POST, section, with, zeros};

/// What a client says to a server: something of everything, and a connection error at the end.
fn of_a_client() -> Vec<Frame> {
    vec![
        settings(&[(SettingId::INITIAL_WINDOW_SIZE, 1000), (SettingId::new(0x99), 7)]),
        settings_ack(),
        headers(1, &with(&POST, &[("content-length", "20000"), ("cookie", "a"), ("cookie", "b")]), End::More),
        data(1, &zeros(9_000), End::More).padded(77),
        headers(3, &with(&GET, &[("x-pieces", "many of them")]), End::Last).in_pieces_of(11).padded(3).depends_on(1),
        data(1, &zeros(11_000), End::Last),
        ping(*b"12345678"),
        raw(Kind::new(0x77), Flags::new(0xff), 3, b"unknown"),
        headers(5, &with(&GET, &[("Malformed", "field")]), End::Last),
        priority(9, 1),
        priority_update(7, "u=1"),
        headers(7, &CONNECT, End::More),
        data(7, b"octets", End::More),
        window_update(7, 100),
        window_update(0, 100),
        data(5, b"after our reset", End::Last),
        data(3, b"after their end", End::Last),
        reset(7, ErrorCode::CANCEL),
        headers(9, &POST, End::More),
        data(9, b"", End::More),
        headers(9, &[("x-trailer", "y")], End::Last),
        goaway(0, ErrorCode::NO_ERROR),
        data(11, b"idle", End::Last),
        ping(*b"too late"),
    ]
}

/// What a server says to a client that has asked twice.
fn of_a_server() -> Vec<Frame> {
    vec![
        settings(&[(SettingId::MAX_CONCURRENT_STREAMS, 10)]),
        settings_ack(),
        headers(1, &[(":status", "103"), ("link", "x")], End::More),
        headers(1, &with(&OK, &[("x", "y")]), End::More).in_pieces_of(3),
        data(1, &zeros(16_384), End::More),
        alt_svc(0, "https://a", "h3"),
        data(1, b"small", End::More).padded(0),
        headers(1, &[("x-trailer", "y")], End::Last),
        headers(3, &[(":status", "101")], End::More),
        goaway(3, ErrorCode::NO_ERROR),
        promise(3, 2, &GET),
    ]
}

/// Everything one can see of a connection that was given these pieces, one after the other.
fn outcome<'a>(mut conn: Connection, pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Got>, Vec<u8>, String) {
    let (mut input, mut wire, mut events) = (BytesMut::new(), BytesMut::new(), Vec::new());
    let mut error = None;
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            match conn.next_event(&mut input, Time::ZERO) {
                Ok(Some(event)) => events.push(Got::from(event)),
                Ok(None) => break,
                Err(e) => error = Some(e),
            }
        }
    }
    let mut out = Output::new();
    conn.poll_output(&mut out, 1 << 20, Time::ZERO);
    out.drain_to(&mut wire);
    (events, wire.to_vec(), format!("{error:?}, {:?}", conn.stats().violations))
}

fn octets(frames: &[Frame]) -> Vec<u8> {
    let mut encoder = Encoder::new(4096);
    let mut octets = Vec::new();
    for frame in frames {
        frame.encode(&mut encoder, &mut octets);
    }
    octets
}

fn server() -> (Connection, Vec<u8>) {
    (Connection::server(Config::server(), Time::ZERO), [PREFACE.as_slice(), &octets(&of_a_client())].concat())
}

fn client() -> (Connection, Vec<u8>) {
    let mut conn = Connection::client(Config::client(), Time::ZERO);
    for _ in 0..2 {
        conn.open(&section(&GET), End::Last).expect("a stream");
    }
    (conn, octets(&of_a_server()))
}

/// No rule of the RFC: the transport cuts octets where it likes.
#[test]
fn one_octet_at_a_time_is_as_good_as_all_at_once() {
    for end in [server, client] {
        let (conn, octets) = end();
        let whole = outcome(conn, std::iter::once(octets.as_slice()));
        assert!(whole.0.len() > 5 && whole.2.contains("ConnectionError"), "{whole:?}");
        for size in [1, 2, 9, 10, 1000] {
            let (conn, octets) = end();
            assert_eq!(outcome(conn, octets.chunks(size)), whole, "in pieces of {size}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// No rule of the RFC: see above.
    #[test]
    fn cuts_anywhere_change_nothing(sizes in prop::collection::vec(1_usize..3000, 1..60)) {
        for end in [server, client] {
            let (conn, octets) = end();
            let whole = outcome(conn, std::iter::once(octets.as_slice()));
            let mut rest = octets.as_slice();
            let mut pieces = Vec::new();
            for size in sizes.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (piece, after) = rest.split_at((*size).min(rest.len()));
                pieces.push(piece);
                rest = after;
            }
            let (conn, _) = end();
            prop_assert_eq!(outcome(conn, pieces.into_iter()), whole);
        }
    }
}
