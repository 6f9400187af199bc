//! Two connections against each other under a simulated clock: chunks, delays and operations on both ends at chance, and
//! checks after every step that nothing is lost, made twice, reordered, or left waiting.
//!
//! ```text
//!    Side (client)  ── Link: any pieces, any delays ──▶  Side (server)
//!    Connection + application  ◀── … ──               Connection + application
//! ```
//! What is said on a stream follows from a seed (`plan`), so that the far end can check every octet without being told.
//! What it has found is in `conn/tests/found.rs`, each as the smallest world that shows it.

mod exchange;
mod link;
mod plan;
mod side;

use std::time::Duration;

use pellucid_conn::Time;
use pellucid_conn::h2::{Config, Connection, Priority};
use pellucid_frame::{Setting, SettingId};

use crate::{Chance, Seen};
use link::Link;
use side::Side;

struct World {
    /// Chooses what is done.
    chance: Chance,
    /// Chooses how octets travel, apart from it: so that an input is about operations.
    wires: Chance,
    now: Time,
    client: Side,
    server: Side,
    up: Link,
    down: Link,
    settings_left: usize,
}

impl World {
    fn new(mut chance: Chance, seed: u64) -> Self {
        let now = Time::ZERO;
        let (mut ours, mut theirs) = (Config::client(), Config::server());
        for config in [&mut ours, &mut theirs] {
            config.body_idle_timeout = None;
            config.stall_timeout = None;
            config.stream_window = *chance.pick(&[1, 1000, 65_535, 262_144]);
            config.connection_window = *chance.pick(&[65_535, 200_000, 1 << 20]);
            config.auto_window = *chance.pick(&[None, None, Some(1 << 20)]);
            config.keepalive_interval = *chance.pick(&[None, Some(Duration::from_millis(20))]);
            config.header_table_size = *chance.pick(&[0, 100, 4096, 65_536]);
            config.encoder_table_size = *chance.pick(&[0, 200, 4096, 65_536]);
            config.max_frame_size = *chance.pick(&[16_384, 40_000]);
            config.max_data_size = *chance.pick(&[1000, 16_384, 30_000]);
            config.send_buffer_connection = *chance.pick(&[1, 10_000, 262_144]);
            config.send_buffer_stream = *chance.pick(&[500, 5000, 65_536]);
        }
        ours.max_reserved_remote = if chance.percent(50) { 10 } else { 0 };
        theirs.max_concurrent_streams = *chance.pick(&[1, 5, 100]);
        let client = Side::new(Connection::client(ours, now), seed);
        let server = Side::new(Connection::server(theirs, now), seed);
        let wires = Chance::of_seed(!seed);
        Self { chance, wires, now, client, server, up: Link::default(), down: Link::default(), settings_left: 16 }
    }

    fn turn(&mut self) {
        self.now = self.now + Duration::from_micros(u64::try_from(self.wires.below(1500)).unwrap());
        for side in [&mut self.client, &mut self.server] {
            side.conn.handle_timeout(self.now).expect("nobody is late");
        }
        self.client.turn(&mut self.down, &mut self.up, self.now, &mut self.wires);
        self.server.turn(&mut self.up, &mut self.down, self.now, &mut self.wires);
    }

    fn act(&mut self) {
        let chance = &mut self.chance;
        let side = if chance.percent(50) { &mut self.client } else { &mut self.server };
        match chance.below(100) {
            0..=14 if side.is_client() => side.open(),
            0..=9 => side.push(chance),
            10..=55 => side.progress(chance),
            56..=75 => side.release(chance, false),
            76..=77 if side.resets < 40 => side.reset(chance),
            78 if side.is_client() == self.now.as_nanos().is_multiple_of(2) => side.stop_reading(chance),
            79..=80 => {
                if let Some(id) = side.any_stream(chance) {
                    let (urgency, incremental) = (u8::try_from(chance.below(8)).unwrap(), chance.percent(50));
                    side.conn.set_priority(id, Priority { urgency, incremental });
                }
            }
            81 if self.settings_left > 0 => {
                self.settings_left -= 1;
                let setting = random_setting(side.is_client(), chance);
                side.conn.update_settings(&[setting], self.now);
            }
            82..=83 if side.pings.len() < 8 => {
                let payload = chance.number().to_be_bytes();
                side.pings.push_back(payload);
                side.conn.ping(payload);
            }
            84..=94 => side.finish(chance),
            _ => {}
        }
    }

    /// Some operations, and time for what they cause.
    fn step(&mut self) {
        for _ in 0..self.chance.below(4) {
            self.act();
        }
        self.turn();
    }

