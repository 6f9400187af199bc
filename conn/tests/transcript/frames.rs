//! Frames by name, to send and to compare with; and the octets they stand for.

use std::collections::VecDeque;
use std::fmt;

use pellucid_conn::{End, ErrorCode, Fields, StreamId};
use pellucid_frame::{self as wire, Flags, Head, Kind, SettingId};
use pellucid_hpack::{Decoder, Encoder, Limits};

/// A frame. What only a peer in a test would send is in `Extras` and `Raw`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    Data { id: u32, data: Octets, end: End, padding: Option<u8> },
    Headers { id: u32, fields: Lines, end: End, extras: Extras },
    Promise { on: u32, id: u32, fields: Lines },
    Reset { id: u32, code: ErrorCode },
    Settings(Vec<(SettingId, u32)>),
    SettingsAck,
    Ping([u8; 8]),
    Pong([u8; 8]),
    GoAway { last: u32, code: ErrorCode },
    WindowUpdate { id: u32, increment: u32 },
    PriorityUpdate { id: u32, value: Octets },
    AltSvc { id: u32, origin: Octets, value: Octets },
    Origin(Vec<Octets>),
    Raw { kind: Kind, flags: Flags, id: u32, payload: Octets },
}

/// What HEADERS may have besides its fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extras {
    padding: Option<u8>,
    depends_on: Option<u32>,
    /// Octets of the block in one frame; the rest follows in CONTINUATION.
    piece: Option<usize>,
}

/// Octets, shown as text and not at length.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Octets(pub(crate) Vec<u8>);

impl fmt::Debug for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.get(..40).unwrap_or(&self.0);
        write!(f, "\"{}\" ({} octets)", shown.escape_ascii(), self.0.len())
    }
}

/// The lines of a field section.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Lines(Vec<(Octets, Octets)>);

impl Lines {
    pub(crate) fn of<N: AsRef<[u8]>, V: AsRef<[u8]>>(fields: &[(N, V)]) -> Self {
        Self(fields.iter().map(|(n, v)| (Octets(n.as_ref().to_vec()), Octets(v.as_ref().to_vec()))).collect())
    }

    pub(crate) fn from_fields(fields: &Fields) -> Self {
        Self(fields.iter().map(|f| (Octets(f.name.to_vec()), Octets(f.value.to_vec()))).collect())
    }

    pub(crate) fn to_fields(&self) -> Fields {
        let mut fields = Fields::new();
        for (name, value) in &self.0 {
            fields.push(&name.0, &value.0);
        }
        fields
    }
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |(name, value): &(Octets, Octets)| format!("{}: {}", name.0.escape_ascii(), value.0.escape_ascii());
        f.debug_list().entries(self.0.iter().take(10).map(line)).finish()
    }
}

pub(crate) fn data(id: u32, data: &[u8], end: End) -> Frame {
    Frame::Data { id, data: Octets(data.to_vec()), end, padding: None }
}

pub(crate) fn headers<N: AsRef<[u8]>, V: AsRef<[u8]>>(id: u32, fields: &[(N, V)], end: End) -> Frame {
    Frame::Headers { id, fields: Lines::of(fields), end, extras: Extras::default() }
}

pub(crate) fn promise<N: AsRef<[u8]>, V: AsRef<[u8]>>(on: u32, id: u32, fields: &[(N, V)]) -> Frame {
    Frame::Promise { on, id, fields: Lines::of(fields) }
}

pub(crate) fn reset(id: u32, code: ErrorCode) -> Frame {
    Frame::Reset { id, code }
}

pub(crate) fn settings(list: &[(SettingId, u32)]) -> Frame {
    Frame::Settings(list.to_vec())
}

pub(crate) fn settings_ack() -> Frame {
    Frame::SettingsAck
}

pub(crate) fn ping(payload: [u8; 8]) -> Frame {
    Frame::Ping(payload)
}

pub(crate) fn pong(payload: [u8; 8]) -> Frame {
    Frame::Pong(payload)
}

pub(crate) fn goaway(last: u32, code: ErrorCode) -> Frame {
    Frame::GoAway { last, code }
}

pub(crate) fn window_update(id: u32, increment: u32) -> Frame {
    Frame::WindowUpdate { id, increment }
}

pub(crate) fn priority_update(id: u32, value: &str) -> Frame {
    Frame::PriorityUpdate { id, value: Octets(value.into()) }
}

pub(crate) fn alt_svc(id: u32, origin: &str, value: &str) -> Frame {
    Frame::AltSvc { id, origin: Octets(origin.into()), value: Octets(value.into()) }
}

