//! One stream: its state, its windows, what it has queued, and how far its messages have come.

mod state;
mod table;

use std::collections::VecDeque;

use bytes::Bytes;
use pellucid_flow::{RecvWindow, SendWindow};
use pellucid_frame::{ErrorCode, StreamId};
use pellucid_hpack::Fields;

pub use state::{Closed, Input, Refused, State};
pub(crate) use table::{Found, Key, Table};

use super::priority::Priority;
use super::role::Role;
use crate::time::Time;

/// A live stream. Slots are reused: [`Stream::renew`] makes a new stream of an old slot and keeps its buffers.
#[derive(Debug)]
pub(crate) struct Stream {
    /// `CONNECTION` marks a vacant slot.
    pub(crate) id: StreamId,
    pub(crate) state: State,
    pub(crate) send_window: SendWindow,
    pub(crate) recv_window: RecvWindow,
    pub(crate) incoming: Incoming,
    pub(crate) outgoing: Outgoing,
    pub(crate) priority: Priority,
    pub(crate) place: Place,
    /// Whether the window update list holds this stream already.
    pub(crate) update_listed: bool,
    pub(crate) method: Method,
}

/// The message that arrives.
#[derive(Debug, Default)]
pub(crate) struct Incoming {
    pub(crate) phase: Phase,
    /// What `content-length` promised, when it did and the message may have content.
    pub(crate) expected: Option<u64>,
    pub(crate) received: u64,
    /// Interim responses so far.
    pub(crate) informational: u32,
    /// Octets of their field sections.
    pub(crate) informational_size: u32,
    pub(crate) reading: Reading,
    /// When content last arrived, or was last owed.
    pub(crate) since: Time,
}

/// The message that leaves.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    pub(crate) phase: Phase,
    pub(crate) queue: VecDeque<Bytes>,
    /// Small pieces behind the queue.
    joined: Vec<u8>,
    /// Octets of both.
    pub(crate) queued: usize,
    pub(crate) tail: Tail,
    /// `capacity` was seen at zero: say `Writable` when it no longer is.
    pub(crate) full: bool,
    /// How often the connection's send buffer had been full when this stream was last told that it may go on: if that has
    /// grown, `capacity` may have been seen at zero too.
    pub(crate) fullness: u32,
    /// The stall clock: when it was last wound, and the octets this stream has sent since.
    pub(crate) since: Time,
    pub(crate) sent: u32,
    /// The octets all streams had sent when it was wound.
    pub(crate) sent_by_all: u64,
}

/// Pieces of content below this are joined when others wait already.
const JOIN_BELOW: usize = 512;

/// … to pieces of this size.
const JOIN_TO: usize = 4096;

impl Outgoing {
    /// Queues content. Small pieces are joined, so that what waits costs memory by the octet and not by the piece: a peer whose
    /// single octets are sent back to it, and that reads nothing, would else fill memory with their bookkeeping.
    pub(crate) fn push(&mut self, data: Bytes) {
        let others_wait = self.queued > 0;
        self.queued += data.len();
        if !others_wait || data.len() >= JOIN_BELOW {
            self.seal();
            return self.queue.push_back(data);
        }
        if self.joined.len() + data.len() > JOIN_TO {
            self.seal();
        }
        self.joined.extend_from_slice(&data);
    }

    /// What was joined so far becomes a piece like any other.
    pub(crate) fn seal(&mut self) {
        if !self.joined.is_empty() {
            self.queue.push_back(core::mem::take(&mut self.joined).into());
        }
    }

    /// Winds the stall clock: patience begins anew.
    pub(crate) fn wind(&mut self, now: Time, sent_by_all: u64) {
        self.since = now;
        self.sent = 0;
        self.sent_by_all = sent_by_all;
    }
}

/// How far a message has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Phase {
    /// The (final) header section is still to come.
    #[default]
    Head,
    /// Content or trailers.
    Body,
    /// After CONNECT: octets only (RFC 9113 §8.5).
    Tunnel,
    /// Complete.
    Done,
}

/// Whether anyone reads what arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Reading {
    #[default]
    Yes,
    /// Content is discarded; when our own message is complete the peer is told to stop (RFC 9113 §8.1).
    Stopped,
}

