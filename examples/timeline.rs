//! Watches a connection: every frame in both directions, its fields decoded, with the time at which it passed. Server and client
//! are in this program; any connection of yours is watched in the same way, by the `tap` of its options.
//!
//! ```text
//! $ cargo run --example timeline
//!              …
//!   0.3 ms  -> HEADERS stream 1 END_STREAM END_HEADERS, 11 octets
//!               :method: GET  [indexed 2, static]
//!               :scheme: http  [indexed 6, static]
//!               :authority: localhost  [literal, added to the table; name 1, static; value Huffman; now 62]
//!               :path: /  [indexed 4, static]
//!               (block ends: 4 fields, section size 174; table 51 of 4096 octets, 1 entry)
//!              …
//!   0.4 ms  <- DATA stream 1 END_STREAM, 12 octets
//!               12 octets of content; the server may still send 262132 on the stream, 33554420 on the connection
//!              …
//! ```
#![forbid(unsafe_code)]

use std::time::Instant;

use pellucid::conn::h2::Role;
use pellucid::conn::tap::{Record, text};
use pellucid::driver::{Request, Response, client, memory, server, watch};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let start = Instant::now();
    let mut options = client::Options::default();
    // Called by the connection's task: a program that serves others would send the records elsewhere.
    options.tap = Some(watch(Role::Client, move |record| show(start, &record)));

    let hello = |_: Request| async { Response::new(200).with_body("hello, tap!\n") };
    let client = memory::connect_with(hello, server::Options::default(), options)?;
    for path in ["/", "/again"] {
        let response = client.send(Request::get("http", "localhost", path)).await?;
        response.into_body().collect(1024).await?;
    }
    Ok(())
}

/// A record has the frame's head and fields as values; here their text is enough. Secret fields are not shown.
fn show(start: Instant, record: &Record) {
    let at = start.elapsed().as_secs_f64() * 1e3;
    let told = text::render(record, text::Secrets::Redacted);
    for (n, line) in told.lines().enumerate() {
        match n {
            0 => println!("{at:5.1} ms  {line}"),
            _ => println!("          {line}"),
        }
    }
}
