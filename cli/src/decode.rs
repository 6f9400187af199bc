//! `pellucid decode`: captured octets explained line by line.
//!
//! For: finding the octets (files, standard input, hex text), telling whose they are, printing what the tap tells.
//! Not for: knowing anything else of HTTP/2; that is the tap's.

mod capture;
mod hex;
mod recognise;

use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use clap::{ArgGroup, ValueEnum};
use pellucid_conn::h2::Role;
use pellucid_conn::tap::{self, Record, Tap, text, text::Secrets};

use crate::failure::Failure;
use crate::titles::Titles;

/// What to explain, and how.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES, group(ArgGroup::new("capture").required(true)))]
pub(crate) struct Args {
    /// A capture of the network (pcap, pcapng), or what one side of a connection sent, as raw octets or hex text; `-` is
    /// standard input. Two files that begin as the two sides of a connection do are explained together, with windows
    #[arg(group = "capture", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The octets as hex text; white space, colons and 0x are skipped
    #[arg(long, group = "capture", value_name = "TEXT")]
    hex: Option<String>,
    /// Who sent them; not needed where they begin as a connection does
    #[arg(long, value_name = "SIDE")]
    from: Option<Side>,
    /// Only this connection of a capture; they are numbered as they begin
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    connection: Option<u32>,
    /// Show the values of authorization and cookie fields, and of those never to be indexed
    #[arg(long)]
    secrets: bool,
}

impl Args {
    fn secrets(&self) -> Secrets {
        if self.secrets { Secrets::Shown } else { Secrets::Redacted }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum Side {
    Client,
    Server,
}

impl From<Side> for Role {
    fn from(side: Side) -> Self {
        match side {
            Side::Client => Self::Client,
            Side::Server => Self::Server,
        }
    }
}

/// Explains every capture on stdout. A broken rule in a capture is part of the explanation, not a failure.
pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    let explained = explain_all(&args, &mut out);
    // What was explained before a failure is shown all the same.
    let flushed = out.flush().or_else(output_failed);
    explained.and(flushed)
}

fn explain_all(args: &Args, out: &mut impl Write) -> Result<(), Failure> {
    if let Some(text) = &args.hex {
        let octets = hex::parse(text).map_err(|error| Failure::new(format!("--hex: {error}")))?;
        return explain(args, "--hex", &octets, out);
    }
    let mut captures = Vec::new();
    for file in &args.files {
        captures.push((file.display().to_string(), load(file)?));
    }
    if let ([(_, first), (_, second)], None) = (captures.as_slice(), args.from) {
        match (tap::sender(first), tap::sender(second)) {
            (Some(Role::Client), Some(Role::Server)) => return explain_pair(args, first, second, out),
            (Some(Role::Server), Some(Role::Client)) => return explain_pair(args, second, first, out),
            _ => {}
        }
    }
    for (place, (name, octets)) in captures.iter().enumerate() {
        if captures.len() > 1 {
            let gap = if place == 0 { "" } else { "\n" };
            writeln!(out, "{gap}{name}:").or_else(output_failed)?;
        }
        explain(args, name, octets, out)?;
    }
    Ok(())
}

/// The octets of a file, which may be written down as hex text.
fn load(file: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error: String| Failure::new(format!("{}: {error}", file.display()));
    let read = if file == Path::new("-") {
        let mut octets = Vec::new();
        io::stdin().lock().read_to_end(&mut octets).map(|_| octets)
    } else {
        std::fs::read(file)
    };
    let octets = read.map_err(|error| failed(error.to_string()))?;
    match std::str::from_utf8(&octets) {
        _ if capture::is_capture(&octets) => Ok(octets),
        Ok(text) if hex::is_likely(text) => hex::parse(text).map_err(failed),
        _ => Ok(octets),
    }
}

fn explain(args: &Args, name: &str, octets: &[u8], out: &mut impl Write) -> Result<(), Failure> {
    if octets.is_empty() {
        return Err(Failure::new(format!("{name}: no octets to explain")));
    }
    if capture::is_capture(octets) {
        return explain_capture(args, name, octets, out);
    }
    if args.connection.is_some() {
        return Err(Failure::usage(format!("{name}: --connection is for captures, and this is none")));
    }
    recognise::recognise(octets).map_err(|why| Failure::new(format!("{name}: {why}")))?;
    let told = tap::sender(octets);
    let from = match (args.from.map(Role::from), told) {
        (Some(Role::Server), Some(Role::Client)) => {
            return Err(Failure::new(format!("{name}: begins with a client's preface, so it is not from the server")));
        }
        (Some(from), _) | (None, Some(from)) => from,
        (None, None) => {
            return Err(Failure::new(format!(
                "{name}: begins neither with a client's preface nor with a server's SETTINGS: \
                 say --from client or --from server"
            )));
        }
    };
    show(args, out, |mut sink| {
        let mut tap = Tap::one_side();
        tap.feed(from, octets, &mut sink);
        tap.end(from, &mut sink);
    })
}

fn explain_capture(args: &Args, name: &str, octets: &[u8], out: &mut impl Write) -> Result<(), Failure> {
    if args.from.is_some() {
        return Err(Failure::usage(format!("{name}: a capture tells itself who sends, without --from")));
    }
    let connection = args.connection.and_then(|number| usize::try_from(number).ok());
    match capture::explain(octets, &capture::Wanted { connection, secrets: args.secrets() }, out) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(why)) => Err(Failure::new(format!("{name}: {why}"))),
        Err(error) => output_failed(error),
    }
}

fn explain_pair(args: &Args, client: &[u8], server: &[u8], out: &mut impl Write) -> Result<(), Failure> {
    writeln!(out, "(both sides of a connection; their order is one that could have been)").or_else(output_failed)?;
    show(args, out, |mut sink| tap::tell_pair(client, server, &mut sink))
}

/// Writes down what `tell` tells.
fn show(args: &Args, out: &mut impl Write, tell: impl FnOnce(&mut dyn FnMut(Record))) -> Result<(), Failure> {
    let secrets = args.secrets();
    let mut written = Ok(());
    let mut titles = Titles::default();
    tell(&mut |record| {
        if written.is_ok() {
            written = out.write_all(text::render(&titles.once(record), secrets).as_bytes());
        }
    });
    written.or_else(output_failed)
}

/// A reader that has seen enough, such as `head`, is no failure.
fn output_failed(error: io::Error) -> Result<(), Failure> {
    match error.kind() {
        ErrorKind::BrokenPipe => Ok(()),
        _ => Err(Failure::new(format!("standard output: {error}"))),
    }
}

const EXAMPLES: &str = "\
Examples:
  pellucid decode --hex '000006 04 00 00000000  0003 00000064'
  pellucid decode --from client --hex 0x00000101050000000182
  pellucid decode client.bin server.bin
  sudo tcpdump -i lo -w - port 8080 | pellucid decode -
  pellucid decode --connection 2 capture.pcapng

Exit code: 0 where there was something to explain, which includes captures that break a rule or end in mid-frame;
1 where there is no HTTP/2 to be seen: neither a preface nor a whole frame of a known type at the beginning, or in a
capture no cleartext connection of it.";
