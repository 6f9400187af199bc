//! A violation on its way up: which stream it happened on, and where the errors of the lower layers become violations.

use pellucid_frame::{self as frame, StreamId};

use super::violation::{Scope, Violation};

/// A broken rule and the stream it concerns. Whether the stream or the connection ends is decided here, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) violation: Violation,
    pub(crate) stream: StreamId,
    pub(crate) scope: Scope,
}

impl Violation {
    /// This rule, broken on `stream`.
    pub(crate) fn on(self, stream: StreamId) -> Fault {
        let scope = if stream.is_connection() { Scope::Connection } else { self.scope() };
        Fault { violation: self, stream, scope }
    }
}

impl From<Violation> for Fault {
    fn from(violation: Violation) -> Self {
        violation.on(StreamId::CONNECTION)
    }
}

impl From<frame::Error> for Fault {
    fn from(e: frame::Error) -> Self {
        let scope = match e.scope() {
            frame::Scope::Connection => Scope::Connection,
            frame::Scope::Stream(_) => Scope::Stream,
        };
        Self { violation: Violation::Frame(e.rule), stream: e.head.stream, scope }
    }
}

impl From<pellucid_hpack::Error> for Fault {
    fn from(e: pellucid_hpack::Error) -> Self {
        Violation::Compression(e).into()
    }
}
