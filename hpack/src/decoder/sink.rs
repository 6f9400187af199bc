//! Who receives decoded fields, and how a field was written on the wire for those who want to show it.

use crate::fields::{Field, Fields};

/// Receives what a decoder finds. A [`Fields`] keeps the fields; tools can also learn how each was coded.
pub trait Sink {
    /// A field within the limits, and how it was represented.
    fn field(&mut self, field: &Field<'_>, representation: &Representation);

    /// A table size update (RFC 7541 §6.3).
    fn size_update(&mut self, _max_size: u32) {}
}

impl Sink for Fields {
    #[inline(always)]
    fn field(&mut self, field: &Field<'_>, _: &Representation) {
        self.append(field);
    }
}

/// How a field was represented (RFC 7541 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Representation {
    /// Which kind of representation, with its index and codings.
    pub coding: Coding,
    /// Octets on the wire.
    pub octets: usize,
}

/// The kinds of representation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// Name and value at an index of the tables (RFC 7541 §6.1).
    Indexed {
        /// 1 to 61 in the static table, from 62 on in the dynamic one.
        index: u32,
    },
    /// A literal value (RFC 7541 §6.2).
    Literal {
        /// What becomes of the field.
        indexing: Indexing,
        /// Where the name came from.
        name: NameCoding,
        /// How the value was written.
        value: StringCoding,
    },
}

/// What a literal field asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Indexing {
    /// To be added to the dynamic table (RFC 7541 §6.2.1).
    Incremental,
    /// Not to be added (RFC 7541 §6.2.2).
    Without,
    /// Never to be added on any hop (RFC 7541 §6.2.3).
    Never,
}

/// Where a literal field's name came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameCoding {
    /// From an index of the tables.
    Indexed {
        /// As in [`Coding::Indexed`].
        index: u32,
    },
    /// From a literal of its own.
    Literal(StringCoding),
}

/// How a string literal was written (RFC 7541 §5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StringCoding {
    /// Octet by octet.
    Raw,
    /// In the Huffman code.
    Huffman,
}
