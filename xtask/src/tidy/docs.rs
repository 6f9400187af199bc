//! Documents that point somewhere point at something.
//! Not for: prose, and not for links to other sites.

use std::path::{Component, Path, PathBuf};

use super::Find;
use super::source::is_word;
use super::tree::{File, Tree};

/// Every `path/file.rs::function` of the documents made of them exists, and there are enough of them.
pub(super) fn pointers(tree: &Tree) -> Vec<Find> {
    let documents = POINTING.iter().filter_map(|(path, least)| Some((tree.file(path)?, *least)));
    documents.flat_map(|(document, least)| pointers_of(tree, document, least)).collect()
}

fn pointers_of(tree: &Tree, document: &File, least: usize) -> Vec<Find> {
    let (mut finds, mut count) = (Vec::new(), 0);
    for (line, pointer) in words(&document.text) {
        let Some((path, item)) = pointer.split_once(".rs::") else { continue };
        count += 1;
        if let Some(what) = broken(tree, &format!("{path}.rs"), item) {
            finds.push(Find::new(&document.path, line, format!("`{pointer}`: {what}")));
        }
    }
    if count < least {
        let what = format!("{count} pointers of the form `path/file.rs::function`; this document has at least {least}");
        finds.push(Find::new(&document.path, 1, what));
    }
    finds
}

/// What is wrong with a pointer to `item`, a function or `Type::method`, in the file `path`.
pub(crate) fn broken(tree: &Tree, path: &str, item: &str) -> Option<String> {
    let Some(source) = tree.file(path).and_then(|file| file.source.as_ref()) else {
        return Some("there is no such file; correct the path".to_owned());
    };
    let (owner, name) = match item.rsplit_once("::") {
        Some((owner, name)) => (Some(owner), name),
        None => (None, item),
    };
    let tokens = source.tokens();
    if !tokens.windows(2).any(|pair| matches!(pair, [a, b] if DEFINES.contains(&a.text) && b.text == name)) {
        return Some(format!("the file does not define `{name}`; correct the name"));
    }
    let is_missing = |owner: &&str| !tokens.iter().any(|token| token.text == *owner);
    owner.filter(is_missing).map(|owner| format!("the file does not mention `{owner}`; correct the type"))
}

/// Every relative link of the documents a reader starts from leads to a file or folder.
pub(super) fn links(tree: &Tree) -> Vec<Find> {
    let mut finds = Vec::new();
    for file in tree.files.iter().filter(|file| is_document(&file.path)) {
        for (line, target) in relative_links(&file.text) {
            if !leads_somewhere(tree, file, target) {
                let what = format!("the link to `{target}` leads nowhere; correct it, relative to the document");
                finds.push(Find::new(&file.path, line, what));
            }
        }
    }
    finds
}

fn is_document(path: &str) -> bool {
    let is_in_docs = path.starts_with("docs/") && path.ends_with(".md");
    is_in_docs || ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"].contains(&path)
}

/// Where inline links, images and reference definitions lead, when it is not another site or this page.
fn relative_links(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let targets = prose(text).flat_map(|(number, line)| {
        let inline = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let definition = line.strip_prefix('[').and_then(|line| line.split_once("]: ")).map(|(_, target)| target);
        inline.chain(definition).map(move |target| (number, target))
    });
    targets.filter_map(|(number, target)| {
        let path = target.split_whitespace().next()?.trim_matches(['<', '>']);
        let path = path.split('#').next().filter(|path| !path.is_empty())?;
        let is_elsewhere = path.contains("://") || path.starts_with("mailto:");
        (!is_elsewhere).then_some((number, path))
    })
}

fn leads_somewhere(tree: &Tree, from: &File, target: &str) -> bool {
    let folder = Path::new(&from.path).parent().unwrap_or(Path::new(""));
    let Some(path) = resolved(&folder.join(target)) else {
        return false;
    };
    let is_file = tree.files.iter().any(|file| Path::new(&file.path).starts_with(&path));
    is_file || tree.root.join(&path).exists()
}

/// The path without `.` and `..`; `None` when it is absolute or leaves the project.
fn resolved(path: &Path) -> Option<PathBuf> {
    let mut resolved = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => resolved.push(name),
            Component::CurDir => {}
            Component::ParentDir => resolved = resolved.parent()?.to_path_buf(),
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(resolved)
}

/// The words of a text, with their lines; a path or a pointer is one word.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    numbered(text).flat_map(|(number, line)| {
        let words = line.split(|character: char| !is_word(character) && !"/.:-".contains(character));
        words.map(move |word| (number, word.trim_end_matches(['.', ':'])))
    })
}

/// The lines outside fenced code.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_fenced = false;
    numbered(text).filter(move |(_, line)| {
        let is_fence = line.trim_start().starts_with("```");
        is_fenced ^= is_fence;
        !is_fenced && !is_fence
    })
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line))
}

