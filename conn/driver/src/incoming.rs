//! A body that is still arriving: a cell shared by the connection's task, which fills it, and whoever reads it.
//!
//! Back-pressure is the peer's window: octets go back to the ledger when they are taken out of the cell, so a cell never holds
//! more than one stream window. Small pieces are joined while the reader is behind, so that a peer that sends one octet a frame
//! costs memory by the octet, not by the frame (RUSTSEC-2026-0258).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};
use pellucid_conn::h2::Config;
use pellucid_conn::{Fields, SendError, StreamId};

use crate::body::Chunk;
use crate::error::{Error, Kind};
use crate::mailbox::{Mail, Mailbox};

/// Pieces below this are joined when others are waiting already.
const JOIN_BELOW: usize = 512;

/// … in buffers of this size.
const JOIN_TO: usize = 4096;

/// Consumed octets are reported in portions of at most this, and the rest at the end.
const REPORT_MOST: u32 = 8 << 10;

/// How many consumed octets a body may keep to itself before it reports them. All streams together must never withhold so much
/// that their window, or the connection's, stays shut while everybody waits for octets.
pub(crate) fn report_from(config: &Config, streams: u32) -> u32 {
    let shared = config.connection_window / 4 / streams.max(1);
    REPORT_MOST.min(shared).min(config.stream_window / 4).max(1)
}

/// The filling end; owned by the connection's task. When it is dropped before the body's end, the stream was given up on this
/// side, and the reader is told.
#[derive(Debug)]
pub(crate) struct Feed {
    cell: Arc<Mutex<Cell>>,
    id: StreamId,
    /// The sender has been told to go on.
    is_continued: bool,
}

/// The reading end.
#[derive(Debug)]
pub(crate) struct Incoming {
    cell: Arc<Mutex<Cell>>,
    mailbox: Arc<Mailbox>,
    id: StreamId,
    /// Consumed and not yet reported.
    consumed: u32,
    report_from: u32,
    /// The sender waits for 100 (Continue).
    expects_continue: bool,
    /// Dropping it is no reason to give up what goes the other way.
    parts_gently: bool,
    done: bool,
}

#[derive(Debug, Default)]
struct Cell {
    queue: VecDeque<Bytes>,
    /// Small pieces behind the queue.
    tail: BytesMut,
    end: Option<Ending>,
    /// The end has come, whether the reader has seen it or not.
    over: bool,
    reader: Option<Waker>,
    /// Nobody will read: what still arrives is refused.
    abandoned: bool,
}

#[derive(Debug)]
enum Ending {
    Complete(Option<Fields>),
    Failed(Error),
}

/// Both ends of a new cell.
pub(crate) fn pair(id: StreamId, mailbox: &Arc<Mailbox>, report_from: u32) -> (Feed, Incoming) {
    let cell = Arc::new(Mutex::new(Cell::default()));
    let incoming = Incoming {
        cell: Arc::clone(&cell),
        mailbox: Arc::clone(mailbox),
        id,
        consumed: 0,
        report_from,
        expects_continue: false,
        parts_gently: false,
        done: false,
    };
    (Feed { cell, id, is_continued: false }, incoming)
}

fn lock(cell: &Mutex<Cell>) -> MutexGuard<'_, Cell> {
    cell.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Feed {
    /// False when nobody reads any more: then the octets are still the caller's to release.
    pub(crate) fn data(&self, data: Bytes) -> bool {
        let mut cell = lock(&self.cell);
        if cell.abandoned {
            return false;
        }
        cell.push(data);
        wake(cell);
        true
    }

    /// Whether 100 (Continue) is still due: true once. A proxy passes the one it was sent on, and then reads.
    pub(crate) fn continue_once(&mut self) -> bool {
        !std::mem::replace(&mut self.is_continued, true)
    }

    pub(crate) fn end(self, trailers: Option<Fields>) {
        self.finish(Ending::Complete(trailers));
    }

    pub(crate) fn fail(self, error: Error) {
        self.finish(Ending::Failed(error));
    }

    fn finish(&self, ending: Ending) {
        let mut cell = lock(&self.cell);
        if !cell.over {
            cell.over = true;
            cell.end = Some(ending);
        }
        wake(cell);
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.finish(Ending::Failed(Error::from(SendError::NoStream).on(self.id).after_answer()));
    }
}

