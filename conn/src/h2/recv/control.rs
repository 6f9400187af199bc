//! Frames that steer: WINDOW_UPDATE, RST_STREAM, SETTINGS, PING, GOAWAY (RFC 9113 §6), PRIORITY_UPDATE (RFC 9218), ALTSVC
//! (RFC 7838), ORIGIN (RFC 8336).

use bytes::Bytes;
use pellucid_flow::Change;
use pellucid_frame::{AltSvc, GoAway, Origin, Ping, PriorityUpdate, Reset, Setting, SettingId, Settings, WindowUpdate};

use super::Expect;
use crate::error::Cause;
use crate::event::{self, Event};
use crate::h2::connection::Connection;
use crate::h2::fault::Fault;
use crate::h2::goaway::Leaving;
use crate::h2::limits::Suspicious;
use crate::h2::message;
use crate::h2::octets::Set;
use crate::h2::ping::Purpose;
use crate::h2::priority::Priority;
use crate::h2::role::Role;
use crate::h2::stream::{Closed, Found, Input, Key, Refused, State};
use crate::h2::violation::Violation;
use crate::observer::Observer;
use crate::time::Time;

/// Diagnostic octets of a GOAWAY that are kept.
const DEBUG_KEPT: usize = 256;

/// Octets of an ALTSVC or ORIGIN that are passed on; larger ones are ignored.
const EXTENSION_KEPT: usize = 16 << 10;

impl<O: Observer> Connection<O> {
    pub(super) fn on_window_update(&mut self, frame: WindowUpdate, now: Time) -> Result<Option<Event>, Fault> {
        self.note(Suspicious::WindowUpdate, now);
        let WindowUpdate { stream: id, increment } = frame;
        if id.is_connection() {
            // RFC 9113 §6.9.1: at most 2^31-1.
            self.send_window.grow(increment).map_err(|_| Violation::ConnectionWindowOverflow)?;
            return Ok(None);
        }
        let initial = self.initial_window.get();
        let state = match self.streams.find(id) {
            Found::Live(key) => {
                let Some(stream) = self.streams.get_mut(key) else { return Ok(None) };
                match stream.state.next(Input::RecvWindowUpdate) {
                    Ok(_) => {}
                    Err(Refused::Peer(violation)) => return Err(violation.on(id)),
                    Err(_) => return Ok(None),
                }
                // RFC 9113 §6.9.1: at most 2^31-1; checked also when we have nothing more to send.
                stream.send_window.grow(initial, increment).map_err(|_| Violation::StreamWindowOverflow.on(id))?;
                self.initial_window.note(stream.send_window.delta());
                self.schedule.window_grew(stream);
                return Ok(None);
            }
            Found::Idle => State::Idle,
            // RFC 9113 §5.1, §6.9: may arrive for a while after a stream has closed.
            _ => State::Closed(Closed::Ended),
        };
        match state.next(Input::RecvWindowUpdate) {
            Err(Refused::Peer(violation)) if !self.ignores(id) => Err(violation.into()),
            _ => Ok(None),
        }
    }

    pub(super) fn on_reset(&mut self, frame: Reset, now: Time) -> Result<Option<Event>, Fault> {
        let Reset { stream: id, code } = frame;
        self.stats.resets_in += 1;
        let key = match self.streams.find(id) {
            Found::Live(key) => key,
            // RFC 9113 §6.4: an idle stream cannot be reset.
            Found::Idle if !self.ignores(id) => return Err(Violation::ResetOnIdleStream.into()),
            // RFC 9113 §5.1: may cross the frame that closed the stream. Never answered (RFC 9113 §5.4.2).
            Found::Closed(Closed::Ended) => {
                self.streams.remember(id, Closed::PeerReset);
                return Ok(None);
            }
            _ => {
                self.note(Suspicious::Glitch(1), now);
                return Ok(None);
            }
        };
        let untouched = self.streams.get(key).is_some_and(|s| s.outgoing.phase == crate::h2::stream::Phase::Head);
        self.close(key, Closed::PeerReset);
        if self.role == Role::Server && self.role.peer().initiates(id) && untouched {
            // CVE-2023-44487: opened and reset before it could be answered.
            self.note(Suspicious::EarlyReset, now);
        }
        Ok(Some(Event::Reset { id, cause: Cause::Peer(code) }))
    }

