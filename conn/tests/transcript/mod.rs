//! Transcripts: one end of a connection under test, the other end played by hand, frame by frame.
//!
//! What the test does not assert must not happen: a frame, an event or a broken rule that is left over when the transcript
//! ends fails the test. Not for: timing of sockets, or two real ends; those are simulations.

pub(crate) mod frames;
pub(crate) mod got;

use std::collections::VecDeque;
use std::time::Duration;

use bytes::BytesMut;
use pellucid_conn::h2::{Config, Connection, Role, Violation};
use pellucid_conn::{Cause, ConnectionError, End, ErrorCode, Fields, Observer, Output, StreamId, Time};
use pellucid_frame::encode::PREFACE;
use pellucid_hpack::{Decoder, Encoder};

use frames::{Frame, Lines, headers, ping, settings, settings_ack};
use got::Got;

/// A complete request.
pub(crate) const GET: [(&str, &str); 4] =
    [(":method", "GET"), (":scheme", "https"), (":path", "/"), (":authority", "a")];
/// A request with content.
pub(crate) const POST: [(&str, &str); 4] =
    [(":method", "POST"), (":scheme", "https"), (":path", "/"), (":authority", "a")];
/// A request whose response has no content.
pub(crate) const HEAD: [(&str, &str); 4] =
    [(":method", "HEAD"), (":scheme", "https"), (":path", "/"), (":authority", "a")];
/// A request for a tunnel.
pub(crate) const CONNECT: [(&str, &str); 2] = [(":method", "CONNECT"), (":authority", "a:443")];
/// A final response.
pub(crate) const OK: [(&str, &str); 1] = [(":status", "200")];

/// `base` and then `more`.
pub(crate) fn with<'a>(base: &[(&'a str, &'a str)], more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    base.iter().chain(more).copied().collect()
}

/// Notes the rules that were broken.
#[derive(Default)]
pub(crate) struct Watch {
    broken: VecDeque<(StreamId, Violation)>,
}

impl Observer for Watch {
    fn violation(&mut self, id: StreamId, rule: Violation) {
        self.broken.push_back((id, rule));
    }
}

/// One connection and all that was not asserted yet.
pub(crate) struct Transcript {
    /// The end under test, for its commands and questions.
    pub(crate) conn: Connection<Watch>,
    pub(crate) now: Time,
    role: Role,
    input: BytesMut,
    encoder: Encoder,
    decoder: Decoder,
    sent: VecDeque<Frame>,
    got: VecDeque<Got>,
    error: Option<ConnectionError>,
    /// Code and debug data of the last GOAWAY asserted.
    goaway: Option<(ErrorCode, Vec<u8>)>,
    debug: VecDeque<Vec<u8>>,
    /// The highest identifier of the client's that was used.
    highest: u32,
}

impl Transcript {
    /// A server; preface and SETTINGS are exchanged.
    pub(crate) fn server() -> Self {
        Self::server_with(Config::server())
    }

    /// A client; preface and SETTINGS are exchanged.
    pub(crate) fn client() -> Self {
        Self::client_with(Config::client())
    }

    pub(crate) fn server_with(config: Config) -> Self {
        let mut t = Self::fresh(Role::Server, config);
        t.recv_octets(PREFACE);
        t.greet()
    }

    pub(crate) fn client_with(config: Config) -> Self {
        Self::fresh(Role::Client, config).greet()
    }

    /// Nothing is exchanged yet, and what the connection says first is still to be asserted.
    pub(crate) fn fresh(role: Role, config: Config) -> Self {
        config.validate().expect("a legal configuration");
        let now = Time::ZERO;
        Self {
            decoder: Decoder::new(4096.max(config.encoder_table_size)),
            conn: Connection::observed(role, config, now, Watch::default()),
            now,
            role,
            input: BytesMut::new(),
            encoder: Encoder::new(4096),
            sent: VecDeque::new(),
            got: VecDeque::new(),
            error: None,
            goaway: None,
            debug: VecDeque::new(),
            highest: 0,
        }
    }

    fn greet(mut self) -> Self {
        self.recv(settings(&[]));
        self.recv(settings_ack());
        self.poll();
        assert!(matches!(self.sent.front(), Some(Frame::Settings(_))), "SETTINGS come first: {:?}", self.sent);
        assert!(self.sent.contains(&settings_ack()), "acknowledged: {:?}", self.sent);
        assert!(matches!(self.got.pop_front(), Some(Got::Settings)));
        self.sent.clear();
        self
    }

    /// The other end sends this.
    pub(crate) fn recv(&mut self, frame: Frame) {
        if let Frame::Headers { id, .. } = &frame {
            self.highest = self.highest.max(if id % 2 == 1 { *id } else { 0 });
        }
        let mut octets = Vec::new();
        frame.encode(&mut self.encoder, &mut octets);
        self.recv_octets(&octets);
    }

    /// The other end sends these octets.
    pub(crate) fn recv_octets(&mut self, octets: &[u8]) {
        self.input.extend_from_slice(octets);
        self.drive();
    }

