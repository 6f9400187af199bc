//! What answers requests.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::task::JoinHandle;
use tracing::Instrument;

use crate::message::{Request, Response};

/// Answers requests. Any `Fn(Request) -> impl Future<Output = Response>` is one; so is a shared one in an `Arc`.
///
/// The future is polled by the task that owns the connection, at once when the request arrives. A handler that computes for
/// long holds up its siblings: wrap such a service in [`Spawn`]. A handler that panics resets its own stream only.
///
/// ```
/// use pellucid_driver::{Request, Response, Service};
///
/// fn answers(_: impl Service) {}
/// answers(|request: Request| async move { Response::new(200).with_body(request.path().to_vec()) });
/// ```
pub trait Service: Send + 'static {
    /// What a call becomes. Dropped when the client resets the stream: then it is cancelled at its current await.
    type Future: Future<Output = Response> + Send + 'static;

    /// Answers one request.
    fn call(&self, request: Request) -> Self::Future;
}

impl<F, R> Service for F
where
    F: Fn(Request) -> R + Send + 'static,
    R: Future<Output = Response> + Send + 'static,
{
    type Future = R;

    fn call(&self, request: Request) -> R {
        self(request)
    }
}

impl<S: Service + Sync> Service for Arc<S> {
    type Future = S::Future;

    fn call(&self, request: Request) -> S::Future {
        S::call(self, request)
    }
}

/// Runs each handler as a task of its own, so that one that burns CPU does not hold up its siblings (on a runtime with several
/// threads). Costs a task a request.
#[derive(Debug, Clone, Copy)]
pub struct Spawn<S>(pub S);

impl<S: Service> Service for Spawn<S> {
    type Future = Spawned;

    fn call(&self, request: Request) -> Spawned {
        Spawned(tokio::spawn(self.0.call(request).in_current_span()))
    }
}

/// A handler's task; aborted when dropped.
#[derive(Debug)]
pub struct Spawned(JoinHandle<Response>);

impl Future for Spawned {
    type Output = Response;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response> {
        match Pin::new(&mut self.0).poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(response)) => Poll::Ready(response),
            // A panic in the task is a panic of the handler; the owner of this future isolates it.
            Poll::Ready(Err(e)) => match e.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Poll::Ready(Response::new(503)),
            },
        }
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        self.0.abort();
    }
}
