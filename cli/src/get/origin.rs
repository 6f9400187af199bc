//! The requests that share a connection, and the connection.
//!
//! Not for: what comes of a response once it has begun; that is `get`'s own.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use pellucid_client::{
    Config, ConnectError, Connection, Connector, Error, Report, Request, Response, Retry, SendRequest, Trust, Url,
};
use pellucid_conn::h2::Role;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::Args;
use super::explain::{self, Heard};
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
    pub(super) answer: Answering,
}

/// Hands over what comes of a request, or why nothing does.
pub(super) type Answering = oneshot::Sender<Result<Response, String>>;

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
            let failed = |error: &dyn Display| Failure::new(format!("--cacert {}: {error}", file.display()));
            let trust = std::fs::read(file).map(Trust::Pem).map_err(|error| failed(&error))?;
            trust.check().map_err(|error| failed(&error))?;
            Ok(trust)
        }
        None if args.insecure => Ok(Trust::Anyone),
        None => Ok(Trust::Platform),
    }
}

impl Origin {
    /// Connects, sends all requests, and hands their responses over as they come. What the server says it has not
    /// touched (RFC 9113 §8.7: it leaves after so many requests, perhaps) is asked on a further connection, as long as
    /// it answers some on each.
    pub(super) async fn run(self, manner: Arc<Manner>) -> Result<Vec<Connection>, ConnectError> {
        let mut connections = Vec::new();
        let mut pending = self.pending;
        while !pending.is_empty() {
            let heard = Heard::default();
            let connection = connect(&self.url, &manner, pending.len(), &heard).await?;
            let asked = pending.len();
            let unanswered = ask_all(connection.handle(), pending, &heard).await;
            let is_over = unanswered.iter().any(|request| explain::is_vague(&request.error));
            let report = if is_over { leave(connection).await } else { keep(&mut connections, connection) };
            let is_hopeless = unanswered.len() == asked || !manner.order.is_repeatable();
            pending = Vec::new();
            for Unanswered { url, answer, error } in unanswered {
                match manner.order.request(&url) {
                    Ok(request) if !is_hopeless && error.retry() == Retry::Safe => {
                        pending.push(Pending { url, request, answer });
                    }
                    _ => {
                        let error = explain::cause(error, report.as_ref());
                        // Where nobody waits for it, nobody needs to know.
                        let _ = answer.send(Err(explain::asking(&error, &url, &heard)));
                    }
                }
            }
        }
        Ok(connections)
    }
}

/// A request that the server has not touched, or whose error does not say enough.
struct Unanswered {
    url: Url,
    answer: Answering,
    error: Error,
}

/// Sends everything at once; ends when every request has its response, or none to hope for.
async fn ask_all(client: &SendRequest, pending: Vec<Pending>, heard: &Heard) -> Vec<Unanswered> {
    let mut asked = Vec::new();
    for Pending { url, request, answer } in pending {
        let response = client.send(request);
        let heard = heard.clone();
        asked.push(tokio::spawn(async move {
            match response.await {
                Err(error) if error.retry() == Retry::Safe || explain::is_vague(&error) => {
                    Some(Unanswered { url, answer, error })
                }
                outcome => {
                    // Where nobody wants it any more, dropping it cancels the request.
                    let _ = answer.send(outcome.map_err(|error| explain::asking(&error, &url, &heard)));
                    None
                }
            }
        }));
    }
    let mut unanswered = Vec::new();
    for request in asked {
        unanswered.extend(request.await.ok().flatten());
    }
    unanswered
}

/// A connection for so many requests.
async fn connect(url: &Url, manner: &Manner, requests: usize, heard: &Heard) -> Result<Connection, ConnectError> {
    let prefix = match manner.shown {
        Shown::FramesByOrigin => format!("{} ", url.authority()),
        Shown::Nothing | Shown::Frames => String::new(),
    };
    let shown = (manner.shown != Shown::Nothing).then(|| watch::frames(Role::Client, prefix));
    let connector = Connector::builder().trust(manner.trust.clone()).config(config(requests)).tap(heard.listen(shown));
    connector.build()?.connect(url).await
}

/// Bodies wait for their turn in their windows, so the connection's window must have room for all of them at once: the
/// one whose turn it is must never wait for the others.
fn config(requests: usize) -> Config {
    let streams = u32::try_from(requests).unwrap_or(STREAMS).clamp(1, STREAMS);
    let mut config = Config::client();
    config.max_open_streams = streams;
    config.stream_window = (WINDOWS / streams).min(4 << 20);
    config.connection_window = (config.stream_window * streams).max(1 << 20);
    config
}

/// A connection that is still good: the bodies of its responses are to come.
fn keep(connections: &mut Vec<Connection>, connection: Connection) -> Option<Report> {
    connections.push(connection);
    None
}

/// Leaves politely, and does not wait for servers that are slow to notice.
pub(super) async fn close(connections: Vec<Connection>) {
    for connection in connections {
        leave(connection).await;
    }
}

async fn leave(connection: Connection) -> Option<Report> {
    timeout(FAREWELL, connection.close()).await.ok().flatten()
}
