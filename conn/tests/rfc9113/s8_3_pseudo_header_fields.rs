//! RFC 9113 §8.3: pseudo-header fields of requests and responses.

use pellucid_conn::h2::Violation;
use pellucid_conn::{End, ErrorCode, SendError, StreamId};

use crate::transcript::frames::{headers, reset};
use crate::transcript::{CONNECT, GET, OK, POST, Transcript, section, with};

const PROTOCOL_ERROR: ErrorCode = ErrorCode::PROTOCOL_ERROR;
const METHOD: (&str, &str) = (":method", "GET");
const SCHEME: (&str, &str) = (":scheme", "https");
const PATH: (&str, &str) = (":path", "/");
const AUTHORITY: (&str, &str) = (":authority", "a");

/// Each request, alone on a server, ends its stream for this reason; the connection and its tables live on.
#[track_caller]
fn malformed(cases: &[(&[(&str, &str)], Violation)]) {
    for (fields, violation) in cases {
        let mut t = Transcript::server();
        // The offending fields enter the table and stay there.
        t.recv(headers(1, fields, End::Last));
        t.sends(reset(1, PROTOCOL_ERROR));
        t.breaks(*violation);
        t.recv(headers(3, fields, End::More));
        t.sends(reset(3, PROTOCOL_ERROR));
        t.breaks(*violation);
        t.alive();
    }
}

#[track_caller]
fn well_formed(cases: &[&[(&str, &str)]]) {
    for fields in cases {
        let mut t = Transcript::server();
        t.asked(1, fields, End::Last);
        t.answers(1, &OK, End::Last);
        t.conn.finished(StreamId::new(1));
        t.alive();
    }
}

/// Covers 9113:8.3-5, 9113:8.3-7, 9113:8.3-9
#[test]
fn trap_32_pseudo_header_fields_come_first_once_and_are_known() {
    malformed(&[
        (&[METHOD, SCHEME, ("x", "y"), PATH], Violation::PseudoAfterRegular),
        (&[METHOD, SCHEME, PATH, ("x", "y"), AUTHORITY], Violation::PseudoAfterRegular),
        (&[METHOD, METHOD, SCHEME, PATH], Violation::PseudoRepeated),
        (&[METHOD, SCHEME, SCHEME, PATH], Violation::PseudoRepeated),
        (&[METHOD, SCHEME, PATH, (":path", "/other")], Violation::PseudoRepeated),
        (&[METHOD, SCHEME, PATH, AUTHORITY, (":authority", "b")], Violation::PseudoRepeated),
        (&[METHOD, SCHEME, PATH, (":test", "x")], Violation::PseudoUnknown),
        (&[METHOD, SCHEME, PATH, (":", "x")], Violation::PseudoUnknown),
        (&[METHOD, SCHEME, PATH, (":status", "200")], Violation::PseudoUnknown),
        (&[METHOD, SCHEME, (":Path", "/")], Violation::PseudoUnknown),
    ]);
}

/// Covers 9113:8.1-3, 9113:8.3-4
#[test]
fn trap_32_trailers_have_no_pseudo_header_fields() {
    for field in [(":method", "GET"), (":status", "200"), (":test", "x")] {
        let mut t = Transcript::server();
        t.asked(1, &POST, End::More);
        t.asked(3, &POST, End::More);
        t.recv(headers(1, &[field], End::Last));
        t.resets(1, PROTOCOL_ERROR, Violation::PseudoInTrailers);
        t.conn.finished(StreamId::new(1));
        // Its sibling goes on.
        t.reads(3, b"x", End::Last);
        t.answers(3, &OK, End::Last);
        t.conn.finished(StreamId::new(3));
        t.alive();
    }
}

