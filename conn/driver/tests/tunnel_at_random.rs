//! Tunnels of which both ends do anything in any order, and let go at any moment: none stays open for want of a window.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use std::time::Duration;

use common::{Setup, settle};
use pellucid_driver::{Connected, Request, Response, Tunnel};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::timeout;

const TUNNELS: u64 = 500;

/// Numbers that look like chance and are the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// What it comes to is nobody's affair: only that it comes to an end.
async fn act(mut tunnel: Tunnel, mut chance: Chance) {
    for _ in 0..chance.below(8) {
        let patience = Duration::from_millis(chance.below(5));
        match chance.below(4) {
            0 => {
                let octets = vec![1; usize::try_from(chance.below(100_000)).unwrap()];
                let _ = timeout(patience, tunnel.write_all(&octets)).await;
            }
            1 => {
                let _ = timeout(patience, tunnel.read(&mut vec![0; 30_000])).await;
            }
            2 => {
                let _ = tunnel.shutdown().await;
            }
            _ => tokio::task::yield_now().await,
        }
    }
    if chance.below(2) == 0 {
        let _ = timeout(Duration::from_millis(50), tunnel.read_to_end(&mut Vec::new())).await;
    }
}

#[tokio::test(start_paused = true)]
async fn tunnels_that_are_let_go_at_any_moment_leave_no_stream_and_no_window_behind() {
    let mut setup = Setup::default();
    (setup.server.stream_window, setup.client.stream_window) = (20_000, 20_000);
    setup.client.connection_window = 65_535;
    let pair = setup.start(|request: Request| async move {
        if request.path() == b"/fine" {
            return Response::new(200);
        }
        let chance = Chance(u64::from(request.stream().get()));
        let (response, tunnel) = request.into_tunnel();
        tokio::spawn(act(tunnel, chance));
        response
    });
    let mut tunnels = JoinSet::new();
    for n in 0..TUNNELS {
        let client = pair.client.clone();
        tunnels.spawn(async move {
            match client.connect(Request::connect("h:1")).await.unwrap() {
                Connected::Tunnel(_, tunnel) => act(tunnel, Chance(!n)).await,
                Connected::Refused(response) => unreachable!("{response:?}"),
            }
        });
    }
    while tunnels.join_next().await.is_some() {}
    // The last of the server's ends are as patient as the client's.
    tokio::time::sleep(Duration::from_millis(100)).await;
    settle().await;
    let (client, server) = (pair.client.stats().await.unwrap(), pair.handle.stats().await.unwrap());
    assert_eq!(client.counters.streams_opened, TUNNELS);
    assert_eq!(((client.live_streams, server.live_streams), client.unconsumed, server.unconsumed), ((0, 0), 0, 0));
    pair.is_fine().await;
    pair.ends_clean().await;
}
