//! This crate against another implementation of RFC 7541, `loona-hpack`, which was written by others from the same text:
//! what one encodes the other decodes, and what nobody would encode both decode to the same fields or both refuse.
//!
//! Where the two may differ is listed in [`DIFFERENCES`], each with its reason and a block that shows it: an entry that no longer
//! holds fails its test, and so does any difference that is not listed.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is how a test fails")]

use loona_hpack::decoder::{DecoderError, IntegerDecodingError};
use pellucid_hpack::{Decoder, Encoder, Error, Fields, Limits, integer};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Fields as both sides give them.
type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// What either decoder makes of a block.
type Ours = Result<Pairs, Error>;
type Theirs = Result<Pairs, DecoderError>;

/// A way in which the two decoders may differ.
struct Difference {
    why: &'static str,
    /// A block that shows it, on a connection that has just begun.
    example: &'static [u8],
    explains: fn(&Ours, &Theirs) -> bool,
}

const DIFFERENCES: [Difference; 4] = [
    Difference {
        why: "they take a table size update anywhere; RFC 7541 §4.2 has it at the beginning of a block only",
        example: &[0x82, 0x20, 0x84],
        explains: |ours, theirs| matches!((ours, theirs), (Err(Error::SizeUpdateAfterField), Ok(_))),
    },
    Difference {
        why: "they count no table size updates; RFC 7541 §4.2 needs two, we take three",
        example: &[0x20, 0x20, 0x20, 0x20, 0x84],
        explains: |ours, theirs| matches!((ours, theirs), (Err(Error::TooManySizeUpdates), Ok(_))),
    },
    Difference {
        why: "they refuse a block that ends with a table size update; RFC 7541 §4.2 asks only that it be at the beginning",
        example: &[0x20],
        explains: |ours, theirs| matches!((ours, theirs), (Ok(_), Err(DecoderError::SizeUpdateAtEnd))),
    },
    Difference {
        why: "they take four octets after an integer's prefix, we take five; RFC 7541 §5.1 leaves the limit to the decoder",
        example: &[0x0f, 0x80, 0x80, 0x80, 0x80, 0x00, 0x00],
        explains: |ours, theirs| {
            let long = DecoderError::IntegerDecodingError(IntegerDecodingError::TooManyOctets);
            matches!((ours, theirs), (Ok(_), Err(error)) if *error == long)
        },
    },
];

/// The decoders of one direction of a connection, ours and theirs.
struct Both {
    ours: Decoder,
    theirs: loona_hpack::Decoder<'static>,
}

impl Both {
    fn new() -> Both {
        let mut theirs = loona_hpack::Decoder::new();
        theirs.set_max_allowed_table_size(TABLE as usize);
        Both { ours: Decoder::new(TABLE), theirs }
    }

    fn decode(&mut self, block: &[u8]) -> (Ours, Theirs) {
        let mut fields = Fields::new();
        let decoded = self.ours.decode(block, &mut fields, &WIDE).and_then(|()| self.ours.finish());
        (decoded.map(|_| pairs(&fields)), self.theirs.decode(block))
    }

    /// Whether both still agree on the table, so that it makes sense to go on.
    fn agree(&mut self, block: &[u8]) -> Result<bool, TestCaseError> {
        let (ours, theirs) = self.decode(block);
        match (&ours, &theirs) {
            (Ok(our_fields), Ok(their_fields)) => {
                prop_assert_eq!(our_fields, their_fields, "{:02x?}", block);
                Ok(true)
            }
            (Err(_), Err(_)) => Ok(false),
            _ => {
                let explained = DIFFERENCES.iter().any(|difference| (difference.explains)(&ours, &theirs));
                prop_assert!(explained, "{:02x?}: we say {:?}, they say {:?}", block, ours, theirs);
                Ok(false)
            }
        }
    }
}

/// SETTINGS_HEADER_TABLE_SIZE of the connections here.
const TABLE: u32 = 4096;

