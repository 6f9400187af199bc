//! `expect: 100-continue`: a request's content is held back until the server asks for it (RFC 9110 §10.1.1).

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use pellucid_conn::Fields;
use pellucid_hpack::Token;
use tokio::time::{Sleep, sleep};

use crate::body::{Body, Chunk, Source};
use crate::error::Error;

/// RFC 9110 §10.1.1: a server may know nothing of it, so a client does not wait for ever.
const PATIENCE: Duration = Duration::from_secs(1);

/// RFC 9110 §10.1.1: the client wants the server's leave before the content goes out.
pub(crate) fn expects_continue(request: &Fields) -> bool {
    request.find(Token::EXPECT).is_some_and(|v| v.eq_ignore_ascii_case(b"100-continue"))
}

/// Holds a body back. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gate(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    is_open: bool,
    waiter: Option<Waker>,
}

impl Gate {
    /// The server wants the content.
    pub(crate) fn open(&self) {
        let mut state = self.lock();
        state.is_open = true;
        let waiter = state.waiter.take();
        drop(state);
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.lock().is_open
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The same body, of which nothing comes before the gate is open or patience has run out.
pub(crate) fn hold_back(body: Body) -> (Gate, Body) {
    let gate = Gate::default();
    let held = Held { gate: gate.clone(), sleep: Box::pin(sleep(PATIENCE)), body };
    (gate, Body::from_source(held))
}

struct Held {
    gate: Gate,
    sleep: Pin<Box<Sleep>>,
    body: Body,
}

impl Source for Held {
    fn poll_chunk(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, Error>>> {
        let mut state = self.gate.lock();
        if !state.is_open {
            state.waiter = Some(cx.waker().clone());
            drop(state);
            if self.sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.gate.open();
        } else {
            drop(state);
        }
        self.body.poll_chunk(cx)
    }
}
