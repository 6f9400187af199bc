//! CONNECT, plain and extended, in the types of `http`: the tunnel is in the extensions on both sides.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may")]

mod common;

use std::convert::Infallible;

use bytes::Bytes;
use common::{Pair, Setup, settle};
use http::{Method, Request, Response, StatusCode, Version};
use http_body::Body as _;
use http_body_util::{BodyExt, Empty, Full};
use pellucid_driver::http::{Channel, Protocol, RecvBody, Upgrade, service};
use pellucid_driver::{Body, ErrorCode, Tunnel};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::service_fn;
use tower_service::Service;

/// Sends back what comes through the tunnel, until its end.
async fn echo(mut tunnel: Tunnel) {
    let mut octets = vec![0; 100];
    while let Ok(n @ 1..) = tunnel.read(&mut octets).await {
        tunnel.write_all(&octets[..n]).await.unwrap();
    }
    tunnel.shutdown().await.unwrap();
}

/// Opens a tunnel to everything but `/no` and `no:1`.
async fn open(request: Request<RecvBody>) -> Result<Response<Full<Bytes>>, Infallible> {
    assert_eq!((request.method(), request.version()), (&Method::CONNECT, Version::HTTP_2));
    assert!(request.body().is_end_stream(), "what comes is in the tunnel");
    let upgrade = request.extensions().get::<Upgrade>().unwrap();
    let tunnel = upgrade.take().unwrap();
    assert!(upgrade.clone().take().is_none(), "there is one");
    if request.uri().path() == "/no" || request.uri().authority().unwrap() == "no:1" {
        drop(tunnel);
        return Ok(Response::builder().status(403).body("not there".into()).unwrap());
    }
    tokio::spawn(echo(tunnel));
    let protocol = request.extensions().get::<Protocol>().map_or("", Protocol::as_str);
    let target = [protocol, &request.uri().to_string()].join(" ");
    // The length and the content are no part of an answer that opens a tunnel.
    Ok(Response::builder().header("x-target", target).header("content-length", "7").body("content".into()).unwrap())
}

fn start() -> (Pair, Channel) {
    let mut setup = Setup::default();
    setup.server.enable_connect_protocol = true;
    let pair = setup.start(service(service_fn(open)));
    let channel = Channel::new(pair.client.clone(), "http://localhost".parse().unwrap());
    (pair, channel)
}

fn connect(uri: &str, protocol: Option<&str>) -> Request<Empty<Bytes>> {
    let mut request = Request::connect(uri).body(Empty::new()).unwrap();
    if let Some(protocol) = protocol {
        request.extensions_mut().insert(Protocol::new(protocol));
    }
    request
}

#[tokio::test(start_paused = true)]
async fn octets_go_both_ways_until_both_sides_have_ended() {
    for (uri, protocol, target) in [
        ("example.com:443", None, "example.com:443"),
        ("/chat?room=1", Some("websocket"), "websocket http://localhost/chat?room=1"),
    ] {
        let (pair, mut channel) = start();
        let response = channel.call(connect(uri, protocol)).await.unwrap();
        assert_eq!((response.status(), response.headers().get("content-length")), (StatusCode::OK, None));
        assert_eq!(response.headers()["x-target"], target);
        assert!(response.body().is_end_stream());
        let mut tunnel = response.extensions().get::<Upgrade>().unwrap().take().unwrap();
        let mut octets = [0; 4];
        for word in [b"ping", b"pong"] {
            tunnel.write_all(word).await.unwrap();
            tunnel.read_exact(&mut octets).await.unwrap();
            assert_eq!(&octets, word);
        }
        tunnel.shutdown().await.unwrap();
        assert_eq!(tunnel.read(&mut octets).await.unwrap(), 0, "the other side ends, too");
        drop((tunnel, response, channel));
        assert!(pair.wire.sent().resets.is_empty() && pair.wire.received().resets.is_empty());
        pair.ends_clean().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_an_answer_with_content() {
    let (pair, mut channel) = start();
    for request in [connect("no:1", None), connect("/no", Some("websocket"))] {
        let response = channel.call(request).await.unwrap();
        assert_eq!(response.status(), 403);
        assert!(response.extensions().get::<Upgrade>().is_none());
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "not there");
    }
    settle().await;
    assert_eq!(pair.handle.stats().await.unwrap().live_streams, 0);
    drop(channel);
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_dropped_tunnel_ends_both_ways() {
    let (pair, mut channel) = start();
    let response = channel.call(connect("example.com:443", None)).await.unwrap();
    let mut tunnel = response.extensions().get::<Upgrade>().unwrap().take().unwrap();
    tunnel.write_all(b"unread").await.unwrap();
    settle().await;
    drop((tunnel, response));
    settle().await;
    let codes: Vec<_> = pair.wire.received().resets.iter().map(|r| r.1).collect();
    assert_eq!(codes, [ErrorCode::CANCEL]);
    let snapshot = pair.handle.stats().await.unwrap();
    assert_eq!((snapshot.live_streams, snapshot.unconsumed), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_connect_request_has_no_content_and_needs_the_servers_leave_for_a_protocol() {
    let (pair, mut channel) = start();
    let request = Request::connect("example.com:443").body(Full::<Bytes>::from("content")).unwrap();
    assert!(channel.call(request).await.unwrap_err().is_malformed());
    let (_sender, body) = Body::channel(1);
    let request = Request::connect("example.com:443").body(RecvBody::from(body)).unwrap();
    assert!(channel.call(request).await.unwrap_err().is_malformed(), "content of unknown length, too");
    drop(channel);
    pair.ends_clean().await;

    let pair = common::pair(service(service_fn(open)));
    let mut channel = Channel::new(pair.client.clone(), "http://localhost".parse().unwrap());
    let error = channel.call(connect("/chat", Some("websocket"))).await.unwrap_err();
    assert!(matches!(error.kind(), pellucid_driver::Kind::Send(_)), "{error}");
}
