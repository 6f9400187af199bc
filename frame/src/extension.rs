//! Frames that other RFCs define: PRIORITY_UPDATE (RFC 9218 §7.1), ALTSVC (RFC 7838 §4), ORIGIN (RFC 8336 §2), and
//! frames of types nobody here knows (RFC 9113 §4.1, §5.5).
//!
//! For: the fields on the wire. Not for: when ALTSVC and ORIGIN are to be ignored, nor for the grammar of their
//! values; the connection knows its role and judges.

use crate::{Error, Flags, Frame, Head, Kind, Rule, StreamId, encode};

/// A PRIORITY_UPDATE frame (RFC 9218 §7.1); always on stream 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriorityUpdate<'a> {
    /// The stream whose priority changes; not 0, and it may be idle still.
    pub prioritized: StreamId,
    /// A Priority field value, such as `u=2, i`, not judged here.
    pub value: &'a [u8],
}

impl<'a> PriorityUpdate<'a> {
    #[inline]
    pub(crate) fn decode(head: Head, payload: &'a [u8]) -> Result<Self, Error> {
        // RFC 9218 §7.1: PRIORITY_UPDATE is sent on stream 0.
        if !head.stream.is_connection() {
            return Err(Error::new(Rule::PriorityUpdateOnStream, head));
        }
        // RFC 9113 §4.2: a frame has room for the fields that are mandatory in it.
        let Some((prioritized, value)) = payload.split_first_chunk() else {
            return Err(Error::new(Rule::PriorityUpdateLength, head));
        };
        let prioritized = StreamId::new(u32::from_be_bytes(*prioritized));
        // RFC 9218 §7.1: the prioritized stream is not stream 0.
        if prioritized.is_connection() {
            return Err(Error::new(Rule::PriorityUpdateIdZero, head));
        }
        Ok(Self { prioritized, value })
    }

    #[inline]
    pub(crate) fn encode(self, out: &mut Vec<u8>) {
        encode::priority_update(out, self.prioritized, self.value);
    }
}

/// An ALTSVC frame (RFC 7838 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AltSvc<'a> {
    /// The stream whose origin is meant, or stream 0 where `origin` says it.
    pub stream: StreamId,
    /// The origin in ASCII; it has to be empty on a stream and must not be on stream 0.
    pub origin: &'a [u8],
    /// An Alt-Svc field value.
    pub value: &'a [u8],
}

impl<'a> AltSvc<'a> {
    /// A frame whose Origin-Len reaches past its end is no ALTSVC and is passed on as unknown: RFC 7838 §4 makes the
    /// whole frame something an endpoint may ignore, so it cannot end a connection.
    #[inline]
    pub(crate) fn decode(head: Head, payload: &'a [u8]) -> Frame<'a> {
        match split_counted(payload) {
            Some((origin, value)) => Frame::AltSvc(Self { stream: head.stream, origin, value }),
            None => Frame::Unknown(Unknown { head, payload }),
        }
    }

    #[inline]
    pub(crate) fn encode(self, out: &mut Vec<u8>) {
        encode::altsvc(out, self.stream, self.origin, self.value);
    }
}

/// An ORIGIN frame (RFC 8336 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin<'a> {
    /// The stream; a frame on any but stream 0 has to be ignored.
    pub stream: StreamId,
    /// The flags; a frame with one of the first four set has to be ignored (RFC 8336 §2.2).
    pub flags: Flags,
    /// The entries, each with two octets of length.
    pub payload: &'a [u8],
}

impl<'a> Origin<'a> {
    #[inline]
    pub(crate) fn encode(self, out: &mut Vec<u8>) {
        let length = crate::octets(self.payload.len());
        Head { length, kind: Kind::ORIGIN, flags: self.flags, stream: self.stream }.encode(out);
        out.extend_from_slice(self.payload);
    }

    /// The origins in wire order, in ASCII; empty entries are left out. It ends where an entry reaches past the payload.
    #[inline]
    pub fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        let mut rest = self.payload;
        std::iter::from_fn(move || {
            let (origin, after) = split_counted(rest)?;
            rest = after;
            Some(origin)
        })
        .filter(|origin| !origin.is_empty())
    }
}

/// A frame of a type that is not known here: to be ignored, except within a field block (RFC 9113 §5.5, §6.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unknown<'a> {
    /// The head as it came; its `length` is that of the payload.
    pub head: Head,
    /// The payload as it came.
    pub payload: &'a [u8],
}

impl Unknown<'_> {
    #[inline]
    pub(crate) fn encode(self, out: &mut Vec<u8>) {
        let length = crate::octets(self.payload.len());
        Head { length, ..self.head }.encode(out);
        out.extend_from_slice(self.payload);
    }
}

/// Octets behind two octets of their count, and what follows; `None` when the count reaches past the end.
#[inline]
fn split_counted(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let (count, rest) = octets.split_first_chunk()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*count)))
}
