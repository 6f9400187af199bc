//! What a connection shows of RFC 7541: which blocks end it, and that a block's cuts make no difference. The octets are those
//! of the wire cookbook; the decoder's own tests are in its crate.

use pellucid_conn::h2::{Config, Violation};
use pellucid_conn::{End, ErrorCode, Event, StreamId};
use pellucid_frame::Flags;
use pellucid_hpack::Error;

use crate::transcript::frames::{Frame, block, continuation, goaway};
use crate::transcript::{GET, OK, Transcript, got, section, with};

/// A whole request of one frame.
fn request(id: u32, octets: &[u8]) -> Frame {
    block(id, octets, Flags::END_HEADERS.with(Flags::END_STREAM))
}

/// GET, https, /, authority "a" without touching the table.
const PLAIN: &[u8] = b"\x82\x87\x84\x01\x01a";

fn plain_and(more: &[u8]) -> Vec<u8> {
    [PLAIN, more].concat()
}

/// Each block ends the connection for this reason, as an only frame and cut into single octets.
#[track_caller]
fn undecodable(cases: &[(&[u8], Error)]) {
    for (octets, error) in cases {
        let mut whole = Transcript::server();
        whole.recv(request(1, octets));
        let mut cut = Transcript::server();
        let mut config = Config::server();
        config.max_continuation_frames = 100;
        if octets.len() < 100 {
            cut = Transcript::server_with(config);
            cut.recv(block(1, b"", Flags::NONE));
            for octet in *octets {
                cut.recv(continuation(1, &[*octet], Flags::NONE));
            }
            cut.recv(continuation(1, b"", Flags::END_HEADERS));
        } else {
            cut.recv(request(1, octets));
        }
        for mut t in [whole, cut] {
            t.sends(goaway(0, ErrorCode::COMPRESSION_ERROR));
            t.fails(Violation::Compression(*error));
        }
    }
}

/// Covers 7541:2.3.3-1, 7541:6.1-1
#[test]
fn trap_37_an_index_of_zero_or_beyond_both_tables_ends_the_connection() {
    undecodable(&[
        (b"\x80", Error::IndexZero),
        (&plain_and(b"\x80"), Error::IndexZero),
        (b"\xbe", Error::IndexBeyondTable),
        (b"\xc6", Error::IndexBeyondTable),
        (b"\x7e\x01x", Error::IndexBeyondTable),
        (b"\x40\x01a\x01b\xbf", Error::IndexBeyondTable),
    ]);
}

/// Covers 7541:4.4-1
#[test]
fn trap_38_an_entry_larger_than_the_table_clears_it_and_is_no_error() {
    let mut t = Transcript::server();
    t.recv(request(1, &plain_and(b"\x40\x01x\x01y\xbe")));
    t.event(got::headers(1, &with(&GET, &[("x", "y"), ("x", "y")]), End::Last));
    // 4,100 octets of value: too large for the table of 4,096, so the table is empty afterwards.
    let large = "v".repeat(4100);
    let mut octets = plain_and(b"\x40\x01z\x7f\x85\x1f");
    octets.extend_from_slice(large.as_bytes());
    t.recv(request(3, &octets));
    t.event(got::headers(3, &with(&GET, &[("z", large.as_str())]), End::Last));
    t.recv(request(5, &plain_and(b"\xbe")));
    t.sends(goaway(3, ErrorCode::COMPRESSION_ERROR));
    t.fails(Violation::Compression(Error::IndexBeyondTable));
}

/// Covers 7541:4.4-2: the name of an entry that its own insertion evicts
#[test]
fn trap_38_an_insertion_may_name_the_entry_it_evicts() {
    let mut t = Transcript::server();
    // "name" with 4,000 octets fills the table; the next, named by index 62, evicts it.
    let large = "v".repeat(4000);
    let mut octets = plain_and(b"\x40\x04name\x7f\xa1\x1e");
    octets.extend_from_slice(large.as_bytes());
    t.recv(request(1, &octets));
    t.event(got::headers(1, &with(&GET, &[("name", large.as_str())]), End::Last));
    let mut octets = plain_and(b"\x7e\x7f\xa1\x1e");
    octets.extend_from_slice("w".repeat(4000).as_bytes());
    t.recv(request(3, &octets));
    t.event(got::headers(3, &with(&GET, &[("name", "w".repeat(4000).as_str())]), End::Last));
    t.recv(request(5, &plain_and(b"\xbe")));
    t.event(got::headers(5, &with(&GET, &[("name", "w".repeat(4000).as_str())]), End::Last));
}

/// Covers 7541:4.2-3, 7541:6.3-2
#[test]
fn trap_39_size_updates_stand_at_the_start_and_within_the_limit() {
    undecodable(&[
        (b"\x82\x20", Error::SizeUpdateAfterField),
        (&plain_and(b"\x3f\xe1\x1f"), Error::SizeUpdateAfterField),
        (b"\x3f\xe2\x1f", Error::SizeUpdateTooLarge),
        (b"\x20\x20\x20\x20", Error::TooManySizeUpdates),
    ]);
    let mut t = Transcript::server();
    for (id, updates) in [(1, b"\x3f\x61".as_slice()), (3, b"\x20\x3f\xe1\x1f"), (5, b"\x20\x20\x3f\xe1\x1f")] {
        t.recv(request(id, &[updates, PLAIN].concat()));
        t.event(got::headers(id, &GET, End::Last));
        t.answers(id, &OK, End::Last);
        t.conn.finished(StreamId::new(id));
    }
}

