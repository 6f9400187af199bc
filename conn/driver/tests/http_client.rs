//! A client's connection as a tower service: what goes out of a request, what comes back, and how it fails.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may")]

mod common;

use std::error::Error as _;
use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use common::{Pair, client_raw, fields, pair, settle};
use http_body::Body as _;
use http_body_util::{BodyExt, Empty, Full};
use pellucid_driver::conn::Event;
use pellucid_driver::conn::h2::Config;
use pellucid_driver::http::{Channel, OnInterim, Origin, Protocol, RecvBody, request_to_native};
use pellucid_driver::{Body, Control, End, Error, ErrorCode, Kind, Request, Response, Retry};
use tower_service::Service;

fn origin() -> Origin {
    "http://localhost".parse().unwrap()
}

fn channel(pair: &Pair) -> Channel {
    Channel::new(pair.client.clone(), origin())
}

fn empty() -> Empty<Bytes> {
    Empty::new()
}

/// What would go out of this request.
fn sent(request: http::Request<Full<Bytes>>) -> Result<Vec<(String, String)>, Error> {
    let (native, _) = request_to_native(request, Some(&origin()))?;
    let text = |octets: &[u8]| String::from_utf8(octets.to_vec()).unwrap();
    Ok(native.fields().iter().map(|f| (text(f.name), text(f.value))).collect())
}

/// Covers 9113:8.3.1-2, 9113:8.3.1-3, 9113:8.3.1-8, 9113:8.3.1-10, 9113:8.3.1-11
/// Covers 9110:7.2-1
#[tokio::test(start_paused = true)]
async fn where_a_request_goes_is_said_by_host_uri_or_origin_in_this_order() {
    for (uri, host, expected) in [
        ("/a?b", None, ["http", "localhost", "/a?b"]),
        ("https://example.com:8443/a", None, ["https", "example.com:8443", "/a"]),
        ("https://example.com", None, ["https", "example.com", "/"]),
        ("https://example.com?q", None, ["https", "example.com", "/?q"]),
        ("https://me:secret@example.com/", None, ["https", "example.com", "/"]),
        ("https://example.com/", Some("virtual.example"), ["https", "virtual.example", "/"]),
        ("/", Some("virtual.example"), ["http", "virtual.example", "/"]),
        ("/", Some(""), ["http", "localhost", "/"]),
    ] {
        let mut request = http::Request::get(uri);
        if let Some(host) = host {
            request = request.header("Host", host);
        }
        let head = sent(request.body(Full::default()).unwrap()).unwrap();
        let [scheme, authority, path] = expected;
        let expected = [(":method", "GET"), (":scheme", scheme), (":authority", authority), (":path", path)];
        assert_eq!(head, expected.map(|(n, v)| (n.to_owned(), v.to_owned())), "{uri} {host:?}");
    }
    let options = http::Request::options("*").body(Full::default()).unwrap();
    assert_eq!(sent(options).unwrap()[3], (":path".into(), "*".into()));
}

#[test]
fn an_origin_has_a_scheme_and_an_authority() {
    for text in ["/path", "example.com", "", "http://", "http://a b"] {
        assert!(text.parse::<Origin>().unwrap_err().is_malformed(), "{text}");
    }
    assert_eq!("https://a/b?c".parse::<Origin>().unwrap(), "https://a".parse().unwrap());
    let nowhere = http::Request::get("/").body(empty()).unwrap();
    let error = request_to_native(nowhere, None).unwrap_err();
    assert!(error.is_malformed() && error.retry() == Retry::Unsafe, "{error}");
    let no_scheme = http::Request::get("/").header("host", "a").body(empty()).unwrap();
    assert!(request_to_native(no_scheme, None).unwrap_err().is_malformed());
}

/// Covers 9113:8.2.2-1, 9113:8.2.2-3, 9113:8.2.2-4, 9113:10.3-2
/// Covers 9110:7.6-1, 9110:7.6.1-2, 9110:7.6.1-3, 9110:8.6-2
#[tokio::test(start_paused = true)]
async fn fields_of_http1_do_not_go_out_and_te_says_only_trailers() {
    let request = http::Request::post("/")
        .header("connection", "keep-alive, x-private")
        .header("keep-alive", "timeout=5")
        .header("proxy-connection", "keep-alive")
        .header("transfer-encoding", "chunked")
        .header("upgrade", "websocket")
        .header("x-private", "1")
        .header("te", "gzip, Trailers")
        .header("te", "trailers")
        .header("x-kept", "2");
    let head = sent(request.body(Full::from("content")).unwrap()).unwrap();
    let expected = [("te", "trailers"), ("x-kept", "2"), ("content-length", "7")];
    assert_eq!(head[4..], expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
    let request = http::Request::get("/").header("te", "gzip").body(Full::default()).unwrap();
    assert_eq!(sent(request).unwrap().len(), 4);
    // Nor does what belongs to CONNECT in another request, and a length that is there is not told twice.
    let mut request = http::Request::post("/").header("content-length", "7").body(Full::from("content")).unwrap();
    request.extensions_mut().insert(Protocol::new("websocket"));
    assert_eq!(sent(request).unwrap()[4..], [("content-length".to_owned(), "7".to_owned())]);
}

/// Covers 9110:10.1.1-1
#[tokio::test(start_paused = true)]
async fn leave_is_asked_for_only_where_there_is_content() {
    let asks = |content: &'static str| {
        let request = http::Request::post("/").header("expect", "100-continue").body(Full::from(content)).unwrap();
        sent(request).unwrap().iter().any(|(name, _)| name == "expect")
    };
    assert!(asks("content") && !asks(""));
}

