//! What connections are made with: limits, patience, trust, addresses, and who listens. Checked when built.
//!
//! Not for: what a [`Client`](crate::Client) does with requests; see [`ClientBuilder`](crate::ClientBuilder).

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Mutex;
#[cfg(feature = "tls")]
use std::sync::OnceLock;
use std::time::Duration;

use pellucid_driver::client::Notices;
use pellucid_driver::conn::h2::Config;
use pellucid_driver::{Info, Tap};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::connect::Connector;
use crate::error::ConnectError;
#[cfg(feature = "tls")]
use crate::tls::{Tls, Trust};
use crate::url::Url;

/// Makes a [`Connector`]; see [`Connector::builder`].
#[derive(Debug, Default)]
pub struct ConnectorBuilder {
    settings: Settings,
}

/// Makes something for a connection, if it is wanted there.
type Maker<T> = Box<dyn Fn(&Info) -> Option<T> + Send + Sync>;

/// A transport of any kind.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Transport for T {}

/// A transport on its way.
pub(crate) type Dialled = Pin<Box<dyn Future<Output = io::Result<Box<dyn Transport>>> + Send>>;

type Dial = Box<dyn Fn(&Url) -> Dialled + Send + Sync>;

/// What a connector knows.
pub(crate) struct Settings {
    pub(crate) config: Config,
    pub(crate) connect_timeout: Duration,
    pub(crate) tls_timeout: Duration,
    pub(crate) write_timeout: Duration,
    pub(crate) max_waiting: usize,
    /// Hosts whose addresses are given, in lower case.
    pub(crate) resolved: Vec<(String, Vec<SocketAddr>)>,
    /// Makes transports, instead of TCP.
    pub(crate) dial: Option<Dial>,
    pub(crate) taps: Option<Maker<Tap>>,
    pub(crate) notices: Option<Maker<Notices>>,
    #[cfg(feature = "tls")]
    trust: Trust,
    /// Made when it is first needed: reading the platform's roots takes its time.
    #[cfg(feature = "tls")]
    tls: OnceLock<Tls>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            config: Config::client(),
            connect_timeout: Duration::from_secs(10),
            tls_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(30),
            max_waiting: 10_000,
            resolved: Vec::new(),
            dial: None,
            taps: None,
            notices: None,
            #[cfg(feature = "tls")]
            trust: Trust::Platform,
            #[cfg(feature = "tls")]
            tls: OnceLock::new(),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("config", &self.config)
            .field("connect_timeout", &self.connect_timeout)
            .field("tls_timeout", &self.tls_timeout)
            .field("max_waiting", &self.max_waiting)
            .field("resolved", &self.resolved)
            .finish_non_exhaustive()
    }
}

