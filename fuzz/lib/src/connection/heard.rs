//! The far end as a listener: reads what the connection sends and checks that it may be said.
//!
//! Checked: the preface and SETTINGS come first; every frame is well-formed and no larger than allowed; a field block is
//! not interrupted and can be decompressed; windows are kept; a stream is reset once (I5) and says nothing after its end; nothing
//! comes after the GOAWAY of an error (I4); nothing is acknowledged that was not said.

use std::collections::{BTreeMap, BTreeSet};

use pellucid_conn::h2::Role;
use pellucid_frame::{ErrorCode, Frame, Head, Kind, PREFACE, StreamId};
use pellucid_hpack::{Decoder, Fields, Limits};

use super::peer::Peer;
use crate::Seen;

pub(super) struct Heard {
    /// The role of the connection under test.
    role: Role,
    octets: Vec<u8>,
    decoder: Decoder,
    is_greeted: bool,
    frames: usize,
    /// The stream of a field block that is not yet complete.
    in_block: Option<StreamId>,
    reset: BTreeSet<StreamId>,
    ended: BTreeSet<StreamId>,
    data: u64,
    stream_data: BTreeMap<StreamId, u64>,
    acknowledged: usize,
    pongs: usize,
    pub(super) failed: Option<ErrorCode>,
}

impl Heard {
    pub(super) fn new(role: Role) -> Self {
        let mut decoder = Decoder::new(4096);
        // What the peer allows it has said in SETTINGS that may still be on their way: all of it is allowed here.
        decoder.set_max_table_size(u32::MAX);
        Self {
            role,
            octets: Vec::new(),
            decoder,
            is_greeted: role == Role::Server,
            frames: 0,
            in_block: None,
            reset: BTreeSet::new(),
            ended: BTreeSet::new(),
            data: 0,
            stream_data: BTreeMap::new(),
            acknowledged: 0,
            pongs: 0,
            failed: None,
        }
    }

    /// Octets arrive at the peer.
    pub(super) fn hear(&mut self, octets: &[u8], peer: &mut Peer, seen: &mut Seen) {
        self.octets.extend_from_slice(octets);
        let all = std::mem::take(&mut self.octets);
        let mut rest = all.as_slice();
        if !self.is_greeted && rest.len() >= PREFACE.len() {
            rest = rest.strip_prefix(PREFACE).expect("a client begins with the preface");
            self.is_greeted = true;
        }
        while let (true, Some(head)) = (self.is_greeted, Head::peek(rest)) {
            let Some((payload, after)) = rest[Head::LEN..].split_at_checked(head.length as usize) else { break };
            rest = after;
            self.frame(head, payload, peer, seen);
        }
        self.octets = rest.to_vec();
    }

    fn frame(&mut self, head: Head, payload: &[u8], peer: &mut Peer, seen: &mut Seen) {
        assert_eq!(self.failed, None, "nothing comes after the GOAWAY of an error: {head:?}");
        assert!(self.frames > 0 || head.kind == Kind::SETTINGS, "SETTINGS come first");
        assert!(head.length <= peer.said.max_frame_size || peer.said.is_damaged, "{head:?} is too large");
        self.frames += 1;
        let frame = Frame::decode(head, payload).unwrap_or_else(|error| panic!("we have sent a bad frame: {error}"));
        assert_eq!(self.in_block.is_some(), head.kind == Kind::CONTINUATION, "blocks are not interrupted: {head:?}");
        seen.insert(label(frame));
        let id = head.stream;
        match frame {
            Frame::Headers(headers) => {
                self.speaks(id);
                if self.role == Role::Client && !peer.knows(id.get()) {
                    peer.on_stream(id.get());
                }
                self.fragment(id, headers.fragment, headers.end_headers);
                self.end(id, headers.end_stream);
            }
            Frame::PushPromise(promise) => {
                self.speaks(id);
                self.fragment(id, promise.fragment, promise.end_headers);
            }
            Frame::Continuation(part) => {
                assert_eq!(self.in_block, Some(id));
                self.fragment(id, part.fragment, part.end_headers);
            }
            Frame::Data(data) => {
                self.speaks(id);
                self.content(id, u64::from(head.length), peer);
                self.end(id, data.end_stream);
            }
            Frame::Reset(_) => {
                assert!(self.reset.insert(id), "one RST_STREAM a stream: {id}");
                peer.on_reset(id.get());
            }
            Frame::Settings(settings) if settings.ack => {
                self.acknowledged += 1;
                assert!(self.acknowledged <= peer.said.settings || peer.said.is_damaged, "SETTINGS nobody sent");
            }
            Frame::Settings(_) => peer.owed += 1,
            Frame::Ping(ping) if ping.ack => {
                self.pongs += 1;
                assert!(self.pongs <= peer.said.pings || peer.said.is_damaged, "a PING nobody sent");
            }
            Frame::Ping(ping) => peer.pings.push(ping.payload),
            Frame::GoAway(goaway) if goaway.code != ErrorCode::NO_ERROR => self.failed = Some(goaway.code),
            _ => {}
        }
    }

