//! Receiving: three expectations, one step a frame.
//!
//! ```text
//! Preface (server only) ─▶ Settings ─▶ Frame ⇄ Continuation
//! ```

mod control;
mod data;
mod headers;
mod promise;

use bytes::{Buf, BytesMut};
use pellucid_frame::{Frame, Head, Kind, StreamId, encode::PREFACE};
use pellucid_hpack::Decoder;

use super::connection::Connection;
use super::fault::Fault;
use super::limits::Suspicious;
use super::role::Role;
use super::violation::Violation;
use crate::event::Event;
use crate::observer::Observer;
use crate::time::Time;
use headers::Block;

/// What the receiving half remembers between frames.
pub(super) struct Recv {
    expect: Expect,
    pub(super) decoder: Decoder,
    /// The field block under way, between HEADERS or PUSH_PROMISE and the frame with END_HEADERS.
    block: Option<Block>,
    /// Where small payloads are copied to.
    scratch: BytesMut,
}

/// What may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    /// The client's 24 octets.
    Preface,
    /// The first frame: SETTINGS.
    Settings,
    /// Any frame; inside a field block, its CONTINUATION.
    Frame,
}

/// What one step came to.
#[derive(Debug)]
pub(super) enum Step {
    Event(Event),
    /// A frame was consumed and nothing needs to be told.
    Again,
    /// More octets are needed.
    More,
}

impl Recv {
    pub(super) fn new(role: Role) -> Self {
        let expect = match role {
            Role::Server => Expect::Preface,
            Role::Client => Expect::Settings,
        };
        // RFC 7541 §4.2: until our SETTINGS are acknowledged the peer's encoder works with 4096 octets.
        Self { expect, decoder: Decoder::new(4096), block: None, scratch: BytesMut::new() }
    }

    pub(super) fn awaits_settings(&self) -> bool {
        self.expect != Expect::Frame
    }

    /// Gives memory back; for connections that go idle.
    pub(super) fn shrink(&mut self) {
        self.scratch = BytesMut::new();
    }

    /// Since when a field block has been waiting for its end.
    pub(super) fn block_since(&self) -> Option<Time> {
        self.block.as_ref().map(|b| b.since)
    }
}

impl<O: Observer> Connection<O> {
    /// Consumes one frame, or the preface, from the front of `input`.
    pub(super) fn step(&mut self, input: &mut BytesMut, now: Time) -> Result<Step, Fault> {
        if self.recv.expect == Expect::Preface {
            return self.preface(input);
        }
        let Some(head) = Head::peek(input) else { return Ok(Step::More) };
        // A server that answers in HTTP/1 does not know what a frame is: better said so than by what its letters mean as a head.
        if self.recv.expect == Expect::Settings && input.starts_with(b"HTTP/1.") {
            return Err(Violation::Http1Peer.into());
        }
        self.judge_head(head)?;
        let length = head.length as usize;
        let Some(payload) = input.get(Head::LEN..Head::LEN + length) else { return Ok(Step::More) };
        self.clock.heard = now;
        self.stats.frames_in += 1;
        self.stats.octets_in += (Head::LEN + length) as u64;
        if head.kind == Kind::DATA {
            return self.on_data_frame(head, input, now);
        }
        let result = match Frame::decode(head, payload) {
            Ok(frame) => self.on_frame(frame, now),
            Err(e) => Err(Fault::from(e)),
        };
        input.advance(Head::LEN + length);
        Ok(result?.map_or(Step::Again, Step::Event))
    }

    /// What nine octets are enough to condemn a frame for.
    fn judge_head(&self, head: Head) -> Result<(), Fault> {
        if self.recv.expect == Expect::Settings {
            // RFC 9113 §3.4: the preface ends with a SETTINGS frame, which is no acknowledgment.
            if head.kind != Kind::SETTINGS || head.flags.contains(pellucid_frame::Flags::ACK) {
                return Err(Violation::FirstFrameNotSettings.into());
            }
        } else if let Some(block) = &self.recv.block {
            // RFC 9113 §4.3, §6.10: nothing comes between the frames of a field block, whatever its type.
            if head.kind != Kind::CONTINUATION || head.stream != block.stream {
                return Err(Violation::ContinuationExpected.into());
            }
        }
        // RFC 9113 §4.2: the length alone tells, before the payload arrives.
        head.check_size(self.local.max_frame_size)?;
        Ok(())
    }

    fn on_frame(&mut self, frame: Frame<'_>, now: Time) -> Result<Option<Event>, Fault> {
        match frame {
            Frame::Headers(f) => self.on_headers(f, now),
            Frame::Continuation(f) => self.on_continuation(f, now),
            Frame::PushPromise(f) => self.on_push_promise(f, now),
            Frame::WindowUpdate(f) => self.on_window_update(f, now),
            Frame::Reset(f) => self.on_reset(f, now),
            Frame::Settings(f) => self.on_settings(f, now),
            Frame::Ping(f) => self.on_ping(f, now),
            Frame::GoAway(f) => Ok(self.on_goaway(f, now)),
            Frame::PriorityUpdate(f) => self.on_priority_update(f, now),
            Frame::AltSvc(f) => Ok(self.on_alt_svc(f, now)),
            Frame::Origin(f) => Ok(self.on_origin(f, now)),
            // RFC 9113 §6.3: deprecated; checked by its decoder, then ignored. RFC 9113 §5.5: unknown frames are ignored.
            Frame::Priority(_) | Frame::Unknown(_) => {
                self.note(Suspicious::Glitch(1), now);
                Ok(None)
            }
            // `step` never brings DATA here.
            Frame::Data(_) => Ok(None),
        }
    }

    /// RFC 9113 §3.4: the client begins with 24 fixed octets. A wrong one is enough to know.
    fn preface(&mut self, input: &mut BytesMut) -> Result<Step, Fault> {
        let n = input.len().min(PREFACE.len());
        if input.get(..n) != PREFACE.get(..n) {
            // Four octets tell an HTTP/1 request from noise; the verdict must not depend on how they were cut.
            if input.len() < 4 && HTTP1_METHODS.iter().any(|m| m.starts_with(input)) {
                return Ok(Step::More);
            }
            let like_http1 = HTTP1_METHODS.iter().any(|m| input.starts_with(m.as_slice()));
            let violation = if like_http1 { Violation::Http1Peer } else { Violation::BadPreface };
            return Err(violation.on(StreamId::CONNECTION));
        }
        if n < PREFACE.len() {
            return Ok(Step::More);
        }
        self.stats.octets_in += n as u64;
        input.advance(n);
        self.recv.expect = Expect::Settings;
        Ok(Step::Again)
    }
}

/// How HTTP/1 requests begin (RFC 9110 §9.1).
const HTTP1_METHODS: [&[u8; 4]; 9] = [b"GET ", b"POST", b"HEAD", b"PUT ", b"OPTI", b"DELE", b"PATC", b"CONN", b"TRAC"];
