//! What octets cannot tell: why a stream waits, how states and windows move. Frames are watched from outside, by a tap.

use pellucid_frame::StreamId;

use crate::h2::{State, Violation};

/// Reasons and inner changes of a connection. Every method is empty by default; `()` watches nothing and costs nothing.
pub trait Observer {
    /// A stream moved from one state to another.
    fn state(&mut self, id: StreamId, from: State, to: State) {
        let _ = (id, from, to);
    }

    /// A stream with something to send cannot send it now.
    fn waits(&mut self, id: StreamId, why: Wait) {
        let _ = (id, why);
    }

    /// The peer broke a rule.
    fn violation(&mut self, id: StreamId, rule: Violation) {
        let _ = (id, rule);
    }

    /// Streams' receive windows grow to so many octets (auto-tuning).
    fn window_target(&mut self, octets: u32) {
        let _ = octets;
    }
}

impl Observer for () {}

/// A choice made at run time.
impl<T: Observer> Observer for Option<T> {
    fn state(&mut self, id: StreamId, from: State, to: State) {
        if let Some(o) = self {
            o.state(id, from, to);
        }
    }

    fn waits(&mut self, id: StreamId, why: Wait) {
        if let Some(o) = self {
            o.waits(id, why);
        }
    }

    fn violation(&mut self, id: StreamId, rule: Violation) {
        if let Some(o) = self {
            o.violation(id, rule);
        }
    }

    fn window_target(&mut self, octets: u32) {
        if let Some(o) = self {
            o.window_target(octets);
        }
    }
}

/// What a stream with something to send is waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wait {
    /// A WINDOW_UPDATE for the stream.
    StreamWindow,
    /// A WINDOW_UPDATE for the connection.
    ConnectionWindow,
    /// A concurrency slot.
    Slot,
}
