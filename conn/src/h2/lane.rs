//! The one queue of control frames and field blocks, encoded and in wire order.
//!
//! Wire order matters: HPACK's state is ordered, an acknowledgment of SETTINGS must not overtake a block encoded before it,
//! nor a RST_STREAM its HEADERS. DATA is not here; the scheduler frames it behind the lane.

use pellucid_frame::{End, ErrorCode, Setting, StreamId, encode};
use pellucid_hpack::{Encoder, Fields};

/// Octets waiting, the encoder whose state they carry, and how many of them the peer provoked.
pub(crate) struct Lane {
    octets: Vec<u8>,
    pub(crate) encoder: Encoder,
    /// Octets of replies the peer provoked (PING and SETTINGS acknowledgments, RST_STREAM, 431), since the lane was last
    /// taken. WINDOW_UPDATEs are made at output time and never count.
    provoked: usize,
}

impl Lane {
    pub(crate) fn new(encoder_table_size: u32) -> Self {
        let mut encoder = Encoder::new(encoder_table_size);
        // RFC 7541 §4.2: both sides start at 4096; our own cap may be lower.
        encoder.set_max_table_size(4096);
        Self { octets: Vec::new(), encoder, provoked: 0 }
    }

    pub(crate) fn provoked(&self) -> usize {
        self.provoked
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.octets.is_empty()
    }

    /// Octets waiting, whoever caused them.
    pub(crate) fn len(&self) -> usize {
        self.octets.len()
    }

    pub(crate) fn preface(&mut self) {
        self.octets.extend_from_slice(encode::PREFACE);
    }

    pub(crate) fn settings(&mut self, list: &[Setting]) {
        encode::settings(&mut self.octets, list);
    }

    pub(crate) fn settings_ack(&mut self) {
        self.provoked += 9;
        encode::settings_ack(&mut self.octets);
    }

    pub(crate) fn ping(&mut self, payload: [u8; 8]) {
        encode::ping(&mut self.octets, payload);
    }

    /// RFC 9113 §6.7: ahead of all content, which is framed behind the lane. Not ahead of what is in the lane: the answer to the PING
    /// that follows a GOAWAY says that no request is on its way any more.
    pub(crate) fn pong(&mut self, payload: [u8; 8]) {
        self.provoked += 17;
        encode::pong(&mut self.octets, payload);
    }

    pub(crate) fn goaway(&mut self, last: StreamId, code: ErrorCode, debug: &str) {
        encode::goaway(&mut self.octets, last, code, debug.as_bytes());
    }

    pub(crate) fn window_update(&mut self, stream: StreamId, increment: u32) {
        encode::window_update(&mut self.octets, stream, increment);
    }

    /// A reset the application asked for.
    pub(crate) fn reset(&mut self, stream: StreamId, code: ErrorCode) {
        encode::reset(&mut self.octets, stream, code);
    }

    /// A reset the peer provoked.
    pub(crate) fn reset_provoked(&mut self, stream: StreamId, code: ErrorCode) {
        self.provoked += 13;
        self.reset(stream, code);
    }

    /// An answer the connection gives itself, because the peer provoked it.
    pub(crate) fn headers_provoked(&mut self, stream: StreamId, fields: &Fields, end: End, max: u32) {
        let before = self.octets.len();
        self.headers(stream, fields, end, max);
        self.provoked += self.octets.len() - before;
    }

    pub(crate) fn headers(&mut self, stream: StreamId, fields: &Fields, end: End, max_frame_size: u32) {
        write_headers(&mut self.octets, &mut self.encoder, (stream, end), fields, max_frame_size);
    }

    pub(crate) fn push_promise(&mut self, on: StreamId, promised: StreamId, fields: &Fields, max_frame_size: u32) {
        let at = encode::reserve_push_promise(&mut self.octets, promised);
        self.encoder.encode(fields, &mut self.octets);
        encode::finish_push_promise(&mut self.octets, at, on, max_frame_size);
    }

    pub(crate) fn priority_update(&mut self, stream: StreamId, value: &[u8]) {
        encode::priority_update(&mut self.octets, stream, value);
    }

    pub(crate) fn alt_svc(&mut self, stream: StreamId, origin: &[u8], value: &[u8]) {
        encode::altsvc(&mut self.octets, stream, origin, value);
    }

    pub(crate) fn origin(&mut self, origins: &[&[u8]]) {
        encode::origin(&mut self.octets, origins);
    }

    /// Hands everything over. Copied, not swapped: it is small, and the large buffer stays with the output.
    pub(crate) fn take(&mut self, into: &mut Vec<u8>) {
        self.provoked = 0;
        into.extend_from_slice(&self.octets);
        self.octets.clear();
    }

    /// Gives memory back; for connections that go idle.
    pub(crate) fn shrink(&mut self) {
        if self.octets.is_empty() && self.octets.capacity() > 4096 {
            self.octets = Vec::new();
        }
    }
}

/// Encodes a field section right here, in wire order: HEADERS and, beyond the peer's frame size, CONTINUATION.
pub(crate) fn write_headers(
    out: &mut Vec<u8>,
    encoder: &mut Encoder,
    (stream, end): (StreamId, End),
    fields: &Fields,
    max_frame_size: u32,
) {
    let at = encode::reserve_head(out);
    encoder.encode(fields, out);
    encode::finish_headers(out, at, stream, end, max_frame_size);
}
