//! 103 (Early Hints): the browser is told what the page will need while the page is still being made (RFC 8297).
//!
//! ```text
//! $ cargo run --example early_hints
//! listening on http://127.0.0.1:3000
//!
//! $ curl -sv --http2-prior-knowledge http://127.0.0.1:3000/ 2>&1 | grep '^<'
//! < HTTP/2 103
//! < link: </style.css>; rel=preload; as=style
//! < HTTP/2 200
//! < content-type: text/html
//! ```
#![forbid(unsafe_code)]

use std::time::Duration;

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
        b"/style.css" => Response::new(200).with_header("content-type", "text/css").with_body("h1 { color: teal }\n"),
        b"/" => page(request).await,
        _ => Response::new(404),
    }
}

async fn page(request: Request) -> Response {
    const STYLE: &str = "</style.css>; rel=preload; as=style";
    if let Some(control) = request.control() {
        // On its way at once. It can only fail for an interim response that is none.
        let _ = control.inform(Response::interim(103).with_header("link", STYLE));
    }
    // The database thinks.
    tokio::time::sleep(Duration::from_millis(50)).await;
    Response::new(200)
        .with_header("content-type", "text/html")
        .with_body("<link rel=stylesheet href=/style.css><h1>worth the wait</h1>\n")
}
