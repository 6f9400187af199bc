//! Unix sockets: served like any other, and their files kept in order.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use std::fs;
use std::io::ErrorKind;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::Barrier;
use std::thread;

use common::{builder, get, hello, in_time, speak};
use pellucid_server::{Request, Response};
use tokio::net::UnixStream;

/// A folder of the test's own, removed at its end. Among the system's temporary ones: a socket's path holds a hundred octets.
struct Folder(PathBuf);

impl Folder {
    /// An empty folder, and the path of a socket in it.
    fn new(name: &str) -> (Self, PathBuf) {
        let folder = std::env::temp_dir().join(format!("pellucid-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("s");
        (Self(folder), path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn requests_are_served_on_a_unix_socket_and_its_file_is_removed_at_the_end() {
    for workers in [1, 3] {
        let (_folder, path) = Folder::new("served");
        let server = builder().workers(workers).bind_unix(&path).unwrap();
        assert_eq!(server.path(), path);
        let shutdown = server.shutdown();
        let task = tokio::spawn(server.serve(|request: Request| async move {
            let info = request.info().unwrap();
            assert!(info.peer.is_none() && info.local.is_none() && !info.is_secure() && info.id > 0);
            Response::new(200)
        }));
        let mut open = Vec::new();
        for _ in 0..10 {
            let (client, task) = speak(UnixStream::connect(&path).await.unwrap());
            assert_eq!(in_time(client.send(get("/"))).await.unwrap().status(), 200);
            open.push((client, task));
        }
        shutdown.shut_down();
        for (_, task) in open {
            assert!(in_time(task).await.unwrap().error.is_none());
        }
        let report = in_time(task).await.unwrap().unwrap();
        assert_eq!((report.connections, report.requests), (10, 10), "{report}");
        assert!(!path.exists());
    }
}

#[tokio::test]
async fn what_waits_at_a_unix_socket_is_served_before_the_server_leaves() {
    let (_folder, path) = Folder::new("waiting");
    let server = builder().bind_unix(&path).unwrap();
    let mut clients = Vec::new();
    for _ in 0..5 {
        let (client, task) = speak(UnixStream::connect(&path).await.unwrap());
        clients.push((tokio::spawn(client.send(get("/"))), task));
    }
    server.shutdown().shut_down();
    let report = in_time(server.serve(hello)).await.unwrap();
    for (response, _) in clients {
        assert_eq!(in_time(response).await.unwrap().unwrap().status(), 200);
    }
    assert_eq!(report.requests, 5, "{report}");
}

#[test]
fn a_path_in_use_is_refused_and_what_was_left_behind_is_replaced() {
    let (_folder, path) = Folder::new("in_use");
    let server = builder().bind_unix(&path).unwrap();
    let error = builder().bind_unix(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    assert!(error.to_string().contains("in use by a server"), "{error}");
    // A server that is dropped without serving takes its file along.
    drop(server);
    assert!(!path.exists());
    // One that died did not.
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    drop(builder().bind_unix(&path).unwrap());
    assert!(!path.exists());
}

#[test]
fn a_file_that_is_no_socket_is_neither_used_nor_removed() {
    let (_folder, path) = Folder::new("no_socket");
    fs::write(&path, "precious").unwrap();
    let error = builder().bind_unix(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert!(error.to_string().contains("is no socket"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), b"precious");
    assert_eq!(builder().bind_unix("").unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(builder().bind_unix(path.with_file_name("no/such/s")).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn a_file_that_is_not_ours_any_more_stays() {
    let (_folder, path) = Folder::new("successor");
    let server = builder().bind_unix(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let successor = builder().bind_unix(&path).unwrap();
    drop(server);
    assert!(path.exists());
    drop(successor);
    assert!(!path.exists());
}

#[test]
fn of_servers_that_start_at_once_on_what_was_left_behind_one_gets_the_place() {
    let (_folder, path) = Folder::new("at_once");
    for _ in 0..20 {
        drop(UnixListener::bind(&path).unwrap());
        let (start, end) = (Barrier::new(4), Barrier::new(4));
        let start_one = || {
            start.wait();
            let server = builder().bind_unix(&path);
            end.wait();
            server.map(drop).map_err(|e| e.kind())
        };
        let outcomes: Vec<_> = thread::scope(|scope| {
            let started: Vec<_> = (0..4).map(|_| scope.spawn(start_one)).collect();
            started.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let lost = outcomes.iter().filter(|outcome| **outcome == Err(ErrorKind::AddrInUse)).count();
        assert_eq!(lost, 3, "{outcomes:?}");
    }
}

#[tokio::test]
async fn a_unix_listener_of_ones_own_keeps_its_file() {
    let (_folder, path) = Folder::new("inherited");
    let server = builder().from_unix_listener(UnixListener::bind(&path).unwrap()).unwrap();
    assert_eq!(server.path(), path);
    let (shutdown, task) = (server.shutdown(), tokio::spawn(server.serve(hello)));
    let (client, _task) = speak(UnixStream::connect(&path).await.unwrap());
    assert_eq!(in_time(client.send(get("/"))).await.unwrap().status(), 200);
    shutdown.shut_down();
    in_time(task).await.unwrap().unwrap();
    assert!(path.exists());
}
