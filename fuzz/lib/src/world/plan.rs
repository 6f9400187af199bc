//! What is said on a stream, as a function of seed, stream and direction: so that the far end can check every octet without
//! having been told.

use pellucid_conn::{Fields, StreamId};

use crate::Chance;

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    ToServer = 1,
    ToClient = 2,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) interim: usize,
    pub(super) head: Fields,
    pub(super) body: usize,
    pub(super) trailers: Option<Fields>,
    /// A response that does not wait for the request's end.
    pub(super) early: bool,
}

impl Plan {
    pub(super) fn new(seed: u64, id: StreamId, way: Way) -> Self {
        let mut chance = Chance::of_seed(seed ^ (u64::from(id.get()) << 8) ^ (way as u64));
        let body = match chance.below(6) {
            0 | 1 => 0,
            2 => chance.below(50),
            3 => chance.below(5000),
            4 => chance.below(40_000),
            _ => chance.below(200_000),
        };
        let mut trailers = None;
        if chance.percent(25) {
            let mut fields = Fields::new();
            fields.push(b"x-sum", chance.number().to_string().as_bytes());
            trailers = Some(fields);
        }
        let head = match way {
            Way::ToServer => request(&mut chance, id, body),
            Way::ToClient => response(&mut chance),
        };
        let interim = if way == Way::ToClient && chance.percent(20) { 1 + chance.below(3) } else { 0 };
        Self { interim, head, body, trailers, early: chance.percent(40) }
    }

    pub(super) fn is_head_only(&self) -> bool {
        self.body == 0 && self.trailers.is_none()
    }

    /// The content octet at a place.
    pub(super) fn octet(id: StreamId, way: Way, at: usize) -> u8 {
        let [low, ..] =
            (at.wrapping_mul(7) ^ (at >> 8) ^ (id.get() as usize * 31) ^ (way as usize * 101)).to_le_bytes();
        low
    }

    pub(super) fn interim_head() -> Fields {
        let mut fields = Fields::new();
        fields.push(b":status", b"103");
        fields.push(b"link", b"</a.css>; rel=preload");
        fields
    }

    /// The request a push answers.
    pub(super) fn promise(id: StreamId) -> Fields {
        let mut fields = Fields::new();
        fields.push(b":method", b"GET");
        fields.push(b":scheme", b"https");
        fields.push(b":authority", b"example.org");
        fields.push(b":path", format!("/pushed/{id}").as_bytes());
        fields
    }
}

fn request(chance: &mut Chance, id: StreamId, body: usize) -> Fields {
    let mut fields = Fields::new();
    fields.push(b":method", b"POST");
    fields.push(b":scheme", b"https");
    fields.push(b":authority", b"example.org");
    fields.push(b":path", format!("/{id}").as_bytes());
    if chance.percent(30) {
        fields.push(b"content-length", body.to_string().as_bytes());
    }
    some_fields(chance, &mut fields, 4000);
    fields
}

fn response(chance: &mut Chance) -> Fields {
    let mut fields = Fields::new();
    fields.push(b":status", b"200");
    // Above one frame now and then: CONTINUATION.
    let most = if chance.percent(5) { 30_000 } else { 500 };
    some_fields(chance, &mut fields, most);
    fields
}

fn some_fields(chance: &mut Chance, fields: &mut Fields, most: usize) {
    for _ in 0..chance.below(5) {
        let name = format!("x-field-{}", chance.below(12));
        let value = match chance.below(3) {
            0 => format!("value-{}", chance.below(4)),
            1 => chance.number().to_string(),
            _ => "v\x7e~".repeat(chance.below(most) / 15),
        };
        fields.push(name.as_bytes(), value.as_bytes());
    }
}
