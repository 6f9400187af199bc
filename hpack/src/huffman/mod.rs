//! The Huffman code for string literals (RFC 7541 §5.2, Appendix B).
//!
//! The code is canonical: sorted by length and then by symbol, each code is its predecessor plus one, shifted to the new
//! length. So the lengths in `table.rs` are all there is to know; encoding and decoding tables are computed from them by
//! the compiler.
//!
//! ```
//! use pellucid_hpack::huffman;
//!
//! let mut coded = Vec::new();
//! huffman::encode(b"www.example.com", &mut coded);
//! assert_eq!(coded.len(), 12);
//! let mut text = Vec::new();
//! huffman::decode(&coded, &mut text)?;
//! assert_eq!(text, b"www.example.com");
//! # Ok::<(), pellucid_hpack::Error>(())
//! ```

mod decode;
mod encode;
mod table;

pub use decode::decode;
pub(crate) use decode::{decode_into, room_for};
pub(crate) use encode::encode_string;
pub use encode::{encode, encoded_len};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use proptest::prelude::*;

    fn decoded(octets: &[u8]) -> Result<Vec<u8>, Error> {
        let mut out = Vec::new();
        decode(octets, &mut out).map(|()| out)
    }

    /// RFC 7541 Appendix C.4 and C.6.
    #[test]
    fn examples_of_the_rfc() {
        let table: [(&str, &[u8]); 4] = [
            ("www.example.com", b"\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff"),
            ("no-cache", b"\xa8\xeb\x10\x64\x9c\xbf"),
            ("302", b"\x64\x02"),
            ("private", b"\xae\xc3\x77\x1a\x4b"),
        ];
        for (text, code) in table {
            let mut out = Vec::new();
            encode(text.as_bytes(), &mut out);
            assert_eq!(out, code, "{text}");
            assert_eq!(encoded_len(text.as_bytes()), code.len());
            assert_eq!(decoded(code).as_deref(), Ok(text.as_bytes()));
        }
        assert_eq!(decoded(b""), Ok(Vec::new()));
    }

    #[test]
    fn bad_padding_and_end_of_string_are_refused() {
        let table: [(&[u8], Error); 9] = [
            (b"\xff", Error::HuffmanPaddingTooLong),
            (b"\xff\xff", Error::HuffmanPaddingTooLong),
            (b"\xff\xff\xff", Error::HuffmanPaddingTooLong),
            (b"\x18", Error::HuffmanPaddingNotOnes),
            (b"\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff\xff", Error::HuffmanPaddingTooLong),
            (b"\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xfe", Error::HuffmanPaddingNotOnes),
            (b"\xff\xff\xff\xff", Error::HuffmanEndOfString),
            (b"\xff\xff\xff\xfc", Error::HuffmanEndOfString),
            (b"\x1f\xff\xff\xff\xff\xff\xff\xff\xff\xff", Error::HuffmanEndOfString),
        ];
        for (code, error) in table {
            assert_eq!(decoded(code), Err(error), "{code:x?}");
        }
    }

    /// Every pair of octets: every code, after and before every other length.
    #[test]
    fn every_pair_of_octets_survives() {
        for first in 0..=255 {
            for second in 0..=255 {
                let text = [first, second];
                let mut code = Vec::new();
                encode(&text, &mut code);
                assert_eq!(decoded(&code).as_deref(), Ok(&text[..]));
            }
        }
    }

    proptest! {
        #[test]
        fn any_octets_survive(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut code = vec![1, 2, 3];
            encode(&text, &mut code);
            prop_assert_eq!(code.len(), 3 + encoded_len(&text));
            prop_assert_eq!(decoded(&code[3..]), Ok(text));
        }

        /// Whatever is accepted is the one encoding of what it decodes to.
        #[test]
        fn what_is_accepted_is_canonical(code in proptest::collection::vec(any::<u8>(), 0..60)) {
            if let Ok(text) = decoded(&code) {
                let mut again = Vec::new();
                encode(&text, &mut again);
                prop_assert_eq!(again, code);
            }
        }
    }
}
