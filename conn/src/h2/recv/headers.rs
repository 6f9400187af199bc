//! HEADERS, CONTINUATION and PUSH_PROMISE (RFC 9113 §6.2, §6.10, §6.6): a block is decoded as it arrives, judged when it is
//! complete, and then becomes a request, a response, trailers, a promise, or nothing.
//!
//! A block is always decoded, whatever becomes of its stream: the compression state belongs to the connection (RFC 9113 §4.3).

use pellucid_frame::{Continuation, End, Headers, PushPromise, StreamId};
use pellucid_hpack::{Fields, Limits, Over, Section, Token};

use crate::error::Cause;
use crate::event::{Event, Refusal};
use crate::h2::connection::Connection;
use crate::h2::fault::Fault;
use crate::h2::limits::Suspicious;
use crate::h2::message::{self, ExtendedConnect, RequestFacts, ResponseFacts};
use crate::h2::role::Role;
use crate::h2::stream::{Closed, Found, Input, Key, Method, Phase, Refused, State};
use crate::h2::violation::Violation;
use crate::observer::Observer;
use crate::time::Time;

/// A field block under way.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) stream: StreamId,
    /// The stream a PUSH_PROMISE reserves.
    promised: Option<StreamId>,
    end: End,
    fields: Fields,
    /// CONTINUATION frames so far.
    frames: u32,
    /// Encoded octets so far.
    octets: u64,
    /// A fault of the frame itself that ends the stream once the block is decoded.
    flaw: Option<Violation>,
    pub(super) since: Time,
}

impl<O: Observer> Connection<O> {
    pub(super) fn on_headers(&mut self, frame: Headers<'_>, now: Time) -> Result<Option<Event>, Fault> {
        self.judge_identifier(frame.stream)?;
        let block = Block {
            stream: frame.stream,
            promised: None,
            end: frame.end(),
            fields: self.fields(),
            frames: 0,
            octets: 0,
            // RFC 7540 §5.3.1: the one rule of the old priorities whose breach is still a stream error.
            flaw: frame.depends_on_itself().then_some(Violation::SelfDependency),
            since: now,
        };
        self.continue_block(block, frame.fragment, frame.end_headers)
            .map_or_else(Err, |whole| whole.map_or(Ok(None), |block| self.complete(block, now)))
    }

    pub(super) fn on_continuation(&mut self, frame: Continuation<'_>, now: Time) -> Result<Option<Event>, Fault> {
        // RFC 9113 §6.10: only behind an unfinished block; `judge_head` has seen to the stream.
        let mut block = self.recv.block.take().ok_or(Violation::ContinuationUnexpected)?;
        block.frames += 1;
        // CVE-2024-27316 and its kin: frames are counted, empty ones too.
        if block.frames > self.config.max_continuation_frames {
            return Err(Violation::TooManyContinuations.into());
        }
        match self.continue_block(block, frame.fragment, frame.end_headers)? {
            Some(block) => self.complete(block, now),
            None => Ok(None),
        }
    }

    pub(super) fn on_push_promise(&mut self, frame: PushPromise<'_>, now: Time) -> Result<Option<Event>, Fault> {
        // RFC 9113 §8.4: a client cannot push.
        if self.role == Role::Server {
            return Err(Violation::PushToServer.into());
        }
        // RFC 9113 §6.6: an error once the peer has acknowledged that push is off; before that it could not know.
        if self.config.max_reserved_remote == 0 && self.local.push_disabled {
            return Err(Violation::PushDisabled.into());
        }
        // RFC 9113 §6.6: the promised stream must be idle.
        if self.streams.find(frame.promised) != Found::Idle {
            return Err(Violation::PromisedStreamNotIdle.into());
        }
        // RFC 9113 §6.6: on a stream of ours that the peer may still answer; a stream we have reset may have been
        // promised on before the peer knew.
        let fine = match self.streams.find(frame.stream) {
            Found::Live(key) => {
                self.role.initiates(frame.stream) && self.streams.get(key).is_some_and(|s| s.state.can_receive())
            }
            Found::Closed(how) => how == Closed::LocalReset,
            Found::Forgotten => true,
            Found::Skipped | Found::Idle => false,
        };
        if !fine {
            return Err(Violation::PushOnBadStream.into());
        }
        let block = Block {
            stream: frame.stream,
            promised: Some(frame.promised),
            end: End::More,
            fields: self.fields(),
            frames: 0,
            octets: 0,
            flaw: None,
            since: now,
        };
        match self.continue_block(block, frame.fragment, frame.end_headers)? {
            Some(block) => self.complete(block, now),
            None => Ok(None),
        }
    }

