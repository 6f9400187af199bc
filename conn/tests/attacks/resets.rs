//! Work that is asked for and thrown away: rapid reset (CVE-2023-44487), MadeYouReset (CVE-2025-8671), request floods.

use std::time::Duration;

use pellucid_conn::h2::{Config, Violation};
use pellucid_conn::{End, ErrorCode, Refusal};
use pellucid_frame::{Flags, Kind};

use crate::frames::{Frame, data, headers, ping, priority, raw, reset, window_update};
use crate::victim::{GET, Handler, POST, Victim, nth};

const CANCEL: ErrorCode = ErrorCode::CANCEL;

/// Handlers that notice at once: the bucket of early resets is what stops it.
#[test]
fn rapid_reset_is_asked_to_calm_down() {
    let mut v = Victim::server();
    let mut resets = 0;
    for n in 0..1000 {
        v.recv(&headers(nth(n), &POST, End::More));
        v.recv(&reset(nth(n), CANCEL));
        resets = n + 1;
        if v.error.is_some() {
            break;
        }
    }
    assert_eq!(resets, 201, "a burst of 200 is allowed");
    v.is_calmed(Violation::TooManyResets, "too_many_resets");
    // Three quarters on the way, it had begun to leave politely.
    assert_eq!(v.goaways.first(), Some(&(ErrorCode::NO_ERROR, String::new())));
}

/// Handlers that go on working: never more than the limit at once, whatever becomes of their streams (R2).
#[test]
fn rapid_reset_never_runs_more_handlers_than_streams_are_allowed() {
    let mut v = Victim::server();
    v.handler = Handler::Works;
    for n in 0..1000 {
        v.recv(&headers(nth(n), &GET, End::Last));
        v.recv(&reset(nth(n), CANCEL));
    }
    assert_eq!(v.most_running, 100);
    assert!(v.refused.iter().all(|why| *why == Refusal::HandlerLimit) && v.refused.len() > 100);
    v.is_calmed(Violation::TooManyRefused, "too_many_refused_streams");
}

/// The slot is free when the handler has ended, not before and not later.
#[test]
fn a_slot_is_free_when_its_handler_has_ended() {
    let mut v = Victim::server();
    v.handler = Handler::Works;
    for n in 0..101 {
        v.recv(&headers(nth(n), &GET, End::Last));
        v.recv(&reset(nth(n), CANCEL));
    }
    assert_eq!((v.requests, v.refused.len()), (100, 1));
    assert_eq!(v.resets, [(nth(100), ErrorCode::REFUSED_STREAM)]);
    v.finish_all();
    v.recv(&headers(nth(101), &GET, End::Last));
    assert_eq!(v.requests, 101);
    v.is_fine();
}

/// gRPC cancels what has passed its deadline, and hedges: fifteen a second for five minutes is no attack.
#[test]
fn honest_cancels_live_for_minutes() {
    let mut v = Victim::server();
    let mut n = 0;
    for _ in 0..300 {
        for _ in 0..15 {
            v.recv(&headers(nth(n), &POST, End::More));
            v.recv(&reset(nth(n), CANCEL));
            n += 1;
        }
        v.pass_secs(1);
    }
    v.is_fine();
}

/// Each request answered in full pays for one that is cancelled.
#[test]
fn answered_requests_pay_for_cancelled_ones() {
    let mut v = Victim::server();
    for n in 0..2000 {
        v.recv(&headers(nth(2 * n), &GET, End::Last));
        v.recv(&headers(nth(2 * n + 1), &POST, End::More));
        v.recv(&reset(nth(2 * n + 1), CANCEL));
    }
    assert_eq!(v.statuses.len(), 2000);
    v.is_fine();
}

