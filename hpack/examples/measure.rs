//! Repeats the work of encoder or decoder over the recorded stories, for an instruction counter to watch:
//!
//! ```text
//! valgrind --tool=callgrind target/release/examples/measure decode 2
//! ```
//!
//! The difference between two numbers of rounds, divided by that of the fields it printed, leaves start-up out; so does the
//! difference of two times. `decode` reads blocks of nghttp2, `decode-own` our own, `-same` repeats one request.

use pellucid_hpack::{Decoder, Encoder, Fields, Limits};
use serde_json::Value;
use std::path::Path;

/// A story: the field sections that went one way on one connection, and a recorded encoding of each.
struct Story {
    sections: Vec<Fields>,
    blocks: Vec<Vec<u8>>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [mode, rounds] = arguments.as_slice() else {
        return Err("usage: measure encode|decode|decode-own|encode-same|decode-same ROUNDS".into());
    };
    let rounds: usize = rounds.parse()?;
    let mut stories = load(if mode == "decode" { "nghttp2" } else { "raw-data" })?;
    if mode.ends_with("-same") {
        stories = vec![same_request()];
    }
    if mode.starts_with("decode-") {
        encode_all(&mut stories);
    }
    let mut work = 0;
    for _ in 0..rounds {
        for story in &stories {
            work += if mode.starts_with("encode") { encode(story) } else { decode(story)? };
        }
    }
    println!("{work} fields");
    Ok(())
}

fn encode(story: &Story) -> usize {
    let mut encoder = Encoder::new(4096);
    let mut block = Vec::with_capacity(4096);
    for section in &story.sections {
        block.clear();
        encoder.encode(std::hint::black_box(section), &mut block);
        std::hint::black_box(&block);
    }
    story.sections.iter().map(Fields::len).sum()
}

fn decode(story: &Story) -> Result<usize, pellucid_hpack::Error> {
    let mut decoder = Decoder::new(4096);
    let mut fields = Fields::with_capacity(64, 4096);
    let limits = Limits { max_size: 1 << 20, max_fields: 1000, max_string: 1 << 16 };
    let mut count = 0;
    for block in &story.blocks {
        fields.clear();
        decoder.decode(std::hint::black_box(block), &mut fields, &limits)?;
        decoder.finish()?;
        count += fields.len();
        std::hint::black_box(&fields);
    }
    Ok(count)
}

fn encode_all(stories: &mut [Story]) {
    for story in stories {
        let mut encoder = Encoder::new(4096);
        story.blocks.clear();
        for section in &story.sections {
            let mut block = Vec::new();
            encoder.encode(section, &mut block);
            story.blocks.push(block);
        }
    }
}

/// One request many times over: from the second time on every field is an index.
fn same_request() -> Story {
    let fields: [(&[u8], &[u8]); 8] = [
        (b":method", b"GET"),
        (b":scheme", b"https"),
        (b":authority", b"www.example.org"),
        (b":path", b"/"),
        (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/16.0"),
        (b"accept", b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
        (b"accept-language", b"en-US,en;q=0.5"),
        (b"accept-encoding", b"gzip, deflate"),
    ];
    Story { sections: vec![fields.into_iter().collect(); 1000], blocks: Vec::new() }
}

fn load(folder: &str) -> Result<Vec<Story>, Box<dyn std::error::Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/hpack-stories").join(folder);
    let mut paths: Vec<_> =
        std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    paths.sort();
    paths.iter().map(|path| story(&serde_json::from_slice(&std::fs::read(path)?)?)).collect()
}

fn story(json: &Value) -> Result<Story, Box<dyn std::error::Error>> {
    let mut story = Story { sections: Vec::new(), blocks: Vec::new() };
    for case in json.get("cases").and_then(Value::as_array).ok_or("a story has cases")? {
        let mut section = Fields::new();
        for header in case.get("headers").and_then(Value::as_array).ok_or("a case has headers")? {
            for (name, value) in header.as_object().ok_or("a header is an object")? {
                section.push(name.as_bytes(), value.as_str().ok_or("a value is text")?.as_bytes());
            }
        }
        story.sections.push(section);
        let wire = case.get("wire").and_then(Value::as_str).unwrap_or_default();
        let octets =
            (0..wire.len() / 2).map(|at| u8::from_str_radix(wire.get(2 * at..2 * at + 2).unwrap_or_default(), 16));
        story.blocks.push(octets.collect::<Result<_, _>>()?);
    }
    Ok(story)
}
