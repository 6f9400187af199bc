//! Field blocks as weapons: HPACK bombs (CVE-2016-6581), the HTTP/2 bomb of 2026, CONTINUATION floods (CVE-2024-27316).

use pellucid_conn::h2::{Config, Violation};
use pellucid_conn::{End, Refusal};
use pellucid_frame::{Flags, SettingId};

use crate::frames::{block, continuation, headers, settings};
use crate::victim::{GET, Victim, nth};

/// GET https a /, as a block without Huffman.
const REQUEST: [u8; 6] = [0x82, 0x87, 0x84, 0x41, 0x01, 0x61];
const WHOLE: Flags = Flags::END_STREAM.with(Flags::END_HEADERS);

/// One entry that fills the table, and a reference an octet: 4096 to 1.
fn bomb_2016(references: usize) -> Vec<u8> {
    let mut octets = REQUEST.to_vec();
    octets.extend_from_slice(&[0x40, 0x01, 0x61, 0x7f, 0xe0, 0x1e]);
    octets.resize(octets.len() + 4063, b'v');
    octets.resize(octets.len() + references, 0xbe);
    octets
}

/// A near-empty entry and a reference an octet: every octet a field.
fn bomb_2026(references: usize) -> Vec<u8> {
    let mut octets = REQUEST.to_vec();
    octets.extend_from_slice(&[0x40, 0x01, 0x61, 0x00]);
    octets.resize(octets.len() + references, 0xbe);
    octets
}

/// The same with cookie crumbs.
fn crumbs(references: usize) -> Vec<u8> {
    let mut octets = REQUEST.to_vec();
    octets.extend_from_slice(&[0x60, 0x00]);
    octets.resize(octets.len() + references, 0xbe);
    octets
}

#[test]
fn bombs_end_the_connection_and_nothing_is_made_of_them() {
    for octets in [bomb_2016(12_000), bomb_2026(16_000), crumbs(16_000)] {
        let mut v = Victim::server();
        v.recv(&block(1, &octets, WHOLE));
        assert_eq!((v.requests, v.conn.live_streams()), (0, 0));
        v.is_calmed(Violation::HeaderListWayTooLarge, "header_list_way_too_large");
    }
}

/// Above the limit and not far above: 431, the stream's siblings and the table live on.
#[test]
fn a_section_above_the_limit_is_answered_431() {
    for octets in [bomb_2016(5), bomb_2026(200), crumbs(300)] {
        let mut v = Victim::server();
        v.recv(&block(1, &octets, WHOLE));
        assert_eq!(v.refused, [Refusal::HeadersTooLarge]);
        assert_eq!(v.statuses[&1], "431");
        v.recv(&headers(3, &GET, End::Last));
        assert_eq!(v.statuses[&3], "200");
        v.is_fine();
    }
}

/// The limit is the one that was announced last.
#[test]
fn the_limit_moves_with_its_setting() {
    let mut v = Victim::server();
    let size = pellucid_frame::Setting { id: SettingId::MAX_HEADER_LIST_SIZE, value: 64 << 10 };
    v.conn.update_settings(&[size], v.now);
    v.recv(&block(1, &bomb_2016(5), WHOLE));
    assert_eq!((v.requests, v.refused.len()), (1, 0));
}

/// Browsers split cookies: ninety crumbs are an ordinary request.
#[test]
fn ninety_cookies_are_an_ordinary_request() {
    let mut v = Victim::server();
    let mut fields = GET.to_vec();
    fields.extend([("cookie", "name=value; path=x"); 90]);
    for n in 0..600 {
        v.recv(&headers(nth(n), &fields, End::Last));
        v.pass(std::time::Duration::from_millis(200));
    }
    assert_eq!((v.requests, v.refused.len()), (600, 0));
    v.is_fine();
}

#[test]
fn a_flood_of_too_large_sections_is_asked_to_calm_down() {
    let mut v = Victim::server();
    for n in 0..400 {
        v.recv(&block(nth(n), &bomb_2026(200), WHOLE));
    }
    v.is_calmed(Violation::TooManyRefused, "too_many_refused_streams");
}

#[test]
fn answers_431_are_bounded_when_the_peer_never_reads() {
    let mut config = Config::server();
    config.refused.burst = 1_000_000;
    let mut v = Victim::server_with(config);
    v.stops_reading(|n| block(nth(n), &bomb_2026(200), WHOLE));
    assert_eq!(v.error, None);
    assert!(v.statuses.len() > 500);
}

