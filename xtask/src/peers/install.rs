//! `peers install`: brings the peers that are missing. Debian packages for the servers and clients; two conformance suites and a gRPC
//! client built from their sources at fixed versions into `.tools` (which git ignores).

use std::path::Path;
use std::process::Command;

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
    Ok(())
}

fn debian_packages(root: &Path) -> Result<(), String> {
    let wanted: Vec<&str> =
        PACKAGES.iter().filter(|(program, _)| missing(root, program)).map(|(_, package)| *package).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    step("apt-get update", apt().arg("update"))?;
    step(
        &format!("apt-get install {}", wanted.join(" ")),
        apt().args(["install", "--yes", "--no-install-recommends"]).args(&wanted),
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
const PACKAGES: [(&str, &str); 9] = [
    ("curl", "curl"),
    ("openssl", "openssl"),
    ("taskset", "util-linux"),
    ("nghttp", "nghttp2-client"),
    ("h2load", "nghttp2-client"),
    ("nghttpd", "nghttp2-server"),
    ("nginx", "nginx"),
    ("h2o", "h2o"),
    ("tcpdump", "tcpdump"),
];
/// Programs, and their sources.
const GO_PROGRAMS: [(&str, &str); 2] = [
    ("h2spec", "github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible"),
    ("grpcurl", "github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4"),
];
const HTTPWG: &str = "0.2.5";
