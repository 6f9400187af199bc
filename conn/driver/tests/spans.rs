//! The spans that `tracing` listeners get: their names, fields and places, as the crate documents them, and that nothing is made
//! where nobody listens.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may")]

mod common;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use common::{echo, get, made_by, pair, post};
use pellucid_driver::{Chunk, Info, Request, Response, Service, Spawn, TlsInfo, client, server};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Instrument, Level, Metadata, Span, info, info_span};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;

/// Everything that was told, by one thread.
struct Listener {
    told: Arc<Mutex<Told>>,
    level: Level,
}

#[derive(Default)]
struct Told {
    spans: Vec<Seen>,
    /// Each event's message, and the spans it lies in, outermost first.
    events: Vec<(String, Vec<u64>)>,
}

#[derive(Debug)]
struct Seen {
    id: u64,
    metadata: &'static Metadata<'static>,
    parent: Option<u64>,
    fields: BTreeMap<&'static str, String>,
    is_closed: bool,
}

struct Fields<'a>(&'a mut BTreeMap<&'static str, String>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}

impl Layer<Registry> for Listener {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, Registry>) -> bool {
        *metadata.level() <= self.level
    }

    fn on_new_span(&self, span: &Attributes<'_>, id: &Id, context: Context<'_, Registry>) {
        let parent = context.span(id).unwrap().parent().map(|parent| parent.id().into_u64());
        let mut fields = BTreeMap::new();
        span.record(&mut Fields(&mut fields));
        let seen = Seen { id: id.into_u64(), metadata: span.metadata(), parent, fields, is_closed: false };
        self.told.lock().unwrap().spans.push(seen);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, Registry>) {
        self.told.lock().unwrap().with(id, |seen| values.record(&mut Fields(&mut seen.fields)));
    }

    fn on_close(&self, id: Id, _: Context<'_, Registry>) {
        self.told.lock().unwrap().with(&id, |seen| seen.is_closed = true);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, Registry>) {
        if event.metadata().target() == "spans" {
            let mut fields = BTreeMap::new();
            event.record(&mut Fields(&mut fields));
            let scope = context.event_scope(event).into_iter().flat_map(|scope| scope.from_root());
            let scope = scope.map(|span| span.id().into_u64()).collect();
            self.told.lock().unwrap().events.push((fields["message"].clone(), scope));
        }
    }
}

impl Told {
    /// The latest span of this number (numbers are used again), unless the test has taken it already.
    fn with(&mut self, id: &Id, change: impl FnOnce(&mut Seen)) {
        if let Some(seen) = self.spans.iter_mut().rfind(|seen| seen.id == id.into_u64()) {
            change(seen);
        }
    }
}

/// Listens to what this thread does while `work` is under way.
async fn heard<T>(level: Level, work: impl Future<Output = T>) -> (T, Told) {
    let told = Arc::default();
    let listener = Listener { told: Arc::clone(&told), level };
    let guard = tracing::subscriber::set_default(Registry::default().with(listener));
    let value = work.await;
    assert!(Span::current().is_none(), "every span was left");
    drop(guard);
    let told: Told = std::mem::take(&mut *told.lock().unwrap());
    (value, told)
}

impl Told {
    /// The spans of this name and, where they have one, this role.
    fn named(&self, name: &str, role: Option<&str>) -> Vec<(u64, &Seen)> {
        let is_one = |seen: &&Seen| {
            seen.metadata.name() == name && role.is_none_or(|role| seen.fields.get("role").is_some_and(|r| r == role))
        };
        self.spans.iter().filter(is_one).map(|seen| (seen.id, seen)).collect()
    }

    fn within(&self, message: &str) -> &[u64] {
        &self.events.iter().find(|(text, _)| text == message).unwrap_or_else(|| panic!("{message} was told")).1
    }

    /// The requests that lie in this connection, or outside of all.
    fn requests_in(&self, parent: Option<u64>) -> Vec<(u64, &Seen)> {
        self.named("request", None).into_iter().filter(|(_, seen)| seen.parent == parent).collect()
    }
}

fn field<'a>(seen: &'a Seen, name: &str) -> Option<&'a str> {
    seen.fields.get(name).map(String::as_str)
}

/// Says what it does, at once, after a while, and in its body.
async fn telling(request: Request) -> Response {
    let path = String::from_utf8(request.path().to_vec()).unwrap();
    info!(target: "spans", "{path} begins");
    tokio::time::sleep(Duration::from_millis(5)).await;
    info!(target: "spans", "{path} goes on");
    assert_ne!(path, "/panics", "a handler panics");
    let mut pieces = 2;
    Response::new(201).with_body(made_by(move || {
        info!(target: "spans", "{path} has a body");
        pieces -= 1;
        Poll::Ready((pieces > 0).then(|| Ok(Chunk::Data("piece".into()))))
    }))
}

/// Two requests at once, and one that panics.
async fn three_requests(service: impl Service) {
    let pair = pair(service);
    let sent = [pair.client.send(get("/a")), pair.client.send(post("/b").with_body("x"))];
    for sent in sent {
        assert_eq!(sent.await.unwrap().into_body().collect(9).await.unwrap(), "piece");
    }
    assert!(pair.get("/panics").await.is_err());
    pair.ends_clean().await;
}

