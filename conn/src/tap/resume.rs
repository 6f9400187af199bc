//! Where reading resumes after octets that nobody has seen: a frame must be found without knowing where one begins.
//!
//! The idea: nine octets are a weak sign of a frame, but they say where the next one must begin. A place counts as a
//! beginning when three heads in a row stand where they say. Noise passes for one head about once in a million places, for
//! three hardly ever. Fewer are enough where the very first octets fit, or when the last frame ends with the octets.
//!
//! Not for: a connection seen from its first octet on; there nothing is guessed.

use pellucid_frame::{Flags, Head, Kind, StreamId};

use super::half::{Expect, Half};
use super::record::{Record, What};
use super::{Tap, Watched};
use crate::h2::Role;

impl Tap {
    /// Says that octets of `from` are missing here: so many, or `None` where nobody knows, as before a capture began. What
    /// comes next may begin anywhere: it is skipped up to the first frame. From now on neither windows nor limits are
    /// known, and fields that refer to a table entry from before are told as [`Coded::Unknown`](super::Coded::Unknown).
    pub fn miss(&mut self, from: Role, octets: Option<u64>, sink: &mut impl FnMut(Record)) {
        self.watched = Watched::Parts;
        let (half, other) = self.halves(from);
        other.loosen();
        half.loosen();
        if let Expect::Nothing { skipped } = &mut half.expect {
            // Nothing is parsed after a connection error.
            *skipped += octets.unwrap_or(0);
            half.at += octets.unwrap_or(0);
            return;
        }
        let waiting = half.waiting.len() as u64;
        self.end(from, sink);
        let half = self.half(from);
        half.at += waiting;
        half.tell(What::Missing { octets }, sink);
        half.at += octets.unwrap_or(0);
        half.blocks.forget();
        half.expect = Expect::Resume { skipped: 0, looked_at: 0 };
    }

    /// Looks for a frame in the octets after those that are missing.
    pub(super) fn resume(&mut self, from: Role, octets: &[u8], sink: &mut impl FnMut(Record)) -> Option<usize> {
        let half = self.half(from);
        let Expect::Resume { skipped, looked_at } = &mut half.expect else { return Some(0) };
        let passed = passed(octets, looked_at);
        if passed > 0 {
            (*skipped, *looked_at) = (*skipped + passed as u64, 0);
            return Some(passed);
        }
        // Many senders write whole frames, so the first octets seen are believed sooner than a place among them.
        match chain(octets, 0) {
            Chain::Holds => {}
            Chain::Ends if *skipped == 0 => {}
            _ => return None,
        }
        half.found(sink);
        Some(0)
    }

    /// No more octets come: frames that end where they do are as good as found.
    pub(super) fn resume_at_end(&mut self, from: Role, sink: &mut impl FnMut(Record)) {
        let half = self.half(from);
        let Expect::Resume { skipped, .. } = &mut half.expect else { return };
        let octets = &half.waiting;
        let is_found = |place: &usize| matches!(chain(octets, *place), Chain::Ends | Chain::Holds);
        let Some(place) = (0..octets.len()).find(is_found) else { return };
        *skipped += place as u64;
        half.at += place as u64;
        half.waiting.drain(..place);
        half.found(sink);
        self.feed(from, &[], sink);
    }
}

impl Half {
    /// A frame begins here.
    fn found(&mut self, sink: &mut impl FnMut(Record)) {
        let Expect::Resume { skipped, .. } = self.expect else { return };
        if skipped > 0 {
            let at = self.at.saturating_sub(skipped);
            sink(Record { from: self.role, at, what: What::Skipped { octets: skipped } });
        }
        self.expect = Expect::Frame;
    }
}

/// How many octets are certainly before the first frame. What may yet turn out to be frames yields to what has; but that is
/// looked for only when there is an eighth more than last time, so that octets which come one by one cost no more.
fn passed(octets: &[u8], looked_at: &mut usize) -> usize {
    let broken = (0..octets.len()).take_while(|place| chain(octets, *place) == Chain::Broken).count();
    if octets.len() < *looked_at + *looked_at / 8 {
        return broken;
    }
    *looked_at = octets.len();
    (broken..octets.len()).find(|place| chain(octets, *place) == Chain::Holds).unwrap_or(broken)
}

/// What became of following heads from a place on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chain {
    /// Where a head should be, there is none.
    Broken,
    /// The octets end before enough was seen.
    Open,
    /// The octets end where a frame does, before enough was seen.
    Ends,
    /// Frames begin here.
    Holds,
}

fn chain(octets: &[u8], place: usize) -> Chain {
    let mut rest = octets.get(place..).unwrap_or_default();
    for links in 0..ENOUGH {
        let Some(head) = Head::peek(rest) else {
            return if links > 0 && rest.is_empty() { Chain::Ends } else { Chain::Open };
        };
        // RFC 9113 §6.10: CONTINUATION goes on with something that has not been seen.
        let is_orphan = links == 0 && head.kind == Kind::CONTINUATION;
        let reserved = rest.get(5).is_some_and(|octet| octet & 0x80 != 0);
        if reserved || is_orphan || !is_likely(head) {
            return Chain::Broken;
        }
        match rest.get(Head::LEN + head.length as usize..) {
            Some(after) => rest = after,
            None => return Chain::Open,
        }
    }
    Chain::Holds
}

/// Whether a usual sender writes such a head: flags that are defined, a length that the type allows, a stream where the type
/// has one (RFC 9113 §6).
fn is_likely(head: Head) -> bool {
    let is_connection = head.stream == StreamId::CONNECTION;
    let (flags, lengths, streams) = match head.kind {
        // Nobody has a reason for empty DATA that ends nothing, and runs of zeros would pass for it.
        Kind::DATA if head.length == 0 => (0x01, 0..=0, !is_connection && head.flags.contains(Flags::END_STREAM)),
        Kind::DATA => (0x09, 1..=USUAL_FRAME, !is_connection),
        Kind::HEADERS => (0x2d, 1..=USUAL_FRAME, !is_connection),
        Kind::PRIORITY => (0, 5..=5, !is_connection),
        Kind::RST_STREAM => (0, 4..=4, !is_connection),
        Kind::SETTINGS => (1, 0..=MANY_SETTINGS, is_connection && head.length.is_multiple_of(6)),
        Kind::PUSH_PROMISE => (0x0c, 5..=USUAL_FRAME, !is_connection),
        Kind::PING => (1, 8..=8, is_connection),
        Kind::GOAWAY => (0, 8..=USUAL_FRAME, is_connection),
        Kind::WINDOW_UPDATE => (0, 4..=4, true),
        Kind::CONTINUATION => (0x04, 0..=USUAL_FRAME, !is_connection),
        Kind::ALTSVC | Kind::PRIORITY_UPDATE => (0, 4..=USUAL_FRAME, true),
        Kind::ORIGIN => (0, 0..=USUAL_FRAME, is_connection),
        _ => return false,
    };
    head.flags.get() & !flags == 0 && lengths.contains(&head.length) && streams
}

/// Heads in a row that make a beginning.
const ENOUGH: u32 = 3;

/// RFC 9113 §6.5.2: the longest frame without leave for more. Bounds what waits for the heads after the first; a longer
/// frame is skipped, and one behind it is found.
const USUAL_FRAME: u32 = 16_384;

/// Far more settings than anybody sends.
const MANY_SETTINGS: u32 = 64 * 6;
