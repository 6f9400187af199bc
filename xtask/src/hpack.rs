//! `cargo xtask hpack`: how well the encoder compresses the recorded stories, and whether that is good enough.
//!
//! The ratio is octets of all blocks over octets of all names and values; each story is a connection of its own with a
//! table of 4,096 octets (RFC 7541 §4.2). Every block is decoded again and compared before it counts.

use pellucid_hpack::{Decoder, Encoder, Fields, Limits};
use serde_json::Value;
use std::path::Path;

/// Prints the ratios over all stories and over the first 21, which are requests.
///
/// # Errors
/// When a ratio is above its bound, a block does not decode to what was encoded, or the stories cannot be read.
pub(crate) fn run() -> Result<(), String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(STORIES);
    let mut all = Octets::default();
    let mut early = Octets::default();
    let mut fields = 0;
    for number in 0..STORY_COUNT {
        let path = folder.join(format!("story_{number:02}.json"));
        let text = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let json = serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        let sections = sections(&json).ok_or_else(|| format!("{}: not a story", path.display()))?;
        fields += sections.iter().map(Fields::len).sum::<usize>();
        let octets = measure(&sections).map_err(|error| format!("story {number:02}: {error}"))?;
        all.add(&octets);
        if number < EARLY_COUNT {
            early.add(&octets);
        }
    }
    println!("{fields} fields, {} octets on the wire of {} raw", all.wire, all.raw);
    println!("stories 00-{:02}  {:.5}  (bound {MAX_RATIO:.5})", STORY_COUNT - 1, all.ratio());
    println!("stories 00-{:02}  {:.5}  (bound {MAX_EARLY_RATIO:.5})", EARLY_COUNT - 1, early.ratio());
    if all.ratio() > MAX_RATIO || early.ratio() > MAX_EARLY_RATIO {
        return Err("the encoder compresses less than it must".to_owned());
    }
    Ok(())
}

#[derive(Default)]
struct Octets {
    raw: usize,
    wire: usize,
}

impl Octets {
    fn add(&mut self, other: &Octets) {
        self.raw += other.raw;
        self.wire += other.wire;
    }

    fn ratio(&self) -> f64 {
        self.wire as f64 / self.raw as f64
    }
}

/// Encodes the sections of one connection in order, decodes each block again, and counts.
fn measure(sections: &[Fields]) -> Result<Octets, String> {
    let mut encoder = Encoder::new(TABLE_SIZE);
    let mut decoder = Decoder::new(TABLE_SIZE);
    let limits = Limits { max_size: u32::MAX, max_fields: u32::MAX, max_string: u32::MAX };
    let mut octets = Octets::default();
    for (place, section) in sections.iter().enumerate() {
        let mut block = Vec::new();
        encoder.encode(section, &mut block);
        let mut decoded = Fields::new();
        decoder
            .decode(&block, &mut decoded, &limits)
            .and_then(|()| decoder.finish())
            .map_err(|error| format!("case {place}: {error}"))?;
        let is_same = decoded
            .iter()
            .map(|field| (field.name, field.value))
            .eq(section.iter().map(|field| (field.name, field.value)));
        if !is_same {
            return Err(format!("case {place}: decoded to other fields"));
        }
        octets.wire += block.len();
        octets.raw += section.iter().map(|field| field.name.len() + field.value.len()).sum::<usize>();
    }
    Ok(octets)
}

/// The field sections of a story, `None` if the file has another shape.
fn sections(json: &Value) -> Option<Vec<Fields>> {
    let mut sections = Vec::new();
    for case in json.get("cases")?.as_array()? {
        let mut section = Fields::new();
        for header in case.get("headers")?.as_array()? {
            for (name, value) in header.as_object()? {
                section.push(name.as_bytes(), value.as_str()?.as_bytes());
            }
        }
        sections.push(section);
    }
    Some(sections)
}

const STORIES: &str = "../../shared/data/hpack-stories/raw-data";
const STORY_COUNT: usize = 32;
const EARLY_COUNT: usize = 21;
const TABLE_SIZE: u32 = 4096;

/// A bound on the ratio, so that a change of the policy cannot make it worse unnoticed.
const MAX_RATIO: f64 = 0.30000;
const MAX_EARLY_RATIO: f64 = 0.16500;
