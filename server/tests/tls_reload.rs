//! Certificates changed while the server runs.
#![cfg(feature = "tls")]
#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use common::pki::Authority;
use common::{builder, get, hello, in_time, loopback, speak};
use pellucid_client::{Tls as ClientTls, TlsStream, Trust};
use pellucid_server::tls::{Identity, Tls};
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::net::TcpStream;
use tokio::sync::watch;

/// How often the certificate changes.
const GENERATIONS: usize = 60;

/// Handshakes that must be seen between two changes.
const BETWEEN: usize = 8;

/// A server's certificate: as it is shown, and with its key.
struct Certificate {
    der: Vec<u8>,
    identity: Identity,
}

fn certificates(authority: &Authority) -> Vec<Certificate> {
    let make = |_| {
        let (certificates, key) = authority.issue("localhost");
        let der = CertificateDer::from_pem_slice(&certificates).unwrap().to_vec();
        Certificate { der, identity: Identity::from_pem(&certificates, &key).unwrap() }
    };
    (0..GENERATIONS).map(make).collect()
}

async fn connect(tls: &ClientTls, address: SocketAddr) -> TlsStream<TcpStream> {
    let transport = TcpStream::connect(address).await.unwrap();
    in_time(tls.connect(transport, "localhost")).await.unwrap()
}

/// What those who make connections and the one who changes certificates know of each other.
struct Scene {
    address: SocketAddr,
    tls: ClientTls,
    certificates: Vec<Certificate>,
    /// The certificate that handshakes from now on must show, or a later one.
    generation: AtomicUsize,
    handshakes: watch::Sender<usize>,
    resumed: AtomicUsize,
    is_over: AtomicBool,
}

impl Scene {
    /// Makes connections with two requests each until it is over; how many requests that were.
    async fn come_and_go(&self) -> u64 {
        let mut requests = 0;
        while !self.is_over.load(Ordering::SeqCst) {
            let least = self.generation.load(Ordering::SeqCst);
            let stream = connect(&self.tls, self.address).await;
            let shown = stream.info().peer_certificates.first().unwrap();
            let generation = self.certificates.iter().position(|c| c.der == *shown).unwrap();
            assert!(generation >= least, "certificate {generation} was shown after {least} was loaded");
            self.resumed.fetch_add(usize::from(stream.info().is_resumed), Ordering::SeqCst);
            let (client, driving) = speak(stream);
            for _ in 0..2 {
                assert_eq!(in_time(client.send(get("/"))).await.unwrap().status(), 200);
                requests += 1;
            }
            drop(client);
            assert!(in_time(driving).await.unwrap().error.is_none());
            self.handshakes.send_modify(|n| *n += 1);
        }
        requests
    }

    /// Sends requests on one connection, made before the first change, until it is over.
    async fn stay(&self) -> u64 {
        let (client, driving) = speak(connect(&self.tls, self.address).await);
        let mut requests = 0;
        while !self.is_over.load(Ordering::SeqCst) {
            assert_eq!(in_time(client.send(get("/"))).await.unwrap().status(), 200);
            requests += 1;
        }
        drop(client);
        assert!(in_time(driving).await.unwrap().error.is_none());
        requests
    }

