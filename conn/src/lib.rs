//! HTTP/2 connections without I/O: octets in, events out; commands in, octets out.
//!
//! The caller owns the socket, the clock and both buffers. One [`h2::Connection`] is one end of one HTTP/2 connection
//! (RFC 9113); it never reads a clock, never blocks, never locks, and needs no async runtime. See [`h2`] for the picture.
//!
//! ```
//! use bytes::BytesMut;
//! use pellucid_conn::{End, Event, Output, Time, h2::{Config, Connection}};
//! use pellucid_hpack::Fields;
//!
//! let now = Time::ZERO;
//! let mut client: Connection = Connection::client(Config::client(), now);
//! let mut server: Connection = Connection::server(Config::server(), now);
//!
//! // What one end has to say goes on the wire …
//! let mut request = Fields::new();
//! for (name, value) in [(":method", "GET"), (":scheme", "http"), (":authority", "localhost"), (":path", "/")] {
//!     request.push(name.as_bytes(), value.as_bytes());
//! }
//! let id = client.open(&request, End::Last).expect("a fresh connection takes a request");
//! let mut wire = BytesMut::new();
//! let mut out = Output::new();
//! client.poll_output(&mut out, 65_536, now);
//! out.drain_to(&mut wire);
//!
//! // … and comes out of the other end as events.
//! let mut seen = None;
//! while let Some(event) = server.next_event(&mut wire, now).expect("the client keeps to the protocol") {
//!     if let Event::Headers { id, fields, end } = event {
//!         seen = Some((id, fields.get(b":path").map(<[u8]>::to_vec), end));
//!     }
//! }
//! assert_eq!(seen, Some((id, Some(b"/".to_vec()), End::Last)));
//! ```
#![forbid(unsafe_code)]

pub mod h2;
pub mod tap;

mod error;
mod event;
mod observer;
mod output;
mod stats;
mod time;

pub use error::{Cause, ConnectionError, SendError};
pub use event::{AltSvc, Event, Refusal};
pub use observer::{Observer, Wait};
pub use output::Output;
pub use pellucid_frame::{End, ErrorCode, StreamId};
pub use pellucid_hpack::Fields;
pub use stats::Stats;
pub use time::Time;
