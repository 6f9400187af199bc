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
    pub(crate) reading: Reading,
    /// When content last arrived, or was last owed.
    pub(crate) since: Time,
}

/// The message that leaves.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    pub(crate) phase: Phase,
    pub(crate) queue: VecDeque<Bytes>,
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

impl Outgoing {
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
        self.outgoing.tail = Tail::Open;
        if self.outgoing.queue.capacity() > 16 {
            self.outgoing.queue = VecDeque::new();
        }
    }

    /// Whether there is anything the scheduler should send.
    pub(crate) fn has_output(&self) -> bool {
        !self.outgoing.queue.is_empty() || !matches!(self.outgoing.tail, Tail::Open)
    }

    /// The code to reset with once our message is complete and nobody reads the peer's, if so.
    pub(crate) fn reset_after_end(&self, role: Role) -> Option<ErrorCode> {
        // RFC 9113 §8.1: a response that is complete before its request ends with NO_ERROR; a client that gives up cancels.
        let code = if role == Role::Server { ErrorCode::NO_ERROR } else { ErrorCode::CANCEL };
        (self.state == State::HalfClosedLocal && self.incoming.reading == Reading::Stopped).then_some(code)
    }
}
