//! `peers idle`: what an open connection costs. Anonymous memory of our server and of hyper's, divided by the connections that
//! stay open: after SETTINGS, and after one GET on each. Not for: judging; it is a report, and allocators have a say in it.

use std::fs;
use std::thread;
use std::time::Duration;

use super::raw::{Ended, Raw};
use super::servers::{Server, Transport, hyper, pellucid};
use super::setup::Setup;

/// How many connections are opened.
pub(super) struct Options {
    connections: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { connections: 2000 }
    }
}

impl Options {
    pub(super) fn set_connections(&mut self, count: &str) -> Result<(), String> {
        self.connections = count
            .parse()
            .ok()
            .filter(|&connections| connections > 0)
            .ok_or_else(|| format!("{count} is not a number of connections"))?;
        Ok(())
    }
}

/// KiB a connection.
struct Row {
    server: &'static str,
    after_settings: f64,
    after_get: f64,
}

/// Measures one server after the other and prints the table.
pub(super) fn run(setup: &Setup, options: &Options) -> Result<(), String> {
    let limits = fs::read_to_string("/proc/self/limits").map_err(|error| format!("/proc/self/limits: {error}"))?;
    let connections = within(&limits, options.connections)?;
    if connections < options.connections {
        println!("{connections} connections instead of {}: a process may open no more files", options.connections);
    }
    let ours = pellucid(setup, &["--bytes", "1024", "--workers", "1"], Transport::Cleartext, None)?;
    let mut rows = vec![measure("pellucid", &ours, connections)?];
    drop(ours);
    rows.push(measure("hyper", &hyper(setup, None)?, connections)?);
    println!("| KiB a connection, of {connections} | after SETTINGS | after one GET |\n|---|--:|--:|");
    for row in rows {
        println!("| {} | {:.1} | {:.1} |", row.server, row.after_settings, row.after_get);
    }
    Ok(())
}

fn measure(name: &'static str, server: &Server, connections: u32) -> Result<Row, String> {
    let failed = |error: String| format!("{name}: {error}");
    let before = server.running.memory(ANONYMOUS)?;
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(Raw::connect(server.address, WINDOW).and_then(settled).map_err(failed)?);
    }
    let after_settings = at_rest(server)?;
    for raw in &mut open {
        get(raw).map_err(failed)?;
    }
    let after_get = at_rest(server)?;
    let each = |now: u64| now.saturating_sub(before) as f64 / 1024.0 / f64::from(connections);
    Ok(Row { server: name, after_settings: each(after_settings), after_get: each(after_get) })
}

fn settled(mut raw: Raw) -> Result<Raw, String> {
    raw.settle()?;
    Ok(raw)
}

fn get(raw: &mut Raw) -> Result<(), String> {
    raw.get(1)?;
    match raw.read_data(1, u64::MAX)? {
        (1024, Ended::Yes) => Ok(()),
        (octets, ended) => Err(format!("{octets} octets instead of 1024, ended: {ended:?}")),
    }
}

/// What the server holds when it has done all that was asked of it: the last acknowledgment may still be on its way.
fn at_rest(server: &Server) -> Result<u64, String> {
    thread::sleep(REST);
    server.running.memory(ANONYMOUS)
}

/// As many of the connections as a process may hold files, at our end and at the server's, which inherits the limit.
fn within(limits: &str, connections: u32) -> Result<u32, String> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next()).unwrap_or_default();
    if soft == "unlimited" {
        return Ok(connections);
    }
    let soft: u32 = soft.parse().map_err(|_| format!("the limit of open files is {soft:?}"))?;
    match soft.saturating_sub(OTHER_FILES) {
        0 => Err(format!("{soft} open files are too few: raise the limit (ulimit -n)")),
        most => Ok(connections.min(most)),
    }
}

/// The entry of /proc/PID/status: memory that is no file's.
const ANONYMOUS: &str = "RssAnon";
/// RFC 9113 §6.9.2: what every window begins with.
const WINDOW: u32 = 65_535;
/// How long a server rests before its memory is read.
const REST: Duration = Duration::from_millis(300);
/// Files a process has open beside connections.
const OTHER_FILES: u32 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_keep_to_the_limit_of_open_files() {
        let limits =
            |soft: &str| format!("Max processes   1   1   processes\nMax open files   {soft}   4096   files\n");
        assert_eq!(within(&limits("1024"), 2000), Ok(960));
        assert_eq!(within(&limits("20000"), 2000), Ok(2000));
        assert_eq!(within(&limits("unlimited"), 2000), Ok(2000));
        assert!(within(&limits("64"), 2000).is_err());
        assert!(within("", 2000).is_err());
    }

    #[test]
    fn there_is_at_least_one_connection() {
        let mut options = Options::default();
        assert!(options.set_connections("0").is_err());
        assert!(options.set_connections("many").is_err());
        assert!(options.set_connections("500").is_ok());
        assert_eq!(options.connections, 500);
    }
}
