//! `xtask/peers/na.toml`: the cells that cannot be, each with its reason.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::super::servers::Transport;
use super::cell::Cell;
use super::row::{ROWS, Row};

/// Some cells of one row, and why they are empty.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NotApplicable {
    row: String,
    /// Both, where none is named.
    transport: Option<String>,
    cells: Vec<String>,
    pub(super) reason: String,
    /// Whether the cells are run all the same, to notice when they begin to pass. Not those whose outcome is a matter of luck.
    #[serde(default = "yes", rename = "tried")]
    pub(super) is_tried: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    na: Vec<NotApplicable>,
}

impl NotApplicable {
    pub(super) fn covers(&self, row: &Row, transport: Transport, cell: Cell) -> bool {
        self.row == row.title()
            && self.transport.as_deref().is_none_or(|named| named == transport.name())
            && self.cells.iter().any(|name| name == cell.name())
    }
}

/// Reads the list; an entry that covers nothing is an error.
pub(super) fn read(root: &Path) -> Result<Vec<NotApplicable>, String> {
    let path = root.join("xtask/peers/na.toml");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    parse(&text).map_err(|error| format!("{}: {error}", path.display()))
}

fn parse(text: &str) -> Result<Vec<NotApplicable>, String> {
    let list: List = toml::from_str(text).map_err(|error| error.to_string())?;
    for entry in &list.na {
        if entry.reason.trim().is_empty() {
            return Err(format!("{}: no reason", entry.row));
        }
        let covers = |name: &String| {
            let alone = NotApplicable {
                row: entry.row.clone(),
                transport: entry.transport.clone(),
                cells: vec![name.clone()],
                reason: String::new(),
                is_tried: true,
            };
            ROWS.iter()
                .any(|row| row.transports.iter().any(|&t| Cell::ALL.into_iter().any(|cell| alone.covers(row, t, cell))))
        };
        if let Some(name) = entry.cells.iter().find(|name| !covers(name)) {
            return Err(format!("there is no cell `{name}` of `{}`", entry.row));
        }
    }
    Ok(list.na)
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_needs_a_reason_and_a_cell_that_exists() {
        let entry = |row: &str, cell: &str, reason: &str| {
            parse(&format!("[[na]]\nrow = \"{row}\"\ncells = [\"{cell}\"]\nreason = \"{reason}\"\n"))
        };
        assert!(entry("curl → ours", "sent-trailers", "because").is_ok());
        assert!(entry("curl → ours", "sent-trailers", " ").is_err());
        assert!(entry("curl → ours", "no-such-cell", "because").is_err());
        assert!(entry("nobody", "get", "because").is_err());
    }

    #[test]
    fn an_entry_for_one_transport_leaves_the_other() {
        let text = "[[na]]\nrow = \"curl → ours\"\ntransport = \"TLS\"\ncells = [\"get\"]\nreason = \"x\"\n";
        let list = parse(text).expect("well formed");
        let row = ROWS.iter().find(|row| row.title() == "curl → ours").expect("a row");
        assert!(list[0].covers(row, Transport::Tls, Cell::Get));
        assert!(!list[0].covers(row, Transport::Cleartext, Cell::Get));
    }
}
