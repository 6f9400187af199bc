//! `cargo xtask ci`: what a change must pass, in the order in which a failure is cheapest to find.
//! Not for: `cargo test --workspace`, which `.ci/run` calls first, as everybody does.

use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::{book, coverage, fuzz, hpack, icount, peers, rfc, root, target, tidy};

/// Runs every step and stops at the first that fails.
pub(crate) fn run() -> Result<(), String> {
    let start = Instant::now();
    for (name, step) in STEPS {
        println!("== {name}");
        let step_start = Instant::now();
        step().map_err(|why| format!("ci stopped at `{name}`: {why}"))?;
        println!("== {name}: passed in {:.1} s", step_start.elapsed().as_secs_f64());
    }
    println!("ci: all {} steps passed in {:.1} s", STEPS.len(), start.elapsed().as_secs_f64());
    Ok(())
}

/// A step's name and what it does.
type Step = (&'static str, fn() -> Result<(), String>);

const STEPS: &[Step] = &[
    ("fmt", || cargo(&["fmt", "--all", "--check"], &[])),
    ("clippy", || cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"], &[])),
    ("doc", || cargo(&["doc", "--workspace", "--no-deps"], &[("RUSTDOCFLAGS", "-Dwarnings")])),
    ("features", features),
    ("package", package),
    ("tidy", tidy::run),
    ("rfc", || rfc::run(&["--check".to_owned()])),
    ("book", book::run),
    ("hpack", hpack::run),
    ("icount", icount::check),
    ("fuzz", fuzz::briefly),
    ("coverage", coverage::check),
    ("peers install", || peers::run(&["install".to_owned()])),
    ("interop", || peers::interop(&["--check".to_owned()])),
    ("peers examples", || peers::run(&["examples".to_owned()])),
    ("peers captures", || peers::run(&["captures".to_owned()])),
    ("peers conformance", || peers::run(&["conformance".to_owned()])),
];

/// Every feature works without the others.
fn features() -> Result<(), String> {
    let sets = ["", "server", "client", "server,tls", "client,tls", "http", "client,http", "axum"];
    sets.iter().try_for_each(|set| {
        cargo(&["check", "--quiet", "--package", "pellucid", "--no-default-features", "--features", set], &[])
    })
}

/// What would be published builds by itself.
fn package() -> Result<(), String> {
    forget_packages()?;
    let mut args = vec!["package", "--workspace", "--quiet", "--allow-dirty"];
    args.extend(OURS_ALONE.iter().flat_map(|package| ["--exclude", package]));
    cargo(&args, &[])
}

/// Cargo treats the packages of a workspace that depend on each other like those that it has downloaded: what an earlier run has
/// unpacked, and built, is taken for what was just packed, as long as the version is the same.
fn forget_packages() -> Result<(), String> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")));
    let Some(registry) = home.map(|home| home.join("registry")) else { return Ok(()) };
    // The folder of a registry that is on no host has a name that begins with a hyphen.
    let of_no_host = |entry: &DirEntry| entry.file_name().to_string_lossy().starts_with('-');
    let ours = |entry: &DirEntry| entry.file_name().to_string_lossy().starts_with("pellucid");
    let unpacked =
        ["src", "cache"].map(|kind| registry.join(kind)).into_iter().flat_map(|kind| entries(&kind, of_no_host));
    for folder in unpacked.chain([target(&root()).join("debug/.fingerprint")]) {
        for package in entries(&folder, ours) {
            let removed = if package.is_dir() { fs::remove_dir_all(&package) } else { fs::remove_file(&package) };
            removed.map_err(|error| format!("{}: {error}", package.display()))?;
        }
    }
    Ok(())
}

/// What is in a folder, if there is one.
fn entries(folder: &Path, wanted: impl Fn(&DirEntry) -> bool) -> Vec<PathBuf> {
    let all = fs::read_dir(folder).into_iter().flatten().flatten();
    all.filter(wanted).map(|entry| entry.path()).collect()
}

/// Packages that are never published.
const OURS_ALONE: &[&str] = &["xtask", "pellucid-example-tonic", "pellucid-fuzz", "pellucid-interop", "pellucid-micro"];

/// Runs cargo in the workspace, its output going where ours goes.
fn cargo(args: &[&str], env: &[(&str, &str)]) -> Result<(), String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(args)
        .envs(env.iter().copied())
        .current_dir(root())
        .status()
        .map_err(|error| format!("cargo cannot be started: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`cargo {}` failed ({status})", args.join(" "))) }
}
