//! The client's end of one connection: a handle to send requests with, and the future that runs the connection.
//!
//! What becomes of a request once it is on its way is in `requests`.
//!
//! ```
//! use pellucid_driver::{Request, Response, client, server};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (transport, far) = tokio::io::duplex(64 * 1024);
//! # let hello = |_: Request| async { Response::new(200) };
//! # tokio::spawn(server::serve_connection(far, hello, server::Options::default())?);
//! // `transport` is anything that reads and writes: a socket, TLS, a pipe.
//! let (send_request, connection) = client::handshake(transport, client::Options::default())?;
//! let running = tokio::spawn(connection);
//!
//! let response = send_request.send(Request::get("http", "localhost", "/")).await?;
//! assert_eq!(response.status(), 200);
//! assert_eq!(send_request.stats().await.map(|s| s.counters.streams_opened), Some(1));
//!
//! drop((response, send_request));
//! assert!(running.await?.error.is_none());
//! # Ok(())
//! # }
//! ```

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pellucid_conn::h2::{Config, ConfigError, Connection, PeerSettings};
use pellucid_conn::{AltSvc, ErrorCode, Event, StreamId};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::control::ask_for_stats;
use crate::error::Error;
use crate::exchange::Exchange;
pub use crate::exchange::{Failure, ResponseFuture};
use crate::incoming;
use crate::info::Info;
use crate::io::Tap;
use crate::mailbox::{Mail, Mailbox};
use crate::message::Request;
use crate::requests::{Open, Requests};
use crate::run::{Driver, Report, Wiring, check_patience};
use crate::stats::Snapshot;
use crate::trace;
use crate::tunnel::{Connected, Opening};

/// How to run a client's connection.
#[non_exhaustive]
pub struct Options {
    /// Limits, windows and timeouts.
    pub config: Config,
    /// What is known of the connection; for its tracing span.
    pub info: Info,
    /// Watches every octet.
    pub tap: Option<Tap>,
    /// A socket that takes nothing for this long is closed.
    pub write_timeout: Duration,
    /// Requests that may wait for a concurrency slot; further ones fail at once.
    pub max_waiting: usize,
    /// Is told what the server says unasked. Called by the connection's task: it must not take long.
    pub notices: Option<Notices>,
}

/// Is told what the server says unasked.
pub type Notices = Box<dyn FnMut(Notice) + Send>;

/// Something the server says that is no answer to a request.
#[derive(Debug)]
#[non_exhaustive]
pub enum Notice {
    /// A response to a request that was not made; only where `Config::max_reserved_remote` allows pushes.
    Push(Pushed),
    /// Where else an origin is served (RFC 7838).
    AltSvc(AltSvc),
    /// The origins the connection may be used for (RFC 8336); over TLS only.
    Origin(Vec<Bytes>),
    /// What the server allows.
    Settings(PeerSettings),
    /// The server will take no more requests on this connection.
    GoAway {
        /// Why: NO_ERROR when it leaves politely.
        code: ErrorCode,
        /// What it says of it, for people; at most 256 octets.
        debug: Bytes,
    },
}

/// A pushed response (RFC 9113 §8.4).
#[derive(Debug)]
pub struct Pushed {
    /// The request the server answers unasked.
    pub request: Request,
    /// The stream of the request that made it push.
    pub on: StreamId,
    /// Its response; dropping this cancels the push.
    pub response: ResponseFuture,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            config: Config::client(),
            info: Info::default(),
            tap: None,
            write_timeout: Duration::from_secs(30),
            max_waiting: 10_000,
            notices: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("client::Options").field("config", &self.config).finish_non_exhaustive()
    }
}

/// Sends requests on one connection. Cheap to clone; when the last clone is dropped the connection finishes what is under way
/// and closes.
#[derive(Debug, Clone)]
pub struct SendRequest(Arc<Alive>);

/// As long as somebody holds this, the connection stays open.
#[derive(Debug)]
pub(crate) struct Alive {
    mailbox: Arc<Mailbox>,
}

impl Drop for Alive {
    fn drop(&mut self) {
        let _ = self.mailbox.post(Mail::Unused);
    }
}

impl SendRequest {
    /// Sends a request and waits for the response's header section; its body follows as it is read. Requests beyond the
    /// server's stream limit wait for a slot. Dropping the future cancels the request with RST_STREAM(CANCEL); so does dropping
    /// the response's body before its end. Content behind `expect: 100-continue` is held back until the server asks for it, or
    /// for a second.
    ///
    /// # Errors
    /// The stream was reset or refused, the connection ended, or the fields would make a malformed request.
    pub fn send(&self, request: Request) -> ResponseFuture {
        let exchange = Exchange::new();
        let span = trace::sent(&request);
        let open = Open { request, exchange: Arc::clone(&exchange) };
        if let Err(letter) = self.0.mailbox.post(Mail::Open(open))
            && let Mail::Open(open) = *letter
        {
            open.fail(&self.0.mailbox.why_closed());
        }
        ResponseFuture::new(exchange, Arc::clone(&self.0.mailbox), Some(Arc::clone(&self.0)), span)
    }

    /// Asks for a tunnel: see [`Request::connect`] and [`Request::extended_connect`]. Dropping the future cancels the request.
    ///
    /// # Errors
    /// As [`SendRequest::send`]; a server that says no is no error.
    pub async fn connect(&self, request: Request) -> Result<Connected, Error> {
        let (opening, outgoing) = Opening::new();
        Ok(opening.answered(self.send(request.with_body(outgoing)).await?))
    }

    /// Whether further requests may be sent, as far as is known: the connection is open and neither side has sent GOAWAY.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.mailbox.takes_requests()
    }

    /// What the connection has done so far; `None` when it is closed. Cancel-safe.
    pub fn stats(&self) -> impl Future<Output = Option<Snapshot>> + Send + use<> {
        ask_for_stats(&self.0.mailbox)
    }

    /// Finishes what is under way, takes no more requests, and closes.
    pub fn shut_down(&self) {
        self.0.mailbox.leave();
        let _ = self.0.mailbox.post(Mail::ShutDown);
    }
}

/// A client's end on any transport: the handle to send with, and the future that runs the connection until it is closed; dropping
/// it cuts the connection off, and whoever waits for a response is told.
///
/// # Errors
/// A configuration value out of range.
pub fn handshake<T>(
    transport: T,
    options: Options,
) -> Result<(SendRequest, impl Future<Output = Report> + Send), ConfigError>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    options.config.validate()?;
    check_patience(options.write_timeout)?;
    let mailbox = Arc::new(Mailbox::default());
    let report_from = incoming::report_from(&options.config, options.config.max_open_streams);
    let app = Requests::new(options.max_waiting, report_from, options.notices);
    let config = options.config;
    let span = trace::connection("client", &options.info);
    let wiring = Wiring { mailbox: Arc::clone(&mailbox), tap: options.tap, write_timeout: options.write_timeout, span };
    let driver = Driver::new(transport, app, wiring, |now| Connection::client(config, now));
    Ok((SendRequest(Arc::new(Alive { mailbox })), driver))
}

impl Notice {
    /// What an event says to those who listen.
    pub(crate) fn of(event: &Event) -> Option<Self> {
        match event {
            Event::AltSvc(alt) => Some(Self::AltSvc(alt.as_ref().clone())),
            Event::Origin(origins) => Some(Self::Origin(origins.to_vec())),
            Event::Settings(settings) => Some(Self::Settings(*settings)),
            Event::GoAway { code, debug, .. } => Some(Self::GoAway { code: *code, debug: debug.clone() }),
            _ => None,
        }
    }
}
