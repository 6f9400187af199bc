//! The one loop between a socket, a connection and async handles, on tokio.
//!
//! ```text
//!  socket ─ read ─▶ input ─▶ Connection::next_event ─▶ Request ─▶ handler, polled here, at once
//!  socket ◀─ write ─ Output ◀─ Connection::poll_output ◀─ Response ◀─┘        ▲
//!                                                  mailbox ◀─ bodies, handles in other tasks
//! ```
//!
//! One task owns one connection: nothing is locked for a request whose handler is ready at once, and all that a turn has to
//! say leaves in one write. Start reading in `run`.
//!
//! ```
//! use pellucid_driver::{Body, Request, Response, client, server};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (near, far) = tokio::io::duplex(64 * 1024);
//! let hello = |request: Request| async move { Response::new(200).with_body(request.path().to_vec()) };
//! tokio::spawn(server::serve_connection(far, hello, server::Options::default())?);
//!
//! let (client, connection) = client::handshake(near, client::Options::default())?;
//! tokio::spawn(connection);
//! let response = client.send(Request::get("http", "localhost", "/hi")).await?;
//! assert_eq!(response.status(), 200);
//! assert_eq!(response.into_body().collect(1024).await?, "/hi");
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod answers;
mod body;
pub mod client;
mod clock;
mod control;
mod error;
mod exchange;
mod expect;
mod handlers;
#[cfg(feature = "http")]
pub mod http;
mod incoming;
mod info;
mod io;
mod mailbox;
pub mod memory;
mod message;
mod pipe;
mod pool;
mod requests;
mod run;
pub mod server;
mod service;
mod stats;
mod trace;
mod tunnel;
mod watch;

pub use body::{Body, Chunk, Sender, Source};
pub use control::Control;
pub use error::{Error, Kind, Retry};
pub use info::{Info, TlsInfo};
pub use io::{Direction, Tap};
pub use message::{Request, Response};
pub use pellucid_conn::h2::Priority;
pub use pellucid_conn::{self as conn, End, ErrorCode, Fields, StreamId};
pub use run::Report;
pub use service::{Service, Spawn, Spawned};
pub use stats::Snapshot;
pub use tunnel::{Connected, Opening, Tunnel};
pub use watch::watch;
