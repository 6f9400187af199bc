//! What we let the peer send (RFC 9113 §6.9): a ledger in which every octet of credit has a place.
//! Not for: when the application has consumed something, or how large the target should be (`autotune`).
//!
//! ```text
//!               receive                release                take_update
//!    window ───────────────▶ unreleased ───────▶ unannounced ───────────────▶ window
//!    what the peer           octets that the     credit that no WINDOW_UPDATE
//!    may still send          application holds   has told the peer about
//!
//!    window + unreleased + unannounced == target        always, in signed arithmetic
//! ```
//!
//! Because credit only moves, none can leak: a padding octet or an ignored frame that is received but never released
//! shows as a sum that is right and an `unreleased` that does not return to zero. `window` is negative after we lowered
//! INITIAL_WINDOW_SIZE below what the peer had already used; `unannounced` is negative while credit is withheld, after
//! the target was lowered: released octets fill that hole before anything is announced again.

use crate::window::{MAX_WINDOW, Overflow};

/// The window of one stream, or of the connection, as the receiver keeps it.
///
/// `unreleased` fits 32 bits: at most one target and one INITIAL_WINDOW_SIZE are ever granted on top of each other, each
/// below 2^31.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecvWindow {
    window: i64,
    unannounced: i64,
    unreleased: u32,
    target: u32,
}

impl RecvWindow {
    /// A window that the peer assumes to be `initial` octets and that we want to be `target`. The difference is
    /// announced by the first update, or withheld from the first ones. Both are at most 2^31-1.
    pub fn new(initial: u32, target: u32) -> Self {
        let (initial, target) = (initial.min(MAX_WINDOW), target.min(MAX_WINDOW));
        let window = i64::from(initial);
        Self { window, unannounced: i64::from(target) - window, unreleased: 0, target }
    }

    /// `octets` of DATA arrived, padding included. `Err`, and no change, when that is more than the peer's window
    /// (RFC 9113 §6.9.1). A frame of no octets is always within it, even when the window is negative.
    pub fn receive(&mut self, octets: u32) -> Result<(), Overflow> {
        if octets == 0 {
            return Ok(());
        }
        if i64::from(octets) > self.window {
            return Err(Overflow);
        }
        self.window -= i64::from(octets);
        self.unreleased = self.unreleased.saturating_add(octets);
        Ok(())
    }

    /// The application consumed `octets`: their credit may go back to the peer. Never more than
    /// [`unreleased`](Self::unreleased); what is beyond is ignored.
    pub fn release(&mut self, octets: u32) {
        debug_assert!(octets <= self.unreleased, "released {octets} octets of {}", self.unreleased);
        let octets = octets.min(self.unreleased);
        self.unreleased -= octets;
        self.unannounced += i64::from(octets);
    }

    /// The increment that is worth a WINDOW_UPDATE now, in octets (1 to 2^31-1). Once taken it counts as announced.
    pub fn take_update(&mut self) -> Option<u32> {
        if !self.has_update() {
            return None;
        }
        let increment = self.unannounced.min(i64::from(MAX_WINDOW));
        self.window += increment;
        self.unannounced -= increment;
        u32::try_from(increment).ok()
    }

    /// Whether [`take_update`](Self::take_update) would give one.
    ///
    /// Half the target is announced at once: the peer has the other half to go on with, and a target's worth of octets
    /// costs two updates. A quarter is enough when the peer has less than a quarter left, because then the application
    /// sits on the rest and the peer is about to stall. Never less, so a peer that is read one octet at a time is not
    /// answered one octet at a time.
    pub fn has_update(&self) -> bool {
        let target = i64::from(self.target);
        let is_low = self.window * 4 < target;
        let enough = if is_low { target / 4 } else { target / 2 };
        self.unannounced >= enough.max(1)
    }

    /// We want the window to be `target` octets from now on (at most 2^31-1). Growth becomes credit to announce; when it
    /// shrinks, credit is withheld until enough was released.
    pub fn set_target(&mut self, target: u32) {
        let target = target.min(MAX_WINDOW);
        self.unannounced += i64::from(target) - i64::from(self.target);
        self.target = target;
    }

    /// The peer acknowledged our change of INITIAL_WINDOW_SIZE: it has moved this stream's window by the difference
    /// (RFC 9113 §6.9.2). The target stays. Never for the connection's window.
    ///
    /// Until the acknowledgement the old window is the one to enforce. While a growth is on its way the target must be
    /// at most 2^31-1 less that growth, or the two together overflow the peer's window.
    pub fn rebase(&mut self, old_initial: u32, new_initial: u32) {
        let difference = i64::from(new_initial) - i64::from(old_initial);
        self.window += difference;
        self.unannounced -= difference;
    }

    /// What the peer may still send, in octets.
    pub fn window(&self) -> i64 {
        self.window
    }

    /// What was received and not released, in octets.
    pub fn unreleased(&self) -> u32 {
        self.unreleased
    }

    /// The credit in octets that no update has announced; negative while credit is withheld.
    pub fn unannounced(&self) -> i64 {
        self.unannounced
    }

    /// The size in octets that the window has when nothing is under way.
    pub fn target(&self) -> u32 {
        self.target
    }

    /// All credit there is, in octets: equal to [`target`](Self::target) unless this crate is broken.
    pub fn sum(&self) -> i64 {
        self.window + i64::from(self.unreleased) + self.unannounced
    }
}
