//! Server push (RFC 9113 §8.4): the style sheet is on its way before the page that needs it has been read. Most clients refuse it,
//! browsers among them; for those there is `early_hints`. nghttp takes it.
//!
//! ```text
//! $ cargo run --example push
//! listening on http://127.0.0.1:3000
//!
//! $ nghttp -nv http://127.0.0.1:3000/ | grep -A6 PUSH_PROMISE
//! [  0.001] recv PUSH_PROMISE frame <length=28, flags=0x04, stream_id=13>
//!           ; END_HEADERS
//!           (padlen=0, promised_stream_id=2)
//! ```
#![forbid(unsafe_code)]

use pellucid::server::{Request, Response, Server};

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
    println!("{}", server.serve(answer).await?);
    Ok(())
}

async fn answer(request: Request) -> Response {
    match request.path() {
        b"/" => page(request).await,
        b"/style.css" => style(),
        _ => Response::new(404),
    }
}

async fn page(request: Request) -> Response {
    if let (Some(control), Some(authority)) = (request.control(), request.authority()) {
        let authority = String::from_utf8_lossy(authority);
        let promised = Request::get("http", &authority, "/style.css");
        // The promise goes before the page that refers to what is promised: else the client might ask for it itself.
        match control.push(promised, style()).await {
            Ok(stream) => println!("pushing on stream {stream}"),
            Err(error) => println!("not pushing: {error}"),
        }
    }
    Response::new(200)
        .with_header("content-type", "text/html")
        .with_body("<link rel=stylesheet href=/style.css><h1>already here</h1>\n")
}

fn style() -> Response {
    Response::new(200).with_header("content-type", "text/css").with_body("h1 { color: teal }\n")
}
