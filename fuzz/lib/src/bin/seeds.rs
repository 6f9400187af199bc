//! `cargo run --release -p pellucid-fuzz --bin seeds`: renews the committed inputs in `fuzz/corpus/<target>/`. Of many inputs made
//! by chance it keeps those that bring about something no smaller one has, so that a few KiB reach what a fuzzer would need
//! minutes to find. The outcome depends on the code alone. Not for: what a fuzzer has found; that goes to `fuzz/regressions/`.
#![forbid(unsafe_code)]

use std::path::Path;
use std::process::ExitCode;

use pellucid_fuzz::{Seen, TARGETS, Target, candidate};

fn main() -> ExitCode {
    for target in TARGETS {
        if let Err(error) = renew(target) {
            eprintln!("seeds: {}: {error}", target.name);
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn renew(target: Target) -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus").join(target.name);
    std::fs::create_dir_all(&folder)?;
    for entry in std::fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "seed") {
            std::fs::remove_file(path)?;
        }
    }
    let chosen = chosen(target);
    let octets: usize = chosen.iter().map(Vec::len).sum();
    for (number, input) in chosen.iter().enumerate() {
        std::fs::write(folder.join(format!("{number:02}.seed")), input)?;
    }
    println!("{:18} {} inputs, {octets} octets", target.name, chosen.len());
    Ok(())
}

/// The shortest inputs first; each that adds something is kept. Then those that the later ones make unnecessary are left out,
/// and the others cut down to what they are kept for.
fn chosen(target: Target) -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = (0..target.tries * 4).map(|number| candidate(target, number)).collect();
    all.sort_by_key(Vec::len);
    let (mut kept, mut known): (Vec<(Vec<u8>, Seen)>, Seen) = (Vec::new(), Seen::new());
    for input in all {
        let seen = (target.run)(&input);
        if !seen.is_subset(&known) {
            known.extend(seen.iter());
            kept.push((input, seen));
        }
    }
    for at in (0..kept.len()).rev() {
        let others: Seen =
            kept.iter().enumerate().filter(|(i, _)| *i != at).flat_map(|(_, (_, s))| s).copied().collect();
        let (input, seen) = kept.remove(at);
        let wanted: Seen = seen.difference(&others).copied().collect();
        if !wanted.is_empty() {
            let input = cut_down(target, input, &wanted);
            let seen = (target.run)(&input);
            kept.insert(at, (input, seen));
        }
    }
    kept.into_iter().map(|(input, _)| input).collect()
}

/// Leaves out pieces, ever smaller ones, as long as what is wanted is still seen.
fn cut_down(target: Target, mut input: Vec<u8>, wanted: &Seen) -> Vec<u8> {
    let mut piece = input.len() / 2;
    while piece > 0 {
        let mut at = 0;
        while at < input.len() {
            let end = input.len().min(at + piece);
            let shorter = [input.get(..at).unwrap_or_default(), input.get(end..).unwrap_or_default()].concat();
            if (target.run)(&shorter).is_superset(wanted) {
                input = shorter;
            } else {
                at = end;
            }
        }
        piece /= 2;
    }
    input
}
