//! A tower service as the native one that a server's connection calls.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf;
use pellucid_conn::Fields;
use pin_project_lite::pin_project;

use super::fields::Unfit;
use super::request::received;
use super::response::Owed;
use super::{BoxError, RecvBody};
use crate::message::{Request, Response};
use crate::service::Service;

/// A tower service that answers the requests of a connection; made by [`service`]. Clones share what clones of the service share.
#[derive(Debug, Clone)]
pub struct HttpService<S>(S);

/// Lets a server's connection call a tower service: an axum `Router`, a tonic server, any of them inside any layers.
///
/// The service is cloned for each request, and the clone asked whether it is ready before it is called. Its future is polled by
/// the connection's task: nothing is spawned (see [`Spawn`](crate::Spawn) for handlers that compute for long). An error of
/// the service resets its request's stream, and no other, with INTERNAL_ERROR. A request that has no form in `http`'s types is
/// answered 400 (Bad Request) and not shown to the service.
pub fn service<S, B>(service: S) -> HttpService<S>
where
    S: tower_service::Service<::http::Request<RecvBody>, Response = ::http::Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: http_body::Body<Data: Buf + Send, Error: Into<BoxError>> + Send + 'static,
{
    HttpService(service)
}

impl<S, B> Service for HttpService<S>
where
    S: tower_service::Service<::http::Request<RecvBody>, Response = ::http::Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: http_body::Body<Data: Buf + Send, Error: Into<BoxError>> + Send + 'static,
{
    type Future = Answering<S, S::Future>;

    fn call(&self, request: Request) -> Self::Future {
        let state = match received(request) {
            Ok(made) => State::Waiting { service: self.0.clone(), request: Some(made) },
            Err(unfit) => State::Refused { why: unfit },
        };
        Answering { state }
    }
}

pin_project! {
    /// A request that a tower service is answering. Dropped with its stream, and the service's future with it.
    #[derive(Debug)]
    pub struct Answering<S, F> {
        #[pin]
        state: State<S, F>,
    }
}

pin_project! {
    #[project = Project]
    enum State<S, F> {
        /// Until the service is ready.
        Waiting { service: S, request: Option<(::http::Request<RecvBody>, Owed)> },
        /// Until it has answered.
        Calling { #[pin] call: F, owed: Option<Owed> },
        /// The service never sees it.
        Refused { why: Unfit },
    }
}

impl<S, F> std::fmt::Debug for State<S, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Waiting { .. } => "Waiting",
            Self::Calling { .. } => "Calling",
            Self::Refused { .. } => "Refused",
        })
    }
}

impl<S, B> Future for Answering<S, S::Future>
where
    S: tower_service::Service<::http::Request<RecvBody>, Response = ::http::Response<B>>,
    S::Error: Into<BoxError>,
    B: http_body::Body<Data: Buf + Send, Error: Into<BoxError>> + Send + 'static,
{
    type Output = Response;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response> {
        let mut state = self.project().state;
        loop {
            match state.as_mut().project() {
                Project::Waiting { service, request } => {
                    if let Err(e) = ready!(service.poll_ready(cx)) {
                        return Poll::Ready(failed(e));
                    }
                    // Taken once: the state changes right here.
                    let Some((request, owed)) = request.take() else { return Poll::Pending };
                    let call = service.call(request);
                    state.set(State::Calling { call, owed: Some(owed) });
                }
                Project::Calling { call, owed } => {
                    let outcome = ready!(call.poll(cx));
                    // Polled after its end, it waits for ever.
                    let Some(owed) = owed.take() else { return Poll::Pending };
                    return Poll::Ready(match outcome {
                        Ok(response) => owed.answer(response, cx),
                        Err(e) => failed(e),
                    });
                }
                Project::Refused { why } => {
                    let text = format!("this server cannot represent {}\n", why.0);
                    return Poll::Ready(Response::new(400).with_body(text));
                }
            }
        }
    }
}

/// A response without a status cannot be sent: the connection resets the stream instead.
fn failed(error: impl Into<BoxError>) -> Response {
    let error: BoxError = error.into();
    tracing::warn!(error = error.as_ref() as &dyn std::error::Error, "the service failed: its stream is reset");
    Response::from_fields(Fields::new())
}
