//! The connection: its parts, its making, and the questions one may ask. What it does with octets is in `recv`, with commands
//! in `send`, with time in `clock`.

use core::fmt;
use std::collections::VecDeque;

use bytes::BytesMut;
use pellucid_flow::{Autotune, ConnectionSendWindow, InitialWindow, RecvWindow};
use pellucid_frame::{ErrorCode, Setting, StreamId};
use pellucid_hpack::Fields;

use super::authority::Authorities;
use super::clock::Clock;
use super::config::Config;
use super::fault::Fault;
use super::goaway::{GoAway, Leaving};
use super::lane::Lane;
use super::limits::{Guard, Level, Suspicious};
use super::ping::Pings;
use super::priority::Expected;
use super::recv::Recv;
use super::role::Role;
use super::send::Schedule;
use super::settings::{self, LocalChange, LocalSettings, PeerSettings};
use super::stream::{Closed, Key, Table};
use super::violation::{Scope, Violation};
use crate::error::{Cause, ConnectionError};
use crate::event::Event;
use crate::observer::Observer;
use crate::stats::Stats;
use crate::time::Time;

/// One HTTP/2 connection. No sockets, no clock, no tasks. Methods come in four kinds, and the names say which:
///
/// * `next_event`, `handle_*`: what the network did (octets, time, end of file);
/// * `open`, `send_*`, `reset`, …: what the application wants;
/// * `poll_output`: what must go on the wire;
/// * `is_*`, `next_timeout`, …: questions, `&self`.
pub struct Connection<O: Observer = ()> {
    pub(super) role: Role,
    pub(super) config: Config,
    pub(super) life: Life,
    pub(super) recv: Recv,
    pub(super) lane: Lane,
    pub(super) streams: Table,
    pub(super) counts: Counts,
    pub(super) peer: PeerSettings,
    pub(super) local: LocalSettings,
    pub(super) initial_window: InitialWindow,
    pub(super) send_window: ConnectionSendWindow,
    pub(super) recv_window: RecvWindow,
    /// Streams whose receive window may be worth a WINDOW_UPDATE.
    pub(super) updates: Vec<Key>,
    pub(super) autotune: Option<Autotune>,
    pub(super) schedule: Schedule,
    pub(super) expected: Expected,
    /// Client, where pushes are taken: for whom the server may promise.
    pub(super) authorities: Authorities,
    pub(super) guard: Guard,
    pub(super) goaway: GoAway,
    pub(super) pings: Pings,
    pub(super) clock: Clock,
    pub(super) events: VecDeque<Event>,
    pub(super) pool: Vec<Fields>,
    pub(super) stats: Stats,
    pub(super) observer: O,
}

/// Whether the connection still works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    Alive,
    /// Failed, the owner is yet to be told (the failure happened outside `next_event`).
    Failed(ConnectionError),
    /// Over: nothing is parsed, nothing is sent but what is queued.
    Dead,
}

/// Streams in use, from both sides (RFC 9113 §5.1.2).
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    /// Open or half-closed streams the peer opened.
    pub(super) theirs: u32,
    /// Open or half-closed streams we opened.
    pub(super) ours: u32,
    /// Promised streams the peer has not begun to answer.
    pub(super) reserved: u32,
    /// Requests the application is working on, whatever became of their streams.
    pub(super) handlers: u32,
    /// `open` was refused for want of a slot.
    pub(super) slot_wanted: bool,
}

impl<O: Observer> fmt::Debug for Connection<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("role", &self.role)
            .field("life", &self.life)
            .field("streams", &self.streams.len())
            .field("going_away", &self.is_going_away())
            .finish_non_exhaustive()
    }
}

/// Field arenas kept for reuse.
const POOLED: usize = 32;

impl Connection<()> {
    /// The server's end of a new connection; its SETTINGS are already queued.
    #[must_use]
    pub fn server(config: Config, now: Time) -> Self {
        Self::observed(Role::Server, config, now, ())
    }

    /// The client's end of a new connection; its preface and SETTINGS are already queued.
    #[must_use]
    pub fn client(config: Config, now: Time) -> Self {
        Self::observed(Role::Client, config, now, ())
    }
}

