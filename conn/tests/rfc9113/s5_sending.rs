//! RFC 9113 §5, seen from the end that sends: what it may not send in which state, how many streams it opens, how much content
//! it sends, and that it does not leave without a word.

use pellucid_conn::h2::{Config, Priority};
use pellucid_conn::{Cause, End, ErrorCode, SendError, StreamId};
use pellucid_frame::SettingId;

use crate::transcript::frames::{
    Frame, data, goaway, headers, pong, promise, reset, settings, settings_ack, window_update,
};
use crate::transcript::got::{self, Got};
use crate::transcript::{GET, OK, POST, Transcript, section, zeros};

const CANCEL: ErrorCode = ErrorCode::CANCEL;
const NO_ERROR: ErrorCode = ErrorCode::NO_ERROR;
const URGENT: Priority = Priority { urgency: 0, incremental: false };

/// Every command that would put a frame on a stream, with what it came to.
fn commands(t: &mut Transcript, id: u32) -> [Result<(), SendError>; 3] {
    let id = StreamId::new(id);
    t.conn.set_priority(id, URGENT);
    t.conn.stop_reading(id);
    [
        t.conn.send_data(id, b"x".to_vec().into(), End::Last),
        t.conn.send_trailers(id, section(&[("x", "y")])),
        t.conn.send_headers(id, &section(&OK), End::Last),
    ]
}

/// Covers 9113:5.1-3
#[test]
fn a_promised_stream_carries_nothing_before_its_headers() {
    let promised = || {
        let mut t = Transcript::server();
        t.asked(1, &GET, End::Last);
        t.conn.push(StreamId::new(1), &section(&GET)).expect("a promise");
        t.sends(promise(1, 2, &GET));
        t
    };
    let mut t = promised();
    let [content, trailers, headers] = commands(&mut t, 2);
    assert_eq!((content, trailers), (Err(SendError::OutOfOrder), Err(SendError::OutOfOrder)));
    assert_eq!(headers, Ok(()));
    t.sends(crate::transcript::frames::headers(2, &OK, End::Last));
    t.sends_nothing();

    let mut t = promised();
    t.conn.reset(StreamId::new(2), CANCEL);
    t.sends(reset(2, CANCEL));
    t.sends_nothing();
}

/// Covers 9113:5.1-5
#[test]
fn a_client_sends_nothing_on_a_stream_it_was_promised_but_its_reset() {
    let mut config = Config::client();
    config.max_reserved_remote = 1;
    let mut t = Transcript::client_with(config);
    t.asks(&GET, End::Last);
    t.recv(promise(1, 2, &GET));
    t.event(got::promise(1, 2, &GET));
    assert_eq!(commands(&mut t, 2), [Err(SendError::OutOfOrder); 3]);
    t.sends_nothing();
    t.conn.reset(StreamId::new(2), CANCEL);
    t.sends(reset(2, CANCEL));
    t.answered(1, &OK, End::Last);
    t.alive();
}

/// Covers 9113:5.1-8, 9113:6.4-1: whichever side closed it
#[test]
fn nothing_is_sent_on_a_closed_stream() {
    let open = || {
        let mut config = Config::server();
        (config.stream_window, config.connection_window) = (65_535, 65_535);
        let mut t = Transcript::server_with(config);
        t.asked(1, &POST, End::More);
        for _ in 0..3 {
            t.recv(data(1, &zeros(16_384), End::More));
            t.event(got::data(1, &zeros(16_384), End::More));
        }
        t
    };
    let mut ended = open();
    ended.reads(1, b"", End::Last);
    ended.answers(1, &OK, End::Last);
    let mut ours = open();
    ours.conn.reset(StreamId::new(1), CANCEL);
    ours.sends(reset(1, CANCEL));
    let mut theirs = open();
    theirs.recv(reset(1, CANCEL));
    theirs.event(got::reset(1, Cause::Peer(CANCEL)));
    for mut t in [ended, ours, theirs] {
        assert_eq!(commands(&mut t, 1), [Err(SendError::NoStream); 3]);
        t.conn.reset(StreamId::new(1), CANCEL);
        t.sends_nothing();
        // Content that is consumed late opens the connection's window, not the stream's.
        t.release(1, 3 * 16_384);
        t.sends(window_update(0, 3 * 16_384));
        t.sends_nothing();
        t.conn.finished(StreamId::new(1));
        t.alive();
    }
}

