//! Writing frames on the hot path: plain functions that append to a buffer (RFC 9113 §4.1, §6).
//!
//! For: everything an endpoint sends. They allocate nothing but what the buffer needs to grow. Not for: padding,
//! dependencies and other things an endpoint need not send; [`Frame::encode`](crate::Frame::encode) writes those.
//!
//! A field block is written straight into the buffer, behind nine octets held free for a head that cannot be written
//! before the block's length is known. A block longer than one frame is then cut in place. With a maximum of 4:
//!
//! ```text
//! reserve_head          finish_headers
//! ---------abcdefghij → HHHHHHHHHabcdCCCCCCCCCefghCCCCCCCCCij      H HEADERS head, C CONTINUATION head
//! ```
//!
//! The parts move from the last to the first, each to its final place, so every octet moves at most once.

use crate::{End, ErrorCode, Flags, Head, Kind, Setting, StreamId};

/// What a client sends first on a connection, before its SETTINGS (RFC 9113 §3.4).
pub const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Appends the head of a DATA frame; the `len` octets of content are the caller's to append.
#[inline]
pub fn data_head(out: &mut Vec<u8>, stream: StreamId, len: u32, end: End) {
    Head { length: len, kind: Kind::DATA, flags: end.flags(), stream }.encode(out);
}

/// Appends a SETTINGS frame with these entries, in this order.
#[inline]
pub fn settings(out: &mut Vec<u8>, settings: &[Setting]) {
    connection_head(out, Kind::SETTINGS, Flags::NONE, settings.len() * Setting::LEN);
    for setting in settings {
        setting.encode(out);
    }
}

/// Appends the acknowledgement of the peer's SETTINGS.
#[inline]
pub fn settings_ack(out: &mut Vec<u8>) {
    connection_head(out, Kind::SETTINGS, Flags::ACK, 0);
}

/// Appends a PING.
#[inline]
pub fn ping(out: &mut Vec<u8>, payload: [u8; 8]) {
    connection_head(out, Kind::PING, Flags::NONE, payload.len());
    out.extend_from_slice(&payload);
}

/// Appends the answer to a PING, which has to repeat its payload.
#[inline]
pub fn pong(out: &mut Vec<u8>, payload: [u8; 8]) {
    connection_head(out, Kind::PING, Flags::ACK, payload.len());
    out.extend_from_slice(&payload);
}

/// Appends a GOAWAY. Keep `debug` short: it has to fit into one frame of the peer's.
#[inline]
pub fn goaway(out: &mut Vec<u8>, last: StreamId, code: ErrorCode, debug: &[u8]) {
    connection_head(out, Kind::GOAWAY, Flags::NONE, 8 + debug.len());
    out.extend_from_slice(&last.get().to_be_bytes());
    out.extend_from_slice(&code.get().to_be_bytes());
    out.extend_from_slice(debug);
}

/// Appends a WINDOW_UPDATE; `increment` is 1 to 2³¹ − 1 octets.
#[inline]
pub fn window_update(out: &mut Vec<u8>, stream: StreamId, increment: u32) {
    four_octets(out, Kind::WINDOW_UPDATE, stream, increment);
}

/// Appends an RST_STREAM.
#[inline]
pub fn reset(out: &mut Vec<u8>, stream: StreamId, code: ErrorCode) {
    four_octets(out, Kind::RST_STREAM, stream, code.get());
}

/// Appends a PRIORITY_UPDATE with a Priority field value (RFC 9218 §7.1).
pub fn priority_update(out: &mut Vec<u8>, prioritized: StreamId, value: &[u8]) {
    connection_head(out, Kind::PRIORITY_UPDATE, Flags::NONE, 4 + value.len());
    out.extend_from_slice(&prioritized.get().to_be_bytes());
    out.extend_from_slice(value);
}

/// Appends an ALTSVC with an Alt-Svc field value (RFC 7838 §4). `origin` is at most 65,535 octets; on a stream it is
/// empty.
pub fn altsvc(out: &mut Vec<u8>, stream: StreamId, origin: &[u8], value: &[u8]) {
    let length = crate::octets(2 + origin.len() + value.len());
    Head { length, kind: Kind::ALTSVC, flags: Flags::NONE, stream }.encode(out);
    counted(out, origin);
    out.extend_from_slice(value);
}

/// Appends an ORIGIN on stream 0 (RFC 8336 §2). An origin is at most 65,535 octets.
pub fn origin(out: &mut Vec<u8>, origins: &[&[u8]]) {
    let length = origins.iter().map(|origin| 2 + origin.len()).sum();
    connection_head(out, Kind::ORIGIN, Flags::NONE, length);
    for origin in origins {
        counted(out, origin);
    }
}

/// Holds nine octets free for the head of a HEADERS frame and returns where; the field block is appended next, and
/// [`finish_headers`] writes the head.
#[inline]
pub fn reserve_head(out: &mut Vec<u8>) -> usize {
    let at = out.len();
    out.extend_from_slice(&[0; Head::LEN]);
    at
}

