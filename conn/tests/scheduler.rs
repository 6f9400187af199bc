//! Who may send DATA next (RFC 9218 §10): urgency, order of streams, shares of incremental ones, and everybody gets there.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use pellucid_conn::h2::{Config, Connection, Priority};
use pellucid_conn::{End, ErrorCode, Event, Fields, Output, StreamId, Time};
use pellucid_frame::encode::{self, PREFACE};
use pellucid_frame::{Frame, Head, Setting, SettingId};
use pellucid_hpack::Encoder;
use proptest::prelude::*;

/// What a scheduled frame was: DATA of so many octets, or trailers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    Data(u32, usize, End),
    Trailers(u32),
}

/// A server with responses to send, and a peer that reads them frame by frame.
struct Server {
    conn: Connection,
    encoder: Encoder,
    input: BytesMut,
    now: Time,
    writable: Vec<u32>,
}

impl Server {
    /// Windows of this size for each stream, and plenty for the connection.
    fn new(initial_window: u32) -> Self {
        let mut config = Config::server();
        config.max_data_size = 1000;
        config.stall_timeout = None;
        let conn = Connection::server(config, Time::ZERO);
        let input = BytesMut::from(&PREFACE[..]);
        let mut server = Self { conn, encoder: Encoder::new(4096), input, now: Time::ZERO, writable: Vec::new() };
        server.initial_window(initial_window);
        server.recv(encode::settings_ack);
        server.window(0, 1 << 30);
        server.poll(usize::MAX);
        server
    }

    fn recv(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut octets = Vec::new();
        write(&mut octets);
        self.input.extend_from_slice(&octets);
        self.hear();
    }

    fn hear(&mut self) {
        while let Some(event) = self.conn.next_event(&mut self.input, self.now).expect("alive") {
            if let Event::Writable { id } = event {
                self.writable.push(id.get());
            }
        }
    }

    fn window(&mut self, id: u32, increment: u32) {
        self.recv(|out| encode::window_update(out, StreamId::new(id), increment));
    }

    fn initial_window(&mut self, value: u32) {
        let list = [Setting { id: SettingId::INITIAL_WINDOW_SIZE, value }];
        self.recv(|out| encode::settings(out, &list));
    }

    fn prioritise(&mut self, id: u32, value: &str) {
        self.recv(|out| encode::priority_update(out, StreamId::new(id), value.as_bytes()));
    }

    /// A request with this priority, answered with `octets` of content.
    fn respond(&mut self, id: u32, priority: &str, octets: usize) {
        self.ask(id, priority);
        let stream = StreamId::new(id);
        self.conn.send_headers(stream, &fields(&[(":status", "200")]), End::More).unwrap();
        self.conn.send_data(stream, Bytes::from(vec![0; octets]), End::Last).unwrap();
    }

    fn ask(&mut self, id: u32, priority: &str) {
        let get =
            [(":method", "GET"), (":scheme", "https"), (":path", "/"), (":authority", "a"), ("priority", priority)];
        self.send_request(id, &get, End::Last);
    }

    fn send_request(&mut self, id: u32, request: &[(&str, &str)], end: End) {
        let request = fields(request);
        let mut out = Vec::new();
        let at = encode::reserve_head(&mut out);
        self.encoder.encode(&request, &mut out);
        encode::finish_headers(&mut out, at, StreamId::new(id), end, 16_384);
        self.recv(|o| o.extend_from_slice(&out));
    }

    /// What goes on the wire behind the lane, about `budget` octets of it.
    fn poll(&mut self, budget: usize) -> Vec<Sent> {
        let (mut out, mut wire) = (Output::new(), BytesMut::new());
        self.conn.poll_output(&mut out, budget, self.now);
        out.drain_to(&mut wire);
        self.hear();
        let (mut sent, mut rest) = (Vec::new(), &wire[..]);
        while let Some(head) = Head::peek(rest) {
            let end = Head::LEN + head.length as usize;
            match Frame::decode(head, &rest[Head::LEN..end]).unwrap() {
                Frame::Data(f) => sent.push(Sent::Data(f.stream.get(), f.data.len(), f.end())),
                Frame::Headers(f) if f.end_stream => sent.push(Sent::Trailers(f.stream.get())),
                _ => {}
            }
            rest = &rest[end..];
        }
        sent
    }

    /// The header sections, which go first and use the budget up.
    fn lane(&mut self) {
        assert_eq!(self.poll(1), []);
    }

    /// The streams of the next frames, in order.
    fn order(&mut self) -> Vec<u32> {
        let ids = self.poll(usize::MAX).into_iter().map(|sent| match sent {
            Sent::Data(id, ..) | Sent::Trailers(id) => id,
        });
        ids.collect()
    }
}

