//! All streams of a connection: slots that are reused, found by identifier in constant time, and a memory of how the
//! latest closed streams ended, so that late frames get the reaction RFC 9113 §5.1 names.
//!
//! Identifiers only grow, so the newest of them form a window: a deque indexed by (identifier − base) whose marks say
//! "live in slot n", "ended thus", or "skipped". What falls off its end is either forgotten or, while still live, kept in
//! a spill map. No timers (RFC 9113 §5.1), no growth with the age of the connection:
//!
//! ```text
//!   spill {3: slot 0}      base ─▶ [ended][slot 2][skipped][reset][slot 1] ◀─ newest     idle …
//! ```

use std::collections::VecDeque;

use fnv::FnvHashMap;
use pellucid_frame::StreamId;

use super::{Closed, Stream};

/// How many identifiers each side's window remembers.
const REMEMBERED: usize = 256;

/// A stream's place in the table. Identifiers are never reused, so a stale key finds nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    slot: u32,
    id: StreamId,
}

impl Key {
    pub(crate) fn id(self) -> StreamId {
        self.id
    }
}

/// What an identifier stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    Live(Key),
    /// Closed not long ago.
    Closed(Closed),
    /// Passed over by a higher identifier (RFC 9113 §5.1.1).
    Skipped,
    /// Closed or skipped so long ago that nobody remembers.
    Forgotten,
    Idle,
}

#[derive(Debug, Default)]
pub(crate) struct Table {
    slots: Vec<Stream>,
    free: Vec<u32>,
    client: Ids,
    server: Ids,
}

impl Table {
    /// Streams that are live.
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub(crate) fn find(&self, id: StreamId) -> Found {
        let mark = self.ids(id).find(ordinal(id));
        match mark {
            Mark::Live(slot) => Found::Live(Key { slot, id }),
            Mark::Closed(how) => Found::Closed(how),
            Mark::Skipped => Found::Skipped,
            Mark::Forgotten => Found::Forgotten,
            Mark::Idle => Found::Idle,
        }
    }

    /// The live stream with this identifier.
    pub(crate) fn key(&self, id: StreamId) -> Option<Key> {
        match self.find(id) {
            Found::Live(key) => Some(key),
            _ => None,
        }
    }

    pub(crate) fn get(&self, key: Key) -> Option<&Stream> {
        self.slots.get(key.slot as usize).filter(|s| s.id == key.id)
    }

    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut Stream> {
        self.slots.get_mut(key.slot as usize).filter(|s| s.id == key.id)
    }

    /// The live stream with this identifier and its key.
    pub(crate) fn by_id(&mut self, id: StreamId) -> Option<(Key, &mut Stream)> {
        let key = self.key(id)?;
        self.get_mut(key).map(|s| (key, s))
    }

