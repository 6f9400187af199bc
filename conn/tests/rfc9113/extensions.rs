//! RFC 9218 (priorities), RFC 7838 (ALTSVC), RFC 8336 (ORIGIN).

use pellucid_conn::h2::{Config, Priority, Violation};
use pellucid_conn::{End, ErrorCode, SendError, StreamId};
use pellucid_frame::{Flags, Kind, Rule, Setting, SettingId};

use crate::transcript::frames::{
    Frame, alt_svc, data, goaway, headers, origin, ping, pong, priority, priority_update, promise, raw, reset,
    settings, settings_ack,
};
use crate::transcript::got::{self, Got};
use crate::transcript::{GET, OK, POST, Transcript, section, with, zeros};

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
    let Some(Frame::Data { id, .. }) = t.next_sent() else { panic!("content") };
    t.forget();
    id
}

/// Covers 9218:4-1, 9218:4-2
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

/// Covers 9218:7-1
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

/// Covers 9218:4-2: in frames as well; what is said of a stream that has ended is ignored
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

/// Covers 9218:7.1-2, 9218:7.1-8, 9218:7.1-9, 9218:7.1-11
#[test]
fn trap_44_priority_update_where_it_must_not_be_ends_the_connection() {
    let mut t = Transcript::client();
    t.asks(&GET, End::Last);
    t.recv(priority_update(1, "u=0"));
    t.sends(goaway(0, PROTOCOL_ERROR));
    t.fails(Violation::PriorityUpdateFromServer);

    for (on, payload, rule) in
        [(1, b"\0\0\0\x01u=0", Rule::PriorityUpdateOnStream), (0, b"\0\0\0\0u=0", Rule::PriorityUpdateIdZero)]
    {
        let mut t = Transcript::server();
        t.asked(1, &GET, End::Last);
        t.recv(raw(Kind::PRIORITY_UPDATE, Flags::NONE, on, payload));
        t.sends(goaway(1, PROTOCOL_ERROR));
        t.fails(Violation::Frame(rule));
    }

    let mut t = Transcript::server();
    t.recv(priority_update(2, "u=0"));
    t.sends(goaway(0, PROTOCOL_ERROR));
    t.fails(Violation::PriorityUpdateOnIdlePush);
}

/// Covers 9218:7.1-8: a promised stream's
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

/// Covers 9218:7.1-5
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

/// Covers 9218:10-4: sequential responses one after another, incremental ones in turns
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

/// Covers 9218:2.1.1-3, 9218:7.1-1: a client's own
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

/// Covers 9218:7.1-3, 9218:7.1-4, 9218:7.1-6, 9218:7.1-7: only where content may still come, so never for idle streams
#[test]
fn a_client_prioritises_nothing_that_is_over_or_not_there() {
    let mut config = Config::client();
    config.max_reserved_remote = 10;
    let mut t = Transcript::fresh(pellucid_conn::h2::Role::Client, config);
    t.recv(settings(&[(SettingId::NO_RFC7540_PRIORITIES, 1)]));
    t.recv(settings_ack());
    t.forget();
    let id = t.asks(&POST, End::More);
    t.recv(promise(id, 2, &GET));
    t.event(got::promise(id, 2, &GET));
    for prioritized in [id, 2] {
        t.conn.set_priority(StreamId::new(prioritized), urgency(1));
        t.sends(priority_update(prioritized, "u=1"));
    }
    // The response is complete though the request is not.
    t.answered(id, &OK, End::Last);
    for nothing_comes in [id, 3, 4, 5] {
        t.conn.set_priority(StreamId::new(nothing_comes), urgency(1));
        t.sends_nothing();
    }
}

