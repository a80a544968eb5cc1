//! The two super slots: read both, write them by turns.

use super::damage::Damage;
use super::error::LogError;
use super::files::{File, Files, read_exact};
use super::format::slot::{BadSlot, SLOT_LEN, Slot};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const NAMES: [&str; 2] = ["super.a", "super.b"];

/// What the slots said, before anything is written.
#[derive(Debug)]
pub(crate) struct SlotsRead {
    /// The newest good slot; `None` when neither was ever written.
    pub(crate) newest: Option<Slot>,
    /// Highest watermark of the good slots.
    pub(crate) watermark: u64,
    /// How many slots were written once and cannot be read.
    pub(crate) damaged: u8,
    /// Whether the next write goes to the second slot.
    second_is_next: bool,
}

/// Reads both slots; changes nothing.
///
/// # Errors
/// [`LogError::Unsupported`] for a slot of a later version. Two damaged slots are data in the
/// answer: `damaged` is 2 and `newest` is `None`.
pub(crate) fn read(files: &dyn Files, dir: &Path) -> Result<SlotsRead, LogError> {
    let mut read = SlotsRead {
        newest: None,
        watermark: 0,
        damaged: 0,
        second_is_next: false,
    };
    for name in NAMES {
        let path = dir.join(name);
        match read_slot(files, &path)? {
            Ok(slot) => {
                read.watermark = read.watermark.max(slot.watermark);
                if read
                    .newest
                    .is_none_or(|newest| slot.generation > newest.generation)
                {
                    read.newest = Some(slot);
                    read.second_is_next = name == NAMES[0];
                }
            }
            Err(BadSlot::Blank) => {}
            Err(BadSlot::Broken) => read.damaged += 1,
            Err(BadSlot::Unsupported) => {
                return Err(LogError::Unsupported {
                    path,
                    what: "super slot version",
                });
            }
        }
    }
    Ok(read)
}

fn read_slot(files: &dyn Files, path: &Path) -> Result<Result<Slot, BadSlot>, LogError> {
    let file = match files.open(path, false) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Err(BadSlot::Blank)),
        Err(source) => return Err(LogError::io("open", path)(source)),
    };
    let len = file
        .len()
        .map_err(LogError::io("measure", path))?
        .min(SLOT_LEN as u64 + 1);
    let bytes = read_exact(&*file, usize::try_from(len).unwrap_or(SLOT_LEN), 0);
    Ok(Slot::decode(&bytes.map_err(LogError::io("read", path))?))
}

/// What to report when neither slot can be read.
pub(crate) fn unreadable(dir: &Path) -> Damage {
    let (segment, reason) = (dir.join(NAMES[0]), "no super slot can be read");
    Damage {
        segment,
        positions: 0..0,
        reason,
        missing: Vec::new(),
    }
}

/// The slots, open for writing.
pub(crate) struct Supers {
    slots: [(PathBuf, Arc<dyn File>); 2],
    second_is_next: bool,
    newest: Slot,
}

impl Supers {
    /// Opens the slots for writing, creating an absent file; `newest` is what the next write continues.
    pub(crate) fn open(
        files: &dyn Files,
        dir: &Path,
        read: &SlotsRead,
        newest: Slot,
    ) -> Result<Self, LogError> {
        let open = |name: &str| {
            let path = dir.join(name);
            let opened = match files.open(&path, true) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => files.create(&path),
                opened => opened,
            };
            opened
                .map_err(LogError::io("open", &path))
                .map(|file| (path, file))
        };
        let slots = [open(NAMES[0])?, open(NAMES[1])?];
        files.sync_dir(dir).map_err(LogError::io("sync", dir))?;
        Ok(Self {
            slots,
            second_is_next: read.second_is_next,
            newest,
        })
    }

    /// What was written last.
    pub(crate) fn newest(&self) -> Slot {
        self.newest
    }

    /// Writes `slot` over the older of the two and syncs it; its generation is set here.
    ///
    /// On return it is durable. If the process dies on the way the other slot is untouched.
    pub(crate) fn write(&mut self, slot: Slot) -> Result<(), LogError> {
        let slot = Slot {
            generation: self.newest.generation + 1,
            ..slot
        };
        let [first, second] = &self.slots;
        let (path, file) = if self.second_is_next { second } else { first };
        file.write_at(&slot.encode(), 0)
            .map_err(LogError::io("write", path))?;
        file.sync_data().map_err(LogError::io("sync", path))?;
        self.second_is_next = !self.second_is_next;
        self.newest = slot;
        Ok(())
    }
}
