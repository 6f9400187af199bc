//! Reading and writing: big reads into a buffer the thread's connections share, one write a turn.
//!
//! A connection that waits holds no buffer: it borrows the thread's spare one for a turn and gives it back when every whole
//! frame has been consumed. The beginning of an unfinished frame is kept in a buffer of its own size: peers that begin a frame
//! and fall silent would else hold a whole read buffer each.

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

/// Unfinished frames up to this many octets are moved to a buffer of their own while the connection sleeps; longer ones are most
/// often in full flight, and the copy would be in vain.
const KEPT: usize = 4 << 10;

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
    /// The input is no read buffer, but one of its content's size.
    is_input_kept: bool,
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
            is_input_kept: false,
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

    /// Takes the thread's spare buffer where this connection has none, or only one that is as small as what it keeps.
    fn borrow_input(&mut self) {
        if self.input.capacity() > 0 && !self.is_input_kept {
            return;
        }
        self.is_input_kept = false;
        SPARE.with(|spare| {
            if let Ok(mut spare) = spare.try_borrow_mut() {
                let kept = std::mem::replace(&mut self.input, std::mem::take(&mut spare.input));
                if !kept.is_empty() {
                    self.input.reserve(READ_BUFFER);
                    self.input.extend_from_slice(&kept);
                }
            }
        });
    }

    /// Before the connection sleeps: what it does not need goes back to the thread.
    pub(crate) fn give_back(&mut self) {
        if self.is_input_kept && self.input.is_empty() {
            (self.input, self.is_input_kept) = (BytesMut::new(), false);
        }
        let mut kept = None;
        if !self.is_input_kept && (1..=KEPT).contains(&self.input.len()) {
            kept = Some(BytesMut::from(self.input.as_ref()));
            self.input.clear();
        }
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
        if let Some(kept) = kept {
            (self.input, self.is_input_kept) = (kept, true);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    #[tokio::test]
    async fn the_beginning_of_a_frame_keeps_no_read_buffer_and_loses_nothing() {
        let (mut far, near) = tokio::io::duplex(64 << 10);
        let mut io = Io::new(near, None);
        let mut sent = Vec::new();
        for n in [1_u8, 2, 250, 3] {
            let piece = vec![n; usize::from(n) * 9];
            far.write_all(&piece).await.expect("there is room");
            sent.extend_from_slice(&piece);
            let read = std::future::poll_fn(|cx| Poll::Ready(io.poll_read(cx))).await;
            assert_eq!(read.expect("the pipe is open"), Read::Octets);
            io.give_back();
            assert_eq!(io.input, sent);
            assert!(io.input.capacity() <= 2 * KEPT, "{} octets for {}", io.input.capacity(), sent.len());
        }
        io.input.clear();
        io.give_back();
        assert_eq!(io.input.capacity(), 0, "nothing is kept of nothing");
    }
}
