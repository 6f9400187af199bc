//! Captures of the network: each HTTP/2 connection in a pcap or pcapng file, explained by a tap that is fed what the two sides
//! sent, in the order in which it was captured.
//!
//! ```text
//! file ─▶ packets ─▶ link ─▶ IP and TCP segment ─▶ connections ─▶ sides put together ─▶ tap
//! file.rs            link.rs segment.rs            connections.rs side.rs, walk.rs     told.rs
//! ```
//!
//! Not for: TLS, whose octets say nothing without keys; and not for HTTP/1.1.

mod connections;
mod file;
mod link;
mod segment;
mod side;
mod told;
mod walk;

use std::io::{self, Write};

use pellucid_conn::tap::{Record, text::Secrets};

use connections::{Capture, Skipped};
use file::End;

use told::{Kind, Told};

/// Whether octets begin as a capture file does.
pub(super) fn is_capture(octets: &[u8]) -> bool {
    file::is_capture(octets)
}

/// Which connections to explain, and how.
pub(super) struct Wanted {
    /// The number of the only one, from 1 on.
    pub(super) connection: Option<usize>,
    pub(super) secrets: Secrets,
}

/// Explains the connections of a capture on `out`. The inner result says why there was nothing to explain.
pub(super) fn explain(octets: &[u8], wanted: &Wanted, out: &mut impl Write) -> io::Result<Result<(), String>> {
    let capture = Capture::read(octets);
    if capture.connections.is_empty() {
        return Ok(Err(nothing(&capture.skipped)));
    }
    let count = capture.connections.len();
    let chosen = match wanted.connection {
        Some(number) if number > count => {
            let (are, s) = if count == 1 { ("is", "") } else { ("are", "s") };
            return Ok(Err(format!("no connection {number}: there {are} {count} connection{s}")));
        }
        Some(number) => number..=number,
        None => 1..=count,
    };
    let (mut seen, mut why) = (0, String::new());
    for (place, connection) in capture.connections.iter().enumerate() {
        let number = place + 1;
        if !chosen.contains(&number) {
            continue;
        }
        let (client, server) = connection.ends();
        let gap = if number == *chosen.start() { "" } else { "\n" };
        writeln!(out, "{gap}connection {number}: {client} → {server}")?;
        match told::kind(connection) {
            Kind::Http2 => {
                Told::of(connection, wanted.secrets, out)?;
                seen += 1;
            }
            Kind::Other(what) => {
                writeln!(out, "(not explained: {what})")?;
                why = what;
            }
        }
    }
    notes(&capture.skipped, out)?;
    Ok(match (seen, count) {
        (0, 1) => Err(format!("not HTTP/2: {why}")),
        (0, _) if wanted.connection.is_some() => Err(format!("not HTTP/2: {why}")),
        (0, _) => Err(format!("none of its {count} connections is HTTP/2")),
        _ => Ok(()),
    })
}

/// What was left out, after everything else.
fn notes(skipped: &Skipped, out: &mut impl Write) -> io::Result<()> {
    let counts = [
        (skipped.not_tcp, "without TCP over IP"),
        (skipped.fragments, "that are fragments of IP packets"),
        (skipped.cut_heads, "cut short within their heads"),
        (skipped.other_links, "of a link type that is not read here"),
    ];
    let told: Vec<_> = counts.iter().filter(|(count, _)| *count > 0).map(|(n, what)| format!("{n} {what}")).collect();
    let mut lines = Vec::new();
    if !told.is_empty() {
        lines.push(format!("(packets left out: {})", told.join(", ")));
    }
    if skipped.cut_contents > 0 {
        lines.push(format!(
            "(packets cut short when they were captured: {}; tcpdump -s 0 keeps them whole)",
            skipped.cut_contents
        ));
    }
    lines.extend(end_note(skipped.end).map(str::to_owned));
    if !lines.is_empty() {
        writeln!(out)?;
    }
    lines.iter().try_for_each(|line| writeln!(out, "{line}"))
}

fn end_note(end: Option<End>) -> Option<&'static str> {
    match end {
        None | Some(End::Whole) => None,
        Some(End::Cut) => Some("(the file ends in the middle of a packet)"),
        Some(End::Damaged) => Some("(the file is damaged: what follows here is no packet)"),
    }
}

/// Why there is no connection in a file.
fn nothing(skipped: &Skipped) -> String {
    match skipped {
        Skipped { packets: 0, end: Some(End::Whole), .. } => "a capture without packets".to_owned(),
        Skipped { packets: 0, end: Some(End::Damaged), .. } => "a damaged capture: its head cannot be read".to_owned(),
        Skipped { packets: 0, .. } => "a capture cut off before its first packet".to_owned(),
        Skipped { packets, other_links, other_link, .. } if packets == other_links => format!(
            "link type {other_link} is not read here; Ethernet (1), Linux cooked (113, 276), loopback (0, 108) and raw \
             IP (101, 228, 229) are"
        ),
        Skipped { packets, .. } => format!("no TCP segment in the capture (packets: {packets})"),
    }
}

/// A record, before it is written down.
type Sink<'a> = &'a mut dyn FnMut(Record);

#[cfg(test)]
mod tests;
