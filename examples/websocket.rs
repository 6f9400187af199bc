//! WebSocket over HTTP/2 (RFC 8441): each WebSocket is one stream, an extended CONNECT; any library that takes an `AsyncRead +
//! AsyncWrite` speaks on it. Without a word to say this is the echo server, else its client.
//!
//! ```text
//! $ cargo run --example websocket
//! listening on http://127.0.0.1:3000
//!
//! $ cargo run --example websocket -- http://127.0.0.1:3000/echo hello multiplexed world
//! hello
//! multiplexed
//! world
//! ```
#![forbid(unsafe_code)]

use futures_util::{SinkExt, StreamExt};
use pellucid::client::{Client, Url};
use pellucid::driver::{Connected, Tunnel};
use pellucid::server::{Config, Request, Response, Server};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{self, Message, protocol::Role};

type Error = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.as_slice() {
        [] => serve("127.0.0.1:3000").await,
        [address] => serve(address).await,
        [url, words @ ..] => talk(&url.parse()?, words).await,
    }
}

async fn serve(address: &str) -> Result<(), Error> {
    let mut config = Config::server();
    // Tells clients that they may (SETTINGS_ENABLE_CONNECT_PROTOCOL).
    config.enable_connect_protocol = true;
    let server = Server::builder().config(config).bind(address.parse()?)?;
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
    if request.protocol() != Some(b"websocket") || request.path() != b"/echo" {
        return Response::new(404);
    }
    let (response, tunnel) = request.into_tunnel();
    tokio::spawn(async move {
        if let Err(error) = echo(tunnel).await {
            eprintln!("a WebSocket ended badly: {error}");
        }
    });
    response
}

async fn echo(tunnel: Tunnel) -> Result<(), tungstenite::Error> {
    let mut socket = WebSocketStream::from_raw_socket(tunnel, Role::Server, None).await;
    while let Some(message) = socket.next().await {
        let message = message?;
        // Pings and the closing handshake are answered by the socket itself.
        if message.is_text() || message.is_binary() {
            socket.send(message).await?;
        }
    }
    Ok(())
}

async fn talk(url: &Url, words: &[String]) -> Result<(), Error> {
    let client = Client::new();
    let request = Request::extended_connect("websocket", url.scheme(), url.authority(), url.path());
    let tunnel = match client.connect(request.with_header("sec-websocket-version", "13")).await? {
        Connected::Tunnel(_, tunnel) => tunnel,
        Connected::Refused(response) => return Err(format!("the server said {}", response.status()).into()),
    };
    let mut socket = WebSocketStream::from_raw_socket(tunnel, Role::Client, None).await;
    for word in words {
        socket.send(Message::text(word)).await?;
        match socket.next().await {
            Some(answer) => println!("{}", answer?.into_text()?),
            None => return Err("the server hung up".into()),
        }
    }
    socket.close(None).await?;
    while let Some(rest) = socket.next().await {
        rest?;
    }
    client.shut_down().await;
    Ok(())
}
