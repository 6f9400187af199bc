//! A field section (RFC 9113 §4.3, RFC 9110 §6.3): the fields of a header or trailer in order, octets in one arena. Nothing
//! is allocated for a single field, and a cleared section is as good as a new one without its allocations.
//!
//! Not for judging: any octets can be names and values here. [`Class`] says what they are made of.

use crate::class::Class;
use crate::entry::{Entry, OVERHEAD};
use crate::token::Token;

/// A field section: fields in order, repeated names included.
#[derive(Clone, Default)]
pub struct Fields {
    octets: Vec<u8>,
    entries: Vec<Entry>,
    size: u64,
}

const _: () = assert!(size_of::<Fields>() <= 56);

/// One field of a section.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// The name's octets, those of the token if it is a known one.
    pub name: &'a [u8],
    /// The value's octets.
    pub value: &'a [u8],
    /// The name as a token, `OTHER` if it is not known.
    pub token: Token,
    /// What octets name and value hold.
    pub class: Class,
    /// Must never be put into a compression table, here or on any further hop (RFC 7541 §7.1.3).
    pub sensitive: bool,
}

impl<'a> Field<'a> {
    /// A field of any name and value, token and class found out.
    #[must_use]
    pub fn new(name: &'a [u8], value: &'a [u8]) -> Field<'a> {
        let token = Token::of(name);
        Field { name, value, token, class: name_class(token, name).union(Class::of_value(value)), sensitive: false }
    }

    /// What the field counts for in a section and in a table: octets of name and value and 32 (RFC 7541 §4.1).
    #[must_use]
    #[inline]
    pub fn size(&self) -> u64 {
        OVERHEAD + self.name.len() as u64 + self.value.len() as u64
    }
}

impl std::fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.sensitive {
            write!(f, "{}: <sensitive>", self.name.escape_ascii())
        } else {
            write!(f, "{}: {}", self.name.escape_ascii(), self.value.escape_ascii())
        }
    }
}

impl Fields {
    /// A section without fields; allocates nothing.
    #[must_use]
    pub const fn new() -> Fields {
        Fields { octets: Vec::new(), entries: Vec::new(), size: 0 }
    }

    /// A section with room for so many fields and octets (of values and of names that are no tokens).
    #[must_use]
    pub fn with_capacity(fields: usize, octets: usize) -> Fields {
        Fields { octets: Vec::with_capacity(octets), entries: Vec::with_capacity(fields), size: 0 }
    }

    /// Removes all fields and keeps the allocations.
    pub fn clear(&mut self) {
        self.octets.clear();
        self.entries.clear();
        self.size = 0;
    }

    /// How many fields there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Octets of all names and values, and 32 a field (RFC 7541 §4.1, RFC 9113 §6.5.2); stops at 2^32-1.
    #[must_use]
    pub fn size(&self) -> u32 {
        u32::try_from(self.size).unwrap_or(u32::MAX)
    }

    /// Octets that are allocated, used or not: for those who keep sections for reuse and want to let large ones go.
    #[must_use]
    pub fn allocated(&self) -> usize {
        self.octets.capacity() + self.entries.capacity() * size_of::<Entry>()
    }

    /// Appends a field.
    ///
    /// # Panics
    /// When the section's octets would exceed 4 GiB, here and in the other ways to append.
    pub fn push(&mut self, name: &[u8], value: &[u8]) {
        self.push_field(&Field::new(name, value));
    }

    /// Appends a field whose name is known. With `Token::OTHER` the name is empty.
    pub fn push_token(&mut self, token: Token, value: &[u8]) {
        let name = token.name().unwrap_or_default();
        let class = name_class(token, name).union(Class::of_value(value));
        self.push_field(&Field { name, value, token, class, sensitive: false });
    }

    /// Appends a field that must never be put into a compression table (RFC 7541 §7.1.3).
    pub fn push_sensitive(&mut self, name: &[u8], value: &[u8]) {
        self.push_field(&Field { sensitive: true, ..Field::new(name, value) });
    }

    /// Appends a field as it is: token and class must be right, as they are in a field that came from a section or from
    /// [`Field::new`].
    pub fn push_field(&mut self, field: &Field<'_>) {
        self.append(field);
    }