    /// The octets of a frame as the other end would send it now.
    pub(crate) fn octets(&mut self, frame: &Frame) -> Vec<u8> {
        let mut octets = Vec::new();
        frame.encode(&mut self.encoder, &mut octets);
        octets
    }

    fn drive(&mut self) {
        loop {
            match self.conn.next_event(&mut self.input, self.now) {
                Ok(Some(event)) => self.got.push_back(event.into()),
                Ok(None) => return,
                Err(error) => {
                    assert!(self.error.replace(error).is_none(), "a connection fails once");
                }
            }
        }
    }

    /// Takes what the connection wants on the wire.
    fn poll(&mut self) {
        let mut wire = BytesMut::new();
        let mut out = Output::new();
        loop {
            let wanted = self.conn.wants_write();
            self.conn.poll_output(&mut out, 1 << 20, self.now);
            if out.is_empty() {
                break;
            }
            assert!(wanted, "whoever has something to send says so");
            out.drain_to(&mut wire);
        }
        assert!(!self.conn.wants_write(), "and whoever has nothing does not");
        if self.role == Role::Client && wire.starts_with(PREFACE) {
            let _ = wire.split_to(PREFACE.len());
        }
        self.sent.extend(frames::decode_all(&wire, &mut self.decoder, &mut self.debug));
        self.drive();
    }

    /// The next frame on the wire is exactly this.
    #[track_caller]
    pub(crate) fn sends(&mut self, frame: Frame) {
        let sent = self.next_sent();
        assert_eq!(sent, Some(frame), "expected to be sent; events {:?}, error {:?}", self.got, self.error);
    }

    /// What goes on the wire now, as octets, which are decoded all the same.
    pub(crate) fn sends_octets(&mut self) -> Vec<u8> {
        let mut wire = BytesMut::new();
        let mut out = Output::new();
        self.conn.poll_output(&mut out, 1 << 20, self.now);
        out.drain_to(&mut wire);
        frames::decode_all(&wire, &mut self.decoder, &mut self.debug);
        wire.to_vec()
    }

    /// The next frame on the wire, whatever it is.
    pub(crate) fn next_sent(&mut self) -> Option<Frame> {
        if self.sent.is_empty() {
            self.poll();
        }
        let sent = self.sent.pop_front();
        if let Some(Frame::GoAway { code, .. }) = &sent {
            self.goaway = self.debug.pop_front().map(|debug| (*code, debug));
        }
        sent
    }

    #[track_caller]
    pub(crate) fn sends_nothing(&mut self) {
        self.poll();
        assert!(self.sent.is_empty(), "sent: {:?}", self.sent);
    }

    /// The next event is exactly this.
    #[track_caller]
    pub(crate) fn event(&mut self, want: Got) {
        self.drive();
        let got = self.got.pop_front();
        assert_eq!(got, Some(want), "expected as an event; error {:?}", self.error);
    }

    #[track_caller]
    pub(crate) fn no_event(&mut self) {
        self.drive();
        assert!(self.got.is_empty(), "events: {:?}", self.got);
    }

    /// The next rule that was noted as broken is this one.
    #[track_caller]
    pub(crate) fn breaks(&mut self, violation: Violation) {
        self.drive();
        let broken = self.conn.observer_mut().broken.pop_front().map(|(_, rule)| rule);
        assert_eq!(broken, Some(violation), "expected to be broken; events {:?}, error {:?}", self.got, self.error);
        assert!(self.conn.stats().violations_of(violation) > 0, "counted");
    }

    /// The stream was reset with this code because of this rule, which the owner learns.
    #[track_caller]
    pub(crate) fn resets(&mut self, id: u32, code: ErrorCode, violation: Violation) {
        self.sends(frames::reset(id, code));
        self.breaks(violation);
        self.event(got::reset(id, Cause::Local(violation)));
    }

    /// Server: the request is answered 400 and its stream reset, because a name or a value in it is not allowed.
    #[track_caller]
    pub(crate) fn turns_away(&mut self, id: u32, violation: Violation) {
        self.sends(headers(id, &[(":status", "400")], End::Last));
        self.sends(frames::reset(id, ErrorCode::PROTOCOL_ERROR));
        self.breaks(violation);
    }

    /// The connection failed for this reason, its GOAWAY (asserted before) says so, and nothing is parsed any more.
    #[track_caller]
    pub(crate) fn fails(&mut self, violation: Violation) {
        self.breaks(violation);
        let error = self.error.take().expect("the connection has failed");
        assert_eq!(error.violation, violation);
        let (code, debug) = self.goaway.take().expect("its GOAWAY was asserted");
        assert_eq!((code, debug.as_slice()), (violation.code(), violation.debug_data().as_bytes()));
        self.is_over();
    }

    /// The connection is dead: whatever comes is discarded, nothing is sent.
    #[track_caller]
    pub(crate) fn is_over(&mut self) {
        assert!(self.conn.is_dead());
        self.recv(ping(*b"too late"));
        assert!(self.input.is_empty(), "input is discarded");
        self.sends_nothing();
        self.no_event();
        assert_eq!(self.conn.next_timeout(), None);
    }

