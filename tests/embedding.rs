//! Other people's programs over the whole stack, in one process: an axum application inside tower-http's layers, proxies in a row,
//! tower's layers around the client. The examples do the same with clients of others; see `cargo xtask peers examples`.
#![cfg(all(feature = "server", feature = "client", feature = "http"))]
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::convert::Infallible;
use std::future::{Future, pending};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, Response, StatusCode};
use axum::response::IntoResponse;
use axum::response::sse::{Event, Sse};
use axum::routing::{get, post};
use futures_util::{StreamExt, stream};
use http_body::Frame;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use pellucid::driver::{self, memory};
use pellucid::http::{self, BoxError, Channel, Facts, OnInterim, RecvBody};
use tokio::sync::mpsc;
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};
use tower_http::compression::CompressionLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;

/// A client of the service, joined in memory.
fn channel(service: impl driver::Service) -> Channel {
    Channel::new(memory::connect(service), "http://localhost".parse().unwrap())
}

fn ask(path: &str) -> Request<Empty<Bytes>> {
    Request::get(path).body(Empty::new()).unwrap()
}

async fn text(response: Response<RecvBody>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

/// Fails a test that hangs instead of letting it hang.
async fn in_time<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(3600), future).await.expect("this should not hang")
}

/// Says when it is dropped.
struct Farewell(mpsc::UnboundedSender<&'static str>);

impl Drop for Farewell {
    fn drop(&mut self) {
        let _ = self.0.send("dropped");
    }
}

#[tokio::test(start_paused = true)]
async fn an_application_in_layers_is_compressed_numbered_and_kept_to_its_time() {
    let poem = "a frame is a frame ".repeat(200);
    let layers = ServiceBuilder::new()
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(TraceLayer::new_for_http())
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_secs(2)))
        .layer(CompressionLayer::new());
    let answer = poem.clone();
    let application = Router::new()
        .route("/poem", get(move || async { answer }))
        .route("/slow", get(|| async { pending::<()>().await }))
        .layer(layers);
    let mut client = channel(http::service(application));

    let plain = client.call(ask("/poem")).await.unwrap();
    assert_eq!(plain.headers()["content-length"], poem.len().to_string());
    assert_eq!(text(plain).await, poem);

    let mut request = ask("/poem");
    request.headers_mut().insert("accept-encoding", "gzip".parse().unwrap());
    request.headers_mut().insert("x-request-id", "seven".parse().unwrap());
    let packed = client.call(request).await.unwrap();
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    assert_eq!(packed.headers()["x-request-id"], "seven");
    assert!(packed.into_body().collect().await.unwrap().to_bytes().len() < poem.len() / 10);

    let late = in_time(client.call(ask("/slow"))).await.unwrap();
    assert_eq!(late.status(), StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(late.headers()["x-request-id"].len(), 36, "a UUID of the server's own");
    assert_eq!(client.sender().stats().await.unwrap().live_streams, 0);
}

#[tokio::test(start_paused = true)]
async fn a_time_limit_around_the_client_cancels_the_handler() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let application = Router::new().route(
        "/slow",
        get(move || async move {
            let _farewell = Farewell(tell.clone());
            pending::<()>().await;
        }),
    );
    let channel = channel(http::service(application));
    let client = ServiceBuilder::new().concurrency_limit(3).timeout(Duration::from_secs(2)).service(channel.clone());
    let error: BoxError = in_time(client.oneshot(ask("/slow"))).await.unwrap_err();
    assert!(error.is::<tower::timeout::error::Elapsed>(), "{error}");
    assert_eq!(in_time(told.recv()).await, Some("dropped"));
    assert_eq!(channel.sender().stats().await.unwrap().live_streams, 0);
}

#[tokio::test]
async fn events_come_as_they_happen_and_end_with_their_reader() {
    let (events, queue) = mpsc::unbounded_channel::<&str>();
    let (tell, mut told) = mpsc::unbounded_channel();
    let parts = Arc::new(Mutex::new(Some((queue, Farewell(tell)))));
    let application = Router::new().route(
        "/events",
        get(move || async move {
            let parts = parts.lock().unwrap().take().unwrap();
            Sse::new(stream::unfold(parts, |(mut queue, farewell)| async move {
                let event = queue.recv().await?;
                Some((Ok::<_, Infallible>(Event::default().data(event)), (queue, farewell)))
            }))
        }),
    );
    let mut body = channel(http::service(application)).call(ask("/events")).await.unwrap().into_body();
    for event in ["one", "two", "three"] {
        events.send(event).unwrap();
        let frame = in_time(body.frame()).await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), format!("data: {event}\n\n"));
    }
    drop(body);
    assert_eq!(in_time(told.recv()).await, Some("dropped"));
}

