//! Requests that would become other requests behind an HTTP/1 relay: each is malformed, costs its own stream
//! (RST_STREAM PROTOCOL_ERROR), and leaves its siblings and the compression tables alone.

use pellucid_conn::{End, ErrorCode};

use crate::frames::{Frame, data, headers};
use crate::victim::{GET, POST, Victim, nth};

type Line = (&'static str, &'static str);

/// Fields that make an otherwise good GET malformed.
const BAD_FIELDS: [Line; 36] = [
    // Lengths that two parsers read differently.
    ("content-length", "+5"),
    ("content-length", "5, 5"),
    ("content-length", "0x5"),
    ("content-length", ""),
    ("content-length", "-0"),
    ("content-length", "99999999999999999999"),
    ("content-length", "9223372036854775808"),
    ("content-length", "5 "),
    // H2.TE and the other fields that belong to one connection.
    ("transfer-encoding", "chunked"),
    ("connection", "close"),
    ("keep-alive", "timeout=5"),
    ("proxy-connection", "keep-alive"),
    ("upgrade", "h2c"),
    ("te", "chunked"),
    ("te", "trailers, chunked"),
    ("te", ""),
    // Values that end a line.
    ("x", "a\r\nhost: evil"),
    ("x", "a\nb"),
    ("x", "a\rb"),
    ("x", "a\0b"),
    ("x", " a"),
    ("x", "a\t"),
    // Names that are none.
    ("", "x"),
    ("", ""),
    ("foo:bar", "x"),
    ("foo bar", "x"),
    ("Foo", "x"),
    ("foo\x7f", "x"),
    ("foo\u{e9}", "x"),
    ("transfer-encoding\t", "chunked"),
    ("foo\r\nhost", "evil"),
    // Another authority.
    ("host", "b"),
    ("host", "a@b"),
    // Pseudo-fields out of place.
    (":path", "/other"),
    (":status", "200"),
    (":protocol", "websocket"),
];

/// A whole request head, each malformed.
const BAD_HEADS: [&[Line]; 24] = [
    &[(":method", "GET"), (":scheme", "https"), (":authority", "a")],
    &[(":method", "GET"), (":path", "/"), (":authority", "a")],
    &[(":scheme", "https"), (":path", "/"), (":authority", "a")],
    &[(":method", "GET"), (":method", "GET"), (":scheme", "https"), (":path", "/")],
    &[(":method", "GET / HTTP/1.1\r\nX: y"), (":scheme", "https"), (":path", "/")],
    &[(":method", "GET X"), (":scheme", "https"), (":path", "/")],
    &[(":method", ""), (":scheme", "https"), (":path", "/")],
    &[(":method", "GET"), (":scheme", "https"), (":path", "")],
    &[(":method", "GET"), (":scheme", "https"), (":path", "*")],
    &[(":method", "GET"), (":scheme", "https"), (":path", "Service/Method")],
    &[(":method", "GET"), (":scheme", "https"), (":path", "https://b/")],
    &[(":method", "GET"), (":scheme", "https"), (":path", "/ HTTP/1.1\r\nX: y")],
    &[(":method", "GET"), (":scheme", "https"), (":path", "/a b")],
    &[(":method", "GET"), (":scheme", "https"), (":path", "/a#b")],
    &[(":method", "GET"), (":scheme", "ht tp"), (":path", "/")],
    &[(":method", "GET"), (":scheme", ""), (":path", "/")],
    &[(":method", "GET"), (":scheme", "https"), (":path", "/"), (":authority", "u@a")],
    &[(":method", "GET"), (":scheme", "https"), (":path", "/"), (":authority", "a b")],
    &[(":method", "GET"), (":scheme", "https"), (":path", "/"), (":authority", "a\r\nX: y")],
    &[(":method", "GET"), (":scheme", "https"), (":path", "/"), ("host", "a"), ("host", "a")],
    &[(":method", "CONNECT"), (":scheme", "https"), (":path", "/"), (":authority", "a:443")],
    &[(":method", "CONNECT")],
    &[(":method", "CONNECT"), (":authority", "a:443"), ("content-length", "5")],
    &[("x", "y"), (":method", "GET"), (":scheme", "https"), (":path", "/")],
];

