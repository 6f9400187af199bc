//! The cells as curl, nghttp and h2load are asked for them on their command lines.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::super::process::{Finished, finish, tail};
use super::super::servers::{Server, curl as curl_command};
use super::super::setup::Setup;
use super::cell::Cell;

/// Asks our server for a cell, within a time.
pub(super) type Ask = fn(&Setup, &Server, Cell, Duration) -> Result<(), String>;

/// `-D` shows all header and trailer sections, `-w` what became of each transfer.
pub(super) fn curl(setup: &Setup, server: &Server, cell: Cell, limit: Duration) -> Result<(), String> {
    let (heads, body, second) =
        (setup.scratch.fresh("heads"), setup.scratch.fresh("body"), setup.scratch.fresh("second"));
    let mut command = curl_command(setup)?;
    command.args(["-sS", "-w", "%{exitcode} %{http_code} %{num_connects} %{size_upload}\\n", "-D"]).arg(&heads);
    command.arg("-o").arg(&body);
    let large = large();
    match cell {
        Cell::Get => command.arg(server.url("/1k")),
        Cell::Post => command.arg("--data-binary").arg(sent(setup)?).arg(server.url("/echo")),
        Cell::Trailers => command.arg(server.url("/trailers")),
        Cell::SentTrailers => return no_option(),
        Cell::Head => command.arg("-I").arg(server.url("/1k")),
        Cell::Interim => command.arg(server.url("/hints")),
        Cell::Early => command.arg("--data-binary").arg(sent(setup)?).arg(server.url("/early")),
        Cell::Large => command.arg("-H").arg(&large).arg(server.url("/large")),
        // It gives the first up when it sees its length.
        Cell::Reset => {
            command.args(["--max-filesize", "100000"]).arg(server.url("/10m")).arg(server.url("/1k"));
            command.arg("-o").arg(&second)
        }
        Cell::Drain => {
            // Not all at once: most are asked for when the connection has been told to leave.
            command.args(["-Z", "--parallel-max", "5"]).arg(server.url("/10m"));
            for path in ["/leave"].into_iter().chain(["/1k"; 40]) {
                command.arg("-o").arg("/dev/null").arg(server.url(path));
            }
            &mut command
        }
    };
    let done = run(setup, &mut command, limit)?;
    let transfers = transfers(&done.text())?;
    let heads = fs::read_to_string(&heads).unwrap_or_default();
    let body = fs::read(&body).unwrap_or_default();
    match cell {
        Cell::Get => same(&body, &pattern(SMALL)),
        Cell::Post => same(&body, &pattern(BIG)),
        Cell::Trailers => has(&heads, &["HTTP/2 200", "\r\n\r\n", "x-checksum: 42"]),
        Cell::SentTrailers => no_option(),
        Cell::Head => has(&heads, &["HTTP/2 200", "content-length: 1024"]),
        Cell::Interim => has(&heads, &["HTTP/2 103", "link: ", "HTTP/2 200"]),
        Cell::Early => {
            has(&heads, &["HTTP/2 413"])?;
            let sent = transfers.iter().map(|[.., sent]| sent).sum::<u64>();
            expect(sent < u64::from(BIG), || "all of the content was sent before the response".into())?;
            same(&body, b"early")
        }
        Cell::Large => has(&heads, &["HTTP/2 200", &large]),
        // The first given up on a connection of its own (error 63 is the limit's), the second on the same.
        Cell::Reset => {
            expect(matches!(transfers[..], [[63, 200, 1, _], [0, 200, 0, _]]), || format!("transfers: {transfers:?}"))?;
            expect(body.len() < BIG as usize, || "all of the response was taken".into())?;
            same(&fs::read(&second).unwrap_or_default(), &pattern(SMALL))
        }
        Cell::Drain => {
            let good = transfers.iter().all(|[exit, status, ..]| [*exit, *status] == [0, 200]);
            expect(good && transfers.len() == 42, || format!("transfers: {transfers:?}"))?;
            let connections = transfers.iter().map(|[_, _, made, _]| made).sum::<u64>();
            expect(connections > 1, || "no second connection: the first was never told to leave".into())?;
            same(&body, &pattern(BIG))
        }
    }
}

/// What curl's `-w` says of each transfer: exit code, status, connections made, octets sent.
fn transfers(text: &str) -> Result<Vec<[u64; 4]>, String> {
    let numbers = |line: &str| {
        let all = line.split(' ').map(str::parse).collect::<Result<Vec<u64>, _>>().ok()?;
        all.try_into().ok()
    };
    text.lines().map(|line| numbers(line).ok_or_else(|| format!("curl says of a transfer: {line}"))).collect()
}

