//! The far end as a speaker: turns phrases into frames, most of them right for the moment at which they are said.
//! Not for: listening; that is `heard`.

use pellucid_conn::h2::Role;
use pellucid_frame::{Continuation, End, GoAway, Origin, Reset, Setting, Unknown, WindowUpdate, encode};
use pellucid_frame::{Data, Dependency, ErrorCode, Flags, Frame, Head, Headers, Kind, Priority, PushPromise, StreamId};
use pellucid_hpack::Encoder;

use super::phrases::{REQUESTS, RESPONSES, TRAILERS, section};
use super::script::Phrase;
use crate::frames::SETTINGS;

/// The peer's memory.
pub(super) struct Peer {
    /// The peer's role: not that of the connection under test.
    role: Role,
    encoder: Encoder,
    /// Streams on which it may still send content.
    open: Vec<u32>,
    /// All streams it knows of.
    known: Vec<u32>,
    next: u32,
    /// SETTINGS of the connection that it has yet to acknowledge.
    pub(super) owed: usize,
    pub(super) pings: Vec<[u8; 8]>,
    pub(super) said: Said,
}

/// What the peer has said, as far as it bounds what it may hear.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) settings: usize,
    pub(super) pings: usize,
    /// Octets of window granted to the connection.
    pub(super) credit: u64,
    /// … and to each stream, beyond what it starts with.
    pub(super) stream_credit: std::collections::BTreeMap<u32, u64>,
    /// The largest initial window of any moment.
    pub(super) initial_window: u64,
    pub(super) max_frame_size: u32,
    /// It may have said things that are not counted above.
    pub(super) is_damaged: bool,
}

const END: u8 = 1;
const PADDED: u8 = 2;
const WITH_PRIORITY: u8 = 4;
/// Any stream, not one that fits.
const ASTRAY: u8 = 0xe0;

const SIZES: [usize; 10] = [0, 1, 10, 2, 100, 1000, 5000, 10, 16_384, 20_000];
const INCREMENTS: [u32; 8] = [1, 1000, 65_535, 100_000, 10, 0x7fff_ffff, 0x7fff_0000, 0];

impl Peer {
    pub(super) fn new(role: Role, table: u32) -> Self {
        let mut encoder = Encoder::new(table.min(4096));
        encoder.set_max_table_size(table.min(4096));
        let said = Said { credit: 65_535, initial_window: 65_535, max_frame_size: 16_384, ..Said::default() };
        let next = if role == Role::Client { 1 } else { 2 };
        Self { role, encoder, open: Vec::new(), known: Vec::new(), next, owed: 0, pings: Vec::new(), said }
    }

    /// What every connection begins with.
    pub(super) fn greet(&mut self, wire: &mut Vec<u8>) {
        if self.role == Role::Client {
            wire.extend_from_slice(encode::PREFACE);
        }
        encode::settings(wire, &[]);
        self.said.settings += 1;
    }

    /// The connection has opened or promised a stream.
    pub(super) fn on_stream(&mut self, id: u32) {
        self.open.push(id);
        self.known.push(id);
    }

    pub(super) fn knows(&self, id: u32) -> bool {
        self.known.contains(&id)
    }

    /// The stream is over as far as the peer can tell.
    pub(super) fn on_reset(&mut self, id: u32) {
        self.open.retain(|open| *open != id);
    }

    /// A stream that fits: one that is open, the newest first; or any number at all.
    fn stream(&self, phrase: Phrase) -> u32 {
        let (at, is_astray) = (usize::from(phrase.stream), phrase.flags & ASTRAY == ASTRAY);
        let list = if is_astray { &self.known } else { &self.open };
        match (is_astray, at % 8) {
            (true, 0) => 0,
            (true, 1) => self.next,
            (true, 2) => u32::from(phrase.stream / 8),
            (true, 3) => self.next + 2 * u32::from(phrase.stream),
            _ => list.iter().rev().nth(at % list.len().max(1)).copied().unwrap_or(1),
        }
    }

