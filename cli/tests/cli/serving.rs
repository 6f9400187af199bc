//! `pellucid serve`: what it answers, what it tells, how it leaves.
//!
//! Not for: arguments that are wrong; those are in `complaints`.

use std::fs;
use std::net::TcpStream;

use pellucid_client::{Body, Chunk, Connection, Connector, Fields, Response, Url};

use crate::run::{Serving, arg, complaint, folder, octets, pellucid, printed, run};

/// A client of our own, where `get` cannot ask for it.
fn with_connection<T>(url: &str, test: impl AsyncFnOnce(&Connection, Url) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let url: Url = url.parse().expect("a URL");
        let connection = Connector::new().connect(&url).await.expect("it listens");
        let outcome = test(&connection, url).await;
        connection.close().await;
        outcome
    })
}

async fn read(mut response: Response) -> (String, Option<Fields>) {
    let (mut content, mut trailers) = (Vec::new(), None);
    while let Some(chunk) = response.body_mut().chunk().await {
        match chunk.expect("the body is complete") {
            Chunk::Data(data) => content.extend_from_slice(&data),
            Chunk::Trailers(fields) => trailers = Some(fields),
        }
    }
    (String::from_utf8(content).expect("the content is text"), trailers)
}

#[test]
fn octets_are_as_many_as_asked_for() {
    for (wanted, count) in [("0", 0), ("10", 10), ("64k", 65_536), ("65537", 65_537), ("1m", 1 << 20)] {
        let server = Serving::start(&["--bytes", wanted]);
        assert_eq!(printed(&run(&["get", &server.url("/any")])).len(), count, "{wanted}");
        assert_eq!(printed(&run(&["get", "-d", "content", &server.url("/")])).len(), count, "{wanted}");
        assert_eq!(printed(&run(&["get", "-X", "HEAD", &server.url("/")])), "", "{wanted}");
        assert_eq!(server.leave(), (Some(0), "served 3 requests on 3 connections\n".to_owned(), String::new()));
    }
}

#[test]
fn workers_share_the_port() {
    let server = Serving::start(&["--bytes", "5", "--workers", "3"]);
    for _ in 0..6 {
        assert_eq!(printed(&run(&["get", &server.url("/")])).len(), 5);
    }
    assert_eq!(server.leave().1, "served 6 requests on 6 connections\n");
}

#[test]
fn echo_streams_both_ways_and_gives_trailers_back() {
    let server = Serving::start(&["--echo"]);
    with_connection(&server.url("/"), async |connection, url| {
        let (sender, body) = Body::channel(1);
        let request = url.request("POST").with_header("content-type", "text/x-part").with_body(body);
        let sending = connection.send(request);
        sender.send("one ").await.expect("it is read");
        let mut response = sending.await.expect("answered before the request has ended");
        assert_eq!((response.status(), response.header("content-type")), (200, Some(&b"text/x-part"[..])));
        let first = response.body_mut().chunk().await.expect("the first piece is back").expect("and whole");
        assert!(matches!(first, Chunk::Data(data) if data == "one "));
        sender.send("two").await.expect("it is read");
        let mut trailers = Fields::new();
        trailers.push(b"checksum", b"fine");
        sender.trailers(trailers).await.expect("they are read");
        let (rest, trailers) = read(response).await;
        assert_eq!(rest, "two");
        assert_eq!(trailers.expect("they are back").get(b"checksum"), Some(&b"fine"[..]));
    });
    assert_eq!(server.leave().0, Some(0));
}

