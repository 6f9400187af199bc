//! `cargo xtask icount`: instructions of every path of `benches/micro`, counted under callgrind and compared with the committed
//! baseline, `benches/micro/icount.toml`. Unlike times, counts repeat; what they do not see (cache misses, system calls) is in
//! docs/PERFORMANCE.md. Not for: absolute speed.
//!
//! The count is the difference of two run lengths, divided by the operations between them, so that start-up cancels out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::peers::install;
use crate::tools::in_ci;
use crate::{root, target};

/// `[--write] [NAME…]`: compares, or renews the baseline of this compiler; all paths, or those whose name holds one of the words.
///
/// # Errors
/// When a count differs by more than the tolerance, there is no baseline, or a tool is missing.
pub(crate) fn run(args: &[String]) -> Result<(), String> {
    let (options, words): (Vec<&str>, Vec<&str>) =
        args.iter().map(String::as_str).partition(|arg| arg.starts_with('-'));
    if options.iter().any(|option| ["--help", "-h"].contains(option)) {
        print!("{USAGE}");
        return Ok(());
    }
    if let Some(option) = options.iter().find(|option| **option != "--write") {
        return Err(format!("icount knows no option `{option}`; `cargo xtask icount --help` says what it knows"));
    }
    if options.is_empty() { missing()?.map_or_else(|| compare(&words), Err) } else { renew(&words) }
}

/// As a step of `ci`: skipped where valgrind is missing or the compiler is not the pinned one, but not in continuous integration,
/// which brings valgrind.
pub(crate) fn check() -> Result<(), String> {
    if in_ci() && require_valgrind().is_err() {
        install::debian(&["valgrind"])?;
    }
    match missing()? {
        Some(why) if !in_ci() => println!("skipped: {why}"),
        Some(why) => return Err(why),
        None => compare(&[])?,
    }
    Ok(())
}

/// What this machine lacks for a comparison.
fn missing() -> Result<Option<String>, String> {
    if let Err(why) = require_valgrind() {
        return Ok(Some(why));
    }
    let (key, baselines) = (compiler()?, read(&root().join(BASELINE))?);
    if baselines.contains_key(&key) {
        return Ok(None);
    }
    let known: Vec<&str> = baselines.keys().map(String::as_str).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Ok(Some(format!("no baseline of {key} (there is: {known}); {RENEW}, and commit {BASELINE}")))
}

fn compare(words: &[&str]) -> Result<(), String> {
    let baseline = read(&root().join(BASELINE))?.remove(&compiler()?).unwrap_or_default();
    let counts = count_all(&build()?, words)?;
    let wrong = judge(&baseline, &counts, Extent::of(words));
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n       ")) }
}

/// Counts, says what changed, and writes the baseline of this compiler. The others stay as they are.
fn renew(words: &[&str]) -> Result<(), String> {
    require_valgrind()?;
    let (key, file) = (compiler()?, root().join(BASELINE));
    let mut baselines = read(&file)?;
    let counts = count_all(&build()?, words)?;
    let baseline = baselines.entry(key.clone()).or_default();
    judge(baseline, &counts, Extent::of(words));
    // What is no path any more leaves only when all paths were counted.
    baseline.retain(|_, _| !words.is_empty());
    baseline.extend(counts);
    replace(&file, &text(&baselines)).map_err(|error| format!("{BASELINE}: {error}"))?;
    println!("{BASELINE}: the baseline of {key} is renewed");
    Ok(())
}

/// Writes beside the file and then puts it in its place, so that nobody finds half of it.
fn replace(file: &Path, text: &str) -> std::io::Result<()> {
    let new = file.with_extension("toml.new");
    std::fs::write(&new, text)?;
    std::fs::rename(&new, file)
}

fn require_valgrind() -> Result<(), String> {
    let found = Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success());
    if found { Ok(()) } else { Err("counting instructions needs valgrind: apt-get install valgrind".to_owned()) }
}

