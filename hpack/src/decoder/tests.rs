//! That work is linear in the octets of a block, however it is cut: counted, not timed.

use super::*;

const WIDE: Limits = Limits { max_size: u32::MAX, max_fields: u32::MAX, max_string: u32::MAX };

/// Feeds a block octet by octet and counts how often the decoder looks at a representation, and octets copied for it.
fn looks(block: &[u8]) -> usize {
    let mut decoder = Decoder::new(4096);
    let mut fields = Fields::new();
    let mut looks = 0;
    for octet in block {
        // An octet makes the decoder look when nothing is pending or when it is the last of those that were needed.
        if decoder.pending.is_empty() || decoder.pending.len() + 1 >= decoder.needed {
            looks += 1;
        }
        decoder.decode(&[*octet], &mut fields, &WIDE).unwrap();
        assert!(decoder.pending.len() < decoder.needed || decoder.pending.is_empty());
    }
    decoder.finish().unwrap();
    looks
}

/// A literal field takes at most three integers of six octets and two strings: twenty looks, however long it is.
#[test]
fn a_long_string_octet_by_octet_is_looked_at_a_few_times() {
    for length in [10, 1000, 100_000, 1_000_000] {
        let mut block = vec![0x00];
        for coded in [0x80, 0x00] {
            integer::encode(length, 7, coded, &mut block);
            block.extend(vec![0x07; length as usize]);
        }
        assert!(looks(&block) <= 20, "{} looks at strings of {length}", looks(&block));
    }
}

/// Strings are bounded before they are buffered.
#[test]
fn nothing_is_buffered_for_a_string_that_is_too_long() {
    let mut decoder = Decoder::new(4096);
    let limits = Limits { max_string: 100, ..WIDE };
    let mut block = vec![0x04];
    integer::encode(101, 7, 0, &mut block);
    block.extend([b'x'; 101]);
    let result = block.iter().try_for_each(|octet| decoder.decode(&[*octet], &mut Fields::new(), &limits));
    assert_eq!(result, Err(Error::StringTooLong));
    assert!(decoder.pending.len() <= 2);
}

/// Buffers of an idle decoder stay small.
#[test]
fn large_buffers_are_given_back() {
    let mut decoder = Decoder::new(4096);
    let mut block = vec![0x04];
    integer::encode(60_000, 7, 0x80, &mut block);
    block.extend([0x07; 60_000]);
    for fragment in block.chunks(16_384) {
        decoder.decode(fragment, &mut Fields::new(), &WIDE).unwrap();
    }
    decoder.finish().unwrap();
    assert!(decoder.pending.capacity() + decoder.scratch.capacity() <= 2 * KEPT_BUFFER);
}
