//! An HTTP/2 client: requests go to whatever server their URL names, and share its connection.
//!
//! ```no_run
//! use pellucid_client::{Client, Url};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::new();
//! let url: Url = "http://127.0.0.1:8080/hello".parse()?;
//! let (a, b) = tokio::join!(client.get(&url), client.send(url.request("POST").with_body("hello")));
//! println!("{}: {:?}", a?.status(), b?.into_body().collect(1 << 20).await?);
//! client.shut_down().await;
//! # Ok(())
//! # }
//! ```
//!
//! | to | take |
//! |---|---|
//! | send requests, and leave connections to it | [`Client`], made by [`Client::builder`] |
//! | hold one connection, and decide when there is another | [`Connector`] and [`Connection`] |
//! | use a transport of one's own | [`Connector::handshake`], [`ConnectorBuilder::dial_with`] |
//! | use `tower` and the `http` crate's types | module `http` (feature `http`) |
//!
//! `http://` is HTTP/2 with prior knowledge, `https://` is TLS with ALPN `h2`.
#![forbid(unsafe_code)]

mod builder;
mod client;
mod connect;
mod connection;
mod error;
mod eyeballs;
#[cfg(feature = "http")]
pub mod http;
mod origins;
mod settings;
mod timeouts;
#[cfg(feature = "tls")]
mod tls;
mod url;

pub use builder::ClientBuilder;
pub use client::Client;
pub use connect::Connector;
pub use connection::Connection;
pub use error::ConnectError;
pub use pellucid_conn::h2::Config;
pub use pellucid_driver::client::{Failure, Notice, Notices, Pushed, ResponseFuture, SendRequest};
pub use pellucid_driver::{
    Body, Chunk, Connected, Direction, End, Error, ErrorCode, Fields, Info, Kind, Report, Request, Response, Retry,
    Sender, Snapshot, Source, StreamId, Tap, TlsInfo, Tunnel,
};
pub use settings::ConnectorBuilder;
#[cfg(feature = "tls")]
pub use tls::{Tls, TlsStream, Trust};
pub use url::{Url, UrlError};
