//! Requests whose body comes from another connection: what happens there says nothing of the connection they are sent on.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may")]

mod common;

use common::{Pair, Raw, pair, post, settle};
use pellucid_driver::conn::h2::Config;
use pellucid_driver::{End, Error, ErrorCode, Request, Response, Retry, StreamId, server};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// A client that is in the middle of an upload to a proxy, and what becomes of the proxy's own request to the server behind it.
async fn uploading() -> (Raw, StreamId, Pair, UnboundedReceiver<Error>) {
    let behind = pair(|request: Request| async move {
        if request.path() != b"/fine" {
            request.into_body().drain().await.ok();
        }
        Response::new(200)
    });
    let (to, (tell, told)) = (behind.client.clone(), unbounded_channel());
    let proxy = move |request: Request| {
        let (sent, tell) = (to.send(post("/on").with_body(request.into_body())), tell.clone());
        // Goes on when its client has gone, as whoever retries would.
        tokio::spawn(async move { tell.send(sent.await.unwrap_err()) });
        std::future::pending::<Response>()
    };
    let (near, far) = tokio::io::duplex(64 << 10);
    tokio::spawn(server::serve_connection(far, proxy, server::Options::default()).unwrap());
    let mut raw = Raw::client(near, Config::client());
    let id = raw.open("POST", "/", End::More);
    raw.conn.send_data(id, "the beginning".into(), End::More).unwrap();
    raw.flush().await;
    settle().await;
    (raw, id, behind, told)
}

#[tokio::test(start_paused = true)]
async fn a_client_that_refuses_its_own_stream_makes_no_request_behind_it_safe() {
    for code in [ErrorCode::REFUSED_STREAM, ErrorCode::CANCEL] {
        let (mut raw, id, behind, mut told) = uploading().await;
        raw.conn.reset(id, code);
        raw.flush().await;
        let error = told.recv().await.unwrap();
        assert!(error.is_body() && error.to_string().contains(&code.to_string()), "{error}");
        assert_eq!((error.retry(), error.is_refused(), error.is_cancelled()), (Retry::Unsafe, false, false), "{error}");
        behind.is_fine().await;
        behind.ends_clean().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_hangs_up_closes_no_connection_behind_it() {
    let (raw, _, behind, mut told) = uploading().await;
    drop(raw);
    let error = told.recv().await.unwrap();
    assert!(error.is_body() && !error.is_closed(), "{error}");
    assert_eq!(error.retry(), Retry::Unsafe);
    behind.is_fine().await;
    behind.ends_clean().await;
}
