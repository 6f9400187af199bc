//! The recorded stories: every encoder's blocks decode to the fields they were made from, our own blocks too, whole and in
//! fragments. The data is not part of the project; without it these tests say so and pass, unless CI is set.

use pellucid_hpack::{Decoder, Encoder, Fields, Limits};
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};

const LIMITS: Limits = Limits { max_size: u32::MAX, max_fields: u32::MAX, max_string: u32::MAX };

#[test]
fn blocks_of_other_encoders_decode_to_their_fields() {
    let Some(root) = stories() else { return };
    let mut cases = 0;
    for encoder in ["go-hpack", "haskell-http2-linear-huffman", "nghttp2", "nghttp2-change-table-size"] {
        for path in files(&root.join(encoder)) {
            let mut decoder = Decoder::new(4096);
            for (number, case) in cases_of(&path).iter().enumerate() {
                if let Some(size) = case.get("header_table_size").and_then(Value::as_u64) {
                    decoder.set_max_table_size(u32::try_from(size).unwrap());
                }
                let block = octets(case.get("wire").and_then(Value::as_str).unwrap());
                let fields = decode(&mut decoder, &block, 1 + number % 7)
                    .unwrap_or_else(|error| panic!("{} case {number}: {error}", path.display()));
                assert_eq!(fields, fields_of(case), "{} case {number}", path.display());
                cases += 1;
            }
        }
    }
    assert!(cases > 10_000, "only {cases} cases were found");
}

#[test]
fn our_blocks_decode_to_their_fields() {
    let Some(root) = stories() else { return };
    for table_size in [0, 100, 1024, 4096, 65536] {
        for path in files(&root.join("raw-data")) {
            let mut encoder = Encoder::new(table_size);
            encoder.set_max_table_size(table_size);
            let mut decoder = Decoder::new(table_size.max(4096));
            for (number, case) in cases_of(&path).iter().enumerate() {
                let expected = fields_of(case);
                let mut block = Vec::new();
                encoder.encode(&expected, &mut block);
                let fields = decode(&mut decoder, &block, block.len().max(1))
                    .unwrap_or_else(|error| panic!("{} case {number}: {error}", path.display()));
                let is_same = fields.iter().map(|f| (f.name, f.value)).eq(expected.iter().map(|f| (f.name, f.value)));
                assert!(is_same, "{} case {number}", path.display());
                assert_eq!(encoder.table_size(), decoder.table_size());
                assert_eq!(encoder.table_len(), decoder.table_len());
            }
        }
    }
}

fn decode(decoder: &mut Decoder, block: &[u8], fragment: usize) -> Result<Fields, pellucid_hpack::Error> {
    let mut fields = Fields::new();
    for fragment in block.chunks(fragment) {
        decoder.decode(fragment, &mut fields, &LIMITS)?;
    }
    let section = decoder.finish()?;
    assert_eq!((section.fields as usize, section.size, section.over), (fields.len(), u64::from(fields.size()), None));
    Ok(fields)
}

fn stories() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/hpack-stories");
    if root.is_dir() {
        return Some(root);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{} is missing", root.display());
    // Not by `eprintln!`, which the test's harness shows only of tests that fail.
    std::io::stderr().write_all(format!("skipped: {} is missing\n", root.display()).as_bytes()).unwrap();
    None
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn cases_of(path: &Path) -> Vec<Value> {
    let json: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    json.get("cases").and_then(Value::as_array).unwrap().clone()
}

fn fields_of(case: &Value) -> Fields {
    let mut fields = Fields::new();
    for header in case.get("headers").and_then(Value::as_array).unwrap() {
        for (name, value) in header.as_object().unwrap() {
            fields.push(name.as_bytes(), value.as_str().unwrap().as_bytes());
        }
    }
    fields
}

fn octets(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect()
}
