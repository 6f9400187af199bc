//! PUSH_PROMISE (RFC 9113 §6.6, §8.4): what a server announces that a client did not ask for.
//!
//! The block is decoded like any other (`headers`); a promise that is not wanted is reset as soon as it is understood.

use pellucid_frame::{End, ErrorCode, PushPromise, StreamId};
use pellucid_hpack::Token;

use super::headers::{Block, Fragment};
use crate::event::Event;
use crate::h2::connection::Connection;
use crate::h2::fault::Fault;
use crate::h2::limits::Suspicious;
use crate::h2::message::{self, ExtendedConnect};
use crate::h2::role::Role;
use crate::h2::stream::{Closed, Found, Method, State};
use crate::h2::violation::Violation;
use crate::observer::Observer;
use crate::time::Time;

impl<O: Observer> Connection<O> {
    pub(super) fn on_push_promise(&mut self, frame: PushPromise<'_>, now: Time) -> Result<Option<Event>, Fault> {
        // RFC 9113 §8.4: a client cannot push.
        if self.role == Role::Server {
            return Err(Violation::PushToServer.into());
        }
        // RFC 9113 §6.6: an error once the peer has acknowledged that push is off; before that it could not know.
        if self.local.push_disabled {
            return Err(Violation::PushDisabled.into());
        }
        // RFC 9113 §6.6: the promised stream must be idle.
        if self.streams.find(frame.promised) != Found::Idle {
            return Err(Violation::PromisedStreamNotIdle.into());
        }
        // RFC 9113 §6.6: on a stream of ours that the peer may still answer; a stream we have reset may have been
        // promised on before the peer knew.
        let fine = match self.streams.find(frame.stream) {
            Found::Live(key) => self.streams.get(key).is_some_and(|s| s.state.can_receive()),
            Found::Closed(how) => how == Closed::LocalReset,
            Found::Forgotten => true,
            Found::Skipped | Found::Idle => false,
        };
        if !fine || !self.role.initiates(frame.stream) {
            return Err(Violation::PushOnBadStream.into());
        }
        let block = Block {
            stream: frame.stream,
            promised: Some(frame.promised),
            end: End::More,
            fields: self.fields(),
            frames: 0,
            octets: 0,
            is_over: false,
            flaw: None,
            since: now,
        };
        match self.continue_block(block, Fragment { octets: frame.fragment, ends_block: frame.end_headers })? {
            Some(block) => self.complete(block, now),
            None => Ok(None),
        }
    }

    /// The block of a promise is complete (RFC 9113 §8.4).
    pub(super) fn on_promise(&mut self, mut block: Block, promised: StreamId, now: Time) -> Option<Event> {
        // RFC 9113 §6.8: a stream above what our GOAWAY promised to process.
        if self.ignores(promised) {
            self.recycle(block.fields);
            self.note(Suspicious::Glitch(1), now);
            return None;
        }
        if let Some(violation) = self.flaw_of_promise(&block) {
            self.recycle(block.fields);
            self.stats.note(violation);
            self.observer.violation(promised, violation);
            self.refuse_promise(promised, violation.code(), now);
            return None;
        }
        if self.streams.key(block.stream).is_none() {
            // Nobody is left who could want it.
            self.recycle(block.fields);
            self.refuse_promise(promised, ErrorCode::CANCEL, now);
            return None;
        }
        let is_head = block.fields.find(Token::METHOD) == Some(b"HEAD");
        let (initial, target) = (self.local.initial_window_size, self.config.stream_window);
        self.streams.open(promised, |stream| {
            stream.state = State::ReservedRemote;
            stream.recv_window = pellucid_flow::RecvWindow::new(initial, target);
            stream.incoming.since = now;
            stream.method = if is_head { Method::Head } else { Method::Other };
        });
        self.counts.reserved += 1;
        self.observer.state(promised, State::Idle, State::ReservedRemote);
        block.fields.join_cookies();
        Some(Event::Promise { on: block.stream, id: promised, fields: Box::new(block.fields) })
    }

    /// What is wrong with a promise, if anything.
    fn flaw_of_promise(&self, block: &Block) -> Option<Violation> {
        // CVE-2024-2398: promises do not count as streams, so they have a limit of their own.
        if self.counts.reserved >= self.config.max_reserved_remote {
            return Some(Violation::TooManyPromises);
        }
        if block.is_over {
            return Some(Violation::HeaderListTooLarge);
        }
        let facts = match message::request(&block.fields, ExtendedConnect::Off) {
            Ok(facts) => facts,
            Err(violation) => return Some(violation),
        };
        // RFC 9113 §8.4: safe and cacheable, and without content.
        let is_safe = matches!(block.fields.find(Token::METHOD), Some(b"GET" | b"HEAD"));
        if !is_safe || facts.content_length.is_some_and(|n| n > 0) {
            return Some(Violation::PushNotSafe);
        }
        // RFC 9113 §8.4: a server promises only what it may speak for.
        (!self.authorities.cover(&block.fields)).then_some(Violation::PushNotAuthoritative)
    }

    /// Uses the promised identifier up and resets it. The peer provoked it, so it is counted and held against R1's bound.
    fn refuse_promise(&mut self, promised: StreamId, code: ErrorCode, now: Time) {
        self.streams.open_closed(promised, Closed::LocalReset);
        self.stats.resets_out += 1;
        self.lane.reset_provoked(promised, code);
        self.note(Suspicious::EmittedReset, now);
        self.after_provocation();
    }
}
