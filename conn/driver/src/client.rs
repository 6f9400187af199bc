//! The client's end: requests come by mail, responses leave through exchanges, request bodies are sent as room appears.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::hash::BuildHasherDefault;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use fnv::FnvHasher;
use pellucid_conn::h2::{Config, ConfigError, Connection};
use pellucid_conn::{Cause, End, ErrorCode, Event, Fields, SendError, StreamId};
use pellucid_hpack::Token;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::body::Body;
use crate::error::{Error, Kind};
use crate::exchange::{Exchange, Waiting};
use crate::handlers::{Sent, Slots, check_length, discard, promised_length};
use crate::incoming::{self, Feed};
use crate::io::Tap;
use crate::mailbox::{Mail, Mailbox};
use crate::message::{Request, Response};
use crate::run::{App, Driver, Link, Report, Wiring};

/// How to run a client's connection.
#[non_exhaustive]
pub struct Options {
    /// Limits, windows and timeouts.
    pub config: Config,
    /// Watches every octet.
    pub tap: Option<Tap>,
    /// A socket that takes nothing for this long is closed.
    pub write_timeout: Duration,
    /// Requests that may wait for a concurrency slot; further ones fail at once.
    pub max_waiting: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { config: Config::client(), tap: None, write_timeout: Duration::from_secs(30), max_waiting: 10_000 }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("client::Options").field("config", &self.config).finish_non_exhaustive()
    }
}

/// Sends requests on one connection. Cheap to clone; when the last clone is dropped the connection finishes what is under way
/// and closes.
#[derive(Debug, Clone)]
pub struct Client(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    mailbox: Arc<Mailbox>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        let _ = self.mailbox.post(Mail::Unused);
    }
}

impl Client {
    /// Sends a request and waits for the response's header section; its body follows as it is read. Requests beyond the
    /// server's stream limit wait for a slot. Dropping the future cancels the request with RST_STREAM(CANCEL); so does dropping
    /// the response's body before its end.
    ///
    /// # Errors
    /// The stream was reset or refused, the connection ended, or the fields would make a malformed request.
    pub fn send(&self, request: Request) -> impl Future<Output = Result<Response, Error>> + Send + use<> {
        let exchange = Exchange::new();
        let open = Open { request, exchange: Arc::clone(&exchange) };
        if let Err(Mail::Open(open)) = self.0.mailbox.post(Mail::Open(open)) {
            open.fail(&Error::new(Kind::Closed));
        }
        let waiting = Waiting::new(exchange, Arc::clone(&self.0.mailbox));
        let keep = self.clone();
        async move {
            let _keep = keep;
            waiting.await
        }
    }

    /// Finishes what is under way, takes no more requests, and closes.
    pub fn shut_down(&self) {
        let _ = self.0.mailbox.post(Mail::ShutDown);
    }
}

/// A client's end on any transport: the handle to send with, and the future that runs the connection until it is closed.
///
/// # Errors
/// A configuration value out of range.
pub fn handshake<T>(
    transport: T,
    options: Options,
) -> Result<(Client, impl Future<Output = Report> + Send), ConfigError>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    options.config.validate()?;
    let mailbox = Arc::new(Mailbox::default());
    let app = Requests {
        slots: Slots::new(),
        under_way: HashMap::default(),
        waiting: VecDeque::new(),
        withdrawn: 0,
        max_waiting: options.max_waiting,
        report_from: incoming::report_from(&options.config, options.config.max_open_streams),
    };
    let config = options.config;
    let wiring = Wiring { mailbox: Arc::clone(&mailbox), tap: options.tap, write_timeout: options.write_timeout };
    let driver = Driver::new(transport, app, wiring, |now| Connection::client(config, now));
    Ok((Client(Arc::new(Shared { mailbox })), driver))
}

/// A request on its way to the connection's task.
#[derive(Debug)]
pub(crate) struct Open {
    request: Request,
    exchange: Arc<Exchange>,
}

impl Open {
    pub(crate) fn fail(self, error: &Error) {
        self.exchange.complete(Err(error.clone()));
        discard(self.request);
    }
}

/// A request under way.
struct UnderWay {
    exchange: Arc<Exchange>,
    /// Where the response's body goes; set once it has begun.
    feed: Option<Feed>,
    interim: Vec<Fields>,
    /// The slot that sends the request's body.
    slot: Option<u32>,
    /// The response's header section is here.
    answered: bool,
}

/// Never polled: a client's slots only hold bodies.
struct NoHandler;