/// Content that does not add up to its length, in each of the places where that shows.
fn bad_lengths(id: u32) -> [Vec<Frame>; 6] {
    let head = |length: &'static str, end| {
        let mut fields = POST.to_vec();
        fields.push(("content-length", length));
        headers(id, &fields, end)
    };
    let trailers = headers(id, &[("x-end", "1")], End::Last);
    [
        vec![head("0", End::More), data(id, &[b'x'; 30], End::Last)],
        vec![head("10", End::Last)],
        vec![head("10", End::More), data(id, b"short", End::Last)],
        vec![head("10", End::More), data(id, b"more than that", End::More)],
        vec![head("10", End::More), data(id, b"short", End::More), trailers.clone()],
        vec![head("10", End::More), trailers],
    ]
}

/// Trailers that would become header fields.
const BAD_TRAILERS: [Line; 6] = [
    (":path", "/"),
    (":method", "GET"),
    ("transfer-encoding", "chunked"),
    ("connection", "close"),
    ("Upper", "x"),
    ("x", "a\r\nb: c"),
];

/// Feeds one malformed message; its stream ends and the next request is answered as if nothing had been.
fn costs_its_stream_only(v: &mut Victim, id: u32, frames: &[Frame], name: &dyn std::fmt::Debug) {
    let sibling = id + 2;
    for frame in frames {
        v.recv(frame);
    }
    assert_eq!(v.resets.pop(), Some((id, ErrorCode::PROTOCOL_ERROR)), "{name:?}");
    assert_eq!((v.resets.len(), v.error), (0, None), "{name:?}");
    let mut fields = GET.to_vec();
    fields.push(("x-sibling", "is the table in sync?"));
    v.recv(&headers(sibling, &fields, End::Last));
    assert_eq!(v.statuses.remove(&sibling).as_deref(), Some("200"), "{name:?}");
    assert_eq!((v.conn.live_streams(), v.running.len()), (0, 0), "{name:?}");
    v.pass_secs(1);
}

#[test]
fn malformed_requests_cost_their_stream_only() {
    let mut v = Victim::server();
    let mut n = 0;
    for line in BAD_FIELDS {
        let mut fields = GET.to_vec();
        fields.push(line);
        costs_its_stream_only(&mut v, nth(n), &[headers(nth(n), &fields, End::Last)], &line);
        n += 2;
    }
    for fields in BAD_HEADS {
        costs_its_stream_only(&mut v, nth(n), &[headers(nth(n), fields, End::Last)], &fields);
        n += 2;
    }
    assert_eq!(v.requests, n / 2, "no malformed request was ever told");
    v.is_fine();
}

#[test]
fn lengths_that_do_not_add_up_cost_their_stream_only() {
    let mut v = Victim::server();
    for (n, _) in bad_lengths(1).iter().enumerate() {
        let id = nth(2 * n);
        costs_its_stream_only(&mut v, id, &bad_lengths(id)[n], &n);
    }
    v.is_fine();
}

#[test]
fn bad_trailers_cost_their_stream_only() {
    let mut v = Victim::server();
    for (n, line) in BAD_TRAILERS.into_iter().enumerate() {
        let id = nth(2 * n);
        let frames = [headers(id, &POST, End::More), data(id, b"x", End::More), headers(id, &[line], End::Last)];
        costs_its_stream_only(&mut v, id, &frames, &line);
    }
    v.is_fine();
}

/// What looks odd and is legal stays legal.
#[test]
fn odd_requests_that_are_legal_are_served() {
    let good: [&[Line]; 9] = [
        &[(":method", "OPTIONS"), (":scheme", "https"), (":path", "*"), (":authority", "a")],
        &[(":method", "GET"), (":scheme", "HTTPS"), (":path", "/"), (":authority", "A"), ("host", "a")],
        &[(":method", "GET"), (":scheme", "https"), (":path", "/"), (":authority", "a:443"), ("host", "a")],
        &[(":method", "GET"), (":scheme", "https"), (":path", "/"), ("host", "a")],
        &[(":method", "GET"), (":scheme", "https"), (":path", "/")],
        &[(":method", "GET"), (":scheme", "https"), (":path", "/?q=%20&x"), (":authority", "[::1]:8080")],
        &[(":method", "GET"), (":scheme", "https"), (":path", "/"), ("te", "trailers")],
        &[(":method", "GET"), (":scheme", "https"), (":path", "/"), ("cookie", ""), ("x", "")],
        &[(":method", "GET"), (":scheme", "https"), (":path", "/"), ("x", "a\tb \u{e9}"), ("content-length", "0")],
    ];
    let mut v = Victim::server();
    for (n, fields) in good.into_iter().enumerate() {
        v.recv(&headers(nth(n), fields, End::Last));
        assert_eq!(v.statuses.get(&nth(n)).map(String::as_str), Some("200"), "{fields:?}");
    }
    v.is_fine();
}
