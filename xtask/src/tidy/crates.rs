//! The rules between crates: who may depend on whom, and that none may turn to unsafe code.
//! Not for: which versions; the workspace's Cargo.toml says that.
//!
//! ```text
//!    frame   hpack   flow       know nothing of each other, of time, of I/O
//!        \     |     /
//!            conn               no tokio, no tracing, no http, no rustls
//!              |
//!        conn/driver            tokio
//!          /     \
//!      server   client
//!          \     /
//!           grpc                and above it whatever is built from all of them
//! ```

use super::Find;
use super::tree::{File, Tree};

/// Every dependency follows the arrows.
pub(super) fn arrows(tree: &Tree) -> Vec<Find> {
    let mut finds = Vec::new();
    for (file, package) in packages(tree) {
        let Some((_, below, level)) = ARROWS.iter().find(|(name, ..)| *name == package) else {
            // Not in the table: built on top of all, and nothing in the table may depend on it.
            continue;
        };
        for dependency in dependencies(&file.text) {
            let name = dependency.name;
            let what = if is_crate_of_ours(&name) && !below.contains(&name.as_str()) {
                let may = if below.is_empty() { "none of our crates".to_owned() } else { below.join(", ") };
                format!("`{package}` depends on `{name}`, against the arrows; it may depend on {may}")
            } else if *level == Level::SansIo && is_io(&name) {
                format!("`{package}` depends on `{name}`; I/O begins at the driver, move the code there")
            } else {
                continue;
            };
            finds.push(Find::new(&file.path, dependency.line, what));
        }
    }
    finds
}

/// Every crate root forbids unsafe code, so that the promise is where the reader looks for it.
pub(super) fn unsafe_forbidden(tree: &Tree) -> Vec<Find> {
    let mut finds = Vec::new();
    for (manifest, _) in packages(tree) {
        let folder = manifest.path.strip_suffix("Cargo.toml").unwrap_or_default();
        let roots = tree.sources().filter(|(file, _)| file.path.strip_prefix(folder).is_some_and(is_root));
        for (file, source) in roots {
            let code: String = source.code.split_whitespace().collect();
            if !code.contains("#![forbid(unsafe_code)]") {
                finds.push(Find::new(&file.path, 1, "a crate root without `#![forbid(unsafe_code)]`; add it"));
            }
        }
    }
    finds
}

/// Whether `path`, relative to its package, is the root of a library or a program.
fn is_root(path: &str) -> bool {
    let is_program = path.strip_prefix("src/bin/").is_some_and(|name| !name.contains('/'));
    path == "src/lib.rs" || path == "src/main.rs" || is_program
}

/// The manifests of packages, with the packages' names.
fn packages(tree: &Tree) -> impl Iterator<Item = (&File, String)> {
    let manifests = tree.files.iter().filter(|file| file.path == "Cargo.toml" || file.path.ends_with("/Cargo.toml"));
    manifests.filter_map(|file| {
        let mut names = entries(&file.text).filter(|entry| entry.section == "package" && entry.key == "name");
        Some((file, unquoted(names.next()?.value).to_owned()))
    })
}

struct Dependency {
    name: String,
    line: usize,
}

/// What a package is built with; development dependencies are left out, a test may use what it likes.
fn dependencies(manifest: &str) -> Vec<Dependency> {
    let mut dependencies = Vec::new();
    for entry in entries(manifest) {
        let is_section = |name: &str| entry.section == name || entry.section.ends_with(&format!(".{name}"));
        if is_section("dependencies") || is_section("build-dependencies") {
            let renamed = entry.value.split_once("package").map(|(_, value)| value.trim_start_matches([' ', '=']));
            let name = renamed.and_then(|value| value.split('"').nth(1));
            let key = entry.key.split('.').next().unwrap_or_default();
            dependencies.push(Dependency { name: name.unwrap_or(key).to_owned(), line: entry.line });
        }
        // `[dependencies.name]`: the section is the entry.
        let own_section =
            ["dependencies.", "build-dependencies."].iter().find_map(|start| entry.section.strip_prefix(start));
        let Some(section) = own_section else { continue };
        match entry.key {
            "package" => dependencies.push(Dependency { name: unquoted(entry.value).to_owned(), line: entry.line }),
            _ => dependencies.push(Dependency { name: unquoted(section).to_owned(), line: entry.line }),
        }
    }
    dependencies
}

/// `key = value` on line `line` of `[section]`.
#[derive(Debug, PartialEq, Eq)]
struct Entry<'a> {
    section: &'a str,
    key: &'a str,
    value: &'a str,
    line: usize,
}

/// The entries of a manifest. Lines inside a list that spans several are not entries: they begin with a quote or bracket.
fn entries(manifest: &str) -> impl Iterator<Item = Entry<'_>> {
    let mut section = "";
    manifest.lines().enumerate().filter_map(move |(index, line)| {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name.trim_matches(['[', ']']);
            return None;
        }
        let (key, value) = line.split_once('=').filter(|_| line.starts_with(char::is_alphanumeric))?;
        Some(Entry { section, key: key.trim(), value: value.trim(), line: index + 1 })
    })
}

