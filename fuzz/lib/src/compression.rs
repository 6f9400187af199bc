//! Field compression (RFC 7541): blocks of any octets decoded, fields encoded and decoded again.
//! Not for: what fields mean.

use pellucid_hpack::{
    Coding, Decoder, Encoder, Error, Fields, Indexing, Limits, NameCoding, Representation, Sink, StringCoding, huffman,
    integer,
};

use crate::{Chance, Seen};

/// Decodes blocks of any octets: whole, octet by octet, and cut at chance, under small and large limits.
///
/// The first three octets choose limits and cuts. Then come blocks, each behind an octet with its length; a length of 0 means that
/// SETTINGS_HEADER_TABLE_SIZE changes, and the octet after it says to what.
///
/// # Panics
/// When the cuts matter, a limit or a table's size does not hold, or what was decoded does not survive being encoded.
pub fn hpack_decode(input: &[u8]) -> Seen {
    let mut seen = Seen::new();
    let Some(([table, limits, cuts], rest)) = input.split_first_chunk() else { return seen };
    let limits = LIMITS[usize::from(*limits) % LIMITS.len()];
    let table = TABLES[usize::from(*table) % TABLES.len()];
    let blocks = Step::all(rest);
    let whole = Outcome::of(&blocks, table, &limits, |rest| rest, &mut seen);
    let by_octet = Outcome::of(&blocks, table, &limits, |_| 1, &mut Seen::new());
    assert_eq!(whole, by_octet, "octet by octet");
    let size = usize::from(*cuts) % 7 + 1;
    let cut = Outcome::of(&blocks, table, &limits, |rest| 1 + rest * 7 % size, &mut Seen::new());
    assert_eq!(whole, cut, "cut");
    whole.survives_encoding();
    strings_and_integers(rest, &mut seen);
    seen
}

/// A block, or a change of the setting between blocks.
enum Step<'a> {
    Block(&'a [u8]),
    Setting(u32),
}

impl<'a> Step<'a> {
    fn all(mut octets: &'a [u8]) -> Vec<Self> {
        let mut steps = Vec::new();
        while let Some((length, rest)) = octets.split_first() {
            if *length == 0 {
                let size = rest.first().map_or(0, |which| TABLES[usize::from(*which) % TABLES.len()]);
                steps.push(Step::Setting(size));
                octets = rest.get(1..).unwrap_or_default();
            } else {
                let (block, after) = rest.split_at(usize::from(*length).min(rest.len()));
                steps.push(Step::Block(block));
                octets = after;
            }
        }
        steps
    }
}

/// What decoding blocks comes to.
#[derive(Debug, PartialEq)]
struct Outcome {
    sections: Vec<Fields>,
    sizes: Vec<(u64, u32)>,
    error: Option<Error>,
    table: Vec<(u32, Vec<u8>, Vec<u8>)>,
}

impl Outcome {
    fn of(steps: &[Step<'_>], table: u32, limits: &Limits, cut: impl Fn(usize) -> usize, seen: &mut Seen) -> Self {
        let mut decoder = Decoder::new(4096);
        decoder.set_max_table_size(table);
        let (mut acknowledged, mut failed) = (table, None);
        let mut outcome = Self { sections: Vec::new(), sizes: Vec::new(), error: None, table: Vec::new() };
        for step in steps {
            let block = match step {
                Step::Setting(size) => {
                    acknowledged = *size;
                    decoder.set_max_table_size(*size);
                    continue;
                }
                Step::Block(block) => *block,
            };
            let mut sink = Noting { fields: Fields::new(), seen: &mut *seen };
            let mut rest = block;
            while !rest.is_empty() {
                let (fragment, after) = rest.split_at(cut(rest.len()).clamp(1, rest.len()));
                rest = after;
                let result = decoder.decode_with(fragment, &mut sink, limits).err();
                assert!(failed.is_none() || result == failed, "an error is for good");
                failed = failed.or(result);
            }
            let fields = sink.fields;
            assert!(fields.size() <= limits.max_size && fields.len() <= limits.max_fields as usize);
            match decoder.finish() {
                Ok(section) => {
                    assert!(failed.is_none() && decoder.table_max_size() <= acknowledged);
                    assert_eq!(section.over.is_none(), fields.len() == section.fields as usize);
                    seen.extend(section.over.map(|_| "over a limit"));
                    outcome.sizes.push((section.size, section.fields));
                    outcome.sections.push(fields);
                }
                Err(error) => {
                    assert!(failed.is_none_or(|failed| failed == error), "an error is for good");
                    failed = Some(error);
                    seen.insert(error.message());
                }
            }
            let sizes: u64 = decoder.table().map(|(_, field)| field.size()).sum();
            assert_eq!(sizes, u64::from(decoder.table_size()));
            assert!(decoder.table_size() <= decoder.table_max_size());
            assert_eq!(decoder.table().count(), decoder.table_len() as usize);
        }
        outcome.error = failed;
        let entries = decoder.table().map(|(index, field)| (index, field.name.to_vec(), field.value.to_vec()));
        outcome.table = entries.collect();
        outcome
    }

    /// Whatever was decoded can be encoded, and comes back; what must never be indexed still must not (RFC 7541 §7.1.3).
    fn survives_encoding(&self) {
        let (mut encoder, mut decoder) = (Encoder::new(4096), Decoder::new(4096));
        for fields in &self.sections {
            round_trip(fields, &mut encoder, &mut decoder);
        }
    }
}

/// Stores fields, and notes how they were written.
struct Noting<'a> {
    fields: Fields,
    seen: &'a mut Seen,
}

