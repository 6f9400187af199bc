//! From a URL to a running connection: resolve, connect, TLS, and a task that owns it.

use std::fmt;
use std::time::Duration;

use pellucid_conn::h2::Config;
use pellucid_driver::client::{Options, SendRequest, handshake};
use pellucid_driver::{Report, Tap};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::error::ConnectError;
use crate::url::Url;

/// Makes connections. Start from [`Connector::new`].
pub struct Connector {
    config: Config,
    timeout: Duration,
    tap: Option<Tap>,
    #[cfg(feature = "tls")]
    trust: crate::tls::Trust,
}

impl Default for Connector {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Connector {
    /// The defaults: ten seconds to connect, the platform's certificate roots.
    #[must_use]
    pub fn new() -> Self {
        Self {
            config: Config::client(),
            timeout: Duration::from_secs(10),
            tap: None,
            #[cfg(feature = "tls")]
            trust: crate::tls::Trust::Platform,
        }
    }

    /// Limits, windows and timeouts of the connection.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// How long each of resolving, connecting and the TLS handshake may take.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Watches every octet of the connection.
    #[must_use]
    pub fn tap(mut self, tap: Tap) -> Self {
        self.tap = Some(tap);
        self
    }

    /// Whose certificates are believed.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn trust(mut self, trust: crate::tls::Trust) -> Self {
        self.trust = trust;
        self
    }

    /// Connects to the URL's host and starts the connection as a task of the current tokio runtime. Cancel-safe: dropping the
    /// future abandons the attempt.
    ///
    /// # Errors
    /// See [`ConnectError`].
    pub async fn connect(self, url: &Url) -> Result<Connection, ConnectError> {
        let to = match url.host() {
            v6 if v6.contains(':') => format!("[{v6}]:{}", url.port()),
            host => format!("{host}:{}", url.port()),
        };
        let stream = tcp(self.timeout, url, &to).await?;
        // Small frames must not wait for each other.
        let _ = stream.set_nodelay(true);
        if !url.is_secure() {
            return self.start(stream);
        }
        self.start_tls(stream, url, to).await
    }

    #[cfg(feature = "tls")]
    async fn start_tls(mut self, stream: TcpStream, url: &Url, to: String) -> Result<Connection, ConnectError> {
        let shaken = timeout(self.timeout, crate::tls::shake_hands(&self.trust, stream, url.host(), &to)).await;
        let stream = shaken.map_err(|_| ConnectError::Timeout(to, "the TLS handshake"))??;
        self.config.secure = true;
        self.config.fit_tls_records();
        self.start(stream)
    }

    #[cfg(not(feature = "tls"))]
    async fn start_tls(self, _stream: TcpStream, _url: &Url, _to: String) -> Result<Connection, ConnectError> {
        Err(ConnectError::Config("https needs the feature `tls`".to_owned()))
    }

    fn start<T: AsyncRead + AsyncWrite + Unpin + Send + 'static>(self, stream: T) -> Result<Connection, ConnectError> {
        let mut options = Options::default();
        options.config = self.config;
        options.tap = self.tap;
        let (client, driver) = handshake(stream, options).map_err(|e| ConnectError::Config(e.to_string()))?;
        Ok(Connection { client, task: tokio::spawn(driver) })
    }
}

/// Not a method: a future that held a [`Connector`] could not move between threads.
async fn tcp(limit: Duration, url: &Url, to: &str) -> Result<TcpStream, ConnectError> {
    let found = timeout(limit, lookup_host((url.host(), url.port()))).await;
    let addresses: Vec<_> = found
        .map_err(|_| ConnectError::Timeout(to.to_owned(), "resolving the name"))?
        .map_err(|e| ConnectError::Resolve(url.host().to_owned(), e))?
        .collect();
    let mut last = std::io::Error::new(std::io::ErrorKind::NotFound, "the name has no address");
    for address in addresses {
        match timeout(limit, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(e)) => last = e,
            Err(_) => last = std::io::ErrorKind::TimedOut.into(),
        }
    }
    Err(ConnectError::Connect(to.to_owned(), last))
}

/// A connection that runs as a task. Dropping it lets the requests under way finish, as long as a [`SendRequest`] of it lives.
#[derive(Debug)]
pub struct Connection {
    client: SendRequest,
    task: JoinHandle<Report>,
}

impl Connection {
    /// The handle to send requests with; clone it freely.
    #[must_use]
    pub fn client(&self) -> &SendRequest {
        &self.client
    }

    /// Finishes what is under way and closes; what came of it, unless the task was cancelled with its runtime. Not cancel-safe:
    /// once begun, the connection closes in any case.
    pub async fn close(self) -> Option<Report> {
        self.client.shut_down();
        drop(self.client);
        self.task.await.ok()
    }
}
