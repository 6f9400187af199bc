//! RFC 9113 §6.6, §8.4: server push, from both sides.

use pellucid_conn::h2::{Config, Violation};
use pellucid_conn::{Cause, End, ErrorCode, SendError, StreamId};
use pellucid_frame::{Flags, Kind, Rule, SettingId};

use crate::transcript::frames::{
    block, continuation, data, goaway, headers, ping, pong, priority, promise, raw, reset, settings, settings_ack,
    window_update,
};
use crate::transcript::got::{self, Got};
use crate::transcript::{GET, HEAD, OK, POST, Transcript, section, with};

const PROTOCOL_ERROR: ErrorCode = ErrorCode::PROTOCOL_ERROR;

/// A client that lets a server promise up to two streams at a time, with request 1 open.
fn willing_client() -> Transcript {
    let mut config = Config::client();
    config.max_reserved_remote = 2;
    let mut t = Transcript::client_with(config);
    assert_eq!(t.asks(&GET, End::Last), 1);
    t
}

/// Covers 9113:8.4-6
#[test]
fn trap_34_a_client_cannot_push() {
    let mut t = Transcript::server();
    t.asked(1, &GET, End::Last);
    t.recv(promise(1, 2, &GET));
    t.sends(goaway(1, PROTOCOL_ERROR));
    t.fails(Violation::PushToServer);
}

/// Covers 9113:8.4-6: the block need not be complete
#[test]
fn trap_34_a_client_cannot_even_begin_to_push() {
    let mut t = Transcript::server();
    t.asked(1, &GET, End::Last);
    t.recv(raw(Kind::PUSH_PROMISE, Flags::NONE, 1, b"\0\0\0\x02\x82"));
    t.sends(goaway(1, PROTOCOL_ERROR));
    t.fails(Violation::PushToServer);
}

/// Covers 9113:6.5.2-2, 9113:6.6-8
#[test]
fn trap_34_a_promise_after_push_was_switched_off_ends_the_connection() {
    let mut t = Transcript::client();
    t.asks(&GET, End::Last);
    t.recv(promise(1, 2, &GET));
    t.sends(goaway(0, PROTOCOL_ERROR));
    t.fails(Violation::PushDisabled);
}

/// Covers 9113:4.3-2, 9113:6.6-8: before the acknowledgment the server could not know
#[test]
fn trap_34_a_promise_before_the_acknowledgment_is_only_refused() {
    let mut t = Transcript::fresh(pellucid_conn::h2::Role::Client, Config::client());
    t.recv(settings(&[]));
    t.conn.open(&section(&GET), End::Last).expect("a stream");
    t.forget();
    t.recv(promise(1, 2, &with(&GET, &[("x-new", "in the table")])));
    t.sends(reset(2, ErrorCode::ENHANCE_YOUR_CALM));
    t.breaks(Violation::TooManyPromises);
    t.recv(settings_ack());
    t.answered(1, &with(&OK, &[("x-new", "in the table")]), End::Last);
}

/// Covers 9113:6.6-11
#[test]
fn trap_34_a_promise_needs_a_request_that_is_not_answered_yet() {
    // On a stream that is idle, on a promised one, on a pushed one, and on one whose response is complete.
    let cases = [
        (3, Vec::new(), 0),
        (2, vec![promise(1, 2, &GET)], 2),
        (2, vec![promise(1, 2, &GET), headers(2, &OK, End::More)], 2),
        (1, vec![headers(1, &OK, End::Last)], 0),
    ];
    for (on, before, last) in cases {
        let mut t = willing_client();
        for frame in before {
            t.recv(frame);
        }
        t.forget();
        t.recv(promise(on, 4, &GET));
        t.sends(goaway(last, PROTOCOL_ERROR));
        t.fails(Violation::PushOnBadStream);
    }
}

/// Covers 9113:5.1.1-4, 9113:6.6-13
#[test]
fn trap_34_a_stream_is_promised_once_and_identifiers_only_grow() {
    for again in [2, 4] {
        let mut t = willing_client();
        t.recv(promise(1, 4, &GET));
        t.event(got::promise(1, 4, &GET));
        t.recv(promise(1, again, &GET));
        t.sends(goaway(4, PROTOCOL_ERROR));
        t.fails(Violation::PromisedStreamNotIdle);
    }
}

/// Covers 9113:5.1.1-4, 9113:6.6-13
#[test]
fn trap_34_an_odd_promise_ends_the_connection() {
    let mut t = willing_client();
    t.recv(promise(1, 3, &GET));
    t.sends(goaway(0, PROTOCOL_ERROR));
    t.fails(Violation::Frame(Rule::PushPromiseIllegalId));
}

