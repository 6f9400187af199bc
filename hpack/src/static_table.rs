//! The static table (RFC 7541 §2.3.1, Appendix A): 61 fields that every endpoint knows.

use crate::class::Class;
use crate::token::Token;

/// One field of the static table.
pub(crate) struct StaticField {
    pub(crate) token: Token,
    pub(crate) value: &'static [u8],
    pub(crate) class: Class,
}

/// The field at an index of the static table, 1 to 61.
#[inline]
pub(crate) fn get(index: u32) -> Option<&'static StaticField> {
    STATIC_TABLE.get((index as usize).wrapping_sub(1))
}

/// Where a name stands in the static table: the index of its first field and how many follow one another. `(0, 0)` if nowhere.
#[inline]
pub(crate) fn range(token: Token) -> (u8, u8) {
    RANGES.get(token.index()).copied().unwrap_or((0, 0))
}

/// The index of a field whose name and value are both in the static table.
#[inline]
pub(crate) fn find(token: Token, value: &[u8]) -> Option<u32> {
    let (first, count) = range(token);
    (u32::from(first)..u32::from(first) + u32::from(count))
        .find(|index| get(*index).is_some_and(|field| field.value == value))
}

/// How many fields the static table has; the dynamic table begins after them.
#[allow(clippy::cast_possible_truncation, reason = "61")]
pub(crate) const LENGTH: u32 = STATIC_TABLE.len() as u32;

#[allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "run by the compiler only: a mistake fails the build"
)]
const fn field(name: &str, value: &'static str) -> StaticField {
    let name_class = if name.as_bytes()[0] == b':' { Class::NAME_PSEUDO } else { Class::NONE };
    let class = name_class.union(Class::of_known_value(value.as_bytes()));
    StaticField { token: Token::known(name), value: value.as_bytes(), class }
}

static RANGES: [(u8, u8); Token::COUNT] = find_ranges();

#[allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "run by the compiler only: a mistake fails the build"
)]
const fn find_ranges() -> [(u8, u8); Token::COUNT] {
    let mut ranges = [(0, 0); Token::COUNT];
    let mut at = 0;
    while at < STATIC_TABLE.len() {
        let token = STATIC_TABLE[at].token.index();
        if ranges[token].1 == 0 {
            ranges[token].0 = at as u8 + 1;
        }
        ranges[token].1 += 1;
        at += 1;
    }
    ranges
}

const STATIC_TABLE: [StaticField; 61] = [
    field(":authority", ""),
    field(":method", "GET"),
    field(":method", "POST"),
    field(":path", "/"),
    field(":path", "/index.html"),
    field(":scheme", "http"),
    field(":scheme", "https"),
    field(":status", "200"),
    field(":status", "204"),
    field(":status", "206"),
    field(":status", "304"),
    field(":status", "400"),
    field(":status", "404"),
    field(":status", "500"),
    field("accept-charset", ""),
    field("accept-encoding", "gzip, deflate"),
    field("accept-language", ""),
    field("accept-ranges", ""),
    field("accept", ""),
    field("access-control-allow-origin", ""),
    field("age", ""),
    field("allow", ""),
    field("authorization", ""),
    field("cache-control", ""),
    field("content-disposition", ""),
    field("content-encoding", ""),
    field("content-language", ""),
    field("content-length", ""),
    field("content-location", ""),
    field("content-range", ""),
    field("content-type", ""),
    field("cookie", ""),
    field("date", ""),
    field("etag", ""),
    field("expect", ""),
    field("expires", ""),
    field("from", ""),
    field("host", ""),
    field("if-match", ""),
    field("if-modified-since", ""),
    field("if-none-match", ""),
    field("if-range", ""),
    field("if-unmodified-since", ""),
    field("last-modified", ""),
    field("link", ""),
    field("location", ""),
    field("max-forwards", ""),
    field("proxy-authenticate", ""),
    field("proxy-authorization", ""),
    field("range", ""),
    field("referer", ""),
    field("refresh", ""),
    field("retry-after", ""),
    field("server", ""),
    field("set-cookie", ""),
    field("strict-transport-security", ""),
    field("transfer-encoding", ""),
    field("user-agent", ""),
    field("vary", ""),
    field("via", ""),
    field("www-authenticate", ""),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// A field that came from the table is like one that was made of its octets.
    #[test]
    fn fields_of_the_table_are_classed_like_others() {
        for entry in &STATIC_TABLE {
            let name = std::str::from_utf8(entry.token.name().unwrap()).unwrap();
            let value = std::str::from_utf8(entry.value).unwrap();
            let (again, other) = (field(name, value), crate::Field::new(name.as_bytes(), entry.value));
            assert_eq!((again.token, again.value, again.class), (entry.token, entry.value, entry.class));
            assert_eq!((other.token, other.class), (entry.token, entry.class), "{name}: {value}");
        }
    }

    /// RFC 7541 Appendix A: fields of one name follow one another, so a first index and a count say where they are.
    #[test]
    fn ranges_hold_every_field_of_a_name() {
        assert_eq!(find_ranges(), RANGES);
        for (index, entry) in (1_u32..).zip(&STATIC_TABLE) {
            let (first, count) = range(entry.token);
            assert!((u32::from(first)..u32::from(first) + u32::from(count)).contains(&index), "index {index}");
            assert_eq!(find(entry.token, entry.value), Some(index));
        }
        assert_eq!((range(Token::OTHER), find(Token::OTHER, b"")), ((0, 0), None));
    }
}
