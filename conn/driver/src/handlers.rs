//! Handlers polled by the connection's own task, in slots that are reused: a handler that is ready at once costs no allocation,
//! no task and no lock. Response bodies that are made piece by piece live in the same slots.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use pellucid_conn::h2::Connection;
use pellucid_conn::{End, Fields, Observer, SendError, StreamId};
use pellucid_hpack::Token;
use tracing::Span;

use crate::body::{Body, Chunk};
use crate::error::Error;
use crate::mailbox::{Mailbox, SlotWaker};
use crate::message::Response;

/// One place to work in.
pub(crate) struct Slot<F> {
    future: Pin<Box<Option<F>>>,
    body: Option<Body>,
    ready: Arc<SlotWaker>,
    waker: Waker,
    pub(crate) id: StreamId,
    /// The request was HEAD: the response's content is not sent.
    pub(crate) is_head: bool,
    /// It works for a request of the peer's, not for a push.
    pub(crate) is_request: bool,
    /// Entered whenever the handler or the body is polled.
    pub(crate) span: Span,
    /// Octets of the body still due by the message's content-length, where it has one.
    due: Option<u64>,
}

/// Pieces of a body taken in one go; then the siblings have their turn.
const PIECES: u32 = 64;

/// All slots of a connection.
pub(crate) struct Slots<F> {
    slots: Vec<Slot<F>>,
    free: Vec<u32>,
}

/// What polling a handler came to.
pub(crate) enum Polled {
    Ready(Response),
    Pending,
    Panicked,
}

/// What sending a body came to.
pub(crate) enum Sent {
    /// The slot's waker, or `Event::Writable`, brings us back.
    Waits,
    /// To its end.
    All,
    /// The message cannot be completed.
    Failed(Error),
}

/// Drops something of the application's. A panic in its destructor stays here.
pub(crate) fn discard<T>(thing: T) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(thing)));
}

/// What a message's content-length promises.
pub(crate) fn promised_length(fields: &Fields) -> Option<u64> {
    // What is no number is refused when the section is sent.
    fields
        .find(Token::CONTENT_LENGTH)?
        .iter()
        .try_fold(0_u64, |n, digit| n.checked_mul(10)?.checked_add(u64::from(digit.checked_sub(b'0')?)))
}

/// RFC 9113 §8.1.1: nothing malformed leaves. A body made piece by piece is judged while it is sent.
pub(crate) fn check_length(promised: Option<u64>, body: &Body) -> Result<(), SendError> {
    match (promised, body.len()) {
        (Some(promised), Some(len)) if promised != len => {
            Err(SendError::Malformed("the body's length is not its content-length"))
        }
        _ => Ok(()),
    }
}

impl<F: Future<Output = Response>> Slots<F> {
    pub(crate) fn new() -> Self {
        Self { slots: Vec::new(), free: Vec::new() }
    }

    /// A vacant slot for this stream.
    pub(crate) fn take(&mut self, id: StreamId, mailbox: &Arc<Mailbox>) -> u32 {
        let n = self.free.pop().unwrap_or_else(|| {
            let n = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
            let ready = SlotWaker::new(Arc::clone(mailbox), n);
            let waker = Waker::from(Arc::clone(&ready));
            let id = StreamId::CONNECTION;
            let (future, span) = (Box::pin(None), Span::none());
            let (is_head, is_request) = (false, false);
            self.slots.push(Slot { future, body: None, ready, waker, id, is_head, is_request, span, due: None });
            n
        });
        if let Some(slot) = self.slots.get_mut(n as usize) {
            slot.id = id;
            (slot.is_head, slot.is_request) = (false, false);
        }
        n
    }

    /// Drops whatever the slot works on and makes it vacant. A panic in a destructor stays here.
    pub(crate) fn clear(&mut self, n: u32) {
        if let Some(slot) = self.slots.get_mut(n as usize)
            && !slot.id.is_connection()
        {
            slot.id = StreamId::CONNECTION;
            let _ = catch_unwind(AssertUnwindSafe(|| slot.future.set(None)));
            if let Some(body) = slot.body.take() {
                discard(body);
            }
            if !slot.span.is_disabled() {
                slot.span = Span::none();
            }
            self.free.push(n);
        }
    }

