//! Whether to colour what is printed.
//!
//! Not for: which colours; who prints chooses them.

use std::env::var_os;
use std::ffi::OsStr;
use std::io::IsTerminal;

/// A terminal is there that understands colours, and its user has not said otherwise (<https://no-color.org>).
pub(crate) fn is_wanted(out: &impl IsTerminal) -> bool {
    out.is_terminal() && is_allowed(var_os("NO_COLOR").as_deref(), var_os("TERM").as_deref())
}

fn is_allowed(no_color: Option<&OsStr>, term: Option<&OsStr>) -> bool {
    no_color.is_none_or(OsStr::is_empty) && term != Some(OsStr::new("dumb"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_switches_colours_off() {
        let table = [
            (None, None, true),
            (None, Some("xterm"), true),
            (Some(""), Some("xterm"), true),
            (Some("0"), Some("xterm"), false),
            (Some("1"), None, false),
            (None, Some("dumb"), false),
            (Some(""), Some("dumb"), false),
        ];
        for (no_color, term, expected) in table {
            assert_eq!(is_allowed(no_color.map(OsStr::new), term.map(OsStr::new)), expected, "{no_color:?} {term:?}");
        }
    }
}
