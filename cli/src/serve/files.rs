//! Files of one directory, and no way out of it.
//!
//! Not for: ranges, conditions, listings, compression.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use pellucid_server::{Body, Request, Response, Service};
use tokio::task::spawn_blocking;

use crate::pieces::{PIECE, Pieces};

/// Answers with the files below `root`, which must be a directory.
pub(super) fn files(root: &Path) -> io::Result<impl Service + Clone> {
    let root = root.canonicalize()?;
    if !root.is_dir() {
        return Err(ErrorKind::NotADirectory.into());
    }
    let root: Arc<Path> = root.into();
    Ok(move |request: Request| answer(Arc::clone(&root), request))
}

async fn answer(root: Arc<Path>, request: Request) -> Response {
    // RFC 9110 §15.5.6: 405 names the methods that are allowed.
    if !matches!(request.method(), b"GET" | b"HEAD") {
        return refuse(405).with_header("allow", "GET, HEAD");
    }
    let inside = match inside(request.path()) {
        Ok(inside) => inside,
        Err(status) => return refuse(status),
    };
    // Opening a file may block.
    match spawn_blocking(move || find(&root, &inside)).await {
        Ok(Ok(found)) => Response::new(200)
            .with_header("content-type", found.content_type)
            .with_header("content-length", found.length.to_string())
            .with_body(found.body),
        Ok(Err(error)) => refuse(status_of(&error)),
        Err(_) => refuse(500),
    }
}

/// A plain answer that something cannot be had.
fn refuse(status: u16) -> Response {
    let text = match status {
        400 => "400 the path is not well encoded\n",
        403 => "403 not allowed\n",
        404 => "404 not found\n",
        405 => "405 only GET and HEAD\n",
        _ => "500 the file cannot be read\n",
    };
    Response::new(status)
        .with_header("content-type", "text/plain; charset=utf-8")
        .with_header("content-length", text.len().to_string())
        .with_body(text)
}

fn status_of(error: &io::Error) -> u16 {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename => 404,
        ErrorKind::PermissionDenied => 403,
        _ if is_loop(error) => 404,
        _ => 500,
    }
}

/// Whether symbolic links lead back to themselves, and so to no file.
fn is_loop(error: &io::Error) -> bool {
    // Its `ErrorKind` cannot be named yet.
    format!("{:?}", error.kind()) == "FilesystemLoop"
}

/// A request's path as one relative to the root, which no segment of it leaves; else the status to answer.
fn inside(path: &[u8]) -> Result<PathBuf, u16> {
    let path = path.split(|octet| *octet == b'?').next().unwrap_or_default();
    let mut inside = PathBuf::new();
    for segment in path.split(|octet| *octet == b'/') {
        let segment = String::from_utf8(decode(segment).ok_or(400_u16)?).map_err(|_| 400_u16)?;
        if segment.is_empty() || segment == "." {
            continue;
        }
        // A segment must name one thing here, on every system: nothing above, no separators hidden by encoding.
        let mut parts = Path::new(&segment).components();
        let is_one_name = matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None));
        if !is_one_name || segment.contains(['\0', '/', '\\']) {
            return Err(403);
        }
        inside.push(segment);
    }
    Ok(inside)
}

/// Undoes percent-encoding (RFC 3986 §2.1); `None` where it is broken.
fn decode(segment: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(segment.len());
    let mut octets = segment.iter();
    while let Some(octet) = octets.next() {
        if *octet != b'%' {
            decoded.push(*octet);
            continue;
        }
        let mut digit = || octets.next().and_then(|octet| char::from(*octet).to_digit(16));
        let (high, low) = (digit()?, digit()?);
        decoded.push(u8::try_from(high << 4 | low).ok()?);
    }
    Some(decoded)
}

struct Found {
    content_type: &'static str,
    length: u64,
    body: Body,
}

