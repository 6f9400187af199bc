//! One axum program on two transports, hyper and Pellucid: what changes when only the transport does. h2c by prior knowledge, 1 KiB
//! from memory for `/` and anything below it.
//!
//! `axum-server hyper PORT` and `axum-server pellucid PORT`. On hyper it is what `axum::serve` does, without the HTTP/1 sniffing that
//! it would add, and with MAX_CONCURRENT_STREAMS of 1,000, as ours has here, so that the load's 100 are never refused.
#![forbid(unsafe_code)]

use std::env;
use std::error::Error;
use std::net::Ipv4Addr;

use axum::Router;
use axum::body::Bytes;
use axum::routing::get;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use pellucid::server::{Config, Server};
use tokio::net::TcpListener;

/// What every request is answered with.
static BODY: [u8; 1024] = [b'x'; 1024];

const MAX_CONCURRENT_STREAMS: u32 = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let transport = args.next().unwrap_or_default();
    let port = args.next().map_or(Ok(0), |port| port.parse::<u16>())?;
    let answer = || async { Bytes::from_static(&BODY) };
    let app = Router::new().route("/", get(answer)).route("/{*path}", get(answer));
    match transport.as_str() {
        "pellucid" => {
            let mut config = Config::server();
            config.max_concurrent_streams = MAX_CONCURRENT_STREAMS;
            let server = Server::builder().config(config).bind((Ipv4Addr::LOCALHOST, port).into())?;
            println!("listening on http://{}", server.local_addr());
            server.run(pellucid::http::service(app))?;
            Ok(())
        }
        "hyper" => tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(on_hyper(app, port)),
        _ => Err("say which transport: hyper or pellucid".into()),
    }
}

async fn on_hyper(app: Router, port: u16) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let service = TowerToHyperService::new(app.clone());
        tokio::spawn(async move {
            // A connection's end, whatever its reason, is no concern of the others.
            let _ = http2::Builder::new(TokioExecutor::new())
                .max_concurrent_streams(MAX_CONCURRENT_STREAMS)
                .serve_connection(TokioIo::new(socket), service)
                .await;
        });
    }
}
