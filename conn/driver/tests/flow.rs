//! Back-pressure both ways, bounded by the windows and by nothing else: a reader that stops stops its sender, resumes it, and
//! harms nobody else.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may")]

mod common;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use common::{Raw, Setup, echo, get, made_by, pair, post, serve_raw, settle};
use pellucid_driver::conn::h2::Config;
use pellucid_driver::conn::{Event, Output};
use pellucid_driver::{Body, Chunk, End, Request, Response, client, server};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio::sync::{Notify, Semaphore};

const MIB: usize = 1 << 20;

/// The default stream window, the send buffer of a stream, and a piece.
const STREAM_BOUND: usize = (256 << 10) + (64 << 10) + (16 << 10);

/// A body of `total` octets in pieces of 16 KiB that counts what was taken from it.
fn counted(total: usize, taken: &Arc<AtomicUsize>) -> Body {
    let (taken, piece) = (Arc::clone(taken), Bytes::from(vec![b'x'; 16 << 10]));
    made_by(move || {
        let before = taken.load(Ordering::SeqCst);
        let n = piece.len().min(total - before);
        taken.store(before + n, Ordering::SeqCst);
        Poll::Ready((n > 0).then(|| Ok(Chunk::Data(piece.slice(..n)))))
    })
}

async fn read(body: &mut Body, octets: usize) -> usize {
    let mut got = 0;
    while got < octets {
        match body.chunk().await {
            Some(Ok(Chunk::Data(data))) => got += data.len(),
            Some(other) => panic!("{other:?}"),
            None => break,
        }
    }
    got
}

