//! Inputs made by chance: what `cargo test` tries beside the committed ones, and what `src/bin/seeds.rs` chooses from.
//! Random octets seldom make frames or field blocks, so most are made of good ones and then spoiled here and there.

use pellucid_frame::{Setting, encode};
use pellucid_hpack::{Encoder, Fields};

use crate::frames::SETTINGS;
use crate::{Chance, Target};

/// The input number `number` of a target.
#[must_use]
pub fn candidate(target: Target, number: u64) -> Vec<u8> {
    let mut chance = Chance::of_seed(number.wrapping_mul(0x9e37_79b9) ^ target.name.len() as u64);
    let mut input = match target.name {
        "frame_decode" => frames(&mut chance),
        "hpack_decode" => blocks(&mut chance),
        _ => {
            let length = 1 + chance.below(target.longest);
            octets(length, &mut chance)
        }
    };
    if matches!(target.name, "frame_decode" | "hpack_decode") {
        spoil(&mut input, &mut chance);
    }
    input
}

fn octets(count: usize, chance: &mut Chance) -> Vec<u8> {
    (0..count).map(|_| u8::try_from(chance.below(256)).unwrap()).collect()
}

/// Some octets changed, left out or doubled, or none.
fn spoil(input: &mut Vec<u8>, chance: &mut Chance) {
    for _ in 0..chance.below(4) {
        let at = chance.below(input.len());
        let Some(octet) = input.get_mut(at) else { return };
        match chance.below(3) {
            0 => *octet ^= 1 << chance.below(8),
            1 => drop(input.remove(at)),
            _ => {
                let octet = *octet;
                input.insert(at, octet);
            }
        }
    }
}

/// Heads of every type with payloads that may fit.
fn frames(chance: &mut Chance) -> Vec<u8> {
    let mut out = Vec::new();
    for _ in 0..1 + chance.below(4) {
        if chance.percent(15) {
            let (id, values) = *chance.pick(&SETTINGS);
            encode::settings(&mut out, &[Setting { id, value: *chance.pick(values) }]);
            continue;
        }
        let kind = *chance.pick(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 200]);
        let length = *chance.pick(&[0, 4, 5, 6, 8, 8, 12, 20, 30]);
        let flags = *chance.pick(&[0, 1, 4, 5, 8, 9, 0x20, 0x2d]);
        let stream = *chance.pick(&[0, 0, 1, 1, 2, 77]);
        let mut payload = octets(length, chance);
        if chance.percent(50) {
            // Small numbers: lengths of padding, identifiers, codes.
            payload.iter_mut().for_each(|octet| *octet &= 3);
        }
        out.extend_from_slice(&[0, 0, u8::try_from(length).unwrap(), kind, flags, 0, 0, 0, stream]);
        out.extend_from_slice(&payload);
    }
    out
}

/// Choices of limits, then blocks behind their lengths; see `hpack_decode`.
fn blocks(chance: &mut Chance) -> Vec<u8> {
    let mut out = octets(3, chance);
    let mut encoder = Encoder::new(4096);
    for _ in 0..1 + chance.below(5) {
        if chance.percent(20) {
            out.extend_from_slice(&[0, u8::try_from(chance.below(8)).unwrap()]);
            continue;
        }
        let mut block = Vec::new();
        match chance.below(3) {
            0 => {
                let mut fields = Fields::new();
                for _ in 0..chance.below(6) {
                    let name = *chance.pick(&[":path", "cookie", "x-a", "x-b", "accept", "authorization"]);
                    let length = chance.below(20);
                    let value = octets(length, chance);
                    fields.push(name.as_bytes(), &value);
                }
                encoder.encode(&fields, &mut block);
            }
            _ => {
                let length = chance.below(14);
                block = (0..length).map(|_| *chance.pick(&OFTEN)).collect();
            }
        }
        block.truncate(255);
        if !block.is_empty() {
            out.push(u8::try_from(block.len()).unwrap());
            out.extend_from_slice(&block);
        }
    }
    out
}

/// Octets that begin representations, short strings and long integers.
const OFTEN: [u8; 22] = [
    0x82, 0x87, 0xbe, 0xbf, 0x40, 0x41, 0x7e, 0x10, 0x04, 0x20, 0x3f, 0xe1, 0x1f, 0x01, 0x02, 0x00, 0x83, 0x81, 0x7f,
    0xff, b'a', 0x0f,
];
