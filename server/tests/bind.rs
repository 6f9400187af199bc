//! What cannot be served is refused when it is bound, and the error says what it is about.
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use pellucid_server::{Builder, Config, Server};

fn loopback() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

#[test]
fn a_port_in_use_is_an_error_for_any_number_of_workers() {
    for (theirs, ours) in [(1, 1), (1, 3), (3, 1), (3, 3)] {
        let first = Server::builder().workers(theirs).bind(loopback()).unwrap();
        let error = Server::builder().workers(ours).bind(first.local_addr()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse, "{theirs} and {ours} workers");
    }
}

#[test]
fn a_port_that_was_left_can_be_taken_again() {
    let address = Server::bind(loopback()).unwrap().local_addr();
    assert_ne!(address.port(), 0);
    for workers in [1, 3] {
        let server = Server::builder().workers(workers).bind(address).unwrap();
        assert_eq!(server.local_addr(), address);
    }
}

/// Every value that could not work, and the name that the error must say.
#[test]
fn bad_input_to_the_builder_is_refused_when_built_naming_the_field() {
    type Spoil = fn(Builder) -> Builder;
    let table: [(Spoil, &str); 15] = [
        (|b| b.workers(0), "`workers`"),
        (|b| b.max_connections(0), "`max_connections`"),
        (|b| b.max_connections(usize::MAX), "`max_connections`"),
        (|b| b.handshake_timeout(Duration::ZERO), "`handshake_timeout`"),
        (|b| b.origins(["http://example.com"]), "`origins`"),
        (|b| b.origins(["https://"]), "`origins`"),
        (|b| b.origins(["https://fine.example", "https://example.com/"]), "`origins`"),
        (|b| b.origins(["https://me@example.com"]), "`origins`"),
        (|b| b.origins(vec!["https://example.com:8443"; 1000]), "`origins`"),
        (|b| b.config(config(|c| c.max_frame_size = 1)), "`max_frame_size`"),
        (|b| b.config(config(|c| c.stream_window = 1 << 31)), "`stream_window`"),
        (|b| b.config(config(|c| c.stream_window = 0)), "`stream_window`"),
        (|b| b.config(config(|c| c.connection_window = 1)), "`connection_window`"),
        (|b| b.config(config(|c| c.max_settings_entries = 0)), "`max_settings_entries`"),
        (|b| b.config(config(|c| c.send_buffer_stream = 0)), "`send_buffer_stream`"),
    ];
    for (spoil, name) in table {
        let error = spoil(Server::builder()).bind(loopback()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(error.to_string().contains(name), "{error} should say {name}");
        // Whatever it listens on.
        let listener = std::net::TcpListener::bind(loopback()).unwrap();
        assert_eq!(spoil(Server::builder()).from_listener(listener).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    let fine = Server::builder().origins(["https://example.com", "https://example.com:8443", "https://[::1]"]);
    assert!(fine.max_connections(1).handshake_timeout(Duration::from_nanos(1)).bind(loopback()).is_ok());
}

fn config(spoil: impl FnOnce(&mut Config)) -> Config {
    let mut config = Config::server();
    spoil(&mut config);
    config
}

#[test]
fn a_foreign_address_is_an_error() {
    // TEST-NET-1 (RFC 5737): nobody has it.
    assert!(Server::bind("192.0.2.1:0".parse().unwrap()).is_err());
}
