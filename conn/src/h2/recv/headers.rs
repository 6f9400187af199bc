//! HEADERS and CONTINUATION (RFC 9113 §6.2, §6.10): a block is decoded as it arrives, judged when it is complete, and then
//! becomes a request, a response, trailers, a promise (`promise`), or nothing.
//!
//! A block is always decoded, whatever becomes of its stream: the compression state belongs to the connection (RFC 9113 §4.3).

use pellucid_frame::{Continuation, End, Headers, StreamId};
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

/// A piece of a field block, as one frame carries it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fragment<'a> {
    pub(super) octets: &'a [u8],
    /// The frame says END_HEADERS.
    pub(super) ends_block: bool,
}

/// A field block under way.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) stream: StreamId,
    /// The stream a PUSH_PROMISE reserves.
    pub(super) promised: Option<StreamId>,
    pub(super) end: End,
    pub(super) fields: Fields,
    /// CONTINUATION frames so far.
    pub(super) frames: u32,
    /// Encoded octets so far.
    pub(super) octets: u64,
    /// Known once the block is complete: the section is above our limits and not all of it is here.
    pub(super) is_over: bool,
    /// A fault of the frame itself that ends the stream once the block is decoded.
    pub(super) flaw: Option<Violation>,
    pub(super) since: Time,
}

