//! A connection's octets in the order in which they were captured, each side put together.
//!
//! Not for: reading them.

use pellucid_conn::h2::Role;
use pellucid_conn::tap;
use pellucid_frame::PREFACE;

use super::connections::Connection;
use super::side::{Counts, Piece, Side};

/// Something of a side.
pub(super) enum Step<'a> {
    /// The first octets of a side follow, and they are not the first of the connection.
    Joins,
    Piece(Piece<'a>),
}

/// Goes through a connection; gives what became of the segments of both sides.
pub(super) fn walk<'a>(connection: &Connection<'a>, give: &mut impl FnMut(Role, Step<'a>)) -> [Counts; 2] {
    let (client, server) = connection.ends();
    let mut client_side = Watched::new(Role::Client, connection.has_beginning(client));
    let mut server_side = Watched::new(Role::Server, connection.has_beginning(server));
    for segment in &connection.segments {
        let role = Connection::role(client, segment);
        let (watched, other) = match role {
            Role::Client => (&mut client_side, &mut server_side),
            Role::Server => (&mut server_side, &mut client_side),
        };
        if let Some(sequence) = segment.acknowledged {
            other.side.acknowledge(sequence, &mut |piece| other.start.give(piece, give));
        }
        if segment.reset {
            continue;
        }
        let sequence = segment.sequence.wrapping_add(u32::from(segment.syn));
        watched.side.take(sequence, segment.content, &mut |piece| watched.start.give(piece, give));
        if segment.fin {
            watched.side.finish();
        }
    }
    for watched in [&mut client_side, &mut server_side] {
        watched.side.end(&mut |piece| watched.start.give(piece, give));
    }
    [client_side.side.counts, server_side.side.counts]
}

/// The first octets of a side from its first one on; `None` where those were not captured.
pub(super) fn beginning<'a>(connection: &Connection<'a>, wanted: Role) -> Option<&'a [u8]> {
    let (mut first, mut joins) = (None, false);
    walk(connection, &mut |role, step| match step {
        _ if role != wanted || first.is_some() => {}
        Step::Joins | Step::Piece(Piece::Missing(_)) => joins = true,
        Step::Piece(Piece::Octets(octets)) => first = Some(octets),
    });
    if joins { None } else { Some(first.unwrap_or_default()) }
}

/// A side, and whether its beginning was given.
struct Watched<'a> {
    side: Side<'a>,
    start: Start,
}

/// The beginning of a side.
struct Start {
    role: Role,
    is_due: bool,
    has_handshake: bool,
}

impl Watched<'_> {
    fn new(role: Role, has_handshake: bool) -> Self {
        Self { side: Side::default(), start: Start { role, is_due: true, has_handshake } }
    }
}

impl Start {
    /// Without a handshake the first octets tell by themselves whether they are the first of all (RFC 9113 §3.4).
    fn give<'a>(&mut self, piece: Piece<'a>, give: &mut impl FnMut(Role, Step<'a>)) {
        let is_first = std::mem::take(&mut self.is_due);
        let is_beginning = match piece {
            Piece::Octets(octets) => match self.role {
                Role::Client => octets.starts_with(PREFACE),
                Role::Server => tap::sender(octets) == Some(Role::Server),
            },
            Piece::Missing(_) => false,
        };
        if is_first && !self.has_handshake && !is_beginning {
            give(self.role, Step::Joins);
        }
        give(self.role, Step::Piece(piece));
    }
}
