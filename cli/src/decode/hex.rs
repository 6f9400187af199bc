//! Octets written down as hex digits, the way people copy them from tools and documents.
//!
//! Not for: dumps with offsets and a text column; those hold more than the octets.

/// Whether a text holds octets as hex: nothing but digits, white space, colons and `0x`. No HTTP/2 connection begins
/// like that, so nothing is lost by taking such a file for text.
pub(super) fn is_likely(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_hexdigit() || is_skipped(c) || c == 'x' || c == 'X')
}

/// The octets; two digits each, white space, colons and `0x` between or within them skipped.
pub(super) fn parse(text: &str) -> Result<Vec<u8>, String> {
    let mut octets = Vec::new();
    let mut high = None;
    let mut rest = text.chars().enumerate().peekable();
    while let Some((place, c)) = rest.next() {
        if is_skipped(c) || high.is_none() && c == '0' && rest.next_if(|(_, x)| matches!(x, 'x' | 'X')).is_some() {
            continue;
        }
        let Some(digit) = c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()) else {
            return Err(format!("{c:?} at character {} is no hex digit", place + 1));
        };
        match high.take() {
            None => high = Some(digit),
            Some(high) => octets.push(high << 4 | digit),
        }
    }
    if high.is_some() { Err("an odd number of hex digits".to_owned()) } else { Ok(octets) }
}

fn is_skipped(c: char) -> bool {
    c.is_whitespace() || c == ':'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_colons_and_0x_are_skipped() {
        for text in ["000aff", "00 0A\nfF", "00:0a:ff", "0x00 0x0a 0xff", "0x000aff", " 0 00 a f f\t", "0X000AFF"] {
            assert!(is_likely(text), "{text}");
            assert_eq!(parse(text), Ok(vec![0x00, 0x0a, 0xff]), "{text}");
        }
        assert_eq!(parse(""), Ok(Vec::new()));
    }

    #[test]
    fn what_is_no_hex_is_named() {
        assert_eq!(parse("00g0"), Err("'g' at character 3 is no hex digit".to_owned()));
        assert_eq!(parse("000"), Err("an odd number of hex digits".to_owned()));
        assert_eq!(parse("00x0"), Err("'x' at character 3 is no hex digit".to_owned()));
        assert_eq!(parse("ä"), Err("'ä' at character 1 is no hex digit".to_owned()));
        assert!(!is_likely("PRI * HTTP/2.0"));
    }
}
