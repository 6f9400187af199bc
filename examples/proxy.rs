//! A reverse proxy: content streams both ways, trailers and interim responses (103) pass, the upstream is told for whom it works.
//!
//! ```text
//! $ cargo run --example axum -- 127.0.0.1:3000
//! $ cargo run --example proxy -- 127.0.0.1:4000 http://127.0.0.1:3000
//! listening on http://127.0.0.1:4000
//!
//! $ curl --http2-prior-knowledge http://127.0.0.1:4000/whoami
//! 127.0.0.1:41094, for 127.0.0.1
//! ```
#![forbid(unsafe_code)]

use std::convert::Infallible;

use ::http::header::{HOST, HeaderValue, VIA};
use ::http::{HeaderName, Method, Request, Response, StatusCode, Uri};
use pellucid::client::http::OriginClient;
use pellucid::client::{Client, Url};
use pellucid::driver::Body;
use pellucid::http::{self, Facts, OnInterim, RecvBody};
use pellucid::server::Server;
use tower::{Service, service_fn};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let address = args.next().unwrap_or("127.0.0.1:4000".into());
    let upstream: Url = args.next().unwrap_or("http://127.0.0.1:3000".into()).parse()?;
    // Connects when it is needed, and again when a connection has ended.
    let upstream = Client::new().at(&upstream)?;
    let server = Server::bind(address.parse()?)?;
    println!("listening on http://{}", server.local_addr());

    let shutdown = server.shutdown();
    tokio::spawn(async move {
        let _ = tokio::signal::ctrl_c().await;
        shutdown.shut_down();
    });
    let proxy = service_fn(move |request| forward(upstream.clone(), request));
    println!("{}", server.serve(http::service(proxy)).await?);
    Ok(())
}

async fn forward(mut upstream: OriginClient, request: Request<RecvBody>) -> Result<Response<RecvBody>, Infallible> {
    if request.method() == Method::CONNECT {
        return Ok(refusal(StatusCode::NOT_IMPLEMENTED, "this proxy makes no tunnels"));
    }
    Ok(match upstream.call(for_upstream(request)).await {
        Ok(response) => response,
        Err(error) if error.is_timeout() => refusal(StatusCode::GATEWAY_TIMEOUT, &error),
        Err(error) => refusal(StatusCode::BAD_GATEWAY, &error),
    })
}

/// Fields that are for one connection only do not pass: HTTP/2 has none (RFC 9113 §8.2.2).
fn for_upstream(mut request: Request<RecvBody>) -> Request<RecvBody> {
    // The origin in the URI is the proxy's; what is left of it without is the upstream's.
    *request.uri_mut() = request.uri().path_and_query().cloned().map(Uri::from).unwrap_or_default();
    request.headers_mut().remove(HOST);
    request.headers_mut().append(VIA, HeaderValue::from_static("2.0 pellucid-proxy"));
    let Some(facts) = request.extensions().get::<Facts>().cloned() else { return request };
    if let Some(Ok(peer)) = facts.info().peer.map(|peer| HeaderValue::try_from(peer.ip().to_string())) {
        request.headers_mut().append(FORWARDED_FOR, peer);
    }
    // An interim response that comes when the client has gone is nobody's loss.
    request.extensions_mut().insert(OnInterim::new(move |interim| drop(facts.inform(interim))));
    request
}

fn refusal(status: StatusCode, why: impl std::fmt::Display) -> Response<RecvBody> {
    let mut response = Response::new(RecvBody::from(Body::from(format!("{why}\n"))));
    *response.status_mut() = status;
    response
}

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
