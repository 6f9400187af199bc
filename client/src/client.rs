//! The client that lives: it finds, makes and replaces connections, so that a request needs only its URL.
//!
//! What it does by itself: one connection an origin, made when first needed, and another when the server has sent GOAWAY, has
//! closed it, or its stream identifiers are used up. A request that the server has certainly not worked on (RFC 9113 §8.7) is sent
//! once more; nothing else ever is.
//!
//! Not for: redirects, cookies, caches, content codings.

use std::future::Future;
use std::sync::Arc;

use pellucid_driver::client::{Failure, SendRequest};
use pellucid_driver::conn::{Cause, SendError};
use pellucid_driver::{Connected, Error, Kind, Opening, Request, Response, Retry, Snapshot};

use crate::builder::ClientBuilder;
use crate::connect::Connector;
use crate::origins::Origins;
use crate::timeouts::Timeouts;
use crate::url::Url;

/// Sends requests to any number of servers. Cheap to clone; clones share their connections. When the last clone is dropped its
/// connections finish what is under way and close.
///
/// It needs a tokio runtime, and its connections live in the one that was there when they were made.
///
/// ```
/// use pellucid_client::{Client, Connector, Request, Response};
/// use pellucid_driver::server;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // A server in memory; without `connector` the URL's host is connected to.
/// let connector = Connector::builder().dial_with(|_| async {
///     let (near, far) = tokio::io::duplex(64 << 10);
///     let hello = |request: Request| async move { Response::new(200).with_body(request.path().to_vec()) };
///     tokio::spawn(server::serve_connection(far, hello, server::Options::default()).map_err(std::io::Error::other)?);
///     Ok(near)
/// });
/// let client = Client::builder().connector(connector).build()?;
///
/// let response = client.get(&"http://example.com/hello".parse()?).await?;
/// assert_eq!(response.into_body().collect(1024).await?, "/hello");
/// assert_eq!(client.origins(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Client(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    origins: Arc<Origins>,
    timeouts: Timeouts,
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}

impl Client {
    /// The defaults: see [`ClientBuilder`].
    #[must_use]
    pub fn new() -> Self {
        ClientBuilder::default().built()
    }

    /// To choose time-outs, and what connections are made with.
    #[must_use]
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    pub(crate) fn made_with(connector: Connector, timeouts: Timeouts) -> Self {
        Self(Arc::new(Shared { origins: Arc::new(Origins::new(connector)), timeouts }))
    }

    /// Sends a GET request. Dropping the future cancels it: see [`Client::send`].
    ///
    /// # Errors
    /// As [`Client::send`].
    pub fn get(&self, url: &Url) -> impl Future<Output = Result<Response, Error>> + Send + use<> {
        self.send(url.get())
    }

    /// Sends a request to where its scheme and authority say, and waits for the response's header section; the body follows as it
    /// is read. Dropping the future, or the response's body before its end, cancels the request at whatever stage it is.
    ///
    /// Where the server has certainly not worked on it (it refused the stream, or the connection ended before) it is sent once more,
    /// if all of it is still here: a body that is made as it is sent is not.
    ///
    /// # Errors
    /// No connection could be made ([`Error::is_connect`]; a `ConnectError` is in its chain of sources), something took too long
    /// ([`Error::is_timeout`]), as many requests as are allowed wait already ([`SendError::NoSlot`]), or what
    /// [`SendRequest::send`](crate::SendRequest::send) fails with. [`Error::retry`] says whether it may be sent again.
    pub fn send(&self, request: Request) -> impl Future<Output = Result<Response, Error>> + Send + use<> {
        let this = self.clone();
        async move { this.exchange(None, request).await }
    }

