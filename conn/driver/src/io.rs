//! Reading and writing: big reads into a buffer the thread's connections share, one write a turn.
//!
//! A connection that waits holds no buffer: it borrows the thread's spare one for a turn and gives it back when every whole
//! frame has been consumed; only the beginning of an unfinished frame makes it keep one.

use std::cell::RefCell;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::BytesMut;
use pellucid_conn::Output;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

/// Octets of a read buffer; a read needs at least a quarter of it free.
const READ_BUFFER: usize = 64 << 10;

/// Slices given to one vectored write.
const SLICES: usize = 32;

/// Watches the octets of a connection; `Received` or `Sent` with each piece, in order.
pub type Tap = Box<dyn FnMut(Direction, &[u8]) + Send>;

/// Which way octets went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the peer.
    Received,
    /// To the peer.
    Sent,
}

thread_local! {
    static SPARE: RefCell<Spare> = RefCell::default();
}

#[derive(Default)]
struct Spare {
    input: BytesMut,
    output: Output,
}

/// The two halves of a transport's buffers, and the transport.
pub(crate) struct Io<T> {
    transport: T,
    pub(crate) input: BytesMut,
    pub(crate) output: Output,
    tap: Option<Tap>,
    pub(crate) is_read_closed: bool,
    /// Octets were written that the transport may still hold back (a TLS session does).
    needs_flush: bool,
}

/// What reading came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Read {
    Octets,
    End,
    Waits,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Io<T> {
    pub(crate) fn new(transport: T, tap: Option<Tap>) -> Self {
        Self {
            transport,
            input: BytesMut::new(),
            output: Output::new(),
            tap,
            is_read_closed: false,
            needs_flush: false,
        }
    }

    /// One read, as large as it comes.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>) -> io::Result<Read> {
        if self.is_read_closed {
            return Ok(Read::Waits);
        }
        self.borrow_input();
        if self.input.capacity() - self.input.len() < READ_BUFFER / 4 {
            self.input.reserve(READ_BUFFER);
        }
        let before = self.input.len();
        let polled = pin!(self.transport.read_buf(&mut self.input)).poll(cx);
        match polled {
            Poll::Pending => Ok(Read::Waits),
            Poll::Ready(Ok(0)) => {
                self.is_read_closed = true;
                Ok(Read::End)
            }
            Poll::Ready(Ok(_)) => {
                if let (Some(tap), Some(new)) = (&mut self.tap, self.input.get(before..)) {
                    tap(Direction::Received, new);
                }
                Ok(Read::Octets)
            }
            // A TLS peer that closed without saying so; HTTP/2 has ends of its own that tell a cut from a close.
            Poll::Ready(Err(e)) if e.kind() == io::ErrorKind::UnexpectedEof => {
                self.is_read_closed = true;
                Ok(Read::End)
            }
            Poll::Ready(Err(e)) => Err(e),
        }
    }

    /// Writes until everything is out or the socket is full. `Ready`: everything is out and flushed.
    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.output.is_empty() {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let n = self.output.chunks(&mut slices);
            let slices = slices.get(..n).unwrap_or_default();
            let offered: usize = slices.iter().map(|s| s.len()).sum();
            let transport = Pin::new(&mut self.transport);
            let polled = match slices {
                [one] => transport.poll_write(cx, one),
                many if transport.is_write_vectored() => transport.poll_write_vectored(cx, many),
                many => transport.poll_write(cx, many.first().map_or(&[][..], |s| s)),
            };
            let written = match polled {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(n)) => n,
                Poll::Ready(Err(e)) => return Poll::Ready(Err(e)),
            };
            debug_assert!(written <= offered, "a transport writes no more than it was given");
            if let Some(tap) = &mut self.tap {
                let mut left = written;
                for slice in slices {
                    let n = left.min(slice.len());
                    tap(Direction::Sent, slice.get(..n).unwrap_or_default());
                    left -= n;
                }
            }
            self.output.advance(written);
            self.needs_flush = true;
        }
        let flushed = Pin::new(&mut self.transport).poll_flush(cx);
        self.needs_flush = flushed.is_pending();
        flushed
    }

    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_shutdown(cx)
    }

    /// Whether everything given to the transport has left it.
    pub(crate) fn is_written(&self) -> bool {
        self.output.is_empty() && !self.needs_flush
    }

    /// Takes the thread's spare output where this connection has none of its own.
    pub(crate) fn borrow_output(&mut self) {
        if self.output.capacity() == 0 {
            SPARE.with(|spare| {
                if let Ok(mut spare) = spare.try_borrow_mut() {
                    self.output = std::mem::take(&mut spare.output);
                }
            });
        }
    }

    fn borrow_input(&mut self) {
        if self.input.capacity() == 0 {
            SPARE.with(|spare| {
                if let Ok(mut spare) = spare.try_borrow_mut() {
                    self.input = std::mem::take(&mut spare.input);
                }
            });
        }
    }

    /// Before the connection sleeps: what it does not need goes back to the thread.
    pub(crate) fn give_back(&mut self) {
        let input = self.input.is_empty() && self.input.capacity() > 0;
        let output = self.output.is_empty() && self.output.capacity() > 0;
        if !input && !output {
            return;
        }
        let _ = SPARE.try_with(|spare| {
            if let Ok(mut spare) = spare.try_borrow_mut() {
                if input {
                    spare.input = std::mem::take(&mut self.input);
                }
                if output {
                    spare.output = std::mem::take(&mut self.output);
                    spare.output.shrink(1 << 20);
                }
            }
        });
    }
}
