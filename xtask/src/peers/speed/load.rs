//! h2load on its core, in the two layouts that are judged.

use std::process::Command;
use std::time::Duration;

use super::super::process::{finish, tail};
use super::super::servers::{Server, pinned};
use super::super::setup::Setup;

/// How requests are spread over connections.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// 10 connections, 100 streams each.
    Multiplexed,
    /// 100 connections, 1 stream each.
    OneAtATime,
}

impl Layout {
    pub(super) const ALL: [Self; 2] = [Self::Multiplexed, Self::OneAtATime];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Multiplexed => "-c10 -m100",
            Self::OneAtATime => "-c100 -m1",
        }
    }

    fn options(self) -> [&'static str; 4] {
        match self {
            Self::Multiplexed => ["-c", "10", "-m", "100"],
            Self::OneAtATime => ["-c", "100", "-m", "1"],
        }
    }

    /// Requests of one run: a second or more of a fast server's work.
    pub(super) fn requests(self) -> u32 {
        match self {
            Self::Multiplexed => 500_000,
            Self::OneAtATime => 150_000,
        }
    }

    pub(super) fn warm_up(self) -> u32 {
        self.requests() / 5
    }
}

/// What h2load counted.
pub(super) struct Done {
    pub(super) succeeded: f64,
    pub(super) per_second: f64,
}

/// Runs h2load to its end; `Err` unless every request succeeded.
pub(super) fn run(setup: &Setup, server: &Server, layout: Layout, requests: u32) -> Result<Done, String> {
    let mut command: Command = pinned(setup, &setup.program("h2load")?, Some(LOAD_CORE))?;
    command
        .args(layout.options())
        .args(["-t", "1", "-n", &requests.to_string()])
        .arg(format!("http://{}/1k", server.address));
    let text = finish(&mut command, &setup.scratch, PATIENCE)?.success()?.text();
    let done = read(&text).ok_or_else(|| format!("h2load printed {}", tail(&text)))?;
    if done.succeeded < f64::from(requests) {
        return Err(format!("{} of {requests} requests succeeded", done.succeeded));
    }
    Ok(done)
}

/// `finished in 1.0s, 9.0 req/s, …` and `requests: … done, N succeeded, …`.
fn read(text: &str) -> Option<Done> {
    let number_before = |word: &str| {
        let (before, _) = text.split_once(word)?;
        before.split_whitespace().last()?.parse::<f64>().ok()
    };
    Some(Done { succeeded: number_before(" succeeded,")?, per_second: number_before(" req/s,")? })
}

const LOAD_CORE: &str = "1";
const PATIENCE: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_of_h2load_are_read() {
        let text = "progress: 100% done\n\nfinished in 1.50s, 66666.67 req/s, 65.10MB/s\n\
            requests: 100000 total, 100000 started, 100000 done, 99999 succeeded, 1 failed, 0 errored, 0 timeout\n";
        let done = read(text).expect("a report");
        assert_eq!((done.succeeded, done.per_second), (99_999.0, 66_666.67));
        assert!(read("no report").is_none());
    }
}
