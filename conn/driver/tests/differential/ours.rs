//! Our two sides of a connection, doing what the plan says.

use std::sync::Arc;

use bytes::Bytes;
use pellucid_driver::client::{self, SendRequest};
use pellucid_driver::conn::Cause;
use pellucid_driver::conn::h2::Config;
use pellucid_driver::{Body, Chunk, Error, ErrorCode, Fields, Kind, Request, Response, Sender, server};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::pipe::Ragged;
use crate::plan::{Ending, Field, Message, Order, Side};
use crate::seen::{End, Seen, World};

/// Serves the connection until the client leaves.
pub async fn serve(transport: Ragged, world: World) {
    let mut options = server::Options::default();
    configure(&mut options.config, world.plan.server);
    let seed = world.plan.seed;
    let service = move |request: Request| answer(request, world.clone());
    let report = server::serve_connection(transport, service, options).unwrap().await;
    // Their client closes the transport behind its GOAWAY, whatever we still say.
    let is_clean = report.error.as_ref().is_none_or(|error| matches!(error.kind(), Kind::Io(_)));
    assert!(is_clean && report.cut == 0, "seed {seed}: {report:?}");
}

/// Makes all exchanges and leaves.
pub async fn ask(transport: Ragged, world: World) {
    let mut options = client::Options::default();
    configure(&mut options.config, world.plan.client);
    let (client, connection) = client::handshake(transport, options).unwrap();
    let connection = tokio::spawn(connection);
    let places = Arc::new(Semaphore::new(world.plan.at_once));
    let mut exchanges = JoinSet::new();
    for number in 0..world.plan.exchanges.len() {
        let (client, world, places) = (client.clone(), world.clone(), Arc::clone(&places));
        exchanges.spawn(async move {
            let _place = places.acquire().await.unwrap();
            let seen = exchange(&client, &world, number).await;
            world.client_saw(number, seen);
        });
    }
    drop(client);
    exchanges.join_all().await;
    let report = connection.await.unwrap();
    assert!(report.error.is_none() && report.cut == 0, "seed {}: {report:?}", world.plan.seed);
}

fn configure(config: &mut Config, side: Side) {
    config.stream_window = side.stream_window;
    config.connection_window = side.connection_window;
    config.max_frame_size = side.max_frame_size;
    config.max_data_size = side.max_frame_size;
    config.header_table_size = side.header_table_size;
    config.encoder_table_size = side.header_table_size;
    config.max_concurrent_streams = side.max_streams;
    // Until it knows what the server allows, the client has one stream: refused requests would say nothing of the others, and
    // h2's server (0.4.20) forgets a stream it has refused and ends the connection when its trailers come.
    config.assumed_streams = 1;
    config.max_header_list_size = 1 << 20;
    config.max_continuation_frames = 100;
}

/// The server's part of one exchange.
async fn answer(mut request: Request, world: World) -> Response {
    let control = request.control().unwrap();
    let mut seen = Seen { first: text(request.method()), fields: pairs(request.fields()), ..Seen::default() };
    let number = number(&mut seen);
    let exchange = world.exchange(number);
    let response = with_fields(Response::new(exchange.status), &exchange.response);
    let body = std::mem::take(request.body_mut());
    if exchange.ending == Ending::Unread {
        world.server_saw(number, seen);
        return response.with_body(whole(&exchange.response));
    }
    if exchange.order == Order::AfterRequest {
        read(body, &mut seen).await;
        world.server_saw(number, seen);
        let Ending::ServerResets { after, code } = exchange.ending else {
            return response.with_body(whole(&exchange.response));
        };
        let (sender, body) = Body::channel(1);
        let pieces = exchange.response.pieces_to(after);
        tokio::spawn(async move {
            let _ = send(&sender, pieces).await;
            control.reset(ErrorCode::new(code));
            // The body must not end before the reset is carried out.
            while sender.send(Bytes::new()).await.is_ok() {
                tokio::task::yield_now().await;
            }
        });
        return response.with_body(body);
    }
    let (sender, outgoing) = Body::channel(1);
    tokio::spawn(async move {
        let exchange = world.exchange(number);
        let sending = send_all(sender, &exchange.response);
        let (_, ()) = tokio::join!(sending, read(body, &mut seen));
        world.server_saw(number, seen);
    });
    response.with_body(outgoing)
}

