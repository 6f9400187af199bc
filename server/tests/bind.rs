//! What cannot be served is refused when it is bound, and the error says what it is about.
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::io::ErrorKind;
use std::net::SocketAddr;

use pellucid_server::{Config, Server};

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

#[test]
fn no_workers_is_an_error_that_names_them() {
    let error = Server::builder().workers(0).bind(loopback()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("`workers`"), "{error}");
}

#[test]
fn a_configuration_out_of_range_names_its_field() {
    type Spoil = fn(&mut Config);
    let table: [(Spoil, &str); 4] = [
        (|c| c.max_frame_size = 1, "`max_frame_size`"),
        (|c| c.stream_window = 1 << 31, "`stream_window`"),
        (|c| c.connection_window = 1, "`connection_window`"),
        (|c| c.max_settings_entries = 0, "`max_settings_entries`"),
    ];
    for (spoil, field) in table {
        let mut config = Config::server();
        spoil(&mut config);
        let error = Server::builder().config(config).bind(loopback()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(field), "{error}");
    }
}

#[test]
fn a_foreign_address_is_an_error() {
    // TEST-NET-1 (RFC 5737): nobody has it.
    assert!(Server::bind("192.0.2.1:0".parse().unwrap()).is_err());
}
