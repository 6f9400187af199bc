//! How a subcommand fails: an exit code and one line for people.
//!
//! Not for: usage errors; clap finds those and ends with 2 by itself.

use std::fmt;

/// Why a subcommand ends without having done its work.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code, not 0.
    pub(crate) code: u8,
    /// One line, said after `pellucid: `.
    pub(crate) message: String,
}

impl Failure {
    /// The ordinary failure, exit code 1.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { code: 1, message: message.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
