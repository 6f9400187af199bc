//! A service and its client in one process, joined in memory: how to test a service without a port, a socket or a sleep. The
//! octets between them are HTTP/2 all the same.
//!
//! ```text
//! $ cargo run --example in_memory
//! 200 for /orders/7: order 7 is on its way
//! 404 for /nothing: no such order
//! 12 requests at once: 12 answers
//! ```
#![forbid(unsafe_code)]

use pellucid::driver::{Request, Response, memory};

/// What is to be tested.
async fn orders(request: Request) -> Response {
    match request.path().strip_prefix(b"/orders/") {
        Some(number) => {
            let number = String::from_utf8_lossy(number);
            Response::new(200).with_body(format!("order {number} is on its way"))
        }
        None => Response::new(404).with_body("no such order"),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = memory::connect(orders);
    for path in ["/orders/7", "/nothing"] {
        let response = client.send(Request::get("http", "localhost", path)).await?;
        let status = response.status();
        let text = response.into_body().collect(1024).await?;
        println!("{status} for {path}: {}", String::from_utf8_lossy(&text));
    }

    let requests: Vec<_> =
        (0..12).map(|n| client.send(Request::get("http", "localhost", &format!("/orders/{n}")))).collect();
    let mut answers = 0;
    for (n, response) in requests.into_iter().enumerate() {
        let text = response.await?.into_body().collect(1024).await?;
        assert_eq!(text, format!("order {n} is on its way"));
        answers += 1;
    }
    println!("12 requests at once: {answers} answers");
    Ok(())
}
