//! The slow reader: of a 100 MiB response a client takes 64 KiB and then stops. What the server holds for it must stay small,
//! whichever window it is that closes, and when the client goes on the rest must come.

use std::thread;
use std::time::{Duration, Instant};

use super::super::raw::{Ended, Raw};
use super::super::servers::{Server, Transport, pellucid};
use super::super::setup::{BIG_OCTETS, Setup};

/// The HTTP/2 windows are wide open; the client does not read its socket, so TCP's window closes.
pub(super) fn socket_unread(setup: &Setup) -> Result<(), String> {
    let server = serve_big(setup)?;
    let before = server.running.memory(RESIDENT)?;
    let mut raw = Raw::connect(server.address, i32::MAX as u32)?;
    raw.get(1)?;
    let (read, _) = raw.read_data(1, STOP_AFTER)?;
    growth_stays_small(&server, before)?;
    expect_rest(read, raw.read_data(1, u64::MAX)?)
}

/// The client reads all it gets, but gives no window beyond the first 65,535 octets.
pub(super) fn window_closed(setup: &Setup) -> Result<(), String> {
    let server = serve_big(setup)?;
    let before = server.running.memory(RESIDENT)?;
    let mut raw = Raw::connect(server.address, 65_535)?;
    raw.get(1)?;
    let (read, _) = raw.read_data(1, 65_535)?;
    growth_stays_small(&server, before)?;
    for stream in [0, 1] {
        raw.window_update(stream, i32::MAX as u32 - 65_535)?;
    }
    expect_rest(read, raw.read_data(1, u64::MAX)?)
}

/// A server that has answered nothing yet, so that whatever it allocates for the response counts.
fn serve_big(setup: &Setup) -> Result<Server, String> {
    pellucid(setup, &["--bytes", &BIG_OCTETS.to_string()], Transport::Cleartext, None)
}

/// Watches the server's memory for a while and judges its highest value.
fn growth_stays_small(server: &Server, before: u64) -> Result<(), String> {
    let end = Instant::now() + WATCH;
    let mut highest = before;
    while Instant::now() < end {
        highest = highest.max(server.running.memory(RESIDENT)?);
        thread::sleep(Duration::from_millis(10));
    }
    let growth = highest.saturating_sub(before);
    if growth >= MAY_GROW {
        return Err(format!("the server grew by {} KiB", growth >> 10));
    }
    println!("      the server grew by {} KiB", growth >> 10);
    Ok(())
}

fn expect_rest(first: u64, (rest, ended): (u64, Ended)) -> Result<(), String> {
    if (first + rest, &ended) == (BIG_OCTETS, &Ended::Yes) {
        return Ok(());
    }
    Err(format!("{} octets in all instead of {BIG_OCTETS}", first + rest))
}

/// The entry of /proc/PID/status.
const RESIDENT: &str = "VmRSS";
/// Where the client stops reading.
const STOP_AFTER: u64 = 64 << 10;
/// What the server may hold for it.
const MAY_GROW: u64 = 2 << 20;
/// How long the server is given to fill its buffers.
const WATCH: Duration = Duration::from_millis(1500);
