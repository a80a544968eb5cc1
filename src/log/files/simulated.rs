//! A file system in memory that can lose power, for tests.
//!
//! Unsynced writes and unsynced names are kept apart from what is durable. [`Simulated::crash`]
//! keeps an arbitrary subset of them, writes torn at 512 bytes. Faults are injected by countdown.
//! [`Simulated::record`] records what a log does, to try every crash on the way.

#![expect(clippy::cast_possible_truncation, reason = "small files in memory")]

use super::crashes::{Operation, Trace};
use super::{File, Files};
use crate::log::format::frame::{FrameHeader, FrameKind};
use crate::log::space::Space;
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const SECTOR: u64 = 512;

/// What a fault hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A write fails after half of its bytes.
    Write,
    /// A sync fails and, as on Linux, the next one would claim success.
    Sync,
    /// The process dies: nothing happens from here on.
    Death,
}

/// What does nothing and claims success: a broken log for the suite to catch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lie {
    /// The sync of a file.
    FileSync,
    /// The sync of a directory.
    DirSync,
    /// The write of a mark frame.
    Mark,
}

#[derive(Clone, Default)]
pub(super) struct Content {
    pub(super) durable: Vec<u8>,
    pub(super) cached: Vec<u8>,
    pub(super) unsynced: Vec<(u64, Vec<u8>)>,
}

#[derive(Clone)]
pub(super) enum NameChange {
    Set(PathBuf, u64),
    Move(PathBuf, PathBuf, u64),
    Remove(PathBuf),
}

impl NameChange {
    /// The directory whose sync makes it durable.
    fn folder(&self) -> Option<&Path> {
        let (Self::Set(path, _) | Self::Move(_, path, _) | Self::Remove(path)) = self;
        path.parent()
    }
}

#[derive(Clone)]
pub(super) struct State {
    /// Bytes the disk holds.
    capacity: u64,
    pub(super) contents: HashMap<u64, Content>,
    pub(super) durable_names: BTreeMap<PathBuf, u64>,
    names: BTreeMap<PathBuf, u64>,
    pub(super) unsynced_names: Vec<NameChange>,
    faults: Vec<(Fault, u64)>,
    dead: bool,
    life: u64,
    next_file: u64,
    lies: Vec<Lie>,
    trace: Option<Vec<Operation>>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            capacity: 1 << 40,
            contents: HashMap::new(),
            durable_names: BTreeMap::new(),
            names: BTreeMap::new(),
            unsynced_names: Vec::new(),
            faults: Vec::new(),
            dead: false,
            life: 0,
            next_file: 0,
            lies: Vec::new(),
            trace: None,
        }
    }
}

/// The simulated disk; clones are the same disk.
#[derive(Clone, Default)]
pub(crate) struct Simulated {
    state: Arc<Mutex<State>>,
}

struct Handle {
    disk: Simulated,
    file: u64,
    life: u64,
}

fn eio() -> io::Error {
    io::Error::other("injected")
}

pub(super) fn put(target: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
    let (start, end) = (offset as usize, offset as usize + bytes.len());
    if target.len() < end {
        target.resize(end, 0);
    }
    target[start..end].copy_from_slice(bytes);
}

pub(super) fn apply(names: &mut BTreeMap<PathBuf, u64>, change: NameChange) {
    match change {
        NameChange::Set(path, file) => {
            names.insert(path, file);
        }
        NameChange::Move(from, to, file) => {
            names.remove(&from);
            names.insert(to, file);
        }
        NameChange::Remove(path) => {
            names.remove(&path);
        }
    }
}

impl State {
    /// Bytes that no named file takes.
    fn free(&self) -> u64 {
        let files = self.names.values().filter_map(|file| self.contents.get(file));
        let used: usize = files.map(|content| content.cached.len()).sum();
        self.capacity.saturating_sub(used as u64)
    }

    /// Counts the operation against the faults of its kind; every operation ages `Death`.
    fn operate(&mut self, kind: Option<Fault>) -> io::Result<()> {
        if self.dead {
            return Err(eio());
        }
        let mut hit = None;
        self.faults.retain_mut(|(fault, left)| {
            if *fault != Fault::Death && Some(*fault) != kind {
                return true;
            }
            if *left == 0 {
                hit = Some(*fault);
                return false;
            }
            *left -= 1;
            true
        });
        match hit {
            Some(Fault::Death) => {
                self.dead = true;
                Err(eio())
            }
            Some(_) => Err(eio()),
            None => Ok(()),
        }
    }

    fn lies_about(&self, lie: Lie) -> bool {
        self.lies.contains(&lie)
    }

    /// Does what a live process asked for and records it.
    fn perform(&mut self, operation: Operation) {
        self.redo(&operation);
        if let Some(trace) = &mut self.trace {
            trace.push(operation);
        }
    }