#[tokio::test]
async fn an_answer_may_come_before_the_content_ends_and_the_connection_goes_on() {
    let application = Router::new()
        .route("/refuse", post(|| async { (StatusCode::PAYLOAD_TOO_LARGE, "no more, please") }))
        .route("/count", post(|body: Bytes| async move { body.len().to_string() }));
    let mut client = channel(http::service(application));
    let endless = stream::repeat_with(|| Ok::<_, Infallible>(Frame::data(Bytes::from_static(&[0; 16_384]))));
    let request = Request::post("/refuse").body(StreamBody::new(endless)).unwrap();
    let refused = in_time(client.call(request)).await.unwrap();
    assert_eq!(refused.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(in_time(text(refused)).await, "no more, please");

    let request = Request::post("/count").body(Full::<Bytes>::from(vec![0; 300_000])).unwrap();
    assert_eq!(in_time(text(client.call(request).await.unwrap())).await, "300000");
    assert_eq!(client.sender().stats().await.unwrap().live_streams, 0);
}

/// What passes on everything: the proxy of `examples/proxy.rs`, without its addresses.
async fn forward(mut upstream: Channel, mut request: Request<RecvBody>) -> Result<Response<RecvBody>, driver::Error> {
    let facts = request.extensions().get::<Facts>().unwrap().clone();
    request.extensions_mut().insert(OnInterim::new(move |interim| facts.inform(interim).unwrap()));
    upstream.call(request).await
}

/// As many proxies in a row, and behind them the application.
fn chain(proxies: usize, application: Router) -> Channel {
    (0..proxies).fold(channel(http::service(application)), |upstream, _| {
        channel(http::service(service_fn(move |request| forward(upstream.clone(), request))))
    })
}

/// Hints, reads everything, and answers with it and with its trailers.
async fn echo(request: Request<Body>) -> impl IntoResponse {
    let facts = request.extensions().get::<Facts>().unwrap().clone();
    for hint in ["</a.css>", "</b.css>"] {
        facts.inform(Response::builder().status(103).header("link", hint).body(()).unwrap()).unwrap();
    }
    let collected = request.into_body().collect().await.unwrap();
    let trailers = collected.trailers().cloned();
    Body::new(Full::new(collected.to_bytes()).with_trailers(async { trailers.map(Ok) }))
}

/// Covers 9110:6.5.1-2, 9110:15.2-3
#[tokio::test]
async fn three_proxies_in_a_row_keep_content_trailers_and_hints() {
    let mut client = chain(3, Router::new().route("/echo", post(echo)));
    for round in 0..20_usize {
        let trailers = HeaderMap::from_iter([("x-round".parse().unwrap(), round.into())]);
        let frames: Vec<_> =
            (0..round).map(|n| Frame::data(Bytes::from(vec![u8::try_from(n).unwrap(); n * 5000]))).collect();
        let expected: Vec<u8> = frames.iter().flat_map(|f| f.data_ref().unwrap().to_vec()).collect();
        let content = stream::iter(frames).chain(stream::iter([Frame::trailers(trailers)])).map(Ok::<_, Infallible>);
        let mut request = Request::post("/echo").body(StreamBody::new(content)).unwrap();
        let (tell, mut hints) = mpsc::unbounded_channel();
        let heard = OnInterim::new(move |hint| tell.send((hint.status(), hint.headers()["link"].clone())).unwrap());
        request.extensions_mut().insert(heard);

        let response = in_time(client.call(request)).await.unwrap();
        for link in ["</a.css>", "</b.css>"] {
            let (status, seen) = hints.try_recv().unwrap();
            assert_eq!((status, seen.to_str().unwrap()), (StatusCode::EARLY_HINTS, link));
        }
        let collected = in_time(response.into_body().collect()).await.unwrap();
        assert_eq!(collected.trailers().unwrap()["x-round"], round.to_string());
        assert!(collected.to_bytes() == expected, "round {round}");
    }
    assert_eq!(client.sender().stats().await.unwrap().live_streams, 0);
}

/// Covers 9110:10.1.1-10
#[tokio::test]
async fn through_proxies_a_client_is_told_once_to_go_on() {
    let mut client = chain(3, Router::new().route("/count", post(|body: Bytes| async move { body.len().to_string() })));
    let (tell, mut interim) = mpsc::unbounded_channel();
    let mut request =
        Request::post("/count").header("expect", "100-continue").body(Full::<Bytes>::from(vec![7; 100_000])).unwrap();
    request.extensions_mut().insert(OnInterim::new(move |interim| tell.send(interim.status()).unwrap()));
    assert_eq!(in_time(text(client.call(request).await.unwrap())).await, "100000");
    assert_eq!(interim.recv().await, Some(StatusCode::CONTINUE));
    assert_eq!(interim.recv().await, None);
}

#[tokio::test]
async fn through_proxies_who_leaves_cancels_the_handler_and_who_fails_is_heard() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let application = Router::new()
        .route(
            "/endless",
            get(move || async move {
                let farewell = Farewell(tell.clone());
                let pieces = stream::repeat_with(move || {
                    let _ = &farewell;
                    Ok::<_, Infallible>(Bytes::from_static(&[0; 1000]))
                });
                Body::from_stream(pieces)
            }),
        )
        .route("/broken", get(|| async { Body::from_stream(stream::iter([Ok("some"), Err("and then no more")])) }));
    let mut client = chain(2, application);

    let mut response = in_time(client.call(ask("/endless"))).await.unwrap();
    assert!(in_time(response.body_mut().frame()).await.unwrap().is_ok());
    drop(response);
    assert_eq!(in_time(told.recv()).await, Some("dropped"));

    let broken = in_time(client.call(ask("/broken"))).await.unwrap();
    let error = in_time(broken.into_body().collect()).await.unwrap_err();
    assert_eq!(error.code(), Some(driver::ErrorCode::INTERNAL_ERROR), "{error}");
    assert_eq!(client.sender().stats().await.unwrap().live_streams, 0);
}
