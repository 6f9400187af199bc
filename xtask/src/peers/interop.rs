//! `peers interop`: our server with curl, nghttp, h2load and a raw client; our client with nghttpd, nginx and h2o. One line a
//! check; a check whose peer is not installed is skipped, or has failed where CI=true.

mod client;
mod memory;
mod server;

use std::time::Instant;

use super::setup::{Setup, find, in_ci};

/// One thing that must work with another implementation.
struct Check {
    name: String,
    /// The programs it cannot do without.
    needs: &'static [&'static str],
    run: Box<Run>,
}

type Run = dyn Fn(&Setup) -> Result<(), String>;

impl Check {
    fn new(
        name: impl Into<String>,
        needs: &'static [&'static str],
        run: impl Fn(&Setup) -> Result<(), String> + 'static,
    ) -> Self {
        Self { name: name.into(), needs, run: Box::new(run) }
    }
}

/// Runs the checks whose names contain one of `words`, or all of them.
pub(super) fn run(setup: &Setup, words: &[String]) -> Result<(), String> {
    let chosen = server::checks()
        .into_iter()
        .chain(client::checks())
        .filter(|check| words.is_empty() || words.iter().any(|word| check.name.contains(word)));
    let (mut passed, mut skipped, mut failed) = (0, 0, 0);
    for check in chosen {
        match verdict(setup, &check) {
            Verdict::Ok => passed += 1,
            Verdict::Skipped => skipped += 1,
            Verdict::Failed => failed += 1,
        }
    }
    println!("interop: {passed} passed, {skipped} skipped, {failed} failed");
    match (failed, passed + skipped) {
        (0, 0) => Err("no check has such a name".into()),
        (0, _) => Ok(()),
        _ => Err(format!("{failed} interoperation checks failed")),
    }
}

enum Verdict {
    Ok,
    Skipped,
    Failed,
}

fn verdict(setup: &Setup, check: &Check) -> Verdict {
    let absent = check.needs.iter().find(|name| find(&setup.root, name).is_none());
    if let Some(name) = absent {
        if in_ci() {
            println!("fail  {}: {name} is not installed", check.name);
            return Verdict::Failed;
        }
        println!("skip  {}: {name} is not installed", check.name);
        return Verdict::Skipped;
    }
    let start = Instant::now();
    match (check.run)(setup) {
        Ok(()) => {
            println!("ok    {} ({:.1} s)", check.name, start.elapsed().as_secs_f32());
            Verdict::Ok
        }
        Err(error) => {
            println!("fail  {}: {error}", check.name);
            Verdict::Failed
        }
    }
}
