//! A TCP segment within an IP packet (RFC 791 §3.1, RFC 8200 §3 and §4, RFC 9293 §3.1).
//!
//! Not for: checksums; captures taken before the network card has computed them are full of wrong ones.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What one packet says of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment<'a> {
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) sequence: u32,
    /// What the sender has received of the other side, where the segment says so.
    pub(super) acknowledged: Option<u32>,
    pub(super) syn: bool,
    pub(super) fin: bool,
    pub(super) reset: bool,
    pub(super) content: &'a [u8],
    /// Octets of content that the packet had and the capture has not.
    pub(super) cut: usize,
}

/// Why a packet is no segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Other {
    /// Something else than TCP over IP.
    NotTcp,
    /// A part of an IP packet: TCP does not lead to those where it works as it should.
    Fragment,
    /// The capture has not even its heads.
    Cut,
}

/// Reads the segment in an IP packet.
pub(super) fn parse(packet: &[u8]) -> Result<Segment<'_>, Other> {
    match packet.first().ok_or(Other::Cut)? >> 4 {
        4 => parse_v4(packet),
        6 => parse_v6(packet),
        _ => Err(Other::NotTcp),
    }
}

fn parse_v4(packet: &[u8]) -> Result<Segment<'_>, Other> {
    let head: &[u8; 20] = packet.first_chunk().ok_or(Other::Cut)?;
    let [first, _, l1, l2, _, _, f1, f2, _, protocol, _, _, addresses @ ..] = *head;
    let [s1, s2, s3, s4, d1, d2, d3, d4] = addresses;
    if protocol != TCP {
        return Err(Other::NotTcp);
    }
    // More fragments follow, or there is an offset.
    if u16::from_be_bytes([f1, f2]) & 0x3fff != 0 {
        return Err(Other::Fragment);
    }
    let total = match usize::from(u16::from_be_bytes([l1, l2])) {
        // Left to the network card to fill in.
        0 => packet.len(),
        total => total,
    };
    let head_octets = usize::from(first & 0x0f) * 4;
    let addresses = [Ipv4Addr::new(s1, s2, s3, s4).into(), Ipv4Addr::new(d1, d2, d3, d4).into()];
    // Behind the packet there may be padding of the link.
    let payload = packet.get(head_octets..packet.len().min(total)).ok_or(Other::Cut)?;
    parse_tcp(addresses, payload, total.saturating_sub(head_octets))
}

fn parse_v6(packet: &[u8]) -> Result<Segment<'_>, Other> {
    let (head, mut payload) = packet.split_first_chunk::<40>().ok_or(Other::Cut)?;
    let [_, _, _, _, l1, l2, mut next, _, addresses @ ..] = *head;
    let mut octets = match usize::from(u16::from_be_bytes([l1, l2])) {
        0 => payload.len(),
        octets => octets,
    };
    payload = payload.get(..octets).unwrap_or(payload);
    for _ in 0..MOST_EXTENSIONS {
        let length = match next {
            TCP => {
                let (source, destination) = addresses.split_first_chunk::<16>().ok_or(Other::Cut)?;
                let destination: [u8; 16] = destination.try_into().map_err(|_| Other::Cut)?;
                let addresses = [Ipv6Addr::from(*source).into(), Ipv6Addr::from(destination).into()];
                return parse_tcp(addresses, payload, octets);
            }
            FRAGMENT => return Err(Other::Fragment),
            HOP_BY_HOP | ROUTING | DESTINATION => usize::from(*payload.get(1).ok_or(Other::Cut)?) * 8 + 8,
            AUTHENTICATION => usize::from(*payload.get(1).ok_or(Other::Cut)?) * 4 + 8,
            _ => return Err(Other::NotTcp),
        };
        next = *payload.first().ok_or(Other::Cut)?;
        payload = payload.get(length..).ok_or(Other::Cut)?;
        octets = octets.saturating_sub(length);
    }
    Err(Other::NotTcp)
}

/// Reads a TCP segment of so many octets, of which the capture may have fewer.
fn parse_tcp([source, destination]: [IpAddr; 2], segment: &[u8], octets: usize) -> Result<Segment<'_>, Other> {
    let head: &[u8; 20] = segment.first_chunk().ok_or(Other::Cut)?;
    let [p1, p2, p3, p4, s1, s2, s3, s4, a1, a2, a3, a4, offset, flags, ..] = *head;
    let head_octets = usize::from(offset >> 4) * 4;
    if head_octets < head.len() || head_octets > octets {
        return Err(Other::NotTcp);
    }
    let content = segment.get(head_octets..).unwrap_or_default();
    Ok(Segment {
        from: SocketAddr::new(source, u16::from_be_bytes([p1, p2])),
        to: SocketAddr::new(destination, u16::from_be_bytes([p3, p4])),
        sequence: u32::from_be_bytes([s1, s2, s3, s4]),
        acknowledged: (flags & 0x10 != 0).then_some(u32::from_be_bytes([a1, a2, a3, a4])),
        syn: flags & 0x02 != 0,
        fin: flags & 0x01 != 0,
        reset: flags & 0x04 != 0,
        content,
        cut: (octets - head_octets).saturating_sub(content.len()),
    })
}

/// Protocol numbers (https://www.iana.org/assignments/protocol-numbers).
const HOP_BY_HOP: u8 = 0;
const TCP: u8 = 6;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION: u8 = 60;

/// Heads between IPv6 and TCP: far more than anybody sends.
const MOST_EXTENSIONS: u32 = 8;
