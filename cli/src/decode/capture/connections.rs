//! The connections of a capture, told apart by their addresses, in the order in which they appear.
//!
//! Not for: putting their octets together; that is done one connection at a time.

use std::collections::HashMap;
use std::net::SocketAddr;

use pellucid_conn::h2::Role;
use pellucid_frame::PREFACE;

use super::file::{self, End};
use super::segment::{self, Other, Segment};

/// A connection and all its segments, in the order of the capture.
pub(super) struct Connection<'a> {
    pub(super) segments: Vec<Segment<'a>>,
}

/// What a file holds.
#[derive(Default)]
pub(super) struct Capture<'a> {
    pub(super) connections: Vec<Connection<'a>>,
    pub(super) skipped: Skipped,
}

/// Packets that belong to no connection, and those that are not all there.
#[derive(Default)]
pub(super) struct Skipped {
    pub(super) packets: u64,
    pub(super) not_tcp: u64,
    pub(super) fragments: u64,
    /// Packets that have not even their heads.
    pub(super) cut_heads: u64,
    /// Packets that have not all their content.
    pub(super) cut_contents: u64,
    /// Packets of link types that are not read here, and one of those types.
    pub(super) other_links: u64,
    pub(super) other_link: i32,
    pub(super) end: Option<End>,
}

impl<'a> Capture<'a> {
    /// Sorts all packets of a file.
    pub(super) fn read(octets: &'a [u8]) -> Self {
        let (mut capture, mut places) = (Self::default(), HashMap::new());
        let end = file::read(octets, &mut |packet| {
            capture.skipped.packets += 1;
            let link = match packet.link {
                Ok(link) => link,
                Err(other) => {
                    capture.skipped.other_links += 1;
                    capture.skipped.other_link = other;
                    return;
                }
            };
            match link.ip(packet.octets).ok_or(Other::NotTcp).and_then(segment::parse) {
                Ok(segment) => capture.sort(segment, &mut places),
                Err(Other::NotTcp) => capture.skipped.not_tcp += 1,
                Err(Other::Fragment) => capture.skipped.fragments += 1,
                Err(Other::Cut) => capture.skipped.cut_heads += 1,
            }
        });
        capture.skipped.end = Some(end);
        capture
    }

    fn sort(&mut self, segment: Segment<'a>, places: &mut HashMap<[SocketAddr; 2], usize>) {
        self.skipped.cut_contents += u64::from(segment.cut > 0);
        let mut ends = [segment.from, segment.to];
        ends.sort();
        let known = places.get(&ends).copied().and_then(|place| self.connections.get_mut(place));
        match known.filter(|connection| !connection.is_followed_by(&segment)) {
            Some(connection) => connection.segments.push(segment),
            None => {
                places.insert(ends, self.connections.len());
                self.connections.push(Connection { segments: vec![segment] });
            }
        }
    }
}

impl Connection<'_> {
    /// Whether a segment opens another connection between the same addresses.
    fn is_followed_by(&self, segment: &Segment<'_>) -> bool {
        let opens = segment.syn && segment.acknowledged.is_none();
        opens
            && !self.segments.iter().any(|old| old.syn && old.sequence == segment.sequence && old.from == segment.from)
    }

    /// Who is the client, and who the server: told by the handshake, by the preface, or at last by the port, of which the
    /// server's is most often the lower one.
    pub(super) fn ends(&self) -> (SocketAddr, SocketAddr) {
        let told = self.segments.iter().find_map(|segment| {
            let (from, to) = (segment.from, segment.to);
            match (segment.syn, segment.acknowledged) {
                (true, None) => Some((from, to)),
                (true, Some(_)) => Some((to, from)),
                (false, _) => segment.content.starts_with(PREFACE).then_some((from, to)),
            }
        });
        told.or_else(|| {
            let first = self.segments.first()?;
            let (from, to) = (first.from, first.to);
            Some(if from.port() < to.port() { (to, from) } else { (from, to) })
        })
        .unwrap_or((UNKNOWN, UNKNOWN))
    }

    /// Who has sent a segment.
    pub(super) fn role(client: SocketAddr, segment: &Segment<'_>) -> Role {
        if segment.from == client { Role::Client } else { Role::Server }
    }

    /// Whether the handshake of a side was captured, so that its first octet is known.
    pub(super) fn has_beginning(&self, end: SocketAddr) -> bool {
        self.segments.iter().any(|segment| segment.syn && segment.from == end)
    }
}

/// A connection has a segment, so this is never seen.
const UNKNOWN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 0);