    /// Identifiers that end the connection, before anything is decoded.
    fn judge_identifier(&self, id: StreamId) -> Result<(), Fault> {
        match self.streams.find(id) {
            // RFC 9113 §5.1.1: clients open odd streams; a server opens none with HEADERS.
            Found::Idle if self.role == Role::Server && !id.is_client_initiated() => {
                Err(Violation::StreamIdParity.into())
            }
            Found::Idle if self.role == Role::Client => Err(Violation::HeadersOnIdleStream.into()),
            // RFC 9113 §5.1.1: identifiers only grow.
            Found::Skipped => Err(Violation::StreamIdNotIncreasing.into()),
            _ => Ok(()),
        }
    }

    /// Decodes a fragment. Gives the block back when it is complete.
    fn continue_block(&mut self, mut block: Block, fragment: &[u8], end_headers: bool) -> Result<Option<Block>, Fault> {
        let c = &self.config;
        let abuse = c.max_header_list_size.saturating_mul(c.header_abuse_multiplier);
        let limits = Limits {
            max_size: c.max_header_list_size,
            max_fields: c.max_header_fields + c.max_cookie_crumbs,
            max_string: abuse,
        };
        block.octets += fragment.len() as u64;
        // The hard stop comes while the block is under way, not behind it.
        if block.octets > u64::from(abuse) {
            return Err(Violation::HeaderListWayTooLarge.into());
        }
        self.recv.decoder.decode(fragment, &mut block.fields, &limits)?;
        if end_headers {
            return Ok(Some(block));
        }
        self.recv.block = Some(block);
        Ok(None)
    }

    fn complete(&mut self, mut block: Block, now: Time) -> Result<Option<Event>, Fault> {
        let section = self.recv.decoder.finish()?;
        let over = self.is_over(&section, &block.fields)?;
        let id = block.stream;
        if let Some(promised) = block.promised {
            return self.on_promise(block, promised, over);
        }
        let found = self.streams.find(id);
        let result = match found {
            Found::Idle => return self.on_request(block, over, now),
            Found::Live(key) => match self.before_section(key, &block, over) {
                Ok(true) => self.on_section(key, &mut block, now),
                Ok(false) => Ok(None),
                Err(violation) => Err(violation.on(id)),
            },
            Found::Closed(how) => match State::Closed(how).next(Input::RecvHeaders) {
                Err(Refused::Peer(violation)) => Err(violation.on(id)),
                _ => Ok(None),
            },
            // Too long ago to say who closed it: processed minimally (RFC 9113 §5.1).
            Found::Skipped | Found::Forgotten => {
                self.note(Suspicious::Glitch(1), now);
                Ok(None)
            }
        };
        if !matches!(result, Ok(Some(_))) {
            self.recycle(block.fields);
        }
        result
    }

    /// Whether the section is above our limits; an error when it is far above them.
    fn is_over(&self, section: &Section, fields: &Fields) -> Result<bool, Fault> {
        let c = &self.config;
        let abuse = c.max_header_list_size.saturating_mul(c.header_abuse_multiplier);
        if section.size > u64::from(abuse) {
            return Err(Violation::HeaderListWayTooLarge.into());
        }
        if matches!(section.over, Some(Over::Size | Over::Count)) {
            return Ok(true);
        }
        if fields.len() <= c.max_header_fields as usize {
            return Ok(false);
        }
        let crumbs = fields.iter().filter(|f| f.token == Token::COOKIE).count();
        Ok(fields.len() - crumbs > c.max_header_fields as usize || crumbs > c.max_cookie_crumbs as usize)
    }

