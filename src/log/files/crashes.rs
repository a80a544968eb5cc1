//! Every state that a power cut can leave on a simulated disk while a log is at work.

#![expect(clippy::cast_possible_truncation, reason = "small files in memory")]

use super::simulated::{NameChange, Simulated, State, apply, put};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use std::collections::HashMap;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;

const BLOCK: u64 = 4096;
/// With so many blocks and names under way every subset of them is tried, with more a sample.
const EXHAUSTIVE: usize = 10;
const SAMPLES: usize = 1 << EXHAUSTIVE;

/// What changes the disk.
#[derive(Clone)]
pub(super) enum Operation {
    Create(u64),
    Name(NameChange),
    Write(u64, u64, Vec<u8>),
    Sync(u64),
    SyncDir(PathBuf),
}

/// What was done to a disk, one operation after the other.
pub(crate) struct Trace {
    disk: Simulated,
    before: State,
}

/// Something that was not synced and may be lost alone.
enum InFlight<'s> {
    Block(u64, u64, &'s [u8]),
    Name(&'s NameChange),
}

impl Trace {
    pub(super) fn new(disk: Simulated, before: State) -> Self {
        Self { disk, before }
    }

    /// How many operations were done so far: what was answered now needs no later one.
    pub(crate) fn len(&self) -> usize {
        self.disk.recorded_len()
    }

    /// Hands every disk that a power cut after any of the operations can leave to `visit`, with
    /// the number of operations done before the cut. Equal disks come once, the last time.
    ///
    /// A block of 4 KiB is written or not, a name is changed or not, in any combination; of
    /// combinations too many to try, `seed` chooses some.
    pub(crate) fn crashes(&self, seed: u64, visit: &mut dyn FnMut(&Simulated, usize)) {
        let operations = self.disk.recorded();
        let mut rng = StdRng::seed_from_u64(seed);
        let mut states = Vec::with_capacity(operations.len() + 1);
        let mut state = self.before.clone();
        states.push(state.clone());
        for operation in &operations {
            state.redo(operation);
            states.push(state.clone());
        }
        // More is acknowledged later: who passes the last time a disk occurs passes before.
        let mut visited = HashSet::new();
        for (done, state) in states.iter().enumerate().rev() {
            let in_flight = in_flight(state);
            for chosen in subsets(in_flight.len(), &mut rng) {
                let (disk, hash) = left(state, &in_flight, &chosen);
                if visited.insert(hash) {
                    visit(&disk, done);
                }
            }
        }
    }
}

fn in_flight(state: &State) -> Vec<InFlight<'_>> {
    let mut found = Vec::new();
    let mut files: Vec<_> = state.contents.iter().collect();
    files.sort_by_key(|(file, _)| **file);
    for (file, content) in files {
        for (offset, bytes) in &content.unsynced {
            let mut at = 0;
            while at < bytes.len() {
                let start = offset + at as u64;
                let end = bytes.len().min(at + (BLOCK - start % BLOCK) as usize);
                found.push(InFlight::Block(*file, start, &bytes[at..end]));
                at = end;
            }
        }
    }
    found.extend(state.unsynced_names.iter().map(InFlight::Name));
    found
}

fn subsets(count: usize, rng: &mut StdRng) -> Vec<Vec<bool>> {
    if count <= EXHAUSTIVE {
        let subset = |mask: usize| (0..count).map(|bit| mask >> bit & 1 == 1).collect();
        return (0..1 << count).map(subset).collect();
    }
    let mut chosen: Vec<Vec<bool>> = vec![vec![false; count], vec![true; count]];
    chosen.resize_with(SAMPLES, || {
        let keep = [0.1, 0.5, 0.9][rng.random_range(0..3_usize)];
        (0..count).map(|_| rng.random_bool(keep)).collect()
    });
    chosen
}

/// The disk with what is chosen of what was under way, and its hash.
fn left(state: &State, in_flight: &[InFlight<'_>], chosen: &[bool]) -> (Simulated, u64) {
    let mut names = state.durable_names.clone();
    let mut contents: HashMap<u64, Vec<u8>> = HashMap::new();
    let kept = in_flight.iter().zip(chosen).filter(|(_, kept)| **kept);
    for (item, _) in kept.clone() {
        if let InFlight::Name(change) = item {
            apply(&mut names, (*change).clone());
        }
    }
    for file in names.values() {
        let durable = state.contents.get(file).map(|content| content.durable.clone());
        contents.insert(*file, durable.unwrap_or_default());
    }
    for (item, _) in kept {
        if let InFlight::Block(file, offset, bytes) = item
            && let Some(content) = contents.get_mut(file)
        {
            put(content, *offset, bytes);
        }
    }
    let mut hasher = DefaultHasher::new();
    for (path, file) in &names {
        (path, contents.get(file)).hash(&mut hasher);
    }
    (Simulated::left_with(names, contents), hasher.finish())
}
