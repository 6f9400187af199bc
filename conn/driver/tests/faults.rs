//! Handlers that go wrong: a panic anywhere, a body that disagrees with its content-length. Only their own stream suffers.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use common::{Pair, echo, get, made_by, pair, post, settle};
use pellucid_driver::conn::h2::Violation;
use pellucid_driver::{Body, Chunk, ErrorCode, Kind, Request, Response, Retry, Spawn, client};
use tokio::io::AsyncWriteExt;

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "a bomb goes off");
    }
}

/// Drops its bomb with the future, when the response is ready already.
struct Late {
    _bomb: Option<Bomb>,
}

impl Future for Late {
    type Output = Response;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Response> {
        Poll::Ready(Response::new(200))
    }
}

/// A handler that goes wrong in the way the path names.
async fn wrong(request: Request) -> Response {
    let path = String::from_utf8(request.path().to_vec()).unwrap();
    if path.contains("after") {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    match path.as_str() {
        "/fine" => Response::new(200),
        "/before-await" | "/after-await" => panic!("a handler panics"),
        "/body" | "/body-after" => {
            let mut left = 3;
            Response::new(200).with_body(made_by(move || {
                left -= 1;
                assert!(left > 0, "a body panics");
                Poll::Ready(Some(Ok(Chunk::Data(vec![0; 1000].into()))))
            }))
        }
        other => panic!("{other}"),
    }
}

async fn resets_only_itself(pair: &Pair, path: &str) {
    let sibling = pair.client.send(post("/fine").with_body("x"));
    let before = pair.wire.sent().resets.len();
    let error = match pair.client.send(post(path)).await {
        Err(error) => error,
        Ok(response) => response.into_body().drain().await.unwrap_err(),
    };
    assert!(matches!(error.kind(), Kind::Stream(_)), "{path}: {error}");
    assert!(error.retry() != Retry::Safe, "{path}: {error}");
    let resets = pair.wire.sent().resets;
    assert_eq!(resets.len(), before + 1, "{path}: {resets:?}");
    assert!(resets.iter().all(|(_, code)| *code == ErrorCode::INTERNAL_ERROR), "{path}: {resets:?}");
    assert_eq!(sibling.await.unwrap().status(), 200, "{path}");
}

#[tokio::test(start_paused = true)]
async fn a_panic_resets_its_own_stream_and_no_other() {
    let pair = pair(wrong);
    for path in ["/before-await", "/after-await", "/body", "/body-after"] {
        resets_only_itself(&pair, path).await;
    }
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_spawned_handler_resets_its_own_stream_and_no_other() {
    let pair = pair(Spawn(wrong));
    for path in ["/before-await", "/after-await", "/body"] {
        resets_only_itself(&pair, path).await;
    }
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_call_itself_resets_its_own_stream() {
    let pair = pair(|request: Request| {
        assert_eq!(request.path(), b"/fine", "a call panics");
        async { Response::new(200) }
    });
    resets_only_itself(&pair, "/call").await;
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_finished_handlers_destructor_leaves_its_response_standing() {
    let pair = pair(|request: Request| Late { _bomb: (request.path() == b"/bomb").then(|| Bomb) });
    assert_eq!(pair.get("/bomb").await.unwrap().status(), 200);
    pair.is_fine().await;
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_a_cancelled_handler_is_dropped_stays_with_it() {
    let pair = pair(|request: Request| async move {
        if request.path() == b"/fine" {
            return Response::new(200);
        }
        let _bomb = Bomb;
        std::future::pending().await
    });
    for _ in 0..3 {
        let sent = tokio::spawn(pair.get("/bomb"));
        settle().await;
        sent.abort();
        settle().await;
    }
    pair.is_fine().await;
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_an_unwanted_body_is_dropped_stays_with_it() {
    let bomb = || {
        let bomb = Bomb;
        made_by(move || {
            let _ = &bomb;
            Poll::Pending
        })
    };
    let pair = pair(move |request: Request| {
        let status = if request.path() == b"/204" { 204 } else { 200 };
        let malformed = request.path() == b"/malformed";
        let body = if request.path() == b"/fine" { Body::empty() } else { bomb() };
        async move {
            let response = Response::new(status).with_body(body);
            if malformed { response.with_header("connection", "x") } else { response }
        }
    });
    assert_eq!(pair.client.send(Request::new("HEAD", "http", "localhost", "/")).await.unwrap().status(), 200);
    assert_eq!(pair.get("/204").await.unwrap().status(), 204);
    assert!(pair.get("/malformed").await.is_err());
    drop(pair.get("/dropped").await.unwrap());
    // The client's own bodies.
    let refused = pair.client.send(post("/").with_header("upgrade", "x").with_body(bomb())).await;
    assert!(refused.is_err());
    settle().await;
    pair.is_fine().await;
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_body_reader_outlives_its_handlers_panic_and_is_told() {
    let (told, mut is_told) = tokio::sync::mpsc::unbounded_channel();
    let pair = pair(move |request: Request| {
        let told = told.clone();
        async move {
            let is_fine = request.path() == b"/fine";
            let body = request.into_body();
            tokio::spawn(async move { told.send(body.drain().await.is_err()).unwrap() });
            assert!(is_fine, "a handler panics");
            Response::new(200)
        }
    });
    let (sender, body) = Body::channel(1);
    let error = pair.client.send(post("/panics").with_body(body)).await.unwrap_err();
    assert!(matches!(error.kind(), Kind::Stream(_)), "{error}");
    settle().await;
    assert_eq!(is_told.try_recv(), Ok(true), "the body failed");
    assert!(sender.send("x").await.is_err());
    pair.is_fine().await;
    pair.ends_clean().await;
}

/// A body of these pieces.
fn pieces(list: &'static [&'static str]) -> Body {
    let mut list = list.iter();
    made_by(move || Poll::Ready(list.next().map(|p| Ok(Chunk::Data((*p).into())))))
}

/// Covers 9110:8.6-9
#[tokio::test(start_paused = true)]
async fn a_response_that_disagrees_with_its_content_length_is_reset_not_sent() {
    let pair = pair(|request: Request| async move {
        let body = match request.path() {
            b"/longer" => Body::from("123456"),
            b"/shorter" => Body::from("1234"),
            b"/empty" => Body::empty(),
            b"/streamed-longer" => pieces(&["123", "456"]),
            b"/streamed-shorter" => pieces(&["123", "4"]),
            _ => pieces(&["123", "45"]),
        };
        Response::new(200).with_header("content-length", "5").with_body(body)
    });
    for path in ["/longer", "/shorter", "/empty", "/streamed-longer", "/streamed-shorter"] {
        let error = match pair.get(path).await {
            Err(error) => error,
            Ok(response) => response.into_body().drain().await.unwrap_err(),
        };
        assert!(error.to_string().contains("INTERNAL_ERROR"), "{path}: {error}");
    }
    let response = pair.get("/fine").await.unwrap();
    assert_eq!(response.into_body().collect(10).await.unwrap(), "12345");
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_disagrees_with_its_content_length_fails_at_the_client() {
    let pair = pair(echo);
    let request = |body: Body| post("/").with_header("content-length", "5").with_body(body);
    for body in [Body::from("123456"), Body::from("1"), Body::empty()] {
        let error = pair.client.send(request(body)).await.unwrap_err();
        assert!(error.retry() == Retry::Unsafe && error.to_string().contains("content-length"), "{error}");
    }
    assert!(pair.wire.received().headers.is_empty());
    for body in [pieces(&["123456"]), pieces(&["1"])] {
        let error = match pair.client.send(request(body)).await {
            Err(error) => error,
            Ok(response) => response.into_body().drain().await.unwrap_err(),
        };
        assert!(error.to_string().contains("content-length"), "{error}");
    }
    assert!(pair.wire.received().resets.iter().all(|(_, code)| *code == ErrorCode::CANCEL));
    let response = pair.client.send(request(pieces(&["12345"]))).await.unwrap();
    assert_eq!(response.into_body().collect(10).await.unwrap(), "12345");
    assert_eq!(pair.client.send(get("/")).await.unwrap().status(), 200);
    pair.ends_clean().await;
}

/// A request that is sent just when the connection fails learns why it failed.
#[tokio::test]
async fn a_request_to_a_peer_that_speaks_something_else_is_told_so() {
    let (near, mut far) = tokio::io::duplex(1024);
    far.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").await.unwrap();
    let (client, driving) = client::handshake(near, client::Options::default()).unwrap();
    let response = client.send(get("/"));
    let (outcome, report) = tokio::join!(response, driving);
    for error in [outcome.unwrap_err(), report.error.unwrap()] {
        let Kind::Connection(e) = error.kind() else { panic!("{error}") };
        assert_eq!(e.violation, Violation::FirstFrameNotSettings);
    }
}
