//! The field blocks of one side, taken apart: every representation, and what each does to the dynamic table
//! (RFC 7541 §3.2, §4.4).
//!
//! The idea: the decoder cares not where a block is cut, so it is fed octet by octet. Each call then ends at most one
//! representation, and comparing the table before and after shows what that one did. A list of the entries' names runs
//! beside the table to say which have left.
//!
//! Where octets are missing, the table is not known, yet every index must still lead somewhere. So it is filled with
//! blanks: entries without name and value, which new ones push out as they do the old ones in the peer's table. An index
//! that leads to a blank is told as unknown, and every other one as what it is. That holds whatever the old entries were:
//! the newest stand in front, and what the peer has evicted it cannot refer to.

use std::collections::VecDeque;

use pellucid_frame::StreamId;
use pellucid_hpack::{Coding, Decoder, Field, Indexing, Limits, NameCoding, Representation, Sink};

use super::half::UNSEEN_TABLE_SIZE;
use super::record::{Block, Coded, Outcome, Step, Table};
use crate::h2::Violation;

/// The HPACK state of one side.
pub(super) struct Blocks {
    decoder: Decoder,
    /// The names of the table's entries, newest first.
    names: VecDeque<Box<[u8]>>,
    /// The stream of a field block whose end is still to come.
    open: Option<StreamId>,
    past: Past,
}

/// Whether all that has gone through the table was seen.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Past {
    Seen,
    /// The table is full of blanks, and no block has come since.
    Blank,
    /// The table was filled with blanks: an entry without a name is one, or has taken its name from one.
    Missing,
}

impl Blocks {
    /// State as on a new connection, except that the sender's encoder may use so much table.
    pub(super) fn new(max_table_size: u32) -> Self {
        let mut decoder = Decoder::new(FIRST_TABLE_SIZE);
        decoder.set_max_table_size(max_table_size);
        Self { decoder, names: VecDeque::new(), open: None, past: Past::Seen }
    }

    /// Octets are missing: from here on the table holds blanks for what is not known.
    pub(super) fn forget(&mut self) {
        self.open = None;
        if self.past == Past::Blank {
            return;
        }
        let mut decoder = Decoder::new(UNSEEN_TABLE_SIZE);
        let blanks = BLANK.repeat(BLANKS);
        let filled = decoder.decode_with(&blanks, &mut Found(None), &LIMITS).and_then(|()| decoder.finish());
        debug_assert!(filled.is_ok(), "blanks are fields like others");
        let names = decoder.table().map(|_| Box::default()).collect();
        *self = Self { decoder, names, open: None, past: Past::Blank };
    }

    /// The other side's SETTINGS_HEADER_TABLE_SIZE is in force.
    pub(super) fn set_max_table_size(&mut self, octets: u32) {
        self.decoder.set_max_table_size(octets);
    }

    /// The stream whose field block has begun and not ended: only its CONTINUATION may come now (RFC 9113 §6.10).
    pub(super) fn open(&self) -> Option<StreamId> {
        self.open
    }

    /// A frame's part of the block of `stream`, which goes on after it.
    pub(super) fn part(&mut self, stream: StreamId, fragment: &[u8]) -> (Block, Option<Violation>) {
        self.open = Some(stream);
        let mut block = Block::default();
        let violation = self.fragment(fragment, &mut block.steps).err();
        (block, violation)
    }

    /// A frame's part of a block, which ends with it.
    pub(super) fn last_part(&mut self, fragment: &[u8]) -> (Block, Option<Violation>) {
        self.open = None;
        let mut block = Block::default();
        let result = self.fragment(fragment, &mut block.steps).and_then(|()| self.outcome());
        let violation = result.err();
        block.outcome = result.ok();
        (block, violation)
    }

    fn fragment(&mut self, fragment: &[u8], steps: &mut Vec<Step>) -> Result<(), Violation> {
        if self.past == Past::Blank {
            self.past = Past::Missing;
        }
        for octet in fragment.chunks(1) {
            let entries = self.decoder.table_len();
            let mut found = Found(None);
            self.decoder.decode_with(octet, &mut found, &LIMITS).map_err(Violation::Compression)?;
            if let Some(coded) = found.0 {
                steps.push(self.step(coded, entries));
            }
        }
        Ok(())
    }

    /// What a representation has done to a table that had so many entries before it.
    fn step(&mut self, coded: Coded, entries: u32) -> Step {
        let mut added = false;
        if let Coded::Field { name, value, representation, .. } = &coded
            && let Coding::Literal { indexing: Indexing::Incremental, .. } = representation.coding
        {
            // RFC 7541 §4.4: a field larger than the whole table empties it and is not added.
            added = Field::new(name, value).size() <= self.decoder.table_max_size().into();
            if added {
                self.names.push_front(name.clone());
            }
        }
        let left = (entries + u32::from(added)).saturating_sub(self.decoder.table_len());
        let mut evicted: Vec<_> = (0..left).map_while(|_| self.names.pop_back()).collect();
        if self.past == Past::Seen {
            return Step { coded, added, evicted };
        }
        evicted.retain(|name| !name.is_empty());
        Step { coded: without_blanks(coded), added, evicted }
    }

    fn outcome(&mut self) -> Result<Outcome, Violation> {
        let section = self.decoder.finish().map_err(Violation::Compression)?;
        if section.over.is_some() {
            // Fields beyond the limits were not told of, and may have changed the table.
            self.names = self.decoder.table().map(|(_, field)| field.name.into()).collect();
        }
        let (size, max_size) = (self.decoder.table_size(), self.decoder.table_max_size());
        let table = Table { entries: self.decoder.table_len(), size, max_size };
        Ok(Outcome { section, table: (self.past == Past::Seen).then_some(table) })
    }
}

