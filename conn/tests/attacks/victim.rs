//! The end under attack: a connection, a fake clock, and an application of few words. What it sends is counted, not kept.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use pellucid_conn::h2::{Config, Connection, Role, Violation};
use pellucid_conn::{Cause, ConnectionError, End, ErrorCode, Event, Output, Refusal, StreamId, Time};
use pellucid_frame::encode::PREFACE;
use pellucid_hpack::{Decoder, Encoder};

use crate::frames::{self, Frame, settings, settings_ack};

/// What the server's application does with a complete request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handler {
    /// Answers at once, without content.
    Answers,
    /// Works until `finish_all`, whatever becomes of the stream.
    Works,
    /// Answers with so many octets.
    Streams(usize),
}

/// Whether the attacker reads what it is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attacker {
    Reads,
    NeverReads,
}

pub(crate) struct Victim {
    pub(crate) conn: Connection,
    pub(crate) now: Time,
    pub(crate) handler: Handler,
    pub(crate) attacker: Attacker,
    input: BytesMut,
    encoder: Encoder,
    decoder: Decoder,
    /// Handlers at work, and the most there ever were.
    pub(crate) running: BTreeSet<StreamId>,
    pub(crate) most_running: usize,
    pub(crate) requests: usize,
    pub(crate) informational: usize,
    pub(crate) promised: Vec<StreamId>,
    pub(crate) refused: Vec<Refusal>,
    pub(crate) causes: Vec<(u32, Cause)>,
    pub(crate) got: usize,
    pub(crate) data_events: usize,
    pub(crate) error: Option<ConnectionError>,
    pub(crate) resets: Vec<(u32, ErrorCode)>,
    pub(crate) goaways: Vec<(ErrorCode, String)>,
    pub(crate) statuses: BTreeMap<u32, String>,
    pub(crate) sent: BTreeMap<u32, usize>,
    pub(crate) data_frames: usize,
    pub(crate) pongs: usize,
    pub(crate) acks: usize,
}

impl Victim {
    /// A server; preface and SETTINGS are exchanged.
    pub(crate) fn server() -> Self {
        Self::server_with(Config::server())
    }

    pub(crate) fn server_with(config: Config) -> Self {
        let mut v = Self::fresh(Role::Server, config);
        v.recv_octets(PREFACE);
        v.greet()
    }

    pub(crate) fn client_with(config: Config) -> Self {
        Self::fresh(Role::Client, config).greet()
    }

    /// Nothing has arrived yet.
    pub(crate) fn fresh(role: Role, config: Config) -> Self {
        config.validate().expect("a legal configuration");
        Self {
            decoder: Decoder::new(4096),
            conn: Connection::observed(role, config, Time::ZERO, ()),
            now: Time::ZERO,
            handler: Handler::Answers,
            attacker: Attacker::Reads,
            input: BytesMut::new(),
            encoder: Encoder::new(4096),
            running: BTreeSet::new(),
            most_running: 0,
            requests: 0,
            informational: 0,
            promised: Vec::new(),
            refused: Vec::new(),
            causes: Vec::new(),
            got: 0,
            data_events: 0,
            error: None,
            resets: Vec::new(),
            goaways: Vec::new(),
            statuses: BTreeMap::new(),
            sent: BTreeMap::new(),
            data_frames: 0,
            pongs: 0,
            acks: 0,
        }
    }

    fn greet(mut self) -> Self {
        self.recv(&settings(&[]));
        self.recv(&settings_ack());
        assert_eq!(self.error, None);
        self.acks = 0;
        self
    }

    pub(crate) fn recv(&mut self, frame: &Frame) {
        let mut octets = Vec::new();
        frame.encode(&mut self.encoder, &mut octets);
        self.recv_octets(&octets);
    }

    pub(crate) fn recv_octets(&mut self, octets: &[u8]) {
        self.input.extend_from_slice(octets);
        self.turn();
    }

    pub(crate) fn turn(&mut self) {
        self.hear();
        if self.attacker == Attacker::Reads {
            self.flush();
            self.hear();
        }
    }

    fn hear(&mut self) {
        loop {
            match self.conn.next_event(&mut self.input, self.now) {
                Ok(Some(event)) => self.on_event(event),
                Ok(None) => return,
                Err(error) => assert!(self.error.replace(error).is_none(), "a connection fails once"),
            }
        }
    }

    fn on_event(&mut self, event: Event) {
        let is_server = self.conn.role() == Role::Server;
        match event {
            Event::Headers { id, end, .. } if is_server => {
                self.requests += 1;
                self.running.insert(id);
                self.most_running = self.most_running.max(self.running.len());
                assert!(self.running.len() <= self.conn.config().max_concurrent_streams as usize, "handlers in bounds");
                if end == End::Last {
                    self.answer(id);
                }
            }
            Event::Headers { end, .. } => self.informational += usize::from(end == End::More),
            Event::Data { id, data, end } => {
                self.got += data.len();
                self.data_events += 1;
                self.conn.release(id, u32::try_from(data.len()).unwrap());
                if is_server && end == End::Last {
                    self.answer(id);
                }
            }
            Event::Trailers { id, .. } if is_server => self.answer(id),
            Event::Reset { id, cause } => {
                self.causes.push((id.get(), cause));
                if self.handler != Handler::Works && self.running.remove(&id) {
                    self.conn.finished(id);
                }
            }
            Event::Refused { why, .. } => self.refused.push(why),
            Event::Promise { id, .. } => self.promised.push(id),
            _ => {}
        }
    }

