//! What a file may look like: sizes, its opening, words that do not belong, paths of one machine.
//! Not for: the rules between crates (`crates`) and of documents (`docs`).

use super::Find;
use super::source::{Source, Span, Token};
use super::tree::{File, Tree};

/// No file is longer than 500 lines, its test module not counted.
pub(super) fn file_lengths(tree: &Tree) -> Vec<Find> {
    let too_long = |(file, source): (&File, &Source)| {
        let tests: usize = source.test_modules.iter().map(Span::lines).sum();
        let lines = file.text.lines().count() - tests;
        let what = format!("{lines} lines without tests; split the file by concern, {MAX_FILE_LINES} is the limit");
        (lines > MAX_FILE_LINES).then(|| Find::new(&file.path, MAX_FILE_LINES + 1, what))
    };
    tree.sources().filter_map(too_long).collect()
}

/// No function is longer than 70 lines, from `fn` to its last brace. A flat table may be, under its marker comment.
pub(super) fn function_lengths(tree: &Tree) -> Vec<Find> {
    let mut finds = Vec::new();
    for (file, source) in tree.sources() {
        for function in source.functions.iter().filter(|function| function.lines() > MAX_FUNCTION_LINES) {
            if is_marked_as_table(&file.text, function.first) {
                continue;
            }
            let (name, lines) = (&function.name, function.lines());
            let what = format!("`{name}` has {lines} lines; split it, {MAX_FUNCTION_LINES} is the limit");
            finds.push(Find::new(&file.path, function.first, what));
        }
    }
    finds
}

/// Whether the line above the function, or above its attributes and documentation, is the marker.
fn is_marked_as_table(text: &str, function_line: usize) -> bool {
    let above: Vec<&str> = text.lines().take(function_line - 1).map(str::trim).collect();
    let first_other = above.iter().rev().find(|line| !line.starts_with("#[") && !line.starts_with("///"));
    first_other.is_some_and(|line| *line == "// tidy: table")
}

/// Every file says at its top what it is for.
pub(super) fn file_openings(tree: &Tree) -> Vec<Find> {
    let what = "the file does not open with `//!`; say what it is for, and what it is not for";
    let unopened = tree.sources().filter(|(file, _)| !file.text.starts_with("//!"));
    unopened.map(|(file, _)| Find::new(&file.path, 1, what)).collect()
}

/// Words of code that are banned everywhere, or in tests, or without a reason.
pub(super) fn words_in_code(tree: &Tree) -> Vec<Find> {
    let mut finds = Vec::new();
    for (file, source) in tree.sources() {
        let tokens = source.tokens();
        let rests = (0..tokens.len()).filter_map(|at| tokens.get(at..));
        for (rest, first) in rests.filter_map(|rest| Some((rest, rest.first()?))) {
            let in_test = || file.is_test() || source.test_modules.iter().any(|module| module.contains(first.line));
            let banned = BANNED.iter().find(|banned| starts_with(rest, banned.tokens));
            let is_found = |banned: &&Banned| match banned.place {
                Place::Everywhere => true,
                Place::Tests => in_test(),
                Place::WithoutReason => !has_reason(rest),
            };
            finds.extend(banned.filter(is_found).map(|banned| Find::new(&file.path, first.line, banned.what)));
        }
    }
    finds
}

