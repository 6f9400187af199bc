//! String literals (RFC 7541 §5.2): found first, expanded once all octets of the representation are there.

use super::sink::StringCoding;
use super::{Limits, Progress};
use crate::error::Error;
use crate::{huffman, integer};

/// Where a string literal lies in the octets of a representation.
#[derive(Clone, Copy)]
pub(super) struct StringLiteral {
    pub(super) coding: StringCoding,
    start: usize,
    pub(super) end: usize,
}

impl StringLiteral {
    /// Finds the literal that begins at `at`, without looking at its contents.
    #[inline]
    pub(super) fn find(octets: &[u8], at: usize, limits: &Limits) -> Result<Progress<StringLiteral>, Error> {
        let rest = octets.get(at..).unwrap_or_default();
        let Some((length, taken)) = integer::decode(rest, 7)? else { return Ok(Progress::Need(octets.len() + 1)) };
        // RFC 7541 §7.4: what is declared too long is not even buffered.
        if length > limits.max_string {
            return Err(Error::StringTooLong);
        }
        let start = at + taken;
        let end = start + length as usize;
        if end > octets.len() {
            return Ok(Progress::Need(end));
        }
        let coding =
            if rest.first().is_some_and(|first| first & 0x80 != 0) { StringCoding::Huffman } else { StringCoding::Raw };
        Ok(Progress::Ready(StringLiteral { coding, start, end }))
    }

    /// Expands the string into `scratch` from `at` on, if it is coded, and gives the place behind it.
    #[inline]
    pub(super) fn expand(
        &self,
        octets: &[u8],
        scratch: &mut Vec<u8>,
        at: usize,
        limits: &Limits,
    ) -> Result<usize, Error> {
        if self.coding == StringCoding::Raw {
            return Ok(at);
        }
        let coded = self.raw(octets);
        // The scratch space only grows, so that it is not filled with zeros again and again.
        let needed = at + huffman::room_for(coded.len());
        if scratch.len() < needed {
            scratch.resize(needed, 0);
        }
        let length = huffman::decode_into(coded, scratch.get_mut(at..).unwrap_or_default())?;
        // RFC 7541 §7.4: expansion makes a string longer than it was declared, by 8/5 at most.
        if length > limits.max_string as usize {
            return Err(Error::StringTooLong);
        }
        Ok(at + length)
    }

    /// The string: `expanded` if it was coded, otherwise its own octets.
    #[inline]
    pub(super) fn octets<'a>(&self, octets: &'a [u8], expanded: &'a [u8]) -> &'a [u8] {
        match self.coding {
            StringCoding::Huffman => expanded,
            StringCoding::Raw => self.raw(octets),
        }
    }

    #[inline]
    fn raw<'a>(&self, octets: &'a [u8]) -> &'a [u8] {
        octets.get(self.start..self.end).unwrap_or_default()
    }
}
