//! One representation of a field block as a line: the field, how it was coded, what it did to the table (RFC 7541 §6).

use std::fmt::{self, Write};

use pellucid_hpack::{Coding, Indexing, NameCoding, StringCoding};

use super::{INDENT, Secrets, Visible, plural};
use crate::tap::record::{Coded, Step};

pub(super) fn write_step(out: &mut String, step: &Step, secrets: Secrets) -> fmt::Result {
    match &step.coded {
        Coded::SizeUpdate(max_size) => write!(out, "{INDENT}(table size update: at most {max_size} octets")?,
        Coded::Field { name, value, sensitive, representation } => {
            write!(out, "{INDENT}{}: ", Visible(name))?;
            let is_hidden = secrets == Secrets::Redacted && (*sensitive || is_secret(name));
            write_value(out, value, if is_hidden { Secrets::Redacted } else { Secrets::Shown })?;
            write_coding(out, representation.coding)?;
        }
        Coded::Unknown { value: None, representation } => {
            write!(out, "{INDENT}(a field from before)")?;
            write_coding(out, representation.coding)?;
        }
        Coded::Unknown { value: Some(value), representation } => {
            write!(out, "{INDENT}(a name from before): ")?;
            // Nobody can tell whether it is a cookie.
            write_value(out, value, secrets)?;
            write_coding(out, representation.coding)?;
        }
    }
    write_change(out, step)?;
    match step.coded {
        Coded::SizeUpdate(_) => writeln!(out, ")"),
        Coded::Field { .. } | Coded::Unknown { .. } => writeln!(out, "]"),
    }
}

fn write_value(out: &mut String, value: &[u8], secrets: Secrets) -> fmt::Result {
    match secrets {
        Secrets::Redacted => {
            write!(out, "<redacted, {} {}>", value.len(), plural(value.len() as u64, "octet", "octets"))
        }
        Secrets::Shown => write!(out, "{}", Visible(value)),
    }
}

fn write_coding(out: &mut String, coding: Coding) -> fmt::Result {
    write!(out, "  [")?;
    let (indexing, name, value) = match coding {
        Coding::Indexed { index } => return write!(out, "indexed {index}, {}", table_of(index)),
        Coding::Literal { indexing, name, value } => (indexing, name, value),
    };
    out.write_str(match indexing {
        Indexing::Incremental => "literal, added to the table",
        Indexing::Without => "literal, not added",
        Indexing::Never => "literal, never indexed",
    })?;
    match name {
        NameCoding::Indexed { index } => write!(out, "; name {index}, {}", table_of(index))?,
        NameCoding::Literal(coding) => write!(out, "; name {}", string(coding))?,
    }
    write!(out, "; value {}", string(value))
}

fn write_change(out: &mut String, step: &Step) -> fmt::Result {
    if step.added {
        write!(out, "; now {NEWEST}")?;
    } else if asks_to_be_added(&step.coded) {
        // RFC 7541 §4.4: no error.
        write!(out, "; larger than the table, which is empty now")?;
    }
    for (place, name) in step.evicted.iter().enumerate() {
        write!(out, "{}{}", if place == 0 { "; evicts " } else { ", " }, Visible(name))?;
    }
    Ok(())
}

fn asks_to_be_added(coded: &Coded) -> bool {
    match coded {
        Coded::SizeUpdate(_) => false,
        Coded::Field { representation, .. } | Coded::Unknown { representation, .. } => {
            matches!(representation.coding, Coding::Literal { indexing: Indexing::Incremental, .. })
        }
    }
}

fn table_of(index: u32) -> &'static str {
    if index < NEWEST { "static" } else { "dynamic" }
}

fn string(coding: StringCoding) -> &'static str {
    match coding {
        StringCoding::Raw => "raw",
        StringCoding::Huffman => "Huffman",
    }
}

/// Fields whose values let others act in someone's name (RFC 9110 §11.6.2, §11.7.2, RFC 6265 §4).
fn is_secret(name: &[u8]) -> bool {
    [b"authorization".as_slice(), b"proxy-authorization", b"cookie", b"set-cookie"]
        .iter()
        .any(|secret| name.eq_ignore_ascii_case(secret))
}

/// RFC 7541 §2.3.3: the dynamic table's newest entry, after the static table's 61.
const NEWEST: u32 = 62;
