//! What octets a field holds, computed once when the field comes into being and kept with it. These are neutral facts:
//! whether an octet is allowed is judged by whoever knows HTTP (RFC 9113 §8.2.1), never here, so that a malformed field
//! cannot upset the compression state it shares with every other stream.

/// A set of facts about the octets of one field's name and value.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Class(u16);

impl Class {
    /// No fact holds: a lower-case token as name, visible ASCII as value.
    pub const NONE: Class = Class(0);
    /// The name has no octets.
    pub const NAME_EMPTY: Class = Class(1);
    /// The name has an upper-case ASCII letter.
    pub const NAME_UPPER: Class = Class(1 << 1);
    /// The name's first octet is a colon.
    pub const NAME_PSEUDO: Class = Class(1 << 2);
    /// The name has an octet that no token has (RFC 9110 §5.6.2), a first colon aside.
    pub const NAME_NOT_TOKEN: Class = Class(1 << 3);
    /// The value has a NUL, CR or LF.
    pub const VALUE_NUL_CR_LF: Class = Class(1 << 4);
    /// The value begins or ends with SP or HTAB.
    pub const VALUE_EDGE_SPACE: Class = Class(1 << 5);
    /// The value has a control octet that is not NUL, CR, LF or HTAB: 0x01–0x1f or 0x7f.
    pub const VALUE_CTL: Class = Class(1 << 6);
    /// The value has an octet of 0x80 or above.
    pub const VALUE_HIGH: Class = Class(1 << 7);
    /// The value has SP or HTAB anywhere.
    pub const VALUE_SPACE: Class = Class(1 << 8);

    /// The facts about a name.
    #[must_use]
    pub fn of_name(name: &[u8]) -> Class {
        let (start, rest) = match name {
            [] => return Class::NAME_EMPTY,
            [b':', rest @ ..] => (Class::NAME_PSEUDO, rest),
            all => (Class::NONE, all),
        };
        let facts =
            rest.iter().fold(0, |facts, octet| facts | NAME_OCTETS.get(usize::from(*octet)).copied().unwrap_or(0));
        Class(start.0 | facts)
    }

    /// The facts about a value. Eight octets at a time: nearly every value is visible ASCII with spaces, which a few
    /// additions on a word prove; only a value with other octets is looked at one by one.
    #[must_use]
    pub fn of_value(value: &[u8]) -> Class {
        let Some(last) = value.last_chunk::<8>() else { return Class::of_octets(value) };
        let (words, _) = value.as_chunks::<8>();
        // The last word overlaps the one before it, so that no octet is left over.
        let (mut unusual, mut spaces) = word_facts(*last);
        for word in words {
            let facts = word_facts(*word);
            unusual |= facts.0;
            spaces |= facts.1;
        }
        if unusual & TOP_BITS != 0 {
            return Class::of_octets(value);
        }
        if spaces & TOP_BITS == 0 {
            return Class::NONE;
        }
        Class(Class::VALUE_SPACE.0 | edge_space(value))
    }

    /// Whether all facts of `other` hold.
    #[must_use]
    #[inline]
    pub const fn contains(self, other: Class) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any fact of `other` holds.
    #[must_use]
    #[inline]
    pub const fn intersects(self, other: Class) -> bool {
        self.0 & other.0 != 0
    }

    /// The facts of both.
    #[must_use]
    #[inline]
    pub const fn union(self, other: Class) -> Class {
        Class(self.0 | other.0)
    }

    /// The facts as bits, one per constant; the upper seven bits are never set.
    #[must_use]
    #[inline]
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// Only the facts about the name.
    #[inline]
    pub(crate) const fn name_part(self) -> Class {
        Class(self.0 & NAME_FACTS)
    }

    #[inline]
    pub(crate) const fn from_bits(bits: u16) -> Class {
        Class(bits & ALL_FACTS)
    }

    /// For the static table, whose values are visible ASCII with an occasional space inside.
    #[allow(
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        reason = "run by the compiler only: a mistake fails the build"
    )]
    pub(crate) const fn of_known_value(value: &[u8]) -> Class {
        let mut at = 0;
        while at < value.len() {
            assert!(value[at] >= b' ' && value[at] < 0x7f);
            if value[at] == b' ' {
                return Class::VALUE_SPACE;
            }
            at += 1;
        }
        Class::NONE
    }

    fn of_octets(value: &[u8]) -> Class {
        let facts =
            value.iter().fold(0, |facts, octet| facts | VALUE_OCTETS.get(usize::from(*octet)).copied().unwrap_or(0));
        Class(facts | if facts & Class::VALUE_SPACE.0 == 0 { 0 } else { edge_space(value) })
    }
}

impl std::fmt::Debug for Class {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut facts = f.debug_set();
        for (fact, name) in FACT_NAMES {
            if self.contains(fact) {
                facts.entry(&format_args!("{name}"));
            }
        }
        facts.finish()
    }
}

const NAME_FACTS: u16 = 0xf;
const ALL_FACTS: u16 = 0x1ff;

const FACT_NAMES: [(Class, &str); 9] = [
    (Class::NAME_EMPTY, "NAME_EMPTY"),
    (Class::NAME_UPPER, "NAME_UPPER"),
    (Class::NAME_PSEUDO, "NAME_PSEUDO"),
    (Class::NAME_NOT_TOKEN, "NAME_NOT_TOKEN"),
    (Class::VALUE_NUL_CR_LF, "VALUE_NUL_CR_LF"),
    (Class::VALUE_EDGE_SPACE, "VALUE_EDGE_SPACE"),
    (Class::VALUE_CTL, "VALUE_CTL"),
    (Class::VALUE_HIGH, "VALUE_HIGH"),
    (Class::VALUE_SPACE, "VALUE_SPACE"),
];

