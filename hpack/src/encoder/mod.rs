//! The encoder (RFC 7541 §3, §6): a field section becomes a field block, and the dynamic table follows. What to put into
//! the table is decided in `policy.rs`; where things stand in it is remembered in `lookup.rs`.

mod lookup;
mod policy;

use crate::dynamic_table::{DynamicTable, Inserted, Name};
use crate::fields::{Field, Fields};
use crate::{huffman, integer, static_table};
use lookup::Lookup;
use policy::{Decision, Policy};

/// Encodes the field blocks of one direction of a connection.
pub struct Encoder {
    table: DynamicTable,
    lookup: Lookup,
    policy: Policy,
    /// Our own bound on the table, whatever the peer allows (it would be the peer's way to make us use memory).
    cap: u32,
    update: Update,
    changes: u32,
}

/// What the next block must say about the table's size.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Update {
    /// Nothing: both sides agree.
    None,
    /// The table has a new maximum, and was to have `smallest` in between.
    Due { smallest: u32, last: u32 },
}

impl Encoder {
    /// An encoder whose table never exceeds `max_table_size` octets, whatever the peer allows. The peer is taken to allow
    /// 4,096, as on a new connection (RFC 9113 §6.5.2).
    #[must_use]
    pub fn new(max_table_size: u32) -> Encoder {
        let mut encoder = Encoder {
            table: DynamicTable::new(INITIAL_TABLE_SIZE),
            lookup: Lookup::default(),
            policy: Policy::default(),
            cap: max_table_size,
            update: Update::None,
            changes: 0,
        };
        encoder.set_max_table_size(INITIAL_TABLE_SIZE);
        encoder
    }

    /// The peer's SETTINGS_HEADER_TABLE_SIZE has this value now. The next block says what is made of it, if it changes anything.
    pub fn set_max_table_size(&mut self, peer: u32) {
        let last = peer.min(self.cap);
        let smallest = match self.update {
            Update::None => last,
            Update::Due { smallest, .. } => smallest.min(last),
        };
        // A table that was never to be smaller than it is, and ends as it is, needs no word.
        let unchanged = last == self.table.max_size() && smallest >= last;
        self.update = if unchanged { Update::None } else { Update::Due { smallest, last } };
    }

    /// Appends the block for a field section to `out`. Blocks must be sent in the order in which they were encoded.
    pub fn encode(&mut self, fields: &Fields, out: &mut Vec<u8>) {
        if self.update != Update::None {
            self.encode_updates(out);
        }
        for field in fields {
            self.encode_field(&field, out);
        }
    }

    /// Octets that the dynamic table's entries count for (RFC 7541 §4.1).
    #[must_use]
    pub fn table_size(&self) -> u32 {
        self.table.size()
    }

    /// The dynamic table's maximum as the peer knows it from the blocks so far.
    #[must_use]
    pub fn table_max_size(&self) -> u32 {
        self.table.max_size()
    }

    /// How many entries the dynamic table has.
    #[must_use]
    pub fn table_len(&self) -> u32 {
        self.table.len()
    }

    /// A number that is different after a block that changed the table: as long as it stays, a block that changed nothing
    /// may be sent again as it is. Counts modulo 2^32.
    #[must_use]
    pub fn table_changes(&self) -> u32 {
        self.changes
    }

    /// RFC 7541 §4.2: the smallest maximum since the last block is said first, if the table has to shrink to it, then the last.
    fn encode_updates(&mut self, out: &mut Vec<u8>) {
        let Update::Due { smallest, last } = self.update else { return };
        if smallest < last && smallest < self.table.max_size() {
            self.encode_update(smallest, out);
        }
        if last != self.table.max_size() {
            self.encode_update(last, out);
        }
        self.update = Update::None;
    }

    fn encode_update(&mut self, size: u32, out: &mut Vec<u8>) {
        integer::encode(size, 5, 0x20, out);
        self.table.set_max_size(size);
        self.changes = self.changes.wrapping_add(1);
    }

    fn encode_field(&mut self, field: &Field<'_>, out: &mut Vec<u8>) {
        if policy::is_sensitive(field) {
            // RFC 7541 §7.1.3: neither put into a table nor compared with one.
            return self.encode_literal(field, lookup::name_hash(field), NEVER, out);
        }
        if let Some(index) = static_table::find(field.token, field.value) {
            return integer::encode(index, 7, 0x80, out);
        }
        let hashes = lookup::hash(field);
        if let Some(place) = self.lookup.find_field(&self.table, hashes, field) {
            self.policy.on_hit(field.token, hashes.name);
            return integer::encode(static_table::LENGTH + 1 + place, 7, 0x80, out);
        }
        match self.policy.decide(field, hashes, self.table.max_size()) {
            Decision::Literal => self.encode_literal(field, hashes.name, WITHOUT, out),
            Decision::Insert => {
                self.encode_literal(field, hashes.name, INCREMENTAL, out);
                if self.table.insert(field.token, Name::Octets(field.name), field.value, field.class)
                    == Inserted::Newest
                {
                    self.lookup.insert(hashes, self.table.len());
                }
                self.changes = self.changes.wrapping_add(1);
            }
        }
    }

    /// RFC 7541 §6.2: the name by index if either table has it.
    fn encode_literal(&mut self, field: &Field<'_>, name_hash: u32, kind: Kind, out: &mut Vec<u8>) {
        let (static_name, _) = static_table::range(field.token);
        let index = match static_name {
            0 => {
                self.lookup.find_name(&self.table, name_hash, field).map_or(0, |place| static_table::LENGTH + 1 + place)
            }
            index => u32::from(index),
        };
        integer::encode(index, kind.prefix_bits, kind.pattern, out);
        if index == 0 {
            huffman::encode_string(field.name, out);
        }
        huffman::encode_string(field.value, out);
    }
}

/// SETTINGS_HEADER_TABLE_SIZE before any SETTINGS (RFC 9113 §6.5.2).
const INITIAL_TABLE_SIZE: u32 = 4096;

/// A kind of literal field: the bits before its name index.
#[derive(Clone, Copy)]
struct Kind {
    pattern: u8,
    prefix_bits: u32,
}

const INCREMENTAL: Kind = Kind { pattern: 0x40, prefix_bits: 6 };
const WITHOUT: Kind = Kind { pattern: 0x00, prefix_bits: 4 };
const NEVER: Kind = Kind { pattern: 0x10, prefix_bits: 4 };
