//! RFC 9113, section by section, and the traps implementations fall into, as transcripts: what arrives, what is sent, what is
//! told, and what still works afterwards.
//!
//! `s<section>_…` are the document's sections; `hpack`, `extensions` and `semantics` are what the connection shows of RFC 7541, of
//! RFC 9218, 7838 and 8336, and of RFC 9110; `load` is the bounds; `coverage` proves that no rule is without its test;
//! `stream_states` prints the state machine.

#[path = "../transcript/mod.rs"]
mod transcript;

mod coverage;
mod cutting;
mod extensions;
mod frame_rules;
mod hpack;
mod load;
mod s3_starting;
mod s4_frames;
mod s4_sending;
mod s5_errors;
mod s5_sending;
mod s5_streams;
mod s6_1_data;
mod s6_2_to_4_headers_priority_reset;
mod s6_5_settings;
mod s6_6_push_promise;
mod s6_7_ping;
mod s6_8_goaway;
mod s6_9_window_update;
mod s8_1_messages;
mod s8_2_fields;
mod s8_3_pseudo_header_fields;
mod s8_5_connect;
mod s8_7_reliability;
mod semantics;
mod stream_states;