fn starts_with(tokens: &[Token<'_>], wanted: &[&str]) -> bool {
    tokens.len() >= wanted.len() && tokens.iter().zip(wanted).all(|(token, wanted)| token.text == *wanted)
}

/// Whether the attribute that `tokens` begin says why.
fn has_reason(tokens: &[Token<'_>]) -> bool {
    tokens.iter().take_while(|token| token.text != "]").any(|token| token.text == "reason")
}

/// Marks of unfinished work, in comments and in every text that is not Rust.
pub(super) fn words_in_comments(tree: &Tree) -> Vec<Find> {
    let mut finds = Vec::new();
    for file in &tree.files {
        let text = file.source.as_ref().map_or(&file.text, |source| &source.comments);
        for (number, line) in numbered(text) {
            let mut words = line.split(|character: char| !character.is_alphanumeric());
            if let Some(word) = words.find(|word| UNFINISHED.contains(word)) {
                let what = format!("`{word}`; finish it, or open an issue and say here what is so");
                finds.push(Find::new(&file.path, number, what));
            }
        }
    }
    finds
}

/// Absolute paths that exist on one machine only.
pub(super) fn machine_paths(tree: &Tree) -> Vec<Find> {
    let mut finds = Vec::new();
    for file in &tree.files {
        for (number, line) in numbered(&file.text) {
            if let Some(path) = MACHINE_PATHS.iter().find(|path| holds_path(line, path)) {
                let what =
                    format!("`{path}` exists on one machine only; name it relative to the project or by variable");
                finds.push(Find::new(&file.path, number, what));
            }
        }
    }
    finds
}

/// Whether `line` names `path` as an absolute path: not `…/path` inside a longer one, not the start of a longer word.
fn holds_path(line: &str, path: &str) -> bool {
    let is_inside = |character: char| character.is_alphanumeric() || "_-.}".contains(character);
    line.match_indices(path).any(|(at, _)| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        let after = line.get(at + path.len()..).and_then(|after| after.chars().next());
        !before.is_some_and(is_inside) && !after.is_some_and(|after| after.is_alphanumeric() || after == '_')
    })
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line))
}

const MAX_FILE_LINES: usize = 500;
const MAX_FUNCTION_LINES: usize = 70;

/// Tokens that must not follow each other in code.
struct Banned {
    tokens: &'static [&'static str],
    place: Place,
    what: &'static str,
}

#[derive(Clone, Copy)]
enum Place {
    Everywhere,
    Tests,
    WithoutReason,
}

impl Banned {
    const fn new(tokens: &'static [&'static str], place: Place, what: &'static str) -> Self {
        Self { tokens, place, what }
    }
}

const BANNED: &[Banned] = &[
    Banned::new(&["todo", "!"], Place::Everywhere, "`todo!`; write it, or leave the function out"),
    Banned::new(&["unimplemented", "!"], Place::Everywhere, "`unimplemented!`; write it, or leave the function out"),
    Banned::new(&["dbg", "!"], Place::Everywhere, "`dbg!`; remove it"),
    Banned::new(&["#", "[", "ignore"], Place::Everywhere, "an ignored test; make it pass, or remove it"),
    Banned::new(&["#", "[", "should_panic"], Place::Everywhere, "`should_panic`; test the error that is returned"),
    Banned::new(&["unsafe"], Place::Everywhere, "`unsafe`; find the safe way, there is no exception"),
    Banned::new(
        &["thread", ":", ":", "sleep"],
        Place::Tests,
        "a test that sleeps; wait for the event, or pass the time in",
    ),
    Banned::new(&["#", "[", "allow", "("], Place::WithoutReason, "`allow` without a reason; add `reason = \"…\"`"),
    Banned::new(&["#", "!", "[", "allow", "("], Place::WithoutReason, "`allow` without a reason; add `reason = \"…\"`"),
];

const UNFINISHED: &[&str] = &["TODO", "FIXME", "XXX"];

