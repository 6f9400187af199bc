//! Who may send DATA next (RFC 9218 §10): by urgency; among equals, whole responses one after another in the order of their
//! streams, and incremental ones in turns.
//!
//! ```text
//! ends      streams with nothing but an end to send: they need no window, so nothing holds them up
//! urgency 0 [ sequential: 3 7 9 ] [ incremental: 5 11 ]      one frame from each in turn
//!    …
//! urgency 7
//! blocked   streams whose window is used up, until WINDOW_UPDATE or SETTINGS opens it
//! ```
//! A stream is in at most one place, which it knows itself. Closed streams are dropped when their turn comes: keys do not lie.

use std::collections::VecDeque;

use crate::h2::priority::Priority;
use crate::h2::stream::{Key, Place, Stream, Table};

#[derive(Debug, Default)]
pub(in crate::h2) struct Schedule {
    /// Octets of content queued over all streams.
    pub(in crate::h2) queued: usize,
    /// How often that has reached the connection's bound.
    pub(super) fullness: u32,
    ends: VecDeque<Key>,
    levels: [Level; 8],
    /// Bit n: level n is not empty.
    occupied: u8,
    blocked: Vec<Key>,
    /// A window somewhere has grown: look at the blocked streams again.
    recheck: bool,
}

/// The streams of one urgency.
#[derive(Debug, Default)]
struct Level {
    /// Ascending by identifier.
    sequential: VecDeque<Key>,
    incremental: VecDeque<Key>,
    /// Whose turn it is when both have streams, so that neither starves (RFC 9218 §10).
    incremental_next: bool,
}

/// The next stream to send, and what it may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Only an end.
    End(Key),
    Content(Key),
    Nothing,
}

impl Schedule {
    /// The stream has something to send: puts it in its place.
    pub(super) fn add(&mut self, key: Key, stream: &mut Stream) {
        if stream.place == Place::Ends && stream.outgoing.queued > 0 {
            self.remove(key, stream);
        }
        if stream.place != Place::Nowhere || !stream.has_output() {
            return;
        }
        if stream.outgoing.queued == 0 {
            stream.place = Place::Ends;
            self.ends.push_back(key);
        } else {
            self.make_ready(key, stream);
        }
    }

    fn make_ready(&mut self, key: Key, stream: &mut Stream) {
        stream.place = Place::Ready;
        let urgency = stream.priority.urgency.min(7);
        self.occupied |= 1 << urgency;
        let Some(level) = self.levels.get_mut(usize::from(urgency)) else { return };
        if stream.priority.incremental {
            return level.incremental.push_back(key);
        }
        // Nearly always the youngest stream: look for its place from the back.
        let mut at = level.sequential.len();
        while at > 0 && level.sequential.get(at - 1).is_some_and(|k| k.id() > key.id()) {
            at -= 1;
        }
        level.sequential.insert(at, key);
    }

    /// Whose turn it is, given the connection's window.
    pub(super) fn next(&mut self, connection_window: u32) -> Turn {
        if let Some(key) = self.ends.front() {
            return Turn::End(*key);
        }
        if connection_window == 0 {
            return Turn::Nothing;
        }
        while self.occupied != 0 {
            let urgency = self.occupied.trailing_zeros();
            let Some(level) = self.levels.get_mut(urgency as usize) else { break };
            if let Some(key) = level.next() {
                return Turn::Content(key);
            }
            self.occupied &= !(1 << urgency);
        }
        Turn::Nothing
    }

    /// Whether anything could be sent.
    pub(super) fn has_turn(&self, connection_window: u32) -> bool {
        !self.ends.is_empty()
            || (connection_window > 0 && self.occupied != 0)
            || (self.recheck && !self.blocked.is_empty())
    }

    /// The stream has sent a frame and has more: incremental streams go to the back.
    pub(super) fn rotate(&mut self, key: Key, stream: &Stream) {
        let Some(level) = self.levels.get_mut(usize::from(stream.priority.urgency.min(7))) else { return };
        if stream.priority.incremental
            && let Some(front) = level.incremental.pop_front()
        {
            debug_assert_eq!(front, key, "whoever sent was at the front");
            level.incremental.push_back(front);
        }
        level.alternate();
    }

