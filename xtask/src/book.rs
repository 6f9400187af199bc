//! `cargo xtask book`: runs every command of docs/book and compares what it prints with what the book says it prints.
//!
//! ```text
//! $ pellucid decode …      a command, in a block fenced as sh; a \ at its end goes on in the next line
//! -> PING …                what it prints, standard error too; … stands for any text, a line of it for any lines
//! $ pellucid serve … &     runs until the chapter ends, once it has said where it listens
//! ```
//! The book uses port 8080; a free one is put in its place. cargo and grep run in the project's folder, all others in
//! an empty one, which a chapter keeps to itself.
//!
//! Not for: the Rust in the book, which is compiled with the tests of `src/lib.rs`, and its pointers, which tidy checks.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Runs all chapters.
pub(crate) fn run() -> Result<(), String> {
    let root = crate::root();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    let built = build.args(["build", "--quiet", "--package", "pellucid-cli"]).current_dir(&root).status();
    if !built.map_err(|error| format!("cargo: {error}"))?.success() {
        return Err("pellucid does not build".into());
    }
    let mut chapters: Vec<PathBuf> = fs::read_dir(root.join("docs/book"))
        .map_err(|error| format!("docs/book: {error}"))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    chapters.sort();
    let mut commands = 0;
    for chapter in &chapters {
        let name = chapter.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(chapter).map_err(|error| format!("{name}: {error}"))?;
        let steps = steps(&text);
        commands += steps.len();
        Reader::new(&root)?.follow(&steps).map_err(|why| format!("docs/book/{name}:{why}"))?;
        println!("ok    {name}: {} commands", steps.len());
    }
    if commands == 0 {
        return Err("no commands in docs/book".into());
    }
    println!("book: {} files, {commands} commands, all as it says", chapters.len());
    Ok(())
}

/// A command of the book and what it is said to print.
#[derive(Debug, Default, PartialEq)]
struct Step {
    line: usize,
    command: String,
    prints: Vec<String>,
}

/// The commands in the blocks fenced as sh.
fn steps(text: &str) -> Vec<Step> {
    let (mut steps, mut is_open, mut goes_on) = (Vec::<Step>::new(), false, false);
    for (index, line) in text.lines().enumerate() {
        if line.starts_with("```") {
            is_open = line == "```sh";
            goes_on = false;
        } else if !is_open {
        } else if let Some(command) = line.strip_prefix("$ ") {
            goes_on = command.ends_with('\\');
            let command = command.trim_end_matches('\\').to_owned();
            steps.push(Step { line: index + 1, command, prints: Vec::new() });
        } else if let Some(step) = steps.last_mut() {
            if goes_on {
                goes_on = line.ends_with('\\');
                step.command += line.trim_end_matches('\\').trim_start();
            } else {
                step.prints.push(line.to_owned());
            }
        }
    }
    // Empty lines between commands are for the eye.
    for step in &mut steps {
        while step.prints.last().is_some_and(String::is_empty) {
            step.prints.pop();
        }
    }
    steps
}

/// Whoever follows a chapter: a folder, a port, and what runs until the end.
struct Reader {
    root: PathBuf,
    folder: PathBuf,
    port: u16,
    running: Vec<Child>,
}