    /// RFC 9113 §5.1: a stream that we have ended or reset says no more.
    fn speaks(&self, id: StreamId) {
        assert!(!self.reset.contains(&id), "stream {id} was reset");
        assert!(!self.ended.contains(&id), "stream {id} had ended");
    }

    fn end(&mut self, id: StreamId, is_end: bool) {
        if is_end {
            self.ended.insert(id);
        }
    }

    /// RFC 9113 §6.9.1: no more than either window. What the peer has granted so far is at least what we know of.
    fn content(&mut self, id: StreamId, octets: u64, peer: &Peer) {
        self.data += octets;
        let sent = self.stream_data.entry(id).or_default();
        *sent += octets;
        let granted = peer.said.initial_window + peer.said.stream_credit.get(&id.get()).copied().unwrap_or_default();
        if !peer.said.is_damaged {
            assert!(self.data <= peer.said.credit, "{} of {} on the connection", self.data, peer.said.credit);
            assert!(*sent <= granted, "{sent} of {granted} on stream {id}");
        }
    }

    fn fragment(&mut self, id: StreamId, fragment: &[u8], is_last: bool) {
        let limits = Limits { max_size: u32::MAX, max_fields: u32::MAX, max_string: u32::MAX };
        self.decoder.decode(fragment, &mut Fields::new(), &limits).expect("our blocks can be decompressed");
        self.in_block = (!is_last).then_some(id);
        if is_last {
            self.decoder.finish().expect("our blocks are whole");
        }
    }
}

fn label(frame: Frame<'_>) -> &'static str {
    match frame {
        Frame::Reset(reset) => match reset.code.name() {
            Some("CANCEL") => "sent RST_STREAM CANCEL",
            Some("REFUSED_STREAM") => "sent RST_STREAM REFUSED_STREAM",
            Some("NO_ERROR") => "sent RST_STREAM NO_ERROR",
            Some("STREAM_CLOSED") => "sent RST_STREAM STREAM_CLOSED",
            Some("FLOW_CONTROL_ERROR") => "sent RST_STREAM FLOW_CONTROL_ERROR",
            _ => "sent RST_STREAM",
        },
        Frame::GoAway(goaway) if goaway.code == ErrorCode::NO_ERROR => "sent GOAWAY",
        Frame::GoAway(_) => "sent GOAWAY with an error",
        Frame::Data(_) => "sent DATA",
        Frame::Headers(_) => "sent HEADERS",
        Frame::Continuation(_) => "sent CONTINUATION",
        Frame::PushPromise(_) => "sent PUSH_PROMISE",
        Frame::PriorityUpdate(_) => "sent PRIORITY_UPDATE",
        Frame::WindowUpdate(_) => "sent WINDOW_UPDATE",
        Frame::Ping(ping) if !ping.ack => "sent PING",
        Frame::AltSvc(_) => "sent ALTSVC",
        Frame::Origin(_) => "sent ORIGIN",
        _ => "sent something small",
    }
}
