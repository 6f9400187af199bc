//! Pellucid's driver on sockets of our own.
#![forbid(unsafe_code)]

use pellucid_driver::server::{Options, serve_connection};
use pellucid_driver::{Request, Response};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("listening on http://{}", listener.local_addr()?);
        loop {
            let (stream, _) = listener.accept().await?;
            let hello = |_: Request| async { Response::new(200).with_body("hello") };
            tokio::spawn(serve_connection(stream, hello, Options::default())?);
        }
    })
}
