//! What the driver's tests share: a server and a client on an in-memory pipe, a recorder of what went over it, and a peer of
//! which every step is controlled.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "each test file uses its part; a test may unwrap"
)]

pub mod script;

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use pellucid_driver::client::{self, SendRequest};
use pellucid_driver::conn::h2::{Config, Connection};
use pellucid_driver::conn::{ConnectionError, Event, Output, Time};
use pellucid_driver::{
    Body, Chunk, Direction, End, Error, ErrorCode, Fields, Report, Request, Response, Service, Source, StreamId, Tap,
    server,
};
use pellucid_frame::{Frame, Head, Kind};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// A server and a client joined by a pipe, both running.
pub struct Pair {
    pub client: SendRequest,
    pub handle: server::Handle,
    pub client_task: JoinHandle<Report>,
    pub server_task: JoinHandle<Report>,
    /// As the server sees it: what it received and what it sent.
    pub wire: Wire,
}

/// What a pair is made of.
pub struct Setup {
    pub server: Config,
    pub client: Config,
    pub max_waiting: usize,
    pub pipe: usize,
    pub notices: Option<client::Notices>,
}

impl Default for Setup {
    fn default() -> Self {
        Self { server: Config::server(), client: Config::client(), max_waiting: 10_000, pipe: 64 << 10, notices: None }
    }
}

impl Setup {
    pub fn start<S: Service>(self, service: S) -> Pair {
        let (near, far) = tokio::io::duplex(self.pipe);
        let wire = Wire::default();
        let mut options = server::Options::default();
        options.config = self.server;
        options.tap = Some(wire.tap());
        let (serving, handle) = server::serve_with_handle(far, service, options).unwrap();
        let mut options = client::Options::default();
        options.config = self.client;
        options.max_waiting = self.max_waiting;
        options.notices = self.notices;
        let (client, driving) = client::handshake(near, options).unwrap();
        Pair { client, handle, client_task: tokio::spawn(driving), server_task: tokio::spawn(serving), wire }
    }
}

/// A pair with the defaults.
pub fn pair<S: Service>(service: S) -> Pair {
    Setup::default().start(service)
}

impl Pair {
    pub fn get(&self, path: &str) -> impl Future<Output = Result<Response, Error>> + Send + use<> {
        self.client.send(get(path))
    }

    /// Streams that are open at the client and at the server.
    pub async fn live(&self) -> (usize, usize) {
        let (client, server) = (self.client.stats().await.unwrap(), self.handle.stats().await.unwrap());
        (client.live_streams, server.live_streams)
    }

    /// The connection still works.
    pub async fn is_fine(&self) {
        assert_eq!(self.get("/fine").await.unwrap().status(), 200);
    }

    /// Ends the connection politely. Nothing may be open any more: what is would be cut by the drain's deadline, and told.
    pub async fn ends_clean(self) -> (Report, Report) {
        self.handle.shut_down();
        let (server, client) = (self.server_task.await.unwrap(), self.client_task.await.unwrap());
        assert_eq!((server.cut, client.cut), (0, 0), "no stream was left open");
        assert!(server.error.is_none() && client.error.is_none(), "{server:?} {client:?}");
        (server, client)
    }
}

pub fn get(path: &str) -> Request {
    Request::get("http", "localhost", path)
}

pub fn post(path: &str) -> Request {
    Request::new("POST", "http", "localhost", path)
}

/// Sends the request's body back, as it comes.
pub async fn echo(request: Request) -> Response {
    Response::new(200).with_body(request.into_body())
}

pub fn fields(list: &[(&str, &str)]) -> Fields {
    let mut fields = Fields::default();
    for (name, value) in list {
        fields.push(name.as_bytes(), value.as_bytes());
    }
    fields
}

/// Lets everything run until nobody has anything to do; needs the paused clock.
pub async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// A body made by a function.
pub fn made_by<F>(f: F) -> Body
where
    F: FnMut() -> Poll<Option<Result<Chunk, Error>>> + Send + Unpin + 'static,
{
    struct FromFn<F>(F);
    impl<F: FnMut() -> Poll<Option<Result<Chunk, Error>>> + Send + Unpin + 'static> Source for FromFn<F> {
        fn poll_chunk(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Chunk, Error>>> {
            (self.0)()
        }
    }
    Body::from_source(FromFn(f))
}

/// Frames that went over a connection, both ways.
#[derive(Default, Clone)]
pub struct Wire(Arc<Mutex<[Half; 2]>>);

#[derive(Default)]
struct Half {
    octets: BytesMut,
    began: bool,
    seen: Seen,
}

/// One way's frames, counted.
#[derive(Default, Clone, Debug)]
pub struct Seen {
    /// Octets that count for flow control.
    pub data: u64,
    /// Credit given for the connection.
    pub credit: u64,
    pub resets: Vec<(u32, ErrorCode)>,
    pub goaways: Vec<(u32, ErrorCode)>,
    /// Streams with HEADERS, in order, with whether they ended the stream.
    pub headers: Vec<(u32, End)>,
    pub ends: Vec<u32>,
    /// Every frame and its stream, in order.
    pub order: Vec<(Kind, u32)>,
}

