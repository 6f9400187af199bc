//! Server push (RFC 9113 §8.4): promises before the response that refers to them, pushed responses that arrive, wait, or are not
//! wanted.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may")]

mod common;

use std::sync::mpsc::{Receiver, channel};

use common::{Pair, Setup, get, made_by, pair, post, settle};
use pellucid_driver::client::{Notice, Notices, Pushed};
use pellucid_driver::conn::SendError;
use pellucid_driver::{Chunk, ErrorCode, Kind, Request, Response, Service};
use pellucid_frame::Kind as FrameKind;

/// A client that takes `reserved` promises and allows `streams` of them to be answered at once.
fn taking<S: Service>(reserved: u32, streams: u32, service: S) -> (Pair, Receiver<Pushed>) {
    let (tell, told) = channel();
    let notices: Notices = Box::new(move |notice| {
        if let Notice::Push(pushed) = notice {
            let _ = tell.send(pushed);
        }
    });
    let mut setup = Setup { notices: Some(notices), ..Setup::default() };
    setup.client.max_reserved_remote = reserved;
    setup.client.max_concurrent_streams = streams;
    (setup.start(service), told)
}

/// Pushes as many responses as the path says, each with its own path as content, and then answers.
async fn pushing(request: Request) -> Response {
    let control = request.control().unwrap();
    let count: usize = std::str::from_utf8(&request.path()[1..]).unwrap().parse().unwrap();
    for n in 0..count {
        let path = format!("/pushed/{n}");
        let response = Response::new(200).with_body(path.clone().repeat(1000));
        control.push(get(&path), response).await.unwrap();
    }
    Response::new(200).with_body("done")
}

