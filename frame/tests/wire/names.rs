//! Names and numbers of the registries (RFC 7540 §11.2, §11.3; RFC 9113 §7; RFC 7838, 8336, 8441, 9218), and identifiers.

use pellucid_frame::*;

#[test]
fn error_codes_have_the_numbers_of_the_registry() {
    let names = [
        "NO_ERROR",
        "PROTOCOL_ERROR",
        "INTERNAL_ERROR",
        "FLOW_CONTROL_ERROR",
        "SETTINGS_TIMEOUT",
        "STREAM_CLOSED",
        "FRAME_SIZE_ERROR",
        "REFUSED_STREAM",
        "CANCEL",
        "COMPRESSION_ERROR",
        "CONNECT_ERROR",
        "ENHANCE_YOUR_CALM",
        "INADEQUATE_SECURITY",
        "HTTP_1_1_REQUIRED",
    ];
    for (number, name) in (0..).zip(names) {
        assert_eq!(ErrorCode::new(number).name(), Some(name));
        assert_eq!(ErrorCode::new(number).to_string(), name);
    }
    assert_eq!(ErrorCode::new(0xe).name(), None);
    assert_eq!(ErrorCode::new(0x2a).to_string(), "0x2a");
    assert_eq!(format!("{:?}", ErrorCode::CANCEL), "ErrorCode(CANCEL)");
}

#[test]
fn frame_types_have_the_numbers_of_the_registry() {
    let named = [
        (0x0, "DATA"),
        (0x1, "HEADERS"),
        (0x2, "PRIORITY"),
        (0x3, "RST_STREAM"),
        (0x4, "SETTINGS"),
        (0x5, "PUSH_PROMISE"),
        (0x6, "PING"),
        (0x7, "GOAWAY"),
        (0x8, "WINDOW_UPDATE"),
        (0x9, "CONTINUATION"),
        (0xa, "ALTSVC"),
        (0xc, "ORIGIN"),
        (0x10, "PRIORITY_UPDATE"),
    ];
    for (number, name) in named {
        assert_eq!(Kind::new(number).name(), Some(name));
        assert_eq!(Kind::new(number).to_string(), name);
    }
    let names = (0..=u8::MAX).filter(|&number| Kind::new(number).name().is_some());
    assert_eq!(names.count(), named.len());
    assert_eq!(Kind::new(0xb).to_string(), "0x0b");
}

#[test]
fn settings_have_the_numbers_of_the_registry() {
    let named = [
        (1, "HEADER_TABLE_SIZE"),
        (2, "ENABLE_PUSH"),
        (3, "MAX_CONCURRENT_STREAMS"),
        (4, "INITIAL_WINDOW_SIZE"),
        (5, "MAX_FRAME_SIZE"),
        (6, "MAX_HEADER_LIST_SIZE"),
        (8, "ENABLE_CONNECT_PROTOCOL"),
        (9, "NO_RFC7540_PRIORITIES"),
    ];
    for (number, name) in named {
        assert_eq!(SettingId::new(number).name(), Some(name));
        assert_eq!(SettingId::new(number).to_string(), name);
    }
    assert_eq!(SettingId::new(7).to_string(), "0x0007");
}

#[test]
fn streams_belong_to_who_opens_them() {
    let owners = |number| {
        let id = StreamId::new(number);
        (id.is_connection(), id.is_client_initiated(), id.is_server_initiated())
    };
    assert_eq!(owners(0), (true, false, false));
    assert_eq!(owners(1), (false, true, false));
    assert_eq!(owners(2), (false, false, true));
    assert_eq!(owners(0x7fff_ffff), (false, true, false));
    assert_eq!(owners(0x8000_0000), (true, false, false));
}

#[test]
fn identifiers_are_used_up_at_the_end() {
    assert_eq!(StreamId::new(1).next(), Some(StreamId::new(3)));
    assert_eq!(StreamId::new(0x7fff_fffd).next(), Some(StreamId::MAX));
    assert_eq!(StreamId::MAX.next(), None);
    assert_eq!(StreamId::new(0x7fff_fffe).next(), None);
    assert_eq!((StreamId::new(3).to_string(), format!("{:?}", StreamId::new(3))), ("3".into(), "StreamId(3)".into()));
}

#[test]
fn flags_are_contained_only_as_a_whole() {
    let both = Flags::END_STREAM.with(Flags::PADDED);
    assert_eq!(both.get(), 9);
    assert!(both.contains(Flags::PADDED) && both.contains(both) && both.contains(Flags::NONE));
    assert!(!Flags::PADDED.contains(both));
    assert_eq!((End::Last.flags(), End::More.flags()), (Flags::END_STREAM, Flags::NONE));
    assert!(End::from(true).is_last() && !End::from(false).is_last());
}