    /// Takes an idle identifier into use; lower idle ones of its side become skipped (RFC 9113 §5.1.1).
    pub(crate) fn open(&mut self, id: StreamId, prepare: impl FnOnce(&mut Stream)) -> Key {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Stream::default());
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        if let Some(stream) = self.slots.get_mut(slot as usize) {
            stream.renew(id);
            prepare(stream);
        }
        self.ids_mut(id).open(ordinal(id), Mark::Live(slot));
        Key { slot, id }
    }

    /// Uses an idle identifier up without a stream: it was refused at once.
    pub(crate) fn open_closed(&mut self, id: StreamId, how: Closed) {
        self.ids_mut(id).open(ordinal(id), Mark::Closed(how));
    }

    /// Ends a stream and remembers how.
    pub(crate) fn close(&mut self, key: Key, how: Closed) {
        let Some(stream) = self.get_mut(key) else { return };
        stream.vacate();
        self.free.push(key.slot);
        self.ids_mut(key.id).mark(ordinal(key.id), Mark::Closed(how));
    }

    /// Corrects the memory of a stream that is closed already.
    pub(crate) fn remember(&mut self, id: StreamId, how: Closed) {
        self.ids_mut(id).mark(ordinal(id), Mark::Closed(how));
    }

    /// The highest identifier in use so far by the client or the server side; `CONNECTION` when none.
    pub(crate) fn highest(&self, example: StreamId) -> StreamId {
        let next = self.ids(example).next();
        let first = if example.is_client_initiated() { 1 } else { 2 };
        match next.checked_sub(1) {
            Some(last) => StreamId::new(last * 2 + first),
            None => StreamId::CONNECTION,
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key, &Stream)> {
        self.slots
            .iter()
            .enumerate()
            .filter(|(_, s)| !s.id.is_connection())
            .map(|(slot, s)| (Key { slot: u32::try_from(slot).unwrap_or(u32::MAX), id: s.id }, s))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (Key, &mut Stream)> {
        self.slots
            .iter_mut()
            .enumerate()
            .filter(|(_, s)| !s.id.is_connection())
            .map(|(slot, s)| (Key { slot: u32::try_from(slot).unwrap_or(u32::MAX), id: s.id }, s))
    }

    /// Gives the memory of unused slots back; for connections that go idle.
    pub(crate) fn shrink(&mut self) {
        if self.len() == 0 && self.slots.len() > 4 {
            self.slots = Vec::new();
            self.free = Vec::new();
        }
    }

    fn ids(&self, id: StreamId) -> &Ids {
        if id.is_client_initiated() { &self.client } else { &self.server }
    }

    fn ids_mut(&mut self, id: StreamId) -> &mut Ids {
        if id.is_client_initiated() { &mut self.client } else { &mut self.server }
    }
}

/// 1, 3, 5 … and 2, 4, 6 … both become 0, 1, 2 …
fn ordinal(id: StreamId) -> u32 {
    id.get().saturating_sub(1) / 2
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Live(u32),
    Closed(Closed),
    Skipped,
    Forgotten,
    Idle,
}

/// One side's identifiers.
#[derive(Debug, Default)]
struct Ids {
    base: u32,
    marks: VecDeque<Mark>,
    spill: FnvHashMap<u32, u32>,
}

impl Ids {
    /// The first ordinal never used.
    fn next(&self) -> u32 {
        self.base.saturating_add(u32::try_from(self.marks.len()).unwrap_or(u32::MAX))
    }

    fn find(&self, ordinal: u32) -> Mark {
        if let Some(index) = ordinal.checked_sub(self.base) {
            return self.marks.get(index as usize).copied().unwrap_or(Mark::Idle);
        }
        if self.spill.is_empty() {
            return Mark::Forgotten;
        }
        self.spill.get(&ordinal).map_or(Mark::Forgotten, |slot| Mark::Live(*slot))
    }

    fn open(&mut self, ordinal: u32, mark: Mark) {
        let gap = ordinal.saturating_sub(self.next());
        if gap as usize >= REMEMBERED {
            // A leap: nothing before it is worth remembering as skipped, and nothing is written a leap's length of times.
            while !self.marks.is_empty() {
                self.forget_oldest();
            }
            self.base = ordinal;
        }
        while self.next() < ordinal {
            self.push(Mark::Skipped);
        }
        self.push(mark);
    }

    fn mark(&mut self, ordinal: u32, mark: Mark) {
        match ordinal.checked_sub(self.base) {
            Some(index) => {
                if let Some(place) = self.marks.get_mut(index as usize) {
                    *place = mark;
                }
            }
            None => {
                self.spill.remove(&ordinal);
            }
        }
    }

    fn push(&mut self, mark: Mark) {
        if self.marks.len() >= REMEMBERED {
            self.forget_oldest();
        }
        self.marks.push_back(mark);
    }

    fn forget_oldest(&mut self) {
        if let Some(Mark::Live(slot)) = self.marks.pop_front() {
            self.spill.insert(self.base, slot);
        }
        self.base += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u32) -> StreamId {
        StreamId::new(n)
    }

    #[test]
    fn a_long_lived_stream_is_found_among_a_million_short_ones() {
        let mut table = Table::default();
        let old = table.open(id(1), |_| {});
        for n in 1..100_000 {
            let key = table.open(id(n * 2 + 1), |_| {});
            table.close(key, Closed::Ended);
        }
        assert_eq!(table.find(id(1)), Found::Live(old));
        assert_eq!(table.find(id(3)), Found::Forgotten);
        assert_eq!(table.find(id(199_999)), Found::Closed(Closed::Ended));
        assert_eq!(table.find(id(200_001)), Found::Idle);
        assert!(table.slots.len() <= 2 && table.client.marks.len() <= REMEMBERED);
        table.close(old, Closed::LocalReset);
        assert_eq!((table.find(id(1)), table.len()), (Found::Forgotten, 0));
    }

    #[test]
    fn skipped_identifiers_are_known_and_a_leap_costs_nothing() {
        let mut table = Table::default();
        let first = table.open(id(5), |_| {});
        assert_eq!(table.find(id(3)), Found::Skipped);
        let last = table.open(StreamId::MAX, |_| {});
        assert_eq!(table.find(id(5)), Found::Live(first));
        assert_eq!(table.find(StreamId::MAX), Found::Live(last));
        assert_eq!(table.find(id(7)), Found::Forgotten);
        assert_eq!(table.highest(id(1)), StreamId::MAX);
        assert_eq!(table.highest(id(2)), StreamId::CONNECTION);
        assert!(table.client.marks.len() <= REMEMBERED);
    }

    #[test]
    fn a_stale_key_finds_nothing() {
        let mut table = Table::default();
        let one = table.open(id(1), |_| {});
        table.close(one, Closed::PeerReset);
        let two = table.open(id(3), |_| {});
        assert_eq!(one.slot, two.slot);
        assert!(table.get(one).is_none() && table.get(two).is_some());
    }
}
