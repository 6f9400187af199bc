//! Floods of frames that cost the sender nothing (CVE-2019-9511 to -9518 and their heirs).

use std::time::Duration;

use pellucid_conn::h2::Violation;
use pellucid_conn::{End, StreamId};
use pellucid_frame::{Flags, Kind, SettingId};

use crate::frames::{
    Frame, data, goaway, headers, ping, pong, priority, priority_update, raw, settings, window_update,
};
use crate::victim::{GET, Handler, POST, Victim, nth};

/// An attack: the frame it repeats, and how it ends.
struct Flood {
    name: &'static str,
    frame: fn(usize) -> Frame,
    ends: Violation,
    debug: &'static str,
    /// How often the frame may honestly come, for minutes.
    every_ms: u64,
}

const FLOODS: [Flood; 12] = [
    Flood {
        name: "ping",
        frame: |_| ping(*b"whatever"),
        ends: Violation::TooManyGlitches,
        debug: GLITCHES,
        every_ms: 100,
    },
    Flood {
        name: "pong",
        frame: |_| pong(*b"unasked!"),
        ends: Violation::TooManyGlitches,
        debug: GLITCHES,
        every_ms: 100,
    },
    Flood {
        name: "settings",
        frame: |_| settings(&[]),
        ends: Violation::TooManyGlitches,
        debug: GLITCHES,
        every_ms: 500,
    },
    Flood {
        name: "alternating windows",
        frame: |n| settings(&[(SettingId::INITIAL_WINDOW_SIZE, if n % 2 == 0 { 0 } else { 65_535 })]),
        ends: Violation::TooManyGlitches,
        debug: GLITCHES,
        every_ms: 500,
    },
    Flood {
        name: "priority",
        frame: |_| priority(101, 3),
        ends: Violation::TooManyGlitches,
        debug: GLITCHES,
        every_ms: 100,
    },
    Flood {
        name: "priority update",
        frame: |n| priority_update(nth(200 + n % 50), "u=1"),
        ends: Violation::TooManyGlitches,
        debug: GLITCHES,
        every_ms: 100,
    },
    Flood {
        name: "empty data",
        frame: |_| data(1, b"", End::More),
        ends: Violation::TooManyDataFrames,
        debug: "too_many_data_frames",
        every_ms: 100,
    },
    Flood {
        name: "padding only",
        frame: |_| data(1, b"", End::More).padded(255),
        ends: Violation::TooManyDataFrames,
        debug: "too_many_data_frames",
        every_ms: 100,
    },
    Flood {
        name: "window update of the connection",
        frame: |_| window_update(0, 1),
        ends: Violation::TooManyWindowUpdates,
        debug: "too_many_window_updates",
        every_ms: 100,
    },
    Flood {
        name: "window update of a stream",
        frame: |_| window_update(1, 1),
        ends: Violation::TooManyWindowUpdates,
        debug: "too_many_window_updates",
        every_ms: 100,
    },
    Flood {
        name: "unknown types",
        frame: |n| raw(Kind::new(u8::try_from(0xb0 + n % 64).unwrap()), Flags::new(0xff), 0, b"?"),
        ends: Violation::TooManyGlitches,
        debug: GLITCHES,
        every_ms: 100,
    },
    Flood {
        name: "goaway",
        frame: |_| goaway(0, pellucid_conn::ErrorCode::NO_ERROR),
        ends: Violation::TooManyGlitches,
        debug: GLITCHES,
        every_ms: 100,
    },
];

const GLITCHES: &str = "too_many_glitches";

/// A server with stream 1 open, so that no idle time-out comes in between.
fn server() -> Victim {
    let mut v = Victim::server_with({
        let mut config = pellucid_conn::h2::Config::server();
        config.body_idle_timeout = None;
        config
    });
    v.recv(&headers(1, &POST, End::More));
    v
}

#[test]
fn a_burst_is_asked_to_calm_down() {
    for flood in &FLOODS {
        let mut v = server();
        for n in 0..2000 {
            v.recv(&(flood.frame)(n));
        }
        println!("{}", flood.name);
        v.is_calmed(flood.ends, flood.debug);
        assert!(v.conn.live_streams() <= 1 && v.running.len() <= 1);
    }
}

#[test]
fn a_trickle_lives_for_minutes() {
    for flood in &FLOODS {
        if flood.name == "goaway" {
            continue;
        }
        let mut v = server();
        let times = 300_000 / flood.every_ms;
        for n in 0..times {
            v.pass(Duration::from_millis(flood.every_ms));
            v.recv(&(flood.frame)(usize::try_from(n).unwrap()));
        }
        println!("{}", flood.name);
        v.is_fine();
    }
}

/// CVE-2019-9512, -9515: replies are bounded because reading stops, not because the peer is kind.
#[test]
fn a_peer_that_never_reads_is_not_read_either() {
    for flood in FLOODS.iter().filter(|f| matches!(f.name, "ping" | "settings" | "alternating windows")) {
        let mut v = Victim::server_with({
            let mut config = pellucid_conn::h2::Config::server();
            config.glitch.burst = 1_000_000;
            config
        });
        v.stops_reading(flood.frame);
        // Once it reads, everything that arrived is answered, in order.
        assert!(v.pongs + v.acks > 900, "{} answers", v.pongs + v.acks);
        assert!(v.conn.wants_read());
    }
}

