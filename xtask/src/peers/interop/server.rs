//! Our server with other people's clients, and with one that misbehaves.

use std::path::Path;
use std::process::Command;

use super::super::process::{Finished, finish, finish_into_head};
use super::super::raw::{Ended, Raw};
use super::super::servers::{Server, Transport, curl, pellucid};
use super::super::setup::{BIG_OCTETS, LONG, SHORT, Setup, same_contents};
use super::{Check, memory};

/// All checks of our server.
pub(super) fn checks() -> Vec<Check> {
    let mut checks = Vec::new();
    for transport in [Transport::Cleartext, Transport::Tls] {
        let name = |what: &str| format!("server, {}: {what}", transport.name());
        checks.extend([
            Check::new(name("curl downloads 100 MiB"), CURL, move |s| curl_download(s, transport)),
            Check::new(name("curl uploads 100 MiB and gets it back"), CURL, move |s| curl_echo(s, transport)),
            Check::new(name("nghttp several URLs, each ten times"), NGHTTP, move |s| nghttp_many(s, transport)),
            Check::new(name("h2load 1,000 requests, 100 at a time"), H2LOAD, move |s| h2load(s, transport)),
            Check::new(name("curl leaves mid-body, the next is served"), CURL, move |s| curl_leaves(s, transport)),
        ]);
    }
    checks.extend([
        Check::new("server, h2c: RST_STREAM mid-body, the connection goes on", &[], reset_mid_body),
        Check::new("server, h2c: slow reader, TCP window closed", &[], memory::socket_unread),
        Check::new("server, h2c: slow reader, stream window closed", &[], memory::window_closed),
    ]);
    checks
}

fn curl_download(setup: &Setup, transport: Transport) -> Result<(), String> {
    let site = setup.site()?;
    let server = pellucid(setup, &[text_of(&site)?], transport, None)?;
    let received = setup.scratch.fresh("download");
    let mut command = curl(setup)?;
    command.args(["-sSf", "-o"]).arg(&received).arg(server.url("/big"));
    finish(&mut command, &setup.scratch, LONG)?.success()?;
    compare_and_remove(&setup.big()?, &received)
}

fn curl_echo(setup: &Setup, transport: Transport) -> Result<(), String> {
    let server = pellucid(setup, &["--echo"], transport, None)?;
    let (sent, received) = (setup.big()?, setup.scratch.fresh("echo"));
    let mut command = curl(setup)?;
    command.args(["-sSf", "-X", "POST", "-T"]).arg(&sent).arg("-o").arg(&received).arg(server.url("/"));
    finish(&mut command, &setup.scratch, LONG)?.success()?;
    compare_and_remove(&sent, &received)
}

fn nghttp_many(setup: &Setup, transport: Transport) -> Result<(), String> {
    let server = pellucid(setup, &["--bytes", "1024"], transport, None)?;
    let urls = ["/a", "/b", "/c"].map(|path| server.url(path));
    let mut command = nghttp(setup)?;
    command.args(["-m", "10"]).args(urls);
    let got = run(setup, &mut command)?;
    expect_octets(got.stdout.len(), 3 * 10 * 1024)
}

fn h2load(setup: &Setup, transport: Transport) -> Result<(), String> {
    let server = pellucid(setup, &["--bytes", "1024"], transport, None)?;
    let mut command = Command::new(setup.program("h2load")?);
    command.args(["-n", "1000", "-c", "1", "-m", "100"]).arg(server.url("/"));
    let text = run(setup, &mut command)?.text();
    if !text.contains("1000 succeeded, 0 failed, 0 errored, 0 timeout") {
        let line = text.lines().find(|line| line.starts_with("requests:"));
        return Err(line.unwrap_or("no count of requests").to_owned());
    }
    Ok(())
}

/// A client that reads a little of 100 MiB and goes away.
fn curl_leaves(setup: &Setup, transport: Transport) -> Result<(), String> {
    let server = pellucid(setup, &["--bytes", &BIG_OCTETS.to_string()], transport, None)?;
    let mut command = curl(setup)?;
    command.args(["-sS"]).arg(server.url("/"));
    leave_mid_body(setup, &mut command)?;
    serves_head(setup, &server)
}

/// Takes 64 KiB of what the command prints and closes the pipe; what it then says on standard error.
pub(super) fn leave_mid_body(setup: &Setup, command: &mut Command) -> Result<String, String> {
    let left = finish_into_head(command, &setup.scratch, LEAVE_AFTER, SHORT)?;
    expect_octets(left.stdout.len(), LEAVE_AFTER)?;
    Ok(left.stderr)
}

fn serves_head(setup: &Setup, server: &Server) -> Result<(), String> {
    let got = run(setup, curl(setup)?.args(["-sS", "-I"]).arg(server.url("/")))?;
    if got.text().to_ascii_lowercase().starts_with("http/2 200") {
        return Ok(());
    }
    Err("the next request got no 200".into())
}

/// RST_STREAM(CANCEL) after 64 KiB; then the same connection must serve another stream.
fn reset_mid_body(setup: &Setup) -> Result<(), String> {
    let octets = 1 << 20;
    let server = pellucid(setup, &["--bytes", &octets.to_string()], Transport::Cleartext, None)?;
    let mut raw = Raw::connect(server.address, 16 << 20)?;
    raw.get(1)?;
    let (_, ended) = raw.read_data(1, 64 << 10)?;
    if ended == Ended::Yes {
        return Err("1 MiB ended within 64 KiB".into());
    }
    raw.cancel(1)?;
    raw.get(3)?;
    let (read, ended) = raw.read_data(3, u64::MAX)?;
    if (read, &ended) != (octets, &Ended::Yes) {
        return Err(format!("the next stream brought {read} octets of {octets}"));
    }
    Ok(())
}

fn nghttp(setup: &Setup) -> Result<Command, String> {
    let mut command = Command::new(setup.program("nghttp")?);
    command.args(["-y", "--no-dep"]);
    Ok(command)
}

/// Runs a client that has little to do; `Err` unless it exits 0.
pub(super) fn run(setup: &Setup, command: &mut Command) -> Result<Finished, String> {
    finish(command, &setup.scratch, SHORT)?.success()
}

/// `Err` unless the files are the same; the received one is removed, there is not room for many.
pub(super) fn compare_and_remove(sent: &Path, received: &Path) -> Result<(), String> {
    same_contents(sent, received)?;
    std::fs::remove_file(received).map_err(|error| error.to_string())
}

pub(super) fn text_of(path: &Path) -> Result<&str, String> {
    path.to_str().ok_or_else(|| "a path that is not UTF-8".into())
}

fn expect_octets(got: usize, expected: usize) -> Result<(), String> {
    if got == expected {
        return Ok(());
    }
    Err(format!("{got} octets instead of {expected}"))
}

/// Octets of a body that a reader takes before it leaves.
const LEAVE_AFTER: usize = 64 << 10;
const CURL: &[&str] = &["curl", "openssl"];
const NGHTTP: &[&str] = &["nghttp", "openssl"];
const H2LOAD: &[&str] = &["h2load", "openssl"];
