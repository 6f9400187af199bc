//! The rows of the matrix: who is asked, by whom, over what.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::super::install;
use super::super::process::{finish, tail};
use super::super::servers::{Server, Transport, announced};
use super::super::setup::{Setup, cargo, find};
use super::cell::Cell;
use super::{front, tools};
use crate::target;

/// Which end is ours.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Server,
    Behind,
    Client,
}

impl Side {
    pub(super) const ALL: [Self; 3] = [Self::Server, Self::Behind, Self::Client];

    pub(super) fn heading(self) -> &'static str {
        match self {
            Self::Server => "Our server, asked by",
            Self::Behind => "Our server, asked by Go's client through",
            Self::Client => "Our client, asking",
        }
    }
}

/// One peer.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) side: Side,
    pub(super) transports: &'static [Transport],
    /// The programs it cannot do without.
    pub(super) needs: &'static [&'static str],
    pub(super) start: fn(&Matrix<'_>, Transport) -> Result<Started, String>,
    ask: Ask,
}

/// How cells are asked for.
enum Ask {
    /// A program of `xtask/peers`, ours among them: `PROGRAM CELL URL [AUTHORITY]`. Some servers show a thing in another way, which
    /// is another cell of the program's.
    Program(fn(&Matrix<'_>) -> Result<Command, String>, fn(Cell) -> &'static str),
    /// A command line tool, each cell in its own way.
    Tool(tools::Ask),
}

/// A server at work, and what stands behind it.
pub(super) struct Started {
    pub(super) server: Server,
    pub(super) behind: Option<Server>,
}

impl Started {
    /// Says so if a server has ended by itself or has told of a panic.
    pub(super) fn died(&mut self) -> Option<String> {
        let mut servers = [Some(&mut self.server), self.behind.as_mut()].into_iter().flatten();
        servers.find_map(|server| {
            let ended = server.running.check_alive().err();
            let panicked = || Some(server.running.printed()).filter(|said| said.contains("panicked"));
            ended.or_else(panicked).map(|said| format!("the server at {} {}", server.address, tail(&said)))
        })
    }
}

/// What all rows share.
pub(super) struct Matrix<'a> {
    pub(super) setup: &'a Setup,
    /// The program of `xtask/peers/pellucid`.
    ours: PathBuf,
}

impl<'a> Matrix<'a> {
    /// Builds our own program, and Go's end.
    pub(super) fn new(setup: &'a Setup) -> Result<Self, String> {
        let built = cargo()
            .args(["build", "--quiet", "--package", "pellucid-interop"])
            .current_dir(&setup.root)
            .status()
            .map_err(|error| format!("cargo: {error}"))?;
        if !built.success() {
            return Err("pellucid-interop does not build".into());
        }
        if find(&setup.root, "go").is_some() {
            install::interop_go(&setup.root)?;
        }
        Ok(Self { setup, ours: target(&setup.root).join("debug/pellucid-interop") })
    }

    /// Starts a program of ours or of `xtask/peers` as a server.
    fn serve(&self, name: &str, mut command: Command, transport: Transport) -> Result<Started, String> {
        command.arg("serve");
        if transport == Transport::Tls {
            let certificate = self.setup.certificate()?;
            command.arg(certificate.chain).arg(certificate.key);
        }
        let server = announced(self.setup, &mut command, name, transport)?;
        Ok(Started { server, behind: None })
    }

    fn peer(&self, file: &str) -> PathBuf {
        self.setup.root.join("xtask/peers").join(file)
    }

    fn script(&self, interpreter: &str, file: &str) -> Result<Command, String> {
        let mut command = Command::new(self.setup.program(interpreter)?);
        command.arg(self.peer(file));
        Ok(command)
    }
}

impl Row {
    /// Its name with the direction, which makes it unique.
    pub(super) fn title(&self) -> String {
        match self.side {
            Side::Server => format!("{} → ours", self.name),
            Side::Behind => format!("Go → {} → ours", self.name),
            Side::Client => format!("ours → {}", self.name),
        }
    }

    /// Asks a server for one cell, within `limit`. An error has the command and its last words.
    pub(super) fn ask(
        &self,
        matrix: &Matrix<'_>,
        started: &Started,
        cell: Cell,
        limit: Duration,
    ) -> Result<(), String> {
        let (make, variant) = match &self.ask {
            Ask::Tool(ask) => return ask(matrix.setup, &started.server, cell, limit),
            Ask::Program(make, variant) => (make, variant),
        };
        let mut command = make(matrix)?;
        command.arg(variant(cell)).arg(started.server.url(""));
        if started.server.transport == Transport::Tls {
            command.arg(matrix.setup.certificate()?.authority);
        }
        run(matrix.setup, &mut command, limit)
    }
}