/// Covers 9113:8.4-2, 9113:8.4.1-3
#[test]
fn trap_34_an_unsafe_promise_is_reset() {
    for request in [POST.to_vec(), with(&GET, &[("content-length", "5")])] {
        let mut t = willing_client();
        t.recv(promise(1, 2, &request));
        t.sends(reset(2, PROTOCOL_ERROR));
        t.breaks(Violation::PushNotSafe);
        t.answered(1, &OK, End::Last);
        t.alive();
    }
}

/// Covers 9113:8.4.1-3
#[test]
fn a_malformed_promise_is_reset() {
    let mut t = willing_client();
    t.recv(promise(1, 2, &[(":method", "GET"), (":scheme", "https"), (":authority", "a")]));
    t.sends(reset(2, PROTOCOL_ERROR));
    t.breaks(Violation::PseudoMissing);
    // Late frames on it are ignored.
    t.recv(headers(2, &OK, End::More));
    t.recv(data(2, b"x", End::Last));
    t.answered(1, &OK, End::Last);
    t.alive();
}

/// Covers 9113:8.4-5, 9113:8.4.2-2, 9113:10.4-2: for whom the server may speak is known by what it was asked
#[test]
fn a_promise_for_another_server_is_reset() {
    let promised = |scheme, more: &[(&'static str, &'static str)]| {
        with(&[(":method", "GET"), (":scheme", scheme), (":path", "/pushed")], more)
    };
    let strangers = [
        promised("https", &[(":authority", "b")]),
        promised("https", &[(":authority", "sub.a")]),
        promised("https", &[(":authority", "a:8443")]),
        promised("https", &[("host", "b")]),
        promised("http", &[(":authority", "a")]),
        promised("https", &[]),
    ];
    for request in strangers {
        let mut t = willing_client();
        t.recv(promise(1, 2, &request));
        t.sends(reset(2, PROTOCOL_ERROR));
        t.breaks(Violation::PushNotAuthoritative);
        t.recv(headers(2, &OK, End::Last));
        t.answered(1, &OK, End::Last);
        t.alive();
    }
    for request in [promised("https", &[(":authority", "A:443")]), promised("HTTPS", &[("host", "a")])] {
        let mut t = willing_client();
        t.recv(promise(1, 2, &request));
        t.event(got::promise(1, 2, &request));
        t.answered(1, &OK, End::Last);
    }
    // Of another server that was asked on this connection it may promise as well.
    let mut t = willing_client();
    t.asks(&with(&GET[..3], &[(":authority", "b")]), End::Last);
    let request = promised("https", &[(":authority", "b")]);
    t.recv(promise(1, 2, &request));
    t.event(got::promise(1, 2, &request));
}

/// Covers 9113:8.4-5: a bounded number of servers is known by name, and no promise of others is taken
#[test]
fn promises_are_taken_for_a_bounded_number_of_servers() {
    let mut t = willing_client();
    let names: Vec<String> = (0..20).map(|n| format!("site{n}")).collect();
    for name in &names {
        t.asks(&with(&GET[..3], &[(":authority", name.as_str())]), End::Last);
    }
    let request = with(&GET[..3], &[(":authority", "site0")]);
    t.recv(promise(1, 2, &request));
    t.event(got::promise(1, 2, &request));
    t.recv(promise(1, 4, &with(&GET[..3], &[(":authority", "site19")])));
    t.sends(reset(4, PROTOCOL_ERROR));
    t.breaks(Violation::PushNotAuthoritative);
}

/// Covers 9113:5.1-6: reserved (remote), then half-closed (local), then closed
#[test]
fn a_pushed_response_arrives() {
    let mut t = willing_client();
    t.recv(promise(1, 2, &GET));
    t.event(got::promise(1, 2, &GET));
    t.recv(priority(2, 1));
    t.answered(2, &OK, End::More);
    t.reads(2, b"pushed", End::Last);
    t.answered(1, &OK, End::Last);
    t.alive();
}

/// No rule: the response to a HEAD has no content (RFC 9110 §9.3.2)
#[test]
fn a_pushed_response_to_head_has_no_content() {
    let mut t = willing_client();
    t.recv(promise(1, 2, &HEAD));
    t.event(got::promise(1, 2, &HEAD));
    t.answered(2, &with(&OK, &[("content-length", "100")]), End::Last);
    t.answered(1, &OK, End::Last);
    t.alive();
}

