//! Project tasks: `cargo xtask`. One module a task, each with a `run` that says in one line what went wrong.
//! Not for: anything a user of the crates needs.
#![forbid(unsafe_code)]

mod book;
mod ci;
mod coverage;
mod footprint;
mod fuzz;
mod hpack;
mod icount;
mod peers;
mod rfc;
mod tidy;
mod tools;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[String]) -> Result<(), String> {
    let (name, rest) = match args.split_first() {
        Some((name, rest)) => (name.as_str(), rest),
        None => ("help", args),
    };
    match (name, rest) {
        ("tidy", []) => tidy::run(),
        ("hpack", []) => hpack::run(),
        ("icount", args) => icount::run(args),
        ("footprint", []) => footprint::run(),
        ("rfc", args) => rfc::run(args),
        ("fuzz", args) => fuzz::run(args),
        ("coverage", []) => coverage::run(),
        ("interop", args) => peers::interop(args),
        ("peers", args) => peers::run(args),
        ("book", []) => book::run(),
        ("ci", []) => ci::run(),
        ("help" | "--help" | "-h", _) => {
            print!("{HELP}");
            Ok(())
        }
        ("tidy" | "book" | "hpack" | "footprint" | "coverage" | "ci", _) => Err(format!("`{name}` takes no arguments")),
        _ => Err(format!("no task `{name}`; `cargo xtask help` lists them")),
    }
}

/// The folder of the workspace, wherever the task is started.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Where cargo puts what it builds.
fn target(root: &Path) -> PathBuf {
    root.join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

const HELP: &str = "\
Usage: cargo xtask <task>

  tidy           the project's own rules: sizes, crate arrows, words, links
  rfc            writes docs/RFC-COVERAGE.md from the rules in docs/rfc/, the code and the tests;
                 --check only says what is missing or stale, --only 9113 for one RFC
  hpack          how well header compression does on recorded traffic
  icount         instructions of the paths of benches/micro against benches/micro/icount.toml; --write renews it,
                 names choose paths
  footprint      what a program pays for this library and for its peers, in crates and octets
  fuzz           every fuzz target, for --seconds N (20) each, or those that are named
  coverage       how many lines of the core its tests and the fuzz inputs reach
  interop        other people's clients and servers against ours, in one table, docs/INTEROP.md; words choose
                 cells (`interop curl tls`), --check runs all and compares the table instead of writing it
  peers <what>   other clients and servers: install, conformance, examples, captures, speed, idle
  book           every command of docs/book, and what it prints
  ci             everything a change must pass, in order, after cargo test --workspace
  help           this list
";
