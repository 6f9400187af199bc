//! SETTINGS: identifiers, entries and the frame that carries them (RFC 9113 §6.5).
//!
//! For: reading and writing entries in wire order. Not for: which values are legal and what they change; a value is
//! judged by the connection, which knows both sides' settings.

use crate::{Error, Flags, Head, Kind, Rule, StreamId};
use std::fmt;

/// The identifier of a setting (RFC 9113 §6.5.2; the registry is that of RFC 7540 §11.3). Unknown ones are
/// to be ignored.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SettingId(u16);

impl SettingId {
    /// Octets of HPACK dynamic table the sender's decoder keeps; 4,096 at first (RFC 9113 §6.5.2).
    pub const HEADER_TABLE_SIZE: Self = Self(0x1);
    /// 0 when the sender accepts no pushed streams; 1 at first (RFC 9113 §6.5.2).
    pub const ENABLE_PUSH: Self = Self(0x2);
    /// Streams the sender lets its peer have open at a time; no limit at first (RFC 9113 §6.5.2).
    pub const MAX_CONCURRENT_STREAMS: Self = Self(0x3);
    /// Octets of window each new stream of the sender's peer begins with; 65,535 at first (RFC 9113 §6.5.2).
    pub const INITIAL_WINDOW_SIZE: Self = Self(0x4);
    /// Octets of payload the sender accepts in a frame; 16,384 at first (RFC 9113 §6.5.2).
    pub const MAX_FRAME_SIZE: Self = Self(0x5);
    /// Octets of a field section the sender is prepared to accept, advisory; no limit at first (RFC 9113 §6.5.2).
    pub const MAX_HEADER_LIST_SIZE: Self = Self(0x6);
    /// 1 when the sender accepts extended CONNECT (RFC 8441 §3).
    pub const ENABLE_CONNECT_PROTOCOL: Self = Self(0x8);
    /// 1 when the sender uses no priorities in the manner of RFC 7540 (RFC 9218 §2.1).
    pub const NO_RFC7540_PRIORITIES: Self = Self(0x9);

    /// An identifier from its number.
    #[must_use]
    #[inline]
    pub const fn new(value: u16) -> Self {
        Self(value)
    }

    /// The number.
    #[must_use]
    #[inline]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// The name without its `SETTINGS_`, `None` for identifiers this crate does not know.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::HEADER_TABLE_SIZE => "HEADER_TABLE_SIZE",
            Self::ENABLE_PUSH => "ENABLE_PUSH",
            Self::MAX_CONCURRENT_STREAMS => "MAX_CONCURRENT_STREAMS",
            Self::INITIAL_WINDOW_SIZE => "INITIAL_WINDOW_SIZE",
            Self::MAX_FRAME_SIZE => "MAX_FRAME_SIZE",
            Self::MAX_HEADER_LIST_SIZE => "MAX_HEADER_LIST_SIZE",
            Self::ENABLE_CONNECT_PROTOCOL => "ENABLE_CONNECT_PROTOCOL",
            Self::NO_RFC7540_PRIORITIES => "NO_RFC7540_PRIORITIES",
            _ => return None,
        })
    }
}

/// The registered name, or the number in hexadecimal.
impl fmt::Display for SettingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => write!(f, "{:#06x}", self.0),
        }
    }
}

impl fmt::Debug for SettingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SettingId({self})")
    }
}

/// One entry of a SETTINGS frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// What is set.
    pub id: SettingId,
    /// Its value, not judged here.
    pub value: u32,
}

impl Setting {
    /// Octets of an entry on the wire.
    pub const LEN: usize = 6;

    /// Reads an entry; every value of the six octets is one.
    #[must_use]
    #[inline]
    pub const fn decode(octets: &[u8; Self::LEN]) -> Self {
        let [i1, i2, v1, v2, v3, v4] = *octets;
        Self { id: SettingId::new(u16::from_be_bytes([i1, i2])), value: u32::from_be_bytes([v1, v2, v3, v4]) }
    }

    /// Appends the entry.
    #[inline]
    pub fn encode(self, out: &mut Vec<u8>) {
        let [i1, i2] = self.id.get().to_be_bytes();
        let [v1, v2, v3, v4] = self.value.to_be_bytes();
        out.extend_from_slice(&[i1, i2, v1, v2, v3, v4]);
    }
}

/// A SETTINGS frame: new values, or the acknowledgement of the peer's (RFC 9113 §6.5).
///
/// The entries stay octets until they are looked at. `encode::settings` writes a frame from a slice of [`Setting`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings<'a> {
    /// Whether this acknowledges settings received; then there are no entries.
    pub ack: bool,
    /// The entries, six octets each.
    pub payload: &'a [u8],
}

impl<'a> Settings<'a> {
    #[inline]
    pub(crate) fn decode(head: Head, payload: &'a [u8]) -> Result<Self, Error> {
        let ack = head.flags.contains(Flags::ACK);
        // RFC 9113 §6.5: SETTINGS belong to the connection.
        if !head.stream.is_connection() {
            return Err(Error::new(Rule::SettingsOnStream, head));
        }
        // RFC 9113 §6.5: an acknowledgement is empty.
        if ack && !payload.is_empty() {
            return Err(Error::new(Rule::SettingsAckWithPayload, head));
        }
        // RFC 9113 §6.5: the payload is whole entries.
        if !payload.len().is_multiple_of(Setting::LEN) {
            return Err(Error::new(Rule::SettingsLength, head));
        }
        Ok(Self { ack, payload })
    }

    #[inline]
    pub(crate) fn encode(self, out: &mut Vec<u8>) {
        let flags = if self.ack { Flags::ACK } else { Flags::NONE };
        let length = crate::octets(self.payload.len());
        Head { length, kind: Kind::SETTINGS, flags, stream: StreamId::CONNECTION }.encode(out);
        out.extend_from_slice(self.payload);
    }

    /// The entries in wire order. The same identifier may come again: they take effect one after the other
    /// (RFC 9113 §6.5.3).
    #[inline]
    pub fn iter(self) -> impl Iterator<Item = Setting> + 'a {
        self.payload.as_chunks().0.iter().map(Setting::decode)
    }

    /// The number of entries.
    #[must_use]
    #[inline]
    pub const fn len(self) -> usize {
        self.payload.len() / Setting::LEN
    }

    /// Whether there are no entries.
    #[must_use]
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }
}
