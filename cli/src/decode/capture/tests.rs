//! Captures of every kind, whole and broken, and what is told of them.

mod build;

use build::{Format, TAGGED, Talk, Tcp, USUAL, Wrapping, exchange, file, packet};
use pellucid_conn::h2::Role;
use proptest::prelude::*;

use super::*;

const ALL: Wanted = Wanted { connection: None, secrets: Secrets::Redacted };

/// What is told of a file, and why nothing is.
fn told_of(octets: &[u8], wanted: &Wanted) -> (String, Result<(), String>) {
    assert!(is_capture(octets));
    let mut out = Vec::new();
    let result = explain(octets, wanted, &mut out).expect("a Vec takes everything");
    (String::from_utf8(out).expect("text"), result)
}

/// What is told of segments in an ordinary file.
fn told(segments: &[Tcp]) -> String {
    let packets: Vec<_> = segments.iter().map(|segment| packet(segment, USUAL)).collect();
    let (text, result) = told_of(&file(&packets, 1, Format::Pcap, 65_535), &ALL);
    assert_eq!(result, Ok(()), "{text}");
    text
}

/// The lines that tell of frames.
fn frames(text: &str) -> Vec<&str> {
    text.lines().filter(|line| line.starts_with("->") || line.starts_with("<-")).collect()
}

const FRAMES: [&str; 9] = [
    "-> preface, 24 octets",
    "-> SETTINGS stream 0, 0 octets",
    "<- SETTINGS stream 0, 0 octets",
    "-> HEADERS stream 1 END_STREAM END_HEADERS, 16 octets",
    "<- HEADERS stream 1 END_HEADERS, 8 octets",
    "<- DATA stream 1 END_STREAM, 5 octets",
    "-> HEADERS stream 3 END_STREAM END_HEADERS, 8 octets",
    "<- HEADERS stream 3 END_HEADERS, 2 octets",
    "<- DATA stream 3 END_STREAM, 5 octets",
];

#[test]
fn every_kind_of_file_and_link_tells_the_same() {
    let formats =
        [Format::Pcap, Format::PcapBig, Format::PcapNano, Format::PcapNg, Format::PcapNgBig, Format::PcapNgSimple];
    let segments = exchange(40_000).segments;
    for link in [0, 1, 101, 108, 113, 228, 276, TAGGED] {
        for version in [4, 6] {
            for format in formats {
                let packets: Vec<_> =
                    segments.iter().map(|segment| packet(segment, Wrapping { link, version })).collect();
                let (text, result) = told_of(&file(&packets, link, format, 65_535), &ALL);
                assert_eq!((result, frames(&text)), (Ok(()), FRAMES.to_vec()), "{link} {version} {format:?}: {text}");
                let heading = match version {
                    4 => "connection 1: 10.0.0.1:40000 → 10.0.0.2:80\n",
                    _ => "connection 1: [fd00::1]:40000 → [fd00::2]:80\n",
                };
                assert!(text.starts_with(heading), "{text}");
            }
        }
    }
}

#[test]
fn the_fields_and_the_counts_of_frames_are_told() {
    let text = told(&exchange(40_000).segments);
    for line in [
        "    :path: /two  [literal, added to the table; name 4, static; value Huffman; now 62]\n",
        "    :status: 200  [indexed 8, static]\n",
        "    server: capture  [indexed 62, dynamic]\n",
        "(3 frames from the client: 2 HEADERS, 1 SETTINGS)\n(5 frames from the server: 2 DATA, 2 HEADERS, 1 SETTINGS)\n",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert!(!text.contains("(TCP"), "{text}");
}

#[test]
fn what_tcp_does_to_segments_is_undone_and_said() {
    let mut segments = exchange(40_000).segments;
    let plain = told(&segments);
    // The first request once more with the preface before it, and the last one before that.
    let (preface, request) = (segments[2].clone(), segments[4].clone());
    let overlap = Tcp { content: [preface.content.clone(), request.content.clone()].concat(), ..preface };
    segments.insert(5, overlap);
    segments.swap(4, 7);
    let text = told(&segments);
    assert!(text.contains("(TCP, from the client: segments ahead of others 1, sent again 2)\n"), "{text}");
    let sorted = |text: &str| {
        let mut lines: Vec<_> = frames(text).into_iter().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&text), sorted(&plain), "{text}");
}

