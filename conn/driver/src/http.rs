//! The same connections in the types of the `http`, `http-body` and `tower-service` crates (feature `http`).
//!
//! | here | is for |
//! |---|---|
//! | [`service()`], [`HttpService`] | serving any tower service, such as an axum `Router`, with whatever layers around it |
//! | [`Channel`] | a client's connection as a tower service |
//! | [`RecvBody`] | content that arrives, on both sides |
//! | [`Facts`], [`Protocol`], [`Upgrade`], [`OnInterim`] | what `http` has no place for, in the messages' extensions |
//! | [`request_to_native`], [`Expected`], [`Origin`] | making a tower service of another client, in two calls |
//!
//! What differs between the two worlds is settled here, once: fields that only mean something to HTTP/1 are dropped
//! (RFC 9113 §8.2.2), `host` and `:authority` are one thing (§8.3.1), a body of known length gets its content-length, and CONNECT
//! (§8.5) becomes an [`Upgrade`]. Nothing is spawned, and content is not copied.
//!
//! ```
//! use std::convert::Infallible;
//! use pellucid_driver::http::{self, Channel, RecvBody};
//! use pellucid_driver::memory;
//! use tower_service::Service;
//!
//! /// Any tower service: here one that sends the content back.
//! #[derive(Clone)]
//! struct Echo;
//!
//! impl Service<::http::Request<RecvBody>> for Echo {
//!     type Response = ::http::Response<RecvBody>;
//!     type Error = Infallible;
//!     type Future = std::future::Ready<Result<Self::Response, Infallible>>;
//!
//!     fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
//!         std::task::Poll::Ready(Ok(()))
//!     }
//!
//!     fn call(&mut self, request: ::http::Request<RecvBody>) -> Self::Future {
//!         std::future::ready(Ok(::http::Response::new(request.into_body())))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sender = memory::connect(http::service(Echo));
//! let mut channel = Channel::new(sender, "http://localhost".parse()?);
//!
//! let request = ::http::Request::post("/echo").body(String::from("hello"))?;
//! let response = channel.call(request).await?;
//! assert_eq!(response.headers()["content-length"], "5");
//! let content = pellucid_driver::Body::from(response.into_body()).collect(1024).await?;
//! assert_eq!(content, "hello");
//! # Ok(())
//! # }
//! ```

mod channel;
mod extensions;
mod fields;
mod incoming;
mod outgoing;
mod request;
mod response;
mod service;

pub use channel::{Channel, Responding};
pub use extensions::{Facts, OnInterim, Protocol, Upgrade};
pub use incoming::RecvBody;
pub use request::{Origin, request_to_native};
pub use response::Expected;
pub use service::{Answering, HttpService, service};

/// Any error of the application's.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
