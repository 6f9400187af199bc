//! Each time-out comes when it should, says what it waited for, and gives the stream back.

use std::time::Duration;

use pellucid_client::{Body, Client, ClientBuilder, Connector, Error, Kind, Request, Response, Retry};
use pellucid_conn::SendError;
use pellucid_conn::h2::Config;
use pellucid_driver::Connected;
use tokio::io::DuplexStream;
use tokio::time::{Instant, sleep};

use crate::site::{Site, settle, silence, url};

const SECOND: Duration = Duration::from_secs(1);

/// One stream at a time; the path says after how many seconds it is answered, and its content ends as many later.
fn slow() -> Site {
    let mut config = Config::server();
    config.max_concurrent_streams = 1;
    config.body_idle_timeout = None;
    Site::with(config, |request: Request| async move {
        let seconds: u32 = std::str::from_utf8(request.path()).unwrap().trim_start_matches('/').parse().unwrap();
        sleep(SECOND * seconds).await;
        let (sender, body) = Body::channel(1);
        tokio::spawn(async move {
            sender.send("content").await?;
            sleep(SECOND * seconds).await;
            sender.send("end").await
        });
        Response::new(200).with_body(body)
    })
}

fn path(seconds: u32) -> pellucid_client::Url {
    format!("http://site.test/{seconds}").parse().unwrap()
}

/// A client that knows already how many streams it may open.
async fn warm(builder: ClientBuilder) -> Client {
    let client = builder.build().unwrap();
    client.warm_up(&url()).await.unwrap();
    client
}

fn is_late(error: &Error, part: &str, retry: Retry) {
    assert!(error.is_timeout() && error.to_string().contains(part), "{error}");
    assert_eq!(error.retry(), retry, "{error}");
}

