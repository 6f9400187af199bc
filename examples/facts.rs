//! What a handler may know of the connection a request came on: addresses, TLS, its number, its stream, its figures.
//!
//! ```text
//! $ cargo run --example facts
//! listening on https://127.0.0.1:3000
//!
//! $ curl --http2 -k https://localhost:3000/
//! connection 1, stream 1
//! from 127.0.0.1:52114 to 127.0.0.1:3000
//! TLSv1.3 with TLS13_AES_256_GCM_SHA384, ALPN h2
//! asked for the server name localhost
//! showed 0 certificates
//! streams so far: 1, open now: 1
//! ```
#![forbid(unsafe_code)]

use std::fmt::Write;

use pellucid::server::tls::Identity;
use pellucid::server::{Info, Request, Response, Server};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:3000".into());
    let server = Server::builder().tls(Identity::self_signed(&[])?).bind(address.parse()?)?;
    println!("listening on https://{}", server.local_addr());

    let shutdown = server.shutdown();
    tokio::spawn(async move {
        let _ = tokio::signal::ctrl_c().await;
        shutdown.shut_down();
    });
    println!("{}", server.serve(facts).await?);
    Ok(())
}

async fn facts(request: Request) -> Response {
    let mut text = String::new();
    if let Some(info) = request.info() {
        let _ = writeln!(text, "connection {}, stream {}", info.id, request.stream());
        // Writing to a String cannot fail.
        let _ = of_connection(info, &mut text);
    }
    if let Some(control) = request.control()
        && let Some(stats) = control.stats().await
    {
        let _ = writeln!(text, "streams so far: {}, open now: {}", stats.counters.streams_accepted, stats.live_streams);
    }
    Response::new(200).with_header("content-type", "text/plain").with_body(text)
}

fn of_connection(info: &Info, text: &mut String) -> std::fmt::Result {
    if let (Some(peer), Some(local)) = (info.peer, info.local) {
        writeln!(text, "from {peer} to {local}")?;
    }
    let Some(tls) = &info.tls else { return writeln!(text, "in clear text") };
    let alpn = tls.alpn.as_deref().unwrap_or("none");
    writeln!(text, "{} with {}, ALPN {alpn}", tls.version, tls.cipher_suite)?;
    writeln!(text, "asked for the server name {}", tls.server_name.as_deref().unwrap_or("(none)"))?;
    writeln!(text, "showed {} certificates", tls.peer_certificates.len())
}
