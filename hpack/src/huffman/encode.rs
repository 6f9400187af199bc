//! Huffman encoding: codes gather at the low end of a 64-bit word, which leaves four octets at a time.

use super::table::{CODES, LENGTHS};
use crate::integer;

/// A code, right-aligned, and its bits.
#[derive(Clone, Copy)]
struct Code {
    code: u32,
    bits: u32,
}

/// Octets that [`encode`] would append.
#[must_use]
pub fn encoded_len(octets: &[u8]) -> usize {
    octets.iter().map(|octet| code_of(*octet).bits as usize).sum::<usize>().div_ceil(8)
}

/// Appends the Huffman code of `octets`, padded with ones to a whole octet.
pub fn encode(octets: &[u8], out: &mut Vec<u8>) {
    // `pending` low bits of `word` wait to be written: below 32 between octets, so that a code of 30 bits still fits.
    let mut word: u64 = 0;
    let mut pending: u32 = 0;
    for octet in octets {
        let Code { code, bits } = code_of(*octet);
        word = word << bits | u64::from(code);
        pending += bits;
        if pending >= 32 {
            pending -= 32;
            #[allow(clippy::cast_possible_truncation, reason = "the 32 bits above the pending ones, no others")]
            out.extend_from_slice(&((word >> pending) as u32).to_be_bytes());
        }
    }
    if pending > 0 {
        // RFC 7541 §5.2: the padding is the beginning of the end-of-string code, all ones.
        let padded = (word << (32 - pending)) | (u64::from(u32::MAX) >> pending);
        #[allow(clippy::cast_possible_truncation, reason = "the 32 low bits hold the pending ones and the padding")]
        let last = (padded as u32).to_be_bytes();
        out.extend_from_slice(last.get(..pending.div_ceil(8) as usize).unwrap_or(&last));
    }
}

/// Appends a string literal: its length and its octets, Huffman-coded when that is shorter.
#[allow(clippy::cast_possible_truncation, reason = "a field section holds less than 4 GiB (fields.rs)")]
pub(crate) fn encode_string(octets: &[u8], out: &mut Vec<u8>) {
    let coded = encoded_len(octets);
    if coded < octets.len() {
        integer::encode(coded as u32, 7, 0x80, out);
        encode(octets, out);
    } else {
        integer::encode(octets.len() as u32, 7, 0, out);
        out.extend_from_slice(octets);
    }
}

#[inline]
fn code_of(octet: u8) -> Code {
    #[allow(clippy::indexing_slicing, reason = "256 codes, one for each octet")]
    OCTET_CODES[usize::from(octet)]
}

static OCTET_CODES: [Code; 256] = octet_codes();

#[allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "run by the compiler only: a mistake fails the build"
)]
const fn octet_codes() -> [Code; 256] {
    let mut codes = [Code { code: 0, bits: 0 }; 256];
    let mut octet = 0;
    while octet < codes.len() {
        codes[octet] = Code { code: CODES[octet], bits: LENGTHS[octet] as u32 };
        octet += 1;
    }
    codes
}
