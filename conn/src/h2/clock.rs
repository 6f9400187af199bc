//! Everything that happens because time passed: one table of deadlines, no timer per request.
//!
//! Streams are swept: while any is open, every few seconds each is asked whether its peer has kept it waiting too long.

use core::time::Duration;

use pellucid_frame::{ErrorCode, StreamId};

use super::connection::{Connection, Life};
use super::goaway::Leaving;
use super::ping::Purpose;
use super::role::Role;
use super::stream::{Phase, Place, Reading, Stream};
use super::violation::Violation;
use crate::error::ConnectionError;
use crate::observer::Observer;
use crate::time::Time;

/// Why a timeout was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Timer {
    /// The preface and first SETTINGS are due.
    Preface,
    /// The acknowledgment of our SETTINGS is due.
    SettingsAck,
    /// The rest of a field block is due.
    HeaderBlock,
    /// Time to look after slow streams.
    Streams,
    /// Nothing was received for long: time for a PING.
    Keepalive,
    /// The answer to a keepalive PING is due.
    KeepaliveAck,
    /// No streams for long: time to leave.
    Idle,
    /// The connection has reached its age.
    MaxAge,
    /// The second GOAWAY is due.
    DrainPing,
    /// What is still open is cut.
    DrainDeadline,
}

#[derive(Debug)]
pub(super) struct Clock {
    /// When the connection was made.
    pub(super) born: Time,
    /// The latest time anyone has told: for commands, which carry none.
    pub(super) latest: Time,
    /// When octets last arrived.
    pub(super) heard: Time,
    /// When the last stream ended, or the connection was made.
    pub(super) quiet_since: Time,
    /// When the streams are to be looked after next.
    pub(super) sweep: Time,
}

impl Clock {
    pub(super) fn new(now: Time) -> Self {
        Self { born: now, latest: now, heard: now, quiet_since: now, sweep: now }
    }

    pub(super) fn tell(&mut self, now: Time) {
        self.latest = self.latest.max(now);
    }
}

impl<O: Observer> Connection<O> {
    /// When `handle_timeout` wants to be called next, and why.
    #[must_use]
    pub fn next_timeout(&self) -> Option<(Time, Timer)> {
        if self.life != Life::Alive {
            return None;
        }
        let c = &self.config;
        let mut next: Option<(Time, Timer)> = None;
        let mut at = |time: Option<Time>, timer: Timer| {
            if let Some(time) = time
                && next.is_none_or(|(t, _)| time < t)
            {
                next = Some((time, timer));
            }
        };
        at(self.recv.awaits_settings().then(|| self.clock.born + c.preface_timeout), Timer::Preface);
        at(self.local.deadline(c.settings_timeout), Timer::SettingsAck);
        at(self.recv.block_since().map(|since| since + c.header_block_timeout), Timer::HeaderBlock);
        if self.streams.len() > 0 {
            at(self.sweep_interval().map(|_| self.clock.sweep), Timer::Streams);
        } else if self.goaway.ours == Leaving::No {
            at(c.idle_timeout.map(|d| self.clock.quiet_since + d), Timer::Idle);
        }
        match self.pings.sent(Purpose::Keepalive) {
            Some(sent) => at(Some(sent.max(self.clock.heard) + c.keepalive_timeout), Timer::KeepaliveAck),
            None if c.keepalive_while_idle || self.streams.len() > 0 => {
                at(c.keepalive_interval.map(|d| self.clock.heard + d), Timer::Keepalive);
            }
            None => {}
        }
        match self.goaway.ours {
            Leaving::No => at(c.max_age.map(|d| self.clock.born + d), Timer::MaxAge),
            Leaving::Warned { since } => at(Some(since + c.drain_ping_timeout), Timer::DrainPing),
            Leaving::Final { since } => at(Some(since + c.drain_timeout), Timer::DrainDeadline),
            Leaving::Drained => {}
        }
        next
    }

    /// Time has passed: carries out what was due at `now`. Events and output may follow.
    ///
    /// # Errors
    /// When the peer has kept the connection waiting for too long; its GOAWAY has been queued.
    pub fn handle_timeout(&mut self, now: Time) -> Result<(), ConnectionError> {
        self.clock.tell(now);
        // Each round carries out one timer, and every timer moves on; the bound keeps a mistake from becoming a spin.
        for _ in 0..16 {
            match self.next_timeout() {
                Some((due, timer)) if due <= now => self.on_timer(timer, now),
                _ => break,
            }
        }
        match self.life {
            Life::Failed(error) => {
                self.life = Life::Dead;
                Err(error)
            }
            _ => Ok(()),
        }
    }

