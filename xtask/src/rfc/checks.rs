//! What must be true of registers, tests and citations together. Each check names a line and says what to do.
//! Not for: reading them; see `register`, `evidence`, `text`.

use std::collections::{BTreeMap, BTreeSet};

use super::evidence::Evidence;
use super::register::{Register, Rule, Section};
use super::text::Text;
use crate::tidy::Find;
use crate::tidy::docs::broken;
use crate::tidy::tree::Tree;

/// Everything that is wrong.
pub(super) fn all(
    tree: &Tree,
    registers: &BTreeMap<u16, Register>,
    evidence: &Evidence,
    texts: &BTreeMap<u16, Text>,
) -> Vec<Find> {
    let mut finds = claims(registers, evidence);
    for (rfc, register) in registers {
        finds.extend(order(register));
        for rule in &register.rules {
            finds.extend(words(rule));
            finds.extend(places(tree, rule));
            let is_tested = !evidence.tests(*rfc, &rule.id).is_empty();
            finds.extend(proof(*rfc, rule, is_tested).map(|what| rule.at.find(what)));
        }
        if let Some(text) = texts.get(rfc) {
            finds.extend(sections(register, text));
            finds.extend(complete(*rfc, register, text));
        }
    }
    finds.extend(citations(evidence, texts));
    finds
}

/// Every test names rules that exist.
fn claims(registers: &BTreeMap<u16, Register>, evidence: &Evidence) -> Vec<Find> {
    let is_known = |rfc: u16, id| registers.get(&rfc).is_some_and(|register| register.rule(id).is_some());
    let unknown = evidence.claims.iter().filter(|claim| !is_known(claim.rfc, &claim.id));
    let find = |what, path: &str, line| Find::new(path, line, what);
    unknown
        .map(|claim| {
            let what = format!("`{}:{}`: no register in docs/rfc/ has this rule; correct it", claim.rfc, claim.id);
            find(what, &claim.path, claim.line)
        })
        .collect()
}

/// Rules come in the order of the text and are numbered from 1 in each section; a section is set aside once.
fn order(register: &Register) -> Vec<Find> {
    let mut finds = Vec::new();
    let mut previous: Option<&Rule> = None;
    for rule in &register.rules {
        let same_section = previous.filter(|previous| previous.id.section == rule.id.section);
        let number = same_section.map_or(1, |previous| previous.id.number + 1);
        if previous.is_some_and(|previous| previous.id.section > rule.id.section) {
            finds.push(rule.at.find(format!("`{}` is behind a later section; move it", rule.id)));
        } else if rule.id.number != number {
            finds.push(rule.at.find(format!("`{}` should be `{}-{number}`", rule.id, rule.id.section)));
        }
        previous = Some(rule);
    }
    let mut seen = BTreeSet::new();
    for entry in &register.elsewhere {
        if !seen.insert(&entry.section) {
            finds.push(entry.at.find(format!("section {} is set aside twice; join the two", entry.section)));
        }
        if entry.reason.trim().is_empty() {
            finds.push(entry.at.find("no reason; say whose the section is"));
        }
    }
    finds
}

/// Levels and roles are of the lists, and the rule is said.
fn words(rule: &Rule) -> Vec<Find> {
    let mut finds = Vec::new();
    for (what, word, list) in [("level", &rule.level, LEVELS), ("binds", &rule.binds, BINDS)] {
        if !list.contains(&word.as_str()) {
            finds.push(rule.at.find(format!("`{word}` is no {what}; the list is {}", list.join(", "))));
        }
    }
    if rule.rule.trim().is_empty() {
        finds.push(rule.at.find("the rule is not said; say it in our own words"));
    }
    finds
}

/// Every place exists.
fn places(tree: &Tree, rule: &Rule) -> Vec<Find> {
    let wrong = rule.places.iter().filter_map(|place| {
        let what = match place.split_once(".rs::") {
            Some((path, item)) => broken(tree, &format!("{path}.rs"), item)?,
            None => "write it as in `conn/src/h2/goaway.rs::on_goaway`".to_owned(),
        };
        Some(rule.at.find(format!("place `{place}`: {what}")))
    });
    wrong.collect()
}

