//! RFC 9218 (priorities), RFC 7838 (ALTSVC), RFC 8336 (ORIGIN).

use pellucid_conn::h2::{Config, Priority, Violation};
use pellucid_conn::{End, ErrorCode, StreamId};
use pellucid_frame::{Flags, Kind, SettingId};

use crate::transcript::frames::{
    alt_svc, data, goaway, origin, ping, pong, priority_update, promise, raw, settings, settings_ack,
};
use crate::transcript::got::{self, Got};
use crate::transcript::{GET, OK, Transcript, section, with, zeros};

const PROTOCOL_ERROR: ErrorCode = ErrorCode::PROTOCOL_ERROR;

fn urgency(urgency: u8) -> Priority {
    Priority { urgency, ..Priority::default() }
}

/// Two responses of the same size, with the priorities that these requests asked for; who is served first.
#[track_caller]
fn first_served(first: &[(&str, &str)], second: &[(&str, &str)]) -> u32 {
    let mut t = Transcript::server();
    t.asked(1, &with(&GET, first), End::Last);
    t.asked(3, &with(&GET, second), End::Last);
    for id in [1, 3] {
        t.answers(id, &OK, End::More);
    }
    for id in [1, 3] {
        t.conn.send_data(StreamId::new(id), zeros(100).into(), End::Last).expect("content");
    }
    let Some(crate::transcript::frames::Frame::Data { id, .. }) = t.next_sent() else { panic!("content") };
    t.forget();
    id
}

/// Covers 9218:4, 9218:5
#[test]
fn trap_44_a_priority_field_orders_responses_and_junk_is_ignored() {
    assert_eq!(first_served(&[], &[]), 1);
    assert_eq!(first_served(&[("priority", "u=4")], &[]), 3, "3 is the default, and 4 is later");
    assert_eq!(first_served(&[], &[("priority", "u=2")]), 3);
    assert_eq!(first_served(&[("priority", "u=4")], &[("priority", "u=2, i=?1")]), 3);
    for junk in ["u=9", "u=3;i", "u=-1", "i=1", "\"u=0\"", "u=0;;", "=", "junk junk", "u=x"] {
        assert_eq!(first_served(&[("priority", "u=1")], &[("priority", junk)]), 1, "{junk} is nothing better than 1");
        assert_ne!(first_served(&[("priority", junk)], &[("priority", "u=2")]), 1, "{junk} is nothing better than 2");
    }
}

/// Covers 9218:7.1
#[test]
fn trap_44_priority_update_before_its_request_is_remembered() {
    let mut t = Transcript::server();
    t.recv(priority_update(3, "u=6"));
    t.recv(priority_update(3, "u=0"));
    t.no_event();
    // The frame outdoes the request's own field.
    t.asked(1, &GET, End::Last);
    t.asked(3, &with(&GET, &[("priority", "u=7")]), End::Last);
    for id in [1, 3] {
        t.answers(id, &OK, End::More);
    }
    for id in [1, 3] {
        t.conn.send_data(StreamId::new(id), zeros(10).into(), End::Last).expect("content");
    }
    t.sends(data(3, &zeros(10), End::Last));
    t.sends(data(1, &zeros(10), End::Last));
}

/// Covers 9218:7.1
#[test]
fn trap_44_priority_update_of_an_open_stream_is_told_and_heeded() {
    let mut t = Transcript::server();
    t.asked(1, &GET, End::Last);
    t.asked(3, &GET, End::Last);
    for id in [1, 3] {
        t.answers(id, &OK, End::More);
    }
    for id in [1, 3] {
        t.conn.send_data(StreamId::new(id), zeros(10).into(), End::Last).expect("content");
    }
    t.recv(priority_update(3, "u=1"));
    t.event(got::priority(3, urgency(1)));
    t.recv(priority_update(1, "u=9"));
    t.event(got::priority(1, urgency(3)));
    t.sends(data(3, &zeros(10), End::Last));
    t.sends(data(1, &zeros(10), End::Last));
    // Of a stream that has ended it is ignored.
    t.recv(priority_update(3, "u=7"));
    t.conn.finished(StreamId::new(1));
    t.conn.finished(StreamId::new(3));
    t.alive();
}

/// Covers 9218:7.1: its frame's own errors are in `frame_rules`
#[test]
fn trap_44_priority_update_where_it_must_not_be_ends_the_connection() {
    let mut t = Transcript::client();
    t.asks(&GET, End::Last);
    t.recv(priority_update(1, "u=0"));
    t.sends(goaway(0, PROTOCOL_ERROR));
    t.fails(Violation::PriorityUpdateFromServer);

    let mut t = Transcript::server();
    t.recv(priority_update(2, "u=0"));
    t.sends(goaway(0, PROTOCOL_ERROR));
    t.fails(Violation::PriorityUpdateOnIdlePush);
}

/// Covers 9218:7.1: a promised stream's
#[test]
fn trap_44_priority_update_of_a_promised_stream() {
    let mut t = Transcript::server();
    t.asked(1, &GET, End::Last);
    t.conn.push(StreamId::new(1), &section(&GET)).expect("a promise");
    t.sends(promise(1, 2, &GET));
    t.recv(priority_update(2, "u=0"));
    t.event(got::priority(2, urgency(0)));
    t.recv(priority_update(4, "u=0"));
    t.sends(goaway(1, PROTOCOL_ERROR));
    t.fails(Violation::PriorityUpdateOnIdlePush);
}

