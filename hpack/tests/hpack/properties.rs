//! Properties that hold for all fields, all sizes and all ways to cut a block.

use crate::common::{WIDE, decode, pairs};
use pellucid_hpack::{Decoder, Encoder, Error, Fields, Limits, Section};
use proptest::collection::vec;
use proptest::prelude::*;

/// What happens on a connection, as far as compression is concerned.
#[derive(Clone, Debug)]
enum Step {
    Section(Vec<(Vec<u8>, Vec<u8>)>),
    Setting(u32),
}

/// Names and values from a small stock, so that tables hit and evict, and now and then any octets at all.
fn field() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    let name = prop_oneof![
        4 => prop::sample::select(vec![":method", ":path", "cookie", "accept", "x-a", "x-bb", "date", "authorization"])
            .prop_map(|name| name.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..40),
    ];
    let value = prop_oneof![
        4 => (0..30_u32).prop_map(|number| format!("value {number}").into_bytes()),
        2 => (0..8_usize).prop_map(|number| vec![b'v'; number * 40]),
        1 => vec(any::<u8>(), 0..300),
    ];
    (name, value)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        5 => vec(field(), 0..12).prop_map(Step::Section),
        1 => prop::sample::select(vec![0, 40, 100, 500, 4096, 65536]).prop_map(Step::Setting),
    ];
    vec(step, 1..30)
}

fn section_of(pairs: &[(Vec<u8>, Vec<u8>)]) -> Fields {
    pairs.iter().map(|(name, value)| (name.as_slice(), value.as_slice())).collect()
}

/// The outcome of decoding blocks cut in some way: fields, what `finish` said, and the table.
type Outcome = (Vec<(Fields, Section)>, Option<Error>, Vec<(u32, Vec<u8>, Vec<u8>)>);

fn outcome(blocks: &[Vec<u8>], limits: &Limits, cut: impl Fn(usize) -> usize) -> Outcome {
    let mut decoder = Decoder::new(4096);
    let mut sections = Vec::new();
    let mut error = None;
    for block in blocks {
        let mut stored = Fields::new();
        let mut rest = block.as_slice();
        while !rest.is_empty() {
            let (fragment, left) = rest.split_at(cut(rest.len()).clamp(1, rest.len()));
            rest = left;
            error = error.or(decoder.decode(fragment, &mut stored, limits).err());
        }
        match decoder.finish() {
            Ok(section) => sections.push((stored, section)),
            Err(failed) => error = error.or(Some(failed)),
        }
    }
    let table = decoder.table().map(|(index, field)| (index, field.name.to_vec(), field.value.to_vec())).collect();
    (sections, error, table)
}

