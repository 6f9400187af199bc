//! Tunnels by CONNECT and extended CONNECT (RFC 9113 §8.5, RFC 8441): octets both ways at once, each way's end by itself,
//! back-pressure, and what happens when one end goes away.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may")]

mod common;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{Pair, Setup, client_scripted, get, settle};
use pellucid_driver::client::Options;
use pellucid_driver::conn::SendError;
use pellucid_driver::{Connected, End, ErrorCode, Kind, Request, Response, Tunnel};
use pellucid_frame::{Kind as FrameKind, Setting, SettingId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

/// A server that accepts every tunnel and hands its end to the test.
fn accepting(mut setup: Setup) -> (Pair, mpsc::UnboundedReceiver<Tunnel>) {
    let (give, given) = mpsc::unbounded_channel();
    setup.server.enable_connect_protocol = true;
    let pair = setup.start(move |request: Request| {
        let give = give.clone();
        async move {
            match request.method() {
                b"CONNECT" => {
                    let (response, tunnel) = request.into_tunnel();
                    give.send(tunnel).unwrap();
                    response
                }
                _ => Response::new(200),
            }
        }
    });
    (pair, given)
}

fn connect() -> Request {
    Request::connect("example.com:443")
}

fn web_socket() -> Request {
    Request::extended_connect("websocket", "http", "localhost", "/chat")
}

async fn opened(pair: &Pair, request: Request) -> Tunnel {
    match pair.client.connect(request).await.unwrap() {
        Connected::Tunnel(response, tunnel) => {
            assert_eq!(response.status(), 200);
            tunnel
        }
        Connected::Refused(response) => panic!("{response:?}"),
    }
}

/// Both ends of a tunnel that is open.
async fn both_ends(setup: Setup) -> (Pair, Tunnel, Tunnel) {
    let (pair, mut given) = accepting(setup);
    let near = opened(&pair, connect()).await;
    let far = given.recv().await.unwrap();
    (pair, near, far)
}

fn small_windows() -> Setup {
    let mut setup = Setup { pipe: 10_000, ..Setup::default() };
    for config in [&mut setup.server, &mut setup.client] {
        config.stream_window = 20_000;
        config.connection_window = 65_535;
    }
    setup
}

/// Octets that tell their place.
fn octet(at: usize) -> u8 {
    u8::try_from(at % 251).unwrap()
}

#[tokio::test(start_paused = true)]
async fn ten_mebibytes_go_out_and_back_at_once_through_small_windows() {
    const TOTAL: usize = 10 << 20;
    for request in [connect(), web_socket()] {
        let (pair, mut given) = accepting(small_windows());
        let near = opened(&pair, request).await;
        let far = given.recv().await.unwrap();
        let echo = tokio::spawn(async move {
            let (mut read, mut write) = tokio::io::split(far);
            let copied = tokio::io::copy(&mut read, &mut write).await.unwrap();
            write.shutdown().await.unwrap();
            copied
        });
        let (mut read, mut write) = tokio::io::split(near);
        let writing = tokio::spawn(async move {
            let mut at = 0;
            while at < TOTAL {
                let piece: Vec<u8> = (at..TOTAL.min(at + 7777)).map(octet).collect();
                write.write_all(&piece).await.unwrap();
                at += piece.len();
            }
            write.shutdown().await.unwrap();
        });
        let (mut at, mut piece) = (0, vec![0; 5000]);
        loop {
            let n = read.read(&mut piece).await.unwrap();
            if n == 0 {
                break;
            }
            assert!(piece[..n].iter().enumerate().all(|(i, b)| *b == octet(at + i)), "at {at}");
            at += n;
        }
        assert_eq!((at, echo.await.unwrap()), (TOTAL, TOTAL as u64));
        writing.await.unwrap();
        settle().await;
        assert_eq!(pair.live().await, (0, 0));
        pair.ends_clean().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_tunnel_may_be_asked_for_before_the_server_has_said_that_it_offers_any() {
    let (client, _task, mut script) = client_scripted(Options::default());
    let asking = tokio::spawn(async move { client.connect(web_socket()).await });
    settle().await;
    assert!(!asking.is_finished());
    script.greet(&[Setting { id: SettingId::ENABLE_CONNECT_PROTOCOL, value: 1 }]).await;
    let id = script.request().await;
    script.headers(id, &[(":status", "200")], End::More).await;
    script.data(id, b"hello", End::More).await;
    let Connected::Tunnel(_, mut tunnel) = asking.await.unwrap().unwrap() else { panic!("it was accepted") };
    let mut hello = [0; 5];
    tunnel.read_exact(&mut hello).await.unwrap();
    assert_eq!(&hello, b"hello");
    tunnel.write_all(b"you").await.unwrap();
    assert_eq!(script.hears(FrameKind::DATA).await.payload, b"you");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_offers_no_extended_connect_is_not_asked() {
    let pair = common::pair(|_: Request| async { Response::new(200) });
    for _ in 0..2 {
        let error = pair.client.connect(web_socket()).await.unwrap_err();
        assert!(matches!(error.kind(), Kind::Send(SendError::NoExtendedConnect)), "{error}");
        assert!(error.to_string().contains("extended CONNECT"), "{error}");
    }
    assert!(pair.wire.received().headers.is_empty());
    pair.is_fine().await;
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_may_say_no_with_a_reason() {
    let pair = common::pair(|request: Request| async move {
        if request.method() == b"CONNECT" {
            return Response::new(407).with_header("proxy-authenticate", "Basic").with_body("who are you?");
        }
        Response::new(200)
    });
    let Connected::Refused(response) = pair.client.connect(connect()).await.unwrap() else { panic!("it said no") };
    assert_eq!((response.status(), response.header("proxy-authenticate")), (407, Some(&b"Basic"[..])));
    assert_eq!(response.into_body().collect(99).await.unwrap(), "who are you?");
    settle().await;
    assert_eq!(pair.live().await, (0, 0), "nothing is left of the tunnel's outgoing half");
    pair.is_fine().await;
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn each_way_ends_by_itself() {
    for near_first in [true, false] {
        let (pair, near, far) = both_ends(Setup::default()).await;
        let (mut first, mut second) = if near_first { (near, far) } else { (far, near) };
        first.write_all(b"last words").await.unwrap();
        first.shutdown().await.unwrap();
        let mut heard = String::new();
        second.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "last words");
        assert_eq!(first.write(b"x").await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        // The other way is still open, for as long as it likes.
        tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
        for _ in 0..100 {
            second.write_all(&[5; 10_000]).await.unwrap();
            first.read_exact(&mut [0; 10_000]).await.unwrap();
        }
        assert_eq!(pair.live().await, (1, 1));
        second.shutdown().await.unwrap();
        assert_eq!(first.read(&mut [0; 10]).await.unwrap(), 0);
        assert_eq!(first.read(&mut [0; 10]).await.unwrap(), 0, "the end stays the end");
        settle().await;
        assert_eq!(pair.live().await, (0, 0));
        drop((first, second));
        settle().await;
        assert!(pair.wire.received().resets.is_empty() && pair.wire.sent().resets.is_empty());
        pair.ends_clean().await;
    }
}

#[tokio::test(start_paused = true)]
async fn dropping_the_clients_end_ends_both_ways() {
    let (pair, near, mut far) = both_ends(Setup::default()).await;
    drop(near);
    let error = far.read(&mut [0; 10]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "{error}");
    settle().await;
    assert_eq!(far.write(b"x").await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    assert_eq!(pair.wire.received().resets, [(1, ErrorCode::CANCEL)]);
    assert_eq!(pair.live().await, (0, 0));
    pair.is_fine().await;
    pair.ends_clean().await;
}

/// Covers 9110:9.3.6-3
#[tokio::test(start_paused = true)]
async fn what_was_written_before_a_shutdown_arrives_though_the_tunnel_is_dropped() {
    for octets in [0, 10, 60_000] {
        let (pair, mut near, mut far) = both_ends(small_windows()).await;
        near.write_all(&vec![7; octets]).await.unwrap();
        near.shutdown().await.unwrap();
        drop(near);
        settle().await;
        let mut heard = Vec::new();
        far.read_to_end(&mut heard).await.unwrap();
        assert_eq!(heard.len(), octets);
        settle().await;
        assert_eq!(far.write(b"x").await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        assert_eq!(pair.wire.received().resets, [(1, ErrorCode::CANCEL)]);
        assert_eq!(pair.live().await, (0, 0));
        pair.is_fine().await;
        pair.ends_clean().await;
    }
}

#[tokio::test(start_paused = true)]
async fn dropping_the_servers_end_ends_both_ways_behind_what_it_has_written() {
    let (pair, mut near, mut far) = both_ends(Setup::default()).await;
    far.write_all(b"last words").await.unwrap();
    drop(far);
    let mut heard = String::new();
    near.read_to_string(&mut heard).await.unwrap();
    assert_eq!(heard, "last words");
    settle().await;
    assert_eq!(near.write(b"x").await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    assert_eq!(pair.live().await, (0, 0));
    pair.is_fine().await;
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_drops_its_end_before_it_answers_gives_an_empty_tunnel() {
    let pair = common::pair(|request: Request| async move {
        if request.method() == b"CONNECT" { request.into_tunnel().0 } else { Response::new(200) }
    });
    let mut tunnel = opened(&pair, connect()).await;
    assert_eq!(tunnel.read(&mut [0; 10]).await.unwrap(), 0);
    settle().await;
    assert_eq!(pair.live().await, (0, 0));
    pair.is_fine().await;
    pair.ends_clean().await;
}

/// Writes until nobody takes any more; how much that was.
async fn writes_until_held_up(mut tunnel: Tunnel) -> (usize, Tunnel) {
    let written = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&written);
    let writing = async {
        loop {
            count.fetch_add(tunnel.write(&[0; 1000]).await.unwrap(), Ordering::SeqCst);
        }
    };
    let held_up = tokio::time::timeout(std::time::Duration::from_secs(20), writing).await;
    assert!(held_up.is_err());
    (written.load(Ordering::SeqCst), tunnel)
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_does_not_read_holds_the_writer_up() {
    for from_near in [true, false] {
        let mut setup = small_windows();
        setup.server.stall_timeout = None;
        let (pair, near, far) = both_ends(setup).await;
        let (writer, mut reader) = if from_near { (near, far) } else { (far, near) };
        let (written, writer) = writes_until_held_up(writer).await;
        // The reader's window, what the connection takes of one stream at once, and what the pipe holds.
        let bound = 20_000 + 2 * (64 << 10) + (64 << 10);
        assert!((20_000..=bound).contains(&written), "{written} octets are under way");
        // The connection is not held up.
        pair.is_fine().await;
        reader.read_exact(&mut vec![0; written]).await.unwrap();
        drop((writer, reader));
        settle().await;
        assert_eq!(pair.live().await, (0, 0));
        assert_eq!(pair.client.stats().await.unwrap().unconsumed, 0);
        pair.ends_clean().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_tunnel_that_is_reset_or_cut_is_an_io_error_on_both_ways() {
    for (goes_away, kind) in [(false, io::ErrorKind::ConnectionReset), (true, io::ErrorKind::ConnectionAborted)] {
        let (client, _task, mut script) = client_scripted(Options::default());
        let asking = tokio::spawn(async move { client.connect(connect()).await });
        script.greet(&[]).await;
        let id = script.request().await;
        script.headers(id, &[(":status", "200")], End::More).await;
        script.data(id, b"half a", End::More).await;
        let Connected::Tunnel(_, mut tunnel) = asking.await.unwrap().unwrap() else { panic!("it was accepted") };
        if goes_away {
            script.hang_up();
        } else {
            script.reset(id, ErrorCode::CONNECT_ERROR).await;
        }
        settle().await;
        let mut heard = Vec::new();
        let error = tunnel.read_to_end(&mut heard).await.unwrap_err();
        assert_eq!((error.kind(), &heard[..]), (kind, &b"half a"[..]), "{error}");
        let inner = error.get_ref().unwrap().downcast_ref::<pellucid_driver::Error>().unwrap();
        assert_eq!(inner.stream(), id, "{inner}");
        assert_eq!(tunnel.write(b"x").await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}

#[tokio::test(start_paused = true)]
async fn asking_for_a_tunnel_may_be_given_up() {
    let pair = common::pair(|request: Request| async move {
        if request.method() == b"CONNECT" {
            std::future::pending::<()>().await;
        }
        Response::new(200)
    });
    let client = pair.client.clone();
    let asking = tokio::spawn(async move { client.connect(connect()).await });
    settle().await;
    asking.abort();
    settle().await;
    assert_eq!(pair.wire.received().resets, [(1, ErrorCode::CANCEL)]);
    assert_eq!(pair.live().await, (0, 0));
    assert_eq!(pair.client.send(get("/")).await.unwrap().status(), 200);
    pair.ends_clean().await;
}
