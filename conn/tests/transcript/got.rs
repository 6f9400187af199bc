//! Events by name, to compare with.

use pellucid_conn::h2::Priority;
use pellucid_conn::{Cause, End, ErrorCode, Event, Refusal};

use super::frames::{Lines, Octets};

/// An event, comparable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Got {
    Headers { id: u32, fields: Lines, end: End },
    Data { id: u32, data: Octets, end: End },
    Trailers { id: u32, fields: Lines },
    Reset { id: u32, cause: Cause },
    Writable { id: u32 },
    SlotFree,
    Refused { id: u32, why: Refusal },
    Promise { on: u32, id: u32, fields: Lines },
    Priority { id: u32, priority: Priority },
    Settings,
    Pong([u8; 8]),
    AltSvc { id: u32, origin: Octets, value: Octets },
    Origin(Vec<Octets>),
    GoAway { last: u32, code: ErrorCode },
    Drained,
}

impl From<Event> for Got {
    fn from(event: Event) -> Self {
        match event {
            Event::Headers { id, fields, end } => {
                Self::Headers { id: id.get(), fields: Lines::from_fields(&fields), end }
            }
            Event::Data { id, data, end } => Self::Data { id: id.get(), data: Octets(data.to_vec()), end },
            Event::Trailers { id, fields } => Self::Trailers { id: id.get(), fields: Lines::from_fields(&fields) },
            Event::Reset { id, cause } => Self::Reset { id: id.get(), cause },
            Event::Writable { id } => Self::Writable { id: id.get() },
            Event::SlotFree => Self::SlotFree,
            Event::Refused { id, why } => Self::Refused { id: id.get(), why },
            Event::Promise { on, id, fields } => {
                Self::Promise { on: on.get(), id: id.get(), fields: Lines::from_fields(&fields) }
            }
            Event::Priority { id, priority } => Self::Priority { id: id.get(), priority },
            Event::Settings(_) => Self::Settings,
            Event::Pong(payload) => Self::Pong(payload),
            Event::AltSvc(alt) => Self::AltSvc {
                id: alt.stream.get(),
                origin: Octets(alt.origin.to_vec()),
                value: Octets(alt.value.to_vec()),
            },
            Event::Origin(origins) => Self::Origin(origins.iter().map(|o| Octets(o.to_vec())).collect()),
            Event::GoAway { last, code, .. } => Self::GoAway { last: last.get(), code },
            Event::Drained => Self::Drained,
            other => panic!("{other:?} is new here"),
        }
    }
}

pub(crate) fn headers<N: AsRef<[u8]>, V: AsRef<[u8]>>(id: u32, fields: &[(N, V)], end: End) -> Got {
    Got::Headers { id, fields: Lines::of(fields), end }
}

pub(crate) fn data(id: u32, data: &[u8], end: End) -> Got {
    Got::Data { id, data: Octets(data.to_vec()), end }
}

pub(crate) fn trailers(id: u32, fields: &[(&str, &str)]) -> Got {
    Got::Trailers { id, fields: Lines::of(fields) }
}

pub(crate) fn reset(id: u32, cause: Cause) -> Got {
    Got::Reset { id, cause }
}

pub(crate) fn refused(id: u32, why: Refusal) -> Got {
    Got::Refused { id, why }
}

pub(crate) fn promise(on: u32, id: u32, fields: &[(&str, &str)]) -> Got {
    Got::Promise { on, id, fields: Lines::of(fields) }
}

pub(crate) fn goaway(last: u32, code: ErrorCode) -> Got {
    Got::GoAway { last, code }
}

pub(crate) fn priority(id: u32, priority: Priority) -> Got {
    Got::Priority { id, priority }
}

pub(crate) fn alt_svc(id: u32, origin: &str, value: &str) -> Got {
    Got::AltSvc { id, origin: Octets(origin.into()), value: Octets(value.into()) }
}

pub(crate) fn origin(origins: &[&str]) -> Got {
    Got::Origin(origins.iter().map(|o| Octets((*o).into())).collect())
}
