//! The whole stack through its front door: a server and a client over TCP and TLS, in one process.
#![cfg(all(feature = "server", feature = "client", feature = "tls"))]
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::future::Future;
use std::time::Duration;

use pellucid::client::{Connection, Connector, Trust, Url};
use pellucid::server::tls::Identity;
use pellucid::server::{Body, Builder, Chunk, Request, Response, Server, Service, Shutdown};
use pellucid::{conn, driver};
use tokio::task::JoinHandle;

struct Running {
    url: Url,
    shutdown: Shutdown,
    task: JoinHandle<std::io::Result<pellucid::server::DrainReport>>,
}

fn serve(builder: Builder, scheme: &str, service: impl Service + Clone) -> Running {
    let server = builder.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("{scheme}://localhost:{}/", server.local_addr().port()).parse().unwrap();
    Running { url, shutdown: server.shutdown(), task: tokio::spawn(server.serve(service)) }
}

/// A cleartext and a TLS server with the same service, and how to connect to each.
async fn both(service: impl Service + Clone) -> Vec<(Running, Connection)> {
    let identity = Identity::self_signed(&[]).unwrap();
    let trust = Trust::Pem(identity.certificate_pem().into_bytes());
    let servers =
        [serve(Server::builder(), "http", service.clone()), serve(Server::builder().tls(identity), "https", service)];
    let mut both = Vec::new();
    for server in servers {
        let connection = Connector::builder().trust(trust.clone()).build().unwrap().connect(&server.url).await.unwrap();
        both.push((server, connection));
    }
    both
}

async fn ends_clean(server: Running, connection: Connection) -> u64 {
    let report = connection.close().await.unwrap();
    assert!(report.error.is_none(), "{report:?}");
    server.shutdown.shut_down();
    let report = server.task.await.unwrap().unwrap();
    assert_eq!((report.streams_cut, report.connections_cut, report.connections_failed), (0, 0, 0), "{report}");
    report.requests
}

/// Fails a test that hangs instead of letting it hang.
async fn in_time<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(100), future).await.expect("this should not hang")
}

async fn echo(request: Request) -> Response {
    Response::new(200).with_body(request.into_body())
}

/// Octets by their place, so that nothing can be swapped unseen.
fn pattern(from: usize, len: usize) -> Vec<u8> {
    (from..from + len).map(|n| u8::try_from(n % 251).unwrap()).collect()
}

