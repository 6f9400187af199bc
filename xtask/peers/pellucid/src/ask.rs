//! The client: one function a cell, which ends well if the server did what the cell is about.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pellucid::client::{Body, Chunk, Client, Fields, Request, Response, Trust, Url};
use tokio::task::JoinSet;

use crate::Failure;
use crate::pattern::{BIG, LARGE_FIELD, SMALL, pattern};

/// Asks `url` for what `cell` is about, trusting one authority where TLS is spoken.
pub(crate) async fn run(cell: &str, url: &str, authority: Option<&str>) -> Result<(), Failure> {
    let asker = Asker::new(url, authority)?;
    let work = async {
        match cell {
            "get" => asker.get().await,
            "post" => asker.post("/echo").await,
            "post-whole" => asker.post("/whole").await,
            "trailers" => asker.trailers().await,
            "sent-trailers" => asker.sent_trailers().await,
            "head" => asker.head().await,
            "1xx" => asker.hints().await,
            "early" => asker.early().await,
            "large" => asker.large().await,
            "large-sent" => asker.large_sent().await,
            "put" => asker.put().await,
            "reset" => asker.reset().await,
            "drain" => asker.drain().await,
            _ => Err(format!("no cell `{cell}`").into()),
        }
    };
    tokio::time::timeout(PATIENCE, work).await.map_err(|_| "was not done in time")?
}

/// A client and whom it asks.
struct Asker {
    client: Client,
    base: String,
    /// How many connections have been made.
    connections: Arc<AtomicUsize>,
}

impl Asker {
    fn new(base: &str, authority: Option<&str>) -> Result<Self, Failure> {
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        let mut builder = Client::builder().with_connector(move |connector| {
            connector.notices(move |_| {
                counted.fetch_add(1, Ordering::Relaxed);
                None
            })
        });
        if let Some(authority) = authority {
            builder = builder.trust(Trust::Pem(std::fs::read(authority)?));
        }
        Ok(Self { client: builder.build()?, base: base.trim_end_matches('/').to_owned(), connections })
    }

    fn request(&self, method: &str, path: &str) -> Result<Request, Failure> {
        Ok(format!("{}{path}", self.base).parse::<Url>()?.request(method))
    }

    /// A response with the expected status.
    async fn ask(&self, method: &str, path: &str, status: u16) -> Result<Response, Failure> {
        let response = self.client.send(self.request(method, path)?).await?;
        expect(response.status() == status, || format!("{method} {path} got {}", response.status()))?;
        Ok(response)
    }

    async fn get(&self) -> Result<(), Failure> {
        let body = self.ask("GET", "/1k", 200).await?.into_body().collect(LIMIT).await?;
        expect(body == pattern(SMALL), || format!("{} octets that are not the file", body.len()))
    }

    async fn post(&self, path: &str) -> Result<(), Failure> {
        let sent = pattern(BIG);
        let request = self.request("POST", path)?.with_header("content-length", BIG.to_string());
        let response = self.client.send(request.with_body(sent.clone())).await?;
        expect(response.status() == 200, || format!("status {}", response.status()))?;
        let body = response.into_body().collect(LIMIT).await?;
        expect(body == sent, || format!("{} octets came back, or others", body.len()))
    }

    /// For a server that keeps what is sent as a file.
    async fn put(&self) -> Result<(), Failure> {
        let sent = pattern(BIG);
        let response = self.client.send(self.request("PUT", "/put/10m")?.with_body(sent.clone())).await?;
        expect(matches!(response.status(), 201 | 204), || format!("status {}", response.status()))?;
        response.into_body().drain().await?;
        let body = self.ask("GET", "/put/10m", 200).await?.into_body().collect(LIMIT).await?;
        expect(body == sent, || format!("{} octets came back, or others", body.len()))
    }

    async fn head(&self) -> Result<(), Failure> {
        let response = self.ask("HEAD", "/1k", 200).await?;
        expect(response.header("content-length") == Some(b"1024"), || "content-length is not 1024".to_owned())?;
        let body = response.into_body().collect(LIMIT).await?;
        expect(body.is_empty(), || "HEAD has brought content".to_owned())?;
        self.get().await
    }

    /// The response's.
    async fn trailers(&self) -> Result<(), Failure> {
        // hypercorn sends them only to who says that they are welcome (RFC 9110 §10.1.4).
        let request = self.request("GET", "/trailers")?.with_header("te", "trailers");
        expect_trailer(self.client.send(request).await?, b"body", b"42").await
    }

