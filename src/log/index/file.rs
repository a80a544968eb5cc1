//! The index of a sealed segment on disk: `{base}.idx` beside its segment.
//!
//! Tables in pages, then one page with the footer, last of all. The file is derived: it is written
//! beside its name and renamed, and one that does not read back is built again from its segment.

use super::Lookup;
use super::entry::{BusEntry, Entry, FrameEntry, KeyEntry, RouteEvent, RouteState, StateFrame};
use super::filter::Filter;
use super::memory::Memory;
use super::table::{BadIndex, PAGE_LEN, Section, Table, TableWriter, read_page};
use crate::log::files::{File, Files};
use crate::log::format::VERSION;
use crate::log::format::input::Input;
use crate::log::ids::{BusId, DedupKey, RouteId};
use bytes::BufMut as _;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};
use uuid::Uuid;

const MAGIC: &[u8; 8] = b"TRMLIDX\n";
/// Rows read at once when all are wanted.
const CHUNK: usize = 4_096;
/// Rows of one key read at once: nearly always there is one.
const TWINS: usize = 4;

/// Which segment an index belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Of {
    /// The log's uuid.
    pub(crate) uuid: Uuid,
    /// The segment's base.
    pub(crate) base: u64,
}

/// Where everything is in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Footer {
    buses: Section,
    frames: Section,
    events: Section,
    states: Section,
    state_frames: Section,
    keys: Section,
    filter: Section,
    last_time: i64,
    /// Position behind the last frame with records.
    end: u64,
}

/// A word of the filter as a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Word(u64);

impl Entry for Word {
    const LEN: usize = 8;

    fn put(&self, out: &mut Vec<u8>) {
        out.put_u64_le(self.0);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        input.u64().map(Self)
    }
}

impl Footer {
    fn sections(&self) -> [Section; 7] {
        [
            self.buses,
            self.frames,
            self.events,
            self.states,
            self.state_frames,
            self.keys,
            self.filter,
        ]
    }

    fn encode(&self, of: Of) -> Vec<u8> {
        let mut page = Vec::with_capacity(PAGE_LEN);
        page.put_slice(MAGIC);
        page.put_u32_le(u32::from(VERSION));
        page.put_slice(of.uuid.as_bytes());
        page.put_u64_le(of.base);
        page.put_u64_le(self.end);
        page.put_i64_le(self.last_time);
        for section in self.sections() {
            page.put_u64_le(section.offset);
            page.put_u64_le(section.count);
        }
        page
    }

    /// Reads a footer; `None` when it is not one of this segment and version.
    fn decode(page: &[u8], of: Of) -> Option<Self> {
        let mut input = Input::new(page);
        let is_ours = input.take(MAGIC.len()) == Some(MAGIC)
            && input.u32() == Some(u32::from(VERSION))
            && input.take(16) == Some(of.uuid.as_bytes())
            && input.u64() == Some(of.base);
        if !is_ours {
            return None;
        }
        let (end, last_time) = (input.u64()?, input.i64()?);
        let mut section = || {
            Some(Section {
                offset: input.u64()?,
                count: input.u64()?,
            })
        };
        Some(Self {
            buses: section()?,
            frames: section()?,
            events: section()?,
            states: section()?,
            state_frames: section()?,
            keys: section()?,
            filter: section()?,
            last_time,
            end,
        })
    }
}

/// Writes the index of a segment; on return it is durable under `path` but for the name.
pub(crate) fn write(files: &dyn Files, path: &Path, of: Of, memory: &Memory) -> io::Result<()> {
    let beside = path.with_extension("idx.new");
    let file = files.create(&beside)?;
    put(&*file, of, memory)?;
    file.sync_all()?;
    files.rename(&beside, path)
}

/// Writes the content of an index.
fn put(file: &dyn File, of: Of, memory: &Memory) -> io::Result<()> {
    let mut writer = TableWriter::new(file);
    let (end, last_time) = memory.extent();
    let footer = Footer {
        buses: writer.table(memory.bus_entries().into_iter())?,
        frames: writer.table(memory.frames())?,
        events: writer.table(memory.sorted_events().into_iter())?,
        states: writer.table(memory.sorted_states().into_iter())?,
        state_frames: writer.table(state_frames(memory))?,
        keys: writer.table(memory.sorted_keys().into_iter())?,
        filter: writer.table(memory.filter().words().iter().copied().map(Word))?,
        last_time,
        end,
    };
    writer.page(&mut footer.encode(of))?;
    writer.flush()
}

