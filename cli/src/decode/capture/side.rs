//! One side of a TCP connection put together: octets in their order, once each, and what is missing (RFC 9293 §3.4).
//!
//! The idea: a segment that continues what there is passes at once, with whatever it makes whole; one from further on
//! waits. A gap is given up when the receiver acknowledges what is behind it, for then it has what the capture has not;
//! or when too much waits.
//!
//! Not for: what the octets mean.

use std::collections::BTreeMap;

/// What comes next of a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// These octets.
    Octets(&'a [u8]),
    /// So many octets that the capture has not.
    Missing(u64),
}

/// What one side has sent.
#[derive(Default)]
pub(super) struct Side<'a> {
    /// The sequence number of the next octet, once one is known, and how many octets are before it.
    next: Option<u32>,
    at: u64,
    /// Octets from further on, by how many are before them.
    waiting: BTreeMap<u64, &'a [u8]>,
    waiting_octets: usize,
    /// How far the other side has received.
    acknowledged: u64,
    fin: bool,
    pub(super) counts: Counts,
}

/// What became of the segments of a side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Segments that came before others which they follow.
    pub(super) out_of_order: u64,
    /// Segments whose octets had come already, all or some.
    pub(super) again: u64,
    pub(super) missing_octets: u64,
}

impl<'a> Side<'a> {
    /// Octets with the number of the first; a SYN counts for one of its own.
    pub(super) fn take(&mut self, sequence: u32, content: &'a [u8], give: &mut impl FnMut(Piece<'a>)) {
        let next = *self.next.get_or_insert(sequence);
        // Numbers wrap: what is less than half of all of them ahead is ahead.
        let ahead = sequence.wrapping_sub(next).cast_signed();
        if content.is_empty() {
            return;
        }
        if ahead > 0 {
            self.counts.out_of_order += 1;
            self.keep(self.at + u64::from(ahead.unsigned_abs()), content);
            if self.waiting_octets > MOST_OCTETS || self.waiting.len() > MOST_SEGMENTS {
                self.give_up(give);
            }
            return;
        }
        self.counts.again += u64::from(ahead < 0);
        let had = usize::try_from(ahead.unsigned_abs()).unwrap_or(usize::MAX);
        if let Some(fresh) = content.get(had..).filter(|fresh| !fresh.is_empty()) {
            self.pass(fresh, give);
            self.pass_waiting(give);
        }
    }

    /// The other side has received everything before this number.
    pub(super) fn acknowledge(&mut self, sequence: u32, give: &mut impl FnMut(Piece<'a>)) {
        let Some(next) = self.next else { return };
        let ahead = sequence.wrapping_sub(next).cast_signed();
        if ahead > 0 {
            self.acknowledged = self.acknowledged.max(self.at + u64::from(ahead.unsigned_abs()));
        }
        while self.waiting.first_key_value().is_some_and(|(place, _)| *place < self.acknowledged) {
            self.give_up(give);
        }
    }

    /// The side has ended its stream.
    pub(super) fn finish(&mut self) {
        self.fin = true;
    }

    /// No more segments come.
    pub(super) fn end(&mut self, give: &mut impl FnMut(Piece<'a>)) {
        while !self.waiting.is_empty() {
            self.give_up(give);
        }
        // RFC 9293 §3.4: FIN has a number too.
        let received = self.acknowledged.saturating_sub(u64::from(self.fin));
        if received > self.at {
            self.miss(received - self.at, give);
        }
    }

    fn keep(&mut self, place: u64, content: &'a [u8]) {
        let before = self.waiting.get(&place).map_or(0, |octets| octets.len());
        if content.len() > before {
            self.waiting.insert(place, content);
            self.waiting_octets += content.len() - before;
        }
    }

    /// Goes on behind the first gap.
    fn give_up(&mut self, give: &mut impl FnMut(Piece<'a>)) {
        if let Some(place) = self.waiting.first_key_value().map(|(place, _)| *place) {
            self.miss(place.saturating_sub(self.at), give);
        }
        self.pass_waiting(give);
    }

    fn pass_waiting(&mut self, give: &mut impl FnMut(Piece<'a>)) {
        while let Some(first) = self.waiting.first_entry().filter(|first| *first.key() <= self.at) {
            let (place, octets) = first.remove_entry();
            self.waiting_octets -= octets.len();
            let had = usize::try_from(self.at - place).unwrap_or(usize::MAX);
            if let Some(fresh) = octets.get(had..).filter(|fresh| !fresh.is_empty()) {
                self.pass(fresh, give);
            }
        }
    }

    fn pass(&mut self, octets: &'a [u8], give: &mut impl FnMut(Piece<'a>)) {
        self.step(octets.len() as u64);
        give(Piece::Octets(octets));
    }

    fn miss(&mut self, octets: u64, give: &mut impl FnMut(Piece<'a>)) {
        self.step(octets);
        self.counts.missing_octets += octets;
        give(Piece::Missing(octets));
    }

    fn step(&mut self, octets: u64) {
        self.at += octets;
        // What is ahead is less than 2^31 octets ahead, and numbers wrap.
        #[allow(clippy::cast_possible_truncation, reason = "sequence numbers count modulo 2^32")]
        let octets = octets as u32;
        self.next = self.next.map(|next| next.wrapping_add(octets));
    }
}

/// Octets and segments that wait behind a gap: stops the memory that a capture without one segment would take. More than the
/// windows that TCP stacks open on their own.
const MOST_OCTETS: usize = 16 << 20;
const MOST_SEGMENTS: usize = 16_384;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What comes of segments, as one text with a digit for missing octets.
    fn put_together(first: u32, segments: &[(u32, &'static str)], acknowledged: &[u32]) -> (String, Counts) {
        let (mut side, mut text) = (Side::default(), String::new());
        let mut give = |piece: Piece<'_>| match piece {
            Piece::Octets(octets) => text += &String::from_utf8_lossy(octets),
            Piece::Missing(octets) => text += &format!("<{octets}>"),
        };
        side.take(first, b"", &mut give);
        for (sequence, content) in segments {
            side.take(first.wrapping_add(*sequence), content.as_bytes(), &mut give);
        }
        for sequence in acknowledged {
            side.acknowledge(first.wrapping_add(*sequence), &mut give);
        }
        side.end(&mut give);
        (text, side.counts)
    }

    #[test]
    fn segments_come_in_every_order() {
        type Case = (&'static [(u32, &'static str)], &'static [u32], &'static str);
        let cases: [Case; 9] = [
            (&[(0, "ab"), (2, "cd")], &[], "abcd"),
            (&[(2, "cd"), (0, "ab"), (4, "e")], &[], "abcde"),
            (&[(0, "ab"), (0, "ab"), (2, "c")], &[], "abc"),
            (&[(0, "ab"), (1, "bcd"), (0, "abcde")], &[], "abcde"),
            (&[(2, "c"), (2, "cde"), (3, "d"), (0, "abc")], &[], "abcde"),
            (&[(0, "ab"), (5, "f")], &[], "ab<3>f"),
            (&[(0, "ab"), (5, "f"), (9, "j")], &[10], "ab<3>f<3>j"),
            (&[(0, "ab")], &[6], "ab<4>"),
            (&[(4, "e"), (6, "g")], &[], "<4>e<1>g"),
        ];
        for first in [0, 1_000, u32::MAX - 3, 0x7fff_fffe] {
            for (segments, acknowledged, expected) in cases {
                assert_eq!(put_together(first, segments, acknowledged).0, expected, "{first} {segments:?}");
            }
        }
    }

    #[test]
    fn what_became_of_them_is_counted() {
        let (_, counts) = put_together(7, &[(2, "c"), (0, "ab"), (1, "bc"), (9, "j")], &[]);
        assert_eq!(counts, Counts { out_of_order: 2, again: 1, missing_octets: 6 });
    }

    #[test]
    fn what_waits_behind_a_gap_is_bounded() {
        let (mut side, mut missing) = (Side::default(), 0);
        let mut give = |piece: Piece<'static>| missing += u64::from(matches!(piece, Piece::Missing(_)));
        side.take(0, b"a", &mut give);
        for number in 0..100_000 {
            side.take(10 + 2 * number, b"x", &mut give);
            assert!(side.waiting.len() <= MOST_SEGMENTS);
        }
        assert!(missing > 0);
    }

    proptest! {
        /// Cut into segments that overlap, in any order, some of them lost: every octet that comes is the right one in its
        /// place, and together with what is missing they are all there is.
        #[test]
        fn every_octet_is_in_its_place(
            first: u32,
            segments in proptest::collection::vec((0_usize..500, 1_usize..80), 1..40),
        ) {
            let stream: Vec<u8> = (0..600_u32).map(|n| (n * 7 + n / 256).to_le_bytes()[0]).collect();
            let mut side = Side::default();
            let mut got = Vec::new();
            let mut give = |piece: Piece<'_>| match piece {
                Piece::Octets(octets) => got.extend(octets.iter().map(|octet| Some(*octet))),
                Piece::Missing(octets) => got.extend((0..octets).map(|_| None)),
            };
            side.take(first, b"", &mut give);
            for (start, length) in &segments {
                let content = stream.get(*start..start + length).expect("inside");
                side.take(first.wrapping_add(u32::try_from(*start).expect("small")), content, &mut give);
            }
            side.end(&mut give);
            let end = segments.iter().map(|(start, length)| start + length).max().unwrap_or(0);
            prop_assert_eq!(got.len(), end);
            for (place, octet) in got.iter().enumerate() {
                let was_sent = segments.iter().any(|(start, length)| (*start..start + length).contains(&place));
                prop_assert_eq!(octet.is_some(), was_sent);
                prop_assert!(octet.is_none_or(|octet| Some(&octet) == stream.get(place)));
            }
        }
    }
}