    fn answer(&mut self, id: StreamId) {
        let body = match self.handler {
            Handler::Works => return,
            Handler::Answers => None,
            Handler::Streams(octets) => Some(octets),
        };
        let end = if body.is_none() { End::Last } else { End::More };
        let mut fields = self.conn.fields();
        fields.push(b":status", b"200");
        let answered = self.conn.send_headers(id, &fields, end);
        if let (Ok(()), Some(octets)) = (answered, body) {
            self.conn.send_data(id, Bytes::from(vec![0; octets]), End::Last).expect("a stream that was just answered");
        }
        if self.running.remove(&id) {
            self.conn.finished(id);
        }
    }

    pub(crate) fn finish_all(&mut self) {
        for id in std::mem::take(&mut self.running) {
            self.conn.finished(id);
        }
    }

    /// Octets that wait to be sent, taken off and counted.
    pub(crate) fn flush(&mut self) -> usize {
        let (mut wire, mut out) = (BytesMut::new(), Output::new());
        loop {
            self.conn.poll_output(&mut out, 1 << 20, self.now);
            if out.is_empty() {
                break;
            }
            out.drain_to(&mut wire);
        }
        let len = wire.len();
        if self.conn.role() == Role::Client && wire.starts_with(PREFACE) {
            let _ = wire.split_to(PREFACE.len());
        }
        let mut debug = VecDeque::new();
        for frame in frames::decode_all(&wire, &mut self.decoder, &mut debug) {
            self.note(frame, &mut debug);
        }
        len
    }

    fn note(&mut self, frame: Frame, debug: &mut VecDeque<Vec<u8>>) {
        match frame {
            Frame::Reset { id, code } => {
                assert!(self.resets.iter().rev().take(50).all(|(i, _)| *i != id), "one RST_STREAM a stream: {id}");
                self.resets.push((id, code));
            }
            Frame::GoAway { code, .. } => {
                self.goaways.push((code, String::from_utf8(debug.pop_front().unwrap_or_default()).unwrap()));
            }
            Frame::Headers { id, fields, .. } => {
                let status = fields.to_fields().get(b":status").map(|s| String::from_utf8_lossy(s).into_owned());
                self.statuses.insert(id, status.unwrap_or_default());
            }
            Frame::Data { id, data, .. } => {
                self.data_frames += 1;
                *self.sent.entry(id).or_default() += data.0.len();
            }
            Frame::Pong(_) => self.pongs += 1,
            Frame::SettingsAck => self.acks += 1,
            _ => {}
        }
    }

    /// Time passes; what is due happens when it is due.
    pub(crate) fn pass(&mut self, duration: Duration) {
        let until = self.now + duration;
        while let Some((due, _)) = self.conn.next_timeout()
            && due <= until
        {
            self.now = self.now.max(due);
            if let Err(error) = self.conn.handle_timeout(self.now) {
                self.error = Some(error);
            }
            self.turn();
        }
        self.now = until;
        self.turn();
    }

    pub(crate) fn pass_secs(&mut self, secs: u64) {
        self.pass(Duration::from_secs(secs));
    }

    /// Alive, and not even on its way out.
    #[track_caller]
    pub(crate) fn is_fine(&self) {
        assert_eq!(self.error, None);
        assert!(!self.conn.is_going_away(), "violations {:?}", self.conn.stats().violations);
        let (_, unreleased, sum) = self.conn.ledger();
        assert_eq!(
            (unreleased, sum),
            (0, i64::from(self.conn.config().connection_window)),
            "no octet of window is lost"
        );
    }

    /// The connection has ended with exactly this, and whatever comes is discarded.
    #[track_caller]
    pub(crate) fn is_ended_by(&mut self, violation: Violation, code: ErrorCode, debug: &str) {
        let error = self.error.expect("the connection has ended");
        assert_eq!((error.violation, error.code()), (violation, code));
        self.attacker = Attacker::Reads;
        self.turn();
        assert_eq!(self.goaways.last(), Some(&(code, debug.to_owned())), "the last GOAWAY of {:?}", self.goaways);
        let (before, streams) = (self.conn.stats().octets_out, self.conn.stats().streams_accepted);
        for _ in 0..100 {
            self.recv(&frames::ping(*b"too late"));
            self.recv(&frames::headers(0x7fff_0001, &GET, End::Last));
            assert!(self.input.is_empty(), "input is discarded");
        }
        let after = self.conn.stats();
        assert_eq!((after.octets_out, after.streams_accepted), (before, streams), "nothing is answered any more");
        assert_eq!(self.conn.next_timeout(), None);
        assert!(!self.conn.wants_write() && self.conn.is_dead());
    }

    #[track_caller]
    pub(crate) fn is_calmed(&mut self, violation: Violation, debug: &str) {
        self.is_ended_by(violation, ErrorCode::ENHANCE_YOUR_CALM, debug);
    }

    /// Feeds what `next` gives until reading stops (R1); then what waits is small.
    #[track_caller]
    pub(crate) fn stops_reading(&mut self, mut next: impl FnMut(usize) -> Frame) {
        self.attacker = Attacker::NeverReads;
        for n in 0..100_000 {
            if !self.conn.wants_read() || self.error.is_some() {
                break;
            }
            self.recv(&next(n));
        }
        assert!(!self.conn.wants_read() || self.error.is_some(), "it reads for ever");
        let waiting = self.flush();
        let bound = self.conn.config().control_buffer_soft + 1024;
        assert!(waiting <= bound, "{waiting} octets wait");
    }
}

/// A complete request.
pub(crate) const GET: [(&str, &str); 4] =
    [(":method", "GET"), (":scheme", "https"), (":path", "/"), (":authority", "a")];
/// A request with content.
pub(crate) const POST: [(&str, &str); 4] =
    [(":method", "POST"), (":scheme", "https"), (":path", "/"), (":authority", "a")];

/// The n-th stream of a client, from 0.
pub(crate) fn nth(n: usize) -> u32 {
    u32::try_from(n).unwrap() * 2 + 1
}
