//! What to say when something is seen for the first time.
//!
//! Not for: where it is said; that is `timeline`'s.

use std::collections::{BTreeMap, BTreeSet};

use pellucid_conn::h2::Role;
use pellucid_conn::tap::{Block, Described, Record, What};
use pellucid_frame::{Flags, Head, StreamId};

use super::block::{Way, value, way};

/// A thing to learn; each is told once.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lesson {
    Preface,
    Settings,
    Acknowledged,
    Request,
    Response,
    Data,
    ConnectionWindow,
    Indexed,
    Priority,
    Upload,
    WindowUsedUp,
    StreamWindow,
    Interleaved,
    Overtaken,
    Urgent,
    NotFound,
    Trailers,
    GoAway,
}

impl Lesson {
    fn text(self) -> &'static str {
        match self {
            Self::Preface => {
                "A client begins with 24 fixed octets that no HTTP/1.1 server takes for a request it could answer \
                 (RFC 9113 §3.4)."
            }
            Self::Settings => {
                "Each side says what it allows the other: streams at once, octets on their way, size of header \
                 sections. Nobody waits for the other's SETTINGS before sending (§6.5)."
            }
            Self::Acknowledged => "The acknowledgment tells from which moment on the settings are kept (§6.5.3).",
            Self::Request => {
                "A request is a HEADERS frame that opens a stream; a client's streams have odd numbers. END_STREAM: no \
                 content follows (§5.1.1, §8.1)."
            }
            Self::Response => "The response comes on the stream of its request; that is all that ties them together.",
            Self::Data => "Content travels in DATA frames, the only kind that flow control holds back (§5.2.1, §6.1).",
            Self::ConnectionWindow => {
                "Flow control: a receiver grants octets, for every stream and, on stream 0, for the connection as a \
                 whole (§5.2, §6.9)."
            }
            Self::Indexed => {
                "HPACK (RFC 7541): both sides kept the fields of the first request in a table, so each of them is now \
                 one octet, the number of its entry."
            }
            Self::Priority => {
                "Priorities are a field (RFC 9218): u is the urgency, 0 before 7, else 3; i asks to share the \
                 connection with others of the same urgency instead of coming after them."
            }
            Self::Upload => "No END_STREAM: this request has content, which follows in DATA frames.",
            Self::WindowUsedUp => {
                "This stream's window is used up: its DATA must wait for a WINDOW_UPDATE. The other streams go on \
                 (§6.9.1)."
            }
            Self::StreamWindow => "The client has used what it got, and lets the server send as many octets again.",
            Self::Interleaved => {
                "Interleaved: frames of two responses take turns. A frame names its stream, so they cannot be mixed up \
                 (§5)."
            }
            Self::Overtaken => {
                "Answered before an older request that is not ready yet: on HTTP/1.1 this one would have had to wait \
                 behind it, or open a connection of its own."
            }
            Self::Urgent => "The urgent response leaves ahead of the large ones that were asked for before it.",
            Self::NotFound => "An error status ends its stream and nothing else: the connection goes on.",
            Self::Trailers => {
                "Trailers: fields behind the content, for what is known only then; gRPC's status is one (§8.1)."
            }
            Self::GoAway => {
                "GOAWAY: no new streams from here on; those that are open may finish. Then the connection closes \
                 (§6.8)."
            }
        }
    }
}

/// A stream's window after DATA, where it is known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Window {
    Open,
    UsedUp,
}

/// A stream as far as the lessons need it.
#[derive(Default)]
struct Stream {
    is_answered: bool,
    is_urgent: bool,
}

/// What has been told, and what must be known to see what is new.
#[derive(Default)]
pub(super) struct Lessons {
    told: Vec<Lesson>,
    /// Streams that are open.
    streams: BTreeMap<StreamId, Stream>,
    /// Streams whose content has begun and not ended.
    unfinished: BTreeSet<StreamId>,
}

impl Lessons {
    /// What this record shows for the first time.
    pub(super) fn learn(&mut self, record: &Record) -> Vec<&'static str> {
        let shown = match &record.what {
            What::Preface => vec![Lesson::Preface],
            What::Frame { head, described } => self.frame(record.from, *head, described),
            _ => Vec::new(),
        };
        let new: Vec<Lesson> = shown.into_iter().filter(|lesson| !self.told.contains(lesson)).collect();
        self.told.extend(&new);
        new.into_iter().map(Lesson::text).collect()
    }

    fn frame(&mut self, from: Role, head: Head, described: &Described) -> Vec<Lesson> {
        match described {
            Described::Settings(_) => vec![Lesson::Settings],
            Described::SettingsAck => vec![Lesson::Acknowledged],
            Described::WindowUpdate { .. } if head.stream.is_connection() => vec![Lesson::ConnectionWindow],
            Described::WindowUpdate { .. } => vec![Lesson::StreamWindow],
            Described::GoAway { .. } => vec![Lesson::GoAway],
            Described::Headers { block, .. } if from == Role::Client => self.request(head, block),
            Described::Headers { block, .. } => self.response(head, block),
            Described::Data { windows, .. } => {
                let used_up = windows.and_then(|left| left.stream) == Some(0);
                self.data(from, head, if used_up { Window::UsedUp } else { Window::Open })
            }
            _ => Vec::new(),
        }
    }

    fn request(&mut self, head: Head, block: &Block) -> Vec<Lesson> {
        let priority = value(block, b":path").and_then(|_| value(block, b"priority"));
        let is_urgent = priority.is_some_and(|text| text.starts_with(b"u=0"));
        self.streams.insert(head.stream, Stream { is_answered: false, is_urgent });
        let mut shown = vec![Lesson::Request];
        if self.told.contains(&Lesson::Request) && block.steps.iter().any(|step| way(step) == Way::Remembered) {
            shown.push(Lesson::Indexed);
        }
        if priority.is_some() {
            shown.push(Lesson::Priority);
        }
        if !head.flags.contains(Flags::END_STREAM) {
            shown.push(Lesson::Upload);
        }
        shown
    }

    fn response(&mut self, head: Head, block: &Block) -> Vec<Lesson> {
        let Some(status) = value(block, b":status") else {
            self.unfinished.remove(&head.stream);
            self.streams.remove(&head.stream);
            return vec![Lesson::Trailers];
        };
        let mut shown = vec![Lesson::Response];
        let has_older = self.streams.range(..head.stream).any(|(_, stream)| !stream.is_answered);
        if let Some(stream) = self.streams.get_mut(&head.stream) {
            stream.is_answered = true;
            if has_older {
                shown.push(Lesson::Overtaken);
            }
        }
        if status == b"404" {
            shown.push(Lesson::NotFound);
        }
        if head.flags.contains(Flags::END_STREAM) {
            self.streams.remove(&head.stream);
        }
        shown
    }

    fn data(&mut self, from: Role, head: Head, window: Window) -> Vec<Lesson> {
        if from == Role::Client {
            return vec![Lesson::Data];
        }
        let mut shown = vec![Lesson::Data];
        let ends = head.flags.contains(Flags::END_STREAM);
        if self.unfinished.iter().any(|stream| *stream != head.stream) {
            shown.push(Lesson::Interleaved);
        }
        if self.streams.get(&head.stream).is_some_and(|stream| stream.is_urgent) {
            shown.push(Lesson::Urgent);
        }
        if window == Window::UsedUp && !ends {
            shown.push(Lesson::WindowUsedUp);
        }
        if ends {
            self.unfinished.remove(&head.stream);
            self.streams.remove(&head.stream);
        } else {
            self.unfinished.insert(head.stream);
        }
        shown
    }
}
