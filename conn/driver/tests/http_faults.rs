//! Tower services behind a connection: how they fail, and that only their own streams suffer.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may")]

mod common;
mod http_common;

use std::convert::Infallible;
use std::future::{Ready, poll_fn, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use common::{Pair, pair, post, settle};
use http_body_util::Empty;
use http_common::{Pieces, Request, answering, full};
use pellucid_driver::conn::Cause;
use pellucid_driver::http::{BoxError, service};
use pellucid_driver::{Body, ErrorCode, Kind};
use tower::service_fn;

fn internal(error: &pellucid_driver::Error) {
    assert!(matches!(error.kind(), Kind::Stream(Cause::Peer(ErrorCode::INTERNAL_ERROR))), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_fails_resets_its_own_stream_only() {
    let pair = pair(service(service_fn(|request: Request| async move {
        match request.uri().path() {
            "/fails" => Err(BoxError::from("out of order")),
            _ => Ok(http::Response::new(Empty::<Bytes>::new())),
        }
    })));
    internal(&pair.get("/fails").await.unwrap_err());
    pair.is_fine().await;
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_never_ready_again_resets_each_stream() {
    #[derive(Clone)]
    struct Broken;
    impl tower_service::Service<Request> for Broken {
        type Response = http::Response<Empty<Bytes>>;
        type Error = BoxError;
        type Future = Ready<Result<Self::Response, BoxError>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
            Poll::Ready(Err("broken".into()))
        }
        fn call(&mut self, _: Request) -> Self::Future {
            panic!("called when not ready")
        }
    }
    let pair = pair(service(Broken));
    internal(&pair.get("/").await.unwrap_err());
    internal(&pair.get("/").await.unwrap_err());
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_body_that_fails_or_has_another_length_resets_its_own_stream_only() {
    let pair = pair(service(service_fn(|request: Request| async move {
        let list: Vec<Result<&str, BoxError>> = match request.uri().path() {
            "/fails" => vec![Ok("half"), Err("cut off".into())],
            "/fails-at-once" => vec![Err("cut off".into())],
            "/long" => vec![Ok("four"), Ok("four")],
            "/short" => vec![Ok("fo")],
            _ => vec![Ok("four")],
        };
        let pieces = Pieces(list.into_iter().map(|piece| piece.map(str::as_bytes)));
        Ok::<_, Infallible>(http::Response::builder().header("content-length", 4).body(pieces).unwrap())
    })));
    for path in ["/fails", "/fails-at-once", "/long", "/short"] {
        let outcome = match pair.get(path).await {
            Ok(response) => response.into_body().collect(1024).await,
            Err(e) => Err(e),
        };
        internal(&outcome.expect_err(path));
        let response = pair.get("/fine").await.unwrap();
        assert_eq!(response.into_body().collect(1024).await.unwrap(), "four");
    }
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_whole_body_of_another_length_resets_its_own_stream_only() {
    let pair = pair(service(service_fn(|request: Request| async move {
        let length = if request.uri().path() == "/wrong" { "4" } else { "5" };
        Ok::<_, Infallible>(http::Response::builder().header("content-length", length).body(full("whole")).unwrap())
    })));
    internal(&pair.get("/wrong").await.unwrap_err());
    pair.is_fine().await;
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_dropped_body_tells_the_client_to_stop_and_leaks_no_window() {
    let Pair { client, handle, wire, .. } = pair(answering(|_| http::Response::new(full("enough"))));
    let (sender, body) = Body::channel(1);
    let response = client.send(post("/").with_body(body)).await.unwrap();
    assert_eq!(response.into_body().collect(1024).await.unwrap(), "enough");
    settle().await;
    assert!(sender.send("more").await.is_err() || sender.send("more").await.is_err(), "nobody wants it");
    assert_eq!(wire.sent().resets.iter().map(|r| r.1).collect::<Vec<_>>(), [ErrorCode::NO_ERROR]);
    let snapshot = handle.stats().await.unwrap();
    assert_eq!((snapshot.live_streams, snapshot.unconsumed), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_cancels_the_service() {
    struct Guard(Arc<AtomicU32>);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let dropped = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&dropped);
    let pair = pair(service(service_fn(move |request: Request| {
        let guard = Guard(Arc::clone(&counter));
        async move {
            if request.uri().path() == "/stuck" {
                std::future::pending::<()>().await;
            }
            drop(guard);
            Ok::<_, Infallible>(http::Response::new(Empty::<Bytes>::new()))
        }
    })));
    let request = pair.get("/stuck");
    tokio::select! {
        biased;
        () = settle() => {}
        _ = request => panic!("it never answers"),
    }
    settle().await;
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
    pair.is_fine().await;
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_large_body_is_pulled_by_the_connection_only_as_fast_as_it_leaves() {
    let pulled = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&pulled);
    let endless = service(service_fn(move |_: Request| {
        let counter = Arc::clone(&counter);
        let pieces = std::iter::repeat_with(move || {
            counter.fetch_add(1, Ordering::Relaxed);
            Ok([0_u8; 1024].as_slice())
        });
        ready(Ok::<_, Infallible>(http::Response::new(Pieces(pieces))))
    }));
    let pair = pair(endless);
    let mut response = pair.get("/").await.unwrap();
    settle().await;
    let before = pulled.load(Ordering::Relaxed);
    assert!(before < 16 << 10, "{before} KiB pulled while nobody reads");
    for _ in 0..before {
        poll_fn(|cx| response.body_mut().poll_chunk(cx)).await.unwrap().unwrap();
    }
    settle().await;
    assert!(pulled.load(Ordering::Relaxed) > before, "reading lets more come");
}
