//! The client as a tower service in the types of the `http` crate (feature `http`).
//!
//! [`Client`] itself is one, for requests whose URIs are absolute. [`OriginClient`] (see [`Client::at`]) is one for a single server,
//! for those whose URIs are paths alone: generated gRPC clients. What is heeded and what responses carry is told at
//! [`pellucid_driver::http::Channel`].
//!
//! Where a request goes is the URI's to say. A `host` field only becomes its `:authority`: one that a stranger has sent, and a
//! proxy passes on, leads nowhere else.
//!
//! ```no_run
//! use http_body_util::{BodyExt, Empty};
//! use pellucid_client::Client;
//! use tower_service::Service;
//!
//! # async fn get() -> Result<(), Box<dyn std::error::Error>> {
//! let mut client = Client::new();
//! let request = http::Request::get("http://127.0.0.1:8080/hello").body(Empty::<bytes::Bytes>::new())?;
//! let response = client.call(request).await?;
//! println!("{}: {:?}", response.status(), response.into_body().collect().await?.to_bytes());
//! # Ok(())
//! # }
//! ```

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use ::http::{HeaderMap, Request, Response, Uri, header};
use bytes::Buf;
use pellucid_driver::Error;
use pellucid_driver::conn::SendError;
use pellucid_driver::http::{BoxError, Origin, RecvBody, request_to_native};

use crate::client::Client;
use crate::error::ConnectError;
use crate::url::Url;

/// A [`Client`] for the requests to one server. Cheap to clone.
#[derive(Debug, Clone)]
pub struct OriginClient {
    client: Client,
    url: Arc<Url>,
    origin: Origin,
}

/// A response that is awaited. Dropping it cancels the request.
pub struct Responding(Pin<Box<dyn Future<Output = Result<Response<RecvBody>, Error>> + Send>>);

impl Client {
    /// This client, for requests to the server of `url` whose URIs are no more than paths, and for tunnels through it. Requests
    /// with absolute URIs go where these say.
    ///
    /// # Errors
    /// [`ConnectError::Config`] for an authority that `http` has no form for.
    pub fn at(&self, url: &Url) -> Result<OriginClient, ConnectError> {
        let text = format!("{}://{}", url.scheme(), url.authority());
        let origin = text.parse().map_err(|e: Error| ConnectError::Config(format!("{text}: {e}")))?;
        Ok(OriginClient { client: self.clone(), url: Arc::new(url.clone()), origin })
    }
}

impl<B> tower_service::Service<Request<B>> for Client
where
    B: http_body::Body<Data: Buf + Send, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response<RecvBody>;
    type Error = Error;
    type Future = Responding;

    /// Always ready: a connection is made, or waited for, when there is a request.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Responding {
        send(self, None, request)
    }
}

impl<B> tower_service::Service<Request<B>> for OriginClient
where
    B: http_body::Body<Data: Buf + Send, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response<RecvBody>;
    type Error = Error;
    type Future = Responding;

    /// Always ready: a connection is made, or waited for, when there is a request.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Responding {
        send(&self.client, Some(self), request)
    }
}

fn send<B>(client: &Client, at: Option<&OriginClient>, request: Request<B>) -> Responding
where
    B: http_body::Body<Data: Buf + Send, Error: Into<BoxError>> + Send + 'static,
{
    let made = destination(at, request.uri(), request.headers())
        .and_then(|via| request_to_native(request, at.map(|at| &at.origin)).map(|made| (via, made)));
    let (via, (native, expected)) = match made {
        Ok(made) => made,
        Err(error) => return Responding(Box::pin(std::future::ready(Err(error)))),
    };
    let client = client.clone();
    Responding(Box::pin(async move { expected.response(client.exchange(via.as_deref(), native).await?) }))
}

/// The server that is asked, where it is not the one that the request's own scheme and authority will name.
fn destination(at: Option<&OriginClient>, uri: &Uri, headers: &HeaderMap) -> Result<Option<Arc<Url>>, Error> {
    // A path alone; or a plain CONNECT's authority, which is where the tunnel leads to (RFC 9113 §8.5).
    let Some(scheme) = uri.scheme() else { return Ok(at.map(|at| Arc::clone(&at.url))) };
    if !headers.contains_key(header::HOST) {
        return Ok(None);
    }
    let authority = uri.authority().map(|authority| authority.as_str());
    let host = authority.map(|authority| authority.rsplit_once('@').map_or(authority, |(_, host)| host));
    let url = Url::at(Some(scheme.as_str().as_bytes()), host.map(str::as_bytes)).map_err(SendError::Malformed)?;
    Ok(Some(Arc::new(url)))
}

impl Future for Responding {
    type Output = Result<Response<RecvBody>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for Responding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Responding")
    }
}
