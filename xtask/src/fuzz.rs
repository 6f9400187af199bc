//! `cargo xtask fuzz [--seconds N] [TARGET…]`: every fuzz target for a while, one after the other; the first find ends it.
//! Not for: what the targets do (`fuzz/README.md`), nor for replaying committed inputs, which `cargo test` does.
//!
//! libFuzzer starts from `fuzz/corpus` and `fuzz/regressions` and keeps what it learns under `fuzz/target`, which git ignores,
//! so that a run changes nothing that is committed and the next one goes on where this one ended.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::root;
use crate::tools::{self, Need};

/// Runs the targets that are named, or all.
///
/// # Errors
/// When a target finds something: with the input and the command that shows it again.
pub(crate) fn run(args: &[String]) -> Result<(), String> {
    let known = targets(&root())?;
    let options = Options::parse(args, &known)?;
    let path = ready()?;
    println!("{} for {} s each; Ctrl-C ends it", options.targets.join(", "), options.seconds);
    build(&path)?;
    for target in &options.targets {
        fuzz(target, options.seconds, &path)?;
    }
    println!("fuzz: {} targets, nothing found", options.targets.len());
    Ok(())
}

/// Twenty seconds each: enough to see that every target works, and that nothing is wrong close to the committed inputs. Where
/// the tools are missing it is skipped, but not in continuous integration.
pub(crate) fn briefly() -> Result<(), String> {
    match ready() {
        Err(why) if !tools::in_ci() => {
            println!("skipped: {why}");
            Ok(())
        }
        Err(why) => Err(why),
        Ok(_) => run(&[]),
    }
}

/// A search path with all that fuzzing needs.
fn ready() -> Result<OsString, String> {
    let path = tools::with(&Need { program: "cargo-fuzz", package: "cargo-fuzz", what: "fuzzing" })?;
    let nightly = Command::new("rustup").args(["run", "nightly", "rustc", "--version"]).output();
    if nightly.is_ok_and(|output| output.status.success()) {
        return Ok(path);
    }
    tools::rustup(&["toolchain", "install", "nightly", "--profile", "minimal"], "fuzzing needs the nightly compiler")?;
    Ok(path)
}

#[derive(Debug, PartialEq, Eq)]
struct Options {
    seconds: u64,
    targets: Vec<String>,
}

impl Options {
    fn parse(args: &[String], known: &[String]) -> Result<Self, String> {
        let mut options = Self { seconds: DEFAULT_SECONDS, targets: Vec::new() };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--seconds" => {
                    let value = args.next().ok_or_else(|| format!("--seconds wants a number\n{USAGE}"))?;
                    options.seconds = seconds(value)?;
                }
                name if known.iter().any(|target| target == name) => options.targets.push(name.to_owned()),
                option if option.starts_with('-') => return Err(format!("unknown option {option}\n{USAGE}")),
                name => return Err(format!("no target `{name}`; there are {}", known.join(", "))),
            }
        }
        if options.targets.is_empty() {
            options.targets = known.to_vec();
        }
        Ok(options)
    }
}

fn seconds(value: &str) -> Result<u64, String> {
    match value.parse() {
        // libFuzzer takes 0 for "for ever".
        Ok(0) => Err("--seconds 0: no time to find anything; give at least 1".to_owned()),
        Ok(number) if number <= MOST_SECONDS => Ok(number),
        Ok(_) => Err(format!("--seconds {value}: at most {MOST_SECONDS}, a day")),
        Err(_) => Err(format!("--seconds {value}: not a number of seconds")),
    }
}

/// The targets there are programs for, in order.
fn targets(root: &Path) -> Result<Vec<String>, String> {
    let folder = root.join("fuzz/fuzz_targets");
    let entries = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let files = entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "rs"));
    let mut names: Vec<String> = files.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
    names.sort();
    Ok(names)
}

/// cargo-fuzz with nightly. The pinned compiler that runs us must not be inherited.
fn cargo_fuzz(path: &OsStr) -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly", "cargo", "fuzz"]).env("PATH", path).current_dir(root());
    for inherited in ["CARGO", "RUSTC", "RUSTDOC", "RUSTFLAGS", "RUSTUP_TOOLCHAIN", "CARGO_TARGET_DIR"] {
        command.env_remove(inherited);
    }
    command
}