    /// The stream a slot works for; `None` when it is vacant (a wake-up that came late).
    pub(crate) fn get_mut(&mut self, n: u32) -> Option<&mut Slot<F>> {
        self.slots.get_mut(n as usize).filter(|s| !s.id.is_connection())
    }

    /// Gives the memory of slots back when none is in use.
    pub(crate) fn rest(&mut self) {
        if self.free.len() == self.slots.len() {
            (self.slots, self.free) = (Vec::new(), Vec::new());
        }
    }

    /// Drops all work.
    pub(crate) fn clear_all(&mut self) {
        for n in (0..).take(self.slots.len()) {
            self.clear(n);
        }
    }
}

impl<F: Future<Output = Response>> Slot<F> {
    /// Puts a handler's future in its place; `make` may panic like the handler itself.
    pub(crate) fn begin(&mut self, make: impl FnOnce() -> F) -> Polled {
        let span = &self.span;
        match catch_unwind(AssertUnwindSafe(|| span.in_scope(make))) {
            Ok(future) => {
                self.future.set(Some(future));
                self.poll_handler()
            }
            Err(_) => Polled::Panicked,
        }
    }

    pub(crate) fn poll_handler(&mut self) -> Polled {
        self.ready.rearm();
        let mut cx = Context::from_waker(&self.waker);
        let Some(future) = self.future.as_mut().as_pin_mut() else { return Polled::Pending };
        let span = &self.span;
        match catch_unwind(AssertUnwindSafe(|| span.in_scope(|| future.poll(&mut cx)))) {
            Ok(Poll::Pending) => Polled::Pending,
            Ok(Poll::Ready(response)) => {
                // The destructor runs here; it may panic like the handler itself, but the response stands.
                let _ = catch_unwind(AssertUnwindSafe(|| self.future.set(None)));
                Polled::Ready(response)
            }
            Err(_) => Polled::Panicked,
        }
    }

    /// Whether the handler is still to answer.
    pub(crate) fn is_handling(&self) -> bool {
        self.future.is_some()
    }

    /// A body to send, and its length where the message has promised one.
    pub(crate) fn set_body(&mut self, body: Body, promised: Option<u64>) {
        self.body = Some(body);
        self.due = promised;
    }

    /// Moves pieces of the body into the connection while it has room for them.
    pub(crate) fn send_body<O: Observer>(&mut self, conn: &mut Connection<O>) -> Sent {
        let id = self.id;
        for _ in 0..PIECES {
            if conn.capacity(id) == 0 {
                return Sent::Waits;
            }
            let Poll::Ready(piece) = self.poll_body() else { return Sent::Waits };
            let sent = match piece {
                Some(Ok(Chunk::Data(data))) => {
                    // RFC 9113 §8.1.1: content that disagrees with content-length makes the message malformed.
                    if let Some(due) = &mut self.due {
                        match due.checked_sub(data.len() as u64) {
                            Some(left) => *due = left,
                            None => return Sent::Failed(Error::body("longer than its content-length")),
                        }
                    }
                    match conn.send_data(id, data, End::More) {
                        Ok(()) => continue,
                        Err(e) => Err(e),
                    }
                }
                Some(Err(e)) => return Sent::Failed(e.of_source()),
                _ if self.due.is_some_and(|due| due > 0) => {
                    return Sent::Failed(Error::body("shorter than its content-length"));
                }
                Some(Ok(Chunk::Trailers(fields))) => conn.send_trailers(id, fields),
                None => conn.send_data(id, Bytes::new(), End::Last),
            };
            return sent.map_or_else(|e| Sent::Failed(e.into()), |()| Sent::All);
        }
        self.waker.wake_by_ref();
        Sent::Waits
    }

    /// The next piece of the body. A panicking source counts as failed.
    fn poll_body(&mut self) -> Poll<Option<Result<Chunk, Error>>> {
        self.ready.rearm();
        let mut cx = Context::from_waker(&self.waker);
        let Some(body) = &mut self.body else { return Poll::Pending };
        let span = &self.span;
        catch_unwind(AssertUnwindSafe(|| span.in_scope(|| body.poll_chunk(&mut cx))))
            .unwrap_or_else(|_| Poll::Ready(Some(Err(Error::body("its source panicked")))))
    }
}
