//! Huffman decoding by wide lookups: the next eleven bits select an entry that holds one or two whole symbols. Nearly all
//! octets of real fields have codes of five to eight bits, so most lookups give two. Longer codes (rare: they belong to
//! control octets, high octets and some marks) are found by comparing with the first code of each length.
//!
//! Tricks, in order:
//! 1. `window` holds the next bits left-aligned, at least 56 of them while input lasts: one 8-octet load refills it.
//! 2. Four lookups take at most 44 bits and give at most 8 octets, collected in a word and stored at once.
//! 3. The last octets become one more word; what they leave is less than a lookup, where a code may be cut off by the
//!    padding and symbols are taken one at a time.

use super::table::{CODES, END_OF_STRING, LENGTHS, LONGEST, SHORTEST};
use crate::error::Error;

/// Appends the octets that the Huffman-coded `octets` stand for, at most 8/5 as many; on an error nothing.
///
/// # Errors
/// [`Error::HuffmanEndOfString`], [`Error::HuffmanPaddingTooLong`], [`Error::HuffmanPaddingNotOnes`] (RFC 7541 §5.2).
pub fn decode(octets: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
    let start = out.len();
    out.resize(start + room_for(octets.len()), 0);
    let written = decode_into(octets, out.get_mut(start..).unwrap_or_default());
    out.truncate(start + written.unwrap_or(0));
    written.map(|_| ())
}

/// Octets that [`decode_into`] needs: the most symbols there can be, and a last store of a whole word.
#[inline]
pub(crate) const fn room_for(octets: usize) -> usize {
    octets * 8 / SHORTEST as usize + WORD
}

/// Writes the octets that the Huffman-coded `octets` stand for to the front of `out`, which has room for them
/// ([`room_for`]), and says how many they are. What follows them is overwritten too.
pub(crate) fn decode_into(octets: &[u8], out: &mut [u8]) -> Result<usize, Error> {
    let mut bits = Bits { window: 0, count: 0 };
    let mut at = 0;
    let mut rest = octets;
    while let Some((word, _)) = rest.split_first_chunk::<WORD>() {
        let taken = bits.free_octets();
        bits.refill(u64::from_be_bytes(*word), taken);
        rest = rest.get(taken..).unwrap_or_default();
        at += bits.take_four(out, at)?;
    }
    let mut word = last_word(octets, rest);
    let mut left = rest.len();
    loop {
        let taken = bits.free_octets().min(left);
        bits.refill(word, taken);
        word = word.checked_shl(8 * octet_count(taken)).unwrap_or(0);
        left -= taken;
        while bits.count >= 4 * LOOKUP_BITS {
            at += bits.take_four(out, at)?;
        }
        // The longest code must be all there, unless nothing more comes.
        let enough = if left == 0 { LOOKUP_BITS } else { LONGEST };
        while bits.count >= enough {
            at += bits.take_two(out, at)?;
        }
        if left == 0 {
            break;
        }
    }
    while let Some(symbol) = bits.take_last()? {
        store(out, at, [symbol]);
        at += 1;
    }
    Ok(at)
}

/// The bits that come next.
struct Bits {
    /// Left-aligned. Below the first `count` there may be bits of input not counted yet, or zeros.
    window: u64,
    count: u32,
}

impl Bits {
    /// Whole octets that the window has room for: seven at most.
    #[inline]
    fn free_octets(&self) -> usize {
        (63 - self.count as usize) / 8
    }

    /// Adds the first `taken` octets of a word to the window, which has room for them. The word's other octets may get into it too
    /// without being counted; they are or-ed in again when their turn comes, to no effect.
    #[inline]
    fn refill(&mut self, word: u64, taken: usize) {
        self.window |= word >> self.count;
        self.count += 8 * octet_count(taken);
    }

    /// Takes up to eight symbols at once, or one long one, and says how many. Needs the bits of four
    /// lookups, which are more than those of the longest code.
    #[inline]
    fn take_four(&mut self, out: &mut [u8], at: usize) -> Result<usize, Error> {
        let mut symbols = 0;
        let mut shift = 0;
        for _ in 0..4 {
            let entry = self.look_up();
            symbols |= u64::from(entry.symbols) << shift;
            shift += u32::from(entry.shift);
            self.skip(u32::from(entry.bits));
        }
        if shift == 0 {
            return self.take_long(out, at);
        }
        store(out, at, symbols.to_le_bytes());
        Ok(shift as usize / 8)
    }

