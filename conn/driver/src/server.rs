//! The server's end of one connection: serves it on any transport. What becomes of its requests is in `answers`.
//!
//! ```
//! use pellucid_driver::{Request, Response, client, server};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (transport, near) = tokio::io::duplex(64 * 1024);
//! let mut options = server::Options::default();
//! options.config.max_concurrent_streams = 50;
//! let echo = |request: Request| async move { Response::new(200).with_body(request.into_body()) };
//! // `transport` is anything that reads and writes: a socket, TLS, a pipe.
//! let (connection, handle) = server::serve_with_handle(transport, echo, options)?;
//! let serving = tokio::spawn(connection);
//!
//! # let (send_request, connection) = client::handshake(near, client::Options::default())?;
//! # tokio::spawn(connection);
//! # send_request.send(Request::new("POST", "http", "localhost", "/").with_body("hi")).await?;
//! handle.shut_down();
//! assert_eq!(serving.await?.streams, 1);
//! # Ok(())
//! # }
//! ```

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pellucid_conn::h2::{Config, ConfigError, Connection};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::answers::Answers;
use crate::control::ask_for_stats;
use crate::incoming;
use crate::info::Info;
use crate::io::Tap;
use crate::mailbox::{Mail, Mailbox};
use crate::message::Shared;
use crate::run::{Driver, Report, Wiring, check_patience};
use crate::service::Service;
use crate::stats::Snapshot;
use crate::trace;

/// How to serve a connection.
#[non_exhaustive]
pub struct Options {
    /// Limits, windows and timeouts.
    pub config: Config,
    /// What handlers may know of the connection.
    pub info: Info,
    /// Watches every octet; the costs of watching are the watcher's.
    pub tap: Option<Tap>,
    /// A socket that takes nothing for this long is closed.
    pub write_timeout: Duration,
    /// The origins the connection may be used for, such as `https://example.com` (RFC 8336); told to the client over TLS.
    pub origins: Vec<Bytes>,
}

impl Default for Options {
    fn default() -> Self {
        let (config, info) = (Config::server(), Info::default());
        Self { config, info, tap: None, write_timeout: Duration::from_secs(30), origins: Vec::new() }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("server::Options")
            .field("config", &self.config)
            .field("info", &self.info)
            .finish_non_exhaustive()
    }
}

/// Tells a connection to leave politely: no new streams, those that are open may finish. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Handle(Arc<Mailbox>);

impl Handle {
    /// Begins the drain; done when the connection's future completes.
    pub fn shut_down(&self) {
        // A connection that is over needs no telling.
        let _ = self.0.post(Mail::ShutDown);
    }

    /// What the connection has done so far; `None` when it is closed. Cancel-safe.
    pub fn stats(&self) -> impl Future<Output = Option<Snapshot>> + Send + use<> {
        ask_for_stats(&self.0)
    }
}

/// Serves one connection on any transport, by HTTP/2 with prior knowledge. The future completes when it is closed; dropping it
/// cuts the connection off.
///
/// # Errors
/// A configuration value out of range.
pub fn serve_connection<T, S>(
    transport: T,
    service: S,
    options: Options,
) -> Result<impl Future<Output = Report> + Send, ConfigError>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service,
{
    serve_with_handle(transport, service, options).map(|(connection, _)| connection)
}

/// As [`serve_connection`]: the connection's future, and a handle to drain it. Dropping the future cuts the connection off.
///
/// # Errors
/// A configuration value out of range.
pub fn serve_with_handle<T, S>(
    transport: T,
    service: S,
    options: Options,
) -> Result<(impl Future<Output = Report> + Send, Handle), ConfigError>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service,
{
    options.config.validate()?;
    check_patience(options.write_timeout)?;
    let mailbox = Arc::new(Mailbox::default());
    let report_from = incoming::report_from(&options.config, options.config.max_concurrent_streams);
    let span = trace::connection("server", &options.info);
    let shared = Arc::new(Shared { info: options.info, mailbox: Arc::clone(&mailbox) });
    let app = Answers::new(service, shared, report_from);
    let config = options.config;
    let wiring = Wiring { mailbox: Arc::clone(&mailbox), tap: options.tap, write_timeout: options.write_timeout, span };
    let driver = Driver::new(transport, app, wiring, |now| Connection::server(config, now));
    if !options.origins.is_empty() {
        // A mailbox this young is not closed.
        let _ = mailbox.post(Mail::Origins(options.origins));
    }
    Ok((driver, Handle(mailbox)))
}
