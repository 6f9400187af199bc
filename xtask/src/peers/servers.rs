//! The servers of the peer checks, each started on a free port of 127.0.0.1 with files and configuration of our own.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::process::{Running, finish};
use super::setup::{SHORT, Setup, cargo, is_superuser};

/// HTTP/2 by prior knowledge, or over TLS.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    Cleartext,
    Tls,
}

impl Transport {
    pub(super) fn scheme(self) -> &'static str {
        match self {
            Self::Cleartext => "http",
            Self::Tls => "https",
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Cleartext => "h2c",
            Self::Tls => "TLS",
        }
    }
}

/// A server that runs until it is dropped.
pub(super) struct Server {
    pub(super) running: Running,
    pub(super) address: SocketAddr,
    pub(super) transport: Transport,
    /// Where its own files are.
    pub(super) directory: PathBuf,
}

impl Server {
    /// A URL of this server; by name, because that is what its certificate is for.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}://localhost:{}{path}", self.transport.scheme(), self.address.port())
    }

    /// `Err` unless a new connection gets a response.
    pub(super) fn still_serves(&self, setup: &Setup) -> Result<(), String> {
        finish(curl(setup)?.arg("-sSo/dev/null").arg(self.url("/")), &setup.scratch, SHORT)?
            .success()
            .map(drop)
            .map_err(|error| format!("the server does not serve any more: {error}"))
    }
}

/// curl, told to speak HTTP/2 and to take any certificate.
pub(super) fn curl(setup: &Setup) -> Result<Command, String> {
    let mut command = Command::new(setup.program("curl")?);
    command.args(["--http2-prior-knowledge", "-k", "--noproxy", "*"]);
    Ok(command)
}

/// `pellucid serve` with the given options; it says itself where it listens.
pub(super) fn pellucid(
    setup: &Setup,
    options: &[&str],
    transport: Transport,
    core: Option<&str>,
) -> Result<Server, String> {
    let mut command = pinned(setup, &setup.pellucid()?, core)?;
    command.arg("serve").args(options).args(["--listen", "127.0.0.1:0"]);
    if transport == Transport::Tls {
        command.arg("--tls");
    }
    announced(setup, &mut command, "pellucid", transport)
}

/// The hyper server of benches/peers, which is built first.
pub(super) fn hyper(setup: &Setup, core: Option<&str>) -> Result<Server, String> {
    peer(setup, "hyper", "hyper-server", &[], core)
}

/// An axum program on the named transport, `hyper` or `pellucid`.
pub(super) fn axum(setup: &Setup, transport: &str, core: Option<&str>) -> Result<Server, String> {
    peer(setup, "axum", "axum-server", &[transport], core)
}

/// A program of benches/peers, which is built first.
fn peer(setup: &Setup, name: &'static str, program: &str, args: &[&str], core: Option<&str>) -> Result<Server, String> {
    let package = setup.root.join("benches/peers");
    let built = cargo()
        .args(["build", "--quiet", "--release", "--target-dir", "target"])
        .current_dir(&package)
        .status()
        .map_err(|error| format!("cargo: {error}"))?;
    if !built.success() {
        return Err("benches/peers does not build".into());
    }
    let program = package.join("target/release").join(program);
    let mut command = pinned(setup, &program, core)?;
    command.args(args);
    announced(setup, &mut command, name, Transport::Cleartext)
}

/// nghttpd over our site, with the given options beside.
pub(super) fn nghttpd(
    setup: &Setup,
    options: &[&str],
    transport: Transport,
    core: Option<&str>,
) -> Result<Server, String> {
    nghttpd_of(setup, &setup.site()?, options, transport, core)
}

/// nghttpd over another site.
pub(super) fn nghttpd_of(
    setup: &Setup,
    site: &Path,
    options: &[&str],
    transport: Transport,
    core: Option<&str>,
) -> Result<Server, String> {
    let (program, certificate) = (setup.program("nghttpd")?, setup.certificate()?);
    on_free_port(setup, "nghttpd", transport, |port, _| {
        let mut command = pinned(setup, &program, core)?;
        command.args(["-a", "127.0.0.1", "-d"]).arg(site).args(options);
        match transport {
            Transport::Cleartext => command.arg("--no-tls").arg(port.to_string()),
            Transport::Tls => command.arg(port.to_string()).arg(&certificate.key).arg(&certificate.chain),
        };
        Ok(command)
    })
}

/// nginx over our site, with PUT below `/put/`.
pub(super) fn nginx(setup: &Setup, transport: Transport) -> Result<Server, String> {
    let locations = NGINX_LOCATIONS.replace("SITE", &setup.site()?.display().to_string());
    nginx_with(setup, transport, &locations, 100_000)
}

