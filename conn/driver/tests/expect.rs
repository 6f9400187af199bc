//! `expect: 100-continue` (RFC 9110 §10.1.1): the server's 100 (Continue) comes by itself when a handler reads, and a client holds
//! its content back until it is wanted.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may")]

mod common;

use std::sync::mpsc::channel;
use std::time::Duration;

use common::script::Script;
use common::{Setup, client_scripted, echo, get, pair, post, serve_raw, settle};
use pellucid_driver::client::{Options, SendRequest};
use pellucid_driver::conn::Event;
use pellucid_driver::conn::h2::Config;
use pellucid_driver::{Body, End, ErrorCode, Request, Response, StreamId};
use pellucid_frame::Kind;
use tokio::time::Instant;

/// A request whose content is held back.
fn held(path: &str, body: impl Into<Body>) -> Request {
    post(path).with_header("expect", "100-continue").with_body(body)
}

/// Covers 9110:10.1.1-6, 9110:10.1.1-8, 9110:10.1.1-9
#[tokio::test(start_paused = true)]
async fn a_handler_that_reads_is_sent_the_content() {
    let start = Instant::now();
    let pair = pair(|request: Request| async move {
        if request.path() == b"/echo" {
            return echo(request).await;
        }
        let whole = request.into_body().collect(usize::MAX).await.unwrap();
        Response::new(200).with_body(whole)
    });
    // An answer that begins before the content is read says by itself that it is wanted.
    for (path, interim) in [("/read", &[100][..]), ("/echo", &[])] {
        let (tell, told) = channel();
        let request = held(path, vec![7; 100_000]).on_interim(move |r| tell.send(r.status()).unwrap());
        let body = pair.client.send(request).await.unwrap().into_body();
        assert_eq!(body.collect(100_000).await.unwrap(), vec![7; 100_000]);
        assert_eq!(told.try_iter().collect::<Vec<_>>(), interim, "{path}");
    }
    assert!(start.elapsed() < Duration::from_secs(1), "nobody's patience ran out");
    pair.ends_clean().await;
}

/// Covers 9110:10.1.1-8
#[tokio::test(start_paused = true)]
async fn a_handler_that_says_no_without_reading_is_sent_nothing() {
    let mut setup = Setup::default();
    setup.server.max_concurrent_streams = 1;
    let pair = setup.start(|request: Request| async move {
        let status = if request.path() == b"/fine" { 200 } else { 403 };
        Response::new(status).with_body("no")
    });
    for n in 0..5_u32 {
        let response = pair.client.send(held("/", vec![7; 1000])).await.unwrap();
        assert_eq!(response.status(), 403);
        assert_eq!(response.into_body().collect(9).await.unwrap(), "no");
        assert_eq!(pair.wire.received().data, 0);
        settle().await;
        let resets = pair.wire.received().resets;
        assert!(resets.iter().all(|(_, code)| *code == ErrorCode::CANCEL), "{n}: {resets:?}");
        assert_eq!(pair.live().await, (0, 0), "the slot is free");
    }
    pair.is_fine().await;
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn content_that_comes_unasked_is_not_asked_for() {
    let (mut raw, task, handle, wire) = serve_raw(echo, Config::server(), Config::client());
    let list = [(":method", "POST"), (":scheme", "http"), (":path", "/"), ("expect", "100-continue")];
    let id = raw.conn.open(&common::fields(&list), End::More).unwrap();
    raw.conn.send_data(id, "content".into(), End::Last).unwrap();
    let Event::Headers { fields, .. } = raw.next().await else { panic!("a response comes first") };
    assert_eq!(fields.get(b":status"), Some(&b"200"[..]));
    assert!(matches!(raw.next().await, Event::Data { end: End::Last, .. }));
    assert_eq!(wire.sent().headers.len(), 1);
    handle.shut_down();
    while raw.event().await.unwrap().is_some() {}
    assert!(task.await.unwrap().error.is_none());
}

/// A client of a script, a request that is held back, and its stream.
async fn waits(request: Request) -> (SendRequest, Script, pellucid_driver::client::ResponseFuture, StreamId) {
    let (client, _task, mut script) = client_scripted(Options::default());
    let sent = client.send(request);
    script.greet(&[]).await;
    let id = script.request().await;
    (client, script, sent, id)
}

/// All the content of the stream, from now to its end.
async fn content(script: &mut Script) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        let heard = script.hears(Kind::DATA).await;
        all.extend_from_slice(&heard.payload);
        if heard.end {
            return all;
        }
    }
}

