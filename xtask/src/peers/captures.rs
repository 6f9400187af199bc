//! `peers captures`: tcpdump records curl and nghttp talking to our server, and `pellucid decode` tells what they said.
//!
//! Needs leave to capture, which usually means root: without it the checks are skipped aloud, or have failed where CI=true.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use super::check::{Check, run_all};
use super::process::{Running, finish, tail};
use super::servers::{Server, Transport, curl, pellucid};
use super::setup::{SHORT, Setup};
use crate::tools::in_ci;

/// Runs all checks.
pub(super) fn run(setup: &Setup) -> Result<(), String> {
    let checks = [
        Check::new("capture: curl GET", &["curl", "tcpdump"], curl_get),
        Check::new("capture: nghttp, two requests and a body", &["nghttp", "tcpdump"], nghttp_several),
        Check::new("capture: one connection of several", &["curl", "tcpdump"], several),
        Check::new("capture: joined in mid-connection", &["nghttp", "tcpdump"], joined),
    ];
    run_all(setup, "captures", checks.into_iter(), &[])
}

fn curl_get(setup: &Setup) -> Result<(), String> {
    let server = serving(setup)?;
    let Some(recording) = Recording::start(setup, &server)? else { return Ok(()) };
    ask(setup, curl(setup)?.arg("-sSf").arg(server.url("/seen")))?;
    let text = recording.told(setup, 1)?;
    has(&text, &["-> preface", ":method: GET", ":path: /seen", "user-agent: curl", ":status: 200"])?;
    has(&text, &[" 1 HEADERS,", "from the server: 1 DATA, 1 HEADERS, 2 SETTINGS"])?;
    lacks(&text, &["error", "missing", "skipped", "from before"])
}

fn nghttp_several(setup: &Setup) -> Result<(), String> {
    let server = serving(setup)?;
    let Some(recording) = Recording::start(setup, &server)? else { return Ok(()) };
    let body = setup.scratch.fresh("body");
    std::fs::write(&body, [b'x'; 20_000]).map_err(|error| error.to_string())?;
    let mut command = Command::new(setup.program("nghttp")?);
    ask(setup, command.args(["-n", "--no-dep", "-d"]).arg(&body).args([server.url("/a"), server.url("/b")]))?;
    let text = recording.told(setup, 1)?;
    has(&text, &[":path: /a", "user-agent: nghttp2", ":path: /b", ":status: 200", ":status: 200", "GOAWAY"])?;
    // 20,000 octets are two frames, twice.
    has(&text, &["    16384 octets of content", "from the client: 4 DATA, 1 GOAWAY, 2 HEADERS, "])?;
    lacks(&text, &["error", "missing", "skipped", "from before"])
}

fn several(setup: &Setup) -> Result<(), String> {
    let server = serving(setup)?;
    let Some(recording) = Recording::start(setup, &server)? else { return Ok(()) };
    for path in ["/first", "/second"] {
        ask(setup, curl(setup)?.arg("-sSf").arg(server.url(path)))?;
    }
    // Our server hangs up on it, so how it ends does not matter.
    let mut http1 = Command::new(setup.program("curl")?);
    finish(http1.args(["-s", "--http1.1", "--noproxy", "*"]).arg(server.url("/")), &setup.scratch, SHORT)?;
    let text = recording.told(setup, 3)?;
    has(
        &text,
        &["connection 1: ", ":path: /first", "connection 2: ", ":path: /second", "connection 3: ", "HTTP/1.1 text"],
    )?;
    let second = decode(setup, &["--connection", "2"], &recording.file)?;
    lacks(&second, &["connection 1", "/first"])?;
    has(&second, &["connection 2: ", ":path: /second"])
}

/// Without its first packets a capture lacks the preface, the settings and the tables.
fn joined(setup: &Setup) -> Result<(), String> {
    let server = serving(setup)?;
    let Some(recording) = Recording::start(setup, &server)? else { return Ok(()) };
    let mut command = Command::new(setup.program("nghttp")?);
    ask(
        setup,
        command.args(["-n", "--no-dep", "-m", "200"]).args([server.url("/a"), server.url("/b"), server.url("/c")]),
    )?;
    recording.told(setup, 1)?;
    let octets = std::fs::read(&recording.file).map_err(|error| error.to_string())?;
    let late = setup.scratch.fresh("late.pcap");
    std::fs::write(&late, without_packets(&octets, FIRST_PACKETS)?).map_err(|error| error.to_string())?;
    let text = decode(setup, &[], &late)?;
    has(&text, &["(what came before is missing)", ":status: 200"])?;
    lacks(&text, &["connection error", "stream error", "-> preface"])
}