async fn is_clean(client: &Client) {
    settle().await;
    let stats = client.stats(&url()).await.unwrap();
    assert_eq!((stats.live_streams, stats.waiting, stats.unconsumed), (0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_request_waits_for_a_stream_as_long_as_it_may() {
    let client = warm(slow().builder().queue_timeout(2 * SECOND)).await;
    let first = tokio::spawn(client.get(&path(10)));
    settle().await;
    let start = Instant::now();
    let error = client.get(&path(0)).await.unwrap_err();
    is_late(&error, "waiting for a free stream: the server allows no more at once", Retry::Safe);
    assert_eq!(start.elapsed().as_secs(), 2);
    // A response that takes its time does not wait for a stream.
    let response = first.await.unwrap().unwrap();
    assert_eq!(response.into_body().collect(100).await.unwrap(), "contentend");
    is_clean(&client).await;
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_refuses_at_once() {
    let client = warm(slow().builder().max_waiting(1)).await;
    let first = tokio::spawn(client.get(&path(1)));
    settle().await;
    let second = tokio::spawn(client.get(&path(1)));
    settle().await;
    let start = Instant::now();
    let error = client.get(&path(1)).await.unwrap_err();
    assert!(matches!(error.kind(), Kind::Send(SendError::NoSlot)) && error.retry() == Retry::Safe, "{error}");
    assert!(start.elapsed() < SECOND);
    for waited in [first, second] {
        waited.await.unwrap().unwrap().into_body().drain().await.unwrap();
    }
    is_clean(&client).await;
}

#[tokio::test(start_paused = true)]
async fn the_header_section_may_take_its_time_from_when_the_request_has_its_stream() {
    let client = warm(slow().builder().header_timeout(3 * SECOND)).await;
    // The second waits for four seconds, and is answered two later.
    let first = tokio::spawn(client.get(&path(2)));
    settle().await;
    let second = tokio::spawn(client.get(&path(2)));
    for waited in [first, second] {
        waited.await.unwrap().unwrap().into_body().drain().await.unwrap();
    }
    let start = Instant::now();
    let error = client.get(&path(60)).await.unwrap_err();
    is_late(&error, "waiting for the response's header section", Retry::Unknown);
    assert!(!error.stream().is_connection());
    assert_eq!(start.elapsed().as_secs(), 3);
    is_clean(&client).await;
}

#[tokio::test(start_paused = true)]
async fn the_whole_exchange_has_a_time_out_of_its_own() {
    const WHOLE: &str = "the exchange as a whole";
    let client = warm(slow().builder().total_timeout(5 * SECOND)).await;
    let start = Instant::now();
    // While the header section is awaited.
    is_late(&client.get(&path(60)).await.unwrap_err(), WHOLE, Retry::Unknown);
    assert_eq!(start.elapsed().as_secs(), 5);
    is_clean(&client).await;
    // While content is awaited.
    let response = client.get(&path(4)).await.unwrap();
    is_late(&response.into_body().collect(100).await.unwrap_err(), WHOLE, Retry::Unsafe);
    assert_eq!(start.elapsed().as_secs(), 10);
    is_clean(&client).await;
    // While a stream is awaited.
    let first = tokio::spawn(client.get(&path(4)));
    settle().await;
    is_late(&client.get(&path(4)).await.unwrap_err(), WHOLE, Retry::Safe);
    drop(first.await.unwrap());
    is_clean(&client).await;
    // In time.
    let response = client.get(&path(2)).await.unwrap();
    assert_eq!(response.into_body().collect(100).await.unwrap(), "contentend");
    is_clean(&client).await;
}

#[tokio::test(start_paused = true)]
async fn connecting_has_a_time_out_and_counts_for_the_whole() {
    let hanging = || Connector::builder().dial_with(|_| std::future::pending::<std::io::Result<DuplexStream>>());
    let client = Client::builder().connector(hanging()).connect_timeout(3 * SECOND).build().unwrap();
    let start = Instant::now();
    is_late(&client.get(&url()).await.unwrap_err(), "resolving and connecting timed out", Retry::Safe);
    assert_eq!(start.elapsed().as_secs(), 3);
    let client = Client::builder().connector(hanging()).total_timeout(SECOND).build().unwrap();
    is_late(&client.get(&url()).await.unwrap_err(), "the exchange as a whole", Retry::Safe);
    assert_eq!(start.elapsed().as_secs(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_tunnel_outlives_the_time_outs_of_the_exchange() {
    let mut config = Config::server();
    config.enable_connect_protocol = true;
    config.body_idle_timeout = None;
    let site = Site::with(config, |request: Request| async move {
        if request.path() == b"/silence" {
            return silence(request).await;
        }
        let (response, mut tunnel) = request.into_tunnel();
        tokio::spawn(async move {
            let (mut read, mut write) = tokio::io::split(&mut tunnel);
            tokio::io::copy(&mut read, &mut write).await
        });
        response
    });
    let client = warm(site.builder().total_timeout(2 * SECOND).header_timeout(SECOND)).await;
    let ask = |path| Request::extended_connect("echo", "http", "site.test", path);
    let Connected::Tunnel(_, mut tunnel) = client.connect(ask("/")).await.unwrap() else { panic!("it was refused") };
    sleep(60 * SECOND).await;
    tokio::io::AsyncWriteExt::write_all(&mut tunnel, b"ping").await.unwrap();
    let mut read = [0; 4];
    tokio::io::AsyncReadExt::read_exact(&mut tunnel, &mut read).await.unwrap();
    assert_eq!(&read, b"ping");
    drop(tunnel);
    is_late(&client.connect(ask("/silence")).await.unwrap_err(), "header section", Retry::Unknown);
    is_clean(&client).await;
}

#[test]
fn values_that_cannot_be_used_are_refused_by_name() {
    type Change = fn(ClientBuilder) -> ClientBuilder;
    fn config(change: impl FnOnce(&mut Config)) -> ClientBuilder {
        let mut config = Config::client();
        change(&mut config);
        Client::builder().with_connector(|connector| connector.config(config))
    }
    let table: [(&str, Change); 15] = [
        ("`connect_timeout`", |b| b.connect_timeout(Duration::ZERO)),
        ("`queue_timeout`", |b| b.queue_timeout(Duration::ZERO)),
        ("`header_timeout`", |b| b.header_timeout(Duration::ZERO)),
        ("`total_timeout`", |b| b.total_timeout(Duration::ZERO)),
        ("`idle_timeout`", |b| b.idle_timeout(Duration::ZERO)),
        ("`keep_alive`", |b| b.keep_alive(Duration::ZERO)),
        ("`max_waiting`", |b| b.max_waiting(0)),
        ("`tls_timeout`", |b| b.with_connector(|c| c.tls_timeout(Duration::ZERO))),
        ("`write_timeout`", |b| b.with_connector(|c| c.write_timeout(Duration::ZERO))),
        ("`resolve_to`", |b| b.with_connector(|c| c.resolve_to("host.test", []))),
        ("`max_frame_size`", |_| config(|c| c.max_frame_size = 1)),
        ("`assumed_streams`", |_| config(|c| c.assumed_streams = 0)),
        ("`keep_alive_while_idle` needs `keep_alive`", ClientBuilder::keep_alive_while_idle),
        ("`max_open_streams`", |_| config(|c| c.max_open_streams = 0)),
        ("`keepalive_timeout`", |_| config(|c| c.keepalive_timeout = Duration::ZERO)),
    ];
    for (name, change) in table {
        let error = change(Client::builder()).build().unwrap_err().to_string();
        assert!(error.contains(name), "{name}: {error}");
    }
    Client::builder().build().expect("the defaults are in range");
    Connector::builder().build().expect("the defaults are in range");
}
