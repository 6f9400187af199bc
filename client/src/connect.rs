//! From a URL to a running connection: resolve, connect, TLS, and a task that owns it.
//!
//! Not for: which connection a request takes; that is [`Client`](crate::Client).

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pellucid_driver::client::Options;
use pellucid_driver::{Info, TlsInfo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::connection::Connection;
use crate::error::ConnectError;
use crate::eyeballs;
use crate::settings::{ConnectorBuilder, Settings};
use crate::url::Url;

/// Makes connections, one at each call. Start from [`Connector::new`] or [`Connector::builder`]. Cheap to clone.
///
/// ```no_run
/// use pellucid_client::{Connector, Url};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let url: Url = "http://example.com/hello".parse()?;
/// let connector = Connector::builder().resolve_to("example.com", ["127.0.0.1:8080".parse()?]).build()?;
/// let connection = connector.connect(&url).await?;
/// println!("{:?}: {}", connection.info().peer, connection.send(url.get()).await?.status());
/// connection.close().await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Connector(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    settings: Settings,
    /// Connections made so far: their numbers.
    made: AtomicU64,
}

impl Default for Connector {
    fn default() -> Self {
        Self::new()
    }
}

impl Connector {
    /// The defaults: ten seconds to connect, the platform's certificate roots.
    #[must_use]
    pub fn new() -> Self {
        Self::made_with(Settings::default())
    }

    /// To choose limits, patience, trust, addresses, and who listens.
    #[must_use]
    pub fn builder() -> ConnectorBuilder {
        ConnectorBuilder::default()
    }

    pub(crate) fn made_with(settings: Settings) -> Self {
        Self(Arc::new(Shared { settings, made: AtomicU64::new(0) }))
    }

    /// Connects to the URL's host and starts the connection as a task of the current tokio runtime. Of several addresses IPv6 ones
    /// and IPv4 ones are tried in turn, a quarter of a second after each other, and the first to answer wins (RFC 8305).
    /// Cancel-safe: dropping the future abandons the attempt.
    ///
    /// # Errors
    /// See [`ConnectError`].
    pub async fn connect(&self, url: &Url) -> Result<Connection, ConnectError> {
        if let Some(dial) = &self.0.settings.dial {
            let transport = self.connecting(name(url), dial(url)).await?;
            return self.begin(transport, url, Addresses::default()).await;
        }
        let stream = self.dial(url).await?;
        // Small frames must not wait for each other.
        let _ = stream.set_nodelay(true);
        let addresses = Addresses { peer: stream.peer_addr().ok(), local: stream.local_addr().ok() };
        self.begin(stream, url, addresses).await
    }

    /// As [`Connector::connect`], to a Unix socket; the URL says what requests and certificates are for. Cancel-safe: dropping the
    /// future gives the attempt up.
    ///
    /// # Errors
    /// See [`ConnectError`].
    #[cfg(unix)]
    pub async fn connect_unix(&self, path: impl AsRef<std::path::Path>, url: &Url) -> Result<Connection, ConnectError> {
        let path = path.as_ref();
        let stream = self.connecting(path.display().to_string(), tokio::net::UnixStream::connect(path)).await?;
        self.begin(stream, url, Addresses::default()).await
    }

    /// Starts a connection on a transport of one's own, with a TLS handshake where the URL is `https`. Cancel-safe: dropping the
    /// future drops the transport.
    ///
    /// # Errors
    /// See [`ConnectError`].
    pub async fn handshake<T>(&self, transport: T, url: &Url) -> Result<Connection, ConnectError>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        self.begin(transport, url, Addresses::default()).await
    }

    /// A TCP connection to the URL's host.
    async fn dial(&self, url: &Url) -> Result<TcpStream, ConnectError> {
        let racing = async {
            let addresses = match self.0.settings.resolved(url.host(), url.port()) {
                Some(addresses) => addresses,
                None => lookup_host((url.host(), url.port()))
                    .await
                    .map_err(|e| ConnectError::Resolve(url.host().to_owned(), e))?
                    .collect(),
            };
            eyeballs::race(addresses, TcpStream::connect).await.map_err(|e| ConnectError::Connect(name(url), e))
        };
        timeout(self.0.settings.connect_timeout, racing).await.map_err(|_| late(name(url)))?
    }

    /// Waits for a transport as long as is allowed.
    async fn connecting<T>(
        &self,
        to: String,
        transport: impl Future<Output = io::Result<T>>,
    ) -> Result<T, ConnectError> {
        match timeout(self.0.settings.connect_timeout, transport).await {
            Ok(connected) => connected.map_err(|e| ConnectError::Connect(to, e)),
            Err(_) => Err(late(to)),
        }
    }

    async fn begin<T>(&self, transport: T, url: &Url, addresses: Addresses) -> Result<Connection, ConnectError>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        if !url.is_secure() {
            return self.start(transport, addresses, None);
        }
        self.begin_tls(transport, url, addresses).await
    }

    #[cfg(feature = "tls")]
    async fn begin_tls<T>(&self, transport: T, url: &Url, addresses: Addresses) -> Result<Connection, ConnectError>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (to, tls) = (name(url), self.0.settings.tls()?);
        let shaken = timeout(self.0.settings.tls_timeout, tls.connect_to(transport, url.host(), &to)).await;
        let stream = shaken.map_err(|_| ConnectError::Timeout(to, "the TLS handshake"))??;
        let info = stream.info().clone();
        self.start(stream, addresses, Some(info))
    }

    #[cfg(not(feature = "tls"))]
    async fn begin_tls<T>(&self, _: T, _: &Url, _: Addresses) -> Result<Connection, ConnectError> {
        Err(ConnectError::Config("https needs the feature `tls`".to_owned()))
    }

    fn start<T>(&self, transport: T, addresses: Addresses, tls: Option<TlsInfo>) -> Result<Connection, ConnectError>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let settings = &self.0.settings;
        let mut info = Info::default();
        info.id = self.0.made.fetch_add(1, Ordering::Relaxed) + 1;
        (info.peer, info.local, info.tls) = (addresses.peer, addresses.local, tls);
        let mut options = Options::default();
        options.config = settings.config.clone();
        if info.is_secure() {
            options.config.secure = true;
            options.config.fit_tls_records();
        }
        options.tap = settings.taps.as_ref().and_then(|make| make(&info));
        options.notices = settings.notices.as_ref().and_then(|make| make(&info));
        options.write_timeout = settings.write_timeout;
        options.max_waiting = settings.max_waiting;
        options.info = info;
        Connection::start(transport, options).map_err(|e| ConnectError::Config(e.to_string()))
    }
}

/// Where a transport leads, if it has such addresses.
#[derive(Default)]
struct Addresses {
    peer: Option<SocketAddr>,
    local: Option<SocketAddr>,
}

fn late(to: String) -> ConnectError {
    ConnectError::Timeout(to, "resolving and connecting")
}

/// The server as errors call it.
fn name(url: &Url) -> String {
    match url.host() {
        v6 if v6.contains(':') => format!("[{v6}]:{}", url.port()),
        host => format!("{host}:{}", url.port()),
    }
}
