//! The catalogue of attacks on HTTP/2, frame by frame, on the core with a fake clock: honest use that looks alike lives for
//! minutes, a burst is answered with the exact reason, a peer that never reads stops the reading, and what comes after the
//! end is discarded. Memory is measured by what the core shows of it: streams, handlers, and octets that wait.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

#[allow(dead_code, reason = "shared with the transcripts, which use all of it")]
#[path = "../transcript/frames.rs"]
mod frames;

mod blocks;
mod floods;
mod resets;
mod server_side;
mod slow;
mod smuggling;
mod victim;
