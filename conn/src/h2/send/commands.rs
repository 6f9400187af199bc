//! What the application wants: streams opened and answered, content queued and released, things ended.

use bytes::Bytes;
use pellucid_frame::{End, ErrorCode, Setting, SettingId, StreamId};
use pellucid_hpack::{Class, Fields, Token};

use crate::error::SendError;
use crate::h2::connection::{Connection, Life};
use crate::h2::message::{self, ExtendedConnect, RequestFacts};
use crate::h2::ping::Purpose;
use crate::h2::priority::Priority;
use crate::h2::role::Role;
use crate::h2::settings::{self, LocalChange};
use crate::h2::stream::{Found, Input, Key, Method, Phase, Reading, State, Tail};
use crate::observer::{Observer, Wait};
use crate::time::Time;

/// However full the connection's send buffer is, every stream may queue this much, so that a stalled one starves no other.
const FLOOR: usize = 4096;

impl<O: Observer> Connection<O> {
    /// Client: sends a request on a new stream.
    ///
    /// # Errors
    /// `NoSlot` until `Event::SlotFree`; `GoingAway` or `IdsExhausted` when another connection is needed; `Malformed` when the
    /// fields break a rule of RFC 9113 §8.
    pub fn open(&mut self, fields: &Fields, end: End) -> Result<StreamId, SendError> {
        self.alive()?;
        if self.role != Role::Client {
            return Err(SendError::WrongRole);
        }
        if self.goaway.forbids_opening() {
            return Err(SendError::GoingAway);
        }
        let id = self.next_id()?;
        if !self.has_slot() {
            self.counts.slot_wanted = true;
            self.observer.waits(id, Wait::Slot);
            return Err(SendError::NoSlot);
        }
        if fields.find(Token::PROTOCOL).is_some() && !self.peer.enable_connect_protocol {
            return Err(SendError::NoExtendedConnect);
        }
        let facts = message::request(fields, ExtendedConnect::On).map_err(|v| SendError::Malformed(v.message()))?;
        may_end_there(fields, end)?;
        // Only where it will ever be asked for.
        if self.config.max_reserved_remote > 0 {
            self.authorities.learn(fields);
        }
        self.open_stream(id, end, facts);
        self.write_block(id, fields, end);
        Ok(id)
    }

    fn open_stream(&mut self, id: StreamId, end: End, facts: RequestFacts) {
        let (initial, target) = (self.local.initial_window_size, self.config.stream_window);
        let (now, sent_by_all) = (self.clock.latest, self.stats.data_out);
        let state = match end {
            End::More => State::Open,
            End::Last => State::HalfClosedLocal,
        };
        self.streams.open(id, |stream| {
            stream.state = state;
            stream.recv_window = pellucid_flow::RecvWindow::new(initial, target);
            stream.priority = facts.priority.unwrap_or_default();
            stream.method = facts.method;
            stream.outgoing.phase = match (end, facts.method) {
                (End::Last, _) => Phase::Done,
                // RFC 9113 §8.5: whatever follows a CONNECT is for its tunnel, where there are no trailers.
                (End::More, Method::Connect) => Phase::Tunnel,
                (End::More, _) => Phase::Body,
            };
            stream.incoming.since = now;
            stream.outgoing.wind(now, sent_by_all);
        });
        self.counts.ours += 1;
        self.stats.streams_opened += 1;
        self.observer.state(id, State::Idle, state);
        self.watch_streams(now);
    }

