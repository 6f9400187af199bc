//! Which end of the connection this is. Both ends share their code; the side is data.

use pellucid_frame::StreamId;

/// Client or server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Opened the transport; its streams have odd identifiers.
    Client,
    /// Accepted it; promises streams with even identifiers.
    Server,
}

impl Role {
    /// The other end.
    #[must_use]
    pub const fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }

    /// Whether this end opens streams with such an identifier (RFC 9113 §5.1.1).
    #[must_use]
    pub fn initiates(self, id: StreamId) -> bool {
        match self {
            Self::Client => id.is_client_initiated(),
            Self::Server => id.is_server_initiated(),
        }
    }

    /// The lowest identifier this end may open.
    pub(crate) fn first_stream(self) -> StreamId {
        match self {
            Self::Client => StreamId::new(1),
            Self::Server => StreamId::new(2),
        }
    }
}
