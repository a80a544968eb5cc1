//! The power fails: copies of the block device at a moment under load, recovered by the real binary.
//!
//! The data is on ext4 in a file on XFS, which copies that file at one moment and at once.

use std::path::Path;

use tempfile::TempDir;
use tokio::process::Command;

use super::SMALL;
use super::ledger::Ledger;
use super::publishers::Publishers;
use crate::support::Image;
use crate::support::Mounted;
use crate::support::Server;
use crate::support::tramline;

/// A file system that copies at once, and in it one for the data.
struct Machine {
    // In the order in which they end: what is inside first.
    data: Mounted,
    disk: Image,
    outside: Mounted,
    _place: TempDir,
}

impl Machine {
    fn new() -> Result<Self, String> {
        let place = TempDir::new().map_err(|error| error.to_string())?;
        let outside = Image::make(&place.path().join("xfs"), 2048, "xfs", &["-m", "reflink=1"])?;
        let outside = outside.mount()?;
        let disk = Image::make(&outside.root().join("ext4"), 256, "ext4", &["-F"])?;
        Ok(Self {
            data: disk.mount()?,
            disk,
            outside,
            _place: place,
        })
    }

    /// The device as it is at one moment.
    async fn copy(&self, name: &str) -> Image {
        let path = self.outside.root().join(name);
        let copied = Command::new("cp")
            .arg("--reflink=always")
            .args([self.disk.path(), &path])
            .status()
            .await;
        assert!(copied.expect("cp").success());
        Image::found(&path)
    }
}

/// How many cuts there are; `POWER_CUTS` asks for more.
fn cuts() -> usize {
    let cuts = std::env::var("POWER_CUTS").ok();
    cuts.and_then(|cuts| cuts.parse().ok()).unwrap_or(4)
}

#[tokio::test]
async fn i1_what_was_acknowledged_before_a_power_cut_is_there_afterwards() {
    let machine = match Machine::new() {
        Ok(machine) => machine,
        Err(missing) => {
            eprintln!("SKIPPED, the power-cut test needs root, loop devices and mkfs.xfs: {missing}");
            return;
        }
    };
    let dir = TempDir::new_in(machine.data.root()).expect("a directory");
    let inside = dir.path().file_name().expect("a name").to_owned();
    let mut server = Server::start_in(dir, &SMALL).await;
    let publishers = Publishers::start(&server, 0, 4);
    let mut copies = Vec::new();
    for cut in 0..cuts() {
        publishers
            .acknowledged(60 * (cut + 1) + rand::random_range(0..30))
            .await;
        let before = publishers.so_far();
        copies.push((before, machine.copy(&format!("copy-{cut}")).await));
    }
    server.kill().await;
    publishers.end().await;
    drop(server);
    for (before, image) in copies {
        recovers(&image.mount().expect("a copy mounts"), Path::new(&inside), before).await;
    }
}

async fn recovers(copy: &Mounted, inside: &Path, before: Vec<super::publishers::Told>) {
    assert!(!before.is_empty());
    let data = copy.root().join(inside).join("data");
    tramline(&["log", "verify", "--data-dir", &data.display().to_string()])
        .await
        .ended(0);
    let dir = TempDir::new_in(copy.root()).expect("a directory");
    std::fs::rename(&data, dir.path().join("data")).expect("the data moves");
    let mut server = Server::start_in(dir, &SMALL).await;
    let mut ledger = Ledger::default();
    ledger.take(before);
    ledger.is_all_there(&server).await;
    assert!(server.stop().await.success());
}
