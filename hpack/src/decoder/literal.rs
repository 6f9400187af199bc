//! Literal fields (RFC 7541 §6.2): found as a whole before anything is done with them.

use super::sink::{Coding, Indexing, NameCoding, Representation};
use super::string::StringLiteral;
use super::{Limits, Progress};
use crate::error::Error;
use crate::integer;

/// A literal field that has arrived as a whole.
pub(super) struct LiteralField {
    pub(super) indexing: Indexing,
    pub(super) name: NameSource,
    pub(super) value: StringLiteral,
}

/// Where a literal field's name comes from.
pub(super) enum NameSource {
    Literal(StringLiteral),
    Index(u32),
}

impl LiteralField {
    /// Finds the field at the front of `octets`. Costs a few instructions, however long the strings are: it may be done again
    /// each time another part of the field has arrived.
    #[inline]
    pub(super) fn find(octets: &[u8], indexing: Indexing, limits: &Limits) -> Result<Progress<LiteralField>, Error> {
        let prefix_bits = if indexing == Indexing::Incremental { 6 } else { 4 };
        let Some((index, taken)) = integer::decode(octets, prefix_bits)? else {
            return Ok(Progress::Need(octets.len() + 1));
        };
        let (name, taken) = if index == 0 {
            match StringLiteral::find(octets, taken, limits)? {
                Progress::Ready(literal) => (NameSource::Literal(literal), literal.end),
                Progress::Need(needed) => return Ok(Progress::Need(needed)),
            }
        } else {
            (NameSource::Index(index), taken)
        };
        Ok(match StringLiteral::find(octets, taken, limits)? {
            Progress::Ready(value) => Progress::Ready(LiteralField { indexing, name, value }),
            Progress::Need(needed) => Progress::Need(needed),
        })
    }

    /// How the field was represented, for those who want to show it.
    #[inline]
    pub(super) fn representation(&self) -> Representation {
        let name = match &self.name {
            NameSource::Literal(literal) => NameCoding::Literal(literal.coding),
            NameSource::Index(index) => NameCoding::Indexed { index: *index },
        };
        let coding = Coding::Literal { indexing: self.indexing, name, value: self.value.coding };
        Representation { coding, octets: self.value.end }
    }
}
