//! The lengths of the Huffman codes (RFC 7541 Appendix B) and the codes they imply.

/// The symbol that ends a string and must never be sent: only the first bits of its code serve as padding.
pub(crate) const END_OF_STRING: usize = 256;

/// Bits of the shortest and of the longest code.
pub(crate) const SHORTEST: u32 = 5;
pub(crate) const LONGEST: u32 = 30;

/// The code of each symbol, right-aligned.
pub(crate) const CODES: [u32; 257] = assign_codes();

/// Walks the lengths upwards and hands out consecutive codes.
#[allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "run by the compiler only: a mistake fails the build"
)]
const fn assign_codes() -> [u32; 257] {
    let mut codes = [0; 257];
    let mut next = 0;
    let mut length = 1;
    while length <= LONGEST {
        next <<= 1;
        let mut symbol = 0;
        while symbol < codes.len() {
            if LENGTHS[symbol] as u32 == length {
                codes[symbol] = next;
                next += 1;
            }
            symbol += 1;
        }
        length += 1;
    }
    codes
}

/// Bits of the code of each octet, and of the end-of-string symbol.
#[rustfmt::skip]
pub(crate) const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_as_listed_in_the_rfc() {
        let table = [
            (b'0', 0x0),
            (b'a', 0x3),
            (b'/', 0x18),
            (b'&', 0xf8),
            (b'\\', 0x7fff0),
            (0, 0x1ff8),
            (127, 0xfff_fffc),
            (255, 0x3ff_ffee),
        ];
        for (symbol, code) in table {
            assert_eq!(CODES[usize::from(symbol)], code, "{symbol}");
        }
        assert_eq!(CODES[END_OF_STRING], 0x3fff_ffff);
        assert_eq!(assign_codes(), CODES, "the compiler's table is the program's");
    }
}
