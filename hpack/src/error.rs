//! Why a field block cannot be decoded. Every error but one leaves the compression state unusable: the connection ends with
//! COMPRESSION_ERROR (RFC 9113 §4.3). [`Error::StringTooLong`] is a limit of ours; the connection ends just the same, but
//! its owner may prefer another code.

/// A field block that cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Error {
    /// An integer took more than five octets after its prefix, or exceeded 2^32-1.
    IntegerOverflow,
    /// An indexed field with index 0.
    IndexZero,
    /// An index beyond both tables.
    IndexBeyondTable,
    /// A string literal longer than the limit, declared or once expanded.
    StringTooLong,
    /// A Huffman-coded string that holds the end-of-string symbol.
    HuffmanEndOfString,
    /// A Huffman-coded string padded with eight bits or more.
    HuffmanPaddingTooLong,
    /// A Huffman-coded string whose padding is not all ones.
    HuffmanPaddingNotOnes,
    /// A table size update after a field of the same block.
    SizeUpdateAfterField,
    /// More table size updates at the start of a block than any encoder needs.
    TooManySizeUpdates,
    /// A table size update above the acknowledged SETTINGS_HEADER_TABLE_SIZE.
    SizeUpdateTooLarge,
    /// A block that does not begin with the table size update that a reduced SETTINGS_HEADER_TABLE_SIZE demands.
    MissingSizeUpdate,
    /// The block ended inside a representation.
    Truncated,
}

impl Error {
    /// The section of the RFC that is violated, or that allows the limit.
    #[must_use]
    pub const fn section(self) -> &'static str {
        match self {
            Error::IntegerOverflow => "RFC 7541 §5.1",
            Error::IndexZero => "RFC 7541 §6.1",
            Error::IndexBeyondTable => "RFC 7541 §2.3.3",
            Error::StringTooLong => "RFC 7541 §7.4",
            Error::HuffmanEndOfString | Error::HuffmanPaddingTooLong | Error::HuffmanPaddingNotOnes => "RFC 7541 §5.2",
            Error::SizeUpdateAfterField | Error::TooManySizeUpdates => "RFC 7541 §4.2",
            Error::SizeUpdateTooLarge => "RFC 7541 §6.3",
            Error::MissingSizeUpdate => "RFC 9113 §4.3.1",
            Error::Truncated => "RFC 9113 §4.3",
        }
    }

    /// What is wrong with the block, in a few words.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Error::IntegerOverflow => "an integer is too large",
            Error::IndexZero => "index 0 names no field",
            Error::IndexBeyondTable => "an index points beyond the table",
            Error::StringTooLong => "a string literal is longer than the limit",
            Error::HuffmanEndOfString => "a Huffman string contains its end symbol",
            Error::HuffmanPaddingTooLong => "a Huffman string is padded with more than seven bits",
            Error::HuffmanPaddingNotOnes => "a Huffman string is padded with something other than ones",
            Error::SizeUpdateAfterField => "a table size update follows a field",
            Error::TooManySizeUpdates => "a block begins with too many table size updates",
            Error::SizeUpdateTooLarge => "a table size update exceeds the acknowledged setting",
            Error::MissingSizeUpdate => "a table size update is missing after the setting was reduced",
            Error::Truncated => "the block ends inside a field",
        }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.message(), self.section())
    }
}

impl std::error::Error for Error {}
