//! RFC 9113 §8.1: requests, responses, trailers, content-length.

use pellucid_conn::h2::{Config, Violation};
use pellucid_conn::{Cause, End, ErrorCode, SendError, StreamId};

use crate::transcript::frames::{data, headers, reset};
use crate::transcript::{GET, HEAD, OK, POST, Transcript, got, section, with};

const PROTOCOL_ERROR: ErrorCode = ErrorCode::PROTOCOL_ERROR;
const CONTINUE: [(&str, &str); 1] = [(":status", "100")];
const EARLY_HINTS: [(&str, &str); 2] = [(":status", "103"), ("link", "</style.css>; rel=preload")];

/// A client with request 1 complete and unanswered.
fn asking() -> Transcript {
    let mut t = Transcript::client();
    assert_eq!(t.asks(&GET, End::Last), 1);
    t
}

/// No rule: the order of RFC 9113 §8.1
#[test]
fn interim_responses_come_before_the_final_one() {
    let mut t = asking();
    t.answered(1, &CONTINUE, End::More);
    t.answered(1, &EARLY_HINTS, End::More);
    t.answered(1, &OK, End::More);
    t.reads(1, b"content", End::More);
    t.recv(headers(1, &[("x", "y")], End::Last));
    t.event(got::trailers(1, &[("x", "y")]));
    t.alive();
}

/// Covers 9113:8.1.1-2, 9113:8.1.1-3
#[test]
fn trap_27_an_interim_response_does_not_end_the_stream() {
    let mut t = asking();
    t.recv(headers(1, &CONTINUE, End::Last));
    t.resets(1, PROTOCOL_ERROR, Violation::InformationalWithEnd);
    t.alive();
}

/// Covers 9113:8.1-3, 9113:8.1-4: after the final response there are only trailers, without pseudo-header fields
#[test]
fn trap_27_an_interim_response_after_the_final_one_is_malformed() {
    for (end, violation) in [(End::More, Violation::HeadersWithoutEnd), (End::Last, Violation::PseudoInTrailers)] {
        let mut t = asking();
        t.answered(1, &OK, End::More);
        t.recv(headers(1, &CONTINUE, end));
        t.resets(1, PROTOCOL_ERROR, violation);
        t.alive();
    }
}

/// Covers 9113:8.1.1-2, 9113:8.1.1-3
#[test]
fn trap_27_content_before_the_final_response_is_malformed() {
    for interim in [0, 1] {
        let mut t = asking();
        for _ in 0..interim {
            t.answered(1, &CONTINUE, End::More);
        }
        t.recv(data(1, b"x", End::Last));
        t.resets(1, PROTOCOL_ERROR, Violation::DataBeforeHeaders);
        t.alive();
    }
}

/// Covers 9113:8.1.1-2, 9113:8.1.1-3
#[test]
fn trap_27_switching_protocols_is_malformed() {
    let mut t = asking();
    t.recv(headers(1, &[(":status", "101")], End::More));
    t.resets(1, PROTOCOL_ERROR, Violation::SwitchingProtocols);
    t.alive();
}

/// Covers 9113:8.1-4
#[test]
fn trap_27_a_second_header_section_must_end_the_stream() {
    let mut t = Transcript::server();
    t.asked(1, &POST, End::More);
    t.reads(1, b"x", End::More);
    t.recv(headers(1, &[("x", "y")], End::More));
    t.resets(1, PROTOCOL_ERROR, Violation::HeadersWithoutEnd);
    t.conn.finished(StreamId::new(1));
    t.alive();
}

/// Covers 9113:5.1-7, 9113:6.1-4
#[test]
fn trap_27_nothing_follows_trailers() {
    for frame in [data(1, b"x", End::Last), headers(1, &[("x", "y")], End::Last)] {
        let mut t = Transcript::server();
        t.asked(1, &POST, End::More);
        t.recv(headers(1, &[("x", "y")], End::Last));
        t.event(got::trailers(1, &[("x", "y")]));
        t.recv(frame);
        t.resets(1, ErrorCode::STREAM_CLOSED, Violation::FrameOnHalfClosedStream);
        t.conn.finished(StreamId::new(1));
        t.alive();
    }
}

