//! RFC 9113 §10.5: every bound's violation, its code and its text. What an attack costs, and that honest use is left alone, is
//! tested in `tests/attacks`.

use pellucid_conn::h2::{Config, Rate, Violation};
use pellucid_conn::{End, ErrorCode, Refusal, StreamId};
use pellucid_frame::{Flags, Kind, SettingId};

use crate::transcript::frames::{
    Frame, block, continuation, data, goaway, headers, ping, raw, reset, settings, settings_ack, window_update,
};
use crate::transcript::got::{self, Got};
use crate::transcript::{GET, OK, POST, Transcript, zeros};

const ENHANCE_YOUR_CALM: ErrorCode = ErrorCode::ENHANCE_YOUR_CALM;

/// A server whose every bucket holds ten tokens and gets none back.
fn impatient() -> Transcript {
    let mut config = Config::server();
    let ten = Rate { burst: 10, per_second: 0 };
    (config.early_reset, config.emitted_reset, config.refused) = (ten, ten, ten);
    (config.glitch, config.window_update) = (ten, ten);
    config.max_concurrent_streams = 3;
    Transcript::server_with(config)
}

/// The peer does this again and again; in the end the connection fails for this reason and `last` is the last stream.
#[track_caller]
fn overdone(mut t: Transcript, mut again: impl FnMut(u32) -> Vec<Frame>, last: u32, violation: Violation) {
    for n in 0..20 {
        for frame in again(n) {
            t.recv(frame);
        }
    }
    t.skip_to_the_end();
    t.sends(goaway(last, ENHANCE_YOUR_CALM));
    t.fails(violation);
}

/// Covers 9113:10.5-2
#[test]
fn frames_that_change_nothing_are_bounded() {
    overdone(impatient(), |_| vec![raw(Kind::new(0x16), Flags::NONE, 0, b"")], 0, Violation::TooManyGlitches);
    overdone(impatient(), |_| vec![raw(Kind::PRIORITY, Flags::NONE, 1, b"\0\0\0\0\0")], 0, Violation::TooManyGlitches);
}

/// Covers 9113:10.5-2
#[test]
fn empty_data_frames_are_bounded() {
    let mut t = impatient();
    t.asked(1, &POST, End::More);
    overdone(t, |_| vec![data(1, b"", End::More)], 1, Violation::TooManyDataFrames);
}

/// Covers 9113:10.5-2
#[test]
fn window_updates_without_data_are_bounded() {
    overdone(impatient(), |_| vec![window_update(0, 1)], 0, Violation::TooManyWindowUpdates);
}

/// Covers 9113:10.5-2
#[test]
fn requests_reset_at_once_are_bounded() {
    let mut t = impatient();
    for n in 0..10 {
        let id = 2 * n + 1;
        t.recv(headers(id, &GET, End::Last));
        t.recv(reset(id, ErrorCode::CANCEL));
        t.conn.finished(StreamId::new(id));
    }
    overdone(
        t,
        |n| if n == 0 { vec![headers(21, &GET, End::Last), reset(21, ErrorCode::CANCEL)] } else { Vec::new() },
        21,
        Violation::TooManyResets,
    );
}

/// Covers 9113:10.5-2: a response that has begun may be given up as often as anyone likes
#[test]
fn requests_reset_after_the_response_began_are_no_attack() {
    let mut t = impatient();
    for n in 0..30 {
        let id = 2 * n + 1;
        t.asked(id, &GET, End::Last);
        t.answers(id, &OK, End::More);
        t.recv(reset(id, ErrorCode::CANCEL));
        t.event(got::reset(id, pellucid_conn::Cause::Peer(ErrorCode::CANCEL)));
        t.conn.finished(StreamId::new(id));
    }
    t.alive();
}

/// Covers 9113:10.5-2
#[test]
fn stream_errors_are_bounded() {
    let again = |n| vec![headers(2 * n + 1, &[("x", "y")], End::Last)];
    overdone(impatient(), again, 21, Violation::TooManyInternalResets);
}

/// Covers 9113:10.5-2, 9113:5.1.2-2
#[test]
fn requests_above_the_limit_are_bounded() {
    let mut t = impatient();
    for id in [1, 3, 5] {
        t.asked(id, &GET, End::Last);
    }
    t.recv(headers(7, &GET, End::Last));
    t.event(got::refused(7, Refusal::StreamLimit));
    overdone(t, |n| vec![headers(2 * n + 9, &GET, End::Last)], 27, Violation::TooManyRefused);
}

/// Covers 9113:10.5-2: three quarters into any bound an honest peer is warned and loses nothing
#[test]
fn a_polite_goaway_comes_first() {
    let mut t = impatient();
    for _ in 0..8 {
        t.recv(raw(Kind::new(0x16), Flags::NONE, 0, b""));
    }
    t.sends(goaway(0x7fff_ffff, ErrorCode::NO_ERROR));
    assert!(matches!(t.next_sent(), Some(Frame::Ping(_))));
    t.alive();
}

