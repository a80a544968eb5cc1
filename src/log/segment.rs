//! Segment files: their names, how they come to be, and where a position is.

use super::error::LogError;
use super::files::{File, Files, read_exact};
use super::format::SEGMENT_HEADER_BYTES;
pub(crate) use super::format::SEGMENT_HEADER_LEN as HEADER_LEN;

use super::format::segment::{BadSegmentHeader, SegmentHeader};
use parking_lot::RwLock;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use uuid::Uuid;

/// The segment after the active one, until its first frame.
pub(crate) const PREPARED: &str = "next.prepared";
/// A segment that is held back for state records when the disk is full.
const RESERVE: &str = "reserve.prepared";
/// Bytes of the smallest segment.
pub(crate) const LEAST_SIZE: u64 = 64 << 10;
/// So many zeros are synced at a time, so that they never crowd the log's own writes.
const ZERO_SYNC: u64 = 2 << 20;

/// One segment file, open.
pub(crate) struct Segment {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Position of its first byte.
    pub(crate) base: u64,
    /// Bytes it holds or will hold.
    pub(crate) size: u64,
    /// The file.
    pub(crate) file: Arc<dyn File>,
}

impl Segment {
    /// The position behind the segment, which is the base of the next.
    pub(crate) fn end(&self) -> u64 {
        self.base + self.size
    }

    /// The position of the first frame.
    pub(crate) fn first_frame(&self) -> u64 {
        self.base + HEADER_LEN
    }

    /// Reads `len` bytes at `position`, all inside this segment.
    pub(crate) fn read(&self, position: u64, len: usize) -> Result<Vec<u8>, LogError> {
        read_exact(&*self.file, len, position - self.base).map_err(LogError::io("read", &self.path))
    }

    /// Writes at `position`, not yet durable.
    pub(crate) fn write(&self, position: u64, bytes: &[u8]) -> Result<(), LogError> {
        self.file
            .write_at(bytes, position - self.base)
            .map_err(LogError::io("write", &self.path))
    }

    /// Makes everything written durable.
    pub(crate) fn sync(&self) -> Result<(), LogError> {
        self.file.sync_data().map_err(LogError::io("sync", &self.path))
    }
}

/// The segments by base; readers share it, the writer adds to it.
#[derive(Default)]
pub(crate) struct Segments {
    by_base: RwLock<BTreeMap<u64, Arc<Segment>>>,
}

impl Segments {
    /// Adds a segment.
    pub(crate) fn add(&self, segment: Arc<Segment>) {
        self.by_base.write().insert(segment.base, segment);
    }

    /// The segment that holds `position`.
    pub(crate) fn at(&self, position: u64) -> Option<Arc<Segment>> {
        let by_base = self.by_base.read();
        let (_, segment) = by_base.range(..=position).next_back()?;
        (position < segment.end()).then(|| Arc::clone(segment))
    }

    /// Those before `position`, ascending.
    pub(crate) fn before(&self, position: u64) -> Vec<Arc<Segment>> {
        let by_base = self.by_base.read();
        by_base
            .range(..position)
            .map(|(_, segment)| Arc::clone(segment))
            .collect()
    }

    /// Forgets the one at `base`.
    pub(crate) fn remove(&self, base: u64) {
        self.by_base.write().remove(&base);
    }

    /// Bytes of all of them.
    pub(crate) fn bytes(&self) -> u64 {
        self.by_base.read().values().map(|segment| segment.size).sum()
    }

    /// The base of the first.
    pub(crate) fn first(&self) -> Option<u64> {
        self.by_base.read().keys().next().copied()
    }

    /// Whether the log still begins at its very beginning.
    pub(crate) fn are_from_the_beginning(&self) -> bool {
        self.by_base.read().contains_key(&0)
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.by_base.read().len()
    }
}

/// The folder of the segments in a data directory.
pub(crate) fn folder(dir: &Path) -> PathBuf {
    dir.join("log")
}

