//! Frames (RFC 9113 §4, §6): octets read as frames, frames written and read again.
//! Not for: the order of frames; that is a connection's.

use arbitrary::{Arbitrary, Unstructured};
use pellucid_frame::{
    AltSvc, Continuation, Data, Dependency, End, Error, ErrorCode, Flags, Frame, GoAway, Head, Headers, Kind, Origin,
    Ping, Priority, PriorityUpdate, PushPromise, Reset, Rule, Scope, Setting, SettingId, Settings, StreamId, Unknown,
    WindowUpdate, encode,
};

use crate::Seen;

/// Reads the octets as frames one after the other. The last may be cut short: it is then read as if it were no longer.
///
/// # Panics
/// When reading panics, an error does not fit its frame, or a frame is written otherwise than it was read.
pub fn frame_decode(input: &[u8]) -> Seen {
    let mut seen = Seen::new();
    let mut rest = input;
    while let Some(head) = Head::peek(rest) {
        let payload = &rest[Head::LEN..];
        if let Err(error) = head.check_size(LARGEST) {
            assert!(head.length > LARGEST && error.rule == Rule::FrameTooLarge && error.scope() == Scope::Connection);
            seen.insert(error.rule.message());
        }
        let (payload, after) = payload.split_at_checked(head.length as usize).unwrap_or((payload, &[]));
        let head = Head { length: u32::try_from(payload.len()).unwrap(), ..head };
        seen.insert(head.kind.name().unwrap_or("unknown"));
        match Frame::decode(head, payload) {
            Ok(frame) => check_frame(frame, head, payload, &mut seen),
            Err(error) => check_error(error, head, &mut seen),
        }
        rest = after;
    }
    assert!(rest.len() < Head::LEN, "nine octets are a head");
    seen
}

/// The least that every endpoint accepts (RFC 9113 §6.5.2).
const LARGEST: u32 = 16_384;

fn check_frame(frame: Frame<'_>, head: Head, payload: &[u8], seen: &mut Seen) {
    assert_eq!((frame.kind(), frame.stream()), (head.kind, head.stream));
    match frame {
        Frame::Data(data) => {
            assert_eq!(data.flow_octets(), head.length, "padding counts");
            assert_eq!(&payload[data.offset()..data.offset() + data.data.len()], data.data);
            seen.insert(if data.padding.is_some() { "padded DATA" } else { "plain DATA" });
        }
        Frame::Headers(headers) => {
            assert!(headers.fragment.len() <= payload.len());
            let on_itself = headers.dependency.is_some_and(|dependency| dependency.on == headers.stream);
            assert_eq!(headers.depends_on_itself(), on_itself);
            seen.insert(if headers.dependency.is_some() { "HEADERS with priority" } else { "plain HEADERS" });
        }
        Frame::Settings(settings) => {
            assert_eq!(settings.iter().count(), settings.len());
            let names = settings.iter().map(|setting| setting.id.name().unwrap_or("unknown setting"));
            seen.extend(names);
        }
        Frame::Origin(origin) => {
            let octets: usize = origin.iter().map(|origin| origin.len() + 2).sum();
            assert!(octets <= payload.len(), "origins lie within the payload");
        }
        Frame::Reset(Reset { code, .. }) | Frame::GoAway(GoAway { code, .. }) => {
            seen.insert(code.name().unwrap_or("unknown code"));
        }
        _ => {}
    }
    // Written again it has the same length, and reads the same; reserved bits and padding octets may differ.
    let mut wire = Vec::new();
    frame.encode(&mut wire);
    assert_eq!(wire.len(), Head::LEN + payload.len());
    let again = Head::peek(&wire).unwrap();
    assert_eq!(Frame::decode(again, &wire[Head::LEN..]), Ok(frame));
}

fn check_error(error: Error, head: Head, seen: &mut Seen) {
    assert_eq!(error.head, head);
    assert!(head.kind.name().is_some(), "frames of unknown types break no rule: {error}");
    assert!(!matches!(head.kind, Kind::ALTSVC | Kind::ORIGIN), "they may be ignored: {error}");
    // RFC 9113 §5.4.2: a stream error belongs to a stream.
    if let Scope::Stream(stream) = error.scope() {
        assert!(stream == head.stream && !stream.is_connection(), "{error}");
    }
    assert!(matches!(error.code(), ErrorCode::PROTOCOL_ERROR | ErrorCode::FRAME_SIZE_ERROR), "{error}");
    assert!(error.to_string().contains(error.rule.message()));
    seen.insert(error.rule.message());
}

