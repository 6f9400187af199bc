//! What the simulation of two ends (`fuzz/lib/src/world`) and the reading beside it have found, each as the smallest world
//! that shows it: a seed means another world as soon as the simulation draws one number more.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use bytes::{Bytes, BytesMut};
use pellucid_conn::h2::{Config, Connection};
use pellucid_conn::{End, Event, Fields, Output, StreamId, Time};
use pellucid_frame::{Setting, SettingId};

/// Two ends and wires without delay. The server's application reads or does not.
struct Pair {
    client: Connection,
    server: Connection,
    up: BytesMut,
    down: BytesMut,
    got: usize,
    ended: bool,
    reads: bool,
}

fn request(extra: &str) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in [(":method", "POST"), (":scheme", "https"), (":path", "/"), (":authority", "a"), ("x", extra)]
    {
        fields.push(name.as_bytes(), value.as_bytes());
    }
    fields
}

impl Pair {
    fn new(server: Config) -> Self {
        let (client, server) =
            (Connection::client(Config::client(), Time::ZERO), Connection::server(server, Time::ZERO));
        let (up, down) = (BytesMut::new(), BytesMut::new());
        let mut pair = Self { client, server, up, down, got: 0, ended: false, reads: true };
        pair.settle();
        pair
    }

    fn open(&mut self, extra: &str, body: usize) -> StreamId {
        let id = self.client.open(&request(extra), End::More).unwrap();
        self.client.send_data(id, Bytes::from(vec![0; body]), End::Last).unwrap();
        id
    }

    /// The server's SETTINGS change, and the client has not heard of it yet.
    fn set(&mut self, id: SettingId, value: u32) {
        self.server.update_settings(&[Setting { id, value }], Time::ZERO);
    }

    fn client_to_server(&mut self) {
        poll(&mut self.client, &mut self.up);
        while let Some(event) = self.server.next_event(&mut self.up, Time::ZERO).expect("alive") {
            if let Event::Data { id, data, end } = event {
                self.got += data.len();
                self.ended |= end == End::Last;
                if self.reads {
                    self.server.release(id, u32::try_from(data.len()).unwrap());
                }
            }
        }
    }

    fn server_to_client(&mut self) {
        poll(&mut self.server, &mut self.down);
        while self.client.next_event(&mut self.down, Time::ZERO).expect("alive").is_some() {}
    }

    fn settle(&mut self) {
        for _ in 0..50 {
            self.client_to_server();
            self.server_to_client();
        }
    }
}

fn poll(from: &mut Connection, wire: &mut BytesMut) {
    let mut out = Output::new();
    from.poll_output(&mut out, 1 << 20, Time::ZERO);
    out.drain_to(wire);
}

fn window(octets: u32) -> Config {
    let mut config = Config::server();
    config.stream_window = octets;
    config
}

/// The window falls below zero when everything was released already: the credit that is left must be announced.
#[test]
fn a_smaller_initial_window_leaves_no_stream_without_credit() {
    let mut pair = Pair::new(window(65_535));
    let id = pair.client.open(&request(""), End::More).unwrap();
    // Less than half is released and not announced, then the window shrinks below what was used.
    pair.client.send_data(id, Bytes::from(vec![0; 25_000]), End::More).unwrap();
    pair.settle();
    assert_eq!(pair.got, 25_000);
    pair.set(SettingId::INITIAL_WINDOW_SIZE, 1000);
    pair.settle();
    pair.client.send_data(id, Bytes::from(vec![0; 75_000]), End::Last).unwrap();
    pair.settle();
    // A thousand octets a round trip, so many round trips.
    pair.settle();
    pair.settle();
    assert_eq!((pair.got, pair.ended), (100_000, true));
}

/// Content that nobody has read is released after the window has shrunk and grown again.
#[test]
fn a_window_that_shrinks_and_grows_under_unread_content_recovers() {
    let mut pair = Pair::new(window(65_535));
    pair.reads = false;
    let id = pair.open("", 100_000);
    pair.settle();
    assert_eq!(pair.got, 65_535);
    for size in [0, 70_000, 1, 30_000] {
        pair.set(SettingId::INITIAL_WINDOW_SIZE, size);
    }
    pair.settle();
    pair.reads = true;
    pair.server.release(id, u32::try_from(pair.got).unwrap());
    pair.settle();
    assert_eq!((pair.got, pair.ended), (100_000, true));
    assert_eq!(pair.server.ledger().1, 0);
}

/// Blocks that were on their way when a smaller table was asked for are still coded with the larger one.
#[test]
fn a_smaller_table_holds_only_once_it_is_acknowledged() {
    let mut config = Config::server();
    config.header_table_size = 16_384;
    let mut pair = Pair::new(config);
    pair.open("first", 1);
    pair.settle();
    pair.set(SettingId::HEADER_TABLE_SIZE, 0);
    // Before the client has heard of it, and after.
    pair.open("first", 1);
    pair.client_to_server();
    pair.settle();
    pair.open("first", 1);
    pair.settle();
    assert_eq!((pair.got, pair.server.stats().streams_accepted), (3, 3));
}

/// Two changes under way: what may be in force after the first is acknowledged is not the first alone.
#[test]
fn a_larger_window_under_way_holds_before_its_acknowledgment() {
    let mut pair = Pair::new(window(65_535));
    pair.set(SettingId::INITIAL_WINDOW_SIZE, 10);
    pair.set(SettingId::INITIAL_WINDOW_SIZE, 200_000);
    pair.set(SettingId::MAX_FRAME_SIZE, 40_000);
    pair.open("", 150_000);
    pair.settle();
    assert_eq!((pair.got, pair.ended), (150_000, true));
}

/// The window is made small and large again before the peer has heard of either: no window in force ever changes, and a stream
/// that was opened in between is to have the large one all the same.
#[test]
fn a_stream_opened_between_two_changes_has_the_window_of_the_second() {
    let mut pair = Pair::new(window(65_535));
    let id = pair.client.open(&request(""), End::More).unwrap();
    pair.set(SettingId::INITIAL_WINDOW_SIZE, 1);
    pair.client_to_server();
    pair.set(SettingId::INITIAL_WINDOW_SIZE, 65_535);
    pair.settle();
    pair.client.send_data(id, Bytes::from(vec![0; 200_000]), End::Last).unwrap();
    pair.settle();
    assert_eq!((pair.got, pair.ended), (200_000, true));
}
