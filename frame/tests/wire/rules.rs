//! Each rule that a frame can break by itself (RFC 9113 §4.2, §6; RFC 9218 §7.1), with the code, scope and section it
//! has to be answered with, and the legal frames next to it.

use crate::{decode, head};
use pellucid_frame::Rule::*;
use pellucid_frame::*;
use std::collections::HashSet;

/// Rule, type, flags, stream, payload.
type Breach = (Rule, Kind, Flags, u32, &'static [u8]);

const NONE: Flags = Flags::NONE;
const ACK: Flags = Flags::ACK;
const PADDED: Flags = Flags::PADDED;
const PRIORITY: Flags = Flags::PRIORITY;
const BOTH: Flags = Flags::new(0x28);

const BREACHES: &[Breach] = &[
    (DataOnStreamZero, Kind::DATA, NONE, 0, b"x"),
    // The stream is judged before the size, the size before the content.
    (DataOnStreamZero, Kind::DATA, PADDED, 0, b""),
    (DataTooShort, Kind::DATA, PADDED, 1, b""),
    (DataPaddingTooLong, Kind::DATA, PADDED, 1, b"\x01"),
    (DataPaddingTooLong, Kind::DATA, PADDED, 1, b"\x03xy"),
    (DataPaddingTooLong, Kind::DATA, PADDED, 1, b"\xff"),
    (HeadersOnStreamZero, Kind::HEADERS, NONE, 0, b"\x82"),
    (HeadersTooShort, Kind::HEADERS, PADDED, 1, b""),
    (HeadersTooShort, Kind::HEADERS, PRIORITY, 1, &[0; 4]),
    (HeadersTooShort, Kind::HEADERS, BOTH, 1, &[0; 5]),
    // Too short for its fields and its padding: the size comes first.
    (HeadersTooShort, Kind::HEADERS, BOTH, 1, &[9, 0, 0, 0, 0]),
    (HeadersPaddingTooLong, Kind::HEADERS, PADDED, 1, b"\x01"),
    (HeadersPaddingTooLong, Kind::HEADERS, PADDED, 1, b"\x03\x82\x86"),
    (HeadersPaddingTooLong, Kind::HEADERS, BOTH, 1, &[1, 0, 0, 0, 0, 0]),
    (PriorityOnStreamZero, Kind::PRIORITY, NONE, 0, &[0, 0, 0, 1, 15]),
    (PriorityOnStreamZero, Kind::PRIORITY, NONE, 0, &[0; 4]),
    (PriorityLength, Kind::PRIORITY, NONE, 3, &[0; 4]),
    (PriorityLength, Kind::PRIORITY, NONE, 3, &[0; 6]),
    (PriorityLength, Kind::PRIORITY, NONE, 3, b""),
    (PrioritySelfDependency, Kind::PRIORITY, NONE, 3, &[0, 0, 0, 3, 15]),
    // The Exclusive bit is no part of the identifier.
    (PrioritySelfDependency, Kind::PRIORITY, NONE, 3, &[0x80, 0, 0, 3, 15]),
    (ResetOnStreamZero, Kind::RST_STREAM, NONE, 0, &[0, 0, 0, 8]),
    (ResetLength, Kind::RST_STREAM, NONE, 1, &[0; 3]),
    (ResetLength, Kind::RST_STREAM, NONE, 1, &[0; 5]),
    (SettingsOnStream, Kind::SETTINGS, NONE, 1, b""),
    (SettingsOnStream, Kind::SETTINGS, ACK, 1, &[0; 5]),
    (SettingsAckWithPayload, Kind::SETTINGS, ACK, 0, &[0; 6]),
    (SettingsAckWithPayload, Kind::SETTINGS, ACK, 0, &[0; 1]),
    (SettingsLength, Kind::SETTINGS, NONE, 0, &[0; 5]),
    (SettingsLength, Kind::SETTINGS, NONE, 0, &[0; 7]),
    (PushPromiseOnStreamZero, Kind::PUSH_PROMISE, NONE, 0, &[0, 0, 0, 2]),
    (PushPromiseTooShort, Kind::PUSH_PROMISE, NONE, 1, &[0; 3]),
    (PushPromiseTooShort, Kind::PUSH_PROMISE, PADDED, 1, &[0, 0, 0, 2]),
    (PushPromiseTooShort, Kind::PUSH_PROMISE, PADDED, 1, b""),
    (PushPromisePaddingTooLong, Kind::PUSH_PROMISE, PADDED, 1, &[1, 0, 0, 0, 2]),
    (PushPromisePaddingTooLong, Kind::PUSH_PROMISE, PADDED, 1, &[2, 0, 0, 0, 1, 0x82]),
    (PushPromiseIllegalId, Kind::PUSH_PROMISE, NONE, 1, &[0; 4]),
    (PushPromiseIllegalId, Kind::PUSH_PROMISE, NONE, 1, &[0, 0, 0, 3]),
    (PushPromiseIllegalId, Kind::PUSH_PROMISE, NONE, 1, &[0x80, 0, 0, 0]),
    (PingOnStream, Kind::PING, NONE, 1, &[0; 8]),
    (PingLength, Kind::PING, NONE, 0, &[0; 7]),
    (PingLength, Kind::PING, ACK, 0, &[0; 9]),
    (GoAwayOnStream, Kind::GOAWAY, NONE, 1, &[0; 8]),
    (GoAwayLength, Kind::GOAWAY, NONE, 0, &[0; 7]),
    (WindowUpdateLength, Kind::WINDOW_UPDATE, NONE, 0, &[0; 3]),
    (WindowUpdateLength, Kind::WINDOW_UPDATE, NONE, 1, &[0, 0, 0, 1, 0]),
    (WindowUpdateZero, Kind::WINDOW_UPDATE, NONE, 1, &[0; 4]),
    (WindowUpdateZero, Kind::WINDOW_UPDATE, NONE, 0, &[0; 4]),
    // The reserved bit is no part of the increment.
    (WindowUpdateZero, Kind::WINDOW_UPDATE, NONE, 1, &[0x80, 0, 0, 0]),
    (ContinuationOnStreamZero, Kind::CONTINUATION, NONE, 0, b"\x82"),
    (PriorityUpdateOnStream, Kind::PRIORITY_UPDATE, NONE, 3, &[0, 0, 0, 3]),
    (PriorityUpdateLength, Kind::PRIORITY_UPDATE, NONE, 0, &[0; 3]),
    (PriorityUpdateIdZero, Kind::PRIORITY_UPDATE, NONE, 0, b"\0\0\0\0u=1"),
    (PriorityUpdateIdZero, Kind::PRIORITY_UPDATE, NONE, 0, b"\x80\0\0\0u=1"),
];

#[test]
fn each_breach_is_told_by_its_rule() {
    for &(rule, kind, flags, stream, payload) in BREACHES {
        let error = decode(kind, flags, stream, payload).unwrap_err();
        assert_eq!(error, Error { rule, head: head(kind, flags, stream, payload.len()) });
    }
}

#[test]
fn each_rule_is_broken_by_a_test() {
    let mut broken: HashSet<Rule> = BREACHES.iter().map(|breach| breach.0).collect();
    broken.insert(FrameTooLarge);
    assert_eq!(broken, HashSet::from(Rule::ALL));
}

#[test]
fn codes_follow_the_rfc() {
    let sizes = [
        FrameTooLarge,
        DataTooShort,
        HeadersTooShort,
        PriorityLength,
        ResetLength,
        SettingsAckWithPayload,
        SettingsLength,
        PushPromiseTooShort,
        PingLength,
        GoAwayLength,
        WindowUpdateLength,
        PriorityUpdateLength,
    ];
    for rule in Rule::ALL {
        let size = sizes.contains(&rule);
        let code = if size { ErrorCode::FRAME_SIZE_ERROR } else { ErrorCode::PROTOCOL_ERROR };
        assert_eq!(rule.code(), code, "{rule:?}");
    }
}

#[test]
fn three_rules_end_a_stream_only() {
    for &(rule, kind, flags, stream, payload) in BREACHES {
        let scope = match rule {
            PriorityLength | PrioritySelfDependency => Scope::Stream(StreamId::new(stream)),
            WindowUpdateZero if stream != 0 => Scope::Stream(StreamId::new(stream)),
            _ => Scope::Connection,
        };
        assert_eq!(decode(kind, flags, stream, payload).unwrap_err().scope(), scope, "{rule:?}");
    }
}

#[test]
fn rules_cite_a_section_of_an_rfc_and_have_words_of_their_own() {
    for rule in Rule::ALL {
        let (rfc, section) = rule.section().split_once(" §").unwrap();
        assert!(matches!(rfc, "RFC 9113" | "RFC 9218" | "RFC 7540"), "{rule:?}");
        assert!(section.split('.').all(|part| part.parse::<u8>().is_ok()), "{rule:?}");
        assert!(rule.message().len() < 64, "{rule:?}");
    }
}

#[test]
fn errors_say_what_where_and_how_to_answer() {
    let told = decode(Kind::PING, NONE, 7, &[0; 8]).unwrap_err().to_string();
    let connection =
        "PING frame of 8 octets on stream 7: PING on a stream; connection error PROTOCOL_ERROR (RFC 9113 §6.7)";
    assert_eq!(told, connection);
    let told = decode(Kind::PRIORITY, NONE, 7, &[0; 4]).unwrap_err().to_string();
    let stream = "PRIORITY frame of 4 octets on stream 7: payload is not 5 octets; stream error FRAME_SIZE_ERROR (RFC 9113 §6.3)";
    assert_eq!(told, stream);
}

#[test]
fn the_head_alone_tells_that_a_frame_is_too_large() {
    for (length, limit, fits) in
        [(16_384, 16_384, true), (16_385, 16_384, false), (0xff_ffff, 0xff_ffff, true), (0xff_ffff, 16_384, false)]
    {
        // A type nobody knows is bound by the limit, too.
        for kind in [Kind::DATA, Kind::SETTINGS, Kind::new(0xfa)] {
            let head = head(kind, NONE, 1, length);
            let error = Error { rule: FrameTooLarge, head };
            assert_eq!(head.check_size(limit), if fits { Ok(()) } else { Err(error) });
            assert_eq!((error.code(), error.scope()), (ErrorCode::FRAME_SIZE_ERROR, Scope::Connection));
        }
    }
}

#[test]
fn padding_may_take_all_but_the_pad_length() {
    let mut payload = [0; 256];
    payload[0] = 255;
    let stream = StreamId::new(1);
    let data = Data { stream, data: b"", padding: Some(255), end_stream: false };
    assert_eq!(decode(Kind::DATA, PADDED, 1, &payload), Ok(Frame::Data(data)));
    // The octet of the Pad Length counts as well: 256 do not fit into the type of the padding.
    assert_eq!((data.flow_octets(), data.offset()), (256, 1));

    let Ok(Frame::Headers(headers)) = decode(Kind::HEADERS, PADDED, 1, &payload) else {
        panic!("HEADERS may be all padding")
    };
    assert_eq!((headers.fragment, headers.padding), (&b""[..], Some(255)));
    let Ok(Frame::Headers(headers)) = decode(Kind::HEADERS, BOTH, 1, &[1, 0, 0, 0, 0, 0, 9]) else {
        panic!("HEADERS may be all padding behind a dependency")
    };
    assert_eq!((headers.fragment, headers.padding), (&b""[..], Some(1)));
    let Ok(Frame::PushPromise(promise)) = decode(Kind::PUSH_PROMISE, PADDED, 1, &[1, 0, 0, 0, 2, 9]) else {
        panic!("PUSH_PROMISE may be all padding")
    };
    assert_eq!((promise.fragment, promise.padding), (&b""[..], Some(1)));
}

#[test]
fn padding_octets_are_not_looked_at() {
    let Ok(Frame::Data(data)) = decode(Kind::DATA, PADDED, 1, b"\x02hi\xff\x01") else { panic!("legal DATA") };
    assert_eq!((data.data, data.flow_octets(), data.offset()), (&b"hi"[..], 5, 1));
}

#[test]
fn fixed_fields_of_headers_come_in_order() {
    let payload = [1, 0x80, 0, 0, 5, 15, 0x82, 0x86, 0];
    let flags = Flags::new(0x2d);
    assert_eq!(
        decode(Kind::HEADERS, flags, 7, &payload),
        Ok(Frame::Headers(Headers {
            stream: StreamId::new(7),
            fragment: &[0x82, 0x86],
            dependency: Some(Dependency { exclusive: true, on: StreamId::new(5), weight: 15 }),
            padding: Some(1),
            end_stream: true,
            end_headers: true,
        }))
    );
}

#[test]
fn headers_that_depend_on_themselves_are_still_decoded() {
    for exclusive in [0, 0x80] {
        let payload = [exclusive, 0, 0, 7, 15, 0x82];
        let Ok(Frame::Headers(headers)) = decode(Kind::HEADERS, PRIORITY, 7, &payload) else {
            panic!("the field block is needed")
        };
        assert!(headers.depends_on_itself());
        assert_eq!(headers.fragment, [0x82]);
    }
    let Ok(Frame::Headers(headers)) = decode(Kind::HEADERS, PRIORITY, 7, &[0, 0, 0, 5, 15]) else { panic!("legal") };
    assert!(!headers.depends_on_itself());
    let Ok(Frame::Headers(headers)) = decode(Kind::HEADERS, NONE, 7, &[0, 0, 0, 7, 15]) else { panic!("legal") };
    assert!(!headers.depends_on_itself());
}

#[test]
fn reserved_bits_are_dropped() {
    let octets = [0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];
    assert_eq!(Head::decode(&octets).stream, StreamId::MAX);
    let window = WindowUpdate { stream: StreamId::CONNECTION, increment: 0x7fff_ffff };
    assert_eq!(decode(Kind::WINDOW_UPDATE, NONE, 0, &[0xff; 4]), Ok(Frame::WindowUpdate(window)));
    let goaway = GoAway { last: StreamId::MAX, code: ErrorCode::new(u32::MAX), debug: b"" };
    assert_eq!(decode(Kind::GOAWAY, NONE, 0, &[0xff; 8]), Ok(Frame::GoAway(goaway)));
    let Ok(Frame::PushPromise(promise)) = decode(Kind::PUSH_PROMISE, NONE, 1, &[0x80, 0, 0, 2]) else {
        panic!("a legal promise")
    };
    assert_eq!(promise.promised, StreamId::new(2));
    let update = PriorityUpdate { prioritized: StreamId::new(1), value: b"" };
    assert_eq!(decode(Kind::PRIORITY_UPDATE, NONE, 0, &[0x80, 0, 0, 1]), Ok(Frame::PriorityUpdate(update)));
}

#[test]
fn flags_that_a_type_does_not_define_are_ignored() {
    let undefined = |defined: u8| Flags::new(!defined);
    assert_eq!(
        decode(Kind::SETTINGS, undefined(1), 0, &[0; 6]),
        Ok(Frame::Settings(Settings { ack: false, payload: &[0; 6] }))
    );
    assert_eq!(decode(Kind::PING, undefined(1), 0, &[7; 8]), Ok(Frame::Ping(Ping { ack: false, payload: [7; 8] })));
    let reset = Reset { stream: StreamId::new(1), code: ErrorCode::CANCEL };
    assert_eq!(decode(Kind::RST_STREAM, undefined(0), 1, &[0, 0, 0, 8]), Ok(Frame::Reset(reset)));
    // PRIORITY (0x20) is a flag of HEADERS alone.
    let data = Data { stream: StreamId::new(1), data: b"12345", padding: None, end_stream: false };
    assert_eq!(decode(Kind::DATA, undefined(9), 1, b"12345"), Ok(Frame::Data(data)));
    // PADDED is none of CONTINUATION's.
    let part = Continuation { stream: StreamId::new(1), fragment: b"\xff", end_headers: false };
    assert_eq!(decode(Kind::CONTINUATION, undefined(4), 1, b"\xff"), Ok(Frame::Continuation(part)));
}

#[test]
fn settings_keep_order_and_repetition() {
    let payload = [0, 4, 0, 0, 0, 1, 0, 4, 0xff, 0xff, 0xff, 0xff, 0xab, 0xcd, 0, 0, 0, 2];
    let Ok(Frame::Settings(settings)) = decode(Kind::SETTINGS, NONE, 0, &payload) else { panic!("legal SETTINGS") };
    let window = SettingId::INITIAL_WINDOW_SIZE;
    let entries = [(window, 1), (window, u32::MAX), (SettingId::new(0xabcd), 2)];
    assert!(settings.iter().eq(entries.map(|(id, value)| Setting { id, value })));
    assert_eq!((settings.len(), settings.is_empty()), (3, false));
    let Ok(Frame::Settings(empty)) = decode(Kind::SETTINGS, ACK, 0, b"") else { panic!("a legal ACK") };
    assert_eq!((empty.len(), empty.is_empty(), empty.ack), (0, true, true));
}

#[test]
fn altsvc_that_cannot_be_read_is_unknown() {
    for payload in [&b""[..], b"\0", b"\0\x01", b"\0\x05abcd", b"\xff\xffabcd"] {
        let head = head(Kind::ALTSVC, NONE, 0, payload.len());
        assert_eq!(Frame::decode(head, payload), Ok(Frame::Unknown(Unknown { head, payload })));
    }
    let (stream, value) = (StreamId::CONNECTION, &b""[..]);
    let altsvc = AltSvc { stream, origin: b"abcd", value };
    assert_eq!(decode(Kind::ALTSVC, NONE, 0, b"\0\x04abcd"), Ok(Frame::AltSvc(altsvc)));
}

#[test]
fn origins_end_where_one_reaches_past_the_payload() {
    let origins = |payload| match decode(Kind::ORIGIN, NONE, 0, payload) {
        Ok(Frame::Origin(origin)) => origin.iter().collect::<Vec<_>>(),
        other => panic!("ORIGIN is always legal: {other:?}"),
    };
    assert_eq!(origins(b"\0\x01a\0\x02bc"), [&b"a"[..], b"bc"]);
    assert_eq!(origins(b"\0\0\0\x02bc"), [b"bc"]);
    assert_eq!(origins(b"\0\x01a\0\x03bc"), [b"a"]);
    assert_eq!(origins(b"\0\x01a\0"), [b"a"]);
    assert!(origins(b"").is_empty());
}

#[test]
fn frames_know_their_stream_and_type() {
    let legal: &[(Kind, u32, &[u8])] = &[
        (Kind::DATA, 1, b""),
        (Kind::HEADERS, 1, b""),
        (Kind::PRIORITY, 1, &[0; 5]),
        (Kind::RST_STREAM, 1, &[0; 4]),
        (Kind::SETTINGS, 0, b""),
        (Kind::PUSH_PROMISE, 1, &[0, 0, 0, 2]),
        (Kind::PING, 0, &[0; 8]),
        (Kind::GOAWAY, 0, &[0; 8]),
        (Kind::WINDOW_UPDATE, 1, &[0, 0, 0, 1]),
        (Kind::CONTINUATION, 1, b""),
        (Kind::ALTSVC, 1, b"\0\0"),
        (Kind::ORIGIN, 0, b""),
        (Kind::PRIORITY_UPDATE, 0, &[0, 0, 0, 1]),
        (Kind::new(0xfa), 5, b"?"),
    ];
    for &(kind, stream, payload) in legal {
        let frame = decode(kind, NONE, stream, payload).unwrap();
        assert_eq!((frame.kind(), frame.stream()), (kind, StreamId::new(stream)));
        assert_eq!(matches!(frame, Frame::Unknown(_)), kind.name().is_none());
    }
}
