//! Any `http_body::Body` as the body of a message that is sent.

use std::any::Any;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf;
use pin_project_lite::pin_project;

use super::fields::{Te, append};
use super::{BoxError, RecvBody};
use crate::body::{Body, Chunk, Source};
use crate::error::Error;
use crate::pool;

/// The body to send. It is polled once, so that content which is all there needs neither a source nor frames of its own.
pub(super) fn to_native<B>(body: B, cx: &mut Context<'_>) -> Body
where
    B: http_body::Body<Data: Buf + Send, Error: Into<BoxError>> + Send + 'static,
{
    let mut body = Some(body);
    // What came from a connection goes on as it is.
    let received = (&mut body as &mut dyn Any).downcast_mut::<Option<RecvBody>>().and_then(Option::take);
    if let Some(received) = received {
        return received.into();
    }
    let Some(body) = body.filter(|body| !body.is_end_stream()) else { return Body::empty() };
    let mut frames = Box::pin(Frames { body, first: None });
    match frames.as_mut().poll_chunk(cx) {
        Poll::Ready(None) => return Body::empty(),
        Poll::Ready(Some(Ok(Chunk::Data(data)))) if frames.body.is_end_stream() => return data.into(),
        Poll::Ready(first) => *frames.as_mut().project().first = first,
        // Whoever polls it next is woken instead.
        Poll::Pending => {}
    }
    Body::from_boxed(frames)
}

pin_project! {
    /// The frames of a body, of which the first may have been taken already.
    struct Frames<B> {
        #[pin]
        body: B,
        first: Option<Result<Chunk, Error>>,
    }
}

impl<B> Source for Frames<B>
where
    B: http_body::Body<Data: Buf + Send, Error: Into<BoxError>> + Send + 'static,
{
    fn poll_chunk(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, Error>>> {
        let mut this = self.project();
        if let Some(first) = this.first.take() {
            return Poll::Ready(Some(first));
        }
        loop {
            let frame = match ready!(this.body.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                Some(Err(e)) => return Poll::Ready(Some(Err(Error::body(e)))),
                None => return Poll::Ready(None),
            };
            match frame.into_data().map_err(|other| other.into_trailers()) {
                Ok(mut data) if data.has_remaining() => {
                    let octets = data.copy_to_bytes(data.remaining());
                    return Poll::Ready(Some(Ok(Chunk::Data(octets))));
                }
                Err(Ok(trailers)) if !trailers.is_empty() => {
                    let mut fields = pool::take();
                    append(&mut fields, &trailers, Te::Never);
                    return Poll::Ready(Some(Ok(Chunk::Trailers(fields))));
                }
                // Nothing in it, or nothing that HTTP/2 has a form for.
                _ => {}
            }
        }
    }
}
