//! Content that arrives, as an `http_body::Body`.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::fields::to_map;
use crate::body::{Body, Chunk};
use crate::error::Error;

/// The content of a message that was received: data frames, and a trailer section if there is one. Reading gives back-pressure to
/// the peer; dropping it before its end tells the peer to stop (RST_STREAM). The default is an empty one.
///
/// It is a native [`Body`] underneath, and [`From`] goes both ways: a proxy that answers with what it received copies nothing.
#[derive(Default)]
pub struct RecvBody {
    body: Body,
    /// Octets still to come by the message's content-length, where it has one.
    left: Option<u64>,
}

impl RecvBody {
    /// The content of a message of this content-length.
    pub(super) fn new(body: Body, length: Option<u64>) -> Self {
        Self { body, left: length }
    }
}

impl http_body::Body for RecvBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Poll::Ready(match ready!(self.body.poll_chunk(cx)) {
            Some(Ok(Chunk::Data(data))) => {
                self.left = self.left.map(|left| left.saturating_sub(data.len() as u64));
                Some(Ok(Frame::data(data)))
            }
            Some(Ok(Chunk::Trailers(fields))) => Some(
                to_map(&fields, |_, _| {})
                    .map(Frame::trailers)
                    .map_err(|unfit| Error::body(format!("trailers that http has no form for: {}", unfit.0))),
            ),
            Some(Err(e)) => Some(Err(e)),
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_over()
    }

    fn size_hint(&self) -> SizeHint {
        let known = if self.body.is_over() { Some(0) } else { self.body.len().or(self.left) };
        known.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl fmt::Debug for RecvBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recv{:?}", self.body)
    }
}

impl From<Body> for RecvBody {
    fn from(body: Body) -> Self {
        Self::new(body, None)
    }
}

impl From<RecvBody> for Body {
    fn from(received: RecvBody) -> Self {
        received.body
    }
}
