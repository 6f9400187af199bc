//! The cells as curl, nghttp and h2load are asked for them on their command lines.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::super::process::{Finished, finish, tail};
use super::super::servers::{Server, curl as curl_command};
use super::super::setup::Setup;
use super::cell::{Cell, PATIENCE};

/// Asks our server for a cell.
pub(super) type Ask = fn(&Setup, &Server, Cell) -> Result<(), String>;

/// `-D` shows all header and trailer sections, `-w` how many connections were made.
pub(super) fn curl(setup: &Setup, server: &Server, cell: Cell) -> Result<(), String> {
    let (heads, body) = (setup.scratch.fresh("heads"), setup.scratch.fresh("body"));
    let mut command = curl_command(setup)?;
    command.args(["-sS", "-w", "%{num_connects}\\n", "-D"]).arg(&heads).arg("-o").arg(&body);
    let large = large();
    match cell {
        Cell::Get => command.arg(server.url("/1k")),
        Cell::Post => command.arg("--data-binary").arg(sent(setup)?).arg(server.url("/echo")),
        Cell::Trailers => command.arg(server.url("/trailers")),
        Cell::SentTrailers => return Err("has no such option".into()),
        Cell::Head => command.arg("-I").arg(server.url("/1k")),
        Cell::Interim => command.arg(server.url("/hints")),
        Cell::Early => command.arg("--data-binary").arg(sent(setup)?).arg(server.url("/early")),
        Cell::Large => command.arg("-H").arg(&large).arg(server.url("/large")),
        // It gives the first up when it sees its length.
        Cell::Reset => {
            let first = setup.scratch.fresh("first");
            command.args(["--max-filesize", "100000"]).arg(server.url("/10m")).arg(server.url("/1k"));
            command.arg("-o").arg(first)
        }
        Cell::Drain => {
            command.arg("-Z").arg(server.url("/10m"));
            for path in ["/leave"].into_iter().chain(["/1k"; 40]) {
                command.arg("-o").arg("/dev/null").arg(server.url(path));
            }
            &mut command
        }
    };
    let done = run(setup, &mut command)?;
    let heads = fs::read_to_string(&heads).unwrap_or_default();
    let body = fs::read(&body).unwrap_or_default();
    match cell {
        Cell::Get => same(&body, &pattern(SMALL)),
        Cell::Post | Cell::Drain => same(&body, &pattern(BIG)),
        Cell::Trailers => has(&heads, &["HTTP/2 200", "\r\n\r\n", "x-checksum: 42"]),
        Cell::SentTrailers => Ok(()),
        Cell::Head => has(&heads, &["HTTP/2 200", "content-length: 1024"]),
        Cell::Interim => has(&heads, &["HTTP/2 103", "link: ", "HTTP/2 200"]),
        Cell::Early => has(&heads, &["HTTP/2 413"]).and_then(|()| same(&body, b"early")),
        Cell::Large => has(&heads, &["HTTP/2 200", &large]),
        // One connection for the first, none for the second.
        Cell::Reset => has(&done.text(), &["1\n0\n"]),
    }
}

/// `-v` shows every frame with its fields.
pub(super) fn nghttp(setup: &Setup, server: &Server, cell: Cell) -> Result<(), String> {
    let mut command = Command::new(setup.program("nghttp")?);
    command.args(["-y", "--no-dep"]);
    let large = large();
    let file = sent_file(setup)?;
    match cell {
        Cell::Get => command.arg(server.url("/1k")),
        Cell::Post => command.arg("-d").arg(file).arg(server.url("/echo")),
        Cell::Trailers => command.arg("-nv").arg(server.url("/trailers")),
        Cell::SentTrailers => {
            command.args(["-nv", "--trailer", "x-checksum: 42", "-d"]).arg(file).arg(server.url("/echo"))
        }
        Cell::Head => command.args(["-nv", "-H", ":method: HEAD"]).arg(server.url("/1k")),
        Cell::Interim => command.arg("-nv").arg(server.url("/hints")),
        Cell::Early => command.arg("-nv").arg("-d").arg(file).arg(server.url("/early")),
        Cell::Large => command.arg("-nv").arg("-H").arg(&large).arg(server.url("/large")),
        Cell::Reset => return Err("has no such option".into()),
        // It asks for all at once.
        Cell::Drain => command.arg(server.url("/10m")).arg(server.url("/leave")).arg(server.url("/1k")),
    };
    let done = run(setup, &mut command)?;
    let text = done.text();
    match cell {
        Cell::Get => same(&done.stdout, &pattern(SMALL)),
        Cell::Post => same(&done.stdout, &pattern(BIG)),
        Cell::Trailers => has(&text, &[":status: 200", "recv DATA", "x-checksum: 42"]),
        Cell::SentTrailers => has(&text, &[":status: 200", "recv DATA", "recv (stream_id=1) x-checksum: 42"]),
        Cell::Head => has(&text, &[":method: HEAD", ":status: 200", "content-length: 1024"]),
        Cell::Interim => has(&text, &[":status: 103", ":status: 200"]),
        Cell::Early => has(&text, &[":status: 413"]),
        Cell::Large => has(&text, &[":status: 200", &large]),
        Cell::Reset => Ok(()),
        // The bodies come mixed.
        Cell::Drain => expect_octets(done.stdout.len(), (BIG + SMALL) as usize + "leaving".len()),
    }
}

