//! What a tap tells: one [`Record`] a frame, everything in it owned, so that it can be kept, sent away or printed.
//!
//! Not for: how any of it looks; [`text`](super::text) is one way to show it.

use pellucid_frame::{Dependency, ErrorCode, Head, Setting, StreamId};
use pellucid_hpack::{Representation, Section};

use crate::h2::{Role, Scope, Violation};

/// One thing that was seen in the octets of one side.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Who sent the octets.
    pub from: Role,
    /// Where they begin, in octets since the beginning of what this side sent.
    pub at: u64,
    /// What they are.
    pub what: What,
}

/// What a record is about.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum What {
    /// The 24 octets a client begins with (RFC 9113 §3.4).
    Preface,
    /// A frame.
    Frame {
        /// Its head.
        head: Head,
        /// Its payload.
        described: Described,
    },
    /// A broken rule.
    Fault {
        /// The frame that breaks it; `None` where there was no frame.
        head: Option<Head>,
        /// Which rule, with its section and code.
        violation: Violation,
        /// What ends. After `Connection` the rest of this side's octets is skipped, after `Stream` reading goes on.
        scope: Scope,
    },
    /// The octets end inside a frame or the preface.
    Cut {
        /// Octets there are of it.
        octets: u64,
        /// Its head, if that is whole.
        head: Option<Head>,
    },
    /// Octets are missing here: so many, or `None` where nobody knows. What was in them is not known from here on.
    Missing {
        /// How many.
        octets: Option<u64>,
    },
    /// Octets that could not be read: those after a broken rule ended the connection, or the rest of a frame whose
    /// beginning is missing.
    Skipped {
        /// How many.
        octets: u64,
    },
}

/// A frame's payload.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Described {
    /// DATA; the content itself is left out.
    Data {
        /// Octets of content.
        content: u32,
        /// Octets of padding, with the PADDED flag.
        padding: Option<u8>,
        /// What the sender may still send; `None` when only one side is watched.
        windows: Option<WindowsLeft>,
    },
    /// HEADERS.
    Headers {
        /// Octets of padding, with the PADDED flag.
        padding: Option<u8>,
        /// The deprecated dependency, with the PRIORITY flag.
        dependency: Option<Dependency>,
        /// The part of a field block that the frame carries.
        block: Block,
    },
    /// PUSH_PROMISE.
    PushPromise {
        /// The stream that is reserved.
        promised: StreamId,
        /// Octets of padding, with the PADDED flag.
        padding: Option<u8>,
        /// The part of a field block that the frame carries.
        block: Block,
    },
    /// CONTINUATION: the next part of a field block.
    Continuation(Block),
    /// PRIORITY, deprecated.
    Priority(Dependency),
    /// RST_STREAM.
    Reset(ErrorCode),
    /// SETTINGS, in wire order. They are in force from the acknowledgment on.
    Settings(Vec<Setting>),
    /// SETTINGS with ACK: the other side's settings are in force.
    SettingsAck,
    /// PING, or with ACK its answer.
    Ping([u8; 8]),
    /// GOAWAY.
    GoAway {
        /// The last stream of the other side that the sender has acted upon or may yet.
        last: StreamId,
        /// Why.
        code: ErrorCode,
        /// Text for people.
        debug: Box<[u8]>,
    },
    /// WINDOW_UPDATE.
    WindowUpdate {
        /// Octets more.
        increment: u32,
        /// What the other side may send now, on the stream or the connection; `None` when only one side is watched, or
        /// the stream is not open.
        window: Option<i64>,
    },
    /// PRIORITY_UPDATE (RFC 9218 §7.1).
    PriorityUpdate {
        /// The stream whose priority changes.
        prioritized: StreamId,
        /// A Priority field value.
        value: Box<[u8]>,
    },
    /// ALTSVC (RFC 7838 §4).
    AltSvc {
        /// The origin; empty on a stream.
        origin: Box<[u8]>,
        /// An Alt-Svc field value.
        value: Box<[u8]>,
    },
    /// ORIGIN (RFC 8336 §2).
    Origin(Vec<Box<[u8]>>),
    /// A frame of a type that is not known here, to be ignored (RFC 9113 §5.5).
    Unknown,
}

/// What a sender of DATA may still send (RFC 9113 §6.9.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowsLeft {
    /// On the connection. Below 0 the sender has overdrawn it.
    pub connection: i64,
    /// On the stream; `None` where the stream is not open, as far as the tap has seen.
    pub stream: Option<i64>,
}

/// The part of a field block that one frame carries: the representations that end in it (RFC 7541 §6).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block {
    /// In wire order.
    pub steps: Vec<Step>,
    /// Where the block ends with this frame: what came of it.
    pub outcome: Option<Outcome>,
}

/// One representation and what it does to the dynamic table.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The representation.
    pub coded: Coded,
    /// Whether the field is now the table's newest entry, index 62.
    pub added: bool,
    /// The names of the entries that left the table, oldest first.
    pub evicted: Vec<Box<[u8]>>,
}

/// A representation.
#[derive(Clone, Debug, PartialEq)]
pub enum Coded {
    /// A field.
    Field {
        /// Its name.
        name: Box<[u8]>,
        /// Its value.
        value: Box<[u8]>,
        /// Whether it may never be put into a compression table (RFC 7541 §7.1.3).
        sensitive: bool,
        /// How it stood on the wire.
        representation: Representation,
    },
    /// A field whose name, and perhaps value, stands in a table entry that came before what the tap has seen.
    Unknown {
        /// Its value, where that was seen.
        value: Option<Box<[u8]>>,
        /// How it stood on the wire.
        representation: Representation,
    },
    /// A new maximum for the dynamic table (RFC 7541 §6.3).
    SizeUpdate(u32),
}

/// What came of a whole field block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// What the block contained.
    pub section: Section,
    /// The dynamic table after it; `None` where the tap does not know all of it.
    pub table: Option<Table>,
}

/// The state of a dynamic table (RFC 7541 §4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// How many entries it has.
    pub entries: u32,
    /// Octets they count for.
    pub size: u32,
    /// Octets they may count for.
    pub max_size: u32,
}