/// Covers 9113:8.4.1-4
#[tokio::test(start_paused = true)]
async fn a_promise_comes_before_the_response_and_its_own_response_arrives() {
    let (pair, pushed) = taking(10, 100, pushing);
    let response = pair.get("/1").await.unwrap();
    let pushed = pushed.try_recv().expect("before the response");
    assert_eq!((pushed.request.path(), pushed.on.get()), (&b"/pushed/0"[..], 1));
    assert_eq!(pushed.response.stream().unwrap().get(), 2);
    let order = pair.wire.sent().order;
    let at = |what| order.iter().position(|frame| *frame == what).unwrap();
    assert!(at((FrameKind::PUSH_PROMISE, 1)) < at((FrameKind::HEADERS, 1)), "{order:?}");
    let answer = pushed.response.await.unwrap();
    assert_eq!(answer.into_body().collect(1 << 20).await.unwrap(), "/pushed/0".repeat(1000));
    assert_eq!(response.into_body().collect(9).await.unwrap(), "done");
    settle().await;
    assert_eq!(pair.live().await, (0, 0));
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_does_not_wait_pushes_all_the_same() {
    let (pair, pushed) = taking(10, 100, |request: Request| async move {
        drop(request.control().unwrap().push(get("/pushed"), Response::new(200).with_body("pushed")));
        Response::new(200)
    });
    pair.get("/").await.unwrap();
    let answer = pushed.try_recv().unwrap().response.await.unwrap();
    assert_eq!(answer.into_body().collect(9).await.unwrap(), "pushed");
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_allows_no_pushes_gets_none_and_the_handler_is_told() {
    let pair = pair(|request: Request| async move {
        let error = request.control().unwrap().push(get("/x"), Response::new(200)).await.unwrap_err();
        assert!(matches!(error.kind(), Kind::Send(SendError::PushNotAllowed)), "{error}");
        assert_eq!(error.stream(), request.stream());
        Response::new(200)
    });
    pair.is_fine().await;
    assert!(!pair.wire.sent().order.iter().any(|(kind, _)| *kind == FrameKind::PUSH_PROMISE));
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_promised_is_refused_and_harms_nothing() {
    let (pair, pushed) = taking(10, 100, |request: Request| async move {
        let control = request.control().unwrap();
        for wrong in
            [post("/x"), get("/x").with_body("content"), get("x"), get("/x").with_header("connection", "close")]
        {
            let error = control.push(wrong, Response::new(200)).await.unwrap_err();
            assert!(error.is_malformed(), "{error}");
        }
        // Promised well, answered badly.
        let bad = Response::new(200).with_header("connection", "close");
        control.push(get("/bad"), bad).await.unwrap();
        Response::new(200)
    });
    pair.is_fine().await;
    let error = pushed.try_recv().unwrap().response.await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::INTERNAL_ERROR), "{error}");
    assert!(pushed.try_recv().is_err(), "one promise only");
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn dropping_a_push_cancels_it_and_nothing_else() {
    let (pair, pushed) = taking(10, 100, |request: Request| async move {
        if request.path() == b"/fine" {
            return Response::new(200);
        }
        let endless = made_by(|| std::task::Poll::Ready(Some(Ok(Chunk::Data(vec![0; 10_000].into())))));
        request.control().unwrap().push(get("/x"), Response::new(200).with_body(endless)).await.unwrap();
        Response::new(200).with_body("done")
    });
    let response = pair.get("/").await.unwrap();
    drop(pushed.try_recv().unwrap());
    assert_eq!(response.into_body().collect(9).await.unwrap(), "done");
    settle().await;
    assert_eq!(pair.wire.received().resets, [(2, ErrorCode::CANCEL)]);
    // … and one of which half is read.
    drop(pair.get("/").await.unwrap());
    let mut half = pushed.try_recv().unwrap().response.await.unwrap();
    assert!(matches!(half.body_mut().chunk().await, Some(Ok(Chunk::Data(_)))));
    drop(half);
    settle().await;
    assert!(pair.wire.received().resets.contains(&(4, ErrorCode::CANCEL)));
    assert_eq!(pair.live().await, (0, 0));
    assert_eq!(pair.client.stats().await.unwrap().unconsumed, 0);
    pair.is_fine().await;
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_push_that_nobody_listens_for_is_cancelled() {
    let mut setup = Setup::default();
    setup.client.max_reserved_remote = 10;
    let pair = setup.start(pushing);
    let response = pair.get("/3").await.unwrap();
    assert_eq!(response.into_body().collect(9).await.unwrap(), "done");
    settle().await;
    let resets = pair.wire.received().resets;
    assert_eq!(resets, [2, 4, 6].map(|id| (id, ErrorCode::CANCEL)));
    assert_eq!(pair.live().await, (0, 0));
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn more_pushes_than_streams_wait_and_all_arrive() {
    let (pair, pushed) = taking(20, 2, pushing);
    let response = pair.get("/9").await.unwrap();
    assert_eq!(response.into_body().collect(9).await.unwrap(), "done");
    let all: Vec<_> = pushed.try_iter().collect();
    assert_eq!(all.len(), 9);
    for (n, pushed) in all.into_iter().enumerate() {
        let whole = pushed.response.await.unwrap().into_body().collect(1 << 20).await.unwrap();
        assert_eq!(whole, format!("/pushed/{n}").repeat(1000));
    }
    settle().await;
    assert_eq!(pair.live().await, (0, 0));
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn pushes_that_wait_and_are_not_wanted_any_more_make_room_for_others() {
    let (pair, pushed) = taking(20, 1, |request: Request| async move {
        let control = request.control().unwrap();
        let (sender, body) = pellucid_driver::Body::channel(1);
        control.push(get("/slow"), Response::new(200).with_body(body)).await.unwrap();
        for path in ["/a", "/b", "/c"] {
            control.push(get(path), Response::new(200).with_body(path)).await.unwrap();
        }
        tokio::spawn(async move {
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            let _ = sender.send("slow").await;
        });
        Response::new(200)
    });
    pair.get("/").await.unwrap();
    let mut all: Vec<_> = pushed.try_iter().map(|pushed| pushed.response).collect();
    assert_eq!(all.len(), 4);
    drop(all.remove(1));
    settle().await;
    for (response, content) in all.into_iter().zip(["slow", "/b", "/c"]) {
        assert_eq!(response.await.unwrap().into_body().collect(9).await.unwrap(), content);
    }
    settle().await;
    assert_eq!(pair.live().await, (0, 0));
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn promises_beyond_what_the_client_keeps_are_refused_and_the_rest_arrives() {
    let (pair, pushed) = taking(2, 100, pushing);
    let response = pair.get("/5").await.unwrap();
    assert_eq!(response.into_body().collect(9).await.unwrap(), "done");
    let mut arrived = 0;
    for pushed in pushed.try_iter() {
        pushed.response.await.unwrap().into_body().drain().await.unwrap();
        arrived += 1;
    }
    assert!(arrived >= 2, "{arrived}");
    settle().await;
    assert_eq!(pair.live().await, (0, 0));
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn pushes_end_with_their_connection() {
    let (pair, pushed) = taking(20, 1, |request: Request| async move {
        for path in ["/begun", "/waiting"] {
            let response = Response::new(200).with_body(made_by(|| std::task::Poll::Pending));
            request.control().unwrap().push(get(path), response).await.unwrap();
        }
        Response::new(200)
    });
    pair.get("/").await.unwrap();
    let begun = pushed.try_recv().unwrap().response.await.unwrap();
    let waiting = pushed.try_recv().unwrap().response;
    pair.server_task.abort();
    assert!(begun.into_body().drain().await.unwrap_err().is_closed());
    assert!(waiting.await.unwrap_err().is_closed());
    assert!(pair.client_task.await.unwrap().error.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_pushed_answer_to_head_has_no_content() {
    let (pair, pushed) = taking(10, 100, |request: Request| async move {
        let head = Request::new("HEAD", "http", "localhost", "/x");
        let response = Response::new(200).with_header("content-length", "7").with_body("content");
        request.control().unwrap().push(head, response).await.unwrap();
        Response::new(200)
    });
    pair.get("/").await.unwrap();
    let answer = pushed.try_recv().unwrap().response.await.unwrap();
    assert_eq!(answer.header("content-length"), Some(&b"7"[..]));
    assert_eq!(answer.into_body().collect(9).await.unwrap(), "");
    pair.ends_clean().await;
}