/// No limits beyond those of the format: theirs has none.
const WIDE: Limits = Limits { max_size: u32::MAX, max_fields: u32::MAX, max_string: u32::MAX };

/// Every entry of the list is real: its block makes the decoders differ in the way it says.
///
/// Covers 7541:4.2-3, 7541:5.1-1
#[test]
fn every_known_difference_shows() {
    for difference in &DIFFERENCES {
        let (ours, theirs) = Both::new().decode(difference.example);
        assert!((difference.explains)(&ours, &theirs), "{}: {ours:?}, {theirs:?}", difference.why);
    }
}

proptest! {
    /// What our encoder writes, they read, in one connection's order and with tables that fill and shrink. No section is
    /// empty: they would refuse the update in its block, the third difference.
    ///
    /// Covers 7541:2.1-1, 7541:2.1-2, 7541:4.2-1
    #[test]
    fn they_read_what_we_write(steps in vec((sizes(), section(1)), 1..25)) {
        let mut encoder = Encoder::new(TABLE);
        let mut both = Both::new();
        for (size, section) in steps {
            if let Some(size) = size {
                encoder.set_max_table_size(size);
            }
            let mut block = Vec::new();
            encoder.encode(&fields_of(&section), &mut block);
            let (ours, theirs) = both.decode(&block);
            prop_assert_eq!(theirs.as_ref(), Ok(&section));
            prop_assert_eq!(ours.as_ref(), Ok(&section));
        }
    }

    /// What their encoder writes, we read, whole or octet by octet.
    #[test]
    fn we_read_what_they_write(steps in vec((sizes(), section(0)), 1..25)) {
        let mut encoder = loona_hpack::Encoder::new();
        let mut whole = Decoder::new(TABLE);
        let mut by_octet = Decoder::new(TABLE);
        for (size, section) in steps {
            let block = their_block(&mut encoder, size, &section);
            for (decoder, fragment) in [(&mut whole, usize::MAX), (&mut by_octet, 1)] {
                let mut fields = Fields::new();
                for octets in block.chunks(fragment) {
                    prop_assert_eq!(decoder.decode(octets, &mut fields, &WIDE), Ok(()));
                }
                prop_assert!(decoder.finish().is_ok());
                prop_assert_eq!(pairs(&fields), section.clone());
            }
        }
    }

    /// Octets of any kind are the same fields to both, or an error to both.
    #[test]
    fn rubbish_means_the_same_to_both(blocks in vec(vec(rubbish(), 0..60), 1..6)) {
        let mut both = Both::new();
        for block in &blocks {
            if !both.agree(block)? {
                break;
            }
        }
    }

    /// So are blocks of either encoder that were damaged here and there; what follows depends on the table that was left.
    #[test]
    fn damaged_blocks_mean_the_same_to_both(
        writer in select(vec![Writer::Ours, Writer::Theirs]),
        sections in vec(section(0), 1..8),
        damages in vec((any::<Index>(), any::<Index>(), damage()), 1..6),
    ) {
        let mut blocks = writer.blocks(&sections);
        for (block, place, damage) in &damages {
            damage.apply(&mut blocks[block.index(sections.len())], *place);
        }
        let mut both = Both::new();
        for block in &blocks {
            if !both.agree(block)? {
                break;
            }
        }
    }

    /// Huffman codes of any octets, whole and damaged: the padding and the end symbol are judged alike.
    ///
    /// Covers 7541:5.2-1, 7541:5.2-2, 7541:5.2-3
    #[test]
    fn huffman_strings_mean_the_same_to_both(
        text in vec(any::<u8>(), 0..80),
        damages in vec((any::<Index>(), damage()), 0..3),
        tail in vec(select(vec![0xff, 0xfe, 0x3f, 0x00]), 0..5),
    ) {
        let mut code = Vec::new();
        pellucid_hpack::huffman::encode(&text, &mut code);
        for (place, damage) in damages {
            damage.apply(&mut code, place);
        }
        code.extend(tail);
        let mut block = vec![0x04];
        integer::encode(u32::try_from(code.len()).unwrap(), 7, 0x80, &mut block);
        block.extend(code);
        Both::new().agree(&block)?;
    }
}

