//! One direction of a wire: what is written arrives later, in order, cut anywhere.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use pellucid_conn::Time;

use crate::Chance;

#[derive(Default)]
pub(super) struct Link {
    under_way: VecDeque<(Time, Bytes)>,
    last: Time,
}

impl Link {
    /// Puts octets on the wire in pieces of any size, each with a delay of its own.
    pub(super) fn write(&mut self, mut octets: Bytes, now: Time, chance: &mut Chance) {
        while !octets.is_empty() {
            let most = *chance.pick(&[1, 3, 10, 100, 2000, 70_000]);
            let piece = octets.split_to(octets.len().min(1 + chance.below(most)));
            let delay = Duration::from_micros(u64::try_from(chance.below(3000)).unwrap());
            self.last = self.last.max(now + delay);
            self.under_way.push_back((self.last, piece));
        }
    }

    /// Appends what has arrived by `now`.
    pub(super) fn read(&mut self, now: Time, into: &mut BytesMut) {
        while self.under_way.front().is_some_and(|(due, _)| *due <= now) {
            let (_, piece) = self.under_way.pop_front().unwrap();
            into.extend_from_slice(&piece);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }
}
