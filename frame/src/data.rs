//! DATA: the content of messages, and padding (RFC 9113 §6.1).
//!
//! For: DATA frames and the padding they share with HEADERS and PUSH_PROMISE. Not for: windows; [`Data::flow_octets`]
//! only says what a frame costs.

use crate::{Error, Flags, Head, Kind, Rule, StreamId};

/// Whether a frame is the last of its sender on the stream: the END_STREAM flag as a type (RFC 9113 §5.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum End {
    /// More frames follow.
    #[default]
    More,
    /// The sender's half of the stream ends here.
    Last,
}

impl End {
    /// Whether the half of the stream ends.
    #[must_use]
    #[inline]
    pub const fn is_last(self) -> bool {
        matches!(self, Self::Last)
    }

    /// The flag on the wire, or none.
    #[must_use]
    #[inline]
    pub const fn flags(self) -> Flags {
        match self {
            Self::More => Flags::NONE,
            Self::Last => Flags::END_STREAM,
        }
    }
}

/// From the `end_stream` of a decoded frame.
impl From<bool> for End {
    #[inline]
    fn from(end_stream: bool) -> Self {
        if end_stream { Self::Last } else { Self::More }
    }
}

/// A DATA frame (RFC 9113 §6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Data<'a> {
    /// The stream the content belongs to.
    pub stream: StreamId,
    /// The content, without padding.
    pub data: &'a [u8],
    /// Octets of padding after the content; `None` without the PADDED flag, which is one octet shorter than `Some(0)`.
    pub padding: Option<u8>,
    /// Whether the sender's half of the stream ends.
    pub end_stream: bool,
}

impl<'a> Data<'a> {
    #[inline]
    pub(crate) fn decode(head: Head, payload: &'a [u8]) -> Result<Self, Error> {
        // RFC 9113 §6.1: DATA belongs to a stream.
        if head.stream.is_connection() {
            return Err(Error::new(Rule::DataOnStreamZero, head));
        }
        // RFC 9113 §4.2: a frame has room for the fields that are mandatory in it.
        let Some((padding, rest)) = split_pad_length(head.flags, payload) else {
            return Err(Error::new(Rule::DataTooShort, head));
        };
        // RFC 9113 §6.1: padding is shorter than the payload, of which the Pad Length is part.
        let Some(data) = strip_padding(padding, rest) else {
            return Err(Error::new(Rule::DataPaddingTooLong, head));
        };
        Ok(Self { stream: head.stream, data, padding, end_stream: head.flags.contains(Flags::END_STREAM) })
    }

    #[inline]
    pub(crate) fn encode(self, out: &mut Vec<u8>) {
        let flags = End::from(self.end_stream).flags().with(pad_flag(self.padding));
        Head { length: self.flow_octets(), kind: Kind::DATA, flags, stream: self.stream }.encode(out);
        out.extend(self.padding);
        out.extend_from_slice(self.data);
        append_padding(out, self.padding);
    }

    /// Octets the frame takes from the windows: its whole payload, padding and Pad Length included (RFC 9113 §6.1).
    #[must_use]
    #[inline]
    pub fn flow_octets(self) -> u32 {
        crate::octets(self.data.len()) + pad_octets(self.padding)
    }

    /// Where in the payload `data` begins: 1 after a Pad Length, else 0.
    ///
    /// With it the owner of the buffer can cut the content out without copying.
    #[must_use]
    #[inline]
    pub const fn offset(self) -> usize {
        self.padding.is_some() as usize
    }

    /// `end_stream` as a type.
    #[must_use]
    #[inline]
    pub fn end(self) -> End {
        self.end_stream.into()
    }
}

/// Takes the Pad Length off the front where the flags announce one; `None` when the payload has no room for it.
#[inline]
pub(crate) fn split_pad_length(flags: Flags, payload: &[u8]) -> Option<(Option<u8>, &[u8])> {
    if flags.contains(Flags::PADDED) {
        payload.split_first().map(|(&length, rest)| (Some(length), rest))
    } else {
        Some((None, payload))
    }
}

/// Takes the padding off the end of `rest`, what follows the fixed fields; `None` when there is less than that.
///
/// RFC 9113 §6.1: padding octets are not verified. They may be anything.
#[inline]
pub(crate) fn strip_padding(padding: Option<u8>, rest: &[u8]) -> Option<&[u8]> {
    match padding {
        None => Some(rest),
        Some(length) => rest.len().checked_sub(usize::from(length)).and_then(|end| rest.get(..end)),
    }
}

/// Octets of a payload that padding takes: the Pad Length itself and what it announces.
#[inline]
pub(crate) fn pad_octets(padding: Option<u8>) -> u32 {
    padding.map_or(0, |length| u32::from(length) + 1)
}

/// PADDED where there is a Pad Length.
#[inline]
pub(crate) const fn pad_flag(padding: Option<u8>) -> Flags {
    if padding.is_some() { Flags::PADDED } else { Flags::NONE }
}

/// Appends the padding itself. RFC 9113 §6.1: it is zeros.
#[inline]
pub(crate) fn append_padding(out: &mut Vec<u8>, padding: Option<u8>) {
    if let Some(length) = padding {
        out.resize(out.len() + usize::from(length), 0);
    }
}
