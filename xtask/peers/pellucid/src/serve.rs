//! The server: one path a thing that clients ask for.

use std::sync::OnceLock;

use pellucid::server::tls::Identity;
use pellucid::server::{Body, Connections, Request, Response, Server};

use crate::Failure;
use crate::pattern::{BIG, SMALL, pattern};

/// Serves until it is killed; over TLS with a certificate and its key.
pub(crate) async fn run(identity: Option<(&str, &str)>) -> Result<(), Failure> {
    let mut builder = Server::builder();
    let mut scheme = "http";
    if let Some((cert, key)) = identity {
        builder = builder.tls(Identity::from_pem(&std::fs::read(cert)?, &std::fs::read(key)?)?);
        scheme = "https";
    }
    let server = builder.bind(([127, 0, 0, 1], 0).into())?;
    println!("listening on {scheme}://{}", server.local_addr());
    let connections = server.connections();
    server.serve(move |request| told(connections.clone(), request)).await?;
    Ok(())
}

/// Every response says which connection it came on, so that a client behind a proxy can see that it was another one.
async fn told(connections: Connections, request: Request) -> Response {
    let number = request.info().map(|info| info.id.to_string()).unwrap_or_default();
    answer(connections, request).await.with_header("x-connection", number)
}

async fn answer(connections: Connections, request: Request) -> Response {
    match (request.method(), request.path()) {
        (_, b"/1k") => sized(SMALL).with_body(pattern(SMALL)),
        (_, b"/10m") => sized(BIG).with_body(big()),
        (b"POST", b"/echo") => {
            let length = request.header("content-length").map(<[u8]>::to_vec);
            let response = Response::new(200).with_header("content-type", "application/grpc");
            let response = match length {
                Some(length) => response.with_header("content-length", length),
                None => response,
            };
            response.with_body(request.into_body())
        }
        (b"POST", b"/whole") => whole(request).await,
        (_, b"/trailers") => trailers(),
        (_, b"/hints") => hints(&request),
        // The body is left where it is: dropping it tells the client to stop (RFC 9113 §8.1).
        (_, b"/early") => text(413, "early"),
        (_, b"/large") => {
            let large = request.header("x-large").unwrap_or_default().to_vec();
            text(200, &large.len().to_string()).with_header("x-large", large)
        }
        (_, b"/leave") => leave(&connections, &request),
        _ => text(404, "no such path"),
    }
}

/// An echo that begins when the request has ended, for a proxy that cannot carry both directions at once.
async fn whole(request: Request) -> Response {
    match request.into_body().collect(BIG as usize).await {
        Ok(content) => sized(BIG).with_body(content),
        Err(error) => text(400, &error.to_string()),
    }
}

fn text(status: u16, text: &str) -> Response {
    Response::new(status).with_header("content-type", "application/grpc").with_body(text.as_bytes().to_vec())
}

fn sized(octets: u32) -> Response {
    Response::new(200).with_header("content-type", "application/grpc").with_header("content-length", octets.to_string())
}

/// The same octets for everybody.
fn big() -> &'static [u8] {
    static OCTETS: OnceLock<Vec<u8>> = OnceLock::new();
    OCTETS.get_or_init(|| pattern(BIG))
}

fn trailers() -> Response {
    let (sender, body) = Body::channel(2);
    tokio::spawn(async move {
        let mut fields = pellucid::server::Fields::default();
        fields.push(b"x-checksum", b"42");
        // Where the client has gone, nobody is left to tell.
        if sender.send("body").await.is_ok() {
            let _ = sender.trailers(fields).await;
        }
    });
    Response::new(200)
        .with_header("content-type", "application/grpc")
        .with_header("trailer", "x-checksum")
        .with_body(body)
}

fn hints(request: &Request) -> Response {
    let hint = Response::interim(103).with_header("link", "</style.css>; rel=preload");
    match request.control().map(|control| control.inform(hint)) {
        Some(Ok(())) => text(200, "hinted"),
        _ => text(500, "no interim response"),
    }
}

/// Tells the connection this came on to leave (RFC 9113 §6.8).
fn leave(connections: &Connections, request: &Request) -> Response {
    let number = request.info().map(|info| info.id);
    match connections.list().iter().find(|open| Some(open.info().id) == number) {
        Some(open) => {
            open.shut_down();
            text(200, "leaving")
        }
        None => text(500, "no such connection"),
    }
}
