//! Huffman decoding by wide lookups: the next eleven bits select an entry that holds one or two whole symbols. Nearly all
//! octets of real fields have codes of five to eight bits, so most lookups give two. Longer codes (rare: they belong to
//! control octets, high octets and some marks) are found by comparing with the first code of each length.
//!
//! Tricks, in order:
//! 1. `window` holds the next bits left-aligned, at least 56 of them while input lasts: one 8-octet load refills it.
//! 2. Four lookups take at most 44 bits and give at most 8 octets, collected in a word and stored at once.
//! 3. The last octets go one symbol at a time, because there a code may be cut off by the padding.

use super::table::{CODES, END_OF_STRING, LENGTHS, LONGEST, SHORTEST};
use crate::error::Error;

/// Appends the octets that the Huffman-coded `octets` stand for, at most 8/5 as many. On an error some of them may have been
/// appended.
///
/// # Errors
/// [`Error::HuffmanEndOfString`], [`Error::HuffmanPaddingTooLong`], [`Error::HuffmanPaddingNotOnes`] (RFC 7541 §5.2).
pub fn decode(octets: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
    let start = out.len();
    // Room for the most symbols there can be and for a last store of a whole word.
    out.resize(start + octets.len() * 8 / SHORTEST as usize + WORD, 0);
    let mut bits = Bits { rest: octets, window: 0, count: 0 };
    let mut written = start;
    while bits.refill() {
        let (symbols, count) = bits.take_four();
        if let Some(room) = out.get_mut(written..written + WORD) {
            room.copy_from_slice(&symbols.to_le_bytes());
        }
        written += count;
        if count == 0 {
            let symbol = bits.take_long()?;
            if let Some(room) = out.get_mut(written) {
                *room = symbol;
            }
            written += 1;
        }
    }
    out.truncate(written);
    while bits.count > 0 {
        match bits.take_last()? {
            Some(symbol) => out.push(symbol),
            None => break,
        }
    }
    Ok(())
}

/// The input as bits.
struct Bits<'a> {
    rest: &'a [u8],
    /// The next bits, left-aligned; ones or bits already in `rest` below the first `count`.
    window: u64,
    count: u32,
}

impl Bits<'_> {
    /// Fills the window to 56 bits or more from whole words; `false` when less than a word is left, and then the window
    /// is filled as far as it goes.
    #[inline]
    fn refill(&mut self) -> bool {
        if let Some((word, _)) = self.rest.split_first_chunk::<WORD>() {
            self.window |= u64::from_be_bytes(*word) >> self.count;
            let taken = (63 - self.count) / 8;
            self.rest = self.rest.get(taken as usize..).unwrap_or_default();
            self.count += taken * 8;
            return true;
        }
        // Bits below `count` may already show the rest: they are the same ones, so they may be or-ed in again.
        while self.count <= 56
            && let Some((octet, rest)) = self.rest.split_first()
        {
            self.window |= u64::from(*octet) << (56 - self.count);
            self.count += 8;
            self.rest = rest;
        }
        !self.rest.is_empty()
    }

    /// Up to eight symbols, first in the lowest octet, and how many. Stops at a long code.
    #[inline]
    fn take_four(&mut self) -> (u64, usize) {
        let mut symbols = 0;
        let mut count = 0;
        for _ in 0..4 {
            #[allow(clippy::indexing_slicing, reason = "a number of LOOKUP_BITS bits is below the table's length")]
            let entry = LOOKUP[(self.window >> (64 - LOOKUP_BITS)) as usize];
            symbols |= u64::from(entry.symbols) << (count * 8);
            count += u32::from(entry.count);
            self.window <<= entry.bits;
            self.count -= u32::from(entry.bits);
        }
        (symbols, count as usize)
    }

    /// A symbol whose code is longer than a lookup.
    #[inline(never)]
    fn take_long(&mut self) -> Result<u8, Error> {
        let (symbol, bits) = long_symbol(self.window).ok_or(Error::HuffmanEndOfString)?;
        self.window <<= bits;
        self.count -= bits;
        Ok(symbol)
    }

    /// A symbol near the end, or `None` if all that is left is padding.
    fn take_last(&mut self) -> Result<Option<u8>, Error> {
        // Beyond the end ones follow, as if the padding went on.
        let padded = self.window | u64::MAX.checked_shr(self.count).unwrap_or(0);
        #[allow(clippy::indexing_slicing, reason = "a number of LOOKUP_BITS bits is below the table's length")]
        let entry = LOOKUP[(padded >> (64 - LOOKUP_BITS)) as usize];
        let found = if entry.count == 0 {
            long_symbol(padded)
        } else {
            Some((entry.symbols.to_le_bytes()[0], u32::from(entry.first_bits)))
        };
        match found {
            Some((symbol, bits)) if bits <= self.count => {
                self.window <<= bits;
                self.count -= bits;
                Ok(Some(symbol))
            }
            // RFC 7541 §5.2: the end-of-string symbol must not be in a string.
            None if self.count >= LONGEST => Err(Error::HuffmanEndOfString),
            // RFC 7541 §5.2: padding consists of ones.
            _ if padded != u64::MAX => Err(Error::HuffmanPaddingNotOnes),
            // RFC 7541 §5.2: padding is shorter than an octet.
            _ if self.count > 7 => Err(Error::HuffmanPaddingTooLong),
            _ => Ok(None),
        }
    }
}

