//! The files the checks read: what git tracks, and what it would if asked.
//! Not for: what is in them; see `source` for Rust.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::source::Source;

/// Every text file of the project.
pub(crate) struct Tree {
    pub(crate) root: PathBuf,
    pub(crate) files: Vec<File>,
}

/// One text file.
pub(crate) struct File {
    /// Relative to the root, with `/` between folders.
    pub(crate) path: String,
    pub(crate) text: String,
    /// The Rust in it, when the name says it is Rust.
    pub(crate) source: Option<Source>,
}

impl Tree {
    /// Reads the files that git tracks or that are new and not ignored. Binary files and files deleted since are left out.
    pub(crate) fn read(root: &Path) -> Result<Self, String> {
        let output = Command::new("git")
            // A checkout that belongs to somebody else is still the one to check.
            .args(["-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()
            .map_err(|error| format!("git cannot be started: {error}"))?;
        if !output.status.success() {
            return Err(format!("git ls-files failed: {}", String::from_utf8_lossy(&output.stderr).trim()));
        }
        let names = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut files: Vec<File> =
            names.split('\0').filter(|path| is_ours(path)).filter_map(|path| File::read(root, path)).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files.dedup_by(|a, b| a.path == b.path);
        Ok(Self { root: root.to_path_buf(), files })
    }

    /// The Rust files.
    pub(crate) fn sources(&self) -> impl Iterator<Item = (&File, &Source)> {
        self.files.iter().filter_map(|file| Some((file, file.source.as_ref()?)))
    }

    /// The file at `path`, when it is one of them.
    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// A tree that exists only in a test.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| File::new(path, (*text).to_owned())).collect();
        Self { root: PathBuf::new(), files }
    }
}

impl File {
    fn read(root: &Path, path: &str) -> Option<Self> {
        let text = String::from_utf8(std::fs::read(root.join(path)).ok()?).ok()?;
        Some(Self::new(path, text))
    }

    fn new(path: &str, text: String) -> Self {
        let source = path.ends_with(".rs").then(|| Source::new(&text));
        Self { path: path.to_owned(), text, source }
    }

    /// Whether all of the file is a test.
    pub(crate) fn is_test(&self) -> bool {
        self.path.split('/').any(|folder| folder == "tests")
    }
}

/// Build output is nobody's text even where an ignore file forgot it, and lock files are cargo's.
fn is_ours(path: &str) -> bool {
    let is_output = path.split('/').any(|folder| folder == "target" || folder == ".tools");
    !path.is_empty() && !is_output && !path.ends_with("Cargo.lock")
}