    pub(super) fn on_settings(&mut self, frame: Settings<'_>, now: Time) -> Result<Option<Event>, Fault> {
        if frame.ack {
            let before = self.local.initial_window_size;
            let change = self.local.acknowledged()?;
            if let Some(size) = change.header_table_size {
                // RFC 9113 §4.3.1: the acknowledged value is what a reduction is measured by; a larger one may follow.
                self.recv.decoder.set_max_table_size(size);
                self.recv.decoder.set_max_table_size(self.local.header_table_size);
            }
            self.rebase_streams(before, self.local.initial_window_size);
            return Ok(None);
        }
        // CVE-2019-9515: many entries are work without worth.
        if frame.len() > self.config.max_settings_entries as usize {
            return Err(Violation::TooManySettings.into());
        }
        let was_first = core::mem::replace(&mut self.recv.expect, Expect::Frame) != Expect::Frame;
        let next = self.peer.after(&frame, self.role.peer())?;
        self.apply(next)?;
        // RFC 7541 §4.2: the next block must say the smallest size since the last one, so each of several counts.
        for setting in frame.iter().filter(|s| s.id == SettingId::HEADER_TABLE_SIZE) {
            self.lane.encoder.set_max_table_size(setting.value);
        }
        // RFC 9113 §6.5.3: each SETTINGS frame has its own acknowledgment, in order.
        self.lane.settings_ack();
        if !was_first {
            self.note(Suspicious::Glitch(5), now);
        }
        self.after_provocation();
        Ok(Some(Event::Settings(self.peer)))
    }

    /// All values at once, after every one of them was found valid.
    fn apply(&mut self, next: crate::h2::PeerSettings) -> Result<(), Fault> {
        let deltas = self.streams.iter().map(|(_, s)| s.send_window.delta());
        // RFC 9113 §6.9.2: every stream's window moves by the difference; none may pass 2^31-1.
        match self.initial_window.change(next.initial_window_size, deltas) {
            Ok(Change::Grew) => self.schedule.windows_grew(),
            Ok(Change::DidNotGrow) => {}
            Err(_) => return Err(Violation::InitialWindowOverflow.into()),
        }
        self.peer = next;
        self.offer_slot();
        Ok(())
    }

    pub(super) fn on_ping(&mut self, frame: Ping, now: Time) -> Result<Option<Event>, Fault> {
        if !frame.ack {
            // RFC 9113 §6.7: answered with the same octets, ahead of any DATA.
            self.lane.pong(frame.payload);
            self.note(Suspicious::Glitch(1), now);
            self.after_provocation();
            return Ok(None);
        }
        let Some((purpose, sent)) = self.pings.acknowledged(frame.payload) else {
            self.note(Suspicious::Glitch(1), now);
            return Ok(None);
        };
        self.stats.rtt_ns = u64::try_from(now.since(sent).as_nanos()).unwrap_or(u64::MAX);
        match purpose {
            Purpose::User => return Ok(Some(Event::Pong(frame.payload))),
            Purpose::Keepalive => {}
            Purpose::Drain => {
                if matches!(self.goaway.ours, Leaving::Warned { .. }) {
                    self.leave(now);
                }
            }
            Purpose::Probe => {
                if let Some(target) = self.autotune.as_mut().and_then(|a| a.on_ack(now.as_nanos())) {
                    self.widen(target, now);
                }
            }
        }
        Ok(None)
    }

    /// The path holds more than our windows: every stream gets `target` octets, the connection twice that, so that one stream
    /// whose content nobody reads still leaves room for its siblings.
    fn widen(&mut self, target: u32, now: Time) {
        let connection = target.saturating_mul(2).min(pellucid_flow::MAX_WINDOW);
        self.recv_window.set_target(connection.max(self.recv_window.target()));
        // The change moves the windows of streams that are open, too: one frame announces the growth of all of them.
        self.update_settings(&[Setting { id: SettingId::INITIAL_WINDOW_SIZE, value: target }], now);
        self.observer.window_target(target);
    }

