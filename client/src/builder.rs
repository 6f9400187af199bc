//! How a client is made: what it waits for how long, and what its connections are made with. Checked when built.

use std::time::Duration;

use crate::client::Client;
use crate::connect::Connector;
use crate::error::ConnectError;
use crate::settings::{ConnectorBuilder, above_zero};
use crate::timeouts::Timeouts;

/// Makes a [`Client`]; see [`Client::builder`].
///
/// | waits for | default | set by |
/// |---|---|---|
/// | resolving and connecting, then TLS | 10 s each | [`connect_timeout`](Self::connect_timeout), [`ConnectorBuilder::tls_timeout`] |
/// | the server to allow another stream | 30 s | [`queue_timeout`](Self::queue_timeout) |
/// | the response's header section | for ever | [`header_timeout`](Self::header_timeout) |
/// | the end of the response's body | for ever | [`total_timeout`](Self::total_timeout) |
/// | another request, before the connection is closed | 90 s | [`idle_timeout`](Self::idle_timeout) |
///
/// ```
/// use std::time::Duration;
///
/// use pellucid_client::Client;
///
/// # fn main() -> Result<(), pellucid_client::ConnectError> {
/// let client = Client::builder()
///     .connect_timeout(Duration::from_secs(2))
///     .header_timeout(Duration::from_secs(5))
///     .keep_alive(Duration::from_secs(20))
///     .build()?;
/// let error = Client::builder().queue_timeout(Duration::ZERO).build().unwrap_err();
/// assert_eq!(error.to_string(), "`queue_timeout` must be above zero");
/// # drop(client);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ClientBuilder {
    connector: ConnectorBuilder,
    timeouts: Timeouts,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self { connector: Connector::builder(), timeouts: Timeouts::default() }.idle_timeout(Duration::from_secs(90))
    }
}

impl ClientBuilder {
    /// What connections are made with, all of it; replaces what this builder has been told of them, such as the idle time-out.
    #[must_use]
    pub fn connector(mut self, connector: ConnectorBuilder) -> Self {
        self.connector = connector;
        self
    }

    /// Changes what connections are made with, and keeps the rest.
    #[must_use]
    pub fn with_connector(mut self, change: impl FnOnce(ConnectorBuilder) -> ConnectorBuilder) -> Self {
        self.connector = change(self.connector);
        self
    }

    /// See [`ConnectorBuilder::connect_timeout`].
    #[must_use]
    pub fn connect_timeout(self, timeout: Duration) -> Self {
        self.with_connector(|connector| connector.connect_timeout(timeout))
    }

    /// How long a request may wait for the server to allow another stream.
    #[must_use]
    pub fn queue_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.queue = Some(timeout);
        self
    }

    /// How many requests may wait so; see [`ConnectorBuilder::max_waiting`].
    #[must_use]
    pub fn max_waiting(self, requests: usize) -> Self {
        self.with_connector(|connector| connector.max_waiting(requests))
    }

    /// How long the response's header section may take, from when the request has its stream.
    #[must_use]
    pub fn header_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.header = Some(timeout);
        self
    }

    /// How long all of it may take, from sending to the end of the response's body. A body that is late fails when it is read.
    #[must_use]
    pub fn total_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.total = Some(timeout);
        self
    }

    /// See [`ConnectorBuilder::idle_timeout`].
    #[must_use]
    pub fn idle_timeout(self, timeout: Duration) -> Self {
        self.with_connector(|connector| connector.idle_timeout(timeout))
    }

    /// See [`ConnectorBuilder::keep_alive`].
    #[must_use]
    pub fn keep_alive(self, interval: Duration) -> Self {
        self.with_connector(|connector| connector.keep_alive(interval))
    }

    /// See [`ConnectorBuilder::keep_alive_while_idle`].
    #[must_use]
    pub fn keep_alive_while_idle(self) -> Self {
        self.with_connector(ConnectorBuilder::keep_alive_while_idle)
    }

    /// See [`ConnectorBuilder::trust`].
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn trust(self, trust: crate::tls::Trust) -> Self {
        self.with_connector(|connector| connector.trust(trust))
    }

    /// See [`ConnectorBuilder::tls`].
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(self, tls: crate::tls::Tls) -> Self {
        self.with_connector(|connector| connector.tls(tls))
    }

    /// The client.
    ///
    /// # Errors
    /// [`ConnectError::Config`] for a value that cannot be used, naming it.
    pub fn build(self) -> Result<Client, ConnectError> {
        let Timeouts { queue, header, total } = self.timeouts;
        above_zero(&[
            ("queue_timeout", queue != Some(Duration::ZERO)),
            ("header_timeout", header != Some(Duration::ZERO)),
            ("total_timeout", total != Some(Duration::ZERO)),
        ])?;
        Ok(Client::made_with(self.connector.build()?, self.timeouts))
    }

    /// The client, of defaults, which a test has checked.
    pub(crate) fn built(self) -> Client {
        Client::made_with(self.connector.unchecked(), self.timeouts)
    }
}