/// Frames are counted, and empty ones too (CVE-2026-33871).
#[test]
fn continuation_floods_are_stopped_while_they_last() {
    for fragment in [&b""[..], b"\x82", &[0xff; 100]] {
        let mut v = Victim::server();
        v.recv(&block(1, &REQUEST, Flags::END_STREAM));
        for _ in 0..8 {
            v.recv(&continuation(1, b"", Flags::NONE));
            assert_eq!(v.error, None);
        }
        v.recv(&continuation(1, fragment, Flags::NONE));
        assert_eq!((v.requests, v.conn.live_streams()), (0, 0));
        v.is_calmed(Violation::TooManyContinuations, "too_many_continuations");
    }
}

/// Large frames: the octets are the bound, before the block is complete.
#[test]
fn a_block_of_many_octets_is_stopped_while_it_lasts() {
    let mut config = Config::server();
    config.max_continuation_frames = 1000;
    let mut v = Victim::server_with(config);
    // One literal that never ends, then whole fields.
    let mut octets = REQUEST.to_vec();
    for _ in 0..100 {
        octets.extend_from_slice(&[0x00, 0x01, b'a', 0x7f, 0x00]);
        octets.resize(octets.len() + 127, b'v');
    }
    v.recv(&block(1, &octets, Flags::END_STREAM));
    for _ in 0..10 {
        v.recv(&continuation(1, &octets[REQUEST.len()..], Flags::NONE));
    }
    assert_eq!(v.requests, 0);
    v.is_calmed(Violation::HeaderListWayTooLarge, "header_list_way_too_large");
}

/// A declared length of gigabytes is refused when it is read, not when it has arrived (CVE-2023-33953).
#[test]
fn a_string_said_to_be_huge_is_refused_at_once() {
    let mut v = Victim::server();
    let mut octets = REQUEST.to_vec();
    octets.extend_from_slice(&[0x00, 0x01, b'a', 0x7f, 0xff, 0xff, 0xff, 0x07]);
    v.recv(&block(1, &octets, Flags::END_STREAM));
    let violation = Violation::Compression(pellucid_hpack::Error::StringTooLong);
    v.is_calmed(violation, "header_list_way_too_large");
}

/// CVE-2026-50560: the peer's MAX_HEADER_LIST_SIZE is advice; answers are sent all the same, and no work is thrown away.
#[test]
fn a_tiny_limit_on_our_sections_costs_no_work() {
    let mut v = Victim::server();
    v.recv(&settings(&[(SettingId::MAX_HEADER_LIST_SIZE, 1)]));
    for n in 0..1000 {
        v.recv(&headers(nth(n), &GET, End::Last));
    }
    assert_eq!((v.statuses.len(), v.resets.len(), v.running.len()), (1000, 0, 0));
    v.is_fine();
}

/// A peer may use a larger table of ours as soon as it has seen the setting, which is before we know; an octet more is an error.
#[test]
fn a_larger_table_may_be_used_before_its_acknowledgment() {
    let block_with = |update: [u8; 3]| block(1, &[&update[..], &REQUEST].concat(), WHOLE);
    for (update, is_fine) in [([0x3f, 0xe1, 0x3f], true), ([0x3f, 0xe2, 0x3f], false)] {
        let mut v = Victim::server();
        let size = pellucid_frame::Setting { id: SettingId::HEADER_TABLE_SIZE, value: 8192 };
        v.conn.update_settings(&[size], v.now);
        v.recv(&block_with(update));
        assert_eq!((v.requests == 1, v.error.is_none()), (is_fine, is_fine));
    }
}

/// A table of 4 GiB is offered: the encoder keeps to its own bound, whatever the answers hold.
#[test]
fn a_huge_table_offered_is_not_used() {
    let mut v = Victim::server();
    v.recv(&settings(&[(SettingId::HEADER_TABLE_SIZE, u32::MAX)]));
    for n in 0..100 {
        v.recv(&headers(nth(n), &GET, End::Last));
    }
    // The attacker's decoder has 4096 octets of table and stays in sync.
    assert!(v.statuses.values().all(|s| s == "200"));
    v.is_fine();
}
