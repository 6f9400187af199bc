//! Numbers as people type them.
//!
//! Not for: limits that depend on anything but the number.

/// Octets: a number, perhaps with k, m or g (of 1024 each).
pub(crate) fn octets(text: &str) -> Result<u64, String> {
    let unit = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = unit.parse().map_err(|_| "write a number such as 1024, 10k or 1m".to_owned())?;
    let factor = match text.get(unit.len()..).unwrap_or_default().to_ascii_lowercase().as_str() {
        "" => 1,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        _ => return Err("the unit must be k, m or g".to_owned()),
    };
    number.checked_mul(factor).ok_or_else(|| "too large".to_owned())
}

/// How many threads serve.
pub(crate) fn workers(text: &str) -> Result<usize, String> {
    let number: Option<usize> = text.parse().ok();
    number
        .filter(|number| (1..=MAX_WORKERS).contains(number))
        .ok_or_else(|| format!("write a number from 1 to {MAX_WORKERS}"))
}

/// More threads than any machine has processors for; each holds a socket and a runtime.
const MAX_WORKERS: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_powers_of_1024() {
        let table = [("0", 0), ("1024", 1024), ("10k", 10_240), ("10K", 10_240), ("1m", 1 << 20), ("2g", 2 << 30)];
        for (text, octets_meant) in table {
            assert_eq!(octets(text), Ok(octets_meant), "{text}");
        }
        for text in ["", "k", "1.5k", "-1", "1kb", "1 k", "99999999999g", "ä"] {
            assert!(octets(text).is_err(), "{text}");
        }
    }
    #[test]
    fn workers_are_from_1_to_1024() {
        assert_eq!([workers("1"), workers("1024")], [Ok(1), Ok(1024)]);
        for text in ["", "0", "-1", "1025", "two", "99999999999999999999999"] {
            assert_eq!(workers(text), Err("write a number from 1 to 1024".to_owned()), "{text}");
        }
    }
}