/// Makes the field block behind the nine octets held free at `at` a HEADERS frame, followed by CONTINUATION frames
/// where the block is longer than `max_frame_size`, the peer's SETTINGS_MAX_FRAME_SIZE (RFC 9113 §4.3).
///
/// `at` is what [`reserve_head`] returned, and everything in `out` after it is the block.
#[inline]
pub fn finish_headers(out: &mut Vec<u8>, at: usize, stream: StreamId, end: End, max_frame_size: u32) {
    let head = Head { length: 0, kind: Kind::HEADERS, flags: end.flags(), stream };
    finish(out, at, head, max_frame_size);
}

/// Like [`reserve_head`], for a PUSH_PROMISE of the stream `promised`; [`finish_push_promise`] writes the head.
#[inline]
pub fn reserve_push_promise(out: &mut Vec<u8>, promised: StreamId) -> usize {
    let at = reserve_head(out);
    out.extend_from_slice(&promised.get().to_be_bytes());
    at
}

/// Like [`finish_headers`], for the PUSH_PROMISE that [`reserve_push_promise`] began at `at`; `stream` is the one it
/// is sent on.
#[inline]
pub fn finish_push_promise(out: &mut Vec<u8>, at: usize, stream: StreamId, max_frame_size: u32) {
    let head = Head { length: 0, kind: Kind::PUSH_PROMISE, flags: Flags::NONE, stream };
    finish(out, at, head, max_frame_size);
}

/// Writes `head`, its length still open, for the payload that begins nine octets after `at`.
#[inline]
fn finish(out: &mut Vec<u8>, at: usize, head: Head, max_frame_size: u32) {
    debug_assert!(max_frame_size >= SMALLEST_LIMIT, "a part holds the fixed fields and an octet");
    let length = crate::octets(out.len().saturating_sub(at + Head::LEN));
    if length <= max_frame_size {
        put_head(out, at, Head { length, flags: head.flags.with(Flags::END_HEADERS), ..head });
    } else {
        cut(out, at, head, max_frame_size.max(SMALLEST_LIMIT));
    }
}

/// Cuts a payload longer than `limit` octets into frames, from the last to the first; see the picture above.
#[cold]
fn cut(out: &mut Vec<u8>, at: usize, head: Head, limit: u32) {
    let part_octets = limit as usize;
    let block = at + Head::LEN;
    let block_octets = out.len() - block;
    // All parts but the first; the last is 1 to `limit` octets.
    let continuations = (block_octets - 1) / part_octets;
    out.resize(out.len() + continuations * Head::LEN, 0);
    for part in (1..=continuations).rev() {
        let from = part * part_octets;
        let to = block_octets.min(from + part_octets);
        // The heads of this part and of those before it are what it moves by.
        let place = block + from + part * Head::LEN;
        out.copy_within(block + from..block + to, place);
        let flags = if part == continuations { Flags::END_HEADERS } else { Flags::NONE };
        let length = crate::octets(to - from);
        put_head(out, place - Head::LEN, Head { length, kind: Kind::CONTINUATION, flags, stream: head.stream });
    }
    put_head(out, at, Head { length: limit, ..head });
}

/// Writes a head over the nine octets at `at`.
#[inline]
fn put_head(out: &mut [u8], at: usize, head: Head) {
    let place = out.get_mut(at..).and_then(<[u8]>::first_chunk_mut);
    debug_assert!(place.is_some(), "nine octets are held free at {at}");
    if let Some(place) = place {
        *place = head.octets();
    }
}

/// Appends the head of a frame on stream 0.
#[inline]
fn connection_head(out: &mut Vec<u8>, kind: Kind, flags: Flags, length: usize) {
    Head { length: crate::octets(length), kind, flags, stream: StreamId::CONNECTION }.encode(out);
}

/// Appends a whole frame whose payload is one number; in one piece, for these are the frames sent most after DATA.
#[inline]
fn four_octets(out: &mut Vec<u8>, kind: Kind, stream: StreamId, value: u32) {
    let [h1, h2, h3, h4, h5, h6, h7, h8, h9] = Head { length: 4, kind, flags: Flags::NONE, stream }.octets();
    let [v1, v2, v3, v4] = value.to_be_bytes();
    out.extend_from_slice(&[h1, h2, h3, h4, h5, h6, h7, h8, h9, v1, v2, v3, v4]);
}

/// Appends octets behind two octets of their count.
fn counted(out: &mut Vec<u8>, octets: &[u8]) {
    debug_assert!(octets.len() <= usize::from(u16::MAX), "an origin's length has 16 bits");
    let [.., c1, c2] = octets.len().to_be_bytes();
    out.extend_from_slice(&[c1, c2]);
    out.extend_from_slice(octets);
}

/// The first frame of a block has to hold a PUSH_PROMISE's promised stream and an octet of the block: the least that
/// cutting works with. A peer's limit is 16,384 or more; a smaller one is of use in tests alone.
const SMALLEST_LIMIT: u32 = 5;
