//! Connections that cannot be made, or end at once, say why in one line.
#![allow(clippy::unwrap_used, reason = "a test may")]

use pellucid_client::{Config, ConnectError, Connector, Retry, Url};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

async fn listener() -> (TcpListener, Url, Url) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let url = |scheme: &str| format!("{scheme}://127.0.0.1:{port}/").parse().unwrap();
    let (http, https) = (url("http"), url("https"));
    (listener, http, https)
}

fn is_one_line(error: &impl std::fmt::Display, part: &str) {
    let text = error.to_string();
    assert!(text.contains(part) && !text.contains('\n'), "{text:?} should hold {part:?}");
}

#[tokio::test]
async fn a_port_nobody_listens_on_is_named() {
    let (listener, http, https) = listener().await;
    let address = listener.local_addr().unwrap();
    drop(listener);
    for url in [http, https] {
        let error = Connector::new().connect(&url).await.unwrap_err();
        assert!(matches!(error, ConnectError::Connect(..)), "{error}");
        is_one_line(&error, &address.to_string());
    }
}

#[tokio::test]
async fn a_name_that_cannot_be_a_name_is_named() {
    let url: Url = format!("http://{}/", "a".repeat(300)).parse().unwrap();
    let error = Connector::new().connect(&url).await.unwrap_err();
    assert!(matches!(error, ConnectError::Resolve(..)), "{error}");
    is_one_line(&error, "cannot resolve");
}

#[test]
fn a_configuration_out_of_range_names_its_field() {
    let mut config = Config::client();
    config.max_frame_size = 5;
    let error = Connector::builder().config(config).build().unwrap_err();
    is_one_line(&error, "`max_frame_size`");
}

#[tokio::test]
async fn a_server_that_speaks_only_http_1_fails_the_request_and_ends_the_connection() {
    let (listener, http, _) = listener().await;
    let answering = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut begun = [0; 24];
        stream.read_exact(&mut begun).await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
    });
    let connection = Connector::new().connect(&http).await.unwrap();
    let error = connection.send(http.get()).await.unwrap_err();
    is_one_line(&error, "RFC 9113");
    assert!(error.retry() != Retry::Safe, "{error}");
    let report = connection.close().await.unwrap();
    assert!(report.error.is_some());
    answering.await.unwrap();
}

#[tokio::test]
async fn a_server_that_closes_at_once_fails_the_request() {
    let (listener, http, _) = listener().await;
    let connection = Connector::new().connect(&http).await.unwrap();
    drop(listener.accept().await.unwrap());
    let error = connection.send(http.get()).await.unwrap_err();
    is_one_line(&error, "");
    let _ = connection.close().await.unwrap();
}

#[cfg(feature = "tls")]
mod tls {
    use std::sync::Arc;
    use std::time::Duration;

    use pellucid_client::Trust;
    use rustls::ServerConfig;
    use rustls::pki_types::PrivateKeyDer;
    use tokio_rustls::TlsAcceptor;

    use super::*;

    /// A TLS server that chooses from these protocols, and its certificate.
    fn acceptor(alpn: &[&[u8]]) -> (TlsAcceptor, Vec<u8>) {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        config.alpn_protocols = alpn.iter().map(|p| p.to_vec()).collect();
        (TlsAcceptor::from(Arc::new(config)), made.cert.pem().into_bytes())
    }

    /// Covers 9113:3.3-1
    #[tokio::test]
    async fn a_tls_server_without_http_2_is_told_apart_from_a_broken_one() {
        for alpn in [&[][..], &[&b"http/1.1"[..]]] {
            let (listener, _, https) = listener().await;
            let (acceptor, root) = acceptor(alpn);
            let accepting = tokio::spawn(async move {
                let (stream, _) = listener.accept().await.unwrap();
                let _ = acceptor.accept(stream).await;
            });
            let error =
                Connector::builder().trust(Trust::Pem(root)).build().unwrap().connect(&https).await.unwrap_err();
            assert!(matches!(error, ConnectError::NoHttp2(_)), "{error}");
            is_one_line(&error, "does not offer HTTP/2");
            accepting.await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_server_that_speaks_no_tls_is_a_failed_handshake() {
        let (listener, _, https) = listener().await;
        let answering = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await;
        });
        let error = Connector::builder().trust(Trust::Anyone).build().unwrap().connect(&https).await.unwrap_err();
        assert!(matches!(error, ConnectError::Tls(..)), "{error}");
        is_one_line(&error, "TLS handshake with 127.0.0.1");
        answering.await.unwrap();
    }

    #[tokio::test]
    async fn a_handshake_nobody_answers_times_out() {
        let (_listener, _, https) = listener().await;
        let late = Duration::from_millis(50);
        let connector = Connector::builder().trust(Trust::Anyone).tls_timeout(late).build().unwrap();
        let error = connector.connect(&https).await.unwrap_err();
        is_one_line(&error, "the TLS handshake timed out");
    }

    #[test]
    fn certificates_to_trust_that_cannot_be_read_are_said() {
        for pem in [&b""[..], b"garbage", b"-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n"] {
            let error = Connector::builder().trust(Trust::Pem(pem.to_vec())).build().unwrap_err();
            assert!(matches!(error, ConnectError::Config(_)), "{error}");
            is_one_line(&error, "trust");
        }
    }
}
