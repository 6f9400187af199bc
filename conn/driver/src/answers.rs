//! What becomes of a server's requests: a handler is called and polled at once, its response goes out with everybody else's.

use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasherDefault;
use std::sync::Arc;

use bytes::Bytes;
use fnv::FnvHasher;
use pellucid_conn::{End, ErrorCode, Event, Fields, SendError, StreamId};
use pellucid_hpack::Token;

use crate::body::Body;
use crate::control::{Command, Push};
use crate::error::Error;
use crate::expect::expects_continue;
use crate::handlers::{Polled, Sent, Slots, check_length, discard, promised_length};
use crate::incoming::{self, Feed};
use crate::mailbox::Mail;
use crate::message::{Request, Response, Shared};
use crate::pool;
use crate::run::{App, Link};
use crate::service::Service;
use crate::trace;

type IdMap<V> = HashMap<StreamId, V, BuildHasherDefault<FnvHasher>>;

pub(crate) struct Answers<S: Service> {
    service: S,
    slots: Slots<S::Future>,
    /// Slots of streams whose handler or body is not done; streams answered at once never get here.
    working: IdMap<u32>,
    /// Request bodies that are still arriving.
    feeds: IdMap<Feed>,
    /// A request with content whose first piece may be right behind it, and all of it.
    held: Option<(StreamId, Fields)>,
    /// Pushed responses that wait until the client allows another stream.
    pushes: VecDeque<Promised>,
    shared: Arc<Shared>,
    report_from: u32,
}

/// A response to a request that was promised.
struct Promised {
    id: StreamId,
    is_head: bool,
    response: Response,
}

impl<S: Service> App for Answers<S> {
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
                self.unpromise(id);
                self.done(id, link);
            }
            Event::Writable { id } => {
                if let Some(&n) = self.working.get(&id) {
                    self.send_body(n, link);
                }
            }
            Event::SlotFree => self.begin_pushes(link),
            _ => {}
        }
    }

    fn command(&mut self, id: StreamId, command: Command, link: &mut Link<'_, ()>) {
        match command {
            Command::Inform(fields) => self.inform(id, fields, link),
            Command::Push(push) => self.push(id, *push, link),
            Command::Priority(priority) => link.conn.set_priority(id, priority),
            Command::AltSvc(value) => link.conn.send_alt_svc(id, b"", &value),
            Command::Reset(code) => {
                link.conn.reset(id, code);
                self.feeds.remove(&id);
                self.done(id, link);
            }
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
            Mail::Unread(id, octets) | Mail::Parting(id, octets) => {
                link.conn.release(id, octets);
                self.feeds.remove(&id);
                link.conn.stop_reading(id);
            }
            Mail::Continue(id) => {
                let mut fields = pool::take();
                fields.push_token(Token::STATUS, b"100");
                self.inform(id, fields, link);
            }
            Mail::Origins(origins) => {
                let list: Vec<&[u8]> = origins.iter().map(|o| o.as_ref()).collect();
                link.conn.send_origin(&list);
            }
            _ => {}
        }
    }

    fn rest(&mut self) {
        self.slots.rest();
        self.working.shrink_to(0);
        self.feeds.shrink_to(0);
        self.pushes.shrink_to(0);
    }

    fn end(&mut self, error: &Error) {
        for (id, feed) in self.feeds.drain() {
            feed.fail(error.clone().on(id));
        }
        self.pushes.drain(..).for_each(discard);
        self.working.clear();
        self.slots.clear_all();
    }
}

impl<S: Service> Answers<S> {
    pub(crate) fn new(service: S, shared: Arc<Shared>, report_from: u32) -> Self {
        Self {
            service,
            slots: Slots::new(),
            working: HashMap::default(),
            feeds: HashMap::default(),
            held: None,
            pushes: VecDeque::new(),
            shared,
            report_from,
        }
    }

    /// Sends an interim response; 100 (Continue) but once. Too late when the response is out, or the stream gone: then nobody
    /// waits for it.
    fn inform(&mut self, id: StreamId, fields: Fields, link: &mut Link<'_, ()>) {
        let is_due =
            fields.find(Token::STATUS) != Some(b"100") || self.feeds.get_mut(&id).is_none_or(Feed::continue_once);
        if is_due && let Err(e) = link.conn.send_headers(id, &fields, End::More) {
            tracing::debug!(stream = id.get(), error = %e, "an interim response is not sent");
        }
        link.conn.recycle(fields);
    }

