//! No octets make decoding panic, whatever type and flags they come under.

use crate::head;
use pellucid_frame::*;

#[test]
fn no_type_with_any_flags_and_a_short_payload_panics() {
    let payloads = [[0x00; 16], [0xff; 16], std::array::from_fn(|at| u8::try_from(at).unwrap())];
    for (kind, flags) in (0..=u8::MAX).flat_map(|kind| (0..=u8::MAX).map(move |flags| (kind, flags))) {
        for payload in payloads.iter().flat_map(|octets| (0..=octets.len()).map(|length| &octets[..length])) {
            for stream in [0, 1] {
                let head = head(Kind::new(kind), Flags::new(flags), stream, payload.len());
                look_at(head, payload);
            }
        }
    }
}

/// Decodes and uses everything that computes.
fn look_at(head: Head, payload: &[u8]) {
    match Frame::decode(head, payload) {
        Ok(frame) => {
            assert_eq!((frame.kind(), frame.stream()), (head.kind, head.stream));
            match frame {
                Frame::Data(data) => assert_eq!(data.flow_octets(), head.length),
                Frame::Headers(headers) => assert!(headers.fragment.len() <= payload.len()),
                Frame::Settings(settings) => assert_eq!(settings.iter().count(), settings.len()),
                Frame::Origin(origin) => assert!(origin.iter().count() <= payload.len()),
                _ => {}
            }
        }
        Err(error) => {
            assert_eq!(error.head, head);
            assert!(head.kind.name().is_some(), "frames of unknown types break no rule: {error}");
            assert!(!matches!(head.kind, Kind::ALTSVC | Kind::ORIGIN), "they may be ignored: {error}");
        }
    }
}
