//! Octets written by one task, sent as a body by the connection's: the outgoing half of a tunnel.
//!
//! The pipe holds at most [`ROOM`] octets. Small writes are joined, so that a writer of single octets costs neither a frame nor an
//! allocation each.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::BytesMut;
use tokio::io::AsyncWrite;

use crate::body::{Body, Chunk, Source};
use crate::error::Error;

/// Octets a pipe holds: as many as a connection takes of one stream at once.
const ROOM: usize = 64 << 10;

/// The end that is written to. Dropped or shut down, it ends the body.
pub(crate) struct Writer(Arc<Mutex<State>>);

/// The end that the connection takes from.
struct Reader(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    octets: BytesMut,
    /// Nothing more will be written.
    ended: bool,
    /// Nobody takes anything any more.
    abandoned: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// Both ends of a new pipe: what is written comes out as the body.
pub(crate) fn pipe() -> (Writer, Body) {
    let state = Arc::new(Mutex::new(State::default()));
    (Writer(Arc::clone(&state)), Body::from_source(Reader(state)))
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Wakes outside the lock.
fn wake(waker: Option<Waker>, state: MutexGuard<'_, State>) {
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writer")
    }
}

impl AsyncWrite for Writer {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let mut state = lock(&self.0);
        if state.abandoned || state.ended {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let room = ROOM.saturating_sub(state.octets.len());
        if room == 0 {
            state.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let taken = octets.get(..room).unwrap_or(octets);
        state.octets.extend_from_slice(taken);
        let written = taken.len();
        wake(state.reader.take(), state);
        Poll::Ready(Ok(written))
    }

    /// What was written leaves by itself: there is nothing to hurry.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.end();
        Poll::Ready(Ok(()))
    }
}

impl Writer {
    fn end(&self) {
        let mut state = lock(&self.0);
        state.ended = true;
        wake(state.reader.take(), state);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.end();
    }
}

impl Source for Reader {
    fn poll_chunk(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, Error>>> {
        let mut state = lock(&self.0);
        if !state.octets.is_empty() {
            let octets = state.octets.split().freeze();
            wake(state.writer.take(), state);
            return Poll::Ready(Some(Ok(Chunk::Data(octets))));
        }
        if state.ended {
            return Poll::Ready(None);
        }
        state.reader = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut state = lock(&self.0);
        state.abandoned = true;
        wake(state.writer.take(), state);
    }
}
