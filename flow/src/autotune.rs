//! How large a receive window should be: the bandwidth-delay product, measured with PING (RFC 9113 §6.7).
//! Not for: clocks and frames. Time is nanoseconds passed in; the caller sends the PING and reports its ACK.
//!
//! A window smaller than bandwidth × round-trip time makes the sender wait; a larger one only costs memory. The octets
//! that arrive between a PING and its ACK are what the path carries in one round trip. Then:
//!
//! 1. Those octets come near the target: the window is the bottleneck, or is about to be. The target becomes twice
//!    what was seen.
//! 2. But only while the rate rises with it. Once the path is full, a larger window fills queues: the round trip grows,
//!    the octets in it grow, the rate does not, and a target that followed them would follow itself.
//! 3. The target never shrinks, as a burst after a pause deserves what the path was once known to carry. The cap bounds
//!    memory. At the cap there is nothing left to learn and probing ends.
//! 4. A probe that taught something is followed by the next at once (there are few: the target grows by a third at
//!    least). One that did not is followed by silence, doubled each time, so that no peer takes us for a PING flood.

/// A PING is to be sent now; its ACK goes to [`Autotune::on_ack`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the estimate waits for the ACK of this PING"]
pub struct Probe;

/// The estimate for one connection.
#[derive(Clone, Copy, Debug)]
pub struct Autotune {
    target: u32,
    cap: u32,
    sample: Option<Sample>,
    best_rate: u64,
    rtt_ns: Option<u64>,
    silence_ns: u64,
    next_probe_ns: u64,
}

/// A PING under way.
#[derive(Clone, Copy, Debug)]
struct Sample {
    sent_ns: u64,
    octets: u64,
}

impl Autotune {
    /// An estimate that begins at `start` octets and never passes `cap` octets.
    pub fn new(start: u32, cap: u32) -> Self {
        Self {
            target: start,
            cap,
            sample: None,
            best_rate: 0,
            rtt_ns: None,
            silence_ns: FIRST_SILENCE_NS,
            next_probe_ns: 0,
        }
    }

    /// `octets` of DATA arrived on the connection at `now_ns`. `Some`: send a PING now.
    pub fn on_data(&mut self, octets: u32, now_ns: u64) -> Option<Probe> {
        if let Some(sample) = &mut self.sample {
            sample.octets = sample.octets.saturating_add(u64::from(octets));
            return None;
        }
        if self.target >= self.cap || now_ns < self.next_probe_ns {
            return None;
        }
        // The octets that started the probe arrived before its PING leaves, so they are not of this round trip.
        self.sample = Some(Sample { sent_ns: now_ns, octets: 0 });
        Some(Probe)
    }

    /// The probe's ACK arrived at `now_ns`. `Some`: the windows' new target in octets, larger than before.
    pub fn on_ack(&mut self, now_ns: u64) -> Option<u32> {
        let sample = self.sample.take()?;
        let rtt_ns = now_ns.saturating_sub(sample.sent_ns).max(1);
        self.rtt_ns = Some(self.rtt_ns.map_or(rtt_ns, |smoothed| smoothed / 8 * 7 + rtt_ns / 8));
        let larger = self.larger_target(sample.octets, rtt_ns);
        match larger {
            Some(target) => {
                self.target = target;
                self.silence_ns = FIRST_SILENCE_NS;
            }
            None => {
                self.next_probe_ns = now_ns.saturating_add(self.silence_ns);
                self.silence_ns = (self.silence_ns * 2).min(LONGEST_SILENCE_NS);
            }
        }
        larger
    }

    /// The smoothed round-trip time in nanoseconds, the peer's delay in answering included. `None` before the first ACK.
    pub fn rtt_ns(&self) -> Option<u64> {
        self.rtt_ns
    }

    /// The target in octets, as last returned by [`on_ack`](Self::on_ack).
    pub fn target(&self) -> u32 {
        self.target
    }

    /// Steps 1 and 2 of the idea above.
    fn larger_target(&mut self, octets: u64, rtt_ns: u64) -> Option<u32> {
        let rate = octets.saturating_mul(NS_PER_SECOND) / rtt_ns;
        let has_risen = rate > self.best_rate.saturating_add(self.best_rate / 8);
        self.best_rate = self.best_rate.max(rate);
        let is_near_target = octets.saturating_mul(3) >= u64::from(self.target) * 2;
        if !has_risen || !is_near_target {
            return None;
        }
        let wanted = u32::try_from(octets.saturating_mul(2)).unwrap_or(self.cap).min(self.cap);
        (wanted > self.target).then_some(wanted)
    }
}

const NS_PER_SECOND: u64 = 1_000_000_000;

/// How long after the first probe in vain the next may follow.
const FIRST_SILENCE_NS: u64 = 10_000_000;

/// The longest time between two probes while data flows.
const LONGEST_SILENCE_NS: u64 = 10 * NS_PER_SECOND;
