//! The index of one sealed segment, wherever it is at the moment.

use super::Lookup;
use super::file::{self, IndexFile, Of};
use super::memory::Memory;
use super::table::BadIndex;
use crate::log::chain::Chain;
use crate::log::damage::Damage;
use crate::log::error::LogError;
use crate::log::files::Files;
use crate::log::format::Refused;
use crate::log::ids::{BusId, DedupKey};
use crate::log::scan::{Bad, Scanner};
use crate::log::segment::Segment;
use parking_lot::{Mutex, RwLock};
use std::path::PathBuf;
use std::sync::Arc;
use uuid::Uuid;

/// Where the index of a segment is.
#[derive(Clone)]
enum Content {
    /// Nowhere: it is built when it is needed, or before.
    Absent,
    /// The segment was just sealed or scanned; on its way to the disk.
    Memory(Arc<Memory>),
    /// On disk.
    File(Arc<IndexFile>),
}

/// The index of one sealed segment. Safe to ask from many threads; it mends itself.
pub(crate) struct Part {
    segment: Arc<Segment>,
    uuid: Uuid,
    files: Arc<dyn Files>,
    content: RwLock<Content>,
    building: Mutex<()>,
}

impl Part {
    /// A segment that was sealed just now.
    pub(crate) fn sealed(files: Arc<dyn Files>, uuid: Uuid, segment: Arc<Segment>, memory: Memory) -> Self {
        Self::new(files, uuid, segment, Content::Memory(Arc::new(memory)))
    }

    /// A segment that was sealed before the log was opened; its index is read when it is needed.
    pub(crate) fn found(files: Arc<dyn Files>, uuid: Uuid, segment: Arc<Segment>) -> Self {
        Self::new(files, uuid, segment, Content::Absent)
    }

    fn new(files: Arc<dyn Files>, uuid: Uuid, segment: Arc<Segment>, content: Content) -> Self {
        Self {
            segment,
            uuid,
            files,
            content: RwLock::new(content),
            building: Mutex::new(()),
        }
    }

    /// The segment.
    pub(crate) fn segment(&self) -> &Arc<Segment> {
        &self.segment
    }

    /// Asks the index, building it first when it is absent or damaged.
    ///
    /// Blocking: a question is a few small reads, building is one pass over the segment.
    ///
    /// # Errors
    /// What the disk says; [`LogError::Corrupt`] when the segment itself is damaged.
    pub(crate) fn ask<T>(
        &self,
        question: impl Fn(&dyn Lookup) -> Result<T, BadIndex>,
    ) -> Result<T, LogError> {
        let mut rebuilt = false;
        loop {
            let answer = match self.content()? {
                Content::Memory(memory) => question(&*memory),
                Content::File(file) => question(&*file),
                Content::Absent => Err(BadIndex::Damaged),
            };
            match answer {
                Ok(answer) => return Ok(answer),
                Err(BadIndex::Io(source)) => return Err(LogError::io("read", &self.path())(source)),
                Err(BadIndex::Damaged) if rebuilt => {
                    let source = std::io::Error::from(std::io::ErrorKind::InvalidData);
                    return Err(LogError::io("read", &self.path())(source));
                }
                Err(BadIndex::Damaged) => {
                    tracing::warn!(index = %self.path().display(), "a damaged index is built again");
                    rebuilt = true;
                    let _building = self.building.lock();
                    self.build()?;
                }
            }
        }
    }

    /// Reads or builds the index unless it is there.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub(crate) fn ready(&self) -> Result<(), LogError> {
        self.content().map(|_| ())
    }

    /// Whether the segment may hold a key; an index that was not read yet may hold any.
    pub(crate) fn may_hold(&self, bus: BusId, key: DedupKey) -> bool {
        match &*self.content.read() {
            Content::Absent => true,
            Content::Memory(memory) => memory.may_hold(bus, key),
            Content::File(file) => file.may_hold(bus, key),
        }
    }

    /// Moves an index that is only in memory to the disk. If that fails it stays where it is.
    pub(crate) fn store(&self) {
        let _building = self.building.lock();
        let memory = match &*self.content.read() {
            Content::Memory(memory) => Arc::clone(memory),
            Content::Absent | Content::File(_) => return,
        };
        // One that is there already may be of another history of the segment: it must be this one.
        let is_current = file::is_current(&*self.files, &self.path(), self.of(), &memory);
        match IndexFile::open(&*self.files, &self.path(), self.of()) {
            Ok(file) if matches!(is_current, Ok(Some(true))) => {
                *self.content.write() = Content::File(Arc::new(file));
            }
            _ => self.try_move_to_disk(&memory),
        }
    }

    /// Where the index is on disk.
    pub(crate) fn path(&self) -> PathBuf {
        self.segment.path.with_extension("idx")
    }

    fn of(&self) -> Of {
        Of {
            uuid: self.uuid,
            base: self.segment.base,
        }
    }

    fn content(&self) -> Result<Content, LogError> {
        let content = self.content.read().clone();
        if !matches!(content, Content::Absent) {
            return Ok(content);
        }
        let _building = self.building.lock();
        // Somebody else may have been faster.
        let content = self.content.read().clone();
        if !matches!(content, Content::Absent) {
            return Ok(content);
        }
        match IndexFile::open(&*self.files, &self.path(), self.of()) {
            Ok(file) => *self.content.write() = Content::File(Arc::new(file)),
            Err(BadIndex::Io(error)) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(LogError::io("open", &self.path())(error));
            }
            Err(_) => self.build()?,
        }
        Ok(self.content.read().clone())
    }

    /// Builds the index; the caller holds `building`.
    fn build(&self) -> Result<(), LogError> {
        let memory = Arc::new(self.scan()?);
        *self.content.write() = Content::Memory(Arc::clone(&memory));
        self.try_move_to_disk(&memory);
        Ok(())
    }

    fn try_move_to_disk(&self, memory: &Memory) {
        if let Err(error) = self.move_to_disk(memory) {
            tracing::warn!(%error, index = %self.path().display(), "an index stays in memory: it cannot be written");
        }
    }

    fn move_to_disk(&self, memory: &Memory) -> Result<(), LogError> {
        let path = self.path();
        file::write(&*self.files, &path, self.of(), memory).map_err(LogError::io("write", &path))?;
        let file = IndexFile::open(&*self.files, &path, self.of());
        let file = file.map_err(|bad| match bad {
            BadIndex::Io(source) => LogError::io("open", &path)(source),
            BadIndex::Damaged => LogError::io("read", &path)(std::io::ErrorKind::InvalidData.into()),
        })?;
        *self.content.write() = Content::File(Arc::new(file));
        Ok(())
    }

    fn scan(&self) -> Result<Memory, LogError> {
        let mut memory = Memory::default();
        let mut chain = Chain::within();
        let mut scanner = Scanner::new(&self.segment);
        let first = self.segment.first_frame();
        let stop = scanner.walk(first, &mut chain, &mut |header, records| {
            memory.add_scanned(header, &records);
        })?;
        let Some(bad) = stop.bad else { return Ok(memory) };
        if let Bad::Refused(Refused::Unsupported(what)) = bad {
            return Err(LogError::Unsupported {
                path: self.segment.path.clone(),
                what,
            });
        }
        Err(LogError::Corrupt {
            damage: vec![Damage {
                segment: self.segment.path.clone(),
                positions: stop.position..self.segment.end(),
                reason: bad.reason(),
                missing: Vec::new(),
            }],
        })
    }
}