#[tokio::test]
async fn a_thousand_requests_a_hundred_at_a_time_over_tcp_and_tls() {
    for (server, connection) in both(echo).await {
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..1000_usize {
            let (client, request) = (connection.handle().clone(), server.url.request("POST"));
            tasks.spawn(async move {
                let content = pattern(n, n * 7);
                let response = client.send(request.with_body(content.clone())).await.unwrap();
                assert!(response.into_body().collect(usize::MAX).await.unwrap() == content, "request {n}");
            });
        }
        assert_eq!(in_time(tasks.join_all()).await.len(), 1000);
        assert_eq!(in_time(ends_clean(server, connection)).await, 1000);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_two_mebioctets_go_both_ways_at_once_over_tcp_and_tls() {
    const PIECE: usize = 50_000;
    const PIECES: usize = 32 * (1 << 20) / PIECE;
    for (server, connection) in both(echo).await {
        let (sender, body) = Body::channel(2);
        let sending = tokio::spawn(async move {
            for n in 0..PIECES {
                sender.send(pattern(n * PIECE, PIECE)).await.unwrap();
            }
        });
        let response = connection.send(server.url.request("POST").with_body(body)).await.unwrap();
        let (mut body, mut got) = (response.into_body(), 0);
        in_time(async {
            while let Some(chunk) = body.chunk().await {
                let Chunk::Data(data) = chunk.unwrap() else { panic!("no trailers here") };
                assert!(data == pattern(got, data.len()), "at {got}");
                got += data.len();
            }
        })
        .await;
        assert_eq!(got, PIECES * PIECE);
        sending.await.unwrap();
        in_time(ends_clean(server, connection)).await;
    }
}

#[tokio::test]
async fn the_handler_knows_how_it_was_reached() {
    let service = |request: Request| async move {
        let info = request.info().unwrap();
        let text = format!("{} {:?} {}", info.is_secure(), info.server_name(), info.peer.unwrap().ip());
        Response::new(200).with_body(text)
    };
    let mut texts = Vec::new();
    for (server, connection) in both(service).await {
        let response = connection.send(server.url.get()).await.unwrap();
        texts.push(response.into_body().collect(1000).await.unwrap());
        in_time(ends_clean(server, connection)).await;
    }
    assert_eq!(texts, ["false None 127.0.0.1", "true Some(\"localhost\") 127.0.0.1"]);
}

/// Covers 9110:4.3.4-1, 9110:4.3.4-5, 9110:4.3.4-7, 9110:4.3.4-8
#[tokio::test]
async fn certificates_that_do_not_prove_the_server_are_refused_with_a_reason() {
    let identity = Identity::self_signed(&[]).unwrap();
    let wrong = Trust::Pem(Identity::self_signed(&[]).unwrap().certificate_pem().into_bytes());
    let server = serve(Server::builder().tls(identity), "https", echo);
    let error = Connector::builder().trust(wrong).build().unwrap().connect(&server.url).await.unwrap_err().to_string();
    assert!(error.contains("TLS handshake") && error.contains("certificate"), "{error}");
    let error = Connector::new().connect(&server.url).await.unwrap_err().to_string();
    assert!(error.contains("certificate"), "the platform does not know it: {error}");
    // Whoever is believed without proof is served.
    let connection = Connector::builder().trust(Trust::Anyone).build().unwrap().connect(&server.url).await.unwrap();
    assert_eq!(connection.send(server.url.get()).await.unwrap().status(), 200);
    connection.close().await.unwrap();
    server.shutdown.shut_down();
    in_time(server.task).await.unwrap().unwrap();
}

/// Covers 9110:4.3.4-2, 9110:4.3.4-5
#[tokio::test]
async fn a_certificate_for_another_name_is_refused_by_that_name() {
    let made = rcgen::generate_simple_self_signed(["example.test".to_owned()]).unwrap();
    let identity = Identity::from_pem(made.cert.pem().as_bytes(), made.signing_key.serialize_pem().as_bytes()).unwrap();
    let trust = Trust::Pem(identity.certificate_pem().into_bytes());
    let server = serve(Server::builder().tls(identity), "https", echo);
    let error = Connector::builder().trust(trust).build().unwrap().connect(&server.url).await.unwrap_err().to_string();
    assert!(error.contains("not made for localhost, but for example.test"), "{error}");
    server.shutdown.shut_down();
    in_time(server.task).await.unwrap().unwrap();
}

/// Covers 9110:4.2.2-3
#[tokio::test]
async fn a_cleartext_client_on_the_tls_port_and_the_reverse_fail_with_an_error() {
    let identity = Identity::self_signed(&[]).unwrap();
    let secure = serve(Server::builder().tls(identity), "http", echo);
    let connection = Connector::new().connect(&secure.url).await.unwrap();
    assert!(in_time(connection.send(secure.url.get())).await.is_err());
    assert!(connection.close().await.unwrap().error.is_some());
    let clear = serve(Server::builder(), "https", echo);
    let error =
        in_time(Connector::builder().trust(Trust::Anyone).build().unwrap().connect(&clear.url)).await.unwrap_err();
    assert!(error.to_string().contains("TLS handshake"), "{error}");
    for server in [secure, clear] {
        server.shutdown.shut_down();
        in_time(server.task).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn the_parts_are_there_under_one_roof() {
    // One connection on a pipe, without server or client crate, and a connection without a driver.
    let (near, far) = tokio::io::duplex(1024);
    tokio::spawn(driver::server::serve_connection(far, echo, driver::server::Options::default()).unwrap());
    let (client, driving) = driver::client::handshake(near, driver::client::Options::default()).unwrap();
    tokio::spawn(driving);
    let response = client.send(Request::get("http", "x", "/")).await.unwrap();
    assert_eq!(response.status(), 200);
    let idle = conn::h2::Connection::server(conn::h2::Config::server(), conn::Time::ZERO);
    assert!(idle.wants_write());
}