    /// Does what was recorded.
    pub(super) fn redo(&mut self, operation: &Operation) {
        match operation {
            Operation::Create(file) => {
                self.next_file = self.next_file.max(*file);
                self.contents.insert(*file, Content::default());
            }
            Operation::Name(change) => {
                apply(&mut self.names, change.clone());
                self.unsynced_names.push(change.clone());
            }
            Operation::Write(file, offset, bytes) => {
                let content = self.contents.entry(*file).or_default();
                put(&mut content.cached, *offset, bytes);
                content.unsynced.push((*offset, bytes.clone()));
            }
            Operation::Sync(file) => {
                let content = self.contents.entry(*file).or_default();
                for (offset, bytes) in std::mem::take(&mut content.unsynced) {
                    put(&mut content.durable, offset, &bytes);
                }
            }
            Operation::SyncDir(dir) => {
                let (synced, left): (Vec<_>, _) = std::mem::take(&mut self.unsynced_names)
                    .into_iter()
                    .partition(|change| change.folder() == Some(dir));
                self.unsynced_names = left;
                for change in synced {
                    apply(&mut self.durable_names, change);
                }
            }
        }
    }
}

impl Simulated {
    /// Lets `fault` happen after `after` more operations of its kind (of any kind for death).
    pub(crate) fn inject(&self, fault: Fault, after: u64) {
        self.state.lock().faults.push((fault, after));
    }

    /// Lets something do nothing from now on and claim success.
    pub(crate) fn lie_about(&self, lie: Lie) {
        self.state.lock().lies.push(lie);
    }

    /// Records from now on what changes the disk.
    pub(crate) fn record(&self) -> Trace {
        let mut state = self.state.lock();
        let before = state.clone();
        state.trace = Some(Vec::new());
        Trace::new(self.clone(), before)
    }

    /// What was recorded so far.
    pub(super) fn recorded(&self) -> Vec<Operation> {
        self.state.lock().trace.clone().unwrap_or_default()
    }

    /// How much was recorded so far.
    pub(super) fn recorded_len(&self) -> usize {
        self.state.lock().trace.as_ref().map_or(0, Vec::len)
    }

    /// A disk after a power cut that left this and nothing else.
    pub(super) fn left_with(names: BTreeMap<PathBuf, u64>, contents: HashMap<u64, Vec<u8>>) -> Self {
        let next_file = contents.keys().copied().max().unwrap_or(0);
        let contents = contents.into_iter().map(|(file, bytes)| {
            let content = Content {
                durable: bytes.clone(),
                cached: bytes,
                unsynced: Vec::new(),
            };
            (file, content)
        });
        let state = State {
            contents: contents.collect(),
            durable_names: names.clone(),
            names,
            next_file,
            ..State::default()
        };
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// Whether a file may grow to `len` bytes.
    fn has_room(&self, file: u64, len: u64) -> bool {
        let state = self.state.lock();
        let held = state
            .contents
            .get(&file)
            .map_or(0, |content| content.cached.len() as u64);
        len <= held || len - held <= state.free()
    }

    /// Changes how much the disk holds; what is on it stays.
    pub(crate) fn set_capacity(&self, bytes: u64) {
        self.state.lock().capacity = bytes;
    }

    /// Cuts the power: a seeded subset of what was not synced survives; old handles are dead.
    pub(crate) fn crash(&self, seed: u64) {
        let mut rng = StdRng::seed_from_u64(seed);
        let keep = [0.0, 0.3, 0.5, 0.8, 1.0][rng.random_range(0..5_usize)];
        let mut state = self.state.lock();
        let state = &mut *state;
        let mut files: Vec<_> = state.contents.iter_mut().collect();
        files.sort_by_key(|(file, _)| **file);
        for (_, content) in files {
            for (offset, bytes) in std::mem::take(&mut content.unsynced) {
                let mut at = 0;
                while at < bytes.len() {
                    let start = offset + at as u64;
                    let end = bytes.len().min(at + (SECTOR - start % SECTOR) as usize);
                    if rng.random_bool(keep) {
                        put(&mut content.durable, start, &bytes[at..end]);
                    }
                    at = end;
                }
            }
            content.cached.clone_from(&content.durable);
        }
        for change in std::mem::take(&mut state.unsynced_names) {
            if rng.random_bool(keep) {
                apply(&mut state.durable_names, change);
            }
        }
        state.names = state.durable_names.clone();
        state.faults.clear();
        state.dead = false;
        state.life += 1;
    }

    /// Ends the process in an orderly way for the disk: everything in the cache stays.
    pub(crate) fn kill(&self) {
        self.state.lock().life += 1;
    }

    /// Removes a file behind the log's back.
    pub(crate) fn remove(&self, path: &Path) {
        let mut state = self.state.lock();
        state.names.remove(path);
        state.durable_names.remove(path);
    }

    /// The bytes of a file as a reader sees them.
    pub(crate) fn content(&self, path: &Path) -> Vec<u8> {
        let state = self.state.lock();
        state.contents[&state.names[path]].cached.clone()
    }

    /// Replaces the bytes of a file, on disk and in the cache; creates it when absent.
    pub(crate) fn set_content(&self, path: &Path, bytes: Vec<u8>) {
        let mut state = self.state.lock();
        let state = &mut *state;
        let file = *state.names.entry(path.to_owned()).or_insert_with(|| {
            state.next_file += 1;
            state.next_file
        });
        state.durable_names.insert(path.to_owned(), file);
        state.contents.insert(
            file,
            Content {
                durable: bytes.clone(),
                cached: bytes,
                unsynced: Vec::new(),
            },
        );
    }

    /// A second disk with the same content as a reader sees it now.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self::default();
        let paths: Vec<PathBuf> = self.state.lock().names.keys().cloned().collect();
        for path in paths {
            copy.set_content(&path, self.content(&path));
        }
        copy
    }

