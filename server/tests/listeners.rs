//! Listeners of one's own, the list of open connections, and their cap.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use std::net::TcpListener;

use common::{Running, builder, connect, get, hello, in_time, loopback};
use pellucid_server::{Request, Response};

/// The connection's number, told by its handler.
async fn number(request: Request) -> Response {
    Response::new(200).with_body(request.info().unwrap().id.to_string())
}

#[tokio::test]
async fn a_listener_that_listens_already_is_served_by_one_worker_and_by_three() {
    for workers in [1, 3] {
        let listener = TcpListener::bind(loopback()).unwrap();
        let address = listener.local_addr().unwrap();
        // Who connects before the server is there waits for it.
        let (early, early_task) = connect(address).await;
        let early = (tokio::spawn(early.send(get("/"))), early_task);
        let server = builder().workers(workers).from_listener(listener).unwrap();
        assert_eq!(server.local_addr(), address);
        let (shutdown, task) = (server.shutdown(), tokio::spawn(server.serve(hello)));
        assert_eq!(in_time(early.0).await.unwrap().unwrap().status(), 200);
        let (client, _task) = connect(address).await;
        assert_eq!(in_time(client.send(get("/"))).await.unwrap().status(), 200);
        shutdown.shut_down();
        let report = in_time(task).await.unwrap().unwrap();
        assert_eq!((report.connections, report.requests, report.connections_failed), (2, 2, 0), "{report}");
    }
}

#[tokio::test]
async fn open_connections_are_numbered_from_one_listed_and_counted() {
    let server = Running::start(builder(), number);
    assert!(server.connections.list().is_empty());
    let mut clients = Vec::new();
    for n in 1..=3_u64 {
        let (client, task) = server.connect().await;
        for _ in 0..n {
            let response = client.send(get("/")).await.unwrap();
            assert_eq!(response.into_body().collect(64).await.unwrap(), n.to_string());
        }
        clients.push((client, task));
    }
    let open = server.connections.list();
    assert_eq!(open.iter().map(|c| c.info().id).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(server.connections.count(), 3);
    for connection in &open {
        let info = connection.info();
        assert!(info.peer.is_some() && info.local == Some(server.address) && !info.is_secure());
        let stats = in_time(connection.stats()).await.unwrap();
        assert_eq!((stats.counters.streams_accepted, stats.live_streams), (info.id, 0));
    }
    // One is told to leave; the others stay.
    open[1].shut_down();
    assert!(in_time(&mut clients[1].1).await.unwrap().error.is_none());
    assert_eq!(clients[2].0.send(get("/")).await.unwrap().status(), 200);
    assert!(in_time(open[1].stats()).await.is_none(), "it is closed");
    let left: Vec<u64> = server.connections.list().iter().map(|c| c.info().id).collect();
    assert_eq!(left, [1, 3]);
    assert_eq!(server.connections.report().connections, 3);
    let (connections, _) = (server.connections.clone(), in_time(server.drain()).await);
    assert_eq!(connections.count(), 0);
}

#[tokio::test]
async fn beyond_max_connections_accepting_pauses_until_one_closes() {
    let server = Running::start(builder().max_connections(2), number);
    let (first, first_task) = server.connect().await;
    let (second, _second_task) = server.connect().await;
    for client in [&first, &second] {
        assert_eq!(client.send(get("/")).await.unwrap().status(), 200);
    }
    let (third, _third_task) = server.connect().await;
    let (fourth, _fourth_task) = server.connect().await;
    let (mut third, fourth) = (tokio::spawn(third.send(get("/"))), tokio::spawn(fourth.send(get("/"))));
    for _ in 0..50 {
        assert_eq!(second.send(get("/")).await.unwrap().status(), 200);
        assert!(!third.is_finished() && !fourth.is_finished(), "there is no place for them yet");
        assert_eq!(server.connections.count(), 2);
    }
    drop(first);
    assert!(in_time(first_task).await.unwrap().error.is_none());
    assert_eq!(in_time(&mut third).await.unwrap().unwrap().status(), 200);
    // What still waits when the server leaves is served on the way out.
    let report = in_time(server.drain()).await;
    assert_eq!(in_time(fourth).await.unwrap().unwrap().status(), 200);
    assert_eq!((report.connections, report.requests, report.connections_failed), (4, 54, 0), "{report}");
}
