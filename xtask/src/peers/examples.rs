//! `peers examples`: the examples that people copy, each run as its first lines say and driven by clients of others.
//!
//! They are built as `cargo test --workspace` builds them, so that after the tests nothing is built twice.

mod between;
mod bulk;
mod native;
mod tonic;
mod web;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::check::run_all;
use super::process::{Finished, finish};
use super::servers::{Server, Transport, announced, curl};
use super::setup::{SHORT, Setup, cargo};

/// Runs the checks whose names contain one of `words`, or all of them.
pub(super) fn run(setup: &Setup, words: &[String]) -> Result<(), String> {
    build(setup)?;
    let checks = [native::checks(), web::checks(), tonic::checks(), between::checks(), bulk::checks()];
    run_all(setup, "examples", checks.into_iter().flatten(), words)
}

fn build(setup: &Setup) -> Result<(), String> {
    let status = cargo()
        .args(["build", "--quiet", "--workspace", "--examples", "--bin", "pellucid-example-tonic"])
        .current_dir(&setup.root)
        .status()
        .map_err(|error| format!("cargo: {error}"))?;
    if status.success() { Ok(()) } else { Err("the examples do not build".into()) }
}

/// An example, to be run to its end.
fn example(setup: &Setup, name: &str) -> Command {
    Command::new(programs(setup).join("examples").join(name))
}

fn programs(setup: &Setup) -> PathBuf {
    crate::target(&setup.root).join("debug")
}

/// An example that serves, on a free port; `args` follow its address.
fn serving(setup: &Setup, name: &str, args: &[&str], transport: Transport) -> Result<Server, String> {
    announced(setup, example(setup, name).arg("127.0.0.1:0").args(args), name, transport)
}

/// Runs a command that must succeed and takes next to no time.
fn run_short(setup: &Setup, command: &mut Command) -> Result<Finished, String> {
    finish(command, &setup.scratch, SHORT)?.success()
}

/// What curl got.
struct Answer {
    /// The lines of all header sections, interim ones and trailers too, in the order in which they came.
    lines: Vec<String>,
    body: Vec<u8>,
}

/// Asks with curl, which gets `args` beside.
fn ask(setup: &Setup, server: &Server, path: &str, args: &[&str]) -> Result<Answer, String> {
    ask_url(setup, &server.url(path), args)
}

fn ask_url(setup: &Setup, url: &str, args: &[&str]) -> Result<Answer, String> {
    let (head, body) = (setup.scratch.fresh("head"), setup.scratch.fresh("body"));
    let mut command = curl(setup)?;
    command.args(["-sS", "-D"]).arg(&head).arg("-o").arg(&body).args(args).arg(url);
    run_short(setup, &mut command)?;
    let text = fs::read_to_string(&head).map_err(|error| format!("no header section: {error}"))?;
    let lines = text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect();
    // curl makes no file for a body that is empty.
    Ok(Answer { lines, body: fs::read(&body).unwrap_or_default() })
}

impl Answer {
    /// `Err` unless these lines came, in this order, perhaps with others between them.
    fn has(self, wanted: &[&str]) -> Result<Self, String> {
        in_order(self.lines.iter().map(String::as_str), wanted)?;
        Ok(self)
    }

    /// `Err` if a line begins with this.
    fn lacks(self, unwanted: &str) -> Result<Self, String> {
        match self.lines.iter().find(|line| line.starts_with(unwanted)) {
            Some(line) => Err(format!("there is `{line}`")),
            None => Ok(self),
        }
    }

    /// `Err` unless the body is exactly this.
    fn says(self, wanted: &str) -> Result<(), String> {
        if self.body == wanted.as_bytes() {
            return Ok(());
        }
        Err(format!("{:?} instead of {wanted:?}", self.text()))
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// `Err` unless the wanted texts are found in the lines, one after the other.
fn in_order<'a>(mut lines: impl Iterator<Item = &'a str>, wanted: &[&str]) -> Result<(), String> {
    for text in wanted {
        if !lines.any(|line| line.contains(text)) {
            return Err(format!("`{text}` is not there, or not in its place"));
        }
    }
    Ok(())
}

/// The programs that checks need.
const CURL: &[&str] = &["curl"];
const NGHTTP: &[&str] = &["nghttp"];