    /// The request's, which come back.
    async fn sent_trailers(&self) -> Result<(), Failure> {
        let (sender, body) = Body::channel(2);
        // Go's server passes on what is announced.
        let request = self.request("POST", "/echo")?.with_header("te", "trailers").with_header("trailer", "x-checksum");
        let response = self.client.send(request.with_body(body));
        let feed = async {
            sender.send("checked").await?;
            let mut fields = Fields::default();
            fields.push(b"x-checksum", b"43");
            sender.trailers(fields).await
        };
        let (response, fed) = tokio::join!(response, feed);
        fed?;
        expect_trailer(response?, b"checked", b"43").await
    }

    async fn hints(&self) -> Result<(), Failure> {
        let response = self.ask("GET", "/hints", 200).await?;
        let statuses: Vec<u16> = response.interim_responses().iter().map(Response::status).collect();
        expect(statuses == [103], || format!("interim responses: {statuses:?}"))
    }

    /// The answer comes though the body never ends.
    async fn early(&self) -> Result<(), Failure> {
        let (sender, body) = Body::channel(1);
        let request = self.request("POST", "/early")?.with_body(body);
        let answer = self.client.send(request);
        sender.send(pattern(SMALL)).await?;
        let response = answer.await?;
        expect(response.status() == 413, || format!("status {}", response.status()))?;
        response.into_body().drain().await?;
        self.get().await?;
        drop(sender);
        self.expect_connections(1)
    }

    async fn large(&self) -> Result<(), Failure> {
        let large = vec![b'x'; LARGE_FIELD];
        let response = self.client.send(self.request("GET", "/large")?.with_header("x-large", &large)).await?;
        expect(response.status() == 200, || format!("status {}", response.status()))?;
        expect(response.header("x-large") == Some(&large), || "the large field has not come back".to_owned())
    }

    /// For a server that takes such a field and has none of its own.
    async fn large_sent(&self) -> Result<(), Failure> {
        let request = self.request("GET", "/large")?.with_header("x-large", vec![b'x'; LARGE_FIELD]);
        let response = self.client.send(request).await?;
        expect(response.status() == 200, || format!("status {}", response.status()))?;
        response.into_body().drain().await?;
        self.expect_connections(1)
    }

    async fn reset(&self) -> Result<(), Failure> {
        let mut body = self.ask("GET", "/10m", 200).await?.into_body();
        expect(matches!(body.chunk().await, Some(Ok(Chunk::Data(_)))), || "no content came".to_owned())?;
        drop(body);
        self.get().await?;
        self.expect_connections(1)
    }

    /// A transfer is under way on a connection that is told to leave, and many requests follow: nothing is lost.
    async fn drain(&self) -> Result<(), Failure> {
        let big = self.ask("GET", "/10m", 200).await?;
        // A server without such a path leaves after so many requests.
        self.ask("GET", "/leave", 200).await?.into_body().drain().await?;
        for _ in 0..ROUNDS {
            let mut many = JoinSet::new();
            for _ in 0..AT_ONCE {
                many.spawn(self.client.send(self.request("GET", "/1k")?));
            }
            while let Some(response) = many.join_next().await {
                let body = response??.into_body().collect(LIMIT).await?;
                expect(body == pattern(SMALL), || format!("{} octets, or others, instead of {SMALL}", body.len()))?;
            }
        }
        let body = big.into_body().collect(LIMIT).await?;
        expect(body == pattern(BIG), || format!("{} octets of {BIG} came, or others", body.len()))?;
        let count = self.connections.load(Ordering::Relaxed);
        expect(count > 1, || "the connection was never told to leave".to_owned())
    }

    fn expect_connections(&self, expected: usize) -> Result<(), Failure> {
        let count = self.connections.load(Ordering::Relaxed);
        expect(count == expected, || format!("{count} connections instead of {expected}"))
    }
}

/// A response with this content and this `x-checksum` behind it.
async fn expect_trailer(response: Response, content: &[u8], checksum: &[u8]) -> Result<(), Failure> {
    expect(response.status() == 200, || format!("status {}", response.status()))?;
    let (mut body, mut got) = (response.into_body(), Vec::new());
    let mut value = None;
    while let Some(chunk) = body.chunk().await {
        match chunk? {
            Chunk::Data(data) => got.extend_from_slice(&data),
            Chunk::Trailers(fields) => value = fields.get(b"x-checksum").map(<[u8]>::to_vec),
        }
    }
    expect(got == content, || format!("{} octets, or others, instead of {}", got.len(), content.len()))?;
    expect(value.as_deref() == Some(checksum), || format!("the trailer x-checksum is {value:?}"))
}

fn expect(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(otherwise().into()) }
}

/// More than anything here.
const LIMIT: usize = 16 << 20;
/// Requests that follow the one that makes the connection leave, and how many of them at a time.
const ROUNDS: usize = 6;
const AT_ONCE: usize = 20;
/// For one cell.
const PATIENCE: Duration = Duration::from_secs(30);