/// How far each bus comes in the segment, from the index at `path`.
pub(crate) fn ends(files: &dyn Files, path: &Path, of: Of) -> Result<Vec<(BusId, u64)>, BadIndex> {
    let index = IndexFile::open(files, path, of)?;
    Ok(index.buses.iter().map(|entry| (entry.bus, entry.end)).collect())
}

/// Whether the index at `path` is, byte by byte, what would be written of `memory`; `None` when there is none.
pub(crate) fn is_current(
    files: &dyn Files,
    path: &Path,
    of: Of,
    memory: &Memory,
) -> io::Result<Option<bool>> {
    let stored = match files.open(path, false) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let compared = Compared {
        stored,
        end: AtomicU64::new(0),
        differs: AtomicBool::new(false),
    };
    put(&compared, of, memory)?;
    let is_as_long = compared.stored.len()? == compared.end.load(Relaxed);
    Ok(Some(is_as_long && !compared.differs.load(Relaxed)))
}

/// A file that takes writes by comparing them with what is stored.
struct Compared {
    stored: Arc<dyn File>,
    end: AtomicU64,
    differs: AtomicBool,
}

impl File for Compared {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.stored.read_at(buf, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut stored = vec![0; bytes.len()];
        let read = self.stored.read_at(&mut stored, offset)?;
        if read < bytes.len() || stored != bytes {
            self.differs.store(true, Relaxed);
        }
        self.end.fetch_max(offset + bytes.len() as u64, Relaxed);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn sync_all(&self) -> io::Result<()> {
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        self.stored.len()
    }
}

fn state_frames(memory: &Memory) -> impl Iterator<Item = StateFrame> {
    let positions = memory.state_frames().unwrap_or_default();
    positions.into_iter().map(|position| StateFrame { position })
}

/// An index on disk.
pub(crate) struct IndexFile {
    buses: Vec<BusEntry>,
    frames: Table<FrameEntry>,
    events: Table<RouteEvent>,
    states: Table<RouteState>,
    state_frames: Table<StateFrame>,
    keys: Table<KeyEntry>,
    filter: Filter,
    last_time: i64,
    end: u64,
}

impl IndexFile {
    /// Opens the index at `path`; in memory are its buses and its filter.
    pub(crate) fn open(files: &dyn Files, path: &Path, of: Of) -> Result<Self, BadIndex> {
        let file = files.open(path, false)?;
        let len = file.len()?;
        let at = len.checked_sub(PAGE_LEN as u64).ok_or(BadIndex::Damaged)?;
        let footer = Footer::decode(&read_page(&*file, at)?, of).ok_or(BadIndex::Damaged)?;
        if !len.is_multiple_of(PAGE_LEN as u64) || footer.sections().iter().any(|part| !part.fits(at)) {
            return Err(BadIndex::Damaged);
        }
        let words = all(&table::<Word>(&file, footer.filter))?;
        let filter = Filter::of_words(words.into_iter().map(|word| word.0).collect());
        Ok(Self {
            buses: all(&table(&file, footer.buses))?,
            frames: table(&file, footer.frames),
            events: table(&file, footer.events),
            states: table(&file, footer.states),
            state_frames: table(&file, footer.state_frames),
            keys: table(&file, footer.keys),
            filter: filter.ok_or(BadIndex::Damaged)?,
            last_time: footer.last_time,
            end: footer.end,
        })
    }

    fn first_event(&self, route: RouteId, after: u64) -> Result<u64, BadIndex> {
        self.events
            .count_before(|entry| (entry.route, entry.sequence) <= (route, after))
    }
}

fn table<E: Entry>(file: &Arc<dyn File>, section: Section) -> Table<E> {
    Table::new(Arc::clone(file), section)
}

fn all<E: Entry>(table: &Table<E>) -> Result<Vec<E>, BadIndex> {
    table.read(0, usize::try_from(table.len()).unwrap_or(usize::MAX))
}

impl Section {
    /// Whether the table lies before `end`.
    fn fits(self, end: u64) -> bool {
        self.offset <= end && self.count <= (end - self.offset)
    }
}

impl Lookup for IndexFile {
    fn buses(&self) -> Vec<BusEntry> {
        self.buses.clone()
    }

