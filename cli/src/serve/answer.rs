//! Answers that need no files: so many octets, or the request's own.
//!
//! Not for: deciding by method or path; everything is answered alike.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use pellucid_server::{Body, Chunk, Error, Request, Response, Service, Source};

/// What all answers of octets are made of; nothing is allocated or copied for one.
static BLOCK: [u8; 64 << 10] = [b'.'; 64 << 10];

/// Answers every request with so many octets, once it has been read to its end.
pub(super) fn octets(total: u64) -> impl Service + Clone {
    let length = total.to_string();
    move |request: Request| {
        let response = Response::new(200)
            .with_header("content-type", "text/plain")
            .with_header("content-length", &length)
            .with_body(block(total).map_or_else(|| Body::from_source(Blocks { left: total }), Body::from));
        let body = request.into_body();
        async move {
            if !body.is_empty() {
                // Where the client gives its request up, nobody is left to tell.
                let _ = body.drain().await;
            }
            response
        }
    }
}

/// Answers a request with its own body and trailers, as they arrive.
pub(super) fn echo() -> impl Service + Clone {
    |request: Request| {
        let mut response = Response::new(200);
        for name in ["content-type", "content-length"] {
            if let Some(value) = request.header(name) {
                response = response.with_header(name, value);
            }
        }
        std::future::ready(response.with_body(request.into_body()))
    }
}

/// So many octets, where one block has them.
fn block(octets: u64) -> Option<Bytes> {
    let octets = usize::try_from(octets).ok()?;
    BLOCK.get(..octets).map(Bytes::from_static)
}

/// A body of many blocks.
struct Blocks {
    left: u64,
}

impl Source for Blocks {
    fn poll_chunk(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Chunk, Error>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let piece = block(self.left).unwrap_or(Bytes::from_static(&BLOCK));
        self.left -= piece.len() as u64;
        Poll::Ready(Some(Ok(Chunk::Data(piece))))
    }
}