#[test]
fn files_are_served_and_nothing_outside_of_them() {
    let folder = folder("serving_files");
    let (site, secret) = (folder.join("site"), folder.join("secret.txt"));
    fs::create_dir_all(site.join("sub")).expect("a folder");
    for (file, content) in
        [("site/a b.txt", "text"), ("site/sub/index.html", "<p>"), ("site/1k", "k"), ("secret.txt", "s")]
    {
        fs::write(folder.join(file), content).expect("a file");
    }
    fs::write(site.join("empty.json"), "").expect("a file");
    #[cfg(unix)]
    for (target, link) in [(&secret, "leak.txt"), (&site.join("loop"), "loop")] {
        std::os::unix::fs::symlink(target, site.join(link)).expect("a link");
    }
    let server = Serving::start(&[arg(&site)]);
    let table = [
        ("GET", "/a%20b.txt?query", 200, "text/plain; charset=utf-8", "text"),
        ("GET", "/sub", 200, "text/html; charset=utf-8", "<p>"),
        ("GET", "/sub/", 200, "text/html; charset=utf-8", "<p>"),
        ("GET", "/1k", 200, "application/octet-stream", "k"),
        ("GET", "/empty.json", 200, "application/json", ""),
        ("HEAD", "/1k", 200, "application/octet-stream", ""),
        ("GET", "/", 404, PLAIN, "404 not found\n"),
        ("GET", "/loop", 404, PLAIN, "404 not found\n"),
        ("GET", "/nothing", 404, PLAIN, "404 not found\n"),
        ("GET", "/1k/below", 404, PLAIN, "404 not found\n"),
        ("GET", "/../secret.txt", 403, PLAIN, "403 not allowed\n"),
        ("GET", "/%2e%2e/secret.txt", 403, PLAIN, "403 not allowed\n"),
        ("GET", "/sub%2f..%2f..%2fsecret.txt", 403, PLAIN, "403 not allowed\n"),
        ("GET", "/..\\secret.txt", 403, PLAIN, "403 not allowed\n"),
        ("GET", "/a%00b", 403, PLAIN, "403 not allowed\n"),
        ("GET", "/leak.txt", 403, PLAIN, "403 not allowed\n"),
        ("GET", "/%zz", 400, PLAIN, "400 the path is not well encoded\n"),
        ("PUT", "/1k", 405, PLAIN, "405 only GET and HEAD\n"),
    ];
    for (method, path, status, content_type, content) in table {
        with_connection(&server.url(path), async |connection, url| {
            let response = connection.send(url.request(method)).await.expect("an answer");
            assert_eq!(response.status(), status, "{method} {path}");
            assert_eq!(response.header("content-type"), Some(content_type.as_bytes()), "{method} {path}");
            assert_eq!(read(response).await.0, content, "{method} {path}");
        });
    }
}

const PLAIN: &str = "text/plain; charset=utf-8";

#[test]
fn a_large_file_arrives_whole() {
    let folder = folder("serving_large");
    let content = octets(3_000_001, 7);
    fs::write(folder.join("large"), &content).expect("a file");
    let server = Serving::start(&[arg(&folder)]);
    assert!(run(&["get", &server.url("/large")]).stdout == content);
}

#[test]
fn requests_and_frames_are_told_on_request() {
    let server = Serving::start(&["--echo", "-v"]);
    printed(&run(&["get", "-d", "hello", &server.url("/told?q")]));
    let (_, _, told) = server.leave();
    assert!(told.contains("POST /told?q: 200, 5 octets in "), "{told}");
    assert!(!told.contains("HEADERS stream 1"), "{told}");

    let server = Serving::start(&["--bytes", "5", "-vv"]);
    printed(&run(&["get", &server.url("/told")]));
    let (_, _, told) = server.leave();
    assert!(told.contains("GET /told: 200, 5 octets in "), "{told}");
    assert!(told.contains("#1 <- DATA stream 1 END_STREAM, 5 octets\n"), "{told}");
}

#[test]
fn a_response_that_was_cut_does_not_look_like_a_success() {
    let server = Serving::start(&["--bytes", "100m", "-v"]);
    with_connection(&server.url("/cut"), async |connection, url| {
        let mut response = connection.send(url.get()).await.expect("an answer");
        assert!(response.body_mut().chunk().await.is_some_and(|chunk| chunk.is_ok()));
        // Dropped before its end, it is reset.
        drop(response);
    });
    printed(&run(&["get", "-X", "HEAD", &server.url("/head")]));
    assert_eq!(printed(&run(&["get", &server.url("/whole")])).len(), 100 << 20);
    let (_, _, told) = server.leave();
    assert!(told.contains("GET /cut: 200, CUT after "), "{told}");
    assert!(told.contains("HEAD /head: 200, 0 octets in "), "{told}");
    assert!(told.contains("GET /whole: 200, 104857600 octets in "), "{told}");
}

