//! The end of a connection: a drain that loses nothing, deadlines, silence, and peers that do not speak HTTP/2. Time is tokio's
//! paused clock.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may")]

mod common;

use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use common::{Setup, client_raw, echo, fields, get, pair, post, serve_raw, settle};
use pellucid_driver::conn::Event;
use pellucid_driver::conn::h2::{Config, Violation};
use pellucid_driver::{Body, End, Error, ErrorCode, Kind, Request, Response, Retry, Service, client, server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;
use tokio::task::consume_budget;
use tokio::task::coop::has_budget_remaining;

fn broke(error: &Error) -> Option<Violation> {
    match error.kind() {
        Kind::Connection(e) => Some(e.violation),
        _ => None,
    }
}

/// Answers when it is let.
fn gated() -> (Arc<Notify>, impl Service) {
    let gate = Arc::new(Notify::new());
    let opened = Arc::clone(&gate);
    (opened, move |request: Request| {
        let gate = Arc::clone(&gate);
        async move {
            if request.path() == b"/gated" {
                gate.notified().await;
            }
            Response::new(200).with_body("answer")
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_drain_finishes_what_is_under_way_and_refuses_the_rest_as_unprocessed() {
    let (gate, service) = gated();
    let pair = pair(service);
    pair.is_fine().await;
    let under_way = tokio::spawn(pair.get("/gated"));
    settle().await;
    pair.handle.shut_down();
    settle().await;
    let refused = pair.get("/late").await.unwrap_err();
    assert!(refused.retry() == Retry::Safe, "{refused}");
    gate.notify_one();
    let response = under_way.await.unwrap().unwrap();
    assert_eq!(response.into_body().collect(64).await.unwrap(), "answer");
    let report = pair.server_task.await.unwrap();
    assert_eq!((report.streams, report.cut), (2, 0));
    assert!(report.error.is_none());
    let goaways = pair.wire.sent().goaways;
    assert_eq!(goaways, [(0x7fff_ffff, ErrorCode::NO_ERROR), (3, ErrorCode::NO_ERROR)], "two phases (RFC 9113 §6.8)");
    let after = pair.client.send(get("/after")).await.unwrap_err();
    assert!(after.retry() == Retry::Safe, "{after}");
}

#[tokio::test(start_paused = true)]
async fn requests_that_wait_for_a_slot_when_the_server_leaves_are_unprocessed() {
    let (gate, service) = gated();
    let mut setup = Setup::default();
    setup.server.max_concurrent_streams = 1;
    let pair = setup.start(service);
    settle().await;
    let under_way = tokio::spawn(pair.get("/gated"));
    settle().await;
    let waiting = tokio::spawn(pair.get("/waits"));
    settle().await;
    pair.handle.shut_down();
    assert!(waiting.await.unwrap().unwrap_err().retry() == Retry::Safe);
    gate.notify_one();
    assert_eq!(under_way.await.unwrap().unwrap().status(), 200);
    assert!(pair.server_task.await.unwrap().error.is_none());
}

#[tokio::test(start_paused = true)]
async fn the_hard_deadline_of_a_drain_cuts_and_says_so() {
    let (_gate, service) = gated();
    let pair = pair(service);
    let hanging: Vec<_> = (0..3).map(|_| tokio::spawn(pair.get("/gated"))).collect();
    settle().await;
    pair.handle.shut_down();
    let report = pair.server_task.await.unwrap();
    assert_eq!((report.streams, report.cut), (3, 3));
    for request in hanging {
        let error = request.await.unwrap().unwrap_err();
        assert!(error.retry() != Retry::Safe, "{error}");
    }
    assert_eq!(pair.wire.sent().resets.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_finishes_what_is_under_way() {
    let (gate, service) = gated();
    let pair = pair(service);
    let under_way = tokio::spawn(pair.get("/gated"));
    settle().await;
    pair.client.shut_down();
    settle().await;
    assert!(pair.get("/late").await.unwrap_err().retry() == Retry::Safe);
    gate.notify_one();
    let response = under_way.await.unwrap().unwrap();
    assert_eq!(response.into_body().collect(64).await.unwrap(), "answer");
    assert!(pair.client_task.await.unwrap().error.is_none());
    assert!(pair.server_task.await.unwrap().error.is_none());
}

#[tokio::test(start_paused = true)]
async fn shutting_down_twice_or_before_the_first_octet_is_fine() {
    let pair = pair(echo);
    pair.handle.shut_down();
    pair.handle.shut_down();
    settle().await;
    let refused = pair.get("/").await.unwrap_err();
    assert!(refused.retry() == Retry::Safe, "{refused}");
    let report = pair.server_task.await.unwrap();
    assert!(report.error.is_none(), "{report:?}");
    pair.handle.shut_down();
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_is_sent_away_after_the_idle_timeout() {
    let pair = pair(echo);
    pair.is_fine().await;
    let report = pair.server_task.await.unwrap();
    assert!(report.error.is_none(), "{report:?}");
    let report = pair.client_task.await.unwrap();
    assert!(report.error.is_none(), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_says_nothing_at_all_is_closed() {
    let (mut near, far) = tokio::io::duplex(1024);
    let report = server::serve_connection(far, echo, server::Options::default()).unwrap().await;
    assert_eq!(report.error.as_ref().and_then(broke), Some(Violation::PrefaceTimeout), "{report:?}");
    let mut said = Vec::new();
    near.read_to_end(&mut said).await.unwrap();
    assert!(said.len() > 9, "SETTINGS and GOAWAY");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_the_settings_is_given_up() {
    let (near, _far) = tokio::io::duplex(1024);
    let (client, driving) = client::handshake(near, client::Options::default()).unwrap();
    let driving = tokio::spawn(driving);
    let error = client.send(get("/")).await.unwrap_err();
    assert!(error.retry() != Retry::Safe, "it was sent: {error}");
    let report = driving.await.unwrap();
    assert_eq!(report.error.as_ref().and_then(broke), Some(Violation::PrefaceTimeout), "{report:?}");
}

/// Covers 9113:5.4.1-2: with GOAWAY as the last frame
#[tokio::test(start_paused = true)]
async fn other_protocols_are_closed_cleanly() {
    let octets: [&[u8]; 5] = [
        b"GET / HTTP/1.1\r\nhost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"SSH-2.0-x\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\0",
    ];
    for octets in octets {
        let (mut near, far) = tokio::io::duplex(1024);
        let serving = tokio::spawn(server::serve_connection(far, echo, server::Options::default()).unwrap());
        near.write_all(octets).await.unwrap();
        let mut said = Vec::new();
        near.read_to_end(&mut said).await.unwrap();
        drop(near);
        let (mut rest, mut last) = (said.as_slice(), None);
        while let Some(head) = pellucid_frame::Head::peek(rest) {
            last = Some(head.kind);
            rest = &rest[pellucid_frame::Head::LEN + head.length as usize..];
        }
        assert_eq!((last, rest), (Some(pellucid_frame::Kind::GOAWAY), &[][..]), "{octets:?}");
        let report = serving.await.unwrap();
        assert!(matches!(report.error.unwrap().kind(), Kind::Connection(_)), "{octets:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn instant_ends_are_no_errors_of_ours() {
    for octets in [&b""[..], b"PRI", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let (mut near, far) = tokio::io::duplex(1024);
        near.write_all(octets).await.unwrap();
        drop(near);
        // It ends; whether in peace does not matter.
        server::serve_connection(far, echo, server::Options::default()).unwrap().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_error_reaches_everyone_at_once() {
    let (client, task, mut raw) = client_raw(Config::client(), Config::server());
    let waiting = tokio::spawn(client.send(get("/")));
    while !matches!(raw.next().await, Event::Headers { .. }) {}
    // DATA on a stream that nobody opened; then the peer hangs, so that the close has to linger.
    raw.transport.write_all(&[0, 0, 1, 0, 0, 0, 0, 0, 9, b'x']).await.unwrap();
    let error = waiting.await.unwrap().unwrap_err();
    assert_eq!(broke(&error), Some(Violation::DataOnIdleStream), "{error}");
    assert!(!task.is_finished(), "the close itself is not waited for");
    // Who comes late is told the same reason, and that nothing was sent.
    let late = client.send(get("/")).await.unwrap_err();
    assert_eq!((broke(&late), late.retry()), (Some(Violation::DataOnIdleStream), Retry::Safe), "{late}");
    assert_eq!(task.await.unwrap().error.as_ref().and_then(broke), Some(Violation::DataOnIdleStream));
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_stops_is_reset_when_patience_ends() {
    let pair = pair(|request: Request| async move {
        match request.into_body().collect(1 << 20).await {
            Ok(_) => Response::new(200),
            Err(_) => Response::new(400),
        }
    });
    let (sender, body) = Body::channel(1);
    let response = tokio::spawn(pair.client.send(post("/").with_body(body)));
    sender.send("a little, and then no more").await.unwrap();
    let error = response.await.unwrap().unwrap_err();
    assert!(matches!(error.kind(), Kind::Stream(_)), "{error}");
    pair.is_fine().await;
}

#[tokio::test(start_paused = true)]
async fn a_response_that_finds_no_window_is_reset_when_patience_ends() {
    let mut config = Config::client();
    config.stream_window = 100;
    let hello = |_: Request| async move { Response::new(200).with_body(vec![0; 1000]) };
    let (mut raw, _task, _handle, wire) = serve_raw(hello, Config::server(), config);
    let id = raw.open("GET", "/", End::Last);
    loop {
        match raw.next().await {
            Event::Reset { id: of, .. } => break assert_eq!(of, id),
            Event::Headers { .. } | Event::Data { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(wire.sent().resets, [(1, ErrorCode::CANCEL)]);
}

#[tokio::test(start_paused = true)]
async fn a_response_that_came_before_the_transport_broke_is_delivered() {
    let (client, task, mut raw) = client_raw(Config::client(), Config::server());
    let waiting = tokio::spawn(client.send(get("/")));
    let id = loop {
        if let Event::Headers { id, .. } = raw.next().await {
            break id;
        }
    };
    raw.conn.send_headers(id, &fields(&[(":status", "503")]), End::Last).unwrap();
    raw.flush().await;
    drop(raw);
    assert_eq!(waiting.await.unwrap().unwrap().status(), 503);
    let _ = task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_server_dropped_in_mid_flight_drops_its_handlers() {
    let (gone, service_gone) = tokio::sync::oneshot::channel::<()>();
    let gone = std::sync::Mutex::new(Some(gone));
    let pair = pair(move |_: Request| {
        let held = gone.lock().unwrap().take();
        async move {
            let _held = held;
            pending().await
        }
    });
    let waiting = tokio::spawn(pair.get("/"));
    settle().await;
    pair.server_task.abort();
    assert!(service_gone.await.is_err(), "the handler was dropped");
    assert!(waiting.await.unwrap().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_timer_that_was_set_when_the_tasks_budget_was_spent_still_fires() {
    let (_near, far) = tokio::io::duplex(1024);
    let mut serving = pin!(server::serve_connection(far, echo, server::Options::default()).unwrap());
    let mut is_first = true;
    let serving = poll_fn(|cx| {
        // Tokio makes everything look pending to a task that has done much at a stretch.
        if std::mem::take(&mut is_first) {
            while has_budget_remaining() {
                let _ = pin!(consume_budget()).poll(cx);
            }
        }
        serving.as_mut().poll(cx)
    });
    let report = tokio::time::timeout(Duration::from_secs(3600), serving).await.expect("the connection is given up");
    assert_eq!(report.error.as_ref().and_then(broke), Some(Violation::PrefaceTimeout), "{report:?}");
}
