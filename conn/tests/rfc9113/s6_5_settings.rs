//! RFC 9113 §6.5: SETTINGS (with RFC 8441 §3 and RFC 9218 §2.1).

use pellucid_conn::h2::{Config, Role, Violation};
use pellucid_conn::{End, ErrorCode, Output, StreamId};
use pellucid_frame::{Flags, Kind, Rule, Setting, SettingId};

use crate::transcript::frames::{Frame, data, goaway, raw, reset, settings, settings_ack};
use crate::transcript::got::{self, Got};
use crate::transcript::{GET, OK, POST, Transcript, zeros};

const PROTOCOL_ERROR: ErrorCode = ErrorCode::PROTOCOL_ERROR;
const FLOW_CONTROL_ERROR: ErrorCode = ErrorCode::FLOW_CONTROL_ERROR;

/// Covers 9113:6.5-1, 9113:6.5-5: and nothing else comes before them
#[test]
fn either_side_begins_with_settings_on_stream_zero() {
    for role in [Role::Server, Role::Client] {
        let mut t = Transcript::fresh(role, Config::server());
        let (mut out, mut wire) = (Output::new(), bytes::BytesMut::new());
        t.conn.poll_output(&mut out, 1 << 20, t.now);
        out.drain_to(&mut wire);
        let frames = wire.strip_prefix(pellucid_frame::encode::PREFACE);
        assert_eq!(frames.is_some(), role == Role::Client);
        let head = pellucid_frame::Head::peek(frames.unwrap_or(&wire)).expect("a frame");
        assert_eq!((head.kind, head.flags, head.stream), (Kind::SETTINGS, Flags::NONE, StreamId::CONNECTION));
    }
}

/// Covers 9113:6.5-4, 9113:6.5-6, 9113:6.5-8
#[test]
fn trap_18_malformed_settings_end_the_connection() {
    let cases = [
        (Flags::ACK, 0, b"\0\x04\0\0\0\0".as_slice(), ErrorCode::FRAME_SIZE_ERROR, Rule::SettingsAckWithPayload),
        (Flags::ACK, 0, b"x", ErrorCode::FRAME_SIZE_ERROR, Rule::SettingsAckWithPayload),
        (Flags::NONE, 0, b"\0\x04\0", ErrorCode::FRAME_SIZE_ERROR, Rule::SettingsLength),
        (Flags::NONE, 1, b"", PROTOCOL_ERROR, Rule::SettingsOnStream),
        (Flags::ACK, 1, b"", PROTOCOL_ERROR, Rule::SettingsOnStream),
    ];
    for (flags, id, payload, code, rule) in cases {
        let mut t = Transcript::server();
        t.recv(raw(Kind::SETTINGS, flags, id, payload));
        t.sends(goaway(0, code));
        t.fails(Violation::Frame(rule));
    }
}

/// Covers 9113:6.5.3-2
#[test]
fn trap_18_the_same_setting_twice_the_last_counts() {
    let mut t = Transcript::server();
    t.recv(settings(&[(SettingId::INITIAL_WINDOW_SIZE, 100), (SettingId::INITIAL_WINDOW_SIZE, 1)]));
    t.event(Got::Settings);
    t.sends(settings_ack());
    assert_eq!(t.conn.peer_settings().initial_window_size, 1);
    t.asked(1, &GET, End::Last);
    t.answers(1, &OK, End::More);
    t.conn.send_data(StreamId::new(1), b"abc".to_vec().into(), End::Last).expect("content");
    t.sends(data(1, b"a", End::More));
    t.sends_nothing();
}

/// Covers 9113:6.5-3, 9113:6.5.3-4
#[test]
fn trap_18_every_settings_frame_has_an_acknowledgment_of_its_own() {
    let mut t = Transcript::server();
    let three: Vec<u8> = (0..3).flat_map(|n| t.octets(&settings(&[(SettingId::MAX_FRAME_SIZE, 16_384 + n)]))).collect();
    t.recv_octets(&three);
    for _ in 0..3 {
        t.event(Got::Settings);
        t.sends(settings_ack());
    }
    t.alive();
}