/// Covers 9113:5.1-6: a reserved stream accepts HEADERS, RST_STREAM and PRIORITY
#[test]
fn a_reserved_stream_accepts_little() {
    for frame in [data(2, b"x", End::Last), window_update(2, 1)] {
        let mut t = willing_client();
        t.recv(promise(1, 2, &GET));
        t.event(got::promise(1, 2, &GET));
        t.recv(frame);
        t.sends(goaway(2, PROTOCOL_ERROR));
        t.fails(Violation::FrameOnReservedStream);
    }
    let mut t = willing_client();
    t.recv(promise(1, 2, &GET));
    t.event(got::promise(1, 2, &GET));
    t.recv(reset(2, ErrorCode::CANCEL));
    t.event(got::reset(2, Cause::Peer(ErrorCode::CANCEL)));
    t.answered(1, &OK, End::Last);
    t.alive();
}

/// Covers 9113:10.5-1
#[test]
fn more_promises_than_wanted_are_reset() {
    let mut t = willing_client();
    for id in [2, 4] {
        t.recv(promise(1, id, &GET));
        t.event(got::promise(1, id, &GET));
    }
    t.recv(promise(1, 6, &GET));
    t.sends(reset(6, ErrorCode::ENHANCE_YOUR_CALM));
    t.breaks(Violation::TooManyPromises);
    // Once one of them is answered there is room again, also when its answer is refused.
    t.recv(headers(2, &OK, End::Last).depends_on(2));
    t.resets(2, PROTOCOL_ERROR, Violation::SelfDependency);
    t.recv(promise(1, 8, &GET));
    t.event(got::promise(1, 8, &GET));
    t.answered(1, &OK, End::Last);
    t.alive();
}

/// Covers 9113:6.6-12: promised before the server knew of our reset
#[test]
fn a_promise_on_a_stream_we_have_reset_is_reset_too() {
    let mut t = willing_client();
    t.conn.reset(StreamId::new(1), ErrorCode::CANCEL);
    t.sends(reset(1, ErrorCode::CANCEL));
    t.recv(promise(1, 2, &with(&GET, &[("x-new", "in the table")])));
    t.sends(reset(2, ErrorCode::CANCEL));
    let id = t.asks(&GET, End::Last);
    t.answered(id, &with(&OK, &[("x-new", "in the table")]), End::Last);
    t.alive();
}

/// Covers 9113:6.8-7, 9113:6.8-8: what a server promises after we said that we leave
#[test]
fn promises_after_our_goaway_are_ignored() {
    let mut t = willing_client();
    t.conn.shut_down(t.now);
    t.sends(goaway(0, ErrorCode::NO_ERROR));
    t.recv(promise(1, 2, &with(&GET, &[("x-new", "in the table")])));
    t.recv(headers(2, &OK, End::More));
    t.recv(data(2, b"pushed", End::Last));
    t.recv(reset(2, ErrorCode::CANCEL));
    t.sends_nothing();
    t.answered(1, &with(&OK, &[("x-new", "in the table")]), End::Last);
    t.event(Got::Drained);
    let (_, unreleased, sum) = t.conn.ledger();
    assert_eq!((unreleased, sum), (0, 32 << 20));
}

/// Covers 9113:4.3-1, 9113:6.6-4: a promise's block may be continued, and nothing comes between
#[test]
fn a_promise_may_be_continued() {
    let mut t = willing_client();
    t.recv(raw(Kind::PUSH_PROMISE, Flags::PADDED, 1, b"\x01\0\0\0\x02\x82\x87\0"));
    t.recv(continuation(1, b"\x84\x01\x01\x61", Flags::END_HEADERS));
    t.event(got::promise(1, 2, &GET));
    t.recv(raw(Kind::PUSH_PROMISE, Flags::NONE, 1, b"\0\0\0\x04\x82"));
    t.recv(ping(*b"12345678"));
    t.sends(goaway(2, PROTOCOL_ERROR));
    t.fails(Violation::ContinuationExpected);
}

/// Covers 9113:6.6-5, 9113:8.4.1-1, 9113:8.4.1-4, 9113:8.4.1-6: a server pushes what the client allows
#[test]
fn a_server_promises_then_answers() {
    let mut t = Transcript::server();
    t.asked(1, &GET, End::Last);
    assert_eq!(t.conn.push(StreamId::new(1), &section(&GET)).map(StreamId::get), Ok(2));
    t.sends(promise(1, 2, &GET));
    t.recv(window_update(2, 10));
    t.recv(priority(2, 1));
    t.answers(1, &OK, End::Last);
    t.answers(2, &OK, End::More);
    t.conn.send_data(StreamId::new(2), b"pushed".to_vec().into(), End::Last).expect("content");
    t.sends(data(2, b"pushed", End::Last));
    t.conn.finished(StreamId::new(1));
    t.alive();
}

