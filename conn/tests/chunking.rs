//! The same octets whole, one at a time, and cut anywhere give the same events, the same error and the same output: for
//! conversations recorded between two ends of this crate, and for frames of every kind, legal or not.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

#[allow(dead_code, reason = "shared with the transcripts, which use all of it")]
#[path = "transcript/frames.rs"]
mod frames;

use bytes::{Bytes, BytesMut};
use pellucid_conn::h2::{Config, Connection, Role};
use pellucid_conn::{End, ErrorCode, Event, Fields, Output, StreamId, Time};
use pellucid_frame::encode::PREFACE;
use pellucid_frame::{Flags, Kind, SettingId};
use pellucid_hpack::Encoder;
use proptest::prelude::*;

use frames::Frame;

const NOW: Time = Time::ZERO;

/// Everything one end has made of its input.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    events: Vec<String>,
    output: Vec<u8>,
    live: usize,
    ledger: (i64, u32, i64),
    violations: String,
}

/// One end with an application that reacts to each event at once.
struct Endpoint {
    conn: Connection,
    events: Vec<String>,
    input: BytesMut,
}

impl Endpoint {
    fn new(role: Role) -> Self {
        let mut config = if role == Role::Server { Config::server() } else { Config::client() };
        config.max_reserved_remote = if role == Role::Client { 4 } else { 0 };
        config.enable_connect_protocol = role == Role::Server;
        config.secure = true;
        let conn = Connection::observed(role, config, NOW, ());
        let mut this = Self { conn, events: Vec::new(), input: BytesMut::new() };
        if role == Role::Client {
            for n in 0..4 {
                let id = this.conn.open(&request(), if n % 2 == 0 { End::More } else { End::Last }).unwrap();
                let _ = this.conn.send_data(id, Bytes::from(vec![b'u'; 70_000]), End::Last);
            }
        }
        this
    }

    fn feed(&mut self, octets: &[u8]) {
        self.input.extend_from_slice(octets);
        loop {
            match self.conn.next_event(&mut self.input, NOW) {
                Ok(Some(event)) => {
                    self.events.push(format!("{event:?}"));
                    self.react(event);
                }
                Ok(None) => return,
                Err(error) => self.events.push(error.to_string()),
            }
        }
    }

    fn react(&mut self, event: Event) {
        let is_server = self.conn.role() == Role::Server;
        match event {
            Event::Headers { id, .. } if is_server => {
                let mut fields = Fields::new();
                fields.push(b":status", b"200");
                fields.push(b"x-answer-to", id.to_string().as_bytes());
                let _ = self.conn.send_headers(id, &fields, End::More);
                let _ = self.conn.send_data(id, Bytes::from(vec![b'd'; 20_000]), End::Last);
                self.conn.finished(id);
            }
            Event::Data { id, data, .. } => self.conn.release(id, u32::try_from(data.len()).unwrap()),
            _ => {}
        }
    }

    fn outcome(mut self) -> Outcome {
        let (mut output, mut out) = (BytesMut::new(), Output::new());
        loop {
            self.conn.poll_output(&mut out, 1 << 20, NOW);
            if out.is_empty() {
                break;
            }
            out.drain_to(&mut output);
            // Events that were born in `poll_output`, and input that R1 had held back.
            self.feed(b"");
        }
        Outcome {
            events: self.events,
            output: output.to_vec(),
            live: self.conn.live_streams(),
            ledger: self.conn.ledger(),
            violations: format!("{:?}", self.conn.stats().violations),
        }
    }
}

fn request() -> Fields {
    let mut fields = Fields::new();
    for (name, value) in [(":method", "POST"), (":scheme", "https"), (":path", "/"), (":authority", "a")] {
        fields.push(name.as_bytes(), value.as_bytes());
    }
    fields
}

fn whole(role: Role, octets: &[u8]) -> Outcome {
    let mut end = Endpoint::new(role);
    end.feed(octets);
    end.outcome()
}

/// Cut into pieces of these lengths, again and again.
fn cut(role: Role, mut octets: &[u8], lengths: &[usize]) -> Outcome {
    let mut end = Endpoint::new(role);
    for length in lengths.iter().cycle() {
        if octets.is_empty() {
            break;
        }
        let (piece, rest) = octets.split_at((*length).clamp(1, octets.len()));
        end.feed(piece);
        octets = rest;
    }
    end.outcome()
}

fn same_however_cut(role: Role, octets: &[u8], lengths: &[usize]) -> Result<(), TestCaseError> {
    let want = whole(role, octets);
    prop_assert_eq!(&cut(role, octets, &[1]), &want, "one octet at a time");
    prop_assert_eq!(&cut(role, octets, lengths), &want, "cut at random");
    Ok(())
}

