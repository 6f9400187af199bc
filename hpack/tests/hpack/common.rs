//! What the tests of this crate share: hexadecimal text, fields, whole blocks.

use pellucid_hpack::{Decoder, Error, Fields, Limits};

/// No limits that a test would meet unknowingly.
pub(crate) const WIDE: Limits = Limits { max_size: u32::MAX, max_fields: u32::MAX, max_string: u32::MAX };

/// Octets from hexadecimal text; spaces do not count.
pub(crate) fn octets(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().filter_map(|digit| digit.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// Names and values as a field section.
pub(crate) fn fields(pairs: &[(&str, &str)]) -> Fields {
    pairs.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect()
}

/// A field section as names and values.
pub(crate) fn pairs(fields: &Fields) -> Vec<(&[u8], &[u8])> {
    fields.iter().map(|field| (field.name, field.value)).collect()
}

/// Decodes one block in fragments of a length.
pub(crate) fn decode(decoder: &mut Decoder, block: &[u8], fragment: usize) -> Result<Fields, Error> {
    let mut fields = Fields::new();
    for fragment in block.chunks(fragment) {
        decoder.decode(fragment, &mut fields, &WIDE)?;
    }
    let section = decoder.finish()?;
    assert_eq!((section.fields as usize, section.over), (fields.len(), None));
    assert_eq!(section.size, u64::from(fields.size()));
    Ok(fields)
}
