//! The flow-control windows of one side as that side sees them (RFC 9113 §6.9), followed from outside.
//!
//! Not for: judging. A window below 0 is shown, not answered.

use std::collections::BTreeMap;

use pellucid_frame::StreamId;

use super::record::WindowsLeft;

/// What one side may still send.
#[derive(Debug)]
pub(super) struct Windows {
    connection: i64,
    initial: i64,
    streams: BTreeMap<StreamId, i64>,
}

impl Windows {
    pub(super) fn new() -> Self {
        Self { connection: FIRST_WINDOW, initial: FIRST_WINDOW, streams: BTreeMap::new() }
    }

    /// The side may send on this stream from now on.
    pub(super) fn open(&mut self, stream: StreamId) {
        if self.streams.len() < MAX_STREAMS {
            self.streams.insert(stream, self.initial);
        }
    }

    /// The side sends no more on this stream.
    pub(super) fn close(&mut self, stream: StreamId) {
        self.streams.remove(&stream);
    }

    /// Whether the side may still send on this stream, as far as is known.
    pub(super) fn is_open(&self, stream: StreamId) -> bool {
        self.streams.contains_key(&stream)
    }

    /// Whether the windows that are known let a DATA frame of so many octets pass.
    pub(super) fn has_room(&self, stream: StreamId, octets: u32) -> bool {
        let octets = i64::from(octets);
        octets == 0 || octets <= self.connection && self.streams.get(&stream).is_none_or(|window| octets <= *window)
    }

    /// Takes a DATA frame's octets off both windows.
    pub(super) fn take(&mut self, stream: StreamId, octets: u32) -> WindowsLeft {
        self.connection = self.connection.saturating_sub(octets.into());
        let stream = self.streams.get_mut(&stream).map(|window| {
            *window = window.saturating_sub(octets.into());
            *window
        });
        WindowsLeft { connection: self.connection, stream }
    }

    /// Adds to the connection's window or a stream's, and says what it is then; `None` where the stream is not open.
    pub(super) fn add(&mut self, stream: StreamId, octets: u32) -> Option<i64> {
        let window = if stream.is_connection() { &mut self.connection } else { self.streams.get_mut(&stream)? };
        *window = window.saturating_add(octets.into());
        Some(*window)
    }

    /// RFC 9113 §6.9.2: a new initial window moves the windows of open streams by the difference, maybe below 0; the
    /// connection's stays.
    pub(super) fn set_initial(&mut self, octets: u32) {
        let difference = i64::from(octets) - self.initial;
        self.initial = octets.into();
        for window in self.streams.values_mut() {
            *window = window.saturating_add(difference);
        }
    }
}

/// RFC 9113 §6.9.2: every window of a new connection.
const FIRST_WINDOW: i64 = 65_535;

/// Streams whose windows are followed at a time: stops the memory that endless opening of streams would take. Those above
/// it have unknown windows.
const MAX_STREAMS: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_initial_window_moves_open_streams_and_not_the_connection() {
        let (mut windows, stream) = (Windows::new(), StreamId::new(1));
        windows.open(stream);
        assert_eq!(windows.take(stream, 60_000), WindowsLeft { connection: 5_535, stream: Some(5_535) });
        windows.set_initial(1_000);
        assert_eq!(windows.take(stream, 0), WindowsLeft { connection: 5_535, stream: Some(-59_000) });
        assert_eq!(windows.add(stream, 60_000), Some(1_000));
        assert_eq!(windows.add(StreamId::CONNECTION, 1), Some(5_536));
    }

    #[test]
    fn a_stream_that_is_not_open_has_no_window() {
        let mut windows = Windows::new();
        assert_eq!(windows.add(StreamId::new(3), 5), None);
        windows.open(StreamId::new(3));
        windows.close(StreamId::new(3));
        assert_eq!(windows.take(StreamId::new(3), 5), WindowsLeft { connection: 65_530, stream: None });
    }

    #[test]
    fn the_streams_that_are_followed_are_bounded() {
        let mut windows = Windows::new();
        for id in 0..70_000 {
            windows.open(StreamId::new(2 * id + 1));
        }
        assert_eq!(windows.streams.len(), MAX_STREAMS);
    }
}
