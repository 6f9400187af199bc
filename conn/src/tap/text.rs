//! A record as plain text: a line that says who sent what, and indented lines that explain it.
//!
//! ```text
//! -> HEADERS stream 1 END_STREAM END_HEADERS, 24 octets
//!     :method: GET  [indexed 2, static]
//! ```
//! `->` goes from the client to the server. Every octet a peer chose is shown as visible ASCII, so that no terminal obeys it.
//!
//! Not for: machines; they have the [`Record`].

mod coding;

use std::fmt::{self, Write};

use pellucid_frame::{Dependency, Flags, Head, Kind, StreamId};

use super::record::{Block, Described, Outcome, Record, What, WindowsLeft};
use crate::h2::{Role, Scope, Violation};

/// What becomes of values that may be secret: those of authorization and cookie fields, and of fields that are never to be
/// put into a compression table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Secrets {
    /// Only their length is shown.
    #[default]
    Redacted,
    /// They are shown.
    Shown,
}

/// The record in one line or several, each with its line end.
#[must_use]
pub fn render(record: &Record, secrets: Secrets) -> String {
    let mut out = String::new();
    write_record(&mut out, record, secrets).expect("a String takes everything");
    out
}

fn write_record(out: &mut String, record: &Record, secrets: Secrets) -> fmt::Result {
    let arrow = match record.from {
        Role::Client => "->",
        Role::Server => "<-",
    };
    write!(out, "{arrow} ")?;
    match &record.what {
        What::Preface => writeln!(out, "preface, 24 octets"),
        What::Frame { head, described } => {
            writeln!(out, "{}", Title(*head))?;
            describe(out, record.from, *head, described, secrets)
        }
        What::Fault { head, violation, scope } => write_fault(out, record.from, *head, (*violation, *scope)),
        What::Cut { octets, head } => {
            write!(out, "(the octets end here, {} into ", Count(*octets, "octet"))?;
            match head {
                Some(head) => writeln!(out, "a frame of {}: {})", u64::from(head.length) + 9, Title(*head)),
                None => writeln!(out, "the preface or a frame's head)"),
            }
        }
        What::Missing { octets: Some(octets) } => writeln!(out, "({} missing)", Count(*octets, "octet")),
        What::Missing { octets: None } => writeln!(out, "(what came before is missing)"),
        What::Skipped { octets } => writeln!(out, "({} skipped)", Count(*octets, "octet")),
    }
}

fn write_fault(
    out: &mut String,
    from: Role,
    head: Option<Head>,
    (violation, scope): (Violation, Scope),
) -> fmt::Result {
    // Frame rules are cited without the letters RFC, all others with them.
    let section = violation.section().trim_start_matches("RFC ");
    let ends = match scope {
        Scope::Stream => "stream",
        Scope::Connection => "connection",
    };
    if let Some(head) = head {
        write!(out, "{}: ", Title(head))?;
    }
    writeln!(out, "{ends} error {}", violation.code())?;
    writeln!(out, "{INDENT}{} (RFC {section})", violation.message())?;
    match scope {
        Scope::Stream => Ok(()),
        Scope::Connection => writeln!(out, "{INDENT}(what follows from the {} is skipped)", name(from)),
    }
}

fn describe(out: &mut String, from: Role, head: Head, what: &Described, secrets: Secrets) -> fmt::Result {
    match what {
        Described::Data { content, padding, windows } => {
            write!(out, "{INDENT}{} of content", Count(u64::from(*content), "octet"))?;
            write_padding(out, *padding)?;
            write_windows(out, from, *windows)
        }
        Described::Headers { padding, dependency, block } => {
            write_fixed(out, *padding, *dependency)?;
            write_block(out, block, secrets)
        }
        Described::PushPromise { promised, padding, block } => {
            writeln!(out, "{INDENT}promises stream {promised}")?;
            write_fixed(out, *padding, None)?;
            write_block(out, block, secrets)
        }
        Described::Continuation(block) => write_block(out, block, secrets),
        Described::Priority(dependency) => write_fixed(out, None, Some(*dependency)),
        Described::Reset(code) => writeln!(out, "{INDENT}{code}"),
        Described::Settings(settings) => {
            settings.iter().try_for_each(|setting| writeln!(out, "{INDENT}{} = {}", setting.id, setting.value))
        }
        Described::SettingsAck => writeln!(out, "{INDENT}the {}'s settings are in force", name(from.peer())),
        Described::Ping(payload) => writeln!(out, "{INDENT}{:#018x}", u64::from_be_bytes(*payload)),
        Described::GoAway { last, code, debug } => {
            writeln!(out, "{INDENT}{code}, last stream {last}")?;
            if debug.is_empty() { Ok(()) } else { writeln!(out, "{INDENT}debug: {}", Visible(debug)) }
        }
        Described::WindowUpdate { increment, window } => {
            write!(out, "{INDENT}{increment} more")?;
            write_window(out, from.peer(), head.stream, *window)
        }
        Described::PriorityUpdate { prioritized, value } => {
            writeln!(out, "{INDENT}stream {prioritized}: {}", Visible(value))
        }
        Described::AltSvc { origin, value } => {
            if !origin.is_empty() {
                writeln!(out, "{INDENT}origin: {}", Visible(origin))?;
            }
            writeln!(out, "{INDENT}{}", Visible(value))
        }
        Described::Origin(origins) => {
            origins.iter().try_for_each(|origin| writeln!(out, "{INDENT}{}", Visible(origin)))
        }
        Described::Unknown => writeln!(out, "{INDENT}to be ignored (RFC 9113 §5.5)"),
    }
}