fn fields(list: &[(&str, &str)]) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in list {
        fields.push(name.as_bytes(), value.as_bytes());
    }
    fields
}

fn turns(pattern: &[u32], times: usize) -> Vec<u32> {
    pattern.repeat(times)
}

/// Covers 9218:4-1, 9218:10-1: the default is urgency 3
#[test]
fn urgent_streams_go_first() {
    let mut s = Server::new(100_000);
    for (id, urgency) in [(1, "u=7"), (3, "u=0"), (5, ""), (7, "u=1, i"), (9, "u=4")] {
        s.respond(id, urgency, 3000);
    }
    let mut want = Vec::new();
    for id in [3, 7, 5, 9, 1] {
        want.extend([id; 3]);
    }
    assert_eq!(s.order(), want);
}

/// Covers 9218:10-3
#[test]
fn equals_go_one_after_another_in_the_order_of_their_streams() {
    let mut s = Server::new(100_000);
    // They become ready in another order than they were opened.
    for id in [1, 3, 5, 7] {
        s.ask(id, "u=2");
    }
    for id in [5, 1, 7, 3] {
        let stream = StreamId::new(id);
        s.conn.send_headers(stream, &fields(&[(":status", "200")]), End::More).unwrap();
        s.conn.send_data(stream, Bytes::from(vec![0; 2500]), End::Last).unwrap();
    }
    assert_eq!(s.order(), [1, 1, 1, 3, 3, 3, 5, 5, 5, 7, 7, 7]);
}

/// Covers 9218:10-2, 9218:10-4
#[test]
fn incremental_equals_share_frame_by_frame() {
    let mut s = Server::new(100_000);
    for id in [1, 3, 5] {
        s.respond(id, "i", 5000);
    }
    assert_eq!(s.order(), turns(&[1, 3, 5], 5));
}

/// Covers 9218:10.1-1
#[test]
fn a_tunnel_shares_with_its_equals() {
    let mut s = Server::new(100_000);
    s.respond(1, "", 4000);
    s.send_request(3, &[(":method", "CONNECT"), (":authority", "a:443")], End::More);
    let tunnel = StreamId::new(3);
    s.conn.send_headers(tunnel, &fields(&[(":status", "200")]), End::More).unwrap();
    s.conn.send_data(tunnel, Bytes::from(vec![0; 2000]), End::More).unwrap();
    assert_eq!(s.order(), [1, 3, 1, 3, 1, 1]);
    // Refused, it is a response like others.
    s.respond(5, "", 2000);
    s.send_request(7, &[(":method", "CONNECT"), (":authority", "a:443")], End::More);
    let refused = StreamId::new(7);
    s.conn.send_headers(refused, &fields(&[(":status", "403")]), End::More).unwrap();
    s.conn.send_data(refused, Bytes::from(vec![0; 2000]), End::Last).unwrap();
    assert_eq!(s.order(), [5, 5, 7, 7]);
}

/// A long response that is not incremental must not starve the incremental ones of its urgency.
///
/// Covers 9218:10-5
#[test]
fn incremental_and_sequential_equals_take_turns() {
    let mut s = Server::new(100_000);
    s.respond(1, "", 4000);
    s.respond(3, "i", 2000);
    s.respond(5, "i", 2000);
    assert_eq!(s.order(), [1, 3, 1, 5, 1, 3, 1, 5]);
}

/// Covers 9218:7-1
#[test]
fn a_client_may_change_its_mind() {
    let mut s = Server::new(100_000);
    s.respond(1, "u=3", 3000);
    s.respond(3, "u=5", 3000);
    s.lane();
    assert_eq!(s.poll(1), [Sent::Data(1, 1000, End::More)]);
    s.prioritise(3, "u=1");
    assert_eq!(s.order(), [3, 3, 3, 1, 1]);

    // Before the request, and away from incremental.
    s.prioritise(7, "u=0");
    s.respond(5, "u=1, i", 2000);
    s.respond(7, "u=6", 2000);
    assert_eq!(s.order(), [7, 7, 5, 5]);
}

#[test]
fn the_server_may_know_better() {
    let mut s = Server::new(100_000);
    s.respond(1, "u=3", 2000);
    s.respond(3, "u=3", 2000);
    s.conn.set_priority(StreamId::new(3), Priority { urgency: 0, incremental: false });
    assert_eq!(s.order(), [3, 3, 1, 1]);
}

/// A blocked stream holds nobody up, whatever its urgency, and goes on as soon as its window opens.
#[test]
fn blocked_streams_hold_nobody_up_and_wake() {
    let mut s = Server::new(1500);
    s.respond(1, "u=0", 3000);
    s.respond(3, "u=5", 1500);
    assert_eq!(
        s.poll(usize::MAX),
        [
            Sent::Data(1, 1000, End::More),
            Sent::Data(1, 500, End::More),
            Sent::Data(3, 1000, End::More),
            Sent::Data(3, 500, End::Last)
        ]
    );
    assert!(!s.conn.wants_write());
    s.window(1, 700);
    assert!(s.conn.wants_write());
    assert_eq!(s.poll(usize::MAX), [Sent::Data(1, 700, End::More)]);
    s.window(1, 800);
    assert_eq!(s.poll(usize::MAX), [Sent::Data(1, 800, End::Last)]);
}

