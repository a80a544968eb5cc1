//! The disk: what a loop of write and sync does, without anything around it.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use super::server::Synced;
use super::statistics;
use super::statistics::Latencies;

/// Size of the file: a segment of the log.
const FILE_BYTES: u64 = 128 << 20;

/// A file of zeros that is written over and over, as the log writes its segments.
pub(crate) struct Disk {
    file: File,
}

impl Disk {
    /// Makes the file, on the same file system as the log.
    pub(crate) fn new(dir: &Path) -> Self {
        let file = File::options()
            .write(true)
            .create_new(true)
            .open(dir.join("disk"))
            .expect("a file");
        let zeros = vec![0; 1 << 20];
        for at in (0..FILE_BYTES).step_by(zeros.len()) {
            file.write_all_at(&zeros, at).expect("zeros are written");
        }
        file.sync_all().expect("zeros are synced");
        Self { file }
    }

    /// Groups a second of the mean size that the log had between two moments.
    pub(crate) fn groups_per_second(&self, before: Synced, after: Synced, time: Duration) -> f64 {
        let mean = (after.bytes - before.bytes) / (after.groups - before.groups).max(1);
        let replayed = self.replay(&[mean], time);
        statistics::rate(replayed.groups.count(), replayed.took)
    }

    /// Writes and syncs groups of these sizes, one after the other, over and over.
    pub(crate) fn replay(&self, sizes: &[u64], time: Duration) -> Replayed {
        let longest = sizes.iter().copied().max().unwrap_or(1);
        let bytes = vec![b'x'; usize::try_from(longest.clamp(1, FILE_BYTES)).expect("a length")];
        let (mut at, mut written, mut groups) = (0, 0, Latencies::default());
        let started = Instant::now();
        for size in sizes.iter().map(|size| (*size).clamp(1, FILE_BYTES)).cycle() {
            if started.elapsed() >= time {
                break;
            }
            if at + size > FILE_BYTES {
                at = 0;
            }
            let len = usize::try_from(size).expect("a length");
            let group = bytes.get(..len).unwrap_or(&bytes);
            let begun = Instant::now();
            self.file.write_all_at(group, at).expect("a group is written");
            self.file.sync_data().expect("a group is synced");
            groups.add(begun.elapsed());
            at += size;
            written += size;
        }
        Replayed {
            bytes: written,
            took: started.elapsed(),
            groups: Latencies::merge(vec![groups]),
        }
    }
}

/// What the loop did in one round.
pub(crate) struct Replayed {
    /// Bytes that were written and synced.
    pub(crate) bytes: u64,
    /// How long that took.
    pub(crate) took: Duration,
    /// The time of each group.
    pub(crate) groups: Latencies,
}
