//! Integers with a prefix (RFC 7541 §5.1): the value in the low bits of an octet if it fits below all ones, otherwise all
//! ones and the rest in groups of seven bits, least significant first.
//!
//! ```
//! use pellucid_hpack::integer;
//!
//! // RFC 7541 §C.1.2: 1337 with a prefix of five bits.
//! let mut octets = Vec::new();
//! integer::encode(1337, 5, 0, &mut octets);
//! assert_eq!(octets, [31, 154, 10]);
//! assert_eq!(integer::decode(&octets, 5), Ok(Some((1337, 3))));
//! ```

use crate::error::Error;

/// Octets after the prefix beyond which an integer is refused: five groups of seven bits cover 32 bits.
pub const MAX_CONTINUATION: usize = 5;

/// Reads an integer whose prefix of `prefix_bits` (1 to 8) is in the first of `octets`. Gives the value and how many octets
/// it took, `None` when they are not all there.
///
/// # Errors
/// [`Error::IntegerOverflow`] above 2^32-1 or beyond [`MAX_CONTINUATION`] octets after the prefix.
#[inline]
pub fn decode(octets: &[u8], prefix_bits: u32) -> Result<Option<(u32, usize)>, Error> {
    let Some(first) = octets.first() else { return Ok(None) };
    let ones = (1_u32 << prefix_bits) - 1;
    let prefix = u32::from(*first) & ones;
    if prefix < ones {
        return Ok(Some((prefix, 1)));
    }
    decode_continuation(octets, prefix)
}

#[inline(never)]
fn decode_continuation(octets: &[u8], prefix: u32) -> Result<Option<(u32, usize)>, Error> {
    let mut value = u64::from(prefix);
    for (at, octet) in octets.iter().enumerate().skip(1).take(MAX_CONTINUATION) {
        // At most 7 × 4 + 7 bits above the prefix: 64 bits never overflow.
        value += u64::from(octet & 0x7f) << (7 * (at - 1));
        if octet & 0x80 == 0 {
            let value = u32::try_from(value).map_err(|_| Error::IntegerOverflow)?;
            return Ok(Some((value, at + 1)));
        }
    }
    // RFC 7541 §5.1: an encoding that exceeds what an implementation holds, in value or octets, is an error.
    if octets.len() > MAX_CONTINUATION { Err(Error::IntegerOverflow) } else { Ok(None) }
}

/// Appends an integer with a prefix of `prefix_bits` (1 to 8) below the bits of `pattern`.
#[inline]
pub fn encode(value: u32, prefix_bits: u32, pattern: u8, out: &mut Vec<u8>) {
    let ones = (1_u32 << prefix_bits) - 1;
    if value < ones {
        out.push(pattern | low_octet(value));
        return;
    }
    out.push(pattern | low_octet(ones));
    let mut rest = value - ones;
    while rest >= 0x80 {
        out.push(low_octet(rest) | 0x80);
        rest >>= 7;
    }
    out.push(low_octet(rest));
}

#[allow(clippy::cast_possible_truncation, reason = "the low octet is what is wanted")]
#[inline]
const fn low_octet(value: u32) -> u8 {
    value as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7541 Appendix C.1, the edges of every prefix, and what must be refused.
    #[test]
    fn integers() {
        let table: [(u32, u32, &[u8]); 9] = [
            (10, 5, &[10]),
            (1337, 5, &[31, 0x9a, 0x0a]),
            (42, 8, &[42]),
            (31, 5, &[31, 0]),
            (127, 7, &[127, 0]),
            (63, 6, &[63, 0]),
            (15, 4, &[15, 0]),
            (u32::MAX, 7, &[127, 0x80, 0xff, 0xff, 0xff, 0x0f]),
            (u32::MAX, 8, &[255, 0x80, 0xfe, 0xff, 0xff, 0x0f]),
        ];
        for (value, bits, wire) in table {
            let mut out = Vec::new();
            encode(value, bits, 0, &mut out);
            assert_eq!(out, wire, "{value} in {bits}");
            assert_eq!(decode(wire, bits), Ok(Some((value, wire.len()))));
            for end in 0..wire.len() {
                assert_eq!(decode(&wire[..end], bits), Ok(None), "{value} cut at {end}");
            }
        }
    }

    #[test]
    fn too_large_integers_are_refused() {
        let table: [&[u8]; 4] = [
            &[0x7f, 0x81, 0xff, 0xff, 0xff, 0x0f],
            &[0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f],
            &[0x7f, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
            &[0x7f, 0x80, 0x80, 0x80, 0x80, 0x80],
        ];
        for wire in table {
            assert_eq!(decode(wire, 7), Err(Error::IntegerOverflow), "{wire:x?}");
        }
        // Groups of zeros within the five octets are long-winded, not wrong.
        assert_eq!(decode(&[0x7f, 0x80, 0x80, 0x80, 0x80, 0x00], 7), Ok(Some((127, 6))));
    }
}
