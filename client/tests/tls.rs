//! The client's TLS: built once, shared, on any transport, and refused when built where it could never work.
#![cfg(feature = "tls")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may")]

use std::sync::Arc;

use pellucid_client::{ConnectError, Tls, Trust};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_rustls::TlsAcceptor;

/// A certificate for `localhost` that signs itself, and its key, in PEM.
fn pem() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

/// The server's side of a handshake, and its certificate in PEM and DER.
fn acceptor(versions: &[&'static rustls::SupportedProtocolVersion]) -> (TlsAcceptor, Vec<u8>, Vec<u8>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    let mut config = builder.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    (TlsAcceptor::from(Arc::new(config)), made.cert.pem().into_bytes(), made.cert.der().to_vec())
}

/// A transport in memory, with a server of TLS at its end that echoes four octets.
fn transport(acceptor: &TlsAcceptor) -> DuplexStream {
    let (near, far) = tokio::io::duplex(16 << 10);
    let accepting = acceptor.accept(far);
    tokio::spawn(async move {
        let mut stream = accepting.await?;
        let mut octets = [0; 4];
        stream.read_exact(&mut octets).await?;
        stream.write_all(&octets).await?;
        stream.shutdown().await
    });
    near
}

#[tokio::test]
async fn sessions_are_resumed_since_the_configuration_is_shared() {
    for (version, name) in [(&rustls::version::TLS13, "TLSv1.3"), (&rustls::version::TLS12, "TLSv1.2")] {
        let (acceptor, root, der) = acceptor(&[version]);
        let tls = Tls::new(&Trust::Pem(root)).unwrap();
        for is_resumed in [false, true, true] {
            let mut stream = tls.clone().connect(transport(&acceptor), "localhost").await.unwrap();
            let info = stream.info().clone();
            assert_eq!((info.version.as_str(), info.is_resumed), (name, is_resumed));
            assert_eq!((info.alpn.as_deref(), info.server_name.as_deref()), (Some("h2"), Some("localhost")));
            assert_eq!(info.peer_certificates, std::slice::from_ref(&der));
            assert!(info.cipher_suite.starts_with("TLS"), "{}", info.cipher_suite);
            // The tickets come with the first octets.
            stream.write_all(b"echo").await.unwrap();
            let mut octets = Vec::new();
            stream.read_to_end(&mut octets).await.unwrap();
            assert_eq!(octets, b"echo");
        }
    }
}

/// Covers 9110:4.3.4-3
#[tokio::test]
async fn an_address_is_verified_and_is_no_server_name() {
    let (acceptor, root, _) = acceptor(rustls::ALL_VERSIONS);
    let tls = Tls::new(&Trust::Pem(root)).unwrap();
    let stream = tls.connect(transport(&acceptor), "127.0.0.1").await.unwrap();
    assert_eq!(stream.info().server_name, None);
    let error = tls.connect(transport(&acceptor), "127.0.0.2").await.unwrap_err();
    assert!(error.is_untrusted() && error.to_string().contains("127.0.0.2"), "{error}");
    let error = tls.connect(transport(&acceptor), "not a name").await.unwrap_err();
    assert!(matches!(error, ConnectError::Config(_)), "{error}");
}

#[test]
fn an_identity_that_could_never_work_is_refused_when_built_naming_the_argument() {
    let ((certificate, key), (_, other)) = (pem(), pem());
    let tls = || Tls::new(&Trust::Anyone).unwrap();
    assert!(tls().identity(certificate.as_bytes(), key.as_bytes()).is_ok());
    let table: [(&str, &str, &str); 6] = [
        (&certificate, &other, "`key`: it does not belong"),
        ("", &key, "`certificates`: there is no certificate"),
        (&key, &key, "`certificates`: there is no certificate"),
        (&certificate, "", "`key`: the client's key cannot be read"),
        (&certificate, &certificate, "`key`: the client's key cannot be read"),
        ("-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n", &key, "`certificates`"),
    ];
    for (certificate, key, text) in table {
        let error = tls().identity(certificate.as_bytes(), key.as_bytes()).unwrap_err();
        assert!(matches!(error, ConnectError::Config(_)), "{error}");
        assert!(error.to_string().contains(text), "{error} should hold {text}");
    }
}

/// A configuration of the caller's own that offers these protocols.
fn own(root: Option<&[u8]>, alpn: &[&[u8]]) -> Arc<ClientConfig> {
    use rustls::pki_types::pem::PemObject;
    let mut roots = RootCertStore::empty();
    if let Some(root) = root {
        roots.add(rustls::pki_types::CertificateDer::from_pem_slice(root).unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    Arc::new(config)
}

/// Covers 9113:3.2-1
#[tokio::test]
async fn a_configuration_of_ones_own_is_used_as_it_is_and_must_offer_http_2() {
    // RFC 9113 §3.2: h2c has no place in TLS, not even beside h2.
    for alpn in [&[][..], &[&b"http/1.1"[..]], &[b"h2c"], &[b"h2", b"h2c"]] {
        let error = Tls::from_config(own(None, alpn)).unwrap_err();
        assert!(error.to_string().contains("`alpn_protocols`"), "{error}");
    }
    let (acceptor, root, _) = acceptor(rustls::ALL_VERSIONS);
    let tls = Tls::from_config(own(Some(&root), &[b"h2", b"http/1.1"])).unwrap();
    assert_eq!(tls.connect(transport(&acceptor), "localhost").await.unwrap().info().alpn.as_deref(), Some("h2"));
    let (certificate, key) = pem();
    let error = tls.identity(certificate.as_bytes(), key.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("`identity`"), "{error}");
}

/// What a ClientHello offers (RFC 8446 §4.1.2).
struct Hello {
    cipher_suites: Vec<u16>,
    compression: Vec<u8>,
    extensions: Vec<(u16, Vec<u8>)>,
}

impl Hello {
    /// From the octets behind the heads of the record and of the message.
    fn parse(mut octets: &[u8]) -> Self {
        let mut take = |count: usize| octets.split_off(..count).unwrap().to_vec();
        take(2 + 32);
        let session = take(1)[0];
        take(session.into());
        let suites = number(&take(2));
        let cipher_suites = take(suites.into()).chunks(2).map(number).collect();
        let methods = take(1)[0];
        let compression = take(methods.into());
        let mut rest = number(&take(2));
        let mut extensions = Vec::new();
        while rest > 0 {
            let (kind, length) = (number(&take(2)), number(&take(2)));
            extensions.push((kind, take(length.into())));
            rest -= 4 + length;
        }
        Self { cipher_suites, compression, extensions }
    }

    fn extension(&self, kind: u16) -> Option<&[u8]> {
        self.extensions.iter().find(|(k, _)| *k == kind).map(|(_, octets)| octets.as_slice())
    }
}

fn number(octets: &[u8]) -> u16 {
    u16::from_be_bytes(octets.try_into().unwrap())
}

/// Covers 9113:3.2-1, 9113:9.2-1, 9113:9.2-2, 9113:9.2-3, 9113:9.2-4, 9113:9.2.1-1, 9113:9.2.1-6, 9113:9.2.2-1, 9113:9.2.2-3,
/// 9113:10.6-2
#[tokio::test]
async fn a_client_offers_what_http_2_wants_of_tls_and_nothing_else() {
    let (near, mut far) = tokio::io::duplex(16 << 10);
    let connecting = tokio::spawn(async move { Tls::new(&Trust::Anyone).unwrap().connect(near, "localhost").await });
    let mut head = [0; 5 + 4];
    far.read_exact(&mut head).await.unwrap();
    assert_eq!((head[0], head[5]), (22, 1), "a handshake that begins with ClientHello");
    let mut octets = vec![0; usize::from(number(&head[3..5])) - 4];
    far.read_exact(&mut octets).await.unwrap();
    drop(far);
    assert!(connecting.await.unwrap().is_err());
    let hello = Hello::parse(&octets);
    // supported_versions: TLS 1.3 and 1.2.
    assert_eq!(hello.extension(43).unwrap(), [4, 3, 4, 3, 3]);
    assert_eq!(hello.compression, [0], "none");
    // server_name: a list of one host name.
    assert_eq!(hello.extension(0).unwrap(), [&[0, 12, 0, 0, 9], &b"localhost"[..]].concat());
    assert_eq!(hello.extension(16).unwrap(), b"\0\x03\x02h2");
    // Nothing of RFC 9113's appendix A: suites of TLS 1.3, ECDHE with GCM or ChaCha20, and the sign of no renegotiation.
    let fine = [0x1301, 0x1302, 0x1303, 0xc02b, 0xc02c, 0xc02f, 0xc030, 0xcca8, 0xcca9, 0x00ff];
    assert!(hello.cipher_suites.iter().all(|suite| fine.contains(suite)), "{:04x?}", hello.cipher_suites);
    assert!(hello.cipher_suites.contains(&0xc02f), "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
    // supported_groups: curves only, P-256 (23) among them, all of them larger than 224 bits.
    let groups: Vec<u16> = hello.extension(10).unwrap()[2..].chunks(2).map(number).collect();
    assert!(groups.contains(&23) && groups.iter().all(|group| [23, 24, 29].contains(group)), "{groups:?}");
    assert!(hello.extension(49).is_none(), "nobody may ask for a certificate after the handshake");
}

/// Covers 9113:9.2-4: an address is no name (RFC 6066 §3)
#[tokio::test]
async fn an_address_is_not_sent_as_a_name() {
    let (near, mut far) = tokio::io::duplex(16 << 10);
    let connecting = tokio::spawn(async move { Tls::new(&Trust::Anyone).unwrap().connect(near, "127.0.0.1").await });
    let mut head = [0; 5 + 4];
    far.read_exact(&mut head).await.unwrap();
    let mut octets = vec![0; usize::from(number(&head[3..5])) - 4];
    far.read_exact(&mut octets).await.unwrap();
    drop(far);
    assert!(connecting.await.unwrap().is_err());
    assert_eq!(Hello::parse(&octets).extension(0), None);
}
