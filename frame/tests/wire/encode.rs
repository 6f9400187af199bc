//! The plain functions that write frames (RFC 9113 §4.1, §4.3, §6), against what decoding makes of them.

use crate::{frames, wire};
use pellucid_frame::*;
use proptest::prelude::*;

const STREAM: StreamId = StreamId::new(3);

#[test]
fn each_function_writes_its_frame() {
    let mut out = Vec::new();
    encode::data_head(&mut out, STREAM, 2, End::More);
    out.extend_from_slice(b"hi");
    encode::data_head(&mut out, STREAM, 0, End::Last);
    encode::settings_ack(&mut out);
    encode::ping(&mut out, *b"12345678");
    encode::pong(&mut out, *b"87654321");
    encode::goaway(&mut out, STREAM, ErrorCode::ENHANCE_YOUR_CALM, b"why");
    encode::window_update(&mut out, STREAM, 0x7fff_ffff);
    encode::reset(&mut out, STREAM, ErrorCode::CANCEL);
    encode::priority_update(&mut out, STREAM, b"u=0");
    encode::altsvc(&mut out, StreamId::CONNECTION, b"https://a", b"h3=\":443\"");
    let data = |data, end_stream| Data { stream: STREAM, data, padding: None, end_stream };
    assert_eq!(
        frames(&out),
        [
            Frame::Data(data(b"hi", false)),
            Frame::Data(data(b"", true)),
            Frame::Settings(Settings { ack: true, payload: b"" }),
            Frame::Ping(Ping { ack: false, payload: *b"12345678" }),
            Frame::Ping(Ping { ack: true, payload: *b"87654321" }),
            Frame::GoAway(GoAway { last: STREAM, code: ErrorCode::ENHANCE_YOUR_CALM, debug: b"why" }),
            Frame::WindowUpdate(WindowUpdate { stream: STREAM, increment: 0x7fff_ffff }),
            Frame::Reset(Reset { stream: STREAM, code: ErrorCode::CANCEL }),
            Frame::PriorityUpdate(PriorityUpdate { prioritized: STREAM, value: b"u=0" }),
            Frame::AltSvc(AltSvc { stream: StreamId::CONNECTION, origin: b"https://a", value: b"h3=\":443\"" }),
        ]
    );
}

