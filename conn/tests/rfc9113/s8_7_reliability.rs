//! RFC 9113 §8.7: what a server says was not processed was not.

use pellucid_conn::h2::{Config, Violation};
use pellucid_conn::{End, ErrorCode, Refusal, StreamId};

use crate::transcript::frames::{Frame, goaway, headers, pong, raw, reset};
use crate::transcript::{GET, OK, POST, Transcript, got};

/// Covers 9113:8.7-1, 9113:8.7-2: the application has nothing of a request that is refused, and what it has is not refused
#[test]
fn only_requests_the_application_never_saw_are_refused() {
    let mut config = Config::server();
    config.max_concurrent_streams = 1;
    let mut t = Transcript::server_with(config);
    t.asked(1, &POST, End::More);
    // The event says that a request was refused, and nothing of the request.
    t.recv(headers(3, &GET, End::Last));
    t.sends(reset(3, ErrorCode::REFUSED_STREAM));
    t.breaks(Violation::StreamLimit);
    t.event(got::refused(3, Refusal::StreamLimit));
    // Whatever ends a stream that was told, it is not called unprocessed.
    t.recv(headers(1, &[("Bad", "trailer")], End::Last));
    t.resets(1, ErrorCode::PROTOCOL_ERROR, Violation::FieldNameUppercase);
    t.conn.finished(StreamId::new(1));
    t.alive();
}

/// Covers 9113:8.7-1, 9113:8.7-3: when it leaves in peace, and when the connection fails
#[test]
fn goaway_names_every_request_the_application_saw() {
    let asked = || {
        let mut t = Transcript::server();
        t.asked(1, &GET, End::Last);
        t.asked(5, &GET, End::Last);
        t.answers(5, &OK, End::Last);
        t
    };
    let mut t = asked();
    t.recv(raw(pellucid_frame::Kind::PING, pellucid_frame::Flags::NONE, 1, b"12345678"));
    t.sends(goaway(5, ErrorCode::PROTOCOL_ERROR));
    t.fails(Violation::Frame(pellucid_frame::Rule::PingOnStream));

    let mut t = asked();
    t.conn.shut_down(t.now);
    t.sends(goaway(0x7fff_ffff, ErrorCode::NO_ERROR));
    let Some(Frame::Ping(payload)) = t.next_sent() else { panic!("a PING follows") };
    t.asked(9, &GET, End::Last);
    t.recv(pong(payload));
    t.sends(goaway(9, ErrorCode::NO_ERROR));
    // What comes now is told to nobody.
    t.recv(headers(11, &GET, End::Last));
    t.sends_nothing();
    t.no_event();
}
