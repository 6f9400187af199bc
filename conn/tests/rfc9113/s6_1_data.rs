//! RFC 9113 §6.1: DATA, padding.

use pellucid_conn::h2::Violation;
use pellucid_conn::{End, ErrorCode, SendError, StreamId};
use pellucid_frame::{Flags, Head, Kind, Rule};

use crate::transcript::frames::{data, goaway, raw};
use crate::transcript::{GET, OK, POST, Transcript, got, section, with, zeros};

/// Covers 9113:6.1-5
#[test]
fn trap_14_padding_as_long_as_the_payload_ends_the_connection() {
    // One octet of Pad Length that counts itself, and one that counts more than there is.
    for payload in [b"\x01".as_slice(), b"\x05test", b"\xfftest"] {
        let mut t = Transcript::server();
        t.asked(1, &POST, End::More);
        t.recv(raw(Kind::DATA, Flags::PADDED.with(Flags::END_STREAM), 1, payload));
        t.sends(goaway(1, ErrorCode::PROTOCOL_ERROR));
        t.fails(Violation::Frame(Rule::DataPaddingTooLong));
    }
}

/// Covers 9113:6.1-5
#[test]
fn trap_14_all_padding_is_legal() {
    let mut t = Transcript::server();
    t.asked(1, &POST, End::More);
    t.recv(data(1, b"", End::More).padded(255));
    t.recv(raw(Kind::DATA, Flags::PADDED, 1, b"\0"));
    t.no_event();
    t.recv(data(1, b"", End::Last).padded(255));
    t.event(got::data(1, b"", End::Last));
    t.answers(1, &OK, End::Last);
    t.conn.finished(StreamId::new(1));
    t.alive();
}

/// Covers 9113:6.9-5: padding counts for flow control, not for content-length
#[test]
fn trap_14_padding_counts_for_the_window_and_not_for_the_content() {
    let mut t = Transcript::server();
    t.asked(1, &with(&POST, &[("content-length", "4")]), End::More);
    let (before, ..) = t.conn.ledger();
    t.recv(data(1, b"four", End::Last).padded(255));
    t.event(got::data(1, b"four", End::Last));
    let (after, unreleased, _) = t.conn.ledger();
    assert_eq!(before - after, 4 + 1 + 255, "content, Pad Length and padding leave the window");
    assert_eq!(unreleased, 4, "padding is credited at once, content when it is consumed");
    t.release(1, 4);
    t.answers(1, &OK, End::Last);
    t.conn.finished(StreamId::new(1));
    t.alive();
}

/// No rule: padding octets may be anything, and nobody has to look (RFC 9113 §6.1)
#[test]
fn padding_is_not_looked_at() {
    let mut t = Transcript::server();
    t.asked(1, &POST, End::More);
    t.recv(raw(Kind::DATA, Flags::PADDED.with(Flags::END_STREAM), 1, b"\x03x\xff\x00\x01"));
    t.event(got::data(1, b"x", End::Last));
    t.release(1, 1);
    t.answers(1, &OK, End::Last);
    t.conn.finished(StreamId::new(1));
    t.alive();
}

/// A server that has sent a promise and a response of every kind of frame: the heads of what went on the wire.
fn heads_of_an_answer() -> Vec<Head> {
    let mut t = Transcript::server();
    t.asked(1, &GET, End::Last);
    let long = "x".repeat(40_000);
    t.conn.push(StreamId::new(1), &section(&with(&GET, &[("x-long", long.as_str())]))).expect("a promise");
    t.conn
        .send_headers(StreamId::new(1), &section(&with(&OK, &[("x-long", long.as_str())])), End::More)
        .expect("a head");
    t.conn.send_data(StreamId::new(1), zeros(20_000).into(), End::More).expect("content");
    t.conn.send_trailers(StreamId::new(1), section(&[("x", "y")])).expect("trailers");
    t.conn.reset(StreamId::new(2), ErrorCode::CANCEL);
    let wire = t.sends_octets();
    let mut rest = wire.as_slice();
    let mut heads = Vec::new();
    while let Some(head) = Head::peek(rest) {
        heads.push(head);
        rest = rest.get(Head::LEN + head.length as usize..).unwrap_or_default();
    }
    heads
}

/// Covers 9113:6.1-1, 9113:6.2-1, 9113:6.6-2: since there is none
#[test]
fn nothing_is_sent_with_padding() {
    for head in heads_of_an_answer() {
        let may_be_padded = [Kind::DATA, Kind::HEADERS, Kind::PUSH_PROMISE].contains(&head.kind);
        assert!(!(may_be_padded && head.flags.contains(Flags::PADDED)), "{head:?}");
    }
}

/// Covers 9113:6.1-2, 9113:6.2-4, 9113:6.4-3, 9113:6.10-3
#[test]
fn what_belongs_to_a_stream_is_never_sent_on_stream_zero() {
    let heads = heads_of_an_answer();
    for kind in [Kind::DATA, Kind::HEADERS, Kind::RST_STREAM, Kind::PUSH_PROMISE, Kind::CONTINUATION] {
        assert!(heads.iter().any(|head| head.kind == kind), "{kind} is among them");
    }
    assert!(heads.iter().all(|head| !head.stream.is_connection()), "{heads:?}");
    let mut t = Transcript::server();
    let zero = StreamId::CONNECTION;
    assert_eq!(t.conn.send_headers(zero, &section(&OK), End::Last), Err(SendError::NoStream));
    assert_eq!(t.conn.send_data(zero, zeros(1).into(), End::Last), Err(SendError::NoStream));
    assert_eq!(t.conn.send_trailers(zero, section(&[("x", "y")])), Err(SendError::NoStream));
    assert_eq!(t.conn.push(zero, &section(&GET)), Err(SendError::NoStream));
    t.conn.reset(zero, ErrorCode::CANCEL);
    t.alive();
}

/// Covers 9113:4.2-1: content of every size arrives as it was sent
#[test]
fn content_arrives_whole_whatever_its_size() {
    let mut t = Transcript::server();
    t.asked(1, &POST, End::More);
    for size in [1, 511, 512, 4095, 8191, 8192, 8193, 16_384] {
        let content: Vec<u8> = (0..=255).cycle().take(size).collect();
        t.reads(1, &content, End::More);
    }
    t.recv(data(1, &zeros(16_000), End::Last).padded(100));
    t.event(got::data(1, &zeros(16_000), End::Last));
    t.release(1, 16_000);
    t.answers(1, &OK, End::Last);
    t.conn.finished(StreamId::new(1));
    t.alive();
    assert_eq!(t.conn.stats().data_in, 1 + 511 + 512 + 4095 + 8191 + 8192 + 8193 + 16_384 + 16_000);
}

/// No rule: empty frames in the middle of a message say nothing
#[test]
fn an_empty_frame_in_the_middle_is_not_told() {
    let mut t = Transcript::server();
    t.asked(1, &POST, End::More);
    t.recv(data(1, b"", End::More));
    t.no_event();
    t.reads(1, b"x", End::More);
    t.recv(data(1, b"", End::Last));
    t.event(got::data(1, b"", End::Last));
    t.asked(3, &GET, End::Last);
}
