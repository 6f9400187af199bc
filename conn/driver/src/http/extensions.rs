//! What messages carry in their extensions, for want of a place in `http`'s types.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use pellucid_conn::StreamId;
use pellucid_hpack::Token;

use super::fields::{Te, append};
use super::response;
use crate::control::Control;
use crate::error::Error;
use crate::info::Info;
use crate::message::{Response, Shared};
use crate::pool;
use crate::tunnel::Tunnel;

/// Of every request that a server receives: its connection and its stream. Cheap to clone.
#[derive(Clone)]
pub struct Facts {
    shared: Arc<Shared>,
    stream: StreamId,
}

impl fmt::Debug for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Facts").field("info", &self.shared.info).field("stream", &self.stream.get()).finish()
    }
}

impl Facts {
    pub(super) fn new(shared: &Arc<Shared>, stream: StreamId) -> Self {
        Self { shared: Arc::clone(shared), stream }
    }

    /// Facts of the connection: addresses, TLS, its number.
    #[must_use]
    pub fn info(&self) -> &Info {
        &self.shared.info
    }

    /// The stream.
    #[must_use]
    pub fn stream(&self) -> StreamId {
        self.stream
    }

    /// Works on the stream besides answering it: pushes, priorities, alternative services.
    #[must_use]
    pub fn control(&self) -> Control {
        Control::new(&self.shared.mailbox, self.stream)
    }

    /// Sends an interim response, such as 103 (Early Hints), ahead of the final one.
    ///
    /// # Errors
    /// `SendError::Malformed` for a final status, and for 101, which HTTP/2 does not have (RFC 9113 §8.6).
    pub fn inform(&self, interim: ::http::Response<()>) -> Result<(), Error> {
        let mut fields = pool::take();
        fields.push_token(Token::STATUS, interim.status().as_str().as_bytes());
        append(&mut fields, interim.headers(), Te::Never);
        self.control().inform(Response::from_fields(fields))
    }
}

/// Of an extended CONNECT request: the protocol it asks for, such as `websocket` (RFC 8441 §4). A client puts it into its request.
/// Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protocol(Arc<str>);

impl Protocol {
    /// A protocol by its registered name; one that is no token (RFC 9110 §5.6.2) makes a request malformed.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Of every CONNECT request that a server receives, and of the response (2xx) to one that a client has sent: the stream as a
/// two-way pipe of octets (RFC 9113 §8.5). Clones share the one tunnel.
///
/// A server takes the tunnel, gives it to a task of its own, and answers 200: with that it opens. After any other answer nothing
/// more can be written to it. The content of a CONNECT request, and of a response that opens a tunnel, is empty.
#[derive(Clone)]
pub struct Upgrade(Arc<Mutex<Option<Tunnel>>>);

impl Upgrade {
    pub(super) fn new(tunnel: Tunnel) -> Self {
        Self(Arc::new(Mutex::new(Some(tunnel))))
    }

    /// The tunnel; `None` when it was taken before.
    #[must_use]
    pub fn take(&self) -> Option<Tunnel> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for Upgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Upgrade")
    }
}

/// Put into a request that a client sends: is called with each interim (1xx) response as it comes, by the connection's task, which
/// it must not hold up.
#[derive(Clone)]
pub struct OnInterim(Arc<dyn Fn(::http::Response<()>) + Send + Sync>);

impl OnInterim {
    /// Calls this.
    #[must_use]
    pub fn new(call: impl Fn(::http::Response<()>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(call))
    }

    /// What `http` has no form for is left out.
    pub(super) fn call(&self, interim: &Response) {
        if let Ok(response) = response::head(interim.fields()) {
            (self.0)(response);
        }
    }
}

impl fmt::Debug for OnInterim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnInterim")
    }
}
