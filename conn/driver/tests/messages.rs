//! Messages of every shape, there and back: bodies of all kinds, trailers, interim responses, messages without content, many at
//! a time.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may")]

mod common;

use std::future::poll_fn;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use common::{Setup, echo, fields, get, made_by, pair, post, serve_raw, settle};
use pellucid_driver::conn::Event;
use pellucid_driver::conn::h2::Config;
use pellucid_driver::{Body, Chunk, End, ErrorCode, Kind, Request, Response, Retry};
use tokio::sync::Notify;

/// Every kind of body with the same content.
fn bodies() -> Vec<(&'static str, Body, &'static [u8])> {
    let (sender, channel) = Body::channel(2);
    tokio::spawn(async move {
        for piece in ["some", " ", "pieces"] {
            sender.send(piece).await.unwrap();
        }
    });
    let mut left = vec![Bytes::from("it"), Bytes::new(), Bytes::from("made ")];
    let source = made_by(move || Poll::Ready(left.pop().map(|b| Ok(Chunk::Data(b)))));
    vec![
        ("empty", Body::empty(), b""),
        ("whole and empty", Body::from(""), b""),
        ("whole", Body::from("whole"), b"whole"),
        ("channel", channel, b"some pieces"),
        ("source", source, b"made it"),
    ]
}

