//! The `pellucid` command: thin over the crates, one module a subcommand.
//!
//! For: choosing the subcommand and ending with its exit code: 0 ok, 1 failed, 2 usage, 130 interrupted.
//! Not for: anything worth testing without a terminal; that lives in the crates.

#![forbid(unsafe_code)]

mod colour;
mod decode;
mod demo;
mod failure;
mod get;
mod interrupt;
mod pieces;
mod serve;
mod titles;
mod units;
mod watch;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::error::ErrorKind;
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
    /// Watch a server and a client talk: every frame, explained
    Demo(demo::Args),
    /// Serve over HTTP/2: files, the request's own body, or so many octets
    Serve(serve::Args),
    /// Fetch URLs, in parallel on one connection
    Get(get::Args),
    /// Explain captured octets: frames, fields and how each was coded, table, windows, broken rules
    Decode(decode::Args),
}

fn main() -> ExitCode {
    let command = match Pellucid::try_parse() {
        Ok(pellucid) => pellucid.command,
        Err(error) => return explain_usage(&error),
    };
    let result = match command {
        Command::Demo(args) => demo::run(args),
        Command::Serve(args) => serve::run(args),
        Command::Get(args) => get::run(args),
        Command::Decode(args) => decode::run(args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => report(&failure),
    }
}

/// Help as it was asked for; anything wrong in one line.
fn explain_usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let _ = error.print();
        return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
    }
    let text = error.render().to_string();
    // What follows the first empty line are hints and the usage.
    let lines: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
    let what = lines.join(" ");
    let what = what.strip_prefix("error: ").unwrap_or(&what);
    report(&Failure::usage(format!("{what} (--help tells more)")))
}

/// Lines on stderr; that nobody may be reading them is no reason to panic.
fn report(failure: &Failure) -> ExitCode {
    for line in failure.message.lines() {
        let _ = writeln!(io::stderr(), "pellucid: {line}");
    }
    ExitCode::from(failure.code)
}
