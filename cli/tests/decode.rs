//! `pellucid decode` as its users meet it: arguments in, lines and exit codes out.
//!
//! Not for: every kind of frame and rule; the tap has tests of its own.

use std::io::Write;
use std::process::{Command, Output, Stdio};

const GET: &str = "00000101050000000182";

const GET_TOLD: &str = "\
-> HEADERS stream 1 END_STREAM END_HEADERS, 1 octet
    :method: GET  [indexed 2, static]
    (block ends: 1 field, section size 42; table 0 of 4096 octets, 0 entries)
";

fn pellucid(args: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pellucid"));
    command.arg("decode").args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program was built");
    let mut stdin = child.stdin.take().expect("it is piped");
    // A program that does not read its input is no failure of the test.
    let _ = stdin.write_all(input);
    drop(stdin);
    child.wait_with_output().expect("the program ends")
}

fn told(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn complaint(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn hex_text_raw_octets_and_hex_files_tell_the_same() {
    let raw = [0, 0, 1, 1, 5, 0, 0, 0, 1, 0x82];
    assert_eq!(told(&pellucid(&["--from", "client", "--hex", GET], b"")), GET_TOLD);
    assert_eq!(told(&pellucid(&["--from", "client", "--hex", "0x000001 01:05 00000001 82"], b"")), GET_TOLD);
    assert_eq!(told(&pellucid(&["--from", "client", "-"], &raw)), GET_TOLD);
    assert_eq!(told(&pellucid(&["--from", "client", "-"], b"000001 0105 00000001\n82\n")), GET_TOLD);
}

#[test]
fn the_sender_is_told_from_the_first_octets() {
    assert_eq!(told(&pellucid(&["-"], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")), "-> preface, 24 octets\n");
    assert_eq!(told(&pellucid(&["--hex", "000000040000000000"], b"")), "<- SETTINGS stream 0, 0 octets\n");
    let unknown = complaint(&pellucid(&["--hex", GET], b""));
    assert!(unknown.starts_with("pellucid: --hex: ") && unknown.contains("--from client"), "{unknown}");
    let wrong = complaint(&pellucid(&["--from", "server", "-"], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    assert_eq!(wrong.lines().count(), 1, "{wrong}");
}

#[test]
fn a_broken_rule_is_explained_with_its_section() {
    let told = told(&pellucid(&["--from", "client", "--hex", "00000101050000000180 00"], b""));
    assert!(told.contains("COMPRESSION_ERROR\n    index 0 names no field (RFC 7541 §6.1)"), "{told}");
    assert!(told.ends_with("-> (1 octet skipped)\n"), "{told}");
    assert_eq!(told.matches("HEADERS stream 1").count(), 1, "{told}");
}

#[test]
fn what_is_no_http2_is_one_line_and_exit_code_1() {
    let text = b"Lorem ipsum dolor sit amet, ".repeat(5 << 20 >> 5);
    let noise: Vec<u8> = (0..300_u32).map(|n| (n * n * 31 + n * 7 + 101).to_le_bytes()[0]).collect();
    let table: [(&[u8], &str); 6] = [
        (&noise, "not HTTP/2"),
        (&text, "not HTTP/2"),
        (b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n", "HTTP/1.1 text, not HTTP/2 frames"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", "HTTP/1.1 text, not HTTP/2 frames"),
        (&[0, 0, 1, 0xf0, 5, 0, 0, 0, 1, 0x82], "not HTTP/2"),
        (&[0, 0, 2, 1, 5, 0, 0, 0, 1, 0x82], "no whole frame"),
    ];
    for (octets, why) in table {
        for from in [&["-"][..], &["--from", "client", "-"], &["--from", "server", "-"]] {
            let output = pellucid(from, octets);
            let line = complaint(&output);
            assert!(line.starts_with("pellucid: -: ") && line.contains(why) && line.lines().count() == 1, "{line}");
            assert!(output.stdout.is_empty());
        }
    }
}

#[test]
fn a_capture_may_end_in_mid_frame() {
    let told = told(&pellucid(&["--from", "client", "--hex", &format!("{GET} 000005 00 00 00000001 61")], b""));
    assert!(told.starts_with(GET_TOLD) && told.contains("the octets end here"), "{told}");
}

#[test]
fn secrets_are_shown_on_request() {
    let cookie = "000006 01 05 00000001 0f1103 613d62";
    let redacted = told(&pellucid(&["--from", "client", "--hex", cookie], b""));
    assert!(redacted.contains("cookie: <redacted, 3 octets>"), "{redacted}");
    assert!(told(&pellucid(&["--from", "client", "--secrets", "--hex", cookie], b"")).contains("cookie: a=b"));
}

#[test]
fn unreadable_input_is_one_line_and_exit_code_1() {
    let cases: [(&[&str], &str); 4] = [
        (&["--hex", "0g"], "pellucid: --hex: 'g' at character 2 is no hex digit\n"),
        (&["--hex", "000"], "pellucid: --hex: an odd number of hex digits\n"),
        (&["--hex", " "], "pellucid: --hex: no octets to explain\n"),
        (&["-"], "pellucid: -: no octets to explain\n"),
    ];
    for (args, message) in cases {
        assert_eq!(complaint(&pellucid(args, b"")), message);
    }
    let missing = complaint(&pellucid(&["no/such/file"], b""));
    assert!(missing.starts_with("pellucid: no/such/file: ") && missing.lines().count() == 1, "{missing}");
}

#[test]
fn wrong_usage_is_exit_code_2() {
    for args in [&[][..], &["--hex", GET, "file"], &["--from", "nobody", "file"], &["--hexx"]] {
        assert_eq!(pellucid(args, b"").status.code(), Some(2), "{args:?}");
    }
}

/// What is in captures is tested where they are read.
#[test]
fn captures_are_known_by_their_magic() {
    let mut head = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0];
    head.resize(24, 0);
    let refused: [(&[u8], &str); 3] = [
        (&head, "pellucid: -: a capture without packets\n"),
        (&head[..9], "pellucid: -: a capture cut off before its first packet\n"),
        (b"\n\r\r\n\x1c\0\0\0nonsense", "pellucid: -: a damaged capture: its head cannot be read\n"),
    ];
    for (octets, why) in refused {
        assert_eq!(complaint(&pellucid(&["-"], octets)), why);
    }
    for (args, octets) in
        [(["--from", "client"], &head[..]), (["--connection", "1"], b"PRI * HTTP/2.0"), (["--connection", "0"], &head)]
    {
        let output = pellucid(&[args[0], args[1], "-"], octets);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
    }
}

/// What `pellucid decode … | head` does: the reader is gone before the first line.
#[test]
fn a_reader_that_leaves_is_no_failure() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = Command::new(env!("CARGO_BIN_EXE_pellucid"));
    command.args(["decode", "--from", "client", "--hex", GET]).stdout(writer).stderr(Stdio::piped());
    let output = command.output().expect("the program was built");
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

#[test]
fn both_sides_of_a_connection_are_laid_together() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (client, server) = (folder.join("client.hex"), folder.join("server.hex"));
    let preface = "505249202a20485454502f322e300d0a0d0a534d0d0a0d0a";
    let request = format!("{preface} 000000 04 00 00000000 {GET}");
    std::fs::write(&client, request).expect("the folder is there");
    let response = "000000 04 00 00000000  000001 01 04 00000001 88  000002 00 01 00000001 6869";
    std::fs::write(&server, response).expect("the folder is there");
    let files = [&server, &client].map(|file| file.to_str().expect("a readable path"));
    let together = told(&pellucid(&files, b""));
    let lines: Vec<&str> = together.lines().filter(|line| line.starts_with(['-', '<'])).collect();
    let expected = [
        "-> preface, 24 octets",
        "-> SETTINGS stream 0, 0 octets",
        "<- SETTINGS stream 0, 0 octets",
        "-> HEADERS stream 1 END_STREAM END_HEADERS, 1 octet",
        "<- HEADERS stream 1 END_HEADERS, 1 octet",
        "<- DATA stream 1 END_STREAM, 2 octets",
    ];
    assert_eq!(lines, expected);
    let windows = "2 octets of content; the server may still send 65533 on the stream, 65533 on the connection";
    assert!(together.contains(windows), "{together}");

    let apart = told(&pellucid(&["--from", "client", files[1], files[1]], b""));
    assert_eq!(apart.matches("client.hex:\n-> preface").count(), 2, "{apart}");
}
