//! One end: a connection, an application that does what chance says, and the checks after every step.

use std::collections::{BTreeMap, VecDeque};

use bytes::{Bytes, BytesMut};
use pellucid_conn::h2::{Connection, Role};
use pellucid_conn::{End, ErrorCode, Event, Output, SendError, StreamId, Time};

use super::exchange::{Exchange, Stage};
use super::link::Link;
use super::plan::{Plan, Way};
use crate::{Chance, Seen};

pub(super) struct Side {
    pub(super) conn: Connection,
    pub(super) seed: u64,
    pub(super) input: BytesMut,
    out: Output,
    pub(super) streams: BTreeMap<StreamId, Exchange>,
    /// PING payloads that are to come back, in order.
    pub(super) pings: VecDeque<[u8; 8]>,
    pub(super) resets: usize,
    pub(super) drained: usize,
    pub(super) going_away: bool,
    /// `open` found no slot: wait for `SlotFree`.
    waits_for_slot: bool,
}

impl Side {
    pub(super) fn new(conn: Connection, seed: u64) -> Self {
        let (input, out, streams) = (BytesMut::new(), Output::new(), BTreeMap::new());
        let (pings, going_away) = (VecDeque::new(), false);
        Self { conn, seed, input, out, streams, pings, resets: 0, drained: 0, going_away, waits_for_slot: false }
    }

    pub(super) fn is_client(&self) -> bool {
        self.conn.role() == Role::Client
    }

    fn out_way(&self) -> Way {
        if self.is_client() { Way::ToServer } else { Way::ToClient }
    }

    /// Takes what has arrived, hears every event, and writes as much as the socket takes.
    pub(super) fn turn(&mut self, from: &mut Link, to: &mut Link, now: Time, chance: &mut Chance) {
        from.read(now, &mut self.input);
        self.hear(now);
        let budget = *chance.pick(&[1, 500, 20_000, 100_000]);
        self.conn.poll_output(&mut self.out, budget, now);
        self.hear(now);
        let mut octets = BytesMut::new();
        if chance.percent(70) {
            self.out.drain_to(&mut octets);
        } else {
            let mut slices = [std::io::IoSlice::new(&[]); 2];
            if self.out.chunks(&mut slices) > 0 {
                let n = 1 + chance.below(slices[0].len());
                octets.extend_from_slice(&slices[0][..n]);
                self.out.advance(n);
            }
        }
        to.write(octets.freeze(), now, chance);
        self.check();
    }

    /// After the wires were cut: nothing more is heard, what is left in the buffers is discarded.
    pub(super) fn lose(&mut self, now: Time) {
        self.input.extend_from_slice(b"whatever still arrives");
        while let Some(event) = self.conn.next_event(&mut self.input, now).expect("said already") {
            assert!(!matches!(event, Event::Headers { .. } | Event::Data { .. } | Event::Trailers { .. }));
        }
        assert!(self.input.is_empty());
        assert_eq!(self.conn.next_timeout(), None);
        self.conn.poll_output(&mut Output::new(), 1 << 20, now);
        assert!(!self.conn.wants_write());
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.out.is_empty() && self.input.is_empty() && !self.conn.wants_write()
    }

    /// What it still has to do, for those who wonder why it does not end.
    pub(super) fn state(&self) -> String {
        let is_open = |e: &Exchange| !(e.reset || (e.ended && e.stage == Stage::Done));
        let open: Vec<_> = self.streams.iter().filter(|(_, e)| is_open(e)).take(3).collect();
        let (input, output, ledger) = (self.input.len(), self.out.len(), self.conn.ledger());
        let (live, wants_write) = (self.conn.live_streams(), self.conn.wants_write());
        format!("{live} streams, wants_write {wants_write}, {input} in, {output} out, ledger {ledger:?}, {open:#?}")
    }

