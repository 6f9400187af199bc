//! The tool on small trees: what it reads, counts and finds.

use std::collections::BTreeMap;

use super::evidence::Evidence;
use super::register::{Id, Register, Section};
use super::text::Text;
use super::{Goal, Task, checks, concerns, report};
use crate::tidy::Find;
use crate::tidy::tree::Tree;

const TEXT: &str = "\
RFC 9999

Abstract

   Nothing here.

Table of Contents

   1. Introduction
   2.1. Twice

1. Introduction

   The key words \"MUST\", “MUST NOT”, \"SHOULD\", and \"SHOULD
   NOT\" are defined elsewhere, and REQUIRED is not one we count.

2. Rules

   It MUST be so, and it MUST
   NOT be otherwise. MUSTARD does not count.

1. not a heading, it comes with no capital in a list of one
2.1. Twice

   It SHOULD (and SHOULD NOT).

Appendix B. Last

   One MUST.
";

const REGISTER: &str = "\
rfc = 9999

[[rule]]
id = \"2-1\"
level = \"MUST\"
binds = \"both\"
rule = \"It is so.\"
place = \"a.rs::keep\"

[[rule]]
id = \"2-2\"
level = \"MUST NOT\"
binds = \"client\"
rule = \"It is not | otherwise.\"
place = [\"a.rs::keep\", \"a.rs::Door::open\"]

[[elsewhere]]
section = \"2.1\"
words = 2
reason = \"advice\"

[[rule]]
id = \"B-1\"
level = \"SHOULD\"
binds = \"application\"
rule = \"One.\"
reason = \"an application's\"
";

const CODE: &str = "\
//! x
struct Door;
impl Door {
    // RFC 9999 §2, §2.1: so.
    fn open(&self) {}
}
fn keep() {}
";

const TESTS: &str = "\
//! x
/// Covers 9999:2-1,
/// 9999:2-2: both, 8888:1-1 is only spoken of
#[test]
fn it_is_so() {}
";

fn section(text: &str) -> Section {
    Section::parse(text).expect("a section")
}

fn finds_of(files: &[(&str, &str)]) -> Vec<String> {
    let tree = Tree::of(files);
    let (registers, mut finds) = Register::read_all(&tree);
    let evidence = Evidence::of(&tree, &mut finds);
    let texts = BTreeMap::from([(9999, Text::parse(TEXT))]);
    finds.extend(checks::all(&tree, &registers, &evidence, &texts));
    finds.sort();
    finds.iter().map(Find::to_string).collect()
}

/// What is found when one text is replaced by another in the register, in the code or in the tests.
fn finds_after(from: &str, to: &str) -> Vec<String> {
    let texts = [REGISTER, CODE, TESTS].map(|text| text.replacen(from, to, 1));
    assert_ne!(texts, [REGISTER, CODE, TESTS], "`{from}` is nowhere");
    let [register, code, tests] = &texts;
    finds_of(&[("docs/rfc/rfc9999.toml", register), ("a.rs", code), ("tests/b.rs", tests)])
}

#[test]
fn key_words_are_counted_by_section() {
    let text = Text::parse(TEXT);
    let counted: Vec<(&str, &[usize])> =
        text.with_key_words().map(|(section, lines)| (section.as_str(), lines)).collect();
    let expected: [(&str, &[usize]); 3] = [("2", &[19, 19]), ("2.1", &[25, 25]), ("B", &[29])];
    assert_eq!(counted, expected);
    assert!(text.has(&section("Abstract")) && !text.has(&section("3")));
}

#[test]
fn sections_are_ordered_as_in_the_text() {
    let mut sections = ["B", "10", "C.2", "9.10", "C.1.1", "9.2", "Abstract", "9", "C"].map(section);
    sections.sort();
    assert_eq!(sections.map(|section| section.to_string()).join(" "), "Abstract 9 9.2 9.10 10 B C C.1.1 C.2");
}

#[test]
fn ids_are_written_one_way() {
    for id in ["5.1.1-3", "B-1", "C.2-12", "Abstract-1"] {
        assert_eq!(Id::parse(id).map(|id| id.to_string()).as_deref(), Some(id));
    }
    for wrong in
        ["5.1.1", "5.1-", "5.1-0", "5.01-1", "-1", "5.-1", ".5-1", "5.1-1a", "BB-1", "5.B-1", "Preface-1", "5.1-+1"]
    {
        assert_eq!(Id::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn a_complete_register_is_fine() {
    assert_eq!(finds_after("x", "y"), [""; 0], "another word in a comment");
}

// tidy: table
#[test]
fn every_fault_is_found_on_its_line() {
    let register = "docs/rfc/rfc9999.toml";
    let cases = [
        ("id = \"2-2\"", "id = \"2-3\"", format!("{register}:11: `2-3` should be `2-2`")),
        ("id = \"2-2\"", "id = \"two\"", format!("{register}:11: `two`: write the id")),
        ("id = \"2-1\"", "id = \"B-1\"", format!("{register}:11: `2-2` is behind a later section")),
        ("id = \"B-1\"", "id = \"D-1\"", format!("{register}:23: the RFC has no section D")),
        ("section = \"2.1\"", "section = \"two\"", format!("{register}:18: `two` is no section")),
        ("section = \"2.1\"", "section = \"2.2\"", format!("{register}:18: the RFC has no section 2.2")),
        (
            "words = 2",
            "words = 1",
            format!("{register}:18: RFC 9999 §2.1: 2 key words in the text (lines 25 25), 1 acc"),
        ),
        ("words = 2\n", "", format!("{register}:17: missing field `words`")),
        ("reason = \"advice\"", "reason = \" \"", format!("{register}:18: no reason")),
        ("level = \"MUST\"", "level = \"MAY\"", format!("{register}:4: `MAY` is no level")),
        ("binds = \"both\"", "binds = \"all\"", format!("{register}:4: `all` is no binds")),
        ("\"It is so.\"", "\"\"", format!("{register}:4: the rule is not said")),
        ("rule = \"It is so.\"", "rule = 1", format!("{register}:7: invalid type")),
        ("words", "word", format!("{register}:19: unknown field `word`")),
        ("a.rs::keep", "a.rs::lose", format!("{register}:4: place `a.rs::lose`: the file does not define `lose`")),
        ("a.rs::keep", "c.rs::keep", format!("{register}:4: place `c.rs::keep`: there is no such file")),
        ("a.rs::keep", "a.rs", format!("{register}:4: place `a.rs`: write it as in")),
        ("place = \"a.rs::keep\"\n", "", format!("{register}:4: `9999:2-1` has no place")),
        ("reason = \"an app", "words = 1 # ", format!("{register}:23: `9999:B-1` has neither a test")),
        ("place = \"a", "reason = \"r\"\nplace = \"a", format!("{register}:4: `9999:2-1` has tests and a reason")),
        ("an application's", "", format!("{register}:23: an empty reason")),
        ("Covers 9999:2-1,", "Covers 9999:2,", "tests/b.rs:2: `9999:2`: name a rule".to_owned()),
        ("Covers 9999:2-1,", "Covers 9999:2-7,", "tests/b.rs:2: `9999:2-7`: no register".to_owned()),
        ("Covers 9999:2-1,", "Covers 8888:2-1,", "tests/b.rs:2: `8888:2-1`: no register".to_owned()),
        ("#[test]\n", "", "tests/b.rs:2: `Covers` stands above no test".to_owned()),
        ("#[test]\n", "struct X;\n#[test]\n", "tests/b.rs:2: `Covers` stands above no test".to_owned()),
        ("§2.1: so", "§2.7: so", "a.rs:4: RFC 9999 has no §2.7".to_owned()),
    ];
    for (from, to, expected) in cases {
        let finds = finds_after(from, to);
        assert!(finds.iter().any(|find| find.starts_with(&expected)), "`{from}` to `{to}`: {finds:#?}");
    }
}

#[test]
fn a_section_without_any_entry_is_incomplete() {
    let finds = finds_of(&[("docs/rfc/rfc9999.toml", "rfc = 9999\n")]);
    assert_eq!(finds.len(), 3, "{finds:#?}");
    let file = "docs/rfc/rfc9999.toml:1: RFC 9999";
    let sections = ["§2.1: 2 key words", "§2: 2 key words", "§B: 1 key words"];
    assert!(finds.iter().zip(sections).all(|(find, section)| find.starts_with(&format!("{file} {section}"))));
}

#[test]
fn files_of_one_rfc_are_read_one_behind_the_other() {
    let (first, second) = REGISTER.split_once("[[elsewhere]]").expect("both halves");
    let second = format!("rfc = 9999\n[[elsewhere]]{second}");
    let code = [("a.rs", CODE), ("tests/b.rs", TESTS)];
    let files = [("docs/rfc/rfc9999-a.toml", first), ("docs/rfc/rfc9999-b.toml", second.as_str())];
    assert_eq!(finds_of(&[files[0], files[1], code[0], code[1]]), [""; 0]);
}

#[test]
fn the_document_names_places_tests_and_reasons() {
    let tree = Tree::of(&[("docs/rfc/rfc9999.toml", REGISTER), ("a.rs", CODE), ("tests/b.rs", TESTS)]);
    let (registers, mut finds) = Register::read_all(&tree);
    let document = report::write(&registers, &Evidence::of(&tree, &mut finds));
    for line in [
        "| [9999](#rfc-9999), an RFC without a name in xtask | 3 | 2 | 1 | 2 |",
        "### RFC 9999 §2",
        "[text](https://www.rfc-editor.org/rfc/rfc9999#section-2); cited in `a.rs`",
        "### RFC 9999, set aside",
        "| [§2.1](https://www.rfc-editor.org/rfc/rfc9999#section-2.1) | 2 | advice |",
        "| 2-1 | MUST | both | It is so. | `a.rs::keep` | `tests/b.rs::it_is_so` |",
        "| 2-2 | MUST NOT | client | It is not \\| otherwise. | `a.rs::keep`<br>`a.rs::Door::open` | `tests/b.rs::it_is_so` |",
        "[text](https://www.rfc-editor.org/rfc/rfc9999#appendix-B)",
        "| B-1 | SHOULD | application | One. |  | an application's |",
    ] {
        assert!(document.lines().any(|written| written == line), "{line}\nin\n{document}");
    }
}

#[test]
fn arguments_say_what_to_do_and_for_which_rfc() {
    let parse = |args: &[&str]| Task::parse(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>());
    assert_eq!(parse(&[]), Ok(Task { goal: Goal::Write, only: None }));
    assert_eq!(parse(&["--check", "--only", "9113"]), Ok(Task { goal: Goal::Check, only: Some(9113) }));
    for wrong in [&["--only"][..], &["--only", "x"], &["--only", "99999999"], &["check"]] {
        assert!(parse(wrong).is_err(), "{wrong:?}");
    }
    let find = |path, what: &str| Find::new(path, 1, what);
    assert!(concerns(&find("docs/rfc/rfc9113-a.toml", "x"), 9113) && concerns(&find("a.rs", "`9113:5.1-7`: x"), 9113));
    assert!(!concerns(&find("docs/rfc/rfc9110.toml", "x"), 9113) && !concerns(&find("a.rs", "`9110:5.1-7`: x"), 9113));
}
