//! The dynamic table (RFC 7541 §2.3.2, §4): the fields that encoder and decoder have in common, oldest evicted first.
//!
//! Entries stand in a ring, newest last; their octets follow one another in an arena. Evicted entries leave dead octets at the
//! arena's front. When an insertion does not fit any more the living are moved to the front: the arena may hold twice
//! the table's size, so that at least as many octets were inserted since the last move as are moved now, and every octet is
//! moved less than once on average. Positions count octets since the beginning, modulo 2^32; `base` is the position of the
//! arena's first octet, so moving changes one number and no entry.

use crate::class::Class;
use crate::entry::{Entry, length};
use crate::fields::Field;
use crate::token::Token;
use std::collections::VecDeque;

/// The dynamic table.
pub(crate) struct DynamicTable {
    octets: Vec<u8>,
    base: u32,
    entries: VecDeque<Entry>,
    /// Not above `max_size`, but sums are of 64 bits so that they need no care.
    size: u64,
    max_size: u32,
}

/// The name of a field to be inserted; of no account when its token is known.
#[derive(Clone, Copy)]
pub(crate) enum Name<'a> {
    Octets(&'a [u8]),
    /// That of the entry at this place of the table, 0 the newest; it may be one that the insertion evicts.
    Entry(u32),
}

impl DynamicTable {
    pub(crate) fn new(max_size: u32) -> DynamicTable {
        DynamicTable { octets: Vec::new(), base: 0, entries: VecDeque::new(), size: 0, max_size }
    }

    /// Octets of all entries as RFC 7541 §4.1 counts them.
    #[allow(clippy::cast_possible_truncation, reason = "not above `max_size`")]
    pub(crate) fn size(&self) -> u32 {
        self.size as u32
    }

    pub(crate) fn max_size(&self) -> u32 {
        self.max_size
    }

    #[allow(clippy::cast_possible_truncation, reason = "an entry counts for at least 32 of less than 2^32 octets")]
    #[inline]
    pub(crate) fn len(&self) -> u32 {
        self.entries.len() as u32
    }

    /// The field at a place, 0 the newest.
    #[inline]
    pub(crate) fn get(&self, place: u32) -> Option<Field<'_>> {
        self.entry(place).map(|entry| entry.field(&self.octets, self.base))
    }

    #[inline]
    fn entry(&self, place: u32) -> Option<&Entry> {
        self.entries.get(self.entries.len().wrapping_sub(place as usize + 1))
    }

    /// Sets the maximum size and evicts what is above it (RFC 7541 §4.3).
    pub(crate) fn set_max_size(&mut self, max_size: u32) {
        self.max_size = max_size;
        self.evict_to(u64::from(max_size));
    }

    /// Inserts a field as the newest after evicting as many as its size demands (RFC 7541 §4.4). A field larger than the table
    /// empties it and is not inserted, which is no error.
    pub(crate) fn insert(&mut self, token: Token, name: Name<'_>, value: &[u8], class: Class) -> Inserted {
        let named = match name {
            _ if token != Token::OTHER => None,
            Name::Octets(_) => None,
            Name::Entry(place) => self.entry(place).copied(),
        };
        let name_len = match (token.name(), name, named) {
            (Some(_), ..) => 0,
            (None, _, Some(named)) => named.name_len,
            (None, Name::Octets(octets), None) => length(octets),
            (None, Name::Entry(_), None) => 0,
        };
        let mut entry = Entry { start: 0, name_len, value_len: length(value), flags: class.bits(), token };
        let size = entry.size();
        let Some(rest) = u64::from(self.max_size).checked_sub(size) else {
            self.evict_to(0);
            return Inserted::TooLarge;
        };
        self.make_room(entry.stored_len());
        #[allow(clippy::cast_possible_truncation, reason = "positions count modulo 2^32")]
        {
            entry.start = self.base.wrapping_add(self.octets.len() as u32);
        }
        match (named, name) {
            // RFC 7541 §4.4: the name may be that of an entry which this insertion evicts, so it is copied before.
            (Some(named), _) => {
                let start = named.start.wrapping_sub(self.base) as usize;
                self.octets.extend_from_within(start..start + named.name_len as usize);
            }
            (None, Name::Octets(octets)) if token == Token::OTHER => self.octets.extend_from_slice(octets),
            _ => {}
        }
        self.octets.extend_from_slice(value);
        self.evict_to(rest);
        self.size += size;
        self.entries.push_back(entry);
        Inserted::Newest
    }

    #[inline]
    fn evict_to(&mut self, size: u64) {
        while self.size > size {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.size -= oldest.size();
        }
    }

    /// Sees that `more` octets can be appended without the arena growing beyond twice the table's size. Living entries and a
    /// new one are at most that together.
    fn make_room(&mut self, more: u32) {
        let needed = self.octets.len() + more as usize;
        if needed <= self.octets.capacity() {
            return;
        }
        let limit = self.max_size as usize * 2;
        if needed > limit || self.entries.is_empty() {
            let start =
                self.entries.front().map_or(self.octets.len(), |oldest| oldest.start.wrapping_sub(self.base) as usize);
            self.octets.copy_within(start.., 0);
            self.octets.truncate(self.octets.len() - start);
            #[allow(clippy::cast_possible_truncation, reason = "positions count modulo 2^32")]
            {
                self.base = self.base.wrapping_add(start as u32);
            }
        }
        let needed = self.octets.len() + more as usize;
        if needed > self.octets.capacity() {
            let doubled = (self.octets.capacity() * 2).max(SMALLEST_ARENA).min(limit).max(needed);
            self.octets.reserve_exact(doubled - self.octets.len());
        }
    }
}

