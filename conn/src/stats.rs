//! Counters of one connection: plain numbers, added up where things happen, read by anyone.

use smallvec::SmallVec;

use crate::h2::Violation;

/// What happened on a connection so far.
#[derive(Debug, Clone, Default)]
pub struct Stats {
    /// Streams the peer opened.
    pub streams_accepted: u64,
    /// Streams we opened.
    pub streams_opened: u64,
    /// Requests refused by the connection itself (see `Refusal`).
    pub refused: u64,
    /// Frames received.
    pub frames_in: u64,
    /// DATA frames sent.
    pub data_frames_out: u64,
    /// HEADERS and PUSH_PROMISE frames sent.
    pub blocks_out: u64,
    /// Octets received, with frame heads.
    pub octets_in: u64,
    /// Octets handed out for the wire.
    pub octets_out: u64,
    /// Content octets received, without padding.
    pub data_in: u64,
    /// Content octets sent.
    pub data_out: u64,
    /// RST_STREAM frames received.
    pub resets_in: u64,
    /// RST_STREAM frames sent.
    pub resets_out: u64,
    /// Streams cut by the hard deadline of a drain.
    pub cut: u64,
    /// The last measured round trip, in nanoseconds; 0 before the first.
    pub rtt_ns: u64,
    /// How often the peer broke which rule.
    pub violations: SmallVec<[(Violation, u32); 2]>,
}

impl Stats {
    /// Counts a broken rule.
    pub(crate) fn note(&mut self, rule: Violation) {
        match self.violations.iter_mut().find(|(r, _)| *r == rule) {
            Some((_, n)) => *n = n.saturating_add(1),
            None => self.violations.push((rule, 1)),
        }
    }

    /// How often the peer broke `rule`.
    #[must_use]
    pub fn violations_of(&self, rule: Violation) -> u32 {
        self.violations.iter().find(|(r, _)| *r == rule).map_or(0, |(_, n)| *n)
    }
}