    /// Server: promises a response to a request the client has not made. `fields` are that request's.
    ///
    /// # Errors
    /// `PushNotAllowed` unless the client has switched push on; `NoStream` when `on` can no longer carry it.
    pub fn push(&mut self, on: StreamId, fields: &Fields) -> Result<StreamId, SendError> {
        self.alive()?;
        // RFC 9113 §8.4: only a server, only where the client allows it.
        if self.role != Role::Server || !self.peer.enable_push {
            return Err(SendError::PushNotAllowed);
        }
        if self.goaway.last_received.is_some() {
            return Err(SendError::GoingAway);
        }
        let parent = self.streams.key(on).and_then(|key| self.streams.get(key));
        // RFC 9113 §6.6: on a stream of the client's that is open or half-closed (remote).
        if !parent.is_some_and(|s| s.state.can_send()) || self.role.initiates(on) {
            return Err(SendError::NoStream);
        }
        let id = self.next_id()?;
        let facts = message::request(fields, ExtendedConnect::Off).map_err(|v| SendError::Malformed(v.message()))?;
        // RFC 9113 §8.4: safe, cacheable and without content; of a server by name, whom this one must be able to speak for.
        if !matches!(fields.find(Token::METHOD), Some(b"GET" | b"HEAD")) {
            return Err(SendError::Malformed("a promised request must be GET or HEAD"));
        }
        if facts.content_length.is_some_and(|octets| octets > 0) {
            return Err(SendError::Malformed("a promised request has no content"));
        }
        if fields.find(Token::AUTHORITY).is_none() {
            return Err(SendError::Malformed("a promised request must have an authority"));
        }
        let is_head = fields.find(Token::METHOD) == Some(b"HEAD");
        self.streams.open(id, |stream| {
            stream.state = State::ReservedLocal;
            stream.incoming.phase = Phase::Done;
            stream.method = if is_head { Method::Head } else { Method::Other };
        });
        self.observer.state(id, State::Idle, State::ReservedLocal);
        self.lane.push_promise(on, id, fields, self.peer.max_frame_size);
        self.stats.blocks_out += 1;
        Ok(id)
    }

    /// Server: sends an interim (1xx) or the final response's header section.
    ///
    /// # Errors
    /// `NoStream` when the stream is gone, `OutOfOrder` after a final response, `Malformed` when the fields break a rule,
    /// `NoSlot` on a pushed stream while the client allows no further one.
    pub fn send_headers(&mut self, id: StreamId, fields: &Fields, end: End) -> Result<(), SendError> {
        self.alive()?;
        let facts = message::response(fields).map_err(|v| SendError::Malformed(v.message()))?;
        let is_interim = facts.status < 200;
        if is_interim && (end.is_last() || facts.status == 101) {
            return Err(SendError::Malformed(
                "an interim response does not end the stream, and 101 does not exist here",
            ));
        }
        let has_slot = self.has_slot();
        let (key, stream) = self.streams.by_id(id).ok_or(SendError::NoStream)?;
        if stream.outgoing.phase != Phase::Head {
            return Err(SendError::OutOfOrder);
        }
        let is_tunnel = !is_interim && stream.method == Method::Connect && facts.status < 300;
        // RFC 9110 §8.6, §9.3.6: where there can be no content, no length is told.
        if facts.content_length.is_some() && (is_interim || is_tunnel || facts.status == 204) {
            return Err(SendError::Malformed("1xx, 204 and what opens a tunnel have no content-length"));
        }
        let from = stream.state;
        let to = from.next(Input::SendHeaders).map_err(|_| SendError::OutOfOrder)?;
        // RFC 9113 §5.1.2: a promised stream counts from its HEADERS on, and the client says how many may.
        if from == State::ReservedLocal && !has_slot {
            self.counts.slot_wanted = true;
            return Err(SendError::NoSlot);
        }
        stream.state = to;
        if !is_interim {
            stream.outgoing.phase = if is_tunnel { Phase::Tunnel } else { Phase::Body };
            // RFC 9218 §10.1: a tunnel may last, and gets its share at once. Nothing of it is queued yet, so it is in no place.
            stream.priority.incremental |= is_tunnel;
        }
        if from == State::ReservedLocal {
            self.counts.ours += 1;
            self.observer.state(id, from, to);
        }
        self.write_block(id, fields, end);
        if end.is_last() {
            self.end_sent(key);
        }
        Ok(())
    }

