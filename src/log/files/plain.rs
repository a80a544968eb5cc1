//! The real file system without filling segments ahead: plain appends, to be measured beside.
//!
//! A prepared segment only gets its length. Its blocks are allocated as it is written, so a sync
//! writes metadata too, and a full disk is noticed by a write, which ends the log.

use super::{Disk, File, Files};
use crate::log::space::Space;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Files of the operating system that are not filled ahead.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plain;

impl Files for Plain {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let mut options = fs::File::options();
        let file = options.read(true).write(true).create(true).truncate(true);
        Ok(Arc::new(PlainFile(file.open(path)?)))
    }

    fn open(&self, path: &Path, write: bool) -> io::Result<Arc<dyn File>> {
        Disk.open(path, write)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        Disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        Disk.remove(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        Disk.list(dir)
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        Disk.create_dir(dir)
    }

    fn space(&self, dir: &Path) -> io::Result<Space> {
        Disk.space(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        Disk.sync_dir(dir)
    }
}

struct PlainFile(fs::File);

impl File for PlainFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        File::read_at(&self.0, buf, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        File::write_at(&self.0, bytes, offset)
    }

    fn fill(&self, offset: u64, len: u64) -> io::Result<()> {
        self.0.set_len(offset + len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.0.sync_all()
    }

    fn len(&self) -> io::Result<u64> {
        File::len(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use crate::log::{BusId, FileLayer, Log, LogConfig, NewEvent};
    use std::sync::Arc;

    #[tokio::test]
    async fn a_log_of_plain_appends_is_opened_again_with_what_it_held() {
        let dir = tempfile::tempdir().unwrap();
        let open = |file_layer| {
            let config = LogConfig {
                segment_size: 64 << 10,
                max_body: 16 << 10,
                file_layer,
                ..LogConfig::new(dir.path())
            };
            Log::open(config, Arc::new(|| 1)).unwrap().0
        };
        let log = open(FileLayer::Plain);
        for key in 1..=100_u64 {
            let event = NewEvent {
                key: crate::log::DedupKey(key.into()),
                data: vec![b'x'; 2_000].into(),
                ..NewEvent::default()
            };
            log.append(BusId(1), vec![event], Vec::new()).await.unwrap();
        }
        assert!(log.stats().segments > 2);
        drop(log);
        let log = open(FileLayer::Prepared);
        assert_eq!(log.next_sequence(BusId(1)), 101);
        assert_eq!(log.event(BusId(1), 100).unwrap().unwrap().data.len(), 2_000);
    }
}
