//! The small frames that steer streams and the connection: PRIORITY, RST_STREAM, PING, GOAWAY, WINDOW_UPDATE
//! (RFC 9113 §6.3, §6.4, §6.7, §6.8, §6.9).
//!
//! For: their fixed payloads. Not for: what they do to a stream, a window or the connection.

use crate::{Error, ErrorCode, Flags, Head, Kind, Rule, StreamId, encode};

/// The place of a stream in the tree of RFC 7540, which RFC 9113 §5.3.2 deprecates: parsed, checked, not acted upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// Whether the stream was to become the only child.
    pub exclusive: bool,
    /// The parent; stream 0 is the root.
    pub on: StreamId,
    /// The octet on the wire, which is one less than the weight it stands for (1 to 256).
    pub weight: u8,
}

impl Dependency {
    /// Octets on the wire.
    pub(crate) const OCTETS: u32 = 5;

    /// The first of the five octets' bits is Exclusive, 31 name the parent, the last octet is the weight.
    #[inline]
    pub(crate) const fn decode(octets: &[u8; 5]) -> Self {
        let [d1, d2, d3, d4, weight] = *octets;
        let on = u32::from_be_bytes([d1, d2, d3, d4]);
        Self { exclusive: on >> 31 == 1, on: StreamId::new(on), weight }
    }

    #[inline]
    pub(crate) fn encode(self, out: &mut Vec<u8>) {
        let [d1, d2, d3, d4] = (u32::from(self.exclusive) << 31 | self.on.get()).to_be_bytes();
        out.extend_from_slice(&[d1, d2, d3, d4, self.weight]);
    }
}

/// A PRIORITY frame (RFC 9113 §6.3), deprecated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Priority {
    /// The stream that was to be moved; it may be in any state.
    pub stream: StreamId,
    /// Where to.
    pub dependency: Dependency,
}

impl Priority {
    #[inline]
    pub(crate) fn decode(head: Head, payload: &[u8]) -> Result<Self, Error> {
        // RFC 9113 §6.3: PRIORITY belongs to a stream.
        if head.stream.is_connection() {
            return Err(Error::new(Rule::PriorityOnStreamZero, head));
        }
        // RFC 9113 §6.3: the payload is 5 octets; anything else ends the stream only.
        let Ok(octets) = payload.try_into() else {
            return Err(Error::new(Rule::PriorityLength, head));
        };
        let dependency = Dependency::decode(octets);
        // RFC 7540 §5.3.1: a stream cannot depend on itself.
        if dependency.on == head.stream {
            return Err(Error::new(Rule::PrioritySelfDependency, head));
        }
        Ok(Self { stream: head.stream, dependency })
    }

    #[inline]
    pub(crate) fn encode(self, out: &mut Vec<u8>) {
        let (length, kind) = (Dependency::OCTETS, Kind::PRIORITY);
        Head { length, kind, flags: Flags::NONE, stream: self.stream }.encode(out);
        self.dependency.encode(out);
    }
}

/// An RST_STREAM frame (RFC 9113 §6.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reset {
    /// The stream that ends.
    pub stream: StreamId,
    /// Why.
    pub code: ErrorCode,
}

impl Reset {
    #[inline]
    pub(crate) fn decode(head: Head, payload: &[u8]) -> Result<Self, Error> {
        // RFC 9113 §6.4: RST_STREAM belongs to a stream.
        if head.stream.is_connection() {
            return Err(Error::new(Rule::ResetOnStreamZero, head));
        }
        // RFC 9113 §6.4: the payload is 4 octets.
        let Ok(code) = payload.try_into() else {
            return Err(Error::new(Rule::ResetLength, head));
        };
        Ok(Self { stream: head.stream, code: ErrorCode::new(u32::from_be_bytes(code)) })
    }

    #[inline]
    pub(crate) fn encode(self, out: &mut Vec<u8>) {
        encode::reset(out, self.stream, self.code);
    }
}

/// A PING frame (RFC 9113 §6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ping {
    /// Whether this answers a PING.
    pub ack: bool,
    /// Eight octets of the sender's choice; an answer repeats them.
    pub payload: [u8; 8],
}

impl Ping {
    #[inline]
    pub(crate) fn decode(head: Head, payload: &[u8]) -> Result<Self, Error> {
        // RFC 9113 §6.7: PING belongs to the connection.
        if !head.stream.is_connection() {
            return Err(Error::new(Rule::PingOnStream, head));
        }
        // RFC 9113 §6.7: the payload is 8 octets.
        let Ok(payload) = payload.try_into() else {
            return Err(Error::new(Rule::PingLength, head));
        };
        Ok(Self { ack: head.flags.contains(Flags::ACK), payload })
    }

    #[inline]
    pub(crate) fn encode(self, out: &mut Vec<u8>) {
        if self.ack {
            encode::pong(out, self.payload);
        } else {
            encode::ping(out, self.payload);
        }
    }
}

/// A GOAWAY frame (RFC 9113 §6.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GoAway<'a> {
    /// The last of the receiver's streams that the sender has acted upon or may yet.
    pub last: StreamId,
    /// Why the connection ends.
    pub code: ErrorCode,
    /// Anything that helps a human; no meaning in the protocol.
    pub debug: &'a [u8],
}

impl<'a> GoAway<'a> {
    #[inline]
    pub(crate) fn decode(head: Head, payload: &'a [u8]) -> Result<Self, Error> {
        // RFC 9113 §6.8: GOAWAY belongs to the connection.
        if !head.stream.is_connection() {
            return Err(Error::new(Rule::GoAwayOnStream, head));
        }
        // RFC 9113 §4.2: a frame has room for the fields that are mandatory in it.
        let Some(([l1, l2, l3, l4, c1, c2, c3, c4], debug)) = payload.split_first_chunk() else {
            return Err(Error::new(Rule::GoAwayLength, head));
        };
        Ok(Self {
            last: StreamId::new(u32::from_be_bytes([*l1, *l2, *l3, *l4])),
            code: ErrorCode::new(u32::from_be_bytes([*c1, *c2, *c3, *c4])),
            debug,
        })
    }

    #[inline]
    pub(crate) fn encode(self, out: &mut Vec<u8>) {
        encode::goaway(out, self.last, self.code, self.debug);
    }
}

/// A WINDOW_UPDATE frame (RFC 9113 §6.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowUpdate {
    /// The stream whose window opens, or stream 0 for the connection's.
    pub stream: StreamId,
    /// By how many octets, 1 to 2³¹ − 1.
    pub increment: u32,
}

impl WindowUpdate {
    #[inline]
    pub(crate) fn decode(head: Head, payload: &[u8]) -> Result<Self, Error> {
        // RFC 9113 §6.9: the payload is 4 octets; on any stream another length ends the connection.
        let Ok(octets) = payload.try_into() else {
            return Err(Error::new(Rule::WindowUpdateLength, head));
        };
        // RFC 9113 §6.9: the first bit is reserved, to be ignored.
        let increment = u32::from_be_bytes(octets) & 0x7fff_ffff;
        // RFC 9113 §6.9: an increment of 0 ends the stream, on stream 0 the connection.
        if increment == 0 {
            return Err(Error::new(Rule::WindowUpdateZero, head));
        }
        Ok(Self { stream: head.stream, increment })
    }

    #[inline]
    pub(crate) fn encode(self, out: &mut Vec<u8>) {
        encode::window_update(out, self.stream, self.increment);
    }
}
