//! Our client and server against each other and against those of the h2 crate, over a pipe that splits reads and writes at
//! random: random exchanges, some of them reset, with windows, frames and tables of random sizes. What either side sees of each
//! exchange (fields, content, trailers, and how it ends) must be what the other one sent.
//!
//! Everything follows from a seed, which is printed. `DIFFERENTIAL_SEEDS=100..400` takes others than the few of each run.
#![allow(unreachable_pub, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may")]

mod ours;
mod pipe;
mod plan;
mod seen;
mod theirs;

use std::future::Future;
use std::ops::Range;
use std::time::Duration;

use pipe::Ragged;
use plan::{Dice, Plan};
use seen::World;

#[tokio::test(start_paused = true)]
async fn our_client_and_our_server() {
    for seed in seeds() {
        run(seed, ours::ask, ours::serve).await;
    }
}

#[tokio::test(start_paused = true)]
async fn our_client_and_their_server() {
    for seed in seeds() {
        run(seed, ours::ask, theirs::serve).await;
    }
}

#[tokio::test(start_paused = true)]
async fn their_client_and_our_server() {
    for seed in seeds() {
        run(seed, theirs::ask, ours::serve).await;
    }
}

/// One connection from its beginning to its end.
async fn run<A, S>(seed: u64, ask: fn(Ragged, World) -> A, serve: fn(Ragged, World) -> S)
where
    A: Future<Output = ()> + Send + 'static,
    S: Future<Output = ()> + Send + 'static,
{
    let plan = Plan::new(seed);
    println!("seed {seed}: {} at once, client {:?}, server {:?}", plan.at_once, plan.client, plan.server);
    let world = World::new(plan);
    let (near, far) = pipe::pipe(&mut Dice(seed).split());
    let server = tokio::spawn(serve(far, world.clone()));
    let client = tokio::spawn(ask(near, world.clone()));
    let both = async { tokio::join!(client, server) };
    // The clock is paused: it moves on only when nobody has anything to do, so a day is over at once when something hangs.
    let (client, server) =
        tokio::time::timeout(Duration::from_secs(86_400), both).await.expect("nobody waits for ever");
    client.unwrap();
    server.unwrap();
    world.check();
}

fn seeds() -> Range<u64> {
    let Ok(asked) = std::env::var("DIFFERENTIAL_SEEDS") else { return 0..12 };
    let (from, to) = asked.split_once("..").expect("DIFFERENTIAL_SEEDS is a range such as 100..400");
    from.parse().unwrap()..to.parse().unwrap()
}
