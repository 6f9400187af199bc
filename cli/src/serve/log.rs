//! What `serve -v` tells on stderr: a line a request, once its response has been made; with `-vv` the frames, too.
//!
//! Not for: whether a client got the last octets of a response, which nothing tells a server.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use pellucid_conn::h2::Role;
use pellucid_server::{Body, Chunk, Error, Request, Response, Service, Source, TapMaker};
use tracing_subscriber::filter::LevelFilter;

use crate::{colour, watch};

/// Sends what the crates have to tell to stderr: warnings, and with `-v` what is ordinary, too.
pub(super) fn start(verbose: u8) {
    let level = if verbose > 0 { LevelFilter::INFO } else { LevelFilter::WARN };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(io::stderr)
        .with_ansi(colour::is_wanted(&io::stderr()))
        .with_target(false)
        // It would complain on stderr that stderr cannot be written to, and panic.
        .log_internal_errors(false)
        .init();
}

/// Shows the frames of each connection, numbered as they come.
pub(super) fn frames() -> TapMaker {
    let connections = AtomicU64::new(0);
    Arc::new(move |_| {
        let n = connections.fetch_add(1, Ordering::Relaxed) + 1;
        Some(watch::frames(Role::Server, format!("#{n} ")))
    })
}

/// A service whose requests are told of.
#[derive(Clone)]
pub(super) struct Logged<S>(pub(super) S);

impl<S: Service> Service for Logged<S> {
    type Future = Answering<S::Future>;

    fn call(&self, request: Request) -> Self::Future {
        let line = Line {
            method: text(request.method()),
            path: text(request.path()),
            status: 0,
            octets: 0,
            body: Progress::Whole,
            began: Instant::now(),
        };
        Answering { future: Box::pin(self.0.call(request)), line: Some(line) }
    }
}

/// A handler at work. Dropped before its end: the client gave its request up.
pub(super) struct Answering<F> {
    future: Pin<Box<F>>,
    line: Option<Line>,
}

impl<F: Future<Output = Response>> Future for Answering<F> {
    type Output = Response;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response> {
        let mut response = ready!(self.future.as_mut().poll(cx));
        let Some(mut line) = self.line.take() else { return Poll::Ready(response) };
        line.status = response.status();
        let body = std::mem::take(response.body_mut());
        if let Some(octets) = body.len() {
            line.octets = octets;
            *response.body_mut() = body;
        } else {
            // RFC 9110 §9.3.2: the response to HEAD has no content, whatever there is.
            line.body = if line.method == "HEAD" { Progress::Whole } else { Progress::Begun };
            *response.body_mut() = Body::from_source(Counted { body, line });
        }
        Poll::Ready(response)
    }
}

/// A body whose octets are counted on their way.
struct Counted {
    body: Body,
    line: Line,
}

impl Source for Counted {
    fn poll_chunk(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, Error>>> {
        let chunk = ready!(self.body.poll_chunk(cx));
        match &chunk {
            Some(Ok(Chunk::Data(data))) => self.line.octets += data.len() as u64,
            Some(Ok(Chunk::Trailers(_))) | None => self.line.body = Progress::Whole,
            Some(Err(error)) => self.line.body = Progress::Failed(error.to_string()),
        }
        Poll::Ready(chunk)
    }
}

/// What there is to tell of a request; told when it is dropped, so that nothing goes untold.
struct Line {
    method: String,
    path: String,
    status: u16,
    octets: u64,
    body: Progress,
    began: Instant,
}

/// How far the body of a response has come.
enum Progress {
    /// Dropped now, it is cut: the stream was reset, or the connection has ended.
    Begun,
    Whole,
    /// Says why.
    Failed(String),
}

impl Drop for Line {
    fn drop(&mut self) {
        let Self { method, path, status, octets, body, began } = self;
        let took = began.elapsed();
        match (*status, body) {
            (0, _) => tracing::info!("{method} {path}: given up by the client after {took:.1?}"),
            (_, Progress::Whole) => tracing::info!("{method} {path}: {status}, {octets} octets in {took:.1?}"),
            (_, Progress::Begun) => {
                tracing::info!("{method} {path}: {status}, CUT after {octets} octets in {took:.1?}");
            }
            (_, Progress::Failed(why)) => {
                tracing::info!("{method} {path}: {status}, FAILED after {octets} octets in {took:.1?}: {why}");
            }
        }
    }
}

/// What a client wrote, without what a terminal would obey.
fn text(octets: &[u8]) -> String {
    octets.escape_ascii().to_string()
}
