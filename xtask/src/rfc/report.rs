//! docs/RFC-COVERAGE.md: the registers, the code and the tests as one document. The same tree gives the same octets.
//! Not for: finding faults; see `checks`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::evidence::Evidence;
use super::register::{Register, Rule, Section};

/// The whole document.
pub(super) fn write(registers: &BTreeMap<u16, Register>, evidence: &Evidence) -> String {
    let mut out = OPENING.to_owned();
    summary(&mut out, registers, evidence);
    for (rfc, register) in registers {
        chapter(&mut out, *rfc, register, evidence);
    }
    out
}

fn summary(out: &mut String, registers: &BTreeMap<u16, Register>, evidence: &Evidence) {
    out.push_str("| RFC | rules | proved by tests | with a reason instead | key words set aside |\n");
    out.push_str("|---|--:|--:|--:|--:|\n");
    for (rfc, register) in registers {
        let tested = register.rules.iter().filter(|rule| !evidence.tests(*rfc, &rule.id).is_empty()).count();
        let reasoned = register.rules.iter().filter(|rule| rule.reason.is_some()).count();
        let set_aside: usize = register.elsewhere.iter().map(|entry| entry.words).sum();
        let (title, rules) = (title(*rfc), register.rules.len());
        let _ = writeln!(out, "| [{rfc}](#rfc-{rfc}), {title} | {rules} | {tested} | {reasoned} | {set_aside} |");
    }
}

fn chapter(out: &mut String, rfc: u16, register: &Register, evidence: &Evidence) {
    let _ = writeln!(out, "\n## RFC {rfc}\n\n{}.", title(rfc));
    let citing = evidence.citing(rfc);
    let sections: BTreeSet<&Section> = register.rules.iter().map(|rule| &rule.id.section).collect();
    for section in sections {
        let files: Vec<String> = citing.get(section).into_iter().flatten().map(|file| format!("`{file}`")).collect();
        let cited = if files.is_empty() { String::new() } else { format!("; cited in {}", files.join(", ")) };
        let _ = writeln!(out, "\n### RFC {rfc} §{section}\n\n{}{cited}\n", link("text", rfc, section));
        out.push_str(
            "| id | level | binds | rule | place | tests, or why there is none |\n|---|---|---|---|---|---|\n",
        );
        for rule in register.rules.iter().filter(|rule| rule.id.section == *section) {
            row(out, rule, &evidence.tests(rfc, &rule.id));
        }
    }
    if !register.elsewhere.is_empty() {
        let _ = writeln!(out, "\n### RFC {rfc}, set aside\n\n| section | key words | why |\n|---|--:|---|");
    }
    for entry in &register.elsewhere {
        let section = link(&format!("§{}", entry.section), rfc, &entry.section);
        let _ = writeln!(out, "| {section} | {} | {} |", entry.words, cell(&entry.reason));
    }
}

fn row(out: &mut String, rule: &Rule, tests: &BTreeSet<String>) {
    let code = |pointers: &mut dyn Iterator<Item = &String>| {
        let pointers: Vec<String> = pointers.map(|pointer| format!("`{pointer}`")).collect();
        pointers.join("<br>")
    };
    let places = code(&mut rule.places.iter());
    let proof = rule.reason.as_ref().map_or_else(|| code(&mut tests.iter()), |reason| cell(reason));
    let (id, level, binds) = (&rule.id, &rule.level, &rule.binds);
    let _ = writeln!(out, "| {id} | {level} | {binds} | {} | {places} | {proof} |", cell(&rule.rule));
}

/// Text that does not end its cell.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// A link to a section of the RFC.
fn link(text: &str, rfc: u16, section: &Section) -> String {
    let kind = if section.as_str().starts_with(|first: char| first.is_ascii_digit()) { "section" } else { "appendix" };
    let place = if section.is_numbered() { format!("#{kind}-{section}") } else { String::new() };
    format!("[{text}](https://www.rfc-editor.org/rfc/rfc{rfc}{place})")
}

fn title(rfc: u16) -> &'static str {
    TITLES.iter().find(|(number, _)| *number == rfc).map_or("an RFC without a name in xtask", |(_, title)| title)
}

const TITLES: &[(u16, &str)] = &[
    (7541, "HPACK: header compression"),
    (7838, "alternative services"),
    (8336, "the ORIGIN frame"),
    (8441, "extended CONNECT, for WebSockets"),
    (9110, "HTTP semantics"),
    (9112, "HTTP/1.1"),
    (9113, "HTTP/2"),
    (9218, "priorities"),
];

const OPENING: &str = "\
# RFC coverage

<!-- Written by `cargo xtask rfc` from docs/rfc/*.toml, the tests and the code. Change those, not this. -->

Every MUST, MUST NOT, SHOULD and SHOULD NOT of the RFCs below, in our own words: whom it binds, where it is kept, and which tests
prove it or why there is none. Where the texts of the RFCs are at hand, `cargo xtask rfc --check` counts the key words of every section,
so that no rule is left out. Sections that do not bind a transport, or the rest of them, are set aside as a whole, each with the reason.

";
