//! What the server's tests share: a running server and connections to it.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "each test file uses its part; a test may unwrap")]

#[cfg(feature = "tls")]
pub mod pki;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use pellucid_driver::client::{Options, SendRequest, handshake};
use pellucid_driver::{Report, Request, Response};
use pellucid_server::{Builder, Connections, DrainReport, Server, Service, Shutdown};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// A server that runs on the test's runtime.
pub struct Running {
    pub address: SocketAddr,
    pub shutdown: Shutdown,
    pub connections: Connections,
    pub task: JoinHandle<io::Result<DrainReport>>,
}

impl Running {
    pub fn start<S: Service + Clone>(builder: Builder, service: S) -> Self {
        let server = builder.bind(loopback()).unwrap();
        let (address, shutdown, connections) = (server.local_addr(), server.shutdown(), server.connections());
        Self { address, shutdown, connections, task: tokio::spawn(server.serve(service)) }
    }

    pub async fn connect(&self) -> (SendRequest, JoinHandle<Report>) {
        connect(self.address).await
    }

    /// One connection, one request.
    pub async fn is_fine(&self) {
        let (client, task) = self.connect().await;
        assert_eq!(client.send(get("/")).await.unwrap().status(), 200);
        drop(client);
        assert!(task.await.unwrap().error.is_none());
    }

    pub async fn drain(self) -> DrainReport {
        self.shutdown.shut_down();
        self.task.await.unwrap().unwrap()
    }
}

pub fn loopback() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

pub async fn connect(address: SocketAddr) -> (SendRequest, JoinHandle<Report>) {
    speak(TcpStream::connect(address).await.unwrap())
}

/// HTTP/2 on any transport.
pub fn speak<T: AsyncRead + AsyncWrite + Unpin + Send + 'static>(transport: T) -> (SendRequest, JoinHandle<Report>) {
    let (client, driving) = handshake(transport, Options::default()).unwrap();
    (client, tokio::spawn(driving))
}

/// What this process logs. One for all tests: a logger of one thread's may be overlooked while others come and go.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub fn listen() -> Self {
        static LOG: OnceLock<Log> = OnceLock::new();
        let begin = || {
            let log = Log::default();
            let writer = log.clone();
            let format = tracing_subscriber::fmt().with_ansi(false).without_time();
            format.with_writer(move || writer.clone()).init();
            log
        };
        LOG.get_or_init(begin).clone()
    }

    /// The last line about the client at this address.
    pub fn last_of(&self, peer: SocketAddr) -> String {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let peer = format!("peer={peer} ");
        text.lines().rfind(|line| line.contains(&peer)).unwrap_or_default().to_owned()
    }
}

impl io::Write for Log {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub fn get(path: &str) -> Request {
    Request::get("http", "localhost", path)
}

pub async fn hello(_: Request) -> Response {
    Response::new(200).with_body("hello")
}

pub fn builder() -> Builder {
    Server::builder()
}

/// Fails a test that hangs instead of letting it hang.
pub async fn in_time<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("this should not hang")
}
