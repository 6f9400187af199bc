//! A tap: a passive decoder over the octets that go in and out of one connection. It has frame parsing and HPACK state of
//! its own; the connection it watches knows nothing of it.
//!
//! ```text
//!   client ═══════════╤══════════▶ server
//!          ◀══════════╪═╤═════════
//!                     │ │ feed(from, octets)
//!                     ▼ ▼
//!                     Tap ──────▶ Record: a frame, its fields and how each was coded, what the dynamic table became,
//!                                         the windows left; or the rule that was broken
//! ```
//!
//! For: showing, recording and explaining connections. Not for: judging what needs the state of a stream. The rules told
//! of are those of the first octets (RFC 9113 §3.4), of single frames (§4.2, §6), of the frames of a field block (§6.10)
//! and of field compression (RFC 7541).
//!
//! ```
//! use pellucid_conn::h2::Role;
//! use pellucid_conn::tap::{Tap, text};
//! use pellucid_frame::{End, PREFACE, StreamId, encode};
//!
//! let mut client = PREFACE.to_vec();
//! encode::settings(&mut client, &[]);
//! let at = encode::reserve_head(&mut client);
//! client.push(0x82);
//! encode::finish_headers(&mut client, at, StreamId::new(1), End::Last, 16_384);
//!
//! let mut told = String::new();
//! Tap::new().feed(Role::Client, &client, &mut |record| {
//!     told += &text::render(&record, text::Secrets::Redacted);
//! });
//! assert_eq!(
//!     told,
//!     "-> preface, 24 octets\n\
//!      -> SETTINGS stream 0, 0 octets\n\
//!      -> HEADERS stream 1 END_STREAM END_HEADERS, 1 octet\n    \
//!          :method: GET  [indexed 2, static]\n    \
//!          (block ends: 1 field, section size 42; table 0 of 4096 octets, 0 entries)\n",
//! );
//! ```

mod block;
mod describe;
mod half;
mod pair;
mod record;
mod resume;
pub mod text;
mod windows;

pub use pair::tell_pair;
pub use record::{Block, Coded, Described, Outcome, Record, Step, Table, What, WindowsLeft};

use half::{Expect, Half};
use pellucid_frame::{Flags, Frame, Head, Kind, PREFACE, StreamId};

use crate::h2::{Role, Scope, Violation};

/// Watches one connection.
pub struct Tap {
    client: Half,
    server: Half,
    watched: Watched,
    /// The highest stream each side has opened.
    highest_odd: StreamId,
    highest_even: StreamId,
}

/// Who has sent `octets`, if they are the first of a connection: a client begins with the preface, a server with SETTINGS
/// (RFC 9113 §3.4). `None` where they begin with neither.
#[must_use]
pub fn sender(octets: &[u8]) -> Option<Role> {
    if octets.starts_with(PREFACE) {
        return Some(Role::Client);
    }
    let head = Head::peek(octets)?;
    let settings = head.kind == Kind::SETTINGS && !head.flags.contains(Flags::ACK) && head.stream.is_connection();
    settings.then_some(Role::Server)
}

/// What a tap gets to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Watched {
    Both,
    OneSide,
    /// Both sides, with octets missing: what either allows the other is not known.
    Parts,
}

impl Tap {
    /// A tap that is fed what both sides send, from the first octet on, each frame after those it answers.
    #[must_use]
    pub fn new() -> Self {
        Self::watching(Watched::Both)
    }

    /// A tap that is fed what one side sends, perhaps not from the first octet on. What the other side allows is not known
    /// then: frames of every length and table sizes up to 1 MiB are taken, and windows are not told.
    #[must_use]
    pub fn one_side() -> Self {
        Self::watching(Watched::OneSide)
    }

    /// Takes octets that `from` has sent, cut anywhere, and tells `sink` of every frame that they complete. What is
    /// incomplete waits here; that is never more than the longest frame allowed.
    pub fn feed(&mut self, from: Role, octets: &[u8], sink: &mut impl FnMut(Record)) {
        let mut waiting = std::mem::take(&mut self.half(from).waiting);
        waiting.extend_from_slice(octets);
        let mut taken = 0;
        while let Some(octets) = waiting.get(taken..).and_then(|rest| self.next(from, rest, sink)) {
            taken += octets;
            self.half(from).at += octets as u64;
        }
        waiting.drain(..taken);
        self.half(from).waiting = waiting;
    }

    /// Says that `from` sends no more: tells `sink` of octets that made no whole frame or were skipped.
    pub fn end(&mut self, from: Role, sink: &mut impl FnMut(Record)) {
        self.resume_at_end(from, sink);
        let half = self.half(from);
        let octets = std::mem::take(&mut half.waiting);
        match half.expect {
            Expect::Nothing { skipped: 0 } => {}
            // What is left was no frame.
            Expect::Resume { skipped, .. } if skipped + octets.len() as u64 > 0 => {
                let at = half.at.saturating_sub(skipped);
                sink(Record { from, at, what: What::Skipped { octets: skipped + octets.len() as u64 } });
            }
            Expect::Nothing { skipped } => {
                let at = half.at.saturating_sub(skipped);
                sink(Record { from, at, what: What::Skipped { octets: skipped } });
            }
            _ if octets.is_empty() => {}
            expect => {
                let head = if expect == Expect::Start { None } else { Head::peek(&octets) };
                half.tell(What::Cut { octets: octets.len() as u64, head }, sink);
            }
        }
    }