/// The bases in the folder, ascending; an absent folder has none.
///
/// # Errors
/// [`LogError::Foreign`] for a `.seg` file whose name is no base.
pub(crate) fn list(files: &dyn Files, dir: &Path) -> Result<Vec<u64>, LogError> {
    let folder = folder(dir);
    let names = match files.list(&folder) {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(source) => return Err(LogError::io("list", &folder)(source)),
    };
    let mut bases = Vec::new();
    for name in names {
        let Some(stem) = name.strip_suffix(".seg") else {
            continue;
        };
        match stem.parse::<u64>() {
            Ok(base) if stem.len() == 20 => bases.push(base),
            _ => {
                return Err(LogError::Foreign {
                    path: folder.join(name),
                    reason: "its name is not a position",
                });
            }
        }
    }
    bases.sort_unstable();
    Ok(bases)
}

/// The bases of segments and of indexes, which a reader may have built while its segment went.
pub(crate) fn bases(files: &dyn Files, dir: &Path) -> Result<Vec<u64>, LogError> {
    let folder = folder(dir);
    let names = files.list(&folder).map_err(LogError::io("list", &folder))?;
    let stems = names.iter().filter_map(|name| name.strip_suffix(".idx"));
    let mut bases: Vec<u64> = stems.filter_map(|stem| stem.parse().ok()).collect();
    bases.extend(list(files, dir)?);
    bases.sort_unstable();
    bases.dedup();
    Ok(bases)
}