fn find(root: &Path, inside: &Path) -> io::Result<Found> {
    let mut path = resolve(root, &root.join(inside))?;
    if path.is_dir() {
        path = resolve(root, &path.join("index.html"))?;
    }
    // Asked before it is opened: opening a pipe would wait for its other end.
    if !path.metadata()?.is_file() {
        return Err(ErrorKind::PermissionDenied.into());
    }
    let mut file = File::open(&path)?;
    let length = file.metadata()?.len();
    let content_type = content_type(&path);
    if length > PIECE as u64 {
        return Ok(Found { content_type, length, body: Body::from_source(Pieces::new(file, Some(length))) });
    }
    let mut octets = Vec::with_capacity(PIECE.min(usize::try_from(length).unwrap_or(PIECE)));
    file.by_ref().take(PIECE as u64).read_to_end(&mut octets)?;
    Ok(Found { content_type, length: octets.len() as u64, body: octets.into() })
}

/// Where a path leads in the end, symbolic links followed: it must be below the root.
fn resolve(root: &Path, path: &Path) -> io::Result<PathBuf> {
    let real = path.canonicalize()?;
    if real.starts_with(root) { Ok(real) } else { Err(ErrorKind::PermissionDenied.into()) }
}

fn content_type(path: &Path) -> &'static str {
    let extension = path.extension().and_then(|text| text.to_str()).unwrap_or_default().to_ascii_lowercase();
    let known = TYPES.iter().find(|(extensions, _)| extensions.contains(&extension.as_str()));
    known.map_or("application/octet-stream", |(_, name)| name)
}

const TYPES: &[(&[&str], &str)] = &[
    (&["html", "htm"], "text/html; charset=utf-8"),
    (&["txt", "md", "rs", "toml", "log"], "text/plain; charset=utf-8"),
    (&["css"], "text/css; charset=utf-8"),
    (&["csv"], "text/csv; charset=utf-8"),
    (&["js", "mjs"], "text/javascript; charset=utf-8"),
    (&["json", "map"], "application/json"),
    (&["xml"], "application/xml"),
    (&["pdf"], "application/pdf"),
    (&["wasm"], "application/wasm"),
    (&["zip"], "application/zip"),
    (&["gz", "tgz"], "application/gzip"),
    (&["png"], "image/png"),
    (&["jpg", "jpeg"], "image/jpeg"),
    (&["gif"], "image/gif"),
    (&["svg"], "image/svg+xml"),
    (&["webp"], "image/webp"),
    (&["ico"], "image/x-icon"),
    (&["mp4"], "video/mp4"),
    (&["mp3"], "audio/mpeg"),
    (&["woff2"], "font/woff2"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside() {
        let table: [(&str, Result<&str, u16>); 16] = [
            ("/", Ok("")),
            ("/a/b.txt?c=/../d", Ok("a/b.txt")),
            ("//a/./b/", Ok("a/b")),
            ("/a%20b/%c3%a4", Ok("a b/ä")),
            ("/...", Ok("...")),
            ("*", Ok("*")),
            ("/..", Err(403)),
            ("/a/../b", Err(403)),
            ("/%2e%2e/b", Err(403)),
            ("/.%2E", Err(403)),
            ("/a%2f..%2fb", Err(403)),
            ("/a\\b", Err(403)),
            ("/a%00b", Err(403)),
            ("/%2", Err(400)),
            ("/%zz", Err(400)),
            ("/%ff", Err(400)),
        ];
        for (path, expected) in table {
            assert_eq!(inside(path.as_bytes()), expected.map(PathBuf::from), "{path}");
        }
    }

    #[test]
    fn types_are_told_by_extension() {
        let table = [
            ("a/INDEX.HTML", "text/html; charset=utf-8"),
            ("x.tar.gz", "application/gzip"),
            ("big", "application/octet-stream"),
            (".json", "application/octet-stream"),
        ];
        for (path, expected) in table {
            assert_eq!(content_type(Path::new(path)), expected, "{path}");
        }
    }
}