/// No rule: RFC 9113 §6.5.3 knows no acknowledgment of nothing; a peer that sends one has lost count
#[test]
fn trap_18_an_acknowledgment_of_nothing_ends_the_connection() {
    for mut t in [Transcript::server(), Transcript::client()] {
        t.recv(settings_ack());
        t.sends(goaway(0, PROTOCOL_ERROR));
        t.fails(Violation::UnsolicitedSettingsAck);
    }
}

/// Covers 9113:6.5-7, 9113:6.5.2-3, 9113:6.5.2-8, 9113:6.5.2-10, 8441:3-1, 9218:2.1-2, 9218:2.1-4
#[test]
fn trap_19_values_out_of_range_end_the_connection_on_either_side() {
    let cases = [
        (SettingId::ENABLE_PUSH, 2, PROTOCOL_ERROR, Violation::SettingsEnablePush),
        (SettingId::INITIAL_WINDOW_SIZE, 1 << 31, FLOW_CONTROL_ERROR, Violation::SettingsInitialWindow),
        (SettingId::INITIAL_WINDOW_SIZE, u32::MAX, FLOW_CONTROL_ERROR, Violation::SettingsInitialWindow),
        (SettingId::MAX_FRAME_SIZE, 0, PROTOCOL_ERROR, Violation::SettingsMaxFrameSize),
        (SettingId::MAX_FRAME_SIZE, 16_383, PROTOCOL_ERROR, Violation::SettingsMaxFrameSize),
        (SettingId::MAX_FRAME_SIZE, 1 << 24, PROTOCOL_ERROR, Violation::SettingsMaxFrameSize),
        (SettingId::ENABLE_CONNECT_PROTOCOL, 2, PROTOCOL_ERROR, Violation::SettingsConnectProtocol),
        (SettingId::NO_RFC7540_PRIORITIES, 2, PROTOCOL_ERROR, Violation::SettingsNoPriorities),
        (SettingId::NO_RFC7540_PRIORITIES, 1, PROTOCOL_ERROR, Violation::SettingsNoPriorities),
    ];
    for (id, value, code, violation) in cases {
        for mut t in [Transcript::server(), Transcript::client()] {
            let before = t.conn.peer_settings();
            // An earlier entry of the same frame, legal by itself, is not applied either.
            t.recv(settings(&[(SettingId::MAX_CONCURRENT_STREAMS, 7), (id, value)]));
            t.sends(goaway(0, code));
            t.fails(violation);
            assert_eq!(t.conn.peer_settings(), before);
        }
    }
}

/// Covers 9113:6.5.2-5
#[test]
fn trap_19_a_server_must_not_enable_push() {
    let mut t = Transcript::client();
    t.recv(settings(&[(SettingId::ENABLE_PUSH, 0)]));
    t.event(Got::Settings);
    t.sends(settings_ack());
    t.recv(settings(&[(SettingId::ENABLE_PUSH, 1)]));
    t.sends(goaway(0, PROTOCOL_ERROR));
    t.fails(Violation::ServerEnabledPush);
}

/// Covers 8441:3-2
#[test]
fn trap_19_extended_connect_is_not_taken_back() {
    let mut t = Transcript::client();
    for value in [0, 1, 1] {
        t.recv(settings(&[(SettingId::ENABLE_CONNECT_PROTOCOL, value)]));
        t.event(Got::Settings);
        t.sends(settings_ack());
    }
    t.recv(settings(&[(SettingId::ENABLE_CONNECT_PROTOCOL, 0)]));
    t.sends(goaway(0, PROTOCOL_ERROR));
    t.fails(Violation::SettingsConnectProtocol);
}

/// Covers 9113:6.5-2, 9113:6.5.2-11, 9113:6.5.3-3
#[test]
fn values_at_the_edges_and_unknown_settings_are_fine() {
    let mut t = Transcript::server();
    t.recv(settings(&[
        (SettingId::HEADER_TABLE_SIZE, u32::MAX),
        (SettingId::ENABLE_PUSH, 1),
        (SettingId::MAX_CONCURRENT_STREAMS, u32::MAX),
        (SettingId::INITIAL_WINDOW_SIZE, 0x7fff_ffff),
        (SettingId::MAX_FRAME_SIZE, (1 << 24) - 1),
        (SettingId::MAX_HEADER_LIST_SIZE, 0),
        (SettingId::new(0xff), 0xffff_ffff),
        (SettingId::new(0x0), 1),
    ]));
    t.event(Got::Settings);
    t.sends(settings_ack());
    t.alive();
}

