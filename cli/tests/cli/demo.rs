//! `pellucid demo`: it runs anywhere, teaches everything it promises, and ends.
//!
//! Not for: its wording.

use std::process::Stdio;

use crate::run::{pellucid, printed, run};

#[test]
fn everything_is_shown_and_explained_once() {
    let shown = printed(&run(&["demo"]));
    let lessons = [
        "A client begins with 24 fixed octets",
        "Each side says what it allows",
        "The acknowledgment tells",
        "A request is a HEADERS frame",
        "The response comes on the stream",
        "Content travels in DATA frames",
        "Flow control: a receiver grants",
        "HPACK (RFC 7541): both sides kept",
        "Priorities are a field",
        "No END_STREAM: this request has",
        "This stream's window is used up",
        "The client has used what it got",
        "Interleaved: frames of two responses",
        "Answered before an older request",
        "The urgent response leaves ahead",
        "An error status ends its stream",
        "Trailers: fields behind the content",
        "GOAWAY: no new streams",
    ];
    for lesson in lessons {
        assert_eq!(shown.matches(lesson).count(), 1, "{lesson}\n{shown}");
    }
    assert!(shown.contains("9 requests shared one connection, 7 of them at the same time"), "{shown}");
    assert!(shown.contains("trailers checksum: sum="), "{shown}");
    assert!(!shown.contains('\x1b'), "colours are for terminals");
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = pellucid(&["demo"]).stdout(Stdio::from(writer)).output().expect("the program was built");
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}