/// Removes a segment that was given up, and its index; gone already is as good.
pub(crate) fn remove(files: &dyn Files, path: &Path) -> Result<(), LogError> {
    for path in [path.with_extension("idx"), path.to_owned()] {
        match files.remove(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(LogError::io("remove", &path)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The path of the segment at `base`.
pub(crate) fn path(dir: &Path, base: u64) -> PathBuf {
    folder(dir).join(format!("{base:020}.seg"))
}

/// Why a segment cannot be used; an I/O error is not among them.
pub(crate) enum BadSegment {
    /// Its header or its length is damaged.
    Damaged(&'static str),
    /// Refuse to go on, whatever else there is.
    Refused(LogError),
}

/// Opens the segment at `base` and checks its header against name and log.
pub(crate) fn open(
    files: &dyn Files,
    dir: &Path,
    base: u64,
    uuid: Uuid,
    write: bool,
) -> Result<Result<Segment, BadSegment>, LogError> {
    let path = path(dir, base);
    let file = files.open(&path, write).map_err(LogError::io("open", &path))?;
    let len = file.len().map_err(LogError::io("measure", &path))?;
    if len < HEADER_LEN {
        return Ok(Err(BadSegment::Damaged("the segment is shorter than its header")));
    }
    let block = read_exact(&*file, SEGMENT_HEADER_BYTES, 0).map_err(LogError::io("read", &path))?;
    let foreign = |reason| {
        Ok(Err(BadSegment::Refused(LogError::Foreign {
            path: path.clone(),
            reason,
        })))
    };
    match SegmentHeader::decode(&block) {
        Ok(header) if header.uuid != uuid => foreign("it carries another log's uuid"),
        Ok(header) if header.base != base => foreign("its header names another position than its name"),
        Ok(header) if len > header.size => Ok(Err(BadSegment::Damaged(
            "the segment is longer than its header says",
        ))),
        Ok(SegmentHeader { size, .. }) => Ok(Ok(Segment {
            path,
            base,
            size,
            file,
        })),
        Err(BadSegmentHeader::Broken) => Ok(Err(BadSegment::Damaged("the header of the segment"))),
        Err(BadSegmentHeader::Unsupported) => Ok(Err(BadSegment::Refused(LogError::Unsupported {
            path,
            what: "segment version",
        }))),
    }
}

/// Makes a file of `size` zeros that can become any segment; durable except for its name.
///
/// Slow: a caller that has time takes the steps of [`Preparing`] one by one.
pub(crate) fn prepare(files: &dyn Files, dir: &Path, size: u64) -> Result<Arc<dyn File>, LogError> {
    let mut preparing = Preparing::start(files, dir, PREPARED, size)?;
    while preparing.left() > 0 {
        preparing.step()?;
    }
    preparing.finish()
}

/// The reserve, to be filled; `None` when it is there.
pub(crate) fn prepare_reserve(
    files: &dyn Files,
    dir: &Path,
    size: u64,
) -> Result<Option<Preparing>, LogError> {
    match reserve(files, dir, size)? {
        Some(_) => Ok(None),
        None => Preparing::start(files, dir, RESERVE, size).map(Some),
    }
}

/// Makes the reserve the prepared segment; `None` when it was used already.
pub(crate) fn take_reserve(
    files: &dyn Files,
    dir: &Path,
    size: u64,
) -> Result<Option<Arc<dyn File>>, LogError> {
    let Some(file) = reserve(files, dir, size)? else {
        return Ok(None);
    };
    let (from, to) = (folder(dir).join(RESERVE), folder(dir).join(PREPARED));
    files.rename(&from, &to).map_err(LogError::io("rename", &from))?;
    Ok(Some(file))
}

/// Gives back the space of files that were not finished.
pub(crate) fn discard_unfinished(files: &dyn Files, dir: &Path, size: u64) -> Result<(), LogError> {
    let folder = folder(dir);
    for name in [PREPARED, RESERVE] {
        let path = folder.join(name);
        let is_unfinished = match files.open(&path, false) {
            Ok(file) => file.len().map_err(LogError::io("measure", &path))? < size,
            Err(_) => false,
        };
        if is_unfinished {
            files.remove(&path).map_err(LogError::io("remove", &path))?;
        }
    }
    Ok(())
}

/// The reserve, if it is whole.
fn reserve(files: &dyn Files, dir: &Path, size: u64) -> Result<Option<Arc<dyn File>>, LogError> {
    let path = folder(dir).join(RESERVE);
    match files.open(&path, true) {
        Ok(file) if file.len().map_err(LogError::io("measure", &path))? == size => Ok(Some(file)),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(LogError::io("open", &path)(error)),
        _ => Ok(None),
    }
}

/// A segment being filled with zeros; safe to go on with beside the writer.
pub(crate) struct Preparing {
    path: PathBuf,
    file: Arc<dyn File>,
    /// Zeros written and synced.
    filled: u64,
    size: u64,
}

impl Preparing {
    /// Makes the file, still empty. A file left by a dead process is replaced.
    pub(crate) fn start(files: &dyn Files, dir: &Path, name: &str, size: u64) -> Result<Self, LogError> {
        let path = folder(dir).join(name);
        let file = files.create(&path).map_err(LogError::io("create", &path))?;
        Ok(Self {
            path,
            file,
            filled: 0,
            size,
        })
    }

    /// Zeros written so far.
    pub(crate) fn filled(&self) -> u64 {
        self.filled
    }

    /// Zeros still to be written.
    pub(crate) fn left(&self) -> u64 {
        self.size - self.filled
    }

    /// Writes and syncs some more zeros.
    pub(crate) fn step(&mut self) -> Result<(), LogError> {
        let end = self.filled + self.left().min(ZERO_SYNC);
        self.file
            .fill(self.filled, end - self.filled)
            .map_err(LogError::io("write", &self.path))?;
        self.filled = end;
        self.file.sync_data().map_err(LogError::io("sync", &self.path))
    }

    /// Makes the whole file durable, its length included.
    pub(crate) fn finish(self) -> Result<Arc<dyn File>, LogError> {
        self.file.sync_all().map_err(LogError::io("sync", &self.path))?;
        Ok(self.file)
    }
}

/// Turns the prepared file into the segment `header` describes.
///
/// On return header and name are durable; until then the name does not exist, so a segment
/// that is found under its name always has a whole header, and everything before it is synced.
pub(crate) fn adopt(
    files: &dyn Files,
    dir: &Path,
    file: Arc<dyn File>,
    header: SegmentHeader,
) -> Result<Segment, LogError> {
    let (folder, path) = (folder(dir), path(dir, header.base));
    file.write_at(&header.encode(), 0)
        .map_err(LogError::io("write", &path))?;
    file.sync_all().map_err(LogError::io("sync", &path))?;
    files
        .rename(&folder.join(PREPARED), &path)
        .map_err(LogError::io("rename", &path))?;
    files.sync_dir(&folder).map_err(LogError::io("sync", &folder))?;
    Ok(Segment {
        path,
        base: header.base,
        size: header.size,
        file,
    })
}

/// Bytes of the reserve in the log of the tests.
#[cfg(test)]
pub(crate) fn reserve_for_tests(files: &dyn Files) -> u64 {
    let path = folder(Path::new("/data")).join(RESERVE);
    files.open(&path, false).and_then(|file| file.len()).unwrap_or(0)
}