impl ConnectorBuilder {
    /// Limits, windows and timeouts of the connections. Replaces what [`ConnectorBuilder::keep_alive`] and its like have set.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.settings.config = config;
        self
    }

    /// How long resolving and connecting may take together; ten seconds.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.settings.connect_timeout = timeout;
        self
    }

    /// How long the TLS handshake may take; ten seconds.
    #[must_use]
    pub fn tls_timeout(mut self, timeout: Duration) -> Self {
        self.settings.tls_timeout = timeout;
        self
    }

    /// A connection whose transport takes nothing for this long is closed; thirty seconds.
    #[must_use]
    pub fn write_timeout(mut self, timeout: Duration) -> Self {
        self.settings.write_timeout = timeout;
        self
    }

    /// Requests that may wait on a connection for the server to allow another stream; 10,000. Further ones fail at once.
    #[must_use]
    pub fn max_waiting(mut self, requests: usize) -> Self {
        self.settings.max_waiting = requests;
        self
    }

    /// Sends a PING when nothing was received for this long while a request is under way. A server that does not answer within
    /// [`Config::keepalive_timeout`] is gone.
    #[must_use]
    pub fn keep_alive(mut self, interval: Duration) -> Self {
        self.settings.config.keepalive_interval = Some(interval);
        self
    }

    /// Sends those PINGs also while no request is under way. Servers may take offence at too many.
    #[must_use]
    pub fn keep_alive_while_idle(mut self) -> Self {
        self.settings.config.keepalive_while_idle = true;
        self
    }

    /// A connection without requests is closed after this; never without it.
    #[must_use]
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.settings.config.idle_timeout = Some(timeout);
        self
    }

    /// Connects to these addresses instead of asking for the host's, like curl's `--resolve`. A port of 0 is the URL's own. The
    /// name in requests and certificates stays.
    #[must_use]
    pub fn resolve_to(mut self, host: &str, addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        self.settings.resolved.push((host.to_ascii_lowercase(), addresses.into_iter().collect()));
        self
    }

    /// Gets its transports from `dial` instead of resolving and connecting: a Unix socket, a proxy's tunnel, a pipe in memory.
    /// The connect time-out holds for it; a TLS handshake follows where the URL is `https`.
    ///
    /// ```
    /// # #[cfg(unix)]
    /// # fn main() -> Result<(), pellucid_client::ConnectError> {
    /// use pellucid_client::{Client, Connector, Url};
    ///
    /// let connector = Connector::builder().dial_with(|_: &Url| tokio::net::UnixStream::connect("/run/app.sock"));
    /// let client = Client::builder().connector(connector).build()?;
    /// # drop(client);
    /// # Ok(())
    /// # }
    /// # #[cfg(not(unix))]
    /// # fn main() {}
    /// ```
    #[must_use]
    pub fn dial_with<D, F, T>(mut self, dial: D) -> Self
    where
        D: Fn(&Url) -> F + Send + Sync + 'static,
        F: Future<Output = io::Result<T>> + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        self.settings.dial = Some(Box::new(move |url| {
            let dialled = dial(url);
            Box::pin(async move { dialled.await.map(|transport| Box::new(transport) as Box<dyn Transport>) })
        }));
        self
    }

    /// Watches every octet of the first connection.
    #[must_use]
    pub fn tap(self, tap: Tap) -> Self {
        let only = Mutex::new(Some(tap));
        self.taps(move |_| only.lock().ok()?.take())
    }

    /// Watches every octet of each connection for which `make` gives a tap.
    #[must_use]
    pub fn taps(mut self, make: impl Fn(&Info) -> Option<Tap> + Send + Sync + 'static) -> Self {
        self.settings.taps = Some(Box::new(make));
        self
    }

    /// Listens to what servers say unasked, on each connection for which `make` gives a listener.
    #[must_use]
    pub fn notices(mut self, make: impl Fn(&Info) -> Option<Notices> + Send + Sync + 'static) -> Self {
        self.settings.notices = Some(Box::new(make));
        self
    }

    /// Whose certificates are believed.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn trust(mut self, trust: Trust) -> Self {
        self.settings.trust = trust;
        self.settings.tls = OnceLock::new();
        self
    }

    /// Everything about TLS: a client certificate, or a configuration of one's own. Replaces [`ConnectorBuilder::trust`].
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.settings.tls = tls.into();
        self
    }

    /// The connector.
    ///
    /// # Errors
    /// [`ConnectError::Config`] for a value that cannot be used, naming it.
    pub fn build(self) -> Result<Connector, ConnectError> {
        self.settings.check()?;
        Ok(self.unchecked())
    }

    /// The connector, of settings that are known to be right.
    pub(crate) fn unchecked(self) -> Connector {
        Connector::made_with(self.settings)
    }
}

impl Settings {
    fn check(&self) -> Result<(), ConnectError> {
        // By the names that they have here.
        above_zero(&[
            ("keep_alive", self.config.keepalive_interval != Some(Duration::ZERO)),
            ("idle_timeout", self.config.idle_timeout != Some(Duration::ZERO)),
        ])?;
        if self.config.keepalive_while_idle && self.config.keepalive_interval.is_none() {
            return Err(ConnectError::Config("`keep_alive_while_idle` needs `keep_alive`: how often".to_owned()));
        }
        self.config.validate().map_err(|e| ConnectError::Config(e.to_string()))?;
        above_zero(&[
            ("connect_timeout", !self.connect_timeout.is_zero()),
            ("tls_timeout", !self.tls_timeout.is_zero()),
            ("write_timeout", !self.write_timeout.is_zero()),
            ("max_waiting", self.max_waiting > 0),
            ("assumed_streams", self.config.assumed_streams > 0),
        ])?;
        if let Some((host, _)) = self.resolved.iter().find(|(_, addresses)| addresses.is_empty()) {
            return Err(ConnectError::Config(format!("`resolve_to` has no address for {host:?}")));
        }
        // What the platform believes is read when it is needed: never, for those who speak in clear text.
        #[cfg(feature = "tls")]
        if !matches!(self.trust, Trust::Platform) {
            self.tls()?;
        }
        Ok(())
    }

    /// What TLS handshakes are made with.
    #[cfg(feature = "tls")]
    pub(crate) fn tls(&self) -> Result<&Tls, ConnectError> {
        if let Some(tls) = self.tls.get() {
            return Ok(tls);
        }
        let made = Tls::new(&self.trust)?;
        Ok(self.tls.get_or_init(|| made))
    }

    /// The addresses that were given for a host.
    pub(crate) fn resolved(&self, host: &str, port: u16) -> Option<Vec<SocketAddr>> {
        let (_, addresses) = self.resolved.iter().rev().find(|(name, _)| name.eq_ignore_ascii_case(host))?;
        let with_port = |mut address: SocketAddr| {
            if address.port() == 0 {
                address.set_port(port);
            }
            address
        };
        Some(addresses.iter().copied().map(with_port).collect())
    }
}

/// Names the first field that is zero.
pub(crate) fn above_zero(fields: &[(&str, bool)]) -> Result<(), ConnectError> {
    match fields.iter().find(|(_, is_above)| !is_above) {
        Some((field, _)) => Err(ConnectError::Config(format!("`{field}` must be above zero"))),
        None => Ok(()),
    }
}
