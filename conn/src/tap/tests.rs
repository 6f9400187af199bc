//! What a tap tells of whole conversations, however their octets are cut.

mod conversation;
mod missing;

use pellucid_frame::{
    Data, Dependency, End, ErrorCode, Frame, GoAway, Headers, PREFACE, Ping, Priority, PushPromise, Reset, Rule,
    Setting, SettingId, Settings, StreamId, Unknown, WindowUpdate, encode,
};
use pellucid_hpack::Error;
use proptest::prelude::*;

use super::*;

const ONE: StreamId = StreamId::new(1);

fn octets(frames: &[Frame<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    frames.iter().for_each(|frame| frame.encode(&mut out));
    out
}

fn headers(stream: u32, fragment: &[u8], end: End) -> Frame<'_> {
    let stream = StreamId::new(stream);
    Frame::Headers(Headers {
        stream,
        fragment,
        dependency: None,
        padding: None,
        end_stream: end.is_last(),
        end_headers: true,
    })
}

fn settings(entries: &[(SettingId, u32)]) -> Vec<u8> {
    let mut out = Vec::new();
    let entries: Vec<_> = entries.iter().map(|&(id, value)| Setting { id, value }).collect();
    encode::settings(&mut out, &entries);
    out
}

fn ack() -> Vec<u8> {
    octets(&[Frame::Settings(Settings { ack: true, payload: &[] })])
}

fn data(data: &[u8], padding: Option<u8>, end: End) -> Vec<u8> {
    octets(&[Frame::Data(Data { stream: ONE, data, padding, end_stream: end.is_last() })])
}

fn window_update(stream: StreamId, increment: u32) -> Vec<u8> {
    octets(&[Frame::WindowUpdate(WindowUpdate { stream, increment })])
}

/// Watches both sides, with SETTINGS exchanged and acknowledged; `client` are the client's.
struct Watch {
    tap: Tap,
    records: Vec<Record>,
}

impl Watch {
    fn begun(client: &[(SettingId, u32)]) -> Self {
        let mut watch = Self { tap: Tap::new(), records: Vec::new() };
        watch.feed(Role::Client, &[PREFACE.to_vec(), settings(client)].concat());
        watch.feed(Role::Server, &[settings(&[]), ack()].concat());
        watch.feed(Role::Client, &ack());
        watch
    }

    fn feed(&mut self, from: Role, octets: &[u8]) {
        self.tap.feed(from, octets, &mut |record| self.records.push(record));
    }

    /// The latest record's payload.
    fn described(&self) -> &Described {
        match &self.records.last().expect("something was told").what {
            What::Frame { described, .. } => described,
            other => panic!("no frame: {other:?}"),
        }
    }
}

/// What a tap of one side tells of octets cut at these places.
fn one_side(from: Role, octets: &[u8], cuts: &[usize]) -> Vec<Record> {
    let mut records = Vec::new();
    let mut tap = Tap::one_side();
    let mut done = 0;
    for &cut in cuts.iter().chain([&octets.len()]) {
        let cut = cut.clamp(done, octets.len());
        tap.feed(from, &octets[done..cut], &mut |record| records.push(record));
        done = cut;
    }
    tap.end(from, &mut |record| records.push(record));
    records
}

/// One of every frame, a block in three parts, and at last a broken rule with octets after it.
fn one_of_each() -> Vec<u8> {
    let dependency = Dependency { exclusive: true, on: StreamId::new(5), weight: 15 };
    let parts = [
        Frame::Headers(Headers {
            stream: ONE,
            fragment: b"\x82\x86\x40\x0acustom-key",
            dependency: Some(dependency),
            padding: Some(3),
            end_stream: true,
            end_headers: false,
        }),
        Frame::Continuation(pellucid_frame::Continuation { stream: ONE, fragment: b"", end_headers: false }),
        Frame::Continuation(pellucid_frame::Continuation { stream: ONE, fragment: b"\x01v\xbe", end_headers: true }),
        Frame::Data(Data { stream: ONE, data: b"hello", padding: Some(0), end_stream: true }),
        Frame::Priority(Priority { stream: ONE, dependency }),
        Frame::Reset(Reset { stream: ONE, code: ErrorCode::new(99) }),
        Frame::PushPromise(PushPromise {
            stream: ONE,
            promised: StreamId::new(2),
            fragment: b"\x3f\x45\x82",
            padding: None,
            end_headers: true,
        }),
        Frame::Ping(Ping { ack: true, payload: [7; 8] }),
        Frame::GoAway(GoAway { last: ONE, code: ErrorCode::NO_ERROR, debug: b"bye" }),
        Frame::WindowUpdate(WindowUpdate { stream: ONE, increment: 0 }),
        Frame::Unknown(Unknown {
            head: Head { length: 2, kind: Kind::new(0xfe), flags: Flags::new(0xff), stream: ONE },
            payload: b"??",
        }),
    ];
    let mut wire = [PREFACE.to_vec(), settings(&[(SettingId::MAX_FRAME_SIZE, 20_000)]), ack(), octets(&parts)].concat();
    encode::priority_update(&mut wire, ONE, b"u=1");
    encode::altsvc(&mut wire, StreamId::CONNECTION, b"https://a.example", b"h2=\":1\"");
    encode::origin(&mut wire, &[b"https://a.example", b"https://b.example"]);
    wire.extend(octets(&[headers(3, b"\x82\x80", End::Last), Frame::Ping(Ping { ack: false, payload: [0; 8] })]));
    wire
}

