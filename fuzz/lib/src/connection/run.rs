//! Carries a script out, and checks after every step what must always hold (I1, I2, I4, I6).

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::BytesMut;
use pellucid_conn::h2::{Connection, Role, State};
use pellucid_conn::{ConnectionError, Event, Observer, Output, StreamId, Time};

use super::app::App;
use super::heard::Heard;
use super::peer::Peer;
use super::script::{Script, Step};
use crate::Seen;

pub(super) struct Run {
    conn: Connection<States>,
    peer: Peer,
    heard: Heard,
    app: App,
    /// Said by the peer, and not yet arrived.
    wire: Vec<u8>,
    /// Arrived, and not yet taken by the connection.
    input: BytesMut,
    out: Output,
    now: Time,
    is_dead: bool,
    /// Octets the application may have put in line since output was last taken.
    allowance: usize,
    seen: Seen,
}

impl Run {
    pub(super) fn of_input(role: Role, input: &[u8]) -> Seen {
        let script = Script::of(input);
        let mut run = Self::new(role, &script);
        for step in &script.steps {
            run.step(*step);
            run.check();
        }
        run.end();
        run.seen
    }

    fn new(role: Role, script: &Script) -> Self {
        let config = script.knobs.config(role);
        let mut peer = Peer::new(role.peer(), config.header_table_size);
        let mut wire = Vec::new();
        peer.greet(&mut wire);
        Self {
            conn: Connection::observed(role, config, Time::ZERO, States::default()),
            peer,
            heard: Heard::new(role),
            app: App::default(),
            wire,
            input: BytesMut::new(),
            out: Output::new(),
            now: Time::ZERO,
            is_dead: false,
            allowance: 0,
            seen: Seen::new(),
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Say(phrase) if self.wire.len() < MOST_ON_THE_WIRE => self.peer.say(phrase, &mut self.wire),
            Step::Say(_) => {}
            Step::Do(command) => {
                self.app.act(command, &mut self.conn, self.now, &mut self.seen);
                self.allowance += LARGEST_SECTION;
                self.listen();
            }
            Step::Arrive(255) => self.arrive(usize::MAX),
            Step::Arrive(octets) => self.arrive(usize::from(octets)),
            Step::Exchange => {
                self.arrive(usize::MAX);
                self.take(1 << 20);
                self.arrive(usize::MAX);
            }
            Step::Take(which) => self.take(BUDGETS[usize::from(which) % BUDGETS.len()]),
            Step::Wait(which) => self.wait(SPANS_MS[usize::from(which) % SPANS_MS.len()]),
            Step::Damage { at, mask } => {
                let at = usize::from(at) % self.wire.len().max(1);
                if let Some(octet) = self.wire.get_mut(at) {
                    *octet ^= mask;
                    self.peer.said.is_damaged = true;
                }
            }
        }
    }

    /// Some of what was said arrives, unless the connection asks to be left alone, and every event is heard.
    fn arrive(&mut self, most: usize) {
        if self.conn.wants_read() || self.is_dead {
            let count = most.min(self.wire.len());
            self.input.extend(self.wire.drain(..count));
        }
        self.listen();
    }

    fn listen(&mut self) {
        loop {
            match self.conn.next_event(&mut self.input, self.now) {
                Ok(None) => break,
                Ok(Some(event)) => {
                    assert!(!self.is_dead, "no event after the error: {event:?}");
                    self.app.hear(event, &mut self.conn, &mut self.seen);
                }
                Err(error) => self.die(error),
            }
        }
        // I6: what is not yet a whole frame is less than one.
        let most = self.conn.config().max_frame_size.max(40_000) as usize + 9;
        assert!(self.input.len() < most || !self.conn.wants_read(), "{} octets lie about", self.input.len());
        assert!(!self.is_dead || self.input.is_empty(), "nothing is kept after the error");
    }

    fn die(&mut self, error: ConnectionError) {
        assert!(!self.is_dead, "the error comes once: {error}");
        self.is_dead = true;
        self.seen.insert(error.violation.message());
    }