/// Wakes the reader outside the lock.
fn wake(mut cell: MutexGuard<'_, Cell>) {
    let reader = cell.reader.take();
    drop(cell);
    if let Some(reader) = reader {
        reader.wake();
    }
}

impl Cell {
    fn push(&mut self, data: Bytes) {
        let room = JOIN_TO - self.tail.len();
        let waits = !(self.queue.is_empty() && self.tail.is_empty());
        if waits && (data.len() < JOIN_BELOW || (room < JOIN_TO && data.len() <= room)) {
            if data.len() > room {
                self.seal();
            }
            if self.tail.capacity() == 0 {
                self.tail.reserve(JOIN_TO);
            }
            self.tail.extend_from_slice(&data);
        } else {
            self.seal();
            self.queue.push_back(data);
        }
    }

    /// What is joined so far becomes a piece of its own.
    fn seal(&mut self) {
        if !self.tail.is_empty() {
            let piece = std::mem::take(&mut self.tail).freeze();
            self.queue.push_back(piece);
        }
    }
}

impl Incoming {
    /// The sender holds its content back until it is told to go on.
    pub(crate) fn expects_continue(mut self) -> Self {
        self.expects_continue = true;
        self
    }

    /// From now on dropping it leaves our own message to be sent to its end.
    pub(crate) fn part_gently(&mut self) {
        self.parts_gently = true;
    }

    pub(crate) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, Error>>> {
        if self.done {
            return Poll::Ready(None);
        }
        let mut cell = lock(&self.cell);
        if cell.queue.is_empty() {
            cell.seal();
        }
        if let Some(data) = cell.queue.pop_front() {
            drop(cell);
            self.consumed = self.consumed.saturating_add(u32::try_from(data.len()).unwrap_or(u32::MAX));
            if self.consumed >= self.report_from {
                self.report();
            }
            return Poll::Ready(Some(Ok(Chunk::Data(data))));
        }
        match cell.end.take() {
            None => {
                cell.reader = Some(cx.waker().clone());
                drop(cell);
                if std::mem::take(&mut self.expects_continue) {
                    let _ = self.mailbox.post(Mail::Continue(self.id));
                }
                Poll::Pending
            }
            Some(ending) => {
                drop(cell);
                self.done = true;
                self.report();
                Poll::Ready(match ending {
                    Ending::Complete(None) => None,
                    Ending::Complete(Some(fields)) => Some(Ok(Chunk::Trailers(fields))),
                    Ending::Failed(error) => Some(Err(error)),
                })
            }
        }
    }

    /// Whether the end has come and nothing before it is left: no octets, no trailers, no error.
    #[cfg(feature = "http")]
    pub(crate) fn is_over(&self) -> bool {
        let cell = lock(&self.cell);
        let is_complete = matches!(cell.end, Some(Ending::Complete(None)));
        self.done || (is_complete && cell.queue.is_empty() && cell.tail.is_empty())
    }

    fn report(&mut self) {
        let consumed = std::mem::take(&mut self.consumed);
        if consumed > 0 && self.mailbox.post(Mail::Release(self.id, consumed)).is_err() {
            let mut cell = lock(&self.cell);
            if !cell.over {
                cell.over = true;
                cell.end = Some(Ending::Failed(Error::new(Kind::Closed).on(self.id)));
            }
        }
    }
}

impl Drop for Incoming {
    /// Nobody reads the rest: its octets go back to the ledger, and the peer is told to stop.
    fn drop(&mut self) {
        let mut cell = lock(&self.cell);
        cell.abandoned = true;
        cell.seal();
        let unread: usize = cell.queue.drain(..).map(|b| b.len()).sum();
        let is_complete = cell.over;
        drop(cell);
        let unread = u32::try_from(unread).unwrap_or(u32::MAX).saturating_add(self.consumed);
        if !is_complete {
            let mail = if self.parts_gently { Mail::Parting } else { Mail::Unread };
            let _ = self.mailbox.post(mail(self.id, unread));
        } else if unread > 0 {
            let _ = self.mailbox.post(Mail::Release(self.id, unread));
        }
    }
}
