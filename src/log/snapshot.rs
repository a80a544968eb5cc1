//! Snapshots: what must be known at the start of a segment so that nothing before it is read.
//!
//! Derived while the log reaches back far enough. Below the oldest segment the snapshot is the only
//! home of the next sequence of every bus, of the numbers ever given, and of what its owner saved
//! (the unfinished deliveries). The newest two are kept, each verified after it was written.

use super::error::LogError;
use super::files::{Files, read_exact};
use super::format::input::Input;
use super::format::{VERSION, stored_len};
use super::ids::{BusId, RouteId};
use bytes::{BufMut as _, Bytes};
use std::io;
use std::path::{Path, PathBuf};
use uuid::Uuid;

const MAGIC: &[u8; 8] = b"TRMLSNP\n";
/// Snapshots that are kept: the newest may be lost to the disk.
pub(crate) const KEPT: usize = 2;

/// A place between two segments at which a snapshot may be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Checkpoint(pub(crate) u64);

/// What the log itself must know to go on from a position without what lies before it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Base {
    /// The base of a segment.
    pub(crate) position: u64,
    /// Time of the frame before it.
    pub(crate) time: i64,
    /// The opening that wrote that frame.
    pub(crate) open: u64,
    /// Its salt.
    pub(crate) salt: u64,
    /// The highest bus ever named.
    pub(crate) highest_bus: BusId,
    /// The highest route ever named.
    pub(crate) highest_route: RouteId,
    /// The next sequence of every bus that had events; ascending.
    pub(crate) next: Vec<(BusId, u64)>,
    /// Every bus ever opened, with what was said of it; ascending.
    pub(crate) buses: Vec<(BusId, Bytes)>,
    /// Every route ever opened, with its bus and what was said of it; ascending.
    pub(crate) routes: Vec<(RouteId, BusId, Bytes)>,
}

/// A snapshot as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) base: Base,
    /// What the owner saved.
    pub(crate) state: Bytes,
}

impl Snapshot {
    /// The bytes of the snapshot of the log `uuid`.
    pub(crate) fn encode(&self, uuid: Uuid) -> Vec<u8> {
        let base = &self.base;
        let mut out = Vec::new();
        out.put_slice(MAGIC);
        out.put_u32_le(u32::from(VERSION));
        out.put_slice(uuid.as_bytes());
        out.put_u64_le(base.position);
        out.put_i64_le(base.time);
        out.put_u64_le(base.open);
        out.put_u64_le(base.salt);
        out.put_u32_le(base.highest_bus.0);
        out.put_u64_le(base.highest_route.0);
        out.put_u64_le(base.next.len() as u64);
        out.put_u64_le(base.buses.len() as u64);
        out.put_u64_le(base.routes.len() as u64);
        out.put_u64_le(self.state.len() as u64);
        for (bus, next) in &base.next {
            out.put_u32_le(bus.0);
            out.put_u64_le(*next);
        }
        for (bus, said) in &base.buses {
            out.put_u32_le(bus.0);
            put_said(&mut out, said);
        }
        for (route, bus, said) in &base.routes {
            out.put_u64_le(route.0);
            out.put_u32_le(bus.0);
            put_said(&mut out, said);
        }
        out.put_slice(&self.state);
        let crc = crc32c::crc32c(&out);
        out.put_u32_le(crc);
        out
    }

    /// Reads a snapshot of the log `uuid`; `None` when anything about it is not as it was written.
    pub(crate) fn decode(bytes: &Bytes, uuid: Uuid) -> Option<Self> {
        let (covered, crc) = bytes
            .split_last_chunk::<4>()
            .map(|(covered, crc)| (covered, u32::from_le_bytes(*crc)))?;
        if crc32c::crc32c(covered) != crc {
            return None;
        }
        let mut input = Input::new(covered);
        let is_ours = input.take(MAGIC.len()) == Some(MAGIC)
            && input.u32() == Some(u32::from(VERSION))
            && input.take(16) == Some(uuid.as_bytes());
        if !is_ours {
            return None;
        }
        let mut base = Base {
            position: input.u64()?,
            time: input.i64()?,
            open: input.u64()?,
            salt: input.u64()?,
            highest_bus: BusId(input.u32()?),
            highest_route: RouteId(input.u64()?),
            ..Base::default()
        };
        let (next, buses, routes, state) = (input.u64()?, input.u64()?, input.u64()?, input.u64()?);
        for _ in 0..next {
            base.next.push((BusId(input.u32()?), input.u64()?));
        }
        for _ in 0..buses {
            let bus = BusId(input.u32()?);
            base.buses.push((bus, said(&mut input, bytes)?));
        }
        for _ in 0..routes {
            let (route, bus) = (RouteId(input.u64()?), BusId(input.u32()?));
            base.routes.push((route, bus, said(&mut input, bytes)?));
        }
        let state = input.take(usize::try_from(state).ok()?)?;
        input.rest().is_empty().then(|| Self {
            base,
            state: bytes.slice_ref(state),
        })
    }
}

fn put_said(out: &mut Vec<u8>, said: &[u8]) {
    out.put_u32_le(stored_len(said.len()));
    out.put_slice(said);
}

fn said(input: &mut Input<'_>, bytes: &Bytes) -> Option<Bytes> {
    let len = input.len()?;
    Some(bytes.slice_ref(input.take(len)?))
}

