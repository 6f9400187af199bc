//! HEADERS, PUSH_PROMISE and CONTINUATION: the frames that carry field blocks (RFC 9113 §6.2, §6.6, §6.10).
//!
//! For: finding the fragment of a field block in a payload. Not for: what the fragment says, which is HPACK, and not
//! for the order of the frames of one block, which the connection watches.

use crate::data::{append_padding, pad_flag, pad_octets, split_pad_length, strip_padding};
use crate::{Dependency, End, Error, Flags, Head, Kind, Rule, StreamId};

/// A HEADERS frame (RFC 9113 §6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Headers<'a> {
    /// The stream the field section belongs to.
    pub stream: StreamId,
    /// The field block, or its beginning when `end_headers` is false.
    pub fragment: &'a [u8],
    /// The deprecated dependency, present with the PRIORITY flag.
    pub dependency: Option<Dependency>,
    /// Octets of padding after the fragment; `None` without the PADDED flag.
    pub padding: Option<u8>,
    /// Whether the sender's half of the stream ends.
    pub end_stream: bool,
    /// Whether the field block ends with this frame.
    pub end_headers: bool,
}

impl<'a> Headers<'a> {
    #[inline]
    pub(crate) fn decode(head: Head, payload: &'a [u8]) -> Result<Self, Error> {
        // RFC 9113 §6.2: HEADERS belongs to a stream.
        if head.stream.is_connection() {
            return Err(Error::new(Rule::HeadersOnStreamZero, head));
        }
        // RFC 9113 §4.2: a frame has room for the fields that are mandatory in it.
        let Some((padding, dependency, rest)) = split_fixed_fields(head.flags, payload) else {
            return Err(Error::new(Rule::HeadersTooShort, head));
        };
        // RFC 9113 §6.2: padding is no longer than what the fixed fields leave.
        let Some(fragment) = strip_padding(padding, rest) else {
            return Err(Error::new(Rule::HeadersPaddingTooLong, head));
        };
        Ok(Self {
            stream: head.stream,
            fragment,
            dependency,
            padding,
            end_stream: head.flags.contains(Flags::END_STREAM),
            end_headers: head.flags.contains(Flags::END_HEADERS),
        })
    }

    #[inline]
    pub(crate) fn encode(self, out: &mut Vec<u8>) {
        let (fixed, priority) = match self.dependency {
            Some(_) => (Dependency::OCTETS, Flags::PRIORITY),
            None => (0, Flags::NONE),
        };
        let flags = End::from(self.end_stream).flags().with(pad_flag(self.padding)).with(priority);
        let length = crate::octets(self.fragment.len()) + fixed + pad_octets(self.padding);
        let flags = flags.with(block_flag(self.end_headers));
        Head { length, kind: Kind::HEADERS, flags, stream: self.stream }.encode(out);
        out.extend(self.padding);
        if let Some(dependency) = self.dependency {
            dependency.encode(out);
        }
        out.extend_from_slice(self.fragment);
        append_padding(out, self.padding);
    }

    /// Whether the frame makes its stream depend on itself, which is a stream error PROTOCOL_ERROR.
    ///
    /// Not an error of decoding: the field block has to be decompressed all the same, or the connection's HPACK state
    /// would be lost (RFC 9113 §4.3). The rule is RFC 7540 §5.3.1; RFC 9113 dropped dependencies without it.
    #[must_use]
    #[inline]
    pub fn depends_on_itself(self) -> bool {
        self.dependency.is_some_and(|dependency| dependency.on == self.stream)
    }

    /// `end_stream` as a type.
    #[must_use]
    #[inline]
    pub fn end(self) -> End {
        self.end_stream.into()
    }
}

/// A PUSH_PROMISE frame (RFC 9113 §6.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PushPromise<'a> {
    /// The stream of the request that the pushed one goes with.
    pub stream: StreamId,
    /// The stream that is reserved; even and not 0.
    pub promised: StreamId,
    /// The field block of the promised request, or its beginning when `end_headers` is false.
    pub fragment: &'a [u8],
    /// Octets of padding after the fragment; `None` without the PADDED flag.
    pub padding: Option<u8>,
    /// Whether the field block ends with this frame.
    pub end_headers: bool,
}

