//! One thing that must work with another implementation, and the run of a list of such things. One line a check; a check whose
//! peer is not installed is skipped, or has failed where CI=true.

use std::time::Instant;

use super::setup::{Setup, find};
use crate::tools::in_ci;

/// One thing that must work.
pub(super) struct Check {
    pub(super) name: String,
    /// The programs it cannot do without.
    needs: &'static [&'static str],
    run: Box<Run>,
}

type Run = dyn Fn(&Setup) -> Result<(), String>;

impl Check {
    pub(super) fn new(
        name: impl Into<String>,
        needs: &'static [&'static str],
        run: impl Fn(&Setup) -> Result<(), String> + 'static,
    ) -> Self {
        Self { name: name.into(), needs, run: Box::new(run) }
    }
}

/// Runs the checks whose names contain one of `words`, or all of them; `what` they are together stands in the last line.
pub(super) fn run_all(
    setup: &Setup,
    what: &str,
    checks: impl Iterator<Item = Check>,
    words: &[String],
) -> Result<(), String> {
    let chosen = checks.filter(|check| words.is_empty() || words.iter().any(|word| check.name.contains(word)));
    let (mut passed, mut skipped, mut failed) = (0, 0, 0);
    for check in chosen {
        match verdict(setup, &check) {
            Verdict::Ok => passed += 1,
            Verdict::Skipped => skipped += 1,
            Verdict::Failed => failed += 1,
        }
    }
    println!("{what}: {passed} passed, {skipped} skipped, {failed} failed");
    match (failed, passed + skipped) {
        (0, 0) => Err("no check has such a name".into()),
        (0, _) => Ok(()),
        _ => Err(format!("{failed} checks of {what} failed")),
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
