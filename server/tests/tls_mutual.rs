//! Mutual TLS: who is served, who is not, and what both sides get to hear.
#![cfg(feature = "tls")]
#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use std::io::ErrorKind;
use std::sync::Arc;

use common::pki::Authority;
use common::{Log, Running, builder, get, hello, in_time, speak};
use pellucid_client::{Client, Tls as ClientTls, Trust, Url};
use pellucid_server::tls::{Identity, Tls};
use pellucid_server::{Request, Response};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A certificate and its key, in PEM.
type Pair = (Vec<u8>, Vec<u8>);

/// One request by a client that shows `pair`; the answer's content, or what the caller gets to hear.
async fn ask(server: &Running, authority: &Authority, pair: Option<&Pair>) -> Result<String, String> {
    ask_from(TcpStream::connect(server.address).await.unwrap(), authority, pair).await
}

async fn ask_from(transport: TcpStream, authority: &Authority, pair: Option<&Pair>) -> Result<String, String> {
    let mut tls = ClientTls::new(&Trust::Pem(authority.pem())).unwrap();
    if let Some((certificates, key)) = pair {
        tls = tls.identity(certificates, key).unwrap();
    }
    let stream = in_time(tls.connect(transport, "localhost")).await.map_err(|e| e.to_string())?;
    let (client, driving) = speak(stream);
    let answer = in_time(client.send(get("/"))).await;
    drop(client);
    let report = in_time(driving).await.unwrap();
    match answer {
        Ok(answer) => Ok(String::from_utf8(answer.into_body().collect(4096).await.unwrap().to_vec()).unwrap()),
        Err(error) => {
            assert_eq!(report.error.unwrap().to_string(), format!("transport: {}", plain(&error.to_string())));
            Err(error.to_string())
        }
    }
}

/// The text without what the driver puts before it.
fn plain(text: &str) -> &str {
    text.rsplit_once("transport: ").map_or(text, |(_, plain)| plain)
}

/// A server of TLS 1.2 alone that demands what `authority` has signed.
fn tls_1_2(authority: &Authority, (certificates, key): &Pair) -> Tls {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&authority.pem()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider)).build().unwrap();
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(certificates).unwrap()],
            PrivateKeyDer::from_pem_slice(key).unwrap(),
        )
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    Tls::from_config(Arc::new(config)).unwrap()
}

#[tokio::test]
async fn mtls_refuses_a_wrong_certificate_clearly_on_both_sides() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let pair = ours.issue("localhost");
    let tls_1_3 = Tls::new(Identity::from_pem(&pair.0, &pair.1).unwrap()).require_client(&ours.pem()).unwrap();
    let table = [
        (None, "demands a client certificate and was shown none", "was asked for a certificate and showed none"),
        (
            Some(theirs.issue("client")),
            "refused our certificate: it does not know the authority",
            "certificate is refused: it is signed by an authority that is not known here",
        ),
        (
            Some(ours.issue_expired("client")),
            "refused our certificate: it has expired",
            "certificate is refused: it has expired",
        ),
    ];
    for (tls, version) in [(tls_1_3, "TLSv1.3"), (tls_1_2(&ours, &pair), "TLSv1.2")] {
        let log = Log::listen();
        let server = Running::start(builder().tls(tls), |request: Request| async move {
            Response::new(200).with_body(request.info().unwrap().tls.as_ref().unwrap().version.clone())
        });
        for (pair, client_hears, server_logs) in &table {
            let transport = TcpStream::connect(server.address).await.unwrap();
            let us = transport.local_addr().unwrap();
            let heard = ask_from(transport, &ours, pair.as_ref()).await.unwrap_err();
            assert!(heard.contains(client_hears), "{version}: {heard:?} should hold {client_hears:?}");
            let line = log.last_of(us);
            assert!(line.contains(server_logs), "{version}: {line:?} should hold {server_logs:?}");
            assert!(line.contains("TLS handshake failed"), "{line:?}");
        }
        assert_eq!(server.connections.report().handshakes_failed, 3);
        // The right one is served, before and after.
        assert_eq!(ask(&server, &ours, Some(&ours.issue("client"))).await.as_deref(), Ok(version));
        let report = in_time(server.drain()).await;
        assert_eq!((report.requests, report.handshakes_failed, report.connections_failed), (1, 3, 0), "{report}");
        assert!(report.to_string().contains("3 TLS handshakes failed"), "{report}");
    }
}

