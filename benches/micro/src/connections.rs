//! A client and a server back to back, without sockets, tasks or a clock: what the core alone costs.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use pellucid_conn::h2::{Config, Connection};
use pellucid_conn::{End, Event, Fields, Output, StreamId, Time};

use crate::Operation;
use crate::hpack::section;

pub(crate) fn get_1() -> Operation {
    gets(1)
}

pub(crate) fn get_100() -> Operation {
    gets(100)
}

pub(crate) fn post_1_mib() -> Operation {
    let mut pair = Pair::new();
    let (request, content) = (request("POST"), Bytes::from(vec![7; 1 << 20]));
    Box::new(move || {
        let id = pair.client.open(&request, End::More).expect("a free slot");
        let mut rest = content.clone();
        while !rest.is_empty() {
            let piece = rest.split_to(rest.len().min(64 << 10));
            let end = if rest.is_empty() { End::Last } else { End::More };
            pair.client.send_data(id, piece, end).expect("an open stream");
            pair.exchange();
        }
        assert_eq!(pair.take_answered(), 1, "the request was answered");
    })
}

fn gets(batch: usize) -> Operation {
    let mut pair = Pair::new();
    let request = request("GET");
    Box::new(move || {
        for _ in 0..batch {
            pair.client.open(&request, End::Last).expect("a free slot");
        }
        pair.exchange();
        assert_eq!(pair.take_answered(), batch, "every request was answered");
    })
}

/// Both ends and what is on its way between them.
struct Pair {
    client: Connection,
    server: Connection,
    to_server: BytesMut,
    to_client: BytesMut,
    output: Output,
    now: Time,
    response: Fields,
    content: Bytes,
    answered: usize,
}

impl Pair {
    fn new() -> Pair {
        let (now, room) = (Time::ZERO, 1 << 20);
        let mut pair = Pair {
            client: Connection::client(Config::client(), now),
            server: Connection::server(Config::server(), now),
            to_server: BytesMut::with_capacity(room),
            to_client: BytesMut::with_capacity(room),
            output: Output::new(),
            now,
            response: response(),
            content: Bytes::from_static(&[b'x'; 1024]),
            answered: 0,
        };
        pair.exchange();
        pair
    }

    /// Carries octets and answers requests until both ends are silent.
    fn exchange(&mut self) {
        self.now = self.now + Duration::from_millis(1);
        loop {
            self.client.poll_output(&mut self.output, BUDGET, self.now);
            let client_spoke = !self.output.is_empty();
            self.output.drain_to(&mut self.to_server);
            self.serve();
            self.server.poll_output(&mut self.output, BUDGET, self.now);
            let server_spoke = !self.output.is_empty();
            self.output.drain_to(&mut self.to_client);
            self.receive();
            if !client_spoke && !server_spoke {
                return;
            }
        }
    }

    /// How many responses came to their end since this was last asked.
    fn take_answered(&mut self) -> usize {
        std::mem::take(&mut self.answered)
    }

    fn serve(&mut self) {
        while let Some(event) = self.server.next_event(&mut self.to_server, self.now).expect("a right client") {
            match event {
                Event::Headers { id, fields, end } => {
                    self.server.recycle(fields);
                    self.answer(id, end);
                }
                Event::Data { id, data, end } => {
                    self.server.release(id, u32::try_from(data.len()).expect("less than a frame"));
                    self.answer(id, end);
                }
                _ => {}
            }
        }
    }

    /// Answers a request that is complete.
    fn answer(&mut self, id: StreamId, end: End) {
        if end.is_last() {
            self.server.send_headers(id, &self.response, End::More).expect("a request's stream");
            self.server.send_data(id, self.content.clone(), End::Last).expect("a request's stream");
            self.server.finished(id);
        }
    }

    fn receive(&mut self) {
        while let Some(event) = self.client.next_event(&mut self.to_client, self.now).expect("a right server") {
            match event {
                Event::Headers { fields, .. } => self.client.recycle(fields),
                Event::Data { id, data, end } => {
                    self.client.release(id, u32::try_from(data.len()).expect("less than a frame"));
                    self.answered += usize::from(end.is_last());
                }
                _ => {}
            }
        }
    }
}

/// Octets that one end says at once.
const BUDGET: usize = 256 << 10;

fn request(method: &str) -> Fields {
    section(&[
        (":method", method),
        (":scheme", "http"),
        (":authority", "localhost"),
        (":path", "/articles/17"),
        ("user-agent", "pellucid-micro/1"),
        ("accept", "*/*"),
    ])
}

fn response() -> Fields {
    section(&[
        (":status", "200"),
        ("content-type", "text/plain"),
        ("content-length", "1024"),
        ("date", "Sat, 21 Nov 2026 06:00:00 GMT"),
    ])
}
