//! An HTTP/2 server: listens, accepts, serves, and leaves without losing a request.
//!
//! ```no_run
//! use pellucid_server::{Request, Response, Server};
//!
//! # fn main() -> std::io::Result<()> {
//! let server = Server::bind("127.0.0.1:8080".parse().unwrap())?;
//! println!("listening on {}", server.local_addr());
//! let report = server.run(|request: Request| async move {
//!     Response::new(200).with_header("content-type", "text/plain").with_body(request.path().to_vec())
//! })?;
//! println!("{report}");
//! # Ok(())
//! # }
//! ```
//!
//! `http://` is HTTP/2 with prior knowledge; with a [`tls::Identity`], or all that a [`tls::Tls`] can be, it is TLS with ALPN `h2`.
//! Each worker is a thread with a runtime and a listening socket of its own (SO_REUSEPORT); a connection lives and dies on one of
//! them. A Unix socket ([`Builder::bind_unix`]) and listeners of one's own are shared by the workers.
#![forbid(unsafe_code)]

mod accept;
mod builder;
mod connections;
mod drain;
mod listen;
mod server;
#[cfg(feature = "tls")]
pub mod tls;
#[cfg(unix)]
mod unix;

pub use builder::{Builder, TapMaker};
pub use connections::{Connections, Open};
pub use drain::{DrainReport, Shutdown};
pub use pellucid_conn::h2::Config;
pub use pellucid_driver::{
    Body, Chunk, Control, Direction, End, Error, ErrorCode, Fields, Info, Kind, Priority, Request, Response, Retry,
    Sender, Service, Snapshot, Source, Spawn, StreamId, Tap, TlsInfo, Tunnel,
};
pub use server::Server;
