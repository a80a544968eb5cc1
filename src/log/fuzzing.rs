//! The decoders, each as a function of arbitrary bytes, for `fuzz/` and for its corpus in the tests.
//!
//! Checksums are set right first where one guards everything: no fuzzer guesses them. Whatever the
//! bytes are, a decoder answers: it neither panics nor allocates by a length that it has not checked.

use super::files::{File, Files};
use super::format::frame::{FrameHeader, FrameKind};
use super::format::slot::{SLOT_LEN, Slot};
use super::format::{body, event, state};
use super::ids::{BusId, DedupKey, RouteId};
use super::index::{IndexFile, Lookup as _, Of, PAGE_LEN};
use super::snapshot::Snapshot;
use crate::log::space::Space;
use bytes::Bytes;
use std::io;
use std::path::Path;
use std::sync::Arc;
use uuid::Uuid;

/// Gives arbitrary bytes to a decoder.
pub type Target = fn(&[u8]);

/// A decoder under its name, which is that of its fuzz target and of its corpus.
pub const TARGETS: &[(&str, Target)] = &[
    ("frame", frame),
    ("index", index),
    ("snapshot", snapshot),
    ("slot", slot),
    ("record", record),
];

/// A frame: the first bytes say how many records its header claims, the rest is the body.
pub fn frame(bytes: &[u8]) {
    if let Some(head) = bytes.first_chunk() {
        FrameHeader::decode(head).ok();
    }
    let Some(([events, records, ..], body)) = bytes.split_first_chunk::<4>() else {
        return;
    };
    let header = FrameHeader {
        kind: FrameKind::Append,
        // The decoder of headers refuses more events than records.
        event_count: u16::from(*events.min(records)),
        bus: BusId(1),
        record_count: u32::from(*records),
        body_len: u32::try_from(body.len()).unwrap_or(u32::MAX),
        position: 4096,
        open: 1,
        salt: 1,
        watermark: 0,
        first_sequence: 1,
        append_time: 0,
        body_crc: 0,
    };
    body::decode(&header, body).ok();
    if let Ok(records) = body::decode_verified(&header, body) {
        let named: usize = records.states.iter().map(|state| state.sequences().count()).sum();
        assert!(named <= body.len(), "more sequences than bytes");
    }
    body::place(&header, body, usize::from(*events)).ok();
}

/// An index file, its pages with right checksums.
pub fn index(bytes: &[u8]) {
    let mut pages = bytes.to_vec();
    for page in pages.chunks_exact_mut(PAGE_LEN) {
        if let Some((payload, crc)) = page.split_last_chunk_mut::<4>() {
            *crc = crc32c::crc32c(payload).to_le_bytes();
        }
    }
    let of = Of {
        uuid: Uuid::nil(),
        base: 0,
    };
    let Ok(file) = IndexFile::open(&OneFile(Arc::new(pages)), Path::new("index"), of) else {
        return;
    };
    file.frames_from(BusId(1), 1, 10).ok();
    file.frame_at(BusId(1), 1).ok();
    file.route_events(RouteId(1), 0, 10).ok();
    file.route_states(RouteId(1), 1).ok();
    file.keyed(BusId(1), DedupKey(1)).ok();
    file.may_hold(BusId(1), DedupKey(1));
}

/// A snapshot without its checksum.
pub fn snapshot(bytes: &[u8]) {
    let crc = crc32c::crc32c(bytes).to_le_bytes();
    let whole = Bytes::from([bytes, &crc].concat());
    drop(Snapshot::decode(&whole, Uuid::nil()));
}

/// A super slot, as it is and with a right checksum.
pub fn slot(bytes: &[u8]) {
    Slot::decode(bytes).ok();
    let mut bytes = bytes.to_vec();
    bytes.resize(SLOT_LEN, 0);
    if let Some((covered, crc)) = bytes.split_last_chunk_mut::<4>() {
        *crc = crc32c::crc32c(covered).to_le_bytes();
    }
    Slot::decode(&bytes).ok();
}

/// One record: of state, and of an event.
pub fn record(bytes: &[u8]) {
    if let Ok(state) = state::decode(bytes) {
        assert!(
            state.sequences().count() <= bytes.len(),
            "more sequences than bytes"
        );
    }
    event::decode(bytes).ok();
}

/// A file system of one file that never changes.
struct OneFile(Arc<Vec<u8>>);

struct Content(Arc<Vec<u8>>);

fn refused<T>() -> io::Result<T> {
    Err(io::ErrorKind::Unsupported.into())
}

impl Files for OneFile {
    fn create(&self, _: &Path) -> io::Result<Arc<dyn File>> {
        refused()
    }
    fn open(&self, _: &Path, _: bool) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(Content(Arc::clone(&self.0))))
    }
    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        refused()
    }
    fn remove(&self, _: &Path) -> io::Result<()> {
        refused()
    }
    fn list(&self, _: &Path) -> io::Result<Vec<String>> {
        refused()
    }
    fn create_dir(&self, _: &Path) -> io::Result<()> {
        refused()
    }
    fn space(&self, _dir: &Path) -> io::Result<Space> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        refused()
    }
}