    /// Says one thing.
    // tidy: table
    pub(super) fn say(&mut self, phrase: Phrase, wire: &mut Vec<u8>) {
        let stream = StreamId::new(self.stream(phrase));
        let number = usize::from(phrase.number);
        match phrase.kind % 26 {
            0..=2 => self.headers(phrase, wire),
            3..=7 => self.data(phrase, wire),
            8 => self.trailers(phrase, wire),
            9 => {
                self.on_reset(stream.get());
                let code = ErrorCode::new(u32::from(phrase.number % 20));
                Frame::Reset(Reset { stream, code }).encode(wire);
            }
            10 => self.settings(phrase, wire),
            11 if self.owed > 0 || phrase.flags & ASTRAY == ASTRAY => {
                self.owed = self.owed.saturating_sub(1);
                encode::settings_ack(wire);
            }
            12 if phrase.flags & END == 0 => {
                self.said.pings += 1;
                encode::ping(wire, [phrase.number; 8]);
            }
            12 => {
                let payload = self.pings.pop().unwrap_or([phrase.number; 8]);
                encode::pong(wire, payload);
            }
            13 if phrase.flags & ASTRAY == ASTRAY => {
                let last = StreamId::new([0, 1, self.next, 0x7fff_ffff][number % 4]);
                let code = ErrorCode::new(u32::from(phrase.text % 15));
                Frame::GoAway(GoAway { last, code, debug: &vec![b'd'; number] }).encode(wire);
            }
            14 | 15 => self.grant(stream, phrase, wire),
            16 => self.grant(StreamId::CONNECTION, phrase, wire),
            17 => {
                let on = StreamId::new(u32::from(phrase.text));
                let dependency = Dependency { exclusive: number > 100, on, weight: phrase.number };
                Frame::Priority(Priority { stream, dependency }).encode(wire);
            }
            18 => {
                let value = ["u=1", "u=7, i", "i", "??", ""][number % 5];
                let prioritized = if phrase.text > 200 { StreamId::new(u32::from(phrase.text)) } else { stream };
                encode::priority_update(wire, prioritized, value.as_bytes());
            }
            19 | 20 if self.role == Role::Server || phrase.flags & ASTRAY == ASTRAY => self.promise(phrase, wire),
            21..=24 => self.oddity(stream, phrase, wire),
            _ => self.headers(phrase, wire),
        }
    }

    /// What is seldom said, and what must not be.
    fn oddity(&mut self, stream: StreamId, phrase: Phrase, wire: &mut Vec<u8>) {
        let number = usize::from(phrase.number);
        match phrase.kind % 26 {
            21 => {
                let unknown = Head { length: 0, kind: Kind::new(0xb), flags: Flags::NONE, stream };
                match phrase.text % 3 {
                    0 => encode::altsvc(
                        wire,
                        if number > 99 { stream } else { StreamId::CONNECTION },
                        b"o",
                        b"h2=\":1\"",
                    ),
                    1 => {
                        Frame::Origin(Origin { stream: StreamId::CONNECTION, flags: Flags::NONE, payload: b"\0\x01o" })
                            .encode(wire)
                    }
                    _ => Frame::Unknown(Unknown { head: unknown, payload: b"" }).encode(wire),
                }
            }
            22 => {
                // Anything under any type; what it grants nobody knows.
                self.said.is_damaged = true;
                let payload = vec![phrase.text; number % 20];
                let length = u32::try_from(payload.len()).unwrap();
                let kind = Kind::new(phrase.kind / 26 + phrase.stream % 18);
                let head = Head { length, kind, flags: Flags::new(phrase.flags), stream };
                Frame::Unknown(Unknown { head, payload: &payload }).encode(wire);
            }
            23 => {
                let block: Vec<u8> = (0..phrase.number % 12).map(|at| phrase.text.wrapping_mul(at | 1)).collect();
                self.next += 2;
                self.block(StreamId::new(self.next - 2), &block, phrase, wire);
            }
            _ => {
                let fragment = vec![phrase.text; number % 30];
                let end_headers = phrase.flags & END == END;
                Frame::Continuation(Continuation { stream, fragment: &fragment, end_headers }).encode(wire);
            }
        }
    }

    /// A client's request, or a server's response.
    fn headers(&mut self, phrase: Phrase, wire: &mut Vec<u8>) {
        let id = match self.role {
            Role::Client if phrase.flags & ASTRAY != ASTRAY => {
                self.on_stream(self.next);
                self.next += 2;
                self.next - 2
            }
            _ => self.stream(phrase),
        };
        let fields = match self.role {
            Role::Client => section(&REQUESTS, 10, phrase.text),
            Role::Server => section(&RESPONSES, 7, phrase.text),
        };
        let mut block = Vec::new();
        self.encoder.encode(&fields, &mut block);
        self.block(StreamId::new(id), &block, phrase, wire);
    }