/// What follows the queued content.
#[derive(Debug, Default)]
pub(crate) enum Tail {
    /// More content may come.
    #[default]
    Open,
    /// END_STREAM on the last DATA frame.
    End,
    /// A trailer section; it stays unencoded until its turn, since HPACK's state is ordered.
    Trailers(Box<Fields>),
}

/// Where the scheduler keeps the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Place {
    #[default]
    Nowhere,
    /// Nothing but an end to send: needs no window.
    Ends,
    /// Has content and window.
    Ready,
    /// Has content and no window.
    Blocked,
}

/// What matters of the request's method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Method {
    /// Any other.
    #[default]
    Other,
    /// The response has no content.
    Head,
    /// The stream may become a tunnel.
    Connect,
}

impl Default for Stream {
    fn default() -> Self {
        Self {
            id: StreamId::CONNECTION,
            state: State::Idle,
            send_window: SendWindow::new(),
            recv_window: RecvWindow::new(0, 0),
            incoming: Incoming::default(),
            outgoing: Outgoing::default(),
            priority: Priority::default(),
            place: Place::Nowhere,
            update_listed: false,
            method: Method::Other,
        }
    }
}

impl Stream {
    /// A fresh stream in this slot.
    pub(crate) fn renew(&mut self, id: StreamId) {
        let mut queue = core::mem::take(&mut self.outgoing.queue);
        queue.clear();
        *self = Self { id, outgoing: Outgoing { queue, ..Outgoing::default() }, ..Self::default() };
    }

    /// Frees what the stream held; the slot is vacant.
    pub(crate) fn vacate(&mut self) {
        self.id = StreamId::CONNECTION;
        self.outgoing.queue.clear();
        self.outgoing.joined = Vec::new();
        self.outgoing.tail = Tail::Open;
        if self.outgoing.queue.capacity() > 16 {
            self.outgoing.queue = VecDeque::new();
        }
    }

    /// Whether there is anything the scheduler should send.
    pub(crate) fn has_output(&self) -> bool {
        self.outgoing.queued > 0 || !matches!(self.outgoing.tail, Tail::Open)
    }

    /// The code to reset with once our message is complete and nobody reads the peer's, if so.
    ///
    /// RFC 9113 §8.1: a server whose response is complete before its request may ask for the rest not to be sent, with NO_ERROR. It does
    /// where more is to come than the stream's window holds, or nobody knows how much. A client that has all the window it needs
    /// is left to finish: its content is most often on its way already, and some (curl is one) take the RST_STREAM for a failure
    /// of the whole exchange. A client that gives up cancels.
    pub(crate) fn reset_after_end(&self, role: Role) -> Option<ErrorCode> {
        if self.state != State::HalfClosedLocal || self.incoming.reading != Reading::Stopped {
            return None;
        }
        match role {
            Role::Client => Some(ErrorCode::CANCEL),
            Role::Server => (!self.can_finish_unread()).then_some(ErrorCode::NO_ERROR),
        }
    }

    /// Whether the window that the peer has is enough for what its content-length still promises.
    fn can_finish_unread(&self) -> bool {
        let due = self.incoming.expected.and_then(|all| i64::try_from(all.saturating_sub(self.incoming.received)).ok());
        due.is_some_and(|due| due <= self.recv_window.window())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_pieces_cost_memory_by_the_octet() {
        let mut outgoing = Outgoing::default();
        let mut want = Vec::new();
        for n in 0..65_536_usize {
            // Single octets, and now and then a piece that is worth a place of its own.
            let piece = vec![n.to_le_bytes()[0]; if n % 1000 == 999 { JOIN_BELOW } else { 1 }];
            want.extend_from_slice(&piece);
            outgoing.push(piece.into());
        }
        outgoing.seal();
        assert!(outgoing.queue.len() < 200, "{} pieces of {} octets", outgoing.queue.len(), outgoing.queued);
        assert_eq!(outgoing.queued, want.len());
        assert_eq!(outgoing.queue.iter().flatten().copied().collect::<Vec<u8>>(), want);
    }
}