/// A pcap file without its first packets.
fn without_packets(octets: &[u8], count: usize) -> Result<Vec<u8>, String> {
    let (head, mut rest) = octets.split_at_checked(24).ok_or("a capture without a head")?;
    for _ in 0..count {
        let length = rest.get(8..).and_then(|lengths| lengths.first_chunk()).ok_or("too few packets")?;
        rest = rest.get(16 + u32::from_le_bytes(*length) as usize..).ok_or("too few packets")?;
    }
    Ok([head, rest].concat())
}

fn serving(setup: &Setup) -> Result<Server, String> {
    pellucid(setup, &["--bytes", "1024"], Transport::Cleartext, None)
}

fn ask(setup: &Setup, command: &mut Command) -> Result<(), String> {
    finish(command, &setup.scratch, SHORT)?.success().map(drop)
}

/// tcpdump at work.
struct Recording {
    running: Running,
    file: PathBuf,
}

impl Recording {
    /// Starts to record what goes to and from a server; `None` where that is not permitted, which is said.
    fn start(setup: &Setup, server: &Server) -> Result<Option<Self>, String> {
        let file = setup.scratch.fresh("capture.pcap");
        let mut command = Command::new(setup.program("tcpdump")?);
        command.args(["-i", "lo", "-U", "--immediate-mode", "-w"]).arg(&file);
        command.args(["tcp", "port", &server.address.port().to_string()]);
        let mut running = Running::start(&mut command, setup.scratch.fresh("tcpdump"))?;
        match running.wait_until(|running| running.printed().contains("listening on").then_some(())) {
            Ok(()) => Ok(Some(Self { running, file })),
            Err(why) if is_forbidden(&why) && !in_ci() => {
                println!("skip  no leave to capture here: {why}");
                Ok(None)
            }
            Err(why) => Err(why),
        }
    }

    /// What our program tells of the recording, once so many connections have ended in it.
    fn told(&self, setup: &Setup, connections: usize) -> Result<String, String> {
        let deadline = Instant::now() + SHORT;
        loop {
            // Both sides close a connection that has ended, and each FIN or RST is a packet.
            if closings(&self.file) >= 2 * connections {
                return decode(setup, &[], &self.file);
            }
            if Instant::now() > deadline {
                return Err(format!("the capture is not complete: {}", tail(&self.running.printed())));
            }
            thread::sleep(POLL);
        }
    }
}

/// Packets of a capture on the loopback interface that carry FIN or RST: Ethernet and IPv4 take 14 and 20 octets.
fn closings(file: &Path) -> usize {
    let octets = std::fs::read(file).unwrap_or_default();
    let (mut rest, mut count) = (octets.get(24..).unwrap_or_default(), 0);
    while let Some(length) = rest.get(8..).and_then(|lengths| lengths.first_chunk()) {
        let end = 16 + u32::from_le_bytes(*length) as usize;
        let Some(packet) = rest.get(16..end) else { break };
        count += usize::from(packet.get(14 + 20 + 13).is_some_and(|flags| flags & 0x05 != 0));
        rest = rest.get(end..).unwrap_or_default();
    }
    count
}

fn decode(setup: &Setup, args: &[&str], file: &Path) -> Result<String, String> {
    let mut command = Command::new(setup.pellucid()?);
    command.arg("decode").args(args).arg(file);
    Ok(finish(&mut command, &setup.scratch, SHORT)?.success()?.text())
}

fn is_forbidden(why: &str) -> bool {
    ["permission", "not permitted"].iter().any(|word| why.contains(word))
}

/// `Err` unless the wanted texts are there, one after the other.
fn has(text: &str, wanted: &[&str]) -> Result<(), String> {
    let mut rest = text;
    for want in wanted {
        let place = rest.find(want).ok_or_else(|| format!("`{want}` is not there, or not in its place:\n{text}"))?;
        rest = rest.get(place + want.len()..).unwrap_or_default();
    }
    Ok(())
}

fn lacks(text: &str, unwanted: &[&str]) -> Result<(), String> {
    match unwanted.iter().find(|unwanted| text.contains(**unwanted)) {
        Some(unwanted) => Err(format!("there is `{unwanted}`:\n{text}")),
        None => Ok(()),
    }
}

/// The handshake, and the first octets of both sides.
const FIRST_PACKETS: usize = 8;
/// How often a file is looked at.
const POLL: Duration = Duration::from_millis(20);
