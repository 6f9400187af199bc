//! How long a client waits for what. Where nothing is set no timer is made.
//!
//! ```text
//!  send ──▶ connected ──▶ a stream is free ──▶ header section ──▶ body's end
//!   │       connector's   ├─ queue_timeout ─┤
//!   │       time-outs                       ├ header_timeout ┤
//!   ├──────────────────────── total_timeout ─────────────────────────┤
//! ```

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pellucid_driver::client::{Failure, ResponseFuture};
use pellucid_driver::{Body, Chunk, Error, Kind, Response, Source, StreamId};
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};

/// What a client allows each request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    pub(crate) queue: Option<Duration>,
    pub(crate) header: Option<Duration>,
    pub(crate) total: Option<Duration>,
}

/// One request's patience: the clock of the whole exchange runs.
pub(crate) struct Patience {
    timeouts: Timeouts,
    total: Limit,
}

/// Until when something is waited for, and what to say afterwards.
#[derive(Clone, Copy)]
struct Limit {
    at: Option<Instant>,
    what: &'static str,
}

const QUEUE: &str = "waiting for a free stream: the server allows no more at once";
const HEADER: &str = "waiting for the response's header section";
const TOTAL: &str = "the exchange as a whole took longer than is allowed";

impl Default for Timeouts {
    fn default() -> Self {
        Self { queue: Some(Duration::from_secs(30)), header: None, total: None }
    }
}

impl Timeouts {
    /// The clock begins.
    pub(crate) fn begin(self) -> Patience {
        Patience { timeouts: self, total: Limit::after(self.total, TOTAL) }
    }
}

impl Patience {
    /// Waits for a connection.
    pub(crate) async fn connected<T>(&self, connecting: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        self.total.wait(connecting).await?
    }

    /// Waits for a stream, then for the response's header section.
    pub(crate) async fn answered(&self, mut response: ResponseFuture) -> Result<Response, Failure> {
        let queue = Limit::after(self.timeouts.queue, QUEUE).or_earlier(self.total);
        let waited = match self.timeouts.header {
            // Its clock begins with the request.
            Some(_) => queue.wait(response.started()).await,
            // To be woken for the start would be in vain.
            None => match queue.wait(poll_fn(|cx| response.poll_outcome(cx))).await {
                Ok(outcome) => return outcome,
                Err(_) if queue.what == QUEUE && response.stream().is_some() => Ok(()),
                Err(late) => Err(late),
            },
        };
        if let Err(late) = waited {
            return Err(given_up(late, response.cancel()));
        }
        let header = Limit::after(self.timeouts.header, HEADER).or_earlier(self.total);
        match header.wait(poll_fn(|cx| response.poll_outcome(cx))).await {
            Ok(outcome) => outcome,
            Err(late) => Err(given_up(late, response.cancel())),
        }
    }

    /// The clock of the whole exchange goes on in the response's body.
    pub(crate) fn limit(&self, mut response: Response) -> Response {
        let Some(at) = self.total.at else { return response };
        let stream = response.control().map_or(StreamId::CONNECTION, |control| control.stream());
        let body = response.body_mut();
        if !body.is_empty() {
            let limited = Limited { body: std::mem::take(body), sleep: Box::pin(sleep_until(at)), stream };
            *body = Body::from_source(limited);
        }
        response
    }
}

impl Limit {
    fn after(timeout: Option<Duration>, what: &'static str) -> Self {
        // A time so far away that the clock cannot say it is no limit.
        Self { at: timeout.and_then(|timeout| Instant::now().checked_add(timeout)), what }
    }

    fn or_earlier(self, other: Self) -> Self {
        match (self.at, other.at) {
            (Some(own), Some(others)) if others < own => other,
            (None, Some(_)) => other,
            _ => self,
        }
    }

    async fn wait<T>(&self, future: impl Future<Output = T>) -> Result<T, Error> {
        match self.at {
            None => Ok(future.await),
            Some(at) => timeout_at(at, future).await.map_err(|_| Error::new(Kind::Timeout(self.what))),
        }
    }
}

/// Without a stream the request was never sent.
fn given_up(late: Error, stream: Option<StreamId>) -> Failure {
    let error = match stream {
        Some(stream) => late.on(stream),
        None => late,
    };
    Failure { error, request: None }
}

/// A response's body that must have ended in time. When it has not, it is dropped, which cancels its stream.
struct Limited {
    body: Body,
    sleep: Pin<Box<Sleep>>,
    stream: StreamId,
}

impl Source for Limited {
    fn poll_chunk(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, Error>>> {
        // First of all: a body of which there is always more would never be late.
        if self.sleep.as_mut().poll(cx).is_ready() {
            drop(std::mem::take(&mut self.body));
            return Poll::Ready(Some(Err(Error::new(Kind::Timeout(TOTAL)).on(self.stream).after_answer())));
        }
        self.body.poll_chunk(cx)
    }
}
