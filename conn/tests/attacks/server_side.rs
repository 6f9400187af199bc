//! Servers that attack their clients: interim responses without end, promises without end, settings out of range.

use pellucid_conn::h2::{Config, Role, Violation};
use pellucid_conn::{Cause, End, ErrorCode, Fields, StreamId};
use pellucid_frame::SettingId;

use crate::frames::{data, goaway, headers, promise, settings};
use crate::victim::{GET, Victim};

/// A client with so many requests under way.
fn client(config: Config, requests: usize) -> Victim {
    let mut v = Victim::client_with(config);
    let mut fields = Fields::new();
    for (name, value) in GET {
        fields.push(name.as_bytes(), value.as_bytes());
    }
    for _ in 0..requests {
        v.conn.open(&fields, End::Last).expect("a slot");
    }
    v.turn();
    v
}

fn with_push() -> Config {
    let mut config = Config::client();
    config.max_reserved_remote = 10;
    config
}

#[test]
fn interim_responses_without_end_cost_the_stream() {
    let mut v = client(Config::client(), 2);
    let early = headers(1, &[(":status", "103"), ("link", "</a>")], End::More);
    for _ in 0..32 {
        v.recv(&early);
    }
    assert_eq!((v.informational, v.resets.len()), (32, 0));
    for _ in 0..100 {
        v.recv(&early);
    }
    assert_eq!((v.informational, &v.resets[..]), (32, &[(1, ErrorCode::ENHANCE_YOUR_CALM)][..]));
    assert_eq!(v.causes, [(1, Cause::Local(Violation::TooManyInformational))]);
    // The sibling lives on.
    v.recv(&headers(3, &[(":status", "200")], End::Last));
    v.is_fine();
    assert_eq!(v.conn.live_streams(), 0);
}

#[test]
fn interim_responses_together_keep_to_the_limit_of_one_section() {
    let mut v = client(Config::client(), 2);
    let link = "x".repeat(10_000);
    let early = headers(1, &[(":status", "103"), ("link", &link)], End::More);
    for _ in 0..6 {
        v.recv(&early);
    }
    assert_eq!((v.informational, v.resets.len()), (6, 0));
    for _ in 0..10 {
        v.recv(&early);
    }
    assert_eq!((v.informational, &v.resets[..]), (6, &[(1, ErrorCode::ENHANCE_YOUR_CALM)][..]));
    v.recv(&headers(3, &[(":status", "200")], End::Last));
    v.is_fine();
}

#[test]
fn five_early_hints_a_request_are_ordinary() {
    let mut v = client(Config::client(), 100);
    for n in 0..100 {
        v.pass_secs(1);
        for _ in 0..5 {
            v.recv(&headers(n * 2 + 1, &[(":status", "103"), ("link", "</a>")], End::More));
        }
        v.recv(&headers(n * 2 + 1, &[(":status", "200")], End::Last));
    }
    assert_eq!((v.informational, v.resets.len(), v.conn.live_streams()), (500, 0, 0));
    v.is_fine();
}

#[test]
fn a_promise_without_leave_ends_the_connection() {
    let mut v = client(Config::client(), 1);
    v.recv(&promise(1, 2, &GET));
    v.is_ended_by(Violation::PushDisabled, ErrorCode::PROTOCOL_ERROR, "push_disabled");
}

/// CVE-2024-2398: promises that are never kept. A few wait, the others are refused, and then it is enough.
#[test]
fn promises_without_end_are_refused_and_then_calmed() {
    let mut v = client(with_push(), 1);
    for n in 1..=2000 {
        v.recv(&promise(1, n * 2, &GET));
        assert!(v.conn.live_streams() <= 11);
    }
    assert_eq!(v.promised.len(), 10);
    assert!(v.resets.iter().all(|(id, code)| id % 2 == 0 && *code == ErrorCode::ENHANCE_YOUR_CALM));
    // It had begun to leave before; from then on promises are ignored, and that is counted too.
    assert_eq!(v.goaways.first(), Some(&(ErrorCode::NO_ERROR, String::new())));
    assert_eq!(v.resets.len(), 151);
    v.is_calmed(Violation::TooManyGlitches, "too_many_glitches");
}

/// Before the server has acknowledged that push is off it may promise; refusing that is bounded too.
#[test]
fn promises_before_the_settings_are_acknowledged_are_bounded() {
    let mut v = Victim::fresh(Role::Client, Config::client());
    v.recv(&settings(&[]));
    let mut fields = Fields::new();
    for (name, value) in GET {
        fields.push(name.as_bytes(), value.as_bytes());
    }
    v.conn.open(&fields, End::Last).unwrap();
    v.turn();
    for n in 1..=2000 {
        v.recv(&promise(1, n * 2, &GET));
    }
    assert_eq!(v.promised, []);
    // It had begun to leave before; from then on promises are ignored, and that is counted too.
    assert_eq!(v.goaways.first(), Some(&(ErrorCode::NO_ERROR, String::new())));
    assert_eq!(v.resets.len(), 151);
    v.is_calmed(Violation::TooManyGlitches, "too_many_glitches");
}

#[test]
fn refused_promises_are_bounded_when_the_server_never_reads() {
    let mut config = with_push();
    config.emitted_reset.burst = 1_000_000;
    let mut v = client(config, 1);
    v.stops_reading(|n| promise(1, u32::try_from(n).unwrap() * 2 + 2, &GET));
    assert!(v.conn.live_streams() <= 11);
    assert_eq!(v.error, None);
}

