//! The head every frame begins with: nine octets (RFC 9113 §4.1).
//!
//! ```text
//!   0        1        2        3        4        5        6        7        8
//! +--------+--------+--------+--------+--------+--------+--------+--------+--------+
//! |          length          |  type  | flags  |R|       stream identifier         |
//! +--------+--------+--------+--------+--------+--------+--------+--------+--------+
//! ```
//!
//! For: reading and writing the head and judging its length before the payload has arrived.
//! Not for: anything that depends on the type; that begins in `frame.rs`.

use crate::{Error, Flags, Kind, Rule, StreamId};

/// The head of a frame. `length` counts the octets of the payload, the head itself not included (RFC 9113 §4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Octets in the payload, below 2²⁴.
    pub length: u32,
    /// What the payload is.
    pub kind: Kind,
    /// Flags, their meaning depends on `kind`.
    pub flags: Flags,
    /// The stream, or the connection as a whole.
    pub stream: StreamId,
}

impl Head {
    /// Octets in a head.
    pub const LEN: usize = 9;

    /// Reads a head. There is no way to fail: every value of the nine octets is a head.
    ///
    /// RFC 9113 §4.1: the reserved bit before the stream identifier is ignored.
    #[must_use]
    #[inline]
    pub const fn decode(octets: &[u8; Self::LEN]) -> Self {
        let [l1, l2, l3, kind, flags, s1, s2, s3, s4] = *octets;
        Self {
            // With the type and without it again: four octets in a row are one load, three are two.
            length: u32::from_be_bytes([l1, l2, l3, kind]) >> 8,
            kind: Kind::new(kind),
            flags: Flags::new(flags),
            stream: StreamId::new(u32::from_be_bytes([s1, s2, s3, s4])),
        }
    }

    /// Reads the head at the front of `octets`, `None` while fewer than nine have arrived.
    #[must_use]
    #[inline]
    pub fn peek(octets: &[u8]) -> Option<Self> {
        octets.first_chunk().map(Self::decode)
    }

    /// Appends the head. The payload, of `length` octets, is the caller's to append.
    #[inline]
    pub fn encode(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.octets());
    }

    /// Judges the length from the head alone, so that an oversized payload is never waited for.
    ///
    /// # Errors
    ///
    /// `Rule::FrameTooLarge` when `length` is above `max_frame_size`, the value of SETTINGS_MAX_FRAME_SIZE this
    /// endpoint has announced.
    #[inline]
    pub fn check_size(self, max_frame_size: u32) -> Result<(), Error> {
        // RFC 9113 §4.2: a frame above SETTINGS_MAX_FRAME_SIZE is a FRAME_SIZE_ERROR.
        if self.length > max_frame_size {
            return Err(Error::new(Rule::FrameTooLarge, self));
        }
        Ok(())
    }

    /// The head on the wire.
    #[inline]
    pub(crate) const fn octets(self) -> [u8; Self::LEN] {
        debug_assert!(self.length < 1 << 24, "a frame's length has 24 bits");
        let [l1, l2, l3, kind] = (self.length << 8 | self.kind.get() as u32).to_be_bytes();
        let [s1, s2, s3, s4] = self.stream.get().to_be_bytes();
        [l1, l2, l3, kind, self.flags.get(), s1, s2, s3, s4]
    }
}
