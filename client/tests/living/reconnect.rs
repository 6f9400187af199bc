//! Connections come and go; requests need not know.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pellucid_client::{Client, ConnectError, Connector, Error, Kind, Retry, Url};
use pellucid_conn::h2::Config;
use tokio::io::DuplexStream;
use tokio::sync::{Barrier, Notify};
use tokio::time::{Instant, sleep};

use crate::site::{Site, echo, post, settle, silence, text, url};

/// Covers 9113:9.1-1, 9113:9.1-2
#[tokio::test(start_paused = true)]
async fn a_hundred_first_requests_make_one_connection() {
    let site = Site::new(echo);
    let client = site.client();
    let mut sending = tokio::task::JoinSet::new();
    for n in 0..100 {
        let response = client.send(post(format!("{n}")));
        sending.spawn(async move { (n, text(response.await.unwrap()).await) });
    }
    while let Some(done) = sending.join_next().await {
        let (n, content) = done.unwrap();
        assert_eq!(content, n.to_string());
    }
    assert_eq!((site.connections(), client.origins()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn after_goaway_there_is_another_connection() {
    let site = Site::new(echo);
    let client = site.client();
    for round in 1..=3 {
        assert_eq!(text(client.send(post("x")).await.unwrap()).await, "x");
        assert_eq!(site.connections(), round);
        site.newest().shut_down();
        settle().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_going_away_finishes_its_requests_while_others_take_the_next() {
    let open = Arc::new(Notify::new());
    let gate = Arc::clone(&open);
    let site = Site::new(move |request: pellucid_client::Request| {
        let gate = Arc::clone(&gate);
        async move {
            if request.path() == b"/slow" {
                gate.notified().await;
            }
            pellucid_client::Response::new(200)
        }
    });
    let client = site.client();
    let slow = tokio::spawn(client.get(&"http://site.test/slow".parse().unwrap()));
    settle().await;
    site.newest().shut_down();
    settle().await;
    assert_eq!(client.get(&url()).await.unwrap().status(), 200);
    open.notify_one();
    assert_eq!(slow.await.unwrap().unwrap().status(), 200);
    assert_eq!(site.connections(), 2);
}

#[tokio::test(start_paused = true)]
async fn requests_that_wait_for_a_stream_move_to_the_next_connection() {
    let mut config = Config::server();
    config.max_concurrent_streams = 1;
    let site = Site::with(config, |_| async {
        sleep(Duration::from_secs(1)).await;
        pellucid_client::Response::new(200)
    });
    let client = site.client();
    client.warm_up(&url()).await.unwrap();
    let all: Vec<_> = (0..5).map(|_| tokio::spawn(client.get(&url()))).collect();
    settle().await;
    assert_eq!(client.stats(&url()).await.unwrap().waiting, 4);
    site.newest().shut_down();
    for one in all {
        assert_eq!(one.await.unwrap().unwrap().status(), 200);
    }
    assert_eq!(site.connections(), 2);
}

/// Many threads, and a server that leaves again and again: whoever loses the race for a connection gets the next. They meet before
/// each time, so that nobody loses it twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_request_is_lost_while_the_server_leaves_again_and_again() {
    let site = Site::new(echo);
    let client = site.client();
    let meeting = Arc::new(Barrier::new(8));
    let mut sending = tokio::task::JoinSet::new();
    for n in 0..8 {
        let (client, site, meeting) = (client.clone(), site.clone(), Arc::clone(&meeting));
        sending.spawn(async move {
            for round in 0..250 {
                if round % 10 == 5 && meeting.wait().await.is_leader() {
                    site.newest().shut_down();
                }
                let content = format!("{n} {round}");
                assert_eq!(text(client.send(post(content.clone())).await.unwrap()).await, content);
            }
        });
    }
    while let Some(done) = sending.join_next().await {
        done.unwrap();
    }
    assert_eq!(site.connections(), 26);
}

#[tokio::test(start_paused = true)]
async fn after_the_servers_idle_close_there_is_another_connection_and_no_entry_meanwhile() {
    let mut config = Config::server();
    config.idle_timeout = Some(Duration::from_secs(5));
    let site = Site::with(config, echo);
    let client = site.client();
    assert_eq!(text(client.send(post("a")).await.unwrap()).await, "a");
    sleep(Duration::from_secs(60)).await;
    assert_eq!(client.origins(), 0, "an origin without a connection is forgotten");
    assert!(client.stats(&url()).await.is_none());
    assert_eq!(text(client.send(post("b")).await.unwrap()).await, "b");
    assert_eq!(site.connections(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_client_closes_what_it_does_not_use() {
    let site = Site::new(echo);
    let client = site.builder().idle_timeout(Duration::from_secs(2)).build().unwrap();
    client.warm_up(&url()).await.unwrap();
    assert_eq!(client.origins(), 1);
    sleep(Duration::from_secs(30)).await;
    assert_eq!(client.origins(), 0);
    assert_eq!(text(client.send(post("b")).await.unwrap()).await, "b");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_was_cut_is_replaced() {
    let site = Site::scripted(|n, mut peer| async move {
        while let Some((id, content)) = peer.request().await {
            peer.answer(id, &content).await;
            if n == 1 {
                return;
            }
        }
    });
    let client = site.client();
    for content in ["a", "b", "c"] {
        assert_eq!(text(client.send(post(content)).await.unwrap()).await, content);
        settle().await;
    }
    assert_eq!(site.connections(), 2);
}

/// Covers 9113:9.1-1, 9113:9.1.1-1: a connection serves the one origin it was made for, and no other by a name in its certificate
#[tokio::test(start_paused = true)]
async fn origins_are_told_apart_and_their_spellings_are_not() {
    let site = Site::new(echo);
    let client = site.client();
    for (text, connections) in [
        ("http://one.test/", 1),
        ("http://ONE.test:80/", 1),
        ("http://one.test:81/", 2),
        ("http://two.test/", 3),
        ("http://one.test/again", 3),
    ] {
        let url: Url = text.parse().unwrap();
        assert_eq!(client.get(&url).await.unwrap().status(), 200);
        assert_eq!(site.connections(), connections, "{text}");
    }
    let spelt = pellucid_client::Request::get("http", "One.test:80", "/");
    assert_eq!(client.send(spelt).await.unwrap().status(), 200);
    assert_eq!((site.connections(), client.origins()), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn a_failed_attempt_is_told_to_all_who_waited_and_the_next_request_makes_another() {
    let attempts = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&attempts);
    let connector = Connector::builder().dial_with(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        async {
            sleep(Duration::from_secs(1)).await;
            Err::<DuplexStream, _>(std::io::ErrorKind::ConnectionRefused.into())
        }
    });
    let client = Client::builder().connector(connector).build().unwrap();
    let all: Vec<_> = (0..10).map(|_| tokio::spawn(client.get(&url()))).collect();
    for one in all {
        let error = one.await.unwrap().unwrap_err();
        assert!(error.is_connect() && error.retry() == Retry::Safe && !error.is_timeout(), "{error}");
        assert!(error.to_string().contains("cannot connect to site.test:80"), "{error}");
        let source = std::error::Error::source(&error).unwrap();
        assert!(matches!(source.downcast_ref(), Some(ConnectError::Connect(..))), "{source}");
    }
    assert_eq!((attempts.load(Ordering::Relaxed), client.origins()), (1, 0));
    client.get(&url()).await.unwrap_err();
    assert_eq!(attempts.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn the_caller_that_began_an_attempt_may_go_without_harm_to_the_others() {
    let site = Site::new(echo);
    let dialled = Arc::new(AtomicUsize::new(0));
    let (count, inner) = (Arc::clone(&dialled), site.clone());
    let connector = Connector::builder().dial_with(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        let site = inner.clone();
        async move {
            sleep(Duration::from_secs(1)).await;
            Ok(site.pipe())
        }
    });
    let client = Client::builder().connector(connector).build().unwrap();
    let first = tokio::spawn(client.get(&url()));
    settle().await;
    let second = tokio::spawn(client.get(&url()));
    settle().await;
    first.abort();
    assert_eq!(second.await.unwrap().unwrap().status(), 200);
    assert_eq!(dialled.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn warming_up_waits_for_the_servers_settings_or_says_why_they_do_not_come() {
    let site = Site::new(echo);
    let client = site.client();
    client.warm_up(&url()).await.unwrap();
    client.warm_up(&url()).await.unwrap();
    assert_eq!(site.connections(), 1);
    assert_eq!(client.stats(&url()).await.unwrap().peer_settings.max_concurrent_streams, Some(100));

    let (near, far) = tokio::io::duplex(1024);
    let near = std::sync::Mutex::new(Some(near));
    let silent = Connector::builder().dial_with(move |_| std::future::ready(Ok(near.lock().unwrap().take().unwrap())));
    let client = Client::builder().connector(silent).build().unwrap();
    let error = client.warm_up(&url()).await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    drop(far);
}

#[tokio::test(start_paused = true)]
async fn after_shutting_down_nothing_new_begins_and_what_is_under_way_ends() {
    let site = Site::new(|_| async {
        sleep(Duration::from_secs(3)).await;
        pellucid_client::Response::new(200)
    });
    let client = site.client();
    let under_way = tokio::spawn(client.get(&url()));
    settle().await;
    let start = Instant::now();
    let shut = client.clone().shut_down();
    let error: Error = client.get(&url()).await.unwrap_err();
    assert!(error.is_connect() && error.to_string().contains("shut down"), "{error}");
    shut.await;
    assert!(start.elapsed() >= Duration::from_secs(2));
    assert_eq!(under_way.await.unwrap().unwrap().status(), 200);
    assert_eq!((site.connections(), client.origins()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn dropping_the_last_client_closes_its_connections() {
    let site = Site::new(echo);
    let client = site.client();
    client.get(&url()).await.unwrap();
    let handle = site.newest();
    assert!(handle.stats().await.is_some());
    drop(client);
    settle().await;
    assert!(handle.stats().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_dead_server_is_noticed_while_a_request_is_under_way() {
    let site = Site::scripted(|_, mut peer| async move {
        // It reads, and says nothing: not even PINGs are answered.
        let _ = peer.request().await;
        peer.hang().await;
    });
    let client = site.builder().keep_alive(Duration::from_secs(10)).build().unwrap();
    let start = Instant::now();
    let error = client.get(&url()).await.unwrap_err();
    assert!(error.is_timeout() && error.retry() == Retry::Unknown, "{error}");
    assert_eq!(start.elapsed().as_secs(), 30, "an interval, and the time allowed for the answer");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_says_not_where_it_goes_is_refused() {
    let client = Site::new(silence).client();
    let nowhere = pellucid_client::Request::connect("elsewhere.test:443");
    let error = client.send(nowhere).await.unwrap_err();
    assert!(error.is_malformed() && matches!(error.kind(), Kind::Send(_)), "{error}");
    for (scheme, authority) in [("ftp", "a"), ("http", ""), ("http", "a/b"), ("http", "a b")] {
        let error = client.send(pellucid_client::Request::get(scheme, authority, "/")).await.unwrap_err();
        assert!(error.is_malformed(), "{scheme} {authority}: {error}");
    }
}
