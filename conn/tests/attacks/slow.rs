//! Peers that take their time: slow readers (CVE-2016-1546), slow uploads, unfinished blocks, no preface, no acknowledgment.

use std::time::Duration;

use bytes::BytesMut;
use pellucid_conn::h2::{Config, Connection, Role, Violation};
use pellucid_conn::{Cause, End, ErrorCode, Output, StreamId, Time};
use pellucid_frame::encode::PREFACE;
use pellucid_frame::{Flags, SettingId};

use crate::frames::{block, continuation, data, headers, ping, settings, settings_ack, window_update};
use crate::victim::{GET, Handler, POST, Victim, nth};

fn fresh() -> Victim {
    Victim::fresh(Role::Server, Config::server())
}

#[test]
fn no_preface_ends_the_connection_after_ten_seconds() {
    for octets in [&b""[..], &PREFACE[..1], &PREFACE[..23], &PREFACE[..]] {
        let mut v = fresh();
        v.pass_secs(9);
        v.recv_octets(octets);
        v.pass(Duration::from_millis(999));
        assert_eq!(v.error, None);
        v.pass_secs(1);
        v.is_ended_by(Violation::PrefaceTimeout, ErrorCode::PROTOCOL_ERROR, "preface_timeout");
    }
}

#[test]
fn settings_never_acknowledged_end_the_connection_after_ten_seconds() {
    let mut v = fresh();
    v.recv_octets(PREFACE);
    v.recv(&settings(&[]));
    for n in 0..9 {
        // Whatever else the peer does, it does not help.
        v.recv(&headers(nth(n), &GET, End::Last));
        v.recv(&ping(*b"i'm here"));
        v.pass_secs(1);
        assert_eq!(v.error, None);
    }
    v.pass_secs(1);
    v.is_ended_by(Violation::SettingsTimeout, ErrorCode::SETTINGS_TIMEOUT, "settings_timeout");
}

#[test]
fn an_unfinished_block_ends_the_connection_after_ten_seconds() {
    let mut v = Victim::server();
    v.recv(&block(1, &[0x82, 0x87], Flags::END_STREAM));
    for _ in 0..4 {
        v.pass_secs(2);
        v.recv(&continuation(1, b"", Flags::NONE));
        assert_eq!(v.error, None);
    }
    v.pass_secs(2);
    v.is_calmed(Violation::HeaderBlockTimeout, "header_block_timeout");
}

#[test]
fn a_slow_block_that_ends_in_time_is_a_request() {
    let mut v = Victim::server();
    v.recv(&block(1, &[0x82, 0x87], Flags::END_STREAM));
    v.pass(Duration::from_millis(9900));
    v.recv(&continuation(1, &[0x84, 0x41, 0x01, 0x61], Flags::END_HEADERS));
    v.pass_secs(60);
    assert_eq!(v.requests, 1);
    v.is_fine();
}

/// No window at all; PINGs and updates of other windows do not buy time.
#[test]
fn a_reader_without_window_is_reaped() {
    let mut v = Victim::server();
    v.handler = Handler::Streams(100_000);
    v.recv(&settings(&[(SettingId::INITIAL_WINDOW_SIZE, 0)]));
    v.recv(&headers(1, &GET, End::Last));
    for second in 0..29 {
        v.pass_secs(1);
        v.recv(&ping(*b"i'm here"));
        v.recv(&window_update(0, 1));
        assert_eq!(v.resets, [], "second {second}");
    }
    v.pass_secs(12);
    assert_eq!(v.resets, [(1, ErrorCode::CANCEL)]);
    assert_eq!(v.causes, [(1, Cause::Local(Violation::Stalled))]);
    v.is_fine();
    assert_eq!(v.conn.live_streams(), 0);
}

/// The connection's window is the one that is shut.
#[test]
fn a_reader_without_a_window_for_the_connection_is_reaped() {
    let mut v = Victim::server();
    v.handler = Handler::Streams(100_000);
    v.recv(&settings(&[(SettingId::INITIAL_WINDOW_SIZE, 1 << 20)]));
    v.recv(&headers(1, &GET, End::Last));
    assert_eq!(v.sent[&1], 65_535);
    for _ in 0..80 {
        v.pass_secs(1);
        v.recv(&window_update(0, 10));
    }
    assert_eq!(v.resets, [(1, ErrorCode::CANCEL)]);
    v.is_fine();
}

/// Slow, and fast enough: one kilobyte a second for ten minutes.
#[test]
fn a_slow_reader_above_the_floor_is_served() {
    let mut v = Victim::server();
    v.handler = Handler::Streams(600 << 10);
    v.recv(&settings(&[(SettingId::INITIAL_WINDOW_SIZE, 1000)]));
    v.recv(&headers(1, &GET, End::Last));
    for _ in 0..600 {
        v.pass_secs(1);
        v.recv(&window_update(1, 1024));
        v.recv(&window_update(0, 1024));
    }
    v.is_fine();
    assert!(v.sent[&1] >= 600 << 10, "{} octets", v.sent[&1]);
}