/// Covers 9113:10.5-2
#[test]
fn settings_in_one_frame_are_bounded() {
    let mut t = Transcript::server();
    t.recv(settings(&[(SettingId::new(0xff), 1); 32]));
    t.event(Got::Settings);
    t.sends(settings_ack());
    t.recv(settings(&[(SettingId::new(0xff), 1); 33]));
    t.sends(goaway(0, ENHANCE_YOUR_CALM));
    t.fails(Violation::TooManySettings);
}

/// Covers 9113:10.5-2
#[test]
fn continuations_are_bounded_even_empty_ones() {
    let mut t = Transcript::server();
    t.recv(block(1, b"\x82", Flags::END_STREAM));
    for _ in 0..8 {
        t.recv(continuation(1, b"", Flags::NONE));
    }
    t.sends_nothing();
    t.recv(continuation(1, b"", Flags::NONE));
    t.sends(goaway(0, ENHANCE_YOUR_CALM));
    t.fails(Violation::TooManyContinuations);
}

/// Covers 9113:10.5.1-1: sizes count as decoded, 32 octets a field, and the stop comes while the block is under way
#[test]
fn a_section_far_above_the_limit_ends_the_connection() {
    let mut t = Transcript::server();
    let mut bomb = b"\x40\x01a\x00".to_vec();
    bomb.resize(4000, 0xbe);
    t.recv(block(1, &bomb, Flags::END_HEADERS));
    t.sends(goaway(0, ENHANCE_YOUR_CALM));
    t.fails(Violation::HeaderListWayTooLarge);
    // By its encoded size alone.
    let mut t = Transcript::server();
    let filler = [b"\x20".as_slice(), &[0x82; 16_000]].concat();
    t.recv(block(1, &filler, Flags::NONE));
    for _ in 0..4 {
        t.recv(continuation(1, &[0x82; 16_384], Flags::NONE));
    }
    t.sends(goaway(0, ENHANCE_YOUR_CALM));
    t.fails(Violation::HeaderListWayTooLarge);
}

/// Covers 9113:10.5-2
#[test]
fn a_block_must_be_complete_in_time() {
    let mut t = Transcript::server();
    t.at(5_000);
    t.recv(block(1, b"\x82", Flags::NONE));
    t.at(14_000);
    t.recv(continuation(1, b"\x87", Flags::NONE));
    t.at(14_999);
    t.sends_nothing();
    t.at(15_000);
    t.sends(goaway(0, ENHANCE_YOUR_CALM));
    t.fails(Violation::HeaderBlockTimeout);
}

/// Covers 9113:10.5-2: replies the peer provokes and does not read
#[test]
fn a_peer_that_never_reads_is_not_read_from() {
    let mut t = Transcript::server();
    for _ in 0..5_000 {
        t.recv(ping(*b"12345678"));
    }
    assert!(!t.conn.wants_read(), "16 KiB of answers wait");
    // As soon as they are taken, reading goes on, and every PING is answered in its turn or the peer is told to calm down.
    let mut answers = 0;
    while let Some(frame) = t.next_sent() {
        match frame {
            Frame::Pong(_) => answers += 1,
            Frame::GoAway { code, .. } => assert!(code == ErrorCode::NO_ERROR || code == ENHANCE_YOUR_CALM),
            Frame::Ping(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!((900..=1001).contains(&answers), "{answers}: a burst of 1000");
    t.fails(Violation::TooManyGlitches);
}

/// Covers 9113:10.5-2: the second line, for a bound that was set too close to the first
#[test]
fn replies_that_pile_up_all_the_same_end_the_connection() {
    let mut config = Config::server();
    (config.control_buffer_soft, config.control_buffer_hard) = (1_024, 1_030);
    let mut t = Transcript::server_with(config);
    for _ in 0..61 {
        t.recv(ping(*b"12345678"));
    }
    t.skip_to_the_end();
    t.sends(goaway(0, ENHANCE_YOUR_CALM));
    t.fails(Violation::ControlBufferFull);
}

/// Covers 9113:10.5-2: slow bodies
#[test]
fn content_that_does_not_come_ends_the_stream() {
    let mut t = Transcript::server();
    t.asked(1, &POST, End::More);
    t.reads(1, b"x", End::More);
    t.at(59_999);
    t.sends_nothing();
    t.at(80_000);
    t.resets(1, ErrorCode::CANCEL, Violation::BodyIdle);
    t.conn.finished(StreamId::new(1));
    t.alive();
}

/// Covers 9113:10.5-2: slow readers
#[test]
fn a_window_that_does_not_open_ends_the_stream() {
    let mut t = Transcript::server();
    t.recv(settings(&[(SettingId::INITIAL_WINDOW_SIZE, 0)]));
    t.event(Got::Settings);
    t.sends(settings_ack());
    t.asked(1, &GET, End::Last);
    t.answers(1, &OK, End::More);
    t.conn.send_data(StreamId::new(1), zeros(100_000).into(), End::Last).expect("content");
    t.at(29_999);
    t.sends_nothing();
    t.at(60_000);
    t.resets(1, ErrorCode::CANCEL, Violation::Stalled);
    t.conn.finished(StreamId::new(1));
    t.alive();
}
