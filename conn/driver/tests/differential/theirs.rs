//! The same two sides with the h2 crate.

use std::future::poll_fn;
use std::sync::Arc;

use bytes::Bytes;
use h2::client::ResponseFuture;
use h2::server::SendResponse;
use h2::{RecvStream, SendStream};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::ours::number;
use crate::pipe::Ragged;
use crate::plan::{Ending, Field, Message, Order};
use crate::seen::{End, Seen, World};

/// Serves the connection until the client leaves.
pub async fn serve(transport: Ragged, world: World) {
    let side = world.plan.server;
    let mut connection = h2::server::Builder::new()
        .initial_window_size(side.stream_window)
        .initial_connection_window_size(side.connection_window)
        .max_frame_size(side.max_frame_size)
        .header_table_size(side.header_table_size)
        .max_concurrent_streams(side.max_streams)
        .handshake::<_, Bytes>(transport)
        .await
        .unwrap();
    let mut answers = JoinSet::new();
    while let Some(accepted) = connection.accept().await {
        let (request, respond) = accepted.unwrap_or_else(|error| panic!("seed {}: {error}", world.plan.seed));
        answers.spawn(answer(request, respond, world.clone()));
    }
    answers.join_all().await;
}

/// Makes all exchanges and leaves.
pub async fn ask(transport: Ragged, world: World) {
    let side = world.plan.client;
    let (client, connection) = h2::client::Builder::new()
        .initial_window_size(side.stream_window)
        .initial_connection_window_size(side.connection_window)
        .max_frame_size(side.max_frame_size)
        .header_table_size(side.header_table_size)
        .initial_max_send_streams(1)
        .enable_push(false)
        .handshake::<_, Bytes>(transport)
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let places = Arc::new(Semaphore::new(world.plan.at_once));
    let mut exchanges = JoinSet::new();
    for number in 0..world.plan.exchanges.len() {
        let (client, world, places) = (client.clone(), world.clone(), Arc::clone(&places));
        exchanges.spawn(async move {
            let _place = places.acquire().await.unwrap();
            let mut seen = Seen::default();
            if let Err(error) = exchange(client, &world, number, &mut seen).await {
                seen.end = end(&error);
            }
            world.client_saw(number, seen);
        });
    }
    drop(client);
    exchanges.join_all().await;
    let ended = connection.await.unwrap();
    assert!(ended.is_ok(), "seed {}: {ended:?}", world.plan.seed);
}

/// The server's part of one exchange.
async fn answer(request: Request<RecvStream>, mut respond: SendResponse<Bytes>, world: World) {
    let (head, body) = request.into_parts();
    let mut seen = Seen { first: head.method.to_string(), fields: pairs(&head.headers), ..Seen::default() };
    let number = number(&mut seen);
    let exchange = world.exchange(number);
    let will_be_reset = matches!(exchange.ending, Ending::ServerResets { .. });
    let mut response = Response::builder().status(exchange.status).body(()).unwrap();
    *response.headers_mut() = map(&exchange.response.fields);
    if exchange.order == Order::AfterRequest {
        read(body, &mut seen).await;
        world.server_saw(number, seen);
        let mut sending =
            respond.send_response(response, !will_be_reset && exchange.response.is_only_fields()).unwrap();
        if let Ending::ServerResets { after, code } = exchange.ending {
            let _ = send(&mut sending, exchange.response.pieces_to(after)).await;
            sending.send_reset(code.into());
        } else {
            let _ = send_all(&mut sending, &exchange.response).await;
        }
        return;
    }
    let mut sending = respond.send_response(response, !will_be_reset && exchange.response.is_only_fields()).unwrap();
    if exchange.ending == Ending::Unread {
        world.server_saw(number, seen);
        let _ = send_all(&mut sending, &exchange.response).await;
        // Late, but read: a stream whose request is dropped counts with them until its RST_STREAM(NO_ERROR) has gone out, though
        // both sides have ended it, and requests that keep to the limit are refused meanwhile.
        discard(body).await;
        return;
    }
    let (_, ()) = tokio::join!(send_all(&mut sending, &exchange.response), read(body, &mut seen));
    world.server_saw(number, seen);
}

