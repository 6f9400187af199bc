//! Tests of the wire format from outside: what goes in, what comes out, what is refused.
//!
//! The files: `rules` (each rule a frame can break, and its legal neighbours) · `encode` (the plain functions) ·
//! `round_trip` (properties) · `hostile` (every type, every flag, short payloads) · `cases` (the public frame cases) ·
//! `names` (registries).

mod cases;
mod encode;
mod hostile;
mod names;
mod round_trip;
mod rules;

use pellucid_frame::{Error, Flags, Frame, Head, Kind, StreamId};

/// Decodes a payload under a head made for it.
fn decode(kind: Kind, flags: Flags, stream: u32, payload: &[u8]) -> Result<Frame<'_>, Error> {
    Frame::decode(head(kind, flags, stream, payload.len()), payload)
}

/// A head for a payload of `length` octets.
fn head(kind: Kind, flags: Flags, stream: u32, length: usize) -> Head {
    Head { length: u32::try_from(length).expect("a short payload"), kind, flags, stream: StreamId::new(stream) }
}

/// The first frame of `wire` and what follows; `None` while it is not whole. What every reader of frames does.
fn split_frame(wire: &[u8]) -> Option<(Head, &[u8], &[u8])> {
    let head = Head::peek(wire)?;
    let (payload, rest) = wire.get(Head::LEN..)?.split_at_checked(head.length as usize)?;
    Some((head, payload, rest))
}

/// All frames of `wire`, which has to consist of whole and legal ones.
fn frames(mut wire: &[u8]) -> Vec<Frame<'_>> {
    let mut frames = Vec::new();
    while let Some((head, payload, rest)) = split_frame(wire) {
        frames.push(Frame::decode(head, payload).expect("a legal frame"));
        wire = rest;
    }
    assert!(wire.is_empty(), "{} octets of an incomplete frame", wire.len());
    frames
}

/// The octets of a frame.
fn wire(frame: Frame<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    frame.encode(&mut out);
    out
}