    /// Takes one or two symbols and says how many. Needs the bits of a lookup.
    #[inline]
    fn take_two(&mut self, out: &mut [u8], at: usize) -> Result<usize, Error> {
        let entry = self.look_up();
        if entry.shift == 0 {
            return self.take_long(out, at);
        }
        store(out, at, entry.symbols.to_le_bytes());
        self.skip(u32::from(entry.bits));
        Ok(usize::from(entry.shift / 8))
    }

    /// Takes a symbol whose code is longer than a lookup. If that many bits are left but no such code is, they can only be bad
    /// padding.
    #[inline(never)]
    fn take_long(&mut self, out: &mut [u8], at: usize) -> Result<usize, Error> {
        match long_symbol(self.window) {
            Some((symbol, bits)) if bits <= self.count => {
                store(out, at, [symbol]);
                self.skip(bits);
                Ok(1)
            }
            // RFC 7541 §5.2: the end-of-string symbol must not be in a string.
            None if self.count >= LONGEST => Err(Error::HuffmanEndOfString),
            _ => Err(self.bad_padding()),
        }
    }

    /// Takes a symbol from less than a lookup's bits, or says that only padding is left.
    #[inline]
    fn take_last(&mut self) -> Result<Option<u8>, Error> {
        // RFC 7541 §5.2: padding is shorter than an octet and consists of ones.
        let padding = !(u64::MAX >> self.count);
        if self.window == padding && self.count < 8 {
            return Ok(None);
        }
        let symbol = self.look_up().symbols.to_le_bytes()[0];
        match LENGTHS.get(usize::from(symbol)) {
            Some(bits) if u32::from(*bits) <= self.count => {
                self.skip(u32::from(*bits));
                Ok(Some(symbol))
            }
            _ => Err(self.bad_padding()),
        }
    }

    /// What is wrong with bits that are neither a code nor padding.
    #[cold]
    fn bad_padding(&self) -> Error {
        if self.window.leading_ones() >= self.count {
            Error::HuffmanPaddingTooLong
        } else {
            Error::HuffmanPaddingNotOnes
        }
    }

    #[inline]
    fn look_up(&self) -> Entry {
        #[allow(clippy::indexing_slicing, reason = "a number of LOOKUP_BITS bits is below the table's length")]
        LOOKUP[(self.window >> (64 - LOOKUP_BITS)) as usize]
    }

    #[inline]
    fn skip(&mut self, bits: u32) {
        self.window <<= bits;
        self.count -= bits;
    }
}

/// The last octets as a word, left-aligned: `rest` is the end of `octets`.
#[inline]
fn last_word(octets: &[u8], rest: &[u8]) -> u64 {
    match octets.last_chunk::<WORD>() {
        // The octets before `rest` are shifted out.
        Some(chunk) => u64::from_be_bytes(*chunk).checked_shl(8 * octet_count(WORD - rest.len())).unwrap_or(0),
        None => rest
            .iter()
            .zip([56, 48, 40, 32, 24, 16, 8])
            .fold(0, |word, (octet, shift)| word | u64::from(*octet) << shift),
    }
}

/// Writes symbols where room was made for them.
#[inline]
fn store<const N: usize>(out: &mut [u8], at: usize, symbols: [u8; N]) {
    if let Some(room) = out.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
        *room = symbols;
    }
}

#[allow(clippy::cast_possible_truncation, reason = "octets of a word: 8 at most")]
const fn octet_count(octets: usize) -> u32 {
    octets as u32
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
    /// Eight for each symbol: how far the next ones are to be shifted. 0 means that the code is longer than a lookup.
    shift: u8,
    /// Bits of all symbols.
    bits: u8,
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
const LOOKUP_BITS: u32 = 12;

static LOOKUP: [Entry; 1 << LOOKUP_BITS] = fill_lookup();

#[allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "run by the compiler only: a mistake fails the build"
)]
const fn fill_lookup() -> [Entry; 1 << LOOKUP_BITS] {
    let mut single = [Entry { symbols: 0, shift: 0, bits: 0 }; 1 << LOOKUP_BITS];
    let mut symbol = 0;
    while symbol < END_OF_STRING {
        let bits = LENGTHS[symbol] as u32;
        if bits <= LOOKUP_BITS {
            let free = LOOKUP_BITS - bits;
            let first = (CODES[symbol] << free) as usize;
            let mut at = 0;
            while at < 1 << free {
                single[first + at] = Entry { symbols: symbol as u16, shift: 8, bits: bits as u8 };
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
        if first.shift == 8 && second.shift == 8 && (first.bits + second.bits) as u32 <= LOOKUP_BITS {
            lookup[at].symbols |= second.symbols << 8;
            lookup[at].shift = 16;
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
