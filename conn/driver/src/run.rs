//! THE loop: one task, one connection. Everything else in this crate is called from here.
//!
//! A turn, in full:
//!
//! 1. read once, as much as there is;
//! 2. deliver events, until the octets that are there give none;
//! 3. poll what was woken and carry out what the mailbox holds;
//! 4. take everything there is to send into one output;
//! 5. write it at once; no timer ever delays it.
//!
//! Turns repeat while there is something to do, at most [`TURNS`] of them before other tasks get theirs. Only then does the
//! task sleep.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use pellucid_conn::h2::{ConfigError, Connection, Role};
use pellucid_conn::{Event, Observer, StreamId, Time};
use tokio::io::{AsyncRead, AsyncWrite};
use tracing::Span;

use crate::clock::Clock;
use crate::control::Command;
use crate::error::{Error, Kind};
use crate::io::{Io, Read, Tap};
use crate::mailbox::{Mail, Mailbox};
use crate::stats::Snapshot;

/// Turns before the task yields to its neighbours.
const TURNS: u32 = 16;

/// Octets put into one output.
const OUTPUT_BUDGET: usize = 128 << 10;

/// After a fatal GOAWAY the peer's octets are read and discarded for this long, so that it can read ours (a close with unread
/// input would reset the transport and destroy them).
const LINGER: Duration = Duration::from_secs(1);

/// … and at most this many.
const LINGER_OCTETS: usize = 64 << 10;

/// Reads after a failed write.
const LAST_READS: u32 = 64;

/// What one end does with events and mail: a server answers requests, a client sends them.
pub(crate) trait App {
    type Observer: Observer;

    fn event(&mut self, event: Event, link: &mut Link<'_, Self::Observer>);
    fn mail(&mut self, mail: Mail, link: &mut Link<'_, Self::Observer>);
    /// Something to do on a stream.
    fn command(&mut self, id: StreamId, command: Command, link: &mut Link<'_, Self::Observer>);
    /// Requests that wait for a slot.
    fn waiting(&self) -> usize {
        0
    }
    /// Events of this round are all delivered.
    fn settle(&mut self, _link: &mut Link<'_, Self::Observer>) {}
    /// Nothing has happened for a while and no stream is open: gives memory back.
    fn rest(&mut self);
    /// The connection is over; tells everyone who waits. May come more than once.
    fn end(&mut self, error: &Error);
}

/// What an app may touch while it is called.
pub(crate) struct Link<'a, O: Observer> {
    pub(crate) conn: &'a mut Connection<O>,
    pub(crate) mailbox: &'a Arc<Mailbox>,
}

/// How a connection ended.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Report {
    /// Requests that were served or sent.
    pub streams: u64,
    /// Streams that were cut by the hard deadline of a drain.
    pub cut: u64,
    /// What ended it, when it was not a clean close.
    pub error: Option<Error>,
}

/// One end of one connection, with everything it needs to run: a future that completes when the connection is closed.
pub(crate) struct Driver<T, A: App> {
    io: Io<T>,
    conn: Connection<A::Observer>,
    app: A,
    mailbox: Arc<Mailbox>,
    clock: Clock,
    mail: Vec<Mail>,
    phase: Phase,
    /// Whole frames may be left in the input, since replies had to leave first.
    is_held_back: bool,
    /// The last client handle is gone: to be closed when nothing is under way any more.
    is_unused: bool,
    /// Since when the socket has taken nothing.
    write_stalled: Option<Time>,
    write_timeout: Duration,
    /// Who is woken; known to the mailbox and to the timer.
    waker: Option<Waker>,
    error: Option<Error>,
    span: Span,
}

/// What a driver is connected to besides its transport.
pub(crate) struct Wiring {
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) tap: Option<Tap>,
    pub(crate) write_timeout: Duration,
    /// Entered whenever the connection works.
    pub(crate) span: Span,
}

/// What every driver needs beside its configuration.
pub(crate) fn check_patience(write_timeout: Duration) -> Result<(), ConfigError> {
    if write_timeout.is_zero() {
        return Err(ConfigError { field: "write_timeout", range: "above zero: nothing ever takes no time" });
    }
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Running,
    /// No more turns: what is queued is written, then our side is shut.
    Closing,
    /// Our side is shut: the peer's octets are discarded for a moment.
    Lingering {
        until: Time,
        left: usize,
    },
    Closed,
}

impl<T: AsyncRead + AsyncWrite + Unpin, A: App> Driver<T, A> {
    /// A driver whose connection is made at its clock's beginning.
    pub(crate) fn new(
        transport: T,
        app: A,
        wiring: Wiring,
        make: impl FnOnce(Time) -> Connection<A::Observer>,
    ) -> Self {
        let clock = Clock::new();
        Self {
            io: Io::new(transport, wiring.tap),
            conn: make(clock.now()),
            app,
            mailbox: wiring.mailbox,
            clock,
            mail: Vec::new(),
            phase: Phase::Running,
            is_held_back: false,
            is_unused: false,
            write_stalled: None,
            write_timeout: wiring.write_timeout,
            waker: None,
            error: None,
            span: wiring.span,
        }
    }

