//! Other people's servers, configured for the matrix: those that stand before ours, and those that stand alone.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::super::servers::{Transport, on_free_port, write};
use super::super::setup::is_superuser;
use super::row::{Matrix, Started, ours};
use super::tools::pattern;

/// nginx speaks HTTP/2 to what is behind it only by `grpc_pass`.
pub(super) fn nginx(matrix: &Matrix<'_>, transport: Transport) -> Result<Started, String> {
    let behind = ours(matrix, transport)?;
    let scheme = if transport == Transport::Tls { "grpcs" } else { "grpc" };
    let location = format!("location / {{ grpc_pass {scheme}://{}; }}", behind.server.address);
    let front = nginx_with(matrix, transport, &location, 100_000)?;
    Ok(Started { server: front.server, behind: Some(behind.server) })
}

/// nginx with our files. It makes a connection leave after fifty requests.
pub(super) fn nginx_alone(matrix: &Matrix<'_>, transport: Transport) -> Result<Started, String> {
    nginx_with(matrix, transport, NGINX_LOCATIONS, 50)
}

fn nginx_with(matrix: &Matrix<'_>, transport: Transport, locations: &str, requests: u32) -> Result<Started, String> {
    let setup = matrix.setup;
    let (program, certificate) = (setup.program("nginx")?, setup.certificate()?);
    let server = on_free_port(setup, "nginx", transport, |port, directory| {
        let (listen, tls) = match transport {
            Transport::Cleartext => ("http2", String::new()),
            Transport::Tls => (
                "ssl http2",
                format!(
                    "ssl_certificate {}; ssl_certificate_key {};",
                    certificate.chain.display(),
                    certificate.key.display()
                ),
            ),
        };
        site(directory)?;
        let configuration = NGINX
            .replace("LOCATIONS", locations)
            .replace("REQUESTS", &requests.to_string())
            .replace("USER", if is_superuser() { "user root;" } else { "" })
            .replace("LISTEN", &format!("127.0.0.1:{port} {listen}"))
            .replace("TLS", &tls)
            .replace("HERE", &directory.display().to_string());
        let mut command = Command::new(&program);
        command.arg("-p").arg(directory).args(["-e", "stderr", "-c"]);
        command.arg(write(directory.join("nginx.conf"), &configuration)?);
        Ok(command)
    })?;
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
    let (program, certificate) = (matrix.setup.program("nghttpd")?, matrix.setup.certificate()?);
    let server = on_free_port(matrix.setup, "nghttpd", transport, |port, directory| {
        site(directory)?;
        let mut command = Command::new(&program);
        command.args(["-a", "127.0.0.1", "--echo-upload", "--trailer", "x-checksum: 42", "-d"]).arg(directory);
        match transport {
            Transport::Cleartext => command.arg("--no-tls").arg(port.to_string()),
            Transport::Tls => command.arg(port.to_string()).arg(&certificate.key).arg(&certificate.chain),
        };
        Ok(command)
    })?;
    Ok(Started { server, behind: None })
}

/// h2o with our files, and handlers for what is no file.
pub(super) fn h2o(matrix: &Matrix<'_>, transport: Transport) -> Result<Started, String> {
    let (program, certificate) = (matrix.setup.program("h2o")?, matrix.setup.certificate()?);
    let server = on_free_port(matrix.setup, "h2o", transport, |port, directory| {
        site(directory)?;
        let tls = match transport {
            Transport::Cleartext => String::new(),
            Transport::Tls => format!(
                "  ssl:\n    neverbleed: OFF\n    certificate-file: {}\n    key-file: {}\n",
                certificate.chain.display(),
                certificate.key.display()
            ),
        };
        let configuration = H2O
            .replace("USER\n", if is_superuser() { "user: root\n" } else { "" })
            .replace("PORT", &port.to_string())
            .replace("TLS\n", &tls)
            .replace("HERE", &directory.display().to_string());
        let mut command = Command::new(&program);
        command.arg("-c").arg(write(directory.join("h2o.conf"), &configuration)?);
        Ok(command)
    })?;
    Ok(Started { server, behind: None })
}

/// The paths of the matrix, as far as files can have them.
fn site(directory: &Path) -> Result<(), String> {
    fs::create_dir_all(directory.join("put")).map_err(|error| error.to_string())?;
    let files: [(&str, Vec<u8>); 5] = [
        ("1k", pattern(1 << 10)),
        ("10m", pattern(10 << 20)),
        ("trailers", b"body".to_vec()),
        ("large", b"12288".to_vec()),
        ("leave", b"leaving".to_vec()),
    ];
    for (name, content) in files {
        fs::write(directory.join(name), content).map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(())
}

const NGINX: &str = "\
daemon off; master_process off; pid HERE/pid; USER
events { worker_connections 512; }
http {
  access_log off; error_log stderr;
  client_body_temp_path HERE/body; proxy_temp_path HERE/proxy; fastcgi_temp_path HERE/fastcgi;
  uwsgi_temp_path HERE/uwsgi; scgi_temp_path HERE/scgi;
  client_max_body_size 0; keepalive_requests REQUESTS; large_client_header_buffers 4 64k; grpc_buffer_size 64k;
  server {
    listen LISTEN; TLS
    LOCATIONS
  }
}
";

const NGINX_LOCATIONS: &str = "\
location / { root HERE; }
    location = /trailers { root HERE; add_trailer x-checksum 42; }
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

const H2O: &str = "\
USER
num-threads: 1
access-log: /dev/null
listen:
  host: 127.0.0.1
  port: PORT
TLS
hosts:
  default:
    paths:
      /echo:
        mruby.handler: |
          Proc.new do |env|
            [200, {}, [env[\"rack.input\"] ? env[\"rack.input\"].read : \"\"]]
          end
      /large:
        mruby.handler: |
          Proc.new do |env|
            [200, {\"x-large\" => env[\"HTTP_X_LARGE\"]}, [\"12288\"]]
          end
      /leave:
        mruby.handler: |
          Proc.new do |env|
            [200, {\"connection\" => \"close\"}, [\"leaving\"]]
          end
      /:
        file.dir: HERE
";
