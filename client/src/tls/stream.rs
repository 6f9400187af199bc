//! A finished handshake: what it agreed on, and the encrypted stream.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use pellucid_driver::TlsInfo;
use rustls::{ClientConnection, HandshakeKind};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::reason::{OursRefused, ours_refused};

/// An encrypted stream on a transport, and what its handshake agreed on.
#[derive(Debug)]
pub struct TlsStream<T> {
    stream: tokio_rustls::client::TlsStream<T>,
    info: TlsInfo,
}

impl<T> TlsStream<T> {
    pub(super) fn new(stream: tokio_rustls::client::TlsStream<T>, host: &str) -> Self {
        let info = info(stream.get_ref().1, host);
        Self { stream, info }
    }

    /// What the handshake agreed on: version, cipher suite, ALPN, the name we asked for, the server's certificates, and whether
    /// the session was resumed.
    #[must_use]
    pub fn info(&self) -> &TlsInfo {
        &self.info
    }

    /// The transport below.
    #[must_use]
    pub fn transport(&self) -> &T {
        self.stream.get_ref().0
    }
}

fn info(session: &ClientConnection, host: &str) -> TlsInfo {
    let mut info = TlsInfo::default();
    info.version = session.protocol_version().and_then(|v| v.as_str()).unwrap_or_default().replace('_', ".");
    let suite = session.negotiated_cipher_suite().and_then(|s| s.suite().as_str());
    info.cipher_suite = suite.unwrap_or_default().to_owned();
    info.alpn = session.alpn_protocol().map(|p| String::from_utf8_lossy(p).into_owned());
    // RFC 6066 §3: an address is no server name, and is not sent.
    info.server_name = host.parse::<std::net::IpAddr>().is_err().then(|| host.to_owned());
    info.peer_certificates = session.peer_certificates().unwrap_or_default().iter().map(|c| c.to_vec()).collect();
    info.is_resumed = session.handshake_kind() == Some(HandshakeKind::Resumed);
    info
}

/// What the server says of our certificate comes as an alert where content is expected.
fn plainly(error: io::Error) -> io::Error {
    match ours_refused(&error) {
        Some(alert) => io::Error::new(io::ErrorKind::PermissionDenied, OursRefused(alert)),
        None => error,
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsStream<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf).map_err(plainly)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsStream<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
