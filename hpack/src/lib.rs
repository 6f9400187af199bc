//! HPACK, the field compression of HTTP/2 (RFC 7541).
//!
//! A [`Decoder`] and an [`Encoder`] hold the compression state of one direction of a connection each; a [`Fields`] holds one
//! field section. None of them knows anything about HTTP: they carry names and values as octets, say of what kind the octets
//! are ([`Class`]) and leave the judgement to others.
//!
//! To read it: `integer.rs` and `huffman/` are how numbers and strings are written; `static_table.rs` and `dynamic_table.rs`
//! what both sides know; `decoder/mod.rs` and `encoder/mod.rs` put them together; `encoder/policy.rs` is the one place where
//! there was something to decide.
//!
//! ```
//! use pellucid_hpack::{Decoder, Encoder, Fields, Limits, Token};
//!
//! let mut request = Fields::new();
//! request.push_token(Token::METHOD, b"GET");
//! request.push_token(Token::SCHEME, b"https");
//! request.push_token(Token::AUTHORITY, b"example.org");
//! request.push_token(Token::PATH, b"/");
//! request.push(b"x-trace", b"7f3a");
//!
//! let mut encoder = Encoder::new(4096);
//! let mut first = Vec::new();
//! encoder.encode(&request, &mut first);
//! let mut second = Vec::new();
//! encoder.encode(&request, &mut second);
//! assert_eq!(second.len(), request.len(), "the second time every field is one index");
//!
//! let mut decoder = Decoder::new(4096);
//! let limits = Limits::default();
//! for block in [first, second] {
//!     let mut fields = Fields::new();
//!     for fragment in block.chunks(3) {
//!         decoder.decode(fragment, &mut fields, &limits)?;
//!     }
//!     let section = decoder.finish()?;
//!     assert_eq!(fields, request);
//!     assert_eq!(section.size, u64::from(request.size()));
//!     assert_eq!(fields.find(Token::AUTHORITY), Some(&b"example.org"[..]));
//! }
//! # Ok::<(), pellucid_hpack::Error>(())
//! ```

#![forbid(unsafe_code)]

mod class;
mod decoder;
mod dynamic_table;
mod encoder;
mod entry;
mod error;
mod fields;
pub mod huffman;
pub mod integer;
mod static_table;
mod token;

pub use class::Class;
pub use decoder::{Coding, Decoder, Indexing, Limits, NameCoding, Over, Representation, Section, Sink, StringCoding};
pub use encoder::Encoder;
pub use error::Error;
pub use fields::{Field, Fields, Iter};
pub use token::Token;
