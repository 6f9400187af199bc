//! What the tests of tower services share: services made of functions, bodies made of pieces, and a client that sees all of an
//! answer.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "each test file uses its part; a test may unwrap")]

use std::convert::Infallible;
use std::future::ready;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Frame;
use http_body_util::Full;
use http_body_util::combinators::UnsyncBoxBody;
use pellucid_driver::conn::h2::Config;
use pellucid_driver::conn::{Cause, Event};
use pellucid_driver::http::{BoxError, RecvBody, service};
use pellucid_driver::{End, Fields};
use tower::service_fn;

use crate::common::{fields, serve_raw};

pub type Request = http::Request<RecvBody>;
pub type AnyBody = UnsyncBoxBody<Bytes, BoxError>;

pub fn full(content: &'static str) -> Full<Bytes> {
    Full::new(Bytes::from(content))
}

/// A service that answers every request with what this makes of it.
pub fn answering<B>(make: fn(Request) -> http::Response<B>) -> impl pellucid_driver::Service
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    service(service_fn(move |request| ready(Ok::<_, Infallible>(make(request)))))
}

/// What a raw client sees of the answer to one request: the final header section, all content, trailers, or the reset.
#[derive(Default, Debug)]
pub struct Seen {
    pub sections: Vec<Vec<(String, String)>>,
    pub content: Vec<u8>,
    pub trailers: Option<Fields>,
    pub reset: Option<Cause>,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.sections.last().unwrap().iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

pub async fn ask(service: impl pellucid_driver::Service, head: &[(&str, &str)]) -> Seen {
    let (mut raw, _task, _handle, _wire) = serve_raw(service, Config::server(), Config::client());
    raw.conn.open(&fields(head), End::Last).unwrap();
    let mut seen = Seen::default();
    loop {
        let end = match raw.next().await {
            Event::Headers { fields, end, .. } => {
                let text = |octets: &[u8]| String::from_utf8(octets.to_vec()).unwrap();
                seen.sections.push(fields.iter().map(|f| (text(f.name), text(f.value))).collect());
                end
            }
            Event::Data { data, end, .. } => {
                seen.content.extend_from_slice(&data);
                end
            }
            Event::Trailers { fields, .. } => {
                seen.trailers = Some(fields);
                End::Last
            }
            Event::Reset { cause, .. } => {
                seen.reset = Some(cause);
                End::Last
            }
            _ => End::More,
        };
        if end.is_last() {
            return seen;
        }
    }
}

pub const GET: [(&str, &str); 4] =
    [(":method", "GET"), (":scheme", "http"), (":authority", "example.com:81"), (":path", "/a/b?c=d")];
pub const HEAD: [(&str, &str); 4] =
    [(":method", "HEAD"), (":scheme", "http"), (":authority", "example.com"), (":path", "/")];

/// A body of these pieces, of no known length.
pub struct Pieces<I>(pub I);

impl<I: Iterator<Item = Result<&'static [u8], BoxError>> + Unpin> http_body::Body for Pieces<I> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Poll::Ready(self.0.next().map(|piece| piece.map(|octets| Frame::data(Bytes::from_static(octets)))))
    }
}
