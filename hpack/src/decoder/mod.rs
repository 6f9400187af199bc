//! The decoder (RFC 7541 §3, §6): fragments of a field block go in, fields come out, and the dynamic table follows.
//!
//! ```text
//! 1xxxxxxx  an indexed field                 x: index in both tables           §6.1
//! 01xxxxxx  a literal field, to be inserted  x: index of the name, 0 if it     §6.2.1
//! 0000xxxx  … not to be inserted                follows as a string; then the  §6.2.2
//! 0001xxxx  … never to be, on any hop           value as a string              §6.2.3
//! 001xxxxx  a new maximum for the table      x: octets                         §6.3
//! ```
//!
//! A block arrives in fragments cut anywhere. What is left of an incomplete representation is kept, together with the number
//! of octets before which it is no use to look again: the next octet of an integer, or the end of a string whose length is known.
//! So each octet is copied at most once and no string is decoded twice, however the block is cut.
//!
//! The decoder yields octets as they are. Whether they make a valid HTTP message is decided elsewhere: a malformed field
//! concerns one stream, but a decoder that stopped at it would lose the state that all streams share.

mod literal;
mod sink;
mod string;

pub use sink::{Coding, Indexing, NameCoding, Representation, Sink, StringCoding};

use crate::class::Class;
use crate::dynamic_table::{DynamicTable, Name};
use crate::error::Error;
use crate::fields::{Field, Fields};
use crate::integer;
use crate::static_table;
use literal::{LiteralField, NameSource};

/// Decodes the field blocks of one direction of a connection.
pub struct Decoder {
    table: DynamicTable,
    /// The acknowledged SETTINGS_HEADER_TABLE_SIZE: no update may exceed it.
    acknowledged: u32,
    /// The next block must begin with an update to this size or less.
    required_update: Option<u32>,
    position: Position,
    /// The beginning of a representation whose end is still to come, and how many octets of it there must be before it is
    /// worth looking at it again.
    pending: Vec<u8>,
    needed: usize,
    /// Where Huffman strings are expanded.
    scratch: Vec<u8>,
    section: Section,
    failed: Option<Error>,
}

/// What is accepted of one field section. Sizes count as in RFC 7541 §4.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Octets of names and values and 32 a field that are stored; the first field beyond it ends storing, not decoding. Stops
    /// small blocks that expand without bound.
    pub max_size: u32,
    /// Fields that are stored, likewise. Stops floods of tiny fields, whose cost is in their number.
    pub max_fields: u32,
    /// Octets of a string literal, as declared and once expanded; more is an error. Stops buffering without bound.
    pub max_string: u32,
}

impl Default for Limits {
    /// 16 KiB, 384 fields, strings of 16 KiB.
    fn default() -> Limits {
        Limits { max_size: 16 * 1024, max_fields: 384, max_string: 16 * 1024 }
    }
}

/// What a whole block contained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// The size of all fields (RFC 7541 §4.1), stored or not.
    pub size: u64,
    /// How many fields there were, stored or not.
    pub fields: u32,
    /// The limit because of which fields were not stored, if any.
    pub over: Option<Over>,
}

/// A limit that a section exceeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Over {
    /// [`Limits::max_size`].
    Size,
    /// [`Limits::max_fields`].
    Count,
}

/// Where in a block the decoder stands: size updates are allowed at the start only (RFC 7541 §4.2).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    Start { updates: u8 },
    Fields,
}

/// The result of looking at the front of some octets.
enum Progress<T> {
    Ready(T),
    /// So many octets are needed in all before it is worth looking again.
    Need(usize),
}

impl Decoder {
    /// A decoder whose table has this maximum size: 4,096 on a new connection (RFC 9113 §6.5.2).
    #[must_use]
    pub fn new(max_table_size: u32) -> Decoder {
        Decoder {
            table: DynamicTable::new(max_table_size),
            acknowledged: max_table_size,
            required_update: None,
            position: Position::Start { updates: 0 },
            pending: Vec::new(),
            needed: 0,
            scratch: Vec::new(),
            section: Section::default(),
            failed: None,
        }
    }

    /// The peer has acknowledged this SETTINGS_HEADER_TABLE_SIZE: from the next block on its encoder may use as much, and if
    /// that is less than the table's present maximum the block must say so.
    pub fn set_max_table_size(&mut self, max_table_size: u32) {
        self.acknowledged = max_table_size;
        // RFC 9113 §4.3.1, RFC 7541 §4.2: a reduction must be answered by an update; of several the smallest counts.
        if max_table_size < self.required_update.unwrap_or(self.table.max_size()) {
            self.required_update = Some(max_table_size);
        }
    }

    /// Decodes one fragment of the current block and appends its fields to `fields`. The fragment may end anywhere.
    ///
    /// # Errors
    /// Any [`Error`] except `Truncated`; from then on every call gives the same error.
    pub fn decode(&mut self, fragment: &[u8], fields: &mut Fields, limits: &Limits) -> Result<(), Error> {
        self.decode_with(fragment, fields, limits)
    }

