//! A client's request and its response: a cell shared by the caller, who waits, and the connection's task, which fills it.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use pellucid_conn::StreamId;

use crate::error::{Error, Kind};
use crate::mailbox::{Mail, Mailbox};
use crate::message::Response;

#[derive(Debug)]
pub(crate) struct Exchange(Mutex<State>);

#[derive(Debug)]
struct State {
    outcome: Option<Result<Response, Error>>,
    waiter: Option<Waker>,
    /// Known once the request is on its way.
    id: StreamId,
    /// The caller has gone away.
    abandoned: bool,
}

impl Exchange {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(State { outcome: None, waiter: None, id: StreamId::CONNECTION, abandoned: false })))
    }

    /// The request is on its way; false when nobody waits for it any more.
    pub(crate) fn started(&self, id: StreamId) -> bool {
        let mut state = self.lock();
        state.id = id;
        !state.abandoned
    }

    pub(crate) fn is_abandoned(&self) -> bool {
        self.lock().abandoned
    }

    pub(crate) fn complete(&self, outcome: Result<Response, Error>) {
        let mut state = self.lock();
        if state.abandoned || state.outcome.is_some() {
            drop(state);
            return;
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

/// Waits for a response. Dropping it cancels the request: RST_STREAM(CANCEL) at once.
#[derive(Debug)]
pub(crate) struct Waiting {
    exchange: Arc<Exchange>,
    mailbox: Arc<Mailbox>,
    done: bool,
}

impl Waiting {
    pub(crate) fn new(exchange: Arc<Exchange>, mailbox: Arc<Mailbox>) -> Self {
        Self { exchange, mailbox, done: false }
    }
}

impl Future for Waiting {
    type Output = Result<Response, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.done {
            return Poll::Ready(Err(Error::new(Kind::Closed)));
        }
        let mut state = self.exchange.lock();
        if let Some(outcome) = state.outcome.take() {
            drop(state);
            self.done = true;
            return Poll::Ready(outcome);
        }
        if state.waiter.as_ref().is_none_or(|w| !w.will_wake(cx.waker())) {
            state.waiter = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let mut state = self.exchange.lock();
        state.abandoned = true;
        let (id, outcome) = (state.id, state.outcome.take());
        drop(state);
        // An outcome that nobody took is dropped outside the lock: its body cancels the stream by itself.
        drop(outcome);
        // Without an identifier it still waits to be sent, and gives up its place.
        let _ = self.mailbox.post(Mail::Cancel(id));
    }
}