/// It shows counts alone.
pub(super) fn h2load(setup: &Setup, server: &Server, cell: Cell) -> Result<(), String> {
    let mut command = Command::new(setup.program("h2load")?);
    command.args(["-c", "1", "-m", "10"]);
    let (requests, url) = match cell {
        Cell::Get => (20, "/1k"),
        Cell::Post => (1, "/echo"),
        Cell::Head => (20, "/1k"),
        Cell::Interim => (20, "/hints"),
        Cell::Early => (1, "/early"),
        Cell::Large => (20, "/large"),
        Cell::Drain => (40, "/leave"),
        Cell::Trailers | Cell::SentTrailers | Cell::Reset => return Err("has no such option".into()),
    };
    command.args(["-n", &requests.to_string()]);
    match cell {
        Cell::Post | Cell::Early => command.arg("-d").arg(sent_file(setup)?),
        Cell::Head => command.args(["-H", ":method: HEAD"]),
        Cell::Large => command.arg("-H").arg(large()),
        _ => &mut command,
    };
    let text = run(setup, command.arg(server.url(url)))?.text();
    let octets = |each: u32| format!("({}) data", requests * each);
    let succeeded = format!(" {requests} succeeded, 0 failed, 0 errored, 0 timeout");
    let good = format!("status codes: {requests} 2xx,");
    match cell {
        Cell::Get => has(&text, &[&succeeded, &good, &octets(SMALL)]),
        Cell::Post => has(&text, &[&succeeded, &good, &octets(BIG)]),
        Cell::Head => has(&text, &[&succeeded, &good, &octets(0)]),
        Cell::Interim => has(&text, &[&succeeded, &good, &octets(6)]),
        Cell::Early => has(&text, &["status codes: 0 2xx, 0 3xx, 1 4xx", &octets(5)]),
        Cell::Large => has(&text, &[&succeeded, &good, &octets(5)]),
        _ => has(&text, &[&succeeded, &good]),
    }
}

/// What every program here makes and checks: octet `i` is `i ^ i >> 8 ^ i >> 16`.
pub(super) fn pattern(octets: u32) -> Vec<u8> {
    (0..octets)
        .map(|i| {
            let [a, b, c, _] = i.to_le_bytes();
            a ^ b ^ c
        })
        .collect()
}

fn large() -> String {
    format!("x-large: {}", "x".repeat(12 << 10))
}

/// The file of 10 MiB, made by the first who asks.
fn sent_file(setup: &Setup) -> Result<PathBuf, String> {
    let path = setup.scratch.path().join("interop-10m");
    if !path.exists() {
        fs::write(&path, pattern(BIG)).map_err(|error| error.to_string())?;
    }
    Ok(path)
}

fn sent(setup: &Setup) -> Result<String, String> {
    Ok(format!("@{}", sent_file(setup)?.display()))
}

fn run(setup: &Setup, command: &mut Command) -> Result<Finished, String> {
    let mut shown = format!("{command:?}");
    shown.truncate(shown.floor_char_boundary(SHOWN));
    let done = finish(command, &setup.scratch, PATIENCE).map_err(|why| format!("{why} ({shown})"))?;
    if done.status.success() {
        return Ok(done);
    }
    Err(format!("{} ({shown}): {} {}", done.status, tail(&done.stderr), tail(&done.text())))
}

/// `Err` unless the wanted texts are there, one after the other.
fn has(text: &str, wanted: &[&str]) -> Result<(), String> {
    let mut rest = text;
    for want in wanted {
        let place = rest.find(want).ok_or_else(|| {
            let head = want.get(..60).unwrap_or(want);
            format!("`{head}` is not there, or not in its place: {}", tail(text))
        })?;
        rest = rest.get(place + want.len()..).unwrap_or_default();
    }
    Ok(())
}

fn same(got: &[u8], wanted: &[u8]) -> Result<(), String> {
    if got == wanted {
        return Ok(());
    }
    Err(format!("{} octets, or others, instead of {}", got.len(), wanted.len()))
}

fn expect_octets(got: usize, expected: usize) -> Result<(), String> {
    if got == expected { Ok(()) } else { Err(format!("{got} octets instead of {expected}")) }
}

const SMALL: u32 = 1 << 10;
const BIG: u32 = 10 << 20;
/// Of a command that failed: without the field of 12 KiB.
const SHOWN: usize = 300;
