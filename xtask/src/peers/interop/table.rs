//! docs/INTEROP.md: the table, the reasons, and the versions that were seen. All but the versions follows from the rows and the list
//! of what is not applicable, since everything else must have passed.

use std::fs;
use std::process::Command;

use super::super::process::finish;
use super::super::setup::{SHORT, Setup, find};
use super::Purpose;
use super::cell::Cell;
use super::na::NotApplicable;
use super::row::{ROWS, Side};

/// Writes the document, or compares all of it but the versions.
pub(super) fn publish(setup: &Setup, listed: &[NotApplicable], purpose: Purpose) -> Result<(), String> {
    let path = setup.root.join("docs/INTEROP.md");
    let table = render(listed);
    if purpose == Purpose::Write {
        fs::write(&path, format!("{table}{VERSIONS}{}", versions(setup)))
            .map_err(|error| format!("{}: {error}", path.display()))?;
        println!("docs/INTEROP.md is written");
        return Ok(());
    }
    let committed = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    if committed.split(VERSIONS).next() == Some(table.as_str()) {
        return Ok(());
    }
    Err("docs/INTEROP.md is stale: run `cargo xtask interop`".into())
}

fn render(listed: &[NotApplicable]) -> String {
    let mut text = HEAD.to_owned();
    for cell in Cell::ALL {
        text += &format!("* **{}**: {}.\n", cell.name(), cell.meaning());
    }
    text += VARIANTS;
    let mut reasons: Vec<&str> = Vec::new();
    for side in Side::ALL {
        text += &format!("\n## {}\n\n| peer | over |", side.heading());
        text += &Cell::ALL.map(|cell| format!(" {} |", cell.name())).concat();
        text += &format!("\n|---|---|{}\n", "---|".repeat(Cell::ALL.len()));
        for row in ROWS.iter().filter(|row| row.side == side) {
            for &transport in row.transports {
                text += &format!("| {} | {} |", row.name, transport.name());
                for cell in Cell::ALL {
                    let entry = listed.iter().find(|entry| entry.covers(row, transport, cell));
                    text += &match entry {
                        None => " pass |".to_owned(),
                        Some(entry) => format!(" n/a {} |", number(&mut reasons, &entry.reason)),
                    };
                }
                text.push('\n');
            }
        }
    }
    text += "\n## What is not applicable, and why\n\n";
    for (index, reason) in reasons.iter().enumerate() {
        text += &format!("{}. {reason}\n", index + 1);
    }
    text
}

/// The number of a reason, which is counted when it first comes.
fn number<'a>(reasons: &mut Vec<&'a str>, reason: &'a str) -> usize {
    let place = reasons.iter().position(|known| *known == reason);
    place.unwrap_or_else(|| {
        reasons.push(reason);
        reasons.len() - 1
    }) + 1
}

/// The first line that each program prints of itself.
fn versions(setup: &Setup) -> String {
    let mut text = String::new();
    for (program, option) in PROGRAMS {
        let Some(path) = find(&setup.root, program) else { continue };
        let Ok(said) = finish(Command::new(path).arg(option), &setup.scratch, SHORT) else { continue };
        let all = said.text() + &said.stderr;
        text += &format!("* {program}: {}\n", all.lines().next().unwrap_or_default().trim());
    }
    text + "* httpx, hypercorn and what they stand on: [requirements.txt](../xtask/peers/python/requirements.txt)\n"
}

const HEAD: &str = "\
# Interoperation

Other people's clients and servers against ours, made by `cargo xtask peers install && cargo xtask interop` and checked in CI. Each
cell has passed, or says by a number below why it cannot be. [xtask/peers](../xtask/peers/README.md) has the programs;
`cargo xtask interop curl tls` runs what has these words in its name.

";
/// Where a cell is less than its meaning, it is said.
const VARIANTS: &str = "
Some peers can show only a part of that:

* nginx has no echo: for **post** the 10 MiB are PUT and fetched again. nghttpd has only files: for **large** the field goes there, and
  none comes back. haproxy, where our client asks it, passes on to our server.
* haproxy 2.6 stands still once both directions of a stream are full, until its time-out (nghttp through it to a server of Go's shows it
  as well): for **post** the server behind it answers when the 10 MiB are whole.
* curl and nghttp have content that ends: for **early** it is 10 MiB, of which some must be left when the response comes, and nothing
  follows.
* h2load shows counts alone: for **post** the octets, for **large** that the requests succeed, for **head** that no content comes.
* Java and httpx do not show what came ahead of a response: for **1xx** the one behind it must arrive.
* For **reset**, that the next request came on the same connection is checked by curl, Node, Go and our client; Java shows only that it
  is served. curl gives up at the response's content-length.
* For **drain**, nginx makes a connection leave after fifty requests, others when they are asked for `/leave`. nghttp makes no second
  connection.
";
const VERSIONS: &str = "\n## Versions seen when this was written\n\n";
const PROGRAMS: [(&str, &str); 11] = [
    ("curl", "--version"),
    ("nghttp", "--version"),
    ("h2load", "--version"),
    ("node", "--version"),
    ("go", "version"),
    ("java", "-version"),
    ("nginx", "-v"),
    ("haproxy", "-v"),
    ("nghttpx", "--version"),
    ("nghttpd", "--version"),
    ("h2o", "--version"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_its_line_and_every_reason_its_number() {
        let text = render(&[]);
        let lines = text.lines().filter(|line| line.ends_with("| pass |")).count();
        assert_eq!(lines, ROWS.iter().map(|row| row.transports.len()).sum::<usize>());
        let mut reasons = Vec::new();
        assert_eq!([number(&mut reasons, "a"), number(&mut reasons, "b"), number(&mut reasons, "a")], [1, 2, 1]);
    }
}
