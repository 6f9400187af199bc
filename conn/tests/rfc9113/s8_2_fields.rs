//! RFC 9113 §8.2: field names and values, connection-specific fields, cookies.

use pellucid_conn::h2::{Config, Violation};
use pellucid_conn::{End, ErrorCode, StreamId};
use pellucid_frame::{Flags, SettingId};

use crate::transcript::frames::{block, headers, reset};
use crate::transcript::{GET, OK, POST, Transcript, got, section, with};

const PROTOCOL_ERROR: ErrorCode = ErrorCode::PROTOCOL_ERROR;

type Octets<'a> = &'a [u8];

/// Every kind of bad field, whatever message it stands in.
fn bad_fields() -> Vec<(Vec<u8>, Vec<u8>, Violation)> {
    let mut bad: Vec<(Vec<u8>, Vec<u8>, Violation)> = Vec::new();
    let mut add = |name: &[u8], value: &[u8], violation| bad.push((name.to_vec(), value.to_vec(), violation));
    add(b"", b"x", Violation::FieldName);
    add(b"", b"", Violation::FieldName);
    // RFC 9113 §8.2.1: 0x00-0x20, 0x7f-0xff, and a colon that is not the first octet; by RFC 9110 no separator is a token's.
    for octet in (0x00..=0x20).chain(0x7f..=0xff).chain(*b":(),/;<=>?@[\\]{}\"") {
        add(&[b'x', octet], b"x", Violation::FieldName);
    }
    add(b"transfer-encoding\t", b"x", Violation::FieldName);
    add(b"Foo", b"x", Violation::FieldNameUppercase);
    add(b"x-fooZ", b"x", Violation::FieldNameUppercase);
    for value in
        [b"a\nb".as_slice(), b"a\rb", b"a\0b", b"a\r\nhost: evil", b" a", b"a ", b"\ta", b"a\t", b" ", b"\x7f", b"\x01"]
    {
        add(b"x", value, Violation::FieldValue);
    }
    for name in ["connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade"] {
        add(name.as_bytes(), b"chunked", Violation::ConnectionSpecificField);
    }
    bad
}

/// Covers 9113:8.1.1-2, 9113:8.2.1-1, 9113:8.2.1-2, 9113:8.2.1-3, 9113:8.2.1-4, 9113:8.2.1-5, 9113:8.2.1-6, 9113:8.2.1-8,
/// 9113:8.2.2-2, 9113:10.3-1: in requests
///
/// Covers 9110:5.5-1, 9110:5.5-4
#[test]
fn trap_30_a_bad_field_ends_a_request() {
    let mut config = Config::server();
    config.glitch.burst = 10_000;
    config.emitted_reset.burst = 10_000;
    let mut t = Transcript::server_with(config);
    let mut id = 1;
    for (name, value, violation) in bad_fields() {
        let mut fields: Vec<(Octets, Octets)> = GET.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes())).collect();
        fields.push((&name, &value));
        t.recv(headers(id, &fields, End::Last));
        match violation {
            Violation::ConnectionSpecificField => {
                t.sends(reset(id, PROTOCOL_ERROR));
                t.breaks(violation);
            }
            _ => t.turns_away(id, violation),
        }
        id += 2;
    }
    t.alive();
}

/// Covers 9113:8.1.1-3, 9113:8.2.1-1, 9113:8.2.1-2, 9113:8.2.1-3, 9113:8.2.1-4, 9113:8.2.1-5, 9113:8.2.1-6, 9113:8.2.2-2,
/// 9113:10.3-1: in responses and trailers
///
/// Covers 9110:5.5-1, 9110:5.5-4
#[test]
fn trap_30_a_bad_field_ends_a_response() {
    for (name, value, violation) in bad_fields() {
        let mut t = Transcript::client();
        let id = t.asks(&GET, End::Last);
        t.recv(headers(id, &[(b":status".as_slice(), b"200".as_slice()), (&name, &value)], End::Last));
        t.resets(id, PROTOCOL_ERROR, violation);
        let id = t.asks(&GET, End::Last);
        t.answered(id, &OK, End::More);
        t.recv(headers(id, &[(&name, &value)], End::Last));
        t.resets(id, PROTOCOL_ERROR, violation);
        t.alive();
    }
}

/// Covers 9113:8.2.1-4, 9113:8.2.1-5, 9113:8.2.1-8: in pseudo-header fields
#[test]
fn trap_30_a_bad_value_of_a_pseudo_header_field_ends_a_request() {
    for (name, value) in [(":path", "/\r\nx: y"), (":method", "GET "), (":authority", "a\0"), (":path", " /")] {
        let mut fields = GET.to_vec();
        for field in &mut fields {
            if field.0 == name {
                field.1 = value;
            }
        }
        let mut t = Transcript::server();
        t.recv(headers(1, &fields, End::Last));
        t.turns_away(1, Violation::FieldValue);
        t.alive();
    }
}

/// Covers 9113:8.2.1-8: no answer to trailers, nor to a request whose own response has begun
#[test]
fn trap_30_a_bad_trailer_is_not_answered() {
    for answered in [0, 1] {
        let mut t = Transcript::server();
        t.asked(1, &POST, End::More);
        if answered == 1 {
            t.answers(1, &OK, End::More);
        }
        t.recv(headers(1, &[("x", "a ")], End::Last));
        t.resets(1, PROTOCOL_ERROR, Violation::FieldValue);
        t.conn.finished(StreamId::new(1));
        t.alive();
    }
}

