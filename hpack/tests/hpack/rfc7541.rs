//! The examples of RFC 7541 Appendix C: blocks, the fields they stand for, and the table's size after each.

use crate::common::{decode, fields, octets, pairs};
use pellucid_hpack::{Decoder, Fields};

/// A block, its fields, and the octets that the table's entries count for afterwards.
type Example = (&'static str, &'static [(&'static str, &'static str)], u32);

/// Decodes examples in a row, whole and octet by octet.
fn check(table_size: u32, examples: &[Example]) {
    for fragment in [usize::MAX, 1] {
        let mut decoder = Decoder::new(table_size);
        for (block, expected, size) in examples {
            let section = decode(&mut decoder, &octets(block), fragment).unwrap();
            assert_eq!(pairs(&section), pairs(&fields(expected)), "{block}");
            assert_eq!(decoder.table_size(), *size, "{block}");
        }
    }
}

/// Covers 7541:3.2-1
#[test]
fn single_fields_c_2() {
    for example in SINGLE {
        check(4096, &[example]);
    }
    let mut never = Fields::new();
    never.push_sensitive(b"password", b"secret");
    assert_eq!(decode(&mut Decoder::new(4096), &octets(SINGLE[2].0), usize::MAX), Ok(never));
}

/// Covers 7541:2.1-2, 7541:3.2-1
#[test]
fn requests_c_3_and_c_4() {
    check(4096, &REQUESTS);
    check(4096, &HUFFMAN_REQUESTS);
}

/// Covers 7541:2.1-2, 7541:3.2-1, 7541:4.1-1, 7541:4.4-1: with eviction
#[test]
fn responses_with_eviction_c_5_and_c_6() {
    check(256, &RESPONSES);
    check(256, &HUFFMAN_RESPONSES);
}

#[test]
fn the_table_lists_its_entries_newest_first() {
    let mut decoder = Decoder::new(4096);
    for (block, ..) in REQUESTS {
        decode(&mut decoder, &octets(block), usize::MAX).unwrap();
    }
    let entries: Vec<_> = decoder.table().map(|(index, field)| (index, field.name, field.value)).collect();
    let expected: [(u32, &[u8], &[u8]); 3] = [
        (62, b"custom-key", b"custom-value"),
        (63, b"cache-control", b"no-cache"),
        (64, b":authority", b"www.example.com"),
    ];
    assert_eq!(entries, expected);
}

const SINGLE: [Example; 4] = [
    ("400a637573746f6d2d6b65790d637573746f6d2d686561646572", &[("custom-key", "custom-header")], 55),
    ("040c2f73616d706c652f70617468", &[(":path", "/sample/path")], 0),
    ("100870617373776f726406736563726574", &[("password", "secret")], 0),
    ("82", &[(":method", "GET")], 0),
];

const REQUESTS: [Example; 3] = [
    (
        "828684410f7777772e6578616d706c652e636f6d",
        &[(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "www.example.com")],
        57,
    ),
    (
        "828684be58086e6f2d6361636865",
        &[
            (":method", "GET"),
            (":scheme", "http"),
            (":path", "/"),
            (":authority", "www.example.com"),
            ("cache-control", "no-cache"),
        ],
        110,
    ),
    (
        "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
        &[
            (":method", "GET"),
            (":scheme", "https"),
            (":path", "/index.html"),
            (":authority", "www.example.com"),
            ("custom-key", "custom-value"),
        ],
        164,
    ),
];

const HUFFMAN_REQUESTS: [Example; 3] = [
    (
        "828684418cf1e3c2e5f23a6ba0ab90f4ff",
        &[(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "www.example.com")],
        57,
    ),
    (
        "828684be5886a8eb10649cbf",
        &[
            (":method", "GET"),
            (":scheme", "http"),
            (":path", "/"),
            (":authority", "www.example.com"),
            ("cache-control", "no-cache"),
        ],
        110,
    ),
    (
        "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
        &[
            (":method", "GET"),
            (":scheme", "https"),
            (":path", "/index.html"),
            (":authority", "www.example.com"),
            ("custom-key", "custom-value"),
        ],
        164,
    ),
];

const RESPONSES: [Example; 3] = [
    (
        "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d",
        &[
            (":status", "302"),
            ("cache-control", "private"),
            ("date", "Mon, 21 Oct 2013 20:13:21 GMT"),
            ("location", "https://www.example.com"),
        ],
        222,
    ),
    (
        "4803333037c1c0bf",
        &[
            (":status", "307"),
            ("cache-control", "private"),
            ("date", "Mon, 21 Oct 2013 20:13:21 GMT"),
            ("location", "https://www.example.com"),
        ],
        222,
    ),
    (
        "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31",
        &[
            (":status", "200"),
            ("cache-control", "private"),
            ("date", "Mon, 21 Oct 2013 20:13:22 GMT"),
            ("location", "https://www.example.com"),
            ("content-encoding", "gzip"),
            ("set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"),
        ],
        215,
    ),
];

const HUFFMAN_RESPONSES: [Example; 3] = [
    (
        "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3",
        &[
            (":status", "302"),
            ("cache-control", "private"),
            ("date", "Mon, 21 Oct 2013 20:13:21 GMT"),
            ("location", "https://www.example.com"),
        ],
        222,
    ),
    (
        "4883640effc1c0bf",
        &[
            (":status", "307"),
            ("cache-control", "private"),
            ("date", "Mon, 21 Oct 2013 20:13:21 GMT"),
            ("location", "https://www.example.com"),
        ],
        222,
    ),
    (
        "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
        &[
            (":status", "200"),
            ("cache-control", "private"),
            ("date", "Mon, 21 Oct 2013 20:13:22 GMT"),
            ("location", "https://www.example.com"),
            ("content-encoding", "gzip"),
            ("set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"),
        ],
        215,
    ),
];