impl Reader {
    fn new(root: &Path) -> Result<Self, String> {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = free.map_err(|error| format!("no port: {error}"))?.port();
        let folder = std::env::temp_dir().join(format!("pellucid-book-{}-{port}", std::process::id()));
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Self { root: root.to_path_buf(), folder, port, running: Vec::new() })
    }

    fn follow(&mut self, steps: &[Step]) -> Result<(), String> {
        for step in steps {
            let printed = self.run(&step.command).map_err(|why| format!("{}: {why}", step.line))?;
            let printed = printed.replace(&format!(":{}", self.port), ":8080");
            let lines: Vec<&str> = printed.trim_end().lines().map(str::trim_end).collect();
            let expected: Vec<&str> = step.prints.iter().map(String::as_str).collect();
            if !fits(&lines, &expected) {
                let (command, line) = (&step.command, step.line);
                return Err(format!("{line}: `{command}` prints something else:\n{printed}"));
            }
        }
        Ok(())
    }

    /// What a command prints, on both streams.
    fn run(&mut self, command: &str) -> Result<String, String> {
        let command = command.replace(":8080", &format!(":{}", self.port));
        let reads_the_project = ["cargo ", "grep "].iter().any(|program| command.starts_with(program));
        let log = self.folder.join(".printed");
        let out = File::create(&log).map_err(|error| error.to_string())?;
        let err = out.try_clone().map_err(|error| error.to_string())?;
        let (line, stays) = match command.strip_suffix(" &") {
            Some(line) => (format!("exec {line}"), true),
            None => (command, false),
        };
        let mut shell = Command::new("sh");
        shell.args(["-c", &line]).stdin(Stdio::null()).stdout(out).stderr(err).env("PATH", self.path());
        let mut child = shell
            .current_dir(if reads_the_project { &self.root } else { &self.folder })
            .spawn()
            .map_err(|error| format!("sh: {error}"))?;
        if !stays {
            child.wait().map_err(|error| error.to_string())?;
            return fs::read_to_string(&log).map_err(|error| error.to_string());
        }
        self.running.push(child);
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let printed = fs::read_to_string(&log).unwrap_or_default();
            if printed.contains("listening on ") && printed.ends_with('\n') {
                return Ok(printed);
            }
            thread::sleep(POLL);
        }
        Err("it does not say where it listens".into())
    }

    /// Our program before all others.
    fn path(&self) -> std::ffi::OsString {
        let mut path = crate::target(&self.root).join("debug").into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        path
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        for child in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Whether lines are as expected, where `…` stands for any text in a line, and alone for any lines.
fn fits(lines: &[&str], expected: &[&str]) -> bool {
    match (expected.split_first(), lines.split_first()) {
        (None, first) => first.is_none(),
        (Some((&"…", rest)), _) => (0..=lines.len()).any(|skip| fits(lines.get(skip..).unwrap_or_default(), rest)),
        (Some((want, expected)), Some((line, lines))) => line_fits(line, want) && fits(lines, expected),
        (Some(_), None) => false,
    }
}

fn line_fits(line: &str, want: &str) -> bool {
    let Some((before, after)) = want.split_once('…') else { return line == want };
    let Some(rest) = line.strip_prefix(before) else { return false };
    rest.char_indices().map(|(place, _)| place).chain([rest.len()]).any(|place| line_fits(&rest[place..], after))
}

/// How long a server may take until it listens.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is looked at.
const POLL: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_what_they_print_are_found() {
        let text = "a\n```text\n$ no\n```\n```sh\n$ one \\\n  more\nout\n\n$ two\n```\n$ no\n";
        let step = |line, command: &str, prints: &[&str]| Step {
            line,
            command: command.to_owned(),
            prints: prints.iter().map(|line| (*line).to_owned()).collect(),
        };
        assert_eq!(steps(text), [step(6, "one more", &["out"]), step(10, "two", &[])]);
    }

    #[test]
    fn what_is_printed_fits_or_does_not() {
        let lines = ["-> PING", "    0x01", "<- PING"];
        for expected in [&["-> PING", "    0x01", "<- PING"][..], &["-> PING", "…"], &["…"], &["…", "<- …"]] {
            assert!(fits(&lines, expected), "{expected:?}");
        }
        for expected in [&["-> PING"][..], &[], &["…", "-> PING"], &["-> P…x", "…"]] {
            assert!(!fits(&lines, expected), "{expected:?}");
        }
        assert!(line_fits("took 3 ms of 9", "took … ms of …") && !line_fits("took 3 s", "took … ms"));
    }
}
