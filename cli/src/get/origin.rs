//! The requests that share a connection, and the connection.

use std::sync::Arc;
use std::time::Duration;

use pellucid_client::{
    Client, Config, ConnectError, Connection, Connector, Error, Kind, Request, Response, Trust, Url,
};
use pellucid_conn::h2::{Role, Violation};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::Args;
use super::request::Order;
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
    pub(super) pending: Vec<Pending>,
}

/// What has still to be asked.
pub(super) struct Pending {
    pub(super) url: Url,
    pub(super) request: Request,
    pub(super) answer: oneshot::Sender<Result<Response, Error>>,
}

/// How all origins are asked.
pub(super) struct Manner {
    pub(super) order: Order,
    pub(super) trust: Trust,
    pub(super) shown: Shown,
}

/// Whether frames are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    Nothing,
    Frames,
    /// With the origin in front of them, where there are several.
    FramesByOrigin,
}

/// The origins of these URLs, without their requests.
pub(super) fn group(urls: &[Url]) -> Vec<Origin> {
    let mut origins: Vec<Origin> = Vec::new();
    for url in urls {
        if !origins.iter().any(|origin| origin.url.same_origin(url)) {
            origins.push(Origin { url: url.clone(), pending: Vec::new() });
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
    /// Connects, sends all requests, and hands their responses over as they come. What the server says it has not touched
    /// (RFC 9113 §8.7: it leaves after so many requests, perhaps) is asked on a further connection, as long as it answers
    /// some on each.
    pub(super) async fn run(self, manner: Arc<Manner>) -> Result<Vec<Connection>, ConnectError> {
        let mut connections = Vec::new();
        let mut pending = self.pending;
        while !pending.is_empty() {
            let connection = connect(&self.url, &manner, pending.len()).await?;
            let asked = pending.len();
            let untouched = ask_all(connection.client(), pending).await;
            connections.push(connection);
            let is_hopeless = untouched.len() == asked || !manner.order.is_repeatable();
            pending = Vec::new();
            for Untouched { url, answer, error } in untouched {
                match manner.order.request(&url) {
                    Ok(request) if !is_hopeless => pending.push(Pending { url, request, answer }),
                    _ => {
                        // Where nobody waits for it, nobody needs to know.
                        let _ = answer.send(Err(error));
                    }
                }
            }
        }
        Ok(connections)
    }
}

/// A request that the server has not touched.
struct Untouched {
    url: Url,
    answer: oneshot::Sender<Result<Response, Error>>,
    error: Error,
}

/// Sends everything at once; ends when every request has its response, or none to hope for.
async fn ask_all(client: &Client, pending: Vec<Pending>) -> Vec<Untouched> {
    let mut asked = Vec::new();
    for Pending { url, request, answer } in pending {
        let response = client.send(request);
        asked.push(tokio::spawn(async move {
            match response.await {
                Err(error) if error.is_unprocessed() => Some(Untouched { url, answer, error }),
                outcome => {
                    // Where nobody wants it any more, dropping it cancels the request.
                    let _ = answer.send(outcome);
                    None
                }
            }
        }));
    }
    let mut untouched = Vec::new();
    for request in asked {
        untouched.extend(request.await.ok().flatten());
    }
    untouched
}

/// A connection for so many requests.
async fn connect(url: &Url, manner: &Manner, requests: usize) -> Result<Connection, ConnectError> {
    let prefix = match manner.shown {
        Shown::FramesByOrigin => format!("{} ", url.authority()),
        Shown::Nothing | Shown::Frames => String::new(),
    };
    let mut connector = Connector::new().trust(manner.trust.clone()).config(config(requests));
    if manner.shown != Shown::Nothing {
        connector = connector.tap(watch::frames(Role::Client, prefix));
    }
    connector.connect(url).await
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
pub(super) async fn close(connections: Vec<Connection>) {
    for connection in connections {
        let _ = timeout(FAREWELL, connection.close()).await;
    }
}

/// An error, with what it most likely means.
pub(super) fn explain(error: &Error) -> String {
    match error.kind() {
        Kind::Connection(e) if matches!(e.violation, Violation::Http1Peer | Violation::FirstFrameNotSettings) => {
            format!("the server does not speak HTTP/2 here; it may speak only HTTP/1.1 ({error})")
        }
        Kind::Connection(e) if e.violation == Violation::PeerClosed => CLOSED.to_owned(),
        Kind::Closed => CLOSED.to_owned(),
        _ => error.to_string(),
    }
}

const CLOSED: &str = "the server closed the connection before the response was complete";
