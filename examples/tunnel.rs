//! Tunnels (CONNECT, RFC 9113 §8.5): TCP connections as streams of one HTTP/2 connection. With one argument or none this is the
//! proxy, which connects to loopback addresses only; with three it listens, and sends every connection through a proxy to a
//! target.
//!
//! ```text
//! $ cargo run --example tunnel
//! listening on http://127.0.0.1:3000
//!
//! $ cargo run --example tunnel -- 127.0.0.1:4000 http://127.0.0.1:3000 127.0.0.1:8080
//! listening on http://127.0.0.1:4000
//!
//! $ curl http://127.0.0.1:4000/       # answered by what listens on port 8080
//! ```
#![forbid(unsafe_code)]

use std::net::SocketAddr;

use pellucid::client::{Client, Url};
use pellucid::driver::Connected;
use pellucid::server::{Request, Response, Server};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

type Error = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.as_slice() {
        [] => proxy("127.0.0.1:3000").await,
        [address] => proxy(address).await,
        [address, proxy, target] => forward(address, proxy, target).await,
        _ => Err("wants [ADDRESS], or ADDRESS PROXY TARGET".into()),
    }
}

async fn proxy(address: &str) -> Result<(), Error> {
    let server = Server::bind(address.parse()?)?;
    println!("listening on http://{}", server.local_addr());

    let shutdown = server.shutdown();
    tokio::spawn(async move {
        let _ = tokio::signal::ctrl_c().await;
        shutdown.shut_down();
    });
    println!("{}", server.serve(connect).await?);
    Ok(())
}

async fn connect(request: Request) -> Response {
    if request.method() != b"CONNECT" || request.protocol().is_some() {
        return Response::new(405).with_header("allow", "CONNECT");
    }
    let target = request.authority().and_then(|name| std::str::from_utf8(name).ok()?.parse::<SocketAddr>().ok());
    // A proxy that goes anywhere for anybody is a gift to attackers.
    let Some(target) = target.filter(|target| target.ip().is_loopback()) else {
        return Response::new(403).with_body("loopback addresses only\n");
    };
    let Ok(mut target) = TcpStream::connect(target).await else { return Response::new(502) };
    let (response, mut tunnel) = request.into_tunnel();
    // Until both sides have said all; a side that breaks off breaks the other off.
    tokio::spawn(async move { copy_bidirectional(&mut tunnel, &mut target).await });
    response
}

async fn forward(address: &str, proxy: &str, target: &str) -> Result<(), Error> {
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let (client, proxy): (_, Url) = (Client::new(), proxy.parse()?);
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (client, proxy, target) = (client.clone(), proxy.clone(), target.to_owned());
                let (socket, _) = accepted?;
                tokio::spawn(async move {
                    if let Err(error) = carry(socket, &client, &proxy, &target).await {
                        eprintln!("{error}");
                    }
                });
            }
            _ = tokio::signal::ctrl_c() => return Ok(()),
        }
    }
}

async fn carry(mut socket: TcpStream, client: &Client, proxy: &Url, target: &str) -> Result<(), Error> {
    match client.connect_via(proxy, Request::connect(target)).await? {
        Connected::Tunnel(_, mut tunnel) => copy_bidirectional(&mut socket, &mut tunnel).await.map(drop)?,
        Connected::Refused(response) => eprintln!("the proxy said {}", response.status()),
    }
    Ok(())
}
