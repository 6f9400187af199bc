//! `pellucid serve`: a server to point clients at: a directory, the request's own body, or so many octets.
//!
//! For: options, the certificate, signals, the line that says where it listens. What is answered is in the modules
//! below.
//! Not for: anything of HTTP/2; that is `pellucid-server`'s.

mod answer;
mod files;
mod log;

use std::io::{self, ErrorKind, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::thread;

use clap::ArgGroup;
use pellucid_server::tls::Identity;
use pellucid_server::{Server, Service, Shutdown};

use crate::failure::Failure;
use crate::{interrupt, units};

/// What to serve, and where.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES, group(ArgGroup::new("content")))]
pub(crate) struct Args {
    /// Serve the files of this directory; the current one where nothing else is said
    #[arg(group = "content", value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Answer with what was sent: the request's body and its trailers, streamed
    #[arg(long, group = "content")]
    echo: bool,
    /// Answer everything with so many octets; units such as 10k and 1m are understood
    #[arg(long, group = "content", value_name = "N", value_parser = units::octets)]
    bytes: Option<u64>,
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
    listen: String,
    /// Serve over TLS; without --cert and --key by a certificate made on the spot
    #[arg(long)]
    tls: bool,
    /// The certificate chain in PEM
    #[arg(long, value_name = "FILE", requires_all = ["tls", "key"])]
    cert: Option<PathBuf>,
    /// The certificate's private key in PEM
    #[arg(long, value_name = "FILE", requires_all = ["tls", "cert"])]
    key: Option<PathBuf>,
    /// Threads that serve
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = units::workers)]
    workers: usize,
    /// Tell of every request on stderr; twice: of every frame, too
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,
}

/// Serves until a signal says to leave and the drain is over.
pub(crate) fn run(args: Args) -> Result<(), Failure> {
    log::start(args.verbose);
    match (args.bytes, args.echo) {
        (Some(octets), _) => serve(&args, answer::octets(octets)),
        (None, true) => serve(&args, answer::echo()),
        (None, false) => {
            let directory = args.directory.as_deref().unwrap_or(Path::new("."));
            let files =
                files::files(directory).map_err(|error| Failure::new(format!("{}: {error}", directory.display())))?;
            serve(&args, files)
        }
    }
}

fn serve(args: &Args, service: impl Service + Clone) -> Result<(), Failure> {
    let server = bind(args)?;
    let scheme = if args.tls { "https" } else { "http" };
    let address = server.local_addr();
    // Before the line below: whoever reads it may send a signal at once.
    leave_on_signals(server.shutdown())?;
    announce(&format!("listening on {scheme}://{address}\n"))?;
    // Only a server that tells of its requests pays for the telling.
    let report = match args.verbose {
        0 => server.run(service),
        _ => server.run(log::Logged(service)),
    };
    let report = report.map_err(|error| Failure::new(format!("cannot serve: {error}")))?;
    announce(&format!("{report}\n"))
}

fn bind(args: &Args) -> Result<Server, Failure> {
    let mut builder = Server::builder().workers(args.workers);
    if args.tls {
        builder = builder.tls(identity(args)?);
    }
    if args.verbose > 1 {
        builder = builder.tap(log::frames());
    }
    let address = resolve(&args.listen)?;
    builder.bind(address).map_err(|error| match error.kind() {
        ErrorKind::InvalidInput => Failure::usage(error.to_string()),
        ErrorKind::AddrInUse => Failure::new(format!("cannot listen on {address}: the port is in use")),
        _ => Failure::new(error.to_string()),
    })
}

fn resolve(text: &str) -> Result<SocketAddr, Failure> {
    match text.to_socket_addrs().map(|mut addresses| addresses.next()) {
        Ok(Some(address)) => Ok(address),
        Ok(None) => Err(Failure::new(format!("--listen {text}: the name has no address"))),
        Err(error) if error.kind() == ErrorKind::InvalidInput => {
            Err(Failure::usage(format!("--listen {text}: write it as HOST:PORT")))
        }
        Err(error) => Err(Failure::new(format!("--listen {text}: {error}"))),
    }
}

fn identity(args: &Args) -> Result<Identity, Failure> {
    let (Some(cert), Some(key)) = (&args.cert, &args.key) else {
        return Identity::self_signed(&[]).map_err(|error| Failure::new(error.to_string()));
    };
    let load =
        |file: &PathBuf| std::fs::read(file).map_err(|error| Failure::new(format!("{}: {error}", file.display())));
    Identity::from_pem(&load(cert)?, &load(key)?)
        .map_err(|error| Failure::new(format!("{}, {}: {error}", cert.display(), key.display())))
}

/// The first signal drains, the second ends the process.
fn leave_on_signals(shutdown: Shutdown) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("cannot watch for signals: {error}")))?;
    let guard = runtime.enter();
    let mut signals = interrupt::Signals::new()?;
    drop(guard);
    let watch = move || {
        runtime.block_on(async {
            signals.next().await;
            shutdown.shut_down();
            signals.next().await;
            // That nobody reads it is no reason to stay.
            let _ = writeln!(io::stderr(), "pellucid: stopped at once: what was under way is cut");
            std::process::exit(i32::from(interrupt::EXIT_CODE));
        });
    };
    let thread = thread::Builder::new().name("signals".to_owned()).spawn(watch);
    thread.map(drop).map_err(|error| Failure::new(format!("cannot watch for signals: {error}")))
}

/// One whole line on stdout, at once. That nobody reads it is no reason to stop serving.
fn announce(line: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(line.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::new(format!("standard output: {error}"))),
        _ => Ok(()),
    }
}

const EXAMPLES: &str = "\
Examples:
  pellucid serve docs
  pellucid serve --echo --listen 127.0.0.1:0
  pellucid serve --bytes 10k --tls --workers 4";
