//! The public frame cases: a frame in hexadecimal, and the frame or the error codes it means.
//!
//! The data is not part of this repository; where it is absent the test says so and passes, except under CI.

use crate::{split_frame, wire};
use pellucid_frame::*;
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};

#[test]
fn public_frame_cases_decode_as_described() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/frame-cases");
    if !root.is_dir() {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{} is missing", root.display());
        // Not by `eprintln!`, which the test's harness shows only of tests that fail.
        std::io::stderr().write_all(format!("skipped: {} is missing\n", root.display()).as_bytes()).unwrap();
        return;
    }
    let files = json_files(&root);
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        let case = serde_json::from_str(&text).unwrap();
        println!("{}", file.display());
        check(&case);
    }
    assert_eq!(files.len(), 34);
}

fn json_files(root: &Path) -> Vec<PathBuf> {
    let list =
        |folder: &Path| std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let folders = list(root).filter(|path| path.is_dir());
    let files = folders.flat_map(|folder| list(&folder).collect::<Vec<_>>());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect()
}

fn check(case: &Value) {
    let octets = unhex(text(&case["wire"]));
    let result = read(&octets);
    match case["error"].as_array() {
        Some(codes) => {
            let code = result.expect_err("an error").code();
            assert!(codes.contains(&Value::from(code.get())), "{code} is none of {codes:?}");
        }
        None => {
            let frame = result.expect("a frame");
            assert_eq!(frame, expected(&case["frame"]));
            // The cases pad with text, this crate with zeros: then all but the padding is the same.
            let again = wire(frame);
            let padding = case.pointer("/frame/frame_payload/padding_length").map_or(0, number);
            let same = octets.len() - usize::try_from(padding).expect("a short padding");
            assert_eq!(again.len(), octets.len());
            assert_eq!(again.get(..same), octets.get(..same));
        }
    }
}

fn read(octets: &[u8]) -> Result<Frame<'_>, Error> {
    let head = Head::peek(octets).expect("a head");
    head.check_size(16_384)?;
    let (head, payload, rest) = split_frame(octets).expect("a whole frame");
    assert!(rest.is_empty());
    Frame::decode(head, payload)
}

/// The frame a case describes.
fn expected(frame: &Value) -> Frame<'_> {
    let payload = &frame["frame_payload"];
    let flags = Flags::new(u8::try_from(number(&frame["flags"])).expect("an octet"));
    let (stream, end_stream) = (stream(&frame["stream_identifier"]), flags.contains(Flags::END_STREAM));
    let fragment = payload["header_block_fragment"].as_str().unwrap_or_default().as_bytes();
    let end_headers = flags.contains(Flags::END_HEADERS);
    let padding = payload["padding_length"].as_u64().map(|length| u8::try_from(length).expect("an octet"));
    match Kind::new(u8::try_from(number(&frame["type"])).expect("an octet")) {
        Kind::DATA => Frame::Data(Data { stream, data: text(&payload["data"]).as_bytes(), padding, end_stream }),
        Kind::HEADERS => {
            let dependency = dependency(payload);
            Frame::Headers(Headers { stream, fragment, dependency, padding, end_stream, end_headers })
        }
        Kind::PRIORITY => Frame::Priority(Priority { stream, dependency: dependency(payload).expect("a dependency") }),
        Kind::RST_STREAM => Frame::Reset(Reset { stream, code: code(payload) }),
        Kind::SETTINGS => {
            // Two entries, spelt out: a frame borrows its payload.
            assert_eq!(payload["settings"].to_string(), "[[1,8192],[3,5000]]");
            Frame::Settings(Settings { ack: false, payload: &[0, 1, 0, 0, 0x20, 0, 0, 3, 0, 0, 0x13, 0x88] })
        }
        Kind::PUSH_PROMISE => {
            let promised = self::stream(&payload["promised_stream_id"]);
            Frame::PushPromise(PushPromise { stream, promised, fragment, padding, end_headers })
        }
        Kind::PING => {
            let payload = text(&payload["opaque_data"]).as_bytes().try_into().expect("eight octets");
            Frame::Ping(Ping { ack: flags.contains(Flags::ACK), payload })
        }
        Kind::GOAWAY => {
            let debug = text(&payload["additional_debug_data"]).as_bytes();
            Frame::GoAway(GoAway { last: self::stream(&payload["last_stream_id"]), code: code(payload), debug })
        }
        Kind::WINDOW_UPDATE => {
            let increment = u32::try_from(number(&payload["window_size_increment"])).expect("31 bits");
            Frame::WindowUpdate(WindowUpdate { stream, increment })
        }
        Kind::CONTINUATION => Frame::Continuation(Continuation { stream, fragment, end_headers }),
        kind => panic!("no case is of type {kind}"),
    }
}

/// The cases give the weight itself, the wire one less.
fn dependency(payload: &Value) -> Option<Dependency> {
    let weight = payload["weight"].as_u64()? - 1;
    let weight = u8::try_from(weight).expect("an octet");
    let exclusive = payload["exclusive"].as_bool()?;
    Some(Dependency { exclusive, on: stream(&payload["stream_dependency"]), weight })
}

fn stream(value: &Value) -> StreamId {
    StreamId::new(u32::try_from(number(value)).expect("31 bits"))
}

fn code(payload: &Value) -> ErrorCode {
    ErrorCode::new(u32::try_from(number(&payload["error_code"])).expect("32 bits"))
}

/// A number, 0 where the case has none.
fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("ASCII"));
    digits.map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal")).collect()
}
