//! Where fields and names stand in the dynamic table: two hash indices over its entries.
//!
//! Entries are numbered as they are inserted, modulo 2^32. An index keeps, for each hash bucket, the number of the newest entry
//! in it, and for each entry the number of the next older one in the same bucket. Entries leave the table oldest first, so a
//! chain is followed only while it leads to older entries that are still there: nothing is ever removed from an index.

use crate::dynamic_table::DynamicTable;
use crate::fields::Field;
use crate::token::Token;

/// Both indices.
#[derive(Default)]
pub(super) struct Lookup {
    /// The number that the next entry gets.
    next: u32,
    fields: Index,
    names: Index,
}

/// Hashes of a field.
#[derive(Clone, Copy)]
pub(super) struct Hashes {
    pub(super) name: u32,
    pub(super) field: u32,
}

#[derive(Default)]
struct Index {
    /// The newest entry of each bucket; a power of two of them, or none yet.
    buckets: Vec<u32>,
    /// By entry number modulo their count, which is at least that of the entries.
    links: Vec<Link>,
}

#[derive(Clone, Copy, Default)]
struct Link {
    hash: u32,
    /// The next older entry of the bucket, if it is older at all.
    older: u32,
}

impl Lookup {
    /// The place of an equal field in the table, 0 the newest.
    #[inline]
    pub(super) fn find_field(&self, table: &DynamicTable, hashes: Hashes, field: &Field<'_>) -> Option<u32> {
        self.fields.find(hashes.field, self.next, table, |found| {
            found.value == field.value
                && found.token == field.token
                && (field.token != Token::OTHER || found.name == field.name)
        })
    }

    /// The place of a field of the same name in the table, 0 the newest.
    #[inline]
    pub(super) fn find_name(&self, table: &DynamicTable, name_hash: u32, field: &Field<'_>) -> Option<u32> {
        self.names.find(name_hash, self.next, table, |found| {
            found.token == field.token && (field.token != Token::OTHER || found.name == field.name)
        })
    }

    /// The field with these hashes has become the newest of `len` entries.
    pub(super) fn insert(&mut self, hashes: Hashes, len: u32) {
        self.fields.insert(hashes.field, self.next, len);
        self.names.insert(hashes.name, self.next, len);
        self.next = self.next.wrapping_add(1);
    }
}

