//! Every knob of a connection with its default and the reason for it. Bounds name the attack they stop in `limits`.

use core::fmt;
use core::time::Duration;

use pellucid_flow::MAX_WINDOW;

use super::limits::Rate;

/// Settings, limits and timeouts of one connection. Start from [`Config::server`] or [`Config::client`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Streams the peer may have open at once, and handlers that may run at once (SETTINGS_MAX_CONCURRENT_STREAMS).
    pub max_concurrent_streams: u32,
    /// Client: how many streams are assumed allowed before the peer's SETTINGS, and the cap on what it then allows.
    pub assumed_streams: u32,
    /// Client: the most streams we open at once whatever the peer allows.
    pub max_open_streams: u32,
    /// Octets of a received field section, counted as in RFC 7541 §4.1; above it a request is answered 431.
    pub max_header_list_size: u32,
    /// Field lines in a received section, cookies not counted.
    pub max_header_fields: u32,
    /// `cookie` field lines in a received section, counted apart because browsers split cookies into crumbs.
    pub max_cookie_crumbs: u32,
    /// A section of more than this many times `max_header_list_size` ends the connection.
    pub header_abuse_multiplier: u32,
    /// CONTINUATION frames in one field block.
    pub max_continuation_frames: u32,
    /// Settings in one SETTINGS frame.
    pub max_settings_entries: u32,
    /// Octets of replies the peer provoked that may wait before reading stops.
    pub control_buffer_soft: usize,
    /// Octets of provoked replies that may wait before the connection ends; and octets of all control frames and field blocks
    /// that may wait before reading stops.
    pub control_buffer_hard: usize,
    /// Octets of content queued for sending over all streams before `capacity` says no.
    pub send_buffer_connection: usize,
    /// Octets of content queued for sending on one stream before `capacity` says no.
    pub send_buffer_stream: usize,
    /// The connection's receive window, in octets.
    pub connection_window: u32,
    /// Each stream's receive window, in octets (SETTINGS_INITIAL_WINDOW_SIZE).
    pub stream_window: u32,
    /// With auto-tuning each stream's window grows up to this many octets and the connection's to twice that, as the path is
    /// found to hold more; `None` switches auto-tuning off.
    pub auto_window: Option<u32>,
    /// Our HPACK decoder's table, in octets (SETTINGS_HEADER_TABLE_SIZE).
    pub header_table_size: u32,
    /// The most our HPACK encoder uses of the table the peer offers.
    pub encoder_table_size: u32,
    /// The largest frame payload we accept (SETTINGS_MAX_FRAME_SIZE).
    pub max_frame_size: u32,
    /// The largest DATA payload we send, though the peer may accept more; keeps control frames from waiting long.
    pub max_data_size: u32,
    /// Requests reset before their first response octet; each request answered in full gives one back.
    pub early_reset: Rate,
    /// RST_STREAM frames the peer provokes.
    pub emitted_reset: Rate,
    /// Requests refused for want of a slot.
    pub refused: Rate,
    /// Frames that change nothing, weighed by their cost.
    pub glitch: Rate,
    /// WINDOW_UPDATE frames; each DATA frame sent gives sixteen back.
    pub window_update: Rate,
    /// Client: interim responses to one request; their sections together keep to `max_header_list_size`.
    pub max_informational: u32,
    /// Client: pushed streams promised and not yet begun. Zero switches push off (SETTINGS_ENABLE_PUSH = 0).
    pub max_reserved_remote: u32,
    /// Server: offer extended CONNECT (RFC 8441).
    pub enable_connect_protocol: bool,
    /// Client: send a `cookie` field as one field line a crumb (RFC 9113 §8.2.3).
    pub split_cookies: bool,
    /// The connection runs over TLS (ORIGIN frames count only there).
    pub secure: bool,
    /// The peer's preface and first SETTINGS must have arrived.
    pub preface_timeout: Duration,
    /// The peer must have acknowledged our SETTINGS.
    pub settings_timeout: Duration,
    /// A field block must be complete.
    pub header_block_timeout: Duration,
    /// A stream whose peer owes content must get some, `None`: never mind.
    pub body_idle_timeout: Option<Duration>,
    /// A stream with content waiting for window must send `stall_floor` octets within this time.
    pub stall_timeout: Option<Duration>,
    /// See `stall_timeout`.
    pub stall_floor: u32,
    /// A connection without streams is drained after this.
    pub idle_timeout: Option<Duration>,
    /// A PING is sent when nothing was received for this long.
    pub keepalive_interval: Option<Duration>,
    /// … and must be answered within this.
    pub keepalive_timeout: Duration,
    /// Send keepalive PINGs also while no stream is open.
    pub keepalive_while_idle: bool,
    /// The connection is drained at this age; `pellucid-server` adds or takes off up to a tenth.
    pub max_age: Option<Duration>,
    /// Drain: how long to wait for the answer to the PING after the first GOAWAY.
    pub drain_ping_timeout: Duration,
    /// Drain: streams still open after this are cut.
    pub drain_timeout: Duration,
}