/// RFC 9113 §6.9.2: one SETTINGS frame opens, shuts and overdraws every window, and nothing is sent but what fits.
#[test]
fn all_windows_move_with_the_setting() {
    let mut s = Server::new(1000);
    for id in [1, 3, 5] {
        s.respond(id, "", 5000);
    }
    assert_eq!(s.order(), [1, 3, 5]);
    // All windows are at -1000 now.
    s.initial_window(0);
    assert!(s.poll(usize::MAX).is_empty());
    s.window(3, 1000);
    assert!(s.poll(usize::MAX).is_empty(), "at zero");
    s.window(3, 1);
    assert_eq!(s.poll(usize::MAX), [Sent::Data(3, 1, End::More)]);
    s.initial_window(1500);
    assert_eq!(
        s.poll(usize::MAX),
        [
            Sent::Data(1, 500, End::More),
            Sent::Data(3, 1000, End::More),
            Sent::Data(3, 500, End::More),
            Sent::Data(5, 500, End::More)
        ]
    );
}

/// RFC 9113 §6.9.1: an end needs no window, neither the stream's nor the connection's.
#[test]
fn an_empty_end_is_sent_without_window() {
    let mut s = Server::new(0);
    s.respond(1, "", 0);
    assert_eq!(s.poll(usize::MAX), [Sent::Data(1, 0, End::Last)]);

    // Trailers neither; behind content they wait for it.
    for id in [3, 5] {
        s.ask(id, "");
        s.conn.send_headers(StreamId::new(id), &fields(&[(":status", "200")]), End::More).unwrap();
    }
    s.conn.send_data(StreamId::new(5), Bytes::from_static(b"x"), End::More).unwrap();
    for id in [3, 5] {
        s.conn.send_trailers(StreamId::new(id), fields(&[("x-sum", "1")])).unwrap();
    }
    assert_eq!(s.poll(usize::MAX), [Sent::Trailers(3)]);
    s.window(5, 1);
    assert_eq!(s.poll(usize::MAX), [Sent::Data(5, 1, End::More), Sent::Trailers(5)]);
}

/// Nor the connection's.
#[test]
fn an_empty_end_is_sent_without_a_window_for_the_connection() {
    let mut config = Config::server();
    config.stall_timeout = None;
    let mut s = Server { conn: Connection::server(config, Time::ZERO), ..Server::new(1 << 20) };
    s.input.extend_from_slice(PREFACE);
    s.encoder = Encoder::new(4096);
    s.initial_window(1 << 20);
    s.recv(encode::settings_ack);
    s.respond(1, "", 70_000);
    let sent: usize = s.poll(usize::MAX).iter().map(|f| if let Sent::Data(_, n, _) = f { *n } else { 0 }).sum();
    assert_eq!(sent, 65_535);
    s.respond(3, "u=0", 0);
    s.respond(5, "u=0", 1);
    assert_eq!(s.poll(usize::MAX), [Sent::Data(3, 0, End::Last)]);
    assert!(!s.conn.wants_write());
    s.window(0, 2);
    assert_eq!(s.poll(usize::MAX), [Sent::Data(5, 1, End::Last), Sent::Data(1, 1, End::More)]);
}

#[test]
fn a_stream_that_is_reset_leaves_its_place_to_the_next() {
    let mut s = Server::new(100_000);
    for (id, priority) in [(1, ""), (3, ""), (5, "i"), (7, "i")] {
        s.respond(id, priority, 2000);
    }
    s.recv(|out| encode::reset(out, StreamId::new(1), ErrorCode::CANCEL));
    s.conn.reset(StreamId::new(5), ErrorCode::INTERNAL_ERROR);
    assert_eq!(s.order(), [3, 7, 3, 7]);
    assert_eq!(s.conn.live_streams(), 0);
}

/// A stream that is told to wait is told when it may go on.
#[test]
fn a_full_buffer_is_followed_by_writable() {
    let mut s = Server::new(1 << 20);
    s.ask(1, "");
    let stream = StreamId::new(1);
    s.conn.send_headers(stream, &fields(&[(":status", "200")]), End::More).unwrap();
    let most = s.conn.capacity(stream);
    assert_eq!(most, s.conn.config().send_buffer_stream);
    s.conn.send_data(stream, Bytes::from(vec![0; most]), End::More).unwrap();
    assert_eq!((s.conn.capacity(stream), s.writable.len()), (0, 0));
    s.lane();
    assert_eq!(s.writable, []);
    s.poll(1);
    assert_eq!(s.writable, [1]);
    assert!(s.conn.capacity(stream) > 0);
}

