//! What a connection tells its owner: one event at a time, in wire order.

use bytes::Bytes;
use pellucid_frame::{End, ErrorCode, StreamId};
use pellucid_hpack::Fields;

use crate::error::Cause;
use crate::h2::{PeerSettings, Priority};

/// Something the network did, in the words of RFC 9113. At most 64 octets, asserted below.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// A field section that begins a message: a request (server), or an interim or final response (client).
    Headers {
        /// The stream.
        id: StreamId,
        /// Pseudo-header fields first, then the header fields; give it back with `recycle` when done.
        fields: Fields,
        /// `Last`: the message has no content and no trailers.
        end: End,
    },
    /// Content. Every octet delivered here must be given back once through `release`, also after the stream ended.
    Data {
        /// The stream.
        id: StreamId,
        /// The octets, without padding; may be empty only with `End::Last`.
        data: Bytes,
        /// `Last`: the message is complete.
        end: End,
    },
    /// The trailer section; the message is complete.
    Trailers {
        /// The stream.
        id: StreamId,
        /// The trailer fields.
        fields: Fields,
    },
    /// The stream ended before its time.
    Reset {
        /// The stream.
        id: StreamId,
        /// Who ended it and why.
        cause: Cause,
    },
    /// `capacity` of this stream is above zero again, after it was seen at zero.
    Writable {
        /// The stream.
        id: StreamId,
    },
    /// `open` may succeed again, after it was refused for want of a concurrency slot.
    SlotFree,
    /// A request was answered by the connection itself; the application never sees it.
    Refused {
        /// The stream.
        id: StreamId,
        /// Why it was refused.
        why: Refusal,
    },
    /// The server promised a pushed response (client, only where push is allowed).
    Promise {
        /// The stream whose request the push belongs to.
        on: StreamId,
        /// The promised stream.
        id: StreamId,
        /// The promised request.
        fields: Box<Fields>,
    },
    /// The client changed a response's priority (RFC 9218 §7.1).
    Priority {
        /// The stream.
        id: StreamId,
        /// Its new priority.
        priority: Priority,
    },
    /// The peer's settings, after a SETTINGS frame was applied and its acknowledgment queued.
    Settings(PeerSettings),
    /// The acknowledgment of a `ping` of ours.
    Pong([u8; 8]),
    /// An alternative service (RFC 7838 §4; client only).
    AltSvc(Box<AltSvc>),
    /// The origins the server claims authority for (RFC 8336; client over TLS only).
    Origin(Box<[Bytes]>),
    /// The peer ends the connection: streams of ours above `last` were not processed.
    GoAway {
        /// The highest stream of ours that the peer may have acted on.
        last: StreamId,
        /// Why.
        code: ErrorCode,
        /// Diagnostic octets, at most 256 kept.
        debug: Bytes,
    },
    /// The connection is going away and its last stream has ended: flush what `poll_output` gives, then close.
    Drained,
}

/// An alternative service as announced by an ALTSVC frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AltSvc {
    /// The origin it is for; empty when the frame came on a request's stream and so speaks of that request's origin.
    pub origin: Bytes,
    /// The stream it came on, `CONNECTION` otherwise.
    pub stream: StreamId,
    /// The Alt-Svc field value.
    pub value: Bytes,
}

/// Why the connection itself answered a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The field section was over `max_header_list_size` or held too many fields: answered 431.
    HeadersTooLarge,
    /// More streams than `max_concurrent_streams`: RST_STREAM(REFUSED_STREAM).
    StreamLimit,
    /// As many handlers are running as streams are allowed, though their streams may be reset: RST_STREAM(REFUSED_STREAM).
    HandlerLimit,
}

const _: () = assert!(size_of::<Event>() <= 64, "events are passed by value on the hot path");
