//! What is written is read back the same, for every type of frame and however the octets arrive.

use crate::{frames, split_frame, wire};
use pellucid_frame::*;
use proptest::collection::vec;
use proptest::prelude::*;

/// The parts frames are made of; which of them a frame uses depends on its type.
#[derive(Clone, Debug)]
struct Parts {
    kind: u8,
    stream: StreamId,
    other: StreamId,
    number: u32,
    octets: Vec<u8>,
    more: Vec<u8>,
    padding: Option<u8>,
    dependency: Option<(bool, u8)>,
    first: bool,
    second: bool,
}

impl Parts {
    /// A legal frame of any type.
    fn frame(&self) -> Frame<'_> {
        let Self { stream, other, padding, .. } = *self;
        let (octets, code) = (self.octets.as_slice(), ErrorCode::new(self.number));
        let (end_stream, end_headers, ack) = (self.first, self.second, self.first);
        let dependency = self.dependency.map(|(exclusive, weight)| Dependency { exclusive, on: other, weight });
        match self.kind {
            0 => Frame::Data(Data { stream, data: octets, padding, end_stream }),
            1 => {
                let fragment = octets;
                Frame::Headers(Headers { stream, fragment, dependency, padding, end_stream, end_headers })
            }
            2 => {
                // Not itself: its neighbour.
                let on = StreamId::new(stream.get() ^ 1);
                Frame::Priority(Priority { stream, dependency: Dependency { exclusive: ack, on, weight: 3 } })
            }
            3 => Frame::Reset(Reset { stream, code }),
            4 => {
                let entries = octets.len() / Setting::LEN * Setting::LEN;
                let payload = if ack { &[] } else { octets.get(..entries).unwrap_or_default() };
                Frame::Settings(Settings { ack, payload })
            }
            5 => {
                let promised = StreamId::new((other.get() & !1).max(2));
                Frame::PushPromise(PushPromise { stream, promised, fragment: octets, padding, end_headers })
            }
            6 => Frame::Ping(Ping { ack, payload: u64::from(self.number).to_ne_bytes() }),
            7 => Frame::GoAway(GoAway { last: other, code, debug: octets }),
            8 => Frame::WindowUpdate(WindowUpdate { stream: other, increment: stream.get() }),
            9 => Frame::Continuation(Continuation { stream, fragment: octets, end_headers }),
            10 => Frame::AltSvc(AltSvc { stream: other, origin: octets, value: &self.more }),
            11 => Frame::Origin(Origin { stream: other, flags: Flags::new(3), payload: octets }),
            12 => Frame::PriorityUpdate(PriorityUpdate { prioritized: stream, value: octets }),
            _ => {
                let length = u32::try_from(octets.len()).expect("a short payload");
                let head = Head { length, kind: Kind::new(0xfa), flags: Flags::new(self.kind), stream: other };
                Frame::Unknown(Unknown { head, payload: octets })
            }
        }
    }
}

fn parts() -> impl Strategy<Value = Parts> {
    let numbers = (0_u8..14, 1_u32..=StreamId::MAX.get(), any::<u32>(), any::<u32>());
    let octets = (vec(any::<u8>(), 0..40), vec(any::<u8>(), 0..40));
    let options = (any::<Option<u8>>(), any::<Option<(bool, u8)>>(), any::<bool>(), any::<bool>());
    (numbers, octets, options).prop_map(|((kind, stream, other, number), (octets, more), options)| {
        let (padding, dependency, first, second) = options;
        let (stream, other) = (StreamId::new(stream), StreamId::new(other));
        Parts { kind, stream, other, number, octets, more, padding, dependency, first, second }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_frame_comes_back_as_it_was(parts in parts()) {
        let frame = parts.frame();
        let wire = wire(frame);
        let (head, payload, rest) = split_frame(&wire).expect("a whole frame");
        prop_assert!(rest.is_empty());
        prop_assert_eq!((head.kind, head.stream), (frame.kind(), frame.stream()));
        let again = Frame::decode(head, payload);
        prop_assert_eq!(again, Ok(frame));
        if let Frame::Data(data) = frame {
            prop_assert_eq!(data.flow_octets(), head.length);
            let content = payload.get(data.offset()..data.offset() + data.data.len());
            prop_assert_eq!(content, Some(data.data));
        }
    }

    #[test]
    fn what_was_read_is_written_and_read_the_same(
        kind in 0_u8..=0x11,
        flags in any::<u8>(),
        stream in 0_u32..4,
        payload in vec(any::<u8>(), 0..40),
    ) {
        if let Ok(frame) = crate::decode(Kind::new(kind), Flags::new(flags), stream, &payload) {
            let wire = wire(frame);
            prop_assert_eq!(frames(&wire), [frame]);
            prop_assert_eq!(wire.len(), Head::LEN + payload.len());
        }
    }

    #[test]
    fn a_head_comes_back_as_it_was(octets in any::<[u8; 9]>()) {
        let mut out = Vec::new();
        Head::decode(&octets).encode(&mut out);
        // All but the reserved bit.
        let mut expected = octets;
        expected[5] &= 0x7f;
        prop_assert_eq!(out, expected);
    }
}

proptest! {
    #[test]
    fn frames_do_not_depend_on_how_their_octets_arrive(
        all in vec(parts(), 1..6),
        cuts in vec(1_usize..30, 1..20),
    ) {
        let wire: Vec<u8> = all.iter().flat_map(|parts| wire(parts.frame())).collect();
        let whole = arrive(&wire, &[wire.len()]);
        prop_assert_eq!(whole.len(), all.len());
        prop_assert_eq!(&arrive(&wire, &[1]), &whole);
        prop_assert_eq!(&arrive(&wire, &cuts), &whole);
    }
}

/// Reads frames from octets that arrive in pieces of the given sizes, over and over again.
fn arrive(mut wire: &[u8], sizes: &[usize]) -> Vec<String> {
    let (mut buffer, mut seen) = (Vec::new(), Vec::new());
    for &size in sizes.iter().cycle() {
        if wire.is_empty() {
            break;
        }
        let (piece, rest) = wire.split_at(size.min(wire.len()));
        buffer.extend_from_slice(piece);
        wire = rest;
        while let Some((head, payload, rest)) = split_frame(&buffer) {
            seen.push(format!("{:?}", Frame::decode(head, payload)));
            buffer = rest.to_vec();
        }
        assert_eq!(Head::peek(&buffer).is_none(), buffer.len() < Head::LEN);
    }
    assert!(buffer.is_empty());
    seen
}