    fn write_block(&mut self, id: StreamId, fields: &Fields, end: End) {
        self.stats.blocks_out += 1;
        if self.config.split_cookies
            && self.role == Role::Client
            && fields.find(Token::COOKIE).is_some_and(|c| c.windows(2).any(|w| w == b"; "))
        {
            let split = split_cookies(fields);
            return self.lane.headers(id, &split, end, self.peer.max_frame_size);
        }
        self.lane.headers(id, fields, end, self.peer.max_frame_size);
    }

    /// Queues content. `capacity` says how much is welcome; more is taken, since it is in memory already.
    ///
    /// # Errors
    /// `NoStream` when the stream is gone, `OutOfOrder` before the header section or after the end.
    pub fn send_data(&mut self, id: StreamId, data: Bytes, end: End) -> Result<(), SendError> {
        self.alive()?;
        let (key, stream) = self.streams.by_id(id).ok_or(SendError::NoStream)?;
        let outgoing = &mut stream.outgoing;
        if !stream.state.can_send()
            || !matches!(outgoing.phase, Phase::Body | Phase::Tunnel)
            || !matches!(outgoing.tail, Tail::Open)
        {
            return Err(SendError::OutOfOrder);
        }
        if end.is_last() {
            outgoing.tail = Tail::End;
        }
        let len = data.len();
        if len > 0 {
            if outgoing.queued == 0 {
                outgoing.wind(self.clock.latest, self.stats.data_out);
                outgoing.fullness = self.schedule.fullness;
            }
            outgoing.push(data);
            self.schedule.queued += len;
            if self.schedule.queued >= self.config.send_buffer_connection {
                self.schedule.fullness = self.schedule.fullness.wrapping_add(1);
            }
        }
        self.schedule.add(key, stream);
        if self.capacity(id) == 0
            && let Some(stream) = self.streams.get_mut(key)
        {
            stream.outgoing.full = true;
        }
        Ok(())
    }

    /// Ends the message with a trailer section, sent behind the content queued so far.
    ///
    /// # Errors
    /// As `send_data`; `Malformed` when the fields break a rule of RFC 9113 §8.1.
    pub fn send_trailers(&mut self, id: StreamId, fields: Fields) -> Result<(), SendError> {
        self.alive()?;
        message::trailers(&fields).map_err(|v| SendError::Malformed(v.message()))?;
        let (key, stream) = self.streams.by_id(id).ok_or(SendError::NoStream)?;
        let outgoing = &mut stream.outgoing;
        // RFC 9113 §8.5: a tunnel has no trailers.
        if !stream.state.can_send() || outgoing.phase != Phase::Body || !matches!(outgoing.tail, Tail::Open) {
            return Err(SendError::OutOfOrder);
        }
        outgoing.tail = Tail::Trailers(Box::new(fields));
        self.schedule.add(key, stream);
        Ok(())
    }

    /// Ends a stream at once with RST_STREAM; what is queued on it is dropped. Nothing happens when it has ended already.
    ///
    /// REFUSED_STREAM promises a client that nothing was done with its request. RFC 9113 §8.7 leaves that to the connection,
    /// which refuses requests before the application knows of them.
    pub fn reset(&mut self, id: StreamId, code: ErrorCode) {
        if self.life == Life::Alive
            && let Found::Live(key) = self.streams.find(id)
        {
            self.reset_now(key, code);
        }
    }

    /// Content has been consumed: its octets may be announced to the peer again. Also for streams that have ended.
    pub fn release(&mut self, id: StreamId, octets: u32) {
        match self.streams.key(id) {
            Some(key) => self.release_octets(key, octets),
            None => self.recv_window.release(octets),
        }
    }

    pub(in crate::h2) fn release_octets(&mut self, key: Key, octets: u32) {
        self.recv_window.release(octets);
        let Some(stream) = self.streams.get_mut(key) else { return };
        stream.recv_window.release(octets);
        if !stream.update_listed && stream.recv_window.has_update() {
            stream.update_listed = true;
            self.updates.push(key);
        }
    }

