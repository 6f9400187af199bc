//! Frames on stderr as they go: a tap of the driver's, rendered by the tap's own text.
//!
//! Not for: captures; those are `decode`'s.

use std::io::{self, Write};

use pellucid_conn::h2::Role;
use pellucid_conn::tap::{Tap, text, text::Secrets};

use crate::titles::Titles;

/// Shows what goes in and out of one connection of which we are `us`; every line begins with `prefix`.
pub(crate) fn frames(us: Role, prefix: String) -> pellucid_driver::Tap {
    let mut tap = Tap::new();
    let mut titles = Titles::default();
    Box::new(move |direction, octets| {
        let mut told = String::new();
        tap.feed(direction.sender(us), octets, &mut |record| {
            for line in text::render(&titles.once(record), Secrets::Redacted).lines() {
                told.extend([prefix.as_str(), line, "\n"]);
            }
        });
        // One write, so that connections do not tear each other's lines apart. That nobody reads it is no reason to
        // stop.
        let _ = io::stderr().lock().write_all(told.as_bytes());
    })
}
