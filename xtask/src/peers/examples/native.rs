//! The examples that stand on the native API.

use std::path::Path;
use std::process::Command;

use super::super::check::Check;
use super::super::process::{Running, tail};
use super::super::servers::{Transport, announced, curl};
use super::super::setup::{SHORT, Setup};
use super::{CURL, NGHTTP, ask, example, in_order, run_short, serving};

/// All checks of them.
pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::new("hello: curl GET and HEAD", CURL, hello),
        Check::new("timeline: frames and their fields are shown", &[], timeline),
        Check::new("in_memory: prints what it says", &[], in_memory),
        Check::new("early_hints: curl sees 103, then 200", CURL, hints_to_curl),
        Check::new("early_hints: nghttp sees 103, then 200", NGHTTP, hints_to_nghttp),
        Check::new("push: nghttp takes it", NGHTTP, push_taken),
        Check::new("push: curl does not", CURL, push_refused),
        Check::new("facts: curl over TLS is told of its connection", CURL, facts),
        Check::new("unix_socket: curl", CURL, unix_socket),
        Check::new("websocket: every word comes back", &[], websocket),
        Check::new("tunnel: curl's connections go through one other", CURL, tunnel),
        Check::new("tunnel: no way out of this machine", CURL, tunnel_refuses),
        Check::new("Ctrl-C ends every example that serves", &[], all_stop),
    ]
}

fn hello(setup: &Setup) -> Result<(), String> {
    let server = serving(setup, "hello", &[], Transport::Cleartext)?;
    let text = ["HTTP/2 200", "content-type: text/plain"];
    ask(setup, &server, "/world", &[])?.has(&text)?.says("hello, /world\n")?;
    ask(setup, &server, "/world", &["--head"])?.has(&text)?;
    let said = stop(setup, server.running)?;
    in_order(said.lines(), &["served 2 requests on 2 connections"])
}

/// Ends an example as Ctrl-C does; what it has printed.
fn stop(setup: &Setup, mut running: Running) -> Result<String, String> {
    run_short(setup, Command::new("kill").args(["-INT", &running.pid().to_string()]))?;
    let status = running.wait(SHORT)?;
    let said = running.printed();
    if status.success() { Ok(said) } else { Err(format!("{status}: {}", tail(&said))) }
}

fn all_stop(setup: &Setup) -> Result<(), String> {
    for name in ["early_hints", "push", "websocket", "tunnel", "axum", "layers", "proxy"] {
        let server = serving(setup, name, &[], Transport::Cleartext)?;
        stop(setup, server.running).map_err(|error| format!("{name}: {error}"))?;
    }
    let path = setup.scratch.fresh("socket");
    stop(setup, at_path(setup, &path)?)?;
    if path.exists() { Err("the Unix socket is still there".into()) } else { Ok(()) }
}

fn timeline(setup: &Setup) -> Result<(), String> {
    let shown = run_short(setup, &mut example(setup, "timeline"))?.text();
    let wanted = [
        "-> preface, 24 octets",
        "-> HEADERS stream 1 END_STREAM END_HEADERS",
        ":path: /  [indexed 4, static]",
        "<- HEADERS stream 1 END_HEADERS",
        ":status: 200",
        "<- DATA stream 1 END_STREAM, 12 octets",
        "-> HEADERS stream 3 END_STREAM END_HEADERS",
        ":authority: localhost  [indexed 62, dynamic]",
    ];
    in_order(shown.lines(), &wanted)
}

fn in_memory(setup: &Setup) -> Result<(), String> {
    let shown = run_short(setup, &mut example(setup, "in_memory"))?.text();
    let wanted =
        "200 for /orders/7: order 7 is on its way\n404 for /nothing: no such order\n12 requests at once: 12 answers\n";
    if shown == wanted { Ok(()) } else { Err(shown) }
}

fn hints_to_curl(setup: &Setup) -> Result<(), String> {
    let server = serving(setup, "early_hints", &[], Transport::Cleartext)?;
    let page = "<link rel=stylesheet href=/style.css><h1>worth the wait</h1>\n";
    ask(setup, &server, "/", &[])?.has(&HINTS)?.says(page)?;
    ask(setup, &server, "/style.css", &[])?.lacks("HTTP/2 103")?.has(&["HTTP/2 200"])?.says("h1 { color: teal }\n")
}

fn hints_to_nghttp(setup: &Setup) -> Result<(), String> {
    let server = serving(setup, "early_hints", &[], Transport::Cleartext)?;
    let shown = run_short(setup, Command::new(setup.program("nghttp")?).arg("-nv").arg(server.url("/")))?.text();
    in_order(shown.lines(), &[":status: 103", "link: </style.css>; rel=preload; as=style", ":status: 200"])
}

