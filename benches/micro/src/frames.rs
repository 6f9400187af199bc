//! Frames off and onto the wire, as a connection reads and writes them.

use std::hint::black_box;

use pellucid_frame::{End, Frame, Head, Setting, SettingId, StreamId, encode};

use crate::Operation;

pub(crate) fn decode_data() -> Operation {
    let mut wire = Vec::new();
    encode::data_head(&mut wire, STREAM, 1024, End::Last);
    wire.resize(Head::LEN + 1024, b'x');
    decode(wire)
}

pub(crate) fn decode_headers() -> Operation {
    let mut wire = Vec::new();
    write_headers(&mut wire);
    decode(wire)
}

pub(crate) fn decode_settings() -> Operation {
    let mut wire = Vec::new();
    encode::settings(&mut wire, &SETTINGS);
    decode(wire)
}

pub(crate) fn decode_window_update() -> Operation {
    let mut wire = Vec::new();
    encode::window_update(&mut wire, STREAM, 65_535);
    decode(wire)
}

pub(crate) fn encode_data() -> Operation {
    writes(|out| encode::data_head(out, black_box(STREAM), black_box(1024), End::Last))
}

pub(crate) fn encode_headers() -> Operation {
    writes(write_headers)
}

pub(crate) fn encode_settings() -> Operation {
    writes(|out| encode::settings(out, black_box(&SETTINGS)))
}

/// Takes the frame off the front of a buffer.
fn decode(wire: Vec<u8>) -> Operation {
    Box::new(move || {
        let wire = black_box(wire.as_slice());
        let head = Head::peek(wire).expect("nine octets");
        head.check_size(16_384).expect("a small frame");
        let payload = wire.get(Head::LEN..Head::LEN + head.length as usize).expect("a whole frame");
        let _ = black_box(Frame::decode(head, payload).expect("a right frame"));
    })
}

fn writes(one: fn(&mut Vec<u8>)) -> Operation {
    let mut out = Vec::with_capacity(256);
    Box::new(move || {
        out.clear();
        one(black_box(&mut out));
    })
}

fn write_headers(out: &mut Vec<u8>) {
    let at = encode::reserve_head(out);
    out.extend_from_slice(black_box(&[0x82; 40]));
    encode::finish_headers(out, at, black_box(STREAM), End::Last, black_box(16_384));
}

const STREAM: StreamId = StreamId::new(1);

const SETTINGS: [Setting; 6] = [
    Setting { id: SettingId::HEADER_TABLE_SIZE, value: 4096 },
    Setting { id: SettingId::ENABLE_PUSH, value: 0 },
    Setting { id: SettingId::MAX_CONCURRENT_STREAMS, value: 100 },
    Setting { id: SettingId::INITIAL_WINDOW_SIZE, value: 1 << 20 },
    Setting { id: SettingId::MAX_FRAME_SIZE, value: 16_384 },
    Setting { id: SettingId::MAX_HEADER_LIST_SIZE, value: 65_536 },
];
