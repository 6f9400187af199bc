//! `pellucid get`: many URLs in parallel on one connection an origin, bodies in the order of the URLs.
//!
//! ```text
//!  URLs of one origin ─▶ Origin: one connection, all requests at once ─┬─▶ response ─▶ body ─▶ its file, as it comes
//!  URLs of another    ─▶ Origin …                                      └─▶ response ─▶ body ─▶ stdout, in its turn
//! ```
//! A body whose turn has not come waits in its stream's window: that is the bound on what is held.
//!
//! Not for: HTTP/1.1, redirects, cookies, content codings; those who need them have curl.

mod explain;
mod origin;
mod request;
mod sink;

use std::path::PathBuf;
use std::sync::Arc;

use pellucid_client::{Chunk, Response, Url};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::failure::Failure;
use crate::interrupt::{self, Signals};
use origin::{Manner, Pending, Shown};
use request::{Header, Order};
use sink::{Ending, Sink};

/// What to fetch, and how.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// What to fetch; http:// is HTTP/2 in clear text by prior knowledge, https:// is negotiated
    #[arg(required = true, value_name = "URL")]
    urls: Vec<String>,
    /// Send this header field with every request
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = request::header)]
    headers: Vec<Header>,
    /// Send this content, or a file's, or (@-) what comes on standard input, by POST
    #[arg(short, long, value_name = "TEXT|@FILE|@-")]
    data: Option<String>,
    /// Use this method
    #[arg(short = 'X', long = "request", value_name = "METHOD", value_parser = request::method)]
    method: Option<String>,
    /// Write the body to this file instead of stdout; the first to that of the first URL, and so on
    #[arg(short, long, value_name = "FILE")]
    output: Vec<PathBuf>,
    /// Believe any certificate
    #[arg(short = 'k', long, conflicts_with = "cacert")]
    insecure: bool,
    /// Believe only the certificates in this file, in PEM
    #[arg(long, value_name = "FILE")]
    cacert: Option<PathBuf>,
    /// Show every frame in and out with its fields on stderr
    #[arg(short, long)]
    verbose: bool,
    /// Show no body and end with 1 where the status is 400 or above
    #[arg(short, long)]
    fail: bool,
    /// Accepted for curl's sake: http:// is always HTTP/2 with prior knowledge here
    #[arg(long = "http2-prior-knowledge")]
    _prior_knowledge: bool,
}

/// Fetches everything. What fails does not keep the others from being fetched.
pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let urls = args.urls.iter().map(|text| text.parse()).collect::<Result<Vec<Url>, _>>();
    let urls = urls.map_err(|error| Failure::new(error.to_string()))?;
    if args.output.len() > urls.len() {
        return Err(Failure::usage("there are more -o than URLs"));
    }
    if urls.len() > 1 && args.data.as_deref() == Some("@-") {
        return Err(Failure::usage("standard input can be sent to one URL only"));
    }
    let trust = origin::trust(&args)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("cannot begin: {error}")))?;
    let result = runtime.block_on(async {
        let mut signals = Signals::new()?;
        tokio::select! {
            result = fetch(&args, urls, trust) => result,
            () = signals.next() => Err(Failure { code: interrupt::EXIT_CODE, message: "interrupted".to_owned() }),
        }
    });
    // A thread that waits for standard input would hold the process up.
    runtime.shutdown_background();
    result
}

/// What comes of a request: `None` where the reason has been told for another one.
type Answer = oneshot::Receiver<Result<Response, String>>;

