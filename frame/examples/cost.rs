//! What reading and writing a frame costs, in instructions.
//!
//! Does one kind of work a given number of times; the difference between two run lengths under callgrind is the cost,
//! start-up cancels out:
//!
//! ```text
//! cargo build --release -p pellucid-frame --example cost
//! valgrind --tool=callgrind --callgrind-out-file=/dev/null target/release/examples/cost data 10000
//! valgrind --tool=callgrind --callgrind-out-file=/dev/null target/release/examples/cost data 20000
//! ```
//!
//! The kinds: `data` (DATA of 1,024 octets) · `headers` (HEADERS of 6 octets) · `window` (WINDOW_UPDATE) ·
//! `write-data` · `write-headers` · `write-window` · `nothing` (the loop itself, to be subtracted).

use pellucid_frame::{End, Frame, Head, StreamId, encode};
use std::hint::black_box;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, count] = arguments.as_slice() else {
        eprintln!("usage: cost <kind> <count>");
        std::process::exit(2);
    };
    let count: u32 = count.parse().expect("a count");
    match kind.as_str() {
        "nothing" => (0..count).for_each(|_| _ = black_box(black_box(&[0_u8; 8]).as_slice())),
        "data" => read(&write(|out| write_data(out, 1024)), count),
        "headers" => read(&write(write_headers), count),
        "window" => read(&write(write_window), count),
        "write-data" => write_often(|out| encode::data_head(out, black_box(STREAM), 1024, End::Last), count),
        "write-headers" => write_often(write_headers, count),
        "write-window" => write_often(write_window, count),
        _ => eprintln!("no such kind: {kind}"),
    }
}

/// Takes the frame off the buffer as a connection does and uses what is in it.
fn read(wire: &[u8], count: u32) {
    let mut octets = 0;
    for _ in 0..count {
        let wire = black_box(wire);
        let head = Head::peek(wire).expect("nine octets");
        head.check_size(16_384).expect("a small frame");
        let payload = wire.get(Head::LEN..Head::LEN + head.length as usize).expect("a whole frame");
        octets += match Frame::decode(head, payload) {
            Ok(Frame::Data(data)) => data.data.len() + data.offset() + usize::from(data.end_stream),
            Ok(Frame::Headers(headers)) => headers.fragment.len() + usize::from(headers.end_headers),
            Ok(Frame::WindowUpdate(window)) => window.increment as usize,
            Ok(frame) => frame.stream().get() as usize,
            Err(error) => error.code().get() as usize,
        };
    }
    black_box(octets);
}

fn write_often(one: impl Fn(&mut Vec<u8>), count: u32) {
    let mut out = Vec::with_capacity(1 << 16);
    for _ in 0..count {
        out.clear();
        one(black_box(&mut out));
    }
}

fn write(one: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    one(&mut out);
    out
}

fn write_data(out: &mut Vec<u8>, len: u32) {
    encode::data_head(out, STREAM, len, End::Last);
    out.resize(out.len() + len as usize, b'x');
}

fn write_headers(out: &mut Vec<u8>) {
    let at = encode::reserve_head(out);
    out.extend_from_slice(black_box(&[0x82, 0x87, 0x84, 0x41, 0x01, 0x61]));
    encode::finish_headers(out, at, black_box(STREAM), End::Last, black_box(16_384));
}

fn write_window(out: &mut Vec<u8>) {
    encode::window_update(out, black_box(STREAM), black_box(65_535));
}

const STREAM: StreamId = StreamId::new(1);
