//! A client's request and its response: a cell shared by the caller, who waits, and the connection's task, which fills it.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use pellucid_conn::h2::Priority;
use pellucid_conn::{SendError, StreamId};
use tracing::Span;

use crate::client::Alive;
use crate::control::Control;
use crate::error::{Error, Kind, Retry};
use crate::handlers::discard;
use crate::mailbox::{Mail, Mailbox};
use crate::message::{Request, Response};

#[derive(Debug)]
pub(crate) struct Exchange(Mutex<State>);

/// What came of a request.
type Outcome = Result<Response, Failure>;

/// A request that failed.
#[derive(Debug)]
pub struct Failure {
    /// Why.
    pub error: Error,
    /// The request itself, where the peer has done nothing with it and all of it is still there: it may be sent again.
    pub request: Option<Box<Request>>,
}

#[derive(Debug)]
struct State {
    outcome: Option<Outcome>,
    waiter: Option<Waker>,
    /// Known once the request is on its way.
    id: StreamId,
    /// The waiter wants to know when that is.
    wants_start: bool,
    /// The caller has gone away.
    abandoned: bool,
}

impl Exchange {
    pub(crate) fn new() -> Arc<Self> {
        let id = StreamId::CONNECTION;
        Arc::new(Self(Mutex::new(State { outcome: None, waiter: None, id, wants_start: false, abandoned: false })))
    }

    /// Puts the request on its way by `open`; `None` when nobody waits for it any more. Under the lock: whoever goes away finds
    /// either a stream, or a request that will never have one.
    pub(crate) fn start(
        &self,
        open: impl FnOnce() -> Result<StreamId, SendError>,
    ) -> Option<Result<StreamId, SendError>> {
        let mut state = self.lock();
        if state.abandoned {
            return None;
        }
        let opened = open();
        let Ok(id) = opened else { return Some(opened) };
        state.id = id;
        let waiter = if state.wants_start { state.waiter.take() } else { None };
        drop(state);
        if let Some(waiter) = waiter {
            waiter.wake();
        }
        Some(opened)
    }

    pub(crate) fn is_abandoned(&self) -> bool {
        self.lock().abandoned
    }

    /// `request`, where it can be sent again, goes back to the caller.
    pub(crate) fn fail(&self, error: Error, request: Option<Request>) {
        let (back, lost) = if error.retry() == Retry::Safe { (request, None) } else { (None, request) };
        discard(lost);
        self.complete(Err(Failure { error, request: back.map(Box::new) }));
    }

    pub(crate) fn answer(&self, response: Response) {
        self.complete(Ok(response));
    }

    fn complete(&self, outcome: Outcome) {
        let mut state = self.lock();
        if state.abandoned || state.outcome.is_some() {
            drop(state);
            // Outside the lock: a body of the application's may do anything in its destructor.
            return discard(outcome);
        }
        state.outcome = Some(outcome);
        let waiter = state.waiter.take();
        drop(state);
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A response that is awaited. Dropping it cancels the request: RST_STREAM(CANCEL) at once, or a place in the queue given up.
#[derive(Debug)]
pub struct ResponseFuture {
    exchange: Arc<Exchange>,
    mailbox: Arc<Mailbox>,
    /// The connection does not close as long as somebody waits.
    _keep: Option<Arc<Alive>>,
    span: Span,
    done: bool,
}

impl ResponseFuture {
    pub(crate) fn new(exchange: Arc<Exchange>, mailbox: Arc<Mailbox>, keep: Option<Arc<Alive>>, span: Span) -> Self {
        Self { exchange, mailbox, _keep: keep, span, done: false }
    }

    /// The request's stream, once it has one; until then it waits for the peer to allow another.
    #[must_use]
    pub fn stream(&self) -> Option<StreamId> {
        Some(self.exchange.lock().id).filter(|id| !id.is_connection())
    }

    /// Waits until the request is on its way, or has failed before. Cancel-safe.
    pub async fn started(&mut self) {
        poll_fn(|cx| {
            let mut state = self.exchange.lock();
            if self.done || state.outcome.is_some() || !state.id.is_connection() {
                return Poll::Ready(());
            }
            state.wants_start = true;
            state.waiter = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Asks for the response earlier or later (PRIORITY_UPDATE, RFC 9218 §7.1). A request that has no stream yet says it by its
    /// `priority` field instead; then nothing happens here.
    pub fn set_priority(&self, priority: Priority) {
        if let Some(id) = self.stream() {
            Control::new(&self.mailbox, id).set_priority(priority);
        }
    }

    /// As polling the future itself; a failure brings the request back where it can be sent again. Cancel-safe.
    ///
    /// # Errors
    /// See [`SendRequest::send`](crate::client::SendRequest::send).
    pub fn poll_outcome(&mut self, cx: &mut Context<'_>) -> Poll<Result<Response, Failure>> {
        let mut state = self.exchange.lock();
        if self.done {
            return Poll::Ready(Err(Failure { error: Error::new(Kind::Closed).on(state.id), request: None }));
        }
        if let Some(outcome) = state.outcome.take() {
            let id = state.id;
            drop(state);
            self.done = true;
            if !self.span.is_disabled() {
                self.span.record("stream", id.get());
                if let Ok(response) = &outcome {
                    self.span.record("status", response.status());
                }
            }
            return Poll::Ready(outcome);
        }
        if state.waiter.as_ref().is_none_or(|w| !w.will_wake(cx.waker())) {
            state.waiter = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}

impl Future for ResponseFuture {
    type Output = Result<Response, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_outcome(cx).map_err(|Failure { error, request }| {
            discard(request);
            error
        })
    }
}

impl ResponseFuture {
    /// Cancels the request, as dropping the future does, and says whether it was on its way: its stream, `None` when it was never
    /// sent and never will be.
    pub fn cancel(mut self) -> Option<StreamId> {
        self.abandon()
    }

    fn abandon(&mut self) -> Option<StreamId> {
        let mut state = self.exchange.lock();
        state.abandoned = true;
        let (id, outcome) = (state.id, state.outcome.take());
        drop(state);
        // An outcome that nobody took is dropped outside the lock: its body cancels the stream by itself.
        drop(outcome);
        if !std::mem::replace(&mut self.done, true) {
            // Without an identifier it still waits to be sent, and gives up its place.
            let _ = self.mailbox.post(Mail::Cancel(id));
        }
        Some(id).filter(|id| !id.is_connection())
    }
}

impl Drop for ResponseFuture {
    fn drop(&mut self) {
        if !self.done {
            self.abandon();
        }
    }
}