/// Covers 9113:10.5-2
#[test]
fn interim_responses_are_bounded() {
    let mut t = asking();
    for _ in 0..Config::client().max_informational {
        t.answered(1, &EARLY_HINTS, End::More);
    }
    t.recv(headers(1, &EARLY_HINTS, End::More));
    t.resets(1, ErrorCode::ENHANCE_YOUR_CALM, Violation::TooManyInformational);
    t.alive();
}

/// Covers 9113:8.1-5: a response that is complete before its request
#[test]
fn trap_28_an_early_response_is_delivered_before_the_reset() {
    let mut t = Transcript::client();
    let id = t.asks(&POST, End::More);
    t.answered(id, &OK, End::More);
    t.recv(data(id, b"enough", End::Last));
    t.recv(reset(id, ErrorCode::NO_ERROR));
    t.event(got::data(id, b"enough", End::Last));
    t.release(id, 6);
    t.event(got::reset(id, Cause::Peer(ErrorCode::NO_ERROR)));
    assert_eq!(t.conn.send_data(StreamId::new(id), b"x".to_vec().into(), End::Last), Err(SendError::NoStream));
    t.alive();
}

/// No rule: RFC 9113 §8.1 permits it to the server
#[test]
fn trap_28_a_server_that_needs_no_more_says_so_behind_its_response() {
    let mut t = Transcript::server();
    t.asked(1, &POST, End::More);
    t.conn.stop_reading(StreamId::new(1));
    t.recv(data(1, b"nobody reads this", End::More));
    t.answers(1, &OK, End::Last);
    t.sends(reset(1, ErrorCode::NO_ERROR));
    t.recv(data(1, b"still on its way", End::Last));
    t.conn.finished(StreamId::new(1));
    t.alive();
}

/// Covers 9113:8.1.1-2: more, less, and in each of the three places where a message may end
#[test]
fn trap_29_the_content_adds_up_to_content_length() {
    let request = with(&POST, &[("content-length", "5")]);
    let trailers = || headers(1, &[("x", "y")], End::Last);
    let wrong = [
        vec![data(1, b"123456", End::More)],
        vec![data(1, b"123456", End::Last)],
        vec![data(1, b"123", End::More), data(1, b"456", End::More)],
        vec![data(1, b"1234", End::Last)],
        vec![data(1, b"1234", End::More), data(1, b"", End::Last)],
        vec![data(1, b"1234", End::More), trailers()],
        vec![trailers()],
        vec![data(1, b"", End::Last)],
    ];
    for frames in wrong {
        let mut t = Transcript::server();
        t.asked(1, &request, End::More);
        let (last, before) = frames.split_last().expect("frames");
        for frame in before {
            t.recv(frame.clone());
        }
        let read = t.take_data(1);
        t.recv(last.clone());
        t.resets(1, PROTOCOL_ERROR, Violation::ContentLengthMismatch);
        t.release(1, read);
        t.conn.finished(StreamId::new(1));
        t.alive();
    }
    let mut t = Transcript::server();
    t.recv(headers(1, &request, End::Last));
    t.sends(reset(1, PROTOCOL_ERROR));
    t.breaks(Violation::ContentLengthMismatch);
    t.alive();
}

/// No rule: what keeps RFC 9113 §8.1.1
#[test]
fn trap_29_content_that_adds_up_is_fine() {
    let mut t = Transcript::server();
    t.asked(1, &with(&POST, &[("content-length", "5")]), End::More);
    t.reads(1, b"123", End::More);
    t.reads(1, b"45", End::More);
    t.recv(headers(1, &[("x", "y")], End::Last));
    t.event(got::trailers(1, &[("x", "y")]));
    t.asked(3, &with(&POST, &[("content-length", "0")]), End::Last);
    t.asked(5, &with(&POST, &[("content-length", "2")]), End::More);
    t.reads(5, b"12", End::Last);
}