    fn hear(&mut self, now: Time) {
        while let Some(event) = self.conn.next_event(&mut self.input, now).expect("both ends keep to the protocol") {
            self.on_event(event);
        }
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::Headers { id, fields, end } => {
                if !self.is_client() {
                    self.on_request(id);
                }
                self.streams.get_mut(&id).expect("a known stream").on_head(&fields, end);
                self.conn.recycle(fields);
            }
            Event::Data { id, data, end } => self.streams.get_mut(&id).expect("known").on_data(id, &data, end),
            Event::Trailers { id, fields } => self.streams.get_mut(&id).expect("known").on_trailers(&fields),
            Event::Reset { id, cause } => {
                assert!(!matches!(cause, pellucid_conn::Cause::Local(_)), "nobody broke a rule: {cause} on {id}");
                let exchange = self.streams.get_mut(&id).expect("a known stream");
                assert!(!exchange.reset, "one end a stream");
                exchange.reset = true;
            }
            Event::Writable { id } => self.streams.get_mut(&id).expect("known").waits = false,
            Event::Promise { id, fields, .. } => {
                assert_eq!(*fields, Plan::promise(id));
                let (out, response) =
                    (Plan::new(self.seed, id, Way::ToServer), Plan::new(self.seed, id, Way::ToClient));
                let mut exchange = Exchange::new(out, Way::ToServer, Some(response));
                exchange.stage = Stage::Done;
                assert!(self.streams.insert(id, exchange).is_none());
            }
            Event::Pong(payload) => assert_eq!(self.pings.pop_front(), Some(payload)),
            Event::GoAway { code, .. } => {
                assert_eq!(code, ErrorCode::NO_ERROR);
                self.going_away = true;
            }
            Event::Drained => self.drained += 1,
            Event::SlotFree => self.waits_for_slot = false,
            Event::Settings(_) | Event::Priority { .. } | Event::Refused { .. } => {}
            other => panic!("unexpected {other:?}"),
        }
    }

    fn on_request(&mut self, id: StreamId) {
        let (request, response) = (Plan::new(self.seed, id, Way::ToServer), Plan::new(self.seed, id, Way::ToClient));
        let mut exchange = Exchange::new(response, Way::ToClient, Some(request));
        exchange.running = true;
        assert!(self.streams.insert(id, exchange).is_none(), "a request once");
        let running = self.streams.values().filter(|e| e.running).count();
        assert!(running <= self.conn.config().max_concurrent_streams as usize, "handlers within the limit");
    }

    /// The ledger: every octet of credit has a place.
    fn check(&self) {
        let (window, unreleased, sum) = self.conn.ledger();
        let (start, may_grow) =
            (i64::from(self.conn.config().connection_window), self.conn.config().auto_window.is_some());
        assert!(sum == start || (may_grow && sum > start), "no credit is lost or made: {sum} of {start}");
        assert!(window >= 0);
        let held: usize = self.streams.values().map(|e| e.held).sum();
        assert_eq!(unreleased as usize, held, "what the application holds is what the connection knows");
        for id in self.streams.keys() {
            assert!(self.conn.capacity(*id) <= self.conn.config().send_buffer_stream);
        }
        assert!(self.out.len() <= 400_000, "output is bounded");
    }

    // What the application does, one thing at a time.

    pub(super) fn open(&mut self) {
        if self.waits_for_slot {
            return;
        }
        // The identifier is known only afterwards, and the plan depends on it: it is the next one of this side.
        let next = self.streams.keys().filter(|id| id.is_client_initiated()).max();
        let id = next.map_or(StreamId::new(1), |last| last.next().unwrap());
        let plan = Plan::new(self.seed, id, Way::ToServer);
        let end = if plan.is_head_only() { End::Last } else { End::More };
        match self.conn.open(&plan.head, end) {
            Ok(opened) => {
                assert_eq!(opened, id);
                let response = Plan::new(self.seed, id, Way::ToClient);
                let mut exchange = Exchange::new(plan, Way::ToServer, Some(response));
                exchange.stage = if end == End::Last { Stage::Done } else { Stage::Body };
                self.streams.insert(id, exchange);
            }
            Err(SendError::NoSlot) => self.waits_for_slot = true,
            Err(SendError::GoingAway) => {}
            Err(error) => panic!("{error}"),
        }
    }

    pub(super) fn push(&mut self, chance: &mut Chance) {
        let reserved =
            self.streams.iter().filter(|(id, e)| id.is_server_initiated() && !e.reset && e.stage == Stage::Head);
        if reserved.count() >= 4 {
            return;
        }
        let next = self.streams.keys().filter(|id| id.is_server_initiated()).max();
        let id = next.map_or(StreamId::new(2), |last| last.next().unwrap());
        let Some(on) = self.any(chance, |id, e| id.is_client_initiated() && !e.reset && e.stage != Stage::Done) else {
            return;
        };
        match self.conn.push(on, &Plan::promise(id)) {
            Ok(pushed) => {
                assert_eq!(pushed, id);
                let mut exchange = Exchange::new(Plan::new(self.seed, id, Way::ToClient), Way::ToClient, None);
                exchange.ended = true;
                self.streams.insert(id, exchange);
            }
            Err(SendError::PushNotAllowed | SendError::GoingAway) => {}
            Err(error) => panic!("{error}"),
        }
    }

    fn any(&self, chance: &mut Chance, fits: impl Fn(StreamId, &Exchange) -> bool) -> Option<StreamId> {
        let list: Vec<StreamId> = self.streams.iter().filter(|(id, e)| fits(**id, e)).map(|(id, _)| *id).collect();
        (!list.is_empty()).then(|| *chance.pick(&list))
    }

    /// Sends the next piece of some message.
    pub(super) fn progress(&mut self, chance: &mut Chance) {
        let is_client = self.is_client();
        let fits = |_, e: &Exchange| {
            let may_answer = is_client || e.out.early || e.ended;
            !e.reset && e.stage != Stage::Done && may_answer && !e.waits
        };
        let Some(id) = self.any(chance, fits) else { return };
        let capacity = self.conn.capacity(id);
        let exchange = self.streams.get_mut(&id).unwrap();
        let result = match exchange.stage {
            Stage::Head if exchange.interim_sent < exchange.out.interim => {
                exchange.interim_sent += 1;
                self.conn.send_headers(id, &Plan::interim_head(), End::More)
            }
            Stage::Head => {
                let end = if exchange.out.is_head_only() { End::Last } else { End::More };
                let result = self.conn.send_headers(id, &exchange.out.head, end);
                if result != Err(SendError::NoSlot) {
                    exchange.stage = if end == End::Last { Stage::Done } else { Stage::Body };
                }
                result
            }
            _ if exchange.sent == exchange.out.body && exchange.out.trailers.is_some() => {
                exchange.stage = Stage::Done;
                self.conn.send_trailers(id, exchange.out.trailers.clone().unwrap())
            }
            _ if capacity == 0 && exchange.sent < exchange.out.body => {
                exchange.waits = true;
                Ok(())
            }
            _ => {
                let most = if chance.percent(20) { chance.below(100) } else { capacity };
                let (data, end) = exchange.next_content(id, most.min(capacity));
                exchange.sent += data.len();
                if end == End::Last {
                    exchange.stage = Stage::Done;
                }
                self.conn.send_data(id, Bytes::from(data), end)
            }
        };
        assert!(matches!(result, Ok(()) | Err(SendError::NoSlot)), "{result:?} on {id}");
    }

    pub(super) fn release(&mut self, chance: &mut Chance, all: bool) {
        let Some(id) = self.any(chance, |_, e| e.held > 0) else { return };
        let exchange = self.streams.get_mut(&id).unwrap();
        let octets = if all || chance.percent(40) { exchange.held } else { 1 + chance.below(exchange.held) };
        exchange.held -= octets;
        self.conn.release(id, u32::try_from(octets).unwrap());
    }

    pub(super) fn reset(&mut self, chance: &mut Chance) {
        let is_over = |e: &Exchange| e.reset || (e.ended && e.stage == Stage::Done);
        let Some(id) = self.any(chance, |_, e| !is_over(e)) else { return };
        self.streams.get_mut(&id).unwrap().reset = true;
        self.resets += 1;
        self.conn.reset(id, ErrorCode::CANCEL);
    }

    pub(super) fn stop_reading(&mut self, chance: &mut Chance) {
        let Some(id) = self.any(chance, |id, e| !e.reset && !e.ended && id.is_client_initiated()) else { return };
        self.streams.get_mut(&id).unwrap().stopped = true;
        self.conn.stop_reading(id);
    }

    /// Handlers end: some time after their stream, or before it when all that is left is to be sent.
    pub(super) fn finish(&mut self, chance: &mut Chance) {
        if let Some(id) = self.any(chance, |_, e| e.running && (e.reset || e.stage == Stage::Done)) {
            self.streams.get_mut(&id).unwrap().running = false;
            self.conn.finished(id);
        }
    }

    /// What has happened, for choosing inputs by.
    pub(super) fn note(&self, seen: &mut Seen) {
        let stats = self.conn.stats();
        let facts = [
            ("resets", self.resets > 0),
            ("refused", stats.refused > 0),
            ("cut by a drain", stats.cut > 0),
            ("told to go away", self.going_away),
            ("content both ways", stats.data_in > 0 && stats.data_out > 0),
            ("much content", stats.data_in > 100_000),
            ("pushed", self.streams.keys().any(|id| id.is_server_initiated())),
            ("interim", self.streams.values().any(|e| e.interim_seen > 0)),
            ("trailers", self.streams.values().any(|e| e.out.trailers.is_some() && e.stage == Stage::Done)),
            ("stopped", self.streams.values().any(|e| e.stopped)),
            ("many streams", self.streams.len() > 10),
            ("grown window", self.conn.ledger().2 > i64::from(self.conn.config().connection_window)),
            ("round trip measured", stats.rtt_ns > 0),
        ];
        seen.extend(facts.iter().filter(|(_, is_so)| *is_so).map(|(name, _)| *name));
    }

    pub(super) fn any_stream(&self, chance: &mut Chance) -> Option<StreamId> {
        self.any(chance, |_, _| true)
    }

    /// Everything that was said is heard, nothing waits, nothing leaks. Gives the number of messages heard in full.
    pub(super) fn check_end(&self, far: &Self) -> usize {
        let mut whole = 0;
        for (id, exchange) in &self.streams {
            let Some(there) = far.streams.get(id) else {
                // Refused, or promised on a request that had ended meanwhile: and the answer crossed the stream's end.
                let crossed = exchange.reset || exchange.stopped || id.is_server_initiated();
                assert!(crossed, "stream {id} is known here only: {exchange:?}");
                continue;
            };
            let was_cut = exchange.reset || there.reset || exchange.stopped || there.stopped;
            if was_cut {
                continue;
            }
            assert_eq!(exchange.stage, Stage::Done, "stream {id} waits to send {:?}", self.out_way());
            assert!(exchange.ended, "stream {id} waits to receive: {} of {:?}", exchange.got, exchange.expected);
            whole += 1;
        }
        assert!(!self.waits_for_slot || self.going_away, "a slot that is free is told of");
        assert!(self.pings.is_empty(), "every PING is answered");
        assert_eq!(self.conn.live_streams(), 0, "no stream leaks");
        let (window, unreleased, sum) = self.conn.ledger();
        assert_eq!(unreleased, 0);
        assert!(window * 2 > sum, "the peer has most of the window again: {window} of {sum}");
        assert_eq!(self.drained, 1, "drained once");
        whole
    }
}
