//! What is said on a stream, as a function of seed, stream and direction: so that the far end can check every octet without
//! having been told.

use pellucid_conn::{Fields, StreamId};

use crate::rng::Rng;

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    ToServer = 1,
    ToClient = 2,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) interim: usize,
    pub(crate) head: Fields,
    pub(crate) body: usize,
    pub(crate) trailers: Option<Fields>,
    /// A response that does not wait for the request's end.
    pub(crate) early: bool,
}

impl Plan {
    pub(crate) fn new(seed: u64, id: StreamId, way: Way) -> Self {
        let mut rng = Rng::new(seed ^ (u64::from(id.get()) << 8) ^ (way as u64));
        let body = match rng.below(6) {
            0 | 1 => 0,
            2 => rng.below(50),
            3 => rng.below(5000),
            4 => rng.below(40_000),
            _ => rng.below(200_000),
        };
        let mut trailers = None;
        if rng.percent(25) {
            let mut fields = Fields::new();
            fields.push(b"x-sum", rng.next().to_string().as_bytes());
            trailers = Some(fields);
        }
        let head = match way {
            Way::ToServer => request(&mut rng, id, body),
            Way::ToClient => response(&mut rng),
        };
        let interim = if way == Way::ToClient && rng.percent(20) { 1 + rng.below(3) } else { 0 };
        Self { interim, head, body, trailers, early: rng.percent(40) }
    }

    pub(crate) fn is_head_only(&self) -> bool {
        self.body == 0 && self.trailers.is_none()
    }

    /// The content octet at a place.
    pub(crate) fn octet(id: StreamId, way: Way, at: usize) -> u8 {
        let [low, ..] =
            (at.wrapping_mul(7) ^ (at >> 8) ^ (id.get() as usize * 31) ^ (way as usize * 101)).to_le_bytes();
        low
    }

    pub(crate) fn interim_head() -> Fields {
        let mut fields = Fields::new();
        fields.push(b":status", b"103");
        fields.push(b"link", b"</a.css>; rel=preload");
        fields
    }

    /// The request a push answers.
    pub(crate) fn promise(id: StreamId) -> Fields {
        let mut fields = Fields::new();
        fields.push(b":method", b"GET");
        fields.push(b":scheme", b"https");
        fields.push(b":authority", b"example.org");
        fields.push(b":path", format!("/pushed/{id}").as_bytes());
        fields
    }
}

fn request(rng: &mut Rng, id: StreamId, body: usize) -> Fields {
    let mut fields = Fields::new();
    fields.push(b":method", b"POST");
    fields.push(b":scheme", b"https");
    fields.push(b":authority", b"example.org");
    fields.push(b":path", format!("/{id}").as_bytes());
    if rng.percent(30) {
        fields.push(b"content-length", body.to_string().as_bytes());
    }
    some_fields(rng, &mut fields, 4000);
    fields
}

fn response(rng: &mut Rng) -> Fields {
    let mut fields = Fields::new();
    fields.push(b":status", b"200");
    // Above one frame now and then: CONTINUATION.
    let most = if rng.percent(5) { 30_000 } else { 500 };
    some_fields(rng, &mut fields, most);
    fields
}

fn some_fields(rng: &mut Rng, fields: &mut Fields, most: usize) {
    for _ in 0..rng.below(5) {
        let name = format!("x-field-{}", rng.below(12));
        let value = match rng.below(3) {
            0 => format!("value-{}", rng.below(4)),
            1 => rng.next().to_string(),
            _ => "v\x7e~".repeat(rng.below(most) / 15),
        };
        fields.push(name.as_bytes(), value.as_bytes());
    }
}