/// In two halves each, so that this file does not hold what it looks for.
const MACHINE_PATHS: &[&str] =
    &[concat!("/", "work"), concat!("/", "root"), concat!("/", "home"), concat!("/tmp/", "target")];

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(finds: &[Find]) -> Vec<usize> {
        finds.iter().map(|find| find.line).collect()
    }

    fn in_file(check: fn(&Tree) -> Vec<Find>, path: &str, text: &str) -> Vec<usize> {
        lines(&check(&Tree::of(&[(path, text)])))
    }

    #[test]
    fn a_file_may_have_five_hundred_lines_and_any_number_of_tests() {
        let tests = "#[cfg(test)]\nmod tests {\n    // test\n}\n";
        let full = "//! x\n".repeat(500);
        assert!(in_file(file_lengths, "a.rs", &full).is_empty());
        assert!(in_file(file_lengths, "a.rs", &format!("{full}{tests}")).is_empty());
        assert_eq!(in_file(file_lengths, "a.rs", &format!("{full}{tests}// 501\n")), [501]);
        assert_eq!(in_file(file_lengths, "tests/a.rs", &format!("{full}// 501\n")), [501]);
        assert!(in_file(file_lengths, "a.md", &format!("{full}{full}")).is_empty());
    }

    #[test]
    fn a_function_may_have_seventy_lines() {
        let function = |lines: usize| format!("//! x\nfn f() {{\n{}}}\n", "    x();\n".repeat(lines - 2));
        assert!(in_file(function_lengths, "a.rs", &function(70)).is_empty());
        assert_eq!(in_file(function_lengths, "a.rs", &function(71)), [2]);
        let marked = function(71).replace("fn f", "// tidy: table\n/// Doc.\n#[inline]\nfn f");
        assert!(in_file(function_lengths, "a.rs", &marked).is_empty());
        let apart = function(71).replace("fn f", "// tidy: table\n\nfn f");
        assert_eq!(in_file(function_lengths, "a.rs", &apart), [4]);
    }

    #[test]
    fn a_file_opens_with_its_purpose() {
        assert!(in_file(file_openings, "a.rs", "//! For x.\n").is_empty());
        assert_eq!(in_file(file_openings, "a.rs", "\n//! For x.\n"), [1]);
        assert_eq!(in_file(file_openings, "a.rs", ""), [1]);
    }

    #[test]
    fn banned_words_count_in_code_only() {
        let banned = [
            "todo!()",
            "unimplemented!(\"x\")",
            "dbg!(x)",
            "#[ignore]",
            "#[ignore = \"slow\"]",
            "#[should_panic(expected = \"x\")]",
            "unsafe { x }",
            "#[allow(dead_code)]",
            "#![allow(dead_code)]",
        ];
        for text in banned {
            assert_eq!(in_file(words_in_code, "a.rs", text), [1], "{text}");
            assert!(in_file(words_in_code, "a.rs", &format!("// {text}")).is_empty(), "{text}");
            assert!(in_file(words_in_code, "a.rs", &format!("r#\"{text}\"#")).is_empty(), "{text}");
        }
        let fine = "#[allow(dead_code, reason = \"x\")]\n#![forbid(unsafe_code)]\nlet todo = ignore;";
        assert!(in_file(words_in_code, "a.rs", fine).is_empty());
    }

    #[test]
    fn only_tests_must_not_sleep() {
        let sleep = "std::thread::sleep(x);";
        assert!(in_file(words_in_code, "src/a.rs", sleep).is_empty());
        assert_eq!(in_file(words_in_code, "tests/a.rs", sleep), [1]);
        assert_eq!(in_file(words_in_code, "src/a.rs", &format!("#[cfg(test)]\nmod t {{\n{sleep}\n}}")), [3]);
    }

    #[test]
    fn marks_of_unfinished_work_count_in_comments_and_documents() {
        let text = format!("// {}: later\nlet x = \"{}\";\n", "TODO", "TODO");
        assert_eq!(in_file(words_in_comments, "a.rs", &text), [1]);
        assert_eq!(in_file(words_in_comments, "a.md", &text), [1, 2]);
        assert!(in_file(words_in_comments, "a.md", "a TODOS list, a 4XXX code").is_empty());
    }

    #[test]
    fn absolute_paths_of_a_machine_are_found() {
        for path in MACHINE_PATHS {
            assert_eq!(in_file(machine_paths, "a.md", &format!("see {path}/x")), [1], "{path}");
            assert_eq!(in_file(machine_paths, "a.toml", &format!("\"{path}\"")), [1], "{path}");
            assert!(in_file(machine_paths, "a.md", &format!("see net{path}, ..{path}, {path}er")).is_empty(), "{path}");
        }
    }
}