    fn run_in_span(&mut self, cx: &mut Context<'_>) -> Result<Poll<()>, Error> {
        if self.span.is_disabled() {
            return self.run(cx);
        }
        let span = self.span.clone();
        span.in_scope(|| self.run(cx))
    }

    fn run(&mut self, cx: &mut Context<'_>) -> Result<Poll<()>, Error> {
        if self.waker.as_ref().is_none_or(|w| !w.will_wake(cx.waker())) {
            self.mailbox.register(cx);
            self.clock.forget_waker();
            self.waker = Some(cx.waker().clone());
        }
        // One look at the clock serves all turns: they take microseconds, and every time-out is a matter of milliseconds.
        let now = self.clock.now();
        for _ in 0..TURNS {
            match self.phase {
                Phase::Running => {
                    if !self.turn(cx, now)? {
                        return Ok(Poll::Pending);
                    }
                }
                Phase::Closing => {
                    // Whoever waits for an answer need not wait for the close, too.
                    self.tell(self.error.clone());
                    if self.close(cx).is_pending() {
                        return Ok(Poll::Pending);
                    }
                }
                Phase::Lingering { .. } => {
                    if self.linger(cx).is_pending() {
                        return Ok(Poll::Pending);
                    }
                }
                Phase::Closed => return Ok(Poll::Ready(())),
            }
        }
        cx.waker().wake_by_ref();
        Ok(Poll::Pending)
    }

    /// One turn; false when there is nothing to do until something wakes the task.
    fn turn(&mut self, cx: &mut Context<'_>, now: Time) -> Result<bool, Error> {
        let mut read = Read::Waits;
        if self.conn.wants_read() {
            read = self.io.poll_read(cx)?;
        }
        if read == Read::Waits && self.is_quiet() {
            return Ok(self.wait(cx, now)? || self.mailbox.has_mail());
        }
        self.deliver(now)?;
        if read == Read::End {
            self.phase = Phase::Closing;
            self.conn.handle_eof()?;
            return Ok(true);
        }
        let had_mail = self.mailbox.has_mail();
        if had_mail {
            self.read_mail(now);
        }
        self.is_held_back = !self.conn.wants_read();
        let wrote = self.write(cx, now)?;
        if self.phase != Phase::Running {
            return Ok(true);
        }
        // What held reading back may just have gone into the output: then nothing else would bring us back to reading.
        if read == Read::Octets || wrote || self.mailbox.has_mail() || (self.is_held_back && self.conn.wants_read()) {
            return Ok(true);
        }
        Ok(self.wait(cx, now)? || self.mailbox.has_mail())
    }

    /// Whether nothing is left to be done without new octets, mail or time.
    fn is_quiet(&self) -> bool {
        self.io.is_written() && !self.is_held_back && !self.conn.has_work() && !self.mailbox.has_mail()
    }