/// Finds a code of more than `LOOKUP_BITS` bits at the top of `window`; `None` is the end-of-string code.
fn long_symbol(window: u64) -> Option<(u8, u32)> {
    for range in &LONG_CODES {
        #[allow(clippy::cast_possible_truncation, reason = "LONGEST bits at most")]
        let at = ((window >> (64 - range.bits)) as u32).wrapping_sub(range.first);
        if let Some(symbol) = LONG_SYMBOLS.get(usize::from(range.place)..).and_then(|symbols| symbols.get(at as usize))
            && at < u32::from(range.count)
        {
            return Some((*symbol, range.bits));
        }
    }
    None
}

/// What the next bits stand for.
#[derive(Clone, Copy)]
struct Entry {
    /// The first symbol in the low octet, the second above it.
    symbols: u16,
    /// How many symbols: 0 means that the code is longer than a lookup.
    count: u8,
    /// Bits of all symbols.
    bits: u8,
    /// Bits of the first symbol.
    first_bits: u8,
}

/// The codes of one length, consecutive from `first`; their symbols begin at `place` in `LONG_SYMBOLS`.
#[derive(Clone, Copy)]
struct LongCodes {
    first: u32,
    bits: u32,
    place: u8,
    count: u8,
}

const WORD: usize = size_of::<u64>();
const LOOKUP_BITS: u32 = 11;

static LOOKUP: [Entry; 1 << LOOKUP_BITS] = fill_lookup();

#[allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "run by the compiler only: a mistake fails the build"
)]
const fn fill_lookup() -> [Entry; 1 << LOOKUP_BITS] {
    let mut single = [Entry { symbols: 0, count: 0, bits: 0, first_bits: 0 }; 1 << LOOKUP_BITS];
    let mut symbol = 0;
    while symbol < END_OF_STRING {
        let bits = LENGTHS[symbol] as u32;
        if bits <= LOOKUP_BITS {
            let free = LOOKUP_BITS - bits;
            let first = (CODES[symbol] << free) as usize;
            let mut at = 0;
            while at < 1 << free {
                single[first + at] =
                    Entry { symbols: symbol as u16, count: 1, bits: bits as u8, first_bits: bits as u8 };
                at += 1;
            }
        }
        symbol += 1;
    }
    let mut lookup = single;
    let mut at = 0;
    while at < lookup.len() {
        let first = single[at];
        // What follows the first symbol, with zeros after it: a second symbol counts only if its code is all there.
        let second = single[(at << first.bits) & (lookup.len() - 1)];
        if first.count == 1 && second.count == 1 && (first.bits + second.bits) as u32 <= LOOKUP_BITS {
            lookup[at].symbols |= second.symbols << 8;
            lookup[at].count = 2;
            lookup[at].bits += second.bits;
        }
        at += 1;
    }
    lookup
}

/// How many codes are too long for a lookup, the end-of-string code aside, and how many lengths they have.
const LONG_COUNT: usize = count_long().0;
const LONG_LENGTHS: usize = count_long().1;

#[allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "run by the compiler only: a mistake fails the build"
)]
const fn count_long() -> (usize, usize) {
    let mut count = 0;
    let mut lengths = 0;
    let mut bits = LOOKUP_BITS + 1;
    while bits <= LONGEST {
        let before = count;
        let mut symbol = 0;
        while symbol < END_OF_STRING {
            if LENGTHS[symbol] as u32 == bits {
                count += 1;
            }
            symbol += 1;
        }
        if count > before {
            lengths += 1;
        }
        bits += 1;
    }
    (count, lengths)
}

static LONG_CODES: [LongCodes; LONG_LENGTHS] = fill_long().0;
static LONG_SYMBOLS: [u8; LONG_COUNT] = fill_long().1;

#[allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "run by the compiler only: a mistake fails the build"
)]
const fn fill_long() -> ([LongCodes; LONG_LENGTHS], [u8; LONG_COUNT]) {
    let mut codes = [LongCodes { first: 0, bits: 0, place: 0, count: 0 }; LONG_LENGTHS];
    let mut symbols = [0; LONG_COUNT];
    let mut place = 0;
    let mut length = 0;
    let mut bits = LOOKUP_BITS + 1;
    while bits <= LONGEST {
        let before = place;
        let mut symbol = 0;
        while symbol < END_OF_STRING {
            if LENGTHS[symbol] as u32 == bits {
                if place == before {
                    codes[length] = LongCodes { first: CODES[symbol], bits, place: place as u8, count: 0 };
                }
                codes[length].count += 1;
                symbols[place] = symbol as u8;
                place += 1;
            }
            symbol += 1;
        }
        if place > before {
            length += 1;
        }
        bits += 1;
    }
    (codes, symbols)
}