impl Config {
    /// Defaults of a server.
    #[must_use]
    pub fn server() -> Self {
        Self {
            max_concurrent_streams: 100,
            assumed_streams: 100,
            max_open_streams: 1000,
            max_header_list_size: 16 << 10,
            max_header_fields: 128,
            max_cookie_crumbs: 256,
            header_abuse_multiplier: 4,
            max_continuation_frames: 8,
            max_settings_entries: 32,
            control_buffer_soft: 16 << 10,
            control_buffer_hard: 256 << 10,
            send_buffer_connection: 256 << 10,
            send_buffer_stream: 64 << 10,
            connection_window: 1 << 20,
            stream_window: 256 << 10,
            auto_window: None,
            header_table_size: 4096,
            encoder_table_size: 4096,
            max_frame_size: 16 << 10,
            max_data_size: 16 << 10,
            early_reset: Rate { burst: 200, per_second: 20 },
            emitted_reset: Rate { burst: 200, per_second: 10 },
            refused: Rate { burst: 200, per_second: 20 },
            glitch: Rate { burst: 1000, per_second: 100 },
            window_update: Rate { burst: 1000, per_second: 100 },
            max_informational: 32,
            max_reserved_remote: 0,
            enable_connect_protocol: false,
            split_cookies: false,
            secure: false,
            preface_timeout: Duration::from_secs(10),
            settings_timeout: Duration::from_secs(10),
            header_block_timeout: Duration::from_secs(10),
            body_idle_timeout: Some(Duration::from_secs(60)),
            stall_timeout: Some(Duration::from_secs(30)),
            stall_floor: 16 << 10,
            idle_timeout: Some(Duration::from_secs(120)),
            keepalive_interval: None,
            keepalive_timeout: Duration::from_secs(20),
            keepalive_while_idle: false,
            max_age: None,
            drain_ping_timeout: Duration::from_secs(1),
            drain_timeout: Duration::from_secs(30),
        }
    }

    /// Defaults of a client: larger field sections, no reaping of slow responses, no idle close of its own, and a connection
    /// window that a hundred unread responses do not use up, so that none of them keeps the others from arriving.
    #[must_use]
    pub fn client() -> Self {
        Self {
            connection_window: 32 << 20,
            max_header_list_size: 64 << 10,
            max_header_fields: 256,
            body_idle_timeout: None,
            stall_timeout: None,
            idle_timeout: None,
            ..Self::server()
        }
    }

    /// Keeps each DATA frame within one TLS record: 2^14 octets (RFC 8446 §5.1), nine of them for the frame's head.
    pub fn fit_tls_records(&mut self) {
        self.max_data_size = self.max_data_size.min((1 << 14) - 9);
    }

    /// Octets of a field section that end the connection, encoded or decoded.
    pub(super) fn header_abuse_size(&self) -> u32 {
        self.max_header_list_size.saturating_mul(self.header_abuse_multiplier)
    }

    /// Refuses values the protocol forbids or that would stop the connection from working, naming the field.
    ///
    /// # Errors
    /// The first field that is out of range, and its range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let some = |time: Option<Duration>| time.is_none_or(|t| !t.is_zero());
        let rules: [(&'static str, bool, &'static str); 28] = [
            (
                "max_frame_size",
                (16_384..=16_777_215).contains(&self.max_frame_size),
                "16384 to 16777215 (RFC 9113 §6.5.2)",
            ),
            ("max_data_size", self.max_data_size > 0, "at least 1"),
            ("stream_window", self.stream_window <= MAX_WINDOW, "at most 2147483647 (RFC 9113 §6.5.2)"),
            ("stream_window", self.stream_window > 0, "at least 1: no content could ever arrive"),
            ("connection_window", self.connection_window <= MAX_WINDOW, "at most 2147483647 (RFC 9113 §6.9.1)"),
            (
                "connection_window",
                self.connection_window >= 65_535,
                "at least 65535: it starts there and cannot shrink",
            ),
            ("auto_window", self.auto_window.is_none_or(|w| w <= MAX_WINDOW), "at most 2147483647 (RFC 9113 §6.9.1)"),
            ("max_header_list_size", self.max_header_list_size >= 256, "at least 256"),
            ("max_header_fields", self.max_header_fields >= 8, "at least 8"),
            ("header_abuse_multiplier", self.header_abuse_multiplier > 0, "at least 1"),
            ("max_settings_entries", self.max_settings_entries >= 8, "at least 8"),
            ("control_buffer_soft", self.control_buffer_soft >= 1024, "at least 1024"),
            ("control_buffer_hard", self.control_buffer_hard > self.control_buffer_soft, "above control_buffer_soft"),
            ("send_buffer_stream", self.send_buffer_stream > 0, "at least 1"),
            ("send_buffer_connection", self.send_buffer_connection > 0, "at least 1"),
            ("max_concurrent_streams", self.max_concurrent_streams > 0, "at least 1: no request would be taken"),
            ("max_open_streams", self.max_open_streams > 0, "at least 1: no request could be sent"),
            ("preface_timeout", !self.preface_timeout.is_zero(), NO_TIME),
            ("settings_timeout", !self.settings_timeout.is_zero(), NO_TIME),
            ("header_block_timeout", !self.header_block_timeout.is_zero(), NO_TIME),
            ("keepalive_timeout", !self.keepalive_timeout.is_zero(), NO_TIME),
            ("drain_ping_timeout", !self.drain_ping_timeout.is_zero(), NO_TIME),
            ("body_idle_timeout", some(self.body_idle_timeout), NO_TIME),
            ("stall_timeout", some(self.stall_timeout), NO_TIME),
            ("idle_timeout", some(self.idle_timeout), NO_TIME),
            ("keepalive_interval", some(self.keepalive_interval), NO_TIME),
            ("max_age", some(self.max_age), NO_TIME),
            ("stall_floor", self.stall_floor > 0, "at least 1: `stall_timeout` is switched off by `None`"),
        ];
        match rules.iter().find(|(_, fine, _)| !fine) {
            Some(&(field, _, range)) => Err(ConfigError { field, range }),
            None => Ok(()),
        }
    }
}

/// What a time-out of zero would do.
const NO_TIME: &str = "above zero: nothing ever takes no time";

/// A configuration value out of range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfigError {
    /// The field of [`Config`].
    pub field: &'static str,
    /// What it may be.
    pub range: &'static str,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "configuration field `{}` is out of range: {}", self.field, self.range)
    }
}

impl core::error::Error for ConfigError {}
