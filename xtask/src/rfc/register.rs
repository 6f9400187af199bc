//! The registers, docs/rfc/*.toml: the rules of each RFC in our own words.
//! Not for: what is true of them; see `checks`. A register that cannot be read is a find like any other.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use toml::Spanned;

use crate::tidy::Find;
use crate::tidy::tree::Tree;

/// Everything that is registered of one RFC; several files of the same RFC are read one behind the other.
#[derive(Debug)]
pub(super) struct Register {
    /// The files, in the order of their names.
    pub(super) files: Vec<String>,
    pub(super) rules: Vec<Rule>,
    pub(super) elsewhere: Vec<Elsewhere>,
}

/// One rule.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) at: At,
    pub(super) id: Id,
    pub(super) level: String,
    pub(super) binds: String,
    pub(super) rule: String,
    pub(super) places: Vec<String>,
    /// How many key words of the text it accounts for.
    pub(super) words: usize,
    /// Why there is no test.
    pub(super) reason: Option<String>,
}

/// The rest of a section, which does not bind a transport.
#[derive(Debug)]
pub(super) struct Elsewhere {
    pub(super) at: At,
    pub(super) section: Section,
    pub(super) words: usize,
    pub(super) reason: String,
}

/// A line of a register.
#[derive(Clone, Debug)]
pub(super) struct At {
    pub(super) path: String,
    pub(super) line: usize,
}

impl At {
    pub(super) fn find(&self, what: impl Into<String>) -> Find {
        Find::new(&self.path, self.line, what)
    }
}

impl Register {
    /// The registers by RFC, and what is wrong with those that cannot be read.
    pub(super) fn read_all(tree: &Tree) -> (BTreeMap<u16, Self>, Vec<Find>) {
        let (mut registers, mut finds) = (BTreeMap::new(), Vec::new());
        let is_register = |path: &str| path.starts_with(super::REGISTERS) && path.ends_with(".toml");
        for file in tree.files.iter().filter(|file| is_register(&file.path)) {
            match toml::from_str::<Toml>(&file.text) {
                Ok(toml) => {
                    let register = registers.entry(toml.rfc).or_insert_with(Self::empty);
                    register.files.push(file.path.clone());
                    register.take(toml, &file.path, &file.text, &mut finds);
                }
                Err(error) => {
                    let line = error.span().map_or(1, |span| line_of(&file.text, span.start));
                    finds.push(Find::new(&file.path, line, format!("{}; correct it", error.message())));
                }
            }
        }
        (registers, finds)
    }

    fn empty() -> Self {
        Self { files: Vec::new(), rules: Vec::new(), elsewhere: Vec::new() }
    }

    fn take(&mut self, toml: Toml, path: &str, text: &str, finds: &mut Vec<Find>) {
        let at = |offset: usize| At { path: path.to_owned(), line: line_of(text, offset) };
        for rule in toml.rule {
            let at = at(rule.id.span().start);
            match Id::parse(rule.id.get_ref()) {
                Some(id) => self.rules.push(rule.at(at, id)),
                None => finds.push(at.find(format!("`{}`: write the id as in \"5.1.1-3\"", rule.id.get_ref()))),
            }
        }
        for entry in toml.elsewhere {
            let at = at(entry.section.span().start);
            match Section::parse(entry.section.get_ref()) {
                Some(section) => {
                    self.elsewhere.push(Elsewhere { at, section, words: entry.words, reason: entry.reason });
                }
                None => finds.push(at.find(format!("`{}` is no section", entry.section.get_ref()))),
            }
        }
    }

    /// The rule with this id.
    pub(super) fn rule(&self, id: &Id) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == *id)
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|octet| *octet == b'\n').count() + 1
}

/// A rule's name within its RFC: the section, and a number in the order of the text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id {
    pub(super) section: Section,
    pub(super) number: u16,
}

impl Id {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (section, number) = text.rsplit_once('-')?;
        Some(Self { section: Section::parse(section)?, number: part(number)? })
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.section, self.number)
    }
}

/// A section, ordered as in the text: what has a name only, then numbers, then appendices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Section(String);

impl Section {
    /// `5.1.1`, `B`, `C.2`, or `Abstract`, the one heading without a number that may hold a rule.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (first, rest) = text.split_once('.').map_or((text, None), |(first, rest)| (first, Some(rest)));
        let is_letter = matches!(first.as_bytes(), [b'A'..=b'Z']);
        let rest_is_numbered = rest.is_none_or(|rest| rest.split('.').all(|number| part(number).is_some()));
        let is_section = (is_letter || part(first).is_some()) && rest_is_numbered;
        (is_section || text == "Abstract").then(|| Self(text.to_owned()))
    }

    pub(super) fn named(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// Whether it has a number or letter, and not only a name.
    pub(super) fn is_numbered(&self) -> bool {
        self.key().0 > 0
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    fn key(&self) -> (u8, Vec<u32>) {
        let number = |part: &str| part.parse().ok();
        let letter = |part: &str| part.chars().next().filter(|_| part.len() == 1).map(u32::from);
        let mut parts = self.0.split('.');
        let Some(first) = parts.next() else { return (0, Vec::new()) };
        let (rank, first) = match (number(first), letter(first)) {
            (Some(first), _) => (1, first),
            (None, Some(first)) => (2, first),
            (None, None) => return (0, Vec::new()),
        };
        (rank, std::iter::once(first).chain(parts.filter_map(number)).collect())
    }
}

impl Ord for Section {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key()).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Section {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A number as it is written in a section or an id: from 1, without leading zeros.
fn part(text: &str) -> Option<u16> {
    let is_digits = !text.starts_with('0') && text.bytes().all(|octet| octet.is_ascii_digit());
    text.parse().ok().filter(|_| is_digits)
}

/// A register as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Toml {
    rfc: u16,
    #[serde(default)]
    rule: Vec<TomlRule>,
    #[serde(default)]
    elsewhere: Vec<TomlElsewhere>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TomlRule {
    id: Spanned<String>,
    level: String,
    binds: String,
    rule: String,
    #[serde(default)]
    place: Places,
    #[serde(default = "one")]
    words: usize,
    reason: Option<String>,
}

impl TomlRule {
    fn at(self, at: At, id: Id) -> Rule {
        let places = match self.place {
            Places::One(place) => vec![place],
            Places::Several(places) => places,
        };
        let Self { level, binds, rule, words, reason, .. } = self;
        Rule { at, id, level, binds, rule, places, words, reason }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Places {
    One(String),
    Several(Vec<String>),
}

impl Default for Places {
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TomlElsewhere {
    section: Spanned<String>,
    words: usize,
    reason: String,
}

fn one() -> usize {
    1
}
