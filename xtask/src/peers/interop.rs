//! `peers interop`: our server with curl, nghttp, h2load and a raw client; our client with nghttpd, nginx and h2o.

mod client;
mod memory;
mod server;

use super::check::{Check, run_all};
use super::setup::Setup;

/// Runs the checks whose names contain one of `words`, or all of them.
pub(super) fn run(setup: &Setup, words: &[String]) -> Result<(), String> {
    run_all(setup, "interop", server::checks().into_iter().chain(client::checks()), words)
}