impl<'a> PushPromise<'a> {
    #[inline]
    pub(crate) fn decode(head: Head, payload: &'a [u8]) -> Result<Self, Error> {
        // RFC 9113 §6.6: PUSH_PROMISE belongs to a stream.
        if head.stream.is_connection() {
            return Err(Error::new(Rule::PushPromiseOnStreamZero, head));
        }
        // RFC 9113 §4.2: a frame has room for the fields that are mandatory in it.
        let split = split_pad_length(head.flags, payload)
            .and_then(|(padding, rest)| rest.split_first_chunk().map(|(id, rest)| (padding, id, rest)));
        let Some((padding, promised, rest)) = split else {
            return Err(Error::new(Rule::PushPromiseTooShort, head));
        };
        // RFC 9113 §6.6: padding is no longer than what the fixed fields leave.
        let Some(fragment) = strip_padding(padding, rest) else {
            return Err(Error::new(Rule::PushPromisePaddingTooLong, head));
        };
        let promised = StreamId::new(u32::from_be_bytes(*promised));
        // RFC 9113 §5.1.1, §6.6: only a server promises, and a server's streams are even and not 0.
        if !promised.is_server_initiated() {
            return Err(Error::new(Rule::PushPromiseIllegalId, head));
        }
        let end_headers = head.flags.contains(Flags::END_HEADERS);
        Ok(Self { stream: head.stream, promised, fragment, padding, end_headers })
    }

    #[inline]
    pub(crate) fn encode(self, out: &mut Vec<u8>) {
        let flags = pad_flag(self.padding).with(block_flag(self.end_headers));
        let length = crate::octets(self.fragment.len()) + 4 + pad_octets(self.padding);
        Head { length, kind: Kind::PUSH_PROMISE, flags, stream: self.stream }.encode(out);
        out.extend(self.padding);
        out.extend_from_slice(&self.promised.get().to_be_bytes());
        out.extend_from_slice(self.fragment);
        append_padding(out, self.padding);
    }
}

/// A CONTINUATION frame: the next part of a field block that a HEADERS or PUSH_PROMISE began (RFC 9113 §6.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Continuation<'a> {
    /// The stream of the frame that began the block.
    pub stream: StreamId,
    /// The next part of the field block.
    pub fragment: &'a [u8],
    /// Whether the field block ends with this frame.
    pub end_headers: bool,
}

impl<'a> Continuation<'a> {
    #[inline]
    pub(crate) fn decode(head: Head, payload: &'a [u8]) -> Result<Self, Error> {
        // RFC 9113 §6.10: CONTINUATION belongs to a stream.
        if head.stream.is_connection() {
            return Err(Error::new(Rule::ContinuationOnStreamZero, head));
        }
        Ok(Self { stream: head.stream, fragment: payload, end_headers: head.flags.contains(Flags::END_HEADERS) })
    }

    #[inline]
    pub(crate) fn encode(self, out: &mut Vec<u8>) {
        let (length, flags) = (crate::octets(self.fragment.len()), block_flag(self.end_headers));
        Head { length, kind: Kind::CONTINUATION, flags, stream: self.stream }.encode(out);
        out.extend_from_slice(self.fragment);
    }
}

/// The fields before a HEADERS frame's fragment, as its flags announce them, and what follows.
type FixedFields<'a> = (Option<u8>, Option<Dependency>, &'a [u8]);

#[inline]
fn split_fixed_fields(flags: Flags, payload: &[u8]) -> Option<FixedFields<'_>> {
    let (padding, rest) = split_pad_length(flags, payload)?;
    if flags.contains(Flags::PRIORITY) {
        let (dependency, rest) = rest.split_first_chunk()?;
        Some((padding, Some(Dependency::decode(dependency)), rest))
    } else {
        Some((padding, None, rest))
    }
}

/// END_HEADERS where the block ends.
#[inline]
fn block_flag(end_headers: bool) -> Flags {
    if end_headers { Flags::END_HEADERS } else { Flags::NONE }
}
