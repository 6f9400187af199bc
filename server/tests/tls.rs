//! TLS at the server: what is refused when it is built, and which clients are turned away.
#![cfg(feature = "tls")]
#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use std::io::{self, ErrorKind};
use std::sync::Arc;

use common::{Running, builder, get, hello, in_time, speak};
use pellucid_driver::client::{Notice, Options, handshake};
use pellucid_server::tls::Identity;
use pellucid_server::{Request, Response};
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

fn pem() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

/// A TLS handshake that offers these protocols.
async fn shake(server: &Running, root: &str, alpn: &[&[u8]]) -> io::Result<TlsStream<TcpStream>> {
    shake_with(server, root, alpn, &rustls::crypto::ring::default_provider().cipher_suites).await
}

/// … and these cipher suites.
async fn shake_with(
    server: &Running,
    root: &str,
    alpn: &[&[u8]],
    suites: &[rustls::SupportedCipherSuite],
) -> io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(rustls::pki_types::CertificateDer::from_pem_slice(root.as_bytes()).unwrap()).unwrap();
    let mut provider = rustls::crypto::ring::default_provider();
    provider.cipher_suites = suites.to_vec();
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|p| p.to_vec()).collect();
    let stream = TcpStream::connect(server.address).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
}

#[tokio::test]
async fn a_client_that_offers_h2_is_served_and_the_handler_knows_the_connection() {
    let identity = Identity::self_signed(&[]).unwrap();
    let root = identity.certificate_pem();
    let server = Running::start(builder().tls(identity), |request: Request| async move {
        let info = request.info().unwrap();
        assert!(info.is_secure() && info.peer.is_some() && info.local.is_some());
        Response::new(200).with_body(info.server_name().unwrap_or_default().to_owned())
    });
    let stream = shake(&server, &root, &[b"http/1.1", b"h2"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let mut options = Options::default();
    options.config.secure = true;
    let (client, driving) = handshake(stream, options).unwrap();
    let driving = tokio::spawn(driving);
    let response = client.send(Request::get("https", "localhost", "/")).await.unwrap();
    assert_eq!(response.into_body().collect(64).await.unwrap(), "localhost");
    drop(client);
    assert!(in_time(driving).await.unwrap().error.is_none());
    let report = in_time(server.drain()).await;
    assert_eq!((report.requests, report.connections_failed), (1, 0), "{report}");
}

/// Covers 9113:3.2-2, 9113:3.3-1
#[tokio::test]
async fn a_client_that_does_not_ask_for_h2_is_turned_away() {
    let identity = Identity::self_signed(&[]).unwrap();
    let root = identity.certificate_pem();
    let server = Running::start(builder().tls(identity), hello);
    // RFC 7301 §3.2: no protocol in common ends the handshake.
    let refused = shake(&server, &root, &[b"http/1.1"]).await.unwrap_err();
    assert!(refused.to_string().contains("NoApplicationProtocol"), "{refused}");
    // A client without ALPN may finish the handshake; it is served nothing.
    let mut stream = shake(&server, &root, &[]).await.unwrap();
    let _ = stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await;
    let mut said = Vec::new();
    let _ = in_time(stream.read_to_end(&mut said)).await;
    assert!(said.is_empty());
    // h2c is for cleartext (RFC 9113 §3.2).
    assert!(shake(&server, &root, &[b"h2c"]).await.is_err());
    let report = in_time(server.drain()).await;
    assert_eq!((report.requests, report.connections, report.handshakes_failed), (0, 0, 3), "{report}");
}

#[tokio::test]
async fn cleartext_on_the_tls_port_is_closed_and_the_server_goes_on() {
    let identity = Identity::self_signed(&[]).unwrap();
    let root = identity.certificate_pem();
    let server = Running::start(builder().tls(identity), hello);
    for octets in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01", b""] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(octets).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut said = Vec::new();
        let _ = in_time(stream.read_to_end(&mut said)).await;
    }
    let stream = shake(&server, &root, &[b"h2"]).await.unwrap();
    let (client, _driving) = handshake(stream, Options::default()).unwrap();
    tokio::spawn(_driving);
    assert_eq!(client.send(get("/")).await.unwrap().status(), 200);
    drop(client);
    in_time(server.drain()).await;
}

#[tokio::test]
async fn a_client_that_never_finishes_its_handshake_does_not_hold_a_drain_up() {
    let identity = Identity::self_signed(&[]).unwrap();
    let builder = builder().tls(identity).handshake_timeout(std::time::Duration::from_secs(3600));
    let server = Running::start(builder, hello);
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    silent.write_all(b"\x16").await.unwrap();
    tokio::task::yield_now().await;
    in_time(server.drain()).await;
}

#[tokio::test]
async fn a_handshake_that_takes_too_long_is_given_up() {
    let identity = Identity::self_signed(&[]).unwrap();
    let builder = builder().tls(identity).handshake_timeout(std::time::Duration::from_millis(5));
    let server = Running::start(builder, hello);
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    let mut said = Vec::new();
    in_time(silent.read_to_end(&mut said)).await.unwrap();
    assert_eq!(in_time(server.drain()).await.handshakes_failed, 1);
}

#[tokio::test]
async fn failed_handshakes_give_their_places_back() {
    let identity = Identity::self_signed(&[]).unwrap();
    let root = identity.certificate_pem();
    let server = Running::start(builder().tls(identity).max_connections(1), hello);
    for _ in 0..5 {
        assert!(in_time(shake(&server, &root, &[b"http/1.1"])).await.is_err());
    }
    let (client, _task) = speak(in_time(shake(&server, &root, &[b"h2"])).await.unwrap());
    assert_eq!(in_time(client.send(get("/"))).await.unwrap().status(), 200);
    // Numbers are given to what was accepted, served or not.
    assert_eq!(server.connections.list().iter().map(|c| c.info().id).collect::<Vec<_>>(), [6]);
    drop(client);
    assert_eq!(in_time(server.drain()).await.handshakes_failed, 5);
}

/// Covers 9113:9.2-2, 9113:9.2.1-6, 9113:9.2.2-1, 9113:9.2.2-3: no suite of TLS 1.2 without ephemeral keys and authenticated
/// encryption, so none of appendix A
#[test]
fn no_cipher_suite_is_one_that_http_2_forbids() {
    let suites = rustls::crypto::ring::default_provider().cipher_suites;
    let is_fine = |name: &str| {
        let (aead, ephemeral) =
            (name.contains("_GCM_") || name.contains("_CHACHA20_POLY1305_"), name.contains("_ECDHE_"));
        aead && (ephemeral || name.starts_with("TLS13_"))
    };
    for suite in &suites {
        let name = suite.suite().as_str().unwrap();
        assert!(is_fine(name), "{name}");
    }
    assert!(suites.iter().any(|suite| suite.tls13().is_none()), "TLS 1.2 is spoken, too");
    let needed = rustls::CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256;
    assert!(suites.iter().any(|suite| suite.suite() == needed));
    let groups: Vec<_> = rustls::crypto::ring::default_provider().kx_groups.iter().map(|group| group.name()).collect();
    let curves = [rustls::NamedGroup::X25519, rustls::NamedGroup::secp256r1, rustls::NamedGroup::secp384r1];
    assert!(groups.contains(&curves[1]) && groups.iter().all(|group| curves.contains(group)), "{groups:?}");
}

/// Covers 9113:9.2.2-2: each suite that the certificate allows, of both versions
#[tokio::test]
async fn every_suite_is_served() {
    let identity = Identity::self_signed(&[]).unwrap();
    let root = identity.certificate_pem();
    let server = Running::start(builder().tls(identity), |request: Request| async move {
        Response::new(200).with_body(request.info().unwrap().tls.as_ref().unwrap().cipher_suite.clone())
    });
    let mut served = Vec::new();
    for suite in rustls::crypto::ring::default_provider().cipher_suites {
        let name = suite.suite().as_str().unwrap();
        // The certificate has an elliptic key.
        if name.contains("_RSA_") {
            continue;
        }
        let stream = in_time(shake_with(&server, &root, &[b"h2"], &[suite])).await.unwrap();
        let (client, _task) = speak(stream);
        let answer = in_time(client.send(get("/"))).await.unwrap();
        assert_eq!(answer.into_body().collect(100).await.unwrap(), name);
        served.push(suite.version().version);
    }
    assert!(served.contains(&rustls::ProtocolVersion::TLSv1_2) && served.contains(&rustls::ProtocolVersion::TLSv1_3));
    in_time(server.drain()).await;
}

/// Covers 9113:9.2-1
#[tokio::test]
async fn a_client_without_tls_1_2_is_turned_away() {
    let server = Running::start(builder().tls(Identity::self_signed(&[]).unwrap()), hello);
    for minor in [1, 2] {
        // ClientHello of TLS 1.0 and 1.1: version, random, no session, one suite, no compression, one signature algorithm.
        let mut body = vec![3, minor];
        body.extend([7; 32]);
        body.extend([0, 0, 2, 0xc0, 0x13, 1, 0, 0, 8, 0, 13, 0, 4, 0, 2, 4, 3]);
        let length = u8::try_from(body.len()).unwrap();
        let octets = [&[22, 3, 1, 0, length + 4, 1, 0, 0, length], &body[..]].concat();
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(&octets).await.unwrap();
        let mut said = Vec::new();
        let _ = in_time(stream.read_to_end(&mut said)).await;
        // A fatal alert: protocol_version (RFC 8446 §6).
        assert_eq!((said.first(), said.get(5..)), (Some(&21), Some(&[2, 70][..])), "TLS 1.{}", minor - 1);
    }
    assert_eq!(in_time(server.drain()).await.handshakes_failed, 2);
}

#[tokio::test]
async fn a_client_that_closes_without_a_word_of_tls_has_not_failed() {
    let identity = Identity::self_signed(&[]).unwrap();
    let root = identity.certificate_pem();
    let server = Running::start(builder().tls(identity), hello);
    let (mut stream, mut said) = (shake(&server, &root, &[b"h2"]).await.unwrap(), [0; 9]);
    // Its connection is being served: here are its SETTINGS.
    stream.read_exact(&mut said).await.unwrap();
    let (tcp, _) = stream.into_inner();
    drop(tcp);
    let report = in_time(server.drain()).await;
    assert_eq!((report.connections, report.connections_failed, report.connections_cut), (1, 0, 0), "{report}");
}

#[tokio::test]
async fn origins_are_told_over_tls_and_never_in_clear_text() {
    let origins = ["https://localhost", "https://example.com:8443"];
    let identity = Identity::self_signed(&[]).unwrap();
    let root = identity.certificate_pem();
    let server = Running::start(builder().origins(origins).tls(identity), hello);
    let clear = Running::start(builder().origins(origins), hello);
    let (told, mut notices) = tokio::sync::mpsc::unbounded_channel();
    let options = || {
        let (mut options, told) = (Options::default(), told.clone());
        options.config.secure = true;
        options.notices = Some(Box::new(move |notice| {
            if let Notice::Origin(origins) = notice {
                told.send(origins).unwrap();
            }
        }));
        options
    };
    let (client, driving) = handshake(TcpStream::connect(clear.address).await.unwrap(), options()).unwrap();
    tokio::spawn(driving);
    assert_eq!(client.send(get("/")).await.unwrap().status(), 200);
    assert!(notices.try_recv().is_err());
    let (secure, driving) = handshake(shake(&server, &root, &[b"h2"]).await.unwrap(), options()).unwrap();
    tokio::spawn(driving);
    assert_eq!(in_time(notices.recv()).await.unwrap(), origins);
    drop((client, secure));
    in_time(clear.drain()).await;
    in_time(server.drain()).await;
}

#[cfg(unix)]
#[tokio::test]
async fn tls_runs_over_a_unix_socket_too() {
    let identity = Identity::self_signed(&[]).unwrap();
    let trust = pellucid_client::Trust::Pem(identity.certificate_pem().into_bytes());
    let path = std::env::temp_dir().join(format!("pellucid-{}-tls", std::process::id()));
    let server = builder().tls(identity).bind_unix(&path).unwrap();
    let (shutdown, task) = (server.shutdown(), tokio::spawn(server.serve(hello)));
    let transport = tokio::net::UnixStream::connect(&path).await.unwrap();
    let stream = pellucid_client::Tls::new(&trust).unwrap().connect(transport, "localhost").await.unwrap();
    let (client, _task) = speak(stream);
    assert_eq!(in_time(client.send(get("/"))).await.unwrap().status(), 200);
    shutdown.shut_down();
    assert_eq!(in_time(task).await.unwrap().unwrap().requests, 1);
}

#[test]
fn a_certificate_and_a_key_that_do_not_fit_are_refused_when_built() {
    let ((certificate, key), (_, other)) = (pem(), pem());
    assert!(Identity::from_pem(certificate.as_bytes(), key.as_bytes()).is_ok());
    let table: [(&str, &str, &str); 6] = [
        (&certificate, &other, "`key`: the key does not belong"),
        ("", &key, "`certificates`: there is no certificate"),
        (&key, &key, "`certificates`: there is no certificate"),
        (&certificate, "", "`key`: the key cannot be read"),
        (&certificate, &certificate, "`key`: the key cannot be read"),
        ("-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n", &key, "`certificates`"),
    ];
    for (certificate, key, text) in table {
        let error = Identity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert!(error.to_string().contains(text), "{error}");
    }
}

#[test]
fn the_certificate_of_an_identity_can_be_shown() {
    let identity = Identity::self_signed(&["example.test"]).unwrap();
    let shown = identity.certificate_pem();
    let der = rustls::pki_types::CertificateDer::from_pem_slice(shown.as_bytes()).unwrap();
    assert!(RootCertStore::empty().add(der).is_ok());
    assert!(Identity::self_signed(&["not a name\u{e9}"]).is_err());
}
