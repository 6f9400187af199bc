//! Losing interest, on either side and at any point: the other side is told at once, nothing is left behind, and the connection
//! goes on.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may")]

mod common;

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use common::{Dice, Setup, client_raw, echo, fields, made_by, pair, post, settle};
use pellucid_driver::conn::Event;
use pellucid_driver::conn::h2::Config;
use pellucid_driver::{Body, Chunk, End, ErrorCode, Kind, Request, Response, Retry, Service, Spawn};
use tokio::sync::Notify;

/// Counts its owners that are gone.
struct Guard(Arc<AtomicUsize>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Hangs at `/never`; counts the handlers that have ended or were dropped.
fn answers_all_but_never(gone: &Arc<AtomicUsize>) -> impl Service {
    let gone = Arc::clone(gone);
    move |request: Request| {
        let guard = Guard(Arc::clone(&gone));
        async move {
            let _guard = guard;
            if request.path() == b"/never" {
                pending::<()>().await;
            }
            Response::new(200)
        }
    }
}

#[tokio::test(start_paused = true)]
async fn dropping_the_response_future_resets_the_stream_and_drops_the_handler() {
    let gone = Arc::new(AtomicUsize::new(0));
    let pair = pair(answers_all_but_never(&gone));
    let sent = tokio::spawn(pair.get("/never"));
    settle().await;
    assert_eq!(gone.load(Ordering::SeqCst), 0);
    sent.abort();
    settle().await;
    assert_eq!(gone.load(Ordering::SeqCst), 1, "the handler's future is dropped");
    assert_eq!(pair.wire.received().resets, [(1, ErrorCode::CANCEL)]);
    pair.is_fine().await;
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn cancelling_a_request_ends_its_spawned_handler() {
    let gone = Arc::new(AtomicUsize::new(0));
    let pair = pair(Spawn(answers_all_but_never(&gone)));
    let sent = tokio::spawn(pair.get("/never"));
    settle().await;
    assert_eq!(gone.load(Ordering::SeqCst), 0);
    sent.abort();
    settle().await;
    assert_eq!(gone.load(Ordering::SeqCst), 1, "its task is aborted");
    pair.is_fine().await;
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_was_never_sent_is_cancelled_without_a_trace() {
    let pair = pair(echo);
    drop(pair.get("/"));
    settle().await;
    pair.is_fine().await;
    let wire = pair.wire.received();
    assert_eq!((wire.headers.len(), wire.resets.len()), (1, 0));
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_gives_up_its_place_holds_up_nobody_behind_it() {
    let gate = Arc::new(Notify::new());
    let opened = Arc::clone(&gate);
    let mut setup = Setup::default();
    setup.server.max_concurrent_streams = 1;
    let pair = setup.start(move |_: Request| {
        let gate = Arc::clone(&gate);
        async move {
            gate.notified().await;
            Response::new(200)
        }
    });
    settle().await;
    let mut sent: Vec<_> = (0..8).map(|_| tokio::spawn(pair.get("/"))).collect();
    settle().await;
    // The one that will be at the head of the queue when the next slot has been taken.
    sent.remove(2).abort();
    settle().await;
    for response in sent {
        opened.notify_one();
        assert_eq!(response.await.unwrap().unwrap().status(), 200);
        settle().await;
    }
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn dropping_a_response_body_half_way_resets_the_stream_and_drops_its_source() {
    let gone = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&gone);
    let pair = pair(move |request: Request| {
        let guard = Guard(Arc::clone(&count));
        async move {
            if request.path() == b"/fine" {
                return Response::new(200);
            }
            let body = made_by(move || {
                let _ = &guard;
                Poll::Ready(Some(Ok(Chunk::Data(vec![0; 10_000].into()))))
            });
            Response::new(200).with_body(body)
        }
    });
    let mut response = pair.get("/").await.unwrap();
    assert!(matches!(response.body_mut().chunk().await, Some(Ok(Chunk::Data(_)))));
    settle().await;
    drop(response);
    settle().await;
    assert_eq!(gone.load(Ordering::SeqCst), 1);
    assert_eq!(pair.wire.received().resets, [(1, ErrorCode::CANCEL)]);
    pair.is_fine().await;
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_drops_its_request_body_can_still_answer() {
    let pair = pair(|request: Request| async move {
        drop(request);
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        Response::new(200).with_body("done")
    });
    for _ in 0..20 {
        let (sender, body) = Body::channel(1);
        let sending = tokio::spawn(async move { while sender.send(vec![0; 10_000]).await.is_ok() {} });
        let response = pair.client.send(post("/").with_body(body)).await.unwrap();
        assert_eq!(response.into_body().collect(64).await.unwrap(), "done");
        // The rest of the request is stopped when the response is complete.
        sending.await.unwrap();
    }
    assert!(pair.wire.sent().resets.iter().all(|(_, code)| *code == ErrorCode::NO_ERROR));
    pair.is_fine().await;
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn octets_that_arrive_after_a_body_was_dropped_go_back_to_the_connection() {
    let mut setup = Setup::default();
    setup.server.connection_window = 65_535;
    setup.client.connection_window = 65_535;
    let pair = setup.start(|request: Request| async move {
        let reply = Response::new(200).with_body(vec![1; 40_000]);
        if request.method() == b"GET" {
            return reply;
        }
        // Dropped while more of it is in the read buffer already.
        drop(request.into_body().chunk().await);
        reply
    });
    for n in 0..50 {
        let mut response = pair.client.send(post("/").with_body(vec![0; 50_000])).await.unwrap();
        if n % 2 == 0 {
            drop(response.body_mut().chunk().await);
        }
        drop(response);
    }
    // Both windows are whole again: a leak of some thousands a round would have shut them long ago.
    let response = pair.client.send(post("/")).await.unwrap();
    assert_eq!(response.into_body().collect(100_000).await.unwrap().len(), 40_000);
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn three_hundred_requests_cancelled_anywhere_leave_nothing_behind() {
    let running = Arc::new(AtomicUsize::new(0));
    let gone = Arc::new(AtomicUsize::new(0));
    let (begun, ended) = (Arc::clone(&running), Arc::clone(&gone));
    let mut setup = Setup::default();
    // Cancelling is what this is about, not how much of it is too much.
    setup.server.early_reset.burst = 10_000;
    setup.server.glitch.burst = 100_000;
    setup.server.connection_window = 65_535;
    setup.client.connection_window = 65_535;
    let pair = setup.start(move |request: Request| {
        begun.fetch_add(1, Ordering::SeqCst);
        let guard = Guard(Arc::clone(&ended));
        async move {
            let _guard = guard;
            tokio::time::sleep(std::time::Duration::from_micros(u64::from(request.stream().get() % 7) * 700)).await;
            if request.path() == b"/read" {
                let whole = request.into_body().collect(usize::MAX).await.unwrap_or_default();
                return Response::new(200).with_body(whole);
            }
            echo(request).await
        }
    });
    let mut dice = Dice(42);
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..300 {
        let client = pair.client.clone();
        let (patience, read, size) = (dice.roll(8_000), dice.roll(5), dice.roll(80_000));
        tasks.spawn(async move {
            let (sender, body) = Body::channel(1);
            let feeding = tokio::spawn(async move {
                for _ in 0..size / 5_000 {
                    if sender.send(vec![0; 5_000]).await.is_err() {
                        break;
                    }
                }
            });
            let path = if n % 3 == 0 { "/read" } else { "/" };
            let patience = std::time::Duration::from_micros(patience);
            let _ = tokio::time::timeout(patience, async {
                let mut body = client.send(post(path).with_body(body)).await?.into_body();
                for _ in 0..read {
                    body.chunk().await;
                }
                Ok::<_, pellucid_driver::Error>(())
            })
            .await;
            feeding.await.unwrap();
        });
    }
    tasks.join_all().await;
    settle().await;
    assert_eq!(running.load(Ordering::SeqCst), gone.load(Ordering::SeqCst), "every handler has ended");
    assert!(!pair.wire.received().resets.is_empty(), "some were cancelled in mid-air");
    // Both windows still carry more than they hold: nothing has leaked.
    let response = pair.client.send(post("/").with_body(vec![9; 200_000])).await.unwrap();
    assert_eq!(response.into_body().collect(usize::MAX).await.unwrap().len(), 200_000);
    settle().await;
    for (data, credit) in
        [(pair.wire.received().data, pair.wire.sent().credit), (pair.wire.sent().data, pair.wire.received().credit)]
    {
        let withheld = data - credit;
        assert!(withheld <= 65_535 / 2, "{withheld} of {data} octets were never given back");
    }
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn when_the_last_client_is_dropped_what_is_under_way_finishes_and_the_connection_closes() {
    let pair = pair(|_: Request| async move {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        Response::new(200).with_body(vec![0; 500_000])
    });
    let response = pair.get("/");
    drop(pair.client);
    let body = response.await.unwrap().into_body();
    assert_eq!(body.collect(usize::MAX).await.unwrap().len(), 500_000);
    assert!(pair.client_task.await.unwrap().error.is_none());
    assert!(pair.server_task.await.unwrap().error.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_response_may_take_its_time_though_the_last_client_is_dropped() {
    let pair = pair(|_: Request| async {
        let (sender, body) = Body::channel(1);
        tokio::spawn(async move {
            for piece in ["slow", "ly"] {
                tokio::time::sleep(std::time::Duration::from_secs(100)).await;
                sender.send(piece).await.unwrap();
            }
        });
        Response::new(200).with_body(body)
    });
    let response = pair.get("/").await.unwrap();
    drop(pair.client);
    assert_eq!(response.into_body().collect(100).await.unwrap(), "slowly");
    let report = pair.client_task.await.unwrap();
    assert!(report.error.is_none() && report.cut == 0, "{report:?}");
    assert!(pair.server_task.await.unwrap().error.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_dropped_tells_everyone_who_waits() {
    let pair = pair(|request: Request| async move {
        if request.path() == b"/never" {
            pending::<()>().await;
        }
        let (sender, body) = Body::channel(1);
        tokio::spawn(async move {
            sender.send("x").await.unwrap();
            pending::<()>().await;
        });
        Response::new(200).with_body(body)
    });
    let waiting = tokio::spawn(pair.get("/never"));
    let mut body = pair.get("/").await.unwrap().into_body();
    assert!(matches!(body.chunk().await, Some(Ok(_))));
    pair.client_task.abort();
    assert!(matches!(waiting.await.unwrap().unwrap_err().kind(), Kind::Closed));
    assert!(matches!(body.chunk().await.unwrap().unwrap_err().kind(), Kind::Closed));
    let late = pair.get("/").await.unwrap_err();
    assert!(late.retry() == Retry::Safe, "{late}");
    assert!(pair.server_task.await.unwrap().error.is_some(), "streams were open");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_vanishes_fails_requests_and_bodies_under_way() {
    let (client, task, mut raw) = client_raw(Config::client(), Config::server());
    let waiting = tokio::spawn(client.send(common::get("/one")));
    let reading = tokio::spawn(client.send(common::get("/two")));
    let mut ids = Vec::new();
    while ids.len() < 2 {
        if let Event::Headers { id, .. } = raw.next().await {
            ids.push(id);
        }
    }
    raw.conn.send_headers(ids[1], &fields(&[(":status", "200")]), End::More).unwrap();
    raw.conn.send_data(ids[1], "half".into(), End::More).unwrap();
    raw.flush().await;
    let mut body = reading.await.unwrap().unwrap().into_body();
    settle().await;
    drop(raw);
    assert!(matches!(body.chunk().await, Some(Ok(Chunk::Data(half))) if half == "half"), "what had arrived stands");
    let cut = body.chunk().await.unwrap().unwrap_err();
    assert!(cut.retry() != Retry::Safe, "{cut}");
    assert!(waiting.await.unwrap().unwrap_err().retry() != Retry::Safe);
    assert!(task.await.unwrap().error.is_some());
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_fails_tells_the_reader_of_its_response() {
    let pair = pair(echo);
    let (sender, body) = Body::channel(1);
    let mut body = pair.client.send(post("/").with_body(body)).await.unwrap().into_body();
    sender.send("begin").await.unwrap();
    assert!(matches!(body.chunk().await, Some(Ok(_))));
    sender.fail(pellucid_driver::Error::body("the disk is gone")).await.unwrap();
    let error = body.chunk().await.unwrap().unwrap_err();
    assert!(error.to_string().contains("the disk is gone"), "{error}");
    settle().await;
    assert_eq!(pair.wire.received().resets, [(1, ErrorCode::CANCEL)]);
    pair.is_fine().await;
    pair.ends_clean().await;
}
