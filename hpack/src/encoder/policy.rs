//! What goes into the dynamic table (RFC 7541 §7.1 leaves it to the encoder).
//!
//! An insertion pays when the field comes back before it is evicted, and costs the eviction of others when it does not. The
//! policy keeps, for each name, how many of its insertions there were and how many hits they had:
//!
//! ```text
//! a name's fields are inserted at once    while   hits + credit ≥ insertions × PRICE
//! otherwise                               on second sight, if the same field was met not long ago
//! ```
//!
//! Ordinary names start with much credit, names whose values rarely repeat with little: a request's `:path` is worth an
//! insertion when it is always the same, as in gRPC, and not when every request has another. Memory is fixed in size and a
//! field costs a few instructions.
//!
//! Measured over the recorded stories (`cargo xtask hpack`): 0.29892 of the raw octets; inserting every field but those of the
//! names with little credit, as is common, gives 0.309.

use super::lookup::Hashes;
use crate::fields::Field;
use crate::token::Token;

/// What to do with a field that is in neither table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Decision {
    Insert,
    Literal,
}

/// What the policy remembers.
pub(super) struct Policy {
    names: [Record; Token::COUNT + OTHER_NAMES],
    /// Hashes of fields that were not inserted, each in the slot its hash selects.
    seen: [u16; SEEN],
}

/// How insertions of a name have paid. Names that share a record share its fate.
#[derive(Clone, Copy, Default)]
struct Record {
    hits: u8,
    insertions: u8,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy { names: [Record::default(); Token::COUNT + OTHER_NAMES], seen: [0; SEEN] }
    }
}

impl Policy {
    /// Decides about a field.
    pub(super) fn decide(&mut self, field: &Field<'_>, hashes: Hashes, max_size: u32) -> Decision {
        // A field that takes most of the table evicts more than it can bring.
        if field.size() * 4 > u64::from(max_size) * 3 {
            return Decision::Literal;
        }
        let record = *self.record(field.token, hashes.name);
        let pays = u32::from(record.hits) + credit(field.token) >= u32::from(record.insertions) * PRICE;
        if !pays && !seen_before(&mut self.seen, hashes.field) {
            return Decision::Literal;
        }
        self.record(field.token, hashes.name).add(0, 1);
        Decision::Insert
    }

    /// A field of this name was found in the dynamic table.
    #[inline]
    pub(super) fn on_hit(&mut self, token: Token, name_hash: u32) {
        self.record(token, name_hash).add(1, 0);
    }

    /// The record of a known name, or the one that unknown names with this hash share.
    #[inline]
    fn record(&mut self, token: Token, name_hash: u32) -> &mut Record {
        let place = match token {
            Token::OTHER => Token::COUNT + name_hash as usize % OTHER_NAMES,
            known => known.index(),
        };
        #[allow(clippy::indexing_slicing, reason = "a token is below COUNT, the remainder below OTHER_NAMES")]
        &mut self.names[place]
    }
}

impl Record {
    /// One more hit or insertion; both are halved before either overflows, so old experience counts less than new.
    #[inline]
    fn add(&mut self, hits: u8, insertions: u8) {
        self.hits += hits;
        self.insertions += insertions;
        if self.hits == u8::MAX || self.insertions == u8::MAX {
            self.hits /= 2;
            self.insertions /= 2;
        }
    }
}

/// Fields that must never be put into a table: credentials, and cookies short enough to be guessed octet by octet from the size
/// of blocks (RFC 7541 §7.1.3), and whatever its sender has marked.
#[inline]
pub(super) fn is_sensitive(field: &Field<'_>) -> bool {
    match field.token {
        Token::AUTHORIZATION | Token::PROXY_AUTHORIZATION | Token::SET_COOKIE => true,
        Token::COOKIE => field.sensitive || field.value.len() < SHORT_COOKIE,
        _ => field.sensitive,
    }
}

/// With how many hits a name starts that it has not had yet.
#[inline]
fn credit(token: Token) -> u32 {
    match token {
        Token::PATH
        | Token::AGE
        | Token::CONTENT_LENGTH
        | Token::ETAG
        | Token::IF_MODIFIED_SINCE
        | Token::IF_NONE_MATCH
        | Token::LOCATION => LOW_CREDIT,
        _ => HIGH_CREDIT,
    }
}

/// Whether the field was met since its slot was last taken by another; takes the slot.
#[inline]
fn seen_before(seen: &mut [u16; SEEN], field_hash: u32) -> bool {
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the upper half, whose lowest bit is set so that it is not the empty slot"
    )]
    let mark = (field_hash >> 16) as u16 | 1;
    #[allow(clippy::indexing_slicing, reason = "the remainder is below SEEN")]
    let slot = &mut seen[field_hash as usize % SEEN];
    std::mem::replace(slot, mark) == mark
}

/// Hits that an insertion must bring to pay: it costs the octets of a literal and the eviction of what may be needed. This and
/// the other numbers are the round ones in the middle of a wide flat region: `cargo xtask hpack` changes by less than
/// one part in a hundred when any of them is halved or doubled.
const PRICE: u32 = 2;

/// Hits that a name starts with: five insertions are free, or three.
const HIGH_CREDIT: u32 = 8;
const LOW_CREDIT: u32 = 4;

/// Records for names without a token, shared by hash.
const OTHER_NAMES: usize = 64;

/// Slots for fields that were not inserted.
const SEEN: usize = 128;

/// Octets below which a cookie is short enough to be guessed.
const SHORT_COOKIE: usize = 20;
