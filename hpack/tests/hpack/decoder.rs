//! What the decoder must accept, must refuse, and must keep within bounds.

use crate::common::{WIDE, decode, fields, octets, pairs};
use pellucid_hpack::{Class, Coding, Decoder, Error, Field, Fields, Indexing, Limits, NameCoding, Over};
use pellucid_hpack::{Representation, Sink, StringCoding, Token};

/// Covers 7541:2.3.3-1, 7541:4.2-3, 7541:5.1-1, 7541:5.2-1, 7541:5.2-2, 7541:5.2-3, 7541:6.1-1, 7541:6.3-2
#[test]
fn every_error() {
    let table = [
        ("80", Error::IndexZero),
        ("be", Error::IndexBeyondTable),
        ("7e 00", Error::IndexBeyondTable),
        ("ff 80 80 80 80 10", Error::IntegerOverflow),
        ("ff ff ff ff ff ff 0f", Error::IntegerOverflow),
        ("7f 80 80 80 80 80 80 00", Error::IntegerOverflow),
        ("00 7f 80 80 80 80 80 00", Error::IntegerOverflow),
        ("04 84 ff ff ff ff", Error::HuffmanEndOfString),
        ("04 82 ff ff", Error::HuffmanPaddingTooLong),
        ("04 82 1f ff", Error::HuffmanPaddingTooLong),
        ("04 81 18", Error::HuffmanPaddingNotOnes),
        ("00 81 18 00", Error::HuffmanPaddingNotOnes),
        ("82 20", Error::SizeUpdateAfterField),
        ("20 82 20", Error::SizeUpdateAfterField),
        ("20 20 20 20", Error::TooManySizeUpdates),
        ("3f e2 1f", Error::SizeUpdateTooLarge),
        ("40", Error::Truncated),
        ("82 40 01", Error::Truncated),
        ("04 03 61 62", Error::Truncated),
        ("ff 80", Error::Truncated),
        ("3f", Error::Truncated),
    ];
    for (block, error) in table {
        for fragment in [usize::MAX, 1] {
            let mut decoder = Decoder::new(4096);
            assert_eq!(decode(&mut decoder, &octets(block), fragment), Err(error), "{block}");
            // A failed decoder stays failed: nobody can go on with a table that is no longer the peer's.
            if error != Error::Truncated {
                assert_eq!(decoder.finish(), Err(error));
            }
            assert_eq!(decoder.decode(&[0x82], &mut Fields::new(), &WIDE).err(), Some(error));
        }
    }
}

#[test]
fn errors_name_their_section() {
    assert_eq!(Error::IndexZero.to_string(), "index 0 names no field (RFC 7541 §6.1)");
    assert_eq!(Error::MissingSizeUpdate.section(), "RFC 9113 §4.3.1");
}

#[test]
fn long_winded_but_legal_blocks() {
    let table: [(&str, &[(&str, &str)]); 8] = [
        ("", &[]),
        ("04 80", &[(":path", "")]),
        ("00 80 00", &[("", "")]),
        ("00 00 00", &[("", "")]),
        ("0f 00 01 61", &[("accept-charset", "a")]),
        ("20 3f e1 1f 82", &[(":method", "GET")]),
        ("3f 80 00 3f 00 20 82", &[(":method", "GET")]),
        ("0f 0d 02 31 30", &[("content-length", "10")]),
    ];
    for (block, expected) in table {
        for fragment in [usize::MAX, 1] {
            let decoded = decode(&mut Decoder::new(4096), &octets(block), fragment).unwrap();
            assert_eq!(pairs(&decoded), pairs(&fields(expected)), "{block}");
        }
    }
}