/// A word with 1 in each octet.
const EACH: u64 = 0x0101_0101_0101_0101;

/// A word with the top bit of each octet.
const TOP_BITS: u64 = EACH * 0x80;

/// Two words whose top bits tell whether any octet is unusual (below 0x20, or 0x7f and above) and, if none is, whether any
/// is SP.
#[inline(always)]
fn word_facts(octets: [u8; 8]) -> (u64, u64) {
    let word = u64::from_ne_bytes(octets);
    // An octet's top bit is set by 0x80 and above as it is, by 0x7f when 1 is added, and by less than 0x20 when that is taken
    // away. A carry or borrow from one octet to the next needs such an octet too.
    let unusual = word | word.wrapping_add(EACH) | word.wrapping_sub(EACH * 0x20);
    // Likewise only SP, which the difference makes 0, borrows when 1 is taken away.
    (unusual, (word ^ (EACH * 0x20)).wrapping_sub(EACH))
}

fn edge_space(value: &[u8]) -> u16 {
    let is_space = |octet: Option<&u8>| matches!(octet, Some(b' ' | b'\t'));
    if is_space(value.first()) || is_space(value.last()) { Class::VALUE_EDGE_SPACE.0 } else { 0 }
}

static NAME_OCTETS: [u16; 256] = name_octets();

#[allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "run by the compiler only: a mistake fails the build"
)]
const fn name_octets() -> [u16; 256] {
    let mut facts = [Class::NAME_NOT_TOKEN.0; 256];
    let mut octet: usize = 0;
    while octet < 128 {
        let is_mark = matches!(
            octet as u8,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        );
        if is_mark || (octet as u8).is_ascii_digit() || (octet as u8).is_ascii_lowercase() {
            facts[octet] = 0;
        } else if (octet as u8).is_ascii_uppercase() {
            facts[octet] = Class::NAME_UPPER.0;
        }
        octet += 1;
    }
    facts
}

static VALUE_OCTETS: [u16; 256] = value_octets();

#[allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "run by the compiler only: a mistake fails the build"
)]
const fn value_octets() -> [u16; 256] {
    let mut facts = [0; 256];
    let mut octet: usize = 0;
    while octet < 256 {
        facts[octet] = match octet as u8 {
            0 | b'\r' | b'\n' => Class::VALUE_NUL_CR_LF.0,
            b' ' | b'\t' => Class::VALUE_SPACE.0,
            0x01..=0x1f | 0x7f => Class::VALUE_CTL.0,
            0x80.. => Class::VALUE_HIGH.0,
            _ => 0,
        };
        octet += 1;
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let table: [(&[u8], Class); 10] = [
            (b"", Class::NAME_EMPTY),
            (b"x-a!#$%&'*+-.^_`|~09", Class::NONE),
            (b"Host", Class::NAME_UPPER),
            (b":path", Class::NAME_PSEUDO),
            (b":", Class::NAME_PSEUDO),
            (b"a:b", Class::NAME_NOT_TOKEN),
            (b"::", Class::NAME_PSEUDO.union(Class::NAME_NOT_TOKEN)),
            (b"a b", Class::NAME_NOT_TOKEN),
            (b"a\xff", Class::NAME_NOT_TOKEN),
            (b"A\0", Class::NAME_UPPER.union(Class::NAME_NOT_TOKEN)),
        ];
        for (name, class) in table {
            assert_eq!(Class::of_name(name), class, "{}", name.escape_ascii());
        }
    }

    /// Every octet at every place of values of every length around the word size.
    #[test]
    fn values_by_word_and_by_octet_agree() {
        for length in 1..=25 {
            for place in 0..length {
                for octet in 0..=255 {
                    let mut value = vec![b'a'; length];
                    value[place] = octet;
                    let expected = match octet {
                        0 | b'\r' | b'\n' => Class::VALUE_NUL_CR_LF,
                        b' ' | b'\t' if place == 0 || place == length - 1 => {
                            Class::VALUE_SPACE.union(Class::VALUE_EDGE_SPACE)
                        }
                        b' ' | b'\t' => Class::VALUE_SPACE,
                        0x01..=0x1f | 0x7f => Class::VALUE_CTL,
                        0x80.. => Class::VALUE_HIGH,
                        _ => Class::NONE,
                    };
                    assert_eq!(Class::of_value(&value), expected, "octet {octet} at {place} of {length}");
                }
            }
        }
        assert_eq!(Class::of_value(b""), Class::NONE);
    }

    /// What the compiler has computed is what the program would.
    #[test]
    fn tables_are_the_same_at_run_time() {
        assert_eq!((name_octets(), value_octets()), (NAME_OCTETS, VALUE_OCTETS));
    }

    #[test]
    fn facts_are_named() {
        let class = Class::NAME_UPPER.union(Class::VALUE_CTL);
        assert_eq!(format!("{class:?}"), "{NAME_UPPER, VALUE_CTL}");
        assert!(
            class.contains(Class::NAME_UPPER)
                && class.intersects(Class::VALUE_CTL)
                && !class.contains(Class::VALUE_HIGH)
        );
    }
}
