//! `peers speed`: server CPU per request beside nghttpd and hyper, by the method of docs/PERFORMANCE.md. The server has core 0,
//! h2load core 1; runs are interleaved (A B C, A B C, …) after a warm-up of each; medians decide. Ratios within one run mean
//! something, absolute figures of two machines or hours do not. Not part of CI.

mod cpu;
mod load;

use std::thread;

use cpu::Cpu;
use load::Layout;

use super::servers::{Server, Transport, axum, hyper, nghttpd, pellucid};
use super::setup::Setup;

/// The servers of the comparison, in the order of a round.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Contender {
    Pellucid,
    Nghttpd,
    Hyper,
    /// One axum program on our transport …
    AxumPellucid,
    /// … and on hyper's.
    AxumHyper,
}

impl Contender {
    const ALL: [Self; 5] = [Self::Pellucid, Self::Nghttpd, Self::Hyper, Self::AxumPellucid, Self::AxumHyper];

    fn name(self) -> &'static str {
        match self {
            Self::Pellucid => "pellucid",
            Self::Nghttpd => "nghttpd",
            Self::Hyper => "hyper",
            Self::AxumPellucid => "axum-pellucid",
            Self::AxumHyper => "axum-hyper",
        }
    }

    fn start(self, setup: &Setup) -> Result<Server, String> {
        match self {
            Self::Pellucid => {
                pellucid(setup, &["--bytes", "1024", "--workers", "1"], Transport::Cleartext, SERVER_CORE)
            }
            Self::Nghttpd => nghttpd(setup, &["-n", "1"], Transport::Cleartext, SERVER_CORE),
            Self::Hyper => hyper(setup, SERVER_CORE),
            Self::AxumPellucid => axum(setup, "pellucid", SERVER_CORE),
            Self::AxumHyper => axum(setup, "hyper", SERVER_CORE),
        }
    }
}

/// Which servers run, and how often.
pub(super) struct Options {
    contenders: Vec<Contender>,
    runs: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { contenders: Contender::ALL.to_vec(), runs: RUNS }
    }
}

impl Options {
    /// Takes the servers of a list like `pellucid,hyper`.
    pub(super) fn choose(&mut self, list: &str) -> Result<(), String> {
        let names: Vec<&str> = list.split(',').collect();
        if let Some(name) = names.iter().find(|name| Contender::ALL.iter().all(|c| c.name() != **name)) {
            return Err(format!("no server is called {name}"));
        }
        self.contenders = Contender::ALL.into_iter().filter(|contender| names.contains(&contender.name())).collect();
        Ok(())
    }

    pub(super) fn set_runs(&mut self, count: &str) -> Result<(), String> {
        self.runs =
            count.parse().ok().filter(|&runs| runs > 0).ok_or_else(|| format!("{count} is not a number of runs"))?;
        Ok(())
    }
}

/// The medians of one server under one layout.
struct Row {
    contender: Contender,
    layout: Layout,
    /// Microseconds of CPU per request.
    user: f64,
    system: f64,
    total: f64,
    /// Thousand requests per second.
    rate: f64,
}

/// Measures, prints the table, and judges the gates.
pub(super) fn run(setup: &Setup, options: &Options) -> Result<(), String> {
    if thread::available_parallelism().map_or(1, usize::from) < 2 {
        return Err("the method needs two cores: one for the server, one for the load".into());
    }
    let mut rows = Vec::new();
    for layout in Layout::ALL {
        rows.extend(measure(setup, options, layout)?);
    }
    print_table(&rows);
    judge(&rows)
}

fn measure(setup: &Setup, options: &Options, layout: Layout) -> Result<Vec<Row>, String> {
    let mut servers = Vec::new();
    for &contender in &options.contenders {
        let server = contender.start(setup)?;
        load::run(setup, &server, layout, layout.warm_up())
            .map_err(|error| format!("{}: {error}", contender.name()))?;
        servers.push((contender, server, Vec::new()));
    }
    for round in 0..options.runs {
        for (contender, server, samples) in &mut servers {
            let before = Cpu::of(server.running.pid())?;
            let done = load::run(setup, server, layout, layout.requests())
                .map_err(|error| format!("{}: {error}", contender.name()))?;
            let used = Cpu::of(server.running.pid())?.since(&before);
            let sample = Sample::new(&used, &done);
            eprintln!(
                "{} {}/{} {}: {:.2} µs, {:.0} k/s",
                layout.name(),
                round + 1,
                options.runs,
                contender.name(),
                sample.total,
                sample.rate
            );
            samples.push(sample);
        }
    }
    Ok(servers
        .into_iter()
        .map(|(contender, _, samples)| Row {
            contender,
            layout,
            user: median(samples.iter().map(|s| s.user)),
            system: median(samples.iter().map(|s| s.system)),
            total: median(samples.iter().map(|s| s.total)),
            rate: median(samples.iter().map(|s| s.rate)),
        })
        .collect())
}