proptest! {
    /// Whatever goes into an encoder comes out of a decoder, while the setting changes; both tables stay the same.
    ///
    /// Covers 7541:2.1-1, 7541:2.1-2, 7541:4.2-1
    #[test]
    fn round_trip(cap in prop::sample::select(vec![0, 100, 4096, 65536]), steps in steps()) {
        let mut encoder = Encoder::new(cap);
        let mut decoder = Decoder::new(4096);
        for step in steps {
            match step {
                Step::Setting(size) => {
                    decoder.set_max_table_size(size);
                    encoder.set_max_table_size(size);
                }
                Step::Section(section) => {
                    let expected = section_of(&section);
                    let mut block = Vec::new();
                    encoder.encode(&expected, &mut block);
                    let decoded = decode(&mut decoder, &block, usize::MAX);
                    prop_assert_eq!(decoded.as_ref().map(pairs), Ok(pairs(&expected)));
                    // Class and token are found out by both ways to make a field.
                    for (ours, theirs) in expected.iter().zip(decoded.iter().flatten()) {
                        prop_assert_eq!((ours.class, ours.token), (theirs.class, theirs.token));
                    }
                    prop_assert_eq!(encoder.table_size(), decoder.table_size());
                    prop_assert!(encoder.table_size() <= cap.min(encoder.table_max_size()));
                }
            }
        }
    }

    /// Any split of a block gives the same fields, the same table and the same error (RFC 9113 §4.3).
    #[test]
    fn fragments_do_not_matter(sections in vec(vec(field(), 0..8), 1..6), cuts in vec(0..40_usize, 1..20)) {
        let mut encoder = Encoder::new(4096);
        let blocks: Vec<Vec<u8>> = sections.iter().map(|section| {
            let mut block = Vec::new();
            encoder.encode(&section_of(section), &mut block);
            block
        }).collect();
        let whole = outcome(&blocks, &WIDE, |rest| rest);
        prop_assert_eq!(whole.1, None);
        prop_assert_eq!(&whole, &outcome(&blocks, &WIDE, |_| 1));
        prop_assert_eq!(&whole, &outcome(&blocks, &WIDE, |rest| cuts[rest % cuts.len()]));
    }

    /// The same for octets that no encoder would send; and whatever they are, limits hold and nothing panics.
    ///
    /// Covers 9110:2.3-1
    #[test]
    fn fragments_do_not_matter_for_rubbish(blocks in vec(vec(rubbish(), 0..60), 1..5), cuts in vec(0..9_usize, 1..9)) {
        let limits = Limits { max_size: 300, max_fields: 5, max_string: 40 };
        let whole = outcome(&blocks, &limits, |rest| rest);
        for (stored, section) in &whole.0 {
            prop_assert!(stored.size() <= limits.max_size && stored.len() <= 5);
            prop_assert_eq!(section.over.is_none(), stored.len() as u32 == section.fields);
        }
        prop_assert_eq!(&whole, &outcome(&blocks, &limits, |_| 1));
        prop_assert_eq!(&whole, &outcome(&blocks, &limits, |rest| cuts[rest % cuts.len()]));
    }

    /// The dynamic table against the plainest model of RFC 7541 §4: a list of fields, newest first.
    ///
    /// Covers 7541:2.3.2-1, 7541:3.2-1, 7541:4.1-1, 7541:4.4-1, 7541:4.4-2
    #[test]
    fn the_table_is_a_list_with_eviction(max_size in 0..300_u32, inserts in vec((0..3_usize, 0..8_u8, 0..120_usize), 0..80)) {
        let mut decoder = Decoder::new(max_size);
        let mut model: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        for (kind, digit, length) in inserts {
            let value = vec![b'0' + digit; length];
            let mut block = Vec::new();
            // A new name, the name of the oldest entry, or that of the newest.
            let name = match (kind, model.is_empty()) {
                (1, false) => {
                    pellucid_hpack::integer::encode(61 + model.len() as u32, 6, 0x40, &mut block);
                    model[model.len() - 1].0.clone()
                }
                (2, false) => {
                    block.push(0x40 | 62);
                    model[0].0.clone()
                }
                _ => {
                    block.extend([0x40, 2, b'n', digit]);
                    vec![b'n', digit]
                }
            };
            pellucid_hpack::integer::encode(length as u32, 7, 0, &mut block);
            block.extend(&value);
            let decoded = decode(&mut decoder, &block, usize::MAX);
            prop_assert_eq!(decoded.as_ref().map(pairs), Ok(vec![(name.as_slice(), value.as_slice())]));
            model.insert(0, (name, value));
            let mut size = 0;
            model.retain(|(name, value)| {
                size += 32 + name.len() + value.len();
                size <= max_size as usize
            });
            let table: Vec<_> = decoder.table().map(|(_, field)| (field.name.to_vec(), field.value.to_vec())).collect();
            prop_assert_eq!(table, model.clone());
        }
    }
}

/// Octets among which those that begin representations and short strings are frequent.
fn rubbish() -> impl Strategy<Value = u8> {
    prop_oneof![
        3 => prop::sample::select(vec![0x82, 0xbe, 0x40, 0x41, 0x7e, 0x10, 0x04, 0x20, 0x3f, 0x01, 0x02, 0x00, 0x83, 0x1f, 0x7f]),
        1 => any::<u8>(),
    ]
}