/// The fields before a field block that some frames have.
fn write_fixed(out: &mut String, padding: Option<u8>, dependency: Option<Dependency>) -> fmt::Result {
    if let Some(octets) = padding {
        writeln!(out, "{INDENT}{} of padding", Count(octets.into(), "octet"))?;
    }
    if let Some(Dependency { exclusive, on, weight }) = dependency {
        let exclusive = if exclusive { ", exclusively" } else { "" };
        // RFC 9113 §5.3.2: to be ignored. The octet is one less than the weight.
        let weight = u16::from(weight) + 1;
        writeln!(out, "{INDENT}depends on stream {on}{exclusive}, weight {weight} (deprecated)")?;
    }
    Ok(())
}

fn write_padding(out: &mut String, padding: Option<u8>) -> fmt::Result {
    padding.map_or(Ok(()), |octets| write!(out, ", {} of padding", Count(octets.into(), "octet")))
}

fn write_windows(out: &mut String, from: Role, windows: Option<WindowsLeft>) -> fmt::Result {
    let Some(WindowsLeft { connection, stream }) = windows else { return writeln!(out) };
    write!(out, "; the {} may still send ", name(from))?;
    if let Some(stream) = stream {
        write!(out, "{stream} on the stream, ")?;
    }
    write!(out, "{connection} on the connection")?;
    let overdrawn = connection < 0 || stream.is_some_and(|octets| octets < 0);
    writeln!(out, "{}", if overdrawn { " (overdrawn: RFC 9113 §6.9.1)" } else { "" })
}

fn write_window(out: &mut String, sender: Role, stream: StreamId, window: Option<i64>) -> fmt::Result {
    let Some(window) = window else { return writeln!(out) };
    let place = if stream.is_connection() { "connection" } else { "stream" };
    // RFC 9113 §6.9.1: no window exceeds 2^31-1.
    let over = if window > i64::from(i32::MAX) { " (more than a window can be: RFC 9113 §6.9.1)" } else { "" };
    writeln!(out, ": the {} may send {window} on the {place}{over}", name(sender))
}

fn write_block(out: &mut String, block: &Block, secrets: Secrets) -> fmt::Result {
    for step in &block.steps {
        coding::write_step(out, step, secrets)?;
    }
    let Some(Outcome { section, table }) = block.outcome else { return Ok(()) };
    write!(out, "{INDENT}(block ends: {}", Count(section.fields.into(), "field"))?;
    if table.is_some() {
        write!(out, ", section size {}", section.size)?;
    }
    if section.over.is_some() {
        write!(out, ", too many to show all")?;
    }
    let Some(table) = table else { return writeln!(out, ")") };
    let entries = plural(table.entries.into(), "entry", "entries");
    writeln!(out, "; table {} of {} octets, {} {entries})", table.size, table.max_size, table.entries)
}

fn name(role: Role) -> &'static str {
    match role {
        Role::Client => "client",
        Role::Server => "server",
    }
}

fn plural<'a>(count: u64, one: &'a str, many: &'a str) -> &'a str {
    if count == 1 { one } else { many }
}

/// A frame's head: type, stream, flags, length.
struct Title(Head);

impl fmt::Display for Title {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Head { length, kind, flags, stream } = self.0;
        match kind.name() {
            Some(kind) => write!(f, "{kind} stream {stream}")?,
            None => write!(f, "type {kind} stream {stream}")?,
        }
        let mut unnamed = flags.get();
        for (flag, name) in flag_names(kind) {
            if flags.contains(*flag) {
                write!(f, " {name}")?;
                unnamed &= !flag.get();
            }
        }
        if unnamed != 0 {
            write!(f, " flags {unnamed:#04x}")?;
        }
        write!(f, ", {}", Count(length.into(), "octet"))
    }
}

