//! `peers install`: brings the peers that are missing. Debian packages for the servers and clients; two conformance suites and a gRPC
//! client built from their sources at fixed versions into `.tools` (which git ignores).

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::setup::{cargo, find, is_superuser, root};

/// Installs whatever is missing, and says for each peer what it did.
pub(super) fn run() -> Result<(), String> {
    let root = root()?;
    debian_packages(&root)?;
    for (program, source) in GO_PROGRAMS {
        if missing(&root, program) {
            go_install(&root, program, source)?;
        }
    }
    if missing(&root, "httpwg") {
        httpwg(&root)?;
    }
    interop_go(&root)?;
    interop_python(&root)
}

fn debian_packages(root: &Path) -> Result<(), String> {
    let mut wanted: Vec<&str> =
        PACKAGES.iter().filter(|(program, _)| missing(root, program)).map(|(_, package)| *package).collect();
    if !makes_environments(root) {
        wanted.push("python3-venv");
    }
    if wanted.is_empty() { Ok(()) } else { debian(&wanted) }
}

/// Brings Debian packages.
pub(crate) fn debian(wanted: &[&str]) -> Result<(), String> {
    step("apt-get update", apt().arg("update"))?;
    step(
        &format!("apt-get install {}", wanted.join(" ")),
        apt().args(["install", "--yes", "--no-install-recommends"]).args(wanted),
    )
}

fn go_install(root: &Path, program: &str, source: &str) -> Result<(), String> {
    let go =
        find(root, "go").ok_or_else(|| format!("{program} is built with Go 1.25 or later, which is not installed"))?;
    let mut command = Command::new(go);
    step(&format!("go install {program}"), command.args(["install", source]).env("GOBIN", root.join(".tools/bin")))
}

fn httpwg(root: &Path) -> Result<(), String> {
    step(
        "cargo install httpwg-cli",
        cargo()
            .args(["install", "--quiet", "--locked", "httpwg-cli", "--version", HTTPWG])
            .arg("--root")
            .arg(root.join(".tools"))
            .env("CARGO_TARGET_DIR", root.join(".tools/target")),
    )
}

/// Go's end of the interop matrix, from our own source: built always, since it may have changed. It has no dependencies to fetch.
pub(super) fn interop_go(root: &Path) -> Result<(), String> {
    let go = find(root, "go").ok_or("interop-go is built with Go 1.25 or later, which is not installed")?;
    let mut command = Command::new(go);
    command.args(["build", "-o"]).arg(root.join(".tools/bin/interop-go")).arg(".");
    step("go build interop-go", command.current_dir(root.join("xtask/peers/go")))
}

/// Python's end: an environment of its own, and a program that runs scripts in it.
fn interop_python(root: &Path) -> Result<(), String> {
    let environment = root.join(".tools/python");
    let python = environment.join("bin/python");
    // One that was made in part, or whose python3 is gone, has no pip that runs: it is made anew, and what was there is cleared.
    if !runs(Command::new(&python).args(["-m", "pip", "--version"])) {
        let system = find(root, "python3").ok_or("python3 is not installed")?;
        step("python3 -m venv", Command::new(system).args(["-m", "venv", "--clear"]).arg(&environment))?;
    }
    let requirements = root.join("xtask/peers/python/requirements.txt");
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]).arg(requirements);
    step("pip install -r requirements.txt", &mut pip)?;
    let program = root.join(".tools/bin/interop-python");
    fs::write(&program, format!("#!/bin/sh\nexec '{}' \"$@\"\n", python.display()))
        .and_then(|()| fs::set_permissions(&program, fs::Permissions::from_mode(0o755)))
        .map_err(|error| format!("{}: {error}", program.display()))
}

/// Says what is there already; true if the program is not.
fn missing(root: &Path, program: &str) -> bool {
    match find(root, program) {
        Some(path) => {
            println!("present  {program}: {}", path.display());
            false
        }
        None => true,
    }
}

/// True if python3 can make an environment: on Debian it has not all that it takes.
fn makes_environments(root: &Path) -> bool {
    find(root, "python3").is_some_and(|python| runs(Command::new(python).args(["-c", "import ensurepip"])))
}

/// True if the command can be started and succeeds; nobody sees what it prints.
fn runs(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

fn apt() -> Command {
    let mut command = if is_superuser() {
        Command::new("apt-get")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.args(["-n", "apt-get"]);
        sudo
    };
    command.arg("-q").env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn step(what: &str, command: &mut Command) -> Result<(), String> {
    println!("install  {what}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{what}: {status}")),
        Err(error) => Err(format!("{what}: {error}")),
    }
}

/// Programs, and the Debian packages that bring them.
const PACKAGES: [(&str, &str); 13] = [
    ("curl", "curl"),
    ("openssl", "openssl"),
    ("taskset", "util-linux"),
    ("nghttp", "nghttp2-client"),
    ("h2load", "nghttp2-client"),
    ("nghttpd", "nghttp2-server"),
    ("nginx", "nginx"),
    ("h2o", "h2o"),
    ("tcpdump", "tcpdump"),
    ("nghttpx", "nghttp2-proxy"),
    ("haproxy", "haproxy"),
    ("node", "nodejs"),
    ("java", "default-jre-headless"),
];
/// Programs, and their sources.
const GO_PROGRAMS: [(&str, &str); 2] = [
    ("h2spec", "github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible"),
    ("grpcurl", "github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4"),
];
const HTTPWG: &str = "0.2.5";