    /// A new request works, both compression states are in sync, and no octet of the connection's window is lost.
    #[track_caller]
    pub(crate) fn alive(&mut self) {
        self.sends_nothing();
        self.no_event();
        assert_eq!(self.error, None);
        match self.role {
            Role::Server => {
                let id = self.highest + if self.highest == 0 { 1 } else { 2 };
                let request = with(&GET, &[("x-alive", "is the table in sync?")]);
                self.asked(id, &request, End::Last);
                self.answers(id, &with(&OK, &[("x-alive", "it is")]), End::Last);
                self.conn.finished(StreamId::new(id));
            }
            Role::Client => {
                let id = self.asks(&with(&GET, &[("x-alive", "is the table in sync?")]), End::Last);
                self.answered(id, &with(&OK, &[("x-alive", "it is")]), End::Last);
            }
        }
        let (_, unreleased, sum) = self.conn.ledger();
        assert_eq!(sum, i64::from(self.conn.config().connection_window), "every octet of the window is accounted for");
        assert_eq!(unreleased, 0, "every octet was released");
    }

    /// Server: a request arrives and is told.
    #[track_caller]
    pub(crate) fn asked(&mut self, id: u32, fields: &[(&str, &str)], end: End) {
        self.recv(headers(id, fields, end));
        self.event(got::headers(id, fields, end));
    }

    /// Server: answers, and the answer goes on the wire.
    #[track_caller]
    pub(crate) fn answers(&mut self, id: u32, fields: &[(&str, &str)], end: End) {
        self.conn.send_headers(StreamId::new(id), &section(fields), end).expect("may be answered");
        self.sends(headers(id, fields, end));
    }

    /// Client: opens a stream, and the request goes on the wire.
    #[track_caller]
    pub(crate) fn asks(&mut self, fields: &[(&str, &str)], end: End) -> u32 {
        let id = self.conn.open(&section(fields), end).expect("a stream can be opened").get();
        self.sends(headers(id, fields, end));
        id
    }

    /// Client: a response arrives and is told.
    #[track_caller]
    pub(crate) fn answered(&mut self, id: u32, fields: &[(&str, &str)], end: End) {
        self.recv(headers(id, fields, end));
        self.event(got::headers(id, fields, end));
    }

    /// Content arrives, is told, and is consumed.
    #[track_caller]
    pub(crate) fn reads(&mut self, id: u32, data: &[u8], end: End) {
        self.recv(frames::data(id, data, end));
        self.event(got::data(id, data, end));
        self.release(id, data.len());
    }

    /// Takes the events of content on this stream, and says how many octets they hold.
    pub(crate) fn take_data(&mut self, stream: u32) -> usize {
        let mut octets = 0;
        while let Some(Got::Data { id, data, .. }) = self.got.front()
            && *id == stream
        {
            octets += data.0.len();
            self.got.pop_front();
        }
        octets
    }

    /// The application has consumed so many octets.
    pub(crate) fn release(&mut self, id: u32, octets: usize) {
        self.conn.release(StreamId::new(id), u32::try_from(octets).expect("a frame's content"));
    }

    /// It is this many milliseconds after the start; whatever is due by then happens, each thing at its time.
    pub(crate) fn at(&mut self, ms: u64) {
        let until = Time::ZERO + Duration::from_millis(ms);
        while let Some((due, _)) = self.conn.next_timeout()
            && due <= until
        {
            self.now = self.now.max(due);
            if let Err(error) = self.conn.handle_timeout(self.now) {
                self.error = Some(error);
            }
            self.poll();
        }
        self.now = until;
        self.drive();
    }

    /// What was sent, told and broken before the last of it does not matter.
    pub(crate) fn skip_to_the_end(&mut self) {
        self.poll();
        self.sent.drain(..self.sent.len().saturating_sub(1));
        self.debug.drain(..self.debug.len().saturating_sub(1));
        self.got.clear();
        let broken = &mut self.conn.observer_mut().broken;
        broken.drain(..broken.len().saturating_sub(1));
    }

    /// What was sent, told and broken so far does not matter.
    pub(crate) fn forget(&mut self) {
        self.poll();
        self.sent.clear();
        self.debug.clear();
        self.got.clear();
        self.conn.observer_mut().broken.clear();
    }
}

impl Drop for Transcript {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        self.poll();
        let broken = &self.conn.observer_mut().broken;
        assert!(broken.is_empty(), "left over: broken {broken:?}");
        assert!(self.sent.is_empty(), "left over: sent {:?}", self.sent);
        assert!(self.got.is_empty(), "left over: events {:?}", self.got);
        assert_eq!(self.error, None, "left over");
    }
}

/// Fields for a command.
pub(crate) fn section(fields: &[(&str, &str)]) -> Fields {
    Lines::of(fields).to_fields()
}

/// Fills a window or a buffer.
pub(crate) fn zeros(octets: usize) -> Vec<u8> {
    vec![0; octets]
}
