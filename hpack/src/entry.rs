//! One field as it lies in an arena of octets: sixteen octets, used by field sections and by the dynamic table alike. The
//! octets of a known name are not kept: its token stands for them.

use crate::class::Class;
use crate::fields::Field;
use crate::token::Token;

/// A field in an arena: the name, if its token is `OTHER`, and the value right behind it.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    /// Where the octets begin, counted from wherever the arena's owner counts.
    pub(crate) start: u32,
    /// Octets of the name that are in the arena: 0 for a known name.
    pub(crate) name_len: u32,
    pub(crate) value_len: u32,
    /// The class, and `SENSITIVE` above it.
    pub(crate) flags: u16,
    pub(crate) token: Token,
}

const _: () = assert!(size_of::<Entry>() == 16);

const SENSITIVE: u16 = 1 << 15;

/// Octets that a field counts for beyond its name and value (RFC 7541 §4.1).
pub(crate) const OVERHEAD: u64 = 32;

impl Entry {
    /// An entry for `field` whose octets begin at `start`; the arena's owner has put them there and knows that it holds less
    /// than 4 GiB.
    #[allow(clippy::cast_possible_truncation, reason = "the arena's owner has checked that positions fit")]
    #[inline(always)]
    pub(crate) fn new(field: &Field<'_>, start: usize) -> Entry {
        let name_len = if field.token == Token::OTHER { field.name.len() as u32 } else { 0 };
        let flags = field.class.bits() | (u16::from(field.sensitive) * SENSITIVE);
        Entry { start: start as u32, name_len, value_len: field.value.len() as u32, flags, token: field.token }
    }

    /// The field, read from an arena whose first octet is number `base`.
    #[inline(always)]
    pub(crate) fn field<'a>(&self, octets: &'a [u8], base: u32) -> Field<'a> {
        let start = self.start.wrapping_sub(base) as usize;
        let middle = start + self.name_len as usize;
        let end = middle + self.value_len as usize;
        Field {
            name: self.token.name().or_else(|| octets.get(start..middle)).unwrap_or_default(),
            value: octets.get(middle..end).unwrap_or_default(),
            token: self.token,
            class: Class::from_bits(self.flags),
            sensitive: self.is_sensitive(),
        }
    }

    /// Octets in the arena.
    #[inline]
    pub(crate) fn stored_len(&self) -> u32 {
        self.name_len + self.value_len
    }

    /// What the field counts for (RFC 7541 §4.1).
    #[inline]
    pub(crate) fn size(&self) -> u64 {
        let name_len = self.token.name().map_or(u64::from(self.name_len), |name| name.len() as u64);
        OVERHEAD + name_len + u64::from(self.value_len)
    }

    #[inline]
    pub(crate) fn is_sensitive(&self) -> bool {
        self.flags & SENSITIVE != 0
    }
}

/// A length as it is stored: arenas hold less than 4 GiB, which their owners see to.
#[inline]
pub(crate) fn length(octets: &[u8]) -> u32 {
    u32::try_from(octets.len()).unwrap_or(u32::MAX)
}