/// The compiler's version and target, to which counts belong.
fn compiler() -> Result<String, String> {
    let output = output(Command::new("rustc").arg("-vV").current_dir(root()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim).map(str::to_owned);
    match (value("release:"), value("host:")) {
        (Some(release), Some(host)) => Ok(format!("{release} {host}")),
        _ => Err(format!("`rustc -vV` does not say its release and host: {text}")),
    }
}

/// Builds the program that does the work, as users' programs are built, whatever the user's environment says of flags and profiles.
fn build() -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target = target(&root());
    let mut command = Command::new(cargo);
    command.args([
        "build",
        "--quiet",
        "--release",
        "--package",
        "pellucid-micro",
        "--example",
        "count",
        "--target-dir",
    ]);
    command.arg(&target).current_dir(root());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.ends_with("RUSTFLAGS") || text.starts_with("CARGO_PROFILE_") || text == "CARGO_BUILD_TARGET" {
            command.env_remove(&name);
        }
    }
    let status = command.status().map_err(|error| format!("cargo: {error}"))?;
    if !status.success() {
        return Err(format!("the paths cannot be built ({status})"));
    }
    Ok(target.join("release/examples/count"))
}

/// Instructions of one operation of each path.
type Counts = BTreeMap<String, f64>;

fn count_all(program: &Path, words: &[&str]) -> Result<Counts, String> {
    let list = output(&mut Command::new(program))?;
    let list = String::from_utf8_lossy(&list.stdout);
    let path = |line: &str| {
        // What the path does comes last.
        let mut words = line.splitn(3, ' ');
        Some((words.next()?.to_owned(), words.next()?.parse().ok()?))
    };
    let paths: Option<Vec<(String, u32)>> = list.lines().map(path).collect();
    let paths = paths.ok_or_else(|| format!("the list of paths says:\n{list}"))?;
    if let Some(word) = words.iter().find(|word| !paths.iter().any(|(name, _)| name.contains(**word))) {
        let names: Vec<&str> = paths.iter().map(|(name, _)| name.as_str()).collect();
        return Err(format!("no path's name holds `{word}`; there are {}", names.join(", ")));
    }
    let mut counts = Counts::new();
    for (name, rounds) in paths {
        if words.is_empty() || words.iter().any(|word| name.contains(word)) {
            let (short, long) = (count(program, &name, rounds)?, count(program, &name, 2 * rounds)?);
            // Counts are far below 2^52: nothing is lost.
            #[allow(clippy::cast_precision_loss, reason = "see above")]
            let each = long.saturating_sub(short) as f64 / f64::from(rounds);
            counts.insert(name, each);
        }
    }
    Ok(counts)
}

/// All instructions of one run.
///
/// Where a buffer lies decides how many steps a copy of it takes, and what was allocated before decides where it lies. So the
/// program gets arguments of the same length whatever the folder and the rounds, and nothing of the user's environment.
fn count(program: &Path, name: &str, rounds: u32) -> Result<u64, String> {
    let folder = program.parent().unwrap_or(program);
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "./count", name, &format!("{rounds:010}")]);
    command.current_dir(folder).env_clear().envs(ENVIRONMENT).env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let said = output(&mut command)?;
    let text = String::from_utf8_lossy(&said.stderr);
    let collected = text.lines().find_map(|line| line.split_once("Collected :")).map(|(_, count)| count.trim());
    collected.and_then(|count| count.parse().ok()).ok_or_else(|| format!("callgrind gave no count for {name}:\n{text}"))
}

fn output(command: &mut Command) -> Result<Output, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{name} cannot be started: {error}"))?;
    if output.status.success() {
        return Ok(output);
    }
    Err(format!("{name} failed ({}):\n{}", output.status, String::from_utf8_lossy(&output.stderr)))
}

/// How much of the baseline was counted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Whole,
    /// The paths that were asked for: of the others nothing is known.
    Part,
}

impl Extent {
    fn of(words: &[&str]) -> Self {
        if words.is_empty() { Self::Whole } else { Self::Part }
    }
}

/// Prints every path and its change, and gives what changed too much.
fn judge(baseline: &Counts, counts: &Counts, extent: Extent) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, count) in counts {
        let Some(before) = baseline.get(name) else {
            println!("{name:30} {count:>14.1}  new");
            wrong.push(format!("{name} is not in the baseline; {RENEW}"));
            continue;
        };
        let change = 100.0 * (count - before) / before;
        println!("{name:30} {count:>14.1}  {change:+6.2} %");
        if change > TOLERANCE {
            wrong.push(format!("{name} takes {change:.1} % more instructions than the baseline ({before:.1}, now {count:.1}); if the price is right, {RENEW}"));
        } else if change < -TOLERANCE {
            wrong.push(format!("{name} takes {:.1} % fewer instructions than the baseline ({before:.1}, now {count:.1}): well done; {RENEW}", -change));
        }
    }
    for name in baseline.keys().filter(|name| extent == Extent::Whole && !counts.contains_key(*name)) {
        println!("{name:30} {:>14}  gone", "");
        wrong.push(format!("{name} is in the baseline and there is no such path; {RENEW}"));
    }
    wrong
}