/// Covers 9113:6.6-1, 9113:6.6-10, 9113:5.1.1-2: whatever stream they are promised on, and whatever became of those before
#[test]
fn promised_identifiers_are_the_servers_next_ones() {
    let mut t = Transcript::server();
    for (n, on) in [1, 3, 3, 1, 5].into_iter().enumerate() {
        if n < 2 || on == 5 {
            t.asked(on, &GET, End::Last);
        }
        let id = t.conn.push(StreamId::new(on), &section(&GET)).expect("a promise").get();
        assert_eq!(id as usize, 2 * (n + 1));
        t.sends(promise(on, id, &GET));
        if n == 0 {
            t.conn.reset(StreamId::new(id), ErrorCode::CANCEL);
            t.sends(reset(id, ErrorCode::CANCEL));
        }
    }
}

/// Covers 9113:5.1-4: reserved (local) accepts WINDOW_UPDATE, PRIORITY, RST_STREAM
#[test]
fn a_client_sends_nothing_on_a_promised_stream() {
    for frame in [data(2, b"x", End::Last), headers(2, &GET, End::Last), block(2, b"\x82", Flags::END_HEADERS)] {
        let mut t = Transcript::server();
        t.asked(1, &GET, End::Last);
        t.conn.push(StreamId::new(1), &section(&GET)).expect("a promise");
        t.sends(promise(1, 2, &GET));
        t.recv(frame);
        t.sends(goaway(1, PROTOCOL_ERROR));
        t.fails(Violation::FrameOnReservedStream);
    }
    let mut t = Transcript::server();
    t.asked(1, &GET, End::Last);
    t.conn.push(StreamId::new(1), &section(&GET)).expect("a promise");
    t.sends(promise(1, 2, &GET));
    t.recv(reset(2, ErrorCode::REFUSED_STREAM));
    t.event(got::reset(2, Cause::Peer(ErrorCode::REFUSED_STREAM)));
    assert_eq!(t.conn.send_headers(StreamId::new(2), &section(&OK), End::Last), Err(SendError::NoStream));
    t.alive();
}

/// Covers 9113:6.5.2-1, 9113:6.6-5, 9113:6.6-7, 9113:6.6-9, 9113:8.4-1, 9113:8.4-4, 9113:8.4.1-1, 9113:8.4.1-2, 9113:8.4.1-5,
/// 9113:8.4.1-6: what we do not send
#[test]
fn a_server_does_not_push_where_it_may_not() {
    let mut t = Transcript::server();
    t.asked(1, &GET, End::Last);
    let push = |t: &mut Transcript, on, fields: &[(&str, &str)]| t.conn.push(StreamId::new(on), &section(fields));
    for request in [&POST[..], &GET[..3], &with(&GET, &[("content-length", "5")])] {
        assert!(matches!(push(&mut t, 1, request), Err(SendError::Malformed(_))), "{request:?}");
    }
    assert_eq!(push(&mut t, 3, &GET), Err(SendError::NoStream));
    // Half-closed (local), and closed.
    t.asked(3, &POST, End::More);
    t.asked(5, &GET, End::Last);
    for id in [3, 5] {
        t.answers(id, &OK, End::Last);
        assert_eq!(push(&mut t, id, &GET), Err(SendError::NoStream));
    }
    t.recv(settings(&[(SettingId::ENABLE_PUSH, 0)]));
    t.event(Got::Settings);
    t.sends(settings_ack());
    assert_eq!(push(&mut t, 1, &GET), Err(SendError::PushNotAllowed));
    t.recv(ping(*b"12345678"));
    t.sends(pong(*b"12345678"));
    let mut t = willing_client();
    assert_eq!(push(&mut t, 1, &GET), Err(SendError::PushNotAllowed));
}

/// Covers 9113:6.5.2-2, 9113:6.6-8: switched off and on again
#[test]
fn push_may_be_switched_off_and_on_again() {
    let setting = |value| pellucid_frame::Setting { id: SettingId::ENABLE_PUSH, value };
    let mut t = willing_client();
    t.conn.update_settings(&[setting(0)], t.now);
    t.sends(settings(&[(SettingId::ENABLE_PUSH, 0)]));
    t.recv(promise(1, 2, &GET));
    t.event(got::promise(1, 2, &GET));
    t.recv(settings_ack());
    t.conn.update_settings(&[setting(1)], t.now);
    t.sends(settings(&[(SettingId::ENABLE_PUSH, 1)]));
    t.recv(promise(1, 4, &GET));
    t.event(got::promise(1, 4, &GET));
    t.recv(settings_ack());
    t.conn.update_settings(&[setting(0)], t.now);
    t.sends(settings(&[(SettingId::ENABLE_PUSH, 0)]));
    t.recv(settings_ack());
    t.recv(promise(1, 6, &GET));
    t.sends(goaway(4, PROTOCOL_ERROR));
    t.fails(Violation::PushDisabled);
}
