//! Rust text taken apart: code on one side, comments on the other, literals on neither.
//! Not for: understanding Rust. It knows just enough to count braces and find words where they mean something.
//!
//! 1. [`Splitter`] walks the text once. Each character goes to `code` or to `comments` and leaves a space in the other;
//!    the contents of strings and characters leave spaces in both. Newlines stay in both, so lines keep their numbers.
//! 2. [`Source::tokens`] cuts the code into words and single marks. Brackets in what remains are always balanced.
//! 3. Functions and test modules are found by their first words and end where their brackets close.

/// A Rust file, taken apart.
pub(crate) struct Source {
    /// The text without comments and literals.
    pub(crate) code: String,
    /// Only the comments.
    pub(crate) comments: String,
    /// Functions with a body, in the order in which they begin.
    pub(crate) functions: Vec<Span>,
    /// Modules under `#[cfg(test)]` that are written out in the file.
    pub(crate) test_modules: Vec<Span>,
}

/// Something with a first and a last line, both counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) name: String,
    pub(crate) first: usize,
    pub(crate) last: usize,
}

impl Span {
    pub(crate) fn lines(&self) -> usize {
        self.last + 1 - self.first
    }

    pub(crate) fn contains(&self, line: usize) -> bool {
        (self.first..=self.last).contains(&line)
    }
}

impl Source {
    pub(crate) fn new(text: &str) -> Self {
        let Splitter { code, comments, .. } = Splitter::run(text);
        let tokens = tokens(&code);
        let functions = functions(&tokens);
        let test_modules = test_modules(&tokens);
        Self { code, comments, functions, test_modules }
    }

    /// The words and marks of the code.
    pub(crate) fn tokens(&self) -> Vec<Token<'_>> {
        tokens(&self.code)
    }
}

/// A word (letters, digits, `_`) or a single other character, and the line it is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) text: &'a str,
    pub(crate) line: usize,
}

/// Where a piece of text belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Code,
    Comment,
    Literal,
}

struct Splitter<'a> {
    rest: &'a str,
    code: String,
    comments: String,
}

impl<'a> Splitter<'a> {
    fn run(text: &'a str) -> Self {
        let mut splitter = Self { rest: text, code: String::new(), comments: String::new() };
        while !splitter.rest.is_empty() {
            let (length, part) = splitter.next_piece();
            splitter.take(length, part);
        }
        splitter
    }

    /// How many octets from here belong together, and where.
    fn next_piece(&self) -> (usize, Part) {
        let rest = self.rest;
        if rest.starts_with("//") {
            return (rest.find('\n').unwrap_or(rest.len()), Part::Comment);
        }
        if rest.starts_with("/*") {
            return (block_comment_length(rest), Part::Comment);
        }
        if let Some(length) = raw_string_length(rest).filter(|_| !self.code.ends_with(is_word)) {
            return (length, Part::Literal);
        }
        match rest.chars().next() {
            Some('"') => (string_length(rest), Part::Literal),
            Some('\'') => character_length(rest).map_or((1, Part::Code), |length| (length, Part::Literal)),
            first => (first.map_or(1, char::len_utf8), Part::Code),
        }
    }

    fn take(&mut self, length: usize, part: Part) {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        for character in taken.chars() {
            let shown = |in_part| if in_part || character == '\n' { character } else { ' ' };
            self.code.push(shown(part == Part::Code));
            self.comments.push(shown(part == Part::Comment));
        }
        self.rest = rest;
    }
}

pub(crate) fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// A block comment may hold others. One that never ends takes the rest.
fn block_comment_length(text: &str) -> usize {
    let (mut depth, mut previous) = (0_usize, ' ');
    for (at, character) in text.char_indices() {
        match (previous, character) {
            ('/', '*') => depth += 1,
            ('*', '/') => depth = depth.saturating_sub(1),
            _ => {
                previous = character;
                continue;
            }
        }
        // Used up: the star of an opening is not that of a closing.
        previous = ' ';
        if depth == 0 {
            return at + 1;
        }
    }
    text.len()
}

/// `r"…"`, `br#"…"#` and the like; not the raw identifier `r#type`.
fn raw_string_length(text: &str) -> Option<usize> {
    let after_prefix = ["r", "br", "cr"].iter().find_map(|prefix| text.strip_prefix(prefix))?;
    let after_hashes = after_prefix.trim_start_matches('#');
    let hashes = after_prefix.len() - after_hashes.len();
    let contents = after_hashes.strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let start = text.len() - contents.len();
    Some(contents.find(&end).map_or(text.len(), |at| start + at + end.len()))
}

/// `"…"`, where a backslash takes the next character with it.
fn string_length(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// `'x'` or `'\…'`; `None` for a lifetime, which has no second quote right behind one character.
fn character_length(text: &str) -> Option<usize> {
    let mut characters = text.char_indices().skip(1);
    let (_, first) = characters.next()?;
    if first != '\\' {
        return characters.next().filter(|(_, quote)| *quote == '\'').map(|(at, _)| at + 1);
    }
    characters.next()?;
    characters.find(|(_, character)| *character == '\'').map(|(at, _)| at + 1)
}

fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    for (index, line) in code.split('\n').enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let word = rest.find(|character| !is_word(character)).unwrap_or(rest.len());
            let length = if word == 0 { first.len_utf8() } else { word };
            let (text, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
            tokens.push(Token { text, line: index + 1 });
            rest = after.trim_start();
        }
    }
    tokens
}