/// Makes frames of the octets, writes them, and reads them again; cuts field blocks into frames and joins them.
///
/// # Panics
/// When something does not come back as it was.
pub fn frame_roundtrip(input: &[u8]) -> Seen {
    let mut seen = Seen::new();
    let mut from = Unstructured::new(input);
    let mut wire = Vec::new();
    let mut all: Vec<Parts<'_>> = Vec::new();
    while let (false, Ok(parts)) = (from.is_empty(), Parts::arbitrary(&mut from)) {
        all.push(parts);
    }
    for parts in &all {
        let start = wire.len();
        let frame = parts.frame();
        frame.encode(&mut wire);
        seen.insert(frame.kind().name().unwrap_or("unknown"));
        check_shortcut(frame, &wire[start..], &mut seen);
        check_block(parts, &mut seen);
    }
    let mut rest = wire.as_slice();
    for parts in &all {
        let head = Head::peek(rest).unwrap();
        let (payload, after) = rest[Head::LEN..].split_at(head.length as usize);
        assert_eq!(Frame::decode(head, payload), Ok(parts.frame()));
        rest = after;
    }
    assert!(rest.is_empty());
    seen
}

/// The hot path's functions write what [`Frame::encode`] writes.
fn check_shortcut(frame: Frame<'_>, wire: &[u8], seen: &mut Seen) {
    let mut out = Vec::new();
    match frame {
        Frame::Data(Data { stream, data, padding: None, end_stream }) => {
            let end = if end_stream { End::Last } else { End::More };
            encode::data_head(&mut out, stream, u32::try_from(data.len()).unwrap(), end);
            out.extend_from_slice(data);
        }
        Frame::Reset(Reset { stream, code }) => encode::reset(&mut out, stream, code),
        Frame::Settings(settings) if settings.ack => encode::settings_ack(&mut out),
        Frame::Settings(settings) => encode::settings(&mut out, &settings.iter().collect::<Vec<Setting>>()),
        Frame::Ping(Ping { ack: true, payload }) => encode::pong(&mut out, payload),
        Frame::Ping(Ping { ack: false, payload }) => encode::ping(&mut out, payload),
        Frame::GoAway(GoAway { last, code, debug }) => encode::goaway(&mut out, last, code, debug),
        Frame::WindowUpdate(update) => encode::window_update(&mut out, update.stream, update.increment),
        Frame::PriorityUpdate(update) => encode::priority_update(&mut out, update.prioritized, update.value),
        Frame::AltSvc(AltSvc { stream, origin, value }) => encode::altsvc(&mut out, stream, origin, value),
        _ => return,
    }
    assert_eq!(out, wire, "{frame:?}");
    seen.insert("the short way");
}

/// A block cut into HEADERS or PUSH_PROMISE and CONTINUATION frames is whole again when it is put together.
fn check_block(parts: &Parts<'_>, seen: &mut Seen) {
    let (stream, limit) = (parts.stream(), u32::from(parts.limit % 40) + 5);
    let (end, promised) = (if parts.first { End::Last } else { End::More }, parts.promised());
    let mut wire = b"before".to_vec();
    if parts.second {
        let at = encode::reserve_head(&mut wire);
        wire.extend_from_slice(parts.octets);
        encode::finish_headers(&mut wire, at, stream, end, limit);
    } else {
        let at = encode::reserve_push_promise(&mut wire, promised);
        wire.extend_from_slice(parts.octets);
        encode::finish_push_promise(&mut wire, at, stream, limit);
    }
    let (mut block, mut rest, mut is_done, mut count) = (Vec::new(), &wire[6..], false, 0);
    while let Some(head) = Head::peek(rest) {
        assert!(!is_done && head.length <= limit && head.stream == stream);
        let (payload, after) = rest[Head::LEN..].split_at(head.length as usize);
        match Frame::decode(head, payload) {
            Ok(Frame::Headers(headers)) => {
                assert!(count == 0 && parts.second && headers.end() == end);
                block.extend_from_slice(headers.fragment);
                is_done = headers.end_headers;
            }
            Ok(Frame::PushPromise(promise)) => {
                assert!(count == 0 && !parts.second && promise.promised == promised);
                block.extend_from_slice(promise.fragment);
                is_done = promise.end_headers;
            }
            Ok(Frame::Continuation(continuation)) => {
                assert!(count > 0 && !continuation.fragment.is_empty());
                block.extend_from_slice(continuation.fragment);
                is_done = continuation.end_headers;
            }
            other => panic!("{other:?} in a field block"),
        }
        (rest, count) = (after, count + 1);
    }
    assert!(is_done && rest.is_empty() && block == parts.octets);
    seen.insert(if count > 1 { "a block in parts" } else { "a block in one" });
}

