//! The examples in the types of the `http` crate: an axum application, layers around one, a proxy before one, a client among layers.
//! What the application does it must do behind the proxy too.

use std::process::Command;

use super::super::check::Check;
use super::super::process::Running;
use super::super::servers::{Server, Transport, announced, curl};
use super::super::setup::Setup;
use super::{CURL, NGHTTP, ask, example, in_order, run_short, serving};

/// All checks of them.
pub(super) fn checks() -> Vec<Check> {
    let mut checks = Vec::new();
    for way in [Way::Direct, Way::Proxied] {
        let name = |what: &str| format!("{}: {what}", way.name());
        checks.extend([
            Check::new(name("path parameters, JSON in and out, state"), CURL, move |s| json(s, way)),
            Check::new(name("server-sent events as they happen"), CURL, move |s| events(s, way)),
            Check::new(name("an upload is counted, 100-continue once"), CURL, move |s| upload(s, way)),
            Check::new(name("content and trailers, nghttp"), NGHTTP, move |s| trailers(s, way)),
            Check::new(name("HEAD"), CURL, move |s| head(s, way)),
            Check::new(name("who is asking"), CURL, move |s| who_am_i(s, way)),
        ]);
    }
    checks.extend([
        Check::new("proxy: 103 passes before 200", CURL, hints_pass),
        Check::new("proxy: 502 without an upstream, and again 200 with one", CURL, upstream_comes_and_goes),
        Check::new("proxy: no tunnels, and fields of one hop stay behind", CURL, one_hop),
        Check::new("proxy: no request talks it into another upstream", CURL, one_upstream),
        Check::new("layers: gzip and request id", CURL, layers),
        Check::new("layers: 504 in time", CURL, times_out),
        Check::new("tower_client: the third attempt succeeds", &[], tower_client),
    ]);
    checks
}

/// How the application is reached.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Direct,
    Proxied,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Direct => "axum",
            Self::Proxied => "axum behind proxy",
        }
    }

    fn start(self, setup: &Setup) -> Result<Servers, String> {
        let application = serving(setup, "axum", &[], Transport::Cleartext)?;
        match self {
            Self::Direct => Ok(Servers { front: application, _back: None }),
            Self::Proxied => {
                let front = proxy(setup, &application)?;
                Ok(Servers { front, _back: Some(application) })
            }
        }
    }
}

/// What is asked, and what it needs.
struct Servers {
    front: Server,
    _back: Option<Server>,
}

/// A proxy before `upstream`.
pub(super) fn proxy(setup: &Setup, upstream: &Server) -> Result<Server, String> {
    serving(setup, "proxy", &[&upstream.url("")], Transport::Cleartext)
}

fn json(setup: &Setup, way: Way) -> Result<(), String> {
    let servers = way.start(setup)?;
    let json = ["-H", "content-type: application/json", "-d"];
    for (n, name) in ["Ada", "Barbara", "Grace"].iter().enumerate() {
        let (content, stored) =
            (format!("{{\"name\":\"{name}\"}}"), format!("{{\"id\":{},\"name\":\"{name}\"}}", n + 1));
        let made = ["HTTP/2 201", "content-type: application/json"];
        ask(setup, &servers.front, "/users", &[&json[..], &[&content]].concat())?.has(&made)?.says(&stored)?;
        ask(setup, &servers.front, &format!("/users/{}", n + 1), &[])?.has(&["HTTP/2 200"])?.says(&stored)?;
    }
    let front = &servers.front;
    ask(setup, front, "/users", &[&json[..], &["{\"name\":"]].concat())?.has(&["HTTP/2 400"])?;
    ask(setup, front, "/users", &["-d", "name=Ada"])?.has(&["HTTP/2 415"])?;
    ask(setup, front, "/users", &[&json[..], &["{\"nom\":\"Ada\"}"]].concat())?.has(&["HTTP/2 422"])?;
    ask(setup, front, "/users/4", &[])?.has(&["HTTP/2 404"])?;
    ask(setup, front, "/users/x", &[])?.has(&["HTTP/2 400"])?;
    ask(setup, front, "/users/1", &["-X", "DELETE"])?.has(&["HTTP/2 405", "allow: GET,HEAD"]).map(drop)
}

