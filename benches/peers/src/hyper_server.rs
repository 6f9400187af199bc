//! The hyper server that `cargo xtask peers speed` measures Pellucid against: h2c by prior knowledge, 1 KiB from memory for any request.
//!
//! It is what a careful user of hyper would write, not a straw man: one current-thread runtime, TCP_NODELAY, a body that is
//! cloned without copying, hyper's own defaults but for MAX_CONCURRENT_STREAMS (1,000, so that the load's 100 are never refused).
#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::env;
use std::error::Error;
use std::net::Ipv4Addr;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};

/// What every request is answered with.
static BODY: [u8; 1024] = [b'x'; 1024];

/// More than any load here keeps open on one connection.
const MAX_CONCURRENT_STREAMS: u32 = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    let port = env::args()
        .nth(1)
        .map_or(Ok(0), |port| port.parse::<u16>())?;
    tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?
        .block_on(serve(port))
}

async fn serve(port: u16) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        tokio::spawn(connection(socket));
    }
}

/// A connection's end, whatever its reason, is no concern of the others.
async fn connection(socket: TcpStream) {
    let _ = http2::Builder::new(TokioExecutor::new())
        .max_concurrent_streams(MAX_CONCURRENT_STREAMS)
        .serve_connection(TokioIo::new(socket), service_fn(answer))
        .await;
}

async fn answer(_request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::new(Bytes::from_static(&BODY))))
}
