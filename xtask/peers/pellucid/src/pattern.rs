//! The content that every program of the matrix makes and checks by itself: octet `i` is `i ^ i >> 8 ^ i >> 16`, so that what is
//! lost, doubled or out of order cannot pass for the right thing.

/// So many octets, from the beginning.
pub(crate) fn pattern(octets: u32) -> Vec<u8> {
    (0..octets)
        .map(|i| {
            let [a, b, c, _] = i.to_le_bytes();
            a ^ b ^ c
        })
        .collect()
}

/// Octets of what is big here.
pub(crate) const BIG: u32 = 10 << 20;
/// Octets of what is small.
pub(crate) const SMALL: u32 = 1 << 10;
/// Octets of the large header field.
pub(crate) const LARGE_FIELD: usize = 12 << 10;
