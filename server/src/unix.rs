//! Unix sockets: a file that must be neither another server's nor left behind.
//!
//! The file of a server that is gone refuses connections; that is how it is told from a live one. Between looking and binding
//! the directory is locked, so that of two servers that start at once one finds the other alive.
//!
//! Not for: accepting; that is in `listen`.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::listen::Listener;

/// Our socket's file: removed when the last worker has let go of it, unless another file lies there by then.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    /// Device and inode. The number cannot be given to another file as long as our socket is open.
    place: (u64, u64),
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if place(&self.path).is_ok_and(|place| place == self.place) {
            // Nobody is left to tell.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn place(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|found| (found.dev(), found.ino()))
}

/// Listens at `path`; the workers share the socket.
pub(crate) fn bind(path: &Path, workers: usize) -> io::Result<Vec<Listener>> {
    if path.as_os_str().is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "`path` is empty"));
    }
    let _lock = lock(path);
    make_room(path)?;
    let socket = UnixListener::bind(path).map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", path.display())))?;
    let file = Arc::new(SocketFile { path: path.to_owned(), place: place(path)? });
    listeners(socket, Some(&file), workers)
}

/// A socket that listens already; its file is somebody else's affair.
pub(crate) fn shared(socket: UnixListener, workers: usize) -> io::Result<Vec<Listener>> {
    listeners(socket, None, workers)
}

fn listeners(socket: UnixListener, file: Option<&Arc<SocketFile>>, workers: usize) -> io::Result<Vec<Listener>> {
    socket.set_nonblocking(true)?;
    let mut listeners = Vec::new();
    for _ in 1..workers {
        listeners.push(Listener::Unix(file.cloned(), socket.try_clone()?));
    }
    listeners.push(Listener::Unix(file.cloned(), socket));
    Ok(listeners)
}

/// Holds the directory until it is dropped. Another server that starts there lets go at once; where somebody else keeps it, or the
/// file system knows no locks, servers that start in the same instant may take each other's place, and nothing else changes.
fn lock(path: &Path) -> Option<File> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let directory = File::open(directory).ok()?;
    for _ in 0..LOCK_ATTEMPTS {
        match directory.try_lock() {
            Ok(()) => return Some(directory),
            Err(TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
            Err(TryLockError::Error(_)) => return None,
        }
    }
    None
}

/// How often to ask for the directory …
const LOCK_ATTEMPTS: u32 = 200;

/// … and how long to wait in between.
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// Removes the file of a server that is gone; anything else that lies there is an error.
fn make_room(path: &Path) -> io::Result<()> {
    let error = |kind, text: &str| Err(io::Error::new(kind, format!("{} {text}", path.display())));
    match fs::symlink_metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(e),
        Ok(found) if !found.file_type().is_socket() => {
            return error(io::ErrorKind::AlreadyExists, "exists and is no socket");
        }
        Ok(_) => {}
    }
    match UnixStream::connect(path) {
        Ok(_) => error(io::ErrorKind::AddrInUse, "is in use by a server that is running"),
        Err(e) if e.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(e) => Err(io::Error::new(e.kind(), format!("{} is in use or cannot be tried: {e}", path.display()))),
    }
}