    fn bus(&self, bus: BusId) -> Option<BusEntry> {
        let at = self.buses.binary_search_by_key(&bus, |entry| entry.bus).ok()?;
        self.buses.get(at).copied()
    }

    fn frames_from(&self, bus: BusId, sequence: u64, n: usize) -> Result<Vec<FrameEntry>, BadIndex> {
        let is_before = |frame: &FrameEntry| frame.bus < bus || (frame.bus == bus && frame.end() <= sequence);
        let mut frames = self.frames.read(self.frames.count_before(is_before)?, n)?;
        let of_bus = frames.partition_point(|frame| frame.bus == bus);
        frames.truncate(of_bus);
        Ok(frames)
    }

    fn end_before(&self, bus: BusId, sequence: u64) -> Result<Option<u64>, BadIndex> {
        if self.bus(bus).is_none_or(|entry| entry.first >= sequence) {
            return Ok(None);
        }
        let is_before = |frame: &FrameEntry| (frame.bus, frame.first_sequence) < (bus, sequence);
        let Some(at) = self.frames.count_before(is_before)?.checked_sub(1) else {
            return Ok(None);
        };
        Ok(self.frames.read(at, 1)?.first().map(FrameEntry::end))
    }

    fn frame_at(&self, bus: BusId, time_ms: i64) -> Result<Option<FrameEntry>, BadIndex> {
        let is_before = |frame: &FrameEntry| frame.bus < bus || (frame.bus == bus && frame.time_ms < time_ms);
        let found = self.frames.read(self.frames.count_before(is_before)?, 1)?;
        Ok(found.first().copied().filter(|frame| frame.bus == bus))
    }

    fn route_events(&self, route: RouteId, after: u64, n: usize) -> Result<Vec<u64>, BadIndex> {
        let found = self.events.read(self.first_event(route, after)?, n)?;
        let of_route = found.into_iter().take_while(|entry| entry.route == route);
        Ok(of_route.map(|entry| entry.sequence).collect())
    }

    fn route_count(&self, route: RouteId, after: u64) -> Result<u64, BadIndex> {
        Ok(self.first_event(route, u64::MAX)? - self.first_event(route, after)?)
    }

    fn route_states(&self, route: RouteId, sequence: u64) -> Result<Vec<u64>, BadIndex> {
        let is_before = |entry: &RouteState| (entry.route, entry.sequence) < (route, sequence);
        let is_behind = |entry: &RouteState| (entry.route, entry.sequence) <= (route, sequence);
        let (first, end) = (
            self.states.count_before(is_before)?,
            self.states.count_before(is_behind)?,
        );
        let found = self
            .states
            .read(first, usize::try_from(end - first).unwrap_or(usize::MAX))?;
        Ok(found.into_iter().map(|state| state.position).collect())
    }

    fn state_frames(&self) -> Result<Vec<u64>, BadIndex> {
        Ok(all(&self.state_frames)?
            .into_iter()
            .map(|frame| frame.position)
            .collect())
    }

    fn keyed(&self, bus: BusId, key: DedupKey) -> Result<Vec<u64>, BadIndex> {
        let first = self
            .keys
            .count_before(|entry| (entry.key, entry.bus) < (key, bus))?;
        let mut found = Vec::new();
        loop {
            let rows = self.keys.read(first + found.len() as u64, TWINS)?;
            let of_key = rows.iter().take_while(|row| (row.key, row.bus) == (key, bus));
            let before = found.len();
            found.extend(of_key.map(|row| row.sequence));
            if found.len() - before < TWINS {
                return Ok(found);
            }
        }
    }

    fn each_route_event(&self, f: &mut dyn FnMut(RouteId, u64)) -> Result<(), BadIndex> {
        let mut rank = 0;
        loop {
            let rows = self.events.read(rank, CHUNK)?;
            if rows.is_empty() {
                return Ok(());
            }
            rank += rows.len() as u64;
            for entry in rows {
                f(entry.route, entry.sequence);
            }
        }
    }

    fn extent(&self) -> (u64, i64) {
        (self.end, self.last_time)
    }

    fn may_hold(&self, bus: BusId, key: DedupKey) -> bool {
        self.filter.may_hold(bus, key)
    }
}
