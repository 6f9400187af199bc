//! Failures that the peer brings about: by what it says, by what it does not say, and by leaving.

use std::time::Duration;

use pellucid_driver::client::Options;
use pellucid_driver::conn::h2::Violation as V;
use pellucid_driver::{Body, End, ErrorCode as E, Retry, StreamId};
use pellucid_frame::{Flags, Head, Kind, Setting, SettingId, encode};

use crate::common::client_scripted;
use crate::common::script::Script;
use crate::common::{get, post};
use crate::{Expected, RESET, Row, answered, broken, outcome, told};

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    rows.extend(resets());
    rows.extend(leaving());
    rows.extend(malformed());
    rows.extend(malformed_later());
    rows.extend(broken_connections());
    rows.extend(silence());
    rows
}

/// The whole of RFC 9113 §7, and a code that nobody knows.
const CODES: [(E, Retry, &[&str]); 15] = [
    (E::NO_ERROR, Retry::Unknown, &["cancelled"]),
    (E::PROTOCOL_ERROR, Retry::Unsafe, &[]),
    (E::INTERNAL_ERROR, Retry::Unknown, &[]),
    (E::FLOW_CONTROL_ERROR, Retry::Unsafe, &[]),
    (E::SETTINGS_TIMEOUT, Retry::Unknown, &[]),
    (E::STREAM_CLOSED, Retry::Unsafe, &[]),
    (E::FRAME_SIZE_ERROR, Retry::Unsafe, &[]),
    (E::REFUSED_STREAM, Retry::Safe, &["refused"]),
    (E::CANCEL, Retry::Unknown, &["cancelled"]),
    (E::COMPRESSION_ERROR, Retry::Unsafe, &[]),
    (E::CONNECT_ERROR, Retry::Unknown, &[]),
    (E::ENHANCE_YOUR_CALM, Retry::Unknown, &[]),
    (E::INADEQUATE_SECURITY, Retry::Unsafe, &[]),
    (E::HTTP_1_1_REQUIRED, Retry::Unsafe, &[]),
    (E::new(0xbeef), Retry::Unknown, &[]),
];

async fn begin(script: &mut Script, id: StreamId) {
    script.headers(id, &[(":status", "200")], End::More).await;
    script.data(id, b"half", End::More).await;
}

fn resets() -> Vec<Row> {
    let mut rows = Vec::new();
    for (code, retry, is) in CODES {
        let expected = Expected { code: Some(code), retry, is, back: retry == Retry::Safe, ..RESET };
        let before = answered(async move |script, id| script.reset(id, code).await);
        rows.push(Row::new(format!("reset with {code} before the answer"), before, expected));
        // A promise that nothing was done is worth nothing when something was.
        let expected = Expected { retry: Retry::Unsafe, back: false, ..expected };
        let after = answered(async move |script, id| {
            begin(script, id).await;
            script.reset(id, code).await;
        });
        rows.push(Row::new(format!("reset with {code} after the answer has begun"), after, expected));
    }
    rows
}

fn leaving() -> Vec<Row> {
    let not_processed = Expected {
        kind: "Stream(NotProcessed",
        section: Some("RFC 9113 §6.8"),
        retry: Retry::Safe,
        is: &["closed", "refused"],
        back: true,
        text: "stream 1: the peer is going away and did not process this stream",
        source: "did not process",
        ..RESET
    };
    let closed = Expected {
        is: &["closed"],
        text: "stream 1: connection error NO_ERROR",
        ..broken("Connection", V::PeerClosed)
    };
    let (none, first) = (StreamId::CONNECTION, StreamId::new(1));
    vec![
        Row::new(
            "GOAWAY below the stream",
            answered(async move |script, _| script.goaway(none, E::NO_ERROR).await),
            not_processed,
        ),
        Row::new(
            "GOAWAY with an error below the stream",
            answered(async move |script, _| script.goaway(none, E::PROTOCOL_ERROR).await),
            not_processed,
        ),
        Row::new(
            "GOAWAY below a stream that it has begun to answer",
            answered(async move |script, id| {
                begin(script, id).await;
                script.goaway(none, E::NO_ERROR).await;
            }),
            Expected { retry: Retry::Unsafe, back: false, ..not_processed },
        ),
        Row::new(
            "GOAWAY that promises the stream, then the end",
            answered(async move |script, _| {
                script.goaway(first, E::NO_ERROR).await;
                script.hang_up();
            }),
            closed,
        ),
        Row::new(
            "GOAWAY with an error, then the end",
            answered(async move |script, _| {
                script.goaway(first, E::INTERNAL_ERROR).await;
                script.hang_up();
            }),
            closed,
        ),
        Row::new("the peer closes", answered(async |script, _| script.hang_up()), closed),
        Row::new(
            "the peer closes in the middle of its response",
            answered(async |script, id| {
                begin(script, id).await;
                script.hang_up();
            }),
            Expected { retry: Retry::Unsafe, ..closed },
        ),
        Row::new("the peer closes before it says anything", hangs_up_at_once(), closed),
    ]
}