/// Covers 9113:8.1.1-2, 9113:8.1.1-3: a response's
#[test]
fn trap_29_a_responses_content_adds_up_too() {
    let mut t = asking();
    t.recv(headers(1, &with(&OK, &[("content-length", "5")]), End::Last));
    t.resets(1, PROTOCOL_ERROR, Violation::ContentLengthMismatch);
    let id = t.asks(&GET, End::Last);
    t.answered(id, &with(&OK, &[("content-length", "5")]), End::More);
    t.recv(data(id, b"123456", End::Last));
    t.resets(id, PROTOCOL_ERROR, Violation::ContentLengthMismatch);
    t.alive();
}

/// Covers 9113:8.1.1-2, 9113:8.1.1-3: where content-length speaks of another response
#[test]
fn trap_29_head_204_and_304_have_no_content_whatever_they_say() {
    for (request, status) in [(HEAD, "200"), (GET, "204"), (GET, "304")] {
        let response = [(":status", status), ("content-length", "5")];
        let mut t = Transcript::client();
        let id = t.asks(&request, End::Last);
        t.answered(id, &response, End::Last);
        let id = t.asks(&request, End::Last);
        t.answered(id, &response, End::More);
        t.recv(data(id, b"", End::Last));
        t.event(got::data(id, b"", End::Last));
        let id = t.asks(&request, End::Last);
        t.answered(id, &response, End::More);
        t.recv(data(id, b"12345", End::Last));
        t.resets(id, PROTOCOL_ERROR, Violation::ContentLengthMismatch);
        t.alive();
    }
}

/// Covers 9113:8.1.1-2, 9113:8.1.1-3
#[test]
fn content_length_is_one_number() {
    let bad: [&[&str]; 9] =
        [&["5", "5"], &["5", "6"], &["5, 5"], &["+5"], &["-1"], &["0x5"], &[""], &["12345678901234567890"], &["five"]];
    for values in bad {
        let fields: Vec<_> = values.iter().map(|v| ("content-length", *v)).collect();
        let mut t = Transcript::server();
        t.recv(headers(1, &with(&POST, &fields), End::More));
        t.sends(reset(1, PROTOCOL_ERROR));
        t.breaks(Violation::BadContentLength);
        t.alive();
        let mut t = asking();
        t.recv(headers(1, &with(&OK, &fields), End::More));
        t.resets(1, PROTOCOL_ERROR, Violation::BadContentLength);
        t.alive();
    }
    let mut t = Transcript::server();
    t.asked(1, &with(&POST, &[("content-length", "9223372036854775807")]), End::More);
}

/// Covers 9113:8.1-2, 9113:8.3-4, 9113:8.3.2-1: what we do not send
#[test]
fn a_message_is_sent_in_order() {
    let mut t = Transcript::server();
    t.asked(1, &GET, End::Last);
    let id = StreamId::new(1);
    let content = || bytes::Bytes::from_static(b"x");
    assert_eq!(t.conn.send_data(id, content(), End::More), Err(SendError::OutOfOrder));
    assert_eq!(t.conn.send_trailers(id, section(&[("x", "y")])), Err(SendError::OutOfOrder));
    assert!(matches!(t.conn.send_headers(id, &section(&[("x", "y")]), End::Last), Err(SendError::Malformed(_))));
    assert!(matches!(t.conn.send_headers(id, &section(&CONTINUE), End::Last), Err(SendError::Malformed(_))));
    assert!(matches!(
        t.conn.send_headers(id, &section(&[(":status", "101")]), End::More),
        Err(SendError::Malformed(_))
    ));
    t.answers(1, &CONTINUE, End::More);
    t.answers(1, &EARLY_HINTS, End::More);
    t.answers(1, &OK, End::More);
    assert_eq!(t.conn.send_headers(id, &section(&OK), End::More), Err(SendError::OutOfOrder));
    t.conn.send_data(id, content(), End::More).expect("content");
    assert!(matches!(t.conn.send_trailers(id, section(&[(":status", "200")])), Err(SendError::Malformed(_))));
    t.conn.send_trailers(id, section(&[("x", "y")])).expect("trailers");
    assert_eq!(t.conn.send_data(id, content(), End::Last), Err(SendError::OutOfOrder));
    t.sends(data(1, b"x", End::More));
    t.sends(headers(1, &[("x", "y")], End::Last));
    assert_eq!(t.conn.send_data(id, content(), End::Last), Err(SendError::NoStream));
    t.conn.finished(id);
    t.alive();
}

