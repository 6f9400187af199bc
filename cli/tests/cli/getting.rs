//! `pellucid get`: many URLs, bodies in order, files, uploads, frames, and what is cut short.
//!
//! Not for: connections that cannot be made; those are in `complaints`.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use pellucid_frame::{End, ErrorCode};

use crate::peer::{FIRST, Peer, Words};
use crate::run::{Serving, arg, complaint, folder, octets, pellucid, printed, run, signal, text};

#[test]
fn bodies_come_in_the_order_of_the_urls_on_one_connection() {
    let folder = folder("getting_order");
    // Together far more than any window: the first must not starve behind those that wait.
    let contents: Vec<Vec<u8>> = (0..8_u16).map(|n| octets(1_500_000 + usize::from(n), 1000 + u32::from(n))).collect();
    for (n, content) in contents.iter().enumerate() {
        fs::write(folder.join(n.to_string()), content).expect("a file");
    }
    let server = Serving::start(&[arg(&folder)]);
    let urls: Vec<String> = (0..8).map(|n| server.url(&format!("/{n}"))).collect();
    let args: Vec<&str> = ["get"].into_iter().chain(urls.iter().map(String::as_str)).collect();
    let output = run(&args);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
    assert!(output.stdout == contents.concat());
    assert_eq!(server.leave().1, "served 8 requests on 1 connection\n");
}

#[test]
fn each_origin_has_a_connection_of_its_own() {
    let (one, two) = (Serving::start(&["--bytes", "1"]), Serving::start(&["--bytes", "2"]));
    let output = run(&["get", "-v", &one.url("/"), &two.url("/"), &one.url("/")]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), "....".to_owned()));
    let prefix = one.origin.strip_prefix("http://").expect("clear text");
    assert!(text(&output.stderr).contains(&format!("{prefix} -> HEADERS stream 3")));
    assert_eq!(one.leave().1, "served 2 requests on 1 connection\n");
    assert_eq!(two.leave().1, "served 1 request on 1 connection\n");
}

#[test]
fn files_take_the_bodies_of_the_first_urls() {
    let folder = folder("getting_files");
    let (first, second) = (folder.join("first"), folder.join("second"));
    let server = Serving::start(&["--bytes", "200k"]);
    let url = server.url("/");
    let shown = printed(&run(&["get", &url, &url, &url, "-o", arg(&first), "-o", arg(&second)]));
    assert_eq!(shown.len(), 200 << 10);
    for file in [first, second] {
        assert!(fs::read(file).expect("it was written") == shown.as_bytes());
    }
    assert!(complaint(&run(&["get", &url, "-o", "/no/such/folder/x"]), 1).contains("/no/such/folder/x: "));
    complaint(&run(&["get", &url, "-o", "a", "-o", "b"]), 2);
}

#[test]
fn content_is_sent_from_text_files_and_standard_input() {
    let folder = folder("getting_content");
    let (file, content) = (folder.join("content"), octets(700_000, 3));
    fs::write(&file, &content).expect("a file");
    let server = Serving::start(&["--echo", "-v"]);
    let url = server.url("/");
    assert_eq!(printed(&run(&["get", "-d", "text", &url])), "text");
    let from_file = format!("@{}", arg(&file));
    assert!(run(&["get", "-d", &from_file, "-X", "PUT", &url]).stdout == content);

    let mut child = pellucid(&["get", "-d", "@-", &url]).stdin(Stdio::piped()).spawn().expect("the program was built");
    let mut stdin = child.stdin.take().expect("it is piped");
    let typed = content.clone();
    let typing = std::thread::spawn(move || stdin.write_all(&typed));
    assert!(child.wait_with_output().expect("it ends").stdout == content);
    typing.join().expect("nothing to panic at").expect("all of it is read");

    let (_, _, told) = server.leave();
    for line in ["POST /: 200, 4 octets", "PUT /: 200, 700000 octets", "POST /: 200, 700000 octets"] {
        assert!(told.contains(line), "{told}");
    }
    assert!(complaint(&run(&["get", "-d", "@/no/such/file", &url]), 1).contains("/no/such/file: "));
    complaint(&run(&["get", "-d", "@-", &url, &url]), 2);
}