impl Wire {
    pub fn tap(&self) -> Tap {
        let this = self.clone();
        Box::new(move |direction, octets| {
            let mut halves = this.0.lock().unwrap_or_else(PoisonError::into_inner);
            let [received, sent] = &mut *halves;
            match direction {
                Direction::Received => received.feed(octets, true),
                Direction::Sent => sent.feed(octets, false),
            }
        })
    }

    pub fn received(&self) -> Seen {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)[0].seen.clone()
    }

    pub fn sent(&self) -> Seen {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)[1].seen.clone()
    }
}

impl Half {
    fn feed(&mut self, octets: &[u8], has_preface: bool) {
        self.octets.extend_from_slice(octets);
        if has_preface && !self.began {
            if self.octets.len() < 24 {
                return;
            }
            self.octets.advance(24);
        }
        self.began = true;
        while let Some(head) = Head::peek(&self.octets) {
            let total = Head::LEN + head.length as usize;
            if self.octets.len() < total {
                break;
            }
            let frame = self.octets.split_to(total);
            self.seen.order.push((head.kind, head.stream.get()));
            self.seen.note(&Frame::decode(head, &frame[Head::LEN..]).unwrap());
        }
    }
}

impl Seen {
    fn note(&mut self, frame: &Frame<'_>) {
        match frame {
            Frame::Data(f) => {
                self.data += u64::from(f.flow_octets());
                if f.end().is_last() {
                    self.ends.push(f.stream.get());
                }
            }
            Frame::Headers(f) => {
                self.headers.push((f.stream.get(), f.end()));
                if f.end().is_last() {
                    self.ends.push(f.stream.get());
                }
            }
            Frame::Reset(f) => self.resets.push((f.stream.get(), f.code)),
            Frame::GoAway(f) => self.goaways.push((f.last.get(), f.code)),
            Frame::WindowUpdate(f) if f.stream.is_connection() => self.credit += u64::from(f.increment),
            _ => {}
        }
    }
}

/// A peer that does exactly what it is told: a connection without a driver.
pub struct Raw {
    pub transport: DuplexStream,
    pub conn: Connection,
    pub input: BytesMut,
    start: Instant,
}

impl Raw {
    pub fn client(transport: DuplexStream, config: Config) -> Self {
        let conn = Connection::client(config, Time::ZERO);
        Self { transport, conn, input: BytesMut::new(), start: Instant::now() }
    }

    pub fn server(transport: DuplexStream, config: Config) -> Self {
        let conn = Connection::server(config, Time::ZERO);
        Self { transport, conn, input: BytesMut::new(), start: Instant::now() }
    }

    pub fn now(&self) -> Time {
        Time::ZERO + self.start.elapsed()
    }

    /// Sends what the connection has to send.
    pub async fn flush(&mut self) {
        loop {
            let (mut out, mut octets) = (Output::new(), BytesMut::new());
            self.conn.poll_output(&mut out, 64 << 10, self.now());
            out.drain_to(&mut octets);
            if octets.is_empty() {
                return;
            }
            // A peer that has closed reads nothing any more.
            let _ = self.transport.write_all(&octets).await;
        }
    }

    /// The next event, after all that is to be sent was sent; `None` at the end of the transport.
    pub async fn event(&mut self) -> Result<Option<Event>, ConnectionError> {
        loop {
            let now = self.now();
            if let Some(event) = self.conn.next_event(&mut self.input, now)? {
                return Ok(Some(event));
            }
            self.flush().await;
            if self.transport.read_buf(&mut self.input).await.unwrap_or(0) == 0 {
                return Ok(None);
            }
        }
    }

    /// The next event that is not about settings.
    pub async fn next(&mut self) -> Event {
        loop {
            match self.event().await.unwrap().expect("the transport is open") {
                Event::Settings(_) => {}
                event => return event,
            }
        }
    }

    pub fn open(&mut self, method: &str, path: &str, end: End) -> StreamId {
        let list = [(":method", method), (":scheme", "http"), (":authority", "localhost"), (":path", path)];
        self.conn.open(&fields(&list), end).unwrap()
    }
}

/// Starts a server on one end of a pipe and gives the other to a peer that is controlled step by step.
pub fn serve_raw<S: Service>(
    service: S,
    server: Config,
    client: Config,
) -> (Raw, JoinHandle<Report>, server::Handle, Wire) {
    let (near, far) = tokio::io::duplex(1 << 20);
    let wire = Wire::default();
    let mut options = server::Options::default();
    options.config = server;
    options.tap = Some(wire.tap());
    let (serving, handle) = server::serve_with_handle(far, service, options).unwrap();
    (Raw::client(near, client), tokio::spawn(serving), handle, wire)
}

/// Starts a client on one end of a pipe; the server's end is controlled step by step.
pub fn client_raw(client: Config, server: Config) -> (SendRequest, JoinHandle<Report>, Raw) {
    let (near, far) = tokio::io::duplex(1 << 20);
    let mut options = client::Options::default();
    options.config = client;
    let (client, driving) = client::handshake(near, options).unwrap();
    (client, tokio::spawn(driving), Raw::server(far, server))
}

/// Starts a client whose server says exactly what it is told to, right or wrong.
pub fn client_scripted(options: client::Options) -> (SendRequest, JoinHandle<Report>, script::Script) {
    let (near, far) = tokio::io::duplex(1 << 20);
    let (client, driving) = client::handshake(near, options).unwrap();
    (client, tokio::spawn(driving), script::Script::new(far))
}

/// Small numbers that look random and are the same every time.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}