    /// Delivers events until there are none.
    fn deliver(&mut self, now: Time) -> Result<(), Error> {
        let mut link = Link { conn: &mut self.conn, mailbox: &self.mailbox };
        loop {
            match link.conn.next_event(&mut self.io.input, now) {
                Ok(Some(Event::Drained)) => self.phase = Phase::Closing,
                Ok(Some(event)) => self.app.event(event, &mut link),
                Ok(None) => break,
                Err(e) => {
                    self.error = Some(e.into());
                    self.phase = Phase::Closing;
                    break;
                }
            }
        }
        self.app.settle(&mut link);
        Ok(())
    }

    fn read_mail(&mut self, now: Time) {
        let mut mail = std::mem::take(&mut self.mail);
        self.mailbox.take(&mut mail);
        let mut link = Link { conn: &mut self.conn, mailbox: &self.mailbox };
        for letter in mail.drain(..) {
            match letter {
                Mail::Release(id, octets) => link.conn.release(id, octets),
                Mail::ShutDown => link.conn.shut_down(now),
                Mail::Unused => self.is_unused = true,
                Mail::Stats(asker) => {
                    // Who has gone away needs no answer.
                    let _ = asker.send(Snapshot::of(link.conn, self.app.waiting()));
                }
                other => self.app.mail(other, &mut link),
            }
        }
        self.mail = mail;
        for (id, command) in self.mailbox.take_commands(None) {
            self.app.command(id, command, &mut link);
        }
    }

    /// Takes what there is to send and writes it. True when something went out and there may be more.
    fn write(&mut self, cx: &mut Context<'_>, now: Time) -> Result<bool, Error> {
        if self.io.output.is_empty() {
            self.io.borrow_output();
            self.conn.poll_output(&mut self.io.output, OUTPUT_BUDGET, now);
        }
        let before = self.io.output.len();
        if self.io.is_written() {
            return Ok(false);
        }
        match self.io.poll_write(cx) {
            Poll::Ready(Ok(())) => {
                self.write_stalled = None;
                Ok(true)
            }
            Poll::Pending => {
                if self.io.output.len() < before || self.write_stalled.is_none() {
                    self.write_stalled = Some(now);
                }
                Ok(false)
            }
            Poll::Ready(Err(e)) => {
                self.hear_out(cx, now)?;
                Err(e.into())
            }
        }
    }

    /// The peer takes no more octets, but what it said before may still be there: a response, or why it left.
    fn hear_out(&mut self, cx: &mut Context<'_>, now: Time) -> Result<(), Error> {
        if self.conn.role() == Role::Client {
            for _ in 0..LAST_READS {
                if self.io.poll_read(cx)? != Read::Octets {
                    break;
                }
                self.deliver(now)?;
            }
        }
        Ok(())
    }

    /// Nothing to do: sets the timer, and sees whether time has run out. True when a timer did something.
    fn wait(&mut self, cx: &mut Context<'_>, now: Time) -> Result<bool, Error> {
        // Not sooner: a drain has a deadline, and whoever still reads a response has asked for none.
        if self.is_unused && self.conn.live_streams() == 0 && !self.conn.is_going_away() {
            self.conn.shut_down(now);
            return Ok(true);
        }
        let stalled = self.write_stalled.map(|since| since + self.write_timeout);
        let deadline = [self.conn.next_timeout().map(|(at, _)| at), stalled].into_iter().flatten().min();
        if !self.clock.poll(deadline, now, cx) {
            self.io.give_back();
            if std::mem::take(&mut self.clock.fired_early) && self.conn.live_streams() == 0 {
                self.rest();
            }
            return Ok(false);
        }
        let later = self.clock.now().max(now);
        if stalled.is_some_and(|at| at <= later) {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the peer takes no more octets").into());
        }
        if let Err(e) = self.conn.handle_timeout(later) {
            self.error = Some(e.into());
            self.phase = Phase::Closing;
        }
        Ok(true)
    }

