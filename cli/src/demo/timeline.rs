//! The picture: two columns, the client's frames on the left, the server's on the right, time from top to bottom.
//!
//! ```text
//!     0.3  → HEADERS  stream 1  GET /hello  END_STREAM
//!                                               0.5  ← HEADERS  stream 1  200
//! ```
//!
//! Not for: explaining what is new; that is `lesson`'s.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use pellucid_conn::h2::Role;
use pellucid_conn::tap::{Block, Coded, Described, Record, Step, What};
use pellucid_frame::{Flags, Head, StreamId};

use super::Outcome;
use super::block::{Way, fields, value, way};
use super::lesson::Lessons;
use super::totals::Totals;
use crate::colour;

/// How much is told of header fields.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// Each field, with how it was coded.
    Fields,
    /// What they come to.
    Summary,
}

/// Shared by the connection's tap and the scenes.
#[derive(Clone)]
pub(super) struct Timeline(Arc<Mutex<Page>>);

struct Page {
    out: io::Stdout,
    colours: Colours,
    detail: Detail,
    began: Instant,
    lessons: Lessons,
    totals: Totals,
    /// Why nothing is shown any more.
    failure: Option<io::Error>,
}

impl Timeline {
    pub(super) fn on_stdout() -> Self {
        let out = io::stdout();
        let colours = if colour::is_wanted(&out) { Colours::On } else { Colours::Off };
        Self(Arc::new(Mutex::new(Page {
            out,
            colours,
            detail: Detail::Fields,
            began: Instant::now(),
            lessons: Lessons::default(),
            totals: Totals::default(),
            failure: None,
        })))
    }

    pub(super) fn detail(&self, detail: Detail) {
        self.page().detail = detail;
    }

    pub(super) fn scene(&self, title: &str) {
        let mut page = self.page();
        let title = page.colours.paint(BOLD, title);
        page.print(&format!("\n{title}\n\n"));
    }

    pub(super) fn record(&self, record: &Record) {
        let mut page = self.page();
        page.totals.count(record);
        let mut text = page.frame(record);
        for lesson in page.lessons.learn(record) {
            for line in wrap(lesson, LESSON_WIDTH) {
                let line = page.colours.paint(DIM, &line);
                let _ = writeln!(text, "{:7}   | {line}", "");
            }
        }
        page.print(&text);
    }

    pub(super) fn finish(&self, outcomes: &[Outcome]) {
        let mut page = self.page();
        let text = page.summary(outcomes);
        page.print(&text);
    }

    /// Why nothing could be shown any more, if so.
    pub(super) fn failure(&self) -> Option<io::Error> {
        self.page().failure.take()
    }

    fn page(&self) -> MutexGuard<'_, Page> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Page {
    fn print(&mut self, text: &str) {
        if self.failure.is_none() {
            let printed = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
            self.failure = printed.err();
        }
    }

    /// A frame's line, and those below it that say what is in it.
    fn frame(&self, record: &Record) -> String {
        let (title, inside) = match &record.what {
            What::Preface => ("PRI * HTTP/2.0 (preface)".to_owned(), Vec::new()),
            What::Frame { head, described } => (self.title(*head, described), self.inside(described)),
            // Two well-behaved ends show nothing else.
            other => (format!("{other:?}"), Vec::new()),
        };
        let (indent, arrow) = match record.from {
            Role::Client => ("", "→"),
            Role::Server => (RIGHT, "←"),
        };
        let ms = self.began.elapsed().as_secs_f64() * 1000.0;
        let mut text = format!("{ms:7.1} {indent}{arrow} {title}\n");
        for line in inside {
            let _ = writeln!(text, "{:7} {indent}    {line}", "");
        }
        text
    }

    fn title(&self, head: Head, described: &Described) -> String {
        let kind = head.kind.name().unwrap_or("unknown");
        let mut title = self.colours.paint(BOLD, kind);
        if !head.stream.is_connection() {
            let _ = write!(title, "  {}", self.stream(head.stream));
        }
        match described {
            Described::Headers { block, .. } => {
                let _ = write!(title, "  {}", headline(block));
            }
            Described::Data { content, .. } => {
                let _ = write!(title, "  {content} octets");
            }
            Described::WindowUpdate { increment, window } => {
                let now = window.map(|octets| format!(", now {octets}")).unwrap_or_default();
                let _ = write!(title, "  +{increment}{now}");
            }
            Described::GoAway { code, .. } => {
                let _ = write!(title, "  {code}");
            }
            Described::Reset(code) => {
                let _ = write!(title, "  {code}");
            }
            _ => {}
        }
        let may_end = matches!(described, Described::Headers { .. } | Described::Data { .. });
        if may_end && head.flags.contains(Flags::END_STREAM) {
            title.push_str("  END_STREAM");
        }
        if matches!(described, Described::SettingsAck) || is_ping_ack(head, described) {
            title.push_str("  ACK");
        }
        title
    }