#[test]
fn every_frame_is_told_of() {
    let records = one_side(Role::Client, &one_of_each(), &[]);
    let told: String = records.iter().map(|record| text::render(record, text::Secrets::Redacted)).collect();
    assert_eq!(told, EACH_TOLD);
}

const EACH_TOLD: &str = r#"-> preface, 24 octets
-> SETTINGS stream 0, 6 octets
    MAX_FRAME_SIZE = 20000
-> SETTINGS stream 0 ACK, 0 octets
    the server's settings are in force
-> HEADERS stream 1 END_STREAM PADDED PRIORITY, 23 octets
    3 octets of padding
    depends on stream 5, exclusively, weight 16 (deprecated)
    :method: GET  [indexed 2, static]
    :scheme: http  [indexed 6, static]
-> CONTINUATION stream 1, 0 octets
-> CONTINUATION stream 1 END_HEADERS, 3 octets
    custom-key: v  [literal, added to the table; name raw; value raw; now 62]
    custom-key: v  [indexed 62, dynamic]
    (block ends: 4 fields, section size 171; table 43 of 4096 octets, 1 entry)
-> DATA stream 1 END_STREAM PADDED, 6 octets
    5 octets of content, 0 octets of padding
-> PRIORITY stream 1, 5 octets
    depends on stream 5, exclusively, weight 16 (deprecated)
-> RST_STREAM stream 1, 4 octets
    0x63
-> PUSH_PROMISE stream 1 END_HEADERS, 7 octets
    promises stream 2
    (table size update: at most 100 octets)
    :method: GET  [indexed 2, static]
    (block ends: 1 field, section size 42; table 43 of 100 octets, 1 entry)
-> PING stream 0 ACK, 8 octets
    0x0707070707070707
-> GOAWAY stream 0, 11 octets
    NO_ERROR, last stream 1
    debug: bye
-> WINDOW_UPDATE stream 1, 4 octets: stream error PROTOCOL_ERROR
    increment of 0 (RFC 9113 §6.9)
-> type 0xfe stream 1 flags 0xff, 2 octets
    to be ignored (RFC 9113 §5.5)
-> PRIORITY_UPDATE stream 0, 7 octets
    stream 1: u=1
-> ALTSVC stream 0, 26 octets
    origin: https://a.example
    h2=":1"
-> ORIGIN stream 0, 38 octets
    https://a.example
    https://b.example
-> HEADERS stream 3 END_STREAM END_HEADERS, 2 octets
    :method: GET  [indexed 2, static]
-> HEADERS stream 3 END_STREAM END_HEADERS, 2 octets: connection error COMPRESSION_ERROR
    index 0 names no field (RFC 7541 §6.1)
    (what follows from the client is skipped)
-> (17 octets skipped)
"#;

#[test]
fn records_say_where_they_begin() {
    let records = one_side(Role::Client, &one_of_each(), &[]);
    let places: Vec<u64> = records.iter().map(|record| record.at).collect();
    assert_eq!(places[..4], [0, 24, 39, 48]);
    let (Some(skipped), Some(fault)) = (records.last(), records.iter().rev().nth(1)) else { panic!("too few") };
    assert_eq!(skipped.what, What::Skipped { octets: 17 });
    assert_eq!(skipped.at, one_of_each().len() as u64 - 17);
    assert_eq!(fault.at, skipped.at - 11);
}

#[test]
fn cutting_between_any_two_octets_changes_nothing() {
    let wire = one_of_each();
    let whole = one_side(Role::Client, &wire, &[]);
    let each: Vec<usize> = (0..wire.len()).collect();
    assert_eq!(one_side(Role::Client, &wire, &each), whole);
    for cut in each {
        assert_eq!(one_side(Role::Client, &wire, &[cut]), whole, "cut at {cut}");
    }
}

