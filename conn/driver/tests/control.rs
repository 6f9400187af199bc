//! What a handler may do on its stream besides answering it: interim responses, priorities, resets, alternative services; and
//! what both ends tell of themselves. Pushes and held-back content have files of their own.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may")]

mod common;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::task::Poll;
use std::time::Duration;

use common::{Pair, Setup, get, made_by, pair, post, settle};
use pellucid_driver::client::{self, Notice};
use pellucid_driver::conn::SendError;
use pellucid_driver::{Body, ErrorCode, Kind, Priority, Request, Response, Service, Spawn, server};
use pellucid_frame::Kind as FrameKind;
use tokio::sync::{Notify, mpsc};

fn hints(n: &str) -> Response {
    Response::interim(103).with_header("n", n)
}

/// Two hints, then the answer; at once, or after a while.
async fn hinting(request: Request) -> Response {
    let control = request.control().unwrap();
    control.inform(hints("1")).unwrap();
    if request.path() == b"/late" {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    control.inform(hints("2")).unwrap();
    Response::new(200).with_body("done")
}

async fn gets_hints_first(pair: &Pair, path: &str) {
    let response = pair.get(path).await.unwrap();
    let hints: Vec<_> = response.interim_responses().iter().map(|r| (r.status(), r.header("n"))).collect();
    assert_eq!(hints, [(103, Some(&b"1"[..])), (103, Some(b"2"))], "{path}");
    assert_eq!(response.status(), 200);
    assert_eq!(response.into_body().collect(9).await.unwrap(), "done");
}

async fn hints_come_first(service: impl Service) {
    let pair = pair(service);
    for path in ["/now", "/late", "/now"] {
        gets_hints_first(&pair, path).await;
    }
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn interim_responses_come_before_the_answer_also_of_a_handler_that_is_ready_at_once() {
    hints_come_first(hinting).await;
}

#[tokio::test(start_paused = true)]
async fn interim_responses_of_a_spawned_handler_come_before_its_answer() {
    hints_come_first(Spawn(hinting)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn interim_responses_come_before_the_answer_on_several_threads() {
    let pair = pair(Spawn(hinting));
    for _ in 0..200 {
        gets_hints_first(&pair, "/now").await;
    }
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn an_interim_response_after_the_answer_goes_nowhere() {
    let (kept, mut controls) = mpsc::unbounded_channel();
    let pair = pair(move |request: Request| {
        let kept = kept.clone();
        async move {
            kept.send(request.control().unwrap()).unwrap();
            let (sender, body) = Body::channel(1);
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(10)).await;
                let _ = sender.send("end").await;
            });
            Response::new(200).with_body(body)
        }
    });
    let response = pair.get("/").await.unwrap();
    let control = controls.recv().await.unwrap();
    control.inform(hints("late")).unwrap();
    settle().await;
    assert_eq!(response.into_body().collect(9).await.unwrap(), "end");
    // The stream is over.
    control.inform(hints("later")).unwrap();
    control.set_priority(Priority::default());
    control.reset(ErrorCode::CANCEL);
    let error = control.push(get("/x"), Response::new(200)).await.unwrap_err();
    assert_eq!(error.stream(), control.stream(), "{error}");
    settle().await;
    assert_eq!(pair.wire.sent().headers.len(), 1, "the answer's");
    pair.is_fine().await;
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_no_interim_response_is_refused_at_once() {
    let pair = pair(|request: Request| async move {
        let control = request.control().unwrap();
        for wrong in [Response::new(200), Response::interim(101), hints("x").with_body("content")] {
            let error = control.inform(wrong).unwrap_err();
            assert!(error.is_malformed(), "{error}");
        }
        // A field that HTTP/2 does not have makes this one malformed when it is to be sent: it is not.
        control.inform(hints("x").with_header("connection", "close")).unwrap();
        Response::new(204)
    });
    let response = pair.get("/").await.unwrap();
    assert_eq!((response.status(), response.interim_responses().len()), (204, 0));
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn interim_responses_go_to_the_requests_callback_in_order_and_its_panics_harm_nobody() {
    let pair = pair(hinting);
    let (tell, told) = channel();
    let response =
        pair.client.send(get("/late").on_interim(move |r| tell.send(r.header("n").unwrap().to_vec()).unwrap()));
    let response = response.await.unwrap();
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [b"1", b"2"]);
    assert!(response.interim_responses().is_empty(), "the callback has taken them");
    let response = pair.client.send(get("/late").on_interim(|_| panic!("a callback"))).await.unwrap();
    assert_eq!(response.into_body().collect(9).await.unwrap(), "done");
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_resets_its_stream_is_dropped_and_its_siblings_are_not() {
    let pair = pair(|request: Request| async move {
        match request.path() {
            b"/fine" => Response::new(200),
            b"/at-once" => {
                request.control().unwrap().reset(ErrorCode::ENHANCE_YOUR_CALM);
                Response::new(200)
            }
            _ => {
                request.control().unwrap().reset(ErrorCode::ENHANCE_YOUR_CALM);
                std::future::pending().await
            }
        }
    });
    for path in ["/at-once", "/later"] {
        let error = pair.client.send(post(path).with_body("x")).await.unwrap_err();
        assert_eq!(error.code(), Some(ErrorCode::ENHANCE_YOUR_CALM), "{path}: {error}");
        pair.is_fine().await;
    }
    assert_eq!(pair.live().await, (0, 0));
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_resets_a_response_says_which_code() {
    let pair = pair(|request: Request| async move {
        if request.path() == b"/fine" {
            return Response::new(200);
        }
        Response::new(200).with_body(made_by(|| Poll::Pending))
    });
    let response = pair.get("/").await.unwrap();
    // What only a server may do it is told.
    let error = response.control().unwrap().push(get("/x"), Response::new(200)).await.unwrap_err();
    assert!(matches!(error.kind(), Kind::Send(SendError::WrongRole)), "{error}");
    response.control().unwrap().reset(ErrorCode::ENHANCE_YOUR_CALM);
    settle().await;
    assert_eq!(pair.wire.received().resets, [(1, ErrorCode::ENHANCE_YOUR_CALM)]);
    assert_eq!(pair.live().await, (0, 0));
    assert_eq!(response.into_body().drain().await.unwrap_err().code(), None);
    assert_eq!(pair.wire.received().resets.len(), 1, "one is enough");
    pair.is_fine().await;
    pair.ends_clean().await;
}

/// Who resets a stream and then lets go of the body has not completed the message, at either end.
#[tokio::test(start_paused = true)]
async fn a_reset_comes_before_the_end_of_the_body_that_is_dropped_after_it() {
    let pair = pair(|request: Request| async move {
        if request.path() == b"/echo" {
            return Response::new(200).with_body(request.into_body());
        }
        let (control, (sender, body)) = (request.control().unwrap(), Body::channel(1));
        tokio::spawn(async move {
            sender.send("some").await.unwrap();
            settle().await;
            control.reset(ErrorCode::ENHANCE_YOUR_CALM);
            drop(sender);
        });
        Response::new(200).with_body(body)
    });
    for length in [None, Some("100")] {
        let (sender, body) = Body::channel(1);
        let request = post("/echo").with_body(body);
        let request = length.into_iter().fold(request, |request, length| request.with_header("content-length", length));
        let response = pair.client.send(request).await.unwrap();
        sender.send("some").await.unwrap();
        settle().await;
        response.control().unwrap().reset(ErrorCode::ENHANCE_YOUR_CALM);
        drop(sender);
        settle().await;
        let seen = pair.wire.received();
        assert_eq!(
            seen.resets.last(),
            Some(&(response.control().unwrap().stream().get(), ErrorCode::ENHANCE_YOUR_CALM))
        );
        assert!(seen.ends.is_empty(), "{:?}", seen.ends);
    }
    let response = pair.get("/resets").await.unwrap();
    assert_eq!(response.into_body().drain().await.unwrap_err().code(), Some(ErrorCode::ENHANCE_YOUR_CALM));
    pair.ends_clean().await;
}

/// Two large responses that begin together, when the test says so.
fn two_large(go: &Arc<Notify>) -> Pair {
    let go = Arc::clone(go);
    Setup { pipe: 4096, ..Setup::default() }.start(move |_: Request| {
        let go = Arc::clone(&go);
        async move {
            go.notified().await;
            Response::new(200).with_body(vec![0; 200_000])
        }
    })
}

/// Which of the two responses ends first, on the wire.
async fn first_to_end(pair: Pair, go: &Notify, responses: [client::ResponseFuture; 2]) -> u32 {
    settle().await;
    go.notify_waiters();
    for response in responses {
        assert_eq!(response.await.unwrap().into_body().collect(200_000).await.unwrap().len(), 200_000);
    }
    let first = pair.wire.sent().ends[0];
    pair.ends_clean().await;
    first
}

#[tokio::test(start_paused = true)]
async fn of_two_responses_the_more_urgent_one_comes_first() {
    let urgent = Priority { urgency: 0, ..Priority::default() };
    let go = Arc::new(Notify::new());
    let plain = two_large(&go);
    let responses = [plain.client.send(get("/a")), plain.client.send(get("/b"))];
    assert_eq!(first_to_end(plain, &go, responses).await, 1, "in the order of the requests");

    let by_field = two_large(&go);
    let responses = [by_field.client.send(get("/a")), by_field.client.send(get("/b").with_header("priority", "u=0"))];
    assert_eq!(first_to_end(by_field, &go, responses).await, 3);

    let by_update = two_large(&go);
    let mut responses = [by_update.client.send(get("/a")), by_update.client.send(get("/b"))];
    responses[1].started().await;
    responses[1].set_priority(urgent);
    settle().await;
    let order = by_update.wire.received().order;
    assert!(order.contains(&(FrameKind::PRIORITY_UPDATE, 0)), "{order:?}");
    assert_eq!(first_to_end(by_update, &go, responses).await, 3);
}

#[tokio::test(start_paused = true)]
async fn a_handler_can_change_its_responses_place() {
    let go = Arc::new(Notify::new());
    let gate = Arc::clone(&go);
    let pair = Setup { pipe: 4096, ..Setup::default() }.start(move |request: Request| {
        let go = Arc::clone(&gate);
        async move {
            go.notified().await;
            let urgency = if request.path() == b"/b" { 0 } else { 7 };
            request.control().unwrap().set_priority(Priority { urgency, ..Priority::default() });
            Response::new(200).with_body(vec![0; 200_000])
        }
    });
    let responses = [pair.client.send(get("/a")), pair.client.send(get("/b"))];
    assert_eq!(first_to_end(pair, &go, responses).await, 3);
}

fn listening() -> (Option<client::Notices>, Receiver<Notice>) {
    let (tell, told) = channel();
    (Some(Box::new(move |notice| tell.send(notice).unwrap())), told)
}

#[tokio::test(start_paused = true)]
async fn alternative_services_origins_settings_and_goaway_are_noticed() {
    let (notices, told) = listening();
    let (near, far) = tokio::io::duplex(64 << 10);
    let mut options = server::Options::default();
    options.origins = vec!["https://example.com".into(), "https://example.org".into()];
    let alt_svc = |request: Request| async move {
        request.control().unwrap().alt_svc("h3=\":443\"");
        Response::new(200)
    };
    let (serving, handle) = server::serve_with_handle(far, alt_svc, options).unwrap();
    let mut options = client::Options::default();
    options.config.secure = true;
    options.notices = notices;
    let (client, driving) = client::handshake(near, options).unwrap();
    let tasks = (tokio::spawn(serving), tokio::spawn(driving));
    client.send(get("/")).await.unwrap();
    handle.shut_down();
    let reports = (tasks.0.await.unwrap(), tasks.1.await.unwrap());
    assert!(reports.0.error.is_none() && reports.1.error.is_none(), "{reports:?}");
    let told: Vec<_> = told.try_iter().collect();
    let [
        Notice::Settings(settings),
        Notice::Origin(origins),
        Notice::AltSvc(alt),
        Notice::GoAway { code: ErrorCode::NO_ERROR, .. },
        ..,
    ] = &told[..]
    else {
        panic!("{told:?}")
    };
    assert_eq!(settings.max_concurrent_streams, Some(100));
    assert_eq!(origins, &["https://example.com", "https://example.org"]);
    assert_eq!((alt.stream.get(), &alt.value[..]), (1, &b"h3=\":443\""[..]));
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_panics_harms_nobody() {
    let notices: client::Notices = Box::new(|_| panic!("a listener"));
    let pair = Setup { notices: Some(notices), ..Setup::default() }.start(hinting);
    gets_hints_first(&pair, "/now").await;
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn both_ends_tell_how_they_stand_until_they_are_closed() {
    let pair = pair(|request: Request| async move {
        if request.path() == b"/never" {
            std::future::pending::<()>().await;
        }
        let stats = request.control().unwrap().stats().await.unwrap();
        assert!(stats.live_streams >= 1 && stats.counters.streams_accepted >= 1);
        Response::new(200).with_body(request.into_body().collect(usize::MAX).await.unwrap())
    });
    let waiting = pair.client.send(get("/never"));
    let echoed = pair.client.send(post("/").with_body(vec![1; 10_000])).await.unwrap().into_body();
    settle().await;
    let (client, server) = (pair.client.stats().await.unwrap(), pair.handle.stats().await.unwrap());
    assert_eq!((client.counters.streams_opened, server.counters.streams_accepted), (2, 2));
    assert_eq!((client.live_streams, server.live_streams, client.waiting), (1, 1, 0));
    assert_eq!((client.counters.data_out, client.counters.data_in), (10_000, 10_000));
    assert_eq!((client.unconsumed, server.unconsumed), (10_000, 0));
    assert_eq!(client.counters.octets_out, server.counters.octets_in);
    assert_eq!(client.peer_settings.max_concurrent_streams, Some(100));
    assert!(!client.is_going_away && !server.is_going_away);
    assert_eq!(echoed.collect(10_000).await.unwrap().len(), 10_000);
    drop(waiting);
    settle().await;
    let after = pair.client.stats().await.unwrap();
    assert_eq!((after.live_streams, after.unconsumed, after.ledger_sum), (0, 0, client.ledger_sum));
    pair.handle.shut_down();
    settle().await;
    assert!(pair.client.stats().await.is_none() && pair.handle.stats().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_command_for_a_connection_that_is_gone_is_forgotten() {
    let (kept, mut controls) = mpsc::unbounded_channel();
    let pair = pair(move |request: Request| {
        kept.send(request.control().unwrap()).unwrap();
        async { Response::new(200) }
    });
    pair.is_fine().await;
    let control = controls.recv().await.unwrap();
    pair.ends_clean().await;
    control.inform(hints("x")).unwrap();
    control.alt_svc("clear");
    control.reset(ErrorCode::CANCEL);
    assert!(control.stats().await.is_none());
    let error = control.push(get("/x"), Response::new(200)).await.unwrap_err();
    assert!(matches!(error.kind(), Kind::Closed), "{error}");
}
