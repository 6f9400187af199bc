//! The application's side: what it does at the input's command, and what it may be told (I3).
//! Not for: the wire.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use pellucid_conn::h2::{Connection, Priority, Role};
use pellucid_conn::{Cause, End, ErrorCode, Event, Observer, SendError, StreamId, Time};
use pellucid_frame::{Setting, SettingId};

use super::phrases::{REQUESTS, RESPONSES, TRAILERS, section};
use super::script::Command;
use crate::Seen;

#[derive(Default)]
pub(super) struct App {
    /// Requests whose handler is running (server).
    running: BTreeSet<StreamId>,
    /// Streams, oldest first.
    streams: Vec<StreamId>,
    told: BTreeMap<StreamId, Told>,
    /// Content received and not yet released.
    held: Vec<(StreamId, u32)>,
    drained: usize,
}

/// What it has been told of a stream.
#[derive(Debug, Default, Clone, Copy)]
struct Told {
    has_head: bool,
    is_ended: bool,
    is_reset: bool,
}

impl App {
    pub(super) fn held(&self) -> u64 {
        self.held.iter().map(|(_, octets)| u64::from(*octets)).sum()
    }

    /// Something has happened; is it allowed to, now?
    pub(super) fn hear<O: Observer>(&mut self, event: Event, conn: &mut Connection<O>, seen: &mut Seen) {
        seen.insert(label(&event));
        match event {
            Event::Headers { id, fields, end } => {
                let is_interim = fields.get(b":status").is_some_and(|status| status.starts_with(b"1"));
                let told = self.told.entry(id).or_default();
                assert!(!told.has_head && !told.is_ended && !told.is_reset, "one header section on {id}: {told:?}");
                told.has_head = !is_interim;
                told.is_ended = end == End::Last;
                if conn.role() == Role::Server {
                    self.on_request(id, conn);
                }
                conn.recycle(fields);
            }
            Event::Data { id, data, end } => {
                let told = self.told.entry(id).or_default();
                assert!(told.has_head && !told.is_ended && !told.is_reset, "content in its place on {id}: {told:?}");
                assert!(!data.is_empty() || end == End::Last, "DATA that says nothing is not an event");
                told.is_ended = end == End::Last;
                if !data.is_empty() {
                    self.held.push((id, u32::try_from(data.len()).unwrap()));
                }
            }
            Event::Trailers { id, .. } => {
                let told = self.told.entry(id).or_default();
                assert!(told.has_head && !told.is_ended && !told.is_reset, "trailers in their place on {id}: {told:?}");
                told.is_ended = true;
            }
            Event::Reset { id, cause } => {
                let told = self.told.entry(id).or_default();
                assert!(!told.is_reset, "one end a stream: {id}, {cause}");
                told.is_reset = true;
                if let Cause::Local(violation) = cause {
                    seen.insert(violation.message());
                }
            }
            Event::Promise { id, on, .. } => {
                assert!(id.is_server_initiated() && on.is_client_initiated());
                self.streams.push(id);
            }
            Event::Drained => {
                self.drained += 1;
                assert_eq!(self.drained, 1, "drained once");
                assert_eq!(conn.live_streams(), 0, "drained with streams open");
            }
            _ => {}
        }
    }

    fn on_request<O: Observer>(&mut self, id: StreamId, conn: &Connection<O>) {
        assert!(self.running.insert(id), "a request once");
        self.streams.push(id);
        // I3: counted in work, not in streams.
        let limit = conn.config().max_concurrent_streams as usize;
        assert!(self.running.len() <= limit, "{} handlers, {limit} allowed", self.running.len());
    }

    fn stream(&self, command: Command) -> StreamId {
        let count = self.streams.len().max(1);
        self.streams.iter().rev().nth(usize::from(command.stream) % count).copied().unwrap_or(StreamId::new(1))
    }

