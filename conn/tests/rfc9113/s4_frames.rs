//! RFC 9113 §4: frames and field blocks.

use pellucid_conn::h2::{Config, Violation};
use pellucid_conn::{Cause, End, ErrorCode, StreamId};
use pellucid_frame::{Flags, Kind, SettingId};

use crate::transcript::frames::{
    block, continuation, data, goaway, headers, ping, pong, priority, raw, reset, settings, settings_ack,
};
use crate::transcript::{GET, OK, POST, Transcript, got, with};

const REQUEST: &[u8] = b"\x82\x87\x84\x41\x01\x61";

/// Covers 9113:4.1-6
#[test]
fn trap_02_reserved_bits_are_ignored() {
    let mut t = Transcript::server();
    t.asked(1, &POST, End::More);
    t.recv(raw(Kind::DATA, Flags::NONE, 1 | 1 << 31, b"x"));
    t.event(got::data(1, b"x", End::More));
    t.release(1, 1);
    t.recv(raw(Kind::WINDOW_UPDATE, Flags::NONE, 1 << 31, b"\x80\0\0\x01"));
    t.recv(raw(Kind::PING, Flags::NONE, 1 << 31, b"12345678"));
    t.sends(pong(*b"12345678"));
    t.recv(raw(Kind::GOAWAY, Flags::NONE, 1 << 31, b"\x80\0\0\x07\0\0\0\0"));
    t.event(got::goaway(7, ErrorCode::NO_ERROR));
    t.alive();
}

/// No rule of its own: RFC 9113 §6.8 draws the bit, and §4.1 says what such bits mean.
#[test]
fn trap_02_the_reserved_bit_of_a_goaway_does_not_hide_it_from_a_client() {
    let mut t = Transcript::client();
    t.asks(&GET, End::Last);
    t.asks(&GET, End::Last);
    t.recv(raw(Kind::GOAWAY, Flags::NONE, 0, b"\x80\0\0\x01\0\0\0\0"));
    t.event(got::goaway(1, ErrorCode::NO_ERROR));
    t.event(got::reset(3, Cause::NotProcessed));
}

/// Covers 9113:4.1-3, 9113:5.5-1
#[test]
fn trap_02_undefined_flags_are_ignored() {
    let mut t = Transcript::server();
    t.recv(raw(Kind::SETTINGS, Flags::new(0xfe), 0, b""));
    t.event(got::Got::Settings);
    t.sends(settings_ack());
    t.recv(raw(Kind::PING, Flags::new(0xfe), 0, b"12345678"));
    t.sends(pong(*b"12345678"));
    t.asked(1, &POST, End::More);
    t.recv(raw(Kind::RST_STREAM, Flags::new(0xff), 1, b"\0\0\0\x08"));
    t.event(got::reset(1, Cause::Peer(ErrorCode::CANCEL)));
    t.conn.finished(StreamId::new(1));
    t.alive();
}

/// Covers 9113:4.1-2, 9113:5.5-1, 9113:5.5-2
#[test]
fn frames_of_unknown_types_are_ignored_on_any_stream() {
    let mut t = Transcript::server();
    for kind in [0x0b, 0x0d, 0x0f, 0x11, 0x16, 0xff] {
        for id in [0, 1, 2, 77] {
            t.recv(raw(Kind::new(kind), Flags::new(0xff), id, b"whatever"));
        }
    }
    t.recv(ping(*b"12345678"));
    t.sends(pong(*b"12345678"));
    t.alive();
}