/// The client's part of one exchange.
async fn exchange(client: &SendRequest, world: &World, number: usize) -> Seen {
    let exchange = world.exchange(number);
    let mut fields = Fields::new();
    for (name, value) in
        [(":method", exchange.method), (":scheme", "http"), (":authority", "localhost"), (":path", "/differential")]
    {
        fields.push(name.as_bytes(), value.as_bytes());
    }
    fields.push(b"x-exchange", number.to_string().as_bytes());
    for (name, value) in &exchange.request.fields {
        fields.push(name.as_bytes(), value);
    }
    let request = Request::from_fields(fields);
    if let Ending::ClientResets { after, code } = exchange.ending {
        let (sender, body) = Body::channel(1);
        let mut response = match client.send(request.with_body(body)).await {
            Ok(response) => response,
            Err(error) => return Seen { end: end(&error), ..Seen::default() },
        };
        let seen = answered(&response);
        let control = response.control().unwrap().clone();
        let discard = tokio::spawn(std::mem::take(response.body_mut()).drain());
        let _ = send(&sender, exchange.request.pieces_to(after)).await;
        control.reset(ErrorCode::new(code));
        let _ = discard.await;
        return seen;
    }
    let mut seen = Seen::default();
    match client.send(request.with_body(whole(&exchange.request))).await {
        Ok(mut response) => {
            seen = answered(&response);
            read(std::mem::take(response.body_mut()), &mut seen).await;
        }
        Err(error) => seen.end = end(&error),
    }
    seen
}

fn answered(response: &Response) -> Seen {
    let fields = pairs(response.fields());
    Seen { first: response.status().to_string(), fields, ..Seen::default() }
}

/// Reads a message to its end.
async fn read(mut body: Body, seen: &mut Seen) {
    seen.end = End::Whole;
    while let Some(chunk) = body.chunk().await {
        match chunk {
            Ok(Chunk::Data(data)) => seen.content.extend_from_slice(&data),
            Ok(Chunk::Trailers(trailers)) => seen.trailers = pairs(&trailers),
            Err(error) => seen.end = end(&error),
        }
    }
}

/// A whole message as a body: all at once where that is possible, which is a way of its own through the driver.
fn whole(message: &Message) -> Body {
    if message.trailers.is_empty() && message.piece >= message.content.len() {
        return message.content.clone().into();
    }
    let (sender, body) = Body::channel(2);
    let (pieces, trailers) = (message.pieces(), fields_of(&message.trailers));
    tokio::spawn(async move {
        // It fails when the peer does not want it.
        if send(&sender, pieces).await.is_ok() && !trailers.is_empty() {
            let _ = sender.trailers(trailers).await;
        }
    });
    body
}

async fn send(sender: &Sender, pieces: Vec<Bytes>) -> Result<(), Error> {
    for piece in pieces {
        sender.send(piece).await?;
    }
    Ok(())
}

async fn send_all(sender: Sender, message: &Message) -> Result<(), Error> {
    send(&sender, message.pieces()).await?;
    if message.trailers.is_empty() { Ok(()) } else { sender.trailers(fields_of(&message.trailers)).await }
}

fn with_fields(response: Response, message: &Message) -> Response {
    message.fields.iter().fold(response, |response, (name, value)| response.with_header(name, value))
}

fn fields_of(list: &[Field]) -> Fields {
    list.iter().map(|(name, value)| (name.as_bytes(), value.as_slice())).collect()
}

fn pairs(fields: &Fields) -> Vec<Field> {
    let own = fields.iter().filter(|field| !field.name.starts_with(b":"));
    own.map(|field| (text(field.name), field.value.to_vec())).collect()
}

/// Takes out the field that says which exchange it is.
pub fn number(seen: &mut Seen) -> usize {
    let place = seen.fields.iter().position(|(name, _)| name == "x-exchange").expect("the field came");
    text(&seen.fields.remove(place).1).parse().unwrap()
}

fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).unwrap()
}

fn end(error: &Error) -> End {
    match error.kind() {
        Kind::Stream(Cause::Peer(code)) => End::Reset(code.get()),
        _ => End::Failed(error.to_string()),
    }
}
