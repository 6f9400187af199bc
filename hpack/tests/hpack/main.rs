//! Tests of the crate from outside, one program: the RFC's examples, decoder and encoder rule by rule, properties, and the
//! recorded stories.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a panic is how a test fails"
)]

mod common;
mod decoder;
mod encoder;
mod properties;
mod rfc7541;
mod stories;
