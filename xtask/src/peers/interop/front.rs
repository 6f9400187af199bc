//! Other people's servers, configured for the matrix: those that stand before ours, and those that stand alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::servers::{Transport, h2o_of, nghttpd_of, nginx_with, on_free_port, write};
use super::super::setup::Setup;
use super::row::{Matrix, Started, ours};
use super::tools::pattern;

/// nginx speaks HTTP/2 to what is behind it only by `grpc_pass`.
pub(super) fn nginx(matrix: &Matrix<'_>, transport: Transport) -> Result<Started, String> {
    let behind = ours(matrix, transport)?;
    let scheme = if transport == Transport::Tls { "grpcs" } else { "grpc" };
    let location = format!("location / {{ grpc_pass {scheme}://{}; }}", behind.server.address);
    let server = nginx_with(matrix.setup, transport, &location, 100_000)?;
    Ok(Started { server, behind: Some(behind.server) })
}

/// nginx with our files. It makes a connection leave after fifty requests.
pub(super) fn nginx_alone(matrix: &Matrix<'_>, transport: Transport) -> Result<Started, String> {
    let locations = NGINX_LOCATIONS.replace("SITE", &site(matrix.setup)?.display().to_string());
    let server = nginx_with(matrix.setup, transport, &locations, 50)?;
    Ok(Started { server, behind: None })
}

pub(super) fn haproxy(matrix: &Matrix<'_>, transport: Transport) -> Result<Started, String> {
    let behind = ours(matrix, transport)?;
    let (program, certificate) = (matrix.setup.program("haproxy")?, matrix.setup.certificate()?);
    let server = on_free_port(matrix.setup, "haproxy", transport, |port, directory| {
        let read = |path: &Path| fs::read_to_string(path).map_err(|error| error.to_string());
        let both = write(directory.join("both.pem"), &(read(&certificate.chain)? + &read(&certificate.key)?))?;
        let (bind, server) = match transport {
            Transport::Cleartext => ("proto h2".to_owned(), "proto h2"),
            Transport::Tls => (format!("ssl crt {} alpn h2", both.display()), "ssl verify none alpn h2"),
        };
        let configuration = HAPROXY
            .replace("LISTEN", &format!("127.0.0.1:{port} {bind}"))
            .replace("BEHIND", &format!("{} {server}", behind.server.address));
        let mut command = Command::new(&program);
        command.arg("-db").arg("-f").arg(write(directory.join("haproxy.conf"), &configuration)?);
        Ok(command)
    })?;
    Ok(Started { server, behind: Some(behind.server) })
}

pub(super) fn nghttpx(matrix: &Matrix<'_>, transport: Transport) -> Result<Started, String> {
    let behind = ours(matrix, transport)?;
    let (program, certificate) = (matrix.setup.program("nghttpx")?, matrix.setup.certificate()?);
    let server = on_free_port(matrix.setup, "nghttpx", transport, |port, _| {
        let (front, back) = match transport {
            Transport::Cleartext => (";no-tls", ""),
            Transport::Tls => ("", ";tls"),
        };
        let mut command = Command::new(&program);
        command.args(["--conf=/dev/null", "--single-process", "--insecure", "--no-ocsp", "--accesslog-file=/dev/null"]);
        command.arg(format!("--frontend=127.0.0.1,{port}{front}"));
        command.arg(format!("--backend=127.0.0.1,{};;proto=h2{back}", behind.server.address.port()));
        if transport == Transport::Tls {
            command.arg(&certificate.key).arg(&certificate.chain);
        }
        Ok(command)
    })?;
    Ok(Started { server, behind: Some(behind.server) })
}

/// nghttpd with our files; what is sent comes back, and every response has a trailer section.
pub(super) fn nghttpd(matrix: &Matrix<'_>, transport: Transport) -> Result<Started, String> {
    let options = ["--echo-upload", "--trailer", "x-checksum: 42"];
    let server = nghttpd_of(matrix.setup, &site(matrix.setup)?, &options, transport, None)?;
    Ok(Started { server, behind: None })
}

/// h2o with our files, and handlers for what is no file.
pub(super) fn h2o(matrix: &Matrix<'_>, transport: Transport) -> Result<Started, String> {
    let server = h2o_of(matrix.setup, &site(matrix.setup)?, transport)?;
    Ok(Started { server, behind: None })
}

/// The paths of the matrix, as far as files can have them, made by the first who asks.
fn site(setup: &Setup) -> Result<PathBuf, String> {
    let site = setup.scratch.path().join("interop-site");
    if site.exists() {
        return Ok(site);
    }
    fs::create_dir_all(&site).map_err(|error| format!("{}: {error}", site.display()))?;
    let files: [(&str, Vec<u8>); 5] = [
        ("1k", pattern(1 << 10)),
        ("10m", pattern(10 << 20)),
        ("trailers", b"body".to_vec()),
        ("large", b"12288".to_vec()),
        ("leave", b"leaving".to_vec()),
    ];
    for (name, content) in files {
        fs::write(site.join(name), content).map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(site)
}

const NGINX_LOCATIONS: &str = "\
location / { root SITE; }
    location = /trailers { root SITE; add_trailer x-checksum 42; }
    location = /early { return 413 early; }
    location = /large { add_header x-large $http_x_large; return 200 12288; }
    location /put/ { root HERE; dav_methods PUT; }";

/// The buffer must take the large field with all others.
const HAPROXY: &str = "\
global
  maxconn 200
  tune.bufsize 65536
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend front
  bind LISTEN
  default_backend behind
backend behind
  server pellucid BEHIND
";
