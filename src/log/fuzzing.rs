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

    #[test]
    fn every_file_of_the_corpus_is_answered_also_cut_and_with_flipped_bits() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
        for (name, target) in TARGETS {
            let files = std::fs::read_dir(corpus.join(name)).unwrap();
            let mut count = 0;
            for file in files {
                let bytes = std::fs::read(file.unwrap().path()).unwrap();
                target(&bytes);
                for at in 0..bytes.len() {
                    let mut flipped = bytes.clone();
                    flipped[at] ^= 1 << (at % 8);
                    target(&flipped);
                    target(&bytes[..at]);
                }
                count += 1;
            }
            assert!(count > 0, "no corpus for {name}");
        }
    }
}