/// What one end says in a conversation with another: octets for each role to hear.
fn record(bodies: &[usize], trailers: bool) -> (Vec<u8>, Vec<u8>) {
    let (mut client, mut server) =
        (Connection::client(Config::client(), NOW), Connection::server(Config::server(), NOW));
    let (mut up, mut down) = (BytesMut::new(), BytesMut::new());
    let (mut up_all, mut down_all) = (Vec::new(), Vec::new());
    // Four streams, for that is what `Endpoint` opens as a client before it hears anything.
    for (n, body) in bodies.iter().cycle().take(4).enumerate() {
        let end = if n % 2 == 0 { End::More } else { End::Last };
        let id = client.open(&request(), end).unwrap();
        if end == End::More {
            client.send_data(id, Bytes::from(vec![b'u'; *body]), if trailers { End::More } else { End::Last }).unwrap();
            if trailers {
                client.send_trailers(id, trailer()).unwrap();
            }
        }
    }
    for _ in 0..100 {
        for (from, wire, all) in [(&mut client, &mut up, &mut up_all), (&mut server, &mut down, &mut down_all)] {
            let (mut out, before) = (Output::new(), wire.len());
            from.poll_output(&mut out, 1 << 20, NOW);
            out.drain_to(wire);
            all.extend_from_slice(&wire[before..]);
        }
        while let Some(event) = server.next_event(&mut up, NOW).unwrap() {
            match event {
                Event::Headers { id, .. } => {
                    let mut fields = Fields::new();
                    fields.push(b":status", b"200");
                    server.send_headers(id, &fields, End::More).unwrap();
                    let body = bodies[id.get() as usize % bodies.len()];
                    server.send_data(id, Bytes::from(vec![b'd'; body]), End::More).unwrap();
                    server.send_trailers(id, trailer()).unwrap();
                    server.ping(*b"recorded");
                }
                Event::Data { id, data, .. } => server.release(id, u32::try_from(data.len()).unwrap()),
                _ => {}
            }
        }
        while let Some(event) = client.next_event(&mut down, NOW).unwrap() {
            if let Event::Data { id, data, .. } = event {
                client.release(id, u32::try_from(data.len()).unwrap());
            }
        }
    }
    (up_all, down_all)
}

fn trailer() -> Fields {
    let mut fields = Fields::new();
    fields.push(b"x-sum", b"12345");
    fields
}

const OCTETS: &[u8] = &[b'x'; 20_000];

fn id() -> impl Strategy<Value = u32> {
    prop_oneof![8 => (0_u32..5).prop_map(|n| n * 2 + 1), 2 => 0_u32..12, 1 => Just(0x7fff_ffff)]
}

fn end() -> impl Strategy<Value = End> {
    any::<bool>().prop_map(End::from)
}

/// Field lines, most of them good.
fn lines() -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    let good = vec![(":method", "POST"), (":scheme", "https"), (":path", "/"), (":authority", "a")];
    let more = prop_oneof![
        Just(("x-a", "some value")),
        Just(("cookie", "a=b")),
        Just(("content-length", "12")),
        Just(("Upper", "case")),
        Just(("te", "trailers")),
        Just(("priority", "u=1, i")),
    ];
    let start = prop_oneof![
        6 => Just(good),
        3 => Just(vec![(":status", "200")]),
        1 => Just(vec![(":status", "103")]),
        1 => Just(Vec::new()),
        1 => Just(vec![(":method", "CONNECT"), (":authority", "a:1")]),
    ];
    (start, proptest::collection::vec(more, 0..3)).prop_map(|(mut lines, more)| {
        lines.extend(more);
        lines
    })
}

fn frame() -> impl Strategy<Value = Frame> {
    let setting = prop_oneof![
        (0_u32..70_000).prop_map(|v| (SettingId::INITIAL_WINDOW_SIZE, v)),
        (0_u32..9000).prop_map(|v| (SettingId::HEADER_TABLE_SIZE, v)),
        (16_000_u32..17_000).prop_map(|v| (SettingId::MAX_FRAME_SIZE, v)),
        Just((SettingId::ENABLE_PUSH, 0)),
    ];
    prop_oneof![
        8 => (id(), lines(), end()).prop_map(|(id, lines, end)| frames::headers(id, &lines, end)),
        2 => (id(), lines(), 1_usize..9).prop_map(|(id, l, n)| frames::headers(id, &l, End::Last).in_pieces_of(n)),
        1 => (id(), lines(), any::<u8>()).prop_map(|(id, l, n)| frames::headers(id, &l, End::More).padded(n)),
        1 => (id(), lines(), id()).prop_map(|(id, l, on)| frames::headers(id, &l, End::More).depends_on(on)),
        6 => (id(), 0_usize..30, end()).prop_map(|(id, n, end)| frames::data(id, &OCTETS[..n], end)),
        2 => (id(), 0_usize..17_000, end()).prop_map(|(id, n, end)| frames::data(id, &OCTETS[..n], end)),
        1 => (id(), 0_usize..30, any::<u8>()).prop_map(|(id, n, pad)| frames::data(id, &OCTETS[..n], End::More).padded(pad)),
        2 => (id(), 0_u32..15).prop_map(|(id, code)| frames::reset(id, ErrorCode::new(code))),
        2 => proptest::collection::vec(setting, 0..3).prop_map(|list| frames::settings(&list)),
        1 => Just(frames::settings_ack()),
        2 => any::<[u8; 8]>().prop_map(frames::ping),
        1 => any::<[u8; 8]>().prop_map(frames::pong),
        1 => (id(), 0_u32..15).prop_map(|(last, code)| frames::goaway(last, ErrorCode::new(code))),
        3 => (id(), prop_oneof![1_u32..90_000, Just(0x7fff_ffff), Just(0)]).prop_map(|(id, n)| frames::window_update(id, n)),
        1 => (id(), "u=[0-9](, i)?").prop_map(|(id, value)| frames::priority_update(id, &value)),
        1 => (id(), id()).prop_map(|(id, on)| frames::priority(id, on)),
        1 => (id(), "[a-z]{0,4}").prop_map(|(id, origin)| frames::alt_svc(id, &origin, "h3=\":443\"")),
        1 => Just(frames::origin(&["https://a", "https://b"])),
        1 => (id(), id(), lines()).prop_map(|(on, id, lines)| frames::promise(on, id * 2, &lines)),
        1 => (any::<u8>(), any::<u8>(), id(), 0_usize..40)
            .prop_map(|(kind, flags, id, n)| frames::raw(Kind::new(kind), Flags::new(flags), id, &OCTETS[..n])),
    ]
}

