//! A frame's title once: where its end breaks a rule, the tap tells of the frame and then, with its head again, of the
//! rule.
//!
//! Not for: how a record looks; that is the text renderer's.

use pellucid_conn::h2::Role;
use pellucid_conn::tap::{Record, What};

/// Remembers which frame was told of last.
#[derive(Default)]
pub(crate) struct Titles {
    /// Its sender, and where it begins.
    last: Option<(Role, u64)>,
}

impl Titles {
    /// The record, without the head of a frame that stands right above it.
    pub(crate) fn once(&mut self, mut record: Record) -> Record {
        let place = Some((record.from, record.at));
        if let What::Fault { head, .. } = &mut record.what
            && self.last == place
        {
            *head = None;
        }
        self.last = place.filter(|_| matches!(record.what, What::Frame { .. }));
        record
    }
}