#[tokio::test(start_paused = true)]
async fn sixty_four_mebioctets_go_both_ways_at_once_in_bounded_memory() {
    let total = 64 * MIB;
    let taken = Arc::new(AtomicUsize::new(0));
    let pair = pair(echo);
    let response = pair.client.send(post("/").with_body(counted(total, &taken))).await.unwrap();
    let mut body = response.into_body();
    let (mut got, mut most) = (0, 0);
    while let Some(chunk) = body.chunk().await {
        let Chunk::Data(data) = chunk.unwrap() else { panic!("no trailers here") };
        got += data.len();
        most = most.max(taken.load(Ordering::SeqCst) - got);
    }
    assert_eq!(got, total);
    // Two windows, two send buffers, the pipe and the read buffers of both ends.
    assert!(most <= 2 * STREAM_BOUND + 2 * (64 << 10) + 4 * (64 << 10), "{most} octets were under way");
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_response_nobody_reads_stops_its_sender_at_the_window_until_it_is_read() {
    let taken = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&taken);
    let pair = pair(move |_: Request| {
        let body = counted(8 * MIB, &counter);
        async move { Response::new(200).with_body(body) }
    });
    let mut body = pair.get("/").await.unwrap().into_body();
    settle().await;
    let stopped_at = taken.load(Ordering::SeqCst);
    assert!(stopped_at <= STREAM_BOUND, "{stopped_at}");
    let got = read(&mut body, MIB).await;
    settle().await;
    let then = taken.load(Ordering::SeqCst);
    assert!(then > stopped_at && then <= got + STREAM_BOUND, "{then} sent, {got} read");
    assert_eq!(got + read(&mut body, usize::MAX).await, 8 * MIB);
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_request_nobody_reads_stops_its_sender_at_the_window_until_it_is_read() {
    let gate = Arc::new(Semaphore::new(0));
    let opened = Arc::clone(&gate);
    let pair = pair(move |request: Request| {
        let gate = Arc::clone(&gate);
        async move {
            let mut got = 0;
            let mut body = request.into_body();
            while let Some(chunk) = body.chunk().await {
                let Chunk::Data(data) = chunk.unwrap() else { panic!("no trailers here") };
                got += data.len();
                gate.acquire_many(u32::try_from(data.len()).unwrap()).await.unwrap().forget();
            }
            Response::new(200).with_body(got.to_string())
        }
    });
    let taken = Arc::new(AtomicUsize::new(0));
    let response = tokio::spawn(pair.client.send(post("/").with_body(counted(4 * MIB, &taken))));
    settle().await;
    let stopped_at = taken.load(Ordering::SeqCst);
    assert!(stopped_at <= STREAM_BOUND + (16 << 10), "{stopped_at}");
    opened.add_permits(MIB);
    settle().await;
    let then = taken.load(Ordering::SeqCst);
    assert!(then > stopped_at && then <= MIB + STREAM_BOUND + (32 << 10), "{then}");
    opened.add_permits(4 * MIB);
    let response = response.await.unwrap().unwrap();
    assert_eq!(response.into_body().collect(64).await.unwrap(), (4 * MIB).to_string());
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn slow_readers_do_not_block_their_siblings() {
    let pair = pair(|request: Request| async move {
        match request.method() {
            b"POST" => Response::new(200).with_body(request.into_body()),
            _ => Response::new(200).with_body(vec![0; MIB]),
        }
    });
    // Three times a stream's window, which leaves a quarter of the connection's.
    let mut slow = Vec::new();
    for _ in 0..3 {
        slow.push(pair.get("/").await.unwrap().into_body());
    }
    settle().await;
    for _ in 0..20 {
        let response = pair.client.send(post("/").with_body(vec![1; 300_000])).await.unwrap();
        assert_eq!(response.into_body().collect(MIB).await.unwrap().len(), 300_000);
    }
    for mut body in slow {
        assert_eq!(read(&mut body, usize::MAX).await, MIB);
    }
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn consumed_octets_are_not_withheld_however_many_streams_share_the_window() {
    let mut setup = Setup::default();
    setup.server.max_concurrent_streams = 500;
    setup.client.connection_window = 65_535;
    let gate = Arc::new(Notify::new());
    let opened = Arc::clone(&gate);
    let pair = setup.start(move |_: Request| {
        let (sender, body) = Body::channel(1);
        let gate = Arc::clone(&gate);
        tokio::spawn(async move {
            sender.send(vec![1; 3000]).await.unwrap();
            gate.notified().await;
            sender.send(vec![2; 3000]).await.unwrap();
        });
        async move { Response::new(200).with_body(body) }
    });
    settle().await;
    let got = Arc::new(AtomicUsize::new(0));
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..500 {
        let (response, got) = (pair.get("/"), Arc::clone(&got));
        readers.spawn(async move {
            let mut body = response.await.unwrap().into_body();
            while let Some(Ok(Chunk::Data(data))) = body.chunk().await {
                got.fetch_add(data.len(), Ordering::SeqCst);
            }
        });
    }
    settle().await;
    assert_eq!(got.load(Ordering::SeqCst), 500 * 3000, "everybody's first part, though it is many windows' worth");
    opened.notify_waiters();
    readers.join_all().await;
    assert_eq!(got.load(Ordering::SeqCst), 500 * 6000);
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn the_smallest_windows_carry_a_body_both_ways() {
    let mut setup = Setup::default();
    for config in [&mut setup.server, &mut setup.client] {
        (config.stream_window, config.connection_window) = (1, 65_535);
    }
    // Frames of one octet are what such windows ask for.
    setup.server.glitch.burst = 1_000_000;
    setup.server.window_update.burst = 1_000_000;
    setup.client.window_update.burst = 1_000_000;
    let pair = setup.start(echo);
    settle().await;
    let response = pair.client.send(post("/").with_body(vec![5; 300])).await.unwrap();
    assert_eq!(response.into_body().collect(1000).await.unwrap(), vec![5; 300]);
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_stops_reading_its_socket_bounds_the_server() {
    let taken: Vec<_> = (0..20).map(|_| Arc::new(AtomicUsize::new(0))).collect();
    let counters = taken.clone();
    let service = move |request: Request| {
        let n: usize = std::str::from_utf8(&request.path()[1..]).unwrap().parse().unwrap();
        let body = counted(64 * MIB, &counters[n]);
        async move { Response::new(200).with_body(body) }
    };
    let mut config = Config::client();
    (config.stream_window, config.connection_window) = (1 << 30, 1 << 30);
    let (mut raw, task, _handle, _wire) = serve_raw(service, Config::server(), config);
    assert!(matches!(raw.event().await, Ok(Some(Event::Settings(_)))));
    for n in 0..20 {
        raw.open("GET", &format!("/{n}"), End::Last);
    }
    raw.flush().await;
    settle().await;
    let all: usize = taken.iter().map(|t| t.load(Ordering::SeqCst)).sum();
    // The pipe, one output, the connection's send buffer, and a piece a stream.
    let bound = MIB + (160 << 10) + (256 << 10) + 20 * (16 << 10);
    assert!(all <= bound, "{all} octets were taken from the bodies");
    assert!(taken.iter().all(|t| t.load(Ordering::SeqCst) > 0), "everyone may queue a little");
    let error = task.await.unwrap().error.unwrap();
    assert!(error.is_timeout(), "the write timeout ends it: {error}");
}

/// A transport that takes octets at once and writes them when it is flushed, like a TLS session.
struct Lazy {
    inner: DuplexStream,
    held: Vec<u8>,
}

impl AsyncRead for Lazy {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl AsyncWrite for Lazy {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        self.held.extend_from_slice(octets);
        Poll::Ready(Ok(octets.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        while !this.held.is_empty() {
            let n = ready!(Pin::new(&mut this.inner).poll_write(cx, &this.held))?;
            this.held.drain(..n);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_flush(cx))?;
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[tokio::test(start_paused = true)]
async fn a_flush_that_has_to_wait_is_taken_up_again() {
    let (near, far) = tokio::io::duplex(100);
    let far = Lazy { inner: far, held: Vec::new() };
    let hello = |_: Request| async move { Response::new(200).with_body(vec![3; 50_000]) };
    let serving = tokio::spawn(server::serve_connection(far, hello, server::Options::default()).unwrap());
    let (client, driving) = client::handshake(near, client::Options::default()).unwrap();
    let driving = tokio::spawn(driving);
    for _ in 0..3 {
        let response = client.send(get("/")).await.unwrap();
        assert_eq!(response.into_body().collect(MIB).await.unwrap().len(), 50_000);
    }
    drop(client);
    assert!(driving.await.unwrap().error.is_none());
    assert!(serving.await.unwrap().error.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_response_that_is_out_of_our_hands_still_has_time_to_leave_after_a_drain() {
    let (near, far) = tokio::io::duplex(1000);
    let hello = |_: Request| async move { Response::new(200).with_body(vec![3; 100_000]) };
    let (serving, handle) = server::serve_with_handle(far, hello, server::Options::default()).unwrap();
    let serving = tokio::spawn(serving);
    let mut config = Config::client();
    config.stream_window = 1 << 20;
    let mut raw = Raw::client(near, config);
    let id = raw.open("GET", "/", End::Last);
    raw.flush().await;
    settle().await;
    handle.shut_down();
    // A slow client: nothing is read for longer than a lingering close would wait.
    tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    let mut got = 0;
    loop {
        match raw.next().await {
            Event::Data { id: of, data, end } => {
                assert_eq!(of, id);
                got += data.len();
                if end.is_last() {
                    break;
                }
            }
            Event::Headers { .. } | Event::GoAway { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(got, 100_000);
    drop(raw);
    assert_eq!(serving.await.unwrap().cut, 0);
}

#[tokio::test(start_paused = true)]
async fn frames_held_back_behind_a_flood_of_pings_are_delivered_without_further_octets() {
    let mut config = Config::server();
    config.glitch.burst = 100_000;
    let (mut raw, _task, _handle, wire) = serve_raw(echo, config, Config::client());
    assert!(matches!(raw.event().await, Ok(Some(Event::Settings(_)))));
    raw.flush().await;
    settle().await;
    // Replies to these are more than may wait; the request behind them is in the same read.
    for n in 0..2000_u64 {
        raw.conn.ping(n.to_be_bytes());
    }
    raw.open("GET", "/", End::Last);
    let mut all = BytesMut::new();
    let mut out = Output::new();
    raw.conn.poll_output(&mut out, 64 << 10, raw.now());
    out.drain_to(&mut all);
    raw.transport.write_all(&all).await.unwrap();
    settle().await;
    assert_eq!(wire.sent().headers, [(1, End::Last)]);
}