/// RFC 9113 §4.3.1: what must begin the block after an acknowledged change of the setting.
///
/// Covers 7541:6.3-2
#[test]
fn reduced_settings_demand_an_update() {
    let table: [(&[u32], &str, Result<u32, Error>); 13] = [
        (&[0], "82", Err(Error::MissingSizeUpdate)),
        (&[0], "", Err(Error::MissingSizeUpdate)),
        (&[0], "20 82", Ok(0)),
        (&[0], "21", Err(Error::SizeUpdateTooLarge)),
        (&[100], "3f 45 82", Ok(100)),
        (&[100], "20 82", Ok(0)),
        (&[0, 4096], "3f e1 1f 82", Err(Error::MissingSizeUpdate)),
        (&[0, 4096], "20 3f e1 1f 82", Ok(4096)),
        (&[0, 4096], "20 82", Ok(0)),
        (&[0, 100], "3f 45 82", Err(Error::MissingSizeUpdate)),
        (&[4096], "82", Ok(4096)),
        (&[8192], "82", Ok(4096)),
        (&[8192], "3f e1 3f 82", Ok(8192)),
    ];
    for (settings, block, expected) in table {
        let mut decoder = Decoder::new(4096);
        for setting in settings {
            decoder.set_max_table_size(*setting);
        }
        let result = decode(&mut decoder, &octets(block), usize::MAX).map(|_| decoder.table_max_size());
        assert_eq!(result, expected, "{settings:?} {block}");
    }
    // An encoder that has already chosen less need not say so again.
    let mut decoder = Decoder::new(4096);
    decode(&mut decoder, &octets("3f 45 82"), usize::MAX).unwrap();
    decoder.set_max_table_size(1000);
    decode(&mut decoder, &octets("82"), usize::MAX).unwrap();
}

/// RFC 7541 §4.4: eviction, entries larger than the table, and names of entries that are just being evicted.
///
/// Covers 7541:3.2-1, 7541:4.1-1, 7541:4.4-1, 7541:4.4-2
#[test]
fn eviction_at_the_edge() {
    // Two entries of 34 octets fill 68.
    let mut decoder = Decoder::new(68);
    decode(&mut decoder, &octets("40 01 61 01 62 40 01 63 01 64"), usize::MAX).unwrap();
    assert_eq!((decoder.table_len(), decoder.table_size()), (2, 68));
    // A third takes its name from the oldest (63), which it evicts.
    let reused = decode(&mut decoder, &octets("7f 00 01 65"), usize::MAX).unwrap();
    assert_eq!(pairs(&reused), pairs(&fields(&[("a", "e")])));
    let entries: Vec<_> = decoder.table().map(|(_, field)| (field.name.to_vec(), field.value.to_vec())).collect();
    assert_eq!(entries, [(b"a".to_vec(), b"e".to_vec()), (b"c".to_vec(), b"d".to_vec())]);
    // A field of 69 octets empties the table; it is a field all the same.
    let mut block = octets("40 01 61 24");
    block.extend([b'x'; 36]);
    let large = decode(&mut decoder, &block, 1).unwrap();
    assert_eq!(large.find(Token::OTHER), None);
    assert_eq!(large.get(b"a"), Some(&[b'x'; 36][..]));
    assert_eq!((decoder.table_len(), decoder.table_size()), (0, 0));
}

/// Covers 7541:2.3.2-1
#[test]
fn equal_entries_stand_side_by_side() {
    let mut decoder = Decoder::new(4096);
    let block = octets("40 01 61 01 62 40 01 61 01 62 bf be");
    let decoded = decode(&mut decoder, &block, usize::MAX).unwrap();
    assert_eq!(pairs(&decoded), pairs(&fields(&[("a", "b"); 4])));
    assert_eq!((decoder.table_len(), decoder.table_size()), (2, 68));
}

/// Trap of RFC 7541 §6.2.3: what must never be indexed stays recognisable.
///
/// Covers 7541:6.2.3-1, 7541:6.2.3-2, 7541:7.1.3-1, 7541:7.1.3-2
#[test]
fn never_indexed_survives_decoding_and_encoding() {
    let block = octets("10 01 61 01 62 1f 08 03 61 62 63");
    let decoded = decode(&mut Decoder::new(4096), &block, usize::MAX).unwrap();
    assert!(decoded.iter().all(|field| field.sensitive));
    let mut again = Vec::new();
    let mut encoder = pellucid_hpack::Encoder::new(4096);
    encoder.encode(&decoded, &mut again);
    encoder.encode(&decoded, &mut again);
    assert_eq!(encoder.table_len(), 0);
    let twice = decode(&mut Decoder::new(4096), &again, usize::MAX).unwrap();
    assert!(twice.len() == 4 && twice.iter().all(|field| field.sensitive));
}

/// A malformed field is none of the decoder's business: it is delivered with its class, from the table too.
#[test]
fn malformed_fields_are_described_not_refused() {
    let block = octets("40 03 46 6f 6f 03 61 0a 62 be 82 00 00 02 61 20");
    let decoded = decode(&mut Decoder::new(4096), &block, 1).unwrap();
    let class = Class::NAME_UPPER.union(Class::VALUE_NUL_CR_LF);
    let classes: Vec<_> = decoded.iter().map(|field| field.class).collect();
    let last = Class::NAME_EMPTY.union(Class::VALUE_SPACE).union(Class::VALUE_EDGE_SPACE);
    assert_eq!(classes, [class, class, Class::NAME_PSEUDO, last]);
}

