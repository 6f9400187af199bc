//! Handlers and bodies that do not do what they should: whatever they do, their siblings on the same connection finish and
//! nothing stays open behind them. What each panic looks like on the wire is in `faults`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may")]

mod common;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use common::{Pair, Setup, get, made_by, post, settle};
use pellucid_driver::{Body, Chunk, Error, ErrorCode, Kind, Request, Response, Service, Source, Spawn};

/// Goes off when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "a bomb goes off");
    }
}

/// A body whose end is a bomb.
struct Armed {
    pieces: usize,
    _bomb: Bomb,
}

impl Source for Armed {
    fn poll_chunk(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Chunk, Error>>> {
        if self.pieces == 0 {
            return Poll::Ready(None);
        }
        self.pieces -= 1;
        Poll::Ready(Some(Ok(Chunk::Data(vec![0; 1000].into()))))
    }
}

/// A body of three pieces, then what `last` does.
fn then(mut last: impl FnMut() -> Poll<Option<Result<Chunk, Error>>> + Send + Unpin + 'static) -> Body {
    let mut left = 3;
    made_by(move || {
        if left == 0 {
            return last();
        }
        left -= 1;
        Poll::Ready(Some(Ok(Chunk::Data(vec![0; 1000].into()))))
    })
}

/// Wakes itself for ever without ever being ready.
struct Spins;

impl Future for Spins {
    type Output = Response;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response> {
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

async fn moment() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// Counts whoever owns it.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Everything that a handler should not do, by path.
async fn wrong(mut request: Request, _alive: Counted) -> Response {
    let ok = Response::new(200);
    let five = |body: Body| Response::new(200).with_header("content-length", "5").with_body(body);
    match request.path().to_vec().as_slice() {
        b"/panics" => panic!("at once"),
        b"/panics-reading" => {
            let _ = request.body_mut().chunk().await;
            panic!("in the middle of the request");
        }
        b"/panics-later" => {
            moment().await;
            panic!("later");
        }
        b"/panics-in-body" => ok.with_body(then(|| panic!("in the middle of the response"))),
        b"/panics-when-dropped" => {
            let _bomb = Bomb;
            moment().await;
            ok
        }
        b"/body-panics-when-dropped" => ok.with_body(Body::from_source(Armed { pieces: 3, _bomb: Bomb })),
        b"/stalls" => std::future::pending().await,
        b"/spins" => Spins.await,
        b"/body-stalls" => ok.with_body(then(|| Poll::Pending)),
        b"/never-reads" => {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            ok
        }
        b"/reads-half" => {
            let _ = request.body_mut().chunk().await;
            drop(request);
            moment().await;
            ok.with_body("half was enough")
        }
        b"/answers-twice-as-long" => five(then(|| Poll::Ready(None))),
        b"/answers-too-little" => five(made_by(|| Poll::Ready(None))),
        b"/body-fails" => ok.with_body(then(|| Poll::Ready(Some(Err(Error::body("the disk is gone")))))),
        b"/body-fails-at-once" => ok.with_body(made_by(|| Poll::Ready(Some(Err(Error::body("no disk")))))),
        b"/bad-trailers" => {
            ok.with_body(then(|| Poll::Ready(Some(Ok(Chunk::Trailers(common::fields(&[(":status", "200")])))))))
        }
        b"/empty-pieces" => {
            let mut left = 10_000;
            ok.with_body(made_by(move || {
                left -= 1;
                Poll::Ready((left > 0).then(|| Ok(Chunk::Data("".into()))))
            }))
        }
        b"/bad-status" => Response::from_fields(common::fields(&[(":status", "abc")])),
        b"/no-status" => Response::from_fields(common::fields(&[("x", "y")])),
        b"/interim-as-answer" => Response::interim(103),
        b"/wakes-late" => {
            let waker = std::future::poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
            tokio::spawn(async move {
                for _ in 0..100 {
                    moment().await;
                    waker.wake_by_ref();
                }
            });
            ok
        }
        _ => {
            let whole = request.into_body().collect(usize::MAX).await.unwrap();
            ok.with_body(whole)
        }
    }
}

/// How a client sees it end. (One that spins is in a test of its own: the paused clock never moves as long as it does.)
#[derive(Debug, Clone, Copy, PartialEq)]
enum Ends {
    Well,
    /// By RST_STREAM(INTERNAL_ERROR).
    Badly,
    /// Not before the caller loses patience.
    Never,
}

const CASES: [(&str, Ends); 20] = [
    ("/panics", Ends::Badly),
    ("/panics-reading", Ends::Badly),
    ("/panics-later", Ends::Badly),
    ("/panics-in-body", Ends::Badly),
    // Whoever panics on the way out has not come to its end.
    ("/panics-when-dropped", Ends::Badly),
    ("/body-panics-when-dropped", Ends::Badly),
    ("/stalls", Ends::Never),
    ("/body-stalls", Ends::Never),
    ("/never-reads", Ends::Never),
    ("/reads-half", Ends::Well),
    ("/answers-twice-as-long", Ends::Badly),
    ("/answers-too-little", Ends::Badly),
    ("/body-fails", Ends::Badly),
    ("/body-fails-at-once", Ends::Badly),
    ("/bad-trailers", Ends::Badly),
    ("/empty-pieces", Ends::Well),
    ("/bad-status", Ends::Badly),
    ("/no-status", Ends::Badly),
    ("/interim-as-answer", Ends::Badly),
    ("/wakes-late", Ends::Well),
];

async fn whole(sent: impl Future<Output = Result<Response, Error>>) -> Result<usize, Error> {
    Ok(sent.await?.into_body().collect(usize::MAX).await?.len())
}

/// One misbehaving handler between siblings, with and without content that it ought to read.
async fn harms_only_itself(pair: &Pair, path: &str, ends: Ends, count: &AtomicUsize) {
    for body in [Body::empty(), Body::from(vec![1; 300_000])] {
        let siblings: Vec<_> =
            (0..3).map(|_| tokio::spawn(whole(pair.client.send(post("/fine").with_body(vec![2; 100_000]))))).collect();
        let sent = whole(pair.client.send(post(path).with_body(body)));
        let outcome = tokio::time::timeout(Duration::from_millis(300), sent).await;
        for sibling in siblings {
            assert_eq!(sibling.await.unwrap().unwrap(), 100_000, "{path}");
        }
        match (ends, outcome) {
            (Ends::Well, Ok(Ok(_))) | (Ends::Never, Err(_)) => {}
            (Ends::Badly, Ok(Err(error))) => {
                assert!(matches!(error.kind(), Kind::Stream(_)), "{path}: {error}");
                assert_eq!(error.code(), Some(ErrorCode::INTERNAL_ERROR), "{path}: {error}");
            }
            (_, outcome) => panic!("{path}: {outcome:?}"),
        }
        settle().await;
        assert_eq!(pair.live().await, (0, 0), "{path}");
        assert_eq!(pair.handle.stats().await.unwrap().unconsumed, 0, "{path}");
        assert_eq!(count.load(Ordering::SeqCst), 0, "{path}: handlers that are still there");
    }
}

async fn every_case<S: Service>(make: impl Fn(Arc<AtomicUsize>) -> S) {
    let count = Arc::default();
    let mut setup = Setup::default();
    setup.server.emitted_reset.burst = 10_000;
    setup.server.early_reset.burst = 10_000;
    let pair = setup.start(make(Arc::clone(&count)));
    for (path, ends) in CASES {
        harms_only_itself(&pair, path, ends, &count).await;
    }
    pair.is_fine().await;
    pair.ends_clean().await;
}

fn service(count: Arc<AtomicUsize>) -> impl Service + Sync {
    move |request: Request| wrong(request, Counted::new(&count))
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_misbehaves_harms_only_its_own_stream() {
    every_case(service).await;
}

#[tokio::test(start_paused = true)]
async fn a_spawned_handler_that_misbehaves_harms_only_its_own_stream() {
    every_case(|count| Spawn(service(count))).await;
}

#[tokio::test(start_paused = true)]
async fn handlers_that_stall_or_spin_leave_the_other_slots_to_their_siblings() {
    let mut setup = Setup::default();
    setup.server.max_concurrent_streams = 4;
    let count = Arc::default();
    let pair = setup.start(service(Arc::clone(&count)));
    let stalled: Vec<_> = ["/stalls", "/spins", "/body-stalls"].map(|path| pair.client.send(get(path))).into();
    for _ in 0..50 {
        assert_eq!(whole(pair.client.send(post("/fine").with_body("x"))).await.unwrap(), 1);
    }
    assert_eq!(pair.live().await, (3, 3));
    drop(stalled);
    settle().await;
    assert_eq!((pair.live().await, count.load(Ordering::SeqCst)), ((0, 0), 0));
    pair.ends_clean().await;
}

/// Panics when it is dropped, whatever became of it.
fn armed() -> Body {
    Body::from_source(Armed { pieces: 3, _bomb: Bomb })
}

#[tokio::test(start_paused = true)]
async fn a_push_whose_body_panics_when_dropped_harms_only_itself() {
    for reserved in [0, 1, 10] {
        let mut setup = Setup::default();
        setup.client.max_reserved_remote = reserved;
        let pair = setup.start(|request: Request| async move {
            if request.path() == b"/pushes" {
                for _ in 0..3 {
                    let _ = request.control().unwrap().push(get("/x"), Response::new(200).with_body(armed())).await;
                }
            }
            Response::new(200)
        });
        let sibling = pair.get("/fine");
        assert_eq!(pair.get("/pushes").await.unwrap().status(), 200, "{reserved}");
        assert_eq!(sibling.await.unwrap().status(), 200, "{reserved}");
        settle().await;
        assert_eq!(pair.live().await, (0, 0), "{reserved}");
        pair.is_fine().await;
        pair.ends_clean().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_whose_waiting_pushes_panic_when_dropped_still_ends() {
    let mut setup = Setup { notices: Some(Box::new(std::mem::forget)), ..Setup::default() };
    (setup.client.max_reserved_remote, setup.client.max_concurrent_streams) = (10, 1);
    let pair = setup.start(|request: Request| async move {
        // The only one that is allowed to begin never ends.
        let first = Response::new(200).with_body(made_by(|| Poll::Pending));
        request.control().unwrap().push(get("/x"), first).await.unwrap();
        for _ in 0..3 {
            request.control().unwrap().push(get("/x"), Response::new(200).with_body(armed())).await.unwrap();
        }
        // One more, of which the connection has not heard when it ends.
        drop(request.control().unwrap().push(get("/x"), Response::new(200).with_body(armed())));
        std::future::pending().await
    });
    let sent = pair.client.send(get("/pushes"));
    settle().await;
    pair.client_task.abort();
    assert!(sent.await.unwrap_err().is_closed());
    let report = pair.server_task.await.expect("its task has not panicked");
    assert!(report.error.is_some_and(|error| error.is_closed()), "a stream was open");
    assert!(pair.handle.stats().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_callback_that_panics_when_dropped_harms_only_itself() {
    let pair = Setup::default().start(service(Arc::default()));
    let armed = || {
        let bomb = Bomb;
        move |_: Response| {
            let _ = &bomb;
        }
    };
    let malformed = post("/fine").with_header("content-length", "9").with_body("x").on_interim(armed());
    assert!(pair.client.send(malformed).await.is_err());
    assert_eq!(pair.client.send(post("/fine").on_interim(armed())).await.unwrap().status(), 200);
    assert!(pair.client.send(post("/panics").on_interim(armed())).await.is_err());
    let given_up = pair.client.send(post("/stalls").on_interim(armed()));
    settle().await;
    drop(given_up);
    settle().await;
    assert_eq!(pair.live().await, (0, 0));
    pair.is_fine().await;
    pair.ends_clean().await;
}