fn build(path: &OsStr) -> Result<(), String> {
    let status = cargo_fuzz(path).arg("build").status().map_err(|error| format!("cargo fuzz: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("the fuzz targets do not build ({status})")) }
}

/// One target. libFuzzer's lines are many: what is shown is one now and then, and the end of them after a find.
fn fuzz(target: &str, seconds: u64, path: &OsStr) -> Result<(), String> {
    let root = root();
    let learnt = root.join("fuzz/target/learnt").join(target);
    let artifacts = root.join("fuzz/artifacts").join(target);
    for folder in [&learnt, &artifacts] {
        std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let committed = ["corpus", "regressions"].map(|kind| root.join("fuzz").join(kind).join(target));
    let mut command = cargo_fuzz(path);
    command.args(["run", target]).arg(&learnt).args(committed.iter().filter(|folder| folder.is_dir()));
    command.args(["--", "-print_final_stats=1", "-timeout=30", "-rss_limit_mb=4096"]);
    command.arg(format!("-max_total_time={seconds}")).arg(format!("-max_len={MAX_LEN}"));
    // The committed inputs are short; a connection's life is not.
    command.arg("-len_control=10");
    if target.ends_with("_decode") {
        command.arg(format!("-dict={}", root.join("fuzz/http2.dict").display()));
    }
    command.stderr(Stdio::piped()).stdout(Stdio::null());
    let start = Instant::now();
    let mut child = command.spawn().map_err(|error| format!("cargo fuzz: {error}"))?;
    let mut last = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        last = progress(target, BufReader::new(stderr));
    }
    let status = child.wait().map_err(|error| format!("cargo fuzz: {error}"))?;
    if status.success() {
        let inputs = last.iter().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
        let inputs = inputs.map_or("some", str::trim);
        println!("{target:18} {inputs} inputs in {:.0} s, nothing found", start.elapsed().as_secs_f64());
        return Ok(());
    }
    last.iter().for_each(|line| eprintln!("  {line}"));
    let input = last.iter().find_map(|line| line.split("Test unit written to ").nth(1));
    Err(match input {
        Some(input) => found(target, input.trim(), &root),
        None => format!("{target}: cargo fuzz failed ({status})"),
    })
}

/// Shows how it goes every few seconds; gives the last lines.
fn progress(target: &str, lines: impl BufRead) -> Vec<String> {
    let (mut last, mut shown) = (Vec::new(), Instant::now());
    for line in lines.lines().map_while(Result::ok) {
        if line.starts_with('#') && shown.elapsed().as_secs() >= EVERY_SECONDS {
            shown = Instant::now();
            println!("{target:18} {}", line.split_whitespace().take(9).collect::<Vec<_>>().join(" "));
        }
        if last.len() >= KEPT_LINES {
            last.remove(0);
        }
        last.push(line);
    }
    last
}

fn found(target: &str, input: &str, root: &Path) -> String {
    let input = PathBuf::from(input);
    let input = input.strip_prefix(root).unwrap_or(&input).display();
    format!(
        "{target} has found something: {input}\n\
         show it again:  cargo run -p pellucid-fuzz --bin replay -- {target} {input}\n\
         make it small:  cargo +nightly fuzz tmin {target} {input}\n\
         then fix it, and keep the input in fuzz/regressions/{target}/ (see fuzz/README.md)"
    )
}

const USAGE: &str = "usage: cargo xtask fuzz [--seconds N] [TARGET…]";
const DEFAULT_SECONDS: u64 = 20;
const MOST_SECONDS: u64 = 86_400;
/// Longer inputs show nothing that shorter ones do not.
const MAX_LEN: u32 = 2000;
const EVERY_SECONDS: u64 = 5;
const KEPT_LINES: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Options, String> {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        Options::parse(&args, &["frame_decode".to_owned(), "two_sided".to_owned()])
    }

    #[test]
    fn all_targets_run_for_a_short_time_unless_told_otherwise() {
        let all = parse(&[]).unwrap();
        assert_eq!((all.seconds, all.targets.len()), (DEFAULT_SECONDS, 2));
        let one = parse(&["two_sided", "--seconds", "600"]).unwrap();
        assert_eq!((one.seconds, one.targets), (600, vec!["two_sided".to_owned()]));
    }

    #[test]
    fn what_cannot_be_done_is_refused_by_name() {
        for (args, why) in [
            (&["--seconds", "0"][..], "at least 1"),
            (&["--seconds", "soon"], "not a number"),
            (&["--seconds", "-1"], "not a number"),
            (&["--seconds", "86401"], "a day"),
            (&["--seconds"], "wants a number"),
            (&["--forever"], "unknown option --forever"),
            (&["frame_decoder"], "no target `frame_decoder`; there are frame_decode, two_sided"),
        ] {
            assert!(parse(args).is_err_and(|error| error.contains(why)), "{args:?}");
        }
    }

    #[test]
    fn a_find_says_how_to_see_it_again() {
        let text = found("two_sided", "/x/fuzz/artifacts/two_sided/crash-1", Path::new("/x"));
        assert!(text.contains("--bin replay -- two_sided fuzz/artifacts/two_sided/crash-1\n"), "{text}");
    }

    #[test]
    fn every_target_is_listed() {
        let targets = targets(&root()).unwrap();
        assert!(targets.len() >= 7 && targets.contains(&"hpack_decode".to_owned()), "{targets:?}");
    }
}
