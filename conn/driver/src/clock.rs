//! Where time enters: the tokio clock as the core's `Time`, and one lazily moved timer a connection.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pellucid_conn::Time;
use tokio::task::coop::has_budget_remaining;
use tokio::time::{Instant, Sleep, sleep_until};

/// A connection's clock and its timer.
#[derive(Debug)]
pub(crate) struct Clock {
    start: Instant,
    sleep: Option<Pin<Box<Sleep>>>,
    /// What the timer is set to: never later than what was last asked for.
    armed: Option<Time>,
    /// Whoever is to be woken has not yet been told to the timer.
    is_waker_new: bool,
    /// The timer went off early and was moved: the connection has been doing little since it was set.
    pub(crate) fired_early: bool,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), sleep: None, armed: None, is_waker_new: true, fired_early: false }
    }

    pub(crate) fn now(&self) -> Time {
        Time::ZERO + self.start.elapsed()
    }

    /// Sees to it that the task wakes at `deadline`. A timer that is set earlier is left alone: it wakes the task in vain once,
    /// which costs less than moving it with every request. True when the deadline has passed.
    pub(crate) fn poll(&mut self, deadline: Option<Time>, now: Time, cx: &mut Context<'_>) -> bool {
        let Some(deadline) = deadline else { return false };
        // It is set, early enough, not yet due, and knows whom to wake.
        if !self.is_waker_new && self.armed.is_some_and(|armed| armed <= deadline && now < armed) {
            return false;
        }
        if self.armed.is_none_or(|armed| armed > deadline) {
            self.arm(deadline);
        }
        loop {
            let Some(sleep) = self.sleep.as_mut() else { return false };
            // To a task that has spent its budget a timer only pretends to be pending, and forgets whom to wake.
            let is_heard = has_budget_remaining();
            if sleep.as_mut().poll(cx) == Poll::Pending {
                self.is_waker_new = !is_heard;
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

    /// The task is woken by another waker from now on.
    pub(crate) fn forget_waker(&mut self) {
        self.is_waker_new = true;
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