#[test]
fn octets_one_by_one_tell_the_same() {
    let mut talk = Talk::begun(40_000);
    for segment in exchange(40_000).segments {
        segment.content.chunks(1).for_each(|octet| talk.say(segment.from, octet));
    }
    assert_eq!(frames(&told(&talk.segments)), FRAMES);
}

#[test]
fn a_lost_segment_is_said_and_what_follows_is_read() {
    let mut segments = exchange(40_000).segments;
    segments.remove(4);
    let text = told(&segments);
    let mut expected = FRAMES.to_vec();
    // Only what follows it shows that the request is not to come.
    expected[3] = "-> (25 octets missing)";
    expected[3..6].rotate_left(1);
    assert_eq!(frames(&text), expected, "{text}");
    assert!(text.contains("    (a field from before)  [indexed 63, dynamic]\n"), "{text}");
    assert!(text.contains("(TCP, from the client: segments ahead of others 1, octets missing 25)"), "{text}");
}

#[test]
fn a_capture_may_begin_in_mid_connection() {
    for (from, wanted) in [(6, &FRAMES[6..]), (7, &FRAMES[7..])] {
        let text = told(&exchange(40_000).segments[from..]);
        let lines = frames(&text);
        assert!(lines.iter().any(|line| line.ends_with("(what came before is missing)")), "{text}");
        let rest: Vec<_> = lines.into_iter().filter(|line| !line.ends_with("missing)")).collect();
        assert_eq!(rest, wanted, "{text}");
        assert!(text.starts_with("connection 1: 10.0.0.1:40000 → 10.0.0.2:80\n"), "{text}");
        assert!(text.contains("(a field from before)"), "{text}");
    }
}

#[test]
fn connections_are_told_apart() {
    let (first, second) = (exchange(40_000).segments, exchange(40_001).segments);
    let mut mixed: Vec<Tcp> = first.iter().zip(&second).flat_map(|(a, b)| [a.clone(), b.clone()]).collect();
    // The first one's ports are used again.
    mixed.extend(
        exchange(40_000).segments.into_iter().map(|segment| Tcp { at: segment.at.wrapping_add(5_000), ..segment }),
    );
    let text = told(&mixed);
    assert_eq!(frames(&text), [FRAMES, FRAMES, FRAMES].concat());
    let headings: Vec<_> = text.lines().filter(|line| line.starts_with("connection")).collect();
    assert_eq!(
        headings,
        [
            "connection 1: 10.0.0.1:40000 → 10.0.0.2:80",
            "connection 2: 10.0.0.1:40001 → 10.0.0.2:80",
            "connection 3: 10.0.0.1:40000 → 10.0.0.2:80",
        ]
    );
    let packets: Vec<_> = mixed.iter().map(|segment| packet(segment, USUAL)).collect();
    let octets = file(&packets, 1, Format::Pcap, 65_535);
    let (text, result) = told_of(&octets, &Wanted { connection: Some(2), ..ALL });
    assert!(text.starts_with("connection 2: ") && frames(&text) == FRAMES && result.is_ok(), "{text}");
    let (text, result) = told_of(&octets, &Wanted { connection: Some(4), ..ALL });
    assert_eq!((text.as_str(), result), ("", Err("no connection 4: there are 3 connections".to_owned())));
}