    /// The application will read no more of this stream. What still arrives is discarded; once our own message is complete the
    /// peer is told to stop with RST_STREAM: CANCEL from a client, NO_ERROR from a server (RFC 9113 §8.1) unless all that is still
    /// to come fits into the stream's window.
    pub fn stop_reading(&mut self, id: StreamId) {
        if self.life != Life::Alive {
            return;
        }
        let Some((key, stream)) = self.streams.by_id(id) else { return };
        stream.incoming.reading = Reading::Stopped;
        self.stop_unread(key);
    }

    /// Server: the handler of a request has ended and holds nothing of it any more: its slot is free (R2). Exactly once for every
    /// `Event::Headers` that was a request, whatever became of its stream.
    pub fn finished(&mut self, _id: StreamId) {
        debug_assert!(self.counts.handlers > 0, "finished() once for each request");
        self.counts.handlers = self.counts.handlers.saturating_sub(1);
    }

    /// Sends a PING; `Event::Pong` with the same octets is its answer.
    pub fn ping(&mut self, payload: [u8; 8]) {
        if self.life == Life::Alive {
            self.pings.note(payload, Purpose::User, self.clock.latest);
            self.lane.ping(payload);
        }
    }

    /// Client: asks for a response earlier or later (RFC 9218 §7.1). Server: changes the order of its own accord.
    pub fn set_priority(&mut self, id: StreamId, priority: Priority) {
        if self.life != Life::Alive {
            return;
        }
        let role = self.role;
        let Some((key, stream)) = self.streams.by_id(id) else { return };
        // RFC 9218 §7.1: of a stream on which content may still come, and of none that was not promised.
        let may_receive = stream.state.can_receive() || stream.state == State::ReservedRemote;
        self.schedule.reprioritise(key, stream, priority);
        // RFC 9218 §2.1.1: of no use to a server that has not said that it listens.
        if role == Role::Client && may_receive && self.peer.no_rfc7540_priorities != Some(false) {
            self.lane.priority_update(id, &priority.to_value());
        }
    }

    /// Changes settings of ours. Larger limits hold at once, smaller ones when the peer has acknowledged them. Values that this
    /// side must not send (RFC 9113 §6.5.2) are left out.
    pub fn update_settings(&mut self, list: &[Setting], now: Time) {
        if self.life != Life::Alive {
            return;
        }
        let list: Vec<Setting> = list.iter().copied().filter(|s| settings::may_be_sent(*s, self.role)).collect();
        let find = |id: SettingId| list.iter().rev().find(|s| s.id == id).map(|s| s.value);
        let change = LocalChange {
            header_table_size: find(SettingId::HEADER_TABLE_SIZE),
            initial_window_size: find(SettingId::INITIAL_WINDOW_SIZE),
            max_frame_size: find(SettingId::MAX_FRAME_SIZE),
            enable_push: find(SettingId::ENABLE_PUSH).map(|value| value != 0),
        };
        if let Some(streams) = find(SettingId::MAX_CONCURRENT_STREAMS) {
            self.config.max_concurrent_streams = streams;
        }
        if let Some(octets) = find(SettingId::MAX_HEADER_LIST_SIZE) {
            self.config.max_header_list_size = octets;
        }
        if let Some(size) = change.initial_window_size {
            self.config.stream_window = size;
        }
        self.send_settings(&list, change, now);
    }

    /// Server: tells the client of an alternative service (RFC 7838 §4). One too long for the client's frames is not told.
    pub fn send_alt_svc(&mut self, stream: StreamId, origin: &[u8], value: &[u8]) {
        // RFC 9113 §4.2: no frame above the peer's SETTINGS_MAX_FRAME_SIZE.
        let fits = 2 + origin.len() + value.len() <= self.peer.max_frame_size as usize;
        if self.role == Role::Server && self.life == Life::Alive && fits {
            self.lane.alt_svc(stream, origin, value);
        }
    }

    /// Server: tells the client which origins this connection is good for (RFC 8336). A list too long for one of the client's
    /// frames is not told: send it in parts.
    pub fn send_origin(&mut self, origins: &[&[u8]]) {
        // RFC 9113 §4.2: no frame above the peer's SETTINGS_MAX_FRAME_SIZE.
        let fits = origins.iter().map(|origin| 2 + origin.len()).sum::<usize>() <= self.peer.max_frame_size as usize;
        if self.role == Role::Server && self.life == Life::Alive && fits {
            self.lane.origin(origins);
        }
    }