async fn echo(request: Request) -> Response {
    let length = request.header("content-length").map(<[u8]>::to_vec).unwrap_or_default();
    Response::new(200).with_header("x-length", length).with_body(request.into_body())
}

/// Covers 9110:8.6-1
#[tokio::test(start_paused = true)]
async fn every_kind_of_body_goes_out_and_comes_back() {
    let pair = pair(echo);
    let (sender, made) = Body::channel(1);
    tokio::spawn(async move {
        sender.send("in ").await.unwrap();
        sender.send("pieces").await.unwrap();
    });
    let mut channel = channel(&pair);
    for (body, content, length) in [
        (Full::default().map_err(|e| match e {}).boxed_unsync(), "", ""),
        (Full::from("whole").map_err(|e| match e {}).boxed_unsync(), "whole", "5"),
        (RecvBody::from(made).boxed_unsync(), "in pieces", ""),
    ] {
        let response = channel.call(http::Request::post("/").body(body).unwrap()).await.unwrap();
        assert_eq!(response.version(), http::Version::HTTP_2);
        assert_eq!(response.headers()["x-length"], length, "{content}");
        assert!(response.extensions().get::<Control>().is_some());
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), content);
    }
    drop(channel);
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn trailers_go_both_ways() {
    let pair = pair(echo);
    let with = async { Some(Ok(http::HeaderMap::from_iter([("x-sum".parse().unwrap(), "42".parse().unwrap())]))) };
    let request = http::Request::post("/").body(Full::<Bytes>::from("content").with_trailers(with)).unwrap();
    let response = channel(&pair).call(request).await.unwrap();
    let collected = response.into_body().collect().await.unwrap();
    assert_eq!(collected.trailers().unwrap()["x-sum"], "42");
    assert_eq!(collected.to_bytes(), "content");
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn lengths_are_known_where_the_response_says_them() {
    let pair = pair(|_: Request| async move {
        let (sender, body) = Body::channel(1);
        tokio::spawn(async move { sender.send("content").await });
        Response::new(200).with_header("content-length", "7").with_body(body)
    });
    let mut channel = channel(&pair);
    let mut response = channel.call(http::Request::get("/").body(empty()).unwrap()).await.unwrap();
    assert_eq!(response.body().size_hint().exact(), Some(7));
    assert!(!response.body().is_end_stream());
    assert_eq!(response.body_mut().frame().await.unwrap().unwrap().into_data().unwrap(), "content");
    assert_eq!(response.body().size_hint().exact(), Some(0));
    assert!(response.body_mut().frame().await.is_none());
    assert!(response.body().is_end_stream());

    let mut response = channel.call(http::Request::head("/").body(empty()).unwrap()).await.unwrap();
    assert_eq!(response.headers()["content-length"], "7");
    assert_eq!(response.body().size_hint().exact(), Some(0));
    assert!(response.body_mut().frame().await.is_none());
    drop(channel);
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn the_end_is_known_when_it_is_here_and_only_then() {
    let (client, _task, mut raw) = client_raw(Config::client(), Config::server());
    let mut channel = Channel::new(client, origin());
    for trailers in [None, Some(fields(&[("x-sum", "42")]))] {
        let waiting = channel.call(http::Request::get("/").body(empty()).unwrap());
        let Event::Headers { id, .. } = raw.next().await else { panic!("no request") };
        raw.conn.send_headers(id, &fields(&[(":status", "200")]), End::More).unwrap();
        let has_trailers = trailers.is_some();
        match trailers {
            None => raw.conn.send_data(id, "content".into(), End::Last).unwrap(),
            Some(trailers) => {
                raw.conn.send_data(id, "content".into(), End::More).unwrap();
                raw.conn.send_trailers(id, trailers).unwrap();
            }
        }
        raw.flush().await;
        let mut body = waiting.await.unwrap().into_body();
        settle().await;
        assert!(!body.is_end_stream(), "the content is still to be read");
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "content");
        assert_eq!(body.is_end_stream(), !has_trailers);
        assert_eq!(body.size_hint().exact(), (!has_trailers).then_some(0), "trailers may still come");
        assert_eq!(body.frame().await.is_some(), has_trailers);
        assert!(body.is_end_stream() && body.frame().await.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn the_length_that_head_tells_is_not_that_of_its_body() {
    let (client, _task, mut raw) = client_raw(Config::client(), Config::server());
    let waiting = Channel::new(client, origin()).call(http::Request::head("/").body(empty()).unwrap());
    let Event::Headers { id, .. } = raw.next().await else { panic!("no request") };
    raw.conn.send_headers(id, &fields(&[(":status", "200"), ("content-length", "7")]), End::More).unwrap();
    raw.flush().await;
    let response = waiting.await.unwrap();
    assert_eq!(response.headers()["content-length"], "7");
    assert_eq!(response.body().size_hint().exact(), None);
    raw.conn.send_data(id, Bytes::new(), End::Last).unwrap();
    raw.flush().await;
    assert!(response.into_body().frame().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn interim_responses_are_told_as_they_come() {
    let pair = pair(|request: Request| async move {
        let control = request.control().unwrap();
        control.inform(Response::interim(103).with_header("link", "</a.css>")).unwrap();
        control.inform(Response::interim(102)).unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        Response::new(200)
    });
    let told = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&told);
    let mut request = http::Request::get("/").body(empty()).unwrap();
    request.extensions_mut().insert(OnInterim::new(move |interim| list.lock().unwrap().push(interim)));
    let response = tokio::spawn(channel(&pair).call(request));
    settle().await;
    let status: Vec<u16> = told.lock().unwrap().iter().map(|r| r.status().as_u16()).collect();
    assert_eq!(status, [103, 102], "before the final one");
    assert_eq!(told.lock().unwrap()[0].headers()["link"], "</a.css>");
    assert_eq!(response.await.unwrap().unwrap().status(), 200);
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_body_that_fails_cancels_its_request_and_says_why() {
    let pair = pair(echo);
    let (sender, body) = Body::channel(1);
    let body = RecvBody::from(body).map_err(|e| std::io::Error::new(std::io::ErrorKind::TimedOut, e));
    tokio::spawn(sender.fail(Error::body("the disk is gone")));
    let response = channel(&pair).call(http::Request::post("/").body(body).unwrap()).await;
    let error = match response {
        Err(e) => e,
        Ok(response) => response.into_body().collect().await.unwrap_err(),
    };
    assert!(error.is_body() && error.is_timeout() && error.retry() == Retry::Unsafe, "{error:?}");
    let source = error.source().unwrap();
    assert!(source.to_string().contains("the disk is gone"), "{source}");
    assert!(source.downcast_ref::<std::io::Error>().is_some());
    pair.is_fine().await;
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_wrong_length_fails_the_request_and_nothing_else() {
    let pair = pair(echo);
    let request = http::Request::post("/").header("content-length", "9").body(Full::<Bytes>::from("content")).unwrap();
    let error = channel(&pair).call(request).await.unwrap_err();
    assert!(error.is_malformed(), "{error}");
    pair.is_fine().await;
    pair.ends_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_dropped_response_cancels_at_any_moment() {
    let (client, task, mut raw) = client_raw(Config::client(), Config::server());
    let mut channel = Channel::new(client, origin());
    // Before the answer, and while its content is coming.
    let waiting = channel.call(http::Request::get("/1").body(empty()).unwrap());
    let Event::Headers { id, .. } = raw.next().await else { panic!("no request") };
    drop(waiting);
    assert!(matches!(raw.next().await, Event::Reset { id: of, .. } if of == id));

    let waiting = channel.call(http::Request::get("/2").body(empty()).unwrap());
    let Event::Headers { id, .. } = raw.next().await else { panic!("no request") };
    raw.conn.send_headers(id, &fields(&[(":status", "200")]), End::More).unwrap();
    raw.flush().await;
    let response = waiting.await.unwrap();
    drop(response);
    let event = raw.next().await;
    assert!(
        matches!(event, Event::Reset { id: of, cause: pellucid_driver::conn::Cause::Peer(ErrorCode::CANCEL) } if of == id),
        "{event:?}"
    );
    drop((channel, raw));
    task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_closed_connection_is_not_ready() {
    let pair = pair(echo);
    let mut channel = channel(&pair);
    async fn ready(channel: &mut Channel) -> Result<(), Error> {
        poll_fn(|cx| Service::<http::Request<Empty<Bytes>>>::poll_ready(channel, cx)).await
    }
    ready(&mut channel).await.unwrap();
    assert!(channel.sender().is_open());
    pair.ends_clean().await;
    let error = ready(&mut channel).await.unwrap_err();
    assert!(error.is_closed() && error.retry() == Retry::Safe, "{error}");
    let error = channel.call(http::Request::get("/").body(empty()).unwrap()).await.unwrap_err();
    assert!(matches!(error.kind(), Kind::Closed), "{error}");
}
