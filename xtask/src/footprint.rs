//! `cargo xtask footprint`: what a program pays for a library, in crates and octets; four small servers side by side.
//! Not for: speed and memory while serving; those are `peers speed` and `peers idle`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::root;

/// The packages in `benches/footprint`, and what they stand on.
const PROGRAMS: [(&str, &str); 4] = [
    ("driver", "pellucid-driver, default features off"),
    ("h2", "h2"),
    ("server", "pellucid with `server`, default features off"),
    ("hyper", "hyper with `server` and `http2`, hyper-util"),
];

/// Builds the programs and prints the table.
pub(crate) fn run() -> Result<(), String> {
    let here = root().join("benches/footprint");
    println!("building four servers, which takes a minute or two …");
    cargo(&here, &["build", "--release", "--quiet"])?;
    println!("| what a server stands on | crates | octets of the program, stripped |\n|---|--:|--:|");
    for (name, title) in PROGRAMS {
        let tree = cargo(&here, &["tree", "-p", &format!("footprint-{name}"), "-e", "normal", "--prefix", "none"])?;
        let program = target(&here)?.join(format!("release/footprint-{name}"));
        let octets = std::fs::metadata(&program).map_err(|e| format!("{}: {e}", program.display()))?.len();
        println!("| {title} | {} | {octets} |", crates(&tree));
    }
    Ok(())
}

/// Distinct packages of a tree, the program itself not counted.
fn crates(tree: &str) -> usize {
    let name = |line: &str| line.split(" (").next().unwrap_or(line).trim().to_owned();
    let all: BTreeSet<String> = tree.lines().map(name).filter(|name| !name.is_empty()).collect();
    all.len().saturating_sub(1)
}

/// Where cargo puts what it builds there.
fn target(here: &Path) -> Result<PathBuf, String> {
    let metadata = cargo(here, &["metadata", "--format-version", "1", "--no-deps"])?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata).map_err(|e| format!("cargo metadata: {e}"))?;
    let folder = metadata.get("target_directory").and_then(serde_json::Value::as_str);
    folder.map(PathBuf::from).ok_or_else(|| "cargo metadata: no folder".to_owned())
}

fn cargo(here: &Path, args: &[&str]) -> Result<String, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(args)
        .current_dir(here)
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|error| format!("cargo cannot be started: {error}"))?;
    if !output.status.success() {
        return Err(format!("`cargo {}` failed ({})", args.join(" "), output.status));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("cargo: {error}"))
}

#[cfg(test)]
mod tests {
    use super::crates;

    #[test]
    fn a_package_counts_once_and_the_program_does_not() {
        assert_eq!(crates("program v0 (/x)\nbytes v1\ntokio v1\nbytes v1 (*)\n"), 2);
    }
}
