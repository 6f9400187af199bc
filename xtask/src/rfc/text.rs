//! The text of an RFC as far as counting goes: its sections, and the key words of BCP 14 in each.
//! Not for: what the text says.
//!
//! 1. A section begins at a line without indentation that has a number (`5.1.1. Title`, `C.2. Title`), says `Appendix B.`, or
//!    is one of the few headings that have no number. A table of contents is indented and so no heading.
//! 2. MUST, MUST NOT, SHOULD and SHOULD NOT count, also with the line broken between the two words. `SHALL`, `REQUIRED`,
//!    `RECOMMENDED`, `MAY` do not: a register may have rules for them, with `words = 0`.
//! 3. A key word in quotation marks is spoken of, not used: the paragraph that defines the words does not count.

use std::collections::BTreeMap;

use super::register::Section;

/// Where the key words of one RFC are.
pub(super) struct Text {
    /// Every section of the text, with the lines of its key words in order.
    sections: BTreeMap<Section, Vec<usize>>,
}

impl Text {
    pub(super) fn parse(text: &str) -> Self {
        let mut sections: BTreeMap<Section, Vec<usize>> = BTreeMap::new();
        let mut current = Section::named("Front matter");
        for (index, line) in text.lines().enumerate() {
            current = heading(line).unwrap_or(current);
            let lines = sections.entry(current.clone()).or_default();
            lines.extend(std::iter::repeat_n(index + 1, key_words(line)));
        }
        Self { sections }
    }

    /// Whether the RFC has this section.
    pub(super) fn has(&self, section: &Section) -> bool {
        self.sections.contains_key(section)
    }

    /// The lines of a section's key words; a line with two is there twice.
    pub(super) fn key_word_lines(&self, section: &Section) -> &[usize] {
        self.sections.get(section).map_or(&[], Vec::as_slice)
    }

    /// The sections that hold key words.
    pub(super) fn with_key_words(&self) -> impl Iterator<Item = (&Section, &[usize])> {
        self.sections.iter().filter(|(_, lines)| !lines.is_empty()).map(|(section, lines)| (section, lines.as_slice()))
    }
}

/// The section that a line begins.
fn heading(line: &str) -> Option<Section> {
    let line = line.trim_end();
    if UNNUMBERED.contains(&line) {
        return Some(Section::named(line));
    }
    let numbered = line.strip_prefix("Appendix ").unwrap_or(line);
    let (number, title) = numbered.split_once(". ")?;
    let is_numbered = title.starts_with(|first: char| !first.is_whitespace());
    Section::parse(number).filter(|section| is_numbered && section.is_numbered())
}

/// How many key words a line holds. `MUST NOT` is one, wherever its line is broken: only its first half counts.
fn key_words(line: &str) -> usize {
    let words = line.split(|character: char| !character.is_alphanumeric() && !QUOTES.contains(&character));
    words.filter(|word| KEY_WORDS.contains(word)).count()
}

/// What keeps a key word in quotation marks from being one.
const QUOTES: &[char] = &['"', '\u{201c}', '\u{201d}'];
const KEY_WORDS: &[&str] = &["MUST", "SHOULD"];
const UNNUMBERED: &[&str] = &[
    "Abstract",
    "Status of This Memo",
    "Status of this Memo",
    "Copyright Notice",
    "Table of Contents",
    "Acknowledgments",
    "Acknowledgements",
    "Contributors",
    "Author's Address",
    "Authors' Addresses",
    "Index",
];