/// What frames are made of; which of it a frame uses depends on its type.
#[derive(Arbitrary, Clone, Debug)]
struct Parts<'a> {
    kind: u8,
    stream: u32,
    other: u32,
    number: u32,
    padding: Option<u8>,
    dependency: Option<(bool, u8)>,
    first: bool,
    second: bool,
    limit: u8,
    octets: &'a [u8],
}

impl Parts<'_> {
    fn stream(&self) -> StreamId {
        StreamId::new((self.stream & 0x7fff_ffff).max(1))
    }

    fn promised(&self) -> StreamId {
        StreamId::new((self.other & 0x7fff_fffe).max(2))
    }

    /// A legal frame of any type.
    fn frame(&self) -> Frame<'_> {
        let (stream, other, padding, octets) = (self.stream(), StreamId::new(self.other), self.padding, self.octets);
        let (code, ack) = (ErrorCode::new(self.number), self.first);
        let (end_stream, end_headers) = (self.first, self.second);
        let dependency = self.dependency.map(|(exclusive, weight)| Dependency { exclusive, on: other, weight });
        match self.kind % 14 {
            0 => Frame::Data(Data { stream, data: octets, padding, end_stream }),
            1 => {
                let fragment = octets;
                Frame::Headers(Headers { stream, fragment, dependency, padding, end_stream, end_headers })
            }
            2 => {
                // Not itself: its neighbour.
                let on = StreamId::new(stream.get() ^ 1);
                Frame::Priority(Priority { stream, dependency: Dependency { exclusive: ack, on, weight: self.limit } })
            }
            3 => Frame::Reset(Reset { stream, code }),
            4 => {
                let entries = octets.len() / Setting::LEN * Setting::LEN;
                Frame::Settings(Settings { ack, payload: if ack { &[] } else { &octets[..entries] } })
            }
            5 => {
                let promised = self.promised();
                Frame::PushPromise(PushPromise { stream, promised, fragment: octets, padding, end_headers })
            }
            6 => Frame::Ping(Ping { ack, payload: (u64::from(self.number) << 8).to_be_bytes() }),
            7 => Frame::GoAway(GoAway { last: other, code, debug: octets }),
            8 => Frame::WindowUpdate(WindowUpdate { stream: other, increment: stream.get() }),
            9 => Frame::Continuation(Continuation { stream, fragment: octets, end_headers }),
            10 => {
                let (origin, value) = octets.split_at(usize::from(self.limit).min(octets.len()));
                Frame::AltSvc(AltSvc { stream: other, origin, value })
            }
            11 => Frame::Origin(Origin { stream: other, flags: Flags::new(self.limit), payload: octets }),
            12 => Frame::PriorityUpdate(PriorityUpdate { prioritized: stream, value: octets }),
            _ => {
                let length = u32::try_from(octets.len()).unwrap();
                let head = Head { length, kind: Kind::new(0xfa), flags: Flags::new(self.limit), stream: other };
                Frame::Unknown(Unknown { head, payload: octets })
            }
        }
    }
}

/// A frame's worth of settings that a connection may meet, for those who need some (RFC 9113 §6.5.2).
pub(crate) const SETTINGS: [(SettingId, &[u32]); 8] = [
    (SettingId::HEADER_TABLE_SIZE, &[0, 64, 100, 4096, 65_536, u32::MAX]),
    (SettingId::ENABLE_PUSH, &[0, 1]),
    (SettingId::MAX_CONCURRENT_STREAMS, &[0, 1, 7, 100, u32::MAX]),
    (SettingId::INITIAL_WINDOW_SIZE, &[0, 1, 100, 5000, 65_535, 300_000, 0x7fff_ffff]),
    (SettingId::MAX_FRAME_SIZE, &[16_384, 20_000, 65_536, 16_777_215]),
    (SettingId::MAX_HEADER_LIST_SIZE, &[0, 1, 10_000]),
    (SettingId::ENABLE_CONNECT_PROTOCOL, &[0, 1]),
    (SettingId::NO_RFC7540_PRIORITIES, &[0, 1]),
];