/// Covers 9218:7.1
#[test]
fn trap_44_priorities_of_idle_streams_are_bounded_with_the_open_ones() {
    let mut config = Config::server();
    config.max_concurrent_streams = 3;
    let mut t = Transcript::server_with(config);
    t.asked(1, &GET, End::Last);
    for id in [3, 5, 3, 5] {
        t.recv(priority_update(id, "u=0"));
    }
    t.recv(ping(*b"12345678"));
    t.sends(pong(*b"12345678"));
    t.recv(priority_update(7, "u=0"));
    t.sends(goaway(1, PROTOCOL_ERROR));
    t.fails(Violation::TooManyPrioritized);
}

/// Covers 9218:10: sequential responses one after another, incremental ones in turns
#[test]
fn incremental_responses_take_turns() {
    let mut t = Transcript::server();
    for id in [1, 3] {
        t.asked(id, &with(&GET, &[("priority", "i")]), End::Last);
        t.answers(id, &OK, End::More);
    }
    for id in [1, 3] {
        t.conn.send_data(StreamId::new(id), zeros(20_000).into(), End::Last).expect("content");
    }
    t.sends(data(1, &zeros(16_384), End::More));
    t.sends(data(3, &zeros(16_384), End::More));
    t.sends(data(1, &zeros(3_616), End::Last));
    t.sends(data(3, &zeros(3_616), End::Last));
}

/// Covers 9218:7.1, 9218:2.1: a client's own
#[test]
fn a_client_sends_priority_updates_unless_the_server_does_not_listen() {
    for (value, listens) in [(1, 1), (0, 0)] {
        let mut t = Transcript::fresh(pellucid_conn::h2::Role::Client, Config::client());
        t.recv(settings(&[(SettingId::NO_RFC7540_PRIORITIES, value)]));
        t.recv(settings_ack());
        t.forget();
        let id = t.asks(&GET, End::Last);
        t.conn.set_priority(StreamId::new(id), Priority { urgency: 1, incremental: true });
        for _ in 0..listens {
            t.sends(priority_update(id, "u=1, i"));
        }
        t.sends_nothing();
    }
}

/// Covers 7838:4
#[test]
fn trap_45_altsvc_is_told_to_clients_and_ignored_where_it_makes_no_sense() {
    let mut t = Transcript::client();
    let id = t.asks(&GET, End::Last);
    t.recv(alt_svc(0, "https://a", "h3=\":443\""));
    t.event(got::alt_svc(0, "https://a", "h3=\":443\""));
    t.recv(alt_svc(id, "", "h3=\":443\""));
    t.event(got::alt_svc(id, "", "h3=\":443\""));
    // Stream 0 without an origin, a stream with one, and an origin that reaches past the end.
    t.recv(alt_svc(0, "", "h3=\":443\""));
    t.recv(alt_svc(id, "https://a", "h3=\":443\""));
    t.recv(raw(Kind::ALTSVC, Flags::NONE, 0, b"\xff\xffhttps://a"));
    t.no_event();
    t.answered(id, &OK, End::Last);
    t.alive();
    let mut t = Transcript::server();
    t.recv(alt_svc(0, "https://a", "h3=\":443\""));
    t.alive();
}

/// Covers 8336:2.1, 8336:2.2
#[test]
fn trap_45_origin_is_told_to_clients_over_tls_and_ignored_elsewhere() {
    let mut config = Config::client();
    config.secure = true;
    let mut t = Transcript::client_with(config);
    t.recv(origin(&["https://a", "https://b"]));
    t.event(got::origin(&["https://a", "https://b"]));
    let entry = b"\0\x09https://a";
    for flag in [1, 2, 4, 8] {
        t.recv(raw(Kind::ORIGIN, Flags::new(flag), 0, entry));
    }
    t.recv(raw(Kind::ORIGIN, Flags::NONE, 1, entry));
    t.no_event();
    t.alive();
    for mut t in [Transcript::client(), Transcript::server()] {
        t.recv(origin(&["https://a"]));
        t.alive();
    }
}

/// Covers 7838:4, 8336:2: a server's own
#[test]
fn a_server_announces_alternatives_and_origins() {
    let mut t = Transcript::server();
    t.conn.send_alt_svc(StreamId::CONNECTION, b"https://a", b"h3=\":443\"");
    t.conn.send_origin(&[b"https://a", b"https://b"]);
    t.sends(alt_svc(0, "https://a", "h3=\":443\""));
    t.sends(origin(&["https://a", "https://b"]));
    // RFC 9113 §4.2: never in a frame that is too long for the client.
    t.conn.send_alt_svc(StreamId::CONNECTION, b"https://a", &zeros(16_384));
    t.conn.send_origin(&[&zeros(16_384)]);
    t.sends_nothing();
    let mut t = Transcript::client();
    t.conn.send_alt_svc(StreamId::CONNECTION, b"https://a", b"h3=\":443\"");
    t.conn.send_origin(&[b"https://a"]);
    t.sends_nothing();
    t.recv(settings(&[]));
    t.event(Got::Settings);
    t.sends(settings_ack());
}