    pub(super) fn on_goaway(&mut self, frame: GoAway<'_>, now: Time) -> Option<Event> {
        self.note(Suspicious::Glitch(1), now);
        // RFC 9113 §6.8: the last identifier must not increase; where it does, the lower one stands.
        let last = self.goaway.last_received.map_or(frame.last, |before| before.min(frame.last));
        self.goaway.last_received = Some(last);
        // RFC 9113 §6.8: streams of ours above it were not and will not be processed.
        let ours: Vec<Key> =
            self.streams.iter().map(|(key, _)| key).filter(|k| self.role.initiates(k.id()) && k.id() > last).collect();
        let event = Event::GoAway {
            last,
            code: frame.code,
            debug: Bytes::copy_from_slice(frame.debug.get(..DEBUG_KEPT).unwrap_or(frame.debug)),
        };
        self.events.push_back(event);
        for key in ours {
            self.abandon(key);
        }
        self.check_drained();
        None
    }

    pub(super) fn on_priority_update(&mut self, frame: PriorityUpdate<'_>, now: Time) -> Result<Option<Event>, Fault> {
        // RFC 9218 §7.1: servers do not send it.
        if self.role == Role::Client {
            return Err(Violation::PriorityUpdateFromServer.into());
        }
        self.note(Suspicious::Glitch(1), now);
        let id = frame.prioritized;
        let priority = Priority::parse(frame.value);
        match self.streams.find(id) {
            Found::Live(key) => {
                let Some(stream) = self.streams.get_mut(key) else { return Ok(None) };
                self.schedule.reprioritise(key, stream, priority);
                Ok(Some(Event::Priority { id, priority }))
            }
            // RFC 9218 §7.1: a push stream must have been promised.
            Found::Idle if !id.is_client_initiated() => Err(Violation::PriorityUpdateOnIdlePush.into()),
            Found::Idle => {
                // RFC 9218 §7.1: idle streams with a priority and active ones together keep to the stream limit.
                let known = self.expected.contains(id);
                let count = self.expected.len() + usize::from(!known) + self.counts.theirs as usize;
                if count > self.config.max_concurrent_streams as usize {
                    return Err(Violation::TooManyPrioritized.into());
                }
                self.expected.set(id, priority);
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    pub(super) fn on_alt_svc(&mut self, frame: AltSvc<'_>, now: Time) -> Option<Event> {
        self.note(Suspicious::Glitch(1), now);
        // RFC 7838 §4: for clients; on stream 0 with an origin, on a stream without.
        let fine = self.role == Role::Client
            && frame.stream.is_connection() != frame.origin.is_empty()
            && frame.origin.len() + frame.value.len() <= EXTENSION_KEPT;
        fine.then(|| {
            Event::AltSvc(Box::new(event::AltSvc {
                origin: Bytes::copy_from_slice(frame.origin),
                stream: frame.stream,
                value: Bytes::copy_from_slice(frame.value),
            }))
        })
    }

    pub(super) fn on_origin(&mut self, frame: Origin<'_>, now: Time) -> Option<Event> {
        self.note(Suspicious::Glitch(1), now);
        // RFC 8336 §2.2: on stream 0, over TLS, with none of the four reserved flags; for clients.
        let fine = self.role == Role::Client
            && self.config.secure
            && frame.stream.is_connection()
            && frame.flags.get() & 0x0f == 0
            && frame.payload.len() <= EXTENSION_KEPT;
        // RFC 8336 §2.2: entries that are no origins are ignored.
        let origins = || frame.iter().filter(|entry| is_origin(entry)).map(Bytes::copy_from_slice);
        fine.then(|| Event::Origin(origins().collect()))
    }
}

/// An origin in ASCII (RFC 6454 §6.2): scheme, host, and a port where it is not the scheme's own.
fn is_origin(entry: &[u8]) -> bool {
    let Some(at) = entry.windows(3).position(|octets| octets == b"://") else { return false };
    let (scheme, authority) = (entry.get(..at).unwrap_or_default(), entry.get(at + 3..).unwrap_or_default());
    message::is_scheme(scheme) && Set::AUTHORITY.covers(authority)
}