/// Frames of any type and content after a preface, perhaps with SETTINGS first.
fn any_frames() -> impl Strategy<Value = Vec<u8>> {
    let frame = (0_u8..14, proptest::collection::vec(any::<u8>(), 0..40), any::<[u8; 2]>());
    (any::<[bool; 2]>(), proptest::collection::vec(frame, 0..12)).prop_map(|([preface, first], frames)| {
        let mut octets = if preface { PREFACE.to_vec() } else { Vec::new() };
        if first {
            encode::settings(&mut octets, &[Setting { id: SettingId::MAX_FRAME_SIZE, value: 16_384 }]);
        }
        for (kind, payload, [flags, stream]) in frames {
            let (kind, stream) = (Kind::new(kind), StreamId::new(u32::from(stream % 4)));
            let head = Head { length: 0, kind, flags: Flags::new(flags), stream };
            Frame::Unknown(Unknown { head, payload: &payload }).encode(&mut octets);
        }
        octets
    })
}

proptest! {
    /// Whatever the octets are, where they are cut does not matter; nor does anything panic.
    #[test]
    fn cutting_any_octets_changes_nothing(
        octets in any_frames(),
        mut cuts in proptest::collection::vec(0_usize..600, 0..9),
    ) {
        cuts.sort_unstable();
        for from in [Role::Client, Role::Server] {
            prop_assert_eq!(one_side(from, &octets, &cuts), one_side(from, &octets, &[]));
        }
    }
}

#[test]
fn a_side_is_told_from_how_it_begins() {
    assert_eq!(sender(&one_of_each()), Some(Role::Client));
    assert_eq!(sender(&settings(&[])), Some(Role::Server));
    for other in [ack(), octets(&[headers(1, b"\x82", End::Last)]), PREFACE[..20].to_vec(), Vec::new()] {
        assert_eq!(sender(&other), None, "{other:?}");
    }
}

