//! Captures made in code: HTTP/2 within TCP within IP within a link within a file, each layer by name.

use std::net::{Ipv4Addr, Ipv6Addr};

use pellucid_conn::h2::Role;
use pellucid_frame::{End, PREFACE, StreamId, encode};
use pellucid_hpack::{Encoder, Fields};

/// A segment of TCP, before it is wrapped.
#[derive(Clone)]
pub(super) struct Tcp {
    pub(super) from: Role,
    /// Octets of this side before it; the handshake takes number 999.
    pub(super) at: u32,
    /// Octets of the other side that have come.
    pub(super) acknowledged: u32,
    pub(super) flags: u8,
    pub(super) content: Vec<u8>,
    pub(super) client_port: u16,
}

pub(super) const SYN: u8 = 0x02;
pub(super) const FIN: u8 = 0x01;
pub(super) const ACK: u8 = 0x10;

/// A conversation over TCP, one side after the other.
#[derive(Default)]
pub(super) struct Talk {
    pub(super) segments: Vec<Tcp>,
    sent: [u32; 2],
    pub(super) client_port: u16,
}

impl Talk {
    pub(super) fn begun(client_port: u16) -> Self {
        let mut talk = Self { client_port, ..Self::default() };
        talk.push(Role::Client, SYN, &[]);
        talk.push(Role::Server, SYN | ACK, &[]);
        talk
    }

    /// A side sends this in one segment.
    pub(super) fn say(&mut self, from: Role, content: &[u8]) {
        self.push(from, ACK, content);
    }

    fn push(&mut self, from: Role, flags: u8, content: &[u8]) {
        let [client, server] = self.sent;
        let (at, acknowledged) = if from == Role::Client { (client, server) } else { (server, client) };
        // The SYN has the number before that of the first octet.
        let at = if flags & SYN == 0 { at } else { at.wrapping_sub(1) };
        let (content, client_port) = (content.to_vec(), self.client_port);
        let [client, server] = &mut self.sent;
        *(if from == Role::Client { client } else { server }) += u32::try_from(content.len()).expect("small");
        self.segments.push(Tcp { from, at, acknowledged, flags, content, client_port });
    }
}

/// Two requests and their responses on one connection.
pub(super) fn exchange(client_port: u16) -> Talk {
    let mut talk = Talk::begun(client_port);
    let (mut client, mut server) = (PREFACE.to_vec(), Vec::new());
    let (mut asks, mut answers) = (Encoder::new(4_096), Encoder::new(4_096));
    encode::settings(&mut client, &[]);
    encode::settings(&mut server, &[]);
    talk.say(Role::Client, &client);
    talk.say(Role::Server, &server);
    for (stream, path) in [(1, "/one"), (3, "/two")] {
        let fields = [(":method", "GET"), (":scheme", "http"), (":authority", "a.example"), (":path", path)];
        talk.say(Role::Client, &headers(&mut asks, stream, &fields, End::Last));
        let fields = [(":status", "200"), ("server", "capture")];
        let mut response = headers(&mut answers, stream, &fields, End::More);
        response.extend([0, 0, 5, 0, 1, 0, 0, 0, u8::try_from(stream).expect("small")]);
        response.extend(b"hello");
        talk.say(Role::Server, &response);
    }
    talk.push(Role::Client, FIN | ACK, &[]);
    talk
}

fn headers(encoder: &mut Encoder, stream: u32, fields: &[(&str, &str)], end: End) -> Vec<u8> {
    let (mut section, mut out) = (Fields::new(), Vec::new());
    fields.iter().for_each(|(name, value)| section.push(name.as_bytes(), value.as_bytes()));
    let at = encode::reserve_head(&mut out);
    encoder.encode(&section, &mut out);
    encode::finish_headers(&mut out, at, StreamId::new(stream), end, 16_384);
    out
}

/// How segments are wrapped.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wrapping {
    pub(super) link: u16,
    pub(super) version: u8,
}

pub(super) const USUAL: Wrapping = Wrapping { link: 1, version: 4 };

/// The packet of a segment.
pub(super) fn packet(segment: &Tcp, wrapping: Wrapping) -> Vec<u8> {
    let ip = ip(segment, wrapping.version);
    let kind: [u8; 2] = if wrapping.version == 4 { [0x08, 0x00] } else { [0x86, 0xdd] };
    let head: Vec<u8> = match wrapping.link {
        0 | 108 => vec![2, 0, 0, 0],
        1 => [&[0; 12][..], &kind].concat(),
        // Not a link type: Ethernet with two tags.
        TAGGED => [&[0; 12][..], &[0x88, 0xa8, 0, 7, 0x81, 0, 0, 9], &kind].concat(),
        113 => [&[0; 14][..], &kind].concat(),
        276 => [&kind[..], &[0; 18]].concat(),
        _ => Vec::new(),
    };
    [head, ip].concat()
}

/// Stands for Ethernet with tags of virtual networks.
pub(super) const TAGGED: u16 = u16::MAX;