/// A field as it is known where a dynamic entry without a name stands for one that is not.
fn without_blanks(coded: Coded) -> Coded {
    let Coded::Field { name, value, representation, sensitive } = coded else { return coded };
    let (index, is_whole) = match representation.coding {
        Coding::Indexed { index } => (index, true),
        Coding::Literal { name: NameCoding::Indexed { index }, .. } => (index, false),
        Coding::Literal { .. } => (0, false),
    };
    if index < FIRST_DYNAMIC || !name.is_empty() {
        return Coded::Field { name, value, representation, sensitive };
    }
    let value = if is_whole && value.is_empty() { None } else { Some(value) };
    Coded::Unknown { value, representation }
}

/// The one representation that an octet may end.
struct Found(Option<Coded>);

impl Sink for Found {
    fn field(&mut self, field: &Field<'_>, representation: &Representation) {
        self.0 = Some(Coded::Field {
            name: field.name.into(),
            value: field.value.into(),
            sensitive: field.sensitive,
            representation: *representation,
        });
    }

    fn size_update(&mut self, max_size: u32) {
        self.0 = Some(Coded::SizeUpdate(max_size));
    }
}

/// RFC 9113 §6.5.2: the dynamic table of a new connection.
pub(super) const FIRST_TABLE_SIZE: u32 = 4_096;

/// What is told of one field section. Stops small blocks that expand without bound from filling memory; far above what
/// connections accept, so that whatever they take is shown.
const LIMITS: Limits = Limits { max_size: 1 << 20, max_fields: 4_096, max_string: 1 << 20 };

/// RFC 7541 §6.2.1: a field to be added, with an empty name and an empty value.
const BLANK: &[u8] = b"\x40\x00\x00";

/// Entries of a full table of 64 KiB, the largest that is usual: each counts for at least 32 octets (RFC 7541 §4.1).
const BLANKS: usize = (64 << 10) / 32;

/// RFC 7541 §2.3.3: where the dynamic table begins.
const FIRST_DYNAMIC: u32 = 62;

#[cfg(test)]
mod tests {
    use pellucid_hpack::{Encoder, Fields};
    use proptest::prelude::*;

    use super::*;

    fn blocks_of(fragment: &[u8]) -> (Blocks, Block, Option<Violation>) {
        let mut blocks = Blocks::new(FIRST_TABLE_SIZE);
        let (block, violation) = blocks.last_part(fragment);
        (blocks, block, violation)
    }

    proptest! {
        /// The list of names stays beside the table, and every field is told of, whatever an encoder does.
        #[test]
        fn names_run_beside_the_table(
            sections in proptest::collection::vec(
                (proptest::collection::vec(("[a-c]{1,3}|cookie|:path|te", "[a-z]{0,60}"), 0..12), 0_u32..400),
                1..12,
            ),
        ) {
            let mut encoder = Encoder::new(4_096);
            let mut blocks = Blocks::new(FIRST_TABLE_SIZE);
            for (section, table_size) in sections {
                encoder.set_max_table_size(table_size);
                blocks.set_max_table_size(table_size);
                let mut fields = Fields::new();
                section.iter().for_each(|(name, value)| fields.push(name.as_bytes(), value.as_bytes()));
                let mut wire = Vec::new();
                encoder.encode(&fields, &mut wire);
                let (block, violation) = blocks.last_part(&wire);
                prop_assert_eq!(violation, None);
                let mut told = Fields::new();
                for step in &block.steps {
                    if let Coded::Field { name, value, .. } = &step.coded {
                        told.push(name, value);
                    }
                }
                prop_assert_eq!(told, fields);
                let names: Vec<&[u8]> = blocks.names.iter().map(|name| &**name).collect();
                let table: Vec<&[u8]> = blocks.decoder.table().map(|(_, field)| field.name).collect();
                prop_assert_eq!(names, table);
                prop_assert_eq!(block.outcome.and_then(|outcome| outcome.table).map(|table| table.entries), Some(encoder.table_len()));
            }
        }
    }

    #[test]
    fn a_field_larger_than_the_table_empties_it() {
        let (blocks, block, violation) = blocks_of(b"\x3f\x09\x40\x01a\x01b\x40\x01c\x0812345678");
        assert_eq!(violation, None);
        let steps: Vec<_> = block.steps.iter().map(|step| (step.added, step.evicted.as_slice())).collect();
        assert_eq!(steps, [(false, [].as_slice()), (true, &[]), (false, &[b"a".as_slice().into()])]);
        assert!(blocks.names.is_empty());
    }

    #[test]
    fn names_are_right_again_after_a_section_over_the_limits() {
        // One field more than is told of, and it goes into the table.
        let limit = usize::try_from(LIMITS.max_fields).unwrap();
        let (mut blocks, block, violation) = blocks_of(&[vec![0x82; limit].as_slice(), b"\x40\x01a\x01b"].concat());
        assert_eq!((block.steps.len(), violation), (limit, None));
        assert_eq!(blocks.names, [b"a".as_slice().into()]);
        let (block, violation) = blocks.last_part(b"\x20\xbe");
        assert_eq!(violation, Some(Violation::Compression(pellucid_hpack::Error::IndexBeyondTable)));
        assert_eq!(block.steps[0].evicted, [b"a".as_slice().into()]);
    }
}