/// A close with unread octets would reset the connection, and the alert might never be read.
#[tokio::test]
async fn a_client_that_has_sent_its_request_before_it_is_refused_reads_the_alert_and_a_clean_end() {
    let authority = Authority::new("ours");
    let (certificates, key) = authority.issue("localhost");
    let tls = Tls::new(Identity::from_pem(&certificates, &key).unwrap()).require_client(&authority.pem()).unwrap();
    let server = Running::start(builder().tls(tls), hello);
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&authority.pem()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let transport = TcpStream::connect(server.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, transport).await.unwrap();
    stream.write_all(&[b'x'; 10_000]).await.unwrap();
    stream.flush().await.unwrap();
    let (mut transport, _) = stream.into_inner();
    let mut records = Vec::new();
    in_time(transport.read_to_end(&mut records)).await.expect("no reset");
    assert!(!records.is_empty(), "the alert is there");
    drop(transport);
    in_time(server.drain()).await;
}

/// Through the client that people use: whoever sends gets to hear it, with several at once on one connection that fails.
#[tokio::test]
async fn every_caller_of_a_living_client_hears_why_its_certificate_was_refused() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let pair = ours.issue("localhost");
    let tls_1_3 = Tls::new(Identity::from_pem(&pair.0, &pair.1).unwrap()).require_client(&ours.pem()).unwrap();
    for tls in [tls_1_3, tls_1_2(&ours, &pair)] {
        let server = Running::start(builder().tls(tls), hello);
        let url: Url = format!("https://localhost:{}/", server.address.port()).parse().unwrap();
        for (shown, part) in
            [(None, "demands a client certificate"), (Some(theirs.issue("client")), "refused our certificate")]
        {
            let mut tls = ClientTls::new(&Trust::Pem(ours.pem())).unwrap();
            if let Some((certificates, key)) = &shown {
                tls = tls.identity(certificates, key).unwrap();
            }
            let client = Client::builder().tls(tls).build().unwrap();
            let mut sent = tokio::task::JoinSet::new();
            for _ in 0..10 {
                sent.spawn(client.get(&url));
            }
            for answer in in_time(sent.join_all()).await {
                let error = answer.unwrap_err();
                assert!(error.to_string().contains(part), "{error} should hold {part}");
            }
        }
        let (certificates, key) = ours.issue("client");
        let tls = ClientTls::new(&Trust::Pem(ours.pem())).unwrap().identity(&certificates, &key).unwrap();
        let client = Client::builder().tls(tls).build().unwrap();
        assert_eq!(in_time(client.get(&url)).await.unwrap().status(), 200);
        in_time(client.shut_down()).await;
        in_time(server.drain()).await;
    }
}

/// Covers 9113:9.2-3, 9113:9.2.3-1: the certificate was asked for in the handshake; asked later, the client would have ended the
/// connection
#[tokio::test]
async fn a_request_sees_the_clients_certificate_alpn_version_and_server_name() {
    let authority = Authority::new("ours");
    let (certificates, key) = authority.issue("localhost");
    let identity = Identity::from_pem(&certificates, &key).unwrap();
    let tls = Tls::new(identity).require_client(&authority.pem()).unwrap();
    let client = authority.issue("a client");
    let shown = CertificateDer::from_pem_slice(&client.0).unwrap().to_vec();
    let server = Running::start(builder().tls(tls), move |request: Request| {
        let info = request.info().unwrap();
        let tls = info.tls.as_ref().unwrap();
        assert_eq!(info.client_certificate(), Some(&shown[..]));
        assert_eq!((tls.version.as_str(), tls.alpn.as_deref()), ("TLSv1.3", Some("h2")));
        assert!(tls.cipher_suite.starts_with("TLS13_AES_"), "{}", tls.cipher_suite);
        let answer = format!("{} {}", info.id, info.server_name().unwrap());
        async { Response::new(200).with_body(answer) }
    });
    assert_eq!(ask(&server, &authority, Some(&client)).await.as_deref(), Ok("1 localhost"));
    in_time(server.drain()).await;
}