/// Baselines by compiler.
type Baselines = BTreeMap<String, Counts>;

fn read(file: &Path) -> Result<Baselines, String> {
    match std::fs::read_to_string(file) {
        Ok(text) => parse(&text).map_err(|why| format!("{BASELINE} is no baseline: {why}")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Baselines::new()),
        Err(error) => Err(format!("{BASELINE}: {error}")),
    }
}

/// Refuses what no change could be told from: against zero, or what is no number, every count would pass.
fn parse(text: &str) -> Result<Baselines, String> {
    let baselines: Baselines = toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
    match baselines.values().flatten().find(|(_, count)| !count.is_normal() || **count < 0.0) {
        Some((name, count)) => Err(format!("{name} is said to take {count} instructions")),
        None => Ok(baselines),
    }
}

fn text(baselines: &Baselines) -> String {
    let mut text = HEADER.to_owned();
    for (key, counts) in baselines {
        text.push_str(&format!("\n[\"{key}\"]\n"));
        for (name, count) in counts {
            text.push_str(&format!("\"{name}\" = {count:.1}\n"));
        }
    }
    text
}

const BASELINE: &str = "benches/micro/icount.toml";

const RENEW: &str = "renew it with `cargo xtask icount --write`";

/// How much a count may differ from the baseline, in per cent, either way.
const TOLERANCE: f64 = 2.0;

/// No locale, and the copying routines that every processor has: the C library prefers others where there is AVX2, fast unaligned
/// AVX loads or `rep movsb` (each octet of which counts as an instruction). Without AVX2 alone it still copies with AVX.
const ENVIRONMENT: [(&str, &str); 2] =
    [("LC_ALL", "C"), ("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-AVX2,-AVX_Fast_Unaligned_Load,-ERMS")];

const USAGE: &str = "\
Usage: cargo xtask icount [--write] [NAME…]

Counts the instructions of every path of benches/micro under callgrind and compares them with
benches/micro/icount.toml: more than 2 % either way fails. docs/PERFORMANCE.md says how to read it.

  NAME     only the paths whose names hold one of these words
  --write  renews the baseline of this compiler instead
";

const HEADER: &str = "\
# Instructions of one operation of each path of benches/micro, by the compiler that made them: see docs/PERFORMANCE.md.
# Written by `cargo xtask icount --write`.
";

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(list: &[(&str, f64)]) -> Counts {
        list.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    }

    #[test]
    fn what_changed_by_more_than_the_tolerance_is_named() {
        let baseline = counts(&[("a", 100.0), ("b", 100.0), ("c", 100.0), ("gone", 1.0)]);
        let now = counts(&[("a", 101.9), ("b", 97.0), ("c", 103.0), ("new", 5.0)]);
        let why = judge(&baseline, &now, Extent::Whole).join("\n");
        assert!(!why.contains("a takes"), "{why}");
        assert!(why.contains("b takes 3.0 % fewer") && why.contains("c takes 3.0 % more"), "{why}");
        assert!(why.contains("new is not in the baseline") && why.contains("gone is in the baseline"), "{why}");
        assert_eq!(judge(&baseline, &counts(&[("a", 98.1)]), Extent::Part), [""; 0]);
    }

    #[test]
    fn a_baseline_reads_as_it_was_written() {
        let baselines = Baselines::from([("1.95.0 x".to_owned(), counts(&[("huffman/decode", 1234.5)]))]);
        assert_eq!(parse(&text(&baselines)), Ok(baselines));
    }

    #[test]
    fn a_baseline_that_nothing_could_differ_from_is_refused() {
        for count in ["0", "nan", "inf", "-1.0", "\"x\"", ""] {
            assert!(parse(&format!("[x]\n\"a/b\" = {count}\n")).is_err(), "{count}");
        }
    }
}