/// Covers 9113:6.5.3-1: new values hold for the next frame we send
#[test]
fn trap_20_settings_hold_from_the_next_frame_on() {
    let mut t = Transcript::server();
    t.asked(1, &GET, End::Last);
    t.answers(1, &OK, End::More);
    t.conn.send_data(StreamId::new(1), zeros(16_385).into(), End::Last).expect("content");
    // The window shrinks to one octet before anything was framed.
    t.recv(settings(&[(SettingId::INITIAL_WINDOW_SIZE, 1)]));
    t.event(Got::Settings);
    t.sends(settings_ack());
    t.sends(data(1, &zeros(1), End::More));
    t.sends_nothing();
}

/// Covers 9113:4.1-1, 9113:6.2-2, 9113:6.10-1, 9113:6.10-5: a block longer than the peer's frames is cut by the value in force
#[test]
fn trap_20_blocks_are_cut_at_the_peers_frame_size() {
    let mut t = Transcript::server();
    t.asked(1, &GET, End::Last);
    let long: String = ('!'..='~').filter(|c| !c.is_alphanumeric()).cycle().take(40_000).collect();
    let fields = [(":status", "200"), ("x-long", long.as_str())];
    t.conn.send_headers(StreamId::new(1), &crate::transcript::section(&fields), End::Last).expect("an answer");
    let wire = t.sends_octets();
    let mut rest = wire.as_slice();
    let mut kinds = Vec::new();
    while let Some(head) = pellucid_frame::Head::peek(rest) {
        assert!(head.length <= 16_384);
        kinds.push(head.kind);
        rest = &rest[9 + head.length as usize..];
    }
    assert_eq!(kinds.first(), Some(&Kind::HEADERS));
    assert!(kinds.len() > 2 && kinds.iter().skip(1).all(|k| *k == Kind::CONTINUATION), "{kinds:?}");
}

/// Covers 9113:4.2-2: until its acknowledgment the peer is held to the older value
#[test]
fn trap_20_our_smaller_limits_wait_for_the_acknowledgment() {
    let mut config = Config::server();
    config.max_frame_size = 32_768;
    let mut t = Transcript::server_with(config);
    t.asked(1, &POST, End::More);
    t.conn.update_settings(&[Setting { id: SettingId::MAX_FRAME_SIZE, value: 16_384 }], t.now);
    t.sends(settings(&[(SettingId::MAX_FRAME_SIZE, 16_384)]));
    t.reads(1, &zeros(20_000), End::More);
    t.recv(settings_ack());
    t.recv(data(1, &zeros(20_000), End::More));
    t.sends(goaway(1, ErrorCode::FRAME_SIZE_ERROR));
    t.fails(Violation::Frame(Rule::FrameTooLarge));
}

/// Covers 9113:6.9.3-1: the same for the initial window
#[test]
fn trap_20_our_smaller_window_waits_for_the_acknowledgment() {
    let mut t = Transcript::server();
    t.asked(1, &POST, End::More);
    t.conn.update_settings(&[Setting { id: SettingId::INITIAL_WINDOW_SIZE, value: 1000 }], t.now);
    t.sends(settings(&[(SettingId::INITIAL_WINDOW_SIZE, 1000)]));
    t.recv(data(1, &zeros(16_000), End::More));
    t.event(got::data(1, &zeros(16_000), End::More));
    t.recv(settings_ack());
    // 1000 - 16,000: the window is negative now, and a single octet is too much.
    t.recv(data(1, b"", End::More));
    t.recv(data(1, b"x", End::More));
    t.resets(1, FLOW_CONTROL_ERROR, Violation::StreamFlowExceeded);
    t.release(1, 16_000);
    t.conn.finished(StreamId::new(1));
    t.asked(3, &POST, End::More);
    t.recv(data(3, &zeros(1001), End::More));
    t.resets(3, FLOW_CONTROL_ERROR, Violation::StreamFlowExceeded);
    t.conn.finished(StreamId::new(3));
    t.alive();
}