async fn hangs_up_at_once() -> crate::Failure {
    let (client, _task, mut script) = client_scripted(Options::default());
    script.is_rude();
    let sent = client.send(get("/"));
    script.request().await;
    script.hang_up();
    outcome(sent).await
}

/// A rule, a field section that breaks it, and whether it ends the response.
type Case = (V, &'static [(&'static str, &'static str)], End);

/// A response that breaks a rule of messages: its stream ends, and sending the request again would bring the same.
fn malformed() -> Vec<Row> {
    const OK: (&str, &str) = (":status", "200");
    const CASES: [Case; 12] = [
        (V::FieldName, &[OK, ("", "x")], End::Last),
        (V::FieldNameUppercase, &[OK, ("X-Y", "x")], End::Last),
        (V::FieldValue, &[OK, ("x", "a\nb")], End::Last),
        (V::ConnectionSpecificField, &[OK, ("connection", "close")], End::Last),
        (V::PseudoAfterRegular, &[("x", "y"), OK], End::Last),
        (V::PseudoRepeated, &[OK, OK], End::Last),
        (V::PseudoUnknown, &[OK, (":path", "/")], End::Last),
        (V::BadStatus, &[("x", "y")], End::Last),
        (V::BadContentLength, &[OK, ("content-length", "x")], End::Last),
        (V::ContentLengthMismatch, &[OK, ("content-length", "5")], End::Last),
        (V::InformationalWithEnd, &[(":status", "103")], End::Last),
        (V::SwitchingProtocols, &[(":status", "101")], End::More),
    ];
    let expected = |rule| Expected {
        retry: Retry::Unsafe,
        text: "stream 1: stream error PROTOCOL_ERROR",
        ..broken("Stream(Local", rule)
    };
    let rows = CASES.into_iter().map(|(rule, fields, end)| {
        let failure = answered(async move |script, id| script.headers(id, fields, end).await);
        Row::new(format!("a response that breaks {rule:?}"), failure, expected(rule))
    });
    let before_headers = answered(async |script, id| script.data(id, b"x", End::More).await);
    let many = answered(async |script, id| {
        for _ in 0..33 {
            script.headers(id, &[(":status", "103")], End::More).await;
        }
    });
    let calm = Expected { text: "ENHANCE_YOUR_CALM", ..expected(V::TooManyInformational) };
    rows.chain([
        Row::new("content before the response", before_headers, expected(V::DataBeforeHeaders)),
        Row::new("interim responses without end", many, calm),
    ])
    .collect()
}

/// … and one that does so when it has begun.
fn malformed_later() -> Vec<Row> {
    let expected =
        |rule| Expected { retry: Retry::Unsafe, text: "stream 1: stream error", ..broken("Stream(Local", rule) };
    let longer = answered(async |script, id| {
        script.headers(id, &[(":status", "200"), ("content-length", "3")], End::More).await;
        script.data(id, b"1234", End::More).await;
    });
    let shorter = answered(async |script, id| {
        script.headers(id, &[(":status", "200"), ("content-length", "3")], End::More).await;
        script.data(id, b"12", End::Last).await;
    });
    let no_end = answered(async |script, id| {
        begin(script, id).await;
        script.headers(id, &[("x", "y")], End::More).await;
    });
    let pseudo = answered(async |script, id| {
        begin(script, id).await;
        script.headers(id, &[(":status", "200")], End::Last).await;
    });
    let mut options = Options::default();
    options.config.stream_window = 1000;
    let flood = told(get("/"), options, async |script, id| {
        script.headers(id, &[(":status", "200")], End::More).await;
        // The client is to have been heard: it counts from when its settings are acknowledged.
        script.data(id, &[0; 1001], End::More).await;
    });
    vec![
        Row::new("a response longer than its content-length", longer, expected(V::ContentLengthMismatch)),
        Row::new("a response shorter than its content-length", shorter, expected(V::ContentLengthMismatch)),
        Row::new("trailers that do not end", no_end, expected(V::HeadersWithoutEnd)),
        Row::new("a status among the trailers", pseudo, expected(V::PseudoInTrailers)),
        Row::new("more than the stream's window", flood, expected(V::StreamFlowExceeded)),
    ]
}

/// A peer that breaks the connection's rules takes every request with it.
fn broken_connections() -> Vec<Row> {
    let expected =
        |rule| Expected { is: &["closed"], text: "stream 1: connection error", ..broken("Connection", rule) };
    let idle = answered(async |script, _| script.data(StreamId::new(5), b"x", End::More).await);
    let ack = answered(async |script, _| script.send(encode::settings_ack).await);
    let overflow = answered(async |script, _| {
        script.send(|out| encode::window_update(out, StreamId::CONNECTION, 0x7fff_ffff)).await;
    });
    let push = answered(async |script, _| {
        script
            .send(|out| {
                let setting = Setting { id: SettingId::ENABLE_PUSH, value: 1 };
                encode::settings(out, &[setting]);
            })
            .await;
    });
    let index = answered(async |script, id| {
        script
            .send(|out| {
                Head { length: 1, kind: Kind::HEADERS, flags: Flags::END_HEADERS, stream: id }.encode(out);
                // RFC 7541 §6.1: index zero.
                out.push(0x80);
            })
            .await;
    });
    let size = answered(async |script, _| {
        script
            .send(|out| {
                Head { length: 7, kind: Kind::PING, flags: Flags::NONE, stream: StreamId::CONNECTION }.encode(out)
            })
            .await;
        script.send(|out| out.extend_from_slice(&[0; 7])).await;
    });
    let compression = V::Compression(pellucid_hpack::Error::IndexZero);
    let mut rows = vec![
        Row::new("content on a stream that was never opened", idle, expected(V::DataOnIdleStream)),
        Row::new("an acknowledgment of nothing", ack, expected(V::UnsolicitedSettingsAck)),
        Row::new("a window beyond every limit", overflow, expected(V::ConnectionWindowOverflow)),
        Row::new("a server that allows pushes", push, expected(V::ServerEnabledPush)),
        Row::new("a field block that cannot be decoded", index, expected(compression)),
        Row::new("a frame of the wrong size", size, expected(V::Frame(pellucid_frame::Rule::PingLength))),
    ];
    for (name, octets, rule) in [
        ("a peer that speaks HTTP/1", &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], V::Http1Peer),
        ("a peer that speaks something else", b"SSH-2.0-OpenSSH_9.2\r\n", V::FirstFrameNotSettings),
    ] {
        let failure = async move {
            let (client, _task, mut script) = client_scripted(Options::default());
            script.is_rude();
            let sent = client.send(get("/"));
            script.request().await;
            script.send(|out| out.extend_from_slice(octets)).await;
            outcome(sent).await
        };
        rows.push(Row::new(name, failure, expected(rule)));
    }
    rows
}