    fn handle(&self, file: u64, life: u64) -> Arc<dyn File> {
        Arc::new(Handle {
            disk: self.clone(),
            file,
            life,
        })
    }
}

impl Files for Simulated {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let mut state = self.state.lock();
        state.operate(None)?;
        let file = state.next_file + 1;
        state.perform(Operation::Create(file));
        state.perform(Operation::Name(NameChange::Set(path.to_owned(), file)));
        Ok(self.handle(file, state.life))
    }

    fn open(&self, path: &Path, _write: bool) -> io::Result<Arc<dyn File>> {
        let mut state = self.state.lock();
        state.operate(None)?;
        let file = *state.names.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(self.handle(file, state.life))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        state.operate(None)?;
        let file = *state.names.get(from).ok_or(io::ErrorKind::NotFound)?;
        let change = NameChange::Move(from.to_owned(), to.to_owned(), file);
        state.perform(Operation::Name(change));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        state.operate(None)?;
        if !state.names.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.perform(Operation::Name(NameChange::Remove(path.to_owned())));
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut state = self.state.lock();
        state.operate(None)?;
        let inside = state.names.keys().filter(|path| path.parent() == Some(dir));
        Ok(inside
            .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect())
    }

    fn create_dir(&self, _dir: &Path) -> io::Result<()> {
        self.state.lock().operate(None)
    }

    fn space(&self, _dir: &Path) -> io::Result<Space> {
        let state = self.state.lock();
        Ok(Space {
            free: state.free(),
            total: state.capacity,
        })
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        state.operate(Some(Fault::Sync))?;
        if !state.lies_about(Lie::DirSync) {
            state.perform(Operation::SyncDir(dir.to_owned()));
        }
        Ok(())
    }
}

impl Handle {
    fn with<T>(&self, kind: Option<Fault>, f: impl FnOnce(&mut State) -> T) -> io::Result<T> {
        let mut state = self.disk.state.lock();
        if state.life != self.life {
            return Err(eio());
        }
        state.operate(kind)?;
        Ok(f(&mut state))
    }

    fn read<T>(&self, f: impl FnOnce(&Content) -> T) -> io::Result<T> {
        self.with(None, |state| state.contents.get(&self.file).map(f))?
            .ok_or_else(eio)
    }

    fn write(&self, kind: Option<Fault>, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.with(kind, |state| {
            if !(state.lies_about(Lie::Mark) && is_mark(bytes)) {
                state.perform(Operation::Write(self.file, offset, bytes.to_vec()));
            }
        })
    }

    fn sync(&self) -> io::Result<()> {
        let synced = self.with(Some(Fault::Sync), |state| {
            if !state.lies_about(Lie::FileSync) {
                state.perform(Operation::Sync(self.file));
            }
        });
        if synced.is_err() {
            let mut state = self.disk.state.lock();
            if state.life == self.life && !state.dead {
                // The kernel marks the pages clean: the cache shows them, the disk never gets them.
                state
                    .contents
                    .get_mut(&self.file)
                    .ok_or_else(eio)?
                    .unsynced
                    .clear();
            }
        }
        synced
    }
}

fn is_mark(bytes: &[u8]) -> bool {
    let header = bytes
        .first_chunk()
        .and_then(|header| FrameHeader::decode(header).ok());
    header.is_some_and(|header| header.kind == FrameKind::Mark)
}

impl File for Handle {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.read(|content| {
            let rest = content.cached.get(offset as usize..).unwrap_or_default();
            let len = rest.len().min(buf.len());
            buf[..len].copy_from_slice(&rest[..len]);
            len
        })
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if !self.disk.has_room(self.file, offset + bytes.len() as u64) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let written = self.write(Some(Fault::Write), bytes, offset);
        if written.is_err() {
            self.write(None, &bytes[..bytes.len() / 2], offset).ok();
        }
        written
    }

    fn sync_data(&self) -> io::Result<()> {
        self.sync()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync()
    }

    fn len(&self) -> io::Result<u64> {
        self.read(|content| content.cached.len() as u64)
    }
}
