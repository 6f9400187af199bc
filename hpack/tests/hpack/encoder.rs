//! What the encoder says about the table's size, what it puts into the table, and what it never does.

use crate::common::{decode, fields, octets, pairs};
use pellucid_hpack::{Decoder, Encoder, Fields, Token};

fn encode(encoder: &mut Encoder, section: &Fields) -> Vec<u8> {
    let mut out = Vec::new();
    encoder.encode(section, &mut out);
    out
}

/// Settings between two blocks, and how the next block begins.
///
/// Covers 7541:4.2-1, 7541:4.2-2, 7541:4.2-4, 7541:6.3-1
#[test]
fn size_updates() {
    let get = fields(&[(":method", "GET")]);
    let table: [(u32, &[u32], &str); 13] = [
        (4096, &[], "82"),
        (4096, &[4096], "82"),
        (4096, &[65536], "82"),
        (4096, &[0], "20 82"),
        (4096, &[100], "3f 45 82"),
        (4096, &[0, 4096], "20 3f e1 1f 82"),
        (4096, &[100, 0, 200, 100], "20 3f 45 82"),
        (4096, &[65536, 4096], "82"),
        (65536, &[], "82"),
        (65536, &[8192], "3f e1 3f 82"),
        (65536, &[8192, 4096], "82"),
        (65536, &[8192, 6144], "3f e1 2f 82"),
        (100, &[], "3f 45 82"),
    ];
    for (cap, settings, expected) in table {
        let mut encoder = Encoder::new(cap);
        for setting in settings {
            encoder.set_max_table_size(*setting);
        }
        assert_eq!(encode(&mut encoder, &get), octets(expected), "cap {cap}, settings {settings:?}");
        assert_eq!(encode(&mut encoder, &get), [0x82], "said once");
    }
}

/// An increase from what the peer knows passes through nothing smaller.
#[test]
fn an_increase_is_one_update() {
    let get = fields(&[(":method", "GET")]);
    let mut encoder = Encoder::new(4096);
    encoder.set_max_table_size(1000);
    encode(&mut encoder, &get);
    encoder.set_max_table_size(2000);
    encoder.set_max_table_size(3000);
    assert_eq!(encode(&mut encoder, &get), octets("3f 99 17 82"));
    assert_eq!(encoder.table_max_size(), 3000);
}

/// Covers 7541:4.3-1: on both sides
#[test]
fn a_smaller_maximum_evicts_the_oldest() {
    let (mut encoder, mut decoder) = (Encoder::new(4096), Decoder::new(4096));
    let block = encode(&mut encoder, &fields(&[("x-a", "1"), ("x-b", "2"), ("x-c", "3")]));
    decode(&mut decoder, &block, usize::MAX).unwrap();
    assert_eq!((encoder.table_len(), decoder.table_len()), (3, 3));
    // Each entry counts for 36 octets: two fit into 100.
    encoder.set_max_table_size(100);
    decoder.set_max_table_size(100);
    let block = encode(&mut encoder, &Fields::new());
    decode(&mut decoder, &block, usize::MAX).unwrap();
    assert_eq!((encoder.table_size(), decoder.table_size()), (72, 72));
    let left: Vec<_> = decoder.table().map(|(_, field)| field.value.to_vec()).collect();
    assert_eq!(left, [b"3", b"2"]);
}

/// Covers 7541:6.2.3-2
#[test]
fn credentials_never_enter_the_table() {
    let secrets = fields(&[
        ("authorization", "Basic dXNlcjpwYXNz"),
        ("proxy-authorization", "Basic dXNlcjpwYXNz"),
        ("set-cookie", "id=0123456789012345678901234567890123456789"),
        ("cookie", "id=0123456789012345"),
    ]);
    let mut encoder = Encoder::new(4096);
    for _ in 0..3 {
        let block = encode(&mut encoder, &secrets);
        let decoded = decode(&mut Decoder::new(4096), &block, usize::MAX).unwrap();
        assert_eq!(pairs(&decoded), pairs(&secrets));
        assert!(decoded.iter().all(|field| field.sensitive));
    }
    assert_eq!(encoder.table_len(), 0);
    // A long cookie cannot be guessed octet by octet; a sensitive one stays sensitive, even if it is in the table.
    let cookie = b"id=01234567890123456";
    let mut section = Fields::new();
    section.push_token(Token::COOKIE, cookie);
    encode(&mut encoder, &section);
    assert_eq!((encoder.table_len(), encode(&mut encoder, &section).as_slice()), (1, &[0xbe][..]));
    section.clear();
    section.push_sensitive(b"cookie", cookie);
    assert_eq!(encode(&mut encoder, &section)[0] & 0xf0, 0x10);
}

/// Names whose values keep changing stop being inserted; one that stays the same is inserted soon.
#[test]
fn the_policy_learns_from_hits() {
    let mut encoder = Encoder::new(4096);
    let mut changes = 0;
    for number in 0..200 {
        let before = encoder.table_changes();
        encode(&mut encoder, &fields(&[("x-request-id", &format!("{number:032}"))]));
        changes += encoder.table_changes() - before;
    }
    assert!(changes <= 10, "{changes} insertions that never paid");
    let path = fields(&[(":path", "/grpc.Service/Method")]);
    encode(&mut encoder, &path);
    assert_eq!(encode(&mut encoder, &path).len(), 1);
    // On second sight even a name with bad experience gets its chance.
    let constant = fields(&[("x-request-id", "the same from now on")]);
    encode(&mut encoder, &constant);
    encode(&mut encoder, &constant);
    assert_eq!(encode(&mut encoder, &constant).len(), 1);
}

/// A block that changed nothing can be sent again as it is.
#[test]
fn table_changes_tell_when_a_block_may_be_repeated() {
    let response = fields(&[(":status", "200"), ("server", "pellucid"), ("content-type", "text/plain")]);
    let mut encoder = Encoder::new(4096);
    let mut decoder = Decoder::new(4096);
    let first = encode(&mut encoder, &response);
    decode(&mut decoder, &first, usize::MAX).unwrap();
    let before = encoder.table_changes();
    let second = encode(&mut encoder, &response);
    assert_eq!(encoder.table_changes(), before);
    for _ in 0..3 {
        assert_eq!(decode(&mut decoder, &second, usize::MAX).unwrap(), response);
    }
}

/// A field larger than most of the table is not worth its room, and a table without room is legal.
#[test]
fn large_fields_and_small_tables() {
    let large = fields(&[("x-large", &"v".repeat(4000)), ("x-small", "v")]);
    let mut encoder = Encoder::new(4096);
    encode(&mut encoder, &large);
    assert_eq!(encoder.table_len(), 1);
    let mut encoder = Encoder::new(0);
    let mut decoder = Decoder::new(4096);
    for _ in 0..3 {
        let block = encode(&mut encoder, &large);
        assert_eq!(decode(&mut decoder, &block, 7).unwrap(), large);
    }
    assert_eq!((encoder.table_len(), decoder.table_len(), decoder.table_max_size()), (0, 0, 0));
}

#[test]
fn huffman_only_when_shorter() {
    let mut encoder = Encoder::new(0);
    encode(&mut encoder, &Fields::new());
    // 22 bits for four octets. `<>` would be longer, `&&` is as long.
    assert_eq!(encode(&mut encoder, &fields(&[(":path", "/abc")])), octets("04 83 60 71 93"));
    assert_eq!(encode(&mut encoder, &fields(&[(":path", "<>")])), octets("04 02 3c 3e"));
    assert_eq!(encode(&mut encoder, &fields(&[(":path", "&&")])), octets("04 02 26 26"));
}
