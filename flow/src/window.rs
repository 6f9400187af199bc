//! The bounds every window obeys (RFC 9113 §6.9.1, §6.9.2) and the one error there is.
//! Not for: whose window it is; see `send` for ours to spend and `recv` for what we grant.
//!
//! A window is at most 2^31-1 octets. It can be negative, after a SETTINGS frame took back more than was left, so it is
//! computed in `i64`, where the sum or difference of any two values in question is exact.

/// The largest window and the largest WINDOW_UPDATE increment, in octets (RFC 9113 §6.9.1).
pub const MAX_WINDOW: u32 = 0x7fff_ffff;

/// The size of every window until somebody says otherwise, in octets (RFC 9113 §6.9.2).
pub const DEFAULT_WINDOW: u32 = 65_535;

/// A window would pass 2^31-1 octets, or a peer sent more than its window (RFC 9113 §6.9.1).
///
/// Which of the two follows from the call. The window is left as it was; the caller answers FLOW_CONTROL_ERROR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Overflow;

impl core::fmt::Display for Overflow {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("flow-control window exceeded (RFC 9113 section 6.9.1)")
    }
}

impl core::error::Error for Overflow {}

/// The octets that may be sent with `available` left: none while it is zero or negative.
pub(crate) fn usable(available: i64) -> u32 {
    u32::try_from(available.clamp(0, i64::from(MAX_WINDOW))).unwrap_or(MAX_WINDOW)
}

/// RFC 9113 §6.9.1: an increment must not lift a window above 2^31-1.
pub(crate) fn check_increment(available: i64, increment: u32) -> Result<(), Overflow> {
    if available + i64::from(increment) > i64::from(MAX_WINDOW) { Err(Overflow) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_usable_at_zero_or_below() {
        assert_eq!(usable(-1), 0);
        assert_eq!(usable(0), 0);
        assert_eq!(usable(1), 1);
        assert_eq!(usable(i64::from(MAX_WINDOW)), MAX_WINDOW);
        assert_eq!(usable(i64::MIN), 0);
        assert_eq!(usable(i64::MAX), MAX_WINDOW);
    }

    #[test]
    fn an_increment_overflows_exactly_above_the_maximum() {
        assert_eq!(check_increment(0, MAX_WINDOW), Ok(()));
        assert_eq!(check_increment(1, MAX_WINDOW), Err(Overflow));
        assert_eq!(check_increment(i64::from(MAX_WINDOW), 0), Ok(()));
        assert_eq!(check_increment(-1, MAX_WINDOW + 1), Ok(()));
    }
}
