//! Every bound and the attack it stops. Counting happens here and in no other place (one bucket a kind of abuse).
//!
//! | bound (`Config`) | attack it stops |
//! |---|---|
//! | `max_concurrent_streams`, counted in handlers | rapid reset (CVE-2023-44487), MadeYouReset (CVE-2025-8671) |
//! | `early_reset` | rapid reset below the handler limit |
//! | `emitted_reset` | provoked resets (CVE-2019-9514, RUSTSEC-2024-0003) |
//! | `refused` | request floods above the stream limit (CVE-2025-53506) |
//! | `glitch` | empty DATA, PRIORITY, unknown frames, PING and SETTINGS floods (CVE-2019-9512, -9513, -9515, -9518) |
//! | `window_update` | WINDOW_UPDATE floods, one-octet windows (CVE-2019-9511) |
//! | `control_buffer_*` | replies provoked by a peer that never reads (CVE-2019-9512, -9515) |
//! | `max_header_list_size`, `max_header_fields`, `max_cookie_crumbs` | HPACK bombs (CVE-2016-6581, HTTP/2 Bomb 2026) |
//! | `max_continuation_frames`, `header_block_timeout` | CONTINUATION floods (CVE-2024-27316, CVE-2026-33871) |
//! | `stall_timeout`, `stall_floor` | slow readers (CVE-2016-1546) |
//! | `body_idle_timeout` | slow uploads |
//! | `max_informational` | floods of interim responses |
//! | `max_reserved_remote` | floods of promises (CVE-2024-2398) |

use core::time::Duration;

use super::violation::Violation;
use crate::time::Time;

/// A burst and a steady rate: a bucket of `burst` tokens that refills at `per_second`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Tokens in a full bucket.
    pub burst: u32,
    /// Tokens that come back every second.
    pub per_second: u32,
}

/// What a bucket says after tokens were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// Plenty left.
    Fine,
    /// Three quarters are gone: time to leave politely (said once).
    High,
    /// Empty: the peer is asked to calm down.
    Spent,
}

/// Deterministic: time is an argument.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    rate: Rate,
    /// Billionths of a token.
    tokens: u64,
    last: Time,
    warned: bool,
}

const UNIT: u64 = 1_000_000_000;

impl Bucket {
    pub(crate) fn new(rate: Rate, now: Time) -> Self {
        Self { rate, tokens: u64::from(rate.burst) * UNIT, last: now, warned: false }
    }

    pub(crate) fn take(&mut self, tokens: u32, now: Time) -> Level {
        self.refill(now);
        let cost = u64::from(tokens) * UNIT;
        if self.tokens < cost {
            self.tokens = 0;
            return Level::Spent;
        }
        self.tokens -= cost;
        if self.tokens < self.full() / 4 && !self.warned {
            self.warned = true;
            return Level::High;
        }
        Level::Fine
    }

    pub(crate) fn give(&mut self, tokens: u32) {
        self.tokens = (self.tokens + u64::from(tokens) * UNIT).min(self.full());
    }

    fn refill(&mut self, now: Time) {
        let elapsed: Duration = now.since(self.last);
        self.last = now;
        let nanos = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
        self.tokens =
            self.tokens.saturating_add(nanos.saturating_mul(u64::from(self.rate.per_second))).min(self.full());
    }

    fn full(&self) -> u64 {
        u64::from(self.rate.burst) * UNIT
    }
}

/// The kinds of abuse that are counted, one bucket each.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    early_reset: Bucket,
    emitted_reset: Bucket,
    refused: Bucket,
    glitch: Bucket,
    window_update: Bucket,
}

/// Something a peer may do now and then, but not all the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Suspicious {
    /// RST_STREAM before the first octet of the response.
    EarlyReset,
    /// We had to send RST_STREAM.
    EmittedReset,
    /// A request above the limit.
    Refused,
    /// A frame that changes nothing, with its weight.
    Glitch(u32),
    /// A DATA frame without content in the middle of a message; a glitch with a name of its own.
    EmptyData,
    /// A WINDOW_UPDATE.
    WindowUpdate,
}

impl Guard {
    pub(crate) fn new(config: &super::Config, now: Time) -> Self {
        Self {
            early_reset: Bucket::new(config.early_reset, now),
            emitted_reset: Bucket::new(config.emitted_reset, now),
            refused: Bucket::new(config.refused, now),
            glitch: Bucket::new(config.glitch, now),
            window_update: Bucket::new(config.window_update, now),
        }
    }

    /// Counts; the violation is what to end the connection with when the bucket is spent.
    pub(crate) fn note(&mut self, what: Suspicious, now: Time) -> (Level, Violation) {
        match what {
            Suspicious::EarlyReset => (self.early_reset.take(1, now), Violation::TooManyResets),
            Suspicious::EmittedReset => (self.emitted_reset.take(1, now), Violation::TooManyInternalResets),
            Suspicious::Refused => (self.refused.take(1, now), Violation::TooManyRefused),
            Suspicious::Glitch(weight) => (self.glitch.take(weight, now), Violation::TooManyGlitches),
            Suspicious::EmptyData => (self.glitch.take(1, now), Violation::TooManyDataFrames),
            Suspicious::WindowUpdate => (self.window_update.take(1, now), Violation::TooManyWindowUpdates),
        }
    }

    /// A request was answered in full.
    pub(crate) fn answered(&mut self) {
        self.early_reset.give(1);
    }

    /// A DATA frame was sent: the peer may answer it with up to sixteen WINDOW_UPDATEs.
    pub(crate) fn data_sent(&mut self) {
        self.window_update.give(16);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_warns_once_empties_and_refills_with_time() {
        let mut bucket = Bucket::new(Rate { burst: 8, per_second: 2 }, Time::ZERO);
        let levels: Vec<Level> = (0..9).map(|_| bucket.take(1, Time::ZERO)).collect();
        assert_eq!(levels.iter().filter(|l| **l == Level::High).count(), 1);
        assert_eq!(levels[6], Level::High);
        assert_eq!(levels[8], Level::Spent);
        let later = Time::ZERO + Duration::from_secs(1);
        assert_eq!(bucket.take(2, later), Level::Fine);
        assert_eq!(bucket.take(1, later), Level::Spent);
    }

    #[test]
    fn honest_use_never_drains_a_bucket() {
        let mut bucket = Bucket::new(Rate { burst: 200, per_second: 20 }, Time::ZERO);
        let mut now = Time::ZERO;
        for _ in 0..100_000 {
            now = now + Duration::from_millis(50);
            assert_eq!(bucket.take(1, now), Level::Fine);
        }
    }
}
