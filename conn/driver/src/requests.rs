//! What becomes of a client's requests: they wait, get a stream, send their bodies, and are answered or fail.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::hash::BuildHasherDefault;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use fnv::FnvHasher;
use pellucid_conn::{Cause, End, ErrorCode, Event, Fields, SendError, StreamId};
use pellucid_hpack::Token;
use tracing::Span;

use crate::body::Body;
use crate::client::{Notice, Notices, Pushed};
use crate::control::{Command, Control};
use crate::error::Error;
use crate::exchange::{Exchange, ResponseFuture};
use crate::expect::{Gate, expects_continue, hold_back};
use crate::handlers::{Sent, Slots, check_length, discard, promised_length};
use crate::incoming::{self, Feed};
use crate::mailbox::Mail;
use crate::message::{OnInterim, Request, Response};
use crate::run::{App, Link};

/// A request on its way to the connection's task.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) request: Request,
    pub(crate) exchange: Arc<Exchange>,
}

impl Open {
    pub(crate) fn fail(self, error: &Error) {
        self.exchange.fail(error.clone(), Some(self.request));
    }
}

/// A request under way.
struct UnderWay {
    exchange: Arc<Exchange>,
    /// The request, while it could be sent again: its whole body is here and no response has come.
    kept: Option<Request>,
    /// Where the response's body goes; set once it has begun.
    feed: Option<Feed>,
    interim: Vec<Response>,
    on_interim: Callback,
    /// Holds the request's body back until the server wants it.
    gate: Option<Gate>,
    /// Its content is not wanted, and will not come.
    is_withheld: bool,
    /// The slot that sends the request's body.
    slot: Option<u32>,
    /// The response's header section is here.
    answered: bool,
}

impl UnderWay {
    fn interim(&mut self, fields: Fields) {
        if fields.find(Token::STATUS) == Some(b"100")
            && let Some(gate) = &self.gate
        {
            gate.open();
        }
        let response = Response::from_fields(fields);
        match &mut self.on_interim.0 {
            Some(call) => discard(catch_unwind(AssertUnwindSafe(|| call(response)))),
            None => self.interim.push(response),
        }
    }

    fn new(exchange: Arc<Exchange>) -> Self {
        let (kept, feed, gate, slot) = (None, None, None, None);
        let (interim, on_interim) = (Vec::new(), Callback(None));
        Self { exchange, kept, feed, interim, on_interim, gate, is_withheld: false, slot, answered: false }
    }

    /// RFC 9113 §8.1: a complete response stands, whatever the server then says of the request.
    fn fail(mut self, error: &Error) {
        if let Some(feed) = self.feed {
            feed.fail(error.clone().after_answer());
        }
        if !self.answered {
            let kept = match (self.kept, self.on_interim.0.take()) {
                (Some(request), Some(call)) => Some(request.on_interim(call)),
                (kept, _) => kept,
            };
            self.exchange.fail(error.clone(), kept);
        }
    }
}

/// A request's own callback. A panic in its destructor stays here.
struct Callback(Option<OnInterim>);

impl Drop for Callback {
    fn drop(&mut self) {
        discard(self.0.take());
    }
}

/// Never polled: a client's slots only hold bodies.
struct NoHandler;

impl Future for NoHandler {
    type Output = Response;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Response> {
        Poll::Pending
    }
}

pub(crate) struct Requests {
    slots: Slots<NoHandler>,
    under_way: HashMap<StreamId, UnderWay, BuildHasherDefault<FnvHasher>>,
    waiting: VecDeque<Open>,
    /// Requests that need to know the server's settings first.
    early: Vec<Open>,
    has_settings: bool,
    /// Callers that went away before their request was sent; some of them may be among those waiting.
    withdrawn: usize,
    max_waiting: usize,
    report_from: u32,
    notices: Option<Notices>,
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
                self.response_ended(id, link);
            }
            Event::Reset { id, cause } => self.reset(id, cause, link),
            Event::Writable { id } => {
                if let Some(n) = self.under_way.get(&id).and_then(|u| u.slot) {
                    self.send_body(n, link);
                }
            }
            Event::SlotFree => self.open_waiting(link),
            Event::Promise { on, id, fields } => self.promised(on, id, *fields, link),
            other => {
                self.notify(|| Notice::of(&other));
                self.learn(&other, link);
            }
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
            Mail::Parting(id, octets) => {
                link.conn.release(id, octets);
                link.conn.stop_reading(id);
                let Some(under_way) = self.under_way.get_mut(&id) else { return };
                under_way.feed = None;
                if under_way.slot.is_none() {
                    self.forget(id);
                }
            }
            _ => {}
        }
    }

    fn command(&mut self, id: StreamId, command: Command, link: &mut Link<'_, ()>) {
        match command {
            Command::Priority(priority) => link.conn.set_priority(id, priority),
            Command::Reset(code) => {
                link.conn.reset(id, code);
                self.forget(id);
            }
            // A server's.
            Command::Push(push) => push.refuse(Error::from(SendError::WrongRole).on(id)),
            Command::Inform(_) | Command::AltSvc(_) => {}
        }
    }

    fn waiting(&self) -> usize {
        self.waiting.len() + self.early.len()
    }

    fn rest(&mut self) {
        self.slots.rest();
        self.waiting.shrink_to(0);
        self.under_way.shrink_to(0);
    }

    fn end(&mut self, error: &Error) {
        for open in self.waiting.drain(..).chain(self.early.drain(..)) {
            open.fail(error);
        }
        for (id, under_way) in self.under_way.drain() {
            under_way.fail(&error.clone().on(id));
        }
        self.slots.clear_all();
    }
}