    /// `push_field` for the decoder: always inlined, so that a field that came from a table never becomes a value in memory
    /// between there and here.
    #[inline(always)]
    pub(crate) fn append(&mut self, field: &Field<'_>) {
        let start = self.octets.len();
        if field.token == Token::OTHER {
            self.octets.extend_from_slice(field.name);
        }
        self.octets.extend_from_slice(field.value);
        assert!(u32::try_from(self.octets.len()).is_ok(), "a field section holds less than 4 GiB");
        self.entries.push(Entry::new(field, start));
        self.size += field.size();
    }

    /// The fields in order.
    #[must_use]
    pub fn iter(&self) -> Iter<'_> {
        Iter { octets: &self.octets, entries: self.entries.iter() }
    }

    /// The value of the first field of a name, octet by octet.
    #[must_use]
    pub fn get(&self, name: &[u8]) -> Option<&[u8]> {
        match Token::of(name) {
            Token::OTHER => {
                self.iter().find(|field| field.token == Token::OTHER && field.name == name).map(|field| field.value)
            }
            token => self.find(token),
        }
    }

    /// The value of the first field of a known name; `None` for `OTHER`.
    #[must_use]
    pub fn find(&self, token: Token) -> Option<&[u8]> {
        let entry = self.entries.iter().find(|entry| entry.token == token && token != Token::OTHER)?;
        Some(entry.field(&self.octets, 0).value)
    }

    /// The field at a place, counted from 0.
    #[must_use]
    pub fn get_field(&self, place: usize) -> Option<Field<'_>> {
        self.entries.get(place).map(|entry| entry.field(&self.octets, 0))
    }

    /// Removes all fields of a known name and says how many there were; none for `OTHER`.
    pub fn remove(&mut self, token: Token) -> usize {
        let before = self.len();
        self.retain(|field| field.token != token || token == Token::OTHER);
        before - self.len()
    }

    /// Keeps the fields for which `keep` says so. The octets of the others stay allocated until `clear`.
    pub fn retain(&mut self, mut keep: impl FnMut(Field<'_>) -> bool) {
        let octets = &self.octets;
        self.entries.retain(|entry| keep(entry.field(octets, 0)));
        self.size = self.entries.iter().map(Entry::size).sum();
    }

    /// Makes one field of all that are named `cookie`, values joined by a semicolon and a space, at the place of the first
    /// (RFC 9113 §8.2.3). Its class is the union of theirs, so that an edge space of any crumb is still seen; it is sensitive
    /// if any crumb was. Takes time in proportion to the section and at most two allocations.
    pub fn join_cookies(&mut self) {
        let is_cookie = |entry: &Entry| entry.token == Token::COOKIE;
        let Some(first) = self.entries.iter().position(is_cookie) else { return };
        if self.entries.iter().skip(first + 1).find(|entry| is_cookie(entry)).is_none() {
            return;
        }
        let start = self.octets.len();
        let mut class = Class::VALUE_SPACE;
        let mut sensitive = false;
        for (crumb, entry) in self.entries.iter().filter(|entry| is_cookie(entry)).enumerate() {
            if crumb > 0 {
                self.octets.extend_from_slice(CRUMB_SEPARATOR);
            }
            let crumb = entry.field(&self.octets, 0);
            class = class.union(crumb.class);
            sensitive |= crumb.sensitive;
            let value = entry.start as usize..(entry.start + entry.value_len) as usize;
            self.octets.extend_from_within(value);
        }
        assert!(u32::try_from(self.octets.len()).is_ok(), "a field section holds less than 4 GiB");
        let name = Token::COOKIE.name().unwrap_or_default();
        let value = self.octets.get(start..).unwrap_or_default();
        let joined = Entry::new(&Field { name, value, token: Token::COOKIE, class, sensitive }, start);
        if let Some(entry) = self.entries.get_mut(first) {
            *entry = joined;
        }
        let mut place = 0;
        self.entries.retain(|entry| {
            place += 1;
            place <= first + 1 || !is_cookie(entry)
        });
        self.size = self.entries.iter().map(Entry::size).sum();
    }
}

const CRUMB_SEPARATOR: &[u8] = b"; ";

/// The class of a name: known names are pseudo-fields or plain, others are looked at.
#[inline]
fn name_class(token: Token, name: &[u8]) -> Class {
    match (token, name.first()) {
        (Token::OTHER, _) => Class::of_name(name),
        (_, Some(b':')) => Class::NAME_PSEUDO,
        _ => Class::NONE,
    }
}

/// The fields of a section in order.
#[derive(Clone)]
pub struct Iter<'a> {
    octets: &'a [u8],
    entries: std::slice::Iter<'a, Entry>,
}

impl<'a> Iterator for Iter<'a> {
    type Item = Field<'a>;

