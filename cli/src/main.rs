//! The `pellucid` command: thin over the crates, one module a subcommand.
//!
//! For: choosing the subcommand and ending with its exit code: 0 ok, 1 failed, 2 usage (clap's own).
//! Not for: anything worth testing without a terminal; that lives in the crates.

#![forbid(unsafe_code)]

mod decode;
mod failure;
mod interrupt;
mod serve;
mod units;
mod watch;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use failure::Failure;

/// HTTP/2 from frames up: see through a connection.
#[derive(Parser)]
#[command(name = "pellucid", version)]
struct Pellucid {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve over HTTP/2: the request's own body, or so many octets
    Serve(serve::Args),
    /// Explain captured octets: frames, fields and how each was coded, table, windows, broken rules
    Decode(decode::Args),
}

fn main() -> ExitCode {
    let result = match Pellucid::parse().command {
        Command::Serve(args) => serve::run(args),
        Command::Decode(args) => decode::run(args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => report(&failure),
    }
}

/// One line on stderr; that nobody may be reading it is no reason to panic.
fn report(failure: &Failure) -> ExitCode {
    let _ = writeln!(io::stderr(), "pellucid: {failure}");
    ExitCode::from(failure.code)
}