/// Covers 9110:10.1.1-2, 9110:10.1.1-3
#[tokio::test(start_paused = true)]
async fn content_goes_out_at_once_after_100_or_a_good_answer_and_else_after_a_second() {
    for (status, patience) in [(Some("100"), 0), (Some("200"), 0), (Some("103"), 1), (None, 1)] {
        let (_client, mut script, mut sent, id) = waits(held("/", "content")).await;
        let start = Instant::now();
        if let Some(status) = status {
            script.headers(id, &[(":status", status)], End::More).await;
        }
        assert_eq!(content(&mut script).await, b"content", "{status:?}");
        let elapsed = start.elapsed();
        assert_eq!(elapsed.as_secs(), patience, "{status:?}: {elapsed:?}");
        if status != Some("200") {
            script.headers(id, &[(":status", "200")], End::More).await;
        }
        script.data(id, b"thanks", End::Last).await;
        let response = std::future::poll_fn(|cx| sent.poll_outcome(cx)).await.unwrap();
        assert_eq!(response.into_body().collect(9).await.unwrap(), "thanks", "{status:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn content_that_is_not_wanted_never_goes_out_and_its_stream_ends_behind_the_response() {
    for ends_at_once in [true, false] {
        let (client, mut script, sent, id) = waits(held("/", "content")).await;
        let end = if ends_at_once { End::Last } else { End::More };
        script.headers(id, &[(":status", "417")], end).await;
        let response = sent.await.unwrap();
        assert_eq!(response.status(), 417);
        if !ends_at_once {
            tokio::time::sleep(Duration::from_secs(5)).await;
            script.data(id, b"why", End::Last).await;
            assert_eq!(response.into_body().collect(9).await.unwrap(), "why");
        }
        loop {
            let heard = script.heard().await.unwrap();
            assert_ne!(heard.kind, Kind::DATA, "nothing of the content");
            if heard.kind == Kind::RST_STREAM {
                assert_eq!((heard.stream, &heard.payload[..]), (id, &ErrorCode::CANCEL.get().to_be_bytes()[..]));
                break;
            }
        }
        assert_eq!(client.stats().await.unwrap().live_streams, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_response_to_a_request_that_is_held_back_may_be_dropped_in_the_middle() {
    let (client, mut script, sent, id) = waits(held("/", "content")).await;
    script.headers(id, &[(":status", "403")], End::More).await;
    drop(sent.await.unwrap());
    assert_eq!(script.hears(Kind::RST_STREAM).await.stream, id);
    assert_eq!(client.stats().await.unwrap().live_streams, 0);
    let next = client.send(get("/"));
    let id = script.request().await;
    script.headers(id, &[(":status", "204")], End::Last).await;
    assert_eq!(next.await.unwrap().status(), 204);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_held_back_may_be_dropped_or_lost() {
    let (client, mut script, sent, id) = waits(held("/", "content")).await;
    drop(sent);
    assert_eq!(script.hears(Kind::RST_STREAM).await.stream, id);
    let sent = client.send(held("/", Body::channel(1).1));
    let id = script.request().await;
    script.reset(id, ErrorCode::REFUSED_STREAM).await;
    assert!(sent.await.unwrap_err().is_refused());
    assert_eq!(client.stats().await.unwrap().live_streams, 0);
}