/// A response that waits behind a more urgent one is not its client's fault, however long it takes.
#[test]
fn a_response_that_waits_its_turn_is_not_stalled() {
    let mut v = Victim::server();
    v.handler = Handler::Streams(4 << 20);
    v.recv(&settings(&[(SettingId::INITIAL_WINDOW_SIZE, 8 << 20)]));
    v.recv(&headers(1, &[GET[0], GET[1], GET[2], GET[3], ("priority", "u=0")], End::Last));
    v.recv(&headers(3, &[GET[0], GET[1], GET[2], GET[3], ("priority", "u=7")], End::Last));
    for _ in 0..120 {
        v.pass_secs(1);
        v.recv(&window_update(0, 30 << 10));
    }
    assert_eq!(v.sent.get(&3), None, "stream 1 comes first");
    assert_eq!(v.resets, []);
    v.is_fine();
}

#[test]
fn a_slow_upload_is_cancelled_after_a_minute_of_silence() {
    let mut v = Victim::server();
    for n in 0..100 {
        v.recv(&headers(nth(n), &POST, End::More));
    }
    // An octet every fifty seconds is slow and not silent.
    for _ in 0..6 {
        v.pass_secs(50);
        for n in 0..100 {
            v.recv(&data(nth(n), b"x", End::More));
        }
        v.is_fine();
        assert_eq!((v.conn.live_streams(), v.resets.len()), (100, 0));
    }
    v.pass_secs(80);
    assert_eq!((v.conn.live_streams(), v.resets.len()), (0, 100));
    assert!(v.resets.iter().all(|(_, code)| *code == ErrorCode::CANCEL));
    v.is_fine();
}

/// A server whose application reads nothing, and uploads that have used the window up.
fn unread(config: Config, uploads: &[(u32, usize)]) -> (Connection, BytesMut) {
    let mut conn = Connection::server(config, Time::ZERO);
    let mut input = BytesMut::from(&PREFACE[..]);
    let mut encoder = pellucid_hpack::Encoder::new(4096);
    let mut octets = Vec::new();
    settings(&[]).encode(&mut encoder, &mut octets);
    settings_ack().encode(&mut encoder, &mut octets);
    for (id, len) in uploads {
        headers(*id, &POST, End::More).encode(&mut encoder, &mut octets);
        for piece in vec![0; *len].chunks(16_384) {
            data(*id, piece, End::More).encode(&mut encoder, &mut octets);
        }
    }
    input.extend_from_slice(&octets);
    while conn.next_event(&mut input, Time::ZERO).unwrap().is_some() {}
    (conn, input)
}

/// Seconds pass one by one; gives the first after which a stream was gone.
fn first_loss(conn: &mut Connection, from: u64, to: u64) -> Option<u64> {
    let before = conn.live_streams();
    (from + 1..=to).find(|second| {
        conn.handle_timeout(Time::ZERO + Duration::from_secs(*second)).unwrap();
        conn.live_streams() < before
    })
}

/// An upload that waits for us is not slow: the application has not read what was sent. When it has, a minute begins.
#[test]
fn an_upload_that_waits_for_window_is_not_slow() {
    let mut config = Config::server();
    config.stream_window = 10;
    let (mut conn, _) = unread(config, &[(1, 10)]);
    assert_eq!(first_loss(&mut conn, 0, 300), None);
    conn.release(StreamId::new(1), 10);
    conn.poll_output(&mut Output::new(), 1000, Time::ZERO + Duration::from_secs(300));
    let lost = first_loss(&mut conn, 300, 400).expect("silence is slow again");
    assert!((355..=380).contains(&lost), "{lost} s");
}

/// Nor one that waits because others have used the connection's window up.
#[test]
fn an_upload_that_waits_for_the_connections_window_is_not_slow() {
    let mut config = Config::server();
    (config.connection_window, config.stream_window) = (65_535, 65_535);
    let (mut conn, _) = unread(config, &[(1, 65_535), (3, 0)]);
    assert_eq!((conn.live_streams(), conn.ledger().0), (2, 0));
    assert_eq!(first_loss(&mut conn, 0, 300), None);
}

/// The two minutes begin when the last stream has ended, however long that was open and silent.
#[test]
fn a_long_silent_stream_is_no_idleness() {
    let mut v = Victim::server();
    v.handler = Handler::Works;
    v.recv(&headers(1, &GET, End::Last));
    for _ in 0..60 {
        v.pass_secs(10);
    }
    v.recv(&crate::frames::reset(1, ErrorCode::CANCEL));
    v.pass_secs(119);
    v.is_fine();
    v.pass_secs(3);
    assert_eq!((v.conn.is_going_away(), v.error), (true, None));
}

#[test]
fn a_connection_without_streams_is_left_after_two_minutes() {
    let mut v = Victim::server();
    for _ in 0..119 {
        v.pass_secs(1);
        v.recv(&ping(*b"i'm here"));
    }
    v.is_fine();
    v.pass_secs(3);
    assert_eq!((v.conn.is_going_away(), v.error), (true, None));
}