    /// A request that opens a stream.
    fn on_request(&mut self, mut block: Block, over: bool, now: Time) -> Result<Option<Event>, Fault> {
        let id = block.stream;
        // RFC 9113 §6.8: streams above what our GOAWAY promised are ignored, their blocks decoded all the same.
        if self.goaway.ignores(id) {
            self.recycle(block.fields);
            return Ok(None);
        }
        if let Some(refusal) = self.refusal() {
            self.recycle(block.fields);
            return Ok(Some(self.refuse(id, refusal, now)));
        }
        if over {
            self.recycle(block.fields);
            return Ok(Some(self.too_large(id, block.end, now)));
        }
        let extended = if self.config.enable_connect_protocol { ExtendedConnect::On } else { ExtendedConnect::Off };
        let facts = block.flaw.map_or_else(|| message::request(&block.fields, extended), Err);
        let facts = match facts.and_then(|f| check_empty(f.content_length, block.end).map(|()| f)) {
            Ok(facts) => facts,
            Err(violation) => {
                // The stream was opened and is closed by our reset; the identifier is used up.
                self.streams.open_closed(id, Closed::Ended);
                self.recycle(block.fields);
                return Err(violation.on(id));
            }
        };
        block.fields.join_cookies();
        self.accept(id, block.end, facts, now);
        Ok(Some(Event::Headers { id, fields: block.fields, end: block.end }))
    }

    /// R2, R5: streams and handlers are both counted, from the first octet on.
    fn refusal(&self) -> Option<Refusal> {
        let limit = self.config.max_concurrent_streams;
        if self.counts.theirs >= limit {
            Some(Refusal::StreamLimit)
        } else if self.counts.handlers >= limit {
            Some(Refusal::HandlerLimit)
        } else {
            None
        }
    }

    fn accept(&mut self, id: StreamId, end: End, facts: RequestFacts, now: Time) {
        let priority = self.expected.take(id).or(facts.priority).unwrap_or_default();
        let (initial, target) = (self.local.initial_window_size, self.config.stream_window);
        self.streams.open(id, |stream| {
            stream.state = match end {
                End::More => State::Open,
                End::Last => State::HalfClosedRemote,
            };
            stream.recv_window = pellucid_flow::RecvWindow::new(initial, target);
            stream.priority = priority;
            stream.method = facts.method;
            stream.incoming.phase = match (end, facts.method) {
                (End::Last, _) => Phase::Done,
                (End::More, Method::Connect) => Phase::Tunnel,
                (End::More, _) => Phase::Body,
            };
            stream.incoming.expected = facts.content_length;
            stream.incoming.since = now;
            stream.outgoing.since = now;
        });
        self.counts.theirs += 1;
        self.counts.handlers += 1;
        self.stats.streams_accepted += 1;
        self.observer.state(id, State::Idle, State::Open);
        self.watch_streams(now);
        // The last identifier there is: the client needs another connection (RFC 9113 §5.1.1).
        if id == StreamId::MAX {
            self.shut_down(now);
        }
    }

    /// RFC 9113 §5.1.2: a stream error for what is above the limit; REFUSED_STREAM, since nothing was done with it.
    fn refuse(&mut self, id: StreamId, why: Refusal, now: Time) -> Event {
        let violation = match why {
            Refusal::HandlerLimit => Violation::HandlerLimit,
            _ => Violation::StreamLimit,
        };
        self.streams.open_closed(id, Closed::LocalReset);
        self.stats.note(violation);
        self.stats.refused += 1;
        self.stats.resets_out += 1;
        self.observer.violation(id, violation);
        self.lane.reset_provoked(id, violation.code());
        self.note(Suspicious::Refused, now);
        self.after_provocation();
        Event::Refused { id, why }
    }

