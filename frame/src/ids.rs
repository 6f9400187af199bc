//! Stream identifiers (RFC 9113 §5.1.1) and error codes (RFC 9113 §7).
//!
//! For: giving the two 32-bit numbers of the protocol types that cannot be mixed up.
//! Not for: the state of a stream or which identifier comes next on a connection; that is the connection's.

use std::fmt;

/// A stream identifier: 31 bits, 0 for the connection as a whole (RFC 9113 §5.1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(u32);

impl StreamId {
    /// Stream 0, which stands for the connection as a whole.
    pub const CONNECTION: Self = Self(0);
    /// The largest identifier, 2³¹ − 1. After it a connection can open no further stream.
    pub const MAX: Self = Self(0x7fff_ffff);

    /// An identifier from its 32 bits on the wire; the reserved first bit is dropped (RFC 9113 §4.1).
    #[must_use]
    #[inline]
    pub const fn new(value: u32) -> Self {
        Self(value & Self::MAX.0)
    }

    /// The number, between 0 and 2³¹ − 1.
    #[must_use]
    #[inline]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Whether this is stream 0.
    #[must_use]
    #[inline]
    pub const fn is_connection(self) -> bool {
        self.0 == 0
    }

    /// Whether the client opens this stream: odd identifiers (RFC 9113 §5.1.1).
    #[must_use]
    #[inline]
    pub const fn is_client_initiated(self) -> bool {
        self.0 % 2 == 1
    }

    /// Whether the server opens this stream by a promise: even identifiers except 0 (RFC 9113 §5.1.1).
    #[must_use]
    #[inline]
    pub const fn is_server_initiated(self) -> bool {
        self.0 != 0 && self.0.is_multiple_of(2)
    }

    /// The next identifier of the same initiator, `None` when they are used up.
    #[must_use]
    #[inline]
    pub const fn next(self) -> Option<Self> {
        // No overflow: both terms are below 2³¹ and 2.
        let next = self.0 + 2;
        if next > Self::MAX.0 { None } else { Some(Self(next)) }
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Why a stream or a connection ends, as RST_STREAM and GOAWAY carry it (RFC 9113 §7).
///
/// Unknown codes are kept as they are: they have no special meaning and must not be rejected.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ErrorCode(u32);

impl ErrorCode {
    /// Nothing went wrong: an orderly end.
    pub const NO_ERROR: Self = Self(0x0);
    /// The peer broke a rule for which there is no better code.
    pub const PROTOCOL_ERROR: Self = Self(0x1);
    /// This endpoint failed through its own fault.
    pub const INTERNAL_ERROR: Self = Self(0x2);
    /// The peer sent more than the window allowed, or made a window overflow.
    pub const FLOW_CONTROL_ERROR: Self = Self(0x3);
    /// SETTINGS were not acknowledged in time.
    pub const SETTINGS_TIMEOUT: Self = Self(0x4);
    /// A frame came for a stream that was half-closed or closed.
    pub const STREAM_CLOSED: Self = Self(0x5);
    /// A frame had a length its type does not permit.
    pub const FRAME_SIZE_ERROR: Self = Self(0x6);
    /// The stream was refused before anything was done for it: safe to retry.
    pub const REFUSED_STREAM: Self = Self(0x7);
    /// The stream is not wanted any more.
    pub const CANCEL: Self = Self(0x8);
    /// A field block could not be decompressed.
    pub const COMPRESSION_ERROR: Self = Self(0x9);
    /// The connection behind a CONNECT request was reset or broke off.
    pub const CONNECT_ERROR: Self = Self(0xa);
    /// The peer causes more load than is acceptable.
    pub const ENHANCE_YOUR_CALM: Self = Self(0xb);
    /// The transport below is not secure enough.
    pub const INADEQUATE_SECURITY: Self = Self(0xc);
    /// The request has to be made with HTTP/1.1.
    pub const HTTP_1_1_REQUIRED: Self = Self(0xd);

    /// A code from its number; every number is one.
    #[must_use]
    #[inline]
    pub const fn new(value: u32) -> Self {
        Self(value)
    }

    /// The number.
    #[must_use]
    #[inline]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The registered name, `None` for a code outside RFC 9113 §7.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::NO_ERROR => "NO_ERROR",
            Self::PROTOCOL_ERROR => "PROTOCOL_ERROR",
            Self::INTERNAL_ERROR => "INTERNAL_ERROR",
            Self::FLOW_CONTROL_ERROR => "FLOW_CONTROL_ERROR",
            Self::SETTINGS_TIMEOUT => "SETTINGS_TIMEOUT",
            Self::STREAM_CLOSED => "STREAM_CLOSED",
            Self::FRAME_SIZE_ERROR => "FRAME_SIZE_ERROR",
            Self::REFUSED_STREAM => "REFUSED_STREAM",
            Self::CANCEL => "CANCEL",
            Self::COMPRESSION_ERROR => "COMPRESSION_ERROR",
            Self::CONNECT_ERROR => "CONNECT_ERROR",
            Self::ENHANCE_YOUR_CALM => "ENHANCE_YOUR_CALM",
            Self::INADEQUATE_SECURITY => "INADEQUATE_SECURITY",
            Self::HTTP_1_1_REQUIRED => "HTTP_1_1_REQUIRED",
            _ => return None,
        })
    }
}

/// The registered name, or the number in hexadecimal.
impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => write!(f, "{:#x}", self.0),
        }
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ErrorCode({self})")
    }
}