    /// Like [`decode`](Decoder::decode), for a receiver other than a [`Fields`].
    ///
    /// # Errors
    /// As `decode`.
    pub fn decode_with(&mut self, fragment: &[u8], sink: &mut impl Sink, limits: &Limits) -> Result<(), Error> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let result = self.fragment(fragment, sink, limits);
        self.failed = result.err();
        result
    }

    /// Ends the block and says what it contained. The decoder is ready for the next one.
    ///
    /// # Errors
    /// `Truncated` when the block ends inside a representation, `MissingSizeUpdate` when it was empty though an update was due,
    /// or the error that decoding has already given.
    pub fn finish(&mut self) -> Result<Section, Error> {
        let error = match self.failed {
            Some(error) => Some(error),
            None if !self.pending.is_empty() => Some(Error::Truncated),
            None if self.required_update.is_some() => Some(Error::MissingSizeUpdate),
            None => None,
        };
        self.failed = error;
        self.position = Position::Start { updates: 0 };
        for buffer in [&mut self.pending, &mut self.scratch] {
            if buffer.capacity() > KEPT_BUFFER {
                *buffer = Vec::new();
            }
        }
        let section = std::mem::take(&mut self.section);
        error.map_or(Ok(section), Err)
    }

    /// Octets that the dynamic table's entries count for.
    #[must_use]
    pub fn table_size(&self) -> u32 {
        self.table.size()
    }

    /// The dynamic table's present maximum, as the peer's encoder has chosen it.
    #[must_use]
    pub fn table_max_size(&self) -> u32 {
        self.table.max_size()
    }

    /// How many entries the dynamic table has.
    #[must_use]
    pub fn table_len(&self) -> u32 {
        self.table.len()
    }

    /// The entries of the dynamic table, newest first, with the indices they have at present.
    pub fn table(&self) -> impl Iterator<Item = (u32, Field<'_>)> {
        (0..self.table.len()).filter_map(|place| Some((static_table::LENGTH + 1 + place, self.table.get(place)?)))
    }

    fn fragment(&mut self, fragment: &[u8], sink: &mut impl Sink, limits: &Limits) -> Result<(), Error> {
        let mut rest = if self.pending.is_empty() { fragment } else { self.complete_pending(fragment, sink, limits)? };
        while !rest.is_empty() {
            match self.representation(rest, sink, limits)? {
                Progress::Ready(taken) => rest = rest.get(taken..).unwrap_or_default(),
                Progress::Need(needed) => {
                    self.needed = needed;
                    self.pending.extend_from_slice(rest);
                    break;
                }
            }
        }
        Ok(())
    }

    /// Goes on with a representation whose beginning came earlier, and gives what follows it in `fragment`.
    #[inline(never)]
    fn complete_pending<'a>(
        &mut self,
        fragment: &'a [u8],
        sink: &mut impl Sink,
        limits: &Limits,
    ) -> Result<&'a [u8], Error> {
        let mut rest = fragment;
        while !self.pending.is_empty() {
            let missing = self.needed.saturating_sub(self.pending.len());
            let Some((taken, left)) = rest.split_at_checked(missing) else {
                self.pending.extend_from_slice(rest);
                return Ok(&[]);
            };
            rest = left;
            let mut pending = std::mem::take(&mut self.pending);
            pending.extend_from_slice(taken);
            // What was needed was the least there could be, so a representation that is complete takes all of it.
            match self.representation(&pending, sink, limits)? {
                Progress::Ready(taken) => {
                    debug_assert_eq!(taken, pending.len());
                    pending.clear();
                }
                Progress::Need(needed) => self.needed = needed,
            }
            self.pending = pending;
        }
        Ok(rest)
    }

    /// Decodes the representation at the front of `octets` and says how long it was.
    #[inline(always)]
    fn representation(
        &mut self,
        octets: &[u8],
        sink: &mut impl Sink,
        limits: &Limits,
    ) -> Result<Progress<usize>, Error> {
        let first = octets.first().copied().unwrap_or_default();
        if first & 0xe0 == 0x20 {
            return self.size_update(octets, sink);
        }
        if self.position != Position::Fields {
            // RFC 9113 §4.3.1: the first block after an acknowledged reduction begins with an update.
            if self.required_update.is_some() {
                return Err(Error::MissingSizeUpdate);
            }
            self.position = Position::Fields;
        }
        match first {
            0x80.. => self.indexed(octets, sink, limits),
            0x40.. => self.literal(octets, Indexing::Incremental, sink, limits),
            0x10.. => self.literal(octets, Indexing::Never, sink, limits),
            _ => self.literal(octets, Indexing::Without, sink, limits),
        }
    }

    /// RFC 7541 §6.3: a new maximum for the dynamic table.
    #[inline(never)]
    fn size_update(&mut self, octets: &[u8], sink: &mut impl Sink) -> Result<Progress<usize>, Error> {
        // RFC 7541 §4.2: updates stand at the beginning of a block.
        let Position::Start { updates } = self.position else { return Err(Error::SizeUpdateAfterField) };
        if updates >= MAX_SIZE_UPDATES {
            return Err(Error::TooManySizeUpdates);
        }
        let Some((size, taken)) = integer::decode(octets, 5)? else { return Ok(Progress::Need(octets.len() + 1)) };
        if size > self.acknowledged {
            return Err(Error::SizeUpdateTooLarge);
        }
        // RFC 7541 §4.2: the smallest maximum between two blocks is the one that must be heard first.
        if self.required_update.take().is_some_and(|required| size > required) {
            return Err(Error::MissingSizeUpdate);
        }
        self.position = Position::Start { updates: updates + 1 };
        self.table.set_max_size(size);
        sink.size_update(size);
        Ok(Progress::Ready(taken))
    }

    /// RFC 7541 §6.1: name and value from a table.
    #[inline(always)]
    fn indexed(&mut self, octets: &[u8], sink: &mut impl Sink, limits: &Limits) -> Result<Progress<usize>, Error> {
        let Some((index, taken)) = integer::decode(octets, 7)? else { return Ok(Progress::Need(octets.len() + 1)) };
        let field = lookup(&self.table, index)?;
        if self.section.admit(&field, limits) {
            sink.field(&field, &Representation { coding: Coding::Indexed { index }, octets: taken });
        }
        Ok(Progress::Ready(taken))
    }

    /// RFC 7541 §6.2: a value, and a name from a table or literal, in one of three kinds.
    #[inline(never)]
    fn literal(
        &mut self,
        octets: &[u8],
        indexing: Indexing,
        sink: &mut impl Sink,
        limits: &Limits,
    ) -> Result<Progress<usize>, Error> {
        let literal = match LiteralField::find(octets, indexing, limits)? {
            Progress::Ready(literal) => literal,
            Progress::Need(needed) => return Ok(Progress::Need(needed)),
        };
        // Everything is there: nothing above was expensive, nothing below is done twice.
        let name_end = match &literal.name {
            NameSource::Literal(name) => name.expand(octets, &mut self.scratch, 0, limits)?,
            NameSource::Index(_) => 0,
        };
        let value_end = literal.value.expand(octets, &mut self.scratch, name_end, limits)?;
        let expanded_name = self.scratch.get(..name_end).unwrap_or_default();
        let expanded_value = self.scratch.get(name_end..value_end).unwrap_or_default();
        let value = literal.value.octets(octets, expanded_value);
        let (field, insertion) = match &literal.name {
            NameSource::Literal(name) => {
                let name = name.octets(octets, expanded_name);
                (Field::new(name, value), Name::Octets(name))
            }
            NameSource::Index(index) => {
                let named = lookup(&self.table, *index)?;
                let class = named.class.name_part().union(Class::of_value(value));
                (Field { value, class, ..named }, Name::Entry(index.saturating_sub(static_table::LENGTH + 1)))
            }
        };
        let (token, class) = (field.token, field.class);
        if self.section.admit(&field, limits) {
            let sensitive = indexing == Indexing::Never;
            sink.field(&Field { sensitive, ..field }, &literal.representation());
        }
        if indexing == Indexing::Incremental {
            self.table.insert(token, insertion, value, class);
        }
        Ok(Progress::Ready(literal.value.end))
    }
}