/// From this identifier on, three quarters of all, a server leaves.
const FAREWELL_FROM: StreamId = StreamId::new(0x6000_0000);

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
            is_over: false,
            // RFC 7540 §5.3.1: the one rule of the old priorities whose breach is still a stream error.
            flaw: frame.depends_on_itself().then_some(Violation::SelfDependency),
            since: now,
        };
        self.continue_block(block, Fragment { octets: frame.fragment, ends_block: frame.end_headers })
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
        match self.continue_block(block, Fragment { octets: frame.fragment, ends_block: frame.end_headers })? {
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
            Found::Idle if self.role == Role::Client && !self.ignores(id) => Err(Violation::HeadersOnIdleStream.into()),
            _ => Ok(()),
        }
    }

    /// Decodes a fragment. Gives the block back when it is complete.
    pub(super) fn continue_block(&mut self, mut block: Block, fragment: Fragment<'_>) -> Result<Option<Block>, Fault> {
        let c = &self.config;
        let abuse = c.header_abuse_size();
        let limits = Limits {
            max_size: c.max_header_list_size,
            max_fields: c.max_header_fields + c.max_cookie_crumbs,
            max_string: abuse,
        };
        block.octets += fragment.octets.len() as u64;
        // The hard stop comes while the block is under way, not behind it.
        if block.octets > u64::from(abuse) {
            return Err(Violation::HeaderListWayTooLarge.into());
        }
        self.recv.decoder.decode(fragment.octets, &mut block.fields, &limits)?;
        if fragment.ends_block {
            return Ok(Some(block));
        }
        self.recv.block = Some(block);
        Ok(None)
    }

    pub(super) fn complete(&mut self, mut block: Block, now: Time) -> Result<Option<Event>, Fault> {
        let section = self.recv.decoder.finish()?;
        block.is_over = self.is_over(&section, &block.fields)?;
        let id = block.stream;
        if let Some(promised) = block.promised {
            return Ok(self.on_promise(block, promised, now));
        }
        let found = self.streams.find(id);
        let result = match found {
            Found::Idle => return self.on_request(block, now),
            Found::Live(key) => match self.before_section(key, &block) {
                Ok(true) => self.on_section(key, &mut block, now),
                Ok(false) => Ok(None),
                Err(violation) => Err(violation.on(id)),
            },
            Found::Closed(how) => match State::Closed(how).next(Input::RecvHeaders) {
                Err(Refused::Peer(violation)) => Err(violation.on(id)),
                _ => Ok(None),
            },
            Found::Skipped | Found::Forgotten => self.on_passed(found, &block, now),
        };
        if !matches!(result, Ok(Some(_))) {
            self.recycle(block.fields);
        }
        result
    }

    /// A section on an identifier that was passed over, or used so long ago that nobody remembers.
    fn on_passed(&mut self, found: Found, block: &Block, now: Time) -> Result<Option<Event>, Fault> {
        // RFC 9113 §5.1.1: identifiers only grow. Where memory fails, a request says by itself that it means a new stream.
        let is_request = self.role == Role::Server && block.fields.find(Token::METHOD).is_some();
        if found == Found::Skipped || is_request {
            return Err(Violation::StreamIdNotIncreasing.into());
        }
        // Too long ago to say who closed it: processed minimally (RFC 9113 §5.1).
        self.note(Suspicious::Glitch(1), now);
        Ok(None)
    }

    /// Whether the section is above our limits; an error when it is far above them.
    fn is_over(&self, section: &Section, fields: &Fields) -> Result<bool, Fault> {
        let c = &self.config;
        let abuse = c.header_abuse_size();
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
    fn on_request(&mut self, mut block: Block, now: Time) -> Result<Option<Event>, Fault> {
        let id = block.stream;
        // RFC 9113 §6.8: streams above what our GOAWAY promised are ignored, their blocks decoded all the same.
        if self.ignores(id) {
            self.recycle(block.fields);
            self.note(Suspicious::Glitch(1), now);
            return Ok(None);
        }
        // RFC 9218 §7.1: what was said of the stream while it was idle ends with that, whatever becomes of the request.
        let expected = self.expected.take(id);
        if let Some(refusal) = self.refusal() {
            self.recycle(block.fields);
            return Ok(Some(self.refuse(id, refusal, now)));
        }
        if block.is_over {
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
                self.answer_bad_request(id, violation);
                return Err(violation.on(id));
            }
        };
        block.fields.join_cookies();
        self.accept(id, block.end, RequestFacts { priority: expected.or(facts.priority), ..facts }, now);
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
        let sent_by_all = self.stats.data_out;
        let (initial, target) = (self.local.initial_window_size, self.config.stream_window);
        let state = match end {
            End::More => State::Open,
            End::Last => State::HalfClosedRemote,
        };
        self.streams.open(id, |stream| {
            stream.state = state;
            stream.recv_window = pellucid_flow::RecvWindow::new(initial, target);
            stream.priority = facts.priority.unwrap_or_default();
            stream.method = facts.method;
            stream.incoming.phase = match (end, facts.method) {
                (End::Last, _) => Phase::Done,
                (End::More, Method::Connect) => Phase::Tunnel,
                (End::More, _) => Phase::Body,
            };
            stream.incoming.expected = facts.content_length;
            stream.incoming.since = now;
            stream.outgoing.wind(now, sent_by_all);
        });
        self.counts.theirs += 1;
        self.counts.handlers += 1;
        self.stats.streams_accepted += 1;
        self.observer.state(id, State::Idle, state);
        self.watch_streams(now);
        // RFC 9113 §5.1.1: identifiers run out. The client is sent to another connection while it can still go on here.
        if id >= FAREWELL_FROM {
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

    /// RFC 9113 §8.2.1: whoever sends a name or a value with octets that are not allowed is told so by a 400, ahead of the stream
    /// error that every malformed request is (RFC 9113 §8.1.1).
    fn answer_bad_request(&mut self, id: StreamId, violation: Violation) {
        if matches!(violation, Violation::FieldName | Violation::FieldNameUppercase | Violation::FieldValue) {
            let mut answer = self.fields();
            answer.push_token(Token::STATUS, b"400");
            self.lane.headers_provoked(id, &answer, End::Last, self.peer.max_frame_size);
            self.recycle(answer);
        }
    }

    /// A section on a live stream, before it is looked into. `Ok(false)`: ignore it.
    fn before_section(&mut self, key: Key, block: &Block) -> Result<bool, Violation> {
        let Some(stream) = self.streams.get_mut(key) else { return Ok(false) };
        let from = stream.state;
        let to = match from.next(Input::RecvHeaders) {
            Ok(to) => to,
            Err(Refused::Peer(violation)) => return Err(violation),
            Err(_) => return Ok(false),
        };
        stream.state = to;
        if from == State::ReservedRemote {
            self.observer.state(key.id(), from, to);
            // RFC 9113 §5.1.2: from now on the pushed stream counts, also where it ends at once.
            self.counts.reserved = self.counts.reserved.saturating_sub(1);
            self.counts.theirs += 1;
            if self.counts.theirs > self.config.max_concurrent_streams {
                return Err(Violation::StreamLimit);
            }
        }
        if let Some(flaw) = block.flaw {
            return Err(flaw);
        }
        if block.is_over { Err(Violation::HeaderListTooLarge) } else { Ok(true) }
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
        let (most, size) = (self.config.max_informational, self.config.max_header_list_size);
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
            let incoming = &mut stream.incoming;
            incoming.informational += 1;
            incoming.informational_size = incoming.informational_size.saturating_add(block.fields.size());
            if incoming.informational > most || incoming.informational_size > size {
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
