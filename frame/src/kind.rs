//! Frame types and flags: the fourth and fifth octet of a frame (RFC 9113 §4.1, §6; registry in §11.2).
//!
//! For: naming the codes. Not for: what a type's payload means; each type has its own struct.

use std::fmt;

/// The type of a frame, as its octet on the wire. Named `Kind` because `type` is taken in Rust.
///
/// Every value is legal: frames of unknown types are to be ignored (RFC 9113 §4.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(u8);

impl Kind {
    /// Content of a message (RFC 9113 §6.1).
    pub const DATA: Self = Self(0x0);
    /// Opens a stream or carries a field section's beginning (RFC 9113 §6.2).
    pub const HEADERS: Self = Self(0x1);
    /// The deprecated dependency of a stream (RFC 9113 §6.3).
    pub const PRIORITY: Self = Self(0x2);
    /// Ends a stream at once (RFC 9113 §6.4).
    pub const RST_STREAM: Self = Self(0x3);
    /// Configures the connection (RFC 9113 §6.5).
    pub const SETTINGS: Self = Self(0x4);
    /// Announces a pushed stream (RFC 9113 §6.6).
    pub const PUSH_PROMISE: Self = Self(0x5);
    /// Measures a round trip or checks that the peer lives (RFC 9113 §6.7).
    pub const PING: Self = Self(0x6);
    /// Ends the connection for new streams (RFC 9113 §6.8).
    pub const GOAWAY: Self = Self(0x7);
    /// Opens a flow-control window further (RFC 9113 §6.9).
    pub const WINDOW_UPDATE: Self = Self(0x8);
    /// Continues a field block (RFC 9113 §6.10).
    pub const CONTINUATION: Self = Self(0x9);
    /// Advertises an alternative service (RFC 7838 §4).
    pub const ALTSVC: Self = Self(0xa);
    /// Lists the origins a connection may serve (RFC 8336 §2).
    pub const ORIGIN: Self = Self(0xc);
    /// Changes the priority of a request (RFC 9218 §7.1).
    pub const PRIORITY_UPDATE: Self = Self(0x10);

    /// A type from its octet.
    #[must_use]
    #[inline]
    pub const fn new(value: u8) -> Self {
        Self(value)
    }

    /// The octet.
    #[must_use]
    #[inline]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// The registered name, `None` for types this crate does not know.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::DATA => "DATA",
            Self::HEADERS => "HEADERS",
            Self::PRIORITY => "PRIORITY",
            Self::RST_STREAM => "RST_STREAM",
            Self::SETTINGS => "SETTINGS",
            Self::PUSH_PROMISE => "PUSH_PROMISE",
            Self::PING => "PING",
            Self::GOAWAY => "GOAWAY",
            Self::WINDOW_UPDATE => "WINDOW_UPDATE",
            Self::CONTINUATION => "CONTINUATION",
            Self::ALTSVC => "ALTSVC",
            Self::ORIGIN => "ORIGIN",
            Self::PRIORITY_UPDATE => "PRIORITY_UPDATE",
            _ => return None,
        })
    }
}

/// The registered name, or the octet in hexadecimal.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => write!(f, "{:#04x}", self.0),
        }
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kind({self})")
    }
}

/// The flags of a frame. What a bit means depends on the type; bits a type does not define are ignored (RFC 9113 §4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flags(u8);

impl Flags {
    /// No flag.
    pub const NONE: Self = Self(0);
    /// DATA, HEADERS: the sender's half of the stream ends with this frame.
    pub const END_STREAM: Self = Self(0x1);
    /// SETTINGS, PING: this is an acknowledgement. The same bit as `END_STREAM`.
    pub const ACK: Self = Self(0x1);
    /// HEADERS, PUSH_PROMISE, CONTINUATION: the field block ends with this frame.
    pub const END_HEADERS: Self = Self(0x4);
    /// DATA, HEADERS, PUSH_PROMISE: the payload begins with the length of the padding at its end.
    pub const PADDED: Self = Self(0x8);
    /// HEADERS: a dependency precedes the field block.
    pub const PRIORITY: Self = Self(0x20);

    /// Flags from their octet.
    #[must_use]
    #[inline]
    pub const fn new(value: u8) -> Self {
        Self(value)
    }

    /// The octet.
    #[must_use]
    #[inline]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// Whether all of `flags` are set.
    #[must_use]
    #[inline]
    pub const fn contains(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// These flags and `flags`.
    #[must_use]
    #[inline]
    pub const fn with(self, flags: Self) -> Self {
        Self(self.0 | flags.0)
    }
}
