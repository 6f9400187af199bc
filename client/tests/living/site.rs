//! Servers in memory: one of the driver's with any service, and one that does exactly what a test says.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::BytesMut;
use pellucid_client::{
    Body, Client, ClientBuilder, Connector, ConnectorBuilder, End, ErrorCode, Fields, Request, Response, StreamId, Url,
};
use pellucid_conn::h2::{Config, Connection};
use pellucid_conn::{Event, Output, Time};
use pellucid_driver::{Service, server};
use pellucid_frame::encode;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

/// A server that is connected to in memory.
#[derive(Clone)]
pub struct Site {
    made: Arc<AtomicUsize>,
    handles: Arc<Mutex<Vec<server::Handle>>>,
    begin: Begin,
}

/// Serves a connection that was made.
type Begin = Arc<dyn Fn(&Site, DuplexStream) + Send + Sync>;

impl Site {
    /// With the server's defaults.
    pub fn new(service: impl Service + Clone + Sync) -> Self {
        Self::with(Config::server(), service)
    }

    pub fn with(config: Config, service: impl Service + Clone + Sync) -> Self {
        Self::begins(move |site, transport| {
            let mut options = server::Options::default();
            options.config = config.clone();
            let (serving, handle) = server::serve_with_handle(transport, service.clone(), options).unwrap();
            site.handles.lock().unwrap().push(handle);
            tokio::spawn(serving);
        })
    }

    /// Each connection, counted from 1, goes as `play` says.
    pub fn scripted<F: Future<Output = ()> + Send + 'static>(
        play: impl Fn(usize, Peer) -> F + Send + Sync + 'static,
    ) -> Self {
        Self::begins(move |site, transport| {
            let peer = Peer::new(transport, Config::server());
            tokio::spawn(play(site.connections(), peer));
        })
    }

    fn begins(begin: impl Fn(&Self, DuplexStream) + Send + Sync + 'static) -> Self {
        Self { made: Arc::default(), handles: Arc::default(), begin: Arc::new(begin) }
    }

    /// Makes connections to it, whatever the URL.
    pub fn connector(&self) -> ConnectorBuilder {
        let site = self.clone();
        Connector::builder().dial_with(move |_| std::future::ready(Ok(site.pipe())))
    }

    /// The client's end of a new connection.
    pub fn pipe(&self) -> DuplexStream {
        let (near, far) = duplex(64 << 10);
        self.made.fetch_add(1, Ordering::Relaxed);
        (self.begin)(self, far);
        near
    }

    pub fn builder(&self) -> ClientBuilder {
        Client::builder().connector(self.connector())
    }

    pub fn client(&self) -> Client {
        self.builder().build().unwrap()
    }

    /// How many connections were made to it.
    pub fn connections(&self) -> usize {
        self.made.load(Ordering::Relaxed)
    }

    /// The server's end of the newest.
    pub fn newest(&self) -> server::Handle {
        self.handles.lock().unwrap().last().unwrap().clone()
    }
}

/// A server's end of which every step is controlled.
pub struct Peer {
    transport: DuplexStream,
    conn: Connection,
    input: BytesMut,
}

impl Peer {
    fn new(transport: DuplexStream, config: Config) -> Self {
        Self { transport, conn: Connection::server(config, Time::ZERO), input: BytesMut::new() }
    }

    /// Sends what there is to send.
    pub async fn flush(&mut self) {
        let (mut out, mut octets) = (Output::new(), BytesMut::new());
        self.conn.poll_output(&mut out, 64 << 10, Time::ZERO);
        out.drain_to(&mut octets);
        // A client that has closed reads nothing any more.
        let _ = self.transport.write_all(&octets).await;
    }

    /// The next event; `None` at the end.
    pub async fn event(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.conn.next_event(&mut self.input, Time::ZERO).unwrap() {
                return Some(event);
            }
            self.flush().await;
            if self.transport.read_buf(&mut self.input).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    /// The next request with its whole content; `None` at the end.
    pub async fn request(&mut self) -> Option<(StreamId, Vec<u8>)> {
        let mut content = Vec::new();
        loop {
            match self.event().await? {
                Event::Headers { id, end: End::Last, .. } => return Some((id, content)),
                Event::Data { id, data, end } => {
                    content.extend_from_slice(&data);
                    if end == End::Last {
                        return Some((id, content));
                    }
                }
                _ => {}
            }
        }
    }

    pub async fn answer(&mut self, id: StreamId, content: &[u8]) {
        let mut fields = Fields::default();
        fields.push(b":status", b"200");
        self.conn.send_headers(id, &fields, End::More).unwrap();
        self.conn.send_data(id, content.to_vec().into(), End::Last).unwrap();
        self.flush().await;
    }

    pub async fn refuse(&mut self, id: StreamId) {
        self.reset(id, ErrorCode::REFUSED_STREAM).await;
    }

    pub async fn reset(&mut self, id: StreamId, code: ErrorCode) {
        self.conn.reset(id, code);
        self.flush().await;
    }

    /// GOAWAY without a warning: nothing above `last` was worked on.
    pub async fn go_away(&mut self, last: StreamId) {
        let mut frame = Vec::new();
        encode::goaway(&mut frame, last, ErrorCode::NO_ERROR, b"");
        let _ = self.transport.write_all(&frame).await;
    }

    /// Keeps the connection open, and neither reads nor writes.
    pub async fn hang(self) {
        std::future::pending::<()>().await;
        drop(self);
    }
}

pub fn url() -> Url {
    "http://site.test/".parse().unwrap()
}

/// Sends the request's content back.
pub async fn echo(request: Request) -> Response {
    Response::new(200).with_body(request.into_body())
}

/// Never answers.
pub async fn silence(_: Request) -> Response {
    std::future::pending().await
}

/// Lets everything run until nobody has anything to do; needs the paused clock.
pub async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

pub async fn text(response: Response) -> String {
    String::from_utf8(response.into_body().collect(1 << 20).await.unwrap().to_vec()).unwrap()
}

pub fn post(content: impl Into<Body>) -> Request {
    url().request("POST").with_body(content)
}
