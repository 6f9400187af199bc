//! What other tasks, and woken handlers, tell the task that owns the connection. Swapped whole: one lock a turn that has mail,
//! none in a turn that has not.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Wake, Waker};

use bytes::Bytes;
use pellucid_conn::StreamId;
use tokio::sync::oneshot;

use crate::control::Command;
use crate::error::{Error, Kind};
use crate::handlers::discard;
use crate::requests::Open;
use crate::stats::Snapshot;

/// Something for the connection's task to do.
#[derive(Debug)]
pub(crate) enum Mail {
    /// The slot with this number was woken.
    Woken(u32),
    /// Octets of a body were consumed.
    Release(StreamId, u32),
    /// Nobody will read the rest of a body; these octets of it were never consumed.
    Unread(StreamId, u32),
    /// As `Unread`, of a tunnel that was shut down: what was written to it is still to arrive.
    Parting(StreamId, u32),
    /// A handler wants the body that its client holds back: 100 (Continue) is due.
    Continue(StreamId),
    /// A client's request.
    Open(Open),
    /// A client has lost interest in a response.
    Cancel(StreamId),
    /// Somebody wants to know how the connection stands.
    Stats(oneshot::Sender<Snapshot>),
    /// The origins a server claims to serve.
    Origins(Vec<Bytes>),
    /// Leave politely.
    ShutDown,
    /// The last client handle is gone.
    Unused,
}

#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    has_mail: AtomicBool,
    has_commands: AtomicBool,
    /// No new streams.
    is_leaving: AtomicBool,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    mail: Vec<Mail>,
    /// Apart from the mail, since a response must not overtake those given for its stream.
    commands: Vec<(StreamId, Command)>,
    owner: Option<Waker>,
    /// Why nothing is taken any more.
    closed: Option<Error>,
}

impl Mailbox {
    /// Leaves a message and wakes the owner. The message comes back when the connection is gone.
    pub(crate) fn post(&self, mail: Mail) -> Result<(), Box<Mail>> {
        let mut inner = self.lock();
        if inner.closed.is_some() {
            return Err(Box::new(mail));
        }
        inner.mail.push(mail);
        self.wake(inner);
        Ok(())
    }

    /// Leaves a command for a stream. One for a connection that is gone is forgotten.
    pub(crate) fn command(&self, id: StreamId, command: Command) {
        let mut inner = self.lock();
        if inner.closed.is_none() {
            inner.commands.push((id, command));
            self.has_commands.store(true, Ordering::Release);
            self.wake(inner);
        }
    }

    /// One wake-up is enough until the owner has looked.
    fn wake(&self, inner: MutexGuard<'_, Inner>) {
        let owner = if self.has_mail.swap(true, Ordering::Release) { None } else { inner.owner.clone() };
        drop(inner);
        if let Some(owner) = owner {
            owner.wake();
        }
    }

    /// The commands for one stream, or all, in the order in which they were given.
    pub(crate) fn take_commands(&self, of: Option<StreamId>) -> Vec<(StreamId, Command)> {
        if !self.has_commands.load(Ordering::Acquire) {
            return Vec::new();
        }
        let mut inner = self.lock();
        let all = std::mem::take(&mut inner.commands);
        let (taken, left) = all.into_iter().partition(|(id, _)| of.is_none_or(|of| of == *id));
        inner.commands = left;
        self.has_commands.store(!inner.commands.is_empty(), Ordering::Release);
        taken
    }

    /// Why nothing is taken any more.
    pub(crate) fn why_closed(&self) -> Error {
        self.lock().closed.clone().unwrap_or_else(|| Error::new(Kind::Closed))
    }

    /// The owner opens no streams any more.
    pub(crate) fn leave(&self) {
        self.is_leaving.store(true, Ordering::Release);
    }

    /// Whether streams may still be opened, as far as is known.
    pub(crate) fn takes_requests(&self) -> bool {
        !self.is_leaving.load(Ordering::Acquire)
    }

    /// The owner takes everything; `into` is empty and is swapped in, so that both buffers are reused.
    pub(crate) fn take(&self, into: &mut Vec<Mail>) {
        if self.has_mail.load(Ordering::Acquire) {
            let mut inner = self.lock();
            self.has_mail.store(false, Ordering::Release);
            std::mem::swap(&mut inner.mail, into);
        }
    }

    /// The owner rests: an empty buffer is not kept.
    pub(crate) fn rest(&self) {
        let mut inner = self.lock();
        if inner.mail.is_empty() {
            inner.mail = Vec::new();
        }
    }

    pub(crate) fn has_mail(&self) -> bool {
        self.has_mail.load(Ordering::Acquire)
    }

    /// The owner says how it is to be woken. Only stored when it has changed.
    pub(crate) fn register(&self, cx: &Context<'_>) {
        let mut inner = self.lock();
        if inner.owner.as_ref().is_none_or(|w| !w.will_wake(cx.waker())) {
            inner.owner = Some(cx.waker().clone());
        }
    }

    /// The connection is over: what is still there is handed out to be told so, and nothing more is taken.
    pub(crate) fn close(&self, why: &Error) -> Vec<Mail> {
        let mut inner = self.lock();
        // It may end more than once; a reason is better than none.
        if inner.closed.as_ref().is_none_or(|known| matches!(known.kind(), Kind::Closed)) {
            inner.closed = Some(why.clone());
        }
        inner.owner = None;
        let commands = std::mem::take(&mut inner.commands);
        self.is_leaving.store(true, Ordering::Release);
        let mail = std::mem::take(&mut inner.mail);
        drop(inner);
        // Outside the lock: what is dropped with them may want the mailbox.
        commands.into_iter().for_each(discard);
        mail
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The waker of one inline slot.
#[derive(Debug)]
pub(crate) struct SlotWaker {
    mailbox: Arc<Mailbox>,
    slot: u32,
    /// Set until the owner has polled the slot again: a waker may be called any number of times.
    woken: AtomicBool,
}

impl SlotWaker {
    pub(crate) fn new(mailbox: Arc<Mailbox>, slot: u32) -> Arc<Self> {
        Arc::new(Self { mailbox, slot, woken: AtomicBool::new(false) })
    }

    /// The slot is about to be polled: the next wake counts again.
    pub(crate) fn rearm(&self) {
        self.woken.store(false, Ordering::Release);
    }
}

impl Wake for SlotWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.woken.swap(true, Ordering::AcqRel) {
            // A connection that is gone polls nothing any more.
            let _ = self.mailbox.post(Mail::Woken(self.slot));
        }
    }
}