/// One run: microseconds of CPU per request that succeeded, and thousand requests per second.
struct Sample {
    user: f64,
    system: f64,
    total: f64,
    rate: f64,
}

impl Sample {
    fn new(used: &Cpu, done: &load::Done) -> Self {
        let each = |seconds: f64| seconds * 1e6 / done.succeeded;
        Self {
            user: each(used.user_s()),
            system: each(used.system_s()),
            total: each(used.total_s()),
            rate: done.per_second / 1e3,
        }
    }
}

fn print_table(rows: &[Row]) {
    println!(
        "| layout | server | CPU µs a request | user | system | thousand requests/s | × nghttpd | × hyper | × axum-hyper |"
    );
    println!("|---|---|--:|--:|--:|--:|--:|--:|--:|");
    for row in rows {
        let against =
            |peer| ratio(rows, row.layout, row.contender, peer).map_or("–".into(), |ratio| format!("{ratio:.2}"));
        println!(
            "| {} | {} | {:.2} | {:.2} | {:.2} | {:.0} | {} | {} | {} |",
            row.layout.name(),
            row.contender.name(),
            row.total,
            row.user,
            row.system,
            row.rate,
            against(Contender::Nghttpd),
            against(Contender::Hyper),
            against(Contender::AxumHyper)
        );
    }
}

/// Checks each gate of which both servers ran.
fn judge(rows: &[Row]) -> Result<(), String> {
    let mut missed = Vec::new();
    for (layout, ours, peer, limit) in GATES {
        let what = format!("{} at {}", peer.name(), layout.name());
        match ratio(rows, layout, ours, peer) {
            None => println!("not judged: {what}"),
            Some(ratio) if ratio <= limit => println!("ok: {ratio:.2} of {what}, at most {limit}"),
            Some(ratio) => missed.push(format!("{ratio:.2} of {what}, at most {limit}")),
        }
    }
    if missed.is_empty() {
        return Ok(());
    }
    Err(format!("too slow: {}", missed.join("; ")))
}

/// CPU per request of one server by that of another.
fn ratio(rows: &[Row], layout: Layout, one: Contender, other: Contender) -> Option<f64> {
    let total =
        |contender| rows.iter().find(|row| row.contender == contender && row.layout == layout).map(|row| row.total);
    Some(total(one)? / total(other)?)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
    if values.len() % 2 == 1 { at(middle) } else { f64::midpoint(at(middle.saturating_sub(1)), at(middle)) }
}

/// Layout, server, peer, and the most that the server's CPU per request may be of the peer's.
const GATES: [(Layout, Contender, Contender, f64); 5] = [
    (Layout::Multiplexed, Contender::Pellucid, Contender::Nghttpd, 1.0),
    (Layout::Multiplexed, Contender::Pellucid, Contender::Hyper, 0.25),
    (Layout::OneAtATime, Contender::Pellucid, Contender::Hyper, 0.8),
    (Layout::Multiplexed, Contender::AxumPellucid, Contender::AxumHyper, 0.5),
    (Layout::OneAtATime, Contender::AxumPellucid, Contender::AxumHyper, 0.9),
];
/// Runs of each server and layout.
const RUNS: usize = 5;
const SERVER_CORE: Option<&str> = Some("0");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_of_odd_and_even_counts() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0].into_iter()), 2.5);
    }

    fn row(contender: Contender, layout: Layout, total: f64) -> Row {
        Row { contender, layout, user: 0.0, system: 0.0, total, rate: 0.0 }
    }

    #[test]
    fn a_gate_is_judged_when_both_servers_ran() {
        let ours = row(Contender::Pellucid, Layout::Multiplexed, 1.0);
        let slow = row(Contender::Hyper, Layout::Multiplexed, 4.0);
        let fast = row(Contender::Nghttpd, Layout::Multiplexed, 0.9);
        assert!(judge(&[ours, slow]).is_ok());
        let ours = row(Contender::Pellucid, Layout::Multiplexed, 1.0);
        assert!(judge(&[ours, fast]).is_err());
        assert!(judge(&[]).is_ok());
    }

    #[test]
    fn servers_are_chosen_by_name() {
        let mut options = Options::default();
        assert!(options.choose("hyper,pellucid").is_ok());
        assert!(options.contenders == [Contender::Pellucid, Contender::Hyper]);
        assert!(options.choose("apache").is_err());
        assert!(options.set_runs("0").is_err());
    }
}
