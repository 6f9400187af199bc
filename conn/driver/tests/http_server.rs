//! Tower services behind a connection: what they are shown of a request, and what becomes of their answers.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may")]

mod common;
mod http_common;

use std::cell::Cell;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use common::{fields, get, made_by, pair, post};
use http_body::Body as _;
use http_body_util::{BodyExt, Empty, Full};
use http_common::{AnyBody, GET, HEAD, Pieces, Request, answering, ask, full};
use pellucid_driver::http::{Facts, HttpService, RecvBody, service};
use pellucid_driver::{Body, Chunk, Info, Response, memory, server};
use tower::service_fn;

/// May not be called before it was asked whether it is ready, which it denies once; not `Sync`.
struct Strict {
    polled: Cell<u32>,
    calls: Arc<AtomicU32>,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self { polled: Cell::new(0), calls: Arc::clone(&self.calls) }
    }
}

impl tower_service::Service<Request> for Strict {
    type Response = http::Response<Empty<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.polled.set(self.polled.get() + 1);
        if self.polled.get() == 1 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request) -> Self::Future {
        assert_eq!(self.polled.get(), 2, "ready first, then called");
        self.calls.fetch_add(1, Ordering::Relaxed);
        ready(Ok(http::Response::new(Empty::new())))
    }
}