#[tokio::test(start_paused = true)]
async fn every_kind_of_body_arrives_both_ways() {
    let pair = pair(echo);
    for (name, body, content) in bodies() {
        let response = pair.client.send(post("/").with_body(body)).await.unwrap();
        assert_eq!(response.into_body().collect(1024).await.unwrap(), content, "{name}");
    }
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn every_kind_of_body_can_be_read_piece_by_piece() {
    let pair = pair(|mut request: Request| async move {
        let mut all = Vec::new();
        while let Some(chunk) = request.body_mut().chunk().await {
            if let Ok(Chunk::Data(data)) = chunk {
                all.extend_from_slice(&data);
            }
        }
        Response::new(200).with_body(all)
    });
    for (name, body, content) in bodies() {
        let mut response = pair.client.send(post("/").with_body(body)).await.unwrap();
        let mut all = Vec::new();
        while let Some(chunk) = response.body_mut().chunk().await {
            let Ok(Chunk::Data(data)) = chunk else { panic!("{name}: {chunk:?}") };
            all.extend_from_slice(&data);
        }
        assert_eq!(all, content, "{name}");
    }
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_whole_body_larger_than_every_window_arrives() {
    let pair = pair(echo);
    let large = Bytes::from(vec![7; 5 << 20]);
    let response = pair.client.send(post("/").with_body(large.clone())).await.unwrap();
    assert_eq!(response.into_body().collect(usize::MAX).await.unwrap(), large);
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn trailers_arrive_both_ways_with_and_without_content() {
    let pair = pair(|request: Request| async move {
        let trailers = request.into_body().drain().await.unwrap().unwrap();
        let (sender, body) = Body::channel(1);
        tokio::spawn(async move {
            sender.send("content").await.unwrap();
            sender.trailers(trailers).await.unwrap();
        });
        Response::new(200).with_body(body)
    });
    for content in ["", "x"] {
        let (sender, body) = Body::channel(1);
        let sent = tokio::spawn(async move {
            if !content.is_empty() {
                sender.send(content).await.unwrap();
            }
            sender.trailers(fields(&[("x-sum", "42")])).await.unwrap();
        });
        let response = pair.client.send(post("/").with_body(body)).await.unwrap();
        let trailers = response.into_body().drain().await.unwrap().unwrap();
        assert_eq!(trailers.get(b"x-sum"), Some(&b"42"[..]));
        sent.await.unwrap();
    }
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn trailers_that_break_a_rule_fail_the_request_and_nothing_else() {
    let pair = pair(echo);
    let (sender, body) = Body::channel(1);
    tokio::spawn(sender.trailers(fields(&[(":path", "/")])));
    let response = pair.client.send(post("/").with_body(body)).await;
    let error = match response {
        Err(e) => e,
        Ok(response) => response.into_body().drain().await.unwrap_err(),
    };
    assert!(matches!(error.kind(), Kind::Send(_)), "{error}");
    assert!(error.retry() != Retry::Safe, "the server had the request already");
    pair.is_fine().await;
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_thousand_requests_share_a_connection_a_hundred_at_a_time() {
    let most = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&most);
    let now = Arc::new(AtomicU32::new(0));
    let pair = pair(move |request: Request| {
        let (now, most) = (Arc::clone(&now), Arc::clone(&most));
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            now.fetch_sub(1, Ordering::SeqCst);
            echo(request).await
        }
    });
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..1000 {
        let client = pair.client.clone();
        tasks.spawn(async move {
            let response = client.send(post("/").with_body(format!("request {n}"))).await.unwrap();
            assert_eq!(response.into_body().collect(64).await.unwrap(), format!("request {n}"));
        });
    }
    assert_eq!(tasks.join_all().await.len(), 1000);
    assert_eq!(seen.load(Ordering::SeqCst), 100, "the server's limit is kept, and used");
    let (server, client) = pair.ends_clean().await;
    assert_eq!((server.streams, client.streams), (1000, 1000));
}

#[tokio::test(start_paused = true)]
async fn requests_above_the_limit_wait_for_a_slot_and_above_the_queue_fail_at_once() {
    let gate = Arc::new(Notify::new());
    let opened = Arc::clone(&gate);
    let mut setup = Setup { max_waiting: 3, ..Setup::default() };
    setup.server.max_concurrent_streams = 2;
    let pair = setup.start(move |_: Request| {
        let gate = Arc::clone(&gate);
        async move {
            gate.notified().await;
            Response::new(200)
        }
    });
    settle().await;
    let mut sent: Vec<_> = (0..6).map(|_| tokio::spawn(pair.get("/"))).collect();
    settle().await;
    let refused = sent.pop().unwrap().await.unwrap().unwrap_err();
    assert!(refused.retry() == Retry::Safe, "{refused}");
    assert_eq!(pair.wire.received().headers.len(), 2);
    // Those who wait may leave, and make room for others.
    sent.pop().unwrap().abort();
    sent.pop().unwrap().abort();
    settle().await;
    sent.push(tokio::spawn(pair.get("/")));
    for response in sent {
        opened.notify_one();
        assert_eq!(response.await.unwrap().unwrap().status(), 200);
        settle().await;
    }
    assert!(pair.wire.received().headers.len() <= 4);
    pair.ends_clean().await;
}

/// Covers 9110:9.3.2-1
#[tokio::test(start_paused = true)]
async fn head_and_bodiless_statuses_have_no_content_and_keep_content_length() {
    let pair = pair(|request: Request| async move {
        let status = std::str::from_utf8(&request.path()[1..]).unwrap().parse().unwrap();
        let (sender, streamed) = Body::channel(1);
        drop(sender);
        let body = if request.header("x-streamed").is_some() { streamed } else { Body::from("twelve octets") };
        Response::new(status).with_header("content-length", "13").with_body(body)
    });
    for (method, path) in [("HEAD", "/200"), ("GET", "/304"), ("HEAD", "/404")] {
        for header in ["x-streamed", "x-whole"] {
            let request = Request::new(method, "http", "localhost", path).with_header(header, "1");
            let response = pair.client.send(request).await.unwrap();
            assert_eq!(response.header("content-length"), Some(&b"13"[..]));
            assert!(response.into_body().is_empty(), "{method} {path} {header}");
        }
    }
    pair.ends_clean().await;
}

/// Covers 9110:8.6-5, 9110:15.3.6-1
#[tokio::test(start_paused = true)]
async fn answers_that_never_have_content_have_none_and_tell_no_length() {
    for status in [204, 205] {
        let pair = pair(move |_: Request| async move {
            Response::new(status).with_header("content-length", "4").with_body("lost")
        });
        let response = pair.get("/").await.unwrap();
        assert_eq!((response.status(), response.header("content-length")), (status, None));
        assert!(response.into_body().is_empty(), "{status}");
        pair.ends_clean().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_handler_that_reads_says_100_continue_and_the_client_sees_it() {
    let pair = pair(|request: Request| async move {
        let whole = request.into_body().collect(64).await.unwrap();
        Response::new(200).with_body(whole)
    });
    let (sender, body) = Body::channel(1);
    let request = post("/").with_header("expect", "100-continue").with_body(body);
    let response = tokio::spawn(pair.client.send(request));
    settle().await;
    assert_eq!(pair.wire.sent().headers, [(1, End::More)], "the interim response");
    sender.send("x").await.unwrap();
    drop(sender);
    let response = response.await.unwrap().unwrap();
    assert_eq!(response.interim_responses().len(), 1);
    assert_eq!(response.interim_responses()[0].status(), 100);
    assert_eq!(response.into_body().collect(64).await.unwrap(), "x");
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn no_100_continue_is_sent_by_a_handler_that_does_not_read() {
    let pair = pair(|_: Request| async move { Response::new(417) });
    let (_sender, body) = Body::channel(1);
    let response = pair.client.send(post("/").with_header("expect", "100-continue").with_body(body)).await.unwrap();
    assert_eq!((response.status(), response.interim_responses().len()), (417, 0));
    assert_eq!(pair.wire.sent().headers, [(1, End::Last)]);
}

#[tokio::test(start_paused = true)]
async fn an_early_response_is_delivered_and_the_rest_of_the_request_is_stopped() {
    let pair = pair(|request: Request| async move {
        match request.method() {
            b"POST" => Response::new(403).with_body("too much"),
            _ => Response::new(200),
        }
    });
    let (sender, body) = Body::channel(1);
    let response = pair.client.send(post("/").with_body(body)).await.unwrap();
    assert_eq!(response.status(), 403);
    assert_eq!(response.into_body().collect(64).await.unwrap(), "too much");
    settle().await;
    assert_eq!(pair.wire.sent().resets, [(1, ErrorCode::NO_ERROR)]);
    let error = sender.send("more").await.unwrap_err();
    assert!(matches!(error.kind(), Kind::Closed), "the client's body is dropped: {error}");
    pair.is_fine().await;
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_response_may_be_complete_while_the_handler_still_reads_the_request() {
    let pair = pair(|request: Request| async move {
        tokio::spawn(request.into_body().drain());
        Response::new(202)
    });
    let (sender, body) = Body::channel(1);
    let response = pair.client.send(post("/").with_body(body)).await.unwrap();
    assert_eq!(response.status(), 202);
    for _ in 0..100 {
        sender.send(vec![0; 10_000]).await.unwrap();
    }
    drop(sender);
    settle().await;
    let wire = pair.wire.received();
    assert_eq!((wire.data, wire.ends), (1_000_000, vec![1]));
    assert!(pair.wire.sent().resets.is_empty());
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_body_of_one_octet_frames_arrives_whole() {
    let (mut raw, _task, _handle, _wire) = serve_raw(echo, Config::server(), Config::client());
    let id = raw.open("POST", "/", End::More);
    for n in 0..5_000_u32 {
        raw.conn.send_data(id, vec![u8::try_from(n % 251).unwrap()].into(), End::More).unwrap();
        raw.flush().await;
    }
    raw.conn.send_data(id, Bytes::new(), End::Last).unwrap();
    let mut got = Vec::new();
    loop {
        match raw.next().await {
            Event::Data { id, data, end } => {
                got.extend_from_slice(&data);
                raw.conn.release(id, u32::try_from(data.len()).unwrap());
                if end.is_last() {
                    break;
                }
            }
            Event::Headers { .. } | Event::Writable { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(got, (0..5_000_u32).map(|n| u8::try_from(n % 251).unwrap()).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_always_ready_does_not_hold_up_its_siblings() {
    let pair = pair(|request: Request| async move {
        if request.path() == b"/fine" {
            return Response::new(200);
        }
        let empty = made_by(|| Poll::Ready(Some(Ok(Chunk::Data(Bytes::new())))));
        Response::new(200).with_body(empty)
    });
    let endless = pair.get("/empty").await.unwrap();
    pair.is_fine().await;
    drop(endless);
    pair.is_fine().await;
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_body_made_of_a_thousand_crumbs_arrives_both_ways() {
    let pair = pair(echo);
    let mut left = 1000;
    let crumbs = made_by(move || {
        left -= 1;
        Poll::Ready((left >= 0).then(|| Ok(Chunk::Data("x".into()))))
    });
    let response = pair.client.send(post("/").with_body(crumbs)).await.unwrap();
    assert_eq!(response.into_body().collect(2000).await.unwrap().len(), 1000);
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn fields_that_would_make_a_malformed_message_fail_where_they_were_made() {
    let pair = pair(|request: Request| async move {
        match request.path() {
            b"/bad" => Response::new(200).with_header("connection", "close"),
            _ => Response::new(200),
        }
    });
    let error = pair.client.send(get("/").with_header("transfer-encoding", "chunked")).await.unwrap_err();
    assert!(matches!(error.kind(), Kind::Send(_)) && error.retry() == Retry::Unsafe, "{error}");
    let error = pair.get("/bad").await.unwrap_err();
    assert!(error.retry() != Retry::Safe, "{error}");
    assert_eq!(pair.wire.sent().resets, [(1, ErrorCode::INTERNAL_ERROR)]);
    pair.is_fine().await;
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn the_smallest_pipes_carry_everything() {
    for pipe in [1, 2, 9, 100] {
        let pair = Setup { pipe, ..Setup::default() }.start(echo);
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..10_usize {
            let response = pair.client.send(post("/").with_body(vec![1; n * 300]));
            tasks.spawn(async move {
                assert_eq!(response.await.unwrap().into_body().collect(usize::MAX).await.unwrap().len(), n * 300);
            });
        }
        tasks.join_all().await;
        pair.ends_clean().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_has_rested_works_as_before() {
    let kept: Arc<Mutex<Vec<Waker>>> = Arc::default();
    let keep = Arc::clone(&kept);
    let pair = pair(move |_: Request| {
        let (keep, mut polls) = (Arc::clone(&keep), 0);
        poll_fn(move |cx| {
            keep.lock().unwrap().push(cx.waker().clone());
            cx.waker().wake_by_ref();
            polls += 1;
            if polls > 2 { Poll::Ready(Response::new(200).with_body("x")) } else { Poll::Pending }
        })
    });
    for _ in 0..3 {
        let all: Vec<_> = (0..50).map(|_| tokio::spawn(pair.get("/"))).collect();
        for response in all {
            let response = response.await.unwrap().unwrap();
            assert_eq!(response.into_body().collect(10).await.unwrap(), "x");
        }
        // Long enough for memory to be given back, not for an idle close; then the old wakers are called.
        tokio::time::sleep(Duration::from_secs(100)).await;
        kept.lock().unwrap().iter().for_each(Waker::wake_by_ref);
        settle().await;
    }
    pair.ends_clean().await;
}
