//! Programs of cargo's that some tasks need and not everybody has: found, or said how to get; in continuous integration
//! brought into `.tools`, which git ignores. Not for: peers; those are `peers install`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::root;

/// A program that a task needs.
pub(crate) struct Need {
    /// Its file name.
    pub(crate) program: &'static str,
    /// The package it comes from.
    pub(crate) package: &'static str,
    /// What it is needed for.
    pub(crate) what: &'static str,
}

/// A search path on which the program is.
///
/// # Errors
/// When it is nowhere, with the command that brings it. With CI=true the command is tried first.
pub(crate) fn with(need: &Need) -> Result<OsString, String> {
    let bin = root().join(".tools/bin");
    let path = search_path(&bin);
    if is_on(&path, need.program) {
        return Ok(path);
    }
    let how = format!("cargo install {} --locked", need.package);
    if !in_ci() {
        return Err(format!("{} needs {}, which is not installed: {how}", need.what, need.program));
    }
    println!("install  {how} --root .tools");
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["install", "--quiet", "--locked", need.package, "--root"])
        .arg(root().join(".tools"))
        .env("CARGO_TARGET_DIR", root().join(".tools/target"))
        .current_dir(root())
        .status()
        .map_err(|error| format!("{how}: {error}"))?;
    if status.success() && is_on(&path, need.program) { Ok(path) } else { Err(format!("{how}: {status}")) }
}

/// Has rustup bring what is missing, in continuous integration; says how to do it elsewhere.
///
/// # Errors
/// When it is still missing.
pub(crate) fn rustup(args: &[&str], why: &str) -> Result<(), String> {
    let how = format!("rustup {}", args.join(" "));
    if !in_ci() {
        return Err(format!("{why}: {how}"));
    }
    println!("install  {how}");
    match Command::new("rustup").args(args).current_dir(root()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{how}: {status}")),
        Err(error) => Err(format!("{how}: {error}")),
    }
}

/// True in continuous integration, where a check that cannot run has failed.
pub(crate) fn in_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| value == "true")
}

/// The project's own tools first, then what everybody sees.
fn search_path(bin: &Path) -> OsString {
    let rest = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::iter::once(bin.to_path_buf()).chain(std::env::split_paths(&rest)).collect();
    std::env::join_paths(folders).unwrap_or(rest)
}

fn is_on(path: &OsString, program: &str) -> bool {
    std::env::split_paths(path).any(|folder| folder.join(program).is_file())
}
