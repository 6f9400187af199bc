//! An HTTP/2 client: a URL becomes a connection, requests share it.
//!
//! ```no_run
//! use pellucid_client::{Connector, Url};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let url: Url = "http://127.0.0.1:8080/hello".parse()?;
//! let connection = Connector::new().connect(&url).await?;
//! let response = connection.send(url.get()).await?;
//! println!("{}: {:?}", response.status(), response.into_body().collect(1 << 20).await?);
//! connection.close().await;
//! # Ok(())
//! # }
//! ```
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
mod tunnel;
mod url;

pub use builder::ClientBuilder;
pub use client::Client;
pub use connect::Connector;
pub use connection::Connection;
pub use error::ConnectError;
pub use pellucid_conn::h2::Config;
pub use pellucid_driver::{
    Body, Chunk, Direction, End, Error, ErrorCode, Fields, Kind, Report, Request, Response, Retry, Sender, Source,
    StreamId, Tap, TlsInfo, client::SendRequest,
};
pub use settings::ConnectorBuilder;
#[cfg(feature = "tls")]
pub use tls::{Tls, TlsStream, Trust};
pub use url::{Url, UrlError};
