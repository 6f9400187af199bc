//! `cargo xtask coverage`: how many lines of the core its tests and the committed fuzz inputs reach, and whether that is enough.
//!
//! A line counts when the compiler made code of it. Files of tests do not count; test modules inside a file cannot be told
//! apart and do, which moves the figures by less than one per cent. Not for: what a reached line proves.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::tools::{self, Need};
use crate::{root, target};

/// Runs the tests of the core with counters, prints a line a crate and the files that lack most.
///
/// # Errors
/// When a crate is below the bound, a test fails, or the tools are missing.
pub(crate) fn run() -> Result<(), String> {
    let path = ready()?;
    let report = target(&root()).join("coverage.json");
    measure(&path, &report)?;
    let text = std::fs::read(&report).map_err(|error| format!("{}: {error}", report.display()))?;
    let json = serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", report.display()))?;
    let files = files(&json, &root()).ok_or_else(|| format!("{}: not a coverage report", report.display()))?;
    let table = table(&files);
    print!("{}", text_of(&table, &files));
    judge(&table)
}

/// As a step of `ci`: skipped aloud where the tools cannot be had, since the compiler's LLVM tools come from rustup alone, which
/// not every machine lets fetch them. What is measured must be enough.
pub(crate) fn check() -> Result<(), String> {
    match ready() {
        Ok(_) => run(),
        Err(why) => {
            println!("skipped: {why}");
            Ok(())
        }
    }
}

fn ready() -> Result<OsString, String> {
    let path = tools::with(&Need { program: "cargo-llvm-cov", package: "cargo-llvm-cov", what: "measuring coverage" })?;
    let installed = Command::new("rustup").args(["component", "list", "--installed"]).current_dir(root()).output();
    let has_tools = installed.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("llvm-tools"));
    if !has_tools {
        tools::rustup(&["component", "add", "llvm-tools"], "measuring coverage needs the compiler's LLVM tools")?;
    }
    Ok(path)
}

fn measure(path: &OsString, report: &Path) -> Result<(), String> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["llvm-cov", "--json", "--summary-only", "--output-path"]).arg(report);
    let packages = CRATES.iter().flat_map(|(package, _)| ["--package", package]);
    command.args(packages);
    command.args(["--package", "pellucid-fuzz"]).current_dir(root()).env("PATH", path);
    // It would install by itself what is missing.
    command.env("CARGO_LLVM_COV_SETUP", "no");
    let status = command.status().map_err(|error| format!("cargo llvm-cov: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("cargo llvm-cov failed ({status})")) }
}

/// Lines of something: those that were reached, and all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Lines {
    covered: u64,
    count: u64,
}

impl Lines {
    fn percent(self) -> f64 {
        if self.count == 0 { 0.0 } else { self.covered as f64 * 100.0 / self.count as f64 }
    }
}

/// The files of the core, by their paths from the root; `None` if the report has another shape.
fn files(report: &Value, root: &Path) -> Option<BTreeMap<String, Lines>> {
    let mut files = BTreeMap::new();
    for file in report.get("data")?.get(0)?.get("files")?.as_array()? {
        let path = Path::new(file.get("filename")?.as_str()?);
        let Some(path) = path.strip_prefix(root).ok().and_then(Path::to_str) else { continue };
        let lines = file.get("summary")?.get("lines")?;
        let lines = Lines { covered: lines.get("covered")?.as_u64()?, count: lines.get("count")?.as_u64()? };
        let is_test = path.split(['/', '.']).any(|part| part == "tests");
        if !is_test && CRATES.iter().any(|(_, folder)| path.starts_with(folder)) {
            files.insert(path.to_owned(), lines);
        }
    }
    Some(files)
}

/// A sum a crate, in the order of the list.
fn table(files: &BTreeMap<String, Lines>) -> Vec<(&'static str, Lines)> {
    let sum = |folder: &str| {
        files.iter().filter(|(path, _)| path.starts_with(folder)).fold(Lines::default(), |sum, (_, lines)| Lines {
            covered: sum.covered + lines.covered,
            count: sum.count + lines.count,
        })
    };
    CRATES.iter().map(|(_, folder)| (*folder, sum(folder))).collect()
}

fn text_of(table: &[(&'static str, Lines)], files: &BTreeMap<String, Lines>) -> String {
    use std::fmt::Write;

    let mut text = String::new();
    let mut line = |name: &str, lines: Lines| {
        let _ = writeln!(text, "{name:40} {:6} of {:6} lines  {:5.1} %", lines.covered, lines.count, lines.percent());
    };
    table.iter().for_each(|(folder, lines)| line(folder, *lines));
    let mut worst: Vec<(&String, &Lines)> = files.iter().filter(|(_, lines)| lines.covered < lines.count).collect();
    worst.sort_by(|a, b| a.1.percent().total_cmp(&b.1.percent()));
    worst.iter().take(WORST).for_each(|(path, lines)| line(&format!("  {path}"), **lines));
    text
}

fn judge(table: &[(&'static str, Lines)]) -> Result<(), String> {
    let low: Vec<String> = table
        .iter()
        .filter(|(_, lines)| lines.percent() < LEAST_PERCENT)
        .map(|(folder, lines)| format!("{folder}: {:.1} %", lines.percent()))
        .collect();
    if low.is_empty() { Ok(()) } else { Err(format!("below {LEAST_PERCENT} % of lines: {}", low.join(", "))) }
}

/// The packages of the core, and the folders of their code.
const CRATES: [(&str, &str); 4] = [
    ("pellucid-frame", "frame/src/"),
    ("pellucid-hpack", "hpack/src/"),
    ("pellucid-flow", "flow/src/"),
    ("pellucid-conn", "conn/src/"),
];
const LEAST_PERCENT: f64 = 90.0;
/// Files that are named.
const WORST: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn report(files: &[(&str, u64, u64)]) -> Value {
        let file = |(path, covered, count): &(&str, u64, u64)| serde_json::json!({"filename": path, "summary": {"lines": {"count": count, "covered": covered}}});
        serde_json::json!({"data": [{"files": files.iter().map(file).collect::<Vec<_>>()}]})
    }

    #[test]
    fn crates_are_summed_and_tests_left_out() {
        let all = [
            ("/r/conn/src/a.rs", 80, 100),
            ("/r/conn/src/h2/b.rs", 100, 100),
            ("/r/conn/src/tap/tests.rs", 0, 900),
            ("/r/conn/driver/src/run.rs", 0, 900),
            ("/elsewhere/frame/src/a.rs", 0, 900),
        ];
        let files = files(&report(&all), Path::new("/r")).unwrap();
        assert_eq!(files.len(), 2);
        let table = table(&files);
        assert_eq!(table.last(), Some(&("conn/src/", Lines { covered: 180, count: 200 })));
        let text = text_of(&table, &files);
        assert!(text.contains("90.0 %") && text.contains("  conn/src/a.rs"), "{text}");
    }

    #[test]
    fn a_crate_below_the_bound_or_without_lines_fails() {
        let low =
            [("frame/src/", Lines { covered: 899, count: 1000 }), ("flow/src/", Lines { covered: 90, count: 100 })];
        assert_eq!(judge(&low), Err("below 90 % of lines: frame/src/: 89.9 %".to_owned()));
        assert!(judge(&[("flow/src/", Lines::default())]).is_err());
    }

    #[test]
    fn what_is_no_report_is_said_to_be_none() {
        assert_eq!(files(&serde_json::json!({"data": []}), Path::new("/r")), None);
    }
}