    /// RFC 9113 §10.5.1: answered 431 by the connection itself; the application never sees the request.
    fn too_large(&mut self, id: StreamId, end: End, now: Time) -> Event {
        let mut answer = self.fields();
        answer.push_token(Token::STATUS, b"431");
        self.lane.headers_provoked(id, &answer, End::Last, self.peer.max_frame_size);
        self.recycle(answer);
        self.stats.refused += 1;
        match end {
            End::Last => self.streams.open_closed(id, Closed::Ended),
            // RFC 9113 §8.1: complete before the request is, so the client is told to stop.
            End::More => {
                self.streams.open_closed(id, Closed::LocalReset);
                self.lane.reset_provoked(id, pellucid_frame::ErrorCode::NO_ERROR);
            }
        }
        self.note(Suspicious::Refused, now);
        self.after_provocation();
        Event::Refused { id, why: Refusal::HeadersTooLarge }
    }

    /// A section on a live stream, before it is looked into. `Ok(false)`: ignore it.
    fn before_section(&mut self, key: Key, block: &Block, over: bool) -> Result<bool, Violation> {
        let Some(stream) = self.streams.get_mut(key) else { return Ok(false) };
        let from = stream.state;
        match from.next(Input::RecvHeaders) {
            Ok(to) => stream.state = to,
            Err(Refused::Peer(violation)) => return Err(violation),
            Err(_) => return Ok(false),
        }
        if let Some(flaw) = block.flaw {
            return Err(flaw);
        }
        if from == State::ReservedRemote {
            // RFC 9113 §5.1.2: from now on the pushed stream counts.
            self.counts.reserved = self.counts.reserved.saturating_sub(1);
            self.counts.theirs += 1;
        }
        if over { Err(Violation::HeaderListTooLarge) } else { Ok(true) }
    }

    /// A response, interim or final, or trailers.
    fn on_section(&mut self, key: Key, block: &mut Block, now: Time) -> Result<Option<Event>, Fault> {
        let id = key.id();
        let Some(stream) = self.streams.get_mut(key) else { return Ok(None) };
        stream.incoming.since = now;
        match stream.incoming.phase {
            // RFC 9113 §8.5: in a tunnel there is only DATA.
            Phase::Tunnel => Err(Violation::FrameOnTunnel.on(id)),
            Phase::Done => Ok(None),
            Phase::Body => {
                // RFC 9113 §8.1: what follows the content ends the stream.
                if block.end == End::More {
                    return Err(Violation::HeadersWithoutEnd.on(id));
                }
                message::trailers(&block.fields).map_err(|v| v.on(id))?;
                // RFC 9113 §8.1.1: content-length holds also where trailers end the message.
                if stream.incoming.expected.is_some_and(|e| e != stream.incoming.received) {
                    return Err(Violation::ContentLengthMismatch.on(id));
                }
                self.end_if_last(key, End::Last);
                Ok(Some(Event::Trailers { id, fields: core::mem::take(&mut block.fields) }))
            }
            Phase::Head => self.on_response(key, block),
        }
    }

    fn on_response(&mut self, key: Key, block: &mut Block) -> Result<Option<Event>, Fault> {
        let id = key.id();
        let ResponseFacts { status, content_length } = message::response(&block.fields).map_err(|v| v.on(id))?;
        let most = self.config.max_informational;
        let Some(stream) = self.streams.get_mut(key) else { return Ok(None) };
        let fields = |block: &mut Block| core::mem::take(&mut block.fields);
        if status < 200 {
            // RFC 9113 §8.6: 101 has no meaning here. §8.1: an interim response does not end the stream.
            if status == 101 {
                return Err(Violation::SwitchingProtocols.on(id));
            }
            if block.end.is_last() {
                return Err(Violation::InformationalWithEnd.on(id));
            }
            stream.incoming.informational += 1;
            if stream.incoming.informational > most {
                return Err(Violation::TooManyInformational.on(id));
            }
            return Ok(Some(Event::Headers { id, fields: fields(block), end: End::More }));
        }
        let is_tunnel = stream.method == Method::Connect && status < 300;
        let is_bodiless = stream.method == Method::Head || status == 204 || status == 304;
        stream.incoming.phase = if is_tunnel { Phase::Tunnel } else { Phase::Body };
        stream.incoming.expected = if is_tunnel {
            // RFC 9110 §9.3.6: a 2xx to CONNECT has no content-length worth the name.
            None
        } else if is_bodiless {
            // RFC 9113 §8.1.1: content-length then speaks of another response; content there is none.
            Some(0)
        } else {
            content_length
        };
        check_empty(stream.incoming.expected, block.end).map_err(|v| v.on(id))?;
        self.end_if_last(key, block.end);
        Ok(Some(Event::Headers { id, fields: fields(block), end: block.end }))
    }