impl Index {
    #[inline]
    fn find(&self, hash: u32, next: u32, table: &DynamicTable, is_match: impl Fn(&Field<'_>) -> bool) -> Option<u32> {
        let mut number = *self.buckets.get(hash as usize & self.buckets.len().wrapping_sub(1))?;
        let mut place = next.wrapping_sub(1).wrapping_sub(number);
        while place < table.len() {
            let link = self.links.get(number as usize & self.links.len().wrapping_sub(1))?;
            if link.hash == hash && table.get(place).is_some_and(|found| is_match(&found)) {
                return Some(place);
            }
            number = link.older;
            let older = next.wrapping_sub(1).wrapping_sub(number);
            // Only ever further back: numbers of entries long gone cannot lead round in a circle.
            if older <= place {
                return None;
            }
            place = older;
        }
        None
    }

    fn insert(&mut self, hash: u32, number: u32, len: u32) {
        if self.links.len() < len as usize {
            self.grow(number, len);
        }
        let bucket = hash as usize & self.buckets.len().wrapping_sub(1);
        let link = number as usize & self.links.len().wrapping_sub(1);
        if let (Some(newest), Some(link)) = (self.buckets.get_mut(bucket), self.links.get_mut(link)) {
            *link = Link { hash, older: *newest };
            *newest = number;
        }
    }

    /// Makes room for `len` entries, of which the one called `number` is about to be inserted.
    fn grow(&mut self, number: u32, len: u32) {
        let old = std::mem::take(&mut self.links);
        let count = (len as usize).next_power_of_two().max(SMALLEST_INDEX);
        self.links = vec![Link::default(); count];
        // A number that is never that of a living entry: half the numbers away.
        self.buckets.clear();
        self.buckets.resize(count, number.wrapping_sub(1 << 31));
        for older in (1..len).rev().map(|age| number.wrapping_sub(age)) {
            if let Some(link) = old.get(older as usize & old.len().wrapping_sub(1)) {
                self.insert(link.hash, older, 0);
            }
        }
    }
}

/// Hashes the value eight octets at a time, and the name if no token stands for it. Anyone who knows the function can make
/// values meet; then a search follows a chain of at most as many entries as the table has, comparing one number for each.
#[inline]
pub(super) fn hash(field: &Field<'_>) -> Hashes {
    let name = name_seed(field);
    Hashes { name: upper(name), field: upper(octets_hash(name, field.value)) }
}

/// The hash of the name alone.
#[inline]
pub(super) fn name_hash(field: &Field<'_>) -> u32 {
    upper(name_seed(field))
}

#[inline]
fn name_seed(field: &Field<'_>) -> u64 {
    match field.token {
        Token::OTHER => octets_hash(1, field.name),
        token => mix(0, token.index() as u64),
    }
}

#[inline]
fn octets_hash(seed: u64, octets: &[u8]) -> u64 {
    let mut hash = mix(seed, octets.len() as u64);
    let (words, rest) = octets.as_chunks::<8>();
    for word in words {
        hash = mix(hash, u64::from_le_bytes(*word));
    }
    let rest = rest.iter().fold(0, |word, octet| word << 8 | u64::from(*octet));
    mix(hash, rest)
}

/// Multiplication carries every bit upwards, the rotation brings the upper ones down again.
#[inline]
const fn mix(hash: u64, word: u64) -> u64 {
    (hash.rotate_left(29) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[inline]
const fn upper(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// The first allocation of an index: a short connection inserts a few fields only.
const SMALLEST_INDEX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamic_table::Name;

    /// Every living entry is found and no evicted one, while the index grows, hashes meet and numbers run over 2^32.
    #[test]
    fn living_entries_are_found() {
        for same_hash in [false, true] {
            let mut table = DynamicTable::new(2000);
            let mut lookup = Lookup { next: u32::MAX - 100, ..Lookup::default() };
            for number in 0..300_u32 {
                let value = number.to_string();
                let field = Field::new(b"x-number", value.as_bytes());
                let hashes_of = |field: &Field<'_>| if same_hash { Hashes { name: 7, field: 7 } } else { hash(field) };
                assert_eq!(lookup.find_field(&table, hashes_of(&field), &field), None);
                table.insert(field.token, Name::Octets(field.name), field.value, field.class);
                lookup.insert(hashes_of(&field), table.len());
                for age in 0..=number {
                    let value = (number - age).to_string();
                    let field = Field::new(b"x-number", value.as_bytes());
                    let expected = (age < table.len()).then_some(age);
                    assert_eq!(lookup.find_field(&table, hashes_of(&field), &field), expected, "{number} {age}");
                }
                assert_eq!(lookup.find_name(&table, hashes_of(&field).name, &field), Some(0));
            }
            assert!(table.len() < 64 && lookup.fields.links.len() == 64);
        }
    }

    /// Names that differ, and values that share beginning, end or length.
    #[test]
    fn hashes_differ() {
        let values = [
            "",
            "a",
            "b",
            "aaaaaaaa",
            "aaaaaaab",
            "baaaaaaa",
            "aaaaaaaaa",
            "aaaaaaaa\0",
            "aaaaaaaabbbbbbbb",
            "bbbbbbbbaaaaaaaa",
        ];
        let mut hashes: Vec<u32> = values.iter().map(|value| hash(&Field::new(b"x", value.as_bytes())).field).collect();
        hashes.extend(values.iter().map(|value| hash(&Field::new(b"y", value.as_bytes())).field));
        hashes.extend(values.iter().map(|value| hash(&Field::new(b":path", value.as_bytes())).field));
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), 3 * values.len());
    }
}
