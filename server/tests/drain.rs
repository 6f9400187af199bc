//! Leaving: requests under way finish, everything else does not hold it up, and the report says what was cut.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use std::future::pending;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use common::{Running, builder, connect, get, hello, in_time, loopback};
use pellucid_server::{Config, Request, Response, Retry};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};

#[tokio::test]
async fn a_request_under_way_finishes_and_the_port_is_closed_meanwhile() {
    let gate = Arc::new(Notify::new());
    let (begun, mut has_begun) = mpsc::unbounded_channel();
    let opened = Arc::clone(&gate);
    let server = Running::start(builder(), move |_: Request| {
        let (gate, begun) = (Arc::clone(&gate), begun.clone());
        async move {
            begun.send(()).unwrap();
            gate.notified().await;
            Response::new(200).with_body("answer")
        }
    });
    let (client, task) = server.connect().await;
    let response = tokio::spawn(client.send(get("/")));
    has_begun.recv().await.unwrap();
    server.shutdown.shut_down();
    // The client is told: its task ends when the request has.
    opened.notify_one();
    let response = in_time(response).await.unwrap().unwrap();
    assert_eq!(response.into_body().collect(64).await.unwrap(), "answer");
    assert!(in_time(task).await.unwrap().error.is_none());
    let address = server.address;
    let report = in_time(server.task).await.unwrap().unwrap();
    assert_eq!((report.connections, report.requests, report.streams_cut, report.connections_cut), (1, 1, 0, 0));
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
    assert!(client.send(get("/")).await.unwrap_err().retry() == Retry::Safe);
}

/// Connections that the system has accepted and the loop has not: their requests are on the way already.
#[tokio::test]
async fn what_waits_to_be_accepted_is_served_before_the_server_leaves() {
    for workers in [1, 2] {
        let server = builder().workers(workers).bind(loopback()).unwrap();
        let mut clients = Vec::new();
        for _ in 0..20 {
            let (client, task) = connect(server.local_addr()).await;
            clients.push((tokio::spawn(client.send(get("/"))), task));
        }
        // Every client has sent its request before anybody accepts.
        tokio::task::yield_now().await;
        server.shutdown().shut_down();
        let report = in_time(server.serve(hello)).await.unwrap();
        for (response, task) in clients {
            assert_eq!(in_time(response).await.unwrap().unwrap().status(), 200);
            assert!(in_time(task).await.unwrap().error.is_none());
        }
        assert_eq!((report.connections, report.requests, report.connections_failed), (20, 20, 0), "{report}");
    }
}

#[tokio::test]
async fn the_hard_deadline_cuts_and_the_report_says_so() {
    let mut config = Config::server();
    config.drain_timeout = Duration::from_millis(10);
    let (begun, mut has_begun) = mpsc::unbounded_channel();
    let server = Running::start(builder().config(config), move |_: Request| {
        begun.send(()).unwrap();
        pending()
    });
    let (client, _task) = server.connect().await;
    let hanging: Vec<_> = (0..3).map(|_| tokio::spawn(client.send(get("/")))).collect();
    for _ in 0..3 {
        has_begun.recv().await.unwrap();
    }
    let report = in_time(server.drain()).await;
    assert_eq!((report.requests, report.streams_cut, report.connections_cut), (3, 3, 0), "{report}");
    assert!(report.to_string().contains("cut 3 requests"), "{report}");
    for request in hanging {
        assert!(request.await.unwrap().is_err());
    }
}

#[tokio::test]
async fn silent_and_idle_connections_do_not_hold_a_drain_up() {
    let server = Running::start(builder(), hello);
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    let (client, task) = server.connect().await;
    assert_eq!(client.send(get("/")).await.unwrap().status(), 200);
    let report = in_time(server.drain()).await;
    assert_eq!((report.connections, report.connections_cut), (2, 0), "{report}");
    let mut said = Vec::new();
    in_time(silent.read_to_end(&mut said)).await.unwrap();
    assert!(in_time(task).await.unwrap().error.is_none(), "the client was told politely");
}

#[tokio::test]
async fn shutting_down_before_serving_serves_nobody() {
    let server = builder().bind(loopback()).unwrap();
    let shutdown = server.shutdown();
    shutdown.shut_down();
    shutdown.shut_down();
    let report = in_time(server.serve(hello)).await.unwrap();
    assert_eq!(report.connections, 0);
}

#[tokio::test]
async fn dropping_the_serving_future_cuts_every_connection_off() {
    let server = Running::start(builder(), |_: Request| pending());
    let (client, _task) = server.connect().await;
    let response = tokio::spawn(client.send(get("/")));
    tokio::task::yield_now().await;
    server.task.abort();
    assert!(in_time(response).await.unwrap().is_err());
}

#[test]
fn several_workers_serve_and_drain() {
    let server = builder().workers(4).bind(loopback()).unwrap();
    let (address, shutdown) = (server.local_addr(), server.shutdown());
    let serving = thread::spawn(move || server.run(hello));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(in_time(async {
        let mut open = Vec::new();
        for _ in 0..40 {
            let (client, task) = connect(address).await;
            for _ in 0..5 {
                assert_eq!(client.send(get("/")).await.unwrap().status(), 200);
            }
            open.push((client, task));
        }
        shutdown.shut_down();
        for (_, task) in &mut open {
            assert!(task.await.unwrap().error.is_none());
        }
    }));
    let report = serving.join().unwrap().unwrap();
    assert_eq!((report.connections, report.requests, report.connections_cut), (40, 200, 0), "{report}");
}

#[tokio::test]
async fn several_listeners_on_the_callers_runtime_serve_and_drain() {
    let server = Running::start(builder().workers(3), hello);
    for _ in 0..20 {
        server.is_fine().await;
    }
    let report = in_time(server.drain()).await;
    assert_eq!((report.connections, report.requests), (20, 20), "{report}");
}
