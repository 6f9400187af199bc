//! DATA (RFC 9113 §6.1): windows first, then the stream, then the message it belongs to.

use bytes::{Buf, Bytes, BytesMut};
use pellucid_frame::{End, Frame, Head, StreamId};

use super::Step;
use crate::event::Event;
use crate::h2::connection::Connection;
use crate::h2::fault::Fault;
use crate::h2::limits::Suspicious;
use crate::h2::ping::Purpose;
use crate::h2::role::Role;
use crate::h2::stream::{Closed, Found, Input, Key, Phase, Reading, Refused, State};
use crate::h2::violation::Violation;
use crate::observer::Observer;
use crate::time::Time;

/// Payloads from this size on stay slices of the read buffer. Smaller ones are copied into a scratch buffer of this size, since a
/// slice keeps all of its buffer alive for as long as the application holds it.
const SHARE_FROM: usize = 8 << 10;

/// Frames below this many octets on streams that have ended are counted as glitches.
const CRUMB: u32 = 256;

/// One DATA frame's measures.
#[derive(Clone, Copy)]
struct Shape {
    id: StreamId,
    /// Octets before and of the content within the payload.
    offset: usize,
    len: usize,
    /// What counts for flow control: the whole payload (RFC 9113 §6.1).
    flow: u32,
    end: End,
}

impl<O: Observer> Connection<O> {
    /// `input` holds the whole frame.
    pub(super) fn on_data_frame(&mut self, head: Head, input: &mut BytesMut, now: Time) -> Result<Step, Fault> {
        let total = Head::LEN + head.length as usize;
        let shape = match input.get(Head::LEN..total).map(|payload| Frame::decode(head, payload)) {
            Some(Ok(Frame::Data(data))) => Shape {
                id: data.stream,
                offset: usize::from(data.padding.is_some()),
                len: data.data.len(),
                flow: data.flow_octets(),
                end: data.end(),
            },
            Some(Err(e)) => return Err(e.into()),
            _ => return Ok(Step::More),
        };
        let verdict = self.admit(shape, now);
        let key = match verdict {
            Ok(Some(key)) => key,
            Ok(None) => {
                input.advance(total);
                return Ok(Step::Again);
            }
            Err(fault) => {
                input.advance(total);
                return Err(fault);
            }
        };
        let padding = shape.flow as usize - shape.len;
        if padding > 0 {
            // Nobody consumes padding: it is credited at once.
            self.release_octets(key, u32::try_from(padding).unwrap_or(0));
        }
        if shape.len == 0 && shape.end == End::More {
            // An empty frame in mid-message tells nobody anything (CVE-2019-9518).
            input.advance(total);
            self.note(Suspicious::EmptyData, now);
            return Ok(Step::Again);
        }
        let data = self.take_content(shape, input);
        self.end_if_last(key, shape.end);
        Ok(Step::Event(Event::Data { id: shape.id, data, end: shape.end }))
    }

    /// Everything that can be wrong with a DATA frame, in the order of its reach. `Ok(None)`: to be discarded in silence.
    fn admit(&mut self, shape: Shape, now: Time) -> Result<Option<Key>, Fault> {
        let Shape { id, flow, .. } = shape;
        let found = self.streams.find(id);
        if found == Found::Idle && !self.ignores(id) {
            // RFC 9113 §5.1: only HEADERS opens a stream.
            return Err(Violation::DataOnIdleStream.into());
        }
        // RFC 9113 §6.9: the connection's window counts every DATA frame, whatever becomes of it.
        self.recv_window.receive(flow).map_err(|_| Violation::ConnectionFlowExceeded)?;
        if let Found::Live(key) = found {
            return match self.admit_live(key, shape, now) {
                Ok(Reading::Yes) => Ok(Some(key)),
                Ok(Reading::Stopped) => {
                    // Discarded, but followed to its end. A server's window is not reopened: the rest is not wanted. A client that
                    // has stopped has something left to say, else it would have cancelled; if neither end reopened its window,
                    // both could wait for ever to finish.
                    match self.role {
                        Role::Server => self.recv_window.release(flow),
                        Role::Client => self.release_octets(key, flow),
                    }
                    self.end_if_last(key, shape.end);
                    self.stop_unread(key);
                    Ok(None)
                }
                Err(violation) => {
                    self.recv_window.release(flow);
                    Err(violation.on(id))
                }
            };
        }
        // Ignored DATA is credited back at once, padding and all: no octet of the window is ever lost. Whole frames of content
        // are what is under way when an honest peer learns of our RST_STREAM; only crumbs are suspicious.
        self.recv_window.release(flow);
        if flow < CRUMB {
            self.note(Suspicious::Glitch(1), now);
        }
        let state = match found {
            Found::Closed(how) => State::Closed(how),
            Found::Skipped => State::Closed(Closed::Ended),
            _ => return Ok(None),
        };
        match state.next(Input::RecvData) {
            Err(Refused::Peer(violation)) => Err(violation.on(id)),
            _ => Ok(None),
        }
    }

    fn admit_live(&mut self, key: Key, shape: Shape, now: Time) -> Result<Reading, Violation> {
        let Some(stream) = self.streams.get_mut(key) else { return Ok(Reading::Stopped) };
        if let Err(Refused::Peer(violation)) = stream.state.next(Input::RecvData) {
            return Err(violation);
        }
        // RFC 9113 §6.9.1: no more than the stream's window.
        stream.recv_window.receive(shape.flow).map_err(|_| Violation::StreamFlowExceeded)?;
        let incoming = &mut stream.incoming;
        if incoming.phase == Phase::Head {
            return Err(Violation::DataBeforeHeaders);
        }
        incoming.received += shape.len as u64;
        incoming.since = now;
        // RFC 9113 §8.1.1: the content must add up to content-length, no more and no less.
        if let Some(expected) = incoming.expected
            && (incoming.received > expected || (shape.end.is_last() && incoming.received != expected))
        {
            return Err(Violation::ContentLengthMismatch);
        }
        let reading = incoming.reading;
        self.stats.data_in += shape.len as u64;
        let probe = self.autotune.as_mut().and_then(|a| a.on_data(shape.flow, now.as_nanos()));
        if probe.is_some() {
            let payload = self.pings.send(Purpose::Probe, now);
            self.lane.ping(payload);
        }
        Ok(reading)
    }

    /// Takes the content out of `input`: a slice when large, else a copy.
    fn take_content(&mut self, shape: Shape, input: &mut BytesMut) -> Bytes {
        let Shape { offset, len, flow, .. } = shape;
        input.advance(Head::LEN + offset);
        let after = (flow as usize).saturating_sub(offset + len);
        let data = if len >= SHARE_FROM {
            input.split_to(len).freeze()
        } else {
            let scratch = &mut self.recv.scratch;
            if scratch.capacity() < len {
                // Takes its old memory back when nobody holds a piece of it any more.
                scratch.reserve(SHARE_FROM);
            }
            scratch.extend_from_slice(input.get(..len).unwrap_or_default());
            input.advance(len);
            scratch.split().freeze()
        };
        input.advance(after);
        data
    }
}
