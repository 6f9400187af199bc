//! A body read piece by piece from a file or standard input, by threads that may block.
//!
//! A piece is read when the connection has room for it: what is held of a body is never more than one of them.
//!
//! Not for: what the octets mean, or where they go.

use std::future::Future;
use std::io::{self, ErrorKind, Read};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use pellucid_driver::{Chunk, Error, Source};
use tokio::task::{JoinHandle, spawn_blocking};

/// Octets of a piece, and of the files that are read at once.
pub(crate) const PIECE: usize = 64 << 10;

/// The body; needs a tokio runtime around it while it is read.
pub(crate) struct Pieces<R> {
    state: State<R>,
    /// Octets that must still come, where that is known: they have been promised as content-length.
    left: Option<u64>,
}

enum State<R> {
    Idle(R),
    Reading(JoinHandle<(R, io::Result<Bytes>)>),
    Done,
}

impl<R: Read + Send + Unpin + 'static> Pieces<R> {
    /// What `reader` gives; exactly `length` octets of it, where that is some.
    pub(crate) fn new(reader: R, length: Option<u64>) -> Self {
        Self { state: State::Idle(reader), left: length }
    }

    fn begin(&mut self, mut reader: R) -> State<R> {
        let limit = self.left.and_then(|left| usize::try_from(left).ok()).unwrap_or(PIECE).min(PIECE);
        State::Reading(spawn_blocking(move || {
            let piece = read_some(&mut reader, limit);
            (reader, piece)
        }))
    }

    fn take(&mut self, piece: io::Result<Bytes>) -> Option<Result<Chunk, Error>> {
        let fail = |text: String| Some(Err(Error::body(text)));
        match (piece, &mut self.left) {
            (Err(error), _) => fail(error.to_string()),
            (Ok(piece), Some(1..)) if piece.is_empty() => fail("the file has become shorter while it was read".into()),
            (Ok(piece), _) if piece.is_empty() => None,
            (Ok(piece), left) => {
                *left = left.map(|left| left.saturating_sub(piece.len() as u64));
                Some(Ok(Chunk::Data(piece)))
            }
        }
    }
}

fn read_some(reader: &mut impl Read, limit: usize) -> io::Result<Bytes> {
    let mut piece = BytesMut::zeroed(limit);
    loop {
        match reader.read(&mut piece) {
            Ok(octets) => {
                piece.truncate(octets);
                return Ok(piece.freeze());
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

impl<R: Read + Send + Unpin + 'static> Source for Pieces<R> {
    fn poll_chunk(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, Error>>> {
        let this = &mut *self;
        loop {
            match &mut this.state {
                State::Done => return Poll::Ready(None),
                State::Idle(_) if this.left == Some(0) => this.state = State::Done,
                State::Idle(_) => {
                    if let State::Idle(reader) = std::mem::replace(&mut this.state, State::Done) {
                        this.state = this.begin(reader);
                    }
                }
                State::Reading(reading) => {
                    let read = ready!(Pin::new(reading).poll(cx));
                    this.state = State::Done;
                    let Ok((reader, piece)) = read else {
                        return Poll::Ready(Some(Err(Error::body("reading was cancelled"))));
                    };
                    let chunk = this.take(piece);
                    if matches!(chunk, Some(Ok(_))) {
                        this.state = State::Idle(reader);
                    }
                    return Poll::Ready(chunk);
                }
            }
        }
    }
}
