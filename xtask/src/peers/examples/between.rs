//! The proxy between other people's clients and other people's servers.

use std::process::Command;

use super::super::check::Check;
use super::super::process::finish;
use super::super::servers::{Transport, curl, h2o, nghttpd, nginx};
use super::super::setup::{LONG, SMALL_FILES, Setup, same_contents};
use super::{ask, in_order, run_short, web};

/// All checks of it.
pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::new("curl, proxy, nghttpd: 100 MiB there and back", &["curl", "nghttpd", "openssl"], there_and_back),
        Check::new("nghttp, proxy, nghttpd: trailers", &["nghttp", "nghttpd", "openssl"], trailers),
        Check::new("nghttp, proxy, nginx: 1,000 files at once", &["curl", "nghttp", "nginx", "openssl"], files),
        Check::new("h2load, proxy, h2o: 5,000 requests, 100 at a time", &["h2load", "h2o", "openssl"], load),
    ]
}

/// Noise, so that octets lost, doubled or out of order are seen.
fn there_and_back(setup: &Setup) -> Result<(), String> {
    let upstream = nghttpd(setup, &["--echo-upload"], Transport::Cleartext, None)?;
    let proxy = web::proxy(setup, &upstream)?;
    let (sent, received) = (setup.big()?, setup.scratch.fresh("echo"));
    let mut command = curl(setup)?;
    command.args(["-sSf", "-X", "POST", "-T"]).arg(&sent).arg("-o").arg(&received).arg(proxy.url("/"));
    finish(&mut command, &setup.scratch, LONG)?.success()?;
    same_contents(&sent, &received)?;
    std::fs::remove_file(&received).map_err(|error| error.to_string())
}

fn trailers(setup: &Setup) -> Result<(), String> {
    let upstream = nghttpd(setup, &["--trailer", "x-checksum: 42"], Transport::Cleartext, None)?;
    let proxy = web::proxy(setup, &upstream)?;
    let shown = run_short(setup, Command::new(setup.program("nghttp")?).arg("-nv").arg(proxy.url("/1k")))?.text();
    in_order(shown.lines(), &[":status: 200", "recv DATA frame", "x-checksum: 42"])
}

/// nghttp asks for all of them at once on one connection, and prints what comes in the order in which it comes.
fn files(setup: &Setup) -> Result<(), String> {
    let upstream = nginx(setup, Transport::Cleartext)?;
    let proxy = web::proxy(setup, &upstream)?;
    let mut command = Command::new(setup.program("nghttp")?);
    command.args((0..SMALL_FILES).map(|number| proxy.url(&format!("/n/{number}"))));
    let text = finish(&mut command, &setup.scratch, LONG)?.success()?.text();
    let mut numbers: Vec<usize> = text.lines().filter_map(|line| line.parse().ok()).collect();
    numbers.sort_unstable();
    if !numbers.iter().copied().eq(0..SMALL_FILES) || text.lines().count() != SMALL_FILES {
        return Err(format!("{} lines, {} numbers", text.lines().count(), numbers.len()));
    }
    ask(setup, &proxy, "/n/nothing", &[])?.has(&["HTTP/2 404"]).map(drop)
}

fn load(setup: &Setup) -> Result<(), String> {
    let upstream = h2o(setup, Transport::Cleartext)?;
    let proxy = web::proxy(setup, &upstream)?;
    let mut command = Command::new(setup.program("h2load")?);
    command.args(["-n", "5000", "-c", "10", "-m", "10"]).arg(proxy.url("/1k"));
    let text = finish(&mut command, &setup.scratch, LONG)?.success()?.text();
    in_order(text.lines(), &["5000 succeeded, 0 failed, 0 errored, 0 timeout", "status codes: 5000 2xx"])
}
