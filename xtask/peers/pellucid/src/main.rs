//! Our end of the interop matrix: `pellucid-interop serve [CERT KEY]` is the server that other people's clients talk to,
//! `pellucid-interop CELL URL [AUTHORITY]` asks other people's servers for the same things. `../README.md` has what is asked.
//!
//! Not for: judging; who exits with 0 has seen what its cell promises.
#![forbid(unsafe_code)]

mod ask;
mod pattern;
mod serve;

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["serve"] => serve::run(None).await,
        ["serve", cert, key] => serve::run(Some((cert, key))).await,
        [cell, url] => ask::run(cell, url, None).await,
        [cell, url, authority] => ask::run(cell, url, Some(authority)).await,
        _ => Err("usage: pellucid-interop serve [CERT KEY] | CELL URL [AUTHORITY]".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pellucid-interop: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What went wrong, for people.
type Failure = Box<dyn std::error::Error + Send + Sync>;