const TIGHT: Limits = Limits { max_size: 16 * 1024, max_fields: 100, max_string: 8 * 1024 };

/// A small block that expands without bound: an entry as large as the table, then its index many times.
#[test]
fn a_bomb_is_decoded_but_not_stored() {
    let mut block = octets("40 01 61 7f e0 1e");
    block.extend([b'x'; 4063]);
    block.extend([0xbe; 16 * 1024]);
    let mut decoder = Decoder::new(4096);
    let mut stored = Fields::new();
    for fragment in block.chunks(1000) {
        decoder.decode(fragment, &mut stored, &TIGHT).unwrap();
    }
    let section = decoder.finish().unwrap();
    assert_eq!((section.fields, section.size, section.over), (16_385, 16_385 * 4096, Some(Over::Size)));
    assert_eq!((stored.len(), stored.size()), (4, 16_384));
    assert!(stored.allocated() < 64 * 1024);
    // The table is as the peer believes it to be.
    assert_eq!(decode(&mut decoder, &[0xbe], usize::MAX).unwrap().size(), 4096);
}

/// Many tiny fields: the cost is in their number.
#[test]
fn a_flood_of_tiny_fields_is_cut_off() {
    for seed in ["40 01 61 00", "60 00"] {
        let mut block = octets(seed);
        block.extend([0xbe; 8 * 1024]);
        let mut decoder = Decoder::new(4096);
        let mut stored = Fields::new();
        decoder.decode(&block, &mut stored, &TIGHT).unwrap();
        let section = decoder.finish().unwrap();
        assert_eq!((stored.len(), section.fields, section.over), (100, 8193, Some(Over::Count)));
        // Once over, nothing more is stored; the next section starts afresh.
        stored.clear();
        decoder.decode(&[0xbe], &mut stored, &TIGHT).unwrap();
        assert_eq!((stored.len(), decoder.finish().unwrap().over), (1, None));
    }
}

/// Covers 7541:7.4-1
#[test]
fn strings_are_bounded_as_declared_and_as_expanded() {
    let limits = Limits { max_string: 10, ..WIDE };
    // Declared: refused before any octet of it has come.
    for block in ["04 0b", "04 8b", "00 7f ff ff 03", "00 01 61 0b"] {
        let result = Decoder::new(4096).decode(&octets(block), &mut Fields::new(), &limits);
        assert_eq!(result, Err(Error::StringTooLong), "{block}");
    }
    // Expanded: ten octets that stand for sixteen.
    let mut block = octets("04 8a");
    block.extend([0; 10]);
    assert_eq!(Decoder::new(4096).decode(&block, &mut Fields::new(), &limits), Err(Error::StringTooLong));
    assert_eq!(decode(&mut Decoder::new(4096), &block, usize::MAX).unwrap().find(Token::PATH), Some(&[b'0'; 16][..]));
}

/// A tool's view: how each field was written.
#[test]
fn a_sink_learns_how_fields_were_coded() {
    #[derive(Default)]
    struct Log(Vec<String>);
    impl Sink for Log {
        fn field(&mut self, field: &Field<'_>, representation: &Representation) {
            let how = match representation.coding {
                Coding::Indexed { index } => format!("indexed {index}"),
                Coding::Literal { indexing, name: NameCoding::Indexed { index }, value } => {
                    format!("{indexing:?} {index} {value:?}")
                }
                Coding::Literal { indexing: Indexing::Never, name: NameCoding::Literal(name), value } => {
                    format!("never {name:?} {}", if value == StringCoding::Raw { "raw" } else { "coded" })
                }
                Coding::Literal { .. } => "other".to_owned(),
            };
            self.0.push(format!("{field:?} | {how} | {}", representation.octets));
        }
        fn size_update(&mut self, max_size: u32) {
            self.0.push(format!("table {max_size}"));
        }
    }
    let mut log = Log::default();
    let mut decoder = Decoder::new(4096);
    decoder.decode_with(&octets("20 3f e1 1f 82 41 81 1f 10 01 61 01 62 be"), &mut log, &WIDE).unwrap();
    let expected = [
        "table 0",
        "table 4096",
        ":method: GET | indexed 2 | 1",
        ":authority: a | Incremental 1 Huffman | 3",
        "a: <sensitive> | never Raw raw | 5",
        ":authority: a | indexed 62 | 1",
    ];
    assert_eq!(log.0, expected);
}
