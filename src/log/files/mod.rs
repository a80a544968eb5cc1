//! The file system as the log uses it: one trait for real disks and for simulated ones.
//!
//! Paths are absolute or relative to the process; a rename or a created name is durable only
//! after [`Files::sync_dir`] of its directory.

#[cfg(test)]
pub(crate) mod crashes;
mod disk;
#[cfg(feature = "failpoints")]
pub(crate) mod failpoints;
pub(crate) mod lock;
mod plain;
#[cfg(test)]
pub(crate) mod simulated;

pub(crate) use disk::Disk;
use plain::Plain;

use super::config::FileLayer;
use super::space::Space;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Zeros are written in pieces of this size: the source stays in the processor's cache.
const ZERO_CHUNK: usize = 128 << 10;
static ZEROS: [u8; ZERO_CHUNK] = [0; ZERO_CHUNK];

/// A directory tree of files.
pub(crate) trait Files: Send + Sync {
    /// Creates an empty file, replacing one of that name.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>>;
    /// Opens a file for reading and, if `write`, for writing.
    fn open(&self, path: &Path, write: bool) -> io::Result<Arc<dyn File>>;
    /// Gives a file another name, replacing a file of that name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// The names in a directory, in no order.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// Creates a directory with its parents unless it exists; durable on return.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;
    /// The space of the file system that holds a directory.
    fn space(&self, dir: &Path) -> io::Result<Space>;
    /// Makes the names in a directory durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
}

/// An open file; calls may overlap.
pub(crate) trait File: Send + Sync {
    /// Reads up to `buf.len()` bytes at `offset`; fewer only at the end of the file.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes all bytes at `offset`, extending the file when needed.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Fills `len` bytes at `offset` ahead of their use, so that they read as zeros.
    fn fill(&self, offset: u64, len: u64) -> io::Result<()> {
        let mut filled = 0;
        while filled < len {
            let chunk = usize::try_from(len - filled)
                .unwrap_or(ZERO_CHUNK)
                .min(ZERO_CHUNK);
            self.write_at(ZEROS.split_at(chunk).0, offset + filled)?;
            filled += chunk as u64;
        }
        Ok(())
    }
    /// Makes content and size durable.
    fn sync_data(&self) -> io::Result<()>;
    /// Makes content and all metadata durable.
    fn sync_all(&self) -> io::Result<()>;
    /// Bytes in the file.
    fn len(&self) -> io::Result<u64>;
}

/// The files of the operating system, as an open log uses them.
pub(crate) fn real(layer: FileLayer) -> Arc<dyn Files> {
    match layer {
        #[cfg(feature = "failpoints")]
        FileLayer::Prepared => Arc::new(failpoints::Failing),
        #[cfg(not(feature = "failpoints"))]
        FileLayer::Prepared => Arc::new(Disk),
        FileLayer::Plain => Arc::new(Plain),
    }
}

/// Reads `len` bytes at `offset`.
///
/// # Errors
/// `UnexpectedEof` when the file is shorter.
pub(crate) fn read_exact(file: &dyn File, len: usize, offset: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; len];
    if file.read_at(&mut bytes, offset)? < len {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}
