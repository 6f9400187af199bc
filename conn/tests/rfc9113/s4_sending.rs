//! RFC 9113 §4, seen from the end that sends: what every frame of ours looks like, how large it is, and what our encoder says.

use bytes::BytesMut;
use pellucid_conn::h2::{Config, Connection, Role};
use pellucid_conn::{End, Output, StreamId, Time};
use pellucid_frame::encode::PREFACE;
use pellucid_frame::{ErrorCode, Flags, Head, Kind, SettingId};
use pellucid_hpack::{Decoder, Encoder, Fields, Limits};

use crate::transcript::frames::{Frame, Lines, data, headers, ping, settings, settings_ack};
use crate::transcript::got::Got;
use crate::transcript::{GET, OK, POST, Transcript, section, with, zeros};

/// One end under test whose frames are kept as they are on the wire.
struct Wire {
    conn: Connection,
    encoder: Encoder,
    octets: Vec<u8>,
}

impl Wire {
    fn new(role: Role) -> Self {
        let mut config = match role {
            Role::Server => Config::server(),
            Role::Client => Config::client(),
        };
        (config.max_data_size, config.max_reserved_remote) = (1 << 20, 1);
        let conn = Connection::observed(role, config, Time::ZERO, ());
        let mut this = Self { conn, encoder: Encoder::new(4096), octets: Vec::new() };
        if role == Role::Server {
            this.recv_octets(PREFACE);
        }
        // A client speaks of priorities to servers that heed them.
        this.recv(&settings(&[(SettingId::NO_RFC7540_PRIORITIES, 1)]));
        this.recv(&settings_ack());
        this
    }

    fn recv(&mut self, frame: &Frame) {
        let mut octets = Vec::new();
        frame.encode(&mut self.encoder, &mut octets);
        self.recv_octets(&octets);
    }

    fn recv_octets(&mut self, octets: &[u8]) {
        let mut input = BytesMut::from(octets);
        while self.conn.next_event(&mut input, Time::ZERO).expect("nothing is wrong").is_some() {}
    }

    fn send(&mut self) {
        let mut out = Output::new();
        let mut wire = BytesMut::new();
        while self.conn.wants_write() {
            self.conn.poll_output(&mut out, 1 << 20, Time::ZERO);
            out.drain_to(&mut wire);
        }
        self.octets.extend_from_slice(&wire);
    }

    /// The heads of all frames as their octets, in order.
    fn heads(&self) -> Vec<[u8; Head::LEN]> {
        let mut rest = self.octets.strip_prefix(PREFACE.as_slice()).unwrap_or(&self.octets);
        let mut heads = Vec::new();
        while let Some(octets) = rest.first_chunk() {
            heads.push(*octets);
            rest = rest.get(Head::LEN + Head::decode(octets).length as usize..).expect("whole frames");
        }
        heads
    }
}

/// Octets that no compression shortens below what was asked for.
fn long(octets: usize) -> String {
    ('!'..='~').filter(|c| !c.is_alphanumeric()).cycle().take(octets).collect()
}

/// A server that says everything a server can say, much of it at length.
fn talkative_server() -> Wire {
    let mut w = Wire::new(Role::Server);
    let (one, value) = (StreamId::new(1), long(40_000));
    w.recv(&headers(1, &POST, End::More));
    w.recv(&headers(3, &GET, End::Last));
    w.recv(&ping(*b"12345678"));
    w.recv(&data(1, &zeros(16_384), End::More));
    w.conn.release(one, 16_384);
    let promised = w.conn.push(one, &section(&with(&GET, &[("x-long", &value)]))).expect("a promise");
    w.conn
        .send_headers(one, &section(&[(":status", "103"), ("x-long", &value)]), End::More)
        .expect("an interim response");
    w.conn.ping(*b"87654321");
    w.conn.send_headers(one, &section(&with(&OK, &[("x-long", &value)])), End::More).expect("a response");
    w.conn.send_alt_svc(StreamId::CONNECTION, b"https://a", b"h3");
    w.conn.send_alt_svc(StreamId::CONNECTION, b"https://a", &zeros(16_374));
    w.conn.send_origin(&[b"https://a"]);
    w.conn.send_origin(&[b"https://a", &zeros(16_372)]);
    w.conn.send_headers(promised, &section(&OK), End::More).expect("a pushed response");
    w.conn.send_data(one, zeros(40_000).into(), End::More).expect("content");
    w.conn.send_data(promised, zeros(20_000).into(), End::Last).expect("content");
    w.send();
    w.conn.send_trailers(one, section(&[("x-long", &value)])).expect("trailers");
    w.conn.reset(StreamId::new(3), ErrorCode::CANCEL);
    w.send();
    w.conn.shut_down(Time::ZERO);
    w.send();
    w
}

/// The same of a client.
fn talkative_client() -> Wire {
    let mut w = Wire::new(Role::Client);
    let request = section(&with(&POST, &[("x-long", &long(40_000))]));
    let one = w.conn.open(&request, End::More).expect("a stream");
    w.conn.send_data(one, zeros(40_000).into(), End::More).expect("content");
    w.conn.set_priority(one, pellucid_conn::h2::Priority { urgency: 0, incremental: true });
    w.send();
    w.conn.send_trailers(one, section(&[("x", "y")])).expect("trailers");
    let three = w.conn.open(&section(&GET), End::Last).expect("a stream");
    w.recv(&ping(*b"12345678"));
    w.conn.ping(*b"87654321");
    w.send();
    w.conn.reset(three, ErrorCode::CANCEL);
    w.conn.shut_down(Time::ZERO);
    w.send();
    w
}

