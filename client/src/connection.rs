//! One connection that runs as a task of its own: the handle to send with, and how it fares.
//!
//! Not for: making another when it has ended; that is [`Client`](crate::Client).

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use pellucid_driver::client::{Notice, Notices, Options, ResponseFuture, SendRequest, handshake};
use pellucid_driver::conn::h2::ConfigError;
use pellucid_driver::{Error, Info, Kind, Report, Request, Snapshot};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

/// A connection that runs as a task. Cheap to clone; dropping the last clone lets the requests under way finish, and closes.
#[derive(Clone)]
pub struct Connection {
    handle: SendRequest,
    info: Arc<Info>,
    life: watch::Receiver<Life>,
}

/// How far a connection has come.
#[derive(Debug)]
enum Life {
    /// The server has said nothing yet.
    Begun,
    /// The server's SETTINGS are here.
    Ready,
    Ended(Report),
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("info", &self.info).finish_non_exhaustive()
    }
}

impl Connection {
    /// Starts the connection on a transport, as a task of the current tokio runtime.
    pub(crate) fn start<T>(transport: T, mut options: Options) -> Result<Self, ConfigError>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let info = Arc::new(options.info.clone());
        let (tell, life) = watch::channel(Life::Begun);
        let tell = Arc::new(tell);
        options.notices = Some(listen(Arc::clone(&tell), options.notices.take()));
        let (handle, driver) = handshake(transport, options)?;
        tokio::spawn(async move {
            let report = driver.await;
            tell.send_replace(Life::Ended(report));
        });
        Ok(Self { handle, info, life })
    }

    /// Sends a request on it. Dropping the future cancels it: see [`SendRequest::send`].
    ///
    /// # Errors
    /// The stream was reset or refused, the connection ended, or the fields would make a malformed request.
    pub fn send(&self, request: Request) -> ResponseFuture {
        self.handle.send(request)
    }

    /// The handle to send requests with, and to ask for tunnels; clone it freely.
    #[must_use]
    pub fn handle(&self) -> &SendRequest {
        &self.handle
    }

    /// Its number, its addresses and what TLS agreed on.
    #[must_use]
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// What it has done so far; `None` when it is closed. Cancel-safe.
    pub fn stats(&self) -> impl Future<Output = Option<Snapshot>> + Send + use<> {
        self.handle.stats()
    }

    /// Waits until the server's SETTINGS are here: only then is it sure that it speaks HTTP/2. Cancel-safe.
    ///
    /// # Errors
    /// Why the connection ended instead.
    pub async fn ready(&self) -> Result<(), Error> {
        let mut life = self.life.clone();
        let seen = life.wait_for(|life| !matches!(life, Life::Begun)).await;
        match seen.as_deref() {
            Ok(Life::Ended(report)) => Err(report.error.clone().unwrap_or_else(|| Error::new(Kind::Closed))),
            Ok(_) => Ok(()),
            Err(_) => Err(Error::new(Kind::Closed)),
        }
    }

    /// Waits until it has ended, for whatever reason, and does not keep it open meanwhile; how it ended, unless its task was
    /// cancelled with its runtime. Cancel-safe.
    pub fn ended(&self) -> impl Future<Output = Option<Report>> + Send + use<> {
        let mut life = self.life.clone();
        async move {
            let seen = life.wait_for(|life| matches!(life, Life::Ended(_))).await;
            match seen.as_deref() {
                Ok(Life::Ended(report)) => Some(report.clone()),
                _ => None,
            }
        }
    }

    /// Finishes what is under way and closes; what came of it, unless the task was cancelled with its runtime. The closing goes
    /// on though the future is dropped: what is dropped is the waiting for its end.
    pub fn close(self) -> impl Future<Output = Option<Report>> + Send + use<> {
        self.handle.shut_down();
        self.ended()
    }
}

/// Hears the server's first word, and passes everything on.
fn listen(tell: Arc<watch::Sender<Life>>, mut notices: Option<Notices>) -> Notices {
    Box::new(move |notice| {
        if matches!(notice, Notice::Settings(_)) {
            tell.send_if_modified(|life| {
                let is_first = matches!(life, Life::Begun);
                if is_first {
                    *life = Life::Ready;
                }
                is_first
            });
        }
        if let Some(notices) = &mut notices {
            notices(notice);
        }
    })
}
