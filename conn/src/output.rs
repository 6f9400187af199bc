//! Octets on their way to the wire: one buffer for everything small, large payloads beside it uncopied.
//!
//! ```text
//! buf:       [ HEADERS HEADERS DATA-head | DATA-head | … ]
//! segments:    Owned(0..n)  Shared(bytes)  Owned(n..m)  Shared(bytes)
//! ```
//! The connection fills an empty `Output`; from then on `Output` owns what is unsent and the connection forgets it.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes, BytesMut};

/// Filled by `poll_output`, emptied by the socket through [`Output::chunks`] and [`Output::advance`].
#[derive(Debug, Default)]
pub struct Output {
    pub(crate) buf: Vec<u8>,
    segments: VecDeque<Segment>,
    /// Octets of `buf` already assigned to a segment.
    sealed: usize,
    /// Octets of `buf` before this one are sent.
    sent: usize,
    len: usize,
}

#[derive(Debug)]
enum Segment {
    /// The next octets of `buf`, up to this index.
    Owned(usize),
    Shared(Bytes),
}

/// Payloads below this are copied: a copy of a few kilobytes costs less than one more slice in the system call.
const SHARE_FROM: usize = 4096;

impl Output {
    /// An empty output.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Octets not yet sent.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len + (self.buf.len() - self.sealed)
    }

    /// Whether everything has been sent.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Octets it can hold without taking more memory.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.buf.capacity()
    }

    /// Appends a payload: copied when small, kept by reference when large.
    pub(crate) fn payload(&mut self, data: Bytes) {
        if data.len() < SHARE_FROM {
            self.buf.extend_from_slice(&data);
            return;
        }
        self.seal();
        self.len += data.len();
        self.segments.push_back(Segment::Shared(data));
    }

    fn seal(&mut self) {
        if self.buf.len() > self.sealed {
            self.len += self.buf.len() - self.sealed;
            self.sealed = self.buf.len();
            self.segments.push_back(Segment::Owned(self.sealed));
        }
    }

    /// The unsent octets as slices, in order; how many were filled in. One slice means a plain write will do.
    pub fn chunks<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut from = self.sent;
        let mut n = 0;
        let tail = (self.buf.len() > self.sealed).then_some(&TAIL);
        for (slot, segment) in slices.iter_mut().zip(self.segments.iter().chain(tail)) {
            let octets: &[u8] = match segment {
                Segment::Owned(to) => {
                    let to = (*to).min(self.buf.len());
                    let octets = self.buf.get(from..to).unwrap_or_default();
                    from = to;
                    octets
                }
                Segment::Shared(bytes) => bytes,
            };
            *slot = IoSlice::new(octets);
            n += 1;
        }
        n
    }

    /// Forgets the first `n` unsent octets: they are on the wire. More than there are counts as all.
    pub fn advance(&mut self, n: usize) {
        self.seal();
        let mut n = n.min(self.len);
        self.len -= n;
        while n > 0 {
            match self.segments.front_mut() {
                Some(Segment::Owned(to)) => {
                    let step = n.min(*to - self.sent);
                    self.sent += step;
                    n -= step;
                    if self.sent == *to {
                        self.segments.pop_front();
                    }
                }
                Some(Segment::Shared(bytes)) => {
                    let step = n.min(bytes.len());
                    bytes.advance(step);
                    n -= step;
                    if bytes.is_empty() {
                        self.segments.pop_front();
                    }
                }
                None => break,
            }
        }
        if self.len == 0 {
            self.clear();
        }
    }

    /// Moves everything unsent into `into`: for in-memory wires, tests and tools.
    pub fn drain_to(&mut self, into: &mut BytesMut) {
        let mut slices = [IoSlice::new(&[]); 16];
        loop {
            let n = self.chunks(&mut slices);
            if n == 0 {
                break;
            }
            let mut total = 0;
            for slice in slices.iter().take(n) {
                into.extend_from_slice(slice);
                total += slice.len();
            }
            slices = [IoSlice::new(&[]); 16];
            self.advance(total);
        }
    }

    /// Gives memory above `keep` octets back; only when empty. For connections that go idle.
    pub fn shrink(&mut self, keep: usize) {
        if self.is_empty() && self.buf.capacity() > keep {
            self.buf = Vec::new();
            self.segments = VecDeque::new();
        }
    }

    fn clear(&mut self) {
        self.buf.clear();
        self.segments.clear();
        self.sealed = 0;
        self.sent = 0;
        self.len = 0;
    }
}

/// Stands for what has been appended to `buf` since it was last sealed.
static TAIL: Segment = Segment::Owned(usize::MAX);

#[cfg(test)]
mod tests {
    use super::*;

    fn all(out: &Output) -> Vec<u8> {
        let mut slices = [IoSlice::new(&[]); 8];
        let n = out.chunks(&mut slices);
        slices[..n].iter().flat_map(|s| s.to_vec()).collect()
    }

    #[test]
    fn small_and_large_payloads_leave_in_order_whatever_the_writes() {
        let mut want = Vec::new();
        for step in [1, 7, 4096, 5000, 100_000] {
            let mut out = Output::new();
            want.clear();
            for (i, size) in [10_usize, 5000, 20, 30, 9000, 1].into_iter().enumerate() {
                let data = vec![u8::try_from(i).unwrap(); size];
                out.buf.extend_from_slice(b"head");
                out.payload(Bytes::from(data.clone()));
                want.extend_from_slice(b"head");
                want.extend_from_slice(&data);
            }
            assert_eq!(out.len(), want.len());
            assert_eq!(all(&out), want);
            let mut got = Vec::new();
            while !out.is_empty() {
                let now = all(&out);
                let n = step.min(now.len());
                got.extend_from_slice(&now[..n]);
                out.advance(n);
            }
            assert_eq!(got, want, "step {step}");
            assert_eq!(out.len(), 0);
        }
    }

    #[test]
    fn nothing_to_send_is_no_chunk() {
        let out = Output::new();
        assert_eq!(out.chunks(&mut [IoSlice::new(&[]); 2]), 0);
    }
}
