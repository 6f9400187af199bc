//! A thousand requests of every shape, each given up at a random moment: nothing is left behind, on either end, and the
//! connection goes on as if nothing had been.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may")]

mod common;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use common::{Dice, Pair, Setup, fields, get, made_by, post};
use pellucid_driver::client::{ResponseFuture, SendRequest};
use pellucid_driver::{Body, Chunk, Error, Request, Response, Service, Snapshot, Spawn};
use tokio::task::JoinSet;

const REQUESTS: usize = 1000;

/// Under way at once: many more than the server takes.
const AT_ONCE: usize = 60;

/// Counts the handlers and bodies that are alive.
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// `pieces` pieces of content and trailers, with a pause now and then.
fn long_body(pieces: usize, alive: Alive) -> Body {
    let (sender, body) = Body::channel(2);
    tokio::spawn(async move {
        let _alive = alive;
        for n in 0..pieces {
            if n % 7 == 3 {
                tokio::task::yield_now().await;
            }
            if sender.send(vec![1; 3000]).await.is_err() {
                return;
            }
        }
        let _ = sender.trailers(fields(&[("x-end", "yes")])).await;
    });
    body
}

/// Answers each path in its own way.
async fn answer(request: Request, alive: Alive, count: Arc<AtomicUsize>) -> Response {
    let path = request.path().to_vec();
    match path.as_slice() {
        b"/slow" => {
            for _ in 0..50 {
                tokio::task::yield_now().await;
            }
            Response::new(200)
        }
        b"/never" => std::future::pending().await,
        b"/large" => Response::new(200).with_body(vec![2; 100_000]),
        b"/long" => Response::new(200).with_body(long_body(40, Alive::new(&count))),
        b"/endless" => {
            let body = made_by(move || {
                let _ = &alive;
                Poll::Ready(Some(Ok(Chunk::Data(vec![3; 5000].into()))))
            });
            Response::new(200).with_body(body)
        }
        b"/read" => {
            let whole = request.into_body().collect(usize::MAX).await.unwrap_or_default();
            Response::new(200).with_body(whole)
        }
        b"/echo" => Response::new(200).with_body(request.into_body()),
        b"/half" => {
            let mut body = request.into_body();
            let _ = body.chunk().await;
            Response::new(200).with_body("half")
        }
        b"/hints" => {
            let _ = request.control().unwrap().inform(Response::interim(103));
            tokio::task::yield_now().await;
            Response::new(200).with_body("hints")
        }
        _ => Response::new(200),
    }
}

fn server(count: &Arc<AtomicUsize>) -> impl Service + Sync {
    let count = Arc::clone(count);
    move |request: Request| answer(request, Alive::new(&count), Arc::clone(&count))
}

const PATHS: [&str; 10] = ["/", "/slow", "/never", "/large", "/long", "/endless", "/read", "/echo", "/half", "/hints"];

/// A request of some shape.
fn request(dice: &mut Dice, count: &Arc<AtomicUsize>) -> Request {
    let path = PATHS[usize::try_from(dice.roll(PATHS.len() as u64)).unwrap()];
    match dice.roll(5) {
        0 => get(path),
        1 => post(path).with_body(vec![4; 70_000]),
        2 => post(path).with_body("small").with_header("content-length", "5"),
        3 => post(path).with_header("expect", "100-continue").with_body(vec![5; 20_000]),
        _ => post(path).with_body(long_body(30, Alive::new(count))),
    }
}

/// Sends a request and reads its response until the end.
async fn exchange(client: SendRequest, request: Request) -> Result<(), Error> {
    let response = client.send(request).await?;
    response.into_body().drain().await.map(drop)
}

/// Polls at most `polls` times, each when it is woken or a moment has passed; then lets go.
async fn given_up_after(polls: u64, exchange: impl Future<Output = Result<(), Error>>) -> bool {
    let mut exchange = pin!(exchange);
    for _ in 0..polls {
        let once = poll_fn(|cx| Poll::Ready(exchange.as_mut().poll(cx).is_ready()));
        if once.await {
            return false;
        }
        tokio::task::yield_now().await;
    }
    true
}