impl Future for NoHandler {
    type Output = Response;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Response> {
        Poll::Pending
    }
}

struct Requests {
    slots: Slots<NoHandler>,
    under_way: HashMap<StreamId, UnderWay, BuildHasherDefault<FnvHasher>>,
    waiting: VecDeque<Open>,
    /// Callers that went away before their request was sent; some of them may be among those waiting.
    withdrawn: usize,
    max_waiting: usize,
    report_from: u32,
}

impl App for Requests {
    type Observer = ();

    fn event(&mut self, event: Event, link: &mut Link<'_, ()>) {
        match event {
            Event::Headers { id, fields, end } => self.headers(id, fields, end, link),
            Event::Data { id, data, end } => self.data(id, data, end, link),
            Event::Trailers { id, fields } => {
                if let Some(feed) = self.under_way.get_mut(&id).and_then(|u| u.feed.take()) {
                    feed.end(Some(fields));
                }
                self.response_ended(id);
            }
            Event::Reset { id, cause } => self.reset(id, cause, link),
            Event::Writable { id } => {
                if let Some(n) = self.under_way.get(&id).and_then(|u| u.slot) {
                    self.send_body(n, link);
                }
            }
            Event::SlotFree => self.open_waiting(link),
            Event::GoAway { .. } => {
                for open in self.waiting.drain(..) {
                    open.fail(&SendError::GoingAway.into());
                }
            }
            _ => {}
        }
    }

    fn mail(&mut self, mail: Mail, link: &mut Link<'_, ()>) {
        match mail {
            Mail::Open(open) => {
                if self.waiting.is_empty() {
                    self.open(open, link);
                } else {
                    self.wait(open);
                }
            }
            Mail::Woken(n) => self.send_body(n, link),
            Mail::Cancel(id) if id.is_connection() => self.withdraw(),
            Mail::Cancel(id) => {
                link.conn.reset(id, ErrorCode::CANCEL);
                self.forget(id);
            }
            Mail::Unread(id, octets) => {
                link.conn.release(id, octets);
                // Nobody wants the rest of the response.
                link.conn.reset(id, ErrorCode::CANCEL);
                self.forget(id);
            }
            _ => {}
        }
    }

    fn rest(&mut self) {
        self.slots.rest();
        self.waiting.shrink_to(0);
    }

    fn end(&mut self, error: &Error) {
        for open in self.waiting.drain(..) {
            open.fail(error);
        }
        for (id, under_way) in self.under_way.drain() {
            let error = error.clone().on(id);
            if let Some(feed) = under_way.feed {
                feed.fail(error.clone());
            }
            under_way.exchange.complete(Err(error));
        }
        self.slots.clear_all();
    }
}

impl Requests {
    /// Opens what waits until one has to go on waiting: that one has asked for the next `SlotFree`. Callers that have gone ask
    /// for nothing, so the last word must not be theirs.
    fn open_waiting(&mut self, link: &mut Link<'_, ()>) {
        while let Some(open) = self.waiting.pop_front() {
            let others = self.waiting.len();
            self.open(open, link);
            if self.waiting.len() > others {
                break;
            }
        }
    }

    fn wait(&mut self, open: Open) {
        if self.waiting.len() >= self.max_waiting {
            return open.fail(&SendError::NoSlot.into());
        }
        self.waiting.push_back(open);
    }

    /// A caller went away before its request was sent. When half of those who wait may be such, their places are cleared.
    fn withdraw(&mut self) {
        self.withdrawn += 1;
        if self.withdrawn * 2 >= self.waiting.len() {
            self.withdrawn = 0;
            let mut waiting = std::mem::take(&mut self.waiting);
            for open in waiting.drain(..) {
                if open.exchange.is_abandoned() {
                    discard(open);
                } else {
                    self.waiting.push_back(open);
                }
            }
        }
    }

