//! What went over the connection, counted.
//!
//! Not for: time; outcomes have their own.

use std::collections::BTreeSet;

use pellucid_conn::h2::Role;
use pellucid_conn::tap::{Block, Coded, Described, Record, What};
use pellucid_frame::{Flags, Head, StreamId};

/// Sums over both directions.
#[derive(Default)]
pub(super) struct Totals {
    pub(super) requests: u64,
    pub(super) frames_by_client: u64,
    pub(super) frames_by_server: u64,
    pub(super) octets: u64,
    pub(super) content: u64,
    /// Octets of names and values.
    pub(super) fields_plain: u64,
    /// Octets they took on the wire.
    pub(super) fields_wire: u64,
    /// The most streams that were open at once.
    pub(super) most_open: usize,
    open: BTreeSet<StreamId>,
    seen: BTreeSet<StreamId>,
}

impl Totals {
    pub(super) fn count(&mut self, record: &Record) {
        let (head, described) = match &record.what {
            What::Preface => {
                self.octets += 24;
                return;
            }
            What::Frame { head, described } => (head, described),
            _ => return,
        };
        self.octets += (Head::LEN as u64) + u64::from(head.length);
        match record.from {
            Role::Client => self.frames_by_client += 1,
            Role::Server => self.frames_by_server += 1,
        }
        match described {
            Described::Data { content, .. } => self.content += u64::from(*content),
            Described::Headers { block, .. } | Described::Continuation(block) => self.fields(block),
            _ => {}
        }
        self.follow(record.from, *head, described);
    }

    /// Adds a field block.
    pub(super) fn fields(&mut self, block: &Block) {
        for step in &block.steps {
            if let Coded::Field { name, value, representation, .. } = &step.coded {
                self.fields_plain += (name.len() + value.len()) as u64;
                self.fields_wire += representation.octets as u64;
            }
        }
    }

    fn follow(&mut self, from: Role, head: Head, described: &Described) {
        if from == Role::Client && matches!(described, Described::Headers { .. }) && self.seen.insert(head.stream) {
            self.requests += 1;
            self.open.insert(head.stream);
            self.most_open = self.most_open.max(self.open.len());
        }
        let may_end = matches!(described, Described::Data { .. } | Described::Headers { .. });
        // The demo's requests all end before their responses do.
        if from == Role::Server && may_end && head.flags.contains(Flags::END_STREAM) {
            self.open.remove(&head.stream);
        }
    }
}