impl Requests {
    pub(crate) fn new(max_waiting: usize, report_from: u32, notices: Option<Notices>) -> Self {
        Self {
            slots: Slots::new(),
            under_way: HashMap::default(),
            waiting: VecDeque::new(),
            early: Vec::new(),
            has_settings: false,
            withdrawn: 0,
            max_waiting,
            report_from,
            notices,
        }
    }

    /// Tells whoever listens. A listener that panics harms nobody.
    fn notify(&mut self, notice: impl FnOnce() -> Option<Notice>) {
        if let Some(listener) = &mut self.notices
            && let Some(notice) = notice()
        {
            let _ = catch_unwind(AssertUnwindSafe(|| listener(notice)));
        }
    }

    /// What the server has said changes what may be sent.
    fn learn(&mut self, event: &Event, link: &mut Link<'_, ()>) {
        match event {
            Event::Settings(_) => {
                self.has_settings = true;
                for open in std::mem::take(&mut self.early) {
                    self.open(open, link);
                }
            }
            Event::GoAway { .. } => {
                link.mailbox.leave();
                for open in self.waiting.drain(..).chain(self.early.drain(..)) {
                    open.fail(&SendError::GoingAway.into());
                }
            }
            _ => {}
        }
    }

    /// The server answers a request that was not made. Nobody who listens: nobody who wants it.
    fn promised(&mut self, on: StreamId, id: StreamId, fields: Fields, link: &mut Link<'_, ()>) {
        if self.notices.is_none() {
            return link.conn.reset(id, ErrorCode::CANCEL);
        }
        let exchange = Exchange::new();
        let _ = exchange.start(|| Ok(id));
        self.under_way.insert(id, UnderWay::new(Arc::clone(&exchange)));
        let response = ResponseFuture::new(exchange, Arc::clone(link.mailbox), None, Span::none());
        let request = Request::from_fields(fields);
        self.notify(|| Some(Notice::Push(Pushed { request, on, response })));
    }

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
        if self.waiting.len() >= self.max_waiting && self.withdrawn > 0 {
            self.clear_places();
        }
        if self.waiting.len() >= self.max_waiting {
            return open.fail(&SendError::NoSlot.into());
        }
        self.waiting.push_back(open);
    }

    /// A caller went away before its request was sent. When half of those who wait may be such, their places are cleared.
    fn withdraw(&mut self) {
        self.withdrawn += 1;
        if self.withdrawn * 2 >= self.waiting.len() {
            self.clear_places();
        }
    }

    fn clear_places(&mut self) {
        self.withdrawn = 0;
        for open in std::mem::take(&mut self.waiting) {
            if open.exchange.is_abandoned() {
                discard(open);
            } else {
                self.waiting.push_back(open);
            }
        }
    }

    fn open(&mut self, open: Open, link: &mut Link<'_, ()>) {
        let promised = promised_length(open.request.fields());
        let Open { mut request, exchange } = open;
        if let Err(e) = check_length(promised, request.body_mut()) {
            return exchange.fail(e.into(), Some(request));
        }
        let end = if request.body_mut().is_empty() { End::Last } else { End::More };
        let id = match exchange.start(|| link.conn.open(request.fields(), end)) {
            Some(Ok(id)) => id,
            Some(Err(e)) => return self.not_opened(Open { request, exchange }, e, link),
            None => return discard(request),
        };
        let mut under_way = UnderWay::new(exchange);
        under_way.on_interim = Callback(request.take_on_interim());
        let mut body = std::mem::take(request.body_mut());
        let holds_back = end == End::More && expects_continue(request.fields());
        match body.take_whole() {
            Some(whole) => {
                body = Body::from(whole.clone());
                under_way.kept = Some(request.with_body(whole));
            }
            None => link.conn.recycle(request.into_parts().0),
        }
        if holds_back {
            let (gate, held) = hold_back(body);
            (under_way.gate, body) = (Some(gate), held);
        }
        if let Some(whole) = body.take_whole() {
            if end == End::More {
                // Cannot fail: the header section has just gone before it.
                let _ = link.conn.send_data(id, whole, End::Last);
            }
            self.under_way.insert(id, under_way);
            return;
        }
        let n = self.slots.take(id, link.mailbox);
        if let Some(place) = self.slots.get_mut(n) {
            place.set_body(body, promised);
        }
        under_way.slot = Some(n);
        self.under_way.insert(id, under_way);
        self.send_body(n, link);
    }

    /// Some obstacles pass; for the others there is another connection, or nothing to be done.
    fn not_opened(&mut self, open: Open, why: SendError, link: &mut Link<'_, ()>) {
        let has_room = self.waiting() < self.max_waiting;
        match why {
            // A connection that has failed is about to say why: whoever waits is told that.
            SendError::NoSlot | SendError::Dead if has_room => self.waiting.push_front(open),
            // RFC 8441 §3: only the server's settings tell whether it may be asked.
            SendError::NoExtendedConnect if has_room && !self.has_settings => self.early.push(open),
            SendError::GoingAway | SendError::IdsExhausted => {
                link.mailbox.leave();
                open.fail(&why.into());
            }
            _ => open.fail(&why.into()),
        }
    }

    fn headers(&mut self, id: StreamId, fields: Fields, end: End, link: &mut Link<'_, ()>) {
        let Some(under_way) = self.under_way.get_mut(&id) else { return };
        if matches!(fields.find(Token::STATUS), Some([b'1', ..])) {
            return under_way.interim(fields);
        }
        under_way.answered = true;
        if let Some(kept) = under_way.kept.take() {
            link.conn.recycle(kept.into_parts().0);
        }
        let body = match end {
            End::Last => Body::empty(),
            End::More => {
                let (feed, incoming) = incoming::pair(id, link.mailbox, self.report_from);
                under_way.feed = Some(feed);
                Body::incoming(incoming)
            }
        };
        let interim = std::mem::take(&mut under_way.interim);
        let is_success = matches!(fields.find(Token::STATUS), Some([b'2', ..]));
        let control = Control::new(link.mailbox, id);
        under_way.exchange.answer(Response::received(fields, body, interim, control));
        if let Some(gate) = under_way.gate.take().filter(|gate| !gate.is_open()) {
            self.answered_early(id, &gate, is_success);
        }
        if end.is_last() {
            self.response_ended(id, link);
        }
    }

    /// RFC 9110 §10.1.1: an answer instead of 100 (Continue). Good news or not, it decides whether the content is still wanted.
    fn answered_early(&mut self, id: StreamId, gate: &Gate, is_success: bool) {
        if is_success {
            return gate.open();
        }
        let Some(n) = self.under_way.get_mut(&id).and_then(|u| u.slot.take()) else { return };
        self.slots.clear(n);
        if let Some(under_way) = self.under_way.get_mut(&id) {
            under_way.is_withheld = true;
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
            self.response_ended(id, link);
        }
    }

    /// The response is complete. What is left of the request is still sent: the server may want it.
    fn response_ended(&mut self, id: StreamId, link: &mut Link<'_, ()>) {
        let Some(under_way) = self.under_way.get(&id) else { return };
        if under_way.is_withheld {
            // RFC 9113 §8.1: a request that will not be completed is given up.
            link.conn.reset(id, ErrorCode::CANCEL);
        }
        if under_way.slot.is_none() {
            self.under_way.remove(&id);
        }
    }

    fn reset(&mut self, id: StreamId, cause: Cause, link: &mut Link<'_, ()>) {
        if let Some(under_way) = self.under_way.remove(&id) {
            if let Some(n) = under_way.slot {
                self.slots.clear(n);
            }
            under_way.fail(&Error::from(cause).on(id));
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
        let Some(id) = self.slots.get_mut(n).map(|slot| slot.id) else { return };
        // What was said for the stream goes before its end: a body that is let go of after a reset is not complete.
        for (id, command) in link.mailbox.take_commands(Some(id)) {
            self.command(id, command, link);
        }
        let Some(slot) = self.slots.get_mut(n).filter(|slot| slot.id == id) else { return };
        match slot.send_body(link.conn) {
            Sent::Waits => return,
            Sent::All => {}
            Sent::Failed(error) => {
                link.conn.reset(id, ErrorCode::CANCEL);
                if let Some(under_way) = self.under_way.remove(&id) {
                    under_way.fail(&error.on(id));
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
