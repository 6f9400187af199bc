//! RFC 9110: what of HTTP's semantics a connection keeps by itself, whoever uses it. Not for: what RFC 9113 §8 says again.

use pellucid_conn::h2::Violation;
use pellucid_conn::{End, ErrorCode, SendError, StreamId};
use pellucid_frame::Flags;

use crate::transcript::frames::{block, continuation, data, headers, reset};
use crate::transcript::{CONNECT, GET, HEAD, OK, POST, Transcript, got, section, with, zeros};

const TRACE: [(&str, &str); 4] = [(":method", "TRACE"), (":scheme", "https"), (":path", "/"), (":authority", "a")];

/// What comes of asking for this.
fn asked_for(fields: &[(&str, &str)], end: End) -> Result<StreamId, SendError> {
    Transcript::client().conn.open(&section(fields), end)
}

/// What a server says to a request for this.
#[track_caller]
fn is_malformed(fields: &[(&str, &str)], violation: Violation) {
    let mut t = Transcript::server();
    t.recv(headers(1, fields, End::More));
    t.sends(reset(1, ErrorCode::PROTOCOL_ERROR));
    t.breaks(violation);
    t.alive();
}

/// Covers 9110:2.2-1, 9110:2.2-2: nothing without its grammar, and nothing that is the other role's
#[test]
fn what_breaks_the_grammar_is_not_sent() {
    let bad = [("x y", "z"), ("x", "a\r\nb: c"), ("", "x"), (":status", "200"), ("content-length", "5, 5")];
    for field in bad {
        let end = if field.0 == ":status" { [&[field][..], &GET].concat() } else { with(&GET, &[field]) };
        assert!(matches!(asked_for(&end, End::Last), Err(SendError::Malformed(_))), "{field:?}");
    }
    let mut t = Transcript::server();
    t.asked(1, &GET, End::Last);
    for response in [&[(":status", "20")][..], &[(":method", "GET")], &[(":status", "200"), ("x y", "z")], &GET] {
        let sent = t.conn.send_headers(StreamId::new(1), &section(response), End::Last);
        assert!(matches!(sent, Err(SendError::Malformed(_))), "{response:?}");
    }
    t.answers(1, &OK, End::Last);
}

/// Covers 9110:4.2.1-1, 9110:4.2.1-2, 9110:4.2.2-1, 9110:4.2.2-2
#[test]
fn a_server_without_a_name_is_none() {
    for scheme in ["http", "https"] {
        for authority in ["", ":80", ":"] {
            let fields = [(":method", "GET"), (":scheme", scheme), (":path", "/"), (":authority", authority)];
            assert!(matches!(asked_for(&fields, End::Last), Err(SendError::Malformed(_))), "{authority:?}");
            is_malformed(&fields, Violation::BadAuthority);
        }
    }
}

/// Covers 9110:4.2.4-1, 9110:4.2.4-2
#[test]
fn nobody_s_name_and_password_are_in_an_authority() {
    for authority in ["user@a", "user:secret@a"] {
        let fields = [(":method", "GET"), (":scheme", "https"), (":path", "/"), (":authority", authority)];
        assert!(matches!(asked_for(&fields, End::Last), Err(SendError::Malformed(_))), "{authority:?}");
        is_malformed(&fields, Violation::BadAuthority);
    }
}

/// Covers 9110:5.1-2, 9110:5.3-1: handed up and sent on as they came
#[test]
fn unknown_fields_arrive_as_they_are_and_in_their_order() {
    let fields = with(&GET, &[("x-b", "1"), ("x-a", "2"), ("x-b", "3"), ("x-b", "1")]);
    let mut t = Transcript::server();
    t.asked(1, &fields, End::Last);
    let mut t = Transcript::client();
    t.asks(&fields, End::Last);
}

/// Covers 9110:5.3-3
#[test]
fn a_request_is_told_when_its_header_section_is_complete() {
    let mut t = Transcript::server();
    t.recv(block(1, b"\x82\x87\x84", Flags::END_STREAM));
    t.no_event();
    t.recv(continuation(1, b"\x01\x01", Flags::NONE));
    t.no_event();
    t.recv(continuation(1, b"a", Flags::END_HEADERS));
    t.event(got::headers(1, &GET, End::Last));
}

/// Covers 9110:6-1, 9110:9.3.2-1: the same response to GET and to HEAD
#[test]
fn a_client_reads_a_response_by_its_request() {
    let told = with(&OK, &[("content-length", "4")]);
    let mut t = Transcript::client();
    let get = t.asks(&GET, End::Last);
    let head = t.asks(&HEAD, End::Last);
    t.answered(head, &told, End::Last);
    t.answered(get, &told, End::More);
    t.recv(data(get, b"four", End::Last));
    t.event(got::data(get, b"four", End::Last));
    let head = t.asks(&HEAD, End::Last);
    t.answered(head, &told, End::More);
    t.recv(data(head, b"four", End::Last));
    t.resets(head, ErrorCode::PROTOCOL_ERROR, Violation::ContentLengthMismatch);
}

/// Covers 9110:6.5.1-2, 9110:15.2-2: each section is told by itself, interim ones and trailers too
#[test]
fn the_sections_of_a_message_stay_apart() {
    let mut t = Transcript::client();
    let id = t.asks(&GET, End::Last);
    for interim in ["100", "102", "103", "199"] {
        t.answered(id, &[(":status", interim), ("x-same", "interim")], End::More);
    }
    t.answered(id, &with(&OK, &[("x-same", "header")]), End::More);
    t.recv(headers(id, &[("x-same", "trailer"), ("content-length", "7")], End::Last));
    t.event(got::trailers(id, &[("x-same", "trailer"), ("content-length", "7")]));
}

