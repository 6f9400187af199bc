//! No rule without a test: every `Violation` and every trap is named by a transcript of this folder.

use std::collections::BTreeSet;
use std::path::Path;

use pellucid_conn::h2::Violation;

/// The text of every file of this folder but this one.
fn transcripts() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rfc9113");
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).expect("the folder of this file") {
        let path = entry.expect("an entry").path();
        if path.file_name().is_some_and(|name| name != "coverage.rs" && name != "stream_states.rs") {
            text.push_str(&std::fs::read_to_string(path).expect("source text"));
        }
    }
    text
}

/// Every rule of the table is asserted by at least one transcript.
#[test]
fn every_violation_is_asserted() {
    let text = transcripts();
    let named: BTreeSet<&str> = text.split("Violation::").skip(1).map(first_word).collect();
    let missing: Vec<_> = Violation::all().filter(|v| !named.contains(format!("{v:?}").as_str())).collect();
    assert!(missing.is_empty(), "asserted by no transcript: {missing:?}");
    assert!(named.contains("Frame") && named.contains("Compression"));
}

/// Every way in which a field block can fail to decode is asserted by at least one transcript.
#[test]
fn every_compression_error_is_asserted() {
    use pellucid_hpack::Error;
    let all = [
        Error::IntegerOverflow,
        Error::IndexZero,
        Error::IndexBeyondTable,
        Error::StringTooLong,
        Error::HuffmanEndOfString,
        Error::HuffmanPaddingTooLong,
        Error::HuffmanPaddingNotOnes,
        Error::SizeUpdateAfterField,
        Error::TooManySizeUpdates,
        Error::SizeUpdateTooLarge,
        Error::MissingSizeUpdate,
        Error::Truncated,
    ];
    let text = transcripts();
    let missing: Vec<_> = all.iter().filter(|error| !text.contains(&format!("Error::{error:?}"))).collect();
    assert!(missing.is_empty(), "asserted by no transcript: {missing:?}");
}

/// The 45 traps each have a transcript of that number.
#[test]
fn every_trap_is_tested() {
    let text = transcripts();
    let missing: Vec<_> = (1..=45).filter(|n| !text.contains(&format!("fn trap_{n:02}_"))).collect();
    assert!(missing.is_empty(), "traps without a transcript: {missing:?}");
}

/// Every transcript says what it covers.
#[test]
fn every_transcript_names_its_section() {
    let text = transcripts();
    let tests: Vec<&str> = text.split("\n#[test]\n").collect();
    let silent = tests.windows(2).filter_map(|pair| {
        let [before, test] = pair else { return None };
        let above = before.lines().rev().take_while(|line| line.starts_with("///") || line.starts_with("#["));
        let says = above.into_iter().any(|line| line.contains("Covers ") || line.contains("No rule"));
        (!says).then(|| test.lines().next().unwrap_or_default())
    });
    let silent: Vec<_> = silent.collect();
    assert!(silent.is_empty(), "{silent:#?}");
}

fn first_word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric()).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}
