//! Sending: commands put control frames and blocks into the lane and content into queues; `poll_output` takes the lane and
//! schedules DATA behind it.

mod commands;
mod schedule;

use pellucid_frame::{End, ErrorCode, StreamId, encode};

pub(super) use schedule::Schedule;

use super::connection::{Connection, Life};
use super::lane::write_headers;
use super::stream::{Closed, Input, Key, State, Stream, Tail};
use crate::event::Event;
use crate::observer::{Observer, Wait};
use crate::output::Output;
use crate::time::Time;
use schedule::Turn;

/// What framing one piece of a stream's content came to.
enum Framed {
    /// Sent something; there is more to send and window for it.
    More,
    /// Sent all there is; the message goes on.
    Empty,
    /// Sent the end of the message.
    Done,
    /// The stream's window is used up.
    StreamBlocked,
    /// The connection's window is used up.
    ConnectionBlocked,
}

impl<O: Observer> Connection<O> {
    /// Fills an empty `out` with what must go on the wire now, up to about `budget` octets: window updates and everything in the
    /// lane, then DATA by priority and window. Does nothing while `out` still holds octets of an earlier call.
    pub fn poll_output(&mut self, out: &mut Output, budget: usize, now: Time) {
        if !out.is_empty() {
            return;
        }
        self.clock.tell(now);
        self.update_windows();
        self.lane.take(&mut out.buf);
        if self.life == Life::Alive {
            self.frame_data(out, budget, now);
        }
        self.stats.octets_out += out.len() as u64;
    }

    /// Whether `next_event` or `poll_output` would give something without new octets.
    #[must_use]
    pub fn has_work(&self) -> bool {
        !self.events.is_empty() || matches!(self.life, Life::Failed(_)) || self.wants_write()
    }

    /// Whether `poll_output` would produce anything now.
    #[must_use]
    pub fn wants_write(&self) -> bool {
        if self.life != Life::Alive {
            return !self.lane.is_empty();
        }
        !self.lane.is_empty()
            || self.recv_window.has_update()
            || !self.updates.is_empty()
            || self.schedule.has_turn(self.send_window.available())
    }

    /// WINDOW_UPDATEs are made from the ledgers, here and only here.
    fn update_windows(&mut self) {
        if self.life != Life::Alive {
            return;
        }
        if let Some(increment) = self.recv_window.take_update() {
            self.lane.window_update(StreamId::CONNECTION, increment);
        }
        while let Some(key) = self.updates.pop() {
            let Some(stream) = self.streams.get_mut(key) else { continue };
            stream.update_listed = false;
            // Only a peer that may still send needs to know.
            if stream.state.can_receive()
                && let Some(increment) = stream.recv_window.take_update()
            {
                self.lane.window_update(key.id(), increment);
            }
        }
    }

    /// DATA by priority: one frame a turn, until nothing is ready, the windows are used up, or the budget is.
    fn frame_data(&mut self, out: &mut Output, budget: usize, now: Time) {
        self.schedule.wake_blocked(&mut self.streams, self.initial_window.get());
        while out.len() < budget {
            let turn = self.schedule.next(self.send_window.available());
            let key = match turn {
                Turn::End(key) | Turn::Content(key) => key,
                Turn::Nothing => break,
            };
            let framed = self.frame_one(key, out, now);
            self.settle(key, turn, framed);
        }
    }