pub(crate) fn origin(origins: &[&str]) -> Frame {
    Frame::Origin(origins.iter().map(|o| Octets((*o).into())).collect())
}

/// PRIORITY that makes `id` depend on `on`, exclusively.
pub(crate) fn priority(id: u32, on: u32) -> Frame {
    let mut payload = (on | 1 << 31).to_be_bytes().to_vec();
    payload.push(15);
    raw(Kind::PRIORITY, Flags::NONE, id, &payload)
}

/// HEADERS with these octets as the block, or as its beginning without END_HEADERS among the flags.
pub(crate) fn block(id: u32, octets: &[u8], flags: Flags) -> Frame {
    raw(Kind::HEADERS, flags, id, octets)
}

pub(crate) fn continuation(id: u32, octets: &[u8], flags: Flags) -> Frame {
    raw(Kind::CONTINUATION, flags, id, octets)
}

/// Any frame at all.
pub(crate) fn raw(kind: Kind, flags: Flags, id: u32, payload: &[u8]) -> Frame {
    Frame::Raw { kind, flags, id, payload: Octets(payload.to_vec()) }
}

impl Frame {
    /// With so many octets of padding.
    pub(crate) fn padded(mut self, octets: u8) -> Self {
        match &mut self {
            Self::Data { padding, .. } => *padding = Some(octets),
            Self::Headers { extras, .. } => extras.padding = Some(octets),
            other => panic!("{other:?} has no padding"),
        }
        self
    }

    /// With the deprecated priority fields.
    pub(crate) fn depends_on(mut self, stream: u32) -> Self {
        match &mut self {
            Self::Headers { extras, .. } => extras.depends_on = Some(stream),
            other => panic!("{other:?} has no dependency"),
        }
        self
    }

    /// The block cut into pieces of so many octets.
    pub(crate) fn in_pieces_of(mut self, octets: usize) -> Self {
        match &mut self {
            Self::Headers { extras, .. } => extras.piece = Some(octets),
            other => panic!("{other:?} has no block"),
        }
        self
    }

    /// Appends the octets; `encoder` is the sender's.
    pub(crate) fn encode(&self, encoder: &mut Encoder, out: &mut Vec<u8>) {
        match self {
            Self::Data { id, data, end, padding } => {
                let frame =
                    wire::Data { stream: stream(*id), data: &data.0, padding: *padding, end_stream: end.is_last() };
                wire::Frame::Data(frame).encode(out);
            }
            Self::Headers { id, fields, end, extras } => {
                let mut octets = Vec::new();
                encoder.encode(&fields.to_fields(), &mut octets);
                encode_block((*id, *end), *extras, &octets, out);
            }
            Self::Promise { on, id, fields } => {
                let at = wire::encode::reserve_push_promise(out, stream(*id));
                encoder.encode(&fields.to_fields(), out);
                wire::encode::finish_push_promise(out, at, stream(*on), 16_384);
            }
            Self::Raw { kind, flags, id, payload } => {
                let length = u32::try_from(payload.0.len()).expect("a frame's payload");
                Head { length, kind: *kind, flags: *flags, stream: StreamId::CONNECTION }.encode(out);
                // The identifier as it is, its reserved bit included.
                out.truncate(out.len() - 4);
                out.extend_from_slice(&id.to_be_bytes());
                out.extend_from_slice(&payload.0);
            }
            other => other.encode_control(out),
        }
    }

    fn encode_control(&self, out: &mut Vec<u8>) {
        match self {
            Self::Reset { id, code } => wire::encode::reset(out, stream(*id), *code),
            Self::Settings(list) => {
                let list: Vec<_> = list.iter().map(|&(id, value)| wire::Setting { id, value }).collect();
                wire::encode::settings(out, &list);
            }
            Self::SettingsAck => wire::encode::settings_ack(out),
            Self::Ping(payload) => wire::encode::ping(out, *payload),
            Self::Pong(payload) => wire::encode::pong(out, *payload),
            Self::GoAway { last, code } => wire::encode::goaway(out, stream(*last), *code, b""),
            Self::WindowUpdate { id, increment } => wire::encode::window_update(out, stream(*id), *increment),
            Self::PriorityUpdate { id, value } => wire::encode::priority_update(out, stream(*id), &value.0),
            Self::AltSvc { id, origin, value } => wire::encode::altsvc(out, stream(*id), &origin.0, &value.0),
            Self::Origin(origins) => {
                let origins: Vec<&[u8]> = origins.iter().map(|o| o.0.as_slice()).collect();
                wire::encode::origin(out, &origins);
            }
            other => panic!("{other:?} is no control frame"),
        }
    }
}

