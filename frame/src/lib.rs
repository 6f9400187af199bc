//! The wire format of HTTP/2 frames (RFC 9113 §4 and §6, RFC 9218 §7.1, RFC 7838 §4, RFC 8336 §2).
//!
//! An HTTP/2 connection is a sequence of frames. Each has a head of nine octets and a payload:
//!
//! ```text
//! +--------+--------+--------+--------+--------+--------+--------+--------+--------+------------------
//! |          length          |  type  | flags  |R|       stream identifier         |  payload …
//! +--------+--------+--------+--------+--------+--------+--------+--------+--------+------------------
//!    octets in the payload     what it  bits that             which stream            `length` octets
//!                              is       go with it            it is about
//! ```
//!
//! For: turning octets into typed frames, which borrow their payload, and back; and for every rule that a frame can
//! break by itself, as one table ([`Rule`]). Not for: anything that needs memory of an earlier frame. Stream states,
//! settings, windows, field compression and the order of frames belong to other crates.
//!
//! ```
//! use pellucid_frame::{Data, End, ErrorCode, Frame, Head, Rule, Scope, StreamId, encode};
//!
//! // Write two frames one after the other.
//! let stream = StreamId::new(1);
//! let mut wire = Vec::new();
//! encode::data_head(&mut wire, stream, 5, End::Last);
//! wire.extend_from_slice(b"hello");
//! encode::window_update(&mut wire, stream, 0); // not permitted: see below
//!
//! // Read the first: the head tells how much payload to wait for.
//! let head = Head::peek(&wire).expect("nine octets are there");
//! head.check_size(16_384)?;
//! let (payload, rest) = wire[Head::LEN..].split_at(head.length as usize);
//! let frame = Frame::decode(head, payload)?;
//! assert_eq!(frame, Frame::Data(Data { stream, data: b"hello", padding: None, end_stream: true }));
//!
//! // Read the second: an error says which rule was broken and how to answer.
//! let head = Head::peek(rest).expect("nine octets are there");
//! let error = Frame::decode(head, &rest[Head::LEN..]).unwrap_err();
//! assert_eq!(error.rule, Rule::WindowUpdateZero);
//! assert_eq!(error.code(), ErrorCode::PROTOCOL_ERROR);
//! assert_eq!(error.scope(), Scope::Stream(stream));
//! assert_eq!(
//!     error.to_string(),
//!     "WINDOW_UPDATE frame of 4 octets on stream 1: increment of 0; stream error PROTOCOL_ERROR (RFC 9113 §6.9)",
//! );
//! # Ok::<(), pellucid_frame::Error>(())
//! ```

#![forbid(unsafe_code)]

mod control;
mod data;
pub mod encode;
mod error;
mod extension;
mod frame;
mod head;
mod headers;
mod ids;
mod kind;
mod settings;

pub use control::{Dependency, GoAway, Ping, Priority, Reset, WindowUpdate};
pub use data::{Data, End};
pub use encode::PREFACE;
pub use error::{Error, Rule, Scope};
pub use extension::{AltSvc, Origin, PriorityUpdate, Unknown};
pub use frame::Frame;
pub use head::Head;
pub use headers::{Continuation, Headers, PushPromise};
pub use ids::{ErrorCode, StreamId};
pub use kind::{Flags, Kind};
pub use settings::{Setting, SettingId, Settings};

/// The length of something in memory as a frame's length, which has 24 bits.
#[inline]
#[allow(clippy::cast_possible_truncation, reason = "a caller's payload of 2²⁴ octets or more is a bug, asserted here")]
fn octets(length: usize) -> u32 {
    debug_assert!(length < 1 << 24, "a frame's length has 24 bits");
    length as u32
}
