//! What an observer is told of streams: every state in the order of RFC 9113 §5.1, none left out.
//! Not for: what the states mean; see `stream_states`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;

use bytes::BytesMut;
use pellucid_conn::h2::{Closed, Config, Connection, Role, State};
use pellucid_conn::{End, Fields, Observer, Output, StreamId, Time};

/// The states of every stream, from `Idle` on.
#[derive(Default)]
struct Told(BTreeMap<StreamId, Vec<State>>);

impl Observer for Told {
    fn state(&mut self, id: StreamId, from: State, to: State) {
        let states = self.0.entry(id).or_insert_with(|| vec![State::Idle]);
        assert_eq!(states.last(), Some(&from), "stream {id} goes to {to:?}");
        states.push(to);
    }
}

fn fields(list: &[(&str, &str)]) -> Fields {
    list.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect()
}

fn exchange(from: &mut Connection<Told>, to: &mut Connection<Told>) {
    let (mut out, mut wire) = (Output::new(), BytesMut::new());
    from.poll_output(&mut out, 1 << 20, Time::ZERO);
    out.drain_to(&mut wire);
    while to.next_event(&mut wire, Time::ZERO).unwrap().is_some() {}
}

#[test]
fn requests_without_content_and_pushed_streams_are_told_from_their_first_state_on() {
    let mut config = Config::client();
    config.max_reserved_remote = 1;
    let mut client = Connection::observed(Role::Client, config, Time::ZERO, Told::default());
    let mut server = Connection::observed(Role::Server, Config::server(), Time::ZERO, Told::default());
    let request = fields(&[(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "/")]);
    let response = fields(&[(":status", "200")]);
    let asked = client.open(&request, End::Last).unwrap();
    exchange(&mut client, &mut server);
    let pushed = server.push(asked, &request).unwrap();
    server.send_headers(asked, &response, End::Last).unwrap();
    server.send_headers(pushed, &response, End::Last).unwrap();
    exchange(&mut server, &mut client);

    let over = State::Closed(Closed::Ended);
    let at_server = &server.observer_mut().0;
    assert_eq!(at_server[&asked], [State::Idle, State::HalfClosedRemote, over]);
    assert_eq!(at_server[&pushed], [State::Idle, State::ReservedLocal, State::HalfClosedRemote, over]);
    let at_client = &client.observer_mut().0;
    assert_eq!(at_client[&asked], [State::Idle, State::HalfClosedLocal, over]);
    assert_eq!(at_client[&pushed], [State::Idle, State::ReservedRemote, State::HalfClosedLocal, over]);
}