    /// A quiet connection keeps nothing that it can get again.
    fn rest(&mut self) {
        self.conn.shrink();
        self.app.rest();
        self.mailbox.rest();
        self.mail = Vec::new();
    }

    /// Writes what is queued, then shuts our side at once: the peer sees a clean end behind our last frame. A peer that is to get
    /// the rest of its responses has all the time that writing ever has; one that failed, or was cut, has a moment.
    fn close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let now = self.clock.now();
        if self.io.output.is_empty() {
            self.io.borrow_output();
            self.conn.poll_output(&mut self.io.output, OUTPUT_BUDGET, now);
        }
        let is_cut = self.error.is_some() || self.conn.stats().cut > 0;
        let patience = if is_cut { LINGER } else { self.write_timeout.max(LINGER) };
        let before = self.io.output.len();
        let is_written = self.io.is_written();
        let polled = if is_written { self.io.poll_shutdown(cx) } else { self.io.poll_write(cx) };
        match polled {
            Poll::Ready(Ok(())) if !is_written => self.write_stalled = None,
            Poll::Ready(Ok(())) if !self.io.is_read_closed => {
                self.phase = Phase::Lingering { until: now + LINGER, left: LINGER_OCTETS };
            }
            Poll::Ready(_) => self.phase = Phase::Closed,
            Poll::Pending => {
                if self.io.output.len() < before {
                    self.write_stalled = Some(now);
                }
                let since = *self.write_stalled.get_or_insert(now);
                if !self.clock.poll(Some(since + patience), now, cx) {
                    return Poll::Pending;
                }
                self.phase = Phase::Closed;
            }
        }
        Poll::Ready(())
    }

    /// Reads and discards until the peer closes, too much came, or it took too long.
    fn linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Phase::Lingering { until, left } = self.phase else { return Poll::Ready(()) };
        self.io.input.clear();
        match self.io.poll_read(cx) {
            Ok(Read::Octets) if left > self.io.input.len() => {
                self.phase = Phase::Lingering { until, left: left - self.io.input.len() };
                Poll::Ready(())
            }
            Ok(Read::Waits) if !self.clock.poll(Some(until), self.clock.now(), cx) => Poll::Pending,
            _ => {
                self.phase = Phase::Closed;
                Poll::Ready(())
            }
        }
    }

    fn finish(&mut self, error: Option<Error>) -> Report {
        self.tell(error.clone());
        self.phase = Phase::Closed;
        self.io.give_back();
        let stats = self.conn.stats();
        Report { streams: stats.streams_accepted + stats.streams_opened, cut: stats.cut, error }
    }
}

impl<T: Unpin, A: App> Unpin for Driver<T, A> {}

impl<T: AsyncRead + AsyncWrite + Unpin, A: App> Future for Driver<T, A> {
    type Output = Report;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Report> {
        let this = self.get_mut();
        match this.run_in_span(cx) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(())) => {
                let error = this.error.take();
                Poll::Ready(this.finish(error))
            }
            Err(error) => {
                let error = this.error.take().unwrap_or(error);
                Poll::Ready(this.finish(Some(error)))
            }
        }
    }
}

impl<T, A: App> Driver<T, A> {
    /// The connection is over: tells everyone who waits, and takes no more mail.
    fn tell(&mut self, error: Option<Error>) {
        let error = error.unwrap_or_else(|| Error::new(Kind::Closed));
        self.app.end(&error);
        for mail in self.mailbox.close(&error) {
            if let Mail::Open(open) = mail {
                open.fail(&error);
            }
        }
    }
}

impl<T, A: App> Drop for Driver<T, A> {
    /// Dropped before its end (its runtime is shutting down, or its owner has lost interest): whoever waits is told.
    fn drop(&mut self) {
        if self.phase != Phase::Closed {
            self.tell(None);
        }
    }
}