fn unquoted(value: &str) -> &str {
    value.split('"').nth(1).unwrap_or(value)
}

fn is_crate_of_ours(name: &str) -> bool {
    name == "pellucid" || name.starts_with("pellucid-")
}

/// `http` stands for itself and for what is named after it, `http-body`; `httparse` is another matter.
fn is_io(name: &str) -> bool {
    IO.iter().any(|io| name.strip_prefix(io).is_some_and(|rest| rest.is_empty() || rest.starts_with('-')))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    SansIo,
    Async,
}

const IO: &[&str] = &["tokio", "tracing", "http", "rustls"];

const FRAME: &str = "pellucid-frame";
const HPACK: &str = "pellucid-hpack";
const FLOW: &str = "pellucid-flow";
const CONN: &str = "pellucid-conn";
const DRIVER: &str = "pellucid-driver";
const SERVER: &str = "pellucid-server";
const CLIENT: &str = "pellucid-client";

/// A package, the packages of ours it may depend on, and on which side of the driver it is.
type Arrow = (&'static str, &'static [&'static str], Level);

const ARROWS: &[Arrow] = &[
    (FRAME, &[], Level::SansIo),
    (HPACK, &[], Level::SansIo),
    (FLOW, &[], Level::SansIo),
    (CONN, &[FRAME, HPACK, FLOW], Level::SansIo),
    (DRIVER, &[CONN, FRAME, HPACK], Level::Async),
    (SERVER, &[DRIVER, CONN, FRAME, HPACK, FLOW], Level::Async),
    (CLIENT, &[DRIVER, CONN, FRAME, HPACK, FLOW], Level::Async),
    ("pellucid-grpc", &[SERVER, CLIENT, DRIVER, CONN, FRAME, HPACK, FLOW], Level::Async),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn arrow_finds(name: &str, dependencies: &str) -> Vec<usize> {
        let manifest = format!("[package]\nname = \"{name}\"\n{dependencies}\n");
        arrows(&Tree::of(&[("x/Cargo.toml", &manifest)])).iter().map(|find| find.line).collect()
    }

    #[test]
    fn arrows_point_down() {
        assert_eq!(arrow_finds(FRAME, "[dependencies]\nbytes.workspace = true\npellucid-flow.workspace = true"), [5]);
        assert!(arrow_finds(CONN, "[dependencies]\npellucid-frame.workspace = true").is_empty());
        assert_eq!(arrow_finds(CONN, "[dependencies]\npellucid-driver = { path = \"driver\" }"), [4]);
        assert_eq!(arrow_finds(DRIVER, "[dependencies]\ntokio = \"1\"\npellucid-flow.workspace = true"), [5]);
        assert_eq!(arrow_finds(SERVER, "[dependencies]\npellucid-client.workspace = true"), [4]);
        assert_eq!(arrow_finds(SERVER, "[dependencies]\npellucid.workspace = true"), [4]);
        assert!(arrow_finds("pellucid", "[dependencies]\npellucid-server.workspace = true").is_empty());
    }

    #[test]
    fn io_begins_at_the_driver() {
        for name in ["tokio", "tokio-util", "tracing", "http", "http-body", "rustls"] {
            assert_eq!(arrow_finds(CONN, &format!("[dependencies]\n{name} = \"1\"")), [4], "{name}");
        }
        assert!(arrow_finds(CONN, "[dependencies]\nhttparse = \"1\"\nhttpdate = \"1\"").is_empty());
    }

    #[test]
    fn every_way_to_write_a_dependency_is_read() {
        let ways = [
            "[dependencies]\ntokio = { version = \"1\", features = [\n  \"rt\",\n] }",
            "[dependencies]\nruntime = { package = \"tokio\", version = \"1\" }",
            "[dependencies.tokio]\nversion = \"1\"",
            "[dependencies.runtime]\npackage = \"tokio\"",
            "[build-dependencies]\ntokio = \"1\"",
            "[target.'cfg(unix)'.dependencies]\ntokio.workspace = true",
        ];
        for way in ways {
            assert_eq!(arrow_finds(FLOW, way), [4], "{way}");
        }
        assert!(arrow_finds(FLOW, "[dev-dependencies]\ntokio = \"1\"\n[features]\ntokio = []").is_empty());
    }

    #[test]
    fn crate_roots_forbid_unsafe_code() {
        let manifest = ("x/Cargo.toml", "[package]\nname = \"x\"\n");
        let find = |path, text| unsafe_forbidden(&Tree::of(&[manifest, (path, text)])).len();
        let forbidden = "//! x\n#![forbid(unsafe_code)]\n";
        for root in ["x/src/lib.rs", "x/src/main.rs", "x/src/bin/y.rs"] {
            assert_eq!(find(root, "//! x\n// #![forbid(unsafe_code)]\n"), 1, "{root}");
            assert_eq!(find(root, forbidden), 0, "{root}");
        }
        assert_eq!(find("x/src/other.rs", "//! x\n"), 0);
    }
}