/// Peers that keep everybody waiting.
fn silence() -> Vec<Row> {
    let patience =
        |rule| Expected { is: &["closed", "timeout"], text: "connection error", ..broken("Connection", rule) };
    let preface = async {
        let (client, _task, mut script) = client_scripted(Options::default());
        script.is_rude();
        let sent = client.send(get("/"));
        script.request().await;
        outcome(sent).await
    };
    let settings = async {
        let (client, _task, mut script) = client_scripted(Options::default());
        script.is_rude();
        let sent = client.send(get("/"));
        script.greet(&[]).await;
        script.request().await;
        outcome(sent).await
    };
    let mut options = Options::default();
    options.config.keepalive_interval = Some(Duration::from_secs(1));
    let keepalive = told(get("/"), options, async |_, _| {});
    let mut options = Options::default();
    options.config.keepalive_interval = Some(Duration::from_secs(1));
    let reading = told(get("/"), options, async |script, id| begin(script, id).await);
    let mut options = Options::default();
    options.config.body_idle_timeout = Some(Duration::from_secs(1));
    let idle = told(get("/"), options, async |script, id| begin(script, id).await);
    let mut options = Options::default();
    options.config.stall_timeout = Some(Duration::from_secs(1));
    let upload = post("/").with_body(Body::from(vec![0; 100_000]));
    let stalled = told(upload, options, async |_, _| {});
    let slow =
        |rule| Expected { is: &["timeout"], text: "stream 1: stream error CANCEL", ..broken("Stream(Local", rule) };
    vec![
        Row::new("a peer that never greets", preface, patience(V::PrefaceTimeout)),
        Row::new("settings that are never acknowledged", settings, patience(V::SettingsTimeout)),
        Row::new("a keepalive that is not answered", keepalive, patience(V::KeepaliveTimeout)),
        Row::new(
            "a keepalive that is not answered, in the middle of a response",
            reading,
            Expected { retry: Retry::Unsafe, ..patience(V::KeepaliveTimeout) },
        ),
        Row::new("a response that stops", idle, Expected { retry: Retry::Unsafe, ..slow(V::BodyIdle) }),
        Row::new("a window that stays shut", stalled, slow(V::Stalled)),
    ]
}
