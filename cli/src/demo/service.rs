//! The demo's server: each path shows one thing.
//!
//! Not for: use as a server; `serve` is one.

use std::time::Duration;

use bytes::Bytes;
use pellucid_driver::{Body, Fields, Request, Response};

/// Who it says it is.
pub(super) const AUTHORITY: &str = "demo.example";

/// How long the slow answer takes.
const SLOW: Duration = Duration::from_millis(300);

/// Octets of a large answer: more than a stream's window, and several frames.
const LARGE: usize = 48 << 10;

static CONTENT: [u8; LARGE] = [b'~'; LARGE];

pub(super) async fn answer(request: Request) -> Response {
    let text = |status, text: &'static str| {
        Response::new(status)
            .with_header("content-type", "text/plain")
            .with_header("content-length", text.len().to_string())
            .with_body(text)
    };
    match request.path() {
        b"/hello" => text(200, "Hello over HTTP/2.\n"),
        b"/urgent" => text(200, "First, please.\n"),
        b"/slow" => {
            tokio::time::sleep(SLOW).await;
            text(200, "Nobody had to wait for me.\n")
        }
        b"/large/a" | b"/large/b" => {
            Response::new(200).with_header("content-type", "text/plain").with_body(Bytes::from_static(&CONTENT))
        }
        b"/echo" => Response::new(200).with_body(request.into_body()),
        b"/checked" => checked().await,
        _ => text(404, "No such thing.\n"),
    }
}

/// An answer that says at its end whether it was right.
async fn checked() -> Response {
    let (sender, body) = Body::channel(2);
    // There is room for both: neither waits.
    let text = "The sum of these octets follows.\n";
    let sum: u64 = text.bytes().map(u64::from).sum();
    let _ = sender.send(text).await;
    let mut trailers = Fields::new();
    trailers.push(b"checksum", format!("sum={sum}").as_bytes());
    let _ = sender.trailers(trailers).await;
    Response::new(200).with_header("content-type", "text/plain").with_header("trailer", "checksum").with_body(body)
}
