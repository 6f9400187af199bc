//! Wake-ups from everywhere: other threads, other tasks, wakers called too often or too late; and over TCP.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Poll, Waker};
use std::thread;

use common::{echo, pair, post};
use pellucid_driver::{Body, Chunk, Request, Response, Retry, Spawn, client, server};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handlers_are_woken_from_other_threads() {
    let (work, orders) = mpsc::channel::<oneshot::Sender<u32>>();
    let worker = thread::spawn(move || {
        for (n, order) in (0..).zip(orders) {
            let _ = order.send(n);
        }
    });
    let work = Mutex::new(Some(work));
    let pair = pair(move |_: Request| {
        let (tx, rx) = oneshot::channel();
        work.lock().unwrap().as_ref().unwrap().send(tx).unwrap();
        async move { Response::new(200).with_body(rx.await.unwrap().to_string()) }
    });
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..500 {
        let response = pair.get("/");
        tasks.spawn(async move { response.await.unwrap().into_body().collect(64).await.unwrap() });
    }
    let mut answers: Vec<u32> =
        tasks.join_all().await.iter().map(|b| std::str::from_utf8(b).unwrap().parse().unwrap()).collect();
    answers.sort_unstable();
    assert!(answers.into_iter().eq(0..500));
    pair.ends_clean().await;
    worker.join().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waker_may_be_called_too_often_and_too_late() {
    let kept: Arc<Mutex<Vec<Waker>>> = Arc::default();
    let stop = Arc::new(AtomicBool::new(false));
    let (wakers, stopped) = (Arc::clone(&kept), Arc::clone(&stop));
    // Wakes everything it has ever seen, again and again.
    let nuisance = thread::spawn(move || {
        while !stopped.load(Ordering::Relaxed) {
            let wakers = wakers.lock().unwrap().clone();
            wakers.iter().for_each(Waker::wake_by_ref);
            thread::yield_now();
        }
    });
    let keep = Arc::clone(&kept);
    let pair = pair(move |_: Request| {
        let (keep, polls) = (Arc::clone(&keep), AtomicU32::new(0));
        poll_fn(move |cx| {
            let mut keep = keep.lock().unwrap();
            if keep.len() < 64 {
                keep.push(cx.waker().clone());
            }
            if polls.fetch_add(1, Ordering::Relaxed) < 3 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(Response::new(200))
        })
    });
    for _ in 0..200 {
        pair.is_fine().await;
    }
    pair.ends_clean().await;
    // The connection is gone; its wakers are not.
    kept.lock().unwrap().iter().for_each(Waker::wake_by_ref);
    stop.store(true, Ordering::Relaxed);
    nuisance.join().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_are_fed_and_read_by_other_tasks_on_other_threads() {
    let pair = pair(Spawn(|request: Request| async move {
        let (sender, body) = Body::channel(2);
        let mut content = request.into_body();
        tokio::spawn(async move {
            while let Some(Ok(Chunk::Data(data))) = content.chunk().await {
                sender.send(data).await.unwrap();
            }
        });
        Response::new(200).with_body(body)
    }));
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..20_usize {
        let (sender, body) = Body::channel(2);
        let response = pair.client.send(post("/").with_body(body));
        tasks.spawn(async move {
            for _ in 0..n {
                sender.send(vec![0; 50_000]).await.unwrap();
            }
        });
        tasks.spawn(async move {
            let body = response.await.unwrap().into_body();
            assert_eq!(body.collect(usize::MAX).await.unwrap().len(), n * 50_000);
        });
    }
    tasks.join_all().await;
    pair.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spawned_handler_that_computes_does_not_hold_up_its_siblings() {
    let busy = Arc::new(AtomicBool::new(true));
    let turning = Arc::clone(&busy);
    let (started, has_started) = oneshot::channel();
    let started = Mutex::new(Some(started));
    let pair = pair(Spawn(move |request: Request| {
        let turning = Arc::clone(&turning);
        let started = if request.path() == b"/busy" { started.lock().unwrap().take() } else { None };
        async move {
            if let Some(started) = started {
                started.send(()).unwrap();
                while turning.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            }
            Response::new(200)
        }
    }));
    // One of the two threads is busy now; on it the connection's task would wait.
    let slow = tokio::spawn(pair.get("/busy"));
    has_started.await.unwrap();
    pair.is_fine().await;
    busy.store(false, Ordering::Relaxed);
    assert_eq!(slow.await.unwrap().unwrap().status(), 200);
    pair.ends_clean().await;
}

#[tokio::test]
async fn the_same_over_tcp_with_large_bodies_both_ways() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        server::serve_connection(stream, echo, server::Options::default()).unwrap().await
    });
    let stream = TcpStream::connect(address).await.unwrap();
    let (client, driving) = client::handshake(stream, client::Options::default()).unwrap();
    let driving = tokio::spawn(driving);
    let content: Vec<u8> = (0..8_000_000_u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (client, content) = (client.clone(), content.clone());
        tasks.spawn(async move {
            let response = client.send(post("/").with_body(content.clone())).await.unwrap();
            assert!(response.into_body().collect(usize::MAX).await.unwrap() == content);
        });
    }
    tasks.join_all().await;
    drop(client);
    assert!(driving.await.unwrap().error.is_none());
    assert!(serving.await.unwrap().error.is_none());
}

#[tokio::test]
async fn a_reset_transport_over_tcp_fails_the_requests_under_way() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stream = TcpStream::connect(address).await.unwrap();
    let (peer, _) = listener.accept().await.unwrap();
    let (client, driving) = client::handshake(stream, client::Options::default()).unwrap();
    let driving = tokio::spawn(driving);
    let waiting = tokio::spawn(client.send(post("/").with_body(vec![0; 1 << 20])));
    peer.readable().await.unwrap();
    // Closed with unread input: a reset.
    drop(peer);
    assert!(waiting.await.unwrap().unwrap_err().retry() != Retry::Safe);
    assert!(driving.await.unwrap().error.is_some());
}