impl<O: Observer> Connection<O> {
    /// A new connection whose inner life is watched.
    #[must_use]
    pub fn observed(role: Role, config: Config, now: Time, observer: O) -> Self {
        let mut this = Self {
            role,
            life: Life::Alive,
            recv: Recv::new(role),
            lane: Lane::new(config.encoder_table_size),
            streams: Table::default(),
            counts: Counts::default(),
            peer: PeerSettings::default(),
            local: LocalSettings::new(),
            initial_window: InitialWindow::new(),
            send_window: ConnectionSendWindow::new(),
            recv_window: RecvWindow::new(pellucid_flow::DEFAULT_WINDOW, config.connection_window),
            updates: Vec::new(),
            autotune: config.auto_window.map(|cap| Autotune::new(config.stream_window, cap)),
            schedule: Schedule::default(),
            expected: Expected::default(),
            authorities: Authorities::default(),
            guard: Guard::new(&config, now),
            goaway: GoAway::default(),
            pings: Pings::default(),
            clock: Clock::new(now),
            events: VecDeque::new(),
            pool: Vec::new(),
            stats: Stats::default(),
            observer,
            config,
        };
        if role == Role::Client {
            this.lane.preface();
        }
        let (list, change) = settings::first(&this.config, role);
        this.send_settings(&list, change, now);
        this
    }

