//! What the tree says of rules: tests by `Covers 9113:5.1-7` in their documentation, code by citing `RFC 9113 §5.1`.
//! Not for: whether the rules exist; see `checks`.

use std::collections::{BTreeMap, BTreeSet};

use super::register::{Id, Section};
use crate::tidy::Find;
use crate::tidy::source::{Source, Span, is_word};
use crate::tidy::tree::{File, Tree};

/// Everything the tree says.
#[derive(Default)]
pub(super) struct Evidence {
    pub(super) claims: Vec<Claim>,
    pub(super) citations: Vec<Citation>,
}

/// A test that says it proves a rule.
pub(super) struct Claim {
    pub(super) path: String,
    pub(super) line: usize,
    pub(super) test: String,
    pub(super) rfc: u16,
    pub(super) id: Id,
}

/// A place that names a section.
pub(super) struct Citation {
    pub(super) path: String,
    pub(super) line: usize,
    pub(super) rfc: u16,
    pub(super) section: Section,
}

impl Evidence {
    /// Reads every Rust file except this task's own, which speak of rules without proving any.
    pub(super) fn of(tree: &Tree, finds: &mut Vec<Find>) -> Self {
        let mut evidence = Self::default();
        for (file, source) in tree.sources().filter(|(file, _)| !file.path.starts_with(OURS)) {
            for (line, list) in lists(&source.comments) {
                let mut find = |what: String| finds.push(Find::new(&file.path, line, what));
                let Some(test) = test_below(source, line) else {
                    find("`Covers` stands above no test; move it to the test's documentation".to_owned());
                    continue;
                };
                for rule in rules(&list) {
                    let claim = |(rfc, id)| Claim { path: file.path.clone(), line, test: test.name.clone(), rfc, id };
                    rule.map_or_else(&mut find, |rule| evidence.claims.push(claim(rule)));
                }
            }
            evidence.citations.extend(citations(file));
        }
        evidence
    }

    /// The tests of one rule, as pointers, sorted.
    pub(super) fn tests(&self, rfc: u16, id: &Id) -> BTreeSet<String> {
        let of_rule = self.claims.iter().filter(|claim| claim.rfc == rfc && claim.id == *id);
        of_rule.map(|claim| format!("{}::{}", claim.path, claim.test)).collect()
    }

    /// The files that cite each section of an RFC; tests are left out, they are listed with the rules.
    pub(super) fn citing(&self, rfc: u16) -> BTreeMap<&Section, BTreeSet<&str>> {
        let mut files: BTreeMap<&Section, BTreeSet<&str>> = BTreeMap::new();
        let is_code =
            |citation: &&Citation| citation.rfc == rfc && !citation.path.split('/').any(|part| part == "tests");
        for citation in self.citations.iter().filter(is_code) {
            files.entry(&citation.section).or_default().insert(&citation.path);
        }
        files
    }
}

/// The text behind each `/// Covers `, with its line; a line that ends in a comma goes on in the next.
fn lists(comments: &str) -> Vec<(usize, String)> {
    let mut lists = Vec::new();
    let mut lines = comments.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let Some(start) = line.trim().strip_prefix("/// Covers ") else { continue };
        let mut list = start.to_owned();
        while list.ends_with(',') {
            let Some(more) = lines.next().and_then(|(_, line)| line.trim().strip_prefix("/// ")) else { break };
            list = format!("{list} {more}");
        }
        lists.push((index + 1, list));
    }
    lists
}

/// `9113:5.1-7, 7541:4.2-1: and why` without what follows the colon, each item by itself.
fn rules(list: &str) -> Vec<Result<(u16, Id), String>> {
    let mut rules = Vec::new();
    for item in list.split(", ") {
        let mut parts = item.splitn(3, ':').map(str::trim);
        let (rfc, id, explanation) = (parts.next(), parts.next(), parts.next());
        let rule = rfc.and_then(|rfc| rfc.parse().ok()).zip(id.and_then(Id::parse));
        rules.push(rule.ok_or_else(|| format!("`{item}`: name a rule of docs/rfc/, as in `9113:5.1-7`")));
        if explanation.is_some() {
            break;
        }
    }
    rules
}

/// The function that the documentation on `line` belongs to, when an attribute in between says that it is a test.
fn test_below(source: &Source, line: usize) -> Option<&Span> {
    let function = source.functions.iter().find(|function| function.first > line)?;
    let between = source.code.lines().skip(line).take(function.first - line - 1);
    let attributes: Vec<&str> = between.map(str::trim).filter(|line| !line.is_empty()).collect();
    let is_test = attributes.iter().any(|attribute| attribute.starts_with("#[") && attribute.contains("test"));
    (is_test && attributes.iter().all(|attribute| attribute.starts_with("#["))).then_some(function)
}

/// Every `RFC 9113 §5.1`; sections that follow in the same line belong to the RFC named last.
fn citations(file: &File) -> Vec<Citation> {
    let mut citations = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        for part in line.split("RFC ").skip(1) {
            let number = part.split(|character: char| !character.is_ascii_digit()).next();
            let Some(rfc) = number.and_then(|number| number.parse().ok()) else { continue };
            let sections = part.split('§').skip(1).filter_map(|rest| {
                let section = rest.split(|character| !is_word(character) && character != '.').next()?;
                Section::parse(section.trim_end_matches('.'))
            });
            let citation = |section| Citation { path: file.path.clone(), line: index + 1, rfc, section };
            citations.extend(sections.map(citation));
        }
    }
    citations
}

const OURS: &str = "xtask/";
