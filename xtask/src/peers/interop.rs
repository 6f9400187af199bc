//! `cargo xtask interop`: a table of other people's clients and servers against ours, each cell one thing that must work, and
//! checks beyond the table. A cell passes, or it stands in `xtask/peers/na.toml` with the reason; anything else fails the run.
//!
//! Not for: conformance to the RFC; that is `peers conformance`.

mod cell;
mod client;
mod front;
mod memory;
mod na;
mod row;
mod server;
mod table;
mod tools;

use std::time::Duration;

use super::check::{Check, run_all};
use super::setup::{Setup, find};
use cell::{BRIEFLY, Cell, PATIENCE};
use na::NotApplicable;
use row::{Matrix, ROWS, Row, Started};

use super::servers::Transport;
use crate::tools::in_ci;

/// Runs the cells and checks whose names contain all of `words`; with no words, writes the table or, to check, compares it.
pub(super) fn run(setup: &Setup, words: &[String], purpose: Purpose) -> Result<(), String> {
    let mut run = Run { matrix: Matrix::new(setup)?, listed: na::read(&setup.root)?, words, tally: Tally::default() };
    for row in ROWS {
        for &transport in row.transports {
            run.row(row, transport);
        }
    }
    let tally = &run.tally;
    println!(
        "interop: {} cells passed, {} n/a, {} skipped, {} failed",
        tally.passed, tally.listed, tally.skipped, tally.failed
    );
    let cells = if tally.failed == 0 { Ok(()) } else { Err(format!("{} cells of the matrix failed", tally.failed)) };
    match (cells, beyond(setup, words, tally)) {
        (Ok(()), Ok(())) => {}
        (Err(one), Err(other)) => return Err(format!("{one}; {other}")),
        (Err(why), _) | (_, Err(why)) => return Err(why),
    }
    if !words.is_empty() {
        return Ok(());
    }
    if tally.skipped > 0 {
        println!("docs/INTEROP.md is left as it is, because {} cells were skipped", tally.skipped);
        return Ok(());
    }
    table::publish(setup, &run.listed, purpose)
}

/// What is no cell: transfers of 100 MiB, a thousand requests, readers that leave, memory, authorities that nobody knows.
fn beyond(setup: &Setup, words: &[String], tally: &Tally) -> Result<(), String> {
    let all = server::checks().into_iter().chain(client::checks());
    let chosen: Vec<Check> = all.filter(|check| has_all(&check.name, words)).collect();
    match (chosen.is_empty(), tally.is_empty()) {
        (true, true) => Err("no cell and no check has such a name".into()),
        (true, false) => Ok(()),
        _ => run_all(setup, "beyond the table", chosen.into_iter(), &[]),
    }
}

/// What is done with the table once everything has passed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It is written to docs/INTEROP.md.
    Write,
    /// What is written there must have the same cells.
    Check,
}

#[derive(Default)]
struct Tally {
    passed: usize,
    listed: usize,
    skipped: usize,
    failed: usize,
}

impl Tally {
    fn is_empty(&self) -> bool {
        self.passed + self.listed + self.skipped + self.failed == 0
    }
}

/// A run of the matrix.
struct Run<'a> {
    matrix: Matrix<'a>,
    listed: Vec<NotApplicable>,
    words: &'a [String],
    tally: Tally,
}

impl Run<'_> {
    /// One peer over one transport: its server is started once, its cells follow each other.
    fn row(&mut self, row: &Row, transport: Transport) {
        let name = |cell: Cell| format!("{}, {}: {}", row.title(), transport.name(), cell.name());
        let cells: Vec<Cell> = Cell::ALL.into_iter().filter(|&cell| has_all(&name(cell), self.words)).collect();
        if cells.is_empty() {
            return;
        }
        if let Some(absent) = row.needs.iter().find(|program| find(&self.matrix.setup.root, program).is_none()) {
            println!("{}  {}, {}: {absent} is not installed", lacking(), row.title(), transport.name());
            let count = if in_ci() { &mut self.tally.failed } else { &mut self.tally.skipped };
            *count += cells.len();
            return;
        }
        let mut started = None;
        for cell in cells {
            let listed = self.listed.iter().find(|entry| entry.covers(row, transport, cell));
            let outcome = match listed {
                Some(entry) if !entry.is_tried => Err("not tried".into()),
                Some(_) => try_cell(&self.matrix, (row, transport), cell, &mut started, BRIEFLY),
                None => try_cell(&self.matrix, (row, transport), cell, &mut started, PATIENCE),
            };
            self.tally.count(&name(cell), outcome, listed.map(|entry| entry.reason.as_str()));
            // Whatever became of the cell, listed or not: no server may have died of it. The next cell gets a new one.
            if let Some(why) = started.as_mut().and_then(Started::died) {
                self.tally.failed += 1;
                println!("fail  {}: {why}", name(cell));
                started = None;
            }
        }
    }
}

impl Tally {
    /// Counts a cell and says what became of it. `reason`: why it is listed, if it is.
    fn count(&mut self, name: &str, outcome: Result<(), String>, reason: Option<&str>) {
        match (outcome, reason) {
            (Ok(()), None) => {
                self.passed += 1;
                println!("ok    {name}");
            }
            (Err(why), Some(_)) => {
                self.listed += 1;
                println!("n/a   {name}: {why}");
            }
            (Ok(()), Some(reason)) => {
                self.failed += 1;
                println!("fail  {name}: passes though it is listed: {reason}");
            }
            (Err(why), None) => {
                self.failed += 1;
                println!("fail  {name}: {why}");
            }
        }
    }
}

fn try_cell(
    matrix: &Matrix<'_>,
    (row, transport): (&Row, Transport),
    cell: Cell,
    started: &mut Option<Started>,
    limit: Duration,
) -> Result<(), String> {
    let server = match started {
        Some(server) => server,
        None => started.insert((row.start)(matrix, transport)?),
    };
    row.ask(matrix, server, cell, limit)
}

fn has_all(name: &str, words: &[String]) -> bool {
    words.iter().all(|word| name.to_lowercase().contains(&word.to_lowercase()))
}

fn lacking() -> &'static str {
    if in_ci() { "fail" } else { "skip" }
}