/// Writes a snapshot, reads it back, and forgets all but the newest two.
///
/// On return it is durable. If the process dies on the way the older ones are untouched.
pub(crate) fn save(files: &dyn Files, dir: &Path, uuid: Uuid, snapshot: &Snapshot) -> Result<(), LogError> {
    let folder = folder(dir);
    files
        .create_dir(&folder)
        .map_err(LogError::io("create", &folder))?;
    let path = path(dir, snapshot.base.position);
    let beside = path.with_extension("snap.new");
    let bytes = snapshot.encode(uuid);
    let file = files.create(&beside).map_err(LogError::io("create", &beside))?;
    file.write_at(&bytes, 0).map_err(LogError::io("write", &beside))?;
    file.sync_all().map_err(LogError::io("sync", &beside))?;
    files
        .rename(&beside, &path)
        .map_err(LogError::io("rename", &beside))?;
    files.sync_dir(&folder).map_err(LogError::io("sync", &folder))?;
    if load(files, dir, uuid, snapshot.base.position)?.as_ref() != Some(snapshot) {
        let source = io::Error::from(io::ErrorKind::InvalidData);
        return Err(LogError::io("read back", &path)(source));
    }
    let positions = list(files, dir)?;
    for old in positions.iter().rev().skip(KEPT) {
        let path = self::path(dir, *old);
        files.remove(&path).map_err(LogError::io("remove", &path))?;
    }
    Ok(())
}

/// Reads the snapshot at `position`; `None` when it is absent or damaged.
pub(crate) fn load(
    files: &dyn Files,
    dir: &Path,
    uuid: Uuid,
    position: u64,
) -> Result<Option<Snapshot>, LogError> {
    let path = path(dir, position);
    let read = || -> io::Result<Vec<u8>> {
        let file = files.open(&path, false)?;
        read_exact(&*file, usize::try_from(file.len()?).unwrap_or(usize::MAX), 0)
    };
    match read() {
        Ok(bytes) => {
            let snapshot = Snapshot::decode(&Bytes::from(bytes), uuid);
            Ok(snapshot.filter(|snapshot| snapshot.base.position == position))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(LogError::io("read", &path)(source)),
    }
}

/// The newest readable snapshot among those whose position `fits`.
pub(crate) fn newest(
    files: &dyn Files,
    dir: &Path,
    uuid: Uuid,
    fits: impl Fn(u64) -> bool,
) -> Result<Option<Snapshot>, LogError> {
    for position in list(files, dir)?
        .into_iter()
        .rev()
        .filter(|position| fits(*position))
    {
        if let Some(snapshot) = load(files, dir, uuid, position)? {
            return Ok(Some(snapshot));
        }
        tracing::warn!(path = %path(dir, position).display(), "a damaged snapshot is passed over");
    }
    Ok(None)
}

/// The positions of those of the newest snapshots that read back, ascending.
pub(crate) fn readable(files: &dyn Files, dir: &Path, uuid: Uuid) -> Result<Vec<u64>, LogError> {
    let mut found = Vec::new();
    for position in list(files, dir)? {
        if load(files, dir, uuid, position)?.is_some() {
            found.push(position);
        }
    }
    Ok(found)
}

/// The positions of the snapshots by their names, ascending.
pub(crate) fn list(files: &dyn Files, dir: &Path) -> Result<Vec<u64>, LogError> {
    let folder = folder(dir);
    let names = match files.list(&folder) {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(source) => return Err(LogError::io("list", &folder)(source)),
    };
    let stems = names.iter().filter_map(|name| name.strip_suffix(".snap"));
    let mut positions: Vec<u64> = stems.filter_map(|stem| stem.parse().ok()).collect();
    positions.sort_unstable();
    Ok(positions)
}

fn folder(dir: &Path) -> PathBuf {
    dir.join("snapshots")
}

/// Where the snapshot at `position` is.
pub(crate) fn path(dir: &Path, position: u64) -> PathBuf {
    folder(dir).join(format!("{position:020}.snap"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::files::simulated::Simulated;

    fn snapshot(position: u64) -> Snapshot {
        Snapshot {
            base: Base {
                position,
                time: 7,
                open: 3,
                salt: 9,
                highest_bus: BusId(2),
                highest_route: RouteId(5),
                next: vec![(BusId(1), 10), (BusId(2), 20)],
                buses: vec![
                    (BusId(1), Bytes::from_static(b"orders")),
                    (BusId(3), Bytes::new()),
                ],
                routes: vec![
                    (RouteId(4), BusId(1), Bytes::from_static(b"crm")),
                    (RouteId(5), BusId(0), Bytes::new()),
                ],
            },
            state: Bytes::from_static(b"open deliveries"),
        }
    }

    #[test]
    fn the_newest_two_are_kept_and_read_back() {
        let (disk, dir, uuid) = (Simulated::default(), Path::new("/data"), Uuid::nil());
        for position in [4096, 8192, 12_288] {
            save(&disk, dir, uuid, &snapshot(position)).unwrap();
        }
        assert_eq!(list(&disk, dir).unwrap(), [8192, 12_288]);
        assert_eq!(
            newest(&disk, dir, uuid, |_| true).unwrap(),
            Some(snapshot(12_288))
        );
        assert_eq!(
            newest(&disk, dir, uuid, |at| at < 10_000).unwrap(),
            Some(snapshot(8192))
        );
        assert_eq!(
            newest(&disk, dir, Uuid::max(), |_| true).unwrap(),
            None,
            "of another log"
        );
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let bytes = snapshot(4096).encode(Uuid::nil());
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << (at % 8);
            assert_eq!(Snapshot::decode(&damaged.into(), Uuid::nil()), None, "{at}");
            assert_eq!(
                Snapshot::decode(&bytes[..at].to_vec().into(), Uuid::nil()),
                None,
                "{at}"
            );
        }
    }
}