/// Covers 9113:5.1.2-1: also where the limit falls below what is open
#[test]
fn a_lower_limit_is_kept_as_soon_as_streams_end() {
    let mut t = Transcript::client();
    let ids = [1, 3, 5].map(|_| t.asks(&GET, End::Last));
    t.recv(settings(&[(SettingId::MAX_CONCURRENT_STREAMS, 2)]));
    t.event(Got::Settings);
    t.sends(settings_ack());
    let open = |t: &mut Transcript| t.conn.open(&section(&GET), End::Last).map(StreamId::get);
    for id in ids {
        assert_eq!(open(&mut t), Err(SendError::NoSlot));
        t.answered(id, &OK, End::Last);
        if id > 1 {
            t.event(Got::SlotFree);
            assert_eq!(open(&mut t), Ok(id + 4));
            t.sends(headers(id + 4, &GET, End::Last));
        }
    }
    assert_eq!(open(&mut t), Err(SendError::NoSlot));
    t.sends_nothing();
}

/// Covers 9113:5.2.1-1, 9113:6.9.1-1: seven streams of 10,000 octets are more than the connection's 65,535
#[test]
fn content_keeps_within_every_window() {
    let mut t = Transcript::server();
    t.recv(settings(&[(SettingId::INITIAL_WINDOW_SIZE, 10_000)]));
    t.event(Got::Settings);
    t.sends(settings_ack());
    for id in (1..14).step_by(2) {
        t.asked(id, &GET, End::Last);
        t.answers(id, &OK, End::More);
    }
    for id in (1..14).step_by(2) {
        t.conn.send_data(StreamId::new(id), zeros(30_000).into(), End::Last).expect("content");
    }
    let mut sent = [0_usize; 14];
    let sends = |t: &mut Transcript, sent: &mut [usize; 14]| {
        while let Some(frame) = t.next_sent() {
            let Frame::Data { id, data, .. } = frame else { panic!("{frame:?}") };
            sent[id as usize] += data.0.len();
        }
    };
    sends(&mut t, &mut sent);
    assert!(sent.iter().all(|octets| *octets <= 10_000), "{sent:?}");
    assert_eq!(sent.iter().sum::<usize>(), 65_535);
    t.recv(window_update(0, 10_000));
    sends(&mut t, &mut sent);
    assert_eq!(sent.iter().sum::<usize>(), 70_000, "all that the streams' windows allow");
    t.recv(window_update(3, 7));
    sends(&mut t, &mut sent);
    assert_eq!((sent[1], sent[3], sent[5]), (10_000, 10_007, 10_000));
}

/// Covers 9113:5.4.1-3, 9113:6.8-2, 9113:6.8-3
#[test]
fn whoever_leaves_says_so() {
    let mut client = Transcript::client();
    client.conn.shut_down(client.now);
    client.sends(goaway(0, NO_ERROR));
    client.event(Got::Drained);

    let mut server = Transcript::server();
    server.asked(1, &GET, End::Last);
    server.conn.shut_down(server.now);
    server.sends(goaway(0x7fff_ffff, NO_ERROR));
    let Some(Frame::Ping(payload)) = server.next_sent() else { panic!("a PING follows") };
    server.recv(pong(payload));
    server.sends(goaway(1, NO_ERROR));
    server.answers(1, &OK, End::Last);
    server.event(Got::Drained);

    // A client whose server has left, too.
    let mut left = Transcript::client();
    left.recv(goaway(0, NO_ERROR));
    left.event(got::goaway(0, NO_ERROR));
    left.event(Got::Drained);
    left.sends(goaway(0, NO_ERROR));
}
