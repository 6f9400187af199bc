//! What one end knows of one stream: how far it has come in sending its plan, and how much of the far end's it has seen.

use pellucid_conn::{End, Fields, StreamId};

use super::plan::{Plan, Way};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Interim responses or the header section come next.
    Head,
    Body,
    Done,
}

#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) out: Plan,
    pub(super) out_way: Way,
    pub(super) stage: Stage,
    pub(super) interim_sent: usize,
    pub(super) sent: usize,
    /// What the far end should say; `None` where it says nothing (a pushed stream has no request content).
    pub(super) expected: Option<Plan>,
    pub(super) interim_seen: usize,
    pub(super) head_seen: bool,
    pub(super) got: usize,
    pub(super) trailers_seen: bool,
    pub(super) ended: bool,
    /// Octets received and not yet released.
    pub(super) held: usize,
    /// Either side has reset it, or it was never processed.
    pub(super) reset: bool,
    pub(super) stopped: bool,
    /// A request whose handler is still running.
    pub(super) running: bool,
    /// `capacity` was zero: wait for `Writable`.
    pub(super) waits: bool,
}

impl Exchange {
    pub(super) fn new(out: Plan, out_way: Way, expected: Option<Plan>) -> Self {
        Self {
            out,
            out_way,
            stage: Stage::Head,
            interim_sent: 0,
            sent: 0,
            expected,
            interim_seen: 0,
            head_seen: false,
            got: 0,
            trailers_seen: false,
            ended: false,
            held: 0,
            reset: false,
            stopped: false,
            running: false,
            waits: false,
        }
    }

    fn in_way(&self) -> Way {
        match self.out_way {
            Way::ToServer => Way::ToClient,
            Way::ToClient => Way::ToServer,
        }
    }

    fn plan(&self) -> &Plan {
        self.expected.as_ref().expect("only an expected message arrives")
    }

    pub(super) fn on_head(&mut self, fields: &Fields, end: End) {
        assert!(!self.ended && !self.head_seen, "one header section");
        assert!(!self.reset, "nothing arrives on a stream that was reset");
        if self.interim_seen < self.plan().interim {
            assert_eq!((fields, end), (&Plan::interim_head(), End::More));
            self.interim_seen += 1;
            return;
        }
        assert_eq!(fields, &self.plan().head);
        self.head_seen = true;
        if end == End::Last {
            assert!(self.plan().is_head_only());
            self.on_end();
        }
    }

    pub(super) fn on_data(&mut self, id: StreamId, data: &[u8], end: End) {
        assert!(self.head_seen && !self.ended && !self.reset && !self.trailers_seen, "content in its place");
        assert!(!self.stopped, "content that nobody wants is discarded");
        for (at, octet) in data.iter().enumerate() {
            assert_eq!(*octet, Plan::octet(id, self.in_way(), self.got + at), "octet {} of stream {id}", self.got + at);
        }
        self.got += data.len();
        self.held += data.len();
        if end == End::Last {
            assert!(self.plan().trailers.is_none());
            self.on_end();
        }
    }

    pub(super) fn on_trailers(&mut self, fields: &Fields) {
        assert!(self.head_seen && !self.ended && !self.reset, "trailers in their place");
        assert_eq!(Some(fields), self.plan().trailers.as_ref());
        self.on_end();
    }

    fn on_end(&mut self) {
        self.ended = true;
        if !self.stopped {
            assert_eq!(self.got, self.plan().body, "all content arrived before the end");
        }
    }

    /// The content to send next, of at most `most` octets, and whether the message ends with it.
    pub(super) fn next_content(&self, id: StreamId, most: usize) -> (Vec<u8>, End) {
        let len = most.min(self.out.body - self.sent);
        let data = (self.sent..self.sent + len).map(|at| Plan::octet(id, self.out_way, at)).collect();
        let is_last = self.sent + len == self.out.body && self.out.trailers.is_none();
        (data, if is_last { End::Last } else { End::More })
    }
}
