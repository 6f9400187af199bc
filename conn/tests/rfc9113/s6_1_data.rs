//! RFC 9113 §6.1: DATA, padding.

use pellucid_conn::h2::Violation;
use pellucid_conn::{End, ErrorCode, StreamId};
use pellucid_frame::{Flags, Kind, Rule};

use crate::transcript::frames::{data, goaway, raw};
use crate::transcript::{GET, OK, POST, Transcript, got, with, zeros};

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
