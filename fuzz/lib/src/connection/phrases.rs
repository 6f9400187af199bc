//! Field sections that a peer or an application may come up with, good and bad.

use pellucid_conn::Fields;

type Section = &'static [(&'static str, &'static str)];

/// The requests; the first ones are right.
pub(super) const REQUESTS: [Section; 22] = [
    &[(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "/")],
    &[(":method", "POST"), (":scheme", "https"), (":authority", "a"), (":path", "/up")],
    &[(":method", "POST"), (":scheme", "http"), (":path", "/n"), ("content-length", "10")],
    &[(":method", "HEAD"), (":scheme", "https"), (":authority", "a"), (":path", "/"), ("priority", "u=1, i")],
    &[(":method", "CONNECT"), (":authority", "a:1")],
    &[(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":authority", "a"), (":path", "/")],
    &[(":method", "OPTIONS"), (":scheme", "https"), (":authority", "a"), (":path", "*")],
    &[
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", "a"),
        (":path", "/"),
        ("cookie", "a=b"),
        ("cookie", "c"),
    ],
    &[(":method", "POST"), (":scheme", "https"), (":authority", "a"), (":path", "/"), ("expect", "100-continue")],
    &[(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "/"), ("te", "trailers"), ("host", "a")],
    &[(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "/"), ("connection", "x")],
    &[(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "/"), ("Upper", "x")],
    &[(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "")],
    &[(":method", "GET"), (":scheme", "https"), ("x", "y"), (":path", "/")],
    &[(":method", "GET"), (":method", "GET"), (":scheme", "https"), (":path", "/")],
    &[(":method", "GET"), (":scheme", "https"), (":path", "/"), ("x", "a\nb")],
    &[(":method", "GET"), (":scheme", "https"), (":path", "/"), ("content-length", "1"), ("content-length", "2")],
    &[(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "/"), ("host", "b")],
    &[(":status", "200")],
    &[(":other", "x")],
    &[("only", "regular")],
    &[],
];

/// The responses; the first ones are right.
pub(super) const RESPONSES: [Section; 14] = [
    &[(":status", "200")],
    &[(":status", "204"), ("x", "y")],
    &[(":status", "103"), ("link", "</a>")],
    &[(":status", "100")],
    &[(":status", "200"), ("content-length", "10")],
    &[(":status", "304"), ("content-length", "10")],
    &[(":status", "404"), ("set-cookie", "a=b"), ("set-cookie", "c=d")],
    &[(":status", "101")],
    &[(":status", "9")],
    &[(":status", "200"), (":status", "200")],
    &[(":status", "200"), ("transfer-encoding", "chunked")],
    &[(":method", "GET"), (":scheme", "https"), (":path", "/")],
    &[("x", "y"), (":status", "200")],
    &[],
];

/// The trailers; the first one is right.
pub(super) const TRAILERS: [Section; 4] =
    [&[("x-sum", "1")], &[], &[(":status", "200")], &[("x-sum", "1"), ("connection", "y")]];

/// A section of a list, its first `good` entries six times out of seven, with something long in it now and then.
pub(super) fn section(from: &[Section], good: usize, text: u8) -> Fields {
    let (size, which) = (usize::from(text) % 8, usize::from(text) / 8);
    let among = if size == 7 { from.len() } else { good };
    let mut fields: Fields = from[which % among].iter().map(|(n, v)| (n.as_bytes(), v.as_bytes())).collect();
    match size {
        3 => fields.push(b"x-new", &[b'a' + text / 8; 20]),
        4 => fields.push(b"x-long", &[b'v'; 300]),
        5 if which == 0 => fields.push(b"x-longer", &[b'\x7e'; 9000]),
        5 if which == 1 => (0..200).for_each(|_| fields.push(b"x", b"")),
        _ => {}
    }
    fields
}
