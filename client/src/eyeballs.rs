//! Happy eyeballs (RFC 8305): a host's addresses are tried a quarter of a second after each other, both families in turn, and the
//! first that answers wins. A family that leads nowhere costs that much once, not a time-out.
//!
//! Not for: resolving; both kinds of address are asked for in one query, and come at once.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;

/// RFC 8305 §5: how long an attempt may go on before the next begins beside it.
pub(crate) const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// What the first address to answer gave; the others' attempts are dropped. Where none does: the last failure. Cancel-safe:
/// dropping the future drops every attempt.
pub(crate) async fn race<T, D, F>(addresses: Vec<SocketAddr>, dial: D) -> io::Result<T>
where
    T: Send + 'static,
    D: Fn(SocketAddr) -> F,
    F: Future<Output = io::Result<T>> + Send + 'static,
{
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    let mut untried = interleave(addresses).into_iter();
    let mut attempts = JoinSet::new();
    loop {
        match untried.next() {
            Some(address) => drop(attempts.spawn(dial(address))),
            None if attempts.is_empty() => return Err(last),
            None => {}
        }
        // A failure makes room for the next at once; so does time, as long as there is a next.
        let first = if untried.len() > 0 {
            timeout(ATTEMPT_DELAY, attempts.join_next()).await.unwrap_or(None)
        } else {
            attempts.join_next().await
        };
        match first {
            Some(Ok(Ok(transport))) => return Ok(transport),
            Some(Ok(Err(error))) => last = error,
            Some(Err(error)) => last = io::Error::other(error),
            None => {}
        }
    }
}

/// RFC 8305 §4: families take turns, IPv6 first; within one the resolver's order stays.
fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let (v6, v4): (Vec<_>, Vec<_>) = addresses.into_iter().partition(SocketAddr::is_ipv6);
    let (mut v6, mut v4) = (v6.into_iter(), v4.into_iter());
    let mut turns = Vec::with_capacity(v6.len() + v4.len());
    loop {
        match (v6.next(), v4.next()) {
            (None, None) => return turns,
            pair => turns.extend(pair.0.into_iter().chain(pair.1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::time::{Instant, sleep};

    use super::*;

    /// What an address does when it is dialled.
    #[derive(Clone, Copy)]
    enum Does {
        Answer(u64),
        Refuse(u64),
        Nothing,
    }

    fn v4(n: u8) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, n], 80))
    }

    fn v6(n: u16) -> SocketAddr {
        SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, n], 80))
    }

    /// Who won, after how many milliseconds.
    async fn run(plan: Vec<(SocketAddr, Does)>) -> (io::Result<SocketAddr>, u64) {
        let start = Instant::now();
        let addresses = plan.iter().map(|(address, _)| *address).collect();
        let won = race(addresses, move |address| {
            let does = plan.iter().find(|(a, _)| *a == address).map_or(Does::Nothing, |(_, does)| *does);
            async move {
                match does {
                    Does::Answer(after) => sleep(Duration::from_millis(after)).await,
                    Does::Refuse(after) => {
                        sleep(Duration::from_millis(after)).await;
                        return Err(io::ErrorKind::ConnectionRefused.into());
                    }
                    Does::Nothing => std::future::pending().await,
                }
                Ok(address)
            }
        });
        let won = won.await;
        (won, u64::try_from(start.elapsed().as_millis()).unwrap())
    }

    #[test]
    fn families_take_turns_and_ipv6_begins() {
        let mixed = vec![v4(1), v4(2), v6(1), v4(3), v6(2)];
        assert_eq!(interleave(mixed), [v6(1), v4(1), v6(2), v4(2), v4(3)]);
        assert_eq!(interleave(vec![v4(2), v4(1)]), [v4(2), v4(1)]);
        assert!(interleave(Vec::new()).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_attempt_begins_after_a_quarter_of_a_second_or_a_failure() {
        use Does::{Answer, Nothing, Refuse};
        let table = [
            ("the first answers in time", vec![(v6(1), Answer(100)), (v4(1), Answer(0))], v6(1), 100),
            ("the first says nothing", vec![(v6(1), Nothing), (v4(1), Answer(30))], v4(1), 280),
            ("the first refuses", vec![(v6(1), Refuse(10)), (v4(1), Answer(30))], v4(1), 40),
            ("the slow first wins nevertheless", vec![(v6(1), Answer(260)), (v4(1), Answer(30))], v6(1), 260),
            ("two say nothing", vec![(v6(1), Nothing), (v4(1), Nothing), (v4(2), Answer(5))], v4(2), 505),
            ("the last is refused, the first still going", vec![(v6(1), Answer(900)), (v4(1), Refuse(5))], v6(1), 900),
        ];
        for (name, plan, winner, after) in table {
            let (won, took) = run(plan).await;
            assert_eq!((won.unwrap(), took), (winner, after), "{name}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn when_all_refuse_the_last_failure_is_told_at_once() {
        let (won, took) = run(vec![(v6(1), Does::Refuse(1)), (v4(1), Does::Refuse(1))]).await;
        assert_eq!((won.unwrap_err().kind(), took), (io::ErrorKind::ConnectionRefused, 2));
        assert_eq!(run(Vec::new()).await.0.unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[tokio::test(start_paused = true)]
    async fn the_losers_attempts_are_dropped() {
        struct Counted(Arc<AtomicUsize>);
        impl Drop for Counted {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let dropped = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&dropped);
        let won = race(vec![v6(1), v6(2), v4(1)], move |address| {
            let counted = Counted(Arc::clone(&count));
            async move {
                let _counted = counted;
                if address == v6(2) { Ok(address) } else { std::future::pending().await }
            }
        });
        assert_eq!(won.await.unwrap(), v6(2));
        sleep(Duration::from_millis(1)).await;
        assert_eq!(dropped.load(Ordering::Relaxed), 3);
    }
}
