//! The two conformance suites and what they print, read into one shape. Their exit codes are not enough: h2spec exits 1 for a
//! failure that is allowed, and httpwg goes on after a case of its own has panicked. So cases are counted.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use super::process::{finish, tail};
use super::servers::Transport;
use super::setup::Setup;

/// What one run of a suite found.
pub(super) struct Outcome {
    pub(super) cases: usize,
    /// Id of each case that did not pass, with what was seen. A skipped case has not passed.
    pub(super) failed: BTreeMap<String, String>,
}

/// Runs h2spec in its default mode.
pub(super) fn h2spec(setup: &Setup, address: SocketAddr, transport: Transport) -> Result<Outcome, String> {
    let report = setup.scratch.fresh("h2spec.xml");
    let mut command = Command::new(setup.program("h2spec")?);
    command.args(["-h", &address.ip().to_string()]).args(["-p", &address.port().to_string()]).arg("-j").arg(&report);
    if transport == Transport::Tls {
        command.args(["-t", "-k"]);
    }
    let finished = finish(&mut command, &setup.scratch, SUITE_PATIENCE)?;
    let report =
        fs::read_to_string(&report).map_err(|error| format!("no report, {error}: {}", tail(&finished.text())))?;
    Ok(read_h2spec(&report))
}

/// Runs httpwg, one case after the other.
pub(super) fn httpwg(setup: &Setup, address: SocketAddr) -> Result<Outcome, String> {
    let mut command = Command::new(setup.program("httpwg")?);
    command.args(["-v", "-a", &address.to_string()]).env("SEQUENTIAL", "1").env("RUST_LOG", "warn");
    let finished = finish(&mut command, &setup.scratch, SUITE_PATIENCE)?;
    let outcome = read_httpwg(&finished.stderr);
    if outcome.cases == 0 {
        return Err(format!("no case ran: {}", tail(&finished.stderr)));
    }
    Ok(outcome)
}

/// h2spec's JUnit report: one line a case, which ends at once if the case passed. A case is named by its group and its number
/// in it, as on h2spec's own command line: `http2/5.1.1/2`.
fn read_h2spec(report: &str) -> Outcome {
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let mut outcome = Outcome::empty();
    let mut lines = report.lines();
    while let Some(line) = lines.next() {
        let Some(group) = attribute(line, "<testcase package=\"") else {
            continue;
        };
        let number = numbers.entry(group).or_insert(0);
        *number += 1;
        outcome.cases += 1;
        if !line.ends_with("></testcase>") {
            let title = attribute(line, "classname=\"").unwrap_or_default();
            let seen: Vec<&str> =
                lines.by_ref().take_while(|line| !line.contains("</testcase>")).map(str::trim).collect();
            outcome.failed.insert(format!("{group}/{number}"), format!("{title}: {}", seen.join(" / ")));
        }
    }
    outcome
}

/// httpwg's verbose output: a line when a case starts, a line when it has passed. A case that panics prints neither of the two
/// lines that end one, which is why the failures are what is left over.
fn read_httpwg(printed: &str) -> Outcome {
    let mut outcome = Outcome::empty();
    let mut running = String::new();
    for line in printed.lines() {
        let line = without_colour(line);
        let line = line.trim();
        if let Some(name) = line.split_once("Running test: RFC 9113 :: ") {
            running = name.1.to_owned();
            outcome.cases += 1;
            outcome.failed.insert(running.clone(), String::new());
        } else if line.contains("Test passed: ") {
            outcome.failed.remove(&running);
        } else if let Some(seen) = line.strip_prefix("0: ").or(line.strip_prefix("Message:  "))
            && let Some(reason) = outcome.failed.get_mut(&running)
            && reason.is_empty()
        {
            *reason = seen.to_owned();
        }
    }
    outcome
}

impl Outcome {
    fn empty() -> Self {
        Self { cases: 0, failed: BTreeMap::new() }
    }
}

/// The text between `opening` and the next quotation mark.
fn attribute<'a>(line: &'a str, opening: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(opening)?;
    rest.split_once('"').map(|(value, _)| value)
}

/// Drops terminal colours, `ESC [ … m`.
fn without_colour(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut parts = line.split('\u{1b}');
    plain.push_str(parts.next().unwrap_or_default());
    for part in parts {
        plain.push_str(part.split_once('m').map_or("", |(_, rest)| rest));
    }
    plain
}

/// Both suites need seconds; a server that answers nothing costs h2spec 2 s a case.
const SUITE_PATIENCE: Duration = Duration::from_secs(400);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h2spec_cases_are_numbered_in_their_group_and_failures_kept() {
        let report = concat!(
            "  <testsuite name=\"5.1.1. Stream Identifiers\" package=\"http2/5.1.1\">\n",
            "    <testcase package=\"http2/5.1.1\" classname=\"even\" time=\"0.0001\"></testcase>\n",
            "    <testcase package=\"http2/5.1.1\" classname=\"smaller\" time=\"2.0005\">\n",
            "      <error>GOAWAY Frame\nDATA Frame</error>\n",
            "    </testcase>\n",
            "    <testcase package=\"http2/5.1.2\" classname=\"limit\" time=\"0.0\">\n",
            "      <skipped></skipped>\n",
            "    </testcase>\n",
        );
        let outcome = read_h2spec(report);
        assert_eq!(outcome.cases, 3);
        let ids: Vec<&str> = outcome.failed.keys().map(String::as_str).collect();
        assert_eq!(ids, ["http2/5.1.1/2", "http2/5.1.2/1"]);
        assert!(outcome.failed["http2/5.1.1/2"].contains("DATA Frame"));
    }

    #[test]
    fn httpwg_cases_that_panic_count_as_failed() {
        let printed = concat!(
            "🔷 Running test: RFC 9113 :: 6. frames :: sends ping\n",
            "✅ Test passed: RFC 9113 :: 6. frames :: sends ping\n",
            "🔷 Running test: RFC 9113 :: 7. codes :: goaway\n",
            "The application panicked (crashed).\n",
            "Message:  \u{1b}[36mpeer hung up\u{1b}[0m\n",
            "🔷 Running test: RFC 9113 :: 8. http :: host\n",
            "❌ Test failed: RFC 9113 :: 8. http :: host\n\n",
            "   0: \u{1b}[91mTimed out\u{1b}[0m\n",
        );
        let outcome = read_httpwg(printed);
        assert_eq!(outcome.cases, 3);
        assert_eq!(outcome.failed["7. codes :: goaway"], "peer hung up");
        assert_eq!(outcome.failed["8. http :: host"], "Timed out");
        assert_eq!(outcome.failed.len(), 2);
    }
}
