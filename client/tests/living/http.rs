//! The living client as a tower service.

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full};
use pellucid_client::{Client, Connector, Error, Request, Response, StreamId, Url};
use pellucid_driver::http::{RecvBody, Upgrade};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower_service::Service;

use crate::site::{Site, echo, settle, url};

/// What generic callers ask for: tonic's clients, tower's layers.
fn is_service<S>(service: S) -> S
where
    S: Service<http::Request<Full<Bytes>>, Response = http::Response<RecvBody>, Error = Error>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send,
{
    service
}

async fn content(response: http::Response<RecvBody>) -> Bytes {
    response.into_body().collect().await.unwrap().to_bytes()
}

#[tokio::test(start_paused = true)]
async fn requests_with_absolute_uris_go_where_they_say() {
    let site = Site::new(echo);
    let mut client = is_service(site.client());
    for authority in ["one.test", "two.test", "one.test"] {
        let request = http::Request::post(format!("http://{authority}/")).body(Full::<Bytes>::from("content")).unwrap();
        std::future::poll_fn(|cx| Service::<http::Request<Full<Bytes>>>::poll_ready(&mut client, cx)).await.unwrap();
        let response = client.call(request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(content(response).await, "content");
    }
    assert_eq!(site.connections(), 2);
    let error = client.call(http::Request::get("/path").body(Full::<Bytes>::default()).unwrap()).await.unwrap_err();
    assert!(error.is_malformed(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_client_of_one_server_takes_paths_and_reconnects() {
    let site = Site::new(|request: Request| async move {
        let seen = [request.authority().unwrap(), request.path()].concat();
        Response::new(200).with_body(seen)
    });
    let mut client = is_service(site.client().at(&url()).unwrap());
    for round in 1..=2 {
        let request = http::Request::get("/package.Service/Method?x").body(Full::<Bytes>::default()).unwrap();
        assert_eq!(content(client.call(request).await.unwrap()).await, "site.test/package.Service/Method?x");
        assert_eq!(site.connections(), round);
        site.newest().shut_down();
        settle().await;
    }
}

#[tokio::test(start_paused = true)]
async fn content_that_is_here_already_is_sent_again_after_a_refusal() {
    let site = Site::scripted(|connection, mut peer| async move {
        while let Some((id, content)) = peer.request().await {
            match connection {
                1 => peer.go_away(StreamId::CONNECTION).await,
                _ => peer.answer(id, &content).await,
            }
        }
    });
    let mut client = site.client();
    let request = http::Request::post("http://site.test/").body(Full::<Bytes>::from("content")).unwrap();
    assert_eq!(content(client.call(request).await.unwrap()).await, "content");
    assert_eq!(site.connections(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_host_field_is_the_authority_and_not_the_destination() {
    let site = Site::new(|request: Request| async move {
        let seen = request.authority().unwrap().to_vec();
        Response::new(200).with_body(seen)
    });
    let (tell, dialled) = std::sync::mpsc::channel();
    let inner = site.clone();
    let connector = Connector::builder().dial_with(move |url: &Url| {
        tell.send(url.authority().to_owned()).unwrap();
        std::future::ready(Ok(inner.pipe()))
    });
    let client = Client::builder().connector(connector).build().unwrap();
    let mut at = client.at(&url()).unwrap();
    let ask = |uri| http::Request::get(uri).header("host", "stranger.test").body(Empty::<Bytes>::new()).unwrap();
    for _ in 0..2 {
        assert_eq!(content(at.call(ask("/path")).await.unwrap()).await, "stranger.test");
    }
    assert_eq!(dialled.try_iter().collect::<Vec<_>>(), ["site.test"]);
    assert_eq!(content(at.call(ask("http://other.test/")).await.unwrap()).await, "stranger.test");
    assert_eq!(content(client.clone().call(ask("http://user@Site.test:80/")).await.unwrap()).await, "stranger.test");
    assert_eq!(dialled.try_iter().collect::<Vec<_>>(), ["other.test"]);
}

#[tokio::test(start_paused = true)]
async fn connect_goes_through_the_server_and_gives_a_tunnel() {
    let site = Site::new(|request: Request| async move {
        assert_eq!(request.authority(), Some(&b"elsewhere.test:443"[..]));
        let (response, mut tunnel) = request.into_tunnel();
        tokio::spawn(async move {
            let (mut read, mut write) = tokio::io::split(&mut tunnel);
            tokio::io::copy(&mut read, &mut write).await
        });
        response
    });
    let mut proxy = site.client().at(&url()).unwrap();
    let request = http::Request::connect("elsewhere.test:443").body(Empty::<Bytes>::new()).unwrap();
    let response = proxy.call(request).await.unwrap();
    let mut tunnel = response.extensions().get::<Upgrade>().unwrap().take().unwrap();
    tunnel.write_all(b"ping").await.unwrap();
    let mut read = [0; 4];
    tunnel.read_exact(&mut read).await.unwrap();
    assert_eq!(&read, b"ping");
}