/// What became of an insertion.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Inserted {
    /// The field is the newest entry.
    Newest,
    /// The field was larger than the table, which is empty now.
    TooLarge,
}

/// The arena's first allocation: enough for a few fields of a short connection.
const SMALLEST_ARENA: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    /// Positions run over 2^32 and the arena is moved many times; it never holds more than twice the table, and on average
    /// no octet is moved more than once.
    #[test]
    fn positions_wrap_and_the_arena_stays_small() {
        let max_size = 1000;
        let mut table = DynamicTable::new(max_size);
        table.base = u32::MAX - 5000;
        let (mut inserted, mut moved) = (0, 0);
        for number in 0..2000_usize {
            let value = vec![b'a' + u8::try_from(number % 26).unwrap(); number % 150];
            let (base, before) = (table.base, table.octets.len());
            let name: &[u8] = if number % 3 == 0 { b"x-name" } else { b"x-other" };
            let outcome = table.insert(Token::OTHER, Name::Octets(name), &value, Class::NONE);
            assert_eq!(outcome, Inserted::Newest);
            if table.base != base {
                moved += before - table.base.wrapping_sub(base) as usize;
            }
            inserted += name.len() + value.len();
            let newest = table.get(0).unwrap();
            assert_eq!((newest.name, newest.value), (name, value.as_slice()));
            let oldest = table.get(table.len() - 1).unwrap();
            assert!(
                oldest.value.iter().all(|octet| Some(octet) == oldest.value.first()) && oldest.name.starts_with(b"x-")
            );
            assert!(table.octets.capacity() <= 2 * max_size as usize && table.size() <= max_size);
        }
        assert!(moved > 0 && moved < inserted, "{moved} octets moved for {inserted}");
    }

    /// A known name takes no room in the arena, but counts.
    #[test]
    fn known_names_are_not_kept() {
        let mut table = DynamicTable::new(100);
        table.insert(Token::COOKIE, Name::Octets(b"cookie"), b"abc", Class::NONE);
        assert_eq!((table.octets.as_slice(), table.size()), (&b"abc"[..], 32 + 6 + 3));
        assert_eq!(table.get(0).map(|field| field.name), Some(&b"cookie"[..]));
        table.insert(Token::COOKIE, Name::Entry(0), &[b'x'; 100], Class::NONE);
        assert_eq!((table.len(), table.size()), (0, 0));
    }
}
