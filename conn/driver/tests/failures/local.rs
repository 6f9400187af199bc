//! Failures that come from this side: the caller, the request and its body, the transport, and the connection's own end.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pellucid_driver::client::{self, Failure, Options};
use pellucid_driver::conn::SendError;
use pellucid_driver::conn::h2::Violation as V;
use pellucid_driver::{Body, Chunk, End, Error, ErrorCode, Kind, Request, Retry, StreamId};
use pellucid_frame::{Setting, SettingId};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::common::{client_scripted, get, made_by, post};
use crate::{Expected, RESET, Row, UNSENT, broken, outcome, told};

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    rows.extend(transport());
    rows.extend(queue());
    rows.extend(refused_here());
    rows.extend(malformed());
    rows.extend(bodies());
    rows.extend(own_end());
    rows.extend(made());
    rows
}

/// Takes what is written and fails to read.
struct Broken(io::ErrorKind);

impl AsyncRead for Broken {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Err(io::Error::new(self.0, "the cable is out")))
    }
}

impl AsyncWrite for Broken {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(octets.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

async fn breaks(kind: io::ErrorKind) -> Failure {
    let (client, driving) = client::handshake(Broken(kind), Options::default()).unwrap();
    let sent = client.send(get("/"));
    let (failure, _report) = tokio::join!(outcome(sent), driving);
    failure
}

/// Writes more than anybody takes.
async fn stalls() -> Failure {
    let (near, _far) = tokio::io::duplex(16);
    let mut options = Options::default();
    options.write_timeout = Duration::from_secs(1);
    let (client, driving) = client::handshake(near, options).unwrap();
    // On its way when the connection gives up.
    let sent = client.send(get("/"));
    let (failure, _report) = tokio::join!(outcome(sent), driving);
    failure
}

fn transport() -> Vec<Row> {
    let io = Expected { kind: "Io(", text: "transport: the cable is out", source: "the cable is out", ..UNSENT };
    vec![
        Row::new("the transport fails", breaks(io::ErrorKind::ConnectionReset), io),
        Row::new(
            "the transport has waited too long",
            breaks(io::ErrorKind::TimedOut),
            Expected { is: &["closed", "timeout"], ..io },
        ),
        Row::new(
            "a socket that takes nothing",
            stalls(),
            Expected {
                stream: 1,
                retry: Retry::Unknown,
                is: &["closed", "timeout"],
                back: false,
                text: "stream 1: transport: the peer takes no more octets",
                source: "the peer takes no more octets",
                ..io
            },
        ),
    ]
}

/// A second request, of which the server takes one at a time, after `act`.
async fn behind(max_waiting: usize, act: impl AsyncFnOnce(&mut crate::Script, &client::SendRequest)) -> Failure {
    let mut options = Options::default();
    options.max_waiting = max_waiting;
    let (client, _task, mut script) = client_scripted(options);
    let one = Setting { id: SettingId::MAX_CONCURRENT_STREAMS, value: 1 };
    script.greet(&[one]).await;
    let _first = client.send(get("/first"));
    script.request().await;
    let second = client.send(get("/second"));
    crate::common::settle().await;
    act(&mut script, &client).await;
    outcome(second).await
}

fn queue() -> Vec<Row> {
    let send = |kind, section, text| Expected { kind, section: Some(section), text, source: text, ..UNSENT };
    let going = send("Send(GoingAway", "RFC 9113 §6.8", "going away");
    let late = async {
        let (client, _task, mut script) = client_scripted(Options::default());
        script.greet(&[]).await;
        let _first = client.send(get("/first"));
        let id = script.request().await;
        script.goaway(id, ErrorCode::NO_ERROR).await;
        crate::common::settle().await;
        assert!(!client.is_open());
        outcome(client.send(get("/late"))).await
    };
    let closed = async {
        let (client, task, mut script) = client_scripted(Options::default());
        script.greet(&[]).await;
        script.hang_up();
        task.await.unwrap();
        outcome(client.send(get("/"))).await
    };
    let peer_closed = Expected {
        stream: 0,
        retry: Retry::Safe,
        back: true,
        is: &["closed"],
        text: "",
        ..broken("Connection", V::PeerClosed)
    };
    vec![
        Row::new(
            "a queue that is full",
            behind(0, async |_, _| {}),
            Expected { is: &[], ..send("Send(NoSlot", "RFC 9113 §5.1.2", "limit of concurrent streams") },
        ),
        Row::new(
            "GOAWAY while the request waits its turn",
            behind(9, async |script, _| script.goaway(StreamId::new(1), ErrorCode::NO_ERROR).await),
            going,
        ),
        Row::new("a request after GOAWAY", late, going),
        Row::new(
            "the peer closes while the request waits its turn",
            behind(9, async |script, _| script.hang_up()),
            peer_closed,
        ),
        Row::new(
            "a connection that is closed, and why it was",
            closed,
            Expected { kind: "Io", text: "transport: broken pipe", source: "broken pipe", ..UNSENT },
        ),
    ]
}

/// Requests that this server, or this protocol, does not take.
fn refused_here() -> Vec<Row> {
    let connect = async {
        let (client, _task, mut script) = client_scripted(Options::default());
        let sent = client.send(Request::extended_connect("websocket", "http", "localhost", "/"));
        script.greet(&[]).await;
        outcome(sent).await
    };
    let text = "the peer does not offer extended CONNECT";
    let expected = Expected {
        kind: "Send(NoExtendedConnect",
        section: Some("RFC 8441 §3"),
        retry: Retry::Unsafe,
        is: &[],
        back: false,
        text,
        source: text,
        ..UNSENT
    };
    vec![Row::new("a server that does not offer extended CONNECT", connect, expected)]
}

async fn sent(request: Request) -> Failure {
    let (client, _task, mut script) = client_scripted(Options::default());
    script.greet(&[]).await;
    outcome(client.send(request)).await
}

fn malformed() -> Vec<Row> {
    let expected = |text| Expected {
        kind: "Send(Malformed",
        section: Some("RFC 9113 §8"),
        retry: Retry::Unsafe,
        is: &["malformed"],
        back: false,
        text,
        source: "would be malformed",
        ..UNSENT
    };
    let length = |body: &'static str| post("/").with_header("content-length", "5").with_body(body);
    vec![
        Row::new(
            "a field of HTTP/1",
            sent(get("/").with_header("connection", "close")),
            expected("connection-specific"),
        ),
        Row::new("a field name with a space", sent(get("/").with_header("a b", "x")), expected("field name")),
        Row::new("a field value with a line break", sent(get("/").with_header("a", "x\ny")), expected("field value")),
        Row::new("a request without a path", sent(get("")), expected(":path")),
        Row::new("a body longer than content-length", sent(length("123456")), expected("content-length")),
        Row::new("a body shorter than content-length", sent(length("1")), expected("content-length")),
        Row::new("no body for a content-length", sent(length("")), expected("content-length")),
    ]
}

/// A body of one piece, then `last`.
fn pieces(mut last: impl FnMut() -> Option<Result<Chunk, Error>> + Send + Unpin + 'static) -> Body {
    let mut first = Some(Ok(Chunk::Data("1234".into())));
    made_by(move || Poll::Ready(first.take().or_else(&mut last)))
}

async fn uploads(body: Body) -> Failure {
    let request = post("/").with_header("content-length", "5").with_body(body);
    told(request, Options::default(), async |_, _| {}).await
}

fn bodies() -> Vec<Row> {
    let expected = |text, source| Expected {
        kind: "Body(",
        section: None,
        retry: Retry::Unsafe,
        is: &["body"],
        text,
        source,
        ..RESET
    };
    let io = || Some(Err(Error::body(io::Error::new(io::ErrorKind::TimedOut, "the disk is slow"))));
    let after_answer = async {
        let (sender, body) = Body::channel(1);
        told(post("/").with_body(body), Options::default(), async |script, id| {
            script.headers(id, &[(":status", "200")], End::More).await;
            crate::common::settle().await;
            sender.fail(Error::body("the disk is gone")).await.unwrap();
        })
        .await
    };
    let large = async {
        let (client, _task, mut script) = client_scripted(Options::default());
        script.greet(&[]).await;
        let sent = client.send(get("/"));
        let id = script.request().await;
        script.headers(id, &[(":status", "200")], End::More).await;
        script.data(id, b"too much", End::Last).await;
        let error = sent.await.unwrap().into_body().collect(3).await.unwrap_err();
        Failure { error, request: None }
    };
    let too_large = Expected {
        kind: "TooLarge",
        stream: 0,
        is: &["body"],
        text: "larger than allowed",
        source: "",
        ..expected("", "")
    };
    let longer = || Some(Ok(Chunk::Data("56".into())));
    vec![
        Row::new(
            "a body whose source fails",
            uploads(pieces(|| Some(Err(Error::body("the disk is gone"))))),
            expected("stream 1: the body failed: the disk is gone", "the disk is gone"),
        ),
        Row::new(
            "a body whose source has waited too long",
            uploads(pieces(io)),
            Expected { is: &["body", "timeout"], ..expected("the disk is slow", "the disk is slow") },
        ),
        Row::new(
            "a body whose source panics",
            uploads(pieces(|| panic!("a source"))),
            expected("panicked", "panicked"),
        ),
        Row::new("a body that turns out longer", uploads(pieces(longer)), expected("longer than", "longer than")),
        Row::new("a body that turns out shorter", uploads(pieces(|| None)), expected("shorter than", "shorter than")),
        Row::new("a body that fails after the answer", after_answer, expected("the disk is gone", "the disk is gone")),
        Row::new("a response larger than the caller wants", large, too_large),
    ]
}

/// The connection ends because this side wants it to.
fn own_end() -> Vec<Row> {
    let cut = async {
        let (client, _task, mut script) = client_scripted(Options::default());
        script.greet(&[]).await;
        let sent = client.send(get("/"));
        script.request().await;
        client.shut_down();
        outcome(sent).await
    };
    let dropped = async {
        let (client, task, mut script) = client_scripted(Options::default());
        script.greet(&[]).await;
        let sent = client.send(get("/"));
        script.request().await;
        task.abort();
        outcome(sent).await
    };
    let never_run = async {
        let (near, _far) = tokio::io::duplex(64);
        let (client, driving) = client::handshake(near, Options::default()).unwrap();
        let sent = client.send(get("/"));
        drop(driving);
        outcome(sent).await
    };
    let given_up = answered_then_reset();
    let again = async {
        let (client, _task, mut script) = client_scripted(Options::default());
        script.greet(&[]).await;
        let mut sent = client.send(get("/"));
        let id = script.request().await;
        script.headers(id, &[(":status", "200")], End::Last).await;
        assert!(poll_fn(|cx| sent.poll_outcome(cx)).await.is_ok());
        poll_fn(|cx| sent.poll_outcome(cx)).await.unwrap_err()
    };
    let text = "stream 1: the connection is closed";
    let lost = Expected { stream: 1, retry: Retry::Unknown, back: false, text, ..UNSENT };
    let given = Expected {
        kind: "Send(NoStream",
        section: Some("RFC 9113 §5.1"),
        retry: Retry::Unsafe,
        is: &[],
        text: "stream 1: the stream is closed",
        source: "the stream is closed",
        ..lost
    };
    let timeout = Expected {
        is: &["closed", "timeout"],
        text: "stream 1: stream error CANCEL",
        ..broken("Stream(Local", V::DrainDeadline)
    };
    vec![
        Row::new("the deadline of a drain", cut, timeout),
        Row::new("the connection's task is dropped", dropped, lost),
        Row::new("the connection's task is dropped before it ran", never_run, UNSENT),
        Row::new("the caller gives its stream up", given_up, given),
        Row::new("a response that was taken already", again, lost),
    ]
}

async fn answered_then_reset() -> Failure {
    let (client, _task, mut script) = client_scripted(Options::default());
    script.greet(&[]).await;
    let sent = client.send(get("/"));
    let id = script.request().await;
    script.headers(id, &[(":status", "200")], End::More).await;
    let mut response = sent.await.unwrap();
    response.control().unwrap().reset(ErrorCode::CANCEL);
    let error = response.body_mut().chunk().await.unwrap().unwrap_err();
    Failure { error, request: None }
}

/// Errors that others make: the living client, pushes, and what a test cannot reach in reasonable time.
fn made() -> Vec<Row> {
    let send = |kind, section, text| Expected { kind, section, text, source: text, ..UNSENT };
    let unsafe_ = |e: Expected| Expected { retry: Retry::Unsafe, is: &[], ..e };
    let connect =
        Expected { kind: "Connect(", is: &["connect"], text: "nobody listens", source: "nobody listens", ..UNSENT };
    let slow = io::Error::new(io::ErrorKind::TimedOut, "nobody listens");
    let order = unsafe_(send("Send(OutOfOrder", Some("RFC 9113 §5.1"), "not allowed at this point"));
    let role = unsafe_(send("Send(WrongRole", Some("RFC 9113 §8.4"), "only the other role"));
    let push = unsafe_(send("Send(PushNotAllowed", Some("RFC 9113 §8.4"), "does not allow server push"));
    let gone = Expected { is: &[], ..send("Send(NoStream", Some("RFC 9113 §5.1"), "the stream is closed") };
    let ids = send("Send(IdsExhausted", Some("RFC 9113 §5.1.1"), "all stream identifiers are used");
    vec![
        Row::made("no connection", Error::connect("nobody listens"), connect),
        Row::made("no connection in time", Error::connect(slow), Expected { is: &["connect", "timeout"], ..connect }),
        Row::made(
            "too long by the caller's clock",
            Error::new(Kind::Timeout("the response")),
            Expected { kind: "Timeout(", is: &["timeout"], text: "timed out: the response", ..UNSENT },
        ),
        Row::made("all identifiers are used", SendError::IdsExhausted.into(), ids),
        Row::made("a connection that has failed", SendError::Dead.into(), send("Send(Dead", None, "is closed")),
        Row::made("a stream that is gone", SendError::NoStream.into(), gone),
        Row::made("out of order", SendError::OutOfOrder.into(), order),
        Row::made("the other role's", SendError::WrongRole.into(), role),
        Row::made("a push nobody wants", SendError::PushNotAllowed.into(), push),
    ]
}
