//! Bad input: one clear line on stderr, exit code 1, or 2 for usage; never a panic.

use std::io::Write;
use std::net::TcpListener;
use std::sync::Arc;

use crate::peer::{Peer, drain};
use crate::run::{Serving, complaint, printed, run};

#[test]
fn wrong_usage_is_one_line_and_exit_code_2() {
    let table: [(&[&str], &str); 12] = [
        (&["frobnicate"], "frobnicate"),
        (&["get"], "<URL>"),
        (&["get", "--frobnicate", "http://localhost/"], "--frobnicate"),
        (&["get", "-H", "no colon", "http://localhost/"], "name: value"),
        (&["get", "-H", "a b: c", "http://localhost/"], "the name"),
        (&["get", "-H", ":path: /", "http://localhost/"], "the name"),
        (&["get", "-H", "Connection: close", "http://localhost/"], "HTTP/2 has no field"),
        (&["get", "-X", "GE T", "http://localhost/"], "method"),
        (&["serve", "--bytes", "many"], "10k"),
        (&["serve", "--echo", "--bytes", "1"], "--bytes"),
        (&["serve", "--echo", "--workers", "0"], "workers"),
        (&["serve", "--echo", "--listen", "nowhere"], "HOST:PORT"),
    ];
    for (args, what) in table {
        let line = complaint(&run(args), 2);
        assert!(line.contains(what), "{args:?}: {line}");
    }
}

#[test]
fn urls_and_names_that_lead_nowhere_are_named() {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    let refused = format!("http://{free}/");
    let table = [
        ("ftp://localhost/", "bad URL \"ftp://localhost/\""),
        ("localhost", "bad URL"),
        ("http://localhost:99999/", "port"),
        ("http://no-such-host.invalid/", "cannot resolve no-such-host.invalid"),
        (&refused, "cannot connect to 127.0.0.1"),
    ];
    for (url, what) in table {
        let line = complaint(&run(&["get", url]), 1);
        assert!(line.contains(what), "{url}: {line}");
    }
    // Several requests, one reason.
    assert!(complaint(&run(&["get", &refused, &refused]), 1).contains("cannot connect"));
    assert!(complaint(&run(&["get", "--cacert", "/no/such.pem", "https://localhost/"]), 1).contains("/no/such.pem"));
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("it is bound").to_string();
    for workers in ["1", "2"] {
        let line = complaint(&run(&["serve", "--echo", "--listen", &address, "--workers", workers]), 1);
        assert_eq!(line, format!("pellucid: cannot listen on {address}: the port is in use\n"));
    }
    assert!(complaint(&run(&["serve", "/no/such/folder"]), 1).contains("/no/such/folder: "));
}

#[test]
fn a_server_that_speaks_only_http1_is_told_of() {
    let peer = Peer::saying(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".to_vec());
    let line = complaint(&run(&["get", &format!("http://{}/", peer.address)]), 1);
    assert!(line.contains("HTTP/1"), "{line}");
    peer.done();
}

#[test]
fn a_tls_server_that_speaks_only_http1_is_told_of() {
    for protocols in [vec![b"http/1.1".to_vec()], Vec::new()] {
        let peer = tls_peer(protocols);
        let line = complaint(&run(&["get", "-k", &format!("https://{}/", peer.address)]), 1);
        assert!(line.contains("does not offer HTTP/2") && line.contains("HTTP/1.1"), "{line}");
        peer.done();
    }
}

/// A TLS server that would choose among these protocols.
fn tls_peer(protocols: Vec<Vec<u8>>) -> Peer {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the versions suit the provider")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("certificate and key belong together");
    config.alpn_protocols = protocols;
    Peer::start(move |stream, _| {
        let session = rustls::ServerConnection::new(Arc::new(config)).expect("the configuration is fine");
        let mut tls = rustls::StreamOwned::new(session, stream);
        // The handshake fails, or the client leaves after it; both are what is wanted here.
        drain(&mut tls);
        drain(&mut tls.sock);
    })
}

#[test]
fn clients_of_http1_do_not_disturb_a_server() {
    let server = Serving::start(&["--bytes", "3"]);
    let address = server.origin.strip_prefix("http://").expect("clear text");
    let mut stream = std::net::TcpStream::connect(address).expect("it listens");
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").expect("it reads");
    drain(&mut stream);
    assert_eq!(printed(&run(&["get", &server.url("/")])), "...");
    assert_eq!(server.leave().0, Some(0));
}