    fn leave(&mut self) {
        let leaver = if self.chance.percent(50) { &mut self.client } else { &mut self.server };
        leaver.conn.shut_down(self.now);
    }

    /// Everything comes to its end, and both sides leave. Gives the number of messages that arrived in full.
    fn end(&mut self) -> usize {
        self.settle();
        for side in [&mut self.client, &mut self.server] {
            side.conn.shut_down(self.now);
        }
        self.settle();
        let whole = self.client.check_end(&self.server) + self.server.check_end(&self.client);
        for side in [&mut self.client, &mut self.server] {
            side.conn.handle_eof().expect("a clean end");
        }
        whole
    }

    fn seen(&self) -> Seen {
        let mut seen = Seen::new();
        self.client.note(&mut seen);
        self.server.note(&mut seen);
        seen
    }

    /// Nothing new: what is under way comes to its end.
    fn settle(&mut self) {
        let window = Setting { id: SettingId::INITIAL_WINDOW_SIZE, value: 65_535 };
        let streams = Setting { id: SettingId::MAX_CONCURRENT_STREAMS, value: 100 };
        for side in [&mut self.client, &mut self.server] {
            side.conn.update_settings(&[window, streams], self.now);
        }
        let mut quiet = 0;
        for _ in 0..200_000 {
            for side in [&mut self.client, &mut self.server] {
                side.progress(&mut self.chance);
                side.release(&mut self.chance, true);
                side.finish(&mut self.chance);
            }
            self.turn();
            let is_quiet =
                self.client.is_quiet() && self.server.is_quiet() && self.up.is_empty() && self.down.is_empty();
            quiet = if is_quiet { quiet + 1 } else { 0 };
            if quiet > 200 {
                return;
            }
        }
        panic!("the world does not come to rest\nclient: {}\nserver: {}", self.client.state(), self.server.state());
    }
}

fn random_setting(is_client: bool, chance: &mut Chance) -> Setting {
    let (id, value) = match chance.below(4) {
        0 => (SettingId::HEADER_TABLE_SIZE, *chance.pick(&[0, 64, 4096, 70_000])),
        1 => (SettingId::MAX_FRAME_SIZE, *chance.pick(&[16_384, 20_000, 65_536])),
        2 if !is_client => (SettingId::MAX_CONCURRENT_STREAMS, *chance.pick(&[0, 1, 7, 100])),
        _ => (SettingId::INITIAL_WINDOW_SIZE, *chance.pick(&[0, 1, 100, 5000, 65_535, 300_000])),
    };
    Setting { id, value }
}

/// Two ends under a simulated clock. The first two octets choose how octets travel and what is said; the others choose two
/// configurations and what the applications do.
///
/// # Panics
/// When something is lost, made twice, reordered, or left waiting.
pub fn two_sided(input: &[u8]) -> Seen {
    let Some((first, rest)) = input.split_first_chunk() else { return Seen::new() };
    let seed = u64::from(u16::from_be_bytes(*first));
    let mut world = World::new(Chance::of_octets(rest, seed), seed);
    let leave_at = world.chance.below(256);
    for step in 0..MOST_STEPS {
        if world.chance.is_used_up() {
            break;
        }
        if step == leave_at {
            world.leave();
        }
        world.step();
    }
    world.end();
    world.seen()
}

/// A world in which chance alone decides, for so many steps; gives the number of messages that arrived in full.
///
/// # Panics
/// As `two_sided`.
#[must_use]
pub fn whole_messages(seed: u64, steps: usize) -> usize {
    let mut world = World::new(Chance::of_seed(seed), seed);
    let leave_at = if world.chance.percent(40) { world.chance.below(steps) } else { steps };
    for step in 0..steps {
        if step == leave_at {
            world.leave();
        }
        world.step();
    }
    world.end()
}

/// The wires are cut in the middle of everything.
///
/// # Panics
/// When an end does not see it, or sees it twice.
pub fn cut(seed: u64, steps: usize) {
    let mut world = World::new(Chance::of_seed(seed), seed);
    for _ in 0..steps {
        world.act();
        world.turn();
    }
    for side in [&mut world.client, &mut world.server] {
        let is_busy = side.conn.live_streams() > 0;
        assert_eq!(side.conn.handle_eof().is_err(), is_busy, "open streams are reported as lost");
        assert!(side.conn.is_dead() && side.conn.handle_eof().is_ok(), "once");
        side.lose(world.now);
    }
}

/// Inputs that do more have done enough.
const MOST_STEPS: usize = 800;