fn push_taken(setup: &Setup) -> Result<(), String> {
    let server = serving(setup, "push", &[], Transport::Cleartext)?;
    let shown = run_short(setup, Command::new(setup.program("nghttp")?).arg("-nv").arg(server.url("/")))?.text();
    let wanted = [":path: /style.css", "recv PUSH_PROMISE frame", "promised_stream_id=2", "content-type: text/html"];
    in_order(shown.lines(), &wanted)?;
    in_order(shown.lines(), &["recv PUSH_PROMISE frame", "content-type: text/css", "recv DATA frame <length=19"])
}

fn push_refused(setup: &Setup) -> Result<(), String> {
    let mut server = serving(setup, "push", &[], Transport::Cleartext)?;
    ask(setup, &server, "/", &[])?.has(&["HTTP/2 200", "content-type: text/html"])?;
    server.running.wait_until(|running| running.printed().contains("not pushing").then_some(()))
}

fn facts(setup: &Setup) -> Result<(), String> {
    let server = serving(setup, "facts", &[], Transport::Tls)?;
    let told = ask(setup, &server, "/", &["--http2", "--tlsv1.3"])?.has(&["HTTP/2 200"])?.text();
    let local = format!("to {}", server.address);
    let wanted = [
        "stream 1",
        &local,
        "TLSv1.3 with TLS13_",
        "the server name localhost",
        "showed 0 certificates",
        "streams so far: 1, open now: 1",
    ];
    in_order(told.lines(), &wanted)
}

fn unix_socket(setup: &Setup) -> Result<(), String> {
    let path = setup.scratch.fresh("socket");
    let _running = at_path(setup, &path)?;
    let mut command = curl(setup)?;
    let got = run_short(setup, command.args(["-sS", "--unix-socket"]).arg(&path).arg("http://localhost/"))?.text();
    if got == "hello over a Unix socket\n" { Ok(()) } else { Err(got) }
}

fn at_path(setup: &Setup, path: &Path) -> Result<Running, String> {
    let mut running = Running::start(example(setup, "unix_socket").arg(path), setup.scratch.fresh("log"))?;
    running.wait_until(|running| running.printed().contains("listening on").then_some(()))?;
    Ok(running)
}

fn websocket(setup: &Setup) -> Result<(), String> {
    let server = serving(setup, "websocket", &[], Transport::Cleartext)?;
    let long = "w".repeat(100_000);
    let words = ["hello", "multiplexed", long.as_str(), "world"];
    let said = run_short(setup, example(setup, "websocket").arg(server.url("/echo")).args(words))?.text();
    if said.lines().ne(words) {
        return Err(format!("{} octets of other words came back", said.len()));
    }
    Ok(())
}

fn tunnel(setup: &Setup) -> Result<(), String> {
    let target = serving(setup, "hello", &[], Transport::Cleartext)?;
    let proxy = serving(setup, "tunnel", &[], Transport::Cleartext)?;
    let mut command = example(setup, "tunnel");
    command.args(["127.0.0.1:0", &proxy.url(""), &target.address.to_string()]);
    let forwarder = announced(setup, &mut command, "forwarder", Transport::Cleartext)?;
    for n in 0..5 {
        ask(setup, &forwarder, &format!("/{n}"), &[])?.has(&["HTTP/2 200"])?.says(&format!("hello, /{n}\n"))?;
    }
    Ok(())
}

fn tunnel_refuses(setup: &Setup) -> Result<(), String> {
    let proxy = serving(setup, "tunnel", &[], Transport::Cleartext)?;
    let mut command = example(setup, "tunnel");
    // Of a network that is for documents only (RFC 5737).
    command.args(["127.0.0.1:0", &proxy.url(""), "192.0.2.1:80"]);
    let mut forwarder = announced(setup, &mut command, "forwarder", Transport::Cleartext)?;
    if ask(setup, &forwarder, "/", &[]).is_ok() {
        return Err("something answered".into());
    }
    forwarder.running.wait_until(|running| running.printed().contains("the proxy said 403").then_some(()))?;
    ask(setup, &proxy, "/", &[])?.has(&["HTTP/2 405", "allow: CONNECT"]).map(drop)
}

const HINTS: [&str; 4] =
    ["HTTP/2 103", "link: </style.css>; rel=preload; as=style", "HTTP/2 200", "content-type: text/html"];