/// The stream of events never ends: curl is left running until three have come, and then killed.
fn events(setup: &Setup, way: Way) -> Result<(), String> {
    let servers = way.start(setup)?;
    let mut command = curl(setup)?;
    command.args(["-sSN"]).arg(servers.front.url("/ticks"));
    let mut running = Running::start(&mut command, setup.scratch.fresh("events"))?;
    let three = "data: tick 1\n\ndata: tick 2\n\ndata: tick 3\n\n";
    running.wait_until(|running| running.printed().starts_with(three).then_some(()))?;
    drop(running);
    servers.front.still_serves(setup)
}

fn upload(setup: &Setup, way: Way) -> Result<(), String> {
    let servers = way.start(setup)?;
    let path = setup.scratch.fresh("content");
    std::fs::write(&path, vec![b'x'; 300_001]).map_err(|error| error.to_string())?;
    let path = path.to_str().ok_or("no name of a file")?;
    let args = ["-T", path, "-H", "expect: 100-continue"];
    let answer = ask(setup, &servers.front, "/upload", &args)?;
    let interim = answer.lines.iter().filter(|line| line.starts_with("HTTP/2 1")).count();
    if interim != 1 {
        return Err(format!("{interim} interim responses"));
    }
    answer.has(&["HTTP/2 100", "HTTP/2 200"])?.says("300001 octets\n")
}

fn trailers(setup: &Setup, way: Way) -> Result<(), String> {
    let servers = way.start(setup)?;
    let url = servers.front.url("/bytes/200000");
    let got = run_short(setup, Command::new(setup.program("nghttp")?).arg(&url))?;
    if got.stdout != [b'.'; 200_000] {
        return Err(format!("{} octets came", got.stdout.len()));
    }
    let shown = run_short(setup, Command::new(setup.program("nghttp")?).arg("-nv").arg(&url))?.text();
    in_order(shown.lines(), &[":status: 200", "recv DATA frame", "x-octets: 200000"])
}

fn head(setup: &Setup, way: Way) -> Result<(), String> {
    let servers = way.start(setup)?;
    let answer =
        ask(setup, &servers.front, "/whoami", &["--head"])?.has(&["HTTP/2 200", "content-type: text/plain"])?;
    // --head makes the head the body.
    if answer.text().contains("127.0.0.1") { Err(answer.text()) } else { Ok(()) }
}

fn who_am_i(setup: &Setup, way: Way) -> Result<(), String> {
    let servers = way.start(setup)?;
    let text =
        |args: &[&str]| ask(setup, &servers.front, "/whoami", args)?.has(&["HTTP/2 200"]).map(|told| told.text());
    let (plain, forwarded) = (text(&["-4"])?, text(&["-4", "-H", "x-forwarded-for: 192.0.2.7"])?);
    let (alone, added) = match way {
        Way::Direct => (", for itself\n", ", for 192.0.2.7\n"),
        Way::Proxied => (", for 127.0.0.1\n", ", for 192.0.2.7, 127.0.0.1\n"),
    };
    let are_right = plain.ends_with(alone) && forwarded.ends_with(added) && plain.starts_with("127.0.0.1:");
    if are_right { Ok(()) } else { Err(format!("{plain:?} and {forwarded:?}")) }
}

fn hints_pass(setup: &Setup) -> Result<(), String> {
    let upstream = serving(setup, "early_hints", &[], Transport::Cleartext)?;
    let proxy = proxy(setup, &upstream)?;
    let hints = ["HTTP/2 103", "link: </style.css>; rel=preload; as=style", "HTTP/2 200", "content-type: text/html"];
    ask(setup, &proxy, "/", &[])?.has(&hints).map(drop)
}

