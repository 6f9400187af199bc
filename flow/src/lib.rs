//! Flow-control windows of HTTP/2 (RFC 9113 §5.2, §6.9): arithmetic only.
//!
//! Not for: frames, streams or time. The crate knows numbers; who they belong to is the connection's affair.
//!
//! ```text
//!    ours to spend (send)                      ours to grant (recv)
//!    ConnectionSendWindow                      RecvWindow of the connection
//!    SendWindow, one a stream  ── DATA ──▶     RecvWindow, one a stream
//!    InitialWindow             ◀── WINDOW_UPDATE, SETTINGS ──   Autotune: how much to grant
//! ```
//!
//! A sender and a receiver, with one update between them:
//!
//! ```
//! use pellucid_flow::{DEFAULT_WINDOW, InitialWindow, RecvWindow, SendWindow};
//!
//! let initial = InitialWindow::new();
//! let mut ours = SendWindow::new();
//! let mut theirs = RecvWindow::new(DEFAULT_WINDOW, DEFAULT_WINDOW);
//!
//! // We send 40,000 octets: what we may still send and what the peer still allows agree.
//! ours.consume(40_000);
//! theirs.receive(40_000)?;
//! assert_eq!(ours.available(initial.get()), theirs.window());
//!
//! // Nothing is announced until the application has read enough of it.
//! assert_eq!(theirs.take_update(), None);
//! theirs.release(40_000);
//! let increment = theirs.take_update().expect("more than half the window is free again");
//! assert_eq!(increment, 40_000);
//!
//! ours.grow(initial.get(), increment)?;
//! assert_eq!(ours.usable(initial.get()), DEFAULT_WINDOW);
//! # Ok::<(), pellucid_flow::Overflow>(())
//! ```
#![forbid(unsafe_code)]

mod autotune;
mod recv;
mod send;
mod window;

pub use autotune::{Autotune, Probe};
pub use recv::RecvWindow;
pub use send::{Change, ConnectionSendWindow, InitialWindow, SendWindow};
pub use window::{DEFAULT_WINDOW, MAX_WINDOW, Overflow};
