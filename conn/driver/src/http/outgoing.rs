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

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::Waker;

    use ::http::HeaderMap;
    use bytes::Bytes;
    use http_body::Frame;
    use http_body_util::{BodyExt, Empty, Full};

    use super::*;

    fn native<B>(body: B) -> Body
    where
        B: http_body::Body<Data: Buf + Send, Error: Into<BoxError>> + Send + 'static,
    {
        to_native(body, &mut Context::from_waker(Waker::noop()))
    }

    /// Says how often it was polled, and gives nothing.
    struct Counting(Arc<AtomicU32>);

    impl Source for Counting {
        fn poll_chunk(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Chunk, Error>>> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Poll::Pending
        }
    }

    #[test]
    fn what_was_received_goes_on_as_it_is() {
        let polls = Arc::new(AtomicU32::new(0));
        let received = RecvBody::from(Body::from_source(Counting(Arc::clone(&polls))));
        let body = native(received);
        assert_eq!((polls.load(Ordering::Relaxed), body.len()), (0, None));
        let wrapped = RecvBody::from(body).map_err(BoxError::from);
        drop(native(wrapped));
        assert_eq!(polls.load(Ordering::Relaxed), 1, "another body around it is polled once");
    }

    #[test]
    fn content_that_is_all_there_needs_no_source() {
        assert!(native(Empty::<Bytes>::new()).is_empty());
        assert_eq!(native(Full::new(Bytes::from("whole"))).take_whole().unwrap(), "whole");
        // Data that is not `Bytes`.
        assert_eq!(native(Full::new(&b"borrowed"[..])).take_whole().unwrap(), "borrowed");
    }

    /// Frames that are there at once; it never says that it has ended before it has.
    struct Listed(Vec<Frame<Bytes>>);

    impl http_body::Body for Listed {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(self.0.pop().map(Ok))
        }
    }

    #[tokio::test]
    async fn frames_come_in_order_and_empty_ones_not_at_all() {
        let sum = HeaderMap::from_iter([("x-sum".parse().unwrap(), "1".parse().unwrap())]);
        let data = |text: &'static str| Frame::data(Bytes::from(text));
        let mut body = native(Listed(vec![Frame::trailers(sum), data("b"), data(""), data("a"), data("")]));
        for expected in ["a", "b"] {
            assert!(matches!(body.chunk().await, Some(Ok(Chunk::Data(d))) if d == expected));
        }
        assert!(matches!(body.chunk().await, Some(Ok(Chunk::Trailers(f))) if f.get(b"x-sum") == Some(b"1")));
        assert!(body.chunk().await.is_none());

        let nothing = Listed(vec![Frame::trailers(HeaderMap::new()), data("")]);
        assert!(native(nothing).is_empty(), "an empty trailer section is none");
    }
}
