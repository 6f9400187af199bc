//! A gibioctet each way through the axum application and through the proxy before it: every octet is counted, and no server's memory
//! may grow with what passes through it.

use std::fs::File;
use std::time::{Duration, Instant};

use super::super::check::Check;
use super::super::process::finish;
use super::super::servers::{Server, Transport, curl};
use super::super::setup::Setup;
use super::{CURL, serving, web};

/// All of it.
pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::new("axum: 1 GiB each way, bounded memory", CURL, |setup| {
            let application = serving(setup, "axum", &[], Transport::Cleartext)?;
            both_ways(setup, &application, &[("axum", &application)])
        }),
        Check::new("axum behind proxy: 1 GiB each way, bounded memory", CURL, |setup| {
            let application = serving(setup, "axum", &[], Transport::Cleartext)?;
            let proxy = web::proxy(setup, &application)?;
            both_ways(setup, &proxy, &[("axum", &application), ("proxy", &proxy)])
        }),
    ]
}

/// Downloads from `front` and uploads to it. `watched` are the servers that the octets pass.
fn both_ways(setup: &Setup, front: &Server, watched: &[(&str, &Server)]) -> Result<(), String> {
    front.still_serves(setup)?;
    let before = watched.iter().map(|(_, server)| server.running.memory(PEAK)).collect::<Result<Vec<_>, _>>()?;
    transfer("download", || download(setup, front))?;
    transfer("upload", || upload(setup, front))?;
    for ((name, server), before) in watched.iter().zip(before) {
        let after = server.running.memory(PEAK)?;
        println!("      {name}: {} KiB at most, {} KiB before", after >> 10, before >> 10);
        if after.saturating_sub(before) > GROWTH {
            return Err(format!("{name} grew by {} KiB", (after - before) >> 10));
        }
    }
    Ok(())
}

fn transfer(what: &str, run: impl Fn() -> Result<(), String>) -> Result<(), String> {
    let start = Instant::now();
    run().map_err(|error| format!("{what}: {error}"))?;
    let seconds = start.elapsed().as_secs_f64();
    println!("      {what}: {OCTETS} octets in {seconds:.1} s, {:.0} MiB/s", (OCTETS >> 20) as f64 / seconds);
    Ok(())
}

fn download(setup: &Setup, front: &Server) -> Result<(), String> {
    let mut command = curl(setup)?;
    command.args(["-sSf", "-o", "/dev/null", "-w", "%{size_download}"]).arg(front.url(&format!("/bytes/{OCTETS}")));
    let counted = finish(&mut command, &setup.scratch, PATIENCE)?.success()?.text();
    if counted == OCTETS.to_string() { Ok(()) } else { Err(format!("{counted} octets came")) }
}

/// A file without blocks: as long as is wanted, and nothing on the disk.
fn upload(setup: &Setup, front: &Server) -> Result<(), String> {
    let path = setup.scratch.fresh("sparse");
    File::create(&path).and_then(|file| file.set_len(OCTETS)).map_err(|error| error.to_string())?;
    let mut command = curl(setup)?;
    command.args(["-sSf", "-T"]).arg(&path).arg(front.url("/upload"));
    let said = finish(&mut command, &setup.scratch, PATIENCE)?.success()?.text();
    if said == format!("{OCTETS} octets\n") { Ok(()) } else { Err(said) }
}

/// The most a process has ever held, by the kernel's book.
const PEAK: &str = "VmHWM";
/// Octets each way.
const OCTETS: u64 = 1 << 30;
/// Octets a server may hold more after them than before.
const GROWTH: u64 = 24 << 20;
/// Patience with one transfer.
const PATIENCE: Duration = Duration::from_secs(180);