/// Covers 9113:8.1.1-3, 9113:8.3-5, 9113:8.3-7, 9113:8.3-9, 9113:8.3.2-1
#[test]
fn trap_32_a_response_has_one_status_and_no_other_pseudo_header_field() {
    let cases: [(&[(&str, &str)], Violation); 10] = [
        (&[("x", "y")], Violation::BadStatus),
        (&[(":status", "")], Violation::BadStatus),
        (&[(":status", "20")], Violation::BadStatus),
        (&[(":status", "2000")], Violation::BadStatus),
        (&[(":status", "099")], Violation::BadStatus),
        (&[(":status", "2xx")], Violation::BadStatus),
        (&[(":status", "200"), (":status", "200")], Violation::PseudoRepeated),
        (&[("x", "y"), (":status", "200")], Violation::PseudoAfterRegular),
        (&[(":status", "200"), (":path", "/")], Violation::PseudoUnknown),
        (&[(":status", "200"), (":test", "x")], Violation::PseudoUnknown),
    ];
    for (fields, violation) in cases {
        let mut t = Transcript::client();
        let (id, sibling) = (t.asks(&GET, End::Last), t.asks(&GET, End::Last));
        t.recv(headers(id, fields, End::Last));
        t.resets(id, PROTOCOL_ERROR, violation);
        t.answered(sibling, &OK, End::Last);
        t.alive();
    }
}

/// Covers 9113:8.3.1-12
#[test]
fn trap_33_a_request_has_method_scheme_and_path() {
    malformed(&[
        (&[SCHEME, PATH, AUTHORITY], Violation::PseudoMissing),
        (&[METHOD, PATH, AUTHORITY], Violation::PseudoMissing),
        (&[METHOD, SCHEME, AUTHORITY], Violation::PseudoMissing),
        (&[("x", "y")], Violation::PseudoMissing),
        (&[], Violation::PseudoMissing),
    ]);
}

/// Covers 9113:8.3.1-12
#[test]
fn trap_33_the_method_is_a_token_and_the_scheme_a_scheme() {
    malformed(&[
        (&[(":method", ""), SCHEME, PATH], Violation::BadMethod),
        (&[(":method", "GET /"), SCHEME, PATH], Violation::BadMethod),
        (&[(":method", "G\u{e9}T"), SCHEME, PATH], Violation::BadMethod),
        (&[METHOD, (":scheme", ""), PATH], Violation::BadScheme),
        (&[METHOD, (":scheme", "https://a"), PATH], Violation::BadScheme),
        (&[METHOD, (":scheme", "1http"), PATH], Violation::BadScheme),
    ]);
    well_formed(&[
        &[("x", "y")][..0].iter().chain(&GET).copied().collect::<Vec<_>>(),
        &[(":method", "M-SEARCH"), SCHEME, PATH],
        &[METHOD, (":scheme", "HTTPS"), PATH],
        &[METHOD, (":scheme", "coap+tcp"), PATH],
    ]);
}

/// Covers 9113:8.3.1-9, 9113:8.3.1-12, 9113:10.3-1
#[test]
fn trap_33_the_path_is_absolute() {
    let bad = ["", "*", "a", "https://a/", "?x", "/a b", "/a#b", "Service/Method", "/\tx"];
    let fields: Vec<_> = bad.iter().map(|path| [METHOD, SCHEME, (":path", *path), AUTHORITY]).collect();
    let cases: Vec<_> = fields.iter().map(|f| (f.as_slice(), Violation::BadPath)).collect();
    malformed(&cases);
    malformed(&[(&[(":method", "OPTIONS"), SCHEME, (":path", "")], Violation::BadPath)]);
    well_formed(&[
        &[(":method", "OPTIONS"), SCHEME, (":path", "*"), AUTHORITY],
        &[(":method", "OPTIONS"), SCHEME, (":path", "/"), AUTHORITY],
        &[METHOD, SCHEME, (":path", "//a?b=c&d"), AUTHORITY],
    ]);
}

