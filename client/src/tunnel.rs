//! A tunnel whose request is on its way (RFC 9113 §8.5): one half leaves with the request, the other comes with the response.
//!
//! Not for: what goes through it; that is the driver's [`Tunnel`].

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pellucid_driver::{Body, Chunk, Connected, Error, Request, Response, Source, Tunnel};
use tokio::sync::oneshot;

/// A tunnel that waits for the server's answer.
pub(crate) struct Opening {
    tunnel: Tunnel,
    incoming: oneshot::Sender<Body>,
}

impl Opening {
    /// The tunnel, and the body of the request that asks for it: what is written to the tunnel.
    pub(crate) fn new() -> (Self, Body) {
        let (incoming, later) = oneshot::channel();
        // Accepting a request joins an incoming body and an outgoing one, which is just what a tunnel is.
        let joined = Request::connect("").with_body(Body::from_source(Later::Waits(later)));
        let (outgoing, tunnel) = joined.into_tunnel();
        (Self { tunnel, incoming }, outgoing.into_body())
    }

    /// What has come of it.
    pub(crate) fn answered(self, mut response: Response) -> Connected {
        if !(200..300).contains(&response.status()) {
            return Connected::Refused(response);
        }
        // The other end is in the tunnel.
        let _ = self.incoming.send(std::mem::take(response.body_mut()));
        Connected::Tunnel(response, self.tunnel)
    }
}

/// A body that comes with the response.
enum Later {
    Waits(oneshot::Receiver<Body>),
    Here(Body),
}

impl Source for Later {
    fn poll_chunk(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, Error>>> {
        if let Self::Waits(later) = &mut *self {
            *self = Self::Here(ready!(Pin::new(later).poll(cx)).unwrap_or_default());
        }
        match &mut *self {
            Self::Here(body) => body.poll_chunk(cx),
            Self::Waits(_) => Poll::Pending,
        }
    }
}
