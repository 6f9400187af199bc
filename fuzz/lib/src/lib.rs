//! Fuzz targets: each is a pure function of its input that panics when a promise of Pellucid's is broken.
//!
//! libFuzzer calls them through the programs of `fuzz/fuzz_targets/`, `cargo test -p pellucid-fuzz` with the committed inputs and some thousands made
//! by chance. What they promise (I1 to I6 are the invariants of a connection):
//!
//! ```text
//! frame_decode        no octets make decoding panic; what was read is written the same; errors say what they are about
//! frame_roundtrip     what is written is read back the same, by both ways to write
//! hpack_decode        no block panics; however it is cut the outcome is the same; limits and table sizes hold
//! hpack_roundtrip     what was encoded is decoded, while the table's size changes; both tables stay equal
//! server_connection   I1 window + unreleased + unannounced is constant    I2 streams counted = open + half-closed + reserved
//! client_connection   I3 handlers within the limit                        I4 no output after the GOAWAY of an error
//!                     I5 one RST_STREAM a stream                          I6 what is buffered is within its bounds
//! two_sided           two ends under a simulated clock: nothing is lost, made twice, reordered or left waiting
//! ```
//!
//! Each gives the set of things it has [`Seen`], by which the committed inputs were chosen (`src/bin/seeds.rs`).
//!
//! ```
//! let ping = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
//! assert!(pellucid_fuzz::frame_decode(&ping).contains("PING"));
//! ```
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a target that cannot go on has found something")]

mod candidates;
mod chance;
mod compression;
mod connection;
mod frames;
mod world;

pub use candidates::candidate;
pub use chance::Chance;
pub use compression::{hpack_decode, hpack_roundtrip};
pub use connection::{client_connection, server_connection};
pub use frames::{frame_decode, frame_roundtrip};
pub use world::{cut, two_sided, whole_messages};

use std::collections::BTreeSet;

/// What an input has brought about: names of frames, events, broken rules and the like.
pub type Seen = BTreeSet<&'static str>;

/// A fuzz target.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name: of its program, and of its folders below `corpus` and `regressions`.
    pub name: &'static str,
    /// Runs one input; panics when it shows a mistake.
    pub run: fn(&[u8]) -> Seen,
    /// Octets beyond which inputs made by chance are not worth their time.
    pub longest: usize,
    /// Inputs made by chance that `cargo test` tries.
    pub tries: u64,
}

/// Every target.
pub const TARGETS: [Target; 7] = [
    Target { name: "frame_decode", run: frame_decode, longest: 200, tries: 5000 },
    Target { name: "frame_roundtrip", run: frame_roundtrip, longest: 200, tries: 5000 },
    Target { name: "hpack_decode", run: hpack_decode, longest: 300, tries: 4000 },
    Target { name: "hpack_roundtrip", run: hpack_roundtrip, longest: 300, tries: 4000 },
    Target { name: "server_connection", run: server_connection, longest: 1200, tries: 2000 },
    Target { name: "client_connection", run: client_connection, longest: 1200, tries: 2000 },
    Target { name: "two_sided", run: two_sided, longest: 1200, tries: 60 },
];