/// Covers 9113:8.3.1-4, 9113:8.3.1-5, 9113:8.3.1-8
#[test]
fn trap_33_the_authority_is_one_and_agrees_with_host() {
    let host = |value| ("host", value);
    malformed(&[
        (&[METHOD, SCHEME, PATH, AUTHORITY, host("b")], Violation::AuthorityMismatch),
        (&[METHOD, SCHEME, PATH, AUTHORITY, host("a:8443")], Violation::AuthorityMismatch),
        (&[METHOD, SCHEME, PATH, (":authority", "a:80"), host("a")], Violation::AuthorityMismatch),
        (&[METHOD, SCHEME, PATH, AUTHORITY, host("")], Violation::AuthorityMismatch),
        (&[METHOD, SCHEME, PATH, host("a"), host("a")], Violation::AuthorityMismatch),
        (&[METHOD, SCHEME, PATH, AUTHORITY, host("a"), host("a")], Violation::AuthorityMismatch),
        (&[METHOD, SCHEME, PATH, (":authority", "user@a")], Violation::BadAuthority),
        (&[METHOD, SCHEME, PATH, (":authority", "user:secret@a")], Violation::BadAuthority),
        (&[METHOD, SCHEME, PATH, (":authority", "a/b")], Violation::BadAuthority),
        (&[METHOD, SCHEME, PATH, (":authority", "a b")], Violation::BadAuthority),
        (&[METHOD, SCHEME, PATH, host("user@a")], Violation::BadAuthority),
    ]);
    well_formed(&[
        &[METHOD, SCHEME, PATH],
        &[METHOD, SCHEME, PATH, host("a")],
        &[METHOD, SCHEME, PATH, AUTHORITY, host("A")],
        &[METHOD, SCHEME, PATH, AUTHORITY, host("a:443")],
        &[METHOD, (":scheme", "HTTP"), PATH, (":authority", "a:80"), host("a")],
        &[METHOD, SCHEME, PATH, (":authority", "[::1]:8443"), host("[::1]:8443")],
    ]);
}

/// Covers 9113:8.2-1, 9113:8.2.2-1, 9113:8.2.2-3, 9113:8.3-1, 9113:8.3-3, 9113:8.3-6, 9113:8.3-8, 9113:8.3.1-3, 9113:8.3.1-8,
/// 9113:8.3.1-9, 9113:8.3.1-12, 9113:8.5-1
#[test]
fn a_malformed_request_is_not_sent() {
    let mut t = Transcript::client();
    for fields in [
        with(&GET, &[("Upper", "case")]),
        with(&GET, &[("connection", "close")]),
        with(&GET, &[("te", "gzip")]),
        with(&GET, &[(":late", "x")]),
        vec![METHOD, SCHEME, PATH, (":unknown", "x")],
        vec![METHOD, SCHEME, PATH, (":status", "200")],
        vec![METHOD, SCHEME, ("x", "y"), PATH],
        vec![METHOD, SCHEME, PATH, PATH],
        with(&GET, &[("host", "b")]),
        vec![METHOD, SCHEME, PATH, (":authority", "user@a")],
        vec![METHOD, SCHEME, (":path", "")],
        vec![METHOD, SCHEME],
        vec![METHOD, PATH],
        vec![SCHEME, PATH],
        vec![METHOD, SCHEME, (":path", "relative")],
        with(&GET, &[("x", "a\r\nb")]),
        with(&CONNECT, &[(":scheme", "https")]),
        with(&CONNECT, &[(":path", "/")]),
    ] {
        assert!(matches!(t.conn.open(&section(&fields), End::Last), Err(SendError::Malformed(_))), "{fields:?}");
    }
    assert_eq!(t.asks(&GET, End::Last), 1, "no identifier was used up");
    let mut t = Transcript::server();
    assert_eq!(t.conn.open(&section(&GET), End::Last), Err(SendError::WrongRole));
}

/// Covers 9113:8.2-1, 9113:8.2.2-1, 9113:8.3-1, 9113:8.3-2, 9113:8.3-6, 9113:8.3-8, 9113:8.3.2-1
#[test]
fn a_malformed_response_is_not_sent() {
    let mut t = Transcript::server();
    t.asked(1, &GET, End::Last);
    let id = StreamId::new(1);
    for fields in [
        with(&OK, &[("Upper", "case")]),
        with(&OK, &[("connection", "close")]),
        with(&OK, &[(":unknown", "x")]),
        with(&OK, &[PATH]),
        vec![("x", "y"), (":status", "200")],
        with(&OK, &OK),
        vec![("x", "y")],
    ] {
        let sent = t.conn.send_headers(id, &section(&fields), End::Last);
        assert!(matches!(sent, Err(SendError::Malformed(_))), "{fields:?}");
    }
    t.answers(1, &OK, End::More);
    for trailers in [[("Upper", "case")], [("connection", "close")], [(":status", "200")]] {
        assert!(matches!(t.conn.send_trailers(id, section(&trailers)), Err(SendError::Malformed(_))), "{trailers:?}");
    }
    t.conn.send_trailers(id, section(&[("x", "y")])).expect("well-formed");
    t.sends(headers(1, &[("x", "y")], End::Last));
    t.conn.finished(id);
    t.alive();
}
