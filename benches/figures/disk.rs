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
        self.groups(before, after, time).0
    }

    /// The same, and the median time of a group in milliseconds.
    pub(crate) fn groups(&self, before: Synced, after: Synced, time: Duration) -> (f64, f64) {
        let group = (after.bytes - before.bytes) / (after.groups - before.groups).max(1);
        let bytes = vec![b'x'; usize::try_from(group.clamp(1, FILE_BYTES)).expect("a length")];
        let started = Instant::now();
        let (mut at, mut groups) = (0, Latencies::default());
        while started.elapsed() < time {
            if at + group > FILE_BYTES {
                at = 0;
            }
            let begun = Instant::now();
            self.file.write_all_at(&bytes, at).expect("a group is written");
            self.file.sync_data().expect("a group is synced");
            groups.add(begun.elapsed());
            at += group;
        }
        let groups = Latencies::merge(vec![groups]);
        (
            statistics::rate(groups.count(), started.elapsed()),
            groups.percentile(50),
        )
    }
}
