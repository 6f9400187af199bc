//! THE table of failures: one row for every way a request can fail, with all that the error says of it: its kind, stream, rule,
//! section and code, whether the request may be sent again and comes back, its text and its source.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may")]

#[path = "../common/mod.rs"]
mod common;
mod local;
mod peer;

use std::collections::BTreeSet;
use std::error::Error as _;
use std::future::{Future, poll_fn};
use std::pin::Pin;

use pellucid_driver::client::{self, Failure, ResponseFuture};
use pellucid_driver::conn::h2::Violation;
use pellucid_driver::{Error, ErrorCode, Request, Retry, StreamId};

use common::client_scripted;
use common::script::Script;

/// One way to fail.
struct Row {
    name: String,
    outcome: Pin<Box<dyn Future<Output = Failure>>>,
    expected: Expected,
}

/// All that an error says.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Expected {
    kind: &'static str,
    stream: u32,
    violation: Option<Violation>,
    section: Option<&'static str>,
    code: Option<ErrorCode>,
    retry: Retry,
    /// The questions that are answered with yes.
    is: &'static [&'static str],
    /// The request comes back.
    back: bool,
    /// A part of what it says.
    text: &'static str,
    /// A part of what its source says; empty when it has none.
    source: &'static str,
}

/// The peer has reset stream 1.
const RESET: Expected = Expected {
    kind: "Stream(Peer",
    stream: 1,
    violation: None,
    section: Some("RFC 9113 §6.4"),
    code: None,
    retry: Retry::Unknown,
    is: &[],
    back: false,
    text: "stream 1: the peer reset the stream: ",
    source: "the peer reset the stream: ",
};

/// What happened on stream 1 is told by a rule.
fn broken(kind: &'static str, violation: Violation) -> Expected {
    let source = violation.message();
    Expected { kind, violation: Some(violation), section: None, source, ..RESET }
}

/// Nothing was sent, for want of something that another connection has.
const UNSENT: Expected = Expected {
    kind: "Closed",
    stream: 0,
    section: None,
    retry: Retry::Safe,
    is: &["closed"],
    back: true,
    text: "the connection is closed",
    source: "",
    ..RESET
};

impl Row {
    fn new(name: impl Into<String>, outcome: impl Future<Output = Failure> + 'static, expected: Expected) -> Self {
        Self { name: name.into(), outcome: Box::pin(outcome), expected }
    }

    /// An error made from what another crate says.
    fn made(name: &str, error: Error, expected: Expected) -> Self {
        Self::new(name, async { Failure { error, request: None } }, Expected { back: false, ..expected })
    }

    /// The kind it failed with; what it should have said and does not goes to `complaints`.
    async fn judge(self, complaints: &mut Vec<String>) -> String {
        let expected = self.expected;
        let Failure { error, request } = self.outcome.await;
        let kind = format!("{:?}", error.kind());
        let (text, source) = (error.to_string(), error.source().map(ToString::to_string));
        let rule = expected.violation;
        let mut check = |what: &str, is_right: bool| {
            if !is_right {
                complaints.push(format!("{}: {what} of {error:?} ({text}), expected {expected:?}", self.name));
            }
        };
        check("kind", kind.starts_with(expected.kind));
        check("stream", error.stream() == StreamId::new(expected.stream));
        check("violation", error.violation() == rule);
        check("section", error.section() == expected.section.or(rule.map(Violation::section)));
        check("code", error.code() == expected.code.or(rule.map(Violation::code)));
        check("retry", error.retry() == expected.retry);
        check("questions", questions(&error) == expected.is);
        check("request", request.is_some() == expected.back);
        check("text", text.contains(expected.text) && rule.is_none_or(|rule| text.contains(rule.message())));
        check(
            "source",
            match &source {
                None => expected.source.is_empty(),
                Some(source) => !expected.source.is_empty() && source.contains(expected.source),
            },
        );
        kind
    }
}

/// The questions that an error answers with yes.
fn questions(error: &Error) -> Vec<&'static str> {
    [
        ("body", error.is_body()),
        ("cancelled", error.is_cancelled()),
        ("closed", error.is_closed()),
        ("connect", error.is_connect()),
        ("malformed", error.is_malformed()),
        ("refused", error.is_refused()),
        ("timeout", error.is_timeout()),
    ]
    .into_iter()
    .filter_map(|(name, yes)| yes.then_some(name))
    .collect()
}

/// How a request fails: before its response, or while its body is read.
async fn outcome(mut sent: ResponseFuture) -> Failure {
    match poll_fn(|cx| sent.poll_outcome(cx)).await {
        Err(failure) => failure,
        Ok(response) => {
            let error = response.into_body().drain().await.expect_err("it does not end well");
            Failure { error, request: None }
        }
    }
}

/// What becomes of `request`, on stream 1, when the server greets and then does what `act` says.
async fn told(request: Request, options: client::Options, act: impl AsyncFnOnce(&mut Script, StreamId)) -> Failure {
    let (client, _task, mut script) = client_scripted(options);
    let sent = client.send(request);
    script.greet(&[]).await;
    let id = script.request().await;
    act(&mut script, id).await;
    outcome(sent).await
}

/// As [`told`], of a GET.
async fn answered(act: impl AsyncFnOnce(&mut Script, StreamId)) -> Failure {
    told(common::get("/"), client::Options::default(), act).await
}

#[tokio::test(start_paused = true)]
async fn every_way_to_fail_says_all_there_is_to_say() {
    let mut kinds = BTreeSet::new();
    let mut complaints = Vec::new();
    for row in peer::rows().into_iter().chain(local::rows()) {
        kinds.insert(row.judge(&mut complaints).await);
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    let seen = |prefix: String| kinds.iter().any(|kind| kind.starts_with(&prefix));
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for (file, name, of) in [
        ("src/error.rs", "Kind", ""),
        ("../src/error.rs", "SendError", "Send("),
        ("../src/error.rs", "Cause", "Stream("),
    ] {
        let source = std::fs::read_to_string(root.join(file)).unwrap();
        let variants = variants(&source, name);
        assert!(variants.len() > 2, "{name}: {variants:?}");
        for variant in variants {
            assert!(seen(format!("{of}{variant}")), "no row fails with {name}::{variant}");
        }
    }
}

/// The variants of an enum, as its source has them: nobody outside its crate can match it exhaustively.
fn variants(source: &str, name: &str) -> Vec<String> {
    source
        .lines()
        .skip_while(|line| *line != format!("pub enum {name} {{"))
        .take_while(|line| *line != "}")
        .filter_map(|line| line.strip_prefix("    ").filter(|line| line.starts_with(char::is_uppercase)))
        .map(|line| line.chars().take_while(char::is_ascii_alphanumeric).collect())
        .collect()
}
