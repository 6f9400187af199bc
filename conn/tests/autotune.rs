//! Auto-tuning over a long path (RFC 9113 §5.2.3): a download's window grows to what the path holds, and the ledger stays right.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use pellucid_conn::h2::{Config, Connection};
use pellucid_conn::{End, Event, Fields, Output, Time};

/// Half a round trip.
const DELAY: Duration = Duration::from_millis(25);

/// What each direction of the path carries within one delay.
const PER_DELAY: usize = 2 << 20;

fn fields(list: &[(&str, &str)]) -> Fields {
    list.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect()
}

fn send(from: &mut Connection, out: &mut Output, now: Time) -> BytesMut {
    let mut wire = BytesMut::new();
    while wire.len() < PER_DELAY {
        from.poll_output(out, PER_DELAY, now);
        if out.is_empty() {
            break;
        }
        out.drain_to(&mut wire);
    }
    wire
}

/// Downloads without end for some round trips; the octets that arrived in each.
fn download(client: Config, trips: usize) -> (Vec<usize>, Connection) {
    let mut now = Time::ZERO;
    let mut client = Connection::client(client, now);
    let mut server = Connection::server(Config::server(), now);
    let request = [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/")];
    let id = client.open(&fields(&request), End::Last).expect("there is a slot");
    let (mut up, mut down, mut out) = (BytesMut::new(), BytesMut::new(), Output::new());
    let block = Bytes::from(vec![0; 64 << 10]);
    let mut arrived = Vec::new();
    for _ in 0..trips {
        up.unsplit(send(&mut client, &mut out, now));
        now = now + DELAY;
        while let Some(event) = server.next_event(&mut up, now).expect("the client keeps to the protocol") {
            if matches!(event, Event::Headers { .. }) {
                server.send_headers(id, &fields(&[(":status", "200")]), End::More).expect("the stream is open");
            }
        }
        loop {
            while server.capacity(id) > 0 {
                server.send_data(id, block.clone(), End::More).expect("there is room");
            }
            let piece = send(&mut server, &mut out, now);
            if piece.is_empty() || down.len() > PER_DELAY {
                break;
            }
            down.unsplit(piece);
        }
        now = now + DELAY;
        let mut octets = 0;
        while let Some(event) = client.next_event(&mut down, now).expect("the server keeps to the protocol") {
            if let Event::Data { data, .. } = event {
                octets += data.len();
                client.release(id, u32::try_from(data.len()).expect("a frame is small"));
            }
        }
        arrived.push(octets);
    }
    (arrived, client)
}

#[test]
fn a_fixed_window_limits_a_download_on_a_long_path() {
    let (arrived, client) = download(Config::client(), 40);
    assert!(arrived.iter().all(|octets| *octets <= 256 << 10), "{arrived:?}");
    assert_eq!(client.ledger().2, 32 << 20);
}

#[test]
fn auto_tuning_fills_the_path_and_keeps_to_its_cap() {
    let mut config = Config::client();
    config.connection_window = 1 << 20;
    config.auto_window = Some(2 << 20);
    let (arrived, client) = download(config, 60);
    let (first, last) = (arrived[2], arrived[arrived.len() - 1]);
    assert!(last >= 4 * first, "grew from {first} to {last}: {arrived:?}");
    assert!(arrived.iter().all(|octets| *octets <= 2 << 20), "{arrived:?}");
    // What is not under way is on its way back: the sum is the target, twice a stream's.
    let (window, unreleased, sum) = client.ledger();
    assert_eq!((unreleased, sum), (0, 4 << 20));
    assert!(window <= sum);
}