    /// One DATA frame of a stream, or its trailers.
    fn frame_one(&mut self, key: Key, out: &mut Output, now: Time) -> Framed {
        let initial = self.initial_window.get();
        let most = self.peer.max_frame_size.min(self.config.max_data_size) as usize;
        let Some(stream) = self.streams.get_mut(key) else { return Framed::Done };
        let queued = stream.outgoing.queued;
        if queued > 0 {
            let window = stream.send_window.usable(initial) as usize;
            let connection = self.send_window.available() as usize;
            let len = queued.min(most).min(window).min(connection);
            if len == 0 {
                // RFC 9113 §6.9.1: never more than either window.
                return if window == 0 { Framed::StreamBlocked } else { Framed::ConnectionBlocked };
            }
            let is_end = len == queued && matches!(stream.outgoing.tail, Tail::End);
            let len_32 = u32::try_from(len).unwrap_or(0);
            encode::data_head(&mut out.buf, key.id(), len_32, if is_end { End::Last } else { End::More });
            take_queued(stream, len, out);
            stream.send_window.consume(len_32);
            self.send_window.consume(len_32);
            stream.outgoing.sent = stream.outgoing.sent.saturating_add(len_32);
            self.schedule.queued = self.schedule.queued.saturating_sub(len);
            self.stats.data_frames_out += 1;
            self.stats.data_out += len as u64;
            self.guard.data_sent();
            if is_end {
                return Framed::Done;
            }
            if len < queued {
                return if window > len { Framed::More } else { Framed::StreamBlocked };
            }
        }
        let Some(stream) = self.streams.get_mut(key) else { return Framed::Done };
        stream.outgoing.wind(now, self.stats.data_out);
        match core::mem::take(&mut stream.outgoing.tail) {
            Tail::Open => Framed::Empty,
            Tail::End => {
                // RFC 9113 §6.9.1: an empty DATA frame needs no window.
                encode::data_head(&mut out.buf, key.id(), 0, End::Last);
                self.stats.data_frames_out += 1;
                Framed::Done
            }
            Tail::Trailers(fields) => {
                let to = (key.id(), End::Last);
                write_headers(&mut out.buf, &mut self.lane.encoder, to, &fields, self.peer.max_frame_size);
                self.stats.blocks_out += 1;
                self.recycle(*fields);
                Framed::Done
            }
        }
    }

    /// Puts the stream where it belongs after its turn, and tells the application when it may go on.
    fn settle(&mut self, key: Key, turn: Turn, framed: Framed) {
        let Some(stream) = self.streams.get_mut(key) else { return self.schedule.drop_turn(turn) };
        match framed {
            Framed::More => self.schedule.rotate(key, stream),
            Framed::ConnectionBlocked => {
                // The turn stays where it is; `next` gives none while the connection's window is empty.
                return self.observer.waits(key.id(), Wait::ConnectionWindow);
            }
            Framed::StreamBlocked => {
                self.schedule.block(turn, stream);
                self.observer.waits(key.id(), Wait::StreamWindow);
            }
            Framed::Empty => self.schedule.finish(turn, stream),
            Framed::Done => {
                self.schedule.finish(turn, stream);
                return self.end_sent(key);
            }
        }
        let fullness = self.schedule.fullness;
        let is_told = |s: &Stream| !s.outgoing.full && s.outgoing.fullness == fullness;
        let waits = self.streams.get(key).is_some_and(|s| !is_told(s) && matches!(s.outgoing.tail, Tail::Open));
        if waits && self.capacity(key.id()) > 0 {
            if let Some(stream) = self.streams.get_mut(key) {
                (stream.outgoing.full, stream.outgoing.fullness) = (false, fullness);
            }
            self.events.push_back(Event::Writable { id: key.id() });
        }
    }

    /// Our message is complete: our side of the stream closes.
    pub(super) fn end_sent(&mut self, key: Key) {
        let Some(stream) = self.streams.get_mut(key) else { return };
        stream.outgoing.phase = super::stream::Phase::Done;
        let from = stream.state;
        let Ok(to) = from.next(Input::SendEnd) else { return };
        if self.role == super::Role::Server {
            self.guard.answered();
        }
        if let State::Closed(how) = to {
            return self.close(key, how);
        }
        stream.state = to;
        self.observer.state(key.id(), from, to);
        self.stop_unread(key);
    }

    /// Tells the peer to stop where our message is complete and nobody reads its own.
    pub(super) fn stop_unread(&mut self, key: Key) {
        if let Some(code) = self.streams.get(key).and_then(|stream| stream.reset_after_end(self.role)) {
            self.reset_now(key, code);
        }
    }

    /// RST_STREAM for a live stream, without asking.
    pub(super) fn reset_now(&mut self, key: Key, code: ErrorCode) {
        self.close(key, Closed::LocalReset);
        self.stats.resets_out += 1;
        self.lane.reset(key.id(), code);
    }
}

/// Moves `len` queued octets of the stream into the output.
fn take_queued(stream: &mut Stream, len: usize, out: &mut Output) {
    let outgoing = &mut stream.outgoing;
    outgoing.seal();
    let mut left = len;
    while left > 0 {
        let Some(front) = outgoing.queue.front_mut() else { break };
        let piece = if front.len() <= left {
            let Some(whole) = outgoing.queue.pop_front() else { break };
            whole
        } else {
            front.split_to(left)
        };
        left -= piece.len();
        out.payload(piece);
    }
    outgoing.queued -= len - left;
}