    fn watching(watched: Watched) -> Self {
        Self {
            client: Half::new(Role::Client, watched),
            server: Half::new(Role::Server, watched),
            watched,
            highest_odd: StreamId::CONNECTION,
            highest_even: StreamId::CONNECTION,
        }
    }

    /// A side and the other.
    fn halves(&mut self, role: Role) -> (&mut Half, &mut Half) {
        match role {
            Role::Client => (&mut self.client, &mut self.server),
            Role::Server => (&mut self.server, &mut self.client),
        }
    }

    fn side(&self, role: Role) -> &Half {
        match role {
            Role::Client => &self.client,
            Role::Server => &self.server,
        }
    }

    /// Whether nobody has opened a stream yet.
    fn is_idle(&self, stream: StreamId) -> bool {
        stream > if stream.is_client_initiated() { self.highest_odd } else { self.highest_even }
    }

    fn half(&mut self, role: Role) -> &mut Half {
        self.halves(role).0
    }

    /// Tells of what stands at the front of `octets` and how long it is; `None` to wait for more.
    fn next(&mut self, from: Role, octets: &[u8], sink: &mut impl FnMut(Record)) -> Option<usize> {
        match &mut self.half(from).expect {
            Expect::Start => self.start(from, octets, sink),
            Expect::Settings | Expect::Frame => self.frame(from, octets, sink),
            Expect::Resume { .. } => self.resume(from, octets, sink),
            Expect::Nothing { skipped } => {
                *skipped += octets.len() as u64;
                (!octets.is_empty()).then_some(octets.len())
            }
        }
    }

    /// The first octets of a side, which tell whether this is HTTP/2.
    fn start(&mut self, from: Role, octets: &[u8], sink: &mut impl FnMut(Record)) -> Option<usize> {
        let watched = self.watched;
        let half = self.half(from);
        let first = if watched == Watched::Both { Expect::Settings } else { Expect::Frame };
        // RFC 9113 §3.4: the client begins with 24 fixed octets.
        if from == Role::Client && (PREFACE.starts_with(octets) || octets.starts_with(PREFACE)) {
            octets.get(..PREFACE.len())?;
            half.tell(What::Preface, sink);
            half.expect = first;
            return Some(PREFACE.len());
        }
        // HTTP/1 begins with capitals: a method, or `HTTP` in a status line. No sensible first frame does.
        let capitals = octets.iter().take(4).take_while(|octet| octet.is_ascii_uppercase() || **octet == b' ').count();
        if capitals == 4 {
            half.fail(None, Violation::Http1Peer, sink);
        } else if capitals == octets.len() {
            return None;
        } else if from == Role::Client && watched == Watched::Both {
            half.fail(None, Violation::BadPreface, sink);
        } else {
            half.expect = first;
        }
        Some(0)
    }

    /// The frame at the front of `octets`, once it is whole.
    fn frame(&mut self, from: Role, octets: &[u8], sink: &mut impl FnMut(Record)) -> Option<usize> {
        let head = Head::peek(octets)?;
        let (half, other) = self.halves(from);
        if let Err(violation) = judge_head(half, other, head) {
            half.fail(Some(head), violation, sink);
            return Some(0);
        }
        let end = Head::LEN + head.length as usize;
        let payload = octets.get(Head::LEN..end)?;
        half.expect = Expect::Frame;
        match Frame::decode(head, payload) {
            Ok(frame) => {
                let (described, violation) = self.describe(from, frame);
                let half = self.half(from);
                half.tell(What::Frame { head, described }, sink);
                if let Some(violation) = violation {
                    half.fail(Some(head), violation, sink);
                }
            }
            Err(error) => {
                let violation = Violation::Frame(error.rule);
                match error.scope() {
                    pellucid_frame::Scope::Connection => half.fail(Some(head), violation, sink),
                    // RFC 9113 §5.4.2: the connection goes on.
                    pellucid_frame::Scope::Stream(_) => {
                        half.tell(What::Fault { head: Some(head), violation, scope: Scope::Stream }, sink);
                    }
                }
            }
        }
        Some(end)
    }
}

impl Default for Tap {
    fn default() -> Self {
        Self::new()
    }
}

/// What nine octets are enough to condemn a frame for.
fn judge_head(half: &Half, other: &Half, head: Head) -> Result<(), Violation> {
    // RFC 9113 §3.4: each side's first frame is SETTINGS, and no acknowledgment.
    if half.expect == Expect::Settings && (head.kind != Kind::SETTINGS || head.flags.contains(Flags::ACK)) {
        return Err(Violation::FirstFrameNotSettings);
    }
    let continues = head.kind == Kind::CONTINUATION;
    match half.blocks.open() {
        // RFC 9113 §6.10: nothing comes between the frames of a field block.
        Some(stream) if !continues || head.stream != stream => return Err(Violation::ContinuationExpected),
        // RFC 9113 §6.10: CONTINUATION follows a frame that left a field block open. On stream 0 it has a rule of its own.
        None if continues && !head.stream.is_connection() => return Err(Violation::ContinuationUnexpected),
        _ => {}
    }
    head.check_size(half.frame_limit(other)).map_err(|error| Violation::Frame(error.rule))
}

#[cfg(test)]
mod tests;