/// nginx with the given locations, in which HERE is the server's own directory, where `put` is. A connection ends after so many
/// requests. Its access log gives the connection of each.
pub(super) fn nginx_with(
    setup: &Setup,
    transport: Transport,
    locations: &str,
    requests: u32,
) -> Result<Server, String> {
    let (program, certificate) = (setup.program("nginx")?, setup.certificate()?);
    on_free_port(setup, "nginx", transport, |port, directory| {
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
        let configuration = NGINX
            .replace("LOCATIONS", locations)
            .replace("REQUESTS", &requests.to_string())
            .replace("USER", if is_superuser() { "user root;" } else { "" })
            .replace("LISTEN", &format!("127.0.0.1:{port} {listen}"))
            .replace("TLS", &tls)
            .replace("HERE", &directory.display().to_string());
        fs::create_dir_all(directory.join("put")).map_err(|error| error.to_string())?;
        let mut command = Command::new(&program);
        command.arg("-p").arg(directory).args(["-e", "stderr", "-c"]);
        command.arg(write(directory.join("nginx.conf"), &configuration)?);
        Ok(command)
    })
}

/// h2o over our site.
pub(super) fn h2o(setup: &Setup, transport: Transport) -> Result<Server, String> {
    h2o_of(setup, &setup.site()?, transport)
}

/// h2o over a site, with handlers for what is no file. Its access log gives the connection of each request.
pub(super) fn h2o_of(setup: &Setup, site: &Path, transport: Transport) -> Result<Server, String> {
    let (program, certificate) = (setup.program("h2o")?, setup.certificate()?);
    on_free_port(setup, "h2o", transport, |port, directory| {
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
            .replace("SITE", &site.display().to_string());
        let mut command = Command::new(&program);
        command.arg("-c").arg(write(directory.join("h2o.conf"), &configuration)?);
        Ok(command)
    })
}

/// Starts a server that prints `listening on URL`.
pub(super) fn announced(
    setup: &Setup,
    command: &mut Command,
    name: &str,
    transport: Transport,
) -> Result<Server, String> {
    let directory = setup.scratch.directory(name)?;
    let mut running = Running::start(command, directory.join("log"))?;
    let address = running
        .wait_until(|running| announced_address(&running.printed()))
        .map_err(|error| format!("{name}: {error}"))?;
    Ok(Server { running, address, transport, directory })
}

fn announced_address(printed: &str) -> Option<SocketAddr> {
    let (_, rest) = printed.split_once("listening on ")?;
    // Only a whole line: the address may have been written in part.
    let (line, _) = rest.split_once('\n')?;
    let (_, address) = line.split_once("://")?;
    address.trim_end_matches('/').trim().parse().ok()
}

/// Starts a server that must be given its port. Between our look and its bind another process may take the port: then another
/// one is tried.
pub(super) fn on_free_port(
    setup: &Setup,
    name: &str,
    transport: Transport,
    make: impl Fn(u16, &Path) -> Result<Command, String>,
) -> Result<Server, String> {
    let mut last = String::new();
    for _ in 0..PORT_ATTEMPTS {
        let address = free_address()?;
        let directory = setup.scratch.directory(name)?;
        let mut command = make(address.port(), &directory)?;
        let mut running = Running::start(&mut command, directory.join("log"))?;
        match running.wait_until(|_| TcpStream::connect_timeout(&address, CONNECT).ok()) {
            Ok(_) => {
                return Ok(Server { running, address, transport, directory });
            }
            Err(error) => last = error,
        }
    }
    Err(format!("{name}: {last}"))
}

fn free_address() -> Result<SocketAddr, String> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map_err(|error| format!("no free port: {error}"))
}

/// A command, bound to one core if asked. taskset replaces itself, so the child's id is the program's.
pub(super) fn pinned(setup: &Setup, program: &Path, core: Option<&str>) -> Result<Command, String> {
    let Some(core) = core else {
        return Ok(Command::new(program));
    };
    let mut command = Command::new(setup.program("taskset")?);
    command.args(["-c", core]).arg(program);
    Ok(command)
}

pub(super) fn write(path: PathBuf, text: &str) -> Result<PathBuf, String> {
    fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
}

/// One process, so that killing it ends the server. The buffers take a field of 12 KiB, there and back.
const NGINX: &str = "\
daemon off; master_process off; pid HERE/pid; USER
events { worker_connections 512; }
http {
  log_format connections '$connection $request_method $status';
  access_log HERE/access connections; error_log stderr;
  client_body_temp_path HERE/body; proxy_temp_path HERE/proxy; fastcgi_temp_path HERE/fastcgi;
  uwsgi_temp_path HERE/uwsgi; scgi_temp_path HERE/scgi;
  client_max_body_size 0; keepalive_requests REQUESTS; http2_max_concurrent_streams 100;
  large_client_header_buffers 4 64k; grpc_buffer_size 64k;
  server {
    listen LISTEN; TLS
    LOCATIONS
  }
}
";

const NGINX_LOCATIONS: &str = "location / { root SITE; } location /put/ { root HERE; dav_methods PUT; }";

const H2O: &str = "\
USER
num-threads: 1
http2-reprioritize-blocking-assets: OFF
access-log:
  path: /dev/stdout
  format: \"connection %{connection-id}x %m %s\"
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
        file.dir: SITE
";

/// Ports tried before giving up.
const PORT_ATTEMPTS: usize = 3;
/// Patience with a connect over loopback.
const CONNECT: Duration = Duration::from_millis(200);
