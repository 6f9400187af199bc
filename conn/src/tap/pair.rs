//! Both sides of a connection that were captured apart, told of in an order that could have been.
//!
//! The idea: captures of one side hold no times, but much of the order follows from the protocol. An acknowledgment follows
//! what it acknowledges, a response its request, DATA the window that lets it pass. So the sides are laid frame by frame:
//! the server goes as far as it can, which puts each response right behind its request, then the client goes one frame.
//!
//! Not for: live taps; they see the true order.

use pellucid_frame::{Flags, Head, Kind, PREFACE};

use super::half::Expect;
use super::record::Record;
use super::{Tap, Watched};
use crate::h2::Role;

/// Tells of both sides of one connection, each captured by itself from its first octet on. Each side's frames come in
/// their own order; how the sides lie between one another is one of the orders that the protocol allows.
pub fn tell_pair(client: &[u8], server: &[u8], sink: &mut impl FnMut(Record)) {
    let mut tap = Tap::watching(Watched::Both);
    let mut client = Capture { role: Role::Client, rest: client, pings: 0 };
    let mut server = Capture { role: Role::Server, rest: server, pings: 0 };
    while !(client.rest.is_empty() && server.rest.is_empty()) {
        let (next, other) = if server.readiness(&tap, &client) >= client.readiness(&tap, &server) {
            (&mut server, &mut client)
        } else {
            (&mut client, &mut server)
        };
        let octets = next.take(&tap, other);
        tap.feed(next.role, octets, sink);
    }
    tap.end(Role::Client, sink);
    tap.end(Role::Server, sink);
}

/// What is left of one side.
struct Capture<'a> {
    role: Role,
    rest: &'a [u8],
    /// Its PINGs that are not answered yet.
    pings: u32,
}

/// How well a side's next frame follows what both sides have sent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Readiness {
    /// There is none.
    Done,
    /// It cannot come before something that the other side has not sent yet.
    Blocked,
    /// It could come now, but tells more later.
    Better,
    /// It can come now.
    Ready,
}

impl<'a> Capture<'a> {
    fn readiness(&self, tap: &Tap, other: &Capture<'_>) -> Readiness {
        if self.rest.is_empty() {
            return Readiness::Done;
        }
        // RFC 9113 §3.4: either side may begin; the client usually does.
        let (half, peer) = (tap.side(self.role), tap.side(other.role));
        if self.role == Role::Server && matches!(peer.expect, Expect::Start | Expect::Settings) {
            return Readiness::Better;
        }
        match self.head(half.expect) {
            Some(head) => self.frame_readiness(tap, other, head),
            None => Readiness::Ready,
        }
    }

    fn frame_readiness(&self, tap: &Tap, other: &Capture<'_>, head: Head) -> Readiness {
        let (half, peer) = (tap.side(self.role), tap.side(other.role));
        let possible = match head.kind {
            // RFC 9113 §6.5, §6.7: an answer follows its question.
            Kind::SETTINGS => !head.flags.contains(Flags::ACK) || peer.awaits_acknowledgment(),
            Kind::PING => !head.flags.contains(Flags::ACK) || other.pings > 0,
            // RFC 9113 §6.9.1: DATA follows the window it needs.
            Kind::DATA => half.windows.has_room(head.stream, head.length),
            _ => true,
        };
        // RFC 9113 §5.1: only the side that opens a stream sends on it first.
        if !possible || other.role.initiates(head.stream) && tap.is_idle(head.stream) {
            return Readiness::Blocked;
        }
        let early = match head.kind {
            Kind::GOAWAY => true,
            // A response may overtake the request's content, but seldom does.
            Kind::HEADERS => self.role == Role::Server && peer.windows.is_open(head.stream),
            _ => false,
        };
        if early { Readiness::Better } else { Readiness::Ready }
    }

    /// The next frame's head; `None` for the preface and where there is no frame.
    fn head(&self, expect: Expect) -> Option<Head> {
        match expect {
            Expect::Start if self.role == Role::Client => None,
            Expect::Resume { .. } | Expect::Nothing { .. } => None,
            Expect::Start | Expect::Settings | Expect::Frame => Head::peek(self.rest),
        }
    }

    /// Takes the next frame, or what there is where there is none.
    fn take(&mut self, tap: &Tap, other: &mut Capture<'_>) -> &'a [u8] {
        let expect = tap.side(self.role).expect;
        let length = match self.head(expect) {
            Some(head) => {
                if head.kind == Kind::PING && head.flags.contains(Flags::ACK) {
                    other.pings = other.pings.saturating_sub(1);
                } else if head.kind == Kind::PING {
                    self.pings = self.pings.saturating_add(1);
                }
                Head::LEN + head.length as usize
            }
            None if expect == Expect::Start => PREFACE.len(),
            None => self.rest.len(),
        };
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, &[]));
        self.rest = rest;
        taken
    }
}
