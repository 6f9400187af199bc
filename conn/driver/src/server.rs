//! The server's end: events become requests, handlers are polled at once, their responses go out with everybody else's.

use std::collections::HashMap;
use std::future::Future;
use std::hash::BuildHasherDefault;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fnv::FnvHasher;
use pellucid_conn::h2::{Config, Connection};
use pellucid_conn::{End, ErrorCode, Event, Fields, StreamId};
use pellucid_hpack::Token;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::body::Body;
use crate::error::Error;
use crate::handlers::{Polled, Sent, Slots, check_length, discard, promised_length};
use crate::incoming::{self, Feed};
use crate::io::Tap;
use crate::mailbox::{Mail, Mailbox};
use crate::message::{Info, Request, Response};
use crate::pool;
use crate::run::{App, Driver, Link, Report, Wiring};
use crate::service::Service;

/// How to serve a connection.
#[non_exhaustive]
pub struct Options {
    /// Limits, windows and timeouts.
    pub config: Config,
    /// What handlers may know of the connection.
    pub info: Info,
    /// Watches every octet; the costs of watching are the watcher's.
    pub tap: Option<Tap>,
    /// A socket that takes nothing for this long is closed.
    pub write_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { config: Config::server(), info: Info::default(), tap: None, write_timeout: Duration::from_secs(30) }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("server::Options")
            .field("config", &self.config)
            .field("info", &self.info)
            .finish_non_exhaustive()
    }
}

/// Tells a connection to leave politely: no new streams, those that are open may finish. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Handle(Arc<Mailbox>);

impl Handle {
    /// Begins the drain; done when the connection's future completes.
    pub fn shut_down(&self) {
        // A connection that is over needs no telling.
        let _ = self.0.post(Mail::ShutDown);
    }
}

/// Serves one connection on any transport, by HTTP/2 with prior knowledge. The future completes when it is closed; dropping it
/// cuts the connection off.
pub fn serve_connection<T, S>(transport: T, service: S, options: Options) -> impl Future<Output = Report> + Send
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service,
{
    serve_with_handle(transport, Arc::new(service), options).0
}

/// As [`serve_connection`], with a service shared by many connections and a handle to drain this one.
pub fn serve_with_handle<T, S>(
    transport: T,
    service: Arc<S>,
    options: Options,
) -> (impl Future<Output = Report> + Send, Handle)
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service,
{
    let mailbox = Arc::new(Mailbox::default());
    let app = Server {
        service,
        slots: Slots::new(),
        working: HashMap::default(),
        feeds: HashMap::default(),
        held: None,
        info: Arc::new(options.info),
        report_from: incoming::report_from(&options.config, options.config.max_concurrent_streams),
    };
    let config = options.config;
    let wiring = Wiring { mailbox: Arc::clone(&mailbox), tap: options.tap, write_timeout: options.write_timeout };
    let driver = Driver::new(transport, app, wiring, |now| Connection::server(config, now));
    (driver, Handle(mailbox))
}

type IdMap<V> = HashMap<StreamId, V, BuildHasherDefault<FnvHasher>>;

struct Server<S: Service> {
    service: Arc<S>,
    slots: Slots<S::Future>,
    /// Slots of streams whose handler or body is not done; streams answered at once never get here.
    working: IdMap<u32>,
    /// Request bodies that are still arriving.
    feeds: IdMap<Feed>,
    /// A request with content whose first piece may be right behind it, and all of it.
    held: Option<(StreamId, Fields)>,
    info: Arc<Info>,
    report_from: u32,
}

impl<S: Service> App for Server<S> {
    type Observer = ();

    fn event(&mut self, event: Event, link: &mut Link<'_, ()>) {
        if let Some((id, fields)) = self.held.take() {
            match event {
                // The whole body is here: it goes by value.
                Event::Data { id: of, data, end: End::Last } if of == id => {
                    link.conn.release(id, u32::try_from(data.len()).unwrap_or(u32::MAX));
                    return self.begin(id, fields, data.into(), link);
                }
                other => {
                    self.begin_streaming(id, fields, link);
                    return self.event(other, link);
                }
            }
        }
        match event {
            Event::Headers { id, fields, end: End::Last } => self.begin(id, fields, Body::empty(), link),
            Event::Headers { id, fields, end: End::More } => self.held = Some((id, fields)),
            Event::Data { id, data, end } => self.data(id, data, end, link),
            Event::Trailers { id, fields } => {
                if let Some(feed) = self.feeds.remove(&id) {
                    feed.end(Some(fields));
                }
            }
            Event::Reset { id, cause } => {
                if let Some(feed) = self.feeds.remove(&id) {
                    feed.fail(Error::from(cause).on(id));
                }
                self.done(id, link);
            }
            Event::Writable { id } => {
                if let Some(&n) = self.working.get(&id) {
                    self.send_body(n, link);
                }
            }
            _ => {}
        }
    }

    fn settle(&mut self, link: &mut Link<'_, ()>) {
        if let Some((id, fields)) = self.held.take() {
            self.begin_streaming(id, fields, link);
        }
    }

    fn mail(&mut self, mail: Mail, link: &mut Link<'_, ()>) {
        match mail {
            Mail::Woken(n) => self.woken(n, link),
            Mail::Unread(id, octets) => {
                link.conn.release(id, octets);
                self.feeds.remove(&id);
                link.conn.stop_reading(id);
            }
            Mail::Continue(id) => {
                let mut fields = pool::take();
                fields.push_token(Token::STATUS, b"100");
                // Too late when the response is out already: then nobody waits for it.
                let _ = link.conn.send_headers(id, &fields, End::More);
                pool::give(fields);
            }
            _ => {}
        }
    }

