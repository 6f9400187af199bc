//! `pellucid demo`: a server and a client in one process, and every frame between them, explained when it is new.
//!
//! For: the scenes. `service` answers, `timeline` shows, `lesson` explains, `totals` counts.
//! Not for: a network; the two talk through memory, so nothing has to be free, allowed or reachable.

mod block;
mod lesson;
mod service;
mod timeline;
mod totals;

use std::time::Instant;

use bytes::Bytes;
use pellucid_conn::h2::{Config, Role};
use pellucid_driver::client::{self, SendRequest};
use pellucid_driver::{Chunk, Error, Request, server, watch};

use crate::failure::Failure;
use timeline::Timeline;

/// Nothing to choose.
#[derive(clap::Args)]
pub(crate) struct Args {}

/// Octets of content that the client takes on a stream before it must be asked again; small, so that it shows.
const STREAM_WINDOW: u32 = 32 << 10;

/// Octets between the two: enough that neither waits for the other's reading.
const PIPE: usize = 256 << 10;

/// Plays all scenes. A reader that leaves early is no failure.
pub(crate) fn run(_: Args) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("cannot begin: {error}")))?;
    let timeline = Timeline::on_stdout();
    let played = runtime.block_on(play(&timeline));
    match timeline.failure() {
        Some(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Some(error) => Err(Failure::new(format!("standard output: {error}"))),
        None => played.map_err(|error| Failure::new(error.to_string())),
    }
}

async fn play(timeline: &Timeline) -> Result<(), Error> {
    let (near, far) = tokio::io::duplex(PIPE);
    let (client, connection) = client::handshake(near, options(timeline)).map_err(Error::body)?;
    // Begun first, so that the client is seen to speak first.
    let connection = tokio::spawn(connection);
    let serving = tokio::spawn(
        server::serve_connection(far, service::answer, server::Options::default()).expect("the defaults are valid"),
    );

    timeline.scene("One request: how a connection begins");
    fetch(&client, get("/hello")).await?;
    timeline.scene("The same again: what compression remembers");
    fetch(&client, get("/hello")).await?;
    timeline.detail(timeline::Detail::Summary);
    timeline.scene("Seven at once: many streams, one connection");
    let outcomes = all_at_once(&client).await?;
    timeline.scene("Goodbye");
    client.shut_down();
    // The client ends with its connection, the server with its peer.
    let _ = connection.await;
    let _ = serving.await;
    timeline.finish(&outcomes);
    Ok(())
}

/// The client's end is the one that is watched: what it sends goes to the server, what it receives comes from there.
fn options(timeline: &Timeline) -> client::Options {
    let mut options = client::Options::default();
    options.config = Config::client();
    options.config.stream_window = STREAM_WINDOW;
    let timeline = timeline.clone();
    options.tap = Some(watch(Role::Client, move |record| timeline.record(&record)));
    options
}

/// What came of a request.
struct Outcome {
    what: String,
    status: u16,
    octets: usize,
    took_ms: f64,
}

async fn all_at_once(client: &SendRequest) -> Result<Vec<Outcome>, Error> {
    let requests = [
        get("/slow"),
        get("/large/a").with_header("priority", "i"),
        get("/large/b").with_header("priority", "i"),
        get("/urgent").with_header("priority", "u=0"),
        Request::new("POST", "http", service::AUTHORITY, "/echo")
            .with_header("content-length", "13")
            .with_body(Bytes::from_static(b"sent and back")),
        get("/missing"),
        get("/checked"),
    ];
    // All are under way before the first is waited for.
    let running: Vec<_> = requests.into_iter().map(|request| tokio::spawn(fetch(client, request))).collect();
    let mut outcomes = Vec::new();
    for task in running {
        outcomes.push(task.await.map_err(Error::body)??);
    }
    Ok(outcomes)
}

fn get(path: &str) -> Request {
    Request::get("http", service::AUTHORITY, path).with_header("user-agent", "pellucid-demo")
}

/// Sends at once; the future reads the response to its end.
fn fetch(client: &SendRequest, request: Request) -> impl Future<Output = Result<Outcome, Error>> + use<> {
    let what = format!("{} {}", request.method().escape_ascii(), request.path().escape_ascii());
    let began = Instant::now();
    let response = client.send(request);
    async move {
        let mut response = response.await?;
        let mut octets = 0;
        while let Some(chunk) = response.body_mut().chunk().await {
            if let Chunk::Data(data) = chunk? {
                octets += data.len();
            }
        }
        let took_ms = began.elapsed().as_secs_f64() * 1000.0;
        Ok(Outcome { what, status: response.status(), octets, took_ms })
    }
}
