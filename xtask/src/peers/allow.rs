//! Allow files: the conformance cases that may fail, each with the RFC section that permits it and the reason. A failure that
//! is not listed fails the run, and so does a listed case that passes: the list never says more than is true.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::suites::Outcome;

/// The cases of one allow file by id; the value is section and reason.
pub(super) struct Allowed(BTreeMap<String, String>);

impl Allowed {
    /// Reads lines of `case id | RFC section | reason`; empty lines and lines that begin with # are skipped.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Self::parse(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut cases = BTreeMap::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let mut parts = line.splitn(3, '|').map(str::trim);
            match (parts.next(), parts.next(), parts.next()) {
                (Some(id), Some(section), Some(reason))
                    if !id.is_empty() && section.starts_with("RFC ") && !reason.is_empty() =>
                {
                    cases.insert(id.to_owned(), format!("{section}: {reason}"));
                }
                _ => {
                    return Err(format!("line {}: wants `case id | RFC section | reason`", index + 1));
                }
            }
        }
        Ok(Self(cases))
    }

    /// The suite's summary line, or every way in which outcome and list disagree.
    pub(super) fn judge(&self, suite: &str, expected: usize, outcome: &Outcome) -> Result<String, String> {
        let passed = outcome.cases.saturating_sub(outcome.failed.len());
        let summary = format!("{suite}: {} cases, {passed} passed, {} allowed", outcome.cases, self.0.len());
        let mut faults = Vec::new();
        if outcome.cases != expected {
            faults.push(format!("{} cases ran instead of {expected}", outcome.cases));
        }
        for (id, seen) in &outcome.failed {
            if !self.0.contains_key(id) {
                faults.push(format!("failed: {id}: {seen}"));
            }
        }
        for (id, why) in &self.0 {
            if !outcome.failed.contains_key(id) {
                faults.push(format!("passes though it is listed: {id} ({why})"));
            }
        }
        if faults.is_empty() {
            return Ok(summary);
        }
        Err(format!("{summary}\n  {}", faults.join("\n  ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(cases: usize, failed: &[&str]) -> Outcome {
        Outcome { cases, failed: failed.iter().map(|id| ((*id).to_owned(), "seen".to_owned())).collect() }
    }

    #[test]
    fn listed_failures_pass_and_everything_else_is_a_fault() {
        let allowed = Allowed::parse("# why\n\na/1/2 | RFC 9113 §5.1 | because\n").expect("well formed");
        let all_well = allowed.judge("suite", 3, &outcome(3, &["a/1/2"]));
        assert_eq!(all_well.as_deref(), Ok("suite: 3 cases, 2 passed, 1 allowed"));
        assert!(allowed.judge("suite", 3, &outcome(3, &[])).is_err());
        assert!(allowed.judge("suite", 3, &outcome(3, &["a/1/2", "a/1/1"])).is_err());
        assert!(allowed.judge("suite", 4, &outcome(3, &["a/1/2"])).is_err());
    }

    #[test]
    fn a_line_without_section_or_reason_is_refused() {
        for line in ["a/1/2", "a/1/2 | RFC 9113 §5.1", "a/1/2 | RFC 9113 §5.1 |", "a | because | it"] {
            assert!(Allowed::parse(line).is_err(), "{line}");
        }
    }
}
