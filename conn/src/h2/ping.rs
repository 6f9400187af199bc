//! PINGs of ours that are under way, and what each was for (RFC 9113 §6.7).

use std::collections::VecDeque;

use crate::time::Time;

/// Why a PING was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The application asked.
    User,
    /// Is the peer still there?
    Keepalive,
    /// Has the peer seen our first GOAWAY?
    Drain,
    /// How long is a round trip (auto-tuning)?
    Probe,
}

/// At most this many are remembered; answers to older ones are ignored like any unknown acknowledgment.
const MOST: usize = 16;

#[derive(Debug, Default)]
pub(crate) struct Pings {
    under_way: VecDeque<([u8; 8], Purpose, Time)>,
    next: u32,
}

impl Pings {
    /// A payload of our own for this purpose, noted as sent.
    pub(crate) fn send(&mut self, purpose: Purpose, now: Time) -> [u8; 8] {
        let [a, b, c, d] = self.next.to_be_bytes();
        self.next = self.next.wrapping_add(1);
        let payload = [b'p', b'l', b'c', b'd', a, b, c, d];
        self.note(payload, purpose, now);
        payload
    }

    pub(crate) fn note(&mut self, payload: [u8; 8], purpose: Purpose, now: Time) {
        if self.under_way.len() >= MOST {
            self.under_way.pop_front();
        }
        self.under_way.push_back((payload, purpose, now));
    }

    /// What the acknowledged PING was for and when it was sent; `None` when we sent no such PING.
    pub(crate) fn acknowledged(&mut self, payload: [u8; 8]) -> Option<(Purpose, Time)> {
        let at = self.under_way.iter().position(|(p, _, _)| *p == payload)?;
        self.under_way.remove(at).map(|(_, purpose, sent)| (purpose, sent))
    }

    /// When the oldest PING with this purpose was sent.
    pub(crate) fn sent(&self, purpose: Purpose) -> Option<Time> {
        self.under_way.iter().find(|(_, p, _)| *p == purpose).map(|(_, _, at)| *at)
    }
}
