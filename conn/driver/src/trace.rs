//! Spans for those who listen with `tracing`; nothing is made, and next to nothing paid, while nobody does.
//!
//! | span | level | fields |
//! |---|---|---|
//! | `connection` | DEBUG | `conn` (its number), `role` (`server` or `client`), `peer`, `tls` (the version) |
//! | `request` | DEBUG | `stream`, `method`, `path`, `status` (once known) |
//!
//! A server's `request` lies in its `connection` and is entered while the handler or the response's body is polled; a client's
//! lies in whatever span its caller is in. These names stay.

use pellucid_conn::StreamId;
use tracing::field::Empty;
use tracing::{Span, debug_span};

use crate::info::Info;
use crate::message::Request;

pub(crate) fn connection(role: &'static str, info: &Info) -> Span {
    // Values are computed within the macro, which does so only when somebody listens.
    debug_span!(
        "connection",
        conn = info.id,
        role,
        peer = info.peer.map(tracing::field::display),
        tls = info.tls.as_ref().map(|tls| tracing::field::display(&tls.version)),
    )
}

/// Of a request that a client sends; its stream comes later.
pub(crate) fn sent(request: &Request) -> Span {
    debug_span!("request", stream = Empty, method = text(request.method()), path = text(request.path()), status = Empty,)
}

/// Of a request that a server received.
pub(crate) fn received(id: StreamId, request: &Request) -> Span {
    debug_span!(
        "request",
        stream = id.get(),
        method = text(request.method()),
        path = text(request.path()),
        status = Empty,
    )
}

/// Methods and paths have been checked for the octets that could not stand in a log.
fn text(octets: &[u8]) -> &str {
    std::str::from_utf8(octets).unwrap_or("(not text)")
}