    /// The stream's window is used up.
    pub(super) fn block(&mut self, turn: Turn, stream: &mut Stream) {
        self.drop_turn(turn);
        stream.place = Place::Blocked;
        if let Turn::End(key) | Turn::Content(key) = turn {
            self.blocked.push(key);
        }
    }

    /// The stream has nothing more to send for now.
    pub(super) fn finish(&mut self, turn: Turn, stream: &mut Stream) {
        self.drop_turn(turn);
        stream.place = Place::Nowhere;
    }

    /// Takes the stream whose turn it was out of its queue.
    pub(super) fn drop_turn(&mut self, turn: Turn) {
        match turn {
            Turn::End(_) => {
                self.ends.pop_front();
            }
            Turn::Content(key) => {
                let urgency = self.occupied.trailing_zeros();
                let Some(level) = self.levels.get_mut(urgency as usize) else { return };
                if level.sequential.front() == Some(&key) {
                    level.sequential.pop_front();
                } else if level.incremental.front() == Some(&key) {
                    level.incremental.pop_front();
                }
                level.alternate();
                if level.sequential.is_empty() && level.incremental.is_empty() {
                    self.occupied &= !(1 << urgency);
                }
            }
            Turn::Nothing => {}
        }
    }

    /// WINDOW_UPDATE for one stream.
    pub(in crate::h2) fn window_grew(&mut self, stream: &Stream) {
        self.recheck |= stream.place == Place::Blocked;
    }

    /// SETTINGS has raised every stream's window: O(1) here, one look at the blocked streams at output time.
    pub(in crate::h2) fn windows_grew(&mut self) {
        self.recheck = true;
    }

    /// Streams whose window has opened become ready again.
    pub(super) fn wake_blocked(&mut self, streams: &mut Table, initial: u32) {
        if !core::mem::take(&mut self.recheck) {
            return;
        }
        let mut at = 0;
        while let Some(&key) = self.blocked.get(at) {
            match streams.get_mut(key) {
                Some(stream) if stream.place == Place::Blocked && stream.send_window.usable(initial) == 0 => at += 1,
                Some(stream) => {
                    self.blocked.swap_remove(at);
                    self.make_ready(key, stream);
                }
                None => {
                    self.blocked.swap_remove(at);
                }
            }
        }
    }

    /// The peer wants the stream's content earlier or later.
    pub(in crate::h2) fn reprioritise(&mut self, key: Key, stream: &mut Stream, priority: Priority) {
        if stream.place == Place::Ready {
            self.remove(key, stream);
            stream.priority = priority;
            self.make_ready(key, stream);
        } else {
            stream.priority = priority;
        }
    }

    /// The stream ends: it leaves its place.
    pub(in crate::h2) fn forget(&mut self, key: Key, stream: &mut Stream) {
        if stream.place != Place::Nowhere {
            self.remove(key, stream);
        }
    }

    fn remove(&mut self, key: Key, stream: &mut Stream) {
        match stream.place {
            Place::Nowhere => {}
            Place::Ends => self.ends.retain(|k| *k != key),
            Place::Blocked => self.blocked.retain(|k| *k != key),
            Place::Ready => {
                if let Some(level) = self.levels.get_mut(usize::from(stream.priority.urgency.min(7))) {
                    let queue =
                        if stream.priority.incremental { &mut level.incremental } else { &mut level.sequential };
                    queue.retain(|k| *k != key);
                }
            }
        }
        stream.place = Place::Nowhere;
    }

    /// The connection has failed: nothing is scheduled any more.
    pub(in crate::h2) fn clear(&mut self) {
        *self = Self::default();
    }
}

impl Level {
    fn next(&self) -> Option<Key> {
        let (first, second) = if self.incremental_next {
            (&self.incremental, &self.sequential)
        } else {
            (&self.sequential, &self.incremental)
        };
        first.front().or_else(|| second.front()).copied()
    }

    fn alternate(&mut self) {
        self.incremental_next = !self.incremental_next && !self.incremental.is_empty();
    }
}