#[test]
fn a_log_that_nobody_reads_is_no_failure() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = pellucid(&["serve", "--listen", "127.0.0.1:0", "--bytes", "5", "-vv"]);
    command.stderr(writer);
    let server = Serving::of(command);
    assert_eq!(printed(&run(&["get", &server.url("/")])), ".....");
}

#[test]
fn a_development_certificate_needs_a_client_that_believes_it() {
    let server = Serving::start(&["--bytes", "4", "--tls"]);
    assert!(server.origin.starts_with("https://"));
    assert_eq!(printed(&run(&["get", "-k", &server.url("/")])), "....");
    assert!(complaint(&run(&["get", &server.url("/")]), 1).contains("certificate"));
    assert_eq!(server.leave().0, Some(0));
}

#[test]
fn a_certificate_of_ones_own_is_believed_by_who_has_it() {
    let folder = folder("serving_certificates");
    let [(cert, key), (_, other)] = ["one", "two"].map(|name| {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
        let (cert, key) = (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
        fs::write(&cert, made.cert.pem()).expect("a file");
        fs::write(&key, made.signing_key.serialize_pem()).expect("a file");
        (cert, key)
    });
    let (cert, key, other) = (arg(&cert), arg(&key), arg(&other));
    let server = Serving::start(&["--echo", "--tls", "--cert", cert, "--key", key]);
    assert_eq!(printed(&run(&["get", "--cacert", cert, "-d", "over TLS", &server.url("/")])), "over TLS");
    drop(server);

    // What openssl makes when it is asked for a certificate that signs itself: an authority that is a server.
    let mut params = rcgen::CertificateParams::new(["127.0.0.1".to_owned()]).expect("a name");
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let pair = rcgen::KeyPair::generate().expect("a key");
    let (authority, its_key) = (folder.join("ca.pem"), folder.join("ca.key"));
    fs::write(&authority, params.self_signed(&pair).expect("a certificate").pem()).expect("a file");
    fs::write(&its_key, pair.serialize_pem()).expect("a file");
    let server = Serving::start(&["--echo", "--tls", "--cert", arg(&authority), "--key", arg(&its_key)]);
    assert_eq!(printed(&run(&["get", "--cacert", arg(&authority), "-d", "over TLS", &server.url("/")])), "over TLS");
    let elsewhere = server.url("/").replace("127.0.0.1", "localhost");
    complaint(&run(&["get", "--cacert", arg(&authority), &elsewhere]), 1);
    complaint(&run(&["get", "--cacert", cert, &server.url("/")]), 1);
    drop(server);

    let serve = |cert: &str, key: &str| run(&["serve", "--echo", "--tls", "--cert", cert, "--key", key]);
    assert!(complaint(&serve(cert, other), 1).contains("the key does not belong to the certificate"));
    assert!(complaint(&serve(key, cert), 1).contains("no certificate in PEM"));
    assert!(complaint(&serve("/no/such.pem", key), 1).contains("/no/such.pem: "));
    complaint(&run(&["serve", "--echo", "--tls", "--cert", cert]), 2);
    complaint(&run(&["serve", "--echo", "--cert", cert, "--key", key]), 2);
}

#[test]
fn a_signal_drains_and_a_second_one_ends_at_once() {
    let server = Serving::start(&["--echo"]);
    let address = server.origin.strip_prefix("http://").expect("clear text").to_owned();
    let ended = with_connection(&server.url("/"), async |connection, url| {
        let (sender, body) = Body::channel(1);
        let response = connection.send(url.request("POST").with_body(body)).await.expect("an answer");
        server.signal("INT");
        // It has begun to leave when nobody gets in any more. The request that is open keeps it from ending.
        while TcpStream::connect(&address).is_ok() {}
        server.signal("TERM");
        let ended = server.ended();
        drop((sender, response));
        ended
    });
    assert_eq!((ended.0, ended.1), (Some(130), String::new()));
    assert_eq!(ended.2, "pellucid: stopped at once: what was under way is cut\n");
}

#[test]
fn the_current_directory_is_served_where_nothing_else_is_said() {
    let folder = folder("serving_here");
    fs::write(folder.join("here.txt"), "here").expect("a file");
    let mut command = pellucid(&["serve", "--listen", "127.0.0.1:0"]);
    command.current_dir(&folder);
    let server = Serving::of(command);
    assert_eq!(printed(&run(&["get", &server.url("/here.txt")])), "here");
}