/// Covers 9113:4.3-1, 9113:5.5-3, 9113:6.2-3, 9113:6.10-2
#[test]
fn trap_04_nothing_comes_between_the_frames_of_a_block() {
    let between = [
        ping(*b"12345678"),
        priority(1, 3),
        priority(3, 5),
        raw(Kind::new(0x16), Flags::NONE, 0, b""),
        raw(Kind::new(0xff), Flags::NONE, 1, b""),
        continuation(3, b"", Flags::END_HEADERS),
        continuation(0, b"", Flags::END_HEADERS),
        headers(3, &GET, End::Last),
        headers(1, &GET, End::Last),
        data(1, b"", End::Last),
        settings(&[]),
        settings_ack(),
        reset(1, ErrorCode::CANCEL),
        goaway(0, ErrorCode::NO_ERROR),
    ];
    for frame in between {
        let mut t = Transcript::server();
        t.recv(block(1, REQUEST, Flags::END_STREAM));
        t.recv(frame);
        t.sends(goaway(0, ErrorCode::PROTOCOL_ERROR));
        t.fails(Violation::ContinuationExpected);
    }
}

/// Covers 9113:5.1-11, 9113:6.10-6
#[test]
fn trap_04_a_block_that_is_complete_has_no_continuation() {
    let mut t = Transcript::server();
    t.asked(1, &GET, End::Last);
    t.recv(continuation(1, b"\x82", Flags::END_HEADERS));
    t.sends(goaway(1, ErrorCode::PROTOCOL_ERROR));
    t.fails(Violation::ContinuationUnexpected);

    let mut t = Transcript::server();
    t.recv(continuation(1, b"\x82", Flags::END_HEADERS));
    t.sends(goaway(0, ErrorCode::PROTOCOL_ERROR));
    t.fails(Violation::ContinuationUnexpected);
}

/// Covers 9113:4.3-1, 9113:4.3-2
#[test]
fn a_block_may_come_in_pieces_even_empty_ones() {
    let mut t = Transcript::server();
    let fields = with(&GET, &[("x-long", "0123456789012345678901234567890123456789")]);
    t.recv(headers(1, &fields, End::Last).in_pieces_of(9));
    t.event(got::headers(1, &fields, End::Last));
    t.recv(block(3, b"", Flags::END_STREAM));
    t.recv(continuation(3, b"", Flags::NONE));
    t.recv(continuation(3, REQUEST, Flags::END_HEADERS));
    t.event(got::headers(3, &GET, End::Last));
}

/// No rule of its own: END_STREAM stands on HEADERS and counts when the block is complete (RFC 9113 §5.1).
#[test]
fn the_stream_ends_with_the_block_not_with_its_first_frame() {
    let mut t = Transcript::server();
    t.recv(block(1, &REQUEST[..3], Flags::END_STREAM));
    t.no_event();
    assert_eq!(t.conn.live_streams(), 0);
    t.recv(continuation(1, &REQUEST[3..], Flags::END_HEADERS));
    t.event(got::headers(1, &GET, End::Last));
}

/// A field that both sides now have in their tables if, and only if, the block was decoded.
const NEW: [(&str, &str); 1] = [("x-in-the-table", "if the block was decoded")];

/// Covers 9113:4.3-2
#[test]
fn trap_05_the_block_of_a_refused_request_is_decoded() {
    let mut config = Config::server();
    config.max_concurrent_streams = 1;
    let mut t = Transcript::server_with(config);
    t.asked(1, &GET, End::Last);
    t.recv(headers(3, &with(&GET, &NEW), End::Last));
    t.sends(reset(3, ErrorCode::REFUSED_STREAM));
    t.breaks(Violation::StreamLimit);
    t.event(got::refused(3, pellucid_conn::Refusal::StreamLimit));
    t.answers(1, &OK, End::Last);
    t.conn.finished(StreamId::new(1));
    t.asked(5, &with(&GET, &NEW), End::Last);
}

/// Covers 9113:4.3-2, 9113:6.8-7
#[test]
fn trap_05_the_block_of_a_request_after_goaway_is_decoded() {
    let mut t = Transcript::server();
    t.asked(1, &POST, End::More);
    t.conn.shut_down(t.now);
    t.sends(goaway(0x7fff_ffff, ErrorCode::NO_ERROR));
    let Some(crate::transcript::frames::Frame::Ping(payload)) = t.next_sent() else { panic!("a PING follows") };
    t.recv(pong(payload));
    t.sends(goaway(1, ErrorCode::NO_ERROR));
    t.recv(headers(3, &with(&GET, &NEW), End::Last));
    t.no_event();
    t.sends_nothing();
    // Trailers on the stream that is still open use the entry.
    t.recv(headers(1, &NEW, End::Last));
    t.event(got::trailers(1, &NEW));
}