/// Covers 9110:9.3.6-6
#[test]
fn a_tunnel_is_as_long_as_it_is() {
    let mut t = Transcript::client();
    let id = t.asks(&CONNECT, End::More);
    t.answered(id, &with(&OK, &[("content-length", "2")]), End::More);
    t.recv(data(id, b"longer", End::More));
    t.event(got::data(id, b"longer", End::More));
    t.recv(data(id, b"", End::Last));
    t.event(got::data(id, b"", End::Last));
}

/// Covers 9110:7.1-1: one is for OPTIONS, the other for CONNECT
#[test]
fn the_asterisk_and_the_bare_authority_are_not_for_other_methods() {
    for method in ["GET", "POST", "TRACE"] {
        let asterisk = [(":method", method), (":scheme", "https"), (":path", "*"), (":authority", "a")];
        assert!(matches!(asked_for(&asterisk, End::Last), Err(SendError::Malformed(_))), "{method}");
        is_malformed(&asterisk, Violation::BadPath);
        let bare = [(":method", method), (":authority", "a:443")];
        assert!(matches!(asked_for(&bare, End::Last), Err(SendError::Malformed(_))), "{method}");
        is_malformed(&bare, Violation::PseudoMissing);
    }
}

/// Covers 9110:7.5-1
#[test]
fn a_client_goes_on_with_its_request_whatever_the_response_says() {
    for status in ["200", "413"] {
        let mut t = Transcript::client();
        let id = t.asks(&POST, End::More);
        t.answered(id, &[(":status", status)], End::Last);
        t.conn.send_data(StreamId::new(id), zeros(10).into(), End::Last).expect("the stream is open to us");
        t.sends(data(id, &zeros(10), End::Last));
    }
}

/// Covers 9110:8.6-5, 9110:8.6-6, 9110:9.3.6-5
#[test]
fn no_length_is_told_where_there_is_no_content() {
    let length = ("content-length", "0");
    for status in ["100", "103", "204"] {
        let mut t = Transcript::server();
        t.asked(1, &GET, End::Last);
        let end = if status == "204" { End::Last } else { End::More };
        let sent = t.conn.send_headers(StreamId::new(1), &section(&[(":status", status), length]), end);
        assert!(matches!(sent, Err(SendError::Malformed(_))), "{status}");
        t.answers(1, &[(":status", status)], end);
    }
    let mut t = Transcript::server();
    t.asked(1, &CONNECT, End::More);
    let sent = t.conn.send_headers(StreamId::new(1), &section(&with(&OK, &[length])), End::More);
    assert!(matches!(sent, Err(SendError::Malformed(_))));
    // Refused, it is a response like others.
    t.answers(1, &[(":status", "403"), length], End::Last);
}

/// Covers 9110:8.6-8: up to 2^63-1, and no further without a word
#[test]
fn lengths_are_read_without_loss() {
    for (length, is_fine) in [
        ("0", true),
        ("0000000000000000007", true),
        ("9223372036854775807", true),
        ("9223372036854775808", false),
        ("18446744073709551621", false),
        ("100000000000000000000000000000000000005", false),
    ] {
        let fields = with(&POST, &[("content-length", length)]);
        if is_fine {
            Transcript::server().asked(1, &fields, End::More);
        } else {
            is_malformed(&fields, Violation::BadContentLength);
        }
    }
}

/// Covers 9110:8.6-9, 9110:8.6-10: neither told nor sent on
#[test]
fn a_length_that_is_none_goes_nowhere() {
    for length in ["", "+5", "-5", "5 ", "0x5", "5, 5", "5,6", "five"] {
        let fields = with(&POST, &[("content-length", length)]);
        assert!(matches!(asked_for(&fields, End::More), Err(SendError::Malformed(_))), "{length:?}");
        let mut t = Transcript::server();
        t.recv(headers(1, &fields, End::More));
        t.no_event();
        t.forget();
    }
}

/// Covers 9110:9.3.6-1, 9110:9.3.6-2
#[test]
fn a_tunnel_leads_to_a_port() {
    for authority in ["a", "a:", "a:0", "a:65536", "a:x", "a:+1", "a:44 3", ":443", "[::1]"] {
        let fields = [(":method", "CONNECT"), (":authority", authority)];
        assert!(matches!(asked_for(&fields, End::More), Err(SendError::Malformed(_))), "{authority:?}");
        let mut t = Transcript::server();
        t.recv(headers(1, &fields, End::More));
        t.no_event();
        t.forget();
    }
    for authority in ["a:1", "a:65535", "[::1]:443"] {
        Transcript::server().asked(1, &[(":method", "CONNECT"), (":authority", authority)], End::More);
    }
}

/// Covers 9110:9.3.8-1
#[test]
fn trace_has_no_content() {
    assert!(matches!(asked_for(&TRACE, End::More), Err(SendError::Malformed(_))));
    Transcript::client().asks(&TRACE, End::Last);
}

/// Covers 9110:10.1.1-1
#[test]
fn nobody_is_asked_for_leave_to_send_nothing() {
    let fields = with(&POST, &[("expect", "100-Continue")]);
    assert!(matches!(asked_for(&fields, End::Last), Err(SendError::Malformed(_))));
    Transcript::client().asks(&fields, End::More);
}
