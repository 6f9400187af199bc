//! Whether octets are HTTP/2 at all, told from their beginning.
//!
//! For: a plain word to who has caught something else: text, HTTP/1.1, octets out of the middle of a frame.
//! Not for: rules of HTTP/2; a capture that breaks them is recognised, and the tap tells which.

use pellucid_frame::{Head, PREFACE};

/// Why these octets cannot be explained: they have neither a preface nor a whole frame at their beginning.
pub(super) fn recognise(octets: &[u8]) -> Result<(), String> {
    if let Some(version) = http1(octets) {
        return Err(format!("{version} text, not HTTP/2 frames"));
    }
    if octets.starts_with(PREFACE) {
        return Ok(());
    }
    let nothing = format!("not HTTP/2: no preface, and no whole frame at the beginning of its {} octets", octets.len());
    let Some(head) = Head::peek(octets) else { return Err(nothing) };
    // RFC 9113 §5.5: unknown types are ignored, so anything could pass for a frame of one.
    let Some(kind) = head.kind.name() else { return Err(nothing) };
    let whole = Head::LEN as u64 + u64::from(head.length);
    if octets.len() as u64 >= whole {
        return Ok(());
    }
    Err(format!("{nothing} (a {kind} frame would have {whole})"))
}

/// The version of HTTP/1 that a request line ends with or a status line begins with (RFC 9112 §3, §4).
pub(super) fn http1(octets: &[u8]) -> Option<&'static str> {
    let start = octets.get(..octets.len().min(LONGEST_LINE)).unwrap_or_default();
    let line = start.split(|octet| *octet == b'\n').next()?.trim_ascii_end();
    // The preface was chosen to look like a request, of another version.
    ["HTTP/1.1", "HTTP/1.0"].into_iter().find(|version| {
        let is_status = line.strip_prefix(version.as_bytes()).is_some_and(|rest| rest.starts_with(b" "));
        let target = line.strip_suffix(version.as_bytes()).and_then(|rest| rest.strip_suffix(b" "));
        is_status || target.is_some_and(|rest| rest.iter().all(|octet| (b' '..0x7f).contains(octet)))
    })
}

/// Octets that are searched for the end of the first line.
const LONGEST_LINE: usize = 8 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_like_http2_is_recognised() {
        let whole = [&[0, 0, 1, 1, 5, 0, 0, 0, 1, 0x82][..], &[0, 0, 0, 4, 0, 0, 0, 0, 0, 7], PREFACE];
        for octets in whole {
            assert_eq!(recognise(octets), Ok(()), "{octets:?}");
        }
        let preface_and_garbage = [&PREFACE[..], b"garbage"].concat();
        assert_eq!(recognise(&preface_and_garbage), Ok(()));
    }

    #[test]
    fn what_does_not_is_named() {
        let table: [(&[u8], &str); 8] = [
            (b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n", "HTTP/1.1 text, not HTTP/2 frames"),
            (b"GET / HTTP/1.0", "HTTP/1.0 text, not HTTP/2 frames"),
            (b"HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 text, not HTTP/2 frames"),
            (b"Lorem ipsum dolor sit amet", "not HTTP/2: no preface"),
            (b"PRI * HTTP/2.0\r\n", "not HTTP/2: no preface"),
            (b"\0\0", "of its 2 octets"),
            (b"\0\0\0\xcc\0\0\0\0\0", "not HTTP/2: no preface"),
            (b"\0\0\x05\x01\x05\0\0\0\x01\x82", "(a HEADERS frame would have 14)"),
        ];
        for (octets, expected) in table {
            let told = recognise(octets).expect_err("it is not HTTP/2");
            assert!(told.contains(expected), "{told}");
        }
    }
}