#[test]
fn octets_on_the_wire_are_those_of_the_rfc() {
    let mut out = Vec::new();
    encode::window_update(&mut out, STREAM, 0x0102_0304);
    assert_eq!(out, [0, 0, 4, 8, 0, 0, 0, 0, 3, 1, 2, 3, 4]);
    let mut out = Vec::new();
    encode::settings(&mut out, &[Setting { id: SettingId::MAX_FRAME_SIZE, value: 0x0010_0203 }]);
    assert_eq!(out, [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 5, 0, 0x10, 2, 3]);
    let padded = Data { stream: STREAM, data: b"hi", padding: Some(3), end_stream: true };
    assert_eq!(wire(Frame::Data(padded)), [0, 0, 6, 0, 9, 0, 0, 0, 3, 3, b'h', b'i', 0, 0, 0]);
    let dependency = Dependency { exclusive: true, on: StreamId::new(5), weight: 7 };
    let priority = Priority { stream: STREAM, dependency };
    assert_eq!(wire(Frame::Priority(priority)), [0, 0, 5, 2, 0, 0, 0, 0, 3, 0x80, 0, 0, 5, 7]);
    assert_eq!(PREFACE.as_slice(), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
}

#[test]
fn settings_and_origins_come_back_in_order() {
    let entries = [(SettingId::ENABLE_PUSH, 0), (SettingId::new(0xffff), u32::MAX), (SettingId::ENABLE_PUSH, 1)];
    let entries = entries.map(|(id, value)| Setting { id, value });
    let origins: [&[u8]; 2] = [b"https://a.example", b"https://b.example"];
    let mut out = Vec::new();
    encode::settings(&mut out, &entries);
    encode::origin(&mut out, &origins);
    let [Frame::Settings(settings), Frame::Origin(origin)] = frames(&out)[..] else { panic!("two frames") };
    assert!(settings.iter().eq(entries));
    assert!(origin.iter().eq(origins));
    assert_eq!((origin.stream, origin.flags), (StreamId::CONNECTION, Flags::NONE));
}

#[test]
fn a_block_is_cut_only_above_the_limit() {
    for (octets, parts) in [
        (0, vec![0]),
        (16_383, vec![16_383]),
        (16_384, vec![16_384]),
        (16_385, vec![16_384, 1]),
        (32_768, vec![16_384, 16_384]),
        (32_769, vec![16_384, 16_384, 1]),
    ] {
        let mut out = Vec::new();
        let at = encode::reserve_head(&mut out);
        out.resize(out.len() + octets, 7);
        encode::finish_headers(&mut out, at, STREAM, End::More, 16_384);
        let fragments = frames(&out).iter().map(|frame| fragment(frame).len()).collect::<Vec<_>>();
        assert_eq!(fragments, parts);
    }
}

proptest! {
    #[test]
    fn a_cut_block_is_whole_again_when_put_together(
        before in prop::collection::vec(any::<u8>(), 0..20),
        block in prop::collection::vec(any::<u8>(), 0..200),
        limit in 5_u32..64,
        last in any::<bool>(),
    ) {
        let mut out = before.clone();
        let at = encode::reserve_head(&mut out);
        prop_assert_eq!(at, before.len());
        out.extend_from_slice(&block);
        encode::finish_headers(&mut out, at, STREAM, End::from(last), limit);
        let (untouched, wire) = out.split_at(at);
        prop_assert_eq!(untouched, before);
        let frames = frames(wire);
        let Some(Frame::Headers(first)) = frames.first() else { panic!("HEADERS come first") };
        prop_assert_eq!((first.end_stream, first.dependency, first.padding), (last, None, None));
        check_parts(&frames, &block, limit as usize, 0)?;
    }

    #[test]
    fn a_cut_promise_is_whole_again_when_put_together(
        block in prop::collection::vec(any::<u8>(), 0..200),
        limit in 5_u32..64,
    ) {
        let promised = StreamId::new(8);
        let mut out = Vec::new();
        let at = encode::reserve_push_promise(&mut out, promised);
        out.extend_from_slice(&block);
        encode::finish_push_promise(&mut out, at, STREAM, limit);
        let frames = frames(&out);
        let Some(Frame::PushPromise(first)) = frames.first() else { panic!("PUSH_PROMISE comes first") };
        prop_assert_eq!(first.promised, promised);
        check_parts(&frames, &block, limit as usize, 4)?;
    }
}

/// Checks that the parts of a block are full but for the last, end only there, and make the block. `fixed` octets of
/// the first payload are not the block's.
fn check_parts(frames: &[Frame<'_>], block: &[u8], limit: usize, fixed: usize) -> Result<(), TestCaseError> {
    let count = frames.len();
    prop_assert_eq!(count, (block.len() + fixed).div_ceil(limit).max(1));
    for (number, frame) in frames.iter().enumerate() {
        let (octets, end_headers) = match frame {
            Frame::Headers(headers) => (headers.fragment.len(), headers.end_headers),
            Frame::PushPromise(promise) => (promise.fragment.len() + fixed, promise.end_headers),
            Frame::Continuation(part) => (part.fragment.len(), part.end_headers),
            other => panic!("no part of a block: {other:?}"),
        };
        let is_last = number + 1 == count;
        prop_assert_eq!(end_headers, is_last);
        prop_assert!(octets == limit || is_last && octets < limit);
        prop_assert_eq!(frame.stream(), STREAM);
    }
    prop_assert_eq!(frames.iter().flat_map(fragment).copied().collect::<Vec<_>>(), block);
    Ok(())
}

fn fragment<'a>(frame: &Frame<'a>) -> &'a [u8] {
    match frame {
        Frame::Headers(headers) => headers.fragment,
        Frame::PushPromise(promise) => promise.fragment,
        Frame::Continuation(part) => part.fragment,
        other => panic!("no part of a block: {other:?}"),
    }
}