/// No rule: RFC 9113 §8.1 permits a server to ask, and not to
#[test]
fn a_client_that_can_finish_without_more_window_is_not_told_to_stop() {
    let window = u64::from(Config::server().stream_window);
    let (more, all) = ((window + 1).to_string(), window.to_string());
    let mut t = Transcript::server();
    // All of it fits: nothing is said, and the stream ends as others do.
    t.asked(1, &with(&POST, &[("content-length", "17")]), End::More);
    t.conn.stop_reading(StreamId::new(1));
    t.answers(1, &OK, End::Last);
    t.sends_nothing();
    t.recv(data(1, b"nobody reads this", End::Last));
    assert_eq!(t.conn.live_streams(), 0);
    // More than the window holds would never come to an end.
    t.asked(3, &with(&POST, &[("content-length", &more)]), End::More);
    t.conn.stop_reading(StreamId::new(3));
    t.answers(3, &OK, End::Last);
    t.sends(reset(3, ErrorCode::NO_ERROR));
    // Padding uses the window up, too.
    t.asked(5, &with(&POST, &[("content-length", &all)]), End::More);
    t.conn.stop_reading(StreamId::new(5));
    t.answers(5, &OK, End::Last);
    t.recv(data(5, b"x", End::More).padded(9));
    t.sends(reset(5, ErrorCode::NO_ERROR));
    t.alive();
}

/// Covers 9113:10.5.1-1
/// Covers 9110:5.4-1
#[test]
fn a_section_above_the_limit_is_answered_431_or_ends_the_stream() {
    let large = "x".repeat(17_000);
    let request = with(&POST, &[("x-large", large.as_str())]);
    for end in [End::Last, End::More] {
        let mut t = Transcript::server();
        t.recv(headers(1, &request, end).in_pieces_of(16_384));
        t.event(got::refused(1, pellucid_conn::Refusal::HeadersTooLarge));
        t.sends(headers(1, &[(":status", "431")], End::Last));
        if end == End::More {
            t.sends(reset(1, ErrorCode::NO_ERROR));
            t.recv(data(1, b"ignored", End::Last));
        }
        t.alive();
    }
    let mut t = Transcript::server();
    t.asked(1, &POST, End::More);
    t.recv(headers(1, &[("x-large", large.as_str())], End::Last).in_pieces_of(16_384));
    t.resets(1, PROTOCOL_ERROR, Violation::HeaderListTooLarge);
    t.conn.finished(StreamId::new(1));
    t.alive();
}

/// Covers 9113:10.5-2: the last that is taken, and the first that is not
#[test]
fn fields_and_crumbs_are_counted_to_their_limits() {
    let many = |name, n| with(&GET, &vec![(name, "v"); n]);
    let mut t = Transcript::server();
    t.asked(1, &many("x", 124), End::Last);
    t.recv(headers(3, &many("cookie", 256), End::Last));
    t.event(got::headers(3, &with(&GET, &[("cookie", vec!["v"; 256].join("; ").as_str())]), End::Last));
    for (id, fields) in [(5, many("x", 125)), (7, many("cookie", 257))] {
        t.recv(headers(id, &fields, End::Last));
        t.event(got::refused(id, pellucid_conn::Refusal::HeadersTooLarge));
        t.sends(headers(id, &[(":status", "431")], End::Last));
    }
    for id in [1, 3] {
        t.answers(id, &OK, End::Last);
        t.conn.finished(StreamId::new(id));
    }
    t.alive();
}
