//! What a handler may do on its stream besides answering: interim responses, pushes, priorities, alternative services.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use pellucid_conn::h2::Priority;
use pellucid_conn::{ErrorCode, Fields, SendError, StreamId};
use tokio::sync::oneshot;

use crate::error::{Error, Kind};
use crate::handlers::discard;
use crate::mailbox::{Mail, Mailbox};
use crate::message::{Request, Response};
use crate::stats::Snapshot;

/// Works on one stream from anywhere, as long as it lives; afterwards nothing happens. Cheap to clone. Commands are carried out
/// in the order in which they are given, and before a response that the handler returns later.
#[derive(Clone)]
pub struct Control {
    mailbox: Arc<Mailbox>,
    id: StreamId,
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Control(stream {})", self.id)
    }
}

/// Something to do on a stream.
#[derive(Debug)]
pub(crate) enum Command {
    /// An interim response.
    Inform(Fields),
    /// A promised request and its response.
    Push(Box<Push>),
    Priority(Priority),
    /// The value of an ALTSVC frame.
    AltSvc(Bytes),
    Reset(ErrorCode),
}

/// A pushed response on its way to the connection's task.
#[derive(Debug)]
pub(crate) struct Push {
    pub(crate) request: Request,
    pub(crate) response: Response,
    pub(crate) outcome: oneshot::Sender<Result<StreamId, Error>>,
}

impl Push {
    /// It will not be.
    pub(crate) fn refuse(self, why: Error) {
        discard(self.request);
        discard(self.response);
        // Who does not wait for it need not be told.
        let _ = self.outcome.send(Err(why));
    }
}

impl Control {
    pub(crate) fn new(mailbox: &Arc<Mailbox>, id: StreamId) -> Self {
        Self { mailbox: Arc::clone(mailbox), id }
    }

    /// The stream.
    #[must_use]
    pub fn stream(&self) -> StreamId {
        self.id
    }

    /// Server: sends an interim response, such as 103 (Early Hints), ahead of the final one: see [`Response::interim`]. (100
    /// (Continue) is sent by itself when a handler reads a body that its client holds back.)
    ///
    /// # Errors
    /// `SendError::Malformed` for a final status, for 101, which HTTP/2 does not have (RFC 9113 §8.6), and for a body.
    pub fn inform(&self, interim: Response) -> Result<(), Error> {
        if !(100..200).contains(&interim.status()) || interim.status() == 101 {
            return Err(SendError::Malformed("an interim response has a status from 100 to 199, 101 excepted").into());
        }
        let (fields, body) = interim.into_parts();
        if !body.is_empty() {
            return Err(SendError::Malformed("an interim response has no content").into());
        }
        self.mailbox.command(self.id, Command::Inform(fields));
        Ok(())
    }

    /// Server: promises `request`, which the client has not made, and answers it (RFC 9113 §8.4). Done when the promise is on its
    /// way; only then should the response that refers to it go out. Cancel-safe: once begun, the push goes on.
    ///
    /// # Errors
    /// The client does not allow pushes (most do not), the request is not a GET or HEAD without content, or the stream is gone.
    /// `SendError::NoSlot`: `Config::max_concurrent_streams` pushed responses wait already for the client to allow them.
    pub fn push(
        &self,
        request: Request,
        response: Response,
    ) -> impl Future<Output = Result<StreamId, Error>> + Send + use<> {
        let (outcome, told) = oneshot::channel();
        self.mailbox.command(self.id, Command::Push(Box::new(Push { request, response, outcome })));
        let id = self.id;
        async move { told.await.unwrap_or_else(|_| Err(Error::new(Kind::Closed).on(id))) }
    }

    /// Server: sends the response earlier or later than it would be. Client: asks for that (PRIORITY_UPDATE, RFC 9218 §7.1).
    pub fn set_priority(&self, priority: Priority) {
        self.mailbox.command(self.id, Command::Priority(priority));
    }

    /// Server: tells the client where else this request's origin is served (ALTSVC, RFC 7838 §4): an Alt-Svc field value.
    pub fn alt_svc(&self, value: impl Into<Bytes>) {
        self.mailbox.command(self.id, Command::AltSvc(value.into()));
    }

    /// Gives the stream up with this code (RST_STREAM, RFC 9113 §6.4).
    ///
    /// Not with REFUSED_STREAM at a server: it would promise that nothing was done with a request that its handler has seen, which
    /// RFC 9113 §8.7 forbids. The connection itself refuses requests with it before any handler sees them.
    pub fn reset(&self, code: ErrorCode) {
        self.mailbox.command(self.id, Command::Reset(code));
    }

    /// What the stream's connection has done so far; `None` when it is closed. Cancel-safe.
    pub fn stats(&self) -> impl Future<Output = Option<Snapshot>> + Send + use<> {
        ask_for_stats(&self.mailbox)
    }
}

/// Asks a connection's task for a snapshot.
pub(crate) fn ask_for_stats(mailbox: &Mailbox) -> impl Future<Output = Option<Snapshot>> + Send + use<> {
    let (answer, told) = oneshot::channel();
    // A connection that is gone drops the letter, and with it the sender.
    let _ = mailbox.post(Mail::Stats(answer));
    async move { told.await.ok() }
}
