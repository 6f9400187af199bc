//! An axum application over Pellucid, its handlers unchanged: path parameters, JSON in and out, shared state, server-sent events,
//! content of any length both ways, trailers, and who is asking. One line serves it.
//!
//! ```text
//! $ cargo run --example axum
//! listening on http://127.0.0.1:3000
//!
//! $ alias h2='curl --http2-prior-knowledge'
//! $ h2 http://127.0.0.1:3000/users -H 'content-type: application/json' -d '{"name":"Ada"}'
//! {"id":1,"name":"Ada"}
//! $ h2 http://127.0.0.1:3000/users/1
//! {"id":1,"name":"Ada"}
//! $ h2 -T Cargo.lock http://127.0.0.1:3000/upload
//! 43210 octets
//! $ h2 http://127.0.0.1:3000/bytes/1000000000 -o /dev/null
//! $ h2 -N http://127.0.0.1:3000/ticks
//! data: tick 1
//!
//! data: tick 2
//! ```
#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::sse::{Event, Sse};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use futures_util::{Stream, StreamExt, stream};
use http_body::Frame;
use http_body_util::StreamBody;
use pellucid::http;
use pellucid::server::Server;
use serde_json::{Value, json};

/// The users' names, in the order in which they came.
type Users = Arc<Mutex<Vec<String>>>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
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
    Router::new()
        .route("/users", post(add_user))
        .route("/users/{id}", get(user))
        .route("/ticks", get(ticks))
        .route("/upload", put(upload))
        .route("/bytes/{count}", get(octets))
        .route("/whoami", get(who_am_i))
        .with_state(Users::default())
}

async fn add_user(
    State(users): State<Users>,
    Json(wanted): Json<Value>,
) -> Result<(StatusCode, Json<Value>), StatusCode> {
    let name = wanted.get("name").and_then(Value::as_str).ok_or(StatusCode::UNPROCESSABLE_ENTITY)?;
    let mut users = users.lock().unwrap_or_else(PoisonError::into_inner);
    users.push(name.to_owned());
    Ok((StatusCode::CREATED, Json(json!({ "id": users.len(), "name": name }))))
}

async fn user(State(users): State<Users>, Path(id): Path<usize>) -> Result<Json<Value>, StatusCode> {
    let users = users.lock().unwrap_or_else(PoisonError::into_inner);
    let name = id.checked_sub(1).and_then(|at| users.get(at)).ok_or(StatusCode::NOT_FOUND)?;
    Ok(Json(json!({ "id": id, "name": name })))
}

/// Ten events a second, until the client has had enough.
async fn ticks() -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let clock = tokio::time::interval(Duration::from_millis(100));
    Sse::new(stream::unfold((clock, 1), |(mut clock, n)| async move {
        clock.tick().await;
        Some((Ok(Event::default().data(format!("tick {n}"))), (clock, n + 1)))
    }))
}

/// Counts without keeping: what is read is gone, and what is not read keeps the client waiting.
async fn upload(body: Body) -> Result<String, StatusCode> {
    let (mut pieces, mut count) = (body.into_data_stream(), 0);
    while let Some(piece) = pieces.next().await {
        count += piece.map_err(|_| StatusCode::BAD_REQUEST)?.len();
    }
    Ok(format!("{count} octets\n"))
}

/// As many octets as are asked for, made as the client takes them, and their number once more as a trailer.
async fn octets(Path(count): Path<usize>) -> Body {
    static PIECE: [u8; 64 << 10] = [b'.'; 64 << 10];
    let content = stream::unfold(count, |left| async move {
        let piece = PIECE.get(..left).unwrap_or(&PIECE);
        (!piece.is_empty()).then(|| (Ok(Frame::data(Bytes::from_static(piece))), left - piece.len()))
    });
    let trailers = HeaderMap::from_iter([(HeaderName::from_static("x-octets"), HeaderValue::from(count))]);
    let end = stream::iter([Ok::<_, Infallible>(Frame::trailers(trailers))]);
    Body::new(StreamBody::new(content.chain(end)))
}

async fn who_am_i(ConnectInfo(peer): ConnectInfo<SocketAddr>, headers: HeaderMap) -> String {
    // Behind proxies the connection is the last one's.
    let forwarded: Vec<_> = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok()).collect();
    match forwarded.join(", ") {
        empty if empty.is_empty() => format!("{peer}, for itself\n"),
        clients => format!("{peer}, for {clients}\n"),
    }
}