    /// Octets the application may queue on this stream now; zero also when it cannot send at all.
    #[must_use]
    pub fn capacity(&self, id: StreamId) -> usize {
        let Some(stream) = self.streams.key(id).and_then(|key| self.streams.get(key)) else { return 0 };
        if !stream.state.can_send() {
            return 0;
        }
        let whole = self.config.send_buffer_connection.saturating_sub(self.schedule.queued);
        let own = self.config.send_buffer_stream.saturating_sub(stream.outgoing.queued);
        own.min(whole.max(FLOOR.saturating_sub(stream.outgoing.queued)))
    }

    /// Asks for `Event::SlotFree` when the peer allows another stream of ours.
    pub fn want_slot(&mut self) {
        self.counts.slot_wanted = true;
    }

    /// Whether `open` would find a concurrency slot.
    #[must_use]
    pub fn has_slot(&self) -> bool {
        let c = &self.config;
        let allowed = match (self.peer.max_concurrent_streams, self.recv.awaits_settings()) {
            (None, true) => c.assumed_streams,
            (None, false) => c.max_open_streams,
            (Some(limit), _) => limit.min(c.max_open_streams),
        };
        self.counts.ours < allowed
    }

    /// The identifier `open` or `push` would use.
    fn next_id(&self) -> Result<StreamId, SendError> {
        let first = self.role.first_stream();
        match self.streams.highest(first) {
            StreamId::CONNECTION => Ok(first),
            last => last.next().ok_or(SendError::IdsExhausted),
        }
    }

    fn alive(&self) -> Result<(), SendError> {
        if self.life == Life::Alive { Ok(()) } else { Err(SendError::Dead) }
    }
}

/// Whether a request may have content, or none.
fn may_end_there(fields: &Fields, end: End) -> Result<(), SendError> {
    let is = |token, value: &[u8]| fields.find(token).is_some_and(|found| found.eq_ignore_ascii_case(value));
    match end {
        // RFC 9110 §10.1.1: leave is asked for only where there is something to send.
        End::Last if is(Token::EXPECT, b"100-continue") => {
            Err(SendError::Malformed("`expect: 100-continue` on a request without content"))
        }
        // RFC 9110 §9.3.8.
        End::More if is(Token::METHOD, b"TRACE") => Err(SendError::Malformed("a TRACE request has no content")),
        _ => Ok(()),
    }
}

/// RFC 9113 §8.2.3: one field line a crumb compresses better when only some of them change.
fn split_cookies(fields: &Fields) -> Fields {
    let mut split = Fields::with_capacity(fields.len() + 8, fields.size() as usize);
    for field in fields.iter() {
        if field.token != Token::COOKIE || field.class.intersects(Class::VALUE_NUL_CR_LF) {
            split.push_field(&field);
            continue;
        }
        let mut rest = field.value;
        while let Some(at) = rest.windows(2).position(|w| w == b"; ") {
            split.push_token(Token::COOKIE, rest.get(..at).unwrap_or_default());
            rest = rest.get(at + 2..).unwrap_or_default();
        }
        split.push_token(Token::COOKIE, rest);
    }
    split
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::h2::Config;
    use crate::h2::stream::Closed;

    #[test]
    fn a_client_that_has_used_all_identifiers_needs_another_connection() {
        let mut conn = Connection::client(Config::client(), Time::ZERO);
        let mut request = Fields::new();
        for (token, value) in [(Token::METHOD, "GET"), (Token::SCHEME, "https"), (Token::PATH, "/")] {
            request.push_token(token, value.as_bytes());
        }
        conn.streams.open_closed(StreamId::new(StreamId::MAX.get() - 2), Closed::Ended);
        assert_eq!(conn.open(&request, End::Last), Ok(StreamId::MAX));
        assert_eq!(conn.open(&request, End::Last), Err(SendError::IdsExhausted));
    }
}
