//! What waits is bounded, and gives its place up at once.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may")]

mod common;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Waker};

use common::{Raw, Setup, get, pair, settle};
use pellucid_driver::conn::h2::Config;
use pellucid_driver::conn::{Event, SendError};
use pellucid_driver::{End, Kind, Request, Response, server};
use pellucid_frame::{Setting, SettingId};

/// Pushes ten responses, as far as it may, and then says how many it could.
async fn pushing(request: Request) -> Response {
    let mut promised = 0_u8;
    for _ in 0..10 {
        match request.control().unwrap().push(get("/x"), Response::new(200).with_body("pushed")).await {
            Ok(_) => promised += 1,
            Err(error) => assert!(matches!(error.kind(), Kind::Send(SendError::NoSlot)), "{error}"),
        }
    }
    Response::new(200).with_header("promised", promised.to_string())
}

/// RFC 9113 §5.1.2: a promised stream does not count before it is answered, and the client says how many may be.
#[tokio::test(start_paused = true)]
async fn a_client_that_never_lets_pushes_begin_makes_only_so_many_wait() {
    let (near, far) = tokio::io::duplex(64 << 10);
    let mut options = server::Options::default();
    options.config.max_concurrent_streams = 25;
    let (serving, handle) = server::serve_with_handle(far, pushing, options).unwrap();
    let serving = tokio::spawn(serving);
    let mut config = Config::client();
    config.max_reserved_remote = 1000;
    let mut raw = Raw::client(near, config);
    raw.conn.update_settings(&[Setting { id: SettingId::MAX_CONCURRENT_STREAMS, value: 0 }], raw.now());
    let mut promises = Vec::new();
    for expected in ["10", "10", "5", "0", "2"] {
        if expected == "2" {
            // What is not wanted any more waits no longer, though no slot is free.
            promises.drain(..2).for_each(|id| raw.conn.reset(id, pellucid_driver::ErrorCode::CANCEL));
        }
        raw.open("GET", "/", End::Last);
        let fields = loop {
            match raw.next().await {
                Event::Promise { id, .. } => promises.push(id),
                Event::Headers { fields, .. } => break fields,
                _ => {}
            }
        };
        assert_eq!(fields.get(b"promised"), Some(expected.as_bytes()));
        assert!(handle.stats().await.unwrap().live_streams <= 25);
    }
    drop(raw);
    serving.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_place_in_a_full_queue_is_given_up_at_once() {
    let mut setup = Setup { max_waiting: 10, ..Setup::default() };
    setup.server.max_concurrent_streams = 1;
    let pair = setup.start(|_: Request| std::future::pending::<Response>());
    let first = pair.get("/");
    settle().await;
    let mut waiting: Vec<_> = (0..10).map(|_| pair.client.send(get("/"))).collect();
    settle().await;
    for _ in 0..30 {
        drop(waiting.remove(3));
        waiting.push(pair.client.send(get("/")));
        settle().await;
        let mut cx = Context::from_waker(Waker::noop());
        assert!(waiting.iter_mut().all(|request| Pin::new(request).poll(&mut cx).is_pending()));
        assert_eq!(pair.client.stats().await.unwrap().waiting, 10);
    }
    let error = pair.client.send(get("/")).await.unwrap_err();
    assert!(matches!(error.kind(), Kind::Send(SendError::NoSlot)), "{error}");
    drop((first, waiting));
    settle().await;
    assert_eq!(pair.live().await, (0, 0));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_none_resets_its_stream_instead_of_leaving_it_open() {
    let pair = pair(|request: Request| async move {
        if request.path() == b"/fine" { Response::new(200) } else { Response::interim(103).with_body("content") }
    });
    let error = pair.get("/").await.unwrap_err();
    assert_eq!(error.code(), Some(pellucid_driver::ErrorCode::INTERNAL_ERROR), "{error}");
    assert_eq!(pair.live().await, (0, 0));
    pair.is_fine().await;
    pair.ends_clean().await;
}

/// Cancelling says `None` only where nothing went out: whoever hears that may send the request elsewhere.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_cancelled_before_it_had_a_stream_is_never_seen_by_the_server() {
    let pair = pair(|_: Request| async { Response::new(200) });
    pair.is_fine().await;
    let mut on_their_way = 1;
    for n in 0..3000_u32 {
        let sent = pair.client.send(get("/"));
        for _ in 0..n % 300 {
            std::hint::spin_loop();
        }
        on_their_way += usize::from(sent.cancel().is_some());
    }
    pair.is_fine().await;
    assert_eq!(pair.wire.received().headers.len(), on_their_way + 1);
    pair.ends_clean().await;
}
