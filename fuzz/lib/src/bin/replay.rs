//! `cargo run -p pellucid-fuzz --bin replay -- <target> <file or folder>…`: runs inputs from files through a target, with the
//! stable compiler, which is how a find is reproduced and looked at with a debugger. Not for: finding anything new.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use pellucid_fuzz::{TARGETS, Target};

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let name = args.next().unwrap_or_default().to_string_lossy().into_owned();
    let result = match TARGETS.iter().find(|target| target.name == name) {
        Some(target) => replay(*target, args.map(PathBuf::from)),
        None => {
            let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            Err(format!("no target `{name}`; there are {}\nusage: replay <target> <file or folder>…", names.join(", ")))
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("replay: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Says of each file what it brought about. One that shows a mistake ends the program by a panic, its name on the line before.
fn replay(target: Target, paths: impl Iterator<Item = PathBuf>) -> Result<(), String> {
    let mut files = Vec::new();
    for path in paths {
        collect(&path, &mut files).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    if files.is_empty() {
        return Err(format!("nothing to replay; usage: replay {} <file or folder>…", target.name));
    }
    for file in files {
        let input = std::fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        println!("{} ({} octets)", file.display(), input.len());
        let seen: Vec<&str> = (target.run)(&input).into_iter().collect();
        println!("  fine; seen: {}", seen.join(", "));
    }
    Ok(())
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !path.is_dir() {
        files.push(path.to_path_buf());
        return Ok(());
    }
    let mut entries: Vec<PathBuf> = std::fs::read_dir(path)?.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    files.extend(entries.into_iter().filter(|entry| entry.is_file()));
    Ok(())
}
