//! A server in a dozen lines: it answers every request with the path that was asked for.
//!
//! ```text
//! $ cargo run --example hello
//! listening on http://127.0.0.1:3000
//!
//! $ curl --http2-prior-knowledge http://127.0.0.1:3000/world
//! hello, /world
//! ```
#![forbid(unsafe_code)]

use pellucid::server::{Request, Response, Server};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:3000".into());
    let server = Server::bind(address.parse()?)?;
    println!("listening on http://{}", server.local_addr());

    // Ctrl-C: no new requests, those that are under way may finish.
    let shutdown = server.shutdown();
    tokio::spawn(async move {
        let _ = tokio::signal::ctrl_c().await;
        shutdown.shut_down();
    });
    println!("{}", server.serve(hello).await?);
    Ok(())
}

async fn hello(request: Request) -> Response {
    let path = String::from_utf8_lossy(request.path());
    Response::new(200).with_header("content-type", "text/plain").with_body(format!("hello, {path}\n"))
}