/// No rule: RFC 9113 §6.5.3 allows it
#[test]
fn settings_that_are_never_acknowledged_end_the_connection() {
    let mut t = Transcript::server();
    t.at(5_000);
    t.conn.update_settings(&[Setting { id: SettingId::MAX_CONCURRENT_STREAMS, value: 10 }], t.now);
    t.sends(settings(&[(SettingId::MAX_CONCURRENT_STREAMS, 10)]));
    t.at(14_999);
    t.sends_nothing();
    t.at(15_000);
    t.sends(goaway(0, ErrorCode::SETTINGS_TIMEOUT));
    t.fails(Violation::SettingsTimeout);
}

/// Covers 9113:5.1.2-1: a lower limit of streams leaves the open ones alone
#[test]
fn fewer_streams_than_are_open_is_no_error() {
    let mut t = Transcript::client();
    let (a, b) = (t.asks(&GET, End::Last), t.asks(&GET, End::Last));
    t.recv(settings(&[(SettingId::MAX_CONCURRENT_STREAMS, 1)]));
    t.event(Got::Settings);
    t.sends(settings_ack());
    t.answered(a, &OK, End::Last);
    t.answered(b, &OK, End::Last);
    t.alive();
    t.asks(&GET, End::Last);
    t.conn.reset(StreamId::new(7), ErrorCode::CANCEL);
    t.sends(reset(7, ErrorCode::CANCEL));
}

/// Covers 9113:4.1-1, 9113:6.5.3-1: content is cut at the peer's frame size, small at first
#[test]
fn trap_20_content_is_cut_at_the_peers_frame_size() {
    let mut config = Config::server();
    config.max_data_size = 1 << 20;
    let mut t = Transcript::server_with(config);
    t.asked(1, &GET, End::Last);
    t.answers(1, &OK, End::More);
    t.conn.send_data(StreamId::new(1), zeros(20_000).into(), End::More).expect("content");
    t.sends(data(1, &zeros(16_384), End::More));
    t.sends(data(1, &zeros(3_616), End::More));
    t.recv(settings(&[(SettingId::MAX_FRAME_SIZE, 20_000)]));
    t.event(Got::Settings);
    t.sends(settings_ack());
    t.conn.send_data(StreamId::new(1), zeros(20_001).into(), End::Last).expect("content");
    t.sends(data(1, &zeros(20_000), End::More));
    t.sends(data(1, &zeros(1), End::Last));
}

/// Covers 9113:6.5.2-4, 9113:6.5.2-9
#[test]
fn settings_that_must_not_be_sent_are_left_out() {
    let list = |list: &[(SettingId, u32)]| list.iter().map(|&(id, value)| Setting { id, value }).collect::<Vec<_>>();
    let fine = (SettingId::MAX_CONCURRENT_STREAMS, 5);
    let wrong = [
        (SettingId::ENABLE_PUSH, 2),
        (SettingId::INITIAL_WINDOW_SIZE, 1 << 31),
        (SettingId::MAX_FRAME_SIZE, 16_383),
        fine,
        (SettingId::MAX_FRAME_SIZE, 1 << 24),
    ];
    for mut t in [Transcript::server(), Transcript::client()] {
        t.conn.update_settings(&list(&wrong), t.now);
        t.sends(settings(&[fine]));
        t.recv(settings_ack());
        t.alive();
    }
    let mut t = Transcript::server();
    t.conn.update_settings(&list(&[(SettingId::ENABLE_PUSH, 1), (SettingId::ENABLE_PUSH, 0)]), t.now);
    t.sends(settings(&[(SettingId::ENABLE_PUSH, 0)]));
    t.recv(settings_ack());
    // Nor does a server speak of push by itself.
    let mut t = Transcript::fresh(Role::Server, Config::server());
    let Some(Frame::Settings(said)) = t.next_sent() else { panic!("SETTINGS come first") };
    assert!(said.iter().all(|(id, _)| *id != SettingId::ENABLE_PUSH), "{said:?}");
    t.forget();
}
