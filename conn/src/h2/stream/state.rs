//! The stream states of RFC 9113 §5.1 as one exhaustive match: state and input give the next state or a broken rule.
//!
//! Not here: frames on streams that have no state any more (closed, skipped, idle): `table` remembers how they ended.
//! A test prints the whole table to `conn/tests/stream-states.txt`, which is reviewed like code.

use self::Closed::{Ended, LocalReset, PeerReset};
use self::Input::{
    RecvData, RecvEnd, RecvHeaders, RecvPromise, RecvReset, RecvWindowUpdate, SendData, SendEnd, SendHeaders,
    SendPromise, SendReset,
};
use self::State::{HalfClosedLocal, HalfClosedRemote, Idle, Open, ReservedLocal, ReservedRemote};
use crate::h2::violation::Violation;

/// A stream's state, from this side's point of view. `idle` is the absence of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Not yet used.
    Idle,
    /// We promised it and have not begun to answer.
    ReservedLocal,
    /// The peer promised it and has not begun to answer.
    ReservedRemote,
    /// Both sides may send.
    Open,
    /// We have sent END_STREAM.
    HalfClosedLocal,
    /// The peer has sent END_STREAM.
    HalfClosedRemote,
    /// Over; says how.
    Closed(Closed),
}

/// How a stream came to be closed: decides what late frames mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Closed {
    /// Both sides sent END_STREAM.
    Ended,
    /// We sent RST_STREAM: the peer's frames may still be on their way.
    LocalReset,
    /// The peer sent RST_STREAM.
    PeerReset,
}

/// What can happen to a stream. END_STREAM is an input of its own, after the frame that carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Input {
    /// We send HEADERS.
    SendHeaders,
    /// We send DATA.
    SendData,
    /// We send END_STREAM.
    SendEnd,
    /// We send RST_STREAM.
    SendReset,
    /// We promise this stream.
    SendPromise,
    /// HEADERS arrives.
    RecvHeaders,
    /// DATA arrives.
    RecvData,
    /// END_STREAM arrives.
    RecvEnd,
    /// RST_STREAM arrives.
    RecvReset,
    /// WINDOW_UPDATE arrives.
    RecvWindowUpdate,
    /// PUSH_PROMISE arrives that promises this stream.
    RecvPromise,
}

/// Why an input has no next state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The peer broke this rule.
    Peer(Violation),
    /// We may not send this now: a caller's mistake.
    Caller,
    /// The frame is to be processed minimally and forgotten.
    Ignore,
}

impl State {
    /// The state after `input`.
    ///
    /// # Errors
    /// Who is to blame when the input is not allowed in this state.
    pub fn next(self, input: Input) -> Result<Self, Refused> {
        Ok(match (self, input) {
            (Idle, SendHeaders | RecvHeaders) => Open,
            (Idle, SendPromise) => ReservedLocal,
            (Idle, RecvPromise) => ReservedRemote,
            // RFC 9113 §5.1: only HEADERS or PRIORITY may arrive on an idle stream.
            (Idle, RecvData) => return Err(Refused::Peer(Violation::DataOnIdleStream)),
            (Idle, RecvReset) => return Err(Refused::Peer(Violation::ResetOnIdleStream)),
            (Idle, RecvWindowUpdate) => return Err(Refused::Peer(Violation::WindowUpdateOnIdleStream)),

            (ReservedLocal, SendHeaders) => HalfClosedRemote,
            (ReservedRemote, RecvHeaders) => HalfClosedLocal,
            (ReservedLocal, RecvWindowUpdate) => ReservedLocal,
            // RFC 9113 §5.1: a promised stream accepts little more than its HEADERS or its end.
            (ReservedLocal, RecvHeaders | RecvData) | (ReservedRemote, RecvData | RecvWindowUpdate) => {
                return Err(Refused::Peer(Violation::FrameOnReservedStream));
            }

            (Open, SendHeaders | SendData | RecvHeaders | RecvData | RecvWindowUpdate) => Open,
            (Open, SendEnd) => HalfClosedLocal,
            (Open, RecvEnd) => HalfClosedRemote,

            (HalfClosedLocal, RecvHeaders | RecvData | RecvWindowUpdate) => HalfClosedLocal,
            (HalfClosedLocal, RecvEnd) => State::Closed(Ended),

            (HalfClosedRemote, SendHeaders | SendData | RecvWindowUpdate) => HalfClosedRemote,
            (HalfClosedRemote, SendEnd) => State::Closed(Ended),
            // RFC 9113 §5.1: after its END_STREAM the peer may only send WINDOW_UPDATE, PRIORITY and RST_STREAM.
            (HalfClosedRemote, RecvHeaders | RecvData) => {
                return Err(Refused::Peer(Violation::FrameOnHalfClosedStream));
            }

            (ReservedLocal | ReservedRemote | Open | HalfClosedLocal | HalfClosedRemote, SendReset) => {
                State::Closed(LocalReset)
            }
            (ReservedLocal | ReservedRemote | Open | HalfClosedLocal | HalfClosedRemote, RecvReset) => {
                State::Closed(PeerReset)
            }

            // RFC 9113 §5.1: frames sent before the peer saw our RST_STREAM are processed minimally and forgotten.
            (State::Closed(LocalReset), RecvHeaders | RecvData) => return Err(Refused::Ignore),
            // RFC 9113 §6.1: DATA on a stream that is not open for it is a stream error.
            (State::Closed(Ended | PeerReset), RecvData) | (State::Closed(PeerReset), RecvHeaders) => {
                return Err(Refused::Peer(Violation::FrameOnClosedStream));
            }
            // RFC 9113 §5.1: a peer that ended the stream itself and goes on is broken.
            (State::Closed(Ended), RecvHeaders) => return Err(Refused::Peer(Violation::HeadersOnClosedStream)),
            // RFC 9113 §5.1: these may cross the frame that closed the stream.
            (State::Closed(_), RecvReset | RecvWindowUpdate | RecvEnd) => return Err(Refused::Ignore),

            // An identifier is promised once (RFC 9113 §6.6), and END_STREAM never arrives without its frame.
            (_, RecvPromise) => return Err(Refused::Peer(Violation::PromisedStreamNotIdle)),
            (Idle | ReservedLocal | ReservedRemote | HalfClosedRemote, RecvEnd) => return Err(Refused::Ignore),

            (Idle, SendData | SendEnd | SendReset)
            | (ReservedLocal, SendData | SendEnd)
            | (ReservedRemote | HalfClosedLocal, SendHeaders | SendData | SendEnd)
            | (State::Closed(_), SendHeaders | SendData | SendEnd | SendReset)
            | (
                ReservedLocal | ReservedRemote | Open | HalfClosedLocal | HalfClosedRemote | State::Closed(_),
                SendPromise,
            ) => {
                return Err(Refused::Caller);
            }
        })
    }

    /// Whether the stream counts towards a concurrency limit (RFC 9113 §5.1.2).
    #[must_use]
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Open | Self::HalfClosedLocal | Self::HalfClosedRemote)
    }

    /// Whether the peer may still send content.
    #[must_use]
    pub const fn can_receive(self) -> bool {
        matches!(self, Self::Open | Self::HalfClosedLocal)
    }

    /// Whether we may still send content.
    #[must_use]
    pub const fn can_send(self) -> bool {
        matches!(self, Self::Open | Self::HalfClosedRemote)
    }
}
