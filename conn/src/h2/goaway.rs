//! Going away (RFC 9113 §6.8): ours in two phases, the peer's as it comes.
//!
//! ```text
//! Open ─ shut_down ─▶ Warned: GOAWAY(2^31-1), PING ─ its ACK, or a second ─▶ Leaving: GOAWAY(last)
//!                                                                            Leaving ─ no streams left ─▶ Drained
//! ```
//! The first GOAWAY announces that the end is near without cutting what is already on its way; the second says which
//! streams will still be answered. A client has nothing to wait for and leaves in one step.

use pellucid_frame::StreamId;

use crate::time::Time;

/// How far our own leaving has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Leaving {
    #[default]
    No,
    /// The first GOAWAY is out; the PING after it shows when the peer has seen it.
    Warned { since: Time },
    /// The final GOAWAY is out.
    Final { since: Time },
    /// `Event::Drained` has been given.
    Drained,
}

#[derive(Debug, Default)]
pub(crate) struct GoAway {
    pub(crate) ours: Leaving,
    /// The last identifier we have promised to process; never increases.
    pub(crate) last_sent: Option<StreamId>,
    /// The lowest last identifier the peer has named.
    pub(crate) last_received: Option<StreamId>,
}

impl GoAway {
    /// Whether new streams of ours are out of the question.
    pub(crate) fn forbids_opening(&self) -> bool {
        self.last_received.is_some() || self.ours != Leaving::No
    }

    /// RFC 9113 §6.8: frames on streams above what we promised to process are ignored.
    pub(crate) fn ignores(&self, id: StreamId) -> bool {
        self.last_sent.is_some_and(|last| id > last)
    }

    /// RFC 9113 §6.8: the last identifier never increases.
    pub(crate) fn promise(&mut self, last: StreamId) -> StreamId {
        let last = self.last_sent.map_or(last, |before| before.min(last));
        self.last_sent = Some(last);
        last
    }
}