    fn open(&mut self, open: Open, link: &mut Link<'_, ()>) {
        if open.exchange.is_abandoned() {
            return discard(open);
        }
        let promised = promised_length(open.request.fields());
        let Open { request, exchange } = open;
        let (fields, mut body) = request.into_parts();
        if let Err(e) = check_length(promised, &body) {
            return exchange.complete(Err(e.into()));
        }
        let end = if body.is_empty() { End::Last } else { End::More };
        let id = match link.conn.open(&fields, end) {
            Ok(id) => id,
            // A connection that has failed is about to say why: whoever waits is told that.
            Err(e @ (SendError::NoSlot | SendError::Dead)) => {
                let request = Request::from_fields(fields).with_body(body);
                if self.waiting.len() >= self.max_waiting {
                    return exchange.complete(Err(e.into()));
                }
                return self.waiting.push_front(Open { request, exchange });
            }
            Err(e) => {
                discard(body);
                return exchange.complete(Err(e.into()));
            }
        };
        link.conn.recycle(fields);
        if !exchange.started(id) {
            discard(body);
            return link.conn.reset(id, ErrorCode::CANCEL);
        }
        let mut slot = None;
        if end == End::More {
            if let Some(whole) = body.take_whole() {
                // Cannot fail: the header section has just gone before it.
                let _ = link.conn.send_data(id, whole, End::Last);
            } else {
                let n = self.slots.take(id, link.mailbox);
                if let Some(place) = self.slots.get_mut(n) {
                    place.set_body(body, promised);
                }
                slot = Some(n);
            }
        }
        let under_way = UnderWay { exchange, feed: None, interim: Vec::new(), slot, answered: false };
        self.under_way.insert(id, under_way);
        if let Some(n) = slot {
            self.send_body(n, link);
        }
    }

    fn headers(&mut self, id: StreamId, fields: Fields, end: End, link: &mut Link<'_, ()>) {
        let Some(under_way) = self.under_way.get_mut(&id) else { return };
        let is_interim = matches!(fields.find(Token::STATUS), Some([b'1', ..]));
        if is_interim {
            return under_way.interim.push(fields);
        }
        under_way.answered = true;
        let body = match end {
            End::Last => Body::empty(),
            End::More => {
                let (feed, incoming) = incoming::pair(id, link.mailbox, self.report_from);
                under_way.feed = Some(feed);
                Body::incoming(incoming)
            }
        };
        let interim = std::mem::take(&mut under_way.interim);
        under_way.exchange.complete(Ok(Response::received(fields, body, interim)));
        if end.is_last() {
            self.response_ended(id);
        }
    }

    fn data(&mut self, id: StreamId, data: Bytes, end: End, link: &mut Link<'_, ()>) {
        let octets = u32::try_from(data.len()).unwrap_or(u32::MAX);
        match self.under_way.get(&id).and_then(|u| u.feed.as_ref()) {
            Some(feed) if octets > 0 && feed.data(data) => {}
            // Nobody reads it any more.
            _ => link.conn.release(id, octets),
        }
        if end.is_last() {
            if let Some(feed) = self.under_way.get_mut(&id).and_then(|u| u.feed.take()) {
                feed.end(None);
            }
            self.response_ended(id);
        }
    }

    /// The response is complete. What is left of the request is still sent: the server may want it.
    fn response_ended(&mut self, id: StreamId) {
        if self.under_way.get(&id).is_some_and(|u| u.slot.is_none()) {
            self.under_way.remove(&id);
        }
    }

    fn reset(&mut self, id: StreamId, cause: Cause, link: &mut Link<'_, ()>) {
        if let Some(under_way) = self.under_way.remove(&id) {
            let error = Error::from(cause).on(id);
            // RFC 9113 §8.1: a complete response stands, whatever the server then says of the request.
            if let Some(feed) = under_way.feed {
                feed.fail(error.clone());
            }
            if !under_way.answered {
                under_way.exchange.complete(Err(error));
            }
            if let Some(n) = under_way.slot {
                self.slots.clear(n);
            }
        }
        self.open_waiting(link);
    }

    /// Nobody waits for it any more.
    fn forget(&mut self, id: StreamId) {
        if let Some(n) = self.under_way.remove(&id).and_then(|u| u.slot) {
            self.slots.clear(n);
        }
    }

    /// Sends what there is of a request's body and room for.
    fn send_body(&mut self, n: u32, link: &mut Link<'_, ()>) {
        let Some(slot) = self.slots.get_mut(n) else { return };
        let id = slot.id;
        match slot.send_body(link.conn) {
            Sent::Waits => return,
            Sent::All => {}
            Sent::Failed(error) => {
                link.conn.reset(id, ErrorCode::CANCEL);
                if let Some(under_way) = self.under_way.remove(&id) {
                    let error = error.on(id);
                    if let Some(feed) = under_way.feed {
                        feed.fail(error.clone());
                    }
                    under_way.exchange.complete(Err(error));
                }
            }
        }
        self.slots.clear(n);
        if let Some(under_way) = self.under_way.get_mut(&id) {
            under_way.slot = None;
            let response_is_over = under_way.answered && under_way.feed.is_none();
            if response_is_over {
                self.under_way.remove(&id);
            }
        }
    }
}