/// `-v` shows every frame with its fields.
pub(super) fn nghttp(setup: &Setup, server: &Server, cell: Cell, limit: Duration) -> Result<(), String> {
    let mut command = Command::new(setup.program("nghttp")?);
    command.args(["-y", "--no-dep"]);
    let large = large();
    let file = sent_file(setup)?;
    match cell {
        Cell::Get => command.arg(server.url("/1k")),
        Cell::Post => command.arg("-d").arg(file).arg(server.url("/echo")),
        Cell::Trailers => command.arg("-nv").arg(server.url("/trailers")),
        Cell::SentTrailers => {
            command.args(["-nv", "--trailer", "x-checksum: 43", "-d"]).arg(file).arg(server.url("/echo"))
        }
        Cell::Head => command.args(["-nv", "-H", ":method: HEAD"]).arg(server.url("/1k")),
        Cell::Interim => command.arg("-nv").arg(server.url("/hints")),
        Cell::Early => command.arg("-nv").arg("-d").arg(file).arg(server.url("/early")),
        Cell::Large => command.arg("-nv").arg("-H").arg(&large).arg(server.url("/large")),
        Cell::Reset => return no_option(),
        // It asks for all at once.
        Cell::Drain => command.arg("-nv").arg(server.url("/10m")).arg(server.url("/leave")).arg(server.url("/1k")),
    };
    let done = run(setup, &mut command, limit)?;
    let text = done.text();
    match cell {
        Cell::Get => same(&done.stdout, &pattern(SMALL)),
        Cell::Post => same(&done.stdout, &pattern(BIG)),
        Cell::Trailers => has(&text, &[":status: 200", "recv DATA", "x-checksum: 42"]),
        Cell::SentTrailers => has(&text, &[":status: 200", "recv DATA", "recv (stream_id=1) x-checksum: 43"]),
        Cell::Head => {
            has(&text, &[":method: HEAD", ":status: 200", "content-length: 1024"])?;
            expect(!text.contains("recv DATA") && !text.contains("send RST_STREAM"), || {
                "HEAD has brought content".into()
            })
        }
        Cell::Interim => has(&text, &[":status: 103", ":status: 200"]),
        Cell::Early => {
            has(&text, &[":status: 413"])?;
            let ended = text.lines().any(|line| line.contains("send DATA frame") && line.contains("flags=0x01"));
            expect(!ended, || "all of the content was sent before the response".into())
        }
        Cell::Large => has(&text, &[":status: 200", &large]),
        Cell::Reset => no_option(),
        Cell::Drain => {
            has(&text, &["recv GOAWAY frame"])?;
            let (came, all) = (data_received(&text), u64::from(BIG + SMALL) + "leaving".len() as u64);
            expect(came == all, || format!("{came} octets instead of {all}"))
        }
    }
}

/// Octets of content, of all streams together.
fn data_received(text: &str) -> u64 {
    let lengths = text.lines().filter_map(|line| {
        let (_, rest) = line.split_once("recv DATA frame <length=")?;
        rest.split(',').next()?.parse::<u64>().ok()
    });
    lengths.sum()
}

/// It shows counts alone.
pub(super) fn h2load(setup: &Setup, server: &Server, cell: Cell, limit: Duration) -> Result<(), String> {
    let mut command = Command::new(setup.program("h2load")?);
    command.args(["-c", "1", "-m", "10"]);
    let (requests, url) = match cell {
        Cell::Get => (20, "/1k"),
        Cell::Post => (1, "/echo"),
        Cell::Head => (20, "/1k"),
        Cell::Interim => (20, "/hints"),
        Cell::Large => (20, "/large"),
        Cell::Drain => (40, "/leave"),
        Cell::Trailers | Cell::SentTrailers | Cell::Early | Cell::Reset => return no_option(),
    };
    command.args(["-n", &requests.to_string()]);
    match cell {
        Cell::Post => command.arg("-d").arg(sent_file(setup)?),
        Cell::Head => command.args(["-H", ":method: HEAD"]),
        Cell::Large => command.arg("-H").arg(large()),
        _ => &mut command,
    };
    let text = run(setup, command.arg(server.url(url)), limit)?.text();
    let octets = |each: u32| format!("({}) data", requests * each);
    let succeeded = format!(" {requests} succeeded, 0 failed, 0 errored, 0 timeout");
    let good = format!("status codes: {requests} 2xx,");
    match cell {
        Cell::Get => has(&text, &[&succeeded, &good, &octets(SMALL)]),
        Cell::Post => has(&text, &[&succeeded, &good, &octets(BIG)]),
        Cell::Head => has(&text, &[&succeeded, &good, &octets(0)]),
        Cell::Interim => has(&text, &[&succeeded, &good, &octets(6)]),
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

/// For cells that a tool has nothing for; they are listed as such.
fn no_option() -> Result<(), String> {
    Err("has no such option".into())
}

fn run(setup: &Setup, command: &mut Command, limit: Duration) -> Result<Finished, String> {
    let mut shown = format!("{command:?}");
    shown.truncate(shown.floor_char_boundary(SHOWN));
    let done = finish(command, &setup.scratch, limit).map_err(|why| format!("{why} ({shown})"))?;
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

fn expect(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

const SMALL: u32 = 1 << 10;
const BIG: u32 = 10 << 20;
/// Of a command that failed: without the field of 12 KiB.
const SHOWN: usize = 300;