    fn rest(&mut self) {
        self.slots.rest();
    }

    fn end(&mut self, error: &Error) {
        for (id, feed) in self.feeds.drain() {
            feed.fail(error.clone().on(id));
        }
        self.working.clear();
        self.slots.clear_all();
    }
}

impl<S: Service> Server<S> {
    /// A request whose body is still to come.
    fn begin_streaming(&mut self, id: StreamId, fields: Fields, link: &mut Link<'_, ()>) {
        // RFC 9110 §10.1.1: the client holds its content back until it is told to go on.
        let expects = fields.find(Token::EXPECT).is_some_and(|v| v.eq_ignore_ascii_case(b"100-continue"));
        let (feed, mut incoming) = incoming::pair(id, link.mailbox, self.report_from);
        if expects {
            incoming = incoming.expects_continue();
        }
        self.feeds.insert(id, feed);
        self.begin(id, fields, Body::incoming(incoming), link);
    }

    /// Calls the handler and polls it at once: most are ready now.
    fn begin(&mut self, id: StreamId, fields: Fields, body: Body, link: &mut Link<'_, ()>) {
        let is_head = fields.find(Token::METHOD) == Some(b"HEAD");
        let request = Request::received(fields, body, id, &self.info);
        let n = self.slots.take(id, link.mailbox);
        let service = &self.service;
        let Some(slot) = self.slots.get_mut(n) else { return };
        slot.is_head = is_head;
        let polled = slot.begin(|| service.call(request));
        self.after_poll(n, id, polled, link);
    }

    fn woken(&mut self, n: u32, link: &mut Link<'_, ()>) {
        let Some(slot) = self.slots.get_mut(n) else { return };
        let id = slot.id;
        if slot.is_handling() {
            let polled = slot.poll_handler();
            self.after_poll(n, id, polled, link);
        } else {
            self.send_body(n, link);
        }
    }

    fn after_poll(&mut self, n: u32, id: StreamId, polled: Polled, link: &mut Link<'_, ()>) {
        match polled {
            Polled::Pending => {
                self.working.insert(id, n);
            }
            Polled::Ready(response) => self.respond(n, id, response, link),
            Polled::Panicked => {
                // The panic's own message has been printed by its hook; only this stream suffers.
                self.abort(n, id, link);
            }
        }
    }

    fn respond(&mut self, n: u32, id: StreamId, response: Response, link: &mut Link<'_, ()>) {
        let is_head = self.slots.get_mut(n).is_some_and(|s| s.is_head);
        let (fields, mut body) = response.into_parts();
        let has_none = is_head || matches!(fields.find(Token::STATUS), Some(b"204" | b"304"));
        let promised = if has_none { None } else { promised_length(&fields) };
        let end = if has_none || body.is_empty() { End::Last } else { End::More };
        let sent = check_length(promised, &body).and_then(|()| link.conn.send_headers(id, &fields, end));
        link.conn.recycle(fields);
        if let Err(e) = sent {
            tracing::debug!(stream = id.get(), error = %e, "the response cannot be sent");
            discard(body);
            return self.abort(n, id, link);
        }
        if end.is_last() {
            discard(body);
            return self.free(n, id, link);
        }
        if let Some(whole) = body.take_whole() {
            // Cannot fail: the header section has just gone before it.
            let _ = link.conn.send_data(id, whole, End::Last);
            return self.free(n, id, link);
        }
        if let Some(slot) = self.slots.get_mut(n) {
            slot.set_body(body, promised);
        }
        self.working.insert(id, n);
        self.send_body(n, link);
    }

    /// Sends what there is of the response's body and room for.
    fn send_body(&mut self, n: u32, link: &mut Link<'_, ()>) {
        let Some(slot) = self.slots.get_mut(n) else { return };
        let id = slot.id;
        if slot.is_handling() {
            return;
        }
        match slot.send_body(link.conn) {
            Sent::Waits => {}
            Sent::All => self.free(n, id, link),
            Sent::Failed(e) => {
                tracing::debug!(stream = id.get(), error = %e, "the response's body failed");
                self.abort(n, id, link);
            }
        }
    }

    fn data(&mut self, id: StreamId, data: Bytes, end: End, link: &mut Link<'_, ()>) {
        let octets = u32::try_from(data.len()).unwrap_or(u32::MAX);
        match self.feeds.get(&id) {
            Some(feed) if octets > 0 && feed.data(data) => {}
            // Nobody reads it any more.
            _ => link.conn.release(id, octets),
        }
        if end.is_last()
            && let Some(feed) = self.feeds.remove(&id)
        {
            feed.end(None);
        }
    }

    /// The stream is gone: so is the interest in its response.
    fn done(&mut self, id: StreamId, link: &mut Link<'_, ()>) {
        if let Some(&n) = self.working.get(&id) {
            self.free(n, id, link);
        }
    }

    /// The response cannot be completed: the client is told, and so is whoever still reads the request.
    fn abort(&mut self, n: u32, id: StreamId, link: &mut Link<'_, ()>) {
        link.conn.reset(id, ErrorCode::INTERNAL_ERROR);
        self.feeds.remove(&id);
        self.free(n, id, link);
    }

    /// The handler has ended and holds nothing any more: its slot, and its place in the concurrency limit, are free (R2).
    fn free(&mut self, n: u32, id: StreamId, link: &mut Link<'_, ()>) {
        if !self.working.is_empty() {
            self.working.remove(&id);
        }
        self.slots.clear(n);
        link.conn.finished(id);
    }
}
