//! Whether to colour what is printed.

use std::io::IsTerminal;

/// A terminal is there, and its user has not said otherwise (<https://no-color.org>).
pub(crate) fn is_wanted(out: &impl IsTerminal) -> bool {
    out.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
