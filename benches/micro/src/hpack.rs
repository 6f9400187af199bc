//! Field sections as a browser and a gRPC client send them, and Huffman's code by itself.
//!
//! The calls are what grpc-go 1.83 was seen to send, in its order, with the two fields that callers add themselves; the names of
//! service and host, and all secrets, are made up. The browser's requests were recorded; `browser.rs` has them. Both are
//! written out, so that the counts depend on the code and on nothing else.

use std::hint::black_box;

use pellucid_hpack::{Decoder, Encoder, Fields, Limits, huffman};

use crate::{Operation, browser};

pub(crate) fn decode_browser() -> Operation {
    decode(&browser::requests())
}

pub(crate) fn decode_grpc() -> Operation {
    decode(&grpc())
}

pub(crate) fn encode_browser() -> Operation {
    encode(browser::requests())
}

pub(crate) fn encode_grpc() -> Operation {
    encode(grpc())
}

pub(crate) fn huffman_encode() -> Operation {
    let (text, mut code) = (text(), Vec::with_capacity(2048));
    Box::new(move || {
        code.clear();
        huffman::encode(black_box(&text), &mut code);
        black_box(&code);
    })
}

pub(crate) fn huffman_decode() -> Operation {
    let (mut code, mut text_again) = (Vec::new(), Vec::with_capacity(2048));
    huffman::encode(&text(), &mut code);
    Box::new(move || {
        text_again.clear();
        huffman::decode(black_box(&code), &mut text_again).expect("our own code");
        black_box(&text_again);
    })
}

/// Octets of the text for Huffman's code.
pub(crate) const TEXT_OCTETS: u64 = 1000;

fn text() -> Vec<u8> {
    let words =
        b"text/html,application/xhtml+xml;q=0.9 Mozilla/5.0 (X11; Linux x86_64) /static/css/main.4f2a91.css?v=17 ";
    words.iter().copied().cycle().take(1000).collect()
}

/// All sections on a connection that has just begun.
fn encode(sections: Vec<Fields>) -> Operation {
    let mut block = Vec::with_capacity(4096);
    Box::new(move || {
        let mut encoder = Encoder::new(4096);
        for section in &sections {
            block.clear();
            encoder.encode(black_box(section), &mut block);
            black_box(&block);
        }
    })
}

fn decode(sections: &[Fields]) -> Operation {
    let mut encoder = Encoder::new(4096);
    let block = |section| {
        let mut block = Vec::new();
        encoder.encode(section, &mut block);
        block
    };
    let blocks: Vec<Vec<u8>> = sections.iter().map(block).collect();
    let mut fields = Fields::with_capacity(64, 4096);
    let limits = Limits::default();
    Box::new(move || {
        let mut decoder = Decoder::new(4096);
        for block in &blocks {
            fields.clear();
            decoder.decode(black_box(block), &mut fields, &limits).expect("our own block");
            decoder.finish().expect("a whole block");
            black_box(&fields);
        }
    })
}

/// Calls of three methods of a service, each with what is left of its deadline and a trace of its own.
fn grpc() -> Vec<Fields> {
    let methods = ["GetFeature", "ListFeatures", "RecordRoute"];
    let call = |(number, method): (usize, &str)| {
        let path = format!("/routeguide.v1.RouteGuide/{method}");
        let timeout = format!("{}u", 999_186 - 37 * number);
        let trace = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{:016x}-01", number * 0x9e37_79b9);
        section(&[
            (":method", "POST"),
            (":scheme", "http"),
            (":path", &path),
            (":authority", "routes.internal:50051"),
            ("content-type", "application/grpc"),
            ("user-agent", "grpc-go/1.83.2"),
            ("te", "trailers"),
            ("grpc-accept-encoding", "gzip"),
            ("grpc-timeout", &timeout),
            ("authorization", "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl"),
            ("traceparent", &trace),
        ])
    };
    methods.into_iter().cycle().take(CALLS).enumerate().map(call).collect()
}

/// Calls on one connection.
const CALLS: usize = 20;

/// A field section from text.
pub(crate) fn section(fields: &[(&str, &str)]) -> Fields {
    fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect()
}
