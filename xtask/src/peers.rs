//! `cargo xtask peers`: Pellucid beside the programs that people use. Conformance suites, interoperation with other clients and
//! servers, and comparisons of speed and memory. Nothing here leaves 127.0.0.1 but `install`, which fetches the peers.

mod allow;
mod captures;
mod check;
mod conformance;
mod examples;
mod idle;
pub(crate) mod install;
mod interop;
mod process;
mod raw;
mod servers;
mod setup;
mod speed;
mod suites;

use setup::Setup;

/// Runs one peer task: `args` is what follows `cargo xtask peers`.
pub(crate) fn run(args: &[String]) -> Result<(), String> {
    let Some((task, rest)) = args.split_first() else {
        return Err(USAGE.into());
    };
    let options = Options::parse(rest)?;
    match task.as_str() {
        "install" => install::run(),
        "conformance" => conformance::run(&options.setup()?),
        "examples" => examples::run(&options.setup()?, &options.words),
        "speed" => speed::run(&options.setup()?, &options.speed),
        "captures" => captures::run(&options.setup()?),
        "idle" => idle::run(&options.setup()?, &options.idle),
        _ => Err(USAGE.into()),
    }
}

/// Runs `cargo xtask interop`: words choose cells, `--check` compares the table instead of writing it.
pub(crate) fn interop(args: &[String]) -> Result<(), String> {
    let (check, rest): (Vec<String>, Vec<String>) = args.iter().cloned().partition(|arg| arg == "--check");
    if !check.is_empty() && !rest.is_empty() {
        return Err("--check is about the whole matrix: leave the words out".into());
    }
    let purpose = if check.is_empty() { interop::Purpose::Write } else { interop::Purpose::Check };
    let options = Options::parse(&rest)?;
    interop::run(&options.setup()?, &options.words, purpose)
}

/// What the command line asks for beside the task.
struct Options {
    pellucid: Option<String>,
    speed: speed::Options,
    idle: idle::Options,
    words: Vec<String>,
}

impl Options {
    fn parse(args: &[String]) -> Result<Self, String> {
        let (speed, idle) = (speed::Options::default(), idle::Options::default());
        let mut options = Self { pellucid: None, speed, idle, words: Vec::new() };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} wants a value"));
            match arg.as_str() {
                "--pellucid" => options.pellucid = Some(value()?.clone()),
                "--servers" => options.speed.choose(value()?)?,
                "--runs" => options.speed.set_runs(value()?)?,
                "--connections" => options.idle.set_connections(value()?)?,
                word if !word.starts_with('-') => options.words.push(word.to_owned()),
                _ => return Err(format!("unknown option {arg}\n{USAGE}")),
            }
        }
        Ok(options)
    }

    fn setup(&self) -> Result<Setup, String> {
        Setup::new(self.pellucid.as_deref())
    }
}

const USAGE: &str = "\
usage: cargo xtask interop [--check] [WORD…]              the matrix of docs/INTEROP.md, or the cells with these words in their name
       cargo xtask peers install
       cargo xtask peers conformance
       cargo xtask peers examples [WORD…]                  the examples, driven by curl, nghttp and grpcurl
       cargo xtask peers captures                          what tcpdump records of curl and nghttp, explained by `pellucid decode`
       cargo xtask peers speed [--servers pellucid,nghttpd,hyper] [--runs N]
       cargo xtask peers idle [--connections N]           memory of connections that stay open, ours and hyper's
options: --pellucid PATH   a program to take instead of target/release/pellucid, which is built otherwise";