    fn inside(&self, described: &Described) -> Vec<String> {
        match described {
            Described::Settings(settings) => {
                settings.iter().map(|setting| format!("{} = {}", setting.id, setting.value)).collect()
            }
            Described::Headers { block, .. } if self.detail == Detail::Fields => {
                block.steps.iter().filter_map(field).collect()
            }
            Described::Headers { block, .. } => vec![sizes(block)],
            _ => Vec::new(),
        }
    }

    fn summary(&self, outcomes: &[Outcome]) -> String {
        let totals = &self.totals;
        let mut text = format!("\n{}\n\n", self.colours.paint(BOLD, "What happened"));
        for Outcome { what, status, octets, took_ms } in outcomes {
            let _ = writeln!(text, "  {what:14} {status}  {octets:6} octets  complete after {took_ms:6.1} ms");
        }
        let _ = writeln!(
            text,
            "\n  {} requests shared one connection, {} of them at the same time.",
            totals.requests, totals.most_open
        );
        let _ = writeln!(
            text,
            "  {} frames by the client, {} by the server; {} octets, {} of them content.",
            totals.frames_by_client, totals.frames_by_server, totals.octets, totals.content
        );
        let percent = 100 - (totals.fields_wire * 100).checked_div(totals.fields_plain).unwrap_or(100);
        let _ = writeln!(
            text,
            "  Header fields: {} octets of text went as {}: HPACK saved {percent} %.",
            totals.fields_plain, totals.fields_wire
        );
        text.push_str("\n  Next: pellucid serve --echo, pellucid get -v URL, pellucid decode FILE.\n");
        text
    }

    fn stream(&self, id: StreamId) -> String {
        let colour = STREAM_COLOURS.get(id.get() as usize / 2 % STREAM_COLOURS.len()).copied().unwrap_or(BOLD);
        self.colours.paint(colour, &format!("stream {id}"))
    }
}

fn is_ping_ack(head: Head, described: &Described) -> bool {
    matches!(described, Described::Ping(_)) && head.flags.contains(Flags::ACK)
}

/// What a block is, in few words: a request's method and path, a response's status, or trailers.
fn headline(block: &Block) -> String {
    let text = |name: &[u8]| value(block, name).map(|value| value.escape_ascii().to_string());
    match (text(b":method"), text(b":path"), text(b":status")) {
        (Some(method), Some(path), _) => match text(b"priority") {
            Some(priority) => format!("{method} {path} (priority: {priority})"),
            None => format!("{method} {path}"),
        },
        (_, _, Some(status)) => status,
        _ => {
            let trailers =
                fields(block).map(|(name, value)| format!("{}: {}", name.escape_ascii(), value.escape_ascii()));
            format!("trailers {}", trailers.collect::<Vec<_>>().join(", "))
        }
    }
}

/// A field, and what it cost.
fn field(step: &Step) -> Option<String> {
    let Coded::Field { name, value, representation, .. } = &step.coded else { return None };
    let note = match way(step) {
        Way::WellKnown => "in the static table",
        Way::Remembered => "remembered",
        Way::Kept => "new, kept",
        Way::Spelled => "not kept",
    };
    let octets = representation.octets;
    let noun = if octets == 1 { "octet" } else { "octets" };
    Some(format!("{}: {}  [{octets} {noun}, {note}]", name.escape_ascii(), value.escape_ascii()))
}

/// What a block's fields come to.
fn sizes(block: &Block) -> String {
    let mut totals = Totals::default();
    totals.fields(block);
    let count = fields(block).count();
    let noun = if count == 1 { "field" } else { "fields" };
    format!("{count} {noun}, {} octets of text as {}", totals.fields_plain, totals.fields_wire)
}

/// Lines of at most `width` characters, broken at spaces.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Whether the terminal shows colours and wants them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Colours {
    On,
    Off,
}

impl Colours {
    fn paint(self, code: &str, text: &str) -> String {
        match self {
            Self::On => format!("\x1b[{code}m{text}\x1b[0m"),
            Self::Off => text.to_owned(),
        }
    }
}

const BOLD: &str = "1";
const DIM: &str = "2";

/// Cyan, yellow, magenta, green, blue, red.
const STREAM_COLOURS: [&str; 6] = ["36", "33", "35", "32", "34", "31"];

/// Where the server's column begins.
const RIGHT: &str = "                                        ";

const LESSON_WIDTH: usize = 84;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_spaces() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("overlong a", 3), ["overlong", "a"]);
        assert_eq!(wrap("ä ö", 3), ["ä ö"]);
    }
}
