//! The client as a tower service, with tower's layers around it: a limit, a time limit, and a retry that knows what is safe to send
//! again. The server is in this program; it is busy at first.
//!
//! ```text
//! $ cargo run --example tower_client
//! attempt 1: 503 Service Unavailable
//! attempt 2: 503 Service Unavailable
//! attempt 3: 200 OK
//! there you are
//! ```
#![forbid(unsafe_code)]

use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ::http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use pellucid::driver::{self, memory};
use pellucid::http::{BoxError, Channel, RecvBody};
use tower::retry::Policy;
use tower::{Service, ServiceBuilder, ServiceExt};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let asked = Arc::new(AtomicUsize::new(0));
    let busy = move |_: driver::Request| {
        let is_busy = asked.fetch_add(1, Ordering::Relaxed) < 2;
        ready(if is_busy {
            driver::Response::new(503)
        } else {
            driver::Response::new(200).with_body("there you are\n")
        })
    };
    let channel = Channel::new(memory::connect(busy), "http://localhost".parse()?);
    let mut client = ServiceBuilder::new()
        .retry(Attempts { made: 0 })
        .timeout(Duration::from_secs(2))
        .concurrency_limit(10)
        .service(channel);

    let request = Request::get("/").body(Empty::<&[u8]>::new())?;
    let response = client.ready().await?.call(request).await?;
    let content = response.into_body().collect().await?.to_bytes();
    print!("{}", String::from_utf8_lossy(&content));
    Ok(())
}

/// At most three attempts.
#[derive(Clone)]
struct Attempts {
    made: usize,
}

type Get = Request<Empty<&'static [u8]>>;

impl Policy<Get, Response<RecvBody>, BoxError> for Attempts {
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut Get, result: &mut Result<Response<RecvBody>, BoxError>) -> Option<Ready<()>> {
        self.made += 1;
        let is_worth_it = match result {
            Ok(response) => {
                println!("attempt {}: {}", self.made, response.status());
                response.status() == StatusCode::SERVICE_UNAVAILABLE
            }
            Err(error) => {
                println!("attempt {}: {error}", self.made);
                // The server has not touched it, whatever it asked for.
                let error = error.downcast_ref::<driver::Error>();
                error.is_some_and(|error| error.retry() == driver::Retry::Safe)
            }
        };
        (is_worth_it && self.made < 3).then(|| ready(()))
    }

    fn clone_request(&mut self, request: &Get) -> Option<Get> {
        Some(request.clone())
    }
}
