//! The requests that share a connection, and the connection.

use std::time::Duration;

use pellucid_client::{Config, ConnectError, Connection, Connector, Error, Kind, Request, Response, Tap, Trust, Url};
use pellucid_conn::h2::{Role, Violation};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::Args;
use crate::failure::Failure;
use crate::watch;

/// The server's answer to our leaving is waited for this long.
const FAREWELL: Duration = Duration::from_millis(200);

/// Octets that all bodies of a connection together may hold in their windows.
const WINDOWS: u32 = 32 << 20;

/// Streams open at once.
const STREAMS: u32 = 100;

/// Everything that is asked of one origin.
pub(super) struct Origin {
    pub(super) url: Url,
    pub(super) requests: Vec<(Request, oneshot::Sender<Result<Response, Error>>)>,
}

/// The origins of these URLs, without their requests.
pub(super) fn group(urls: &[Url]) -> Vec<Origin> {
    let mut origins: Vec<Origin> = Vec::new();
    for url in urls {
        if !origins.iter().any(|origin| origin.url.same_origin(url)) {
            origins.push(Origin { url: url.clone(), requests: Vec::new() });
        }
    }
    origins
}

/// Whose certificates are believed.
pub(super) fn trust(args: &Args) -> Result<Trust, Failure> {
    match &args.cacert {
        Some(file) => {
            std::fs::read(file).map(Trust::Pem).map_err(|error| Failure::new(format!("{}: {error}", file.display())))
        }
        None if args.insecure => Ok(Trust::Anyone),
        None => Ok(Trust::Platform),
    }
}

impl Origin {
    /// Shows the connection's frames, with the origin in front of them where there are several.
    pub(super) fn tap(&self, prefixed: bool) -> Tap {
        let prefix = if prefixed { format!("{} ", self.url.authority()) } else { String::new() };
        watch::frames(Role::Client, prefix)
    }

    /// Connects, sends all requests, and hands their responses over as they come.
    pub(super) async fn run(self, trust: Trust, tap: Option<Tap>) -> Result<Connection, ConnectError> {
        let mut connector = Connector::new().trust(trust).config(config(self.requests.len()));
        if let Some(tap) = tap {
            connector = connector.tap(tap);
        }
        let connection = connector.connect(&self.url).await?;
        for (request, answer) in self.requests {
            let response = connection.client().send(request);
            tokio::spawn(async move {
                // Where nobody wants it any more, dropping it cancels the request.
                let _ = answer.send(response.await);
            });
        }
        Ok(connection)
    }
}

/// Bodies wait for their turn in their windows, so the connection's window must have room for all of them at once: the one
/// whose turn it is must never wait for the others.
fn config(requests: usize) -> Config {
    let streams = u32::try_from(requests).unwrap_or(STREAMS).clamp(1, STREAMS);
    let mut config = Config::client();
    config.max_open_streams = streams;
    config.stream_window = (WINDOWS / streams).min(4 << 20);
    config.connection_window = (config.stream_window * streams).max(1 << 20);
    config
}

/// Leaves politely, and does not wait for servers that are slow to notice.
pub(super) async fn close(connection: Connection) {
    let _ = timeout(FAREWELL, connection.close()).await;
}

/// An error, with what it most likely means.
pub(super) fn explain(error: &Error) -> String {
    match error.kind() {
        Kind::Connection(e) if e.violation == Violation::FirstFrameNotSettings => {
            format!("the server does not speak HTTP/2 here; it may speak only HTTP/1.1 ({error})")
        }
        Kind::Connection(e) if e.violation == Violation::PeerClosed => CLOSED.to_owned(),
        Kind::Closed => CLOSED.to_owned(),
        _ => error.to_string(),
    }
}

const CLOSED: &str = "the server closed the connection before the response was complete";
