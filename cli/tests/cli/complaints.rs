//! Bad input: one clear line on stderr, exit code 1, or 2 for usage; never a panic.
//!
//! Not for: captures; those are in `decode`'s tests.

use std::io::Write;
use std::net::TcpListener;
use std::sync::Arc;

use crate::peer::{Peer, drain};
use crate::run::{Serving, arg, complaint, folder, printed, run};

#[test]
fn wrong_usage_is_one_line_and_exit_code_2() {
    let table: [(&[&str], &str); 14] = [
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
        (&["serve", "--echo", "--workers", "0"], "--workers <N>': write a number from 1 to 1024"),
        (&["serve", "--echo", "--workers", "1025"], "write a number from 1 to 1024"),
        (&["serve", "--echo", "--workers", "two"], "write a number from 1 to 1024"),
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

#[test]
fn the_wrong_scheme_for_a_port_is_told_of() {
    let clear = Serving::start(&["--bytes", "3"]);
    let line = complaint(&run(&["get", "-k", &clear.url("/").replace("http://", "https://")]), 1);
    assert!(line.contains("does not speak TLS on this port; try http://"), "{line}");

    let http1 = Peer::start(|mut stream, _| {
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").expect("the client listens");
        drain(&mut stream);
    });
    let line = complaint(&run(&["get", "-k", &format!("https://{}/", http1.address)]), 1);
    assert!(line.contains("does not speak TLS on this port; try http://"), "{line}");
    http1.done();

    let tls = Serving::start(&["--bytes", "3", "--tls"]);
    let line = complaint(&run(&["get", &tls.url("/").replace("https://", "http://")]), 1);
    assert!(line.contains("it may want https:// or speak only HTTP/1.1"), "{line}");
}

#[test]
fn a_server_that_leaves_without_a_word_is_told_of() {
    for (scheme, why) in [
        ("http", "it may want https:// or speak only HTTP/1.1"),
        ("https", "the server closed the connection during the TLS handshake"),
    ] {
        // Nothing is read, so that some systems reset the connection.
        let peer = Peer::start(|stream, _| drop(stream));
        let line = complaint(&run(&["get", "-k", &format!("{scheme}://{}/", peer.address)]), 1);
        assert!(line.contains(why), "{line}");
        peer.done();
    }
}

#[test]
fn what_is_wrong_with_a_certificate_is_said_in_plain_words() {
    let folder = folder("complaints_certificates");
    let changed = |change: fn(&mut rcgen::CertificateParams)| {
        let mut params = rcgen::CertificateParams::new(["127.0.0.1".to_owned()]).expect("a name");
        change(&mut params);
        let pair = rcgen::KeyPair::generate().expect("a key");
        let made = params.self_signed(&pair).expect("a certificate");
        let (cert, key) = (folder.join("one.pem"), folder.join("one.key"));
        std::fs::write(&cert, made.pem()).expect("a file");
        std::fs::write(&key, pair.serialize_pem()).expect("a file");
        let files = [arg(&cert), arg(&key)].map(str::to_owned);
        (Serving::start(&["--echo", "--tls", "--cert", &files[0], "--key", &files[1]]), files)
    };
    let elsewhere = |url: String| url.replace("127.0.0.1", "localhost");
    let hint = "(see --cacert FILE or -k)";

    let (server, [cert, key]) = changed(|_| {});
    let line = complaint(&run(&["get", "--cacert", &cert, &elsewhere(server.url("/"))]), 1);
    assert!(line.contains("it is not made for localhost, but for 127.0.0.1") && line.contains(hint), "{line}");
    let line = complaint(&run(&["get", &server.url("/")]), 1);
    assert!(line.contains("it is signed by an authority that is not known here") && line.contains(hint), "{line}");
    let line = complaint(&run(&["get", "--cacert", &key, &server.url("/")]), 1);
    assert!(line.contains(&format!("--cacert {key}: ")), "{line}");

    let (server, [cert, _]) = changed(|params| params.not_after = rcgen::date_time_ymd(2001, 1, 1));
    let line = complaint(&run(&["get", "--cacert", &cert, &server.url("/")]), 1);
    assert!(line.contains("it has expired") && line.contains(hint), "{line}");

    let (server, _) = changed(|params| params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained));
    let line = complaint(&run(&["get", &server.url("/")]), 1);
    assert!(line.contains("its certificate is not trusted: ") && line.contains(hint), "{line}");
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
