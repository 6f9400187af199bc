//! Bring your own I/O: connections from a listener of your own, here a Unix socket; anything that is `AsyncRead + AsyncWrite` is
//! served in the same way.
//!
//! ```text
//! $ cargo run --example unix_socket -- /tmp/hello.sock
//! listening on unix:/tmp/hello.sock
//!
//! $ curl --unix-socket /tmp/hello.sock --http2-prior-knowledge http://localhost/
//! hello over a Unix socket
//! ```
#![forbid(unsafe_code)]

#[cfg(unix)]
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    use pellucid::driver::{Request, Response, server};

    let path = std::env::args().nth(1).unwrap_or("/tmp/hello.sock".into());
    let listener = tokio::net::UnixListener::bind(&path)?;
    println!("listening on unix:{path}");

    let hello = |_: Request| async { Response::new(200).with_body("hello over a Unix socket\n") };
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (socket, _) = accepted?;
                // The future is the connection: it is done when the connection is closed.
                tokio::spawn(server::serve_connection(socket, hello, server::Options::default())?);
            }
            _ = tokio::signal::ctrl_c() => break,
        }
    }
    Ok(std::fs::remove_file(path)?)
}

#[cfg(not(unix))]
fn main() {
    println!("there are no Unix sockets here");
}
