//! What the peer lets us send (RFC 9113 §6.9): one window for the connection, one for each stream.
//! Not for: deciding which stream sends next; that is the scheduler's, one crate up.
//!
//! A SETTINGS frame that changes INITIAL_WINDOW_SIZE moves every stream's window by the difference (RFC 9113 §6.9.2). A
//! peer may send many of them, so walking all streams each time would be an attack. The idea:
//!
//! ```text
//!   window of stream s  =  initial  +  delta(s)      delta = updates received - octets sent
//! ```
//!
//! 1. A stream stores only its delta; the change is one assignment to `initial`, whatever the number of streams.
//! 2. The change must fail when it lifts any window above 2^31-1. [`InitialWindow`] keeps an upper bound of all deltas:
//!    as long as `to + bound` fits, every stream fits.
//! 3. The bound goes stale when the stream that set it sends or closes. Only when the bound says no are the live deltas
//!    walked; then the bound is exact. The next walk fails, which ends the connection, unless the highest delta has
//!    fallen meanwhile. So every walk that succeeds was paid for: by octets sent, or by a stream opened and closed.

use crate::window::{DEFAULT_WINDOW, MAX_WINDOW, Overflow, check_increment, usable};

/// What we may send on one stream, relative to the peer's INITIAL_WINDOW_SIZE (RFC 9113 §6.9.2).
///
/// The delta fits 31 bits and a sign: [`grow`](Self::grow) keeps it at most 2^31-1 - initial, and whoever sends at most
/// what is [`usable`](Self::usable) keeps it at least -initial.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SendWindow {
    delta: i32,
}

impl SendWindow {
    /// The window of a new stream: exactly the initial one.
    pub const fn new() -> Self {
        Self { delta: 0 }
    }

    /// The window in octets when the peer's INITIAL_WINDOW_SIZE is `initial`; negative after the peer lowered that
    /// below what was already sent (RFC 9113 §6.9.2).
    pub fn available(self, initial: u32) -> i64 {
        i64::from(initial) + self.delta()
    }

    /// The octets that may be sent now: [`available`](Self::available), or 0 when that is negative.
    pub fn usable(self, initial: u32) -> u32 {
        usable(self.available(initial))
    }

    /// `octets` of DATA, padding included, were framed. At most what was [`usable`](Self::usable).
    pub fn consume(&mut self, octets: u32) {
        self.delta = self.delta.saturating_sub_unsigned(octets);
    }

    /// A WINDOW_UPDATE of `increment` octets arrived. `Err`, and no change, above 2^31-1 (RFC 9113 §6.9.1).
    ///
    /// Tell [`InitialWindow::note`] the new [`delta`](Self::delta) afterwards.
    pub fn grow(&mut self, initial: u32, increment: u32) -> Result<(), Overflow> {
        check_increment(self.available(initial), increment)?;
        self.delta = self.delta.saturating_add_unsigned(increment);
        Ok(())
    }

    /// The window's distance in octets from the initial one.
    pub fn delta(self) -> i64 {
        i64::from(self.delta)
    }
}

/// What a change of INITIAL_WINDOW_SIZE meant for the streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Every stream's window is larger: streams that waited for octets may go on.
    Grew,
    /// No window is larger.
    DidNotGrow,
}

/// The peer's INITIAL_WINDOW_SIZE and an upper bound of every stream's [`SendWindow::delta`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitialWindow {
    initial: u32,
    /// At least 0, as the next stream to open starts there.
    highest_delta: i64,
}

impl InitialWindow {
    /// 65,535 octets, before the peer's first SETTINGS (RFC 9113 §6.9.2).
    pub const fn new() -> Self {
        Self { initial: DEFAULT_WINDOW, highest_delta: 0 }
    }

    /// The initial window in octets, as [`SendWindow`]'s methods want it.
    pub fn get(self) -> u32 {
        self.initial
    }

    /// A stream's delta has grown to `delta`: call it after every successful [`SendWindow::grow`].
    pub fn note(&mut self, delta: i64) {
        self.highest_delta = self.highest_delta.max(delta);
    }

    /// The peer's SETTINGS says `to` octets; every stream's window moves with it.
    ///
    /// `deltas` are the [`SendWindow::delta`]s of all live streams. They are walked only when the upper bound says that
    /// a window might overflow, so pass a lazy iterator. `Err`, and no change, when a window would pass 2^31-1
    /// (RFC 9113 §6.9.2: a connection error).
    pub fn change(&mut self, to: u32, deltas: impl IntoIterator<Item = i64>) -> Result<Change, Overflow> {
        if !self.fits(to) {
            self.highest_delta = deltas.into_iter().fold(0, i64::max);
            if !self.fits(to) {
                return Err(Overflow);
            }
        }
        let change = if to > self.initial { Change::Grew } else { Change::DidNotGrow };
        self.initial = to;
        Ok(change)
    }

    /// RFC 9113 §6.9.2: neither the setting nor any window it moves may pass 2^31-1.
    fn fits(self, to: u32) -> bool {
        check_increment(self.highest_delta, to).is_ok()
    }
}

impl Default for InitialWindow {
    fn default() -> Self {
        Self::new()
    }
}

/// What we may send on the whole connection. SETTINGS never touches it, so it is never negative (RFC 9113 §6.9.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionSendWindow {
    octets: u32,
}

impl ConnectionSendWindow {
    /// 65,535 octets, whatever the settings say (RFC 9113 §6.9.2).
    pub const fn new() -> Self {
        Self { octets: DEFAULT_WINDOW }
    }

    /// The octets that may be sent now, on all streams together.
    pub fn available(self) -> u32 {
        self.octets
    }

    /// `octets` of DATA, padding included, were framed. At most what was [`available`](Self::available).
    pub fn consume(&mut self, octets: u32) {
        debug_assert!(octets <= self.octets, "sent {octets} octets with {} left", self.octets);
        self.octets = self.octets.saturating_sub(octets);
    }

    /// A WINDOW_UPDATE of `increment` octets arrived. `Err`, and no change, above 2^31-1 (RFC 9113 §6.9.1).
    pub fn grow(&mut self, increment: u32) -> Result<(), Overflow> {
        check_increment(i64::from(self.octets), increment)?;
        self.octets = self.octets.saturating_add(increment).min(MAX_WINDOW);
        Ok(())
    }
}

impl Default for ConnectionSendWindow {
    fn default() -> Self {
        Self::new()
    }
}