#[test]
fn connections_without_http2_are_named() {
    let table: [(&[u8], &str); 5] = [
        (b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", "HTTP/1.1 text"),
        (&[22, 3, 1, 0, 200, 1], "TLS, whose octets say nothing without keys"),
        (b"SSH-2.0-capture\r\n", "neither a preface nor frames"),
        (&[7; 3_000], "neither a preface nor frames"),
        (b"", "no octets were sent"),
    ];
    for (content, what) in table {
        for skipped in [0, 2] {
            let mut talk = Talk::begun(40_000);
            talk.say(Role::Client, content);
            let packets: Vec<_> = talk.segments[skipped..].iter().map(|segment| packet(segment, USUAL)).collect();
            let (text, result) = told_of(&file(&packets, 1, Format::Pcap, 65_535), &ALL);
            assert!(text.contains(&format!("\n(not explained: {what})\n")), "{text}");
            assert_eq!(result, Err(format!("not HTTP/2: {what}")));
        }
    }
}

#[test]
fn packets_cut_short_are_said() {
    let packets: Vec<_> = exchange(40_000).segments.iter().map(|segment| packet(segment, USUAL)).collect();
    // Of each segment the heads and ten octets.
    let (text, result) = told_of(&file(&packets, 1, Format::Pcap, 14 + 20 + 32 + 10), &ALL);
    assert!(text.contains("octets missing ") && result.is_err() == frames(&text).is_empty(), "{text}");
    assert!(text.contains("(packets cut short when they were captured: 5; "), "{text}");
    let (text, result) = told_of(&file(&packets, 1, Format::Pcap, 30), &ALL);
    assert_eq!((text.as_str(), result), ("", Err("no TCP segment in the capture (packets: 9)".to_owned())));
}

#[test]
fn what_is_left_out_is_counted() {
    let mut packets: Vec<_> = exchange(40_000).segments.iter().map(|segment| packet(segment, USUAL)).collect();
    let mut udp = packets[0].clone();
    udp[14 + 9] = 17;
    let mut fragment = packets[0].clone();
    fragment[14 + 6] = 0x20;
    packets.extend([udp, fragment, vec![0; 14], Vec::new()]);
    let (text, _) = told_of(&file(&packets, 1, Format::Pcap, 65_535), &ALL);
    let note = "\n\n(packets left out: 3 without TCP over IP, 1 that are fragments of IP packets)\n";
    assert!(text.ends_with(note), "{text}");
}

#[test]
fn files_without_anything_to_tell_are_refused_by_name() {
    let none = "a capture without packets";
    let cases = [
        (file(&[], 1, Format::Pcap, 0), none),
        (file(&[], 1, Format::PcapNg, 0), none),
        (file(&[vec![0; 60]], 127, Format::Pcap, 99), "link type 127 is not read here"),
        (file(&[vec![0; 60]], 127, Format::PcapNg, 99), "link type 127 is not read here"),
        (file(&[], 1, Format::Pcap, 0)[..20].to_vec(), "a capture cut off before its first packet"),
        (file(&[vec![0; 60]], 1, Format::Pcap, 99), "no TCP segment in the capture (packets: 1)"),
    ];
    for (octets, why) in cases {
        let (text, result) = told_of(&octets, &ALL);
        assert!(text.is_empty() && result.as_ref().is_err_and(|told| told.starts_with(why)), "{result:?}");
    }
}

#[test]
fn a_file_may_end_anywhere() {
    let packets: Vec<_> = exchange(40_000).segments.iter().map(|segment| packet(segment, USUAL)).collect();
    for format in [Format::Pcap, Format::PcapNg] {
        let octets = file(&packets, 1, format, 65_535);
        for end in 4..octets.len() {
            let (text, result) = told_of(&octets[..end], &ALL);
            assert!(text.is_empty() == result.is_err() || text.starts_with("connection 1"), "{end}: {text}");
        }
        let (text, _) = told_of(&octets[..octets.len() - 3], &ALL);
        assert_eq!(text.matches("\n(the file ends in the middle of a packet)\n").count(), 1, "{text}");
    }
}

proptest! {
    /// Whatever becomes of a file's octets, it is told of or refused.
    #[test]
    fn no_file_is_too_broken(
        changes in proptest::collection::vec((4_usize..2_500, any::<u8>()), 0..40),
        cut in 0_usize..2_500,
        form in 0_usize..3,
    ) {
        let (format, link) = [(Format::Pcap, 1), (Format::PcapNg, 113), (Format::PcapNgBig, 276)][form];
        let mut segments = exchange(40_000).segments;
        segments.extend(exchange(40_001).segments);
        let packets: Vec<_> =
            segments.iter().map(|segment| packet(segment, Wrapping { link, version: if form == 0 { 4 } else { 6 } })).collect();
        let mut octets = file(&packets, link, format, 65_535);
        for (place, octet) in changes {
            if let Some(place) = octets.get_mut(place) {
                *place = octet;
            }
        }
        if cut > 1_200 {
            octets.truncate(cut);
        }
        let (text, result) = told_of(&octets, &ALL);
        prop_assert!(!text.is_empty() || result.is_err());
    }
}