    /// Loads each certificate in turn, once there has been something to see of the one before.
    async fn reload(&self, tls: &Tls) {
        let mut handshakes = self.handshakes.subscribe();
        for (generation, certificate) in self.certificates.iter().enumerate().skip(1) {
            let seen = *handshakes.borrow();
            in_time(handshakes.wait_for(|n| *n >= seen + BETWEEN)).await.unwrap();
            tls.reload(&certificate.identity);
            self.generation.store(generation, Ordering::SeqCst);
        }
        let seen = *handshakes.borrow();
        in_time(handshakes.wait_for(|n| *n >= seen + BETWEEN)).await.unwrap();
        self.is_over.store(true, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_are_reloaded_under_load_with_no_failed_request() {
    let authority = Authority::new("ours");
    let certificates = certificates(&authority);
    let tls = Tls::new(certificates[0].identity.clone());
    let server = builder().workers(2).tls(tls.clone()).bind(loopback()).unwrap();
    let (address, shutdown) = (server.local_addr(), server.shutdown());
    let serving = tokio::spawn(server.serve(hello));
    let scene = Arc::new(Scene {
        address,
        tls: ClientTls::new(&Trust::Pem(authority.pem())).unwrap(),
        certificates,
        generation: AtomicUsize::new(0),
        handshakes: watch::Sender::new(0),
        resumed: AtomicUsize::new(0),
        is_over: AtomicBool::new(false),
    });
    let mut clients = tokio::task::JoinSet::new();
    for n in 0..6 {
        let scene = Arc::clone(&scene);
        clients.spawn(async move { if n < 2 { scene.stay().await } else { scene.come_and_go().await } });
    }
    scene.reload(&tls).await;
    let requests: u64 = clients.join_all().await.iter().sum();
    shutdown.shut_down();
    let report = in_time(serving).await.unwrap().unwrap();
    println!("{GENERATIONS} certificates, {} resumed: {report}", scene.resumed.load(Ordering::SeqCst));
    assert_eq!((report.requests, report.connections_failed, report.handshakes_failed), (requests, 0, 0), "{report}");
    assert!(report.connections >= u64::try_from(GENERATIONS * BETWEEN).unwrap());
    assert!(scene.resumed.load(Ordering::SeqCst) > 0, "sessions are resumed between two changes");
}

#[tokio::test]
async fn another_configuration_counts_from_the_next_handshake_on_and_a_bad_one_changes_nothing() {
    let authority = Authority::new("ours");
    let (first, second) = (authority.issue("localhost"), authority.issue("localhost"));
    let tls = Tls::new(Identity::from_pem(&first.0, &first.1).unwrap());
    let server = common::Running::start(builder().tls(tls.clone()), hello);
    let client = ClientTls::new(&Trust::Pem(authority.pem())).unwrap();
    let (old, _task) = speak(connect(&client, server.address).await);
    let config = |protocol: &[u8], versions: &[&'static rustls::SupportedProtocolVersion]| {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let chain = vec![CertificateDer::from_pem_slice(&second.0).unwrap()];
        let key = rustls::pki_types::PrivateKeyDer::from_pem_slice(&second.1).unwrap();
        let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
        let mut config = builder.with_no_client_auth().with_single_cert(chain, key).unwrap();
        config.alpn_protocols = vec![protocol.to_vec()];
        Arc::new(config)
    };
    assert!(tls.reload_config(config(b"http/1.1", &[&rustls::version::TLS13])).is_err());
    assert_eq!(connect(&client, server.address).await.info().version, "TLSv1.3");
    tls.reload_config(config(b"h2", &[&rustls::version::TLS12])).unwrap();
    let new = connect(&client, server.address).await;
    assert_eq!(new.info().version, "TLSv1.2");
    assert_eq!(new.info().peer_certificates[0], CertificateDer::from_pem_slice(&second.0).unwrap().to_vec());
    let (new, _task) = speak(new);
    for client in [&old, &new] {
        assert_eq!(in_time(client.send(get("/"))).await.unwrap().status(), 200);
    }
    // A configuration of one's own keeps its versions when only the certificate is another.
    tls.reload(&Identity::from_pem(&first.0, &first.1).unwrap());
    let newer = ClientTls::new(&Trust::Pem(authority.pem())).unwrap();
    let newest = connect(&newer, server.address).await;
    assert_eq!(newest.info().version, "TLSv1.2");
    assert_eq!(newest.info().peer_certificates[0], CertificateDer::from_pem_slice(&first.0).unwrap().to_vec());
    drop(newest);
    drop((old, new));
    in_time(server.drain()).await;
}
