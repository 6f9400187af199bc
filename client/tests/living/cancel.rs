//! Whoever loses interest, at whatever moment, leaves nothing behind.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use pellucid_client::{Body, Request, Response};
use pellucid_conn::h2::Config;
use tokio::time::{sleep, timeout};

use crate::site::{Site, post, settle, text, url};

/// Small numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

/// Answers after a while, in pieces.
async fn leisurely(request: Request) -> Response {
    if request.path() == b"/fine" {
        return Response::new(200).with_body("fine");
    }
    sleep(Duration::from_millis(10)).await;
    let (sender, body) = Body::channel(1);
    tokio::spawn(async move {
        for _ in 0..10 {
            sender.send(vec![7; 3000]).await?;
            sleep(Duration::from_millis(2)).await;
        }
        request.into_body().drain().await.map(drop)
    });
    Response::new(200).with_body(body)
}

#[tokio::test(start_paused = true)]
async fn a_thousand_requests_dropped_at_any_moment_leave_no_stream_and_no_window_behind() {
    let mut config = Config::server();
    // Some wait for a stream when they are dropped.
    config.max_concurrent_streams = 8;
    // So many resets are an attack, elsewhere.
    config.early_reset.burst = 1000;
    let site = Site::with(config, leisurely);
    let client = site.builder().header_timeout(Duration::from_secs(9)).build().unwrap();
    let mut dice = Dice(1);
    let mut all = tokio::task::JoinSet::new();
    for n in 0..1000 {
        let patience = Duration::from_millis(dice.roll(40));
        let response = client.send(post(vec![1; usize::try_from(dice.roll(5000)).unwrap()]));
        all.spawn(async move { timeout(patience, async { response.await?.into_body().drain().await }).await.is_ok() });
        if n % 16 == 0 {
            sleep(Duration::from_millis(5)).await;
        }
    }
    let finished = all.join_all().await.into_iter().filter(|is_whole| *is_whole).count();
    assert!((1..1000).contains(&finished), "{finished} of 1000 were not dropped");
    settle().await;
    let fine = client.get(&"http://site.test/fine".parse().unwrap()).await.unwrap();
    assert_eq!(text(fine).await, "fine");
    settle().await;
    let stats = client.stats(&url()).await.unwrap();
    assert_eq!((stats.live_streams, stats.waiting, stats.unconsumed), (0, 0, 0));
    assert_eq!(stats.ledger_sum, i64::from(Config::client().connection_window));
    let served = site.newest().stats().await.unwrap();
    assert_eq!((served.live_streams, served.unconsumed), (0, 0));
    assert_eq!(site.connections(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_dropped_while_its_connection_is_made_is_never_sent() {
    let site = Site::new(leisurely);
    let client = site.client();
    for _ in 0..10 {
        let mut response = Box::pin(client.get(&url()));
        assert!(waits(response.as_mut()).await, "it cannot be there yet");
        drop(response);
    }
    settle().await;
    let stats = client.stats(&url()).await.unwrap();
    assert_eq!((stats.counters.streams_opened, site.connections()), (0, 1));
}

/// Polls once; whether it has to wait.
async fn waits(mut future: Pin<&mut impl Future>) -> bool {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending())).await
}