/// Covers 9218:2.1-1, 9218:2.1-3, 9218:2.1-4, 8441:3-1, 8441:3-2
#[test]
fn what_a_connection_says_once_is_not_said_differently_later() {
    let mut config = Config::server();
    config.enable_connect_protocol = true;
    let mut t = Transcript::fresh(pellucid_conn::h2::Role::Server, config);
    let Some(Frame::Settings(first)) = t.next_sent() else { panic!("SETTINGS") };
    for once in [SettingId::NO_RFC7540_PRIORITIES, SettingId::ENABLE_CONNECT_PROTOCOL] {
        assert!(first.contains(&(once, 1)), "{first:?}");
    }
    t.forget();
    let setting = |id, value| Setting { id, value };
    let later = [
        setting(SettingId::NO_RFC7540_PRIORITIES, 0),
        setting(SettingId::MAX_CONCURRENT_STREAMS, 50),
        setting(SettingId::ENABLE_CONNECT_PROTOCOL, 0),
    ];
    t.conn.update_settings(&later, t.now);
    t.sends(settings(&[(SettingId::MAX_CONCURRENT_STREAMS, 50)]));
}

/// Covers 9218:2.1-5: whatever they are, by the peer's leave or without it
#[test]
fn the_priorities_of_rfc_7540_change_no_order() {
    for value in [0, 1] {
        let mut t = Transcript::fresh(pellucid_conn::h2::Role::Server, Config::server());
        t.recv_octets(pellucid_frame::encode::PREFACE);
        t.recv(settings(&[(SettingId::NO_RFC7540_PRIORITIES, value)]));
        t.event(Got::Settings);
        t.recv(settings_ack());
        t.forget();
        t.asked(1, &GET, End::Last);
        t.recv(headers(3, &GET, End::Last).depends_on(0));
        t.event(got::headers(3, &GET, End::Last));
        // The first request is to depend on the second.
        t.recv(priority(1, 3));
        for id in [1, 3] {
            t.answers(id, &OK, End::More);
        }
        for id in [1, 3] {
            t.conn.send_data(StreamId::new(id), zeros(10).into(), End::Last).expect("content");
        }
        t.sends(data(1, &zeros(10), End::Last));
        t.sends(data(3, &zeros(10), End::Last));
    }
}

/// Covers 8441:5-3: neither sent nor taken
#[test]
fn a_websocket_is_asked_for_without_connection_and_upgrade() {
    let websocket =
        [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":path", "/"), (":authority", "a")];
    for field in [("connection", "upgrade"), ("upgrade", "websocket")] {
        let fields = with(&websocket, &[field]);
        let mut config = Config::server();
        config.enable_connect_protocol = true;
        let mut t = Transcript::server_with(config);
        t.recv(headers(1, &fields, End::More));
        t.sends(reset(1, PROTOCOL_ERROR));
        t.breaks(Violation::ConnectionSpecificField);
        t.alive();
        let mut t = Transcript::client();
        t.recv(settings(&[(SettingId::ENABLE_CONNECT_PROTOCOL, 1)]));
        t.event(Got::Settings);
        t.sends(settings_ack());
        assert!(matches!(t.conn.open(&section(&fields), End::More), Err(SendError::Malformed(_))), "{field:?}");
    }
}

/// Covers 7838:4-2, 7838:4-3, 7838:4-4
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

/// Covers 8336:2.2-2, 8336:2.2-3, 8336:2.2-4
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

/// Covers 8336:2.2-7, 8336:2.2-8
#[test]
fn only_what_is_an_origin_is_told() {
    let mut config = Config::client();
    config.secure = true;
    let mut t = Transcript::client_with(config);
    let junk =
        ["a", "https:a", "https://", "https://a/", "https://a b", "https://u@a", "1s://a", "https://\u{e9}", "://a"];
    let mut entries = vec!["https://a"];
    entries.extend(junk);
    entries.push("https://[::1]:8443");
    t.recv(origin(&entries));
    t.event(got::origin(&["https://a", "https://[::1]:8443"]));
}

/// Covers 8336:2.2-1, 9218:7.1-10: a server's own, and what is a client's is not sent by it
#[test]
fn a_server_announces_alternatives_and_origins() {
    let mut t = Transcript::server();
    t.conn.send_alt_svc(StreamId::CONNECTION, b"https://a", b"h3=\":443\"");
    t.conn.send_origin(&[b"https://a", b"https://b"]);
    t.sends(alt_svc(0, "https://a", "h3=\":443\""));
    t.sends(origin(&["https://a", "https://b"]));
    // What a server thinks of its responses' order is its own affair.
    t.asked(1, &GET, End::Last);
    t.conn.set_priority(StreamId::new(1), urgency(0));
    t.sends_nothing();
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