#[test]
fn frames_are_shown_with_their_fields() {
    let server = Serving::start(&["--bytes", "5"]);
    let output = run(&["get", "-v", "-H", "X-One: 1", "-H", "authorization: secret", &server.url("/path")]);
    let told = text(&output.stderr);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), ".....".to_owned()), "{told}");
    let lines = [
        "-> preface",
        "-> HEADERS stream 1 END_STREAM END_HEADERS",
        "    :path: /path  [",
        "    x-one: 1  [",
        "    authorization: <redacted, 6 octets>  [",
        "<- SETTINGS stream 0 ACK",
        "    content-length: 5  [",
        "<- DATA stream 1 END_STREAM, 5 octets",
        "-> GOAWAY stream 0",
    ];
    for line in lines {
        assert!(told.lines().any(|told| told.starts_with(line)), "{line}\n{told}");
    }
}

#[test]
fn trailers_are_shown_on_a_line_of_their_own() {
    let words = Words::new().headers(&[(":status", "200")], End::More).data("content", End::More);
    let peer = Peer::saying(words.headers(&[("checksum", "fine")], End::Last).octets());
    let output = run(&["get", "-v", &format!("http://{}/", peer.address)]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), "content".to_owned()));
    assert!(text(&output.stderr).lines().any(|line| line.trim_start().starts_with("checksum: fine  [")));
    peer.done();
}

#[test]
fn an_error_status_fails_only_on_request() {
    let folder = folder("getting_status");
    fs::write(folder.join("there"), "there").expect("a file");
    let server = Serving::start(&[arg(&folder)]);
    let (missing, there) = (server.url("/missing"), server.url("/there"));
    assert_eq!(printed(&run(&["get", &missing])), "404 not found\n");
    assert!(complaint(&run(&["get", "-f", &missing]), 1).contains("HTTP status 404"));
    let both = run(&["get", "-f", &missing, &there]);
    assert_eq!((both.status.code(), text(&both.stdout)), (Some(1), "there".to_owned()));
}

#[test]
fn what_is_cut_short_fails() {
    let begun = || Words::new().headers(&[(":status", "200"), ("content-length", "10")], End::More);
    let table = [
        ("content-length", begun().data("short", End::Last)),
        ("INTERNAL_ERROR", begun().data("short", End::More).reset(ErrorCode::INTERNAL_ERROR)),
        ("closed the connection before the response was complete", begun().data("short", End::More)),
        ("REFUSED_STREAM", Words::new().reset(ErrorCode::REFUSED_STREAM)),
        ("closed the connection before the response was complete", Words::new()),
    ];
    for (why, words) in table {
        let peer = Peer::saying(words.octets());
        let output = run(&["get", &format!("http://{}/", peer.address)]);
        let told = text(&output.stderr);
        assert_eq!((output.status.code(), told.lines().count()), (Some(1), 1), "{why}: {told}");
        assert!(told.contains(why), "{why}: {told}");
        peer.done();
    }
}

#[test]
fn every_request_is_told_what_ended_the_connection() {
    let peer = Peer::saying(Words::one_at_a_time().nothing_more().octets());
    let url = format!("http://{}/", peer.address);
    let output = run(&["get", &url, &url, &url]);
    let told = text(&output.stderr);
    assert_eq!((output.status.code(), told.lines().count()), (Some(1), 3), "{told}");
    assert!(told.lines().all(|line| line.contains("PROTOCOL_ERROR")), "{told}");
    peer.done();
}

/// nginx does this after a thousand requests, by default.
#[test]
fn what_a_leaving_server_has_not_touched_is_asked_again() {
    let answer = |content| Words::new().headers(&[(":status", "200")], End::More).data(content, End::Last);
    let peer = Peer::saying_in_turn(vec![answer("one ").goaway(FIRST).octets(), answer("two").octets()]);
    let url = format!("http://{}/", peer.address);
    assert_eq!(printed(&run(&["get", &url, &url])), "one two");
    peer.done();
}

#[test]
fn an_interrupted_request_ends_with_130() {
    let peer = Peer::silent();
    let child = pellucid(&["get", &format!("http://{}/", peer.address)]).spawn().expect("the program was built");
    peer.heard.recv().expect("the request is on its way");
    signal(&child, "INT");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(complaint(&output, 130), "pellucid: interrupted\n");
    peer.done();
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let server = Serving::start(&["--bytes", "10m"]);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = pellucid(&["get", &server.url("/")]).stdout(writer).output().expect("the program was built");
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
    assert_eq!(server.leave().0, Some(0));
}
