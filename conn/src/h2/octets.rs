//! Which octets a method, a scheme and an authority are made of: one table look-up an octet.

/// A set of octets: one bit of the table below.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Set(u8);

impl Set {
    /// RFC 9110 §5.6.2: what a token is made of.
    pub(crate) const TOKEN: Self = Self(1);
    /// RFC 3986 §3.1: what follows a scheme's first letter.
    pub(crate) const SCHEME: Self = Self(2);
    /// RFC 3986 §3.2: host and port, without user information.
    pub(crate) const AUTHORITY: Self = Self(4);

    /// Whether `value` holds octets of this set only, and at least one.
    #[inline]
    #[allow(clippy::indexing_slicing, reason = "an octet is always within a table of 256")]
    pub(crate) fn covers(self, value: &[u8]) -> bool {
        let all = value.iter().fold(self.0, |bits, octet| bits & TABLE[usize::from(*octet)]);
        all != 0 && !value.is_empty()
    }
}

static TABLE: [u8; 256] = table();

const fn table() -> [u8; 256] {
    let letters = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let table = add([0; 256], letters, Set(Set::TOKEN.0 | Set::SCHEME.0 | Set::AUTHORITY.0));
    let table = add(table, b"!#$%&'*+-.^_`|~", Set::TOKEN);
    add(add(table, b"+-.", Set::SCHEME), b"-._~!$&'()*+,;=:[]%", Set::AUTHORITY)
}

#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler, with indices of an octet")]
const fn add(mut table: [u8; 256], octets: &[u8], set: Set) -> [u8; 256] {
    let mut at = 0;
    while at < octets.len() {
        table[octets[at] as usize] |= set.0;
        at += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_hold_what_the_rfcs_say() {
        assert!(Set::TOKEN.covers(b"M-SEARCH") && !Set::TOKEN.covers(b"GET ") && !Set::TOKEN.covers(b""));
        assert!(Set::SCHEME.covers(b"coap+tcp") && !Set::SCHEME.covers(b"ht_tp"));
        assert!(Set::AUTHORITY.covers(b"[::1]:8080") && Set::AUTHORITY.covers(b"a-b.example:80"));
        for bad in [b"a@b".as_slice(), b"a b", b"a/b", b"a\r\nb", b"a\xffb", b""] {
            assert!(!Set::AUTHORITY.covers(bad), "{bad:?}");
        }
    }
}