/// Covers 9113:4.3-2, 9113:5.1-9
#[test]
fn trap_05_the_block_on_a_stream_we_have_reset_is_decoded() {
    let mut t = Transcript::server();
    t.asked(1, &POST, End::More);
    t.conn.reset(StreamId::new(1), ErrorCode::CANCEL);
    t.conn.finished(StreamId::new(1));
    t.sends(reset(1, ErrorCode::CANCEL));
    t.recv(headers(1, &NEW, End::Last));
    t.asked(3, &with(&GET, &NEW), End::Last);
    t.answers(3, &OK, End::Last);
    t.alive();
}

/// Covers 9113:4.3-2: malformed messages are decoded to the end as well
#[test]
fn trap_05_the_block_of_a_malformed_request_is_decoded() {
    let mut t = Transcript::server();
    t.recv(headers(1, &with(&[("Upper", "case")], &NEW), End::Last));
    t.turns_away(1, Violation::FieldNameUppercase);
    t.asked(3, &with(&GET, &NEW), End::Last);
}

/// Covers 9113:4.3.1-2
#[test]
fn trap_06_after_a_reduction_the_next_block_must_say_so() {
    let mut config = Config::server();
    config.header_table_size = 0;
    // The peer has acknowledged the reduction; its next block begins without an update.
    let mut t = Transcript::server_with(config.clone());
    t.recv(block(1, REQUEST, Flags::END_HEADERS.with(Flags::END_STREAM)));
    t.sends(goaway(0, ErrorCode::COMPRESSION_ERROR));
    t.fails(Violation::Compression(pellucid_hpack::Error::MissingSizeUpdate));
    // It begins with one: fine.
    let mut t = Transcript::server_with(config);
    t.recv(block(1, b"\x20\x82\x87\x84\x01\x01\x61", Flags::END_HEADERS.with(Flags::END_STREAM)));
    t.event(got::headers(1, &GET, End::Last));
}

/// Covers 9113:4.3.1-2: before its acknowledgment the peer could not know
#[test]
fn trap_06_before_the_acknowledgment_no_update_is_due() {
    let mut t = Transcript::server();
    t.conn.update_settings(&[pellucid_frame::Setting { id: SettingId::HEADER_TABLE_SIZE, value: 0 }], t.now);
    t.sends(settings(&[(SettingId::HEADER_TABLE_SIZE, 0)]));
    t.asked(1, &with(&GET, &NEW), End::Last);
    t.recv(settings_ack());
    t.recv(block(3, REQUEST, Flags::END_HEADERS.with(Flags::END_STREAM)));
    t.sends(goaway(1, ErrorCode::COMPRESSION_ERROR));
    t.fails(Violation::Compression(pellucid_hpack::Error::MissingSizeUpdate));
}

/// Covers 9113:4.3.1-1
#[test]
fn trap_06_we_say_the_smallest_size_the_peer_had_in_between() {
    // In two SETTINGS frames and in one.
    for together in [1, 2] {
        let mut t = Transcript::server();
        t.asked(1, &GET, End::Last);
        t.answers(1, &with(&OK, &NEW), End::Last);
        t.conn.finished(StreamId::new(1));
        let list = [(SettingId::HEADER_TABLE_SIZE, 0), (SettingId::HEADER_TABLE_SIZE, 4096)];
        for some in list.chunks(together) {
            t.recv(settings(some));
            t.event(got::Got::Settings);
            t.sends(settings_ack());
        }
        t.asked(3, &GET, End::Last);
        t.conn.send_headers(StreamId::new(3), &crate::transcript::section(&OK), End::Last).expect("an answer");
        let wire = t.sends_octets();
        assert_eq!(wire.get(9..), Some(b"\x20\x3f\xe1\x1f\x88".as_slice()), "20, 3f e1 1f, then :status 200");
    }
}