/// What a rule lacks: it has a place and a test, or a reason why there is no test, and never test and reason.
fn proof(rfc: u16, rule: &Rule, is_tested: bool) -> Option<String> {
    let id = &rule.id;
    match (&rule.reason, is_tested) {
        (Some(reason), _) if reason.trim().is_empty() => Some("an empty reason; say why there is no test".to_owned()),
        (Some(_), true) => Some(format!("`{rfc}:{id}` has tests and a reason why it has none; strike the reason")),
        (None, false) => Some(format!(
            "`{rfc}:{id}` has neither a test (`/// Covers {rfc}:{id}`) nor a reason; write one of the two"
        )),
        (None, true) if rule.places.is_empty() => {
            Some(format!("`{rfc}:{id}` has no place; say where it is enforced or fulfilled"))
        }
        _ => None,
    }
}

/// Every section exists in the text.
fn sections(register: &Register, text: &Text) -> Vec<Find> {
    let of_rules = register.rules.iter().map(|rule| (&rule.at, &rule.id.section));
    let set_aside = register.elsewhere.iter().map(|entry| (&entry.at, &entry.section));
    let unknown = of_rules.chain(set_aside).filter(|(_, section)| !text.has(section));
    unknown.map(|(at, section)| at.find(format!("the RFC has no section {section}; correct it"))).collect()
}

/// For every section the key words in the text are as many as its rules and what is set aside account for.
fn complete(rfc: u16, register: &Register, text: &Text) -> Vec<Find> {
    let mut accounts: BTreeMap<&Section, usize> = text.with_key_words().map(|(section, _)| (section, 0)).collect();
    for rule in &register.rules {
        *accounts.entry(&rule.id.section).or_default() += rule.words;
    }
    for entry in &register.elsewhere {
        *accounts.entry(&entry.section).or_default() += entry.words;
    }
    let mut finds = Vec::new();
    for (section, accounted) in accounts {
        let lines = text.key_word_lines(section);
        if lines.len() != accounted {
            let (path, line) = last_line(register, section);
            let lines: Vec<String> = lines.iter().map(usize::to_string).collect();
            let what = format!(
                "RFC {rfc} §{section}: {} key words in the text (lines {}), {accounted} accounted for; \
                 add rules or `elsewhere`, or correct `words`",
                lines.len(),
                lines.join(" "),
            );
            finds.push(Find::new(path, line, what));
        }
    }
    finds
}

/// Where a section's last entry is, or where the register begins.
fn last_line<'a>(register: &'a Register, section: &Section) -> (&'a str, usize) {
    let of_rules = register.rules.iter().filter(|rule| rule.id.section == *section).map(|rule| &rule.at);
    let set_aside = register.elsewhere.iter().filter(|entry| entry.section == *section).map(|entry| &entry.at);
    match set_aside.chain(of_rules).last() {
        Some(at) => (&at.path, at.line),
        None => (register.files.first().map_or(super::REGISTERS, String::as_str), 1),
    }
}

/// Code and tests cite sections that exist.
fn citations(evidence: &Evidence, texts: &BTreeMap<u16, Text>) -> Vec<Find> {
    let is_wrong = |rfc: u16, section| texts.get(&rfc).is_some_and(|text| !text.has(section));
    let wrong = evidence.citations.iter().filter(|citation| is_wrong(citation.rfc, &citation.section));
    wrong
        .map(|citation| {
            let what = format!("RFC {} has no §{}; correct it", citation.rfc, citation.section);
            Find::new(&citation.path, citation.line, what)
        })
        .collect()
}

const LEVELS: &[&str] = &["MUST", "MUST NOT", "SHOULD", "SHOULD NOT"];
/// Whom a rule can bind.
const BINDS: &[&str] = &[
    "client",
    "server",
    "both",
    "sender",
    "recipient",
    "encoder",
    "decoder",
    "intermediary",
    "application",
    "extension",
    "registry",
];