/// The flags that a type defines (RFC 9113 §6); others are ignored.
fn flag_names(kind: Kind) -> &'static [(Flags, &'static str)] {
    const END_STREAM: (Flags, &str) = (Flags::END_STREAM, "END_STREAM");
    const END_HEADERS: (Flags, &str) = (Flags::END_HEADERS, "END_HEADERS");
    const PADDED: (Flags, &str) = (Flags::PADDED, "PADDED");
    match kind {
        Kind::DATA => &[END_STREAM, PADDED],
        Kind::HEADERS => &[END_STREAM, END_HEADERS, PADDED, (Flags::PRIORITY, "PRIORITY")],
        Kind::PUSH_PROMISE => &[END_HEADERS, PADDED],
        Kind::CONTINUATION => &[END_HEADERS],
        Kind::SETTINGS | Kind::PING => &[(Flags::ACK, "ACK")],
        _ => &[],
    }
}

/// A number and its noun.
struct Count(u64, &'static str);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.0, self.1, if self.0 == 1 { "" } else { "s" })
    }
}

/// Octets as visible ASCII and spaces; all others, and the backslash, are escaped.
struct Visible<'a>(&'a [u8]);

impl fmt::Display for Visible<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for octet in self.0 {
            match octet {
                b'\\' => f.write_str("\\\\")?,
                b' '..=b'~' => f.write_char(char::from(*octet))?,
                _ => write!(f, "\\x{octet:02x}")?,
            }
        }
        Ok(())
    }
}

const INDENT: &str = "    ";

#[cfg(test)]
mod tests {
    use pellucid_hpack::{Coding, Indexing, NameCoding, Representation, StringCoding};

    use super::*;
    use crate::tap::record::{Coded, Step};

    fn field(name: &str, value: &[u8], indexing: Indexing, secrets: Secrets) -> String {
        let (at, raw) = (NameCoding::Indexed { index: 62 }, StringCoding::Raw);
        let coding = Coding::Literal { indexing, name: at, value: raw };
        let coded = Coded::Field {
            name: name.as_bytes().into(),
            value: value.into(),
            sensitive: indexing == Indexing::Never,
            representation: Representation { coding, octets: 9 },
        };
        let mut out = String::new();
        let step = Step { coded, added: false, evicted: Vec::new() };
        coding::write_step(&mut out, &step, secrets).expect("a String takes everything");
        out
    }

    #[test]
    fn secrets_are_shown_only_when_asked_for() {
        let coded = "[literal, not added; name 62, dynamic; value raw]";
        for name in ["authorization", "proxy-authorization", "cookie", "set-cookie", "Cookie"] {
            let redacted = format!("    {name}: <redacted, 6 octets>  {coded}\n");
            assert_eq!(field(name, b"secret", Indexing::Without, Secrets::Redacted), redacted);
            let shown = format!("    {name}: secret  {coded}\n");
            assert_eq!(field(name, b"secret", Indexing::Without, Secrets::Shown), shown);
        }
        assert!(field("x-key", b"secret", Indexing::Never, Secrets::Redacted).contains("<redacted, 6 octets>"));
        assert!(field("x-key", b"public", Indexing::Without, Secrets::Redacted).contains("x-key: public"));
    }

    #[test]
    fn no_octet_reaches_a_terminal_that_it_might_obey() {
        let all: Vec<u8> = (0..=255).collect();
        let line = field("x", &all, Indexing::Without, Secrets::Redacted);
        let line = line.strip_suffix('\n').expect("a line ends");
        assert!(line.bytes().all(|octet| (b' '..=b'~').contains(&octet)), "{line}");
        assert!(line.contains("\\x1b\\x1c") && line.contains("[\\\\]"), "{line}");
    }

    #[test]
    fn windows_beyond_their_bounds_are_pointed_out() {
        let mut out = String::new();
        let windows = WindowsLeft { connection: 5, stream: Some(-1) };
        write_windows(&mut out, Role::Server, Some(windows)).expect("a String takes everything");
        write_window(&mut out, Role::Client, StreamId::new(1), Some(1 << 31)).expect("a String takes everything");
        write_window(&mut out, Role::Client, StreamId::CONNECTION, Some(9)).expect("a String takes everything");
        assert_eq!(
            out,
            "; the server may still send -1 on the stream, 5 on the connection (overdrawn: RFC 9113 §6.9.1)\n\
             : the client may send 2147483648 on the stream (more than a window can be: RFC 9113 §6.9.1)\n\
             : the client may send 9 on the connection\n",
        );
    }
}
