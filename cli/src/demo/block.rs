//! What a field block holds, and how each field went (RFC 7541 §6).
//!
//! Not for: decoding; the tap has done that.

use pellucid_conn::tap::{Block, Coded, Step};
use pellucid_hpack::{Coding, Indexing};

/// How a field went over the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// As the number of an entry that everybody knows.
    WellKnown,
    /// As the number of an entry that an earlier field made.
    Remembered,
    /// Spelled out, and now an entry.
    Kept,
    /// Spelled out.
    Spelled,
}

pub(super) fn way(step: &Step) -> Way {
    match &step.coded {
        Coded::Field { representation, .. } | Coded::Unknown { representation, .. } => match representation.coding {
            Coding::Indexed { index } if index <= WELL_KNOWN => Way::WellKnown,
            Coding::Indexed { .. } => Way::Remembered,
            Coding::Literal { indexing: Indexing::Incremental, .. } => Way::Kept,
            Coding::Literal { .. } => Way::Spelled,
        },
        Coded::SizeUpdate(_) => Way::Spelled,
    }
}

/// The first value of a field.
pub(super) fn value<'a>(block: &'a Block, wanted: &[u8]) -> Option<&'a [u8]> {
    fields(block).find(|(name, _)| *name == wanted).map(|(_, value)| value)
}

/// Names and values.
pub(super) fn fields(block: &Block) -> impl Iterator<Item = (&[u8], &[u8])> {
    block.steps.iter().filter_map(|step| match &step.coded {
        Coded::Field { name, value, .. } => Some((&**name, &**value)),
        Coded::Unknown { .. } | Coded::SizeUpdate(_) => None,
    })
}

/// RFC 7541 appendix A: the static table's last index.
const WELL_KNOWN: u32 = 61;