fn upstream_comes_and_goes(setup: &Setup) -> Result<(), String> {
    let upstream = serving(setup, "hello", &[], Transport::Cleartext)?;
    let (address, proxy) = (upstream.address.to_string(), proxy(setup, &upstream)?);
    ask(setup, &proxy, "/1", &[])?.has(&["HTTP/2 200"])?.says("hello, /1\n")?;
    drop(upstream);
    ask(setup, &proxy, "/2", &[])?.has(&["HTTP/2 502"])?;
    let _upstream = announced(setup, example(setup, "hello").arg(&address), "hello", Transport::Cleartext)?;
    ask(setup, &proxy, "/3", &[])?.has(&["HTTP/2 200"])?.says("hello, /3\n")
}

/// Neither the path nor the authority that a stranger sends says where the proxy connects to.
fn one_upstream(setup: &Setup) -> Result<(), String> {
    let upstream = serving(setup, "hello", &[], Transport::Cleartext)?;
    let proxy = proxy(setup, &upstream)?;
    for path in ["//192.0.2.1/x", "/?http://192.0.2.1/", "/http://192.0.2.1/x"] {
        let args = ["--request-target", path, "-H", "host: 192.0.2.1"];
        ask(setup, &proxy, "/", &args)?.has(&["HTTP/2 200"])?.says(&format!("hello, {path}\n"))?;
    }
    Ok(())
}

/// `te` other than `trailers` makes an HTTP/2 request malformed, so curl cannot be made to send more than that. The tunnel example
/// asks as a client of a tunnel does.
fn one_hop(setup: &Setup) -> Result<(), String> {
    let servers = Way::Proxied.start(setup)?;
    let proxy = &servers.front;
    ask(setup, proxy, "/whoami", &["-H", "te: trailers"])?.has(&["HTTP/2 200"])?.lacks("connection")?;
    let mut command = example(setup, "tunnel");
    command.args(["127.0.0.1:0", &proxy.url(""), "127.0.0.1:1"]);
    let mut forwarder = announced(setup, &mut command, "forwarder", Transport::Cleartext)?;
    if ask(setup, &forwarder, "/", &[]).is_ok() {
        return Err("something answered".into());
    }
    forwarder.running.wait_until(|running| running.printed().contains("the proxy said 501").then_some(()))
}

fn layers(setup: &Setup) -> Result<(), String> {
    let server = serving(setup, "layers", &[], Transport::Cleartext)?;
    let poem = "A frame is a frame is a frame.\n".repeat(100);
    let id = ["-H", "x-request-id: of-the-client"];
    ask(setup, &server, "/poem", &[])?.has(&["HTTP/2 200"])?.lacks("content-encoding")?.says(&poem)?;
    let compressed = ["HTTP/2 200", "content-encoding: gzip"];
    ask(setup, &server, "/poem", &[&id[..], &["--compressed"]].concat())?.has(&compressed)?.says(&poem)?;
    // Without --compressed curl writes what came.
    let packed =
        ask(setup, &server, "/poem", &["-H", "accept-encoding: gzip"])?.has(&compressed)?.has(&["x-request-id: "])?;
    if packed.body.len() > poem.len() / 10 {
        return Err(format!("{} octets of {}", packed.body.len(), poem.len()));
    }
    ask(setup, &server, "/poem", &id)?.has(&["x-request-id: of-the-client"])?.says(&poem)?;
    in_order(server.running.printed().lines(), &["/poem", "of-the-client"])
}

fn times_out(setup: &Setup) -> Result<(), String> {
    let server = serving(setup, "layers", &[], Transport::Cleartext)?;
    ask(setup, &server, "/slow", &[])?.has(&["HTTP/2 504", "x-request-id: "])?;
    in_order(server.running.printed().lines(), &["/slow"])
}

fn tower_client(setup: &Setup) -> Result<(), String> {
    let shown = run_short(setup, &mut example(setup, "tower_client"))?.text();
    let busy = "503 Service Unavailable";
    let wanted = format!("attempt 1: {busy}\nattempt 2: {busy}\nattempt 3: 200 OK\nthere you are\n");
    if shown == wanted { Ok(()) } else { Err(shown) }
}
