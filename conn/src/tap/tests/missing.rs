//! What a tap tells when octets are missing: at the beginning, in the middle, out of a frame.

use pellucid_hpack::{Encoder, Fields};

use super::*;

/// A client's frames: requests whose fields an encoder indexes more and more, each with some content.
fn requests(sections: &[Vec<(String, String)>]) -> Vec<Vec<u8>> {
    let mut encoder = Encoder::new(4_096);
    let frames = sections.iter().enumerate().map(|(number, section)| {
        let mut fields = Fields::new();
        section.iter().for_each(|(name, value)| fields.push(name.as_bytes(), value.as_bytes()));
        let mut block = Vec::new();
        encoder.encode(&fields, &mut block);
        let stream = 2 * u32::try_from(number).expect("few") + 1;
        let content =
            Frame::Data(Data { stream: StreamId::new(stream), data: &[7; 30], padding: None, end_stream: true });
        octets(&[headers(stream, &block, End::More), content])
    });
    frames.collect()
}

fn joined(octets: &[u8], cuts: usize) -> Vec<Record> {
    let (mut tap, mut records) = (Tap::new(), Vec::new());
    tap.miss(Role::Client, None, &mut |record| records.push(record));
    octets.chunks(cuts.max(1)).for_each(|part| tap.feed(Role::Client, part, &mut |record| records.push(record)));
    tap.end(Role::Client, &mut |record| records.push(record));
    records
}

/// The name and value of each field that is told, `None` for what is said to be unknown.
fn told(records: &[Record]) -> Vec<Vec<(Option<String>, Option<String>)>> {
    let text = |octets: &[u8]| Some(String::from_utf8_lossy(octets).into_owned());
    let fields = |block: &Block| {
        let known = block.steps.iter().filter_map(|step| match &step.coded {
            Coded::Field { name, value, .. } => Some((text(name), text(value))),
            Coded::Unknown { value, .. } => Some((None, value.as_deref().and_then(text))),
            Coded::SizeUpdate(_) => None,
        });
        known.collect()
    };
    let blocks = records.iter().filter_map(|record| match &record.what {
        What::Frame { described: Described::Headers { block, .. }, .. } => Some(fields(block)),
        _ => None,
    });
    blocks.collect()
}

#[test]
fn a_tap_that_joins_says_which_fields_it_cannot_know() {
    let list = |fields: &[(&str, &str)]| -> Vec<(String, String)> {
        fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let frames = requests(&[
        list(&[(":method", "GET"), ("x-old", "1")]),
        list(&[(":method", "GET"), ("x-old", "1"), ("x-new", "2")]),
        list(&[(":method", "GET"), ("x-old", "1"), ("x-new", "2")]),
    ]);
    let records = joined(&frames[1..].concat(), 1_000);
    let mut text = String::new();
    records.iter().for_each(|record| text += &text::render(record, text::Secrets::Shown));
    assert_eq!(records[0].what, What::Missing { octets: None });
    assert!(text.starts_with("-> (what came before is missing)\n-> HEADERS stream 3 END_HEADERS"), "{text}");
    let known = |name: &str, value: &str| (Some(name.to_owned()), Some(value.to_owned()));
    let section = vec![known(":method", "GET"), (None, None), known("x-new", "2")];
    assert_eq!(told(&records), [section.clone(), section]);
    assert!(text.contains("    (a field from before)  [indexed 62, dynamic]\n"), "{text}");
    assert!(text.contains("    (block ends: 3 fields)\n") && !text.contains("Fault"), "{text}");
}

#[test]
fn a_value_under_an_unknown_name_may_be_a_cookie() {
    let record = joined(&octets(&[headers(1, b"\x7e\x03a=b", End::Last)]), 1_000).pop().expect("the frame");
    let coded = "[literal, added to the table; name 62, dynamic; value raw; now 62]\n";
    let redacted = text::render(&record, text::Secrets::Redacted);
    assert!(redacted.contains(&format!("    (a name from before): <redacted, 3 octets>  {coded}")), "{redacted}");
    assert!(text::render(&record, text::Secrets::Shown).contains("(a name from before): a=b  "));
}

#[test]
fn missing_octets_end_a_frame_and_reading_goes_on_at_the_next() {
    let mut watch = Watch::begun(&[]);
    watch.feed(Role::Client, &octets(&[headers(1, b"\x82\x86\x84\x41\x01a", End::More)]));
    let content = data(&[0; 1_000], None, End::Last);
    watch.feed(Role::Client, &content[..209]);
    let from = watch.records.len();
    watch.tap.miss(Role::Client, Some(300), &mut |record| watch.records.push(record));
    watch.feed(Role::Client, &content[509..]);
    watch.feed(Role::Client, &octets(&[3, 5, 7].map(|stream| headers(stream, b"\x82\xbe", End::Last))));
    watch.feed(Role::Server, &data(b"hi", None, End::More));
    let told: Vec<_> = watch.records[from..].iter().map(|record| record.what.clone()).collect();
    assert!(matches!(told[0], What::Cut { octets: 209, .. }), "{told:?}");
    assert_eq!(told[1..3], [What::Missing { octets: Some(300) }, What::Skipped { octets: 500 }]);
    assert!(matches!(&told[3], What::Frame { described: Described::Headers { .. }, .. }), "{told:?}");
    assert!(matches!(&told[6], What::Frame { described: Described::Data { windows: None, .. }, .. }), "{told:?}");
    let places: Vec<u64> = watch.records[from..from + 4].iter().map(|record| record.at).collect();
    let start = places[0];
    assert_eq!(places, [start, start + 209, start + 509, start + 1_009]);
}

#[test]
fn octets_without_a_frame_are_counted_and_no_more() {
    let records = joined(&[b'a'; 5_000], 100);
    assert_eq!(
        records.iter().map(|record| &record.what).collect::<Vec<_>>(),
        [&What::Missing { octets: None }, &What::Skipped { octets: 5_000 },]
    );
}

proptest! {
    /// Wherever a tap joins and however the octets are cut: what it tells of a field is true or unknown, the frames are
    /// those that are there, and after a connection's worth of requests nothing is unknown any more.
    #[test]
    fn what_is_told_after_missing_octets_is_true(
        sections in proptest::collection::vec(
            proptest::collection::vec(("[a-c]{1,3}|cookie|:path|te", "[a-z]{0,60}"), 1..8), 1..12),
        place in 0_usize..2_000,
        cuts in 1_usize..400,
    ) {
        let frames = requests(&sections);
        let wire = frames.concat();
        let place = place % wire.len();
        let records = joined(&wire[place..], cuts);
        let told = told(&records);
        let behind = sections.get(sections.len() - told.len()..).expect("no more than there are");
        for (section, told) in behind.iter().zip(&told) {
            prop_assert_eq!(section.len(), told.len());
            for ((name, value), (told_name, told_value)) in section.iter().zip(told) {
                prop_assert!(told_name.as_ref().is_none_or(|told| told == name), "{:?}", told);
                prop_assert!(told_value.as_ref().is_none_or(|told| told == value), "{:?}", told);
            }
        }
        let starts: Vec<usize> = frames.iter().scan(0, |at, frame| { *at += frame.len(); Some(*at - frame.len()) }).collect();
        prop_assert!(told.len() >= starts.iter().filter(|start| **start >= place).count());
        let faults = records.iter().filter(|record| matches!(record.what, What::Fault { .. })).count();
        prop_assert_eq!(faults, 0);
    }
}