async fn handlers_are_heard_inside_their_request(service: impl Service) {
    let ((), told) = heard(Level::TRACE, three_requests(service)).await;
    let [(connection, seen)] = told.named("connection", Some("server"))[..] else { panic!("one connection") };
    assert_eq!((*seen.metadata.level(), seen.parent), (Level::DEBUG, None));
    let requests = told.requests_in(Some(connection));
    let expected = [("1", "GET", "/a", Some("201")), ("3", "POST", "/b", Some("201")), ("5", "GET", "/panics", None)];
    assert_eq!(requests.len(), expected.len(), "{requests:?}");
    for ((id, seen), (stream, method, path, status)) in requests.into_iter().zip(expected) {
        assert_eq!(*seen.metadata.level(), Level::DEBUG);
        assert_eq!(field(seen, "stream"), Some(stream));
        assert_eq!((field(seen, "method"), field(seen, "path")), (Some(method), Some(path)));
        assert_eq!(field(seen, "status"), status);
        for what in ["begins", "goes on", "has a body"] {
            if what != "has a body" || status.is_some() {
                assert_eq!(told.within(&format!("{path} {what}")), [connection, id], "{path} {what}");
            }
        }
    }
    assert!(told.spans.iter().all(|seen| seen.is_closed), "{:?}", told.spans);
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_or_its_body_says_lies_in_its_request() {
    handlers_are_heard_inside_their_request(telling).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_spawned_handler_says_lies_in_its_request() {
    handlers_are_heard_inside_their_request(Spawn(telling)).await;
}

#[tokio::test(start_paused = true)]
async fn a_clients_request_lies_where_its_caller_is_and_learns_stream_and_status() {
    let work = async {
        let pair = pair(echo);
        let caller = info_span!("caller");
        let sent = caller.in_scope(|| pair.client.send(post("/mine").with_body("x")));
        sent.await.unwrap().into_body().drain().await.unwrap();
        async { pair.get("/too").await.unwrap() }.instrument(caller).await;
        pair.get("/nobody's").await.unwrap();
        // One whose future is dropped never learns its status.
        drop(pair.get("/dropped"));
        pair.ends_clean().await;
    };
    let ((), told) = heard(Level::DEBUG, work).await;
    let [(caller, _)] = told.named("caller", None)[..] else { panic!("one caller") };
    let [(_, mine), (_, too)] = told.requests_in(Some(caller))[..] else { panic!("two requests") };
    assert_eq!((field(mine, "method"), field(mine, "path")), (Some("POST"), Some("/mine")));
    assert_eq!((field(mine, "stream"), field(mine, "status")), (Some("1"), Some("200")));
    assert_eq!((field(too, "stream"), field(too, "status")), (Some("3"), Some("200")));
    let [(_, nobodys), (_, dropped)] = told.requests_in(None)[..] else { panic!("two more") };
    assert_eq!((field(nobodys, "stream"), field(nobodys, "path")), (Some("5"), Some("/nobody's")));
    assert_eq!((field(dropped, "path"), field(dropped, "status")), (Some("/dropped"), None));
    assert_eq!(told.named("connection", Some("client")).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_connection_says_its_number_its_peer_and_its_tls() {
    let work = async {
        let (near, far) = tokio::io::duplex(1024);
        let mut tls = TlsInfo::default();
        tls.version = "TLSv1.3".into();
        let mut info = Info::default();
        (info.id, info.peer, info.tls) = (7, Some("192.0.2.1:4433".parse().unwrap()), Some(tls));
        let mut options = server::Options::default();
        options.info = info;
        drop(server::serve_connection(far, echo, options).unwrap());
        drop(client::handshake(near, client::Options::default()).unwrap());
    };
    let ((), told) = heard(Level::DEBUG, work).await;
    let [(_, server)] = told.named("connection", Some("server"))[..] else { panic!("one server") };
    assert_eq!((field(server, "conn"), field(server, "peer")), (Some("7"), Some("192.0.2.1:4433")));
    assert_eq!(field(server, "tls"), Some("TLSv1.3"));
    let [(_, client)] = told.named("connection", Some("client"))[..] else { panic!("one client") };
    assert_eq!((field(client, "conn"), field(client, "peer"), field(client, "tls")), (Some("0"), None, None));
}

#[tokio::test(start_paused = true)]
async fn where_nobody_listens_to_spans_none_are_made() {
    let ((), told) = heard(Level::INFO, three_requests(telling)).await;
    assert!(told.spans.is_empty(), "{:?}", told.spans);
    assert!(told.within("/a begins").is_empty() && told.within("/b has a body").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_response_that_is_given_up_ends_its_span() {
    let work = async {
        let forever = || made_by(|| Poll::Ready(Some(Ok(Chunk::Data(vec![0; 1000].into())))));
        let pair = pair(move |_: Request| async move { Response::new(200).with_body(forever()) });
        let mut response = pair.get("/").await.unwrap();
        assert!(matches!(response.body_mut().chunk().await, Some(Ok(_))));
        drop(response);
        common::settle().await;
        pair
    };
    let (pair, told) = heard(Level::DEBUG, work).await;
    let connection = told.named("connection", Some("server"))[0].0;
    let [(_, request)] = told.requests_in(Some(connection))[..] else { panic!("one request") };
    assert_eq!((request.is_closed, field(request, "status")), (true, Some("200")));
    assert_eq!(pair.live().await, (0, 0));
    pair.ends_clean().await;
}