/// Covers 7541:4.2-3: in a CONTINUATION, before any field and after one
#[test]
fn trap_39_a_continuation_is_not_a_start() {
    let mut t = Transcript::server();
    t.recv(block(1, b"", Flags::END_STREAM));
    t.recv(continuation(1, b"\x20", Flags::NONE));
    t.recv(continuation(1, PLAIN, Flags::END_HEADERS));
    t.event(got::headers(1, &GET, End::Last));
    t.recv(block(3, PLAIN, Flags::END_STREAM));
    t.recv(continuation(3, b"\x20", Flags::END_HEADERS));
    t.sends(goaway(1, ErrorCode::COMPRESSION_ERROR));
    t.fails(Violation::Compression(Error::SizeUpdateAfterField));
}

/// Covers 7541:5.1-1
#[test]
fn trap_40_integers_that_never_end_or_overflow_end_the_connection() {
    undecodable(&[
        (b"\xff\xff\xff\xff\xff\xff\x0f", Error::IntegerOverflow),
        (b"\x7f\x80\x80\x80\x80\x80\x80\x80\x00", Error::IntegerOverflow),
        (b"\xff", Error::Truncated),
        (b"\xff\x80", Error::Truncated),
        (b"\x40", Error::Truncated),
        (b"\x40\x05ab", Error::Truncated),
        // 127 and 63 need their extra octet, and then name nothing.
        (b"\xff\x00", Error::IndexBeyondTable),
        (b"\x7f\x00\x01x", Error::IndexBeyondTable),
    ]);
    let mut t = Transcript::server();
    // 31: a size update that fills its prefix. 15 without indexing: accept-charset.
    t.recv(request(1, &[b"\x3f\x00".as_slice(), PLAIN, b"\x0f\x00\x01x"].concat()));
    t.event(got::headers(1, &with(&GET, &[("accept-charset", "x")]), End::Last));
}

/// Covers 7541:5.2-1, 7541:5.2-2, 7541:5.2-3
#[test]
fn trap_41_bad_huffman_strings_end_the_connection() {
    undecodable(&[
        (&plain_and(b"\x00\x01x\x82\xff\xff"), Error::HuffmanPaddingTooLong),
        (&plain_and(b"\x00\x01x\x81\x18"), Error::HuffmanPaddingNotOnes),
        (&plain_and(b"\x00\x01x\x84\xff\xff\xff\xff"), Error::HuffmanEndOfString),
    ]);
    let mut t = Transcript::server();
    t.recv(request(1, &plain_and(b"\x00\x01x\x80")));
    t.event(got::headers(1, &with(&GET, &[("x", "")]), End::Last));
}

/// Covers 7541:7.4-1: a length is judged before anything is buffered
#[test]
fn trap_41_a_string_beyond_every_limit_ends_the_connection_at_its_length() {
    let mut t = Transcript::server();
    t.recv(block(1, &plain_and(b"\x40\x01x\x7f\xff\xff\xff\xff\x07"), Flags::NONE));
    t.sends(goaway(0, ErrorCode::ENHANCE_YOUR_CALM));
    t.fails(Violation::Compression(Error::StringTooLong));
}

/// Covers 7541:6.2.3-1, 7541:7.1.3-1, 7541:7.1.3-2: what must never be indexed is still marked when it is sent on
#[test]
fn trap_42_never_indexed_survives_a_relay() {
    let mut server = Transcript::server();
    let octets = server.octets(&request(1, &plain_and(b"\x10\x06secret\x05value")));
    let event = server.conn.next_event(&mut octets.as_slice().into(), server.now).expect("a request");
    let Some(Event::Headers { fields, .. }) = event else { panic!("{event:?} is no request") };
    assert!(fields.iter().any(|f| f.name == b"secret" && f.sensitive));
    let mut client = Transcript::client();
    for _ in 0..2 {
        client.conn.open(&fields, End::Last).expect("a stream");
        let wire = client.sends_octets();
        let huffman = 0x80;
        let marked =
            wire.windows(2).any(|w| w.first() == Some(&0x10) && w.get(1).is_some_and(|l| l & huffman != 0 || *l == 6));
        assert!(marked, "a literal that is never indexed: {wire:02x?}");
    }
    // An authorization field is, whoever sets it, each time.
    client.forget();
    let mut lengths = Vec::new();
    for _ in 0..3 {
        let secret = section(&with(&GET, &[("authorization", "Basic c2VjcmV0")]));
        client.conn.open(&secret, End::Last).expect("a stream");
        let wire = client.sends_octets();
        assert!(wire.windows(2).any(|w| w == [0x1f, 0x08]), "index 23, never indexed: {wire:02x?}");
        lengths.push(wire.len());
    }
    assert_eq!(lengths.first(), lengths.last(), "nothing is learnt from its size");
}

/// Covers 9113:4.3-1, 7541:2.1-2
#[test]
fn trap_43_a_block_means_the_same_however_it_is_cut() {
    let fields = with(&GET, &[("x-first", "value"), ("accept-language", "de-DE, fr;q=0.5"), ("x-first", "value")]);
    for piece in 1..40 {
        let mut config = Config::server();
        config.max_continuation_frames = 200;
        let mut t = Transcript::server_with(config);
        t.recv(crate::transcript::frames::headers(1, &fields, End::Last).in_pieces_of(piece));
        t.event(got::headers(1, &fields, End::Last));
        t.answers(1, &OK, End::Last);
        t.conn.finished(StreamId::new(1));
        // Now from the table.
        t.recv(crate::transcript::frames::headers(3, &fields, End::Last).in_pieces_of(piece));
        t.event(got::headers(3, &fields, End::Last));
        t.answers(3, &OK, End::Last);
        t.conn.finished(StreamId::new(3));
        t.alive();
    }
}