/// What is told of broken rules: the rule, what ends, and how many octets are skipped after it.
#[test]
fn broken_rules_are_named() {
    let ping = Frame::Ping(Ping { ack: false, payload: [0; 8] });
    let open = Frame::Headers(Headers {
        stream: ONE,
        fragment: b"\x82",
        dependency: None,
        padding: None,
        end_stream: true,
        end_headers: false,
    });
    let other = Frame::Continuation(pellucid_frame::Continuation {
        stream: StreamId::new(3),
        fragment: b"",
        end_headers: true,
    });
    let begin = [PREFACE.to_vec(), settings(&[])].concat();
    let after = |frames: &[Frame<'_>]| [begin.clone(), octets(frames)].concat();
    let large = vec![0; 16_385];
    let cases = [
        (b"GET / HTTP/1.1\r\n".to_vec(), Violation::Http1Peer, 16),
        (b"PRI * HTTP/1.1\r\n".to_vec(), Violation::Http1Peer, 16),
        (settings(&[]), Violation::BadPreface, 9),
        ([PREFACE.to_vec(), octets(&[ping])].concat(), Violation::FirstFrameNotSettings, 17),
        ([PREFACE.to_vec(), ack()].concat(), Violation::FirstFrameNotSettings, 9),
        (after(&[open, ping]), Violation::ContinuationExpected, 17),
        (after(&[open, other]), Violation::ContinuationExpected, 9),
        (after(&[other, ping]), Violation::ContinuationUnexpected, 26),
        (after(&[headers(1, b"\x80", End::Last), ping]), Violation::Compression(Error::IndexZero), 17),
        (after(&[headers(1, b"\x40", End::Last), ping]), Violation::Compression(Error::Truncated), 17),
        (after(&[headers(1, b"\x3f\xe2\x1f", End::Last), ping]), Violation::Compression(Error::SizeUpdateTooLarge), 17),
        (after(&[headers(0, b"\x82", End::Last), ping]), Violation::Frame(Rule::HeadersOnStreamZero), 17),
        ([begin.clone(), data(&large, None, End::Last)].concat(), Violation::Frame(Rule::FrameTooLarge), 16_394),
        ([begin.clone(), window_update(StreamId::CONNECTION, 0)].concat(), Violation::Frame(Rule::WindowUpdateZero), 0),
    ];
    for (wire, violation, skipped) in cases {
        let mut records = Vec::new();
        let mut tap = Tap::new();
        tap.feed(Role::Client, &wire, &mut |record| records.push(record.what));
        tap.end(Role::Client, &mut |record| records.push(record.what));
        let left = if skipped == 0 { None } else { records.pop() };
        assert_eq!(left, (skipped > 0).then_some(What::Skipped { octets: skipped }), "{violation:?}");
        let Some(What::Fault { violation: told, scope: Scope::Connection, .. }) = records.last() else {
            panic!("{violation:?}: {records:?}");
        };
        assert_eq!(*told, violation);
    }
}

#[test]
fn after_a_stream_error_reading_goes_on() {
    let mut watch = Watch::begun(&[]);
    watch.feed(Role::Client, &octets(&[headers(1, b"\x82", End::More)]));
    watch.feed(Role::Client, &[window_update(ONE, 0), data(b"x", None, End::Last)].concat());
    let [.., fault, _] = &watch.records[..] else { panic!("too few") };
    let What::Fault { violation, scope, head: Some(head) } = fault.what else { panic!("no fault: {fault:?}") };
    assert_eq!((violation, scope, head.stream), (Violation::Frame(Rule::WindowUpdateZero), Scope::Stream, ONE));
    assert!(matches!(watch.described(), Described::Data { content: 1, .. }));
}

#[test]
fn a_fault_of_one_side_leaves_the_other_readable() {
    let mut watch = Watch::begun(&[]);
    watch.feed(Role::Client, &octets(&[headers(1, b"\x80", End::Last)]));
    watch.feed(
        Role::Server,
        &octets(&[Frame::GoAway(GoAway { last: ONE, code: ErrorCode::COMPRESSION_ERROR, debug: b"" })]),
    );
    assert!(matches!(watch.described(), Described::GoAway { code: ErrorCode::COMPRESSION_ERROR, .. }));
}

#[test]
fn windows_follow_data_updates_and_acknowledged_settings() {
    let mut watch = Watch::begun(&[(SettingId::INITIAL_WINDOW_SIZE, 100_000)]);
    watch.feed(Role::Client, &octets(&[headers(1, b"\x82", End::Last)]));
    let left = |watch: &Watch| match watch.described() {
        Described::Data { windows, .. } => *windows,
        other => panic!("no DATA: {other:?}"),
    };
    watch.feed(Role::Server, &[octets(&[headers(1, b"\x88", End::More)]), data(b"12345", Some(4), End::More)].concat());
    assert_eq!(left(&watch), Some(WindowsLeft { connection: 65_525, stream: Some(99_990) }), "padding counts");
    watch.feed(Role::Client, &window_update(ONE, 10));
    assert_eq!(*watch.described(), Described::WindowUpdate { increment: 10, window: Some(100_000) });
    watch.feed(Role::Client, &window_update(StreamId::CONNECTION, 100));
    assert_eq!(*watch.described(), Described::WindowUpdate { increment: 100, window: Some(65_625) });

    watch.feed(Role::Client, &settings(&[(SettingId::INITIAL_WINDOW_SIZE, 0)]));
    watch.feed(Role::Server, &data(b"", None, End::More));
    assert_eq!(left(&watch), Some(WindowsLeft { connection: 65_625, stream: Some(100_000) }), "not acknowledged yet");
    watch.feed(Role::Server, &[ack(), data(b"", None, End::Last)].concat());
    assert_eq!(left(&watch), Some(WindowsLeft { connection: 65_625, stream: Some(0) }));
    watch.feed(Role::Client, &window_update(ONE, 10));
    assert_eq!(*watch.described(), Described::WindowUpdate { increment: 10, window: None }, "the server has ended it");
}

#[test]
fn one_side_alone_tells_no_windows_and_takes_what_the_other_may_have_allowed() {
    let large = vec![0; 20_000];
    let wire = [
        data(&large, None, End::More),
        window_update(ONE, 5),
        octets(&[headers(3, b"\x3f\xe1\xff\x03\x82", End::Last)]),
    ]
    .concat();
    let told: Vec<_> = one_side(Role::Client, &wire, &[]).into_iter().map(|record| record.what).collect();
    let [What::Frame { described: first, .. }, What::Frame { described: second, .. }, What::Frame { .. }] = &told[..]
    else {
        panic!("three frames, no fault: {told:?}");
    };
    assert_eq!(*first, Described::Data { content: 20_000, padding: None, windows: None });
    assert_eq!(*second, Described::WindowUpdate { increment: 5, window: None });
}

#[test]
fn a_reduced_table_must_be_heard_in_the_next_block() {
    let mut watch = Watch::begun(&[(SettingId::HEADER_TABLE_SIZE, 0), (SettingId::HEADER_TABLE_SIZE, 4_096)]);
    watch.feed(Role::Server, &octets(&[headers(1, b"\x88", End::Last)]));
    let Some(Record { what: What::Fault { violation, .. }, .. }) = watch.records.last() else { panic!("no fault") };
    assert_eq!(*violation, Violation::Compression(Error::MissingSizeUpdate));
}