    /// Carries out a command. Refusals are fine; panics are not.
    // tidy: table
    pub(super) fn act<O: Observer>(&mut self, command: Command, conn: &mut Connection<O>, now: Time, seen: &mut Seen) {
        let (id, number) = (self.stream(command), usize::from(command.number));
        let end = if command.number & 1 == 0 { End::More } else { End::Last };
        let result = match command.kind % 24 {
            0..=3 if conn.role() == Role::Client => {
                conn.open(&section(&REQUESTS, 10, command.number), end).map(|id| self.streams.push(id))
            }
            0..=3 => conn.send_headers(id, &section(&RESPONSES, 7, command.stream), end),
            4..=7 => {
                let octets = [0, 1, 100, 5000, 20_000, 70_000][number / 2 % 6];
                conn.send_data(id, Bytes::from(vec![command.number; octets]), end)
            }
            8 => conn.send_trailers(id, section(&TRAILERS, 1, command.number)),
            9 if number < 200 => {
                conn.reset(id, ErrorCode::new(u32::from(command.number % 14)));
                // Whatever happens to it after this is no news.
                if self.streams.contains(&id) {
                    self.told.entry(id).or_default().is_reset = true;
                }
                Ok(())
            }
            10..=13 => {
                self.release(number, conn);
                Ok(())
            }
            14 => {
                conn.stop_reading(id);
                Ok(())
            }
            15 | 16 => {
                self.finish(number, conn);
                Ok(())
            }
            17 => conn.push(id, &section(&REQUESTS, 10, command.number)).map(|id| self.streams.push(id)),
            18 => {
                conn.set_priority(id, Priority { urgency: command.number % 8, incremental: number > 99 });
                Ok(())
            }
            19 => {
                conn.ping([command.number; 8]);
                Ok(())
            }
            20 => {
                let (id, value) = match number % 4 {
                    0 => (SettingId::MAX_CONCURRENT_STREAMS, [0, 1, 100][number / 4 % 3]),
                    1 => (SettingId::MAX_FRAME_SIZE, [16_384, 40_000][number / 4 % 2]),
                    _ => (SettingId::INITIAL_WINDOW_SIZE, [0, 1, 65_535, 1_000_000, 0x7fff_ffff][number / 4 % 5]),
                };
                conn.update_settings(&[Setting { id, value }], now);
                Ok(())
            }
            21 if number > 240 => {
                conn.shut_down(now);
                Ok(())
            }
            22 => {
                conn.send_alt_svc(id, b"", b"h2=\":1\"");
                conn.send_origin(&[b"https://a"]);
                Ok(())
            }
            _ => {
                conn.want_slot();
                let _ = (conn.capacity(id), conn.has_slot(), conn.is_going_away(), conn.peer_settings());
                conn.shrink();
                Ok(())
            }
        };
        seen.extend(result.err().map(refusal));
    }

    fn release<O: Observer>(&mut self, number: usize, conn: &mut Connection<O>) {
        if self.held.is_empty() {
            return;
        }
        let (id, octets) = self.held.swap_remove(number % self.held.len());
        let now = if number.is_multiple_of(3) { octets / 2 } else { octets };
        conn.release(id, now);
        if now < octets {
            self.held.push((id, octets - now));
        }
    }

    fn finish<O: Observer>(&mut self, number: usize, conn: &mut Connection<O>) {
        if let Some(id) = self.running.iter().nth(number % self.running.len().max(1)).copied() {
            self.running.remove(&id);
            conn.finished(id);
        }
    }

    /// The application goes away: everything is given back.
    pub(super) fn let_go<O: Observer>(&mut self, conn: &mut Connection<O>) {
        for (id, octets) in self.held.drain(..) {
            conn.release(id, octets);
        }
        for id in std::mem::take(&mut self.running) {
            conn.finished(id);
        }
    }
}

fn label(event: &Event) -> &'static str {
    match event {
        Event::Headers { end: End::More, .. } => "Headers",
        Event::Headers { .. } => "Headers, last",
        Event::Data { end: End::More, .. } => "Data",
        Event::Data { .. } => "Data, last",
        Event::Trailers { .. } => "Trailers",
        Event::Reset { cause: Cause::NotProcessed, .. } => "Reset, not processed",
        Event::Reset { .. } => "Reset",
        Event::Writable { .. } => "Writable",
        Event::SlotFree => "SlotFree",
        Event::Refused { .. } => "Refused",
        Event::Promise { .. } => "Promise",
        Event::Priority { .. } => "Priority",
        Event::Settings(_) => "Settings",
        Event::Pong(_) => "Pong",
        Event::AltSvc(_) => "AltSvc",
        Event::Origin(_) => "Origin",
        Event::GoAway { .. } => "GoAway",
        Event::Drained => "Drained",
        _ => "another event",
    }
}

fn refusal(error: SendError) -> &'static str {
    match error {
        SendError::Dead => "refused: dead",
        SendError::GoingAway => "refused: going away",
        SendError::NoSlot => "refused: no slot",
        SendError::NoStream => "refused: no stream",
        SendError::OutOfOrder => "refused: out of order",
        SendError::PushNotAllowed => "refused: no push",
        SendError::Malformed(why) => why,
        _ => "refused",
    }
}