/// The field at an index of both tables (RFC 7541 §2.3.3).
#[inline]
fn lookup(table: &DynamicTable, index: u32) -> Result<Field<'_>, Error> {
    if let Some(field) = static_table::get(index) {
        let name = field.token.name().unwrap_or_default();
        return Ok(Field { name, value: field.value, token: field.token, class: field.class, sensitive: false });
    }
    // RFC 7541 §6.1: index 0 is an error, and so is one beyond both tables (§2.3.3).
    let place = index.checked_sub(static_table::LENGTH + 1).ok_or(Error::IndexZero)?;
    table.get(place).ok_or(Error::IndexBeyondTable)
}

impl Section {
    /// Counts a field and says whether it is to be stored. Both counts only grow, so a section that is over a limit stays so.
    #[inline(always)]
    fn admit(&mut self, field: &Field<'_>, limits: &Limits) -> bool {
        self.size += field.size();
        self.fields = self.fields.saturating_add(1);
        if self.size <= u64::from(limits.max_size) && self.fields <= limits.max_fields {
            return true;
        }
        self.note_over(limits);
        false
    }

    #[cold]
    fn note_over(&mut self, limits: &Limits) {
        let over = if self.fields > limits.max_fields { Over::Count } else { Over::Size };
        self.over.get_or_insert(over);
    }
}

/// Octets of a buffer that are kept between blocks: enough for the strings of ordinary requests, so that they allocate nothing, and
/// little enough for an idle connection.
const KEPT_BUFFER: usize = 4096;

/// Updates tolerated at the start of a block. Two are enough for any encoder (RFC 7541 §4.2); one more costs nothing.
const MAX_SIZE_UPDATES: u8 = 3;

#[cfg(test)]
mod tests;