    fn trailers(&mut self, phrase: Phrase, wire: &mut Vec<u8>) {
        let (id, mut block) = (self.stream(phrase), Vec::new());
        self.encoder.encode(&section(&TRAILERS, 1, phrase.text), &mut block);
        self.block(StreamId::new(id), &block, Phrase { flags: phrase.flags | END, ..phrase }, wire);
    }

    /// HEADERS, and CONTINUATION where the phrase or the size asks for it.
    fn block(&mut self, stream: StreamId, block: &[u8], phrase: Phrase, wire: &mut Vec<u8>) {
        let parts = usize::from(phrase.number / 32).min(block.len());
        let first = if parts > 1 { block.len() / parts } else { block.len().min(16_000) };
        let (fragment, mut rest) = block.split_at(first);
        let dependency = Dependency { exclusive: false, on: StreamId::CONNECTION, weight: phrase.text };
        let end_stream = phrase.flags & END == END;
        if end_stream {
            self.on_reset(stream.get());
        }
        Frame::Headers(Headers {
            stream,
            fragment,
            dependency: (phrase.flags & WITH_PRIORITY != 0).then_some(dependency),
            padding: (phrase.flags & PADDED != 0).then_some(phrase.number),
            end_stream,
            end_headers: rest.is_empty(),
        })
        .encode(wire);
        while !rest.is_empty() {
            let (fragment, after) = rest.split_at(rest.len().min(first.max(1)));
            rest = after;
            Frame::Continuation(Continuation { stream, fragment, end_headers: rest.is_empty() }).encode(wire);
        }
    }

    fn data(&mut self, phrase: Phrase, wire: &mut Vec<u8>) {
        let id = self.stream(phrase);
        let end_stream = phrase.flags & END == END;
        if end_stream {
            self.on_reset(id);
        }
        let data = vec![phrase.text; SIZES[usize::from(phrase.number) % SIZES.len()]];
        let padding = (phrase.flags & PADDED != 0).then_some(phrase.number).filter(|_| data.len() < 16_000);
        Frame::Data(Data { stream: StreamId::new(id), data: &data, padding, end_stream }).encode(wire);
    }

    fn settings(&mut self, phrase: Phrase, wire: &mut Vec<u8>) {
        let mut list = Vec::new();
        for at in 0..phrase.flags % 4 {
            let (id, values) = SETTINGS[usize::from(phrase.text.wrapping_add(at)) % SETTINGS.len()];
            let value = values[usize::from(phrase.number.wrapping_add(at)) % values.len()];
            list.push(Setting { id, value });
            match id {
                pellucid_frame::SettingId::INITIAL_WINDOW_SIZE => {
                    self.said.initial_window = self.said.initial_window.max(u64::from(value));
                }
                pellucid_frame::SettingId::MAX_FRAME_SIZE => {
                    self.said.max_frame_size = self.said.max_frame_size.max(value);
                }
                _ => {}
            }
        }
        self.said.settings += 1;
        encode::settings(wire, &list);
    }

    fn grant(&mut self, stream: StreamId, phrase: Phrase, wire: &mut Vec<u8>) {
        let increment = INCREMENTS[usize::from(phrase.number) % if phrase.flags & ASTRAY == ASTRAY { 8 } else { 5 }];
        if stream.is_connection() {
            self.said.credit += u64::from(increment);
        } else {
            *self.said.stream_credit.entry(stream.get()).or_default() += u64::from(increment);
        }
        Frame::WindowUpdate(WindowUpdate { stream, increment }).encode(wire);
    }

    fn promise(&mut self, phrase: Phrase, wire: &mut Vec<u8>) {
        let (stream, promised) = (StreamId::new(self.stream(phrase)), self.next);
        let mut block = Vec::new();
        let fields = if phrase.text < 200 { section(&REQUESTS, 1, 0) } else { section(&REQUESTS, 10, phrase.text) };
        self.encoder.encode(&fields, &mut block);
        self.next += 2;
        let promised = StreamId::new(promised);
        let promise = PushPromise { stream, promised, fragment: &block, padding: None, end_headers: true };
        Frame::PushPromise(promise).encode(wire);
        self.on_stream(promised.get());
        if phrase.number < 128 {
            let mut block = Vec::new();
            self.encoder.encode(&section(&RESPONSES, 1, 0), &mut block);
            let at = encode::reserve_head(wire);
            wire.extend_from_slice(&block);
            encode::finish_headers(wire, at, promised, End::More, 16_384);
        }
    }
}