fn setup() -> Setup {
    let mut setup = Setup { pipe: 16 << 10, ..Setup::default() };
    setup.server.max_concurrent_streams = 20;
    for config in [&mut setup.server, &mut setup.client] {
        config.connection_window = 65_535;
        config.stream_window = 30_000;
        // Cancelling is what this is about, not how much of it is too much.
        config.early_reset.burst = 1_000_000;
        config.emitted_reset.burst = 1_000_000;
        config.refused.burst = 1_000_000;
        config.glitch.burst = 1_000_000;
        config.window_update.burst = 1_000_000;
    }
    setup
}

async fn both(pair: &Pair) -> [Snapshot; 2] {
    [pair.client.stats().await.unwrap(), pair.handle.stats().await.unwrap()]
}

/// Until nothing is under way any more; if that never comes, the state it stays in.
async fn at_rest(pair: &Pair, count: &AtomicUsize) -> [Snapshot; 2] {
    for _ in 0..100_000 {
        let now = both(pair).await;
        let is_quiet = now.iter().all(|s| s.live_streams == 0 && s.unconsumed == 0 && s.waiting == 0);
        if is_quiet && count.load(Ordering::SeqCst) == 0 {
            return now;
        }
        tokio::task::yield_now().await;
    }
    both(pair).await
}

async fn a_thousand(pair: Pair, count: &Arc<AtomicUsize>, seed: u64) {
    println!("seed {seed}");
    pair.is_fine().await;
    let before = at_rest(&pair, count).await;
    let mut dice = Dice(seed);
    let (mut tasks, mut given_up) = (JoinSet::new(), 0);
    for _ in 0..REQUESTS {
        // Most are given up while they are young, some never.
        let most = [3, 10, 40, 200][usize::try_from(dice.roll(4)).unwrap()];
        let (polls, request) = (dice.roll(most), request(&mut dice, count));
        let client = pair.client.clone();
        tasks.spawn(given_up_after(polls, exchange(client, request)));
        if tasks.len() >= AT_ONCE {
            given_up += usize::from(tasks.join_next().await.unwrap().unwrap());
        }
    }
    while let Some(outcome) = tasks.join_next().await {
        given_up += usize::from(outcome.unwrap());
    }
    assert!((200..REQUESTS).contains(&given_up), "seed {seed}: {given_up} were given up");
    let after = at_rest(&pair, count).await;
    for (end, before, after) in [("client", &before[0], &after[0]), ("server", &before[1], &after[1])] {
        assert_eq!(after.live_streams, 0, "seed {seed}: streams of the {end}");
        assert_eq!((after.unconsumed, after.waiting), (0, 0), "seed {seed}: {end}");
        assert_eq!(after.ledger_sum, before.ledger_sum, "seed {seed}: {end}");
    }
    assert_eq!(count.load(Ordering::SeqCst), 0, "seed {seed}: handlers and bodies");
    no_slot_is_lost(&pair, seed).await;
    pair.ends_clean().await;
}

/// As many requests as the server takes at once, all in full, with more content than the windows hold.
async fn no_slot_is_lost(pair: &Pair, seed: u64) {
    let mut all: Vec<_> = (0..20).map(|_| pair.client.send(post("/read").with_body(vec![7; 50_000]))).collect();
    for sent in &mut all {
        // Nobody has to wait for another's end.
        sent.started().await;
        assert!(sent.stream().is_some(), "seed {seed}");
    }
    // All are read at once: together they are more than the connection's window, and one unread response may take all of it.
    let reading = async |sent: ResponseFuture| sent.await?.into_body().collect(usize::MAX).await;
    let tasks: JoinSet<_> = all.into_iter().map(|sent| async move { reading(sent).await }).collect();
    for whole in tasks.join_all().await {
        assert_eq!(whole.unwrap().len(), 50_000, "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_thousand_requests_given_up_at_random_leave_nothing_behind() {
    for seed in [1, 7, 42, 1_000_003, 987_654_321] {
        let count = Arc::default();
        a_thousand(setup().start(server(&count)), &count, seed).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_thousand_requests_to_spawned_handlers_leave_nothing_behind() {
    for seed in [2, 11] {
        let count = Arc::default();
        a_thousand(setup().start(Spawn(server(&count))), &count, seed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_requests_on_several_threads_leave_nothing_behind() {
    for seed in [3, 5, 1234] {
        let count = Arc::default();
        a_thousand(setup().start(server(&count)), &count, seed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_requests_to_spawned_handlers_on_several_threads_leave_nothing_behind() {
    let count = Arc::default();
    a_thousand(setup().start(Spawn(server(&count))), &count, 99).await;
}
