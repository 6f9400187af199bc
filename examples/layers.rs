//! tower-http's layers around an axum application over Pellucid: tracing, request ids, a time limit, compression.
//!
//! ```text
//! $ cargo run --example layers
//! listening on http://127.0.0.1:3000
//!
//! $ curl -v --compressed --http2-prior-knowledge http://127.0.0.1:3000/poem
//! < HTTP/2 200
//! < content-encoding: gzip
//! < x-request-id: 0b0f5b1c-…
//! $ curl -v --http2-prior-knowledge http://127.0.0.1:3000/slow
//! < HTTP/2 504
//! ```
#![forbid(unsafe_code)]

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use pellucid::http;
use pellucid::server::Server;
use tower::ServiceBuilder;
use tower_http::compression::CompressionLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::{DefaultMakeSpan, DefaultOnResponse, TraceLayer};
use tracing_subscriber::filter::LevelFilter;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_max_level(LevelFilter::INFO).with_writer(std::io::stderr).init();
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:3000".into());
    let server = Server::bind(address.parse()?)?;
    println!("listening on http://{}", server.local_addr());

    let shutdown = server.shutdown();
    tokio::spawn(async move {
        let _ = tokio::signal::ctrl_c().await;
        shutdown.shut_down();
    });
    println!("{}", server.serve(http::service(application())).await?);
    Ok(())
}

fn application() -> Router {
    let info = tracing::Level::INFO;
    // The first of them is the outermost.
    let layers = ServiceBuilder::new()
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(DefaultMakeSpan::new().level(info).include_headers(true))
                .on_response(DefaultOnResponse::new().level(info)),
        )
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_millis(200)))
        .layer(CompressionLayer::new());
    Router::new().route("/poem", get(poem)).route("/slow", get(slow)).layer(layers)
}

async fn poem() -> String {
    "A frame is a frame is a frame.\n".repeat(100)
}

async fn slow() -> &'static str {
    tokio::time::sleep(Duration::from_secs(3600)).await;
    "nobody waits for this"
}