    fn take(&mut self, budget: usize) {
        let was_empty = self.out.is_empty();
        self.conn.poll_output(&mut self.out, budget, self.now);
        if was_empty {
            let config = self.conn.config();
            // One message beyond the mark, and window updates, which are made on the spot.
            let most = budget.saturating_add(config.control_buffer_hard + self.allowance + SLACK);
            assert!(self.out.len() <= most, "{} octets of output, {most} are the most", self.out.len());
            self.allowance = 0;
        }
        let mut octets = BytesMut::new();
        self.out.drain_to(&mut octets);
        self.heard.hear(&octets, &mut self.peer, &mut self.seen);
        self.listen();
    }

    fn wait(&mut self, span_ms: u64) {
        self.now = self.now + Duration::from_millis(span_ms);
        if let Err(error) = self.conn.handle_timeout(self.now) {
            // What other timers had brought about before is still told, and no message is among it.
            while let Ok(Some(event)) = self.conn.next_event(&mut BytesMut::new(), self.now) {
                assert!(!matches!(event, Event::Headers { .. } | Event::Data { .. } | Event::Trailers { .. }));
                self.app.hear(event, &mut self.conn, &mut self.seen);
            }
            self.die(error);
        }
        if let Some((due, timer)) = self.conn.next_timeout() {
            assert!(due > self.now, "timer {timer:?} does not move on");
            self.seen.insert("a timer");
        }
        self.listen();
    }

    /// What holds at every moment.
    fn check(&mut self) {
        let (window, unreleased, sum) = self.conn.ledger();
        // I1: every octet of credit has a place.
        let start = i64::from(self.conn.config().connection_window);
        let may_grow = self.conn.config().auto_window.is_some();
        assert!(sum == start || (may_grow && sum > start), "credit is lost or made: {sum} of {start}");
        assert!(window >= 0 && window <= sum);
        assert_eq!(u64::from(unreleased), self.app.held(), "what is held is what is known to be held");
        // I2: a stream counts as long as it is in one of its living states.
        let (known, live) = (self.conn.observer_mut().live.len(), self.conn.live_streams());
        assert_eq!(known, live, "streams by their states, and counted");
        assert!(!self.is_dead || self.conn.next_timeout().is_none(), "the dead wait for nothing");
    }

    /// The script is over: the application lets go, output runs dry, the peer hangs up.
    fn end(&mut self) {
        self.app.let_go(&mut self.conn);
        assert_eq!(self.conn.ledger().1, 0, "all was released");
        for _ in 0..4 {
            self.take(1 << 24);
        }
        let is_waiting = self.conn.wants_write();
        assert!(!is_waiting, "it wants to write and gives nothing");
        let has_open = self.conn.live_streams() > 0;
        let result = self.conn.handle_eof();
        assert!(self.is_dead || result.is_err() == has_open, "open streams are reported as lost");
        self.is_dead = true;
        assert!(self.conn.handle_eof().is_ok(), "once");
        self.input.extend_from_slice(b"whatever still arrives");
        self.listen();
        self.take(1 << 24);
        self.check();
    }
}

/// Follows the state of every stream; `Idle` and `Closed` are the absence of one.
#[derive(Default)]
struct States {
    live: BTreeMap<StreamId, State>,
}

impl Observer for States {
    fn state(&mut self, id: StreamId, from: State, to: State) {
        let known = self.live.get(&id).copied().unwrap_or(State::Idle);
        assert_eq!(known, from, "stream {id} goes to {to:?}");
        match to {
            State::Closed(_) => self.live.remove(&id),
            _ => self.live.insert(id, to),
        };
    }
}

const BUDGETS: [usize; 4] = [1, 1000, 20_000, 1 << 20];
const SPANS_MS: [u64; 8] = [1, 10, 100, 600, 5000, 11_000, 31_000, 121_000];
/// A peer that speaks faster than it is heard has to wait.
const MOST_ON_THE_WIRE: usize = 1 << 20;
/// What one command may put in line.
const LARGEST_SECTION: usize = 12_000;
/// One answer more than the mark, and a WINDOW_UPDATE for each of a thousand streams.
const SLACK: usize = 32_000;