    #[inline]
    fn next(&mut self) -> Option<Field<'a>> {
        self.entries.next().map(|entry| entry.field(self.octets, 0))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.entries.size_hint()
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.entries.next_back().map(|entry| entry.field(self.octets, 0))
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl<'a> IntoIterator for &'a Fields {
    type Item = Field<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl<'a> FromIterator<(&'a [u8], &'a [u8])> for Fields {
    fn from_iter<I: IntoIterator<Item = (&'a [u8], &'a [u8])>>(fields: I) -> Fields {
        let mut section = Fields::new();
        for (name, value) in fields {
            section.push(name, value);
        }
        section
    }
}

/// Sections are equal when they have equal fields in the same order, however they came about.
impl PartialEq for Fields {
    fn eq(&self, other: &Fields) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Fields {}

impl std::fmt::Debug for Fields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(fields: &[(&'static str, &'static str)]) -> Fields {
        fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect()
    }

    #[test]
    fn fields_are_found_counted_and_removed() {
        let mut fields = section(&[(":path", "/"), ("te", "trailers"), ("x-a", "1"), ("te", "x"), ("x-a", "2")]);
        assert_eq!(fields.size(), (6 + 10 + 4 + 3 + 4) + 5 * 32);
        assert_eq!(
            (fields.get(b"x-a"), fields.get(b"te"), fields.get(b"X-A")),
            (Some(&b"1"[..]), Some(&b"trailers"[..]), None)
        );
        assert_eq!(
            (fields.find(Token::PATH), fields.find(Token::OTHER), fields.find(Token::VIA)),
            (Some(&b"/"[..]), None, None)
        );
        assert_eq!((fields.remove(Token::TE), fields.remove(Token::OTHER)), (2, 0));
        assert_eq!(fields, section(&[(":path", "/"), ("x-a", "1"), ("x-a", "2")]));
        assert_eq!(fields.size(), 3 * 32 + 6 + 4 + 4);
        assert_eq!(fields.iter().rev().map(|field| field.value).collect::<Vec<_>>(), [&b"2"[..], b"1", b"/"]);
        assert_eq!(
            (fields.iter().len(), fields.get_field(1).map(|field| field.token), fields.get_field(3)),
            (3, Some(Token::OTHER), None)
        );
        fields.clear();
        assert!(fields.is_empty() && fields.size() == 0 && fields.allocated() > 0);
    }

    #[test]
    fn ways_to_push_agree() {
        let mut fields = Fields::with_capacity(2, 10);
        fields.push(b"cookie", b"a b");
        fields.push_token(Token::COOKIE, b"a b");
        assert_eq!(fields.get_field(0), fields.get_field(1));
        assert_eq!(fields.get_field(0), Some(Field::new(b"cookie", b"a b")));
        fields.push_sensitive(b"cookie", b"a b");
        assert_ne!(fields.get_field(1), fields.get_field(2));
        assert_eq!(format!("{fields:?}"), "[cookie: a b, cookie: a b, cookie: <sensitive>]");
    }

    #[test]
    fn cookies_are_joined_at_the_place_of_the_first() {
        let mut fields =
            section(&[("a", "1"), ("cookie", "x=1"), ("b", "2"), ("cookie", ""), ("cookie", "y=2"), ("c", "3")]);
        fields.join_cookies();
        let joined = section(&[("a", "1"), ("cookie", "x=1; ; y=2"), ("b", "2"), ("c", "3")]);
        assert_eq!(fields, joined);
        assert_eq!(fields.size(), joined.size());
        for unchanged in [section(&[]), section(&[("a", "1")]), section(&[("a", "1"), ("cookie", ""), ("b", "2")])] {
            let mut fields = unchanged.clone();
            fields.join_cookies();
            assert_eq!(fields, unchanged);
        }
    }

    /// The first crumb may be empty, and what is wrong with any crumb is still seen.
    #[test]
    fn joined_cookies_keep_what_is_known_of_the_crumbs() {
        let mut fields = section(&[("cookie", ""), ("cookie", " x"), ("cookie", "y")]);
        fields.push_sensitive(b"cookie", b"z");
        fields.join_cookies();
        let joined = fields.get_field(0);
        assert_eq!(joined.map(|field| (field.value, field.sensitive)), Some((&b";  x; y; z"[..], true)));
        assert!(joined.is_some_and(|field| field.class.contains(Class::VALUE_EDGE_SPACE)));
        assert_eq!(fields.len(), 1);
    }
}
