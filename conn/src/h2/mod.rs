//! One HTTP/2 connection (RFC 9113), either end, without I/O.
//!
//! ```text
//!  input ─▶ recv::step ─▶ recv::{headers, data, control} ─▶ Event ──────▶ owner
//!                │                    │
//!                │            stream::{state, table}   message   priority   limits   violation
//!                │                    │
//! output ◀─ send::schedule ◀── lane ◀─┴── send::commands ◀── open, send_*, reset, release … ◀── owner
//! ```
//!
//! * **One lane.** Control frames and field blocks share one queue in wire order; only DATA is scheduled, behind it. A block
//!   is encoded when it enters the lane, because HPACK's state is ordered.
//! * **Errors.** A broken rule is a [`Violation`], raised at one site; `violation` has one row a rule.
//! * **Bounds.** `limits` names each and the attack it stops.

mod authority;
mod clock;
mod config;
mod connection;
mod fault;
mod goaway;
mod lane;
mod limits;
mod message;
mod octets;
mod ping;
mod priority;
mod recv;
mod role;
mod send;
mod settings;
mod stream;
mod violation;

pub use clock::Timer;
pub use config::{Config, ConfigError};
pub use connection::Connection;
pub use limits::Rate;
pub use priority::Priority;
pub use role::Role;
pub use settings::PeerSettings;
pub use stream::{Closed, Input, Refused, State};
pub use violation::{Scope, Violation};
