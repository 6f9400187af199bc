//! Every committed input, and thousands made by chance, through every target, with the stable compiler. A failure names the
//! file, or the number of the input, that shows it. Not for: finding what only a fuzzer finds.

use std::path::{Path, PathBuf};

use pellucid_fuzz::{TARGETS, Target, candidate};

/// Says what was being tried when a test fails.
struct Trying(String);

impl Drop for Trying {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("while trying {}", self.0);
        }
    }
}

fn target(name: &str) -> Target {
    *TARGETS.iter().find(|target| target.name == name).expect("a target of that name")
}

/// The committed inputs of a target: what they were chosen for, and what was once found.
fn committed(target: Target) -> Vec<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folders = ["corpus", "regressions"].map(|kind| here.join(kind).join(target.name));
    let files = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten();
    let mut files: Vec<PathBuf> = files.map(|entry| entry.expect("a folder that can be read").path()).collect();
    files.sort();
    files
}

fn replay(name: &str) {
    let target = target(name);
    let files = committed(target);
    assert!(!files.is_empty(), "no inputs for {name}: cargo run --release -p pellucid-fuzz --bin seeds");
    for file in files {
        let trying = Trying(file.display().to_string());
        (target.run)(&std::fs::read(&file).expect("a file that can be read"));
        drop(trying);
    }
    for number in 0..target.tries {
        let trying = Trying(format!("input {number} of {name}"));
        (target.run)(&candidate(target, number));
        drop(trying);
    }
}

#[test]
fn frame_decode() {
    replay("frame_decode");
}

#[test]
fn frame_roundtrip() {
    replay("frame_roundtrip");
}

#[test]
fn hpack_decode() {
    replay("hpack_decode");
}

#[test]
fn hpack_roundtrip() {
    replay("hpack_roundtrip");
}

#[test]
fn server_connection() {
    replay("server_connection");
}

#[test]
fn client_connection() {
    replay("client_connection");
}

#[test]
fn two_sided() {
    replay("two_sided");
}

/// Enough worlds to meet every operation in many states, and below twenty seconds without optimisation.
const WORLDS: u64 = 50;

#[test]
fn nothing_is_lost_reordered_or_left_waiting() {
    let mut whole = 0;
    for seed in 0..WORLDS {
        let trying = Trying(format!("the world of seed {seed}"));
        whole += pellucid_fuzz::whole_messages(seed, 800);
        drop(trying);
    }
    assert!(whole > 1000, "only {whole} messages");
}

#[test]
fn a_cut_wire_ends_both_sides() {
    for seed in 0..WORLDS {
        let trying = Trying(format!("the cut world of seed {seed}"));
        pellucid_fuzz::cut(seed, 20 + usize::try_from(seed * 7 % 300).expect("a small number"));
        drop(trying);
    }
}

/// Every target has its program, and every program its target.
#[test]
fn programs_and_targets_are_the_same() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz_targets");
    let files = std::fs::read_dir(folder).expect("a folder of programs");
    let mut programs: Vec<String> = files
        .map(|file| file.expect("an entry").path().file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    let mut names: Vec<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    programs.sort();
    names.sort();
    assert_eq!(programs, names);
}
