//! What the server has certainly not worked on is sent once more, and nothing else ever is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pellucid_client::{Body, Error, ErrorCode, Response, Retry, StreamId};

use crate::site::{Peer, Site, post, text};

/// What a scripted server does with one request after the other, over all its connections.
#[derive(Clone, Copy, Debug)]
enum Does {
    Refuse,
    /// GOAWAY, with nothing worked on.
    Leave,
    /// Cuts the connection.
    Cut,
    Reset(ErrorCode),
    Answer,
}

/// How many requests came, how many connections were made, and what came of one request.
async fn run(plan: &'static [Does], body: impl Into<Body>) -> (usize, usize, Result<Response, Error>) {
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    let site = Site::scripted(move |_, peer| act(peer, plan, Arc::clone(&count)));
    let outcome = site.client().send(post(body)).await;
    (seen.load(Ordering::Relaxed), site.connections(), outcome)
}

async fn act(mut peer: Peer, plan: &[Does], seen: Arc<AtomicUsize>) {
    while let Some((id, content)) = peer.request().await {
        let does = plan.get(seen.fetch_add(1, Ordering::Relaxed)).copied();
        match does.expect("no more requests than planned") {
            Does::Refuse => peer.refuse(id).await,
            Does::Leave => peer.go_away(StreamId::CONNECTION).await,
            Does::Cut => return,
            Does::Reset(code) => peer.reset(id, code).await,
            Does::Answer => peer.answer(id, &content).await,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_refused_once_is_answered_and_its_content_is_whole() {
    // A stream that was refused waits on the same connection; one above GOAWAY's last takes another.
    for (plan, connections) in [(&[Does::Refuse, Does::Answer][..], 1), (&[Does::Leave, Does::Answer], 2)] {
        let (requests, made, outcome) = run(plan, "content").await;
        assert_eq!(text(outcome.unwrap()).await, "content", "{plan:?}");
        assert_eq!((requests, made), (2, connections), "{plan:?}");
    }
}

/// Covers 9110:9.2.2-3
#[tokio::test(start_paused = true)]
async fn what_was_refused_twice_fails() {
    for plan in [
        &[Does::Refuse, Does::Refuse][..],
        &[Does::Leave, Does::Leave],
        &[Does::Refuse, Does::Leave],
        &[Does::Leave, Does::Refuse],
    ] {
        let (requests, _, outcome) = run(plan, "content").await;
        let error = outcome.unwrap_err();
        assert!(error.is_refused() && error.retry() == Retry::Safe, "{plan:?}: {error}");
        assert_eq!(requests, 2, "{plan:?}");
    }
}

/// Covers 9110:9.2.2-1
#[tokio::test(start_paused = true)]
async fn what_may_have_been_worked_on_is_never_sent_again() {
    for (plan, retry) in [
        (&[Does::Cut][..], Retry::Unknown),
        (&[Does::Reset(ErrorCode::CANCEL)], Retry::Unknown),
        (&[Does::Reset(ErrorCode::INTERNAL_ERROR)], Retry::Unknown),
        (&[Does::Reset(ErrorCode::PROTOCOL_ERROR)], Retry::Unsafe),
    ] {
        let (requests, connections, outcome) = run(plan, "content").await;
        let error = outcome.unwrap_err();
        assert_eq!((error.retry(), requests, connections), (retry, 1, 1), "{plan:?}: {error}");
    }
    // The first was refused, of the second nobody knows.
    let (requests, _, outcome) = run(&[Does::Refuse, Does::Cut], "content").await;
    assert_eq!((outcome.unwrap_err().retry(), requests), (Retry::Unknown, 2));
}

#[tokio::test(start_paused = true)]
async fn content_that_was_made_on_the_way_cannot_be_sent_again() {
    let (sender, body) = Body::channel(1);
    let feeding = tokio::spawn(async move { sender.send("content").await });
    let (requests, _, outcome) = run(&[Does::Refuse], body).await;
    assert!(outcome.unwrap_err().is_refused());
    assert_eq!(requests, 1);
    feeding.await.unwrap().unwrap();
}
