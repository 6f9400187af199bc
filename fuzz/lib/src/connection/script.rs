//! What an input says: a configuration and steps. Every octet string is a script.
//! Not for: carrying it out.

use core::time::Duration;

use arbitrary::{Arbitrary, Result, Unstructured};
use pellucid_conn::h2::{Config, Rate, Role};

/// Choices among values of a configuration, an index each.
#[derive(Arbitrary, Debug, Clone, Copy)]
pub(super) struct Knobs {
    windows: u8,
    buffers: u8,
    tables: u8,
    counts: u8,
    bits: u8,
}

/// Picks by the remainder; gives what is left of the index for the next pick.
fn pick<T: Copy>(index: &mut u8, from: &[T]) -> T {
    let count = u8::try_from(from.len()).unwrap();
    let chosen = from[usize::from(*index % count)];
    *index /= count;
    chosen
}

impl Knobs {
    pub(super) fn config(mut self, role: Role) -> Config {
        let mut config = if role == Role::Server { Config::server() } else { Config::client() };
        config.stream_window = pick(&mut self.windows, &[65_535, 1, 100, 262_144, 0x7fff_ffff]);
        config.connection_window = pick(&mut self.windows, &[65_535, 100_000, 1 << 20, 0x7fff_ffff]);
        let most = pick(&mut self.windows, &[None, None, Some(1 << 20), Some(0x7fff_ffff)]);
        config.auto_window = most.filter(|_| config.stream_window < 1 << 20);
        config.send_buffer_stream = pick(&mut self.buffers, &[65_536, 1, 500]);
        config.send_buffer_connection = pick(&mut self.buffers, &[262_144, 1, 5000]);
        config.max_data_size = pick(&mut self.buffers, &[16_384, 100, 1000]);
        config.control_buffer_soft = pick(&mut self.buffers, &[16_384, 1024]);
        config.control_buffer_hard = pick(&mut self.buffers, &[262_144, 16_385, 20_000]);
        config.header_table_size = pick(&mut self.tables, &[4096, 0, 100, 65_536]);
        config.encoder_table_size = pick(&mut self.tables, &[4096, 0, 100]);
        config.max_header_list_size = pick(&mut self.tables, &[16_384, 256, 1000]);
        config.max_header_fields = pick(&mut self.tables, &[128, 8]);
        config.max_concurrent_streams = pick(&mut self.counts, &[100, 1, 3]);
        config.max_reserved_remote = pick(&mut self.counts, &[0, 3, 100]);
        config.max_continuation_frames = pick(&mut self.counts, &[8, 0, 2]);
        config.max_informational = pick(&mut self.counts, &[32, 1]);
        config.max_frame_size = pick(&mut self.counts, &[16_384, 20_000]);
        config.keepalive_interval = pick(&mut self.bits, &[None, Some(Duration::from_millis(500))]);
        config.enable_connect_protocol = pick(&mut self.bits, &[false, true]);
        config.secure = pick(&mut self.bits, &[false, true]);
        config.split_cookies = pick(&mut self.bits, &[false, true]);
        config.max_age = pick(&mut self.bits, &[None, Some(Duration::from_secs(90))]);
        // Else most scripts would end in a plea to calm down.
        if pick(&mut self.bits, &[true, false]) {
            let generous = Rate { burst: 1_000_000, per_second: 1 };
            config.glitch = generous;
            config.early_reset = generous;
            config.emitted_reset = generous;
            config.refused = generous;
            config.window_update = generous;
        }
        // Pushing is a client's to allow.
        if role == Role::Server {
            config.max_reserved_remote = 0;
        }
        config.validate().expect("every choice is a valid one");
        config
    }
}

/// One thing that happens.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// The peer says something; it is on the wire, and arrives with a later `Arrive`.
    Say(Phrase),
    /// The application does something.
    Do(Command),
    /// So many octets of what the peer has said arrive; 255 is all of them.
    Arrive(u8),
    /// All that was said arrives, and all that is to be said is taken.
    Exchange,
    /// The transport takes what there is, up to one of several budgets.
    Take(u8),
    /// Time passes: one of several spans.
    Wait(u8),
    /// Some octets on the wire are not what they were.
    Damage { at: u16, mask: u8 },
}

/// Something the peer says: which kind of frame, on which stream, with what in it.
#[derive(Arbitrary, Debug, Clone, Copy)]
pub(super) struct Phrase {
    pub(super) kind: u8,
    pub(super) stream: u8,
    pub(super) flags: u8,
    pub(super) number: u8,
    pub(super) text: u8,
}

/// Something the application does.
#[derive(Arbitrary, Debug, Clone, Copy)]
pub(super) struct Command {
    pub(super) kind: u8,
    pub(super) stream: u8,
    pub(super) number: u8,
}

impl<'a> Arbitrary<'a> for Step {
    fn arbitrary(from: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match u8::arbitrary(from)? % 16 {
            0..=5 => Self::Say(Phrase::arbitrary(from)?),
            6..=9 => Self::Do(Command::arbitrary(from)?),
            10 => Self::Arrive(u8::arbitrary(from)?),
            11 | 12 => Self::Exchange,
            13 => Self::Take(u8::arbitrary(from)?),
            14 => Self::Wait(u8::arbitrary(from)?),
            _ => Self::Damage { at: u16::arbitrary(from)?, mask: u8::arbitrary(from)? },
        })
    }
}

/// A whole input.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) knobs: Knobs,
    pub(super) steps: Vec<Step>,
}

impl Script {
    pub(super) fn of(input: &[u8]) -> Self {
        let mut from = Unstructured::new(input);
        // An input that ends early is one that goes on with zeros.
        let knobs = Knobs::arbitrary(&mut from).expect("octets that are missing are zeros");
        let mut steps = Vec::new();
        while !from.is_empty() && steps.len() < MOST_STEPS {
            steps.push(Step::arbitrary(&mut from).expect("octets that are missing are zeros"));
        }
        Self { knobs, steps }
    }
}

/// Longer scripts show nothing that shorter ones do not.
const MOST_STEPS: usize = 300;
