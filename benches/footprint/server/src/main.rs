//! Pellucid's server.
#![forbid(unsafe_code)]

use pellucid::server::{Request, Response, Server};

fn main() -> std::io::Result<()> {
    let server = Server::bind(([127, 0, 0, 1], 0).into())?;
    println!("listening on http://{}", server.local_addr());
    server.run(|_: Request| async { Response::new(200).with_body("hello") }).map(drop)
}
