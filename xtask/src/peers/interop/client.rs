//! Our client with other people's servers.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::super::process::finish;
use super::super::servers::{Server, Transport, h2o, nghttpd, nginx};
use super::super::setup::{LONG, SHORT, SMALL_FILES, Setup};
use super::Check;
use super::server::{compare_and_remove, leave_mid_body, run};

/// A server of somebody else's.
#[derive(Clone, Copy)]
enum Peer {
    Nghttpd,
    Nginx,
    H2o,
}

impl Peer {
    fn name(self) -> &'static str {
        match self {
            Self::Nghttpd => "nghttpd",
            Self::Nginx => "nginx",
            Self::H2o => "h2o",
        }
    }

    fn needs(self) -> &'static [&'static str] {
        match self {
            Self::Nghttpd => &["nghttpd", "openssl"],
            Self::Nginx => &["nginx", "openssl"],
            Self::H2o => &["h2o", "openssl"],
        }
    }

    fn start(self, setup: &Setup, transport: Transport) -> Result<Server, String> {
        match self {
            Self::Nghttpd => nghttpd(setup, &NGHTTPD, transport, None),
            Self::Nginx => nginx(setup, transport),
            Self::H2o => h2o(setup, transport),
        }
    }
}

/// All checks of our client.
pub(super) fn checks() -> Vec<Check> {
    let mut checks = Vec::new();
    for peer in [Peer::Nghttpd, Peer::Nginx, Peer::H2o] {
        for transport in [Transport::Cleartext, Transport::Tls] {
            checks.extend(checks_with(peer, transport));
        }
        let name = format!("client, TLS: {}: an unknown authority is refused", peer.name());
        checks.push(Check::new(name, peer.needs(), move |s| unknown_authority(s, peer)));
    }
    checks
}

fn checks_with(peer: Peer, transport: Transport) -> Vec<Check> {
    let name = |what: &str| format!("client, {}: {}: {what}", transport.name(), peer.name());
    let needs = peer.needs();
    vec![
        Check::new(name("downloads 100 MiB"), needs, move |s| download(s, peer, transport)),
        Check::new(name("uploads 100 MiB"), needs, move |s| upload(s, peer, transport)),
        Check::new(name("1,000 requests, 100 at a time"), needs, move |s| thousand(s, peer, transport)),
        Check::new(name("our reader leaves mid-body"), needs, move |s| leave(s, peer, transport)),
    ]
}

fn download(setup: &Setup, peer: Peer, transport: Transport) -> Result<(), String> {
    let server = peer.start(setup, transport)?;
    let received = setup.scratch.fresh("download");
    let mut command = pellucid_get(setup, &server)?;
    command.arg("-o").arg(&received).arg(server.url("/big"));
    finish(&mut command, &setup.scratch, LONG)?.success()?;
    compare_and_remove(&setup.big()?, &received)
}

/// nghttpd and h2o send the body back; nginx keeps it as a file.
fn upload(setup: &Setup, peer: Peer, transport: Transport) -> Result<(), String> {
    let server = peer.start(setup, transport)?;
    let (sent, answer) = (setup.big()?, setup.scratch.fresh("upload"));
    let (method, path) = match peer {
        Peer::Nghttpd => ("POST", "/"),
        Peer::Nginx => ("PUT", "/put/uploaded"),
        Peer::H2o => ("POST", "/echo"),
    };
    let mut command = pellucid_get(setup, &server)?;
    command
        .args(["-f", "-X", method, "-d"])
        .arg(format!("@{}", sent.display()))
        .arg("-o")
        .arg(&answer)
        .arg(server.url(path));
    finish(&mut command, &setup.scratch, LONG)?.success()?;
    let kept = match peer {
        Peer::Nginx => server.directory.join("put/uploaded"),
        Peer::Nghttpd | Peer::H2o => answer,
    };
    compare_and_remove(&sent, &kept)
}

/// A thousand files, each of which says its own number, by one command; the servers allow 100 streams at a time.
fn thousand(setup: &Setup, peer: Peer, transport: Transport) -> Result<(), String> {
    let server = peer.start(setup, transport)?;
    let mut command = pellucid_get(setup, &server)?;
    command.args((0..SMALL_FILES).map(|number| server.url(&format!("/n/{number}"))));
    let got = run(setup, &mut command)?;
    let expected: String = (0..SMALL_FILES).map(|number| format!("{number}\n")).collect();
    if got.text() != expected {
        return Err("the bodies are not those of the URLs in their order".into());
    }
    match connections(peer, &server)? {
        1 => Ok(()),
        count => Err(format!("{count} connections instead of one")),
    }
}

/// How many connections the server's log tells of.
fn connections(peer: Peer, server: &Server) -> Result<usize, String> {
    let log = match peer {
        Peer::Nginx => fs::read_to_string(server.directory.join("access")).map_err(|error| error.to_string())?,
        Peer::Nghttpd | Peer::H2o => server.running.printed(),
    };
    let mut ids: Vec<&str> = log
        .lines()
        .filter_map(|line| match peer {
            // Only connections that made a request: looking whether the server listens opens one as well.
            Peer::Nghttpd => line.contains("recv HEADERS frame").then(|| line.split(']').next())?,
            Peer::Nginx => line.ends_with("GET 200").then(|| line.split(' ').next())?,
            Peer::H2o => line.strip_prefix("connection ").and_then(|rest| rest.split(' ').next()),
        })
        .collect();
    ids.sort_unstable();
    ids.dedup();
    Ok(ids.len())
}

/// A reader of our output that closes the pipe must end the client without a panic and leave the server in peace.
fn leave(setup: &Setup, peer: Peer, transport: Transport) -> Result<(), String> {
    let server = peer.start(setup, transport)?;
    let said = leave_mid_body(setup, pellucid_get(setup, &server)?.arg(server.url("/big")))?;
    if said.contains("panicked") {
        return Err(format!("the client panicked: {said}"));
    }
    server.still_serves(setup)
}

fn unknown_authority(setup: &Setup, peer: Peer) -> Result<(), String> {
    let server = peer.start(setup, Transport::Tls)?;
    let mut command = Command::new(setup.pellucid()?);
    command.arg("get").arg(server.url("/1k"));
    let refused = finish(&mut command, &setup.scratch, SHORT)?;
    if refused.status.code() != Some(1) || !refused.stdout.is_empty() {
        return Err(format!("{}, {} octets", refused.status, refused.stdout.len()));
    }
    // -k takes what --cacert was missing for.
    command.arg("-k");
    run(setup, &mut command).map(drop)
}

/// `pellucid get` that trusts our own authority if the server speaks TLS.
fn pellucid_get(setup: &Setup, server: &Server) -> Result<Command, String> {
    let mut command = Command::new(setup.pellucid()?);
    command.arg("get");
    if server.transport == Transport::Tls {
        let authority: &Path = &setup.certificate()?.authority;
        command.arg("--cacert").arg(authority);
    }
    Ok(command)
}

/// One line a frame, which tells the connection; bodies come back; the limit that makes 100 at a time.
const NGHTTPD: [&str; 4] = ["-v", "--echo-upload", "-m", "100"];