fn encode(list: &[Frame], out: &mut Vec<u8>) {
    let mut encoder = Encoder::new(4096);
    for frame in list {
        frame.encode(&mut encoder, out);
    }
}

fn lengths() -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(prop_oneof![1_usize..12, 1_usize..3000], 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_server_hears_the_same_frames_however_they_are_cut(list in proptest::collection::vec(frame(), 1..30), lengths in lengths()) {
        let mut octets = PREFACE.to_vec();
        encode(&[frames::settings(&[]), frames::settings_ack()], &mut octets);
        encode(&list, &mut octets);
        same_however_cut(Role::Server, &octets, &lengths)?;
    }

    #[test]
    fn a_client_hears_the_same_frames_however_they_are_cut(list in proptest::collection::vec(frame(), 1..30), lengths in lengths()) {
        let mut octets = Vec::new();
        encode(&[frames::settings(&[]), frames::settings_ack()], &mut octets);
        encode(&list, &mut octets);
        same_however_cut(Role::Client, &octets, &lengths)?;
    }

    /// Before the preface is complete: noise, other protocols, and prefaces that go wrong.
    #[test]
    fn beginnings_are_judged_the_same_however_they_are_cut(
        good in 0_usize..25,
        rest in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..40),
            Just(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n".to_vec()),
            Just(b"POST / HTTP/1.1\r\n\r\n".to_vec()),
            Just(b"PUT".to_vec()),
            Just(b"G".to_vec()),
        ],
        lengths in lengths(),
    ) {
        let mut octets = PREFACE[..good.min(24)].to_vec();
        octets.extend_from_slice(&rest);
        same_however_cut(Role::Server, &octets, &lengths)?;
        same_however_cut(Role::Client, &octets, &lengths)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn recorded_conversations_are_the_same_however_they_are_cut(
        bodies in proptest::collection::vec(prop_oneof![Just(0_usize), 1_usize..100, 1_usize..50_000], 1..4),
        trailers in any::<bool>(),
        lengths in lengths(),
    ) {
        let (up, down) = record(&bodies, trailers);
        same_however_cut(Role::Server, &up, &lengths)?;
        same_however_cut(Role::Client, &down, &lengths)?;
    }
}

/// The property is not empty: what is fed is heard.
#[test]
fn recorded_conversations_are_heard() {
    let (up, down) = record(&[10_000, 0, 300], true);
    let (server, client) = (whole(Role::Server, &up), whole(Role::Client, &down));
    assert_eq!(server.violations, "[]");
    assert_eq!(client.violations, "[]");
    assert_eq!(server.events.iter().filter(|e| e.starts_with("Headers")).count(), 4);
    assert_eq!(client.events.iter().filter(|e| e.starts_with("Trailers")).count(), 4);
    assert!(server.output.len() > 20_000);
    assert_eq!((server.ledger.1, client.ledger.1), (0, 0));
}

/// Stream identifiers at the edge are the same number for everyone.
#[test]
fn identifiers_keep_their_reserved_bit_to_themselves() {
    let mut octets = PREFACE.to_vec();
    encode(&[frames::settings(&[]), frames::settings_ack()], &mut octets);
    encode(&[frames::raw(Kind::PING, Flags::NONE, 1 << 31, b"reserved")], &mut octets);
    let outcome = whole(Role::Server, &octets);
    assert_eq!(outcome, cut(Role::Server, &octets, &[1]));
    assert_eq!(outcome.violations, "[]");
    assert_eq!(StreamId::new(1 << 31), StreamId::CONNECTION);
}