const WALK: &str = "docs/LIFE-OF-A-REQUEST.md";
const ATTACKS: &str = "docs/ATTACKS.md";
/// The documents that are made of pointers, and how many each has at least: steps of the walk, rows of the catalogue, ways
/// from the octets to the code in the chapters of the book.
const POINTING: [(&str, usize); 8] = [
    (WALK, 12),
    (ATTACKS, 26),
    ("docs/book/1-frame.md", 8),
    ("docs/book/2-hpack.md", 8),
    ("docs/book/3-flow.md", 8),
    ("docs/book/4-conn.md", 8),
    ("docs/book/5-driver.md", 8),
    ("docs/book/6-ends.md", 8),
];
const DEFINES: &[&str] = &["fn", "struct", "enum", "trait", "type", "const", "static"];

/// Every public module of a library shows by a compiled example what it is for.
pub(super) fn examples(tree: &Tree) -> Vec<Find> {
    let mut finds = Vec::new();
    for root in tree.files.iter().filter(|file| file.path == "src/lib.rs" || file.path.ends_with("/src/lib.rs")) {
        let folder = root.path.strip_suffix("lib.rs").unwrap_or_default();
        let modules = root.text.lines().filter_map(|line| line.trim().strip_prefix("pub mod ")?.strip_suffix(';'));
        let files = modules.flat_map(|name| [format!("{folder}{name}.rs"), format!("{folder}{name}/mod.rs")]);
        for path in files.chain([root.path.clone()]) {
            let Some(file) = tree.files.iter().find(|file| file.path == path) else { continue };
            if !file.text.lines().any(|line| line.starts_with("//! ```") || line.starts_with("/// ```")) {
                finds.push(Find::new(&path, 1, "a public module without a compiled example; show how it is used"));
            }
        }
    }
    finds
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: (&str, &str) =
        ("conn/src/recv.rs", "//! x\nstruct Window;\nimpl Window {\n    fn take(&self) {}\n}\nfn run() {}\n");

    fn pointer_finds(path: &str, text: &str) -> Vec<String> {
        let finds = pointers(&Tree::of(&[SOURCE, (path, text)]));
        finds.into_iter().map(|find| find.to_string()).collect()
    }

    fn link_finds(path: &str, text: &str) -> Vec<usize> {
        let tree = Tree::of(&[SOURCE, ("docs/DESIGN.md", ""), (path, text)]);
        links(&tree).iter().map(|find| find.line).collect()
    }

    #[test]
    fn pointers_name_functions_and_methods_that_exist() {
        let enough = "`conn/src/recv.rs::run`, then (conn/src/recv.rs::Window::take).\n".repeat(6);
        assert!(pointer_finds(WALK, &enough).is_empty());
        for wrong in ["conn/src/gone.rs::run", "conn/src/recv.rs::walk", "conn/src/recv.rs::Door::take"] {
            let finds = pointer_finds(WALK, &format!("{enough}See `{wrong}`.\n"));
            assert_eq!(finds.len(), 1, "{wrong}");
            assert!(finds.iter().all(|find| find.starts_with(&format!("{WALK}:7: `{wrong}`: "))), "{finds:?}");
        }
    }

    #[test]
    fn a_document_of_pointers_has_enough_of_them() {
        for (path, least) in POINTING {
            assert_eq!(pointer_finds(path, &"`conn/src/recv.rs::run()`\n".repeat(least - 1)).len(), 1);
            assert!(pointer_finds(path, &"`conn/src/recv.rs::run()`\n".repeat(least)).is_empty());
        }
        assert!(pointers(&Tree::of(&[SOURCE])).is_empty(), "no document, nothing to check");
    }

    #[test]
    fn the_catalogue_of_attacks_names_tests_that_exist() {
        let rows = "| flood | CVE | bucket | `conn/src/recv.rs::run`, `conn/src/recv.rs::take` |\n".repeat(13);
        assert!(pointer_finds(ATTACKS, &rows).is_empty());
        let finds = pointer_finds(ATTACKS, &format!("{rows}| slow | | | `conn/src/recv.rs::gone` |\n"));
        assert!(matches!(&*finds, [find] if find.starts_with("docs/ATTACKS.md:14: ")), "{finds:?}");
    }

    #[test]
    fn relative_links_lead_to_files_and_folders() {
        let fine = "[a](docs/DESIGN.md#why) ![b](./conn/src/recv.rs \"title\") [c](conn/src) [d](#here)\n\
                    [e](https://example.org/gone) [f](mailto:a@example.org)\n[g]: docs/DESIGN.md\n\
                    ```text\n[h](gone)\n```\n";
        assert!(link_finds("README.md", fine).is_empty());
        assert_eq!(
            link_finds("README.md", "[a](docs/DESIGN.md)\n[b](gone.md), [c](docs/gone.md)\n[d]: gone"),
            [2, 2, 3]
        );
        assert!(link_finds("docs/A.md", "[a](DESIGN.md) [b](../conn/src/recv.rs)").is_empty());
        assert_eq!(link_finds("docs/A.md", "[a](docs/DESIGN.md) [b](../../x) [c](/etc)"), [1, 1, 1]);
        assert!(link_finds("conn/A.md", "[a](gone)").is_empty(), "only the documents a reader starts from");
    }
}
