//! What stands before IP in a captured packet, by link type (https://www.tcpdump.org/linktypes.html).
//!
//! Not for: IP itself.

/// A link type that is read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// LINKTYPE_NULL and LINKTYPE_LOOP: four octets before IP, which tells its version itself.
    Loopback,
    Ethernet,
    /// Nothing before IP.
    Raw,
    /// LINKTYPE_LINUX_SLL: what Linux gives for `any`.
    Cooked,
    /// LINKTYPE_LINUX_SLL2.
    Cooked2,
}

impl Link {
    /// The link type of a number; the number where it is not read here.
    pub(super) fn of(number: i32) -> Result<Self, i32> {
        match number {
            0 | 108 => Ok(Self::Loopback),
            1 => Ok(Self::Ethernet),
            12 | 14 | 101 | 228 | 229 => Ok(Self::Raw),
            113 => Ok(Self::Cooked),
            276 => Ok(Self::Cooked2),
            other => Err(other),
        }
    }

    /// The IP packet in a captured one; `None` where there is something else in it.
    pub(super) fn ip(self, packet: &[u8]) -> Option<&[u8]> {
        match self {
            Self::Loopback => packet.get(4..),
            Self::Raw => Some(packet),
            Self::Ethernet => after_type(packet, 12, 14),
            Self::Cooked => after_type(packet, 14, 16),
            Self::Cooked2 => after_type(packet, 0, 20),
        }
    }
}

/// What follows a head that has the type of its payload at one place and ends at another; tags of virtual networks, four
/// octets that end with the type of what follows them, are stepped over.
fn after_type(packet: &[u8], mut place: usize, mut end: usize) -> Option<&[u8]> {
    for _ in 0..=MOST_TAGS {
        match two(packet, place)? {
            IPV4 | IPV6 => return packet.get(end..),
            TAG | SERVICE_TAG => (place, end) = (end + 2, end + 4),
            _ => return None,
        }
    }
    None
}

fn two(octets: &[u8], place: usize) -> Option<u16> {
    octets.get(place..)?.first_chunk().map(|two| u16::from_be_bytes(*two))
}

/// EtherTypes (https://www.iana.org/assignments/ieee-802-numbers).
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
const TAG: u16 = 0x8100;
const SERVICE_TAG: u16 = 0x88a8;

/// A tag within a tag is the usual limit.
const MOST_TAGS: u32 = 4;