/// Covers 9113:8.2.1-1
/// Covers 9110:5.5-3
#[test]
fn trap_30_octets_above_ascii_are_allowed_in_values() {
    let mut t = Transcript::server();
    let mut fields: Vec<(Octets, Octets)> = GET.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes())).collect();
    fields.push((b"x-obs-text", b"\x80\xff caf\xc3\xa9\twith tab"));
    fields.push((b"x-empty", b""));
    fields.push((b"!#$%&'*+-.^_`|~09az", b"a token"));
    t.recv(headers(1, &fields, End::Last));
    t.event(got::headers(1, &fields, End::Last));
}

/// Covers 9113:8.2.2-2, 9113:8.2.2-3
#[test]
fn trap_30_te_says_trailers_and_nothing_else() {
    for fine in ["trailers", "Trailers"] {
        let mut t = Transcript::server();
        t.asked(1, &with(&GET, &[("te", fine)]), End::Last);
        t.answers(1, &OK, End::Last);
    }
    for wrong in ["not-trailers", "trailers, deflate", "", "gzip"] {
        let mut t = Transcript::server();
        t.recv(headers(1, &with(&GET, &[("te", wrong)]), End::Last));
        t.sends(reset(1, PROTOCOL_ERROR));
        t.breaks(Violation::TeNotTrailers);
        t.alive();
    }
    let mut t = Transcript::server();
    t.recv(headers(1, &with(&GET, &[("te", "trailers"), ("te", "trailers")]), End::Last));
    t.sends(reset(1, PROTOCOL_ERROR));
    t.breaks(Violation::TeNotTrailers);
    t.alive();
    let mut t = Transcript::client();
    let id = t.asks(&GET, End::Last);
    t.recv(headers(id, &with(&OK, &[("te", "trailers")]), End::Last));
    t.resets(id, PROTOCOL_ERROR, Violation::ConnectionSpecificField);
    t.alive();
}

/// Covers 9113:8.2.3-1
#[test]
fn trap_31_cookie_crumbs_are_joined_in_order() {
    let mut t = Transcript::server();
    t.recv(headers(1, &with(&GET, &[("cookie", "a=1"), ("x", "y"), ("cookie", "b=2"), ("cookie", "c=3")]), End::Last));
    t.event(got::headers(1, &with(&GET, &[("cookie", "a=1; b=2; c=3"), ("x", "y")]), End::Last));
    // As one piece, as it came, and a single empty crumb as well.
    t.asked(3, &with(&GET, &[("cookie", "a=1; b=2")]), End::Last);
    t.asked(5, &with(&GET, &[("cookie", "")]), End::Last);
}

/// Covers 9113:10.5-2: crumbs have a bound of their own
#[test]
fn trap_31_ninety_cookies_are_no_attack_and_many_more_are() {
    let crumbs: Vec<String> = (0..90).map(|n| format!("crumb{n}=value")).collect();
    let fields: Vec<_> = crumbs.iter().map(|c| ("cookie", c.as_str())).collect();
    let mut t = Transcript::server();
    t.recv(headers(1, &with(&GET, &fields), End::Last));
    t.event(got::headers(1, &with(&GET, &[("cookie", crumbs.join("; ").as_str())]), End::Last));
    t.recv(headers(3, &with(&GET, &[("cookie", "a"); 257]), End::Last));
    t.event(got::refused(3, pellucid_conn::Refusal::HeadersTooLarge));
    t.sends(headers(3, &[(":status", "431")], End::Last));
    t.answers(1, &OK, End::Last);
    t.conn.finished(StreamId::new(1));
    t.alive();
}

/// No rule: RFC 9113 §8.2.3 permits crumbs; here where they are asked for
#[test]
fn a_client_may_split_its_cookies() {
    let mut config = Config::client();
    config.split_cookies = true;
    let mut t = Transcript::client_with(config);
    let request = with(&GET, &[("cookie", "a=1; b=2"), ("x", "y")]);
    t.conn.open(&section(&request), End::Last).expect("a stream");
    t.sends(headers(1, &with(&GET, &[("cookie", "a=1"), ("cookie", "b=2"), ("x", "y")]), End::Last));
}

/// Covers 9113:4.3-2, 9113:8.1.1-2: the bad field of one stream concerns no other, and the tables stay in sync
#[test]
fn a_bad_field_that_enters_the_table_can_be_named_again() {
    let mut t = Transcript::server();
    let end = Flags::END_HEADERS.with(Flags::END_STREAM);
    // "Foo: x" with incremental indexing, then by its index: malformed both times, for the same reason.
    t.recv(block(1, b"\x82\x87\x84\x01\x01\x61\x40\x03Foo\x01x", end));
    t.turns_away(1, Violation::FieldNameUppercase);
    t.recv(block(3, b"\x82\x87\x84\x01\x01\x61\xbe", end));
    t.turns_away(3, Violation::FieldNameUppercase);
    t.recv(block(5, b"\x82\x87\x84\x01\x01\x61", end));
    t.event(got::headers(5, &GET, End::Last));
}

/// No rule: the peer's advice about sizes (RFC 9113 §6.5.2) does not stop us
#[test]
fn a_tiny_max_header_list_size_of_the_peer_is_advice() {
    let mut t = Transcript::server();
    t.recv(crate::transcript::frames::settings(&[(SettingId::MAX_HEADER_LIST_SIZE, 1)]));
    t.event(got::Got::Settings);
    t.sends(crate::transcript::frames::settings_ack());
    t.asked(1, &POST, End::Last);
    t.answers(1, &with(&OK, &[("x", "longer than one octet")]), End::Last);
    t.conn.finished(StreamId::new(1));
    t.alive();
}