impl File for Content {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = usize::try_from(offset).ok().and_then(|at| self.0.get(at..));
        let rest = rest.unwrap_or_default();
        let len = rest.len().min(buf.len());
        for (to, from) in buf.iter_mut().zip(rest) {
            *to = *from;
        }
        Ok(len)
    }
    fn write_at(&self, _: &[u8], _: u64) -> io::Result<()> {
        refused()
    }
    fn sync_data(&self) -> io::Result<()> {
        refused()
    }
    fn sync_all(&self) -> io::Result<()> {
        refused()
    }
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::StdRng;
    use rand::{RngExt as _, SeedableRng as _};
    use std::path::PathBuf;

    /// The files that fuzzing begins with.
    fn corpus(target: &str) -> Vec<Vec<u8>> {
        let folder: PathBuf = [env!("CARGO_MANIFEST_DIR"), "fuzz/corpus", target]
            .iter()
            .collect();
        let files = std::fs::read_dir(folder).unwrap();
        let read = |file: io::Result<std::fs::DirEntry>| std::fs::read(file.unwrap().path()).unwrap();
        let files: Vec<_> = files.map(read).collect();
        assert!(!files.is_empty(), "no corpus for {target}");
        files
    }

    #[test]
    fn every_file_of_the_corpus_is_answered_also_cut_and_with_flipped_bits() {
        for (name, target) in TARGETS {
            for bytes in corpus(name) {
                target(&bytes);
                for at in 0..bytes.len() {
                    let mut flipped = bytes.clone();
                    flipped[at] ^= 1 << (at % 8);
                    target(&flipped);
                    target(&bytes[..at]);
                }
            }
        }
    }

    #[test]
    fn the_corpus_is_good_input_so_that_its_mutants_come_far() {
        let one = |target: &str| corpus(target).remove(0);
        let frame = one("frame");
        let [events, records, _, _] = *frame.first_chunk().unwrap();
        assert!(events > 0 && records > events);
        assert!(event::decode(&one("record")).is_ok());
        assert!(Slot::decode(&one("slot")).is_ok());
        let snapshot = one("snapshot");
        let whole = Bytes::from([&snapshot[..], &crc32c::crc32c(&snapshot).to_le_bytes()].concat());
        assert!(Snapshot::decode(&whole, Uuid::nil()).is_some());
        let mut index = one("index");
        let footer = index.len() - 4;
        let start = index.len() - PAGE_LEN;
        let crc = crc32c::crc32c(&index[start..footer]).to_le_bytes();
        index[footer..].copy_from_slice(&crc);
        let of = Of {
            uuid: Uuid::nil(),
            base: 0,
        };
        assert!(IndexFile::open(&OneFile(Arc::new(index)), Path::new("index"), of).is_ok());
    }

    /// Numbers that are at the edge of something.
    const EDGES: [u64; 8] = [0, 1, 7, 0xff, 0xffff, 0xffff_ffff, u64::MAX >> 1, u64::MAX];

    /// Changes some bytes as a fuzzer does.
    fn mutate(bytes: &mut Vec<u8>, other: &[u8], rng: &mut StdRng) {
        for _ in 0..rng.random_range(1..6) {
            let len = bytes.len().max(1);
            let at = rng.random_range(0..len);
            match rng.random_range(0..6) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at.min(bytes.len()), rng.random()),
                2 => {
                    let from = rng.random_range(0..other.len());
                    let end = (from + rng.random_range(1..64)).min(other.len());
                    let at = at.min(bytes.len());
                    drop(bytes.splice(at..at, other[from..end].iter().copied()));
                }
                3 => {
                    let edge = EDGES[rng.random_range(0..EDGES.len())].to_le_bytes();
                    let width = [1, 2, 4, 8][rng.random_range(0..4_usize)];
                    for (to, from) in bytes.iter_mut().skip(at).zip(&edge[..width]) {
                        *to = *from;
                    }
                }
                4 => drop(bytes.drain(at.min(bytes.len())..(at + rng.random_range(0..16)).min(bytes.len()))),
                _ => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte ^= 1 << rng.random_range(0..8);
                    }
                }
            }
        }
    }

    /// `FUZZ_ROUNDS` asks for more, `FUZZ_SEED` for others.
    #[test]
    fn mutants_of_the_corpus_are_answered() {
        let number = |name: &str| std::env::var(name).ok()?.parse().ok();
        let (rounds, seed) = (
            number("FUZZ_ROUNDS").unwrap_or(3_000),
            number("FUZZ_SEED").unwrap_or(1),
        );
        for (name, target) in TARGETS {
            let mut rng = StdRng::seed_from_u64(seed);
            // Mutants of mutants too, as long as they do not grow without bound.
            let mut pool = corpus(name);
            for round in 0..rounds {
                let parent = pool[rng.random_range(0..pool.len())].clone();
                let other = pool[rng.random_range(0..pool.len())].clone();
                let mut bytes = parent;
                mutate(&mut bytes, if other.is_empty() { &[0] } else { &other }, &mut rng);
                let answered = std::panic::catch_unwind(|| target(&bytes));
                assert!(
                    answered.is_ok(),
                    "{name}, seed {seed}, round {round}: {bytes:02x?}"
                );
                if round % 97 == 0 && bytes.len() < 1 << 16 {
                    pool.push(bytes);
                    if pool.len() > 64 {
                        pool.swap_remove(1);
                    }
                }
            }
        }
    }
}