fn stream(id: u32) -> StreamId {
    StreamId::new(id)
}

fn encode_block((id, end): (u32, End), extras: Extras, octets: &[u8], out: &mut Vec<u8>) {
    let first = extras.piece.unwrap_or(octets.len()).min(octets.len());
    let (fragment, rest) = octets.split_at(first);
    let dependency = extras.depends_on.map(|on| wire::Dependency { exclusive: true, on: stream(on), weight: 15 });
    let frame = wire::Headers {
        stream: stream(id),
        fragment,
        dependency,
        padding: extras.padding,
        end_stream: end.is_last(),
        end_headers: rest.is_empty(),
    };
    wire::Frame::Headers(frame).encode(out);
    let mut pieces = rest.chunks(first.max(1)).peekable();
    while let Some(fragment) = pieces.next() {
        let end_headers = pieces.peek().is_none();
        wire::Frame::Continuation(wire::Continuation { stream: stream(id), fragment, end_headers }).encode(out);
    }
}

/// Reads what a connection has sent: whole frames, all of them legal. GOAWAY's debug data goes to `debug`.
pub(crate) fn decode_all(mut wire: &[u8], decoder: &mut Decoder, debug: &mut VecDeque<Vec<u8>>) -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut pending: Option<(Frame, Vec<u8>)> = None;
    while let Some(head) = Head::peek(wire) {
        let (payload, rest) = wire
            .split_at_checked(Head::LEN)
            .and_then(|(_, rest)| rest.split_at_checked(head.length as usize))
            .expect("whole frames");
        wire = rest;
        let (id, more) = (head.stream.get(), !head.flags.contains(Flags::END_HEADERS));
        let (frame, block) = match wire::Frame::decode(head, payload).expect("a legal frame") {
            wire::Frame::Headers(f) => {
                let (end, extras) = (f.end(), Extras::default());
                (Frame::Headers { id, fields: Lines(Vec::new()), end, extras }, f.fragment.to_vec())
            }
            wire::Frame::PushPromise(f) => {
                let frame = Frame::Promise { on: id, id: f.promised.get(), fields: Lines(Vec::new()) };
                (frame, f.fragment.to_vec())
            }
            wire::Frame::Continuation(f) => {
                let (frame, mut block) = pending.take().expect("a block to continue");
                block.extend_from_slice(f.fragment);
                (frame, block)
            }
            other => {
                assert!(pending.is_none(), "nothing comes between the frames of a block");
                frames.push(decode(other, debug));
                continue;
            }
        };
        if more {
            pending = Some((frame, block));
        } else {
            frames.push(decompress(frame, &block, decoder));
        }
    }
    assert!(wire.is_empty() && pending.is_none(), "whole frames and whole blocks");
    frames
}

fn decompress(mut frame: Frame, block: &[u8], decoder: &mut Decoder) -> Frame {
    let mut section = Fields::new();
    let limits = Limits { max_size: 1 << 20, max_fields: 10_000, max_string: 1 << 20 };
    decoder.decode(block, &mut section, &limits).expect("a block in sync");
    decoder.finish().expect("a whole block");
    if let Frame::Headers { fields, .. } | Frame::Promise { fields, .. } = &mut frame {
        *fields = Lines::from_fields(&section);
    }
    frame
}

fn decode(frame: wire::Frame<'_>, debug: &mut VecDeque<Vec<u8>>) -> Frame {
    let octets = |o: &[u8]| Octets(o.to_vec());
    let id = frame.stream().get();
    match frame {
        wire::Frame::Data(f) => Frame::Data { id, data: octets(f.data), end: f.end(), padding: f.padding },
        wire::Frame::Reset(f) => reset(id, f.code),
        wire::Frame::Settings(f) if f.ack => settings_ack(),
        wire::Frame::Settings(f) => Frame::Settings(f.iter().map(|s| (s.id, s.value)).collect()),
        wire::Frame::Ping(f) if f.ack => pong(f.payload),
        wire::Frame::Ping(f) => ping(f.payload),
        wire::Frame::GoAway(f) => {
            debug.push_back(f.debug.to_vec());
            goaway(f.last.get(), f.code)
        }
        wire::Frame::WindowUpdate(f) => window_update(id, f.increment),
        wire::Frame::PriorityUpdate(f) => Frame::PriorityUpdate { id: f.prioritized.get(), value: octets(f.value) },
        wire::Frame::AltSvc(f) => Frame::AltSvc { id, origin: octets(f.origin), value: octets(f.value) },
        wire::Frame::Origin(f) => Frame::Origin(f.iter().map(octets).collect()),
        other => panic!("{other:?} is never sent"),
    }
}
