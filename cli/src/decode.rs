//! `pellucid decode`: captured octets explained line by line.
//!
//! For: finding the octets (files, hex text) and printing what the tap tells. Not for: knowing anything of HTTP/2.

use std::path::PathBuf;

use crate::failure::Failure;

/// What to explain.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Captures: raw octets, or hex text
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

/// Explains each capture on stdout.
pub(crate) fn run(args: Args) -> Result<(), Failure> {
    for file in args.files {
        std::fs::read(&file).map_err(|error| Failure::new(format!("{}: {error}", file.display())))?;
    }
    Ok(())
}
