//! One process a data directory: an exclusive `flock` on the file `LOCK`.

use crate::log::error::LogError;
use std::fs;
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a lock is waited for that its holder has let go: a process that the holder was just
/// starting has a copy of the file until it runs a program of its own.
const PATIENCE: Duration = Duration::from_millis(500);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(5);

/// Holds the directory until dropped; the kernel lets go when the process dies.
#[derive(Debug)]
pub(crate) struct DirLock {
    file: fs::File,
}

impl DirLock {
    /// Takes the directory, which must exist, and leaves this process's id in the file.
    ///
    /// # Errors
    /// [`LogError::InUse`] with the holder's id when it is taken.
    pub(crate) fn take(dir: &Path) -> Result<Self, LogError> {
        let path = dir.join("LOCK");
        let opened = fs::File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        let mut file = opened.map_err(LogError::io("open", &path))?;
        let until = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(fs::TryLockError::WouldBlock) if Instant::now() < until => {
                    std::thread::park_timeout(PAUSE);
                }
                Err(fs::TryLockError::WouldBlock) => return Err(in_use(dir, file)),
                Err(fs::TryLockError::Error(source)) => return Err(LogError::io("lock", &path)(source)),
            }
        }
        // The id only helps the operator: it need not be durable.
        let written = file
            .set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        written.map_err(LogError::io("write", &path))?;
        Ok(Self { file })
    }

    /// Keeps a writer out while the directory is examined; `None` when one is at work.
    ///
    /// Changes nothing. A directory without the file has never been opened.
    pub(crate) fn share(dir: &Path) -> Result<Option<Self>, LogError> {
        let path = dir.join("LOCK");
        let file = fs::File::open(&path).map_err(LogError::io("open", &path))?;
        match file.try_lock_shared() {
            Ok(()) => Ok(Some(Self { file })),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(source)) => Err(LogError::io("lock", &path)(source)),
        }
    }

    /// Forgets this process's id before letting go, so that no later error names it.
    pub(crate) fn release(&self) {
        if self.file.set_len(0).and_then(|()| (&self.file).rewind()).is_err() {
            tracing::debug!("cannot clear the process id in the lock file");
        }
    }
}

fn in_use(dir: &Path, mut file: fs::File) -> LogError {
    let mut text = String::new();
    let pid = file
        .read_to_string(&mut text)
        .ok()
        .and_then(|_| text.trim().parse().ok());
    LogError::InUse {
        dir: dir.to_owned(),
        pid,
    }
}
