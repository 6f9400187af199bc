//! Pellucid: HTTP/2 from frames up, a transport you can see through.
//!
//! This crate only gathers the others under one roof:
//!
//! * [`server`] and [`client`]: what most programs need;
//! * `http` (feature `http`, on by default): any tower service over the types of the `http` crate, on both sides;
//! * [`driver`]: one connection on any transport, native requests and responses;
//! * [`conn`]: the connection without I/O, for those who own their sockets and their time;
//! * [`frame`], [`hpack`], [`flow`]: the wire format, field compression, window arithmetic.
//!
//! ```
//! use pellucid::{client::{Connector, Url}, server::{Request, Response, Server}};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::bind("127.0.0.1:0".parse()?)?;
//! let (address, shutdown) = (server.local_addr(), server.shutdown());
//! let serving = std::thread::spawn(move || {
//!     server.run(|request: Request| async move { Response::new(200).with_body(request.path().to_vec()) })
//! });
//!
//! let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! runtime.block_on(async {
//!     let url: Url = format!("http://{address}/hello").parse()?;
//!     let connection = Connector::new().connect(&url).await?;
//!     let response = connection.send(url.get()).await?;
//!     assert_eq!(response.into_body().collect(1024).await?, "/hello");
//!     connection.close().await;
//!     Ok::<(), Box<dyn std::error::Error>>(())
//! })?;
//! shutdown.shut_down();
//! assert_eq!(serving.join().unwrap()?.requests, 1);
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

#[cfg(feature = "client")]
pub use pellucid_client as client;
pub use pellucid_conn as conn;
pub use pellucid_driver as driver;
#[cfg(feature = "http")]
pub use pellucid_driver::http;
pub use pellucid_flow as flow;
pub use pellucid_frame as frame;
pub use pellucid_hpack as hpack;
#[cfg(feature = "server")]
pub use pellucid_server as server;

/// The README's programs are compiled like any other example.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// So are those of the guide for embedding.
#[cfg(all(doctest, feature = "server", feature = "client", feature = "http", feature = "tls"))]
#[doc = include_str!("../docs/EMBEDDING.md")]
struct Embedding;

/// The book's programs too.
#[cfg(all(doctest, feature = "server", feature = "client"))]
mod book {
    #[doc = include_str!("../docs/book/1-frame.md")]
    struct Frame;
    #[doc = include_str!("../docs/book/2-hpack.md")]
    struct Hpack;
    #[doc = include_str!("../docs/book/3-flow.md")]
    struct Flow;
    #[doc = include_str!("../docs/book/4-conn.md")]
    struct Conn;
    #[doc = include_str!("../docs/book/5-driver.md")]
    struct Driver;
    #[doc = include_str!("../docs/book/6-ends.md")]
    struct Ends;
}
