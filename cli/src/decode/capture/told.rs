//! One connection of a capture told: whether it is HTTP/2 at all, its frames, how many there were, what TCP did to them.
//!
//! Not for: the wording of frames; that is the tap's.

use std::collections::BTreeMap;
use std::io::{self, Write};

use pellucid_conn::h2::Role;
use pellucid_conn::tap::{Record, Tap, What, text, text::Secrets};
use pellucid_frame::PREFACE;

use super::super::recognise;
use super::Sink;
use super::connections::Connection;
use super::side::{Counts, Piece};
use super::walk::{Step, beginning, walk};
use crate::titles::Titles;

/// What a connection carries.
pub(super) enum Kind {
    Http2,
    /// Something else, in words.
    Other(String),
}

/// Tells what a connection carries, from its beginning or else by looking for frames.
pub(super) fn kind(connection: &Connection<'_>) -> Kind {
    let [client, server] = [Role::Client, Role::Server].map(|role| beginning(connection, role));
    let is_silent = |side: Option<&[u8]>| side.is_some_and(<[u8]>::is_empty);
    if is_silent(client) && is_silent(server) {
        return Kind::Other("no octets were sent".to_owned());
    }
    match client {
        // RFC 9113 §3.4: a client begins with the preface. What is shorter may become one.
        Some(octets) if !octets.is_empty() && (octets.starts_with(PREFACE) || PREFACE.starts_with(octets)) => {
            return Kind::Http2;
        }
        Some(octets) if !octets.is_empty() => return Kind::Other(name(octets)),
        _ => {}
    }
    let (mut frames, mut first) = (0_u64, None);
    let mut tap = Tap::new();
    walk(connection, &mut |role, step| {
        if let (Step::Piece(Piece::Octets(octets)), None) = (&step, first) {
            first = Some(*octets);
        }
        // One is enough.
        if frames == 0 {
            feed(&mut tap, role, step, &mut |record| frames += u64::from(matches!(record.what, What::Frame { .. })));
        }
    });
    end(&mut tap, &mut |record| frames += u64::from(matches!(record.what, What::Frame { .. })));
    if frames > 0 { Kind::Http2 } else { Kind::Other(name(first.unwrap_or_default())) }
}

/// The protocol that octets seem to be of.
fn name(octets: &[u8]) -> String {
    if let Some(version) = recognise::http1(octets) {
        return format!("{version} text");
    }
    match octets {
        // RFC 8446 §5.1: a record of a type from 20 to 23, of a version that begins with 3.
        [20..=23, 3, ..] => "TLS, whose octets say nothing without keys".to_owned(),
        _ => "neither a preface nor frames".to_owned(),
    }
}

/// A connection on its way out.
pub(super) struct Told {
    secrets: Secrets,
    titles: Titles,
    frames: [BTreeMap<String, u64>; 2],
}

impl Told {
    /// Writes down everything that a connection's octets tell.
    pub(super) fn of(connection: &Connection<'_>, secrets: Secrets, out: &mut impl Write) -> io::Result<()> {
        let mut told = Self { secrets, titles: Titles::default(), frames: Default::default() };
        let (mut tap, mut written) = (Tap::new(), Ok(()));
        let mut sink = |record: Record| {
            if written.is_ok() {
                written = told.write(record, out);
            }
        };
        let counts = walk(connection, &mut |role, step| feed(&mut tap, role, step, &mut sink));
        end(&mut tap, &mut sink);
        written?;
        told.frames.iter().zip([Role::Client, Role::Server]).try_for_each(|(frames, role)| {
            let total: u64 = frames.values().sum();
            let kinds: Vec<_> = frames.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
            let (plural, colon) = (if total == 1 { "" } else { "s" }, if total == 0 { "" } else { ": " });
            writeln!(out, "({total} frame{plural} from the {}{colon}{})", side(role), kinds.join(", "))
        })?;
        counts.iter().zip([Role::Client, Role::Server]).try_for_each(|(counts, role)| troubles(*counts, role, out))
    }

    fn write(&mut self, record: Record, out: &mut impl Write) -> io::Result<()> {
        if let What::Frame { head, .. } = &record.what {
            let [client, server] = &mut self.frames;
            let frames = if record.from == Role::Client { client } else { server };
            // All of unknown types count as one, so that nobody can fill this table.
            let kind = head.kind.name().unwrap_or("of unknown types");
            *frames.entry(kind.to_owned()).or_default() += 1;
        }
        out.write_all(text::render(&self.titles.once(record), self.secrets).as_bytes())
    }
}

fn feed(tap: &mut Tap, role: Role, step: Step<'_>, mut sink: Sink<'_>) {
    match step {
        Step::Joins => tap.miss(role, None, &mut sink),
        Step::Piece(Piece::Octets(octets)) => tap.feed(role, octets, &mut sink),
        Step::Piece(Piece::Missing(octets)) => tap.miss(role, Some(octets), &mut sink),
    }
}

fn end(tap: &mut Tap, mut sink: Sink<'_>) {
    tap.end(Role::Client, &mut sink);
    tap.end(Role::Server, &mut sink);
}

/// What TCP or the capture did to the segments of a side, where it did anything.
fn troubles(counts: Counts, role: Role, out: &mut impl Write) -> io::Result<()> {
    let list = [
        (counts.out_of_order, "segments ahead of others"),
        (counts.again, "sent again"),
        (counts.missing_octets, "octets missing"),
    ];
    let told: Vec<_> = list.iter().filter(|(count, _)| *count > 0).map(|(n, what)| format!("{what} {n}")).collect();
    if told.is_empty() {
        return Ok(());
    }
    writeln!(out, "(TCP, from the {}: {})", side(role), told.join(", "))
}

fn side(role: Role) -> &'static str {
    match role {
        Role::Client => "client",
        Role::Server => "server",
    }
}
