//! `cargo xtask icount`: instructions of every path of `benches/micro`, counted under callgrind and compared with the committed
//! baseline, `benches/micro/icount.toml`. Unlike times, counts repeat; what they do not see (cache misses, system calls) is in
//! docs/PERFORMANCE.md. Not for: absolute speed.
//!
//! The count is the difference of two run lengths, divided by the operations between them, so that start-up cancels out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::tools::in_ci;
use crate::{root, target};

/// `[--write] [NAME…]`: compares, or renews the baseline of this compiler; all paths, or those whose name holds one of the words.
///
/// # Errors
/// When a count differs by more than the tolerance, there is no baseline, or a tool is missing.
pub(crate) fn run(args: &[String]) -> Result<(), String> {
    let mut words: Vec<&str> = args.iter().map(String::as_str).collect();
    let writes = words.contains(&"--write");
    words.retain(|word| *word != "--write");
    if let Some(option) = words.iter().find(|word| word.starts_with('-')) {
        return Err(format!("icount knows no option `{option}`; usage: cargo xtask icount [--write] [NAME…]"));
    }
    require_valgrind()?;
    let key = compiler()?;
    let file = root().join(BASELINE);
    let mut baselines = read(&file)?;
    if !writes && !baselines.contains_key(&key) {
        let known = baselines.keys().cloned().collect::<Vec<_>>().join(", ");
        let why = format!("no baseline of {key} (there is: {known}); {RENEW}, and commit {BASELINE}");
        return if in_ci() { Err(why) } else { skip(&why) };
    }
    let program = build()?;
    let counts = count_all(&program, &words)?;
    if writes {
        baselines.entry(key.clone()).or_default().extend(counts);
        std::fs::write(&file, text(&baselines)).map_err(|error| format!("{BASELINE}: {error}"))?;
        println!("{BASELINE}: the baseline of {key} is renewed");
        return Ok(());
    }
    let baseline = baselines.remove(&key).unwrap_or_default();
    let is_whole = words.is_empty();
    judge(&baseline, &counts, is_whole)
}

/// As a step of `ci`: skipped where valgrind is missing, but not in continuous integration.
pub(crate) fn check() -> Result<(), String> {
    match require_valgrind() {
        Err(why) if !in_ci() => skip(&why),
        Err(why) => Err(why),
        Ok(()) => run(&[]),
    }
}

fn skip(why: &str) -> Result<(), String> {
    println!("skipped: {why}");
    Ok(())
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

/// Builds the program that does the work, as users' programs are built.
fn build() -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--release", "--package", "pellucid-micro", "--example", "count"]);
    let status =
        command.current_dir(root()).env_remove("RUSTFLAGS").status().map_err(|error| format!("cargo: {error}"))?;
    if !status.success() {
        return Err(format!("the paths cannot be built ({status})"));
    }
    Ok(target(&root()).join("release/examples/count"))
}

/// Instructions of one operation of each path.
type Counts = BTreeMap<String, f64>;

fn count_all(program: &Path, words: &[&str]) -> Result<Counts, String> {
    let list = output(&mut Command::new(program))?;
    let mut counts = Counts::new();
    for line in String::from_utf8_lossy(&list.stdout).lines() {
        let (name, rounds) = line.split_once(' ').ok_or_else(|| format!("the list of paths says `{line}`"))?;
        if !words.is_empty() && !words.iter().any(|word| name.contains(word)) {
            continue;
        }
        let rounds: u64 = rounds.parse().map_err(|_| format!("the list of paths says `{line}`"))?;
        let (short, long) = (count(program, name, rounds)?, count(program, name, 2 * rounds)?);
        // Counts are far below 2^52: nothing is lost.
        #[allow(clippy::cast_precision_loss, reason = "see above")]
        let each = long.saturating_sub(short) as f64 / rounds as f64;
        counts.insert(name.to_owned(), each);
    }
    if counts.is_empty() { Err(format!("no path is named like {}", words.join(" or "))) } else { Ok(counts) }
}

/// All instructions of one run.
fn count(program: &Path, name: &str, rounds: u64) -> Result<u64, String> {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program).args([name, &rounds.to_string()]);
    // Nothing of the user's environment: its size moves the stack, a locale or the allocator's settings change what runs. The C
    // library is kept from choosing its copying by the processor.
    command.env_clear().envs(ENVIRONMENT).env("PATH", std::env::var_os("PATH").unwrap_or_default());
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

/// Prints every path and its change, and fails with those that changed too much.
fn judge(baseline: &Counts, counts: &Counts, is_whole: bool) -> Result<(), String> {
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
    let gone = baseline.keys().filter(|name| is_whole && !counts.contains_key(*name));
    wrong.extend(gone.map(|name| format!("{name} is in the baseline and there is no such path; {RENEW}")));
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n       ")) }
}

/// Baselines by compiler.
type Baselines = BTreeMap<String, Counts>;

fn read(file: &Path) -> Result<Baselines, String> {
    match std::fs::read_to_string(file) {
        Ok(text) => toml::from_str(&text).map_err(|error| format!("{BASELINE}: {error}")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Baselines::new()),
        Err(error) => Err(format!("{BASELINE}: {error}")),
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

const ENVIRONMENT: [(&str, &str); 2] =
    [("LC_ALL", "C"), ("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-AVX2,-AVX512F,-AVX512VL,-ERMS,-FSRM")];

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
        let why =
            judge(&baseline, &counts(&[("a", 101.9), ("b", 97.0), ("c", 103.0), ("new", 5.0)]), true).unwrap_err();
        assert!(!why.contains("a takes"), "{why}");
        assert!(why.contains("b takes 3.0 % fewer") && why.contains("c takes 3.0 % more"), "{why}");
        assert!(why.contains("new is not in the baseline") && why.contains("gone is in the baseline"), "{why}");
        assert_eq!(judge(&baseline, &counts(&[("a", 98.1)]), false), Ok(()));
    }

    #[test]
    fn a_baseline_reads_as_it_was_written() {
        let baselines = Baselines::from([("1.95.0 x".to_owned(), counts(&[("huffman/decode", 1234.5)]))]);
        assert_eq!(toml::from_str::<Baselines>(&text(&baselines)).unwrap(), baselines);
    }
}
