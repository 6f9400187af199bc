//! Whole frames put into words, and what they change for the frames after them: settings, windows, field blocks.
//!
//! Not for: frames that break a rule by themselves; they do not come this far.

use pellucid_frame::{Frame, Headers, PushPromise, Settings, StreamId};

use super::record::{Block, Described};
use super::{Tap, Watched};
use crate::h2::{Role, Violation};

impl Tap {
    /// Puts a frame into words and follows what it changes; with the rule that its field block breaks, if it does.
    pub(super) fn describe(&mut self, from: Role, frame: Frame<'_>) -> (Described, Option<Violation>) {
        let described = match frame {
            Frame::Headers(frame) => return self.headers(from, frame),
            Frame::PushPromise(frame) => return self.push_promise(from, frame),
            Frame::Continuation(frame) => {
                let (block, violation) = self.block(from, frame.stream, frame.fragment, frame.end_headers.into());
                return (Described::Continuation(block), violation);
            }
            Frame::Data(frame) => {
                let windows = &mut self.half(from).windows;
                let left = windows.take(frame.stream, frame.flow_octets());
                if frame.end_stream {
                    windows.close(frame.stream);
                }
                // What the windows pay for beside the content is the padding and its length.
                let padding_octets = frame.padding.map_or(0, |octets| u32::from(octets) + 1);
                let content = frame.flow_octets() - padding_octets;
                Described::Data { content, padding: frame.padding, windows: self.if_both(left) }
            }
            Frame::Settings(frame) => self.settings(from, frame),
            Frame::WindowUpdate(frame) => {
                let window = self.half(from.peer()).windows.add(frame.stream, frame.increment);
                Described::WindowUpdate {
                    increment: frame.increment,
                    window: window.and_then(|octets| self.if_both(octets)),
                }
            }
            Frame::Reset(frame) => {
                self.client.windows.close(frame.stream);
                self.server.windows.close(frame.stream);
                Described::Reset(frame.code)
            }
            Frame::Priority(frame) => Described::Priority(frame.dependency),
            Frame::Ping(frame) => Described::Ping(frame.payload),
            Frame::GoAway(frame) => Described::GoAway { last: frame.last, code: frame.code, debug: frame.debug.into() },
            Frame::PriorityUpdate(frame) => {
                Described::PriorityUpdate { prioritized: frame.prioritized, value: frame.value.into() }
            }
            Frame::AltSvc(frame) => Described::AltSvc { origin: frame.origin.into(), value: frame.value.into() },
            Frame::Origin(frame) => Described::Origin(frame.iter().map(Box::from).collect()),
            Frame::Unknown(_) => Described::Unknown,
        };
        (described, None)
    }

    fn headers(&mut self, from: Role, frame: Headers<'_>) -> (Described, Option<Violation>) {
        self.open(frame.stream);
        if frame.end_stream {
            self.half(from).windows.close(frame.stream);
        }
        let (block, violation) = self.block(from, frame.stream, frame.fragment, frame.end_headers.into());
        (Described::Headers { padding: frame.padding, dependency: frame.dependency, block }, violation)
    }

    fn push_promise(&mut self, from: Role, frame: PushPromise<'_>) -> (Described, Option<Violation>) {
        self.open(frame.promised);
        let (block, violation) = self.block(from, frame.stream, frame.fragment, frame.end_headers.into());
        (Described::PushPromise { promised: frame.promised, padding: frame.padding, block }, violation)
    }

    fn block(&mut self, from: Role, on: StreamId, fragment: &[u8], end: BlockEnd) -> (Block, Option<Violation>) {
        let blocks = &mut self.half(from).blocks;
        match end {
            BlockEnd::Here => blocks.last_part(fragment),
            BlockEnd::Later => blocks.part(on, fragment),
        }
    }

    /// RFC 9113 §6.5.3: settings bind the other side once it has read them, and its acknowledgment stands exactly there
    /// between the frames it sent before and after.
    fn settings(&mut self, from: Role, frame: Settings<'_>) -> Described {
        // After missing octets nobody can tell which SETTINGS are acknowledged, so none is held against anyone.
        let is_followed = self.watched != Watched::Parts;
        let (half, other) = self.halves(from);
        if !is_followed {
            let settings = Described::Settings(frame.iter().collect());
            return if frame.ack { Described::SettingsAck } else { settings };
        }
        if frame.ack {
            if let Some(settings) = other.acknowledged() {
                half.obey(settings);
            }
            return Described::SettingsAck;
        }
        if let Some(settings) = half.announce(frame.iter()) {
            other.obey(settings);
        }
        Described::Settings(frame.iter().collect())
    }

    /// RFC 9113 §5.1.1: a stream above all of its kind is new, and both sides have a window on it. One at or below the
    /// highest has been open, and may be closed by now.
    fn open(&mut self, stream: StreamId) {
        if !self.is_idle(stream) {
            return;
        }
        let highest = if stream.is_client_initiated() { &mut self.highest_odd } else { &mut self.highest_even };
        *highest = stream;
        self.client.windows.open(stream);
        self.server.windows.open(stream);
    }

    /// What only watching both sides can tell.
    fn if_both<T>(&self, value: T) -> Option<T> {
        (self.watched == Watched::Both).then_some(value)
    }
}

/// Whether a field block ends with a frame: its END_HEADERS flag.
#[derive(Clone, Copy)]
enum BlockEnd {
    Here,
    Later,
}

impl From<bool> for BlockEnd {
    fn from(end_headers: bool) -> Self {
        if end_headers { Self::Here } else { Self::Later }
    }
}
