//! Values that no connection can work with are refused before there is one, by the name of their field.

use core::time::Duration;

use pellucid_conn::h2::Config;

type Spoil = fn(&mut Config);

const SPOILT: [(&str, Spoil); 29] = [
    ("max_frame_size", |c| c.max_frame_size = 16_383),
    ("max_frame_size", |c| c.max_frame_size = 1 << 24),
    ("max_data_size", |c| c.max_data_size = 0),
    ("stream_window", |c| c.stream_window = 1 << 31),
    ("stream_window", |c| c.stream_window = 0),
    ("connection_window", |c| c.connection_window = 1 << 31),
    ("connection_window", |c| c.connection_window = 65_534),
    ("auto_window", |c| c.auto_window = Some(1 << 31)),
    ("max_header_list_size", |c| c.max_header_list_size = 255),
    ("max_header_fields", |c| c.max_header_fields = 0),
    ("header_abuse_multiplier", |c| c.header_abuse_multiplier = 0),
    ("max_settings_entries", |c| c.max_settings_entries = 0),
    ("control_buffer_soft", |c| c.control_buffer_soft = 0),
    ("control_buffer_hard", |c| c.control_buffer_hard = c.control_buffer_soft),
    ("send_buffer_stream", |c| c.send_buffer_stream = 0),
    ("send_buffer_connection", |c| c.send_buffer_connection = 0),
    ("max_concurrent_streams", |c| c.max_concurrent_streams = 0),
    ("max_open_streams", |c| c.max_open_streams = 0),
    ("preface_timeout", |c| c.preface_timeout = Duration::ZERO),
    ("settings_timeout", |c| c.settings_timeout = Duration::ZERO),
    ("header_block_timeout", |c| c.header_block_timeout = Duration::ZERO),
    ("keepalive_timeout", |c| c.keepalive_timeout = Duration::ZERO),
    ("drain_ping_timeout", |c| c.drain_ping_timeout = Duration::ZERO),
    ("body_idle_timeout", |c| c.body_idle_timeout = Some(Duration::ZERO)),
    ("stall_timeout", |c| c.stall_timeout = Some(Duration::ZERO)),
    ("idle_timeout", |c| c.idle_timeout = Some(Duration::ZERO)),
    ("keepalive_interval", |c| c.keepalive_interval = Some(Duration::ZERO)),
    ("max_age", |c| c.max_age = Some(Duration::ZERO)),
    ("stall_floor", |c| c.stall_floor = 0),
];

/// Covers 9113:6.5.2-7, 9113:6.5.2-9: no limit of zero streams from the start, and frame sizes within their range
#[test]
fn each_value_out_of_range_is_refused_by_its_name() {
    for (field, spoil) in SPOILT {
        for mut config in [Config::server(), Config::client()] {
            assert_eq!(config.validate(), Ok(()));
            spoil(&mut config);
            let error = config.validate().expect_err(field);
            assert_eq!(error.field, field);
            let text = error.to_string();
            assert!(text.contains(&format!("`{field}`")) && text.len() > field.len() + 40, "{text}");
        }
    }
}