/// Every `fn name … { … }`. A function type (`fn(u8)`) has no name, a declaration has no body.
fn functions(tokens: &[Token<'_>]) -> Vec<Span> {
    let mut spans = Vec::new();
    for (index, token) in tokens.iter().enumerate().filter(|(_, token)| token.text == "fn") {
        let after = tokens.get(index + 1..).unwrap_or_default();
        let Some(name) = after.first().filter(|name| name.text.starts_with(is_word)) else {
            continue;
        };
        if let Some(last) = body_end(after) {
            spans.push(Span { name: name.text.to_owned(), first: token.line, last });
        }
    }
    spans
}

/// Every `#[cfg(test)] mod name { … }`, other attributes in between allowed.
fn test_modules(tokens: &[Token<'_>]) -> Vec<Span> {
    const CFG_TEST: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut spans = Vec::new();
    for (index, window) in tokens.windows(CFG_TEST.len()).enumerate() {
        let (Some(first), true) = (window.first(), window.iter().map(|token| token.text).eq(CFG_TEST)) else {
            continue;
        };
        let after = skip_attributes(tokens.get(index + CFG_TEST.len()..).unwrap_or_default());
        let [keyword, name, ..] = after else { continue };
        if let Some(last) = body_end(after).filter(|_| keyword.text == "mod") {
            spans.push(Span { name: name.text.to_owned(), first: first.line, last });
        }
    }
    spans
}

fn skip_attributes<'a, 'b>(mut tokens: &'a [Token<'b>]) -> &'a [Token<'b>] {
    while tokens.first().is_some_and(|token| token.text == "#") {
        let end = tokens.iter().position(|token| token.text == "]").unwrap_or(tokens.len());
        tokens = tokens.get(end + 1..).unwrap_or_default();
    }
    tokens
}

/// The line on which the item that `tokens` begin closes its braces; `None` when a semicolon ends it first.
fn body_end(tokens: &[Token<'_>]) -> Option<usize> {
    let (mut depth, mut in_body, mut previous) = (0_usize, false, "");
    for token in tokens {
        match token.text {
            ";" if depth == 0 => return None,
            "{" => {
                // `Array<{ N }>` in a signature is not the body.
                in_body |= depth == 0 && previous != "<";
                depth += 1;
            }
            "(" | "[" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if in_body && depth == 0 {
            return Some(token.line);
        }
        previous = token.text;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> String {
        let code = Source::new(text).code;
        code.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn spans(spans: &[Span]) -> Vec<(&str, usize, usize)> {
        spans.iter().map(|span| (span.name.as_str(), span.first, span.last)).collect()
    }

    #[test]
    fn literals_and_comments_leave_the_code() {
        let cases = [
            ("a // }\nb", "a b"),
            ("a /* { /* } */ } */ b", "a b"),
            ("a /*/ } */ b", "a b"),
            ("a /**/ b", "a b"),
            ("a \"}\\\"{\" b", "a b"),
            ("a \"// no comment\" b", "a b"),
            ("a \"\\\\\" b \"x\"", "a b"),
            ("a b\"{\" c", "a b c"),
            ("a r\"\\\" b", "a b"),
            ("a r#\"}\"}\"# b", "a b"),
            ("a br##\"\"#{\"## b", "a b"),
            ("r#fn r#type", "r#fn r#type"),
            ("a '{' b", "a b"),
            ("a '\\'' b '\\u{7d}' c '\\\\' d", "a b c d"),
            ("a b'}' c", "a b c"),
            ("a '\u{e9}' b", "a b"),
            ("fn f<'a>(x: &'a str, y: &'static str)", "fn f<'a>(x: &'a str, y: &'static str)"),
            ("'outer: loop { break 'outer }", "'outer: loop { break 'outer }"),
            ("a // it's\nb", "a b"),
            ("a \"never closed", "a"),
            ("a /* never closed", "a"),
        ];
        for (text, expected) in cases {
            assert_eq!(code(text), expected, "of {text}");
        }
    }

    #[test]
    fn comments_are_kept_with_their_lines() {
        let source = Source::new("let a = \"// x\"; // one\n/* two\nthree */ b");
        assert_eq!(source.comments.trim_start(), "// one\n/* two\nthree */  ");
        assert_eq!(source.code.lines().count(), 3);
    }

    #[test]
    fn a_function_ends_where_its_braces_close() {
        let text = "fn one() { \"}\"; '}'; }\n\npub async fn two<T>(\n    x: [u8; { 3 }],\n) -> Array<{ 3 }> {\n    if x {\n    }\n    // }\n}\nfn three() {}";
        assert_eq!(spans(&Source::new(text).functions), [("one", 1, 1), ("two", 3, 9), ("three", 10, 10)]);
    }

    #[test]
    fn declarations_and_function_types_are_not_functions() {
        let text =
            "trait T {\n    fn declared(&self) -> [u8; 2];\n    fn given(&self) {\n    }\n}\ntype F = fn(u8) -> u8;";
        assert_eq!(spans(&Source::new(text).functions), [("given", 3, 4)]);
    }

    #[test]
    fn functions_inside_functions_and_macros_are_found() {
        let text = "fn outer() {\n    fn inner() {\n    }\n}\nproptest! {\n    fn property(x in 0..1) {\n    }\n}";
        assert_eq!(spans(&Source::new(text).functions), [("outer", 1, 4), ("inner", 2, 3), ("property", 6, 7)]);
    }

    #[test]
    fn test_modules_are_those_written_out() {
        let text = "#[cfg(test)]\nmod elsewhere;\n#[cfg(test)]\nfn helper() {}\n#[cfg(test)]\n#[path = \"x\"]\nmod tests {\n}\n";
        assert_eq!(spans(&Source::new(text).test_modules), [("tests", 5, 8)]);
        assert!(Source::new("// #[cfg(test)]\nmod tests {}").test_modules.is_empty());
    }
}