/// The connection's buffer is full because of others: a stream that saw zero is told all the same.
#[test]
fn a_full_connection_is_followed_by_writable_for_everyone() {
    let mut s = Server::new(1 << 20);
    let head = fields(&[(":status", "200")]);
    let ids = [1, 3, 5, 7, 9, 11, 13];
    for id in ids {
        s.ask(id, "");
        s.conn.send_headers(StreamId::new(id), &head, End::More).unwrap();
        s.conn.send_data(StreamId::new(id), Bytes::from(vec![0; 5000]), End::More).unwrap();
    }
    for id in [1, 3, 5, 7] {
        let stream = StreamId::new(id);
        let most = s.conn.capacity(stream);
        s.conn.send_data(stream, Bytes::from(vec![0; most]), End::More).unwrap();
    }
    let waits: Vec<u32> = ids.into_iter().filter(|id| s.conn.capacity(StreamId::new(*id)) == 0).collect();
    assert!(waits.contains(&13), "{waits:?} wait");
    s.poll(usize::MAX);
    for id in waits {
        assert!(s.writable.contains(&id), "stream {id} is told: {:?}", s.writable);
    }
}

#[derive(Debug, Clone)]
enum Act {
    Respond(usize, u8, bool),
    Prioritise(usize, u8, bool),
    Window(usize, u32),
    Initial(u32),
    Reset(usize),
    Poll(usize),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0_usize..6000, 0_u8..8, any::<bool>()).prop_map(|(n, u, i)| Act::Respond(n, u, i)),
        2 => (0_usize..20, 0_u8..8, any::<bool>()).prop_map(|(n, u, i)| Act::Prioritise(n, u, i)),
        3 => (0_usize..20, 1_u32..4000).prop_map(|(n, w)| Act::Window(n, w)),
        1 => (0_u32..5000).prop_map(Act::Initial),
        1 => (0_usize..20).prop_map(Act::Reset),
        3 => (1_usize..9000).prop_map(Act::Poll),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Whatever happens: no stream sends more than its window, each sends exactly what it has and ends once, and when the windows
    /// are open in the end, every one gets there.
    #[test]
    fn everybody_gets_there(acts in proptest::collection::vec(act(), 1..60)) {
        let mut s = Server::new(2000);
        let (mut initial, mut next) = (2000_i64, 1_u32);
        // Stream: octets to send, octets sent, window relative to the initial one, over.
        let mut streams: Vec<(u32, usize, usize, i64, bool)> = Vec::new();
        for act in acts.into_iter().chain([Act::Initial(100_000), Act::Poll(usize::MAX)]) {
            s.now = s.now + Duration::from_millis(500);
            match act {
                Act::Respond(octets, urgency, incremental) => {
                    let priority = format!("u={urgency}{}", if incremental { ", i" } else { "" });
                    if streams.iter().filter(|x| !x.4).count() < 90 {
                        s.respond(next, &priority, octets);
                        streams.push((next, octets, 0, 0, false));
                        next += 2;
                    }
                }
                Act::Prioritise(n, urgency, incremental) => {
                    if let Some(stream) = streams.get(n) {
                        s.prioritise(stream.0, &format!("u={urgency}{}", if incremental { ", i" } else { "" }));
                    }
                }
                Act::Window(n, increment) => {
                    if let Some(stream) = streams.get_mut(n) {
                        s.window(stream.0, increment);
                        stream.3 += i64::from(increment);
                    }
                }
                Act::Initial(value) => {
                    s.initial_window(value);
                    initial = i64::from(value);
                }
                Act::Reset(n) => {
                    if let Some(stream) = streams.get_mut(n) {
                        s.recv(|out| encode::reset(out, StreamId::new(stream.0), ErrorCode::CANCEL));
                        stream.4 = true;
                    }
                }
                Act::Poll(budget) => {
                    for sent in s.poll(budget) {
                        let Sent::Data(id, octets, end) = sent else { panic!("no trailers here") };
                        let stream = streams.iter_mut().find(|x| x.0 == id).unwrap();
                        prop_assert!(!stream.4, "nothing after the end");
                        stream.2 += octets;
                        prop_assert!(octets == 0 || stream.2 as i64 <= initial + stream.3, "within the window");
                        stream.4 = end == End::Last;
                        prop_assert_eq!(stream.4, stream.2 == stream.1);
                    }
                }
            }
        }
        prop_assert!(streams.iter().all(|x| x.4), "{:?}", streams);
        prop_assert_eq!(s.conn.live_streams(), 0);
    }
}
