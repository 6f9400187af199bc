//! A frame of any type, and the way there and back (RFC 9113 §4.1, §6).
//!
//! For: the one match over the types, in each direction. Not for: the rules of a type; they stand with its struct.

use crate::{
    AltSvc, Continuation, Data, Error, GoAway, Head, Headers, Kind, Origin, Ping, Priority, PriorityUpdate,
    PushPromise, Reset, Settings, StreamId, Unknown, WindowUpdate,
};

/// A frame, borrowing its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// Content of a message.
    Data(Data<'a>),
    /// A field block, or its beginning.
    Headers(Headers<'a>),
    /// The deprecated dependency of a stream.
    Priority(Priority),
    /// The end of a stream.
    Reset(Reset),
    /// Settings, or the acknowledgement of settings.
    Settings(Settings<'a>),
    /// The reservation of a pushed stream.
    PushPromise(PushPromise<'a>),
    /// A ping, or the answer to one.
    Ping(Ping),
    /// The end of the connection.
    GoAway(GoAway<'a>),
    /// More window.
    WindowUpdate(WindowUpdate),
    /// The next part of a field block.
    Continuation(Continuation<'a>),
    /// The priority of a request.
    PriorityUpdate(PriorityUpdate<'a>),
    /// An alternative service.
    AltSvc(AltSvc<'a>),
    /// Origins the connection may serve.
    Origin(Origin<'a>),
    /// A frame of another type, or an ALTSVC that cannot be read.
    Unknown(Unknown<'a>),
}

impl<'a> Frame<'a> {
    /// Reads a frame from its head and its payload, which is the `head.length` octets after the head.
    ///
    /// Checked here is what the frame alone can tell, in this order: its stream, its size, its content. Flags that the
    /// type does not define and reserved bits are ignored (RFC 9113 §4.1). The size against SETTINGS_MAX_FRAME_SIZE is
    /// [`Head::check_size`], which needs no payload.
    ///
    /// # Errors
    ///
    /// The rule that the frame breaks, with the code and the scope it is answered with.
    #[inline]
    pub fn decode(head: Head, payload: &'a [u8]) -> Result<Self, Error> {
        debug_assert_eq!(head.length as usize, payload.len(), "the payload is as long as the head says");
        Ok(match head.kind {
            Kind::DATA => Self::Data(Data::decode(head, payload)?),
            Kind::HEADERS => Self::Headers(Headers::decode(head, payload)?),
            Kind::PRIORITY => Self::Priority(Priority::decode(head, payload)?),
            Kind::RST_STREAM => Self::Reset(Reset::decode(head, payload)?),
            Kind::SETTINGS => Self::Settings(Settings::decode(head, payload)?),
            Kind::PUSH_PROMISE => Self::PushPromise(PushPromise::decode(head, payload)?),
            Kind::PING => Self::Ping(Ping::decode(head, payload)?),
            Kind::GOAWAY => Self::GoAway(GoAway::decode(head, payload)?),
            Kind::WINDOW_UPDATE => Self::WindowUpdate(WindowUpdate::decode(head, payload)?),
            Kind::CONTINUATION => Self::Continuation(Continuation::decode(head, payload)?),
            Kind::PRIORITY_UPDATE => Self::PriorityUpdate(PriorityUpdate::decode(head, payload)?),
            Kind::ALTSVC => AltSvc::decode(head, payload),
            Kind::ORIGIN => Self::Origin(Origin { stream: head.stream, flags: head.flags, payload }),
            _ => Self::Unknown(Unknown { head, payload }),
        })
    }

    /// Appends the whole frame, head and payload. Padding octets are zeros.
    ///
    /// What a frame must not be is not checked: tests have to be able to write it. The payload has to stay below 2²⁴
    /// octets.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Data(frame) => frame.encode(out),
            Self::Headers(frame) => frame.encode(out),
            Self::Priority(frame) => frame.encode(out),
            Self::Reset(frame) => frame.encode(out),
            Self::Settings(frame) => frame.encode(out),
            Self::PushPromise(frame) => frame.encode(out),
            Self::Ping(frame) => frame.encode(out),
            Self::GoAway(frame) => frame.encode(out),
            Self::WindowUpdate(frame) => frame.encode(out),
            Self::Continuation(frame) => frame.encode(out),
            Self::PriorityUpdate(frame) => frame.encode(out),
            Self::AltSvc(frame) => frame.encode(out),
            Self::Origin(frame) => frame.encode(out),
            Self::Unknown(frame) => frame.encode(out),
        }
    }

    /// The stream identifier of the head.
    #[must_use]
    #[inline]
    pub const fn stream(&self) -> StreamId {
        match self {
            Self::Data(frame) => frame.stream,
            Self::Headers(frame) => frame.stream,
            Self::Priority(frame) => frame.stream,
            Self::Reset(frame) => frame.stream,
            Self::PushPromise(frame) => frame.stream,
            Self::WindowUpdate(frame) => frame.stream,
            Self::Continuation(frame) => frame.stream,
            Self::AltSvc(frame) => frame.stream,
            Self::Origin(frame) => frame.stream,
            Self::Unknown(frame) => frame.head.stream,
            Self::Settings(_) | Self::Ping(_) | Self::GoAway(_) | Self::PriorityUpdate(_) => StreamId::CONNECTION,
        }
    }

    /// The type in the head.
    #[must_use]
    #[inline]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Data(_) => Kind::DATA,
            Self::Headers(_) => Kind::HEADERS,
            Self::Priority(_) => Kind::PRIORITY,
            Self::Reset(_) => Kind::RST_STREAM,
            Self::Settings(_) => Kind::SETTINGS,
            Self::PushPromise(_) => Kind::PUSH_PROMISE,
            Self::Ping(_) => Kind::PING,
            Self::GoAway(_) => Kind::GOAWAY,
            Self::WindowUpdate(_) => Kind::WINDOW_UPDATE,
            Self::Continuation(_) => Kind::CONTINUATION,
            Self::PriorityUpdate(_) => Kind::PRIORITY_UPDATE,
            Self::AltSvc(_) => Kind::ALTSVC,
            Self::Origin(_) => Kind::ORIGIN,
            Self::Unknown(frame) => frame.head.kind,
        }
    }
}
