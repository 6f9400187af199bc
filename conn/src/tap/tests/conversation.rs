//! Two ends of this crate's connection talk: what a tap between them tells, and what is told of their octets apart.

use bytes::BytesMut;
use pellucid_hpack::Fields;

use super::*;
use crate::h2::{Config, Connection};
use crate::{Output, Time};

fn fields(list: &[(&str, &str)]) -> Fields {
    let mut fields = Fields::new();
    list.iter().for_each(|(name, value)| fields.push(name.as_bytes(), value.as_bytes()));
    fields
}

/// Two ends of the connection of this crate talk: two requests of 100,000 octets, echoed. Each side's octets, and the records
/// of a tap between them.
fn echo() -> (Vec<u8>, Vec<u8>, Vec<Record>) {
    let now = Time::ZERO;
    let mut client: Connection = Connection::client(Config::client(), now);
    let mut server: Connection = Connection::server(Config::server(), now);
    let (mut tap, mut records) = (Tap::new(), Vec::new());
    let request = fields(&REQUEST);
    let (mut to_server, mut to_client) = (BytesMut::new(), BytesMut::new());
    let (mut from_client, mut from_server) = (Vec::new(), Vec::new());
    for turn in 0..40 {
        if turn < 2 {
            let id = client.open(&request, End::More).expect("a fresh connection takes two requests");
            client.send_data(id, bytes::Bytes::from(vec![b'x'; 100_000]), End::Last).expect("the stream is open");
        }
        let (mut out, mut sent) = (Output::new(), BytesMut::new());
        client.poll_output(&mut out, 65_536, now);
        out.drain_to(&mut sent);
        tap.feed(Role::Client, &sent, &mut |record| records.push(record));
        from_client.extend_from_slice(&sent);
        to_server.extend_from_slice(&sent);
        while let Some(event) = server.next_event(&mut to_server, now).expect("the client keeps to the protocol") {
            match event {
                crate::Event::Headers { id, .. } => {
                    server.send_headers(id, &fields(&[(":status", "200")]), End::More).expect("the stream is open");
                }
                crate::Event::Data { id, data, end } => {
                    server.release(id, u32::try_from(data.len()).expect("a frame's"));
                    server.send_data(id, data, end).expect("the stream is open");
                }
                _ => {}
            }
        }
        sent.clear();
        server.poll_output(&mut out, 65_536, now);
        out.drain_to(&mut sent);
        tap.feed(Role::Server, &sent, &mut |record| records.push(record));
        from_server.extend_from_slice(&sent);
        to_client.extend_from_slice(&sent);
        while let Some(event) = client.next_event(&mut to_client, now).expect("the server keeps to the protocol") {
            if let crate::Event::Data { id, data, .. } = event {
                client.release(id, u32::try_from(data.len()).expect("a frame's"));
            }
        }
    }
    (from_client, from_server, records)
}

const REQUEST: [(&str, &str); 5] =
    [(":method", "POST"), (":scheme", "http"), (":authority", "a.example"), (":path", "/"), ("x-n", "1")];

/// That nothing is wrong, no window is overdrawn, and each side has sent so many octets of content.
fn assert_sound(records: &[Record], octets: u32) {
    for role in [Role::Client, Role::Server] {
        let mut content = 0;
        for record in records.iter().filter(|record| record.from == role) {
            match &record.what {
                What::Frame { described: Described::Data { content: octets, windows, .. }, .. } => {
                    content += octets;
                    let left = windows.expect("both sides are watched");
                    assert!(left.connection >= 0 && left.stream.is_none_or(|octets| octets >= 0), "{record:?}");
                }
                What::Frame { .. } | What::Preface => {}
                _ => panic!("{record:?}"),
            }
        }
        assert_eq!(content, octets, "{role:?}");
    }
}

#[test]
fn a_connection_of_this_crate_is_seen_through() {
    let (.., records) = echo();
    assert_sound(&records, 200_000);
    let mut seen = Fields::new();
    let first = records.iter().find_map(|record| match &record.what {
        What::Frame { described: Described::Headers { block, .. }, .. } => Some(block),
        _ => None,
    });
    for step in &first.expect("a request was sent").steps {
        if let Coded::Field { name, value, .. } = &step.coded {
            seen.push(name, value);
        }
    }
    assert_eq!(seen, fields(&REQUEST));
}

#[test]
fn sides_captured_apart_are_laid_into_an_order_that_could_have_been() {
    let (client, server, live) = echo();
    let mut records = Vec::new();
    tell_pair(&client, &server, &mut |record| records.push(record));
    assert_sound(&records, 200_000);
    assert_eq!(records.len(), live.len());
    for role in [Role::Client, Role::Server] {
        let places = |records: &[Record]| -> Vec<u64> {
            records.iter().filter(|record| record.from == role).map(|record| record.at).collect()
        };
        assert_eq!(places(&records), places(&live), "{role:?}");
    }
}

#[test]
fn a_pair_puts_answers_behind_what_they_answer() {
    let ping = |ack| Frame::Ping(Ping { ack, payload: [0; 8] });
    let goaway = Frame::GoAway(GoAway { last: ONE, code: ErrorCode::NO_ERROR, debug: b"" });
    let requests = [headers(1, b"\x82", End::Last), ping(false), headers(3, b"\x82", End::Last)];
    let client = [PREFACE.to_vec(), settings(&[]), octets(&requests), ack()].concat();
    let answers = [headers(1, b"\x88", End::Last), ping(true), headers(3, b"\x88", End::Last), goaway];
    let server = [settings(&[]), ack(), octets(&answers)].concat();
    let mut told = Vec::new();
    tell_pair(&client, &server, &mut |record| {
        let text = text::render(&record, text::Secrets::Redacted);
        told.push(text.split([',', '\n']).next().expect("a line").replace(" END_STREAM END_HEADERS", ""));
    });
    let expected = [
        "-> preface",
        "-> SETTINGS stream 0",
        "<- SETTINGS stream 0",
        "<- SETTINGS stream 0 ACK",
        "-> HEADERS stream 1",
        "<- HEADERS stream 1",
        "-> PING stream 0",
        "<- PING stream 0 ACK",
        "-> HEADERS stream 3",
        "<- HEADERS stream 3",
        "-> SETTINGS stream 0 ACK",
        "<- GOAWAY stream 0",
    ];
    assert_eq!(told, expected);
}

/// How many octets are told of.
fn accounted(client: &[u8], server: &[u8]) -> u64 {
    let mut octets = 0;
    tell_pair(client, server, &mut |record| {
        octets += match record.what {
            What::Preface => PREFACE.len() as u64,
            What::Frame { head, .. } => Head::LEN as u64 + u64::from(head.length),
            What::Skipped { octets } | What::Cut { octets, .. } => octets,
            What::Fault { .. } | What::Missing { .. } => 0,
        };
    });
    octets
}

/// Nothing is lost and nothing waits for ever where the captures do not fit together.
#[test]
fn a_pair_that_does_not_fit_together_is_told_of_all_the_same() {
    let (client, server, _) = echo();
    let pairs = [(&client[..], &server[..300]), (&client[..300], &server[..]), (&server[..], &client[..]), (&[], &[])];
    for (client, server) in pairs {
        assert_eq!(accounted(client, server), (client.len() + server.len()) as u64);
    }
}

proptest! {
    /// A frame that breaks a rule is not told of as a frame, so there may be less than all, never more.
    #[test]
    fn any_pair_comes_to_its_end(client in any_frames(), server in any_frames()) {
        prop_assert!(accounted(&client, &server) <= (client.len() + server.len()) as u64);
    }
}