    /// A request whose body is still to come.
    fn begin_streaming(&mut self, id: StreamId, fields: Fields, link: &mut Link<'_, ()>) {
        // RFC 9110 §10.1.1: the client holds its content back until it is told to go on.
        let expects = expects_continue(&fields);
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
        let request = Request::received(fields, body, id, &self.shared);
        let n = self.slots.take(id, link.mailbox);
        let service = &self.service;
        let Some(slot) = self.slots.get_mut(n) else { return };
        slot.is_head = is_head;
        slot.is_request = true;
        let span = trace::received(id, &request);
        if !span.is_disabled() {
            slot.span = span;
        }
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
        // What the handler said before it answered goes before its answer.
        for (id, command) in link.mailbox.take_commands(Some(id)) {
            self.command(id, command, link);
        }
        let Some(slot) = self.slots.get_mut(n).filter(|slot| slot.id == id) else { return discard(response) };
        let is_head = slot.is_head;
        if !slot.span.is_disabled() {
            slot.span.record("status", response.status());
        }
        let (mut fields, mut body) = response.into_parts();
        let status = fields.find(Token::STATUS);
        let never_has_any = matches!(status, Some(b"204" | b"205"));
        let has_none = is_head || never_has_any || status == Some(b"304");
        // RFC 9110 §8.6, §15.3.6: what never has content has no length that anybody may tell.
        if never_has_any {
            fields.remove(Token::CONTENT_LENGTH);
        }
        let promised = if has_none { None } else { promised_length(&fields) };
        let end = if has_none || body.is_empty() { End::Last } else { End::More };
        let sent = check_final(&fields)
            .and_then(|()| check_length(promised, &body))
            .and_then(|()| link.conn.send_headers(id, &fields, end));
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
        let Some(id) = self.slots.get_mut(n).filter(|slot| !slot.is_handling()).map(|slot| slot.id) else { return };
        // What was said for the stream goes before its end: a body that is let go of after a reset is not complete.
        for (id, command) in link.mailbox.take_commands(Some(id)) {
            self.command(id, command, link);
        }
        let Some(slot) = self.slots.get_mut(n).filter(|slot| slot.id == id) else { return };
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
        let was_request = self.slots.get_mut(n).is_some_and(|slot| slot.is_request);
        self.slots.clear(n);
        if was_request {
            link.conn.finished(id);
        }
    }

    /// Promises a request and answers it, now or when the client allows another stream (RFC 9113 §5.1.2).
    fn push(&mut self, on: StreamId, push: Push, link: &mut Link<'_, ()>) {
        let Push { request, response, outcome } = push;
        let is_head = request.method() == b"HEAD";
        let (fields, body) = request.into_parts();
        // Those that wait are held here, and a client that allows no streams lets them wait for ever.
        let has_room = self.pushes.len() < link.conn.config().max_concurrent_streams as usize;
        let promised = match (body.is_empty(), has_room) {
            (true, true) => link.conn.push(on, &fields),
            (true, false) => Err(SendError::NoSlot),
            (false, _) => Err(SendError::Malformed("a promised request has no content")),
        };
        discard(body);
        pool::give(fields);
        match promised {
            Ok(id) => self.pushes.push_back(Promised { id, is_head, response }),
            Err(_) => discard(response),
        }
        // Who does not wait for it need not be told.
        let _ = outcome.send(promised.map_err(|e| Error::from(e).on(on)));
        self.begin_pushes(link);
    }

    /// A promised response that waits is not wanted any more.
    fn unpromise(&mut self, id: StreamId) {
        if let Some(place) = self.pushes.iter().position(|promised| promised.id == id) {
            discard(self.pushes.remove(place));
        }
    }

    /// Answers promised requests while the client allows it.
    fn begin_pushes(&mut self, link: &mut Link<'_, ()>) {
        while link.conn.has_slot()
            && let Some(Promised { id, is_head, response }) = self.pushes.pop_front()
        {
            let n = self.slots.take(id, link.mailbox);
            if let Some(slot) = self.slots.get_mut(n) {
                slot.is_head = is_head;
            }
            self.respond(n, id, response, link);
        }
        if !self.pushes.is_empty() {
            link.conn.want_slot();
        }
    }
}

/// RFC 9110 §15.2: what ends a handler is final; interim responses go before it.
fn check_final(fields: &Fields) -> Result<(), SendError> {
    match fields.find(Token::STATUS) {
        Some([b'1', ..]) => Err(SendError::Malformed("an interim response answers nothing")),
        _ => Ok(()),
    }
}
