//! Connections over real sockets: several addresses, Unix sockets, transports of one's own, and what is known of each.
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use pellucid_client::{Client, Connection, Connector, Request, Response, Url};
use pellucid_driver::client::Notice;
use pellucid_driver::server;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

/// Answers with the path.
async fn path(request: Request) -> Response {
    Response::new(200).with_body(request.path().to_vec())
}

fn serve(transport: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
    tokio::spawn(server::serve_connection(transport, path, server::Options::default()).unwrap());
}

/// A server on a port of its own.
async fn site() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            serve(stream);
        }
    });
    address
}

/// A queue of connections that is full: the next one's packets are dropped. It stays so while the first value lives.
#[cfg(target_os = "linux")]
fn silent() -> ((TcpListener, tokio::task::JoinSet<std::io::Result<TcpStream>>), SocketAddr) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let filling = (0..8).map(|_| TcpStream::connect(address)).collect();
    ((listener, filling), address)
}

async fn works(connection: &Connection, url: &Url) {
    let response = connection.send(url.get()).await.unwrap();
    assert_eq!(response.into_body().collect(100).await.unwrap(), url.path().as_bytes().to_vec());
}

// Others refuse when a queue is full, and nobody is silent. How long each step takes is a test of `eyeballs`.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn addresses_that_refuse_or_are_silent_give_way_to_one_that_answers() {
    let good = site().await;
    let refusing = {
        let bound = TcpListener::bind("127.0.0.1:0").await.unwrap();
        bound.local_addr().unwrap()
    };
    let (_silent, full) = silent();
    let url: Url = "http://site.test/x".parse().unwrap();
    let table = [("refusing", [refusing, good], 0), ("silent", [full, good], 250), ("good", [good, full], 0)];
    for (name, addresses, least) in table {
        let connector = Connector::builder().resolve_to("Site.test", addresses).build().unwrap();
        let start = std::time::Instant::now();
        let connection = connector.connect(&url).await.unwrap();
        assert!(start.elapsed().as_millis() >= least, "{name}");
        assert_eq!(connection.info().peer, Some(good));
        works(&connection, &url).await;
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_silent_address_alone_times_out() {
    let (_silent, full) = silent();
    let client = Client::builder().connect_timeout(Duration::from_millis(300)).build().unwrap();
    let error = client.get(&format!("http://{full}/").parse().unwrap()).await.unwrap_err();
    assert!(error.is_connect() && error.is_timeout(), "{error}");
}

#[tokio::test]
async fn addresses_given_without_a_port_take_the_urls() {
    let good = site().await;
    let url: Url = format!("http://site.test:{}/x", good.port()).parse().unwrap();
    let connector = Connector::builder().resolve_to("site.test", [SocketAddr::from(([127, 0, 0, 1], 0))]);
    works(&connector.build().unwrap().connect(&url).await.unwrap(), &url).await;
}

#[tokio::test]
async fn each_connection_has_its_number_its_addresses_its_tap_and_its_listener() {
    let good = site().await;
    let url: Url = format!("http://{good}/x").parse().unwrap();
    let octets = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&octets);
    let (hear, heard) = mpsc::channel();
    let connector = Connector::builder()
        .taps(move |info| {
            let count = Arc::clone(&count);
            (info.id == 2).then(|| -> pellucid_client::Tap {
                Box::new(move |_, octets: &[u8]| {
                    count.fetch_add(octets.len(), Ordering::Relaxed);
                })
            })
        })
        .notices(move |info| {
            let (id, hear) = (info.id, hear.clone());
            Some(Box::new(move |notice| {
                if let Notice::Settings(settings) = notice {
                    let _ = hear.send((id, settings.max_concurrent_streams));
                }
            }))
        })
        .build()
        .unwrap();
    for id in 1..=2 {
        let connection = connector.connect(&url).await.unwrap();
        assert_eq!(octets.load(Ordering::Relaxed), 0);
        let info = connection.info();
        assert_eq!((info.id, info.peer, info.is_secure()), (id, Some(good), false));
        assert!(info.local.unwrap().ip().is_loopback());
        connection.ready().await.unwrap();
        works(&connection, &url).await;
        assert_eq!(connection.stats().await.unwrap().counters.streams_opened, 1);
        assert!(connection.clone().close().await.unwrap().error.is_none());
        assert!(connection.stats().await.is_none() && !connection.handle().is_open());
        assert_eq!(connection.ended().await.unwrap().streams, 1);
    }
    assert!(octets.load(Ordering::Relaxed) > 100);
    assert_eq!(heard.try_iter().collect::<Vec<_>>(), [(1, Some(100)), (2, Some(100))]);
}

#[tokio::test]
async fn a_transport_of_ones_own_will_do() {
    let (near, far) = tokio::io::duplex(1 << 16);
    serve(far);
    let url: Url = "http://site.test/x".parse().unwrap();
    let connection = Connector::new().handshake(near, &url).await.unwrap();
    assert_eq!(connection.info().peer, None);
    works(&connection, &url).await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_unix_socket_will_do() {
    let path = std::env::temp_dir().join(format!("pellucid-client-{}.sock", std::process::id()));
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            serve(stream);
        }
    });
    let url: Url = "http://site.test/x".parse().unwrap();
    works(&Connector::new().connect_unix(&path, &url).await.unwrap(), &url).await;
    let there = path.clone();
    let connector = Connector::builder().dial_with(move |_| tokio::net::UnixStream::connect(there.clone()));
    let client = Client::builder().connector(connector).build().unwrap();
    assert_eq!(client.get(&url).await.unwrap().status(), 200);
    std::fs::remove_file(&path).unwrap();
    let error = Connector::new().connect_unix(&path, &url).await.unwrap_err();
    assert!(error.to_string().contains(".sock"), "{error}");
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn over_tls_it_is_known_what_was_agreed_on_and_sessions_are_resumed() {
    use pellucid_client::Trust;
    use rustls::pki_types::PrivateKeyDer;

    let made = rcgen::generate_simple_self_signed(["site.test".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let mut config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            serve(acceptor.accept(stream).await.unwrap());
        }
    });
    let url: Url = "https://site.test/x".parse().unwrap();
    let connector = Connector::builder().trust(Trust::Pem(made.cert.pem().into_bytes()));
    let connector = connector.resolve_to("site.test", [address]).build().unwrap();
    for is_resumed in [false, true] {
        let connection = connector.connect(&url).await.unwrap();
        works(&connection, &url).await;
        let tls = connection.info().tls.as_ref().unwrap();
        assert_eq!((tls.alpn.as_deref(), tls.server_name.as_deref()), (Some("h2"), Some("site.test")));
        assert_eq!((tls.version.as_str(), tls.is_resumed), ("TLSv1.3", is_resumed));
        connection.close().await.unwrap();
    }
}