async fn fetch(args: &Args, urls: Vec<Url>, trust: pellucid_client::Trust) -> Result<(), Failure> {
    let mut origins = origin::group(&urls);
    let shown = match (args.verbose, origins.len()) {
        (false, _) => Shown::Nothing,
        (true, 1) => Shown::Frames,
        (true, _) => Shown::FramesByOrigin,
    };
    let manner = Arc::new(Manner { order: Order::new(args), trust, shown });
    let mut answers: Vec<Answer> = Vec::new();
    for url in &urls {
        let (sender, answer) = oneshot::channel();
        answers.push(answer);
        if let Some(origin) = origins.iter_mut().find(|origin| origin.url.same_origin(url)) {
            let request = manner.order.request(url)?;
            origin.pending.push(Pending { url: url.clone(), request, answer: sender });
        }
    }
    let origins: Vec<_> = origins.into_iter().map(|origin| tokio::spawn(origin.run(Arc::clone(&manner)))).collect();
    let failed = receive(args, urls, answers).await;
    let mut told = Vec::new();
    for origin in origins {
        match origin.await {
            Ok(Ok(connections)) => origin::close(connections).await,
            Ok(Err(error)) => told.push(explain::connecting(&error)),
            Err(_) => told.push("a connection's task failed".to_owned()),
        }
    }
    told.extend(failed);
    if told.is_empty() { Ok(()) } else { Err(Failure::new(told.join("\n"))) }
}

/// Receives the bodies: those for files at once, those for stdout in turn. Tells what failed, in the order of the URLs.
async fn receive(args: &Args, urls: Vec<Url>, answers: Vec<Answer>) -> Vec<String> {
    enum Transfer {
        Running(JoinHandle<Ending>),
        Waiting(Answer),
    }
    let on_status = if args.fail { OnStatus::Fail } else { OnStatus::Show };
    let mut files = args.output.iter();
    let transfers: Vec<(Url, Transfer)> = urls
        .into_iter()
        .zip(answers)
        .map(|(url, answer)| match files.next().filter(|file| file.as_os_str() != "-") {
            Some(file) => {
                let sink = Sink::file(file.clone());
                (url, Transfer::Running(tokio::spawn(transfer(answer, sink, on_status))))
            }
            None => (url, Transfer::Waiting(answer)),
        })
        .collect();
    let mut told = Vec::new();
    let mut stdout_is_closed = false;
    for (url, transfer_of) in transfers {
        let ending = match transfer_of {
            Transfer::Running(task) => task.await.unwrap_or_else(|_| Ending::Failed("its task failed".to_owned())),
            Transfer::Waiting(_) if stdout_is_closed => Ending::Complete,
            Transfer::Waiting(answer) => transfer(answer, Sink::stdout(), on_status).await,
        };
        match ending {
            Ending::Failed(why) => told.push(format!("{url}: {why}")),
            Ending::Unwanted => stdout_is_closed = true,
            Ending::Complete => {}
        }
    }
    told
}

/// What a status of 400 or above does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OnStatus {
    /// Its body is shown like any other.
    Show,
    /// Its body is not shown, and the command fails.
    Fail,
}

/// One response, from its header section to its last octet.
async fn transfer(answer: Answer, mut sink: Sink, on_status: OnStatus) -> Ending {
    let mut response = match answer.await {
        Ok(Ok(response)) => response,
        Ok(Err(why)) => return Ending::Failed(why),
        // There is no connection; its origin tells why, once.
        Err(_) => return Ending::Complete,
    };
    if on_status == OnStatus::Fail && response.status() >= 400 {
        return Ending::Failed(format!("HTTP status {}", response.status()));
    }
    while let Some(chunk) = response.body_mut().chunk().await {
        match chunk {
            Ok(Chunk::Data(data)) => {
                if let Err(ending) = sink.write(&data).await {
                    return ending;
                }
            }
            Ok(Chunk::Trailers(_)) => {}
            Err(error) => {
                // What has come is kept, as curl does.
                let _ = sink.finish().await;
                return Ending::Failed(explain::receiving(&error));
            }
        }
    }
    sink.finish().await
}

const EXAMPLES: &str = "\
Examples:
  pellucid get http://127.0.0.1:8080/a http://127.0.0.1:8080/b
  pellucid get -v -k -d @- https://localhost:8443/upload < file";
