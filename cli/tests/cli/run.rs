//! Programs under test: one that runs to its end, and a server that runs until it is told to leave.
//!
//! Not for: what any of them should print.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

/// The program, with these arguments and nothing to read.
pub(crate) fn pellucid(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pellucid"));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs it to its end.
pub(crate) fn run(args: &[&str]) -> Output {
    pellucid(args).output().expect("the program was built")
}

/// What it printed, where it ended well and complained of nothing.
pub(crate) fn printed(output: &Output) -> String {
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
    text(&output.stdout)
}

/// The one line it complained with, where it ended with this code and printed nothing.
pub(crate) fn complaint(output: &Output, code: i32) -> String {
    let line = text(&output.stderr);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(code), String::new()), "{line}");
    assert!(line.starts_with("pellucid: ") && line.lines().count() == 1, "{line}");
    assert!(!line.contains("panicked"), "{line}");
    line
}

pub(crate) fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

/// A folder of a test's own, empty.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    // It is there from the last time, or not.
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("there is room for a folder");
    folder
}

/// A path as an argument.
pub(crate) fn arg(path: &Path) -> &str {
    path.to_str().expect("a readable path")
}

/// Octets that are not all the same.
pub(crate) fn octets(count: usize, seed: u32) -> Vec<u8> {
    let mut state = seed | 1;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(count).collect()
}

/// `pellucid serve`, listening; killed when it is dropped.
pub(crate) struct Serving {
    child: Child,
    out: BufReader<ChildStdout>,
    /// What it says it listens on, such as `http://127.0.0.1:4711`.
    pub(crate) origin: String,
}

impl Serving {
    /// On a port that is free.
    pub(crate) fn start(args: &[&str]) -> Self {
        let mut command = pellucid(&["serve", "--listen", "127.0.0.1:0"]);
        command.args(args);
        Self::of(command)
    }

    /// Waits for the line that says where it listens.
    pub(crate) fn of(mut command: Command) -> Self {
        let mut child = command.spawn().expect("the program was built");
        let mut out = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut line = String::new();
        out.read_line(&mut line).expect("it prints where it listens");
        let origin = line.strip_prefix("listening on ").unwrap_or_default().trim_end().to_owned();
        assert!(line.ends_with('\n') && !origin.is_empty(), "{line:?}");
        Self { child, out, origin }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// How it ends: exit code, the rest of stdout, stderr.
    pub(crate) fn ended(mut self) -> (Option<i32>, String, String) {
        let (mut rest, mut complaints) = (String::new(), String::new());
        self.out.read_to_string(&mut rest).expect("stdout is text");
        let mut stderr = self.child.stderr.take().expect("it is piped");
        stderr.read_to_string(&mut complaints).expect("stderr is text");
        (self.child.wait().expect("it ends").code(), rest, complaints)
    }

    /// Asks it to leave and sees how it ends.
    pub(crate) fn leave(self) -> (Option<i32>, String, String) {
        self.signal("TERM");
        self.ended()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It has ended already where the test got that far.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a child a signal by name.
pub(crate) fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    let status = Command::new("kill").args([&format!("-{name}"), &id]).status().expect("kill is there");
    assert!(status.success());
}