#[tokio::test]
async fn where_a_certificate_is_only_accepted_none_is_served_and_a_wrong_one_is_not() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let (certificates, key) = ours.issue("localhost");
    let tls = Tls::from(Identity::from_pem(&certificates, &key).unwrap()).accept_client(&ours.pem()).unwrap();
    let kept = tls.clone();
    let server = Running::start(builder().tls(tls), |request: Request| async move {
        Response::new(200).with_body(if request.info().unwrap().client_certificate().is_some() {
            "known"
        } else {
            "guest"
        })
    });
    for _ in 0..2 {
        assert_eq!(ask(&server, &ours, None).await.as_deref(), Ok("guest"));
        assert_eq!(ask(&server, &ours, Some(&ours.issue("client"))).await.as_deref(), Ok("known"));
        let heard = ask(&server, &ours, Some(&theirs.issue("client"))).await.unwrap_err();
        assert!(heard.contains("refused our certificate"), "{heard}");
        // What clients are asked for stays as it is when the server's certificate is another.
        let (certificates, key) = ours.issue("localhost");
        kept.reload(&Identity::from_pem(&certificates, &key).unwrap());
    }
    in_time(server.drain()).await;
}

/// Covers 9113:3.2-2
#[test]
fn what_could_never_work_is_refused_when_built_naming_the_field() {
    let identity = Identity::self_signed(&[]).unwrap();
    let key = Authority::new("ours").issue("localhost").1;
    let broken: &[u8] = b"-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n";
    for roots in [&b""[..], b"garbage", &key, broken] {
        let tls = || Tls::new(identity.clone());
        for error in [tls().require_client(roots).unwrap_err(), tls().accept_client(roots).unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains("`roots_pem`"), "{error}");
        }
    }
    let authority = Authority::new("ours");
    let pair = authority.issue("localhost");
    let error = tls_1_2(&authority, &pair).require_client(&authority.pem()).unwrap_err();
    assert!(error.to_string().contains("configuration of one's own"), "{error}");
    // RFC 9113 §3.2: h2c has no place in TLS, not even beside h2.
    let beside = vec![b"h2".to_vec(), b"h2c".to_vec()];
    for protocols in [vec![], vec![b"http/1.1".to_vec()], vec![b"h2c".to_vec()], beside] {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(rustls::server::ResolvesServerCertUsingSni::new()));
        config.alpn_protocols = protocols;
        let config = Arc::new(config);
        let tls = Tls::new(identity.clone());
        for error in [Tls::from_config(Arc::clone(&config)).unwrap_err(), tls.reload_config(config).unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains("`alpn_protocols`"), "{error}");
        }
    }
}

#[tokio::test]
async fn other_reasons_of_a_failed_handshake_are_logged_plainly() {
    let log = Log::listen();
    let server = Running::start(builder().tls(Identity::self_signed(&[]).unwrap()), hello);
    let table: [(&[u8], &str); 2] = [
        (b"GET / HTTP/1.1\r\n\r\n", "does not speak TLS"),
        (b"\x16\x03", "closed the connection during the handshake"),
    ];
    for (octets, reason) in table {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(octets).await.unwrap();
        stream.shutdown().await.unwrap();
        let _ = in_time(stream.read_to_end(&mut Vec::new())).await;
        let line = log.last_of(stream.local_addr().unwrap());
        assert!(line.contains(reason), "{line:?}");
    }
    // A client that does not believe us.
    let transport = TcpStream::connect(server.address).await.unwrap();
    let us = transport.local_addr().unwrap();
    let error = ask_from(transport, &Authority::new("another"), None).await.unwrap_err();
    assert!(error.contains("is not trusted"), "{error}");
    let is_counted = async {
        while server.connections.report().handshakes_failed < 3 {
            tokio::task::yield_now().await;
        }
    };
    in_time(is_counted).await;
    let report = in_time(server.drain()).await;
    assert!(log.last_of(us).contains("the client refuses our certificate (UnknownCA)"), "{}", log.last_of(us));
    assert_eq!((report.connections, report.handshakes_failed), (0, 3), "{report}");
}
