//! Tunnels: a stream that CONNECT has made a two-way pipe of octets (RFC 9113 §8.5; RFC 8441 for WebSocket and its like).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::body::{Body, Chunk};
use crate::message::Response;
use crate::pipe::{Writer, pipe};

/// A stream as a two-way pipe of octets. Reading gives back-pressure to the peer; shutting the writing side down ends it with
/// END_STREAM, as closing one side of a TCP connection does; dropping the tunnel ends both. Dropping a read or a write that waits
/// loses nothing.
///
/// A client that drops a tunnel which it has not shut down cancels the stream, and what it has written may be lost.
#[derive(Debug)]
pub struct Tunnel {
    incoming: Body,
    /// The piece that is being read.
    piece: Bytes,
    outgoing: Writer,
}

/// What came of a CONNECT request.
#[derive(Debug)]
pub enum Connected {
    /// The server has agreed: its response's header section, and the tunnel.
    Tunnel(Response, Tunnel),
    /// It has not: its response.
    Refused(Response),
}

/// A tunnel whose request is on its way: one half leaves with the request, the other comes with the response.
#[derive(Debug)]
pub struct Opening(Tunnel);

impl Opening {
    /// A tunnel in the making, and the body of the CONNECT request that asks for it: what will be written to the tunnel.
    #[must_use]
    pub fn new() -> (Self, Body) {
        let (tunnel, outgoing) = Tunnel::new(Body::empty());
        (Self(tunnel), outgoing)
    }

    /// What has come of it, by the request's response.
    #[must_use]
    pub fn answered(self, mut response: Response) -> Connected {
        // RFC 9110 §9.3.6: any 2xx opens it, nothing else does.
        if !(200..300).contains(&response.status()) {
            return Connected::Refused(response);
        }
        let incoming = std::mem::take(response.body_mut());
        Connected::Tunnel(response, Tunnel { incoming, ..self.0 })
    }
}

impl Tunnel {
    /// A tunnel over what arrives, and the body by which what is written to it leaves.
    pub(crate) fn new(incoming: Body) -> (Self, Body) {
        let (outgoing, body) = pipe();
        (Self { incoming, piece: Bytes::new(), outgoing }, body)
    }

    /// What arrives from now on.
    #[cfg(feature = "http")]
    pub(crate) fn set_incoming(&mut self, incoming: Body) {
        self.incoming = incoming;
    }
}

impl AsyncRead for Tunnel {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        while self.piece.is_empty() {
            match ready!(self.incoming.poll_chunk(cx)) {
                Some(Ok(Chunk::Data(piece))) => self.piece = piece,
                Some(Ok(Chunk::Trailers(_))) | None => return Poll::Ready(Ok(())),
                Some(Err(e)) => return Poll::Ready(Err(e.into())),
            }
        }
        let octets = self.piece.len().min(into.remaining());
        into.put_slice(self.piece.get(..octets).unwrap_or_default());
        self.piece.advance(octets);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Tunnel {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.outgoing).poll_write(cx, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.outgoing).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.incoming.part_gently();
        Pin::new(&mut self.outgoing).poll_shutdown(cx)
    }
}
