//! Two connections against each other under a simulated clock: random chunks, delays and operations on both ends, and checks
//! after every step that nothing is lost, made twice, reordered, or left waiting.
//!
//! A failure prints its seed; what it shows becomes a test in `found`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod exchange;
mod found;
mod link;
mod plan;
mod rng;
mod side;

use std::time::Duration;

use pellucid_conn::Time;
use pellucid_conn::h2::{Config, Connection, Priority};
use pellucid_frame::{Setting, SettingId};

use link::Link;
use rng::Rng;
use side::Side;

struct World {
    rng: Rng,
    now: Time,
    client: Side,
    server: Side,
    up: Link,
    down: Link,
    settings_left: usize,
}

/// Prints the seed when a test fails.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("the simulation failed with seed {}", self.0);
        }
    }
}

impl World {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let now = Time::ZERO;
        let (mut ours, mut theirs) = (Config::client(), Config::server());
        for config in [&mut ours, &mut theirs] {
            config.body_idle_timeout = None;
            config.stall_timeout = None;
            config.stream_window = *rng.pick(&[1, 1000, 65_535, 262_144]);
            config.connection_window = *rng.pick(&[65_535, 200_000, 1 << 20]);
            config.auto_window = *rng.pick(&[None, None, Some(1 << 20)]);
            config.keepalive_interval = *rng.pick(&[None, Some(Duration::from_millis(20))]);
            config.header_table_size = *rng.pick(&[0, 100, 4096, 65_536]);
            config.encoder_table_size = *rng.pick(&[0, 200, 4096, 65_536]);
            config.max_frame_size = *rng.pick(&[16_384, 40_000]);
            config.max_data_size = *rng.pick(&[1000, 16_384, 30_000]);
            config.send_buffer_connection = *rng.pick(&[1, 10_000, 262_144]);
            config.send_buffer_stream = *rng.pick(&[500, 5000, 65_536]);
        }
        ours.max_reserved_remote = if rng.percent(50) { 10 } else { 0 };
        theirs.max_concurrent_streams = *rng.pick(&[1, 5, 100]);
        let client = Side::new(Connection::client(ours, now), seed);
        let server = Side::new(Connection::server(theirs, now), seed);
        Self { rng, now, client, server, up: Link::default(), down: Link::default(), settings_left: 16 }
    }

    fn turn(&mut self) {
        self.now = self.now + Duration::from_micros(u64::try_from(self.rng.below(1500)).unwrap());
        for side in [&mut self.client, &mut self.server] {
            side.conn.handle_timeout(self.now).expect("nobody is late");
        }
        self.client.turn(&mut self.down, &mut self.up, self.now, &mut self.rng);
        self.server.turn(&mut self.up, &mut self.down, self.now, &mut self.rng);
    }

    fn act(&mut self) {
        let rng = &mut self.rng;
        let side = if rng.percent(50) { &mut self.client } else { &mut self.server };
        match rng.below(100) {
            0..=14 if side.is_client() => side.open(),
            0..=9 => side.push(rng),
            10..=55 => side.progress(rng),
            56..=75 => side.release(rng, false),
            76..=77 if side.resets < 40 => side.reset(rng),
            78 if side.is_client() == self.now.as_nanos().is_multiple_of(2) => side.stop_reading(rng),
            79..=80 => {
                if let Some(id) = side.any_stream(rng) {
                    let (urgency, incremental) = (u8::try_from(rng.below(8)).unwrap(), rng.percent(50));
                    side.conn.set_priority(id, Priority { urgency, incremental });
                }
            }
            81 if self.settings_left > 0 => {
                self.settings_left -= 1;
                let setting = random_setting(side.is_client(), rng);
                side.conn.update_settings(&[setting], self.now);
            }
            82..=83 if side.pings.len() < 8 => {
                let payload = rng.next().to_be_bytes();
                side.pings.push_back(payload);
                side.conn.ping(payload);
            }
            84..=94 => side.finish(rng),
            _ => {}
        }
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
                side.progress(&mut self.rng);
                side.release(&mut self.rng, true);
                side.finish(&mut self.rng);
            }
            self.turn();
            let is_quiet =
                self.client.is_quiet() && self.server.is_quiet() && self.up.is_empty() && self.down.is_empty();
            quiet = if is_quiet { quiet + 1 } else { 0 };
            if quiet > 200 {
                return;
            }
        }
        panic!("the world does not come to rest");
    }
}

fn random_setting(is_client: bool, rng: &mut Rng) -> Setting {
    let (id, value) = match rng.below(4) {
        0 => (SettingId::HEADER_TABLE_SIZE, *rng.pick(&[0, 64, 4096, 70_000])),
        1 => (SettingId::MAX_FRAME_SIZE, *rng.pick(&[16_384, 20_000, 65_536])),
        2 if !is_client => (SettingId::MAX_CONCURRENT_STREAMS, *rng.pick(&[0, 1, 7, 100])),
        _ => (SettingId::INITIAL_WINDOW_SIZE, *rng.pick(&[0, 1, 100, 5000, 65_535, 300_000])),
    };
    Setting { id, value }
}

/// Lives one world to its end; gives the number of messages that arrived in full.
fn run(seed: u64, steps: usize) -> usize {
    let failed = Seed(seed);
    let mut world = World::new(seed);
    let leave_at = if world.rng.percent(40) { world.rng.below(steps) } else { steps };
    let client_leaves = world.rng.percent(50);
    for step in 0..steps {
        for _ in 0..world.rng.below(4) {
            world.act();
        }
        if step == leave_at {
            let leaver = if client_leaves { &mut world.client } else { &mut world.server };
            leaver.conn.shut_down(world.now);
        }
        world.turn();
    }
    world.settle();
    for side in [&mut world.client, &mut world.server] {
        side.conn.shut_down(world.now);
    }
    world.settle();
    let whole = world.client.check_end(&world.server) + world.server.check_end(&world.client);
    for side in [&mut world.client, &mut world.server] {
        side.conn.handle_eof().expect("a clean end");
    }
    drop(failed);
    whole
}

/// The wires are cut in the middle of everything.
fn cut(seed: u64, steps: usize) {
    let failed = Seed(seed);
    let mut world = World::new(seed);
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
    drop(failed);
}

/// Enough to meet every operation in many states, and below twenty seconds without optimisation.
const CASES: u64 = 50;

#[test]
fn nothing_is_lost_reordered_or_left_waiting() {
    let whole: usize = (0..CASES).map(|seed| run(seed, 800)).sum();
    assert!(whole > 20 * usize::try_from(CASES).unwrap(), "only {whole} messages");
}

#[test]
fn a_cut_wire_ends_both_sides() {
    for seed in 0..CASES {
        cut(seed, 20 + usize::try_from(seed * 7 % 300).unwrap());
    }
}
