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

    /// Appends the string to `scratch` if it has to be expanded, and gives the length that `scratch` has then.
    #[inline]
    pub(super) fn expand(&self, octets: &[u8], scratch: &mut Vec<u8>, limits: &Limits) -> Result<usize, Error> {
        if self.coding == StringCoding::Huffman {
            let before = scratch.len();
            huffman::decode(self.raw(octets), scratch)?;
            if scratch.len() - before > limits.max_string as usize {
                return Err(Error::StringTooLong);
            }
        }
        Ok(scratch.len())
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
