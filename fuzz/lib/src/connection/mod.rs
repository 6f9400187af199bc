//! One connection against a peer that says anything: the invariants I1 to I6 (see the crate's page).
//!
//! ```text
//!   octets of the input ─▶ Knobs, Step, Step, …
//!                            │
//!      Peer ── frames ──▶ wire ── pieces ──▶ Connection ◀── commands ── App
//!     (speaks)                                   │
//!     Heard ◀────────── frames ─────────────── output      (listens: what may be said, and how often)
//! ```
//!
//! The input is a script: a configuration, then steps of a few octets each, so that an octet more or less in one place does
//! not change the meaning of all that follows. Most frames are right; some steps are there to break rules.

mod app;
mod heard;
mod peer;
mod phrases;
mod run;
mod script;

use pellucid_conn::h2::Role;

use crate::Seen;
use run::Run;

/// A server's connection; the input tells what its client and its application do.
///
/// # Panics
/// When an invariant does not hold.
pub fn server_connection(input: &[u8]) -> Seen {
    Run::of_input(Role::Server, input)
}

/// A client's connection; the input tells what its server and its application do.
///
/// # Panics
/// When an invariant does not hold.
pub fn client_connection(input: &[u8]) -> Seen {
    Run::of_input(Role::Client, input)
}
