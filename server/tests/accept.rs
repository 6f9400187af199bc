//! The accept loop outlives every kind of bad connection.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use std::time::Duration;

use common::{Running, builder, get, hello, in_time};
use pellucid_server::{Request, Response};
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const HTTP1: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

/// The beginning of a TLS ClientHello.
const TLS: &[u8] = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03random octets that nobody will read";

#[tokio::test]
async fn a_client_that_speaks_http_1_is_closed_cleanly() {
    let server = Running::start(builder(), hello);
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(HTTP1).await.unwrap();
    let mut said = Vec::new();
    // Read to a clean end: a reset would be an error here.
    in_time(stream.read_to_end(&mut said)).await.unwrap();
    let said = String::from_utf8_lossy(&said);
    assert!(said.contains("http1_on_http2_port"), "the GOAWAY says why: {said:?}");
    server.is_fine().await;
    in_time(server.drain()).await;
}

#[tokio::test]
async fn garbage_resets_and_half_sentences_do_not_end_the_server() {
    let server = Running::start(builder(), hello);
    for octets in [HTTP1, TLS, b"", b"PRI * HTTP/2.0\r\n", &[0xff; 5000], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x01"]
    {
        for is_reset in [false, true] {
            let mut stream = TcpStream::connect(server.address).await.unwrap();
            stream.write_all(octets).await.unwrap();
            if is_reset {
                // Closing now resets the connection.
                SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
            }
            drop(stream);
        }
    }
    server.is_fine().await;
    let report = in_time(server.drain()).await;
    assert_eq!((report.requests, report.connections_cut), (1, 0), "{report}");
}

#[tokio::test]
async fn two_thousand_connects_and_resets_are_all_forgotten() {
    let server = Running::start(builder(), hello);
    for n in 0..2000 {
        let stream = TcpStream::connect(server.address).await.unwrap();
        if n % 2 == 0 {
            SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
        }
    }
    server.is_fine().await;
    let report = in_time(server.drain()).await;
    assert_eq!((report.requests, report.connections_cut), (1, 0), "{report}");
}

#[tokio::test]
async fn a_service_that_panics_ends_neither_its_connection_nor_the_server() {
    let server = Running::start(builder(), |request: Request| {
        assert_ne!(request.path(), b"/panic", "a handler panics");
        async { Response::new(200) }
    });
    let (client, _task) = server.connect().await;
    assert!(client.send(get("/panic")).await.is_err());
    assert_eq!(client.send(get("/")).await.unwrap().status(), 200);
    drop(client);
    server.is_fine().await;
    let report = in_time(server.drain()).await;
    assert_eq!(report.connections_failed, 0, "{report}");
}

#[tokio::test]
async fn a_tap_maker_that_panics_costs_only_its_own_connection() {
    let first = std::sync::atomic::AtomicBool::new(true);
    let maker = move |_: &pellucid_server::Info| {
        assert!(!first.swap(false, std::sync::atomic::Ordering::SeqCst), "a tap maker panics");
        None
    };
    let server = Running::start(builder().tap(std::sync::Arc::new(maker)), hello);
    let (client, _task) = server.connect().await;
    assert!(in_time(client.send(get("/"))).await.is_err());
    server.is_fine().await;
    in_time(server.drain()).await;
}
