//! The folder that damaged bytes are set aside in before anything is changed.
//!
//! Nothing in it is ever changed or removed by the log.

use super::error::LogError;
use super::files::Files;
use super::segment::{self, Segment};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

const CHUNK: usize = 1 << 20;

fn folder(dir: &Path) -> PathBuf {
    dir.join("quarantine")
}

/// Where the index of the segment at `base` is set aside: it may know what the segment held.
pub(crate) fn index(dir: &Path, base: u64) -> PathBuf {
    folder(dir).join(format!("{base:020}.idx"))
}

/// Copies a range of a segment, as far as the file reaches; on return the copy is durable.
///
/// A copy made before stays: it is the older one, and was whole when it got its name.
pub(crate) fn keep(
    files: &dyn Files,
    dir: &Path,
    segment: &Segment,
    positions: &Range<u64>,
) -> Result<PathBuf, LogError> {
    let folder = folder(dir);
    files
        .create_dir(&folder)
        .map_err(LogError::io("create", &folder))?;
    let path = folder.join(format!("{:020}-{:020}.bin", positions.start, positions.end));
    match files.open(&path, false) {
        Ok(_) => return Ok(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(LogError::io("open", &path)(source)),
    }
    let beside = path.with_extension("bin.new");
    let copy = files.create(&beside).map_err(LogError::io("create", &beside))?;
    let mut buffer = vec![0; CHUNK];
    let mut at = positions.start;
    while at < positions.end {
        let len = CHUNK.min(usize::try_from(positions.end - at).unwrap_or(CHUNK));
        let (chunk, _) = buffer.split_at_mut(len);
        let read = segment.file.read_at(chunk, at - segment.base);
        let read = read.map_err(LogError::io("read", &segment.path))?;
        let (chunk, _) = chunk.split_at(read);
        copy.write_at(chunk, at - positions.start)
            .map_err(LogError::io("write", &beside))?;
        at += if read < len {
            positions.end - at
        } else {
            len as u64
        };
    }
    copy.sync_all().map_err(LogError::io("sync", &beside))?;
    files
        .rename(&beside, &path)
        .map_err(LogError::io("rename", &beside))?;
    files.sync_dir(&folder).map_err(LogError::io("sync", &folder))?;
    Ok(path)
}

/// Moves the index of the segment at `base` here, if it has one: it no longer fits.
pub(crate) fn keep_index(files: &dyn Files, dir: &Path, base: u64) -> Result<(), LogError> {
    let from = segment::path(dir, base).with_extension("idx");
    let folder = folder(dir);
    files
        .create_dir(&folder)
        .map_err(LogError::io("create", &folder))?;
    match files.rename(&from, &index(dir, base)) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(LogError::io("rename", &from)(source)),
    }
    files.sync_dir(&folder).map_err(LogError::io("sync", &folder))?;
    let log = segment::folder(dir);
    files.sync_dir(&log).map_err(LogError::io("sync", &log))
}
