//! A client and a server in one process, joined in memory: for tests of services, without a socket or a port.

use pellucid_conn::h2::ConfigError;
use tokio::io::duplex;

use crate::client::{self, SendRequest};
use crate::server;
use crate::service::Service;

/// Octets that may be under way in each direction.
const PIPE: usize = 64 << 10;

/// A client of `service`, both ends with their defaults, as two tasks of the current tokio runtime. They end when the last handle
/// is dropped and the last response has been read.
///
/// ```
/// use pellucid_driver::{Request, Response, memory};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let client = memory::connect(|request: Request| async move { Response::new(200).with_body(request.path().to_vec()) });
/// let response = client.send(Request::get("http", "localhost", "/hello")).await?;
/// assert_eq!(response.into_body().collect(1024).await?, "/hello");
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn connect(service: impl Service) -> SendRequest {
    let (server, client) = (server::Options::default(), client::Options::default());
    // That they are in range is a test of theirs.
    connect_with(service, server, client).expect("the defaults are in range")
}

/// As [`connect`], with options for both ends.
///
/// # Errors
/// A configuration value out of range.
pub fn connect_with(
    service: impl Service,
    server: server::Options,
    client: client::Options,
) -> Result<SendRequest, ConfigError> {
    let (near, far) = duplex(PIPE);
    let serving = server::serve_connection(far, service, server)?;
    let (handle, connection) = client::handshake(near, client)?;
    tokio::spawn(serving);
    tokio::spawn(connection);
    Ok(handle)
}
