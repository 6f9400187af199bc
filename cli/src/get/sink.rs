//! Where a body goes: a file of its own, or stdout.
//!
//! Not for: whose turn it is; that is `get`'s own.

use std::io::ErrorKind;
use std::path::PathBuf;

use tokio::fs::File;
use tokio::io::{AsyncWriteExt, Stdout, stdout};

/// How a transfer ended.
pub(super) enum Ending {
    /// With everything that there was.
    Complete,
    /// The reader of stdout has gone away: that is no failure.
    Unwanted,
    /// Says why.
    Failed(String),
}

/// Takes a body piece by piece.
pub(super) enum Sink {
    Stdout(Stdout),
    /// Made when there is something to write: a request that fails leaves an older file as it was.
    File {
        path: PathBuf,
        file: Option<File>,
    },
}

impl Sink {
    pub(super) fn stdout() -> Self {
        Self::Stdout(stdout())
    }

    pub(super) fn file(path: PathBuf) -> Self {
        Self::File { path, file: None }
    }

    pub(super) async fn write(&mut self, data: &[u8]) -> Result<(), Ending> {
        let written = match self {
            Self::Stdout(out) => out.write_all(data).await,
            Self::File { path, file } => {
                if file.is_none() {
                    let made = File::create(&*path).await;
                    *file = Some(made.map_err(|error| Ending::Failed(format!("{}: {error}", path.display())))?);
                }
                match file {
                    Some(file) => file.write_all(data).await,
                    None => Ok(()),
                }
            }
        };
        written.map_err(|error| self.failed(&error))
    }

    /// Everything is there; an empty body makes an empty file.
    pub(super) async fn finish(&mut self) -> Ending {
        if let Err(ending) = self.write(&[]).await {
            return ending;
        }
        let flushed = match self {
            Self::Stdout(out) => out.flush().await,
            Self::File { file: Some(file), .. } => file.flush().await,
            Self::File { file: None, .. } => Ok(()),
        };
        flushed.map_or_else(|error| self.failed(&error), |()| Ending::Complete)
    }

    fn failed(&self, error: &std::io::Error) -> Ending {
        match self {
            Self::Stdout(_) if error.kind() == ErrorKind::BrokenPipe => Ending::Unwanted,
            Self::Stdout(_) => Ending::Failed(format!("standard output: {error}")),
            Self::File { path, .. } => Ending::Failed(format!("{}: {error}", path.display())),
        }
    }
}
