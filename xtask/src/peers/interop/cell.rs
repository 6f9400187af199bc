//! The columns of the matrix.

use std::time::Duration;

/// One thing that must work.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Cell {
    Get,
    Post,
    Trailers,
    SentTrailers,
    Head,
    Interim,
    Early,
    Large,
    Reset,
    Drain,
}

impl Cell {
    pub(super) const ALL: [Self; 10] = [
        Self::Get,
        Self::Post,
        Self::Trailers,
        Self::SentTrailers,
        Self::Head,
        Self::Interim,
        Self::Early,
        Self::Large,
        Self::Reset,
        Self::Drain,
    ];

    /// What the programs in `xtask/peers` call it, and `na.toml` too.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Trailers => "trailers",
            Self::SentTrailers => "sent-trailers",
            Self::Head => "head",
            Self::Interim => "1xx",
            Self::Early => "early",
            Self::Large => "large",
            Self::Reset => "reset",
            Self::Drain => "drain",
        }
    }

    /// What it means, for the table's reader.
    pub(super) fn meaning(self) -> &'static str {
        match self {
            Self::Get => "1 KiB arrives",
            Self::Post => "10 MiB go there and come back the same",
            Self::Trailers => "a response's trailer section arrives",
            Self::SentTrailers => "a request's trailer section arrives and comes back",
            Self::Head => "the content-length of a GET, and no content",
            Self::Interim => "103 (Early Hints) ahead of the response",
            Self::Early => {
                "the response comes though the request's content has not ended, and the next request is served"
            }
            Self::Large => "a field of 12 KiB in the request and in the response",
            Self::Reset => "a response given up in mid-content leaves the connection of use",
            Self::Drain => {
                "a connection that is told to leave under a transfer loses nothing, and what follows is served"
            }
        }
    }
}

/// With a cell that should pass: the programs themselves give up after 30 s.
pub(super) const PATIENCE: Duration = Duration::from_secs(40);
/// With a cell that is listed as not applicable, and is only tried in case it has begun to work; Java takes seconds to start.
pub(super) const BRIEFLY: Duration = Duration::from_secs(8);