fn run(setup: &Setup, command: &mut Command, limit: Duration) -> Result<(), String> {
    let shown = format!("{command:?}");
    let done = finish(command, &setup.scratch, limit).map_err(|why| format!("{why} ({shown})"))?;
    if done.status.success() {
        return Ok(());
    }
    Err(format!("{} ({shown}): {}", done.status, tail(&done.stderr)))
}

pub(super) fn ours(matrix: &Matrix<'_>, transport: Transport) -> Result<Started, String> {
    matrix.serve("pellucid", pellucid(matrix)?, transport)
}

fn pellucid(matrix: &Matrix<'_>) -> Result<Command, String> {
    Ok(Command::new(&matrix.ours))
}

fn go(matrix: &Matrix<'_>) -> Result<Command, String> {
    Ok(Command::new(matrix.setup.program("interop-go")?))
}

fn node(matrix: &Matrix<'_>) -> Result<Command, String> {
    matrix.script("node", "node/interop.js")
}

fn same(cell: Cell) -> &'static str {
    cell.name()
}

/// A server that has only files: 12 KiB go there, and none comes back.
fn of_files(cell: Cell) -> &'static str {
    if cell == Cell::Large { "large-sent" } else { cell.name() }
}

/// nginx keeps what is sent as a file.
fn of_nginx(cell: Cell) -> &'static str {
    if cell == Cell::Post { "put" } else { cell.name() }
}

/// haproxy 2.6 stands still when both directions of a stream are full.
fn of_haproxy(cell: Cell) -> &'static str {
    if cell == Cell::Post { "post-whole" } else { cell.name() }
}

const BOTH: &[Transport] = &[Transport::Cleartext, Transport::Tls];

pub(super) const ROWS: &[Row] = &[
    server("curl", BOTH, &["curl", "openssl"], Ask::Tool(tools::curl)),
    server("nghttp", BOTH, &["nghttp", "openssl"], Ask::Tool(tools::nghttp)),
    server("h2load", BOTH, &["h2load", "openssl"], Ask::Tool(tools::h2load)),
    server(
        "httpx",
        BOTH,
        &["interop-python", "openssl"],
        Ask::Program(|m| m.script("interop-python", "python/client.py"), same),
    ),
    server("Node", BOTH, &["node", "openssl"], Ask::Program(node, same)),
    server("Go", BOTH, &["interop-go", "openssl"], Ask::Program(go, same)),
    // Its HttpClient has no HTTP/2 with prior knowledge.
    server(
        "Java",
        &[Transport::Tls],
        &["java", "openssl"],
        Ask::Program(|m| m.script("java", "java/Interop.java"), same),
    ),
    behind("nginx", &["nginx", "interop-go", "openssl"], front::nginx, same),
    behind("haproxy", &["haproxy", "interop-go", "openssl"], front::haproxy, of_haproxy),
    behind("nghttpx", &["nghttpx", "interop-go", "openssl"], front::nghttpx, same),
    client("nghttpd", &["nghttpd", "openssl"], front::nghttpd, of_files),
    client("nginx", &["nginx", "openssl"], front::nginx_alone, of_nginx),
    client("h2o", &["h2o", "openssl"], front::h2o, same),
    client("haproxy", &["haproxy", "openssl"], front::haproxy, of_haproxy),
    client("Node", &["node", "openssl"], |m, t| m.serve("node", node(m)?, t), same),
    client("Go", &["interop-go", "openssl"], |m, t| m.serve("go", go(m)?, t), same),
    client(
        "hypercorn",
        &["interop-python", "openssl"],
        |m, t| m.serve("hypercorn", m.script("interop-python", "python/server.py")?, t),
        same,
    ),
];

const fn server(name: &'static str, transports: &'static [Transport], needs: &'static [&'static str], ask: Ask) -> Row {
    Row { name, side: Side::Server, transports, needs, start: ours, ask }
}

const fn behind(
    name: &'static str,
    needs: &'static [&'static str],
    start: fn(&Matrix<'_>, Transport) -> Result<Started, String>,
    variant: fn(Cell) -> &'static str,
) -> Row {
    Row { name, side: Side::Behind, transports: BOTH, needs, start, ask: Ask::Program(go, variant) }
}

const fn client(
    name: &'static str,
    needs: &'static [&'static str],
    start: fn(&Matrix<'_>, Transport) -> Result<Started, String>,
    variant: fn(Cell) -> &'static str,
) -> Row {
    Row { name, side: Side::Client, transports: BOTH, needs, start, ask: Ask::Program(pellucid, variant) }
}
