//! What a tap remembers of one side: octets that wait for the rest of their frame, HPACK state, windows, and settings that
//! the other side has not acknowledged yet.
//!
//! Not for: finding or reading frames; that needs both sides and stands in `mod.rs`.

use std::collections::VecDeque;

use pellucid_frame::{Head, Setting, SettingId};

use super::Watched;
use super::block::{Blocks, FIRST_TABLE_SIZE};
use super::record::{Record, What};
use super::windows::Windows;
use crate::h2::{Role, Scope, Violation};

/// One side.
pub(super) struct Half {
    pub(super) role: Role,
    pub(super) expect: Expect,
    /// Octets that have come and were not told of yet: less than a frame.
    pub(super) waiting: Vec<u8>,
    /// Octets told of.
    pub(super) at: u64,
    pub(super) blocks: Blocks,
    pub(super) windows: Windows,
    announced: VecDeque<Announced>,
    max_frame_size: u32,
}

/// What comes next from a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expect {
    /// The preface if it is the client.
    Start,
    /// RFC 9113 §3.4: SETTINGS, and nothing else.
    Settings,
    /// Any frame.
    Frame,
    /// A frame, wherever the first one begins: so many octets before it were skipped, and all of those that wait were
    /// looked at when there were `looked_at`.
    Resume { skipped: u64, looked_at: usize },
    /// Nothing that could be read: so many octets were skipped.
    Nothing { skipped: u64 },
}

/// What one SETTINGS frame changes for the other side's sending.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Announced {
    /// The smallest and the last table size: a dip in between must be heard by the encoder (RFC 9113 §4.3.1).
    table_sizes: Option<(u32, u32)>,
    initial_window: Option<u32>,
    max_frame_size: Option<u32>,
}

impl Half {
    pub(super) fn new(role: Role, watched: Watched) -> Self {
        let (table_size, max_frame_size) = match watched {
            Watched::Both => (FIRST_TABLE_SIZE, FIRST_MAX_FRAME_SIZE),
            Watched::OneSide | Watched::Parts => (UNSEEN_TABLE_SIZE, LARGEST_FRAME),
        };
        Self {
            role,
            expect: Expect::Start,
            waiting: Vec::new(),
            at: 0,
            blocks: Blocks::new(table_size),
            windows: Windows::new(),
            announced: VecDeque::new(),
            max_frame_size,
        }
    }

    /// Tells of what this side's next octets are.
    pub(super) fn tell(&self, what: What, sink: &mut impl FnMut(Record)) {
        sink(Record { from: self.role, at: self.at, what });
    }

    /// Tells of a broken rule that ends the connection; nothing after it can be read.
    pub(super) fn fail(&mut self, head: Option<Head>, violation: Violation, sink: &mut impl FnMut(Record)) {
        self.tell(What::Fault { head, violation, scope: Scope::Connection }, sink);
        self.expect = Expect::Nothing { skipped: 0 };
    }

    /// This side has sent SETTINGS. Gives back what must count as acknowledged because too many are not.
    pub(super) fn announce(&mut self, settings: impl Iterator<Item = Setting>) -> Option<Announced> {
        self.announced.push_back(Announced::of(settings));
        if self.announced.len() > MAX_UNACKNOWLEDGED { self.announced.pop_front() } else { None }
    }

    /// Whether there are SETTINGS of this side to acknowledge.
    pub(super) fn awaits_acknowledgment(&self) -> bool {
        !self.announced.is_empty()
    }

    /// The other side has acknowledged the oldest SETTINGS of this one.
    pub(super) fn acknowledged(&mut self) -> Option<Announced> {
        self.announced.pop_front()
    }

    /// The other side's settings govern this one from now on.
    pub(super) fn obey(&mut self, settings: Announced) {
        if let Some((smallest, last)) = settings.table_sizes {
            self.blocks.set_max_table_size(smallest);
            self.blocks.set_max_table_size(last);
        }
        if let Some(octets) = settings.initial_window {
            self.windows.set_initial(octets);
        }
        self.max_frame_size = settings.max_frame_size.unwrap_or(self.max_frame_size);
    }

    /// What the other side allows is not known any more, so everything is.
    pub(super) fn loosen(&mut self) {
        self.announced.clear();
        self.max_frame_size = LARGEST_FRAME;
        self.blocks.set_max_table_size(UNSEEN_TABLE_SIZE);
    }

    /// The longest payload this side may send to `other`. A limit that has not been acknowledged counts when it is larger:
    /// nobody can tell from outside whether it was read already.
    pub(super) fn frame_limit(&self, other: &Half) -> u32 {
        let announced = other.announced.iter().filter_map(|settings| settings.max_frame_size).max();
        self.max_frame_size.max(announced.unwrap_or(0))
    }
}

impl Announced {
    /// RFC 9113 §6.5.3: entries are processed in order, the last of a kind counts.
    fn of(settings: impl Iterator<Item = Setting>) -> Self {
        let mut announced = Self::default();
        for Setting { id, value } in settings {
            match id {
                SettingId::HEADER_TABLE_SIZE => {
                    let smallest = announced.table_sizes.map_or(value, |(smallest, _)| smallest.min(value));
                    announced.table_sizes = Some((smallest, value));
                }
                SettingId::INITIAL_WINDOW_SIZE => announced.initial_window = Some(value),
                SettingId::MAX_FRAME_SIZE => announced.max_frame_size = Some(value.min(LARGEST_FRAME)),
                _ => {}
            }
        }
        announced
    }
}

/// RFC 9113 §6.5.2: the limit of a new connection.
const FIRST_MAX_FRAME_SIZE: u32 = 16_384;

/// RFC 9113 §4.1: a length has 24 bits. What one side sends when the other, who may have allowed it, was not watched.
const LARGEST_FRAME: u32 = (1 << 24) - 1;

/// The dynamic table a sender may use when the other side, who may have allowed it, was not watched. Bounds the memory that a
/// few octets can take by repeating long names.
pub(super) const UNSEEN_TABLE_SIZE: u32 = 1 << 20;

/// SETTINGS frames of one side that wait for acknowledgment at a time: stops the memory that endless SETTINGS would take.
const MAX_UNACKNOWLEDGED: usize = 64;
