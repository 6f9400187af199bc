//! The project's own rules, checked: what the compiler, rustfmt and clippy do not see. Also a test of the workspace.
//! Not for: opinions. Every check names a rule that CONTRIBUTING.md points to, and says what to do about a find.
//!
//! ```text
//!    git ls-files ─▶ Tree ─▶ one check after the other ─▶ finds, sorted ─▶ file:line: what, and what to do
//! ```

mod crates;
pub(crate) mod docs;
pub(crate) mod source;
mod style;
pub(crate) mod tree;

use std::fmt;

use tree::Tree;

/// Runs every check on the workspace and prints what they find.
pub(crate) fn run() -> Result<(), String> {
    let tree = Tree::read(&crate::root())?;
    let finds = finds(&tree);
    for find in &finds {
        println!("{find}");
    }
    match finds.len() {
        0 => {
            println!("tidy: {} files, nothing found", tree.files.len());
            Ok(())
        }
        1 => Err("tidy found 1 thing".to_owned()),
        count => Err(format!("tidy found {count} things")),
    }
}

/// Everything the checks find, in the order of files and lines.
fn finds(tree: &Tree) -> Vec<Find> {
    let mut finds: Vec<Find> = CHECKS.iter().flat_map(|check| check(tree)).collect();
    finds.sort();
    finds
}

/// A check reads the tree and returns what breaks its rule. A new rule is a new line here.
const CHECKS: &[fn(&Tree) -> Vec<Find>] = &[
    style::file_lengths,
    style::function_lengths,
    style::file_openings,
    style::words_in_code,
    style::words_in_comments,
    style::machine_paths,
    crates::arrows,
    crates::unsafe_forbidden,
    docs::pointers,
    docs::links,
    docs::examples,
];

/// One place where a rule is broken.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Find {
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) what: String,
}

impl Find {
    pub(crate) fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into() }
    }
}

impl fmt::Display for Find {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_workspace_is_tidy() {
        assert_eq!(super::run(), Ok(()), "see the lines above, or run `cargo xtask tidy`");
    }
}