/// A frame that makes the server reset a stream whose request is complete and being worked on.
type Primitive = (&'static str, fn(u32) -> Vec<Frame>);

const PRIMITIVES: [Primitive; 7] = [
    ("zero window update", |id| vec![headers(id, &GET, End::Last), raw(Kind::WINDOW_UPDATE, Flags::NONE, id, &[0; 4])]),
    ("window overflow", |id| vec![headers(id, &GET, End::Last), window_update(id, 0x7fff_ffff)]),
    ("headers after the end", |id| vec![headers(id, &GET, End::Last), headers(id, &GET, End::Last)]),
    ("data after the end", |id| vec![headers(id, &GET, End::Last), data(id, b"more", End::More)]),
    ("priority of four octets", |id| vec![headers(id, &GET, End::Last), raw(Kind::PRIORITY, Flags::NONE, id, &[0; 4])]),
    ("dependency on itself", |id| vec![headers(id, &GET, End::Last), priority(id, id)]),
    ("content-length mismatch", |id| {
        let mut fields = POST.to_vec();
        fields.push(("content-length", "1"));
        vec![headers(id, &fields, End::More), data(id, b"two", End::More)]
    }),
];

#[test]
fn made_you_reset_never_runs_more_handlers_than_streams_are_allowed() {
    for (name, frames) in PRIMITIVES {
        println!("{name}");
        let mut v = Victim::server();
        v.handler = Handler::Works;
        for n in 0..1000 {
            for frame in frames(nth(n)) {
                v.recv(&frame);
            }
        }
        assert!(v.most_running <= 100, "{} handlers", v.most_running);
        assert!(v.resets.len() <= 500, "{} resets", v.resets.len());
        assert_eq!(v.error.map(|e| e.code()), Some(ErrorCode::ENHANCE_YOUR_CALM));
    }
}

#[test]
fn made_you_reset_is_asked_to_calm_down() {
    for (name, frames) in PRIMITIVES {
        println!("{name}");
        let mut v = Victim::server();
        for n in 0..1000 {
            // The handler's answer waits for window, so that the stream is there to be reset.
            v.handler = Handler::Works;
            for frame in frames(nth(n)) {
                v.recv(&frame);
            }
            v.finish_all();
        }
        v.is_calmed(Violation::TooManyInternalResets, "too_many_internal_resets");
        assert!(v.resets.len() <= 202, "{} resets", v.resets.len());
    }
}

#[test]
fn a_stream_error_now_and_then_lives_for_minutes() {
    for (name, frames) in PRIMITIVES {
        println!("{name}");
        let mut v = Victim::server();
        v.handler = Handler::Works;
        for n in 0..600 {
            for frame in frames(nth(n)) {
                v.recv(&frame);
            }
            v.finish_all();
            v.pass(Duration::from_millis(500));
        }
        assert_eq!(v.resets.len(), 600);
        v.is_fine();
    }
}

/// CVE-2019-9514, RUSTSEC-2024-0003: provoked resets pile up for a peer that does not read; reading stops first.
#[test]
fn provoked_resets_are_bounded_when_the_peer_never_reads() {
    // Of 13 octets each, and where a 400 comes before the reset, of 23.
    for (field, resets) in [(("x", "y"), 1000), (("UPPER", "case"), 700)] {
        let mut config = Config::server();
        config.emitted_reset.burst = 1_000_000;
        let mut v = Victim::server_with(config);
        v.stops_reading(|n| headers(nth(n), &[field], End::Last));
        assert_eq!(v.error, None);
        assert!((resets..resets * 3 / 2).contains(&v.resets.len()), "{field:?}: {} resets", v.resets.len());
        assert!(v.conn.wants_read());
    }
}

/// CVE-2025-53506, CVE-2026-47244: the limit holds from the first octet, before any SETTINGS are acknowledged.
#[test]
fn streams_are_limited_before_settings_are_acknowledged() {
    let mut v = Victim::fresh(pellucid_conn::h2::Role::Server, Config::server());
    v.handler = Handler::Works;
    v.recv_octets(pellucid_frame::encode::PREFACE);
    v.recv(&crate::frames::settings(&[]));
    for n in 0..150 {
        v.recv(&headers(nth(n), &GET, End::Last));
    }
    assert_eq!((v.requests, v.refused.len(), v.conn.live_streams()), (100, 50, 100));
    assert!(v.resets.iter().all(|(_, code)| *code == ErrorCode::REFUSED_STREAM));
    v.is_fine();
}

/// Requests above the limit are refused, and a peer that will not learn is told to calm down.
#[test]
fn a_flood_above_the_stream_limit_is_asked_to_calm_down() {
    let mut v = Victim::server();
    v.handler = Handler::Works;
    for n in 0..1000 {
        v.recv(&headers(nth(n), &GET, End::Last));
    }
    assert_eq!((v.requests, v.most_running), (100, 100));
    v.is_calmed(Violation::TooManyRefused, "too_many_refused_streams");
}

/// An answer without content ends its stream before it is on the wire: streams do not bound what waits, reading does.
#[test]
fn answers_are_bounded_when_the_peer_never_reads() {
    let mut v = Victim::server();
    v.attacker = crate::victim::Attacker::NeverReads;
    for n in 0..200_000 {
        if !v.conn.wants_read() {
            break;
        }
        v.recv(&headers(nth(n), &GET, End::Last));
    }
    assert!(!v.conn.wants_read(), "it reads for ever");
    let waiting = v.flush();
    assert!(waiting <= v.conn.config().control_buffer_hard + 1024, "{waiting} octets wait");
    assert!(v.statuses.len() > 1000 && v.conn.wants_read());
    v.is_fine();
}

#[test]
fn refused_requests_are_bounded_when_the_peer_never_reads() {
    let mut config = Config::server();
    config.refused.burst = 1_000_000;
    let mut v = Victim::server_with(config);
    v.handler = Handler::Works;
    v.stops_reading(|n| headers(nth(n), &GET, End::Last));
    assert_eq!((v.error, v.running.len()), (None, 100));
    // Reading goes on where it stopped once the peer reads.
    v.attacker = crate::victim::Attacker::Reads;
    v.turn();
    v.recv(&ping(*b"and now?"));
    assert_eq!(v.pongs, 1);
}