/// The flags each type of frame defines.
fn defined(kind: Kind) -> Flags {
    let end_headers = Flags::END_HEADERS;
    match kind {
        Kind::DATA => Flags::END_STREAM.with(Flags::PADDED),
        Kind::HEADERS => end_headers.with(Flags::END_STREAM).with(Flags::PADDED).with(Flags::PRIORITY),
        Kind::PUSH_PROMISE => end_headers.with(Flags::PADDED),
        Kind::CONTINUATION => end_headers,
        Kind::SETTINGS | Kind::PING => Flags::ACK,
        _ => Flags::NONE,
    }
}

/// Covers 9113:4.1-4, 9113:4.1-5
#[test]
fn flags_without_meaning_and_the_reserved_bit_are_never_set() {
    let mut kinds = std::collections::BTreeSet::new();
    for wire in [talkative_server(), talkative_client()] {
        for octets in wire.heads() {
            let head = Head::decode(&octets);
            assert!(defined(head.kind).contains(head.flags), "{head:?}");
            assert_eq!(octets[5] & 0x80, 0, "{head:?}");
            kinds.insert(head.kind);
        }
    }
    // Everything there is but PRIORITY, which is deprecated.
    let all = (0..=0x10).map(Kind::new).filter(|kind| kind.name().is_some() && *kind != Kind::PRIORITY);
    assert!(kinds.iter().copied().eq(all), "{kinds:?}");
}

/// Covers 9113:4.1-1: content and blocks are cut, and what cannot be is not sent
#[test]
fn no_frame_is_larger_than_every_peer_takes() {
    for wire in [talkative_server(), talkative_client()] {
        let heads = wire.heads().into_iter().map(|octets| Head::decode(&octets));
        let (largest, extensions): (Vec<_>, Vec<_>) =
            heads.partition(|head| head.kind != Kind::ALTSVC && head.kind != Kind::ORIGIN);
        assert_eq!(largest.iter().map(|head| head.length).max(), Some(16_384));
        assert!(extensions.iter().all(|head| head.length < 100), "{extensions:?}");
    }
}

/// Covers 9113:4.3-1, 9113:6.2-2, 9113:6.6-3, 9113:6.10-1, 9113:6.10-5, 9113:8.1-1
#[test]
fn the_frames_of_our_blocks_follow_one_another() {
    let mut continued = 0;
    for wire in [talkative_server(), talkative_client()] {
        let mut open = None;
        for octets in wire.heads() {
            let head = Head::decode(&octets);
            let continues = (head.kind == Kind::CONTINUATION).then_some(head.stream);
            assert_eq!(continues, open, "{head:?}");
            continued += usize::from(continues.is_some());
            let carries_block = matches!(head.kind, Kind::HEADERS | Kind::PUSH_PROMISE | Kind::CONTINUATION);
            open = (carries_block && !head.flags.contains(Flags::END_HEADERS)).then_some(head.stream);
        }
        assert_eq!(open, None);
    }
    assert_eq!(continued, 10, "five blocks of three frames each");
}

/// Covers 9113:4.3.1-1: in a response, a request and a promise
#[test]
fn after_a_reduction_our_next_block_begins_with_a_size_that_fits() {
    let reduced = |t: &mut Transcript| {
        t.recv(settings(&[(SettingId::HEADER_TABLE_SIZE, 100)]));
        t.event(Got::Settings);
        t.sends(settings_ack());
    };
    let begins = |t: &mut Transcript, at: usize| {
        let wire = t.sends_octets();
        assert_eq!(wire.get(at..at + 2), Some(b"\x3f\x45".as_slice()), "31 + 69");
    };
    let mut server = Transcript::server();
    server.asked(1, &GET, End::Last);
    reduced(&mut server);
    server.conn.send_headers(StreamId::new(1), &section(&OK), End::Last).expect("an answer");
    begins(&mut server, Head::LEN);
    server.conn.finished(StreamId::new(1));
    // Once is enough.
    server.asked(3, &GET, End::Last);
    server.conn.send_headers(StreamId::new(3), &section(&OK), End::Last).expect("an answer");
    assert_eq!(server.sends_octets().get(Head::LEN..), Some(b"\x88".as_slice()));

    let mut client = Transcript::client();
    reduced(&mut client);
    client.conn.open(&section(&GET), End::Last).expect("a stream");
    begins(&mut client, Head::LEN);

    let mut pushing = Transcript::server();
    pushing.asked(1, &GET, End::Last);
    reduced(&mut pushing);
    pushing.conn.push(StreamId::new(1), &section(&GET)).expect("a promise");
    begins(&mut pushing, Head::LEN + 4);
}

/// Covers 9113:4.3.1-1: to a decoder that holds us to it
#[test]
fn after_a_reduction_our_blocks_still_mean_what_they_say() {
    const NEW: [(&str, &str); 2] = [("x-first", "an entry of some length"), ("x-second", "another, no less long")];
    let mut theirs = Decoder::new(4096);
    let mut t = Transcript::server();
    for id in [1, 3, 5, 7] {
        t.asked(id, &GET, End::Last);
        let fields = with(&OK, &NEW);
        t.conn.send_headers(StreamId::new(id), &section(&fields), End::Last).expect("an answer");
        let wire = t.sends_octets();
        let mut section = Fields::new();
        theirs
            .decode(wire.get(Head::LEN..).expect("a frame"), &mut section, &Limits::default())
            .expect("a legal block");
        theirs.finish().expect("a whole block");
        assert_eq!(Lines::from_fields(&section), Lines::of(&fields));
        // Room for one of the two.
        if id == 1 {
            t.recv(settings(&[(SettingId::HEADER_TABLE_SIZE, 70)]));
            t.event(Got::Settings);
            t.sends(settings_ack());
            theirs.set_max_table_size(70);
        }
    }
}
