//! The real file system with a failpoint before and behind every change, for tests of the binary.
//!
//! A point is named `log::<kind>::<operation>`, and `::done` is appended to the one behind; the
//! kind follows from the name of the file. `return(abort)` ends the process there, `return(eio)`
//! fails the operation. What a point did is said on stderr.

use super::{Disk, File, Files};
use crate::log::space::Space;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// [`Disk`] with failpoints.
pub(crate) struct Failing;

struct FailingFile {
    file: Arc<dyn File>,
    kind: &'static str,
    /// A prepared file becomes a segment with its first byte that is not zero.
    is_used: AtomicBool,
}

/// The point before the answers of a group that is durable.
pub(crate) fn reach_ack() {
    if reach("log::ack").is_err() {
        eprintln!("failpoint log::ack cannot fail, only abort");
    }
}

/// Ends the process or fails here, if a test asks for it.
///
/// # Errors
/// The one that the test asks for.
pub(crate) fn reach(point: &str) -> io::Result<()> {
    fail::fail_point!(point, |action| {
        let action = action.unwrap_or_default();
        eprintln!("failpoint {point}: {action}");
        if action == "abort" {
            std::process::abort();
        }
        // 5 is EIO.
        Err(io::Error::from_raw_os_error(5))
    });
    Ok(())
}

fn around<T>(kind: &str, operation: &str, change: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    reach(&format!("log::{kind}::{operation}"))?;
    let done = change()?;
    reach(&format!("log::{kind}::{operation}::done"))?;
    Ok(done)
}

fn kind(path: &Path) -> &'static str {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let kinds = [
        (".prepared", "prepared"),
        (".seg", "segment"),
        (".idx", "index"),
        (".snap", "snapshot"),
        ("super.", "super"),
    ];
    let of_name = kinds.iter().find(|(part, _)| name.contains(part));
    of_name.map_or("other", |(_, kind)| kind)
}

fn failing(path: &Path, file: Arc<dyn File>) -> Arc<dyn File> {
    Arc::new(FailingFile {
        file,
        kind: kind(path),
        is_used: AtomicBool::new(false),
    })
}

impl Files for Failing {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let file = around(kind(path), "create", || Disk.create(path))?;
        Ok(failing(path, file))
    }

    fn open(&self, path: &Path, write: bool) -> io::Result<Arc<dyn File>> {
        Ok(failing(path, Disk.open(path, write)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        around(kind(to), "rename", || Disk.rename(from, to))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        around(kind(path), "remove", || Disk.remove(path))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        Disk.list(dir)
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        around("dir", "create", || Disk.create_dir(dir))
    }

    fn space(&self, dir: &Path) -> io::Result<Space> {
        Disk.space(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        around("dir", "sync", || Disk.sync_dir(dir))
    }
}

impl FailingFile {
    fn kind(&self) -> &'static str {
        if self.is_used.load(Ordering::Relaxed) {
            "segment"
        } else {
            self.kind
        }
    }
}

impl File for FailingFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buf, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if self.kind == "prepared" && bytes.iter().any(|byte| *byte != 0) {
            self.is_used.store(true, Ordering::Relaxed);
        }
        around(self.kind(), "write", || self.file.write_at(bytes, offset))
    }

    fn sync_data(&self) -> io::Result<()> {
        around(self.kind(), "sync", || self.file.sync_data())
    }

    fn sync_all(&self) -> io::Result<()> {
        around(self.kind(), "sync", || self.file.sync_all())
    }

    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }
}