/// CVE-2019-9515: the work of a SETTINGS frame does not grow with the number of streams: windows are relative, nothing moves.
#[test]
fn one_settings_frame_holds_a_bounded_number_of_entries() {
    let mut v = Victim::server();
    let entries = |n| vec![(SettingId::INITIAL_WINDOW_SIZE, 65_535); n];
    v.recv(&settings(&entries(32)));
    v.is_fine();
    v.recv(&settings(&entries(33)));
    v.is_calmed(Violation::TooManySettings, "too_many_settings");
}

/// CVE-2019-9511: a window of one octet at a time is served, without more than a frame in waiting.
#[test]
fn tiny_windows_are_served_and_the_slow_reader_is_reaped() {
    let mut v = Victim::server();
    v.handler = Handler::Streams(60_000);
    v.recv(&settings(&[(SettingId::INITIAL_WINDOW_SIZE, 1)]));
    for n in 0..20 {
        v.recv(&headers(nth(n), &GET, End::Last));
    }
    assert_eq!(v.sent.values().sum::<usize>(), 20, "one octet each");
    for second in 0..40 {
        for n in 0..20 {
            v.recv(&window_update(nth(n), 1));
        }
        if second < 20 {
            assert_eq!(v.sent[&1], second + 2, "each octet of window is used at once");
            v.is_fine();
        }
        v.pass_secs(1);
    }
    assert_eq!(v.resets.len(), 20, "16 KiB in 30 s is the least");
    assert!(v.resets.iter().all(|(_, code)| *code == pellucid_conn::ErrorCode::CANCEL));
    assert_eq!((v.conn.live_streams(), v.error), (0, None));
}

/// Honest windows: two updates for each frame of content, for as long as there is content.
#[test]
fn window_updates_for_content_never_count_against_a_reader() {
    let mut v = Victim::server();
    v.handler = Handler::Streams(60 << 10);
    for n in 0..2000 {
        v.recv(&headers(nth(n), &GET, End::Last));
        for _ in 0..4 {
            v.recv(&window_update(0, 15 << 10));
            v.recv(&window_update(nth(n), 15 << 10));
        }
    }
    assert_eq!(v.sent.len(), 2000);
    v.is_fine();
}

/// RFC 9218 §7.1: what is remembered of idle streams is bounded by the streams there may be.
#[test]
fn priorities_of_idle_streams_are_bounded() {
    let mut v = Victim::server();
    for n in 0..100 {
        v.recv(&priority_update(nth(n), "u=0"));
    }
    v.is_fine();
    v.recv(&priority_update(nth(100), "u=0"));
    let code = pellucid_conn::ErrorCode::PROTOCOL_ERROR;
    v.is_ended_by(Violation::TooManyPrioritized, code, "too_many_prioritized_streams");
}

/// CVE-2015-8659 and its kin: a dependency on itself ends the stream; on a stream that is idle there is none to end.
#[test]
fn a_dependency_on_itself_costs_no_more_than_the_stream() {
    let mut v = Victim::server();
    v.handler = Handler::Works;
    v.recv(&headers(1, &GET, End::Last));
    v.recv(&headers(3, &GET, End::Last));
    v.recv(&priority(1, 1));
    assert_eq!(v.resets, [(1, pellucid_conn::ErrorCode::PROTOCOL_ERROR)]);
    v.is_fine();
    assert_eq!(v.conn.live_streams(), 1);
}

/// gRPC keeps connections alive with a PING every ten seconds and ends each message with an empty DATA frame at times.
#[test]
fn grpc_over_an_hour_is_no_flood() {
    let mut v = server();
    for n in 0..360 {
        v.pass_secs(10);
        v.recv(&ping(*b"keepaliv"));
        v.recv(&data(1, b"message", End::More));
        v.recv(&data(1, b"", End::More));
        v.recv(&headers(nth(n) + 2, &GET, End::Last));
        v.recv(&crate::frames::reset(nth(n) + 2, pellucid_conn::ErrorCode::CANCEL));
    }
    assert_eq!((v.pongs, v.data_events), (360, 360));
    v.is_fine();
    assert!(v.running.contains(&StreamId::new(1)));
}

/// Padding, also on streams nobody reads any more, always goes back to the connection's window.
#[test]
fn padding_leaks_no_window() {
    let mut v = Victim::server();
    v.handler = Handler::Works;
    for n in 0..150 {
        v.pass_secs(1);
        let id = nth(n);
        v.recv(&headers(id, &POST, End::More));
        v.recv(&data(id, b"x", End::More).padded(255));
        if n % 3 == 0 {
            v.conn.reset(StreamId::new(id), pellucid_conn::ErrorCode::CANCEL);
        } else if n % 3 == 1 {
            v.conn.stop_reading(StreamId::new(id));
        } else {
            v.recv(&data(id, b"", End::Last).padded(200));
        }
        for _ in 0..60 {
            v.recv(&data(id, &[0; 255], if n % 3 == 1 { End::More } else { End::Last }).padded(250));
        }
        v.recv(&crate::frames::reset(id, pellucid_conn::ErrorCode::CANCEL));
        v.finish_all();
        let (window, unreleased, sum) = v.conn.ledger();
        assert_eq!((unreleased, sum), (0, 1 << 20));
        assert!(window > 1 << 18, "{window} octets of window left");
    }
    assert_eq!(v.error, None);
}
