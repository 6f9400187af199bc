//! Where time enters: the tokio clock as the core's `Time`, and one lazily moved timer a connection.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pellucid_conn::Time;
use tokio::time::{Instant, Sleep, sleep_until};

/// A connection's clock and its timer.
#[derive(Debug)]
pub(crate) struct Clock {
    start: Instant,
    sleep: Option<Pin<Box<Sleep>>>,
    /// What the timer is set to: never later than what was last asked for.
    armed: Option<Time>,
    /// The timer went off early and was moved: the connection has been doing little since it was set.
    pub(crate) fired_early: bool,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), sleep: None, armed: None, fired_early: false }
    }

    pub(crate) fn now(&self) -> Time {
        Time::ZERO + self.start.elapsed()
    }

    /// Sees to it that the task wakes at `deadline`. A timer that is set earlier is left alone: it wakes the task in vain once,
    /// which costs less than moving it with every request. True when the deadline has passed.
    pub(crate) fn poll(&mut self, deadline: Option<Time>, cx: &mut Context<'_>) -> bool {
        let Some(deadline) = deadline else { return false };
        if self.armed.is_none_or(|armed| armed > deadline) {
            self.arm(deadline);
        }
        loop {
            let Some(sleep) = self.sleep.as_mut() else { return false };
            if sleep.as_mut().poll(cx) == Poll::Pending {
                return false;
            }
            self.armed = None;
            if self.now() >= deadline {
                return true;
            }
            self.fired_early = true;
            self.arm(deadline);
        }
    }

    fn arm(&mut self, deadline: Time) {
        // A timer has a resolution of a millisecond: just past is better than just before.
        let at = self.start + Duration::from_nanos(deadline.as_nanos()) + Duration::from_micros(500);
        self.armed = Some(deadline);
        match self.sleep.as_mut() {
            Some(sleep) => sleep.as_mut().reset(at),
            None => self.sleep = Some(Box::pin(sleep_until(at))),
        }
    }
}