    fn on_timer(&mut self, timer: Timer, now: Time) {
        let violation = match timer {
            Timer::Preface => Violation::PrefaceTimeout,
            // RFC 9113 §6.5.3: no acknowledgment within a reasonable time.
            Timer::SettingsAck => Violation::SettingsTimeout,
            Timer::HeaderBlock => Violation::HeaderBlockTimeout,
            Timer::KeepaliveAck => Violation::KeepaliveTimeout,
            Timer::Streams => return self.sweep(now),
            Timer::Keepalive => {
                let payload = self.pings.send(Purpose::Keepalive, now);
                return self.lane.ping(payload);
            }
            Timer::Idle | Timer::MaxAge => return self.shut_down(now),
            Timer::DrainPing => return self.leave(now),
            Timer::DrainDeadline => return self.cut(now),
        };
        self.blame(violation.into(), now);
    }

    /// Begins to leave: no new streams, those that are open may finish, then `Event::Drained` (RFC 9113 §6.8). Safe to call
    /// more than once.
    pub fn shut_down(&mut self, now: Time) {
        if self.goaway.ours != Leaving::No || self.life != Life::Alive {
            return;
        }
        if self.role == Role::Client {
            return self.leave(now);
        }
        let last = self.goaway.promise(StreamId::MAX);
        self.lane.goaway(last, ErrorCode::NO_ERROR, "");
        let payload = self.pings.send(Purpose::Drain, now);
        self.lane.ping(payload);
        self.goaway.ours = Leaving::Warned { since: now };
    }

    /// The final GOAWAY: these streams will be answered, no others.
    pub(super) fn leave(&mut self, now: Time) {
        let last = self.promise_last();
        self.lane.goaway(last, ErrorCode::NO_ERROR, "");
        self.goaway.ours = Leaving::Final { since: now };
        self.check_drained();
    }

    /// The hard deadline of a drain.
    fn cut(&mut self, now: Time) {
        self.end_streams(now, |_| Some(Violation::DrainDeadline));
        self.stats.cut = u64::from(self.stats.violations_of(Violation::DrainDeadline));
        self.check_drained();
    }

    /// A stream was opened: the sweep must not lie in the past.
    pub(super) fn watch_streams(&mut self, now: Time) {
        self.clock.quiet_since = now;
        if self.clock.sweep <= now
            && let Some(interval) = self.sweep_interval()
        {
            self.clock.sweep = now + interval;
        }
    }

    /// Asks every stream whether its peer has kept it waiting for too long.
    fn sweep(&mut self, now: Time) {
        let Some(interval) = self.sweep_interval() else { return };
        self.clock.sweep = now + interval;
        let (body_idle, stall, floor) =
            (self.config.body_idle_timeout, self.config.stall_timeout, self.config.stall_floor);
        let may_send = self.recv_window.window() > 0;
        let sent_by_all = self.stats.data_out;
        self.end_streams(now, |stream| {
            // Only a peer that may send and does not is slow: no window, the stream's or the connection's, means that we are.
            let owes = may_send
                && stream.state.can_receive()
                && stream.incoming.phase == Phase::Body
                && stream.incoming.reading == Reading::Yes
                && stream.recv_window.window() > 0;
            if !owes {
                stream.incoming.since = now;
            } else if body_idle.is_some_and(|d| now.since(stream.incoming.since) >= d) {
                return Some(Violation::BodyIdle);
            }
            let out = &mut stream.outgoing;
            if stall.is_none_or(|d| now.since(out.since) < d) {
                return None;
            }
            let sent = match stream.place {
                Place::Blocked => u64::from(out.sent),
                // Its own window is open: what counts is whether the connection moves, for others may come first.
                Place::Ready => sent_by_all.saturating_sub(out.sent_by_all),
                Place::Nowhere | Place::Ends => u64::MAX,
            };
            out.wind(now, sent_by_all);
            (sent < u64::from(floor)).then_some(Violation::Stalled)
        });
    }

    fn end_streams(&mut self, now: Time, mut judge: impl FnMut(&mut Stream) -> Option<Violation>) {
        let guilty: Vec<(StreamId, Violation)> =
            self.streams.iter_mut().filter_map(|(key, s)| judge(s).map(|v| (key.id(), v))).collect();
        for (id, violation) in guilty {
            self.blame(violation.on(id), now);
        }
    }

    /// A quarter of the shortest patience with a stream; `None` when all are endless.
    fn sweep_interval(&self) -> Option<Duration> {
        let shortest = self.config.body_idle_timeout.into_iter().chain(self.config.stall_timeout).min()?;
        Some((shortest / 4).max(Duration::from_millis(10)))
    }
}
