//! `cargo xtask rfc`: every rule of the RFCs, where it is kept and which test proves it.
//! Not for: judging whether a test proves what it says. That is the reader's, and docs/RFC-COVERAGE.md is made for reading.
//!
//! ```text
//!    docs/rfc/*.toml ─▶ Register ─┐
//!    tests: `Covers 9113:5.1-7` ──┼─▶ checks ─▶ finds: file:line: what, and what to do
//!    code: `RFC 9113 §5.1` ───────┤       └───▶ docs/RFC-COVERAGE.md
//!    the RFCs' own texts ─────────┘  (beside the project; where they are absent, completeness is not checked)
//! ```

mod checks;
mod evidence;
mod register;
mod report;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::tidy::Find;
use crate::tidy::tree::Tree;
use evidence::Evidence;
use register::Register;
use text::Text;

/// Checks everything, then writes docs/RFC-COVERAGE.md, or with `--check` compares it.
///
/// # Errors
/// When a check finds something, or with `--check` when the document is not what would be written.
pub(crate) fn run(args: &[String]) -> Result<(), String> {
    let task = Task::parse(args)?;
    let root = crate::root();
    let tree = Tree::read(&root)?;
    let (registers, mut finds) = Register::read_all(&tree);
    if let Some(rfc) = task.only.filter(|rfc| !registers.contains_key(rfc)) {
        let known: Vec<String> = registers.keys().map(u16::to_string).collect();
        return Err(format!("`--only {rfc}`: {REGISTERS} has no such RFC; there are {}", known.join(", ")));
    }
    let evidence = Evidence::of(&tree, &mut finds);
    let texts = texts(&root, &registers)?;
    finds.extend(checks::all(&tree, &registers, &evidence, &texts));
    let document = report::write(&registers, &evidence);
    if task.goal == Goal::Check && tree.file(DOCUMENT).is_none_or(|file| file.text != document) {
        finds.push(Find::new(DOCUMENT, 1, "stale; run `cargo xtask rfc` and commit what it writes"));
    }
    if let Some(rfc) = task.only {
        finds.retain(|find| concerns(find, rfc));
    }
    finds.sort();
    for find in &finds {
        println!("{find}");
    }
    if task.goal == Goal::Write && task.only.is_none() {
        fs::write(root.join(DOCUMENT), &document).map_err(|error| format!("{DOCUMENT}: {error}"))?;
        println!("rfc: {DOCUMENT} is written");
    }
    let shown = registers.iter().filter(|(rfc, _)| task.only.is_none_or(|only| only == **rfc));
    let rules: Vec<usize> = shown.map(|(_, register)| register.rules.len()).collect();
    match finds.len() {
        0 => {
            let (all, rfcs) = (rules.iter().sum::<usize>(), rules.len());
            println!(
                "rfc: {all} rules of {rfcs} RFC{}, each with a test or a reason",
                if rfcs == 1 { "" } else { "s" }
            );
            Ok(())
        }
        1 => Err("rfc found 1 thing".to_owned()),
        count => Err(format!("rfc found {count} things")),
    }
}

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
struct Task {
    goal: Goal,
    /// Show only what concerns this RFC.
    only: Option<u16>,
}

#[derive(Debug, PartialEq, Eq)]
enum Goal {
    Write,
    Check,
}

impl Task {
    fn parse(args: &[String]) -> Result<Self, String> {
        let mut task = Self { goal: Goal::Write, only: None };
        let mut args = args.iter().map(String::as_str);
        while let Some(arg) = args.next() {
            match arg {
                "--check" => task.goal = Goal::Check,
                "--only" => {
                    let number = args.next().and_then(|number| number.parse().ok());
                    task.only = Some(number.ok_or("`--only` wants the number of an RFC, as in `--only 9113`")?);
                }
                _ => return Err(format!("`rfc` takes --check and --only NNNN, not `{arg}`")),
            }
        }
        Ok(task)
    }
}

/// Whether a find is about `rfc`: in its register, or naming one of its rules.
fn concerns(find: &Find, rfc: u16) -> bool {
    let name = format!("{REGISTERS}rfc{rfc}");
    find.path.starts_with(&name) || find.what.contains(&format!("{rfc}:")) || find.what.contains(&format!("RFC {rfc}"))
}

/// The texts of the registered RFCs, as far as they are there; aloud where they are not.
fn texts(root: &Path, registers: &BTreeMap<u16, Register>) -> Result<BTreeMap<u16, Text>, String> {
    let folder = root.join("../shared/data/rfc");
    let mut texts = BTreeMap::new();
    for rfc in registers.keys() {
        let path = folder.join(format!("rfc{rfc}.txt"));
        match fs::read_to_string(&path) {
            Ok(text) => {
                texts.insert(*rfc, Text::parse(&text));
            }
            Err(error) if crate::tools::in_ci() => {
                return Err(format!("{}: {error}; CI must have the texts", path.display()));
            }
            Err(_) => println!("rfc: skipped: whether RFC {rfc} is complete; {} is not there", path.display()),
        }
    }
    Ok(texts)
}

const DOCUMENT: &str = "docs/RFC-COVERAGE.md";
const REGISTERS: &str = "docs/rfc/";
