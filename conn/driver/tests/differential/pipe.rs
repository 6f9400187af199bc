//! A pipe in memory that takes and gives octets in pieces of random length, and now and then makes its user wait for nothing.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

use crate::plan::Dice;

/// One end of the pipe.
pub struct Ragged {
    pipe: DuplexStream,
    dice: Dice,
}

/// Both ends.
pub fn pipe(dice: &mut Dice) -> (Ragged, Ragged) {
    let (near, far) = tokio::io::duplex(dice.pick(&[100, 4_000, 65_536, 1 << 20]));
    (Ragged { pipe: near, dice: dice.split() }, Ragged { pipe: far, dice: dice.split() })
}

impl Ragged {
    /// How many octets may pass this time; `None`: wait, though there is nothing to wait for.
    fn piece(&mut self, cx: &Context<'_>) -> Option<usize> {
        let most = match self.dice.below(10) {
            0 => {
                cx.waker().wake_by_ref();
                return None;
            }
            1 => 1,
            2 | 3 => 20,
            4..7 => 2_000,
            _ => 64 << 10,
        };
        Some(1 + self.dice.below(most))
    }
}

impl AsyncRead for Ragged {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Some(most) = self.piece(cx) else { return Poll::Pending };
        let mut octets = vec![0; most.min(buf.remaining())];
        let mut piece = ReadBuf::new(&mut octets);
        let read = Pin::new(&mut self.pipe).poll_read(cx, &mut piece);
        buf.put_slice(piece.filled());
        read
    }
}

impl AsyncWrite for Ragged {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let Some(most) = self.piece(cx) else { return Poll::Pending };
        Pin::new(&mut self.pipe).poll_write(cx, &octets[..most.min(octets.len())])
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_shutdown(cx)
    }
}