/// The client's part of one exchange.
async fn exchange(
    client: h2::client::SendRequest<Bytes>,
    world: &World,
    number: usize,
    seen: &mut Seen,
) -> Result<(), h2::Error> {
    let exchange = world.exchange(number);
    let mut request = Request::builder().method(exchange.method).uri("http://localhost/differential").body(()).unwrap();
    *request.headers_mut() = map(&exchange.request.fields);
    request.headers_mut().insert("x-exchange", number.to_string().parse().unwrap());
    let will_be_reset = matches!(exchange.ending, Ending::ClientResets { .. });
    let ends = !will_be_reset && exchange.request.is_only_fields();
    let (response, mut sending) = client.ready().await?.send_request(request, ends)?;
    if let Ending::ClientResets { after, code } = exchange.ending {
        let discard = tokio::spawn(discard(answered(response, seen).await?));
        let _ = send(&mut sending, exchange.request.pieces_to(after)).await;
        sending.send_reset(code.into());
        let _ = discard.await;
        return Ok(());
    }
    let sending = send_all(&mut sending, &exchange.request);
    let receiving = async {
        let body = answered(response, seen).await?;
        read(body, seen).await;
        Ok(())
    };
    // What became of sending shows at the server; it fails where the server does not want the request's content.
    tokio::join!(sending, receiving).1
}

/// Waits for the response's header section.
async fn answered(response: ResponseFuture, seen: &mut Seen) -> Result<RecvStream, h2::Error> {
    let (head, body) = response.await?.into_parts();
    seen.first = head.status.as_str().to_owned();
    seen.fields = pairs(&head.headers);
    Ok(body)
}

/// Reads a message to its end.
async fn read(mut body: RecvStream, seen: &mut Seen) {
    while let Some(data) = body.data().await {
        match data {
            Ok(data) => {
                seen.content.extend_from_slice(&data);
                let _ = body.flow_control().release_capacity(data.len());
            }
            Err(error) => {
                seen.end = end(&error);
                return;
            }
        }
    }
    seen.end = match body.trailers().await {
        Ok(trailers) => {
            seen.trailers = pairs(&trailers.unwrap_or_default());
            End::Whole
        }
        Err(error) => end(&error),
    };
}

/// Reads and forgets.
async fn discard(body: RecvStream) {
    read(body, &mut Seen::default()).await;
}

async fn send(stream: &mut SendStream<Bytes>, pieces: Vec<Bytes>) -> Result<(), h2::Error> {
    for mut piece in pieces {
        while !piece.is_empty() {
            stream.reserve_capacity(piece.len());
            let closed = || h2::Error::from(h2::Reason::STREAM_CLOSED);
            let room = poll_fn(|cx| stream.poll_capacity(cx)).await.ok_or_else(closed)??;
            stream.send_data(piece.split_to(room.min(piece.len())), false)?;
        }
    }
    Ok(())
}

async fn send_all(stream: &mut SendStream<Bytes>, message: &Message) -> Result<(), h2::Error> {
    if message.is_only_fields() {
        // The header section has said so, unless the stream is going to be reset.
        return Ok(());
    }
    send(stream, message.pieces()).await?;
    if message.trailers.is_empty() {
        stream.send_data(Bytes::new(), true)
    } else {
        stream.send_trailers(map(&message.trailers))
    }
}

fn map(fields: &[Field]) -> HeaderMap {
    let field = |(name, value): &Field| {
        (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_bytes(value).unwrap())
    };
    let mut map = HeaderMap::new();
    for (name, value) in fields.iter().map(field) {
        map.append(name, value);
    }
    map
}

fn pairs(map: &HeaderMap) -> Vec<Field> {
    map.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect()
}

fn end(error: &h2::Error) -> End {
    match error.reason() {
        Some(reason) if error.is_reset() && error.is_remote() => End::Reset(reason.into()),
        _ => End::Failed(error.to_string()),
    }
}