    /// As [`Client::send`], to the server of `url`, whatever the request's authority says: for proxies. Dropping the future cancels
    /// the request.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub fn send_via(
        &self,
        url: &Url,
        request: Request,
    ) -> impl Future<Output = Result<Response, Error>> + Send + use<> {
        let (this, url) = (self.clone(), url.clone());
        async move { this.exchange(Some(&url), request).await }
    }

    /// Asks the server that the request names for a tunnel: see [`Request::extended_connect`]. For a plain CONNECT, whose authority
    /// is where the tunnel leads to, see [`Client::connect_via`]. The total time-out ends with the response's header section, since a
    /// tunnel may stay as long as it likes. Dropping the future cancels the request.
    ///
    /// # Errors
    /// As [`Client::send`]; a server that says no is no error.
    pub fn connect(&self, request: Request) -> impl Future<Output = Result<Connected, Error>> + Send + use<> {
        let this = self.clone();
        async move { this.tunnel(None, request).await }
    }

    /// As [`Client::connect`], through the server of `url`. Dropping the future cancels the request.
    ///
    /// # Errors
    /// As [`Client::send`]; a server that says no is no error.
    pub fn connect_via(
        &self,
        url: &Url,
        request: Request,
    ) -> impl Future<Output = Result<Connected, Error>> + Send + use<> {
        let (this, url) = (self.clone(), url.clone());
        async move { this.tunnel(Some(&url), request).await }
    }

    /// Connects to the server of `url`, if there is no connection yet, and waits for its SETTINGS: the first request need not.
    /// Cancel-safe: the attempt goes on.
    ///
    /// # Errors
    /// No connection could be made, or the server does not speak HTTP/2.
    pub async fn warm_up(&self, url: &Url) -> Result<(), Error> {
        let patience = self.0.timeouts.begin();
        let lease = patience.connected(self.0.origins.lease(url)).await?;
        patience.connected(lease.connection.ready()).await
    }

    /// What the connection to the server of `url` has done so far; `None` where there is none. Cancel-safe.
    pub async fn stats(&self, url: &Url) -> Option<Snapshot> {
        self.0.origins.find(url)?.stats().await
    }

    /// Servers that it has a connection to, or is making one.
    #[must_use]
    pub fn origins(&self) -> usize {
        self.0.origins.len()
    }

    /// Makes no more connections and takes no more requests, finishes what is under way on those that are open, and closes them;
    /// for all clones. Once begun it goes on though the future is dropped: what is dropped is the waiting for its end.
    pub fn shut_down(&self) -> impl Future<Output = ()> + Send + use<> {
        let open = self.0.origins.shut_down();
        for connection in &open {
            connection.handle().shut_down();
        }
        async move {
            for connection in open {
                connection.close().await;
            }
        }
    }

    pub(crate) async fn exchange(&self, via: Option<&Url>, mut request: Request) -> Result<Response, Error> {
        let patience = self.0.timeouts.begin();
        let is_tunnel = request.method() == b"CONNECT";
        let mut is_again = false;
        loop {
            let place = match self.way(via, &request)? {
                Way::On(place) => place,
                Way::To(url) => patience.connected(self.place(url)).await?,
            };
            let sent = place.handle.send(request);
            let Failure { error, request: back } = match patience.answered(sent).await {
                // A tunnel may stay as long as it likes.
                Ok(response) => return Ok(if is_tunnel { response } else { patience.limit(response) }),
                Err(failure) => failure,
            };
            self.learn(&place, &error);
            match back {
                Some(back) if !is_again && is_worth_repeating(&error) => request = *back,
                _ => return Err(error),
            }
            is_again = true;
        }
    }

    async fn tunnel(&self, via: Option<&Url>, mut request: Request) -> Result<Connected, Error> {
        let patience = self.0.timeouts.begin();
        let mut copy = Some(request.fields().clone());
        loop {
            let place = match self.way(via, &request)? {
                Way::On(place) => place,
                Way::To(url) => patience.connected(self.place(url)).await?,
            };
            let (opening, outgoing) = Opening::new();
            let sent = place.handle.send(request.with_body(outgoing));
            let error = match patience.answered(sent).await {
                Ok(response) => return Ok(opening.answered(response)),
                Err(failure) => failure.error,
            };
            self.learn(&place, &error);
            match copy.take() {
                Some(fields) if is_worth_repeating(&error) => request = Request::from_fields(fields),
                _ => return Err(error),
            }
        }
    }

    /// The connection a request takes, or the server that needs one.
    fn way(&self, via: Option<&Url>, request: &Request) -> Result<Way, Error> {
        let (scheme, authority) = match via {
            Some(url) => (Some(url.scheme().as_bytes()), Some(url.authority().as_bytes())),
            None => (request.scheme(), request.authority()),
        };
        if let Some((number, handle)) = self.0.origins.open(scheme, authority) {
            return Ok(Way::On(Place { number, handle }));
        }
        match via {
            Some(url) => Ok(Way::To(url.clone())),
            None => Ok(Way::To(Url::of(request).map_err(SendError::Malformed)?)),
        }
    }

    /// A connection to this server, made if there is none.
    async fn place(&self, url: Url) -> Result<Place, Error> {
        let lease = self.0.origins.lease(&url).await?;
        Ok(Place { number: lease.number, handle: lease.connection.handle().clone() })
    }

    /// A connection that takes no more requests is not asked again, even before its task has found out.
    fn learn(&self, place: &Place, error: &Error) {
        let is_over = error.is_closed() || matches!(error.kind(), Kind::Stream(Cause::NotProcessed));
        if is_over {
            self.0.origins.retire(place.number);
        }
    }
}

/// How a request finds its connection.
enum Way {
    On(Place),
    /// One may have to be made.
    To(Url),
}

/// Where a request is sent.
struct Place {
    /// Of the connection.
    number: u64,
    handle: SendRequest,
}

/// RFC 9113 §8.7: the server has promised that it did nothing with the request, or never got it. A queue that is full now is
/// still so a moment later, and who has run out of patience has none for a second time.
///
/// A server that refused a stream (REFUSED_STREAM) is asked on the same connection: most often more was sent than it allows
/// before its SETTINGS were here, and now the request waits for its turn.
fn is_worth_repeating(error: &Error) -> bool {
    error.retry() == Retry::Safe && !error.is_timeout() && !matches!(error.kind(), Kind::Send(SendError::NoSlot))
}