impl Sink for Noting<'_> {
    fn field(&mut self, field: &pellucid_hpack::Field<'_>, representation: &Representation) {
        self.fields.push_field(field);
        assert!(representation.octets > 0);
        let kind = match representation.coding {
            Coding::Indexed { index: ..=61 } => "static index",
            Coding::Indexed { .. } => "dynamic index",
            Coding::Literal { indexing, name, value } => {
                self.seen.insert(match name {
                    NameCoding::Indexed { .. } => "name by index",
                    NameCoding::Literal(_) => "name by letter",
                });
                self.seen.insert(if value == StringCoding::Huffman { "Huffman" } else { "raw" });
                match indexing {
                    Indexing::Incremental => "literal, inserted",
                    Indexing::Without => "literal",
                    Indexing::Never => "literal, never indexed",
                }
            }
        };
        self.seen.insert(kind);
    }

    fn size_update(&mut self, _: u32) {
        self.seen.insert("size update");
    }
}

/// The primitives by themselves: one way to write, and reading inverts it.
fn strings_and_integers(octets: &[u8], seen: &mut Seen) {
    let mut text = Vec::new();
    if huffman::decode(octets, &mut text).is_ok() {
        let mut code = Vec::new();
        huffman::encode(&text, &mut code);
        // RFC 7541 §5.2: padding is fewer than eight bits and all ones, so a text has one code.
        assert_eq!(code, octets);
        assert_eq!(huffman::encoded_len(&text), code.len());
        seen.insert("a Huffman code");
    }
    for prefix_bits in 1..=8 {
        if let Ok(Some((value, taken))) = integer::decode(octets, prefix_bits) {
            let mut again = Vec::new();
            integer::encode(value, prefix_bits, 0, &mut again);
            assert!(again.len() <= taken, "ours is the shortest");
            assert_eq!(integer::decode(&again, prefix_bits), Ok(Some((value, again.len()))));
        }
    }
}

/// Encodes fields from a small stock and of any octets, while the setting changes, and decodes them again.
///
/// # Panics
/// When the fields or the tables differ.
pub fn hpack_roundtrip(input: &[u8]) -> Seen {
    let mut seen = Seen::new();
    let mut chance = Chance::of_octets(input, 0);
    let cap = *chance.pick(&[0, 100, 4096, 65_536]);
    let (mut encoder, mut decoder) = (Encoder::new(cap), Decoder::new(4096));
    while !chance.is_used_up() {
        if chance.percent(10) {
            let size = *chance.pick(&TABLES);
            decoder.set_max_table_size(size);
            encoder.set_max_table_size(size);
            seen.insert("a setting");
            continue;
        }
        let mut fields = Fields::new();
        for _ in 0..chance.below(12) {
            any_field(&mut chance, &mut fields);
        }
        round_trip(&fields, &mut encoder, &mut decoder);
        assert!(encoder.table_size() <= cap.min(encoder.table_max_size()));
        seen.insert(if fields.is_empty() { "an empty section" } else { "a section" });
        seen.insert(if encoder.table_len() > 0 { "entries" } else { "an empty table" });
    }
    seen
}

fn round_trip(fields: &Fields, encoder: &mut Encoder, decoder: &mut Decoder) {
    let mut block = Vec::new();
    encoder.encode(fields, &mut block);
    let mut decoded = Fields::new();
    decoder.decode(&block, &mut decoded, &WIDE).expect("what we encode is right");
    let section = decoder.finish().expect("what we encode is whole");
    assert_eq!((section.size, section.fields), (u64::from(fields.size()), u32::try_from(fields.len()).unwrap()));
    for (before, after) in fields.iter().zip(decoded.iter()) {
        assert_eq!((before.name, before.value), (after.name, after.value));
        assert_eq!((before.token, before.class), (after.token, after.class), "both ways to make a field agree");
        assert!(after.sensitive || !before.sensitive, "what must never be indexed still must not");
    }
    assert_eq!(encoder.table_size(), decoder.table_size());
    assert_eq!(encoder.table_len(), decoder.table_len());
}

fn any_field(chance: &mut Chance, fields: &mut Fields) {
    let any = |chance: &mut Chance, most| -> Vec<u8> {
        (0..chance.below(most)).map(|_| u8::try_from(chance.below(256)).unwrap()).collect()
    };
    let name = if chance.percent(85) { chance.pick(&NAMES).as_bytes().to_vec() } else { any(chance, 40) };
    let value = match chance.below(8) {
        0..=3 => format!("value {}", chance.below(30)).into_bytes(),
        4..=5 => vec![b'v'; chance.below(8) * 40],
        6 => chance.pick(&["GET", "/", "200", "gzip, deflate", "https"]).as_bytes().to_vec(),
        _ => any(chance, 250),
    };
    if chance.percent(10) {
        fields.push_sensitive(&name, &value);
    } else {
        fields.push(&name, &value);
    }
}

const NAMES: [&str; 12] = [
    ":method",
    ":path",
    ":status",
    "cookie",
    "accept-encoding",
    "x-a",
    "x-bb",
    "date",
    "authorization",
    "set-cookie",
    "content-length",
    "",
];

const TABLES: [u32; 8] = [4096, 0, 33, 40, 100, 500, 16_384, 65_536];

const LIMITS: [Limits; 3] = [
    WIDE,
    Limits { max_size: 300, max_fields: 5, max_string: 40 },
    Limits { max_size: 0, max_fields: 0, max_string: 1 },
];

const WIDE: Limits = Limits { max_size: u32::MAX, max_fields: u32::MAX, max_string: u32::MAX };
