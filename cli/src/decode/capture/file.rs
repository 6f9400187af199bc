//! The packets of a capture file, pcap or pcapng, told apart by the magic number at its beginning.
//!
//! Not for: what is in a packet. Every packet is a slice of the file, so nothing is copied.

use pcap_parser::nom::{Err, IResult};
use pcap_parser::pcapng::{Block, parse_block_be, parse_block_le};
use pcap_parser::{LegacyPcapBlock, PcapError, PcapHeader};
use pcap_parser::{parse_pcap_frame, parse_pcap_frame_be, parse_pcap_frame_modified, parse_pcap_header};

use super::link::Link;

/// One packet as it was captured.
pub(super) struct Packet<'a> {
    /// What its octets begin with; the number of a link type that is not read here otherwise.
    pub(super) link: Result<Link, i32>,
    pub(super) octets: &'a [u8],
}

/// How a file came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Whole,
    /// In the middle of a packet, as when the capturing program was killed.
    Cut,
    /// At something that is no packet; the rest cannot be read.
    Damaged,
}

/// Whether octets begin as a capture file does.
pub(super) fn is_capture(octets: &[u8]) -> bool {
    let magic = octets.first_chunk().map(|magic| u32::from_le_bytes(*magic));
    magic.is_some_and(|magic| magic == PCAPNG || PCAP.contains(&magic))
}

/// Gives every packet to `take`, in the order of the file.
pub(super) fn read<'a>(octets: &'a [u8], take: &mut impl FnMut(Packet<'a>)) -> End {
    if octets.starts_with(&PCAPNG.to_le_bytes()) { read_pcapng(octets, take) } else { read_pcap(octets, take) }
}

fn read_pcap<'a>(octets: &'a [u8], take: &mut impl FnMut(Packet<'a>)) -> End {
    let (mut rest, header) = match parse_pcap_header(octets) {
        Ok(read) => read,
        Err(error) => return end_of(&error),
    };
    // The upper bits hold what some systems add about checksums.
    let link = Link::of(header.network.0 & 0x0fff_ffff);
    while !rest.is_empty() {
        let (after, frame) = match parse_frame(&header, rest) {
            Ok(read) => read,
            Err(error) => return end_of(&error),
        };
        rest = after;
        take(Packet { link, octets: frame.data });
    }
    End::Whole
}

type Parsed<'a, T> = IResult<&'a [u8], T, PcapError<&'a [u8]>>;

fn parse_frame<'a>(header: &PcapHeader, rest: &'a [u8]) -> Parsed<'a, LegacyPcapBlock<'a>> {
    if header.is_bigendian() {
        parse_pcap_frame_be(rest)
    } else if header.is_modified_format() {
        parse_pcap_frame_modified(rest)
    } else {
        parse_pcap_frame(rest)
    }
}

fn read_pcapng<'a>(octets: &'a [u8], take: &mut impl FnMut(Packet<'a>)) -> End {
    let (mut rest, mut parse) = (octets, parse_block_le as fn(&'a [u8]) -> Parsed<'a, Block<'a>>);
    let mut links = Vec::new();
    while !rest.is_empty() {
        let (after, block) = match parse(rest) {
            Ok(read) => read,
            Err(error) => return end_of(&error),
        };
        if after.len() >= rest.len() {
            return End::Damaged;
        }
        rest = after;
        match block {
            // A section has an order of octets and interfaces of its own.
            Block::SectionHeader(header) => {
                parse = if header.big_endian() { parse_block_be } else { parse_block_le };
                links.clear();
            }
            Block::InterfaceDescription(interface) if links.len() < MAX_INTERFACES => {
                links.push(Link::of(interface.linktype.0));
            }
            Block::EnhancedPacket(packet) => {
                let octets = packet.data.get(..packet.caplen as usize).unwrap_or(packet.data);
                let link = links.get(packet.if_id as usize).copied().unwrap_or(Err(NO_LINK));
                take(Packet { link, octets });
            }
            Block::SimplePacket(packet) => {
                let octets = packet.data.get(..packet.origlen as usize).unwrap_or(packet.data);
                take(Packet { link: links.first().copied().unwrap_or(Err(NO_LINK)), octets });
            }
            _ => {}
        }
    }
    End::Whole
}

fn end_of<T>(error: &Err<PcapError<T>>) -> End {
    match error {
        Err::Incomplete(_) | Err::Error(PcapError::Incomplete(_)) | Err::Failure(PcapError::Incomplete(_)) => End::Cut,
        Err::Error(_) | Err::Failure(_) => End::Damaged,
    }
}

/// A pcapng file begins with a section header, whose number reads the same both ways.
const PCAPNG: u32 = 0x0a0d_0d0a;

/// pcap with micro- and nanoseconds in either order of octets, and a form with larger heads.
const PCAP: [u32; 5] = [0xa1b2_c3d4, 0xd4c3_b2a1, 0xa1b2_3c4d, 0x4d3c_b2a1, 0xa1b2_cd34];

/// Stands for the link type of an interface that the file does not describe.
const NO_LINK: i32 = -1;

/// Interfaces of one section: stops the memory that a file made of descriptions would take.
const MAX_INTERFACES: usize = 4_096;