/// Promises that are kept: each begins to be answered, so that none is merely reserved, and none is ended.
#[test]
fn pushed_streams_are_limited_like_others() {
    let mut config = with_push();
    config.max_concurrent_streams = 5;
    let mut v = client(config, 1);
    for n in 1..=50 {
        v.recv(&promise(1, n * 2, &GET));
        v.recv(&headers(n * 2, &[(":status", "200")], End::More));
        assert!(v.conn.live_streams() <= 6, "{} streams", v.conn.live_streams());
    }
    assert_eq!(v.resets.len(), 45);
    assert!(v.resets.iter().all(|(_, code)| *code == ErrorCode::REFUSED_STREAM));
    assert_eq!(v.error, None);
}

/// CVE-2026-33814: a frame size of zero makes a sender cut for ever. Both roles refuse it, and nothing of that frame is applied.
#[test]
fn settings_out_of_range_end_the_connection_whichever_role() {
    let bad: [(SettingId, u32, Violation, ErrorCode, &str); 6] = [
        (
            SettingId::MAX_FRAME_SIZE,
            0,
            Violation::SettingsMaxFrameSize,
            ErrorCode::PROTOCOL_ERROR,
            "invalid_max_frame_size",
        ),
        (
            SettingId::MAX_FRAME_SIZE,
            16_383,
            Violation::SettingsMaxFrameSize,
            ErrorCode::PROTOCOL_ERROR,
            "invalid_max_frame_size",
        ),
        (
            SettingId::MAX_FRAME_SIZE,
            1 << 24,
            Violation::SettingsMaxFrameSize,
            ErrorCode::PROTOCOL_ERROR,
            "invalid_max_frame_size",
        ),
        (
            SettingId::MAX_FRAME_SIZE,
            u32::MAX,
            Violation::SettingsMaxFrameSize,
            ErrorCode::PROTOCOL_ERROR,
            "invalid_max_frame_size",
        ),
        (
            SettingId::INITIAL_WINDOW_SIZE,
            1 << 31,
            Violation::SettingsInitialWindow,
            ErrorCode::FLOW_CONTROL_ERROR,
            "invalid_initial_window_size",
        ),
        (SettingId::ENABLE_PUSH, 2, Violation::SettingsEnablePush, ErrorCode::PROTOCOL_ERROR, "invalid_enable_push"),
    ];
    for (id, value, violation, code, debug) in bad {
        for mut v in [Victim::server(), client(Config::client(), 1)] {
            let before = v.conn.peer_settings();
            v.recv(&settings(&[(SettingId::HEADER_TABLE_SIZE, 17), (id, value)]));
            assert_eq!(v.conn.peer_settings(), before, "nothing of it is applied");
            v.is_ended_by(violation, code, debug);
        }
    }
}

/// More than the window allows, on a stream and on the connection.
#[test]
fn content_beyond_the_window_is_an_error_of_the_right_reach() {
    let mut config = Config::client();
    config.stream_window = 1000;
    let mut v = client(config, 2);
    v.recv(&headers(1, &[(":status", "200")], End::More));
    v.recv(&data(1, &[0; 1001], End::More));
    assert_eq!(v.resets, [(1, ErrorCode::FLOW_CONTROL_ERROR)]);
    v.recv(&headers(3, &[(":status", "200")], End::Last));
    v.is_fine();
}

/// GOAWAY again and again, with a last stream that grows and a debug text of a frame: the lowest counts, little is kept.
#[test]
fn goaway_again_and_again_is_bounded() {
    let mut v = client(Config::client(), 3);
    v.recv(&goaway(3, ErrorCode::NO_ERROR));
    assert_eq!(v.causes, [(5, Cause::NotProcessed)]);
    for last in 4..2000 {
        v.recv(&goaway(last, ErrorCode::NO_ERROR));
    }
    assert_eq!(v.causes.len(), 1, "a last stream that grows changes nothing");
    v.is_calmed(Violation::TooManyGlitches, "too_many_glitches");
}

/// Responses that would split: each costs its own stream only.
#[test]
fn malformed_responses_cost_their_stream_only() {
    let bad: [(&[(&str, &str)], End); 9] = [
        (&[], End::Last),
        (&[(":status", "200"), (":status", "200")], End::Last),
        (&[(":status", "99")], End::Last),
        (&[(":status", "2000")], End::Last),
        (&[(":status", "101")], End::More),
        (&[(":status", "103")], End::Last),
        (&[(":status", "200"), (":path", "/")], End::Last),
        (&[(":status", "200"), ("content-length", "5")], End::Last),
        (&[(":status", "200"), ("transfer-encoding", "chunked")], End::Last),
    ];
    let mut v = client(Config::client(), 20);
    let mut id = 1;
    for (fields, end) in bad {
        v.recv(&headers(id, fields, end));
        assert_eq!(v.resets.pop(), Some((id, ErrorCode::PROTOCOL_ERROR)), "{fields:?}");
        v.recv(&headers(id + 2, &[(":status", "204")], End::Last));
        id += 4;
    }
    v.is_fine();
    assert_eq!(v.conn.live_streams(), 2);
    assert!(v.conn.capacity(StreamId::new(1)) == 0);
}