    /// The next thing that happened. Consumes whole frames from the front of `input`, up to the next event; `Ok(None)`: nothing
    /// more until something happens. Also call it with what is there (possibly nothing) after commands, `handle_timeout` and
    /// `poll_output`: events born there leave here.
    ///
    /// # Errors
    /// Once, after the GOAWAY that says why was queued: the connection is over, `input` is discarded from then on.
    pub fn next_event(&mut self, input: &mut BytesMut, now: Time) -> Result<Option<Event>, ConnectionError> {
        self.clock.tell(now);
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(Some(event));
            }
            match self.life {
                Life::Alive => {}
                Life::Failed(error) => {
                    self.life = Life::Dead;
                    return Err(error);
                }
                Life::Dead => {
                    input.clear();
                    return Ok(None);
                }
            }
            // R1: while too many provoked replies wait, nothing more is read that could provoke further ones.
            if !self.wants_read() {
                return Ok(None);
            }
            match self.step(input, now) {
                Ok(super::recv::Step::Event(event)) => return Ok(Some(event)),
                Ok(super::recv::Step::Again) => {}
                Ok(super::recv::Step::More) => return Ok(None),
                Err(fault) => self.blame(fault, now),
            }
        }
    }

    /// The one place where a peer's fault becomes RST_STREAM or GOAWAY.
    pub(super) fn blame(&mut self, fault: Fault, now: Time) {
        self.stats.note(fault.violation);
        self.observer.violation(fault.stream, fault.violation);
        match fault.scope {
            Scope::Connection => self.fail(fault.violation, fault.stream),
            Scope::Stream => self.stream_error(fault, now),
        }
    }

    /// Ends the connection: GOAWAY with the reason, and nothing is parsed any more (RFC 9113 §5.4.1).
    pub(super) fn fail(&mut self, violation: Violation, stream: StreamId) {
        if self.life != Life::Alive {
            return;
        }
        let last = self.promise_last();
        if violation != Violation::PeerClosed {
            self.lane.goaway(last, violation.code(), violation.debug_data());
        }
        self.schedule.clear();
        self.life = Life::Failed(ConnectionError { violation, stream });
    }

    /// Ends one stream because of the peer (RFC 9113 §5.4.2); siblings live on.
    fn stream_error(&mut self, fault: Fault, now: Time) {
        let Fault { violation, stream: id, .. } = fault;
        if self.ignores(id) {
            return;
        }
        if let Some(key) = self.streams.key(id) {
            self.events.push_back(Event::Reset { id, cause: Cause::Local(violation) });
            self.close(key, Closed::LocalReset);
        } else {
            // An idle stream must not be reset (RFC 9113 §6.4); a closed one is, once.
            match self.streams.find(id) {
                super::stream::Found::Idle => return self.fail(violation, id),
                // RFC 9113 §5.4.2: one RST_STREAM a stream; frames that need no answer are still work.
                super::stream::Found::Closed(Closed::LocalReset) | super::stream::Found::Forgotten => {
                    return self.note(Suspicious::Glitch(1), now);
                }
                _ => self.streams.remember(id, Closed::LocalReset),
            }
        }
        self.stats.resets_out += 1;
        self.lane.reset_provoked(id, violation.code());
        if !matches!(violation, Violation::Stalled | Violation::BodyIdle | Violation::DrainDeadline) {
            self.note(Suspicious::EmittedReset, now);
        }
        self.after_provocation();
    }

    /// Counts something suspicious; the one place that asks a peer to calm down.
    pub(super) fn note(&mut self, what: Suspicious, now: Time) {
        let (level, violation) = self.guard.note(what, now);
        match level {
            Level::Fine => {}
            // Three quarters gone: leave politely, so that an honest peer loses nothing.
            Level::High => self.shut_down(now),
            Level::Spent => self.blame(violation.into(), now),
        }
    }

    /// R1, the second line: replies that cannot be sent must not pile up without end.
    pub(super) fn after_provocation(&mut self) {
        if self.lane.provoked() > self.config.control_buffer_hard {
            let violation = Violation::ControlBufferFull;
            self.stats.note(violation);
            self.observer.violation(StreamId::CONNECTION, violation);
            self.fail(violation, StreamId::CONNECTION);
        }
    }

    /// Ends a stream and everything that is counted by it.
    pub(super) fn close(&mut self, key: Key, how: Closed) {
        let Some(stream) = self.streams.get_mut(key) else { return };
        let (from, ours) = (stream.state, self.role.initiates(key.id()));
        let queued = stream.outgoing.queued;
        self.schedule.forget(key, stream);
        self.schedule.queued = self.schedule.queued.saturating_sub(queued);
        self.observer.state(key.id(), from, super::stream::State::Closed(how));
        self.streams.close(key, how);
        self.clock.quiet_since = self.clock.latest;
        if from.is_active() {
            let count = if ours { &mut self.counts.ours } else { &mut self.counts.theirs };
            *count = count.saturating_sub(1);
        } else if !ours {
            self.counts.reserved = self.counts.reserved.saturating_sub(1);
        }
        if ours {
            self.offer_slot();
        }
        self.check_drained();
    }

    /// Says `SlotFree` to who was refused one, when there is one.
    pub(super) fn offer_slot(&mut self) {
        if self.counts.slot_wanted && self.has_slot() {
            self.counts.slot_wanted = false;
            self.events.push_back(Event::SlotFree);
        }
    }

    /// The last identifier for a GOAWAY: what the peer has opened so far might have been acted upon (RFC 9113 §6.8).
    pub(super) fn promise_last(&mut self) -> StreamId {
        self.goaway.promise(self.streams.highest(self.role.peer().first_stream()))
    }

    /// RFC 9113 §6.8: a stream of the peer's above what our GOAWAY promised to process.
    pub(super) fn ignores(&self, id: StreamId) -> bool {
        self.role.peer().initiates(id) && self.goaway.ignores(id)
    }

    /// Says `Drained` once: we are leaving, or a client whose server left, and no stream is open any more.
    pub(super) fn check_drained(&mut self) {
        if self.streams.len() > 0 || self.life != Life::Alive {
            return;
        }
        let server_left = self.role == Role::Client && self.goaway.last_received.is_some();
        if matches!(self.goaway.ours, Leaving::Final { .. }) || (server_left && self.goaway.ours != Leaving::Drained) {
            if self.goaway.last_sent.is_none() {
                // RFC 9113 §6.8: the side that has no more use for the connection says so too.
                let last = self.promise_last();
                self.lane.goaway(last, ErrorCode::NO_ERROR, "");
            }
            self.goaway.ours = Leaving::Drained;
            self.events.push_back(Event::Drained);
        }
    }

    /// The peer has closed its sending side.
    ///
    /// # Errors
    /// When streams were still open: their fate is unknown (RFC 9113 §5.4.3).
    pub fn handle_eof(&mut self) -> Result<(), ConnectionError> {
        if self.life == Life::Dead {
            return Ok(());
        }
        let clean = self.streams.len() == 0 && matches!(self.life, Life::Alive);
        let violation = Violation::PeerClosed;
        self.fail(violation, StreamId::CONNECTION);
        let error = match core::mem::replace(&mut self.life, Life::Dead) {
            Life::Failed(error) => error,
            _ => ConnectionError { violation, stream: StreamId::CONNECTION },
        };
        if clean { Ok(()) } else { Err(error) }
    }

    /// Queues a SETTINGS frame of ours and notes what it changes once acknowledged.
    pub(super) fn send_settings(&mut self, list: &[Setting], change: LocalChange, now: Time) {
        let before = self.local.initial_window_size;
        self.local.sent(change, now);
        self.recv.decoder.set_max_table_size(self.local.header_table_size);
        self.rebase_streams(before, self.local.initial_window_size);
        self.lane.settings(list);
    }

    /// Our INITIAL_WINDOW_SIZE has changed: every stream's receive window moves with it (RFC 9113 §6.9.2), and so does what
    /// we want it to be; else a smaller window would at once be announced away. What we want may change alone: of several
    /// changes that are under way the largest is in force, and the last is wanted. Our own doing, so a walk is fine.
    pub(super) fn rebase_streams(&mut self, old: u32, new: u32) {
        let target = self.config.stream_window;
        for (key, stream) in self.streams.iter_mut() {
            stream.recv_window.rebase(old, new);
            stream.recv_window.set_target(target);
            // A window below zero may need credit that nobody would release any more.
            if !stream.update_listed && stream.recv_window.has_update() {
                stream.update_listed = true;
                self.updates.push(key);
            }
        }
    }

    /// False while replies the peer provoked wait to be sent: read nothing more until they are (R1). Field blocks of ours
    /// count too, with more patience: an answer without content ends its stream before it is on the wire, so that a peer that
    /// never reads could go on asking for ever.
    #[must_use]
    pub fn wants_read(&self) -> bool {
        self.lane.provoked() <= self.config.control_buffer_soft && self.lane.len() <= self.config.control_buffer_hard
    }

    /// Whether nothing more will ever be received: flush, then close.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.life == Life::Dead
    }

    /// Whether no new streams can be opened on it: one side has sent GOAWAY, or it failed.
    #[must_use]
    pub fn is_going_away(&self) -> bool {
        self.goaway.forbids_opening() || self.life != Life::Alive
    }

    /// Streams that are open, half-closed or reserved.
    #[must_use]
    pub fn live_streams(&self) -> usize {
        self.streams.len()
    }

    /// Which end this is.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// The configuration it was made with.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The peer's settings as received so far.
    #[must_use]
    pub fn peer_settings(&self) -> PeerSettings {
        self.peer
    }

    /// What happened so far.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The observer it was made with.
    pub fn observer_mut(&mut self) -> &mut O {
        &mut self.observer
    }

    /// The receive ledger of the connection in octets: what the peer may still send, and what the application has received and
    /// not released. Their sum with the credit not yet announced is constant.
    #[must_use]
    pub fn ledger(&self) -> (i64, u32, i64) {
        (self.recv_window.window(), self.recv_window.unreleased(), self.recv_window.sum())
    }

    /// An empty field section, from the connection's pool where it can.
    pub fn fields(&mut self) -> Fields {
        self.pool.pop().unwrap_or_default()
    }

    /// Gives a field section's memory back for reuse.
    pub fn recycle(&mut self, mut fields: Fields) {
        if self.pool.len() < POOLED && fields.allocated() <= 4096 {
            fields.clear();
            self.pool.push(fields);
        }
    }

    /// Gives memory back that a quiet connection does not need; call it when nothing is going on.
    pub fn shrink(&mut self) {
        if self.streams.len() == 0 {
            self.pool = Vec::new();
            self.streams.shrink();
            self.lane.shrink();
            self.recv.shrink();
            self.updates = Vec::new();
            self.events.shrink_to(2);
        }
    }
}