    /// A promise (RFC 9113 §8.4).
    fn on_promise(&mut self, mut block: Block, promised: StreamId, over: bool) -> Result<Option<Event>, Fault> {
        let (initial, target) = (self.local.initial_window_size, self.config.stream_window);
        let key = self.streams.open(promised, |stream| {
            stream.state = State::ReservedRemote;
            stream.recv_window = pellucid_flow::RecvWindow::new(initial, target);
        });
        self.counts.reserved += 1;
        self.observer.state(promised, State::Idle, State::ReservedRemote);
        let flaw = if self.counts.reserved > self.config.max_reserved_remote {
            // CVE-2024-2398: promises do not count as streams, so they have a limit of their own.
            Some(Violation::TooManyPromises)
        } else if over {
            Some(Violation::HeaderListTooLarge)
        } else {
            match message::request(&block.fields, ExtendedConnect::Off) {
                Err(violation) => Some(violation),
                // RFC 9113 §8.4: safe and cacheable, and without content.
                Ok(facts) => (!matches!(block.fields.find(Token::METHOD), Some(b"GET" | b"HEAD"))
                    || facts.content_length.is_some_and(|n| n > 0))
                .then_some(Violation::PushNotSafe),
            }
        };
        let parent_is_gone = self.streams.key(block.stream).is_none();
        if let Some(stream) = self.streams.get_mut(key)
            && block.fields.find(Token::METHOD) == Some(b"HEAD")
        {
            stream.method = Method::Head;
        }
        if let Some(violation) = flaw {
            self.recycle(block.fields);
            self.stats.note(violation);
            self.reset(promised, violation.code());
            return Ok(None);
        }
        if parent_is_gone {
            // Nobody is left who could want it.
            self.recycle(block.fields);
            self.reset(promised, pellucid_frame::ErrorCode::CANCEL);
            return Ok(None);
        }
        block.fields.join_cookies();
        Ok(Some(Event::Promise { on: block.stream, id: promised, fields: Box::new(block.fields) }))
    }

    /// The peer's message is complete: its side of the stream closes.
    pub(super) fn end_if_last(&mut self, key: Key, end: End) {
        if end == End::More {
            return;
        }
        let Some(stream) = self.streams.get_mut(key) else { return };
        stream.incoming.phase = Phase::Done;
        let from = stream.state;
        let Ok(to) = from.next(Input::RecvEnd) else { return };
        stream.state = to;
        match to {
            State::Closed(how) => {
                stream.state = from;
                self.close(key, how);
            }
            _ => self.observer.state(key.id(), from, to),
        }
    }

    /// A stream of ours that the peer's GOAWAY leaves unprocessed.
    pub(super) fn abandon(&mut self, key: Key) {
        self.events.push_back(Event::Reset { id: key.id(), cause: Cause::NotProcessed });
        self.close(key, Closed::PeerReset);
    }
}

/// RFC 9113 §8.1.1: a message that ends with its header section has no content.
fn check_empty(content_length: Option<u64>, end: End) -> Result<(), Violation> {
    match (content_length, end) {
        (Some(1..), End::Last) => Err(Violation::ContentLengthMismatch),
        _ => Ok(()),
    }
}