#[tokio::test(start_paused = true)]
async fn each_request_asks_a_clone_of_the_service_whether_it_is_ready() {
    let calls = Arc::new(AtomicU32::new(0));
    let pair = pair(service(Strict { polled: Cell::new(0), calls: Arc::clone(&calls) }));
    for _ in 0..3 {
        assert_eq!(pair.get("/").await.unwrap().status(), 200);
    }
    assert_eq!(calls.load(Ordering::Relaxed), 3);
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_request_is_shown_whole() {
    let asked = service(service_fn(|request: Request| async move {
        assert_eq!(request.method(), http::Method::GET);
        assert_eq!(request.uri(), "http://example.com:81/a/b?c=d");
        assert_eq!(request.version(), http::Version::HTTP_2);
        let twice: Vec<_> = request.headers().get_all("x-twice").iter().collect();
        assert_eq!(twice, ["1", "2"]);
        assert_eq!(request.headers()["cookie"], "a=1; b=2");
        assert_eq!(request.headers()["x-high"].as_bytes(), "ä".as_bytes());
        assert_eq!(request.headers().len(), 5);
        let facts = request.extensions().get::<Facts>().unwrap();
        assert_eq!((facts.stream().get(), facts.info().id), (1, 0));
        assert!(facts.control().stats().await.is_some());
        assert!(request.body().is_end_stream() && request.body().size_hint().exact() == Some(0));
        Ok::<_, Infallible>(http::Response::new(Empty::<Bytes>::new()))
    }));
    let more =
        [("x-twice", "1"), ("cookie", "a=1"), ("x-twice", "2"), ("cookie", "b=2"), ("x-high", "ä"), ("te", "trailers")];
    let seen = ask(asked, &[GET.as_slice(), &more].concat()).await;
    assert_eq!(seen.sections, [[(":status".into(), "200".into()), ("content-length".into(), "0".into())]]);
}

#[tokio::test(start_paused = true)]
async fn where_a_request_goes_is_in_its_uri_whatever_said_it() {
    let uri = |_: &str| answering(|request| http::Response::new(Full::new(Bytes::from(request.uri().to_string()))));
    for (authority, host, path, expected) in [
        (Some("a.example"), None, "/", "http://a.example/"),
        (None, Some("b.example:8080"), "/x", "http://b.example:8080/x"),
        (Some("a.example"), Some("a.example"), "/", "http://a.example/"),
        (None, None, "/only?a", "/only?a"),
        (None, Some(""), "/only", "/only"),
    ] {
        let mut head = vec![(":method", "GET"), (":scheme", "http"), (":path", path)];
        head.extend(authority.map(|a| (":authority", a)));
        head.extend(host.map(|h| ("host", h)));
        let seen = ask(uri(path), &head).await;
        assert_eq!(String::from_utf8(seen.content).unwrap(), expected);
    }
    let seen = ask(uri("*"), &[(":method", "OPTIONS"), (":scheme", "http"), (":authority", "a"), (":path", "*")]).await;
    assert_eq!(seen.header(":status"), Some("200"));
}

#[tokio::test(start_paused = true)]
async fn a_request_without_a_form_in_http_is_answered_400_and_not_shown() {
    let never = || answering(|_| -> http::Response<Empty<Bytes>> { panic!("shown") });
    for (name, value, text) in [(":path", "/a<b", "the path"), (":authority", "a:b:c", "the authority")] {
        let mut head = GET;
        head.iter_mut().find(|(n, _)| *n == name).unwrap().1 = value;
        let seen = ask(never(), &head).await;
        assert_eq!(seen.header(":status"), Some("400"), "{name}");
        assert_eq!(String::from_utf8(seen.content).unwrap(), format!("this server cannot represent {text}\n"));
    }
}

/// Every kind of body, its content, and the content-length that is told.
fn bodies() -> Vec<(&'static str, AnyBody, &'static str, Option<&'static str>)> {
    let stream = |list: Vec<&'static str>| Pieces(list.into_iter().map(|piece| Ok(piece.as_bytes())));
    let (sender, channel) = Body::channel(1);
    tokio::spawn(async move {
        sender.send("in ").await.unwrap();
        sender.send("pieces").await.unwrap();
    });
    vec![
        ("empty", Empty::new().map_err(Into::into).boxed_unsync(), "", Some("0")),
        ("full", full("whole").map_err(Into::into).boxed_unsync(), "whole", Some("5")),
        ("nothing in it", stream(vec![]).boxed_unsync(), "", None),
        ("one frame", stream(vec!["one"]).boxed_unsync(), "one", None),
        ("frames", stream(vec!["two ", "", "frames"]).boxed_unsync(), "two frames", None),
        ("native", RecvBody::from(channel).map_err(Into::into).boxed_unsync(), "in pieces", None),
    ]
}

#[tokio::test(start_paused = true)]
async fn every_kind_of_body_is_answered_with_and_its_length_told_where_known() {
    for (name, body, content, length) in bodies() {
        let body = Arc::new(Mutex::new(Some(body)));
        let give = service(service_fn(move |_: Request| {
            let body = body.lock().unwrap().take().unwrap();
            ready(Ok::<_, Infallible>(http::Response::new(body)))
        }));
        let seen = ask(give, &GET).await;
        assert_eq!(String::from_utf8(seen.content).unwrap(), content, "{name}");
        assert_eq!(
            seen.sections[0].iter().find(|(n, _)| n == "content-length").map(|(_, v)| v.as_str()),
            length,
            "{name}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_received_goes_back_as_it_is_with_its_trailers() {
    let pair = pair(answering(|request| http::Response::new(request.into_body())));
    let (sender, body) = Body::channel(1);
    tokio::spawn(async move {
        sender.send("content").await.unwrap();
        sender.trailers(fields(&[("x-sum", "42")])).await.unwrap();
    });
    let mut response = pair.client.send(post("/").with_body(body)).await.unwrap();
    assert!(matches!(response.body_mut().chunk().await, Some(Ok(Chunk::Data(d))) if d == "content"));
    let trailers = response.into_body().drain().await.unwrap().unwrap();
    assert_eq!(trailers, fields(&[("x-sum", "42")]));
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn content_and_trailers_come_as_frames() {
    let pair = pair(service(service_fn(|request: Request| async move {
        assert_eq!(request.body().size_hint().exact(), Some(6));
        let mut body = request.into_body();
        let mut content = Vec::new();
        let mut trailers = None;
        while let Some(frame) = body.frame().await {
            match frame.unwrap().into_data() {
                Ok(data) => {
                    content.extend_from_slice(&data);
                    assert_eq!(body.size_hint().exact(), Some(6 - content.len() as u64));
                }
                Err(frame) => trailers = frame.into_trailers().ok(),
            }
        }
        assert!(body.is_end_stream());
        assert_eq!(trailers.unwrap()["x-sum"], "42");
        Ok::<_, Infallible>(http::Response::new(Full::new(Bytes::from(content)).with_trailers(async {
            Some(Ok(http::HeaderMap::from_iter([("x-back".parse().unwrap(), "43".parse().unwrap())])))
        })))
    })));
    let (sender, body) = Body::channel(1);
    tokio::spawn(async move {
        for piece in ["abc", "def"] {
            sender.send(piece).await.unwrap();
        }
        sender.trailers(fields(&[("x-sum", "42")])).await.unwrap();
    });
    let request = post("/").with_header("content-length", "6").with_body(body);
    let response = pair.client.send(request).await.unwrap();
    let trailers = response.into_body().drain().await.unwrap().unwrap();
    assert_eq!(trailers, fields(&[("x-back", "43")]));
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn answers_without_content_tell_a_length_only_where_they_may() {
    let status = |status: u16| http::Response::builder().status(status).body(full("content")).unwrap();
    let seen = ask(answering(move |_| http::Response::new(full("content"))), &HEAD).await;
    assert_eq!((seen.header("content-length"), seen.content.len()), (Some("7"), 0), "as GET would say");
    let seen = ask(answering(|_| http::Response::new(Empty::<Bytes>::new())), &HEAD).await;
    assert_eq!(seen.header("content-length"), None, "nobody knows what GET would say");
    for code in [204, 304] {
        let service = service(service_fn(move |_: Request| ready(Ok::<_, Infallible>(status(code)))));
        let seen = ask(service, &GET).await;
        assert_eq!((seen.header("content-length"), seen.content.len(), seen.reset), (None, 0, None), "{code}");
    }
    let zero =
        |_| http::Response::builder().status(204).header("content-length", 0).body(Empty::<Bytes>::new()).unwrap();
    assert_eq!(
        ask(answering(zero), &GET).await.header("content-length"),
        None,
        "RFC 9110 §8.6, whatever a framework says"
    );
    let told = |_| http::Response::builder().header("content-length", 9).body(Empty::<Bytes>::new()).unwrap();
    assert_eq!(ask(answering(told), &HEAD).await.header("content-length"), Some("9"));
}

#[tokio::test(start_paused = true)]
async fn fields_of_http1_do_not_go_out() {
    let seen = ask(
        answering(|_| {
            http::Response::builder()
                .header("connection", "close, X-Private")
                .header("keep-alive", "timeout=5")
                .header("proxy-connection", "close")
                .header("transfer-encoding", "chunked")
                .header("upgrade", "h2c")
                .header("te", "trailers")
                .header("x-private", "1")
                .header("x-edge", " spaces\t")
                .header("X-Kept", "2")
                .body(full("content"))
                .unwrap()
        }),
        &GET,
    )
    .await;
    let kept = [(":status", "200"), ("x-edge", "spaces"), ("x-kept", "2"), ("content-length", "7")];
    assert_eq!(seen.sections, [kept.map(|(n, v)| (n.to_owned(), v.to_owned()))]);
    assert_eq!(seen.content, b"content");
}

#[tokio::test(start_paused = true)]
async fn an_interim_answer_goes_ahead_of_the_final_one_and_cannot_be_final() {
    let hints = service(service_fn(|request: Request| {
        let facts = request.extensions().get::<Facts>().unwrap().clone();
        let hint = http::Response::builder().status(103).header("link", "</a.css>").body(()).unwrap();
        facts.inform(hint).unwrap();
        for status in [101, 200] {
            let error = facts.inform(http::Response::builder().status(status).body(()).unwrap()).unwrap_err();
            assert!(error.is_malformed(), "{error}");
        }
        ready(Ok::<_, Infallible>(http::Response::new(Empty::<Bytes>::new())))
    }));
    let seen = ask(hints, &GET).await;
    let status: Vec<_> = seen.sections.iter().map(|s| s[0].1.as_str()).collect();
    assert_eq!(status, ["103", "200"]);
    assert_eq!(seen.sections[0][1], ("link".into(), "</a.css>".into()));

    let switching = answering(|_| http::Response::builder().status(101).body(full("no")).unwrap());
    let seen = ask(switching, &GET).await;
    assert_eq!((seen.header(":status"), seen.content.len()), (Some("500"), 0));
}

#[tokio::test(start_paused = true)]
async fn a_default_body_is_empty_and_native_bodies_go_both_ways() {
    let mut body = RecvBody::default();
    assert!(body.is_end_stream() && body.size_hint().exact() == Some(0));
    assert!(body.frame().await.is_none());
    let mut body = RecvBody::from(Body::from("whole"));
    assert!(!body.is_end_stream() && body.size_hint().exact() == Some(5));
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "whole");
    assert!(body.is_end_stream() && body.size_hint().exact() == Some(0));
    let mut left = vec![Bytes::from("made")];
    let made = RecvBody::from(made_by(move || Poll::Ready(left.pop().map(|b| Ok(Chunk::Data(b))))));
    assert_eq!(made.size_hint().exact(), None);
    assert_eq!(Body::from(made).collect(10).await.unwrap(), "made");
    fn is_fit_for_anything<T: Default + Send + Unpin + 'static>() {}
    is_fit_for_anything::<RecvBody>();
}

/// A service has a name that can be written down, is cloned, and may also run as tasks of its own.
struct Named {
    service: HttpService<Strict>,
}

#[tokio::test(start_paused = true)]
async fn an_http_service_can_be_kept_cloned_and_spawned() {
    let calls = Arc::new(AtomicU32::new(0));
    let kept = Named { service: service(Strict { polled: Cell::new(0), calls: Arc::clone(&calls) }) };
    for client in [memory::connect(kept.service.clone()), memory::connect(pellucid_driver::Spawn(kept.service))] {
        assert_eq!(client.send(get("/")).await.unwrap().status(), 200);
    }
    assert_eq!(calls.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn sensitive_values_stay_sensitive() {
    let pair = pair(answering(|request| {
        assert!(request.headers()["x-secret"].is_sensitive());
        let mut response = http::Response::new(Empty::<Bytes>::new());
        response.headers_mut().insert("x-secret", request.headers()["x-secret"].clone());
        response
    }));
    let mut section = fields(&[(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/")]);
    section.push_sensitive(b"x-secret", b"s");
    let response: Response = pair.client.send(pellucid_driver::Request::from_fields(section)).await.unwrap();
    assert!(response.fields().iter().any(|f| f.name == b"x-secret" && f.sensitive));
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn facts_of_the_connection_are_there() {
    let mut options = server::Options::default();
    options.info = Info::default();
    options.info.id = 7;
    options.info.peer = Some("192.0.2.1:4711".parse().unwrap());
    let who = answering(|request| {
        let facts = request.extensions().get::<Facts>().unwrap();
        http::Response::new(Full::new(Bytes::from(format!("{} {}", facts.info().id, facts.info().peer.unwrap()))))
    });
    let client = memory::connect_with(who, options, pellucid_driver::client::Options::default()).unwrap();
    let response = client.send(get("/")).await.unwrap();
    assert_eq!(response.into_body().collect(100).await.unwrap(), "7 192.0.2.1:4711");
}

#[tokio::test(start_paused = true)]
async fn an_axum_router_runs_as_it_is() {
    use axum::extract::{ConnectInfo, Path};
    use axum::routing::{get as on_get, post as on_post};
    let router = axum::Router::new()
        .route("/hello/{name}", on_get(|Path(name): Path<String>| async move { format!("hello {name}") }))
        .route("/who", on_get(|ConnectInfo(peer): ConnectInfo<std::net::SocketAddr>| async move { peer.to_string() }))
        .route("/echo", on_post(|body: String| async move { body }));
    let mut options = server::Options::default();
    options.info.peer = Some("192.0.2.1:4711".parse().unwrap());
    let client = memory::connect_with(service(router), options, pellucid_driver::client::Options::default()).unwrap();
    for (request, status, content) in [
        (get("/hello/you"), 200, "hello you"),
        (get("/who"), 200, "192.0.2.1:4711"),
        (post("/echo").with_body("content"), 200, "content"),
        (get("/nowhere"), 404, ""),
        (get("/echo"), 405, ""),
    ] {
        let response = client.send(request).await.unwrap();
        assert_eq!(
            (response.status(), response.header("content-length")),
            (status, Some(content.len().to_string().as_bytes()))
        );
        assert_eq!(response.into_body().collect(1024).await.unwrap(), content);
    }
}