fn ip(segment: &Tcp, version: u8) -> Vec<u8> {
    let tcp = tcp(segment);
    let octets = u16::try_from(tcp.len()).expect("a segment's");
    let (mut source, mut destination) = (1, 2);
    if segment.from == Role::Server {
        std::mem::swap(&mut source, &mut destination);
    }
    if version == 4 {
        let mut head = vec![0x45, 0];
        head.extend((octets + 20).to_be_bytes());
        head.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
        head.extend(Ipv4Addr::new(10, 0, 0, source).octets());
        head.extend(Ipv4Addr::new(10, 0, 0, destination).octets());
        return [head, tcp].concat();
    }
    let mut head = vec![0x60, 0, 0, 0];
    // With destination options between IP and TCP.
    head.extend((octets + 8).to_be_bytes());
    head.extend([60, 64]);
    head.extend(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, source.into()).octets());
    head.extend(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, destination.into()).octets());
    head.extend([6, 0, 1, 4, 0, 0, 0, 0]);
    [head, tcp].concat()
}

fn tcp(segment: &Tcp) -> Vec<u8> {
    let ports = [segment.client_port, 80];
    let [source, destination] = if segment.from == Role::Client { ports } else { [80, segment.client_port] };
    let mut head = Vec::new();
    head.extend(source.to_be_bytes());
    head.extend(destination.to_be_bytes());
    head.extend(segment.at.wrapping_add(FIRST).to_be_bytes());
    head.extend(segment.acknowledged.wrapping_add(FIRST).to_be_bytes());
    // Eight words of head: the last three are an option.
    head.extend([0x80, segment.flags, 1, 0, 0, 0, 0, 0]);
    head.extend([1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 1]);
    [head, segment.content.clone()].concat()
}

/// The number of a side's first octet, such that numbers wrap soon.
const FIRST: u32 = u32::MAX - 60;

/// How a file is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Format {
    Pcap,
    PcapBig,
    PcapNano,
    PcapNg,
    PcapNgBig,
    /// With simple packets, which name no interface.
    PcapNgSimple,
}

/// A file of packets, each cut at `snap` octets.
pub(super) fn file(packets: &[Vec<u8>], link: u16, format: Format, snap: usize) -> Vec<u8> {
    let link = if link == TAGGED { 1 } else { link };
    match format {
        Format::Pcap => pcap(packets, 0xa1b2_c3d4, link, snap, u32::to_le_bytes),
        Format::PcapBig => pcap(packets, 0xa1b2_c3d4, link, snap, u32::to_be_bytes),
        Format::PcapNano => pcap(packets, 0xa1b2_3c4d, link, snap, u32::to_le_bytes),
        Format::PcapNg | Format::PcapNgSimple => pcapng(packets, link, format, u32::to_le_bytes),
        Format::PcapNgBig => pcapng(packets, link, format, u32::to_be_bytes),
    }
}

type Order = fn(u32) -> [u8; 4];

fn pcap(packets: &[Vec<u8>], magic: u32, link: u16, snap: usize, order: Order) -> Vec<u8> {
    let versions = if order(1) == [1, 0, 0, 0] { 4 << 16 | 2 } else { 2 << 16 | 4 };
    let mut out: Vec<u8> = [magic, versions, 0, 0, 262_144, link.into()].into_iter().flat_map(order).collect();
    for packet in packets {
        let kept = packet.get(..snap).unwrap_or(packet);
        let lengths = [kept.len(), packet.len()].map(|length| u32::try_from(length).expect("small"));
        out.extend([&[0, 0][..], &lengths].concat().into_iter().flat_map(order));
        out.extend(kept);
    }
    out
}

fn pcapng(packets: &[Vec<u8>], link: u16, format: Format, order: Order) -> Vec<u8> {
    let words = |words: &[u32]| -> Vec<u8> { words.iter().copied().flat_map(order).collect() };
    let (major, link) = if order(1) == [1, 0, 0, 0] { (1, u32::from(link)) } else { (1 << 16, u32::from(link) << 16) };
    let mut out = block(0x0a0d_0d0a, &words(&[0x1a2b_3c4d, major, u32::MAX, u32::MAX]), order);
    out.extend(block(1, &words(&[link, 0]), order));
    for packet in packets {
        let length = u32::try_from(packet.len()).expect("small");
        let mut body = match format {
            Format::PcapNgSimple => words(&[length]),
            _ => words(&[0, 0, 0, length, length]),
        };
        body.extend(packet);
        body.resize(body.len().next_multiple_of(4), 0);
        let kind = if matches!(format, Format::PcapNgSimple) { 3 } else { 6 };
        out.extend(block(kind, &body, order));
    }
    // Of a type that nobody knows.
    out.extend(block(0x7777, &[], order));
    out
}

fn block(kind: u32, body: &[u8], order: Order) -> Vec<u8> {
    let length = order(u32::try_from(body.len()).expect("small") + 12);
    [&order(kind), &length, body, &length].concat()
}
