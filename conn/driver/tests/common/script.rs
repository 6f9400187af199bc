//! A server that says exactly what its script says, right or wrong: frames written by name, nothing checked.

use bytes::{Buf, BytesMut};
use pellucid_driver::{End, ErrorCode, StreamId};
use pellucid_frame::{Flags, Frame, Head, Kind, Setting, encode};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// The scripted end of a connection.
pub struct Script {
    transport: Option<DuplexStream>,
    input: BytesMut,
    began: bool,
    acknowledges: bool,
}

/// What a script wants to know of a frame.
#[derive(Debug, PartialEq, Eq)]
pub struct Heard {
    pub kind: Kind,
    pub stream: StreamId,
    pub end: bool,
    pub payload: Vec<u8>,
}

impl Script {
    pub fn new(transport: DuplexStream) -> Self {
        Self { transport: Some(transport), input: BytesMut::new(), began: false, acknowledges: true }
    }

    /// Never acknowledges settings.
    pub fn is_rude(&mut self) {
        self.acknowledges = false;
    }

    /// Its SETTINGS, first of all.
    pub async fn greet(&mut self, settings: &[Setting]) {
        self.send(|out| encode::settings(out, settings)).await;
    }

    /// Writes what `write` appends.
    pub async fn send(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut out = Vec::new();
        write(&mut out);
        if let Some(transport) = &mut self.transport {
            // A client that has closed reads nothing any more.
            let _ = transport.write_all(&out).await;
        }
    }

    /// A field section of literals, whatever it says.
    pub async fn headers(&mut self, id: StreamId, fields: &[(&str, &str)], end: End) {
        let block = literals(fields);
        self.send(|out| {
            let flags = Flags::END_HEADERS.with(end.flags());
            Head { length: u32::try_from(block.len()).unwrap(), kind: Kind::HEADERS, flags, stream: id }.encode(out);
            out.extend_from_slice(&block);
        })
        .await;
    }

    pub async fn data(&mut self, id: StreamId, data: &[u8], end: End) {
        self.send(|out| {
            encode::data_head(out, id, u32::try_from(data.len()).unwrap(), end);
            out.extend_from_slice(data);
        })
        .await;
    }

    pub async fn reset(&mut self, id: StreamId, code: ErrorCode) {
        self.send(|out| encode::reset(out, id, code)).await;
    }

    pub async fn goaway(&mut self, last: StreamId, code: ErrorCode) {
        self.send(|out| encode::goaway(out, last, code, b"")).await;
    }

    /// Closes the transport.
    pub fn hang_up(&mut self) {
        self.transport = None;
    }

    /// The next frame; `None` at the end. SETTINGS are acknowledged, unless it is rude.
    pub async fn heard(&mut self) -> Option<Heard> {
        loop {
            if let Some(heard) = self.parse() {
                if heard.kind == Kind::SETTINGS && !heard.end && self.acknowledges {
                    self.send(encode::settings_ack).await;
                }
                return Some(heard);
            }
            if self.transport.as_mut()?.read_buf(&mut self.input).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    /// The next frame of this kind.
    pub async fn hears(&mut self, kind: Kind) -> Heard {
        loop {
            let heard = self.heard().await.expect("the transport is open");
            if heard.kind == kind {
                return heard;
            }
        }
    }

    /// The next request's stream.
    pub async fn request(&mut self) -> StreamId {
        self.hears(Kind::HEADERS).await.stream
    }

    fn parse(&mut self) -> Option<Heard> {
        if !self.began {
            if self.input.len() < encode::PREFACE.len() {
                return None;
            }
            self.input.advance(encode::PREFACE.len());
            self.began = true;
        }
        let head = Head::peek(&self.input)?;
        let total = Head::LEN + head.length as usize;
        if self.input.len() < total {
            return None;
        }
        let frame = self.input.split_to(total);
        let payload = frame[Head::LEN..].to_vec();
        Frame::decode(head, &payload).unwrap();
        // END_STREAM and ACK are the same bit.
        let end = head.flags.get() & 1 != 0;
        Some(Heard { kind: head.kind, stream: head.stream, end, payload })
    }
}

/// RFC 7541 §6.2.2: each field a literal without indexing, with a new name.
fn literals(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).ok().filter(|n| *n < 127).expect("short fields only"));
            block.extend_from_slice(text.as_bytes());
        }
    }
    block
}
