//! Snapshots of a connection, taken by its own task between two turns.

use pellucid_conn::h2::{Connection, PeerSettings};
use pellucid_conn::{Observer, Stats};

/// What a connection has done and how it stands.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Snapshot {
    /// What happened so far: streams, frames, octets, resets, broken rules, the last round trip.
    pub counters: Stats,
    /// Streams that are open, half-closed or reserved.
    pub live_streams: usize,
    /// Requests that wait for a concurrency slot (client).
    pub waiting: usize,
    /// What the peer may still send on the connection, in octets; below zero never.
    pub receive_window: i64,
    /// Content received and not yet consumed by the application, in octets.
    pub unconsumed: u32,
    /// The sum that the receive ledger keeps constant, in octets: the window, what is unconsumed, and credit not yet announced.
    pub ledger_sum: i64,
    /// What the peer's settings are.
    pub peer_settings: PeerSettings,
    /// One side has sent GOAWAY: no new streams.
    pub is_going_away: bool,
}

impl Snapshot {
    pub(crate) fn of<O: Observer>(conn: &Connection<O>, waiting: usize) -> Self {
        let (receive_window, unconsumed, ledger_sum) = conn.ledger();
        Self {
            counters: conn.stats().clone(),
            live_streams: conn.live_streams(),
            waiting,
            receive_window,
            unconsumed,
            ledger_sum,
            peer_settings: conn.peer_settings(),
            is_going_away: conn.is_going_away(),
        }
    }
}
