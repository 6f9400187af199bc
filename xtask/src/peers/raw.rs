//! An h2c client of octets, for the checks that no well-behaved client makes: one that stops reading, one that resets in the
//! middle. It knows nothing of Pellucid's own crates, so that a fault in them cannot hide itself. RFC 9113 §4.1, §6.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A connection after its preface; the server's SETTINGS are answered when they are read.
pub(super) struct Raw {
    socket: TcpStream,
}

/// A frame as read: type, flags, stream and payload.
pub(super) struct RawFrame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

impl Raw {
    /// Connects, with windows of `window` octets for each stream and for the connection.
    pub(super) fn connect(address: SocketAddr, window: u32) -> Result<Self, String> {
        let socket = TcpStream::connect(address).map_err(|error| error.to_string())?;
        socket.set_read_timeout(Some(READ_PATIENCE)).map_err(|error| error.to_string())?;
        let mut raw = Self { socket };
        raw.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")?;
        let mut settings = vec![0, 4];
        settings.extend(window.to_be_bytes());
        raw.send(SETTINGS, 0, 0, &settings)?;
        if let Some(more) = window.checked_sub(DEFAULT_WINDOW).filter(|&more| more > 0) {
            raw.send(WINDOW_UPDATE, 0, 0, &more.to_be_bytes())?;
        }
        Ok(raw)
    }

    /// Sends `GET /` on `stream`.
    pub(super) fn get(&mut self, stream: u32) -> Result<(), String> {
        // :method GET, :scheme http, :path / from the static table; :authority as a literal that is not indexed (RFC 7541 §6).
        let block = b"\x82\x86\x84\x01\x09localhost";
        self.send(HEADERS, END_STREAM | END_HEADERS, stream, block)
    }

    /// Cancels `stream`.
    pub(super) fn cancel(&mut self, stream: u32) -> Result<(), String> {
        self.send(RST_STREAM, 0, stream, &8_u32.to_be_bytes())
    }

    /// Opens the window of `stream` (0: the connection) by `octets`.
    pub(super) fn window_update(&mut self, stream: u32, octets: u32) -> Result<(), String> {
        self.send(WINDOW_UPDATE, 0, stream, &octets.to_be_bytes())
    }

    /// Reads until SETTINGS have been exchanged and acknowledged both ways.
    pub(super) fn settle(&mut self) -> Result<(), String> {
        let (mut has_said, mut has_acknowledged) = (false, false);
        while !(has_said && has_acknowledged) {
            let frame = self.read_and_acknowledge()?;
            has_said |= frame.kind == SETTINGS && frame.flags & ACK == 0;
            has_acknowledged |= frame.kind == SETTINGS && frame.flags & ACK != 0;
        }
        Ok(())
    }

    /// The next frame that is not about SETTINGS.
    pub(super) fn next(&mut self) -> Result<RawFrame, String> {
        loop {
            let frame = self.read_and_acknowledge()?;
            if frame.kind != SETTINGS {
                return Ok(frame);
            }
        }
    }

    fn read_and_acknowledge(&mut self) -> Result<RawFrame, String> {
        let frame = self.read_frame()?;
        if frame.kind == SETTINGS && frame.flags & ACK == 0 {
            self.send(SETTINGS, ACK, 0, &[])?;
        }
        Ok(frame)
    }

    /// Reads DATA of `stream` until `enough` octets have come or the stream has ended; how many that were, and whether it ended.
    pub(super) fn read_data(&mut self, stream: u32, enough: u64) -> Result<(u64, Ended), String> {
        let mut octets = 0;
        while octets < enough {
            let frame = self.next()?;
            match frame.kind {
                GOAWAY => return Err("GOAWAY".into()),
                RST_STREAM if frame.stream == stream => return Err("RST_STREAM".into()),
                DATA if frame.stream == stream => octets += frame.payload.len() as u64,
                _ => {}
            }
            let last = matches!(frame.kind, DATA | HEADERS) && frame.flags & END_STREAM != 0;
            if last && frame.stream == stream {
                return Ok((octets, Ended::Yes));
            }
        }
        Ok((octets, Ended::No))
    }

    fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Result<(), String> {
        let length = u32::try_from(payload.len()).map_err(|error| error.to_string())?;
        let mut frame = length.to_be_bytes().get(1..).unwrap_or_default().to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        self.write(&frame)
    }

    fn write(&mut self, octets: &[u8]) -> Result<(), String> {
        self.socket.write_all(octets).map_err(|error| error.to_string())
    }

    fn read_frame(&mut self) -> Result<RawFrame, String> {
        let mut head = [0; 9];
        self.read_exact(&mut head)?;
        let [l2, l1, l0, kind, flags, s3, s2, s1, s0] = head;
        let length = u32::from_be_bytes([0, l2, l1, l0]);
        let mut payload = vec![0; length as usize];
        self.read_exact(&mut payload)?;
        Ok(RawFrame { kind, flags, stream: u32::from_be_bytes([s3 & 0x7f, s2, s1, s0]), payload })
    }

    fn read_exact(&mut self, octets: &mut [u8]) -> Result<(), String> {
        self.socket.read_exact(octets).map_err(|error| format!("reading: {error}"))
    }
}

/// Whether a stream has ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Yes,
    No,
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;
/// RFC 9113 §6.9.2: what every window begins with.
const DEFAULT_WINDOW: u32 = 65_535;
/// How long the server may be silent while something is owed.
const READ_PATIENCE: Duration = Duration::from_secs(10);
