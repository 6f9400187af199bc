//! A client's connection as a tower service.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ::http::{Request, Response};
use bytes::Buf;

use super::request::{Origin, request_to_native};
use super::response::Expected;
use super::{BoxError, RecvBody};
use crate::client::{ResponseFuture, SendRequest};
use crate::error::{Error, Kind};

/// A connection's [`SendRequest`] for requests and responses in `http`'s types. Cheap to clone; generated gRPC clients, whose URIs
/// are paths alone, accept it as it is.
///
/// Request extensions that it heeds: [`Protocol`](super::Protocol) and [`OnInterim`](super::OnInterim). Extensions of its
/// responses: [`Control`](crate::Control), and [`Upgrade`](super::Upgrade) after CONNECT.
#[derive(Debug, Clone)]
pub struct Channel {
    sender: SendRequest,
    origin: Origin,
}

impl Channel {
    /// Sends on this connection; `origin` is that of URIs which do not say.
    #[must_use]
    pub fn new(sender: SendRequest, origin: Origin) -> Self {
        Self { sender, origin }
    }

    /// What it sends with.
    #[must_use]
    pub fn sender(&self) -> &SendRequest {
        &self.sender
    }
}

impl<B> tower_service::Service<Request<B>> for Channel
where
    B: http_body::Body<Data: Buf + Send, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response<RecvBody>;
    type Error = Error;
    type Future = Responding;

    /// Always ready while the connection is open: requests beyond the server's stream limit wait in a bounded queue of their own.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(if self.sender.is_open() { Ok(()) } else { Err(Error::new(Kind::Closed)) })
    }

    fn call(&mut self, request: Request<B>) -> Responding {
        Responding(match request_to_native(request, Some(&self.origin)) {
            Ok((native, expected)) => State::Sent(self.sender.send(native), Some(expected)),
            Err(e) => State::Failed(e),
        })
    }
}

/// A response that is awaited. Dropping it cancels the request.
#[derive(Debug)]
pub struct Responding(State);

#[derive(Debug)]
enum State {
    Sent(ResponseFuture, Option<Expected>),
    Failed(Error),
}

impl Future for Responding {
    type Output = Result<Response<RecvBody>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            State::Sent(response, expected) => {
                let response = ready!(Pin::new(response).poll(cx))?;
                // A second answer never comes.
                Poll::Ready(expected.take().ok_or(Error::new(Kind::Closed))?.response(response))
            }
            State::Failed(e) => Poll::Ready(Err(e.clone())),
        }
    }
}
