//! Bodies, coming and going: empty, whole, arriving, or made piece by piece.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use pellucid_conn::Fields;
use tokio::sync::mpsc;

use crate::error::{Error, Kind};
use crate::incoming::Incoming;

/// The content of a message, and its trailers.
#[derive(Default)]
pub struct Body(Inner);

#[derive(Default)]
enum Inner {
    #[default]
    Empty,
    /// All of it.
    Whole(Bytes),
    /// Arriving from the peer.
    Incoming(Incoming),
    /// Made as it is needed.
    Source(Pin<Box<dyn Source>>),
}

/// A piece of a body.
#[derive(Debug)]
pub enum Chunk {
    /// Content octets.
    Data(Bytes),
    /// The trailer section; nothing follows.
    Trailers(Fields),
}

/// Makes a body piece by piece. Polled only while the connection can take more: that is the back-pressure.
pub trait Source: Send + 'static {
    /// The next piece; `None` at the end. After an error the stream is reset.
    fn poll_chunk(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, Error>>>;
}

impl Body {
    /// No content.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// A body made as it is needed.
    #[must_use]
    pub fn from_source(source: impl Source) -> Self {
        Self(Inner::Source(Box::pin(source)))
    }

    /// A body fed from elsewhere through a channel of at most `pieces` pieces. Dropping the sender ends the body; the body
    /// being dropped (the peer has lost interest) makes the sender's calls fail.
    #[must_use]
    pub fn channel(pieces: usize) -> (Sender, Self) {
        let (tx, rx) = mpsc::channel(pieces.max(1));
        (Sender(tx), Self::from_source(Receiver(rx)))
    }

    #[cfg(feature = "http")]
    pub(crate) fn from_boxed(source: Pin<Box<dyn Source>>) -> Self {
        Self(Inner::Source(source))
    }

    pub(crate) fn incoming(incoming: Incoming) -> Self {
        Self(Inner::Incoming(incoming))
    }

    /// Whether it is known to be empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match &self.0 {
            Inner::Empty => true,
            Inner::Whole(bytes) => bytes.is_empty(),
            _ => false,
        }
    }

    /// Its length in octets, where that is known.
    #[must_use]
    pub fn len(&self) -> Option<u64> {
        match &self.0 {
            Inner::Empty => Some(0),
            Inner::Whole(bytes) => Some(bytes.len() as u64),
            _ => None,
        }
    }

    /// Whether nothing more comes, not even trailers, as far as is known.
    #[cfg(feature = "http")]
    pub(crate) fn is_over(&self) -> bool {
        match &self.0 {
            Inner::Incoming(incoming) => incoming.is_over(),
            _ => self.is_empty(),
        }
    }

    /// The whole content, where it is all here already.
    pub(crate) fn take_whole(&mut self) -> Option<Bytes> {
        match std::mem::take(&mut self.0) {
            Inner::Empty => Some(Bytes::new()),
            Inner::Whole(bytes) => Some(bytes),
            other => {
                self.0 = other;
                None
            }
        }
    }

    /// From now on dropping it unread leaves what goes the other way to be sent to its end.
    pub(crate) fn part_gently(&mut self) {
        if let Inner::Incoming(incoming) = &mut self.0 {
            incoming.part_gently();
        }
    }

    /// The next piece; `Ready(None)` at the end.
    ///
    /// # Errors
    /// The stream was reset, the connection ended, or the source failed; nothing follows.
    pub fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, Error>>> {
        let chunk = match &mut self.0 {
            Inner::Empty => return Poll::Ready(None),
            Inner::Whole(bytes) => Some(std::mem::take(bytes)).filter(|b| !b.is_empty()).map(|b| Ok(Chunk::Data(b))),
            Inner::Incoming(incoming) => ready!(incoming.poll_chunk(cx)),
            Inner::Source(source) => ready!(source.as_mut().poll_chunk(cx)),
        };
        if !matches!(chunk, Some(Ok(Chunk::Data(_)))) || matches!(self.0, Inner::Whole(_)) {
            self.0 = Inner::Empty;
        }
        Poll::Ready(chunk)
    }

    /// The next piece. Cancel-safe: a piece is either returned or still there.
    ///
    /// # Errors
    /// See [`Body::poll_chunk`].
    pub async fn chunk(&mut self) -> Option<Result<Chunk, Error>> {
        poll_fn(|cx| self.poll_chunk(cx)).await
    }

    /// All content, trailers dropped. Not cancel-safe: what was read is lost.
    ///
    /// # Errors
    /// `Kind::TooLarge` above `limit` octets, and what [`Body::chunk`] fails with.
    pub async fn collect(mut self, limit: usize) -> Result<Bytes, Error> {
        if let Some(whole) = self.take_whole() {
            return if whole.len() <= limit { Ok(whole) } else { Err(Error::new(Kind::TooLarge)) };
        }
        let mut all = BytesMut::new();
        while let Some(chunk) = self.chunk().await {
            if let Chunk::Data(data) = chunk? {
                if all.len() + data.len() > limit {
                    return Err(Error::new(Kind::TooLarge));
                }
                all.extend_from_slice(&data);
            }
        }
        Ok(all.freeze())
    }

    /// Reads to the end and forgets everything; the trailers, if there are any. Not cancel-safe.
    ///
    /// # Errors
    /// See [`Body::poll_chunk`].
    pub async fn drain(mut self) -> Result<Option<Fields>, Error> {
        while let Some(chunk) = self.chunk().await {
            if let Chunk::Trailers(fields) = chunk? {
                return Ok(Some(fields));
            }
        }
        Ok(None)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Inner::Empty => "Body(empty)",
            Inner::Whole(bytes) => return write!(f, "Body({} octets)", bytes.len()),
            Inner::Incoming(_) => "Body(arriving)",
            Inner::Source(_) => "Body(made)",
        })
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(octets: T) -> Self {
        Self(Inner::Whole(octets.into()))
    }
}

/// The feeding end of [`Body::channel`].
#[derive(Debug, Clone)]
pub struct Sender(mpsc::Sender<Result<Chunk, Error>>);

impl Sender {
    /// Sends content; waits while the connection is behind. Cancel-safe: nothing is sent when cancelled.
    ///
    /// # Errors
    /// `Kind::Closed` when nobody wants the body any more.
    pub async fn send(&self, data: impl Into<Bytes>) -> Result<(), Error> {
        self.post(Ok(Chunk::Data(data.into()))).await
    }

    /// Sends the trailer section, which ends the body. Not cancel-safe: without this sender the body may end without trailers.
    ///
    /// # Errors
    /// See [`Sender::send`].
    pub async fn trailers(self, fields: Fields) -> Result<(), Error> {
        self.post(Ok(Chunk::Trailers(fields))).await
    }

    /// Ends the body with an error: the stream is reset. Not cancel-safe: without this sender the body may end as if complete.
    ///
    /// # Errors
    /// See [`Sender::send`].
    pub async fn fail(self, error: Error) -> Result<(), Error> {
        self.post(Err(error)).await
    }

    async fn post(&self, item: Result<Chunk, Error>) -> Result<(), Error> {
        self.0.send(item).await.map_err(|_| Error::new(Kind::Closed))
    }
}

struct Receiver(mpsc::Receiver<Result<Chunk, Error>>);

impl Source for Receiver {
    fn poll_chunk(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, Error>>> {
        self.0.poll_recv(cx)
    }
}
