//! A client that lives, against servers in memory: it reconnects, retries what is safe, waits as long as it may, and lets go.
#![allow(clippy::unwrap_used, unreachable_pub, reason = "a test may unwrap; its modules share a helper")]

mod cancel;
#[cfg(feature = "http")]
mod http;
mod reconnect;
mod retry;
mod site;
mod timeouts;