/// Who wrote the blocks.
#[derive(Clone, Copy, Debug)]
enum Writer {
    Ours,
    Theirs,
}

impl Writer {
    fn blocks(self, sections: &[Pairs]) -> Vec<Vec<u8>> {
        let (mut ours, mut theirs) = (Encoder::new(TABLE), loona_hpack::Encoder::new());
        let block = |section: &Pairs| match self {
            Writer::Ours => {
                let mut block = Vec::new();
                ours.encode(&fields_of(section), &mut block);
                block
            }
            Writer::Theirs => their_block(&mut theirs, None, section),
        };
        sections.iter().map(block).collect()
    }
}

/// A block of their encoder. It leaves the announcement of a new table size to its caller.
fn their_block(encoder: &mut loona_hpack::Encoder<'_>, size: Option<u32>, section: &Pairs) -> Vec<u8> {
    let mut block = Vec::new();
    if let Some(size) = size {
        encoder.set_max_table_size(size as usize);
        integer::encode(size, 5, 0x20, &mut block);
    }
    let fields = section.iter().map(|(name, value)| (name.as_slice(), value.as_slice()));
    encoder.encode_into(fields, &mut block).unwrap();
    block
}

/// What may happen to octets on their way.
#[derive(Clone, Copy, Debug)]
enum Damage {
    Set(u8),
    Flip(u8),
    Insert(u8),
    Remove,
    Truncate,
}

impl Damage {
    fn apply(self, octets: &mut Vec<u8>, place: Index) {
        if octets.is_empty() {
            return;
        }
        let place = place.index(octets.len());
        match self {
            Damage::Set(octet) => octets[place] = octet,
            Damage::Flip(bit) => octets[place] ^= 1 << bit,
            Damage::Insert(octet) => octets.insert(place, octet),
            Damage::Remove => drop(octets.remove(place)),
            Damage::Truncate => octets.truncate(place),
        }
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        2 => rubbish().prop_map(Damage::Set),
        4 => (0..8_u8).prop_map(Damage::Flip),
        2 => rubbish().prop_map(Damage::Insert),
        1 => Just(Damage::Remove),
        1 => Just(Damage::Truncate),
    ]
}

/// Now and then a new size for the table.
fn sizes() -> impl Strategy<Value = Option<u32>> {
    prop_oneof![4 => Just(None), 1 => select(vec![0, 40, 100, 500, TABLE]).prop_map(Some)]
}

/// Names and values from a small stock, so that tables hit and evict, and now and then any octets at all.
fn section(least: usize) -> impl Strategy<Value = Pairs> {
    let names =
        vec![":method", ":path", ":status", "cookie", "accept", "x-a", "x-bb", "date", "authorization", "x-long-name"];
    let name = prop_oneof![
        6 => select(names).prop_map(|name| name.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..40),
    ];
    let value = prop_oneof![
        4 => (0..30_u32).prop_map(|number| format!("value {number}").into_bytes()),
        2 => (0..8_usize).prop_map(|number| vec![b'v'; number * 150]),
        1 => vec(any::<u8>(), 0..300),
    ];
    vec((name, value), least..12)
}

/// Octets among which those that begin representations, integers and short strings are frequent.
fn rubbish() -> impl Strategy<Value = u8> {
    let telling = vec![
        0x82, 0xbe, 0xbf, 0x40, 0x41, 0x7e, 0x10, 0x04, 0x20, 0x3f, 0x01, 0x02, 0x00, 0x80, 0x83, 0x1f, 0x7f, 0xff,
        0x0f,
    ];
    prop_oneof![3 => select(telling), 1 => any::<u8>()]
}

fn fields_of(section: &Pairs) -> Fields {
    section.iter().map(|(name, value)| (name.as_slice(), value.as_slice())).collect()
}

fn pairs(fields: &Fields) -> Pairs {
    fields.iter().map(|field| (field.name.to_vec(), field.value.to_vec())).collect()
}
