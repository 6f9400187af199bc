//! How a subcommand fails: an exit code and a line for people, or one for each thing that failed.
//!
//! Not for: wording; each subcommand says what went wrong where it knows most of it.

use std::fmt;

/// Why a subcommand ends without having done its work.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code, not 0.
    pub(crate) code: u8,
    /// Said line by line, each after `pellucid: `.
    pub(crate) message: String,
}

impl Failure {
    /// The ordinary failure, exit code 1.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { code: 1, message: message.into() }
    }

    /// What was asked for cannot be: exit code 2. Most of that is found by clap.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { code: 2, message: message.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
